//! Several groups in one command: each comes to its own end, and what is in doubt runs again alone.

use super::*;
use crate::framework::{Naming, Selects};
use crate::junit::read as junit;
use crate::model::Outcome;

const SECOND_US: u64 = 1_000_000;

/// A dispatcher with groups that may share commands.
struct Batches {
    dispatcher: Dispatcher,
    now_us: u64,
    /// What each command was given, and on which worker.
    commands: Vec<(u32, Vec<usize>)>,
    finished: Vec<GroupFinished>,
    not_run: Vec<GroupId>,
}

impl Batches {
    fn new(groups: usize, workers: u32, change: impl Fn(usize, &mut Job)) -> Self {
        let job = |number| {
            let mut job = job(number, PLAIN);
            job.reading = Reading::Junit { naming: Naming::ClassAndName, selects: Selects::Group };
            job.batch = 3;
            job.timeout = Duration::from_secs(1);
            change(number, &mut job);
            job
        };
        let policy = Policy { grace: Duration::from_micros(GRACE_US), fail_fast: false };
        let dispatcher = Dispatcher::new((0..groups).map(job).collect(), workers, policy);
        let (commands, finished, not_run) = (Vec::new(), Vec::new(), Vec::new());
        let mut batches = Self { dispatcher, now_us: 0, commands, finished, not_run };
        batches.step(Input::Begin);
        batches
    }

    /// How many groups each command was given.
    fn sizes(&self) -> Vec<usize> {
        self.commands.iter().map(|(_, groups)| groups.len()).collect()
    }

    fn step(&mut self, input: Input) {
        for action in self.dispatcher.handle(self.now_us, input) {
            match action {
                Action::Start { worker, job, selection: _, with } => {
                    let all = std::iter::once(job).chain(with).collect();
                    self.commands.push((worker, all));
                }
                Action::Emit(event) => match *event {
                    Event::GroupFinished(finished) => self.finished.push(finished),
                    Event::RunFinished { at_us: _, not_run } => {
                        self.not_run.extend(not_run.into_iter().map(|left| left.group));
                    }
                    _ => {}
                },
                Action::Signal { .. } | Action::Kill { .. } | Action::Finish => {}
            }
        }
    }

    /// Ends worker 0's command after 100 µs; `cases` are classes with their outcomes.
    fn ends(&mut self, end: ProcessEnd, cases: &[(&str, Outcome)]) {
        self.now_us += 100;
        let case = |(class, outcome): &(&str, Outcome)| {
            let file = format!(
                "<testsuite><testcase classname=\"{class}\" name=\"t\" time=\"0.00001\">{}\
                 </testcase></testsuite>",
                if outcome.is_good() { "" } else { "<failure/>" }
            );
            junit::read(file.as_bytes(), &junit::Limits::default())
        };
        let Input::Ended { worker, mut execution } = ended(0, end) else { panic!() };
        execution.duration_us = 100;
        execution.output.head = "said".into();
        execution.report = Report::Documents(cases.iter().map(case).collect());
        self.step(Input::Ended { worker, execution });
    }

    fn ended_groups(&self) -> Vec<(&str, &str, bool)> {
        let verdict = |finished: &GroupFinished| match finished.verdict {
            crate::model::Verdict::Passed => "passed",
            crate::model::Verdict::Failed => "failed",
        };
        self.finished.iter().map(|end| (&*end.group.name, verdict(end), end.last)).collect()
    }
}

const GOOD: Outcome = Outcome::Passed;
const BAD: Outcome = Outcome::Failed;
const DONE: ProcessEnd = ProcessEnd::Exited(0);
const FAILED: ProcessEnd = ProcessEnd::Exited(1);

#[test]
fn each_group_of_a_command_comes_to_its_own_end() {
    let mut batches = Batches::new(20, 1, |_, _| {});
    assert_eq!(batches.commands, [(0, vec![0, 1, 2])]);
    batches.ends(FAILED, &[("g0", GOOD), ("g1", BAD), ("g2", GOOD)]);
    let ends = [("g0", "passed", true), ("g1", "failed", true), ("g2", "passed", true)];
    assert_eq!(batches.ended_groups(), ends);
    // The time is divided, and goes on from group to group.
    let times: Vec<_> = batches.finished.iter().map(|end| (end.at_us, end.duration_us)).collect();
    assert_eq!(times, [(33, 33), (66, 33), (99, 33)]);
    // What all printed is told once, where somebody looks for it.
    let outputs: Vec<&str> = batches.finished.iter().map(|end| &*end.output.head).collect();
    assert_eq!(outputs[1], "said");
    assert!(outputs[0].contains("`g1`") && outputs[2].contains("`g1`"), "{outputs:?}");
    assert_eq!(batches.commands[1], (0, vec![3, 4, 5]));
}

#[test]
fn what_is_in_doubt_runs_again_group_by_group_and_is_told_once() {
    let all = [("g0", GOOD), ("g1", GOOD), ("g2", GOOD)];
    for (end, cases) in [
        (ProcessEnd::Signaled(11), &all[..]),
        (FAILED, &all),
        (DONE, &all[..2]),
        (DONE, &[]),
        (DONE, &[all[0], all[1], all[2], ("stranger", GOOD)]),
    ] {
        let mut batches = Batches::new(3, 1, |_, job| job.estimate.us = 0);
        assert_eq!(batches.commands, [(0, vec![0, 1, 2])]);
        batches.ends(end, cases);
        assert_eq!(batches.ended_groups(), []);
        assert_eq!(batches.dispatcher.notes().len(), 1);
        for (at, (name, _)) in all.iter().enumerate() {
            assert_eq!(batches.commands[at + 1], (0, vec![at]));
            batches.ends(DONE, &[(name, GOOD)]);
        }
        let ends = all.map(|(name, _)| (name, "passed", true));
        assert_eq!(batches.ended_groups(), ends);
        assert!(batches.finished.iter().all(|end| end.attempt == 1));
    }
}

