//! What an execution of a group came to: its process's end and its framework's report, judged
//! together, never one without the other.
//!
//! Promises: a group that reports nothing, or not all, or all green from a failing process, is
//! never a pass; a test that was listed and that a broken execution said nothing of gets an errored
//! result of its own; a listed test that a *sound* execution did not mention gets none, so that
//! merge finds it lost. A warm worker that died in a group leaves what it had told; whether the
//! rest is errors or is run by another worker, the dispatcher says.

mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::mem;

use super::naming::Naming;
use super::preset::{Results, Selects};
use crate::junit::read as junit;
use crate::model::{
    Group, Outcome, Output, Problem, ProcessEnd, Property, TestResult, Try, Verdict,
};

/// How a suite's results are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// From the exit status alone: a group is one test.
    ExitStatus,
    /// From the JUnit files that the framework writes.
    Junit {
        /// How their names are matched with listed tests.
        naming: Naming,
        /// The smallest thing that can be run alone.
        selects: Selects,
    },
    /// From what a warm worker says, by the listed names; every test can be run alone.
    Told {
        /// How its framework names tests.
        naming: Naming,
    },
}

impl Reading {
    /// How a framework that is run by commands is read.
    #[must_use]
    pub fn of(results: Results, naming: Naming, selects: Selects) -> Self {
        match results {
            Results::ExitStatus => Self::ExitStatus,
            Results::Junit => Self::Junit { naming, selects },
        }
    }

    /// How a JUnit case is matched with a listed test.
    #[must_use]
    pub fn naming(self) -> Naming {
        match self {
            Self::ExitStatus => Naming::ClassAndName,
            Self::Junit { naming, selects: _ } | Self::Told { naming } => naming,
        }
    }

    /// What goes on the command line to run these tests of a group; none where the whole group
    /// must be run.
    #[must_use]
    pub fn arguments(self, group: &Group, tests: &[String]) -> Option<Vec<Vec<u8>>> {
        match self {
            Self::ExitStatus => None,
            Self::Junit { naming: _, selects } => selects.arguments(&group.members, tests),
            Self::Told { naming: _ } => {
                Some(tests.iter().map(|test| test.clone().into_bytes()).collect())
            }
        }
    }
}

/// Which tests of a group an execution runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All.
    Whole,
    /// These, by their listed names: what failed before.
    Tests(Vec<String>),
}

/// What the framework said of a group.
#[derive(Debug)]
pub enum Report {
    /// Its JUnit files, read, in the order of their names.
    Documents(Vec<junit::Document>),
    /// What its warm worker told.
    Said(Said),
}

impl Default for Report {
    fn default() -> Self {
        Self::Documents(Vec::new())
    }
}

/// What a warm worker told of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The tests that have ended, in that order.
    pub tests: Vec<TestResult>,
    /// The tests that were under way when it ended.
    pub running: Vec<Running>,
    /// How it came to its end.
    pub close: Close,
}

/// A test that was started and did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its name.
    pub test: String,
    /// How long it had been running, microseconds.
    pub duration_us: u64,
}

/// How a warm worker's group came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// The worker said so, and its framework's verdict.
    Finished {
        /// Whether the framework calls the group good.
        good: bool,
    },
    /// The worker ended first.
    Died,
    /// The worker said what it must not, which the text tells.
    Astray(String),
}

impl Report {
    fn documents(&self) -> &[junit::Document] {
        match self {
            Self::Documents(documents) => documents,
            Self::Said(_) => &[],
        }
    }

    /// Whether a warm worker ended before its group did.
    fn is_of_a_death(&self) -> bool {
        match self {
            Self::Documents(_) | Self::Said(Said { close: Close::Finished { .. }, .. }) => false,
            Self::Said(Said { close: Close::Died | Close::Astray(_), .. }) => true,
        }
    }

    /// How many tests a warm worker told the end of.
    #[must_use]
    pub fn tests_told(&self) -> usize {
        match self {
            Self::Documents(_) => 0,
            Self::Said(said) => said.tests.len(),
        }
    }
}

/// What becomes of the tests that a dead warm worker had not got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDeath {
    /// They are errors.
    Errors,
    /// They are errors, since so many workers have died in the group.
    GivenUp(u32),
    /// Another worker runs them.
    GoesOn,
}

/// All that a judgement rests on.
#[derive(Debug)]
pub struct Case<'a> {
    /// The group that ran.
    pub group: &'a Group,
    /// Which of its tests.
    pub selection: &'a Selection,
    /// How its results are read.
    pub reading: Reading,
    /// How its process ended.
    pub end: &'a ProcessEnd,
    /// How long that took, microseconds.
    pub duration_us: u64,
    /// Why evenly ended it, if it did.
    pub cut: Option<Problem>,
    /// Processes that it left and that could not be killed.
    pub unkillable: Vec<i32>,
    /// What its framework said.
    pub report: Report,
    /// What it printed.
    pub output: &'a Output,
    /// What becomes of the tests that a dead worker had not got to.
    pub after_death: AfterDeath,
}

