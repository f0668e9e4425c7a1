//! What became of the tests so far, each counted once however often it was tried.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{
    DiscoveredGroup, GroupFinished, GroupId, Outcome, SuiteName, TestId, TestResult, Verdict,
};

/// How many failures are kept for the list at the end; the rest is counted.
pub(super) const FAILURES_KEPT_MAX: usize = 50;
/// How many flaky tests are kept; the rest is counted.
pub(super) const FLAKES_KEPT_MAX: usize = 20;

/// How many failed tests of a group are named in the command that runs them again; beyond, it is
/// the group.
const AGAIN_TESTS_MAX: usize = 3;

/// Tests by how they ended; a flaky one is in `flaky` alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) errored: usize,
    pub(super) skipped: usize,
    pub(super) flaky: usize,
}

impl Counts {
    pub(super) fn total(self) -> usize {
        let Self { passed, failed, errored, skipped, flaky } = self;
        passed + failed + errored + skipped + flaky
    }

    pub(super) fn bad(self) -> usize {
        self.failed + self.errored
    }

    fn of<'a>(tests: impl Iterator<Item = &'a Tried>) -> Self {
        tests.fold(Self::default(), |mut counts, test| {
            match (test.outcome, test.failed_before) {
                (Outcome::Passed, true) => counts.flaky += 1,
                (Outcome::Passed, false) => counts.passed += 1,
                (Outcome::Failed, _) => counts.failed += 1,
                (Outcome::Errored, _) => counts.errored += 1,
                (Outcome::Skipped, _) => counts.skipped += 1,
            }
            counts
        })
    }

    fn add(&mut self, other: Self) {
        let Self { passed, failed, errored, skipped, flaky } = other;
        self.passed += passed;
        self.failed += failed;
        self.errored += errored;
        self.skipped += skipped;
        self.flaky += flaky;
    }
}

/// A list that stops growing, but goes on counting.
pub(super) struct Bounded<T> {
    pub(super) kept: Vec<T>,
    pub(super) more: usize,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), more: 0 }
    }
}

impl<T> Bounded<T> {
    fn push(&mut self, item: T, max: usize) {
        if self.kept.len() < max {
            self.kept.push(item);
        } else {
            self.more += 1;
        }
    }
}

/// Something that failed, for the list at the end.
pub(super) struct Failure {
    /// A test's id, or a group's where the problem is the group's.
    pub(super) id: String,
    /// What was said about it; may be empty.
    pub(super) message: String,
    /// What is to be run to see it again.
    pub(super) only: String,
    /// The worker that it failed on.
    pub(super) worker: u32,
}

/// One test over the executions of its group.
pub(super) struct Tried {
    outcome: Outcome,
    /// False where the result was concluded from how the group's process ended.
    reported: bool,
    failed_before: bool,
    message: Option<String>,
}

pub(super) type Tests = BTreeMap<String, Tried>;

/// The sums.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    /// Groups with a problem beyond their tests.
    pub(super) troubled: usize,
    pub(super) failures: Bounded<Failure>,
    pub(super) flakes: Bounded<String>,
    /// Tests of groups that are tried again.
    pub(super) pending: HashMap<GroupId, Tests>,
    /// The groups whose tests are listed: each of them can be run alone.
    pub(super) listed: HashSet<GroupId>,
}

impl Tally {
    /// Takes one execution of a group; gives the group's counts over its executions so far.
    pub(super) fn take(&mut self, finished: &GroupFinished) -> Counts {
        let mut tests = self.pending.remove(&finished.group).unwrap_or_default();
        for result in &finished.tests {
            merge(&mut tests, result);
        }
        if finished.problem.is_none() {
            get_over_earlier(&mut tests, finished);
        }
        let counts = Counts::of(tests.values());
        if finished.last {
            self.counts.add(counts);
            self.list(finished, tests, counts);
        } else {
            self.pending.insert(finished.group.clone(), tests);
        }
        counts
    }

    /// Remembers which groups have listed tests.
    pub(super) fn list_of(&mut self, suite: &SuiteName, groups: &[DiscoveredGroup]) {
        let listed = groups.iter().filter(|group| group.tests.is_some());
        self.listed.extend(listed.map(|group| GroupId::new(suite, &group.name)));
    }

    /// What is to be run to see a failed group fail again: its bad tests, where they are few and
    /// each can be run alone.
    pub(super) fn only(&self, finished: &GroupFinished) -> Vec<String> {
        let GroupFinished { group, tests, problem, .. } = finished;
        let bad = tests.iter().filter(|test| !test.outcome.is_good());
        let bad: Vec<String> =
            bad.map(|test| TestId::new(&group.suite, &test.name).to_string()).collect();
        let few = (1..=AGAIN_TESTS_MAX).contains(&bad.len());
        let alone = few && problem.is_none() && self.listed.contains(group);
        if alone { bad } else { vec![group.to_string()] }
    }

    /// Lists what a group's last execution left bad or flaky.
    fn list(&mut self, finished: &GroupFinished, tests: Tests, counts: Counts) {
        let group = &finished.group;
        let worker = finished.worker;
        let listed = self.listed.contains(group);
        for (name, Tried { outcome, reported, failed_before, message }) in tests {
            let id = || TestId::new(&group.suite, &name).to_string();
            // What was concluded only repeats the group's problem, which is listed below.
            if !reported && finished.problem.is_some() {
                continue;
            }
            if !outcome.is_good() {
                let message = message.unwrap_or_default();
                let only = if listed { id() } else { group.to_string() };
                let failure = Failure { id: id(), message, only, worker };
                self.failures.push(failure, FAILURES_KEPT_MAX);
            } else if failed_before && outcome == Outcome::Passed {
                self.flakes.push(id(), FLAKES_KEPT_MAX);
            }
        }
        let trouble = match (finished.verdict, &finished.problem) {
            (_, Some(problem)) => Some(problem.describe(&finished.end)),
            (Verdict::Failed, None) if counts.bad() == 0 => Some(finished.end.to_string()),
            (Verdict::Failed | Verdict::Passed, None) => None,
        };
        match (trouble, finished.verdict) {
            (Some(message), _) => {
                self.troubled += 1;
                let (id, only) = (group.to_string(), group.to_string());
                let failure = Failure { id, message, only, worker };
                self.failures.push(failure, FAILURES_KEPT_MAX);
            }
            (None, Verdict::Passed) if finished.attempt > 1 && counts.flaky == 0 => {
                self.flakes.push(group.to_string(), FLAKES_KEPT_MAX);
            }
            (None, Verdict::Passed | Verdict::Failed) => {}
        }
    }
}

/// A later execution's word counts; that an earlier one failed is remembered.
fn merge(tests: &mut Tests, result: &TestResult) {
    let before = tests.get(&result.name);
    let failed_before = before.is_some_and(|test| test.failed_before || !test.outcome.is_good());
    let message = (!result.outcome.is_good()).then(|| result.message.clone()).flatten();
    let TestResult { outcome, reported, .. } = *result;
    tests.insert(result.name.clone(), Tried { outcome, reported, failed_before, message });
}

/// What was concluded of an earlier execution is over once one went well that says nothing of it.
fn get_over_earlier(tests: &mut Tests, finished: &GroupFinished) {
    for (name, tried) in tests.iter_mut().filter(|(_, tried)| !tried.reported) {
        if finished.tests.iter().all(|result| result.name != *name) {
            *tried = Tried {
                outcome: Outcome::Passed,
                reported: true,
                failed_before: true,
                message: None,
            };
        }
    }
}
