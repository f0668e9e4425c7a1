//! Every test for the page's list, as compact JSON that the script reads.

use std::collections::{BTreeMap, BTreeSet};

use maud::PreEscaped;
use serde::Serialize;

use super::super::compare::Comparison;
use super::super::run::{FinalOutcome, RunReport, TestReport};

/// Tests that the list holds: those that are not good first, then the others by id.
const TESTS_MAX: usize = 200_000;
/// Characters of a message that the list holds, of tests that are not shown in full.
const MESSAGE_CHARS_MAX: usize = 300;
/// Such messages, so that a browser opens the page.
const MESSAGES_MAX: usize = 20_000;

#[derive(Serialize)]
struct Data<'a> {
    groups: Vec<Group<'a>>,
    tests: Vec<Test<'a>>,
    /// What is special of tests, by the word that finds them: positions in `tests`.
    marks: BTreeMap<&'static str, Vec<usize>>,
    /// Tests that the list leaves out.
    omitted: usize,
}

/// Suite, name, and when its last execution began.
#[derive(Serialize)]
struct Group<'a>(&'a str, &'a str, u64);

/// Group, name, outcome, microseconds, shard, worker, the entry that shows it in full or -1, and
/// the first line of its message.
#[derive(Serialize)]
struct Test<'a>(usize, &'a str, u8, u64, u32, u32, i64, Option<String>);

/// The JSON, fit to stand in a `script` element: no `<` is left that could end it.
pub(super) fn embedded(report: &RunReport, shown: &BTreeSet<usize>) -> PreEscaped<String> {
    let chosen = chosen(report);
    let mut messages = MESSAGES_MAX;
    let tests = chosen.iter().map(|&index| {
        let at = if shown.contains(&index) { i64::try_from(index).unwrap_or(-1) } else { -1 };
        let test = &report.tests[index];
        let message = message(test).filter(|_| at < 0 && messages > 0);
        messages -= usize::from(message.is_some());
        let took_us = test.took_us().unwrap_or(0);
        let outcome = code(test.outcome);
        Test(test.group, &test.id.name, outcome, took_us, test.shard, test.worker, at, message)
    });
    let groups = report.groups.iter().map(|group| {
        let began =
            group.executions.last().map_or(0, |run| run.at_us.saturating_sub(run.duration_us));
        Group(group.id.suite.as_str(), &group.id.name, began)
    });
    let data = Data {
        groups: groups.collect(),
        tests: tests.collect(),
        marks: marks(report, &chosen),
        omitted: report.tests.len() - chosen.len(),
    };
    // Text and numbers are all that is in it.
    let json = serde_json::to_string(&data).unwrap_or_else(|_| "{}".to_owned());
    PreEscaped(json.replace('<', "\\u003c"))
}

fn marks(report: &RunReport, chosen: &[usize]) -> BTreeMap<&'static str, Vec<usize>> {
    let excused = report.quarantine.excused.iter().map(|excused| excused.test);
    let mut marks = BTreeMap::from([("quarantined", excused.collect::<Vec<_>>())]);
    if let Some(compared) = &report.compared {
        let Comparison { base: _, new_failures, fixed, slower, added, removed: _, rates: _ } =
            compared;
        marks.insert("new-failure", new_failures.clone());
        marks.insert("fixed", fixed.clone());
        marks.insert("slower", slower.iter().map(|slower| slower.test).collect());
        marks.insert("new", added.clone());
    }
    for tests in marks.values_mut() {
        let places = tests.iter().filter_map(|at| chosen.binary_search(at).ok());
        *tests = places.collect();
    }
    marks.retain(|_, tests| !tests.is_empty());
    marks
}

/// Which tests the list holds, by id.
fn chosen(report: &RunReport) -> Vec<usize> {
    let all = 0..report.tests.len();
    if report.tests.len() <= TESTS_MAX {
        return all.collect();
    }
    let is_plain = |index: &usize| matches!(code(report.tests[*index].outcome), 3 | 4);
    let (plain, notable): (Vec<usize>, Vec<usize>) = all.partition(is_plain);
    let mut chosen: Vec<usize> = notable.into_iter().chain(plain).take(TESTS_MAX).collect();
    chosen.sort_unstable();
    chosen
}

/// The script's numbers of the outcomes, the worst first.
fn code(outcome: FinalOutcome) -> u8 {
    match outcome {
        FinalOutcome::Failed => 0,
        FinalOutcome::Errored => 1,
        FinalOutcome::Flaky => 2,
        FinalOutcome::Passed => 3,
        FinalOutcome::Skipped => 4,
    }
}

fn message(test: &TestReport) -> Option<String> {
    let line = test.told.as_ref()?.message.as_ref()?.lines().next()?;
    Some(line.chars().take(MESSAGE_CHARS_MAX).collect())
}
