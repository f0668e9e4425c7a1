//! How long a group will take, from what the runs before this one saw.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::import::{IMPORTED_RUN, keep_own};
use super::{History, SuiteHistory, TestHistory};
use crate::model::{Basis, Estimate, Group, SuiteName};

/// The newest durations of a test that its estimate is the median of: enough to bear one odd run,
/// few enough to follow change. Of 1 to 9 the best p95 in the replay of `cargo bench --bench plan`.
pub const RECENT: usize = 3;

/// What a test takes of which nothing is known, nor of its suite; so does a group whose tests are
/// not listed. Microseconds.
pub const DEFAULT_US: u64 = 1_000_000;

/// A group whose tests are not listed is taken to have those that it had in one of its last so
/// many runs: one run alone may have been cut short.
const GROUP_RUNS: usize = 3;

/// The history as one run sees it.
#[derive(Debug)]
pub struct Estimator<'h> {
    suites: BTreeMap<&'h SuiteName, SuiteView<'h>>,
}

/// What is visible of one suite.
#[derive(Debug, Default)]
struct SuiteView<'h> {
    /// The newest recorded number of workers.
    workers: Option<u32>,
    overhead_us: u64,
    /// Each test's typical duration; 0 for one that is always skipped.
    tests: HashMap<&'h str, u64>,
    groups: HashMap<&'h str, GroupView>,
    /// The median of its tests, if it has any.
    typical_test_us: Option<u64>,
    /// The median of its groups.
    typical_group_us: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct GroupView {
    /// Its tests together.
    us: u64,
    /// Whether each of them was measured.
    measured: bool,
    /// How many tests its newest run saw.
    tests_last_time: usize,
}

impl<'h> Estimator<'h> {
    /// Looks at what came before run `as_of`; at all of it without a number.
    #[must_use]
    pub fn new(history: &'h History, as_of: Option<u64>) -> Self {
        let visible = |run: u64| as_of.is_none_or(|as_of| run < as_of);
        let suites = history.suites.iter();
        Self { suites: suites.map(|(name, suite)| (name, SuiteView::of(suite, visible))).collect() }
    }

    /// How long a group will take: its tests' typical durations and the suite's typical overhead of
    /// a group. Where its tests are not listed, those count that it had lately.
    #[must_use]
    pub fn estimate(&self, group: &Group) -> Estimate {
        let count = group.tests.as_ref().map_or(1, Vec::len) as u64;
        let unknown =
            Estimate { us: DEFAULT_US.saturating_mul(count.max(1)), basis: Basis::Default };
        let Some(suite) = self.suites.get(&group.id.suite) else { return unknown };
        let found = match &group.tests {
            Some(tests) => suite.listed(tests),
            None => suite.unlisted(group),
        };
        found.map_or(unknown, |Estimate { us, basis }| Estimate {
            us: us.saturating_add(suite.overhead_us).max(1),
            basis,
        })
    }

    /// How many tests a group had in the newest run that saw it.
    #[must_use]
    pub fn tests_last_time(&self, suite: &SuiteName, group: &str) -> Option<usize> {
        Some(self.suites.get(suite)?.groups.get(group)?.tests_last_time)
    }

    /// The number of workers that a suite's shards had in its newest run.
    #[must_use]
    pub fn workers(&self, suite: &SuiteName) -> Option<u32> {
        self.suites.get(suite)?.workers
    }
}

impl<'h> SuiteView<'h> {
    fn of(suite: &'h SuiteHistory, visible: impl Fn(u64) -> bool + Copy) -> Self {
        let runs = || suite.runs.iter().rev().filter(|facts| visible(facts.run));
        let overheads = runs().filter_map(|facts| facts.overhead_us);
        let mut view = Self {
            workers: runs().find_map(|facts| facts.workers),
            overhead_us: median(&mut overheads.take(RECENT).collect::<Vec<_>>()).unwrap_or(0),
            ..Self::default()
        };
        view.learn_tests(&suite.tests, visible);
        view.learn_groups(&suite.tests, visible);
        view
    }

    fn learn_tests(&mut self, lines: &'h [TestHistory], visible: impl Fn(u64) -> bool + Copy) {
        let mut measured = Vec::with_capacity(lines.len());
        for lines in lines.chunk_by(|a, b| a.name == b.name) {
            let us = typical(lines, visible);
            measured.extend(us);
            if let Some(us) = us.or_else(|| always_skipped(lines, visible).then_some(0)) {
                self.tests.insert(&lines[0].name, us);
            }
        }
        self.typical_test_us = median(&mut measured);
    }

