//! What a history knows, for whoever shows it or writes it for another tool.

use super::estimate::{median, usual};
use super::import::{Replaced, keep_own};
use super::{History, RECENT, RunFacts, RunSet, SuiteHistory, TestHistory};
use crate::model::{SuiteName, TestId};

/// What is known of one suite.
#[derive(Debug, Clone, Copy)]
pub struct SuiteRecord<'h> {
    name: &'h SuiteName,
    suite: &'h SuiteHistory,
}

/// What is known of one test, in all its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRecord<'h> {
    /// The test.
    pub id: TestId,
    /// The groups in which it was seen, by name.
    pub groups: Vec<&'h str>,
    /// What each run saw, ascending.
    pub runs: Vec<(u64, Mark)>,
}

/// What one run saw of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It was not run, on purpose.
    Skipped,
    /// It passed in so many microseconds.
    Took(u64),
    /// It passed, but not every time.
    Flaky,
    /// It failed, broke or ran out of time.
    Failed,
}

impl History {
    /// The suites, by name.
    pub fn suites(&self) -> impl Iterator<Item = SuiteRecord<'_>> {
        self.suites.iter().map(|(name, suite)| SuiteRecord { name, suite })
    }

    /// Forgets all of the tests for which `keep` does not hold, by suite, name and group, and
    /// suites of which nothing is left. How many tests were forgotten; one of two groups counts
    /// twice.
    pub fn prune(&mut self, keep: impl Fn(&SuiteName, &str, &str) -> bool) -> usize {
        let before = self.tests();
        for (name, suite) in &mut self.suites {
            suite.tests.retain(|test| keep(name, test.name(), test.group()));
        }
        self.suites.retain(|_, suite| !suite.tests.is_empty());
        before - self.tests()
    }
}

impl<'h> SuiteRecord<'h> {
    pub(super) fn of(name: &'h SuiteName, suite: &'h SuiteHistory) -> Self {
        Self { name, suite }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'h SuiteName {
        self.name
    }

    /// The numbers of its runs, ascending.
    #[must_use]
    pub fn runs(self) -> impl DoubleEndedIterator<Item = u64> + 'h {
        self.suite.runs.iter().map(|facts| facts.run)
    }

    /// The newest known number of workers.
    #[must_use]
    pub fn workers(self) -> Option<u32> {
        self.newest().find_map(|facts| facts.workers)
    }

    /// What a group takes beyond its tests, microseconds: the median of the newest [`RECENT`].
    #[must_use]
    pub fn overhead_us(self) -> Option<u64> {
        let overheads = self.newest().filter_map(|facts| facts.overhead_us);
        median(&mut overheads.take(RECENT).collect::<Vec<_>>())
    }

    /// How many groups it has tests of.
    #[must_use]
    pub fn groups(self) -> usize {
        let mut groups: Vec<&str> = self.suite.tests.iter().map(TestHistory::group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.len()
    }

    /// Its tests, by name. A group that was imported whole is one until a run saw its tests.
    pub fn tests(self) -> impl Iterator<Item = TestRecord<'h>> {
        let replaced = Replaced::of(self.suite, self.suite.runs_where(|_| true));
        let lines = self.suite.tests.chunk_by(|a, b| a.name() == b.name());
        lines.filter(move |lines| !replaced.has(lines)).map(move |lines| self.record(lines))
    }

    /// One of its tests.
    #[must_use]
    pub fn test(self, name: &str) -> Option<TestRecord<'h>> {
        let tests = &self.suite.tests;
        let from = tests.partition_point(|test| test.name() < name);
        let lines = tests[from..].partition_point(|test| test.name() == name);
        (lines > 0).then(|| self.record(&tests[from..from + lines]))
    }

    /// A test, from its lines, one a group.
    fn record(self, lines: &'h [TestHistory]) -> TestRecord<'h> {
        let name = lines.first().map_or("", TestHistory::name);
        let marks = lines.iter().flat_map(marks);
        let mut runs: Vec<_> = marks.map(|(at, mark)| (self.suite.number(at), mark)).collect();
        runs.sort_unstable();
        // Of two groups' in one run the worse counts.
        runs.reverse();
        runs.dedup_by_key(|&mut (run, _)| run);
        runs.reverse();
        let groups = lines.iter().map(TestHistory::group).collect();
        TestRecord { id: TestId::new(self.name, name), groups, runs }
    }

    fn newest(self) -> impl Iterator<Item = &'h RunFacts> {
        self.suite.runs.iter().rev()
    }
}

impl TestRecord<'_> {
    /// Its durations, microseconds, oldest first; imported ones only where there are no others.
    #[must_use]
    pub fn durations_us(&self) -> Vec<u64> {
        let took = self.runs.iter().filter_map(|&(run, mark)| match mark {
            Mark::Took(us) => Some((run, us)),
            Mark::Skipped | Mark::Flaky | Mark::Failed => None,
        });
        let mut took: Vec<(u64, u64)> = took.collect();
        keep_own(&mut took, |&(run, _)| run);
        took.into_iter().map(|(_, us)| us).collect()
    }

    /// What it typically takes, microseconds, as estimates take it: from its newest [`RECENT`]
    /// durations.
    #[must_use]
    pub fn typical_us(&self) -> Option<u64> {
        usual(self.durations_us().into_iter().rev())
    }

    /// What it typically took before its newest [`RECENT`] durations, microseconds: their median.
    #[must_use]
    pub fn before_us(&self) -> Option<u64> {
        let durations = self.durations_us();
        let recent = durations.len().saturating_sub(RECENT);
        median(&mut durations[..recent].to_vec())
    }

    /// In how many runs it ended so.
    #[must_use]
    pub fn count(&self, mark: Mark) -> usize {
        self.runs.iter().filter(|(_, found)| *found == mark).count()
    }
}

/// What each run saw, by its position.
fn marks(line: &TestHistory) -> impl Iterator<Item = (usize, Mark)> {
    let of = |runs: RunSet, mark: Mark| runs.iter().map(move |at| (at, mark));
    let took = line.took().map(|(at, us)| (at, Mark::Took(us)));
    took.chain(of(line.failed(), Mark::Failed))
        .chain(of(line.flaky(), Mark::Flaky))
        .chain(of(line.skipped(), Mark::Skipped))
}
