//! What is near in a suite, by name: the typical value of the neighbours of something new.
//!
//! Names are paths of some kind: `tests/a.py::Class::test[1]`, `shop.tests.Orders.test_a`,
//! `TestX/sub`. So the neighbours of a name are those that share the longest beginning with it that
//! ends where a word does: parameters of one test, a class, a file, a directory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use super::estimate::median;

/// A value beyond so many times the median of its neighbours counts as so many times it: one long
/// test does not make every new one beside it long.
const LONG_FACTOR: u64 = 4;

/// Names with their values, sorted, and what was already worked out of them.
#[derive(Debug, Default)]
pub(super) struct Near<'h> {
    by_name: Vec<(&'h str, u64)>,
    /// The median of all.
    all: Option<u64>,
    /// The typical value of a range: thousands of new names may share one.
    known: RefCell<HashMap<Range<usize>, u64>>,
}

impl<'h> Near<'h> {
    /// `by_name` comes sorted.
    pub(super) fn new(by_name: Vec<(&'h str, u64)>) -> Self {
        debug_assert!(by_name.is_sorted_by_key(|&(name, _)| name), "names are looked up");
        let all = median(&mut by_name.iter().map(|&(_, us)| us).collect::<Vec<_>>());
        Self { by_name, all, known: RefCell::default() }
    }

    /// The median of all there is, if there is any.
    pub(super) fn all(&self) -> Option<u64> {
        self.all
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<u64> {
        let at = self.by_name.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some(self.by_name[at].1)
    }

    /// The typical value of what begins with the first of these prefixes that anything begins with.
    pub(super) fn of<'p>(&self, mut prefixes: impl Iterator<Item = &'p str>) -> Option<u64> {
        let range = prefixes.find_map(|prefix| {
            let start = self.by_name.partition_point(|&(name, _)| name < prefix);
            let rest = &self.by_name[start..];
            let count = rest.partition_point(|&(name, _)| name.starts_with(prefix));
            (count > 0).then_some(start..start + count)
        })?;
        let typical = || mean_without_long(&self.by_name[range.clone()]);
        Some(*self.known.borrow_mut().entry(range.clone()).or_insert_with(typical))
    }
}

/// The mean, what is beyond [`LONG_FACTOR`] times the median counted as that much. Sums of tests
/// are what is wanted, and there the mean is right where the median is too low.
fn mean_without_long(values: &[(&str, u64)]) -> u64 {
    let middle = median(&mut values.iter().map(|&(_, us)| us).collect::<Vec<_>>()).unwrap_or(0);
    let most = middle.saturating_mul(LONG_FACTOR);
    let sum: u128 = values.iter().map(|&(_, us)| u128::from(us.min(most))).sum();
    u64::try_from(sum / values.len().max(1) as u128).unwrap_or(u64::MAX)
}

/// The beginnings of a name that end behind a character which no word has, the longest first.
pub(super) fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.char_indices().rev();
    ends.filter(|&(_, c)| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .map(|(at, c)| &name[..at + c.len_utf8()])
        .filter(|prefix| prefix.len() < name.len())
}
