//! How a run teaches the history.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::estimate::median;
use super::import::IMPORTED_RUN;
use super::{DURATION_US_MAX, History, RUNS_MAX, is_workers};
use super::{RunFacts, SuiteHistory, TestHistory};
use crate::model::{SuiteName, TestId};

/// A run that is older than this many and one more is hardly one that was late.
const RESTARTED_RUNS: usize = 2;

/// One test in one run, all its executions told together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The test.
    pub test: TestId,
    /// The name of the group in which it ran.
    pub group: Box<str>,
    /// What was seen.
    pub seen: Seen,
}

/// What is learnt of a test. Only a clean pass tells how long it takes: what failed, was retried or
/// was skipped did other work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// It was not run, on purpose.
    Skipped,
    /// It passed at the first try, in so many microseconds.
    Passed(u64),
    /// It passed, but not every time.
    Flaky,
    /// It failed, broke or ran out of time.
    Failed,
}

/// What a run tells of a whole suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteFacts {
    /// The suite.
    pub suite: SuiteName,
    /// Workers of each shard.
    pub workers: u32,
    /// For each group, what it took beyond its tests, microseconds.
    pub overheads_us: Vec<u64>,
}

impl History {
    /// Takes in what run number `run` saw. Recording the run again replaces what it said of the
    /// suites that are named now; the order in which runs are recorded does not matter. Of two
    /// observations of one test in one group the worse counts. Durations beyond
    /// [`DURATION_US_MAX`] and impossible numbers of workers are not believed.
    pub fn record(&mut self, run: u64, observations: Vec<Observation>, facts: Vec<SuiteFacts>) {
        let mut suites: BTreeMap<SuiteName, (RunFacts, Vec<Observation>)> = BTreeMap::new();
        let blank = || (RunFacts { run, workers: None, overhead_us: None }, Vec::new());
        for SuiteFacts { suite, workers, mut overheads_us } in facts {
            overheads_us.retain(|&us| us <= DURATION_US_MAX);
            let (about, _) = suites.entry(suite).or_insert_with(blank);
            about.workers = Some(workers).filter(|&workers| is_workers(workers));
            about.overhead_us = median(&mut overheads_us);
        }
        for observation in observations {
            let (_, of_suite) = suites.entry(observation.test.suite.clone()).or_insert_with(blank);
            of_suite.push(observation);
        }
        for (name, (facts, observations)) in suites {
            self.suites.entry(name).or_default().record(facts, observations);
        }
    }
}

impl History {
    /// Whether run number `run` is older than all that is kept, and would teach nothing. Numbers
    /// that started again look like this.
    #[must_use]
    pub fn is_past(&self, run: u64) -> bool {
        let past = |suite: &SuiteHistory| {
            suite.runs.len() >= RUNS_MAX && suite.runs.first().is_some_and(|first| run < first.run)
        };
        !self.suites.is_empty() && self.suites.values().all(past)
    }

    /// The oldest run that is kept, where run number `run` is before it and before at least
    /// `RESTARTED_RUNS` more: numbers that started again look like this too.
    #[must_use]
    pub fn begins_after(&self, run: u64) -> Option<u64> {
        let runs = self.suites.values().flat_map(|suite| &suite.runs).map(|facts| facts.run);
        let kept: BTreeSet<u64> = runs.filter(|&kept| kept != IMPORTED_RUN).collect();
        let oldest = *kept.first()?;
        (run < oldest && kept.len() > RESTARTED_RUNS).then_some(oldest)
    }

    /// The oldest run that is kept, where run number `as_of` sees none of it although there is
    /// some: all is of that run or of later ones.
    #[must_use]
    pub fn hidden_from(&self, as_of: Option<u64>) -> Option<u64> {
        let runs = self.suites.values().flat_map(|suite| &suite.runs);
        let oldest = runs.map(|facts| facts.run).min()?;
        (as_of? <= oldest).then_some(oldest)
    }

