//! The same for programs; `docs/reference/history.md` describes the fields.

use serde_json::{Value, json};

use super::growth;
use super::overview::{Overview, Unsteady};
use crate::history::{Mark, SuiteRecord, TestRecord};

/// The version of the format.
const FORMAT: u32 = 1;

/// One test.
#[must_use]
pub fn test(test: &TestRecord<'_>) -> Value {
    let TestRecord { id, groups, runs } = test;
    let run = |&(run, mark): &(u64, Mark)| {
        let (outcome, us) = match mark {
            Mark::Took(us) => ("passed", Some(us)),
            Mark::Flaky => ("flaky", None),
            Mark::Failed => ("failed", None),
            Mark::Skipped => ("skipped", None),
        };
        json!({ "run": run, "outcome": outcome, "us": us })
    };
    json!({
        "format": FORMAT,
        "id": id,
        "groups": groups,
        "typical_us": test.typical_us(),
        "grew_from_us": growth(test).map(|(before, _)| before),
        "runs": runs.iter().map(run).collect::<Vec<_>>(),
    })
}

/// What stands out.
#[must_use]
pub fn overview(overview: &Overview<'_>) -> Value {
    let Overview { suites, slowest, flakiest, growing } = overview;
    let suite = |suite: &SuiteRecord<'_>| {
        json!({
            "suite": suite.name(),
            "runs": suite.runs().collect::<Vec<_>>(),
            "tests": suite.tests().count(),
            "groups": suite.groups(),
            "workers": suite.workers(),
            "overhead_us": suite.overhead_us(),
        })
    };
    let slow = |(test, us): &(TestRecord<'_>, u64)| json!({ "id": test.id, "typical_us": us });
    let unsteady = |Unsteady { test, flaky, failed }: &Unsteady<'_>| {
        let runs = test.runs.len();
        json!({ "id": test.id, "runs": runs, "flaky": flaky, "failed": failed })
    };
    let grown = |(test, from, now): &(TestRecord<'_>, u64, u64)| {
        let (id, from) = (&test.id, *from);
        json!({ "id": id, "grew_from_us": from, "typical_us": now })
    };
    json!({
        "format": FORMAT,
        "suites": suites.iter().map(suite).collect::<Vec<_>>(),
        "slowest": slowest.iter().map(slow).collect::<Vec<_>>(),
        "flakiest": flakiest.iter().map(unsteady).collect::<Vec<_>>(),
        "growing": growing.iter().map(grown).collect::<Vec<_>>(),
    })
}
