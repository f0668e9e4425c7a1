//! The loop between the dispatcher's decisions and the world: signals, workers, time, sinks.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::dispatcher::{Action, Dispatcher, Execution, Input, Job};
use super::worker::{Order, Worker, not_started};
use super::{Setup, Streaming};
use crate::framework::{Framework, Selection};
use crate::model::{Event, GroupFinished, GroupId, NotRun, Stop, SuiteName};
use crate::process::{Control, Follower, become_reaper, kill_orphans};
use crate::provision::{More, Provision, ProvisionError, Request, Told};
use crate::sink::{Sink, SinkError};
use crate::warm::Session;

/// How often streamed output is looked for.
const STREAM_PERIOD: Duration = Duration::from_millis(100);
/// Signals and kills on their way to one execution.
const CONTROLS_MAX: usize = 16;

/// Why a shard could not run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The system refused something that evenly cannot do without.
    #[error("cannot {act}: {source}")]
    System {
        /// What was tried.
        act: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be written.
    #[error("{0}")]
    Journal(SinkError),
    /// The databases that the groups need are not to be had.
    #[error("{0}")]
    Provision(#[from] ProvisionError),
}

/// Where events go. The journal must take every one; the console is a courtesy: a closed terminal
/// loses no test.
pub struct Outputs<'a> {
    /// Must take every event, or the run stops.
    pub journal: &'a mut dyn Sink,
    /// Is dropped when it fails.
    pub console: Option<&'a mut dyn Sink>,
    /// Is told what is worth knowing beside the events.
    pub note: &'a mut dyn FnMut(&str),
}

/// How the suites run.
#[derive(Debug, Clone, Copy)]
pub struct Suites<'a> {
    /// Each suite's framework.
    pub frameworks: &'a BTreeMap<SuiteName, Rc<Framework>>,
    /// The processes of suites whose processes stay. They are there when the run is over.
    pub sessions: &'a BTreeMap<SuiteName, Rc<Session>>,
}

/// How the shard came to its end.
#[derive(Debug)]
pub struct Ending {
    /// Why it stopped early, if it did.
    pub stop: Option<Stop>,
    /// Groups that failed for good.
    pub failed: usize,
}

impl Outputs<'_> {
    fn tell(&mut self, told: Told) -> Result<(), SinkError> {
        match told {
            Told::Template { database, origin, took_us } => {
                self.take(&Event::DatabaseReady { database, origin, took_us })
            }
            Told::Note(text) | Told::Warning(text) => {
                (self.note)(&text);
                Ok(())
            }
        }
    }

    /// Gives an event to the journal, then to the console.
    fn take(&mut self, event: &Event) -> Result<(), SinkError> {
        let taken = self.journal.take(event);
        self.show(event);
        taken
    }

    fn show(&mut self, event: &Event) {
        if let Some(console) = &mut self.console
            && console.take(event).is_err()
        {
            self.console = None;
        }
    }

    /// Says that nothing of the shard could run.
    fn nothing_ran(&mut self, jobs: &[Job], why: Stop) {
        // What a command printed behind the first line is told once.
        let each = match &why {
            Stop::Broken(text) => Stop::Broken(text.lines().next().unwrap_or_default().to_owned()),
            Stop::Signal(_) | Stop::FailFast => why.clone(),
        };
        let not_run = jobs
            .iter()
            .map(|job| NotRun { group: job.group.id.clone(), why: each.clone() })
            .collect();
        // A journal that cannot take this ends before it, and merge says the same.
        let _ = self.take(&Event::Stopping { why, at_us: 0 });
        let _ = self.take(&Event::RunFinished { at_us: 0, not_run });
    }
}

/// Makes the databases ready that are requested, and runs the jobs to their end. To be called
/// inside a [`tokio::task::LocalSet`].
///
/// # Errors
/// When databases, signals or workers cannot be set up; nothing has run then, and the journal says
/// so.
pub async fn run(
    setup: Setup,
    request: Option<&Request<'_>>,
    jobs: Vec<Job>,
    suites: Suites<'_>,
    outputs: &mut Outputs<'_>,
) -> Result<Ending, RunError> {
    let system = |act| move |source| RunError::System { act, source };
    // The first thread that reads results is there before any group can use up the machine's.
    let _ = tokio::task::spawn_blocking(|| ()).await;
    become_reaper().map_err(system("adopt orphaned processes"))?;
    let mut signals = Signals::listen().map_err(system("listen for signals"))?;
    let provided = tokio::select! {
        biased;
        number = signals.next() => Err(number),
        provided = provided(request, outputs) => Ok(provided),
    };
    let provision = match provided {
        Ok(Ok(provision)) => provision,
        Ok(Err(error)) => {
            outputs.nothing_ran(&jobs, Stop::Broken(error.to_string()));
            return Err(error);
        }
        Err(number) => {
            let stop = Stop::Signal(number);
            outputs.nothing_ran(&jobs, stop.clone());
            kill_orphans().await;
            return Ok(Ending { stop: Some(stop), failed: 0 });
        }
    };
    let driver = Driver::new(setup, signals, provision.as_ref(), jobs, suites, outputs)?;
    let ending = driver.drive().await;
    if let Some(provision) = provision.and_then(Rc::into_inner) {
        for left in provision.stop().await {
            (outputs.note)(&left.to_string());
        }
    }
    kill_orphans().await;
    Ok(ending)
}