#[test]
fn a_nested_class_of_java_is_its_outer_ones() {
    let mut batches = Batches::new(3, 1, |_, job| job.estimate.us = 0);
    batches.ends(FAILED, &[("g0$Inner$Deep", BAD), ("g1$Inner", GOOD), ("g2", GOOD)]);
    let ends = [("g0", "failed", true), ("g1", "passed", true), ("g2", "passed", true)];
    assert_eq!(batches.ended_groups(), ends);
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_its_groups_run_alone() {
    let mut batches = Batches::new(3, 1, |number, job| {
        job.estimate.us = 0;
        job.timeout = Duration::from_micros(if number == 1 { 500 } else { 1_000 });
    });
    assert_eq!(batches.dispatcher.next_deadline_us(), Some(250));
    batches.now_us = 500;
    batches.step(Input::Tick);
    batches.ends(ProcessEnd::Signaled(TERM), &[("g0", GOOD)]);
    assert_eq!(batches.ended_groups(), []);
    assert_eq!(batches.commands[1], (0, vec![0]));
}

#[test]
fn a_run_that_stops_tells_of_each_group_what_its_command_had_told() {
    let mut batches = Batches::new(4, 1, |_, job| job.estimate.us = 0);
    batches.step(Input::Signal(2));
    batches.ends(ProcessEnd::Signaled(2), &[("g0", BAD)]);
    let ends = [("g0", "failed", true), ("g1", "failed", true), ("g2", "failed", true)];
    assert_eq!(batches.ended_groups(), ends);
    assert!(batches.finished.iter().all(|end| end.problem == Some(Problem::Interrupted)));
    assert_eq!(batches.not_run.len(), 1);
}

#[test]
fn a_retry_has_a_command_of_its_own() {
    let mut batches = Batches::new(3, 1, |_, job| {
        job.estimate.us = 0;
        job.retries = 1;
    });
    batches.ends(FAILED, &[("g0", GOOD), ("g1", BAD), ("g2", GOOD)]);
    assert_eq!(batches.commands[1], (0, vec![1]));
    batches.ends(DONE, &[("g1", GOOD)]);
    let last = batches.finished.last().unwrap();
    assert_eq!((last.attempt, last.last), (2, true));
}

#[test]
fn only_groups_that_need_the_same_share_a_command() {
    let batches = Batches::new(5, 1, |number, job| {
        job.estimate.us = 0;
        match number {
            1 => job.group.databases = false,
            2 => job.batch = 1,
            _ => {}
        }
    });
    assert_eq!(batches.commands, [(0, vec![0, 3, 4])]);
}

#[test]
fn a_worker_takes_at_most_a_part_of_its_share_at_once() {
    let long = |basis| {
        move |number: usize, job: &mut Job| {
            job.batch = 40;
            job.timeout = Duration::from_secs(1_000);
            let us = if number == 0 { 50 * SECOND_US } else { SECOND_US };
            job.estimate = Estimate { us, basis };
        }
    };
    // 209 s in all, a share is 104. Half of it is 52, where nothing was measured, and the first
    // batch of so few groups may have a little more; three fourths are 78.
    assert_eq!(Batches::new(160, 2, long(Basis::Default)).sizes(), [10, 40]);
    assert_eq!(Batches::new(160, 2, long(Basis::Measured)).sizes(), [29, 40]);
    // One worker has nobody to end together with, and few groups are not split further.
    assert_eq!(Batches::new(160, 1, long(Basis::Default)).sizes(), [40]);
    let few = |_, job: &mut Job| (job.batch, job.estimate.us) = (40, 10);
    assert_eq!(Batches::new(10, 2, few).sizes(), [5, 5]);
}

fn measured(us: u64) -> impl Fn(usize, &mut Job) {
    move |_, job| {
        job.batch = 100;
        job.timeout = Duration::from_secs(1_000);
        job.estimate = Estimate { us, basis: Basis::Measured };
    }
}

#[test]
fn what_is_known_well_takes_two_commands_a_worker_and_one_where_it_is_short() {
    let mut batches = Batches::new(200, 2, measured(SECOND_US));
    let names: Vec<String> = (0..75).map(|number| format!("g{number}")).collect();
    let cases: Vec<(&str, Outcome)> = names.iter().map(|name| (name.as_str(), GOOD)).collect();
    batches.now_us = 75 * SECOND_US;
    batches.ends(DONE, &cases);
    assert_eq!(batches.sizes(), [75, 75, 25], "and 25 are left for the other worker");
    assert_eq!(Batches::new(200, 2, measured(SECOND_US / 10)).sizes(), [100, 100]);
}

#[test]
fn what_would_be_left_over_comes_along() {
    let uneven = |number: usize, job: &mut Job| {
        measured(10)(number, job);
        job.estimate.us += if number == 9 { 2 } else { 0 };
    };
    // A share is 146, so 14 groups each, and one is left over.
    assert_eq!(Batches::new(29, 2, uneven).sizes(), [14, 15]);
}
