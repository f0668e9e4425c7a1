//! Who runs what, when, and for how long: a synchronous state machine.
//!
//! [`Dispatcher::handle`] takes what happened and returns what is to be done; it knows no clock,
//! process or file. Every job of the shard ends in exactly one of two ways: a `GroupFinished` with
//! `last`, or an entry in `RunFinished`'s `not_run`.

use std::collections::VecDeque;
use std::time::Duration;

use super::attempts::{After, Try};
use super::batch::{self, Crew, Split};
use crate::framework::{self, Reading, Report, Selection};
use crate::model::{
    Estimate, Event, Group, GroupFinished, NotRun, Output, Problem, ProcessEnd, Stop,
};

/// One group of this shard with all that decides how it runs.
#[derive(Debug, Clone)]
pub struct Job {
    /// The group.
    pub group: Group,
    /// How its results are read.
    pub reading: Reading,
    /// How long one execution may take.
    pub timeout: Duration,
    /// How often it is tried again.
    pub retries: u32,
    /// How many groups one command may run with it; 1 where it runs alone.
    pub batch: u32,
    /// How long it is expected to take.
    pub estimate: Estimate,
}

/// What holds for the whole shard.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Between the polite signal and the kill.
    pub grace: Duration,
    /// Whether a failure stops the rest from starting.
    pub fail_fast: bool,
}

/// How one execution's process went, before it is judged.
#[derive(Debug)]
pub struct Execution {
    /// How the process ended.
    pub end: ProcessEnd,
    /// Start to end, microseconds.
    pub duration_us: u64,
    /// Names of processes that it left and that were ended.
    pub leaked: Vec<String>,
    /// Processes that could not be ended.
    pub unkillable: Vec<i32>,
    /// What its framework wrote.
    pub report: Report,
    /// What it printed.
    pub output: Output,
    /// What is worth telling beside it.
    pub notes: Vec<String>,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The workers are ready. Always the first.
    Begin,
    /// A worker's group, and all that it started, is gone.
    Ended {
        /// The worker.
        worker: u32,
        /// How it went.
        execution: Box<Execution>,
    },
    /// evenly got a signal.
    Signal(i32),
    /// A deadline may have passed.
    Tick,
    /// evenly itself cannot go on; the text says why.
    Broken(String),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a job on an idle worker.
    Start {
        /// The worker.
        worker: u32,
        /// The job, as an index into the jobs given to [`Dispatcher::new`].
        job: usize,
        /// Which of its tests.
        selection: Selection,
        /// Further jobs that the same command runs, whole.
        with: Vec<usize>,
    },
    /// Send a signal to the process group of a worker's job.
    Signal {
        /// The worker.
        worker: u32,
        /// The signal's number.
        signal: i32,
    },
    /// Kill all that a worker's job started.
    Kill {
        /// The worker.
        worker: u32,
    },
    /// Tell every output.
    Emit(Box<Event>),
    /// Nothing runs and nothing will.
    Finish,
}

const SIGABRT: i32 = 6;
const SIGTERM: i32 = 15;

/// The state machine. Times are microseconds since the shard started.
#[derive(Debug)]
pub struct Dispatcher {
    jobs: Vec<Job>,
    policy: Policy,
    queue: VecDeque<Try>,
    workers: Vec<Option<Running>>,
    stop: Option<Stop>,
    failed: usize,
    finished: bool,
    /// What is worth telling beside the events.
    notes: Vec<String>,
}

#[derive(Debug)]
struct Running {
    this: Try,
    /// What runs in the same command.
    with: Vec<Try>,
    started_us: u64,
    slow_said: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Free,
    /// Told to end; killed at the given time.
    Ending {
        why: Problem,
        kill_at_us: u64,
    },
    Killed {
        why: Problem,
    },
}