/// The judgement.
#[derive(Debug, PartialEq, Eq)]
pub struct Judged {
    /// A result a test.
    pub tests: Vec<TestResult>,
    /// What was wrong beyond failing tests.
    pub problem: Option<Problem>,
    /// All told.
    pub verdict: Verdict,
}

/// Judges one execution.
#[must_use]
pub fn judge(case: &Case<'_>) -> Judged {
    let (mut tests, problem) = match case.reading {
        Reading::ExitStatus => (vec![by_exit_status(case)], exit_status_problem(case)),
        Reading::Junit { naming, selects: _ } => {
            let tests = reported_tests(case, naming);
            let problem = junit_problem(case, &tests);
            (tests, problem)
        }
        Reading::Told { naming: _ } => told::tests_and_problem(case),
    };
    let problem = problem.or_else(|| {
        let left = &case.unkillable;
        (!left.is_empty()).then(|| Problem::Unkillable(left.clone()))
    });
    match (&problem, case.selection) {
        (Some(problem), _) => conclude_unreported(case, problem, &mut tests),
        (None, Selection::Tests(names)) => conclude_not_retried(names, &mut tests),
        (None, Selection::Whole) => {}
    }
    let all_good = tests.iter().all(|test| test.outcome.is_good());
    let verdict = if all_good && problem.is_none() { Verdict::Passed } else { Verdict::Failed };
    Judged { tests, problem, verdict }
}

/// What a retry runs: only the tests that failed, where the framework can and it is known which.
/// A test that was not listed has a name of evenly's own making, which no framework knows.
/// `failed` are the names of the tests that failed, in any execution of this try.
#[must_use]
pub fn retry_selection(
    group: &Group,
    reading: Reading,
    problem: Option<&Problem>,
    failed: &[String],
) -> Selection {
    // What a warm worker told of its tests holds, whatever became of it.
    if problem.is_some() && !matches!(reading, Reading::Told { .. }) {
        return Selection::Whole;
    }
    let failed: HashSet<&String> = failed.iter().collect();
    let names: Vec<String> =
        group.tests.iter().flatten().filter(|name| failed.contains(name)).cloned().collect();
    let known = names.len() == failed.len();
    let can = known && reading.arguments(group, &names).is_some();
    if can { Selection::Tests(names) } else { Selection::Whole }
}

/// The tests that a warm worker had not got to when it died, in their order.
#[must_use]
pub fn left_by_a_death(group: &Group, selection: &Selection, report: &Report) -> Vec<String> {
    let said = match report {
        Report::Said(said) if report.is_of_a_death() => said,
        Report::Said(_) | Report::Documents(_) => return Vec::new(),
    };
    let ended = said.tests.iter().map(|test| &test.name);
    let running = said.running.iter().map(|running| &running.test);
    let known: HashSet<&String> = ended.chain(running).collect();
    let expected = match selection {
        Selection::Whole => group.tests.as_deref().unwrap_or_default(),
        Selection::Tests(names) => names,
    };
    expected.iter().filter(|name| !known.contains(name)).cloned().collect()
}

fn by_exit_status(case: &Case<'_>) -> TestResult {
    let outcome = match (case.end, &case.cut) {
        (ProcessEnd::Exited(0), None | Some(Problem::Interrupted)) => Outcome::Passed,
        (ProcessEnd::Exited(_), None) => Outcome::Failed,
        _ => Outcome::Errored,
    };
    let message = (!outcome.is_good()).then(|| case.end.to_string());
    let reported = matches!(case.end, ProcessEnd::Exited(_));
    let duration_us = case.duration_us;
    TestResult { outcome, duration_us, message, reported, ..blank(&case.group.id.name) }
}

fn exit_status_problem(case: &Case<'_>) -> Option<Problem> {
    match (case.end, &case.cut) {
        (ProcessEnd::NotStarted(_), _) => Some(Problem::NotStarted),
        (ProcessEnd::Exited(0), Some(Problem::Interrupted)) => None,
        (_, cut) => cut.clone(),
    }
}

fn junit_problem(case: &Case<'_>, tests: &[TestResult]) -> Option<Problem> {
    if let ProcessEnd::NotStarted(_) = case.end {
        return Some(Problem::NotStarted);
    }
    let documents = case.report.documents();
    let torn = documents.iter().find_map(|document| document.broken.clone());
    let ended_well = matches!(case.end, ProcessEnd::Exited(0));
    let all_good = tests.iter().all(|test| test.outcome.is_good());
    let sound = ended_well && all_good && torn.is_none() && !tests.is_empty();
    match &case.cut {
        Some(Problem::Interrupted) if sound => return None,
        Some(cut) => return Some(cut.clone()),
        None => {}
    }
    if documents.is_empty() {
        return Some(Problem::NoReport);
    }
    if let Some(at) = torn {
        return Some(Problem::TornReport(at));
    }
    if tests.is_empty() {
        return Some(Problem::EmptyReport);
    }
    (all_good && !ended_well).then_some(Problem::GreenButFailed)
}

