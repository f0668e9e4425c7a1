//! From a report's observations to the history's.

use crate::history::{Observation, Seen, SuiteFacts};
use crate::report::observations::{self, Observations, Overhead, SuiteSeen, TestSeen};
use crate::report::{FinalOutcome, RunReport};

/// What the history takes in of a run.
pub(super) fn observe(report: &RunReport) -> (Vec<Observation>, Vec<SuiteFacts>) {
    let Observations { run: _, tests, suites } = observations::observe(report);
    (tests.iter().map(observation).collect(), suites.into_iter().map(facts).collect())
}

fn observation(test: &TestSeen<'_>) -> Observation {
    let TestSeen { id, group, duration_us, outcome } = *test;
    let seen = match outcome {
        FinalOutcome::Passed => Seen::Passed(duration_us),
        FinalOutcome::Skipped => Seen::Skipped,
        FinalOutcome::Flaky => Seen::Flaky,
        FinalOutcome::Failed | FinalOutcome::Errored => Seen::Failed,
    };
    Observation { test: id.clone(), group: group.name.clone(), seen }
}

fn facts(suite: SuiteSeen<'_>) -> SuiteFacts {
    let SuiteSeen { suite, workers, overheads } = suite;
    let overheads_us = overheads.into_iter().map(|Overhead { group: _, us }| us).collect();
    SuiteFacts { suite: suite.clone(), workers, overheads_us }
}
