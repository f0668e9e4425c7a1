//! The search for what makes a group fail: delta debugging (Zeller and Hildebrandt, "Simplifying
//! and isolating failure-inducing input", 2002), which for one culprit is a binary search.

/// Narrows a list, in its order, down to a part from which nothing can be left out.
#[derive(Debug)]
pub(super) struct Search<T> {
    /// What is known to make it fail.
    guilty: Vec<T>,
    /// In how many parts it is cut.
    parts: usize,
    /// Which is tried: the parts, then the guilty without each of them.
    turn: usize,
}

impl<T: Clone> Search<T> {
    /// Starts from a list that makes it fail, where none of it does not.
    pub(super) fn new(guilty: Vec<T>) -> Self {
        Self { guilty, parts: 2, turn: 0 }
    }

    /// What to try next; nothing when the search is over.
    pub(super) fn candidate(&self) -> Option<Vec<T>> {
        if self.guilty.len() < 2 || self.turn >= self.turns() {
            return None;
        }
        let (from, to) = self.part(self.turn % self.parts);
        Some(if self.turn < self.parts {
            self.guilty[from..to].to_vec()
        } else {
            [&self.guilty[..from], &self.guilty[to..]].concat()
        })
    }

    /// Takes what came of the candidate.
    pub(super) fn tell(&mut self, fails: bool) {
        let Some(candidate) = self.candidate() else { return };
        if fails {
            self.parts = if self.turn < self.parts { 2 } else { (self.parts - 1).max(2) };
            self.guilty = candidate;
            self.turn = 0;
            return;
        }
        self.turn += 1;
        if self.turn == self.turns() && self.parts < self.guilty.len() {
            self.parts = (self.parts * 2).min(self.guilty.len());
            self.turn = 0;
        }
    }

    /// What is known to make it fail.
    pub(super) fn guilty(&self) -> &[T] {
        &self.guilty
    }

    /// Without one of two parts it is the other one.
    fn turns(&self) -> usize {
        if self.parts == 2 { 2 } else { 2 * self.parts }
    }

    fn part(&self, index: usize) -> (usize, usize) {
        let length = self.guilty.len();
        (index * length / self.parts, (index + 1) * length / self.parts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is found among so many if all of the culprits are needed, and after how many tries.
    fn found(count: usize, culprits: &[usize]) -> (Vec<usize>, usize) {
        let mut search = Search::new((0..count).collect());
        let mut tries = 0;
        while let Some(candidate) = search.candidate() {
            tries += 1;
            search.tell(culprits.iter().all(|culprit| candidate.contains(culprit)));
        }
        (search.guilty().to_vec(), tries)
    }

    #[test]
    fn one_culprit_is_found_by_halves() {
        for culprit in 0..1000 {
            let (guilty, tries) = found(1000, &[culprit]);
            assert_eq!(guilty, [culprit]);
            assert!(tries <= 20, "{tries}");
        }
        assert_eq!(found(1, &[0]), (vec![0], 0));
        assert_eq!(found(0, &[]), (vec![], 0));
    }

    proptest! {
        #[test]
        fn what_is_found_is_all_that_is_needed_in_its_order(
            count in 1_usize..60, culprits in prop::collection::btree_set(0_usize..60, 1..5)
        ) {
            let culprits: Vec<usize> = culprits.into_iter().filter(|c| *c < count).collect();
            prop_assume!(!culprits.is_empty());
            prop_assert_eq!(found(count, &culprits).0, culprits);
        }
    }
}