impl Dispatcher {
    /// Takes the shard's jobs in the order in which they start (the plan puts exclusive ones
    /// first).
    ///
    /// # Panics
    /// When there is no worker.
    #[must_use]
    pub fn new(jobs: Vec<Job>, workers: u32, policy: Policy) -> Self {
        assert!(workers > 0, "a shard has at least one worker");
        Self {
            queue: (0..jobs.len()).map(Try::first).collect(),
            workers: (0..workers).map(|_| None).collect(),
            jobs,
            policy,
            stop: None,
            failed: 0,
            finished: false,
            notes: Vec::new(),
        }
    }

    /// The jobs, as given.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Why the run stops before its end, if it does.
    #[must_use]
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// How many jobs failed for good.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// What is worth telling beside the events, since the last time.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Whether jobs wait for a worker.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.stop.is_none() && !self.queue.is_empty()
    }

    /// When [`Input::Tick`] is next due; none while nothing runs.
    #[must_use]
    pub fn next_deadline_us(&self) -> Option<u64> {
        self.workers.iter().flatten().filter_map(|running| self.deadline_us(running)).min()
    }

    fn deadline_us(&self, running: &Running) -> Option<u64> {
        let timeout_us = timeout_us(&self.jobs, running);
        match running.phase {
            Phase::Free if running.slow_said => Some(running.started_us.saturating_add(timeout_us)),
            Phase::Free => Some(running.started_us.saturating_add(timeout_us / 2)),
            Phase::Ending { kill_at_us, .. } => Some(kill_at_us),
            Phase::Killed { .. } => None,
        }
    }

    /// Takes what happened at `now_us` and says what is to be done, in order.
    pub fn handle(&mut self, now_us: u64, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Begin => {}
            Input::Ended { worker, execution } => {
                self.ended(now_us, worker, *execution, &mut actions);
            }
            Input::Signal(signal) => self.signalled(now_us, signal, &mut actions),
            Input::Tick => self.tick(now_us, &mut actions),
            Input::Broken(why) => self.broken(now_us, why, &mut actions),
        }
        self.fill(now_us, &mut actions);
        self.finish_if_done(now_us, &mut actions);
        actions
    }

    fn fill(&mut self, now_us: u64, actions: &mut Vec<Action>) {
        while self.stop.is_none() {
            let Some(next) = self.queue.front() else { return };
            let alone = |running: &Running| self.jobs[running.this.job].group.exclusive;
            let blocked = if self.jobs[next.job].group.exclusive {
                self.workers.iter().any(Option::is_some)
            } else {
                self.workers.iter().flatten().any(alone)
            };
            let Some(slot) = self.workers.iter().position(Option::is_none) else { return };
            if blocked {
                return;
            }
            let Some(this) = self.queue.pop_front() else { return };
            let crew = Crew { workers: self.workers.len(), busy_us: self.busy_us(now_us) };
            let with = batch::companions(&self.jobs, &mut self.queue, &this, crew);
            let worker = u32::try_from(slot).expect("workers were counted with a u32");
            for started in std::iter::once(&this).chain(&with) {
                actions.push(Action::Emit(Box::new(Event::GroupStarted {
                    group: self.jobs[started.job].group.id.clone(),
                    attempt: started.attempt,
                    worker,
                    at_us: now_us,
                })));
            }
            actions.push(Action::Start {
                worker,
                job: this.job,
                selection: this.selection.clone(),
                with: with.iter().map(|other| other.job).collect(),
            });
            let (slow_said, phase) = (false, Phase::Free);
            self.workers[slot] = Some(Running { this, with, started_us: now_us, slow_said, phase });
        }
    }

    /// How long what runs is expected to go on, all of it together, microseconds.
    fn busy_us(&self, now_us: u64) -> u64 {
        let left = |running: &Running| {
            let all = std::iter::once(&running.this).chain(&running.with);
            let us = all.map(|one| self.jobs[one.job].estimate.us).fold(0, u64::saturating_add);
            us.saturating_sub(now_us.saturating_sub(running.started_us))
        };
        self.workers.iter().flatten().map(left).fold(0, u64::saturating_add)
    }

    fn ended(&mut self, now_us: u64, worker: u32, execution: Execution, actions: &mut Vec<Action>) {
        let Some(running) = self.workers.get_mut(worker as usize).and_then(Option::take) else {
            return;
        };
        let Running { this, with, started_us, slow_said: _, phase } = running;
        let cut = match phase {
            Phase::Free => None,
            Phase::Ending { why, .. } | Phase::Killed { why } => Some(why),
        };
        if with.is_empty() {
            self.conclude(now_us, worker, this, (execution, cut), actions);
            return;
        }
        let tries: Vec<Try> = std::iter::once(this).chain(with).collect();
        let jobs: Vec<&Job> = tries.iter().map(|one| &self.jobs[one.job]).collect();
        let Split { executions, doubt } = batch::split(&jobs, execution);
        let doubt = if cut.is_some() { Some("it took too long") } else { doubt };
        if let (Some(doubt), None) = (doubt, &self.stop) {
            self.notes.push(batch::note(&jobs, doubt));
            for one in tries.into_iter().rev() {
                self.queue.push_front(one.alone());
            }
            return;
        }
        let mut at_us = started_us;
        for (one, execution) in tries.into_iter().zip(executions) {
            at_us = at_us.saturating_add(execution.duration_us).min(now_us);
            self.conclude(at_us, worker, one, (execution, cut.clone()), actions);
        }
    }

    /// Judges an execution and says what follows it.
    fn conclude(
        &mut self,
        at_us: u64,
        worker: u32,
        mut this: Try,
        (execution, cut): (Execution, Option<Problem>),
        actions: &mut Vec<Action>,
    ) {
        let Execution { end, duration_us, leaked, unkillable, report, output, notes: _ } =
            execution;
        let job = &self.jobs[this.job];
        let selection = std::mem::replace(&mut this.selection, Selection::Whole);
        let rest = match (&cut, &self.stop) {
            (None, None) => framework::left_by_a_death(&job.group, &selection, &report),
            (Some(_), _) | (_, Some(_)) => Vec::new(),
        };
        let case = framework::Case {
            group: &job.group,
            selection: &selection,
            reading: job.reading,
            end: &end,
            duration_us,
            cut,
            unkillable,
            after_death: this.after_death(&rest, &report),
            report,
            output: &output,
        };
        let mut judged = framework::judge(&case);
        let attempt = this.attempt;
        let may_retry = this.retries < job.retries && self.stop.is_none() && allows_retry(&end);
        let after = this.after(&job.group, &case, &mut judged, rest, may_retry);
        let last = match &after {
            After::Again(_) => false,
            After::Failed | After::Passed => true,
        };
        let failed_for_good = matches!(after, After::Failed);
        let group = job.group.id.clone();
        if let After::Again(next) = after {
            self.queue.push_front(next);
        }
        self.failed += usize::from(failed_for_good);
        actions.push(Action::Emit(Box::new(Event::GroupFinished(GroupFinished {
            group,
            attempt,
            last,
            worker,
            at_us,
            duration_us,
            end,
            verdict: judged.verdict,
            problem: judged.problem,
            leaked,
            tests: judged.tests,
            output,
        }))));
        if failed_for_good && self.policy.fail_fast && self.stop.is_none() {
            self.stopping(at_us, Stop::FailFast, actions);
        }
    }

    fn signalled(&mut self, now_us: u64, signal: i32, actions: &mut Vec<Action>) {
        if matches!(self.stop, Some(Stop::Signal(_) | Stop::Broken(_))) {
            self.kill_all(&Problem::Interrupted, actions);
            return;
        }
        self.stopping(now_us, Stop::Signal(signal), actions);
        let kill_at_us = now_us.saturating_add(micros(self.policy.grace));
        for (worker, running) in (0..).zip(&mut self.workers) {
            let Some(running) = running else { continue };
            if let Phase::Free = running.phase {
                running.phase = Phase::Ending { why: Problem::Interrupted, kill_at_us };
                actions.push(Action::Signal { worker, signal });
            }
        }
    }

    fn broken(&mut self, now_us: u64, why: String, actions: &mut Vec<Action>) {
        if !matches!(self.stop, Some(Stop::Broken(_))) {
            self.stopping(now_us, Stop::Broken(why), actions);
        }
        self.kill_all(&Problem::Interrupted, actions);
    }

    fn stopping(&mut self, now_us: u64, why: Stop, actions: &mut Vec<Action>) {
        self.stop = Some(why.clone());
        actions.push(Action::Emit(Box::new(Event::Stopping { why, at_us: now_us })));
    }

    fn kill_all(&mut self, reason: &Problem, actions: &mut Vec<Action>) {
        for (worker, running) in (0..).zip(&mut self.workers) {
            let Some(running) = running else { continue };
            let why = match &running.phase {
                Phase::Free => reason.clone(),
                Phase::Ending { why, .. } => why.clone(),
                Phase::Killed { .. } => continue,
            };
            running.phase = Phase::Killed { why };
            actions.push(Action::Kill { worker });
        }
    }

    fn tick(&mut self, now_us: u64, actions: &mut Vec<Action>) {
        let grace_us = micros(self.policy.grace);
        for (worker, slot) in (0..).zip(&mut self.workers) {
            let Some(running) = slot else { continue };
            let job = &self.jobs[running.this.job];
            let timeout_us = timeout_us(&self.jobs, running);
            let ran_us = now_us.saturating_sub(running.started_us);
            match &running.phase {
                Phase::Free if ran_us >= timeout_us => {
                    let why = Problem::TimedOut(timeout_us);
                    let kill_at_us = now_us.saturating_add(grace_us);
                    running.phase = Phase::Ending { why, kill_at_us };
                    let signal = first_signal(job.reading);
                    actions.push(Action::Signal { worker, signal });
                }
                Phase::Free if !running.slow_said && ran_us >= timeout_us / 2 => {
                    running.slow_said = true;
                    if !running.with.is_empty() {
                        continue;
                    }
                    actions.push(Action::Emit(Box::new(Event::GroupSlow {
                        group: job.group.id.clone(),
                        attempt: running.this.attempt,
                        at_us: now_us,
                        timeout_us,
                    })));
                }
                Phase::Ending { why, kill_at_us } if now_us >= *kill_at_us => {
                    running.phase = Phase::Killed { why: why.clone() };
                    actions.push(Action::Kill { worker });
                }
                Phase::Free | Phase::Ending { .. } | Phase::Killed { .. } => {}
            }
        }
    }

    fn finish_if_done(&mut self, now_us: u64, actions: &mut Vec<Action>) {
        let idle = self.workers.iter().all(Option::is_none);
        if self.finished || !idle || (self.stop.is_none() && !self.queue.is_empty()) {
            return;
        }
        self.finished = true;
        // Without a stop the queue is empty.
        let not_run = self.stop.iter().flat_map(|why| {
            let left = self.queue.iter().map(|left| self.jobs[left.job].group.id.clone());
            left.map(|group| NotRun { group, why: why.clone() })
        });
        let not_run = not_run.collect();
        self.queue.clear();
        actions.push(Action::Emit(Box::new(Event::RunFinished { at_us: now_us, not_run })));
        actions.push(Action::Finish);
    }
}

/// A process that could not even be started will not start the next time either.
fn allows_retry(end: &ProcessEnd) -> bool {
    match end {
        ProcessEnd::Exited(_) | ProcessEnd::Signaled(_) | ProcessEnd::Unknown(_) => true,
        ProcessEnd::NotStarted(_) => false,
    }
}

/// What a job gets at its deadline: a warm worker writes the stacks of its threads on SIGABRT.
fn first_signal(reading: Reading) -> i32 {
    match reading {
        Reading::Told { naming: _ } => SIGABRT,
        Reading::ExitStatus | Reading::Junit { .. } => SIGTERM,
    }
}

/// The time of what runs: a batch has that of one of its groups, for it is meant to be short.
fn timeout_us(jobs: &[Job], running: &Running) -> u64 {
    let all = std::iter::once(&running.this).chain(&running.with);
    all.map(|one| micros(jobs[one.job].timeout)).min().unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