/// The databases of a request, ready.
async fn provided(
    request: Option<&Request<'_>>,
    outputs: &mut Outputs<'_>,
) -> Result<Option<Rc<Provision>>, RunError> {
    let Some(request) = request else { return Ok(None) };
    let mut broken = None;
    let mut tell = |told| {
        if let Err(error) = outputs.tell(told) {
            broken = Some(error);
        }
    };
    let provision = Provision::start(request, &mut tell).await?;
    match broken {
        Some(error) => Err(RunError::Journal(error)),
        None => Ok(Some(Rc::new(provision))),
    }
}

/// One worker, seen from the loop.
struct Slot {
    orders: mpsc::Sender<Order>,
    controls: Option<mpsc::Sender<Control>>,
    output: std::path::PathBuf,
    follower: Option<(GroupId, Follower)>,
}

struct Driver<'a, 'o> {
    setup: Rc<Setup>,
    jobs: Vec<Rc<Job>>,
    suites: Suites<'a>,
    outputs: &'a mut Outputs<'o>,
    dispatcher: Dispatcher,
    slots: Vec<Slot>,
    workers: JoinSet<Vec<String>>,
    results: mpsc::Receiver<(u32, Box<Execution>)>,
    signals: Signals,
    started: Instant,
    executions: u64,
    journal: Journalling,
    finished: bool,
}

/// Whether the journal takes events.
enum Journalling {
    Goes,
    /// It took its last; why, until the dispatcher is told.
    Broke(Option<String>),
}

impl<'a, 'o> Driver<'a, 'o> {
    fn new(
        setup: Setup,
        signals: Signals,
        provision: Option<&Rc<Provision>>,
        jobs: Vec<Job>,
        suites: Suites<'a>,
        outputs: &'a mut Outputs<'o>,
    ) -> Result<Self, RunError> {
        let system = |act| move |source| RunError::System { act, source };
        let setup = Rc::new(setup);
        let (done, results) = mpsc::channel(setup.workers as usize);
        let mut slots = Vec::new();
        let mut workers = JoinSet::new();
        for index in 0..setup.workers {
            let number = setup.first_worker.saturating_add(index);
            let worker = Worker::new(Rc::clone(&setup), provision.cloned(), number);
            let worker = worker.map_err(system("make a worker's directory"))?;
            let (orders, inbox) = mpsc::channel(1);
            let output = worker.output().to_owned();
            slots.push(Slot { orders, controls: None, output, follower: None });
            workers.spawn_local(worker.serve(index, inbox, done.clone()));
        }
        let dispatcher = Dispatcher::new(jobs, setup.workers, setup.policy);
        let jobs = dispatcher.jobs().iter().cloned().map(Rc::new).collect();
        let started = Instant::now();
        Ok(Self {
            setup,
            jobs,
            suites,
            outputs,
            dispatcher,
            slots,
            workers,
            results,
            signals,
            started,
            executions: 0,
            journal: Journalling::Goes,
            finished: false,
        })
    }

