//! What follows when a warm worker dies: what it had not got to, and no more, is run again.

use super::*;
use crate::framework::{Close, Naming, Running, Said, Selection};
use crate::model::{Outcome, TestResult, Verdict};

/// A dispatcher with one warm group of these tests.
struct Warm {
    dispatcher: Dispatcher,
    now_us: u64,
    /// What was started: which execution, and which tests.
    started: Vec<Vec<String>>,
    finished: Vec<GroupFinished>,
}

/// What a worker does with the tests that it is given.
#[derive(Clone, Copy)]
enum Does {
    /// It tells so many as passed, and dies in the next.
    DiesAfter(usize),
    /// It tells so many as passed, and dies.
    DiesBetween(usize),
    /// It tells all as passed.
    Passes,
}

impl Warm {
    fn new(tests: usize, retries: u32, fail_fast: bool) -> Self {
        let mut job = job(0, Spec { retries, ..PLAIN });
        job.group.tests = Some((0..tests).map(|test| format!("t{test:02}")).collect());
        job.reading = Reading::Told { naming: Naming::Dotted };
        let policy = Policy { grace: Duration::from_micros(GRACE_US), fail_fast };
        let dispatcher = Dispatcher::new(vec![job], 1, policy);
        let mut warm = Self { dispatcher, now_us: 0, started: Vec::new(), finished: Vec::new() };
        warm.step(Input::Begin);
        warm
    }

    fn step(&mut self, input: Input) -> Vec<Action> {
        let mut others = Vec::new();
        for action in self.dispatcher.handle(self.now_us, input) {
            match action {
                Action::Start { selection, job, .. } => {
                    let all = self.dispatcher.jobs()[job].group.tests.clone().unwrap();
                    self.started.push(match selection {
                        Selection::Whole => all,
                        Selection::Tests(tests) => tests,
                    });
                }
                Action::Emit(event) => {
                    if let Event::GroupFinished(finished) = *event {
                        self.finished.push(finished);
                    }
                }
                other => others.push(other),
            }
        }
        others
    }

    /// Ends what runs.
    fn does(&mut self, what: Does) -> Vec<Action> {
        self.now_us += 1;
        let given = self.started.last().unwrap();
        let (told, running, close) = match what {
            Does::DiesAfter(told) => (told, given.get(told), Close::Died),
            Does::DiesBetween(told) => (told, None, Close::Died),
            Does::Passes => (given.len(), None, Close::Finished { good: true }),
        };
        let running = running.map(|test| Running { test: test.clone(), duration_us: 1 });
        let tests = given[..told].iter().map(|name| passed(name)).collect();
        let end = match close {
            Close::Finished { .. } => ProcessEnd::Exited(0),
            Close::Died | Close::Astray(_) => ProcessEnd::Signaled(9),
        };
        let said = Said { tests, running: running.into_iter().collect(), close };
        let execution = Execution {
            end,
            duration_us: 1,
            leaked: Vec::new(),
            unkillable: Vec::new(),
            report: Report::Said(said),
            output: Output::default(),
            notes: Vec::new(),
        };
        self.step(Input::Ended { worker: 0, execution: Box::new(execution) })
    }

    /// Every result, by execution.
    fn results(&self) -> Vec<(u32, &str, Outcome)> {
        let of = |run: &GroupFinished| run.attempt;
        let each = self.finished.iter().flat_map(|run| {
            run.tests.iter().map(move |test| (of(run), test.name.as_str(), test.outcome))
        });
        each.collect()
    }

    fn lasts(&self) -> Vec<bool> {
        self.finished.iter().map(|run| run.last).collect()
    }
}

fn passed(name: &str) -> TestResult {
    serde_json::from_value(serde_json::json!({
        "name": name, "case": name, "outcome": "passed", "duration_us": 1,
        "reported": true, "repeats": 1,
    }))
    .unwrap()
}

#[test]
fn the_rest_goes_on_without_a_retry_and_the_group_has_failed() {
    let mut warm = Warm::new(4, 0, false);
    assert_eq!(warm.does(Does::DiesAfter(1)), []);
    assert_eq!(warm.started[1], ["t02", "t03"]);
    assert_eq!(warm.does(Does::Passes), [Action::Finish]);
    let (passed, errored) = (Outcome::Passed, Outcome::Errored);
    let expected =
        [(1, "t00", passed), (1, "t01", errored), (2, "t02", passed), (2, "t03", passed)];
    assert_eq!(warm.results(), expected);
    assert_eq!(warm.lasts(), [false, true]);
    assert_eq!(warm.finished[0].problem, Some(Problem::WorkerDied));
    assert_eq!((&warm.finished[1].problem, warm.finished[1].verdict), (&None, Verdict::Failed));
    assert_eq!(warm.dispatcher.failed(), 1);
}

