//! The dispatcher's decisions: races by table, everything else by random histories.

mod batches;
mod deaths;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{Action, Dispatcher, Execution, Input, Job, Policy};
use crate::framework::{Reading, Report};
use crate::model::{
    Basis, Estimate, Event, Group, GroupFinished, GroupId, Limits, Member, Output, Problem,
    ProcessEnd, Stop, SuiteName,
};

const TIMEOUT_US: u64 = 1_000;
const GRACE_US: u64 = 100;
const TERM: i32 = 15;

#[derive(Debug, Clone, Copy)]
struct Spec {
    exclusive: bool,
    retries: u32,
}

const PLAIN: Spec = Spec { exclusive: false, retries: 0 };
const RETRIED: Spec = Spec { exclusive: false, retries: 1 };

fn job(number: usize, spec: Spec) -> Job {
    let name = format!("g{number}");
    Job {
        group: Group {
            id: GroupId::new(&SuiteName::new("s").unwrap(), &name),
            members: vec![Member { argument: name.clone().into(), name: name.into() }],
            tests: None,
            exclusive: spec.exclusive,
            databases: true,
            aliases: None,
            late: false,
            limits: Limits::default(),
        },
        reading: Reading::ExitStatus,
        timeout: Duration::from_micros(TIMEOUT_US),
        retries: spec.retries,
        batch: 1,
        estimate: Estimate { us: 1, basis: Basis::Default },
    }
}

fn ended(worker: u32, end: ProcessEnd) -> Input {
    let execution = Execution {
        end,
        duration_us: 1,
        leaked: Vec::new(),
        unkillable: Vec::new(),
        report: Report::default(),
        output: Output::default(),
        notes: Vec::new(),
    };
    Input::Ended { worker, execution: Box::new(execution) }
}

/// A dispatcher with all that it has said, each step checked against what always holds.
struct Stage {
    dispatcher: Dispatcher,
    specs: Vec<Spec>,
    /// What runs, by worker.
    running: BTreeMap<u32, usize>,
    /// Ends by job: how often.
    last: Vec<usize>,
    not_run: Vec<usize>,
    problems: Vec<Option<Problem>>,
    stops: Vec<Stop>,
    stopped: bool,
    finished: bool,
}

impl Stage {
    fn new(specs: &[Spec], workers: u32, fail_fast: bool) -> Self {
        let policy = Policy { grace: Duration::from_micros(GRACE_US), fail_fast };
        let jobs = specs.iter().enumerate().map(|(number, spec)| job(number, *spec)).collect();
        Self {
            dispatcher: Dispatcher::new(jobs, workers, policy),
            specs: specs.to_vec(),
            running: BTreeMap::new(),
            last: vec![0; specs.len()],
            not_run: Vec::new(),
            problems: Vec::new(),
            stops: Vec::new(),
            stopped: false,
            finished: false,
        }
    }

    fn number(id: &GroupId) -> usize {
        id.name[1..].parse().unwrap()
    }

    /// Hands in an input; gives the controls among the actions.
    fn step(&mut self, now_us: u64, input: Input) -> Vec<Action> {
        if let Input::Ended { worker, .. } = &input {
            self.running.remove(worker);
        }
        let mut controls = Vec::new();
        for action in self.dispatcher.handle(now_us, input) {
            assert!(!self.finished, "{action:?} after the end");
            match action {
                Action::Start { worker, job, selection: _, with: _ } => self.started(worker, job),
                Action::Signal { worker, .. } | Action::Kill { worker } => {
                    assert!(self.running.contains_key(&worker), "a signal to nobody");
                    controls.push(action);
                }
                Action::Emit(event) => self.told(*event),
                Action::Finish => {
                    assert!(self.running.is_empty(), "finished while {:?} run", self.running);
                    self.finished = true;
                }
            }
        }
        controls
    }

    fn started(&mut self, worker: u32, job: usize) {
        assert!(!self.stopped, "a start after the stop");
        assert_eq!(self.last[job], 0, "job {job} starts after its end");
        assert!(!self.running.values().any(|other| *other == job), "job {job} twice at once");
        let alone = |job: usize| self.specs[job].exclusive;
        let beside = self.running.values().any(|other| alone(*other) || alone(job));
        assert!(!beside, "an exclusive group is not alone: {job} beside {:?}", self.running);
        assert_eq!(self.running.insert(worker, job), None, "two jobs on worker {worker}");
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::GroupFinished(GroupFinished { group, last, problem, .. }) => {
                self.problems.push(problem);
                self.last[Self::number(&group)] += usize::from(last);
            }
            Event::Stopping { why, .. } => {
                self.stopped = true;
                self.stops.push(why);
            }
            Event::RunFinished { not_run, .. } => {
                self.not_run.extend(not_run.iter().map(|entry| Self::number(&entry.group)));
            }
            Event::GroupStarted { .. } | Event::GroupSlow { .. } => {}
            Event::RunStarted(_)
            | Event::Discovered { .. }
            | Event::DatabaseReady { .. }
            | Event::Planned { .. }
            | Event::Streamed { .. } => panic!("not the dispatcher's to say"),
        }
    }

    /// Checks that every job came to exactly one end.
    fn is_accounted_for(&self) {
        assert!(self.finished, "it never finished");
        for (job, ends) in self.last.iter().enumerate() {
            let given_up = self.not_run.iter().filter(|other| **other == job).count();
            assert_eq!(ends + given_up, 1, "job {job}: {ends} ends, {given_up} times not run");
        }
    }
}

