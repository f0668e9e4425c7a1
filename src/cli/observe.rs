//! From a report's observations to the history's.

use crate::history::{Estimator, Observation, Seen, Speeds, SuiteFacts, Timed};
use crate::report::observations::{self, Observations, Overhead, SuiteSeen, TestSeen};
use crate::report::{FinalOutcome, RunReport};

/// What the history takes in of a run: all times as on machines of one speed, which is told from
/// what was known `before`.
pub(super) fn observe(
    report: &RunReport,
    before: &Estimator<'_>,
) -> (Vec<Observation>, Vec<SuiteFacts>) {
    let Observations { run: _, tests, suites } = observations::observe(report);
    let seen: Vec<Timed> = tests.iter().map(timed).collect();
    let speeds = Speeds::of(before, &seen);
    let facts = suites.into_iter().map(|suite| facts(suite, &speeds)).collect();
    (speeds.evened(seen), facts)
}

fn timed(test: &TestSeen<'_>) -> Timed {
    let TestSeen { id, group, shard, duration_us, outcome } = *test;
    let seen = match outcome {
        FinalOutcome::Passed => Seen::Passed(duration_us),
        FinalOutcome::Skipped => Seen::Skipped,
        FinalOutcome::Flaky => Seen::Flaky,
        FinalOutcome::Failed | FinalOutcome::Errored => Seen::Failed,
    };
    let observation = Observation { test: id.clone(), group: group.name.clone(), seen };
    Timed { shard, observation }
}

fn facts(suite: SuiteSeen<'_>, speeds: &Speeds) -> SuiteFacts {
    let SuiteSeen { suite, workers, overheads } = suite;
    let even = |Overhead { group: _, shard, us }| speeds.even_out(shard, us);
    let overheads_us = overheads.into_iter().map(even).collect();
    SuiteFacts { suite: suite.clone(), workers, overheads_us }
}