#[test]
fn a_retry_runs_all_that_died_or_failed_in_any_execution() {
    let mut warm = Warm::new(4, 1, false);
    warm.does(Does::DiesAfter(0));
    warm.does(Does::DiesAfter(1));
    assert_eq!(warm.started[2], ["t03"]);
    warm.does(Does::Passes);
    assert_eq!(warm.started[3], ["t00", "t02"]);
    assert_eq!(warm.does(Does::Passes), [Action::Finish]);
    assert_eq!(warm.lasts(), [false, false, false, true]);
    assert_eq!(warm.dispatcher.failed(), 0);
}

#[test]
fn a_death_between_tests_is_said_of_the_last_execution_too() {
    let mut warm = Warm::new(3, 0, false);
    warm.does(Does::DiesBetween(1));
    assert_eq!(warm.started[1], ["t01", "t02"]);
    assert_eq!(warm.does(Does::Passes), [Action::Finish]);
    let group: Vec<_> =
        warm.results().into_iter().filter(|(_, name, _)| *name == "[group] g0").collect();
    assert_eq!(group, [(1, "[group] g0", Outcome::Errored), (2, "[group] g0", Outcome::Errored)]);
    assert_eq!(warm.finished[1].verdict, Verdict::Failed);
    // A retry that passes is the end of it.
    let mut warm = Warm::new(3, 1, false);
    warm.does(Does::DiesBetween(1));
    warm.does(Does::Passes);
    assert_eq!(warm.started[2].len(), 3, "who knows which test it was");
    warm.does(Does::Passes);
    assert_eq!(warm.finished[2].verdict, Verdict::Passed);
    assert_eq!(warm.dispatcher.failed(), 0);
}

#[test]
fn three_deaths_without_a_test_end_a_group() {
    let mut warm = Warm::new(50, 0, false);
    for _ in 0..2 {
        assert_eq!(warm.does(Does::DiesAfter(0)), []);
    }
    assert_eq!(warm.does(Does::DiesAfter(0)), [Action::Finish]);
    assert_eq!(warm.finished[2].problem, Some(Problem::GivenUp(3)));
    assert_eq!(warm.results().len(), 50);
    assert!(warm.results().iter().all(|(_, _, outcome)| *outcome == Outcome::Errored));
}

#[test]
fn the_twentieth_death_ends_a_group() {
    let mut warm = Warm::new(50, 0, false);
    for death in 1..=20 {
        let end = warm.does(Does::DiesAfter(1));
        assert_eq!(end.is_empty(), death < 20, "{death}");
    }
    assert_eq!(warm.finished[19].problem, Some(Problem::GivenUp(20)));
    let passed = warm.results().iter().filter(|(_, _, outcome)| outcome.is_good()).count();
    assert_eq!((warm.results().len(), passed), (50, 20));
}

#[test]
fn a_death_in_the_last_test_is_the_end() {
    let mut warm = Warm::new(2, 0, false);
    assert_eq!(warm.does(Does::DiesAfter(1)), [Action::Finish]);
    assert_eq!(warm.lasts(), [true]);
}

#[test]
fn nothing_goes_on_once_the_run_stops() {
    let mut warm = Warm::new(4, 1, false);
    let signal = warm.step(Input::Signal(TERM));
    assert_eq!(signal, [Action::Signal { worker: 0, signal: TERM }]);
    assert_eq!(warm.does(Does::DiesAfter(1)), [Action::Finish]);
    assert_eq!(warm.finished[0].problem, Some(Problem::Interrupted));
    assert_eq!(warm.results().len(), 4);
}

#[test]
fn a_deadline_opens_with_the_signal_that_writes_stacks() {
    let mut warm = Warm::new(4, 0, false);
    warm.now_us = TIMEOUT_US;
    assert_eq!(warm.step(Input::Tick), [Action::Signal { worker: 0, signal: 6 }]);
    warm.now_us += GRACE_US;
    assert_eq!(warm.step(Input::Tick), [Action::Kill { worker: 0 }]);
    assert_eq!(warm.does(Does::DiesAfter(1)), [Action::Finish]);
    assert_eq!(warm.finished[0].problem, Some(Problem::TimedOut(TIMEOUT_US)));
    assert_eq!(warm.results().len(), 4);
}
