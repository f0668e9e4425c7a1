//! Some of a suite's runs. A suite keeps few, so their positions are bits of a number: what a
//! million tests remember of their runs must not take much.

use std::ops::{BitAnd, BitOr};

use super::RUNS_MAX;

/// Runs of a suite, by their positions in its list. One run more than are kept has room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RunSet(u64);

const _: () = assert!(RUNS_MAX < 64, "a set has a bit for each run of a suite");

impl RunSet {
    /// Whether a run is in it.
    pub(super) fn contains(self, at: usize) -> bool {
        self.0 & bit(at) != 0
    }

    /// Puts a run in.
    pub(super) fn insert(&mut self, at: usize) {
        self.0 |= bit(at);
    }

    /// Whether no run is in it.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many runs are in it.
    pub(super) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// How many runs of it are older than that at a position.
    pub(super) fn before(self, at: usize) -> usize {
        Self(self.0 & (bit(at) - 1)).len()
    }

    /// The newest of them.
    pub(super) fn newest(self) -> Option<usize> {
        Some(self.0.checked_ilog2()? as usize)
    }

    /// Without the runs of another set.
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Their positions, ascending.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let at = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(at)
        })
    }

    /// The same runs where they stand in another list; `to` tells where, by position, and those are
    /// left out that it has nothing for.
    pub(super) fn moved(self, to: &[Option<usize>]) -> Self {
        self.iter().filter_map(|at| to[at]).collect()
    }
}

fn bit(at: usize) -> u64 {
    1 << at
}

impl FromIterator<usize> for RunSet {
    fn from_iter<T: IntoIterator<Item = usize>>(positions: T) -> Self {
        let mut set = Self::default();
        positions.into_iter().for_each(|at| set.insert(at));
        set
    }
}

impl BitAnd for RunSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for RunSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(
            a in proptest::collection::btree_set(0_usize..=RUNS_MAX, 0..20),
            b in proptest::collection::btree_set(0_usize..=RUNS_MAX, 0..20),
            at in 0_usize..=RUNS_MAX,
        ) {
            let of = |set: &BTreeSet<usize>| set.iter().copied().collect::<RunSet>();
            let (one, other) = (of(&a), of(&b));
            prop_assert_eq!(one.iter().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(one & other, of(&(&a & &b)));
            prop_assert_eq!(one | other, of(&(&a | &b)));
            prop_assert_eq!(one.without(other), of(&(&a - &b)));
            prop_assert_eq!((one.len(), one.is_empty()), (a.len(), a.is_empty()));
            prop_assert_eq!((one.contains(at), one.newest()), (a.contains(&at), a.last().copied()));
            prop_assert_eq!(one.before(at), a.range(..at).count());
            let to: Vec<_> = (0..=RUNS_MAX).map(|from| from.checked_sub(at)).collect();
            let moved = a.iter().filter_map(|from| from.checked_sub(at)).collect();
            prop_assert_eq!(one.moved(&to), of(&moved));
        }
    }
}