    /// The history with all that another one knows. It does not matter which of the two comes
    /// first, and a history taken in again changes nothing. Where they tell a run differently the
    /// worse end of a test counts, and the longer time.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let Self { suites, fixed, partial } = other;
        self.merge_fixed(fixed);
        self.merge_partial(partial);
        for (name, suite) in suites {
            match self.suites.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(suite);
                }
                Entry::Occupied(mut known) => known.get_mut().merge(suite),
            }
        }
        self
    }
}

impl SuiteHistory {
    fn merge(&mut self, other: Self) {
        let Self { runs, mut tests } = other;
        let (before, others) = (numbers(&self.runs), numbers(&runs));
        for facts in runs {
            match self.runs.binary_search_by_key(&facts.run, |known| known.run) {
                Ok(at) => self.runs[at].merge(&facts),
                Err(at) => self.runs.insert(at, facts),
            }
        }
        self.forget_old_runs();
        follow(&mut self.tests, &before, &self.runs);
        follow(&mut tests, &others, &self.runs);
        self.tests.append(&mut tests);
        self.tests.sort_by(|a, b| a.key().cmp(&b.key()));
        self.tests.dedup_by(|later, first| {
            let same = later.key() == first.key();
            if same {
                first.merge(later);
            }
            same
        });
        self.forget_old_tests();
    }

    fn record(&mut self, facts: RunFacts, mut observations: Vec<Observation>) {
        let run = facts.run;
        let before = numbers(&self.runs);
        // What the run said before is taken back.
        self.runs.retain(|known| known.run != run);
        follow(&mut self.tests, &before, &self.runs);
        let before = numbers(&self.runs);
        let place = self.runs.partition_point(|known| known.run < run);
        self.runs.insert(place, facts);
        follow(&mut self.tests, &before, &self.runs);

        observations.sort_by(|a, b| key(a).cmp(&key(b)).then(b.seen.cmp(&a.seen)));
        observations.dedup_by(|later, first| key(later) == key(first));
        let known = self.tests.len();
        let mut last: Arc<str> = "".into();
        for Observation { test, group, seen } in observations {
            let wanted = (&*test.name, &*group);
            let found = self.tests[..known].binary_search_by(|test| test.key().cmp(&wanted));
            let index = found.unwrap_or_else(|_| {
                self.tests.push(TestHistory::new(test.name, &group, &mut last));
                self.tests.len() - 1
            });
            self.tests[index].see(place, seen);
        }
        self.tests.sort_by(|a, b| a.key().cmp(&b.key()));
        let before = numbers(&self.runs);
        self.forget_old_runs();
        follow(&mut self.tests, &before, &self.runs);
        self.forget_old_tests();
    }

    /// Keeps what is bounded within its bounds, always by what is newest: so the order in which
    /// runs came makes no difference.
    fn forget_old_runs(&mut self) {
        let excess = self.runs.len().saturating_sub(RUNS_MAX);
        self.runs.drain(..excess);
    }

    fn forget_old_tests(&mut self) {
        self.tests.iter_mut().for_each(TestHistory::trim);
        self.tests.retain(TestHistory::is_remembered);
    }
}

fn numbers(runs: &[RunFacts]) -> Vec<u64> {
    runs.iter().map(|facts| facts.run).collect()
}

/// Takes tests from where their runs stood to where they stand now, if that is elsewhere.
fn follow(tests: &mut [TestHistory], before: &[u64], now: &[RunFacts]) {
    let to = |run: &u64| now.binary_search_by_key(run, |facts| facts.run).ok();
    let to: Vec<Option<usize>> = before.iter().map(to).collect();
    if to.iter().enumerate().any(|(from, to)| *to != Some(from)) {
        for test in tests {
            test.follow(&to);
        }
    }
}

impl RunFacts {
    fn merge(&mut self, other: &Self) {
        let Self { run: _, workers, overhead_us } = other;
        self.workers = self.workers.max(*workers);
        self.overhead_us = self.overhead_us.max(*overhead_us);
    }
}

fn key(observation: &Observation) -> (&str, &str) {
    (&observation.test.name, &observation.group)
}
