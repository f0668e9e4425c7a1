//! How long a group will take, from what the runs before this one saw.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::import::{IMPORTED_RUN, Replaced, keep_own};
use super::near::{Near, prefixes};
use super::{History, RunSet, SuiteHistory, TestHistory};
use crate::model::{Basis, Estimate, Group, SuiteName};

/// The newest durations of a test that its estimate is made from: enough to bear one odd run, few
/// enough to follow change.
pub const RECENT: usize = 3;

/// How far a duration may be from the median of the recent ones before it counts as so far: times
/// or divided by this. One odd run moves an estimate by half at most.
const ODD_FACTOR: u64 = 2;

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
    /// The median over the suites of what a test takes, for a suite of which nothing is known.
    typical_test_us: Option<u64>,
    /// The same of a group.
    typical_group_us: Option<u64>,
}

/// What is visible of one suite.
#[derive(Debug, Default)]
struct SuiteView<'h> {
    /// The newest recorded number of workers.
    workers: Option<u32>,
    overhead_us: u64,
    /// Tests that are always skipped.
    skipped: HashSet<&'h str>,
    /// By name.
    groups: Vec<(&'h str, GroupView)>,
    /// Its measured tests by name, for those that are new.
    near_tests: Near<'h>,
    /// Its groups by name, for those that are new.
    near_groups: Near<'h>,
}

#[derive(Debug, Default, Clone, Copy)]
struct GroupView {
    /// Its tests together.
    us: u64,
    /// Those of them that take any time, as far as they were measured, and how many they are.
    known: (u64, u64),
    /// Whether each of them was measured.
    measured: bool,
    /// How many tests its newest run saw.
    tests_last_time: usize,
}

impl<'h> Estimator<'h> {
    /// Looks at what came before run `as_of`; at all of it without a number.
    #[must_use]
    pub fn new(history: &'h History, as_of: Option<u64>) -> Self {
        let visible =
            |suite: &SuiteHistory| suite.runs_where(|run| as_of.is_none_or(|as_of| run < as_of));
        let suites = history.suites.iter();
        let suites: BTreeMap<_, _> =
            suites.map(|(name, suite)| (name, SuiteView::of(suite, visible(suite)))).collect();
        let tests = suites.values().filter_map(|suite| suite.near_tests.all());
        let groups = suites.values().filter_map(|suite| suite.near_groups.all());
        Self {
            typical_test_us: median(&mut tests.collect::<Vec<_>>()),
            typical_group_us: median(&mut groups.collect::<Vec<_>>()),
            suites,
        }
    }

    /// How long a group will take: its tests' typical durations and the suite's typical overhead of
    /// a group. Where its tests are not listed, those count that it had lately. What is new is as
    /// what is nearest to it: see `history/near.rs`.
    #[must_use]
    pub fn estimate(&self, group: &Group) -> Estimate {
        let suite = self.suites.get(&group.id.suite);
        let found = match &group.tests {
            Some(tests) => suite.and_then(|suite| suite.listed(&group.id.name, tests)),
            None => suite.and_then(|suite| suite.unlisted(group)),
        };
        let found = found.unwrap_or_else(|| self.foreign(group));
        let overhead_us = suite.map_or(0, |suite| suite.overhead_us);
        Estimate { us: found.us.saturating_add(overhead_us).max(1), basis: found.basis }
    }

    /// A group of a suite that was never measured: as in the other suites.
    fn foreign(&self, group: &Group) -> Estimate {
        let (count, typical) = match &group.tests {
            Some(tests) => (tests.len().max(1) as u64, self.typical_test_us),
            None => (1, self.typical_group_us),
        };
        let basis = typical.map_or(Basis::Default, |_| Basis::Neighbours);
        Estimate { us: typical.unwrap_or(DEFAULT_US).saturating_mul(count), basis }
    }

    /// How long a test took lately, microseconds, where it was measured.
    #[must_use]
    pub fn test_us(&self, suite: &SuiteName, test: &str) -> Option<u64> {
        self.suites.get(suite)?.known_test(test)
    }

