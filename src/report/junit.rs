//! The report as one JUnit document: a `<testsuite>` for each group that ran, a `<testcase>` for
//! each test.
//!
//! A test's output is its group's, so output stands where it helps: on failed and errored tests,
//! once a group. A test of a group that was tried again carries its earlier executions. The cases
//! are written one by one: a million of them need no memory.

use std::io;

use super::run::{Earlier, FinalOutcome, GroupReport, RunReport, TestReport};
use crate::junit::write::{Attempt, Case, Counts, Document, Suite};
use crate::model::{Outcome, Output};

/// The root element's name.
pub const ROOT: &str = "evenly";

/// Renders the report.
///
/// # Errors
/// As `out`.
pub fn render(report: &RunReport, out: &mut dyn io::Write) -> io::Result<()> {
    let RunReport { groups, tests, .. } = report;
    let mut sums = vec![Sums::default(); groups.len()];
    let mut all = Sums::default();
    for test in tests {
        sums[test.group].add(test);
        all.add(test);
    }
    let longest = report.shards.iter().map(|shard| shard.actual_us).max();
    let took_us = longest.unwrap_or(all.duration_us);
    let mut document = Document::begin(out, ROOT, Some(took_us), all.counts)?;
    let by_group = by_group(tests, &sums);
    let mut rest = by_group.as_slice();
    for (group, sums) in groups.iter().zip(&sums) {
        let (own, others) = rest.split_at(sums.counts.tests);
        rest = others;
        if own.is_empty() {
            continue;
        }
        let name = group.id.to_string();
        let is_foreign = group.planned.is_none() && group.executions.is_empty();
        let name = if is_foreign { &group.id.name } else { &*name };
        document.begin_suite(&suite(report, group, name, sums), sums.counts)?;
        let mut output = output(group);
        for &index in own {
            let test = &tests[index];
            let shown = if test.outcome.is_good() { None } else { output.take() };
            document.case(&case(test, shown.as_deref()))?;
        }
        document.end_suite()?;
    }
    document.end()
}

/// What a suite's head tells of its cases.
#[derive(Clone, Copy, Default)]
struct Sums {
    counts: Counts,
    duration_us: u64,
}

impl Sums {
    fn add(&mut self, test: &TestReport) {
        self.counts.add(as_junit(test.outcome));
        self.duration_us = self.duration_us.saturating_add(test.duration_us);
    }
}

/// The tests' indices, those of each group together, in the groups' order.
fn by_group(tests: &[TestReport], sums: &[Sums]) -> Vec<usize> {
    let mut next: Vec<usize> = sums
        .iter()
        .scan(0, |at, sums| {
            let first = *at;
            *at += sums.counts.tests;
            Some(first)
        })
        .collect();
    let mut ordered = vec![0; tests.len()];
    for (index, test) in tests.iter().enumerate() {
        ordered[next[test.group]] = index;
        next[test.group] += 1;
    }
    ordered
}

fn suite<'a>(
    report: &'a RunReport,
    group: &'a GroupReport,
    name: &'a str,
    sums: &Sums,
) -> Suite<'a> {
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
        timestamp: started.or(group.began),
        duration_us: Some(last.map_or(sums.duration_us, |last| last.duration_us)),
        hostname: shard.map(|shard| shard.host.as_str()),
        cases: Vec::new(),
    }
}

/// A flaky test passes, for whoever knows no such word.
fn as_junit(outcome: FinalOutcome) -> Outcome {
    match outcome {
        FinalOutcome::Skipped => Outcome::Skipped,
        FinalOutcome::Passed | FinalOutcome::Flaky => Outcome::Passed,
        FinalOutcome::Failed => Outcome::Failed,
        FinalOutcome::Errored => Outcome::Errored,
    }
}

fn case<'a>(test: &'a TestReport, output: Option<&'a str>) -> Case<'a> {
    let told = test.told.as_deref();
    Case {
        class: test.class(),
        name: test.case(),
        outcome: as_junit(test.outcome),
        duration_us: Some(test.duration_us),
        message: told.and_then(|told| told.message.as_deref()),
        kind: told.and_then(|told| told.kind.as_deref()),
        detail: told.and_then(|told| told.detail.as_deref()),
        output: told.and_then(|told| told.output.as_deref()).or(output),
        properties: told.map_or(&[], |told| &told.properties),
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
        output: told.and_then(|told| told.output.as_deref()),
    }
}

fn output(group: &GroupReport) -> Option<String> {
    let Output { head, tail } = group.executions.last()?.output.as_ref()?;
    Some(match tail {
        None => head.clone(),
        Some(kept) => format!("{head}\n[{} bytes left out]\n{}", kept.omitted_bytes, kept.text),
    })
}
