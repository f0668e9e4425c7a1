//! The judgement of what a warm worker told.

use std::collections::HashMap;

use super::{AfterDeath, Case, Close, Report, Running, Said, blank, fold_repeat};
use crate::model::{Outcome, Output, Problem, ProcessEnd, TestResult};

/// How much of the output's end goes with a test that was cut off.
const LAST_WORDS_BYTES_MAX: usize = 8 << 10;

/// The results, one a test, and what was wrong beyond them.
pub(super) fn tests_and_problem(case: &Case<'_>) -> (Vec<TestResult>, Option<Problem>) {
    let said = match &case.report {
        // Nothing was said, since nothing ran.
        Report::Documents(_) => return (Vec::new(), Some(unsaid(case))),
        Report::Said(said) => said,
    };
    let mut tests: Vec<TestResult> = Vec::with_capacity(said.tests.len());
    let mut places: HashMap<&str, usize> = HashMap::new();
    for test in &said.tests {
        if let Some(&at) = places.get(test.name.as_str()) {
            fold_repeat(&mut tests[at], test.clone());
        } else {
            places.insert(&test.name, tests.len());
            tests.push(test.clone());
        }
    }
    let problem = problem(case, said, &tests);
    if let Some(problem) = &problem {
        let cut_off = said.running.iter().filter(|running| !places.contains_key(&*running.test));
        tests.extend(cut_off.map(|running| cut_short(case, problem, running)));
    }
    (tests, problem)
}

fn unsaid(case: &Case<'_>) -> Problem {
    match (case.end, &case.cut) {
        (ProcessEnd::NotStarted(_), _) | (_, None) => Problem::NotStarted,
        (_, Some(cut)) => cut.clone(),
    }
}

fn problem(case: &Case<'_>, said: &Said, tests: &[TestResult]) -> Option<Problem> {
    if let ProcessEnd::NotStarted(_) = case.end {
        return Some(Problem::NotStarted);
    }
    let all_good = tests.iter().all(|test| test.outcome.is_good());
    let sound = said.close == Close::Finished { good: true } && all_good;
    match &case.cut {
        Some(Problem::Interrupted) if sound => return None,
        Some(cut) => return Some(cut.clone()),
        None => {}
    }
    match (&said.close, case.after_death) {
        (Close::Finished { good }, _) => (!good && all_good).then_some(Problem::CalledBad),
        (Close::Died | Close::Astray(_), AfterDeath::GivenUp(deaths)) => {
            Some(Problem::GivenUp(deaths))
        }
        (Close::Died, AfterDeath::Errors | AfterDeath::GoesOn) => Some(Problem::WorkerDied),
        (Close::Astray(what), AfterDeath::Errors | AfterDeath::GoesOn) => {
            Some(Problem::WorkerAstray(what.clone()))
        }
    }
}

/// A test that was under way: its worker told that it began, so this is no mere conclusion.
fn cut_short(case: &Case<'_>, problem: &Problem, running: &Running) -> TestResult {
    let Running { test, duration_us } = running;
    let why = match problem {
        Problem::TimedOut(_) | Problem::Interrupted => {
            format!("it was running when its group {}", problem.describe(case.end))
        }
        Problem::NoReport
        | Problem::TornReport(_)
        | Problem::EmptyReport
        | Problem::GreenButFailed
        | Problem::NotStarted
        | Problem::Unkillable(_)
        | Problem::WorkerDied
        | Problem::WorkerAstray(_)
        | Problem::GivenUp(_)
        | Problem::CalledBad => format!("its worker ended while it was running ({})", case.end),
    };
    TestResult {
        outcome: Outcome::Errored,
        duration_us: *duration_us,
        message: Some(why),
        detail: last_words(case.output),
        reported: true,
        ..blank(test)
    }
}

/// The end of what was printed.
fn last_words(output: &Output) -> Option<String> {
    let Output { head, tail } = output;
    let text = tail.as_ref().map_or(head.as_str(), |tail| &tail.text).trim_end();
    let start = text.len().saturating_sub(LAST_WORDS_BYTES_MAX);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at))?;
    Some(text[start..].to_owned())
}