    /// How many tests a group had in the newest run that saw it.
    #[must_use]
    pub fn tests_last_time(&self, suite: &SuiteName, group: &str) -> Option<usize> {
        Some(self.suites.get(suite)?.known_group(group)?.tests_last_time)
    }

    /// The number of workers that a suite's shards had in its newest run.
    #[must_use]
    pub fn workers(&self, suite: &SuiteName) -> Option<u32> {
        self.suites.get(suite)?.workers
    }
}

impl<'h> SuiteView<'h> {
    fn of(suite: &'h SuiteHistory, visible: RunSet) -> Self {
        let facts = suite.runs.iter().enumerate().rev();
        let runs = || facts.clone().filter(|(at, _)| visible.contains(*at)).map(|(_, facts)| facts);
        let overheads = runs().filter_map(|facts| facts.overhead_us);
        let mut view = Self {
            workers: runs().find_map(|facts| facts.workers),
            overhead_us: median(&mut overheads.take(RECENT).collect::<Vec<_>>()).unwrap_or(0),
            ..Self::default()
        };
        view.learn_tests(suite, visible);
        view.learn_groups(suite, visible);
        view
    }

    fn learn_tests(&mut self, suite: &'h SuiteHistory, visible: RunSet) {
        let replaced = Replaced::of(suite, visible);
        let mut measured = Vec::with_capacity(suite.tests.len());
        for lines in suite.tests.chunk_by(|a, b| a.name() == b.name()) {
            if replaced.has(lines) {
                continue;
            }
            let name = lines[0].name();
            let us = recent(suite, lines, visible);
            measured.extend(us.map(|us| (name, us)));
            if us.is_none() && always_skipped(lines, visible) {
                self.skipped.insert(name);
            }
        }
        self.near_tests = Near::new(measured);
    }

    /// What a test typically takes; nothing, where it is always skipped.
    fn known_test(&self, name: &str) -> Option<u64> {
        self.near_tests.get(name).or_else(|| self.skipped.contains(name).then_some(0))
    }