#[test]
fn no_jobs_is_an_end_at_once() {
    let mut stage = Stage::new(&[], 1, false);
    stage.step(0, Input::Begin);
    stage.is_accounted_for();
}

#[test]
fn a_second_signal_kills_and_a_third_says_nothing() {
    let mut stage = Stage::new(&[PLAIN; 3], 1, false);
    stage.step(0, Input::Begin);
    let first = stage.step(1, Input::Signal(2));
    assert_eq!(first, [Action::Signal { worker: 0, signal: 2 }]);
    assert_eq!(stage.step(2, Input::Signal(TERM)), [Action::Kill { worker: 0 }]);
    assert_eq!(stage.step(3, Input::Signal(TERM)), []);
    stage.step(4, ended(0, ProcessEnd::Signaled(9)));
    assert_eq!(stage.not_run, [1, 2]);
    assert_eq!(stage.stops, [Stop::Signal(2)]);
    assert_eq!(stage.problems, [Some(Problem::Interrupted)]);
    stage.is_accounted_for();
}

#[test]
fn a_signal_is_followed_by_a_kill_when_the_grace_is_over() {
    let mut stage = Stage::new(&[PLAIN], 1, false);
    stage.step(0, Input::Begin);
    stage.step(10, Input::Signal(2));
    assert_eq!(stage.dispatcher.next_deadline_us(), Some(10 + GRACE_US));
    assert_eq!(stage.step(9 + GRACE_US, Input::Tick), []);
    assert_eq!(stage.step(10 + GRACE_US, Input::Tick), [Action::Kill { worker: 0 }]);
    assert_eq!(stage.dispatcher.next_deadline_us(), None);
}

#[test]
fn an_end_before_the_tick_of_its_deadline_counts() {
    let mut stage = Stage::new(&[PLAIN], 1, false);
    stage.step(0, Input::Begin);
    stage.step(TIMEOUT_US + 1, ended(0, ProcessEnd::Exited(0)));
    assert_eq!(stage.step(TIMEOUT_US + 1, Input::Tick), []);
    assert_eq!(stage.problems, [None]);
    stage.is_accounted_for();
}

#[test]
fn a_timeout_stays_one_whatever_comes_on_top() {
    for on_top in [Input::Signal(2), Input::Broken("disk".into()), Input::Tick] {
        let mut stage = Stage::new(&[RETRIED], 1, false);
        stage.step(0, Input::Begin);
        let told = stage.step(TIMEOUT_US, Input::Tick);
        assert_eq!(told, [Action::Signal { worker: 0, signal: TERM }]);
        stage.step(TIMEOUT_US + GRACE_US, on_top);
        let end = ended(0, ProcessEnd::Exited(0));
        stage.step(TIMEOUT_US + GRACE_US, end);
        assert_eq!(stage.problems, [Some(Problem::TimedOut(TIMEOUT_US))]);
    }
}

#[test]
fn a_retry_has_its_whole_time_again() {
    let mut stage = Stage::new(&[RETRIED], 1, false);
    stage.step(0, Input::Begin);
    stage.step(900, ended(0, ProcessEnd::Exited(1)));
    assert_eq!(stage.dispatcher.next_deadline_us(), Some(900 + TIMEOUT_US / 2));
    assert_eq!(stage.step(899 + TIMEOUT_US, Input::Tick), []);
    assert_eq!(stage.step(900 + TIMEOUT_US, Input::Tick).len(), 1);
    stage.step(2_000, ended(0, ProcessEnd::Signaled(TERM)));
    stage.is_accounted_for();
}

#[test]
fn nothing_is_tried_again_once_the_run_stops() {
    let mut stage = Stage::new(&[RETRIED], 1, false);
    stage.step(0, Input::Begin);
    stage.step(1, Input::Signal(2));
    stage.step(2, ended(0, ProcessEnd::Exited(1)));
    assert_eq!(stage.last, [1]);
    stage.is_accounted_for();
}

#[test]
fn a_retry_that_waits_when_the_run_stops_is_not_run() {
    let alone = Spec { exclusive: true, retries: 1 };
    let mut stage = Stage::new(&[PLAIN, alone, PLAIN], 2, false);
    stage.step(0, Input::Begin);
    stage.step(1, ended(0, ProcessEnd::Exited(0)));
    stage.step(2, ended(0, ProcessEnd::Exited(1)));
    stage.step(3, Input::Signal(2));
    stage.step(4, ended(0, ProcessEnd::Signaled(2)));
    stage.is_accounted_for();
}

