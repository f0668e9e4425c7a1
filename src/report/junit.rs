//! The report as one JUnit document: a `<testsuite>` for each group that ran, a `<testcase>` for
//! each test.
//!
//! A test's output is its group's, so output stands where it helps: on failed and errored tests,
//! once a group. A test of a group that was tried again carries its earlier executions.

use std::io;

use super::run::{Earlier, FinalOutcome, GroupReport, RunReport, TestReport};
use crate::junit::write::{Attempt, Case, Report, Suite, write};
use crate::model::{Outcome, Output};

/// Renders the report.
///
/// # Errors
/// As `out`.
pub fn render(report: &RunReport, out: &mut dyn io::Write) -> io::Result<()> {
    let names: Vec<String> = report.groups.iter().map(|group| group.id.to_string()).collect();
    let outputs: Vec<Option<String>> = report.groups.iter().map(output).collect();
    let mut suites: Vec<Suite<'_>> =
        report.groups.iter().zip(&names).map(|(group, name)| suite(report, group, name)).collect();
    for test in &report.tests {
        let cases = &mut suites[test.group].cases;
        let first_bad = !test.outcome.is_good() && cases.iter().all(|case| case.output.is_none());
        let output = if first_bad { outputs[test.group].as_deref() } else { None };
        cases.push(case(test, output));
    }
    suites.retain(|suite| !suite.cases.is_empty());
    let longest = report.shards.iter().map(|shard| shard.actual_us).max();
    out.write_all(write(&Report { name: "evenly", duration_us: longest, suites }).as_bytes())
}

fn suite<'a>(report: &'a RunReport, group: &'a GroupReport, name: &'a str) -> Suite<'a> {
    let last = group.executions.last();
    let shard = last.and_then(|last| report.shards.iter().find(|shard| shard.index == last.shard));
    let started = last.zip(shard).and_then(|(last, shard)| {
        let begun_us = last.at_us.saturating_sub(last.duration_us);
        let begun = jiff::SignedDuration::from_micros(i64::try_from(begun_us).ok()?);
        shard.started.checked_add(begun).ok()
    });
    Suite {
        name,
        file: None,
        timestamp: started,
        duration_us: last.map(|last| last.duration_us),
        hostname: shard.map(|shard| shard.host.as_str()),
        cases: Vec::new(),
    }
}

fn case<'a>(test: &'a TestReport, output: Option<&'a str>) -> Case<'a> {
    let told = test.told.as_deref();
    Case {
        class: &test.class,
        name: &test.case,
        outcome: match test.outcome {
            FinalOutcome::Skipped => Outcome::Skipped,
            FinalOutcome::Passed | FinalOutcome::Flaky => Outcome::Passed,
            FinalOutcome::Failed => Outcome::Failed,
            FinalOutcome::Errored => Outcome::Errored,
        },
        duration_us: Some(test.duration_us),
        message: told.and_then(|told| told.message.as_deref()),
        kind: told.and_then(|told| told.kind.as_deref()),
        detail: told.and_then(|told| told.detail.as_deref()),
        output,
        earlier: test.earlier.iter().map(attempt).collect(),
    }
}

fn attempt(earlier: &Earlier) -> Attempt<'_> {
    let Earlier { attempt: _, outcome, duration_us: _, told } = earlier;
    let told = told.as_deref();
    Attempt {
        outcome: *outcome,
        message: told.and_then(|told| told.message.as_deref()),
        kind: told.and_then(|told| told.kind.as_deref()),
        detail: told.and_then(|told| told.detail.as_deref()),
        output: None,
    }
}

fn output(group: &GroupReport) -> Option<String> {
    let Output { head, tail } = group.executions.last()?.output.as_ref()?;
    Some(match tail {
        None => head.clone(),
        Some(kept) => format!("{head}\n[{} bytes left out]\n{}", kept.omitted_bytes, kept.text),
    })
}