    fn learn_groups(&mut self, suite: &'h SuiteHistory, visible: RunSet) {
        let seen = suite.tests.iter().filter(|line| !(line.seen() & visible).is_empty());
        let mut lines: Vec<&TestHistory> = seen.collect();
        lines.sort_by_key(|line| line.group());
        let group =
            |lines: &[&'h TestHistory]| (lines[0].group(), self.group(suite, lines, visible));
        let groups: Vec<(&str, GroupView)> =
            lines.chunk_by(|a, b| a.group() == b.group()).map(group).collect();
        self.groups = groups;
        self.near_groups =
            Near::new(self.groups.iter().map(|(name, view)| (*name, view.us)).collect());
    }

    fn known_group(&self, name: &str) -> Option<GroupView> {
        let at = self.groups.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some(self.groups[at].1)
    }

    /// One group, from its lines.
    fn group(&self, suite: &SuiteHistory, lines: &[&TestHistory], visible: RunSet) -> GroupView {
        let seen = |line: &TestHistory| line.seen() & visible;
        let runs = lines.iter().fold(RunSet::default(), |all, line| all | seen(line));
        let mut runs: Vec<usize> = runs.iter().collect();
        keep_own(&mut runs, |&at| suite.number(at));
        // An import says nothing of how many tests there were.
        let newest = runs.last().filter(|&&at| suite.number(at) != IMPORTED_RUN);
        let in_newest = |line: &&&TestHistory| newest.is_some_and(|&at| seen(line).contains(at));
        let tests_last_time = lines.iter().filter(in_newest).count();
        let since = runs[runs.len().saturating_sub(GROUP_RUNS)];
        let current = lines.iter().filter(|line| seen(line).newest() >= Some(since));
        let known = current.map(|line| self.known_test(line.name()));
        let typical = self.near_tests.all().unwrap_or(0);
        let blank = GroupView { us: 0, known: (0, 0), measured: true, tests_last_time };
        known.fold(blank, |group, us| GroupView {
            us: group.us.saturating_add(us.unwrap_or(typical)),
            known: match us {
                Some(us @ 1..) => (group.known.0.saturating_add(us), group.known.1 + 1),
                Some(0) | None => group.known,
            },
            measured: group.measured && us.is_some(),
            tests_last_time,
        })
    }

    /// The sum over tests that are known by name, if anything is known at all.
    fn listed(&self, group: &str, tests: &[String]) -> Option<Estimate> {
        self.near_tests.all()?;
        Some(sum(tests.iter().map(|test| match self.known_test(test) {
            Some(us) => Estimate { us, basis: Basis::Measured },
            None => Estimate { us: self.new_test_us(group, test), basis: Basis::Neighbours },
        })))
    }

    /// A new test: as those of its class, else of its group, its directory, the suite.
    fn new_test_us(&self, group: &str, test: &str) -> u64 {
        let class = prefixes(test).next().map_or(0, str::len);
        let inner = if test.starts_with(group) { group.len().min(class) } else { class };
        let of_class = || self.near_tests.of(prefixes(test).take_while(|p| p.len() >= inner));
        let of_group = || {
            let (us, tests) = self.known_group(group)?.known;
            us.checked_div(tests)
        };
        let around = || self.near_tests.of(prefixes(test));
        of_class().or_else(of_group).or_else(around).or_else(|| self.near_tests.all()).unwrap_or(0)
    }

    /// The sum over what the group had; of a joined group that is new, over its members.
    fn unlisted(&self, group: &Group) -> Option<Estimate> {
        self.near_tests.all()?;
        let suite = self.near_groups.all()?;
        let known = |name: &str| self.known_group(name).map(GroupView::estimate);
        let new = |name: &str| Estimate {
            us: self.near_groups.of(prefixes(name)).unwrap_or(suite),
            basis: Basis::Neighbours,
        };
        Some(known(&group.id.name).unwrap_or_else(|| {
            sum(group
                .members
                .iter()
                .map(|member| known(&member.name).unwrap_or_else(|| new(&member.name))))
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

/// What a test takes, from its lines in all groups.
fn recent(suite: &SuiteHistory, lines: &[TestHistory], visible: RunSet) -> Option<u64> {
    let took = lines.iter().flat_map(TestHistory::took);
    let mut took: Vec<(usize, u64)> = took.filter(|&(at, _)| visible.contains(at)).collect();
    keep_own(&mut took, |&(at, _)| suite.number(at));
    took.sort_unstable_by_key(|&newest| Reverse(newest));
    usual(took.iter().map(|&(_, us)| us))
}

/// What a test takes, from its durations, newest first: the mean of the recent ones, the newest
/// counted twice, each within [`ODD_FACTOR`] of their median.
pub(super) fn usual(newest_first: impl Iterator<Item = u64>) -> Option<u64> {
    let recent: Vec<u64> = newest_first.take(RECENT).collect();
    let middle = median(&mut recent.clone())?;
    let near = middle / ODD_FACTOR..=middle.saturating_mul(ODD_FACTOR);
    let believed = recent.iter().map(|us| u128::from(*us.clamp(near.start(), near.end())));
    let newest = believed.clone().next()?;
    let mean = (newest + believed.sum::<u128>()) / (recent.len() as u128 + 1);
    u64::try_from(mean).ok()
}

/// Whether all that is known of a test is that it is skipped.
fn always_skipped(lines: &[TestHistory], visible: RunSet) -> bool {
    let seen = |runs: RunSet| !(runs & visible).is_empty();
    lines.iter().any(|line| seen(line.skipped()))
        && !lines.iter().any(|line| seen(line.failed() | line.flaky()))
}

/// The middle value; of an even number, the mean of the middle two, rounded down.
pub(super) fn median(values: &mut [u64]) -> Option<u64> {
    let (middle, even) = (values.len().checked_sub(1)? / 2, values.len().is_multiple_of(2));
    let (_, &mut low, above) = values.select_nth_unstable(middle);
    let high = above.iter().min().copied().filter(|_| even).unwrap_or(low);
    Some(low + (high - low) / 2)
}
