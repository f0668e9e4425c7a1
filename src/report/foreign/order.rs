//! Sorts the tests of all files by name, and finds those that several of them tell of.

use std::cmp::Ordering;

use super::super::run::TestReport;

/// What tells tests apart: name, group, and the file that they stand in. Of those that are one, the
/// one whose JUnit file ranks first comes first.
fn compare(a: &TestReport, b: &TestReport, ranks: &[usize]) -> Ordering {
    let rank = |test: &TestReport| ranks.get(test.worker as usize).copied();
    same_name(a, b)
        .then(a.group.cmp(&b.group))
        .then_with(|| a.file.cmp(&b.file))
        .then_with(|| rank(a).cmp(&rank(b)))
}

fn same_name(a: &TestReport, b: &TestReport) -> Ordering {
    a.id.name.cmp(&b.id.name)
}

/// Whether two tests are one, as two files tell of it.
pub(super) fn are_one(a: &TestReport, b: &TestReport) -> bool {
    a.group == b.group && a.id.name == b.id.name && a.file == b.file
}

/// Sorts all tests; those of each file are sorted already, which makes it quick: most often the
/// stretches of one class have only to be put into order.
pub(super) fn sort(tests: &mut [TestReport], ranks: &[usize]) {
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    for stretch in tests.chunk_by(|a, b| {
        a.group == b.group
            && a.worker == b.worker
            && a.class() == b.class()
            && same_name(a, b).is_le()
    }) {
        stretches.push((from, from + stretch.len()));
        from += stretch.len();
    }
    stretches.sort_by(|a, b| compare(&tests[a.0], &tests[b.0], ranks));
    let mut order: Vec<usize> = stretches.into_iter().flat_map(|(from, to)| from..to).collect();
    let in_order = |a: &usize, b: &usize| compare(&tests[*a], &tests[*b], ranks);
    if !order.is_sorted_by(|a, b| in_order(a, b).is_le()) {
        order.sort_by(in_order);
    }
    arrange(tests, order);
}

/// Puts what is at `order[n]` to place `n`.
fn arrange<T>(items: &mut [T], mut order: Vec<usize>) {
    for start in 0..order.len() {
        let mut at = start;
        while order[at] != start {
            let next = order[at];
            items.swap(at, next);
            order[at] = at;
            at = next;
        }
        order[at] = at;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_order_it_is_kept(
            order in Just((0..40).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let mut items: Vec<usize> = (100..140).collect();
            arrange(&mut items, order.clone());
            let expected: Vec<usize> = order.iter().map(|at| at + 100).collect();
            prop_assert_eq!(items, expected);
        }
    }
}