#[test]
fn fail_fast_lets_what_runs_come_to_its_end() {
    let mut stage = Stage::new(&[PLAIN, PLAIN, PLAIN], 2, true);
    stage.step(0, Input::Begin);
    assert_eq!(stage.step(1, ended(0, ProcessEnd::Exited(1))), []);
    assert!(!stage.finished);
    stage.step(2, ended(1, ProcessEnd::Exited(0)));
    assert_eq!((&stage.not_run, &stage.stops), (&vec![2], &vec![Stop::FailFast]));
    stage.is_accounted_for();
}

#[test]
fn fail_fast_waits_for_the_last_try() {
    let mut stage = Stage::new(&[RETRIED, PLAIN], 1, true);
    stage.step(0, Input::Begin);
    stage.step(1, ended(0, ProcessEnd::Exited(1)));
    assert_eq!(stage.stops, []);
    stage.step(2, ended(0, ProcessEnd::Exited(0)));
    stage.step(3, ended(0, ProcessEnd::Exited(0)));
    stage.is_accounted_for();
}

#[test]
fn a_journal_that_breaks_while_the_run_ends_kills_what_is_left() {
    let mut stage = Stage::new(&[PLAIN, PLAIN], 1, false);
    stage.step(0, Input::Begin);
    stage.step(1, Input::Signal(2));
    assert_eq!(stage.step(2, Input::Broken("full".into())), [Action::Kill { worker: 0 }]);
    assert_eq!(stage.step(3, Input::Broken("full".into())), []);
    stage.step(4, ended(0, ProcessEnd::Signaled(9)));
    assert_eq!(stage.dispatcher.stop(), Some(&Stop::Broken("full".into())));
    stage.is_accounted_for();
}

#[test]
fn what_cannot_start_is_not_tried_again() {
    let mut stage = Stage::new(&[RETRIED], 1, false);
    stage.step(0, Input::Begin);
    stage.step(1, ended(0, ProcessEnd::NotStarted("no".into())));
    stage.is_accounted_for();
}

#[test]
fn an_end_of_a_worker_that_runs_nothing_changes_nothing() {
    let mut stage = Stage::new(&[PLAIN], 2, false);
    stage.step(0, Input::Begin);
    stage.step(1, ended(1, ProcessEnd::Exited(0)));
    stage.step(1, ended(7, ProcessEnd::Exited(0)));
    assert_eq!(stage.last, [0]);
}

/// What the world does next; the worker that ends is chosen among those that run.
#[derive(Debug, Clone)]
enum Happening {
    End(usize, ProcessEnd),
    Signal,
    Pass(u64),
    Broken,
}

fn happening() -> impl Strategy<Value = Happening> {
    let end = prop_oneof![
        6 => Just(ProcessEnd::Exited(0)),
        3 => Just(ProcessEnd::Exited(1)),
        1 => Just(ProcessEnd::Signaled(9)),
        1 => Just(ProcessEnd::NotStarted("no".into())),
        1 => Just(ProcessEnd::Unknown("lost".into())),
    ];
    prop_oneof![
        40 => (any::<usize>(), end).prop_map(|(which, end)| Happening::End(which, end)),
        1 => Just(Happening::Signal),
        10 => (0..TIMEOUT_US * 2).prop_map(Happening::Pass),
        1 => Just(Happening::Broken),
    ]
}

proptest! {
    #[test]
    fn every_job_ends_exactly_once_whatever_happens(
        jobs in prop::collection::vec((any::<bool>(), 0_u32..3), 0..12),
        workers in 1_u32..5,
        fail_fast: bool,
        happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let mut specs: Vec<Spec> =
            jobs.iter().map(|&(exclusive, retries)| Spec { exclusive, retries }).collect();
        specs.sort_by_key(|spec| !spec.exclusive);
        let mut stage = Stage::new(&specs, workers, fail_fast);
        let mut now_us = 0;
        stage.step(now_us, Input::Begin);
        for happening in happenings {
            if stage.finished {
                break;
            }
            let workers: Vec<u32> = stage.running.keys().copied().collect();
            prop_assert!(!workers.is_empty(), "it waits for nothing");
            match happening {
                Happening::End(which, end) => {
                    stage.step(now_us, ended(workers[which % workers.len()], end));
                }
                Happening::Signal => drop(stage.step(now_us, Input::Signal(2))),
                Happening::Broken => drop(stage.step(now_us, Input::Broken("full".into()))),
                Happening::Pass(us) => {
                    now_us += us;
                    stage.step(now_us, Input::Tick);
                    let due = stage.dispatcher.next_deadline_us();
                    prop_assert!(due.is_none_or(|due| due > now_us), "a tick left a deadline");
                }
            }
        }
        // From here on everything dies: that is all it takes to come to an end.
        for _ in 0..specs.len() * 4 {
            for worker in stage.running.keys().copied().collect::<Vec<_>>() {
                stage.step(now_us, ended(worker, ProcessEnd::Signaled(9)));
            }
        }
        stage.is_accounted_for();
    }
}
