//! What a run teaches the history: how its tests ended and how long they and their groups took.

use std::collections::BTreeMap;

use crate::model::{GroupId, SuiteName, TestId};

use super::run::{FinalOutcome, RunReport};

/// What a run teaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observations<'a> {
    /// The run's number, where its CI has one.
    pub run: Option<u64>,
    /// Every test that its framework reported, by id.
    pub tests: Vec<TestSeen<'a>>,
    /// The suites that ran, by name.
    pub suites: Vec<SuiteSeen<'a>>,
}

/// How one test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSeen<'a> {
    /// The test.
    pub id: &'a TestId,
    /// The group that ran it.
    pub group: &'a GroupId,
    /// The shard that ran its last execution.
    pub shard: u32,
    /// How long that took, microseconds.
    pub duration_us: u64,
    /// How it ended, all told.
    pub outcome: FinalOutcome,
}

/// How one suite ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteSeen<'a> {
    /// The suite.
    pub suite: &'a SuiteName,
    /// The least workers that a shard which ran some of it had.
    pub workers: u32,
    /// What groups cost beyond their tests.
    pub overheads: Vec<Overhead<'a>>,
}

/// What a group cost beyond its tests: starting its process, set-up, tear-down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overhead<'a> {
    /// The group.
    pub group: &'a GroupId,
    /// The shard that ran it.
    pub shard: u32,
    /// Its time less the sum of its tests', microseconds; 0 when the tests claim more.
    pub us: u64,
}

/// Reads out of a report what the history keeps.
///
/// Results that were concluded and not reported teach nothing. Overheads come from groups with
/// one single execution that ended without a problem.
#[must_use]
pub fn observe(report: &RunReport) -> Observations<'_> {
    let mut in_tests_us = vec![0_u64; report.groups.len()];
    let mut tests = Vec::with_capacity(report.tests.len());
    for test in report.tests.iter().filter(|test| test.reported && test.shard > 0) {
        let sum = &mut in_tests_us[test.group];
        *sum = sum.saturating_add(test.duration_us);
        tests.push(TestSeen {
            id: &test.id,
            group: &report.groups[test.group].id,
            shard: test.shard,
            duration_us: test.duration_us,
            outcome: test.outcome,
        });
    }
    let workers: BTreeMap<u32, u32> =
        report.shards.iter().map(|shard| (shard.index, shard.workers)).collect();
    let mut suites: BTreeMap<&SuiteName, SuiteSeen<'_>> = BTreeMap::new();
    for (group, in_tests_us) in report.groups.iter().zip(in_tests_us) {
        for execution in &group.executions {
            let suite = &group.id.suite;
            let here = workers.get(&execution.shard).copied().unwrap_or(1);
            let seen = suites.entry(suite).or_insert_with(|| SuiteSeen {
                suite,
                workers: here,
                overheads: Vec::new(),
            });
            seen.workers = seen.workers.min(here);
            if group.executions.len() == 1 && execution.problem.is_none() {
                let us = execution.duration_us.saturating_sub(in_tests_us);
                seen.overheads.push(Overhead { group: &group.id, shard: execution.shard, us });
            }
        }
    }
    Observations { run: report.run.number, tests, suites: suites.into_values().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome::{Failed, Passed};
    use crate::report::testing::{Log, joined, result};

    #[test]
    fn a_run_teaches_durations_and_overheads() {
        let one = Log::new(1, 2).workers(4).finds("s", &[("a", None), ("b", None)]).plans(&["s:a"]);
        let two = Log::new(2, 2).workers(2).finds("s", &[("a", None), ("b", None)]).plans(&["s:b"]);
        let report = joined(vec![
            one.runs("s:a", &[("a1", Passed), ("a2", Failed)]).ends(),
            two.tries("s:b", &[result("b1", Failed)]).runs("s:b", &[("b1", Passed)]).ends(),
        ]);
        let seen = observe(&report);
        let tests: Vec<_> =
            seen.tests.iter().map(|test| (test.id.to_string(), test.outcome)).collect();
        assert_eq!(
            tests,
            [
                ("s:a1".to_owned(), FinalOutcome::Passed),
                ("s:a2".to_owned(), FinalOutcome::Failed),
                ("s:b1".to_owned(), FinalOutcome::Flaky),
            ]
        );
        let [suite] = seen.suites.as_slice() else { panic!("{:?}", seen.suites) };
        assert_eq!(suite.workers, 2);
        // The builder's groups take 5 ms more than their tests; `s:b` ran twice.
        let overheads: Vec<_> =
            suite.overheads.iter().map(|o| (o.group.to_string(), o.us)).collect();
        assert_eq!(overheads, [("s:a".to_owned(), 5_000)]);
    }

    #[test]
    fn what_was_only_concluded_teaches_nothing() {
        let mut gone = result("a1", Failed);
        gone.reported = false;
        let log = Log::new(1, 1).finds("s", &[("a", Some(&["a1"]))]).plans(&["s:a"]);
        let report = joined(vec![log.runs_results("s:a", vec![gone]).ends()]);
        assert_eq!(report.tests.len(), 1);
        assert!(observe(&report).tests.is_empty());
    }
}
