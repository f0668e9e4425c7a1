//! The loop between the dispatcher's decisions and the world: signals, workers, time, sinks.

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::dispatcher::{Action, Dispatcher, Execution, Input, Job};
use super::worker::{Order, Worker};
use super::{Setup, Streaming};
use crate::framework::Framework;
use crate::model::{Event, GroupId, Stop, SuiteName};
use crate::process::{Control, Follower, become_reaper, kill_orphans};
use crate::sink::Sink;

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
}

/// Where events go. The journal must take every one; the console is a courtesy: a closed terminal
/// loses no test.
pub struct Outputs<'a> {
    /// Must take every event, or the run stops.
    pub journal: &'a mut dyn Sink,
    /// Is dropped when it fails.
    pub console: Option<&'a mut dyn Sink>,
}

/// How the shard came to its end.
#[derive(Debug)]
pub struct Ending {
    /// Why it stopped early, if it did.
    pub stop: Option<Stop>,
    /// Groups that failed for good.
    pub failed: usize,
}

/// Runs the jobs to their end.
///
/// # Errors
/// When signals or workers cannot be set up; nothing has run then.
pub fn run(
    setup: Setup,
    jobs: Vec<Job>,
    frameworks: &BTreeMap<SuiteName, Rc<Framework>>,
    outputs: &mut Outputs<'_>,
) -> Result<Ending, RunError> {
    let system = |act| move |source| RunError::System { act, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("start the runtime"))?;
    LocalSet::new().block_on(&runtime, async {
        become_reaper().map_err(system("adopt orphaned processes"))?;
        let driver = Driver::new(setup, jobs, frameworks, outputs)?;
        let ending = driver.drive().await;
        kill_orphans().await;
        Ok(ending)
    })
}

/// One worker, seen from the loop.
struct Slot {
    /// Over when the orders are, and the supervisor is gone.
    serving: JoinHandle<()>,
    orders: mpsc::Sender<Order>,
    controls: Option<mpsc::Sender<Control>>,
    output: std::path::PathBuf,
    follower: Option<(GroupId, Follower)>,
}

struct Driver<'a, 'o> {
    setup: Rc<Setup>,
    jobs: Vec<Rc<Job>>,
    frameworks: &'a BTreeMap<SuiteName, Rc<Framework>>,
    outputs: &'a mut Outputs<'o>,
    dispatcher: Dispatcher,
    slots: Vec<Slot>,
    results: mpsc::Receiver<(u32, Box<Execution>)>,
    signals: Signals,
    started: Instant,
    executions: u64,
    failed: usize,
    broken: Option<String>,
    finished: bool,
}

impl<'a, 'o> Driver<'a, 'o> {
    fn new(
        setup: Setup,
        jobs: Vec<Job>,
        frameworks: &'a BTreeMap<SuiteName, Rc<Framework>>,
        outputs: &'a mut Outputs<'o>,
    ) -> Result<Self, RunError> {
        let system = |act| move |source| RunError::System { act, source };
        let setup = Rc::new(setup);
        let signals = Signals::listen().map_err(system("listen for signals"))?;
        let (done, results) = mpsc::channel(setup.workers as usize);
        let mut slots = Vec::new();
        for index in 0..setup.workers {
            let worker = Worker::new(Rc::clone(&setup), index);
            let worker = worker.map_err(system("make a worker's directory"))?;
            let (orders, inbox) = mpsc::channel(1);
            let output = worker.output().to_owned();
            let serving = tokio::task::spawn_local(worker.serve(index, inbox, done.clone()));
            slots.push(Slot { serving, orders, controls: None, output, follower: None });
        }
        let dispatcher = Dispatcher::new(jobs, setup.workers, setup.policy);
        let jobs = dispatcher.jobs().iter().cloned().map(Rc::new).collect();
        let started = Instant::now();
        Ok(Self {
            setup,
            jobs,
            frameworks,
            outputs,
            dispatcher,
            slots,
            results,
            signals,
            started,
            executions: 0,
            failed: 0,
            broken: None,
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
                    Some(Input::Ended { worker, execution })
                }
                () = until(deadline) => Some(Input::Tick),
                _ = ticker.tick(), if streaming => {
                    self.stream();
                    None
                }
            };
        }
        for Slot { serving, orders, .. } in self.slots {
            drop(orders);
            // It fails only for a worker that panicked, whose group nobody waits for any more.
            let _ = serving.await;
        }
        Ending { stop: self.dispatcher.stop().cloned(), failed: self.failed }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Does what the dispatcher says; when the journal cannot be written, says so to it, once.
    async fn perform(&mut self, input: Input) {
        let mut actions = self.dispatcher.handle(self.now_us(), input);
        let was_broken = self.broken.is_some();
        loop {
            for action in actions {
                self.act(action).await;
            }
            match &self.broken {
                Some(why) if !was_broken && !self.finished => {
                    let input = Input::Broken(why.clone());
                    actions = self.dispatcher.handle(self.now_us(), input);
                }
                _ => return,
            }
            if matches!(self.dispatcher.stop(), Some(Stop::Broken(_))) {
                for action in std::mem::take(&mut actions) {
                    self.act(action).await;
                }
                return;
            }
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Start { worker, job, selection } => self.start(worker, job, selection).await,
            Action::Signal { worker, signal } => self.control(worker, Control::Signal(signal)),
            Action::Kill { worker } => self.control(worker, Control::Kill),
            Action::Emit(event) => self.emit(&event),
            Action::Finish => self.finished = true,
        }
    }

    fn control(&self, worker: u32, control: Control) {
        if let Some(controls) = &self.slots[worker as usize].controls {
            // A full queue already holds more signals than a process can need.
            let _ = controls.try_send(control);
        }
    }

    async fn start(&mut self, worker: u32, job: usize, selection: crate::framework::Selection) {
        let job = Rc::clone(&self.jobs[job]);
        let framework = Rc::clone(&self.frameworks[&job.group.id.suite]);
        self.executions += 1;
        let keep = self.setup.outputs.join(format!("{}.log", self.executions));
        let (controls, inbox) = mpsc::channel(CONTROLS_MAX);
        let slot = &mut self.slots[worker as usize];
        slot.controls = Some(controls);
        if self.setup.streaming == Streaming::On {
            let _ = std::fs::write(&slot.output, "");
            slot.follower = Some((job.group.id.clone(), Follower::new(slot.output.clone())));
        }
        let order = Order { job, framework, selection, controls: inbox, keep };
        // A worker ends only after its orders' sender is gone, so it is there to take this.
        let _ = slot.orders.send(order).await;
    }

    fn emit(&mut self, event: &Event) {
        if let Event::GroupFinished(finished) = event
            && finished.last
            && finished.verdict == crate::model::Verdict::Failed
        {
            self.failed += 1;
        }
        if self.broken.is_none()
            && let Err(error) = self.outputs.journal.take(event)
        {
            self.broken = Some(error.to_string());
        }
        if let Some(console) = &mut self.outputs.console
            && console.take(event).is_err()
        {
            self.outputs.console = None;
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
            let mut text = String::new();
            while let Ok(more) = follower.poll()
                && !more.is_empty()
            {
                text.push_str(&more);
            }
            text.push_str(&follower.finish());
            self.emit_streamed(group, text);
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
