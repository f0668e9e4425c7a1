use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::exit::Exit;
use crate::history::Rate;
use crate::model::Outcome::{Failed, Passed};
use crate::model::{Property, Stop, TemplateOrigin, TestResult};
use crate::report::compare::{Comparison, Slower};
use crate::report::quarantine::{Excused, Quarantine, Told as Entry};
use crate::report::run::DatabaseSetUp;
use crate::report::testing::{Found, Log, joined, rendered, result};

fn render(report: &RunReport) -> String {
    rendered(super::render, report)
}

const FOUND: &[Found<'_>] = &[("a", Some(&["a1", "a2"])), ("b", None), ("c", Some(&["c1"]))];

/// A run in which every field has something.
fn eventful() -> RunReport {
    let placed = TestResult {
        file: Some("a.py".to_owned()),
        line: Some(7),
        properties: Property::kept([("p", "v")]),
        ..result("a1", Failed)
    };
    let one = Log::new(1, 3)
        .finds("s", FOUND)
        .plans(&["s:a"])
        .tries("s:a", std::slice::from_ref(&placed))
        .breaks("s:a", crate::model::Problem::TimedOut(5), vec![placed]);
    let two =
        Log::new(2, 3).attempt(2).finds("s", &FOUND[1..]).plans(&["s:b"]).stops(Stop::FailFast);
    let mut report = joined(vec![
        one.ends(),
        two.clone().attempt(1).ends(),
        two.runs("s:b", &[("b1", Passed)]).ends_without(&[("s:c", Stop::FailFast)]),
    ]);
    report.fewer.push(Fewer { group: "s:b".parse().unwrap(), now: 1, before: 2 });
    report.groups[0].executions[0].leaked.push("sleep".to_owned());
    let (database, origin) = ("main".to_owned(), TemplateOrigin::Built);
    report.shards[0].databases.push(DatabaseSetUp { database, origin, took_us: 5 });
    report.shards[0].before_us = Some(7);
    report.shards[0].config = Some("other.toml".into());
    report.shards[0].partial = true;
    report.compared = Some(Comparison {
        base: 6,
        new_failures: vec![0],
        fixed: vec![1],
        slower: vec![Slower { test: 1, usual_us: 1, took_us: 2 }],
        added: vec![2],
        removed: vec!["s:gone".parse().unwrap()],
        rates: vec![(0, Rate { flaky: 1, runs: 3 })],
    });
    let (until, reason) = ("2026-12-31".parse().unwrap(), Some("known".to_owned()));
    let told = || vec![Entry { test: "s:x".to_owned(), until }];
    report.quarantine = Quarantine {
        excused: vec![Excused { test: 0, until, reason }],
        expired: told(),
        unmatched: told(),
    };
    report
}

fn parsed(report: &RunReport) -> Value {
    serde_json::from_str(&render(report)).unwrap()
}

#[test]
fn what_other_programs_rely_on() {
    let report = parsed(&eventful());
    assert_eq!(report["format"], 1);
    assert_eq!(report["verdict"], "incomplete");
    let totals = json!(
        {"tests": 3, "passed": 1, "failed": 1, "errored": 1, "skipped": 0, "flaky": 0}
    );
    assert_eq!(report["totals"], totals);
    assert_eq!(report["ledger"]["planned"], 3);
    assert_eq!(report["ledger"]["lost"], json!(["s:c", "s:c1"]));
    assert_eq!(report["ledger"]["doubled"], json!([]));
    assert_eq!(report["ledger"]["missing_shards"], json!([3]));
    assert_eq!(report["shards"][1]["index"], 2);
    assert_eq!(report["tests"][0]["id"], "s:a1");
    assert_eq!(report["tests"][0]["outcome"], "failed");
    assert_eq!(report["tests"][0]["group"], "s:a");
    assert_eq!(report["tests"][0]["earlier"][0]["message"], "it broke");
    assert_eq!(report["tests"][0]["properties"], json!([{"name": "p", "value": "v"}]));
    assert_eq!(report["tests"][1].get("properties"), None);
    assert_eq!(report["tests"][1]["outcome"], "errored");
    assert_eq!(report["exit"], u64::from(Exit::NotWhole.code()));
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_is_documented() {
    let docs = include_str!("../../../docs/reference/report-json.md");
    let schema = include_str!("../../../docs/reference/report.schema.json");
    let mut found = BTreeSet::new();
    keys(&parsed(&eventful()), &mut found);
    assert!(found.contains("stopped") && found.contains("leaked") && found.contains("line"));
    for key in found {
        assert!(docs.contains(&format!("`{key}`")), "`{key}` is not in report-json.md");
        assert!(schema.contains(&format!("\"{key}\":")), "{key} is not in report.schema.json");
    }
}

#[test]
fn every_exit_code_is_documented() {
    let docs = include_str!("../../../docs/reference/exit-codes.md");
    for exit in Exit::ALL {
        let row = format!("| {} |", exit.code());
        assert!(docs.contains(&row), "{exit:?} is not in exit-codes.md");
    }
}