    fn learn_groups(&mut self, lines: &'h [TestHistory], visible: impl Fn(u64) -> bool + Copy) {
        let mut lines: Vec<_> = lines
            .iter()
            .filter_map(|line| Some((&*line.group, line.last_seen(visible)?, line)))
            .collect();
        lines.sort_by_key(|&(group, ..)| group);
        for lines in lines.chunk_by(|a, b| a.0 == b.0) {
            let group = self.group(lines, visible);
            self.groups.insert(lines[0].0, group);
        }
        let mut sums: Vec<u64> = self.groups.values().map(|group| group.us).collect();
        self.typical_group_us = median(&mut sums);
    }

    /// One group, from its lines, each with the newest run that saw it.
    fn group(
        &self,
        lines: &[(&str, u64, &TestHistory)],
        visible: impl Fn(u64) -> bool,
    ) -> GroupView {
        let runs = lines.iter().flat_map(|(_, _, line)| line.runs()).filter(|&run| visible(run));
        let mut runs: Vec<u64> = runs.collect();
        keep_own(&mut runs, |&run| run);
        runs.sort_unstable_by_key(|&run| Reverse(run));
        // An import says nothing of how many tests there were.
        let newest = runs.first().filter(|&&run| run != IMPORTED_RUN);
        let tests_last_time = runs.iter().filter(|run| Some(*run) == newest).count();
        runs.dedup();
        let since = runs[runs.len().min(GROUP_RUNS) - 1];
        let current = lines.iter().filter(|&&(_, last_seen, _)| last_seen >= since);
        let known = current.map(|(_, _, line)| self.tests.get(&*line.name).copied());
        let typical = self.typical_test_us.unwrap_or(0);
        let blank = GroupView { us: 0, measured: true, tests_last_time };
        known.fold(blank, |group, us| GroupView {
            us: group.us.saturating_add(us.unwrap_or(typical)),
            measured: group.measured && us.is_some(),
            tests_last_time,
        })
    }

    /// The sum over tests that are known by name, if anything is known at all.
    fn listed(&self, tests: &[String]) -> Option<Estimate> {
        let typical = self.typical_test_us?;
        Some(sum(tests.iter().map(|test| match self.tests.get(&**test) {
            Some(&us) => Estimate { us, basis: Basis::Measured },
            None => Estimate { us: typical, basis: Basis::Neighbours },
        })))
    }

    /// The sum over what the group had; of a joined group that is new, over its members.
    fn unlisted(&self, group: &Group) -> Option<Estimate> {
        self.typical_test_us?;
        let typical = self.typical_group_us?;
        let known = |name: &str| self.groups.get(name).copied().map(GroupView::estimate);
        Some(known(&group.id.name).unwrap_or_else(|| {
            sum(group.members.iter().map(|member| {
                let new = Estimate { us: typical, basis: Basis::Neighbours };
                known(&member.name).unwrap_or(new)
            }))
        }))
    }
}

impl GroupView {
    fn estimate(self) -> Estimate {
        let basis = if self.measured { Basis::Measured } else { Basis::Neighbours };
        Estimate { us: self.us, basis }
    }
}

/// All together, as sure as the least sure of them.
fn sum(parts: impl Iterator<Item = Estimate>) -> Estimate {
    let nothing = Estimate { us: 0, basis: Basis::Measured };
    parts.fold(nothing, |all, part| Estimate {
        us: all.us.saturating_add(part.us),
        basis: all.basis.max(part.basis),
    })
}

/// A test's typical duration, from its lines in all groups.
fn typical(lines: &[TestHistory], visible: impl Fn(u64) -> bool) -> Option<u64> {
    let measured = lines.iter().flat_map(|line| &line.measured);
    let mut measured: Vec<(u64, u64)> =
        measured.filter(|&&(run, _)| visible(run)).copied().collect();
    keep_own(&mut measured, |&(run, _)| run);
    measured.sort_unstable_by_key(|&(run, us)| Reverse((run, us)));
    median(&mut measured.iter().take(RECENT).map(|&(_, us)| us).collect::<Vec<_>>())
}

/// Whether all that is known of a test is that it is skipped.
fn always_skipped(lines: &[TestHistory], visible: impl Fn(u64) -> bool) -> bool {
    let seen = |runs: &[u64]| runs.iter().any(|&run| visible(run));
    lines.iter().any(|line| seen(&line.skipped))
        && !lines.iter().any(|line| seen(&line.failed) || seen(&line.flaky))
}

/// The middle value; of an even number, the mean of the middle two, rounded down.
pub(super) fn median(values: &mut [u64]) -> Option<u64> {
    let (middle, even) = (values.len().checked_sub(1)? / 2, values.len().is_multiple_of(2));
    let (_, &mut low, above) = values.select_nth_unstable(middle);
    let high = above.iter().min().copied().filter(|_| even).unwrap_or(low);
    Some(low + (high - low) / 2)
}