/// The report's cases as results, one a test: several reports of one listed test are folded into
/// the worst (pytest reports a failure and its teardown's error apart), several of one unlisted
/// name are numbered, since they may be different tests.
fn reported_tests(case: &Case<'_>, naming: Naming) -> Vec<TestResult> {
    let listed = case.group.tests.as_deref().unwrap_or_default();
    let by_key: HashMap<String, &str> =
        listed.iter().map(|name| (naming.key_of_listed(name), name.as_str())).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut copies: BTreeMap<String, u32> = BTreeMap::new();
    let mut tests: Vec<TestResult> = Vec::new();
    for reported in case.report.documents().iter().flat_map(|document| &document.cases) {
        let key = naming.key_of_case(&reported.class, &reported.name);
        if let Some(name) = by_key.get(&key) {
            let test = result(reported, (*name).to_owned());
            if let Some(&at) = places.get(*name) {
                fold_repeat(&mut tests[at], test);
            } else {
                places.insert((*name).to_owned(), tests.len());
                tests.push(test);
            }
        } else {
            let name = naming.name_of_unlisted(&reported.class, &reported.name);
            let copy = copies.entry(name.clone()).or_default();
            *copy += 1;
            let name = if *copy == 1 { name } else { format!("{name} #{copy}") };
            tests.push(result(reported, name));
        }
    }
    tests
}

fn fold_repeat(known: &mut TestResult, again: TestResult) {
    let repeats = known.repeats + 1;
    let duration_us = known.duration_us.saturating_add(again.duration_us);
    let other = if again.outcome > known.outcome { mem::replace(known, again) } else { again };
    if known.properties.is_empty() {
        known.properties = other.properties;
    }
    known.repeats = repeats;
    known.duration_us = duration_us;
}

fn result(case: &junit::Case, name: String) -> TestResult {
    let properties = case.properties.iter().map(|(name, value)| (name, value));
    TestResult {
        name,
        class: case.class.clone(),
        case: case.name.clone(),
        outcome: case.outcome,
        duration_us: case.duration_us.unwrap_or(0),
        message: case.message.clone(),
        kind: case.kind.clone(),
        detail: case.detail.clone(),
        file: case.file.clone(),
        line: case.line,
        reported: true,
        repeats: 1,
        tries: case.reruns.iter().filter_map(earlier).collect(),
        properties: Property::kept(properties),
    }
}

/// What a tool that tries again by itself says of a try before the one that passed.
fn earlier(rerun: &junit::Rerun) -> Option<Try> {
    (rerun.flavour == junit::Flavour::Flaky).then(|| Try {
        outcome: rerun.outcome,
        duration_us: rerun.duration_us.unwrap_or(0),
        message: rerun.message.clone(),
        kind: rerun.kind.clone(),
        detail: rerun.detail.clone(),
    })
}

fn expected<'a>(case: &'a Case<'_>) -> Option<&'a [String]> {
    match case.selection {
        Selection::Whole => case.group.tests.as_deref(),
        Selection::Tests(names) => Some(names),
    }
}

/// Adds an errored result for each listed test without one, and for the group itself where no test
/// could carry the problem.
fn conclude_unreported(case: &Case<'_>, problem: &Problem, tests: &mut Vec<TestResult>) {
    let why = problem.describe(case.end);
    if case.after_death != AfterDeath::GoesOn {
        for name in missing(expected(case).unwrap_or_default(), tests) {
            tests.push(errored(&name, format!("no result: its group {why}")));
        }
    }
    if tests.iter().all(|test| test.outcome.is_good()) {
        tests.push(errored(&format!("[group] {}", case.group.id.name), why));
    }
}

/// Adds an errored result for each test that was to be tried again and that the retry said nothing
/// of: it failed before, and nothing says that it holds now.
fn conclude_not_retried(names: &[String], tests: &mut Vec<TestResult>) {
    for name in missing(names, tests) {
        tests.push(errored(&name, "no result: it was to be tried again, and was not".to_owned()));
    }
}

fn missing(expected: &[String], tests: &[TestResult]) -> Vec<String> {
    let known: BTreeSet<&String> = tests.iter().map(|test| &test.name).collect();
    expected.iter().filter(|name| !known.contains(name)).cloned().collect()
}

fn errored(name: &str, message: String) -> TestResult {
    TestResult { outcome: Outcome::Errored, message: Some(message), ..blank(name) }
}

fn blank(name: &str) -> TestResult {
    TestResult {
        name: name.to_owned(),
        class: String::new(),
        case: name.to_owned(),
        outcome: Outcome::Passed,
        duration_us: 0,
        message: None,
        kind: None,
        detail: None,
        file: None,
        line: None,
        reported: false,
        repeats: 1,
        tries: Vec::new(),
        properties: Box::default(),
    }
}

#[cfg(test)]
mod tests;