    async fn drive(mut self) -> Ending {
        let mut ticker = tokio::time::interval(STREAM_PERIOD);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let streaming = self.setup.streaming == Streaming::On;
        let mut input = Some(Input::Begin);
        loop {
            if let Some(input) = input.take() {
                self.perform(input).await;
            }
            if self.finished {
                break;
            }
            let deadline_us = self.dispatcher.next_deadline_us();
            let deadline = deadline_us.map(|us| self.started + Duration::from_micros(us));
            input = tokio::select! {
                biased;
                number = self.signals.next() => Some(Input::Signal(number)),
                Some((worker, execution)) = self.results.recv() => {
                    self.stream_rest(worker);
                    for note in &execution.notes {
                        (self.outputs.note)(note);
                    }
                    Some(Input::Ended { worker, execution })
                }
                // A worker serves as long as it gets orders: it panicked, and its group would be
                // waited for for ever.
                Some(Err(panic)) = self.workers.join_next() => {
                    std::panic::resume_unwind(panic.into_panic())
                }
                () = until(deadline) => Some(Input::Tick),
                _ = ticker.tick(), if streaming => {
                    self.stream();
                    None
                }
            };
        }
        // Without orders the workers close their supervisors and end.
        drop(self.slots);
        while let Some(ended) = self.workers.join_next().await {
            for note in ended.iter().flatten() {
                (self.outputs.note)(note);
            }
        }
        Ending { stop: self.dispatcher.stop().cloned(), failed: self.dispatcher.failed() }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Does what the dispatcher says; when the journal cannot be written, says so to it, once. What
    /// the journal then does not know of is not started.
    async fn perform(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(next) = inputs.pop_front() {
            let mut ended = Vec::new();
            for action in self.dispatcher.handle(self.now_us(), next) {
                match (action, &self.journal) {
                    (Action::Start { worker, .. }, Journalling::Broke(_)) => {
                        let why = "the journal cannot be written".to_owned();
                        let execution = Box::new(not_started(why));
                        ended.push(Input::Ended { worker, execution });
                    }
                    (action, _) => self.act(action).await,
                }
            }
            for note in self.dispatcher.notes() {
                (self.outputs.note)(&note);
            }
            if let Journalling::Broke(why) = &mut self.journal {
                inputs.extend(why.take().map(Input::Broken));
            }
            inputs.extend(ended);
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Start { worker, job, selection, with } => {
                self.start(worker, job, selection, &with).await;
            }
            Action::Signal { worker, signal } => self.control(worker, Control::Signal(signal)),
            Action::Kill { worker } => self.control(worker, Control::Kill),
            Action::Emit(event) => {
                let event = self.numbered(*event);
                self.emit(&event);
            }
            Action::Finish => self.finished = true,
        }
    }

    fn control(&self, worker: u32, control: Control) {
        if let Some(controls) = &self.slots[worker as usize].controls {
            // A full queue already holds more signals than a process can need.
            let _ = controls.try_send(control);
        }
    }

    async fn start(&mut self, worker: u32, job: usize, selection: Selection, with: &[usize]) {
        let job = Rc::clone(&self.jobs[job]);
        let with = with.iter().map(|other| Rc::clone(&self.jobs[*other])).collect();
        let suite = &job.group.id.suite;
        let framework = Rc::clone(&self.suites.frameworks[suite]);
        let session = self.suites.sessions.get(suite).cloned();
        self.executions += 1;
        let keep = self.setup.outputs.join(format!("{}.log", self.executions));
        let (controls, inbox) = mpsc::channel(CONTROLS_MAX);
        let slot = &mut self.slots[worker as usize];
        slot.controls = Some(controls);
        if self.setup.streaming == Streaming::On {
            // What the last group printed is not this one's; the worker clears up the rest.
            let _ = std::fs::remove_file(&slot.output);
            slot.follower = Some((job.group.id.clone(), Follower::new(slot.output.clone())));
        }
        let more = if self.dispatcher.has_waiting() { More::Follow } else { More::No };
        let order = Order { job, with, framework, session, selection, controls: inbox, keep, more };
        // A worker ends only after its orders' sender is gone, so it is there to take this.
        let _ = slot.orders.send(order).await;
    }

    /// The event with its worker's own number instead of its place among the workers.
    fn numbered(&self, mut event: Event) -> Event {
        match &mut event {
            Event::GroupStarted { worker, .. }
            | Event::GroupFinished(GroupFinished { worker, .. }) => {
                *worker = worker.saturating_add(self.setup.first_worker);
            }
            Event::RunStarted(_)
            | Event::Discovered { .. }
            | Event::DatabaseReady { .. }
            | Event::Planned { .. }
            | Event::GroupSlow { .. }
            | Event::Streamed { .. }
            | Event::Stopping { .. }
            | Event::RunFinished { .. } => {}
        }
        event
    }

    fn emit(&mut self, event: &Event) {
        match self.journal {
            Journalling::Goes => {
                if let Err(error) = self.outputs.take(event) {
                    self.journal = Journalling::Broke(Some(error.to_string()));
                }
            }
            Journalling::Broke(_) => self.outputs.show(event),
        }
    }

    fn stream(&mut self) {
        for worker in 0..self.slots.len() {
            let Some((group, follower)) = &mut self.slots[worker].follower else { continue };
            let text = follower.poll().unwrap_or_default();
            let group = group.clone();
            self.emit_streamed(group, text);
        }
    }

    fn stream_rest(&mut self, worker: u32) {
        if let Some((group, mut follower)) = self.slots[worker as usize].follower.take() {
            while let Ok(more) = follower.poll()
                && !more.is_empty()
            {
                self.emit_streamed(group.clone(), more);
            }
            self.emit_streamed(group, follower.finish());
        }
    }

    fn emit_streamed(&mut self, group: GroupId, text: String) {
        if !text.is_empty() {
            self.emit(&Event::Streamed { group, text });
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The signals that end a run.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.hangup.recv() => SignalKind::hangup().as_raw_value(),
        }
    }
}
