//! A warm worker: runs one group after the other, and tells what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::error::WarmError;
use super::hub::{Request, signal_of};
use super::main_process::{MainProcess, Silence, Talk};
use super::supervised::{Supervised, gone};
use super::wire::{Heard, Wire, unasked};
use super::{FORK_S_MAX, Gone, NEWS_S_MAX, RESULTS_BYTES_MAX, STOP_S_MAX};
use crate::framework::protocol::{Ask, Finish, Told};
use crate::framework::{Close, Renewal, Running, Said};
use crate::model::ProcessEnd;
use crate::process::{Control, KILL_MS_MAX};

/// What to run.
#[derive(Debug, Clone)]
pub struct Order {
    /// The group's name.
    pub group: String,
    /// Its tests, in their order.
    pub tests: Vec<String>,
    /// The file to print into.
    pub output: String,
    /// The clones, by alias.
    pub databases: BTreeMap<String, String>,
}

/// What became of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What was told.
    pub said: Said,
    /// How the worker ended, if it did; none while it goes on.
    pub end: Option<ProcessEnd>,
    /// The names of processes that it left when it ended.
    pub leaked: Vec<String>,
    /// Processes that it left and that could not be killed.
    pub unkillable: Vec<i32>,
    /// The aliases whose clones are not as before, where the group came to its own end.
    pub dirty: Vec<String>,
    /// From the order to the end, microseconds.
    pub duration_us: u64,
}

/// A worker. To be stopped: dropped, its socket is closed, and it is to end at that.
#[derive(Debug)]
pub struct WarmWorker {
    wire: Wire,
    link: Link,
    groups: u32,
    memory_bytes: u64,
    usable: bool,
}

/// How a worker is reached beside its socket.
#[derive(Debug)]
enum Link {
    Forked {
        requests: mpsc::Sender<Request>,
        worker: u32,
        pid: i32,
        gone: watch::Receiver<Option<Gone>>,
    },
    Separate(Supervised),
}

impl Link {
    async fn control(&self, control: Control) {
        match self {
            Self::Forked { requests, worker, pid, gone: _ } => {
                if let Some(signal) = signal_of(control) {
                    let (worker, pid) = (*worker, *pid);
                    // Without its main process a worker is killed already.
                    let _ = requests.send(Request::Signal { worker, pid, signal }).await;
                }
            }
            Self::Separate(process) => process.control(control),
        }
    }

    async fn gone(&mut self) -> Gone {
        match self {
            Self::Forked { gone: news, .. } => gone(news).await,
            Self::Separate(process) => process.gone().await,
        }
    }

    /// Kills the worker and waits for its end. A main process that does not tell of it is ended
    /// itself.
    async fn kill(&mut self) -> Gone {
        self.control(Control::Kill).await;
        let patience = Duration::from_millis(KILL_MS_MAX) + Duration::from_secs(NEWS_S_MAX);
        if let Ok(gone) = timeout(patience, self.gone()).await {
            return gone;
        }
        if let Self::Forked { requests, .. } = self {
            let why = "did not tell of a worker that was killed";
            let _ = requests.send(Request::Forsake(why)).await;
        }
        self.gone().await
    }

    fn words(&self) -> String {
        match self {
            // What the main process printed is not the worker's.
            Self::Forked { .. } => String::new(),
            Self::Separate(process) => process.words(),
        }
    }
}

impl WarmWorker {
    pub(super) fn forked(
        wire: Wire,
        requests: mpsc::Sender<Request>,
        worker: u32,
        pid: i32,
        gone: watch::Receiver<Option<Gone>>,
    ) -> Self {
        Self::new(wire, Link::Forked { requests, worker, pid, gone })
    }

    pub(super) fn separate(main: MainProcess) -> Self {
        let MainProcess { wire, process, ready: _ } = main;
        Self::new(wire, Link::Separate(process))
    }

    fn new(wire: Wire, link: Link) -> Self {
        Self { wire, link, groups: 0, memory_bytes: 0, usable: true }
    }

    pub(super) async fn begin(
        mut self,
        worker: u32,
        env: &BTreeMap<String, String>,
    ) -> Result<Self, WarmError> {
        let ask = Ask::Start { worker, env: env.clone() };
        let is_started = |told: &Told| matches!(told, Told::Started { .. });
        self.ask("start", Duration::from_secs(FORK_S_MAX), &ask, is_started).await?;
        Ok(self)
    }

    /// Fills the empty database at `url`, as the framework itself would; it prints into `output`.
    ///
    /// # Errors
    /// When it cannot, or not in time. The worker is gone then.
    pub async fn prepare(
        &mut self,
        alias: &str,
        url: &str,
        output: &str,
        databases: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Result<(), WarmError> {
        let (alias, url, output) = (alias.to_owned(), url.to_owned(), output.to_owned());
        let databases = databases.clone();
        let ask = Ask::Prepare { alias: alias.clone(), url, output, databases };
        let is_prepared = |told: &Told| matches!(told, Told::Prepared { alias: a } if *a == alias);
        self.ask("prepare a database", limit, &ask, is_prepared).await
    }

    /// Asks something that one message answers.
    async fn ask(
        &mut self,
        act: &'static str,
        limit: Duration,
        ask: &Ask,
        is_answer: impl Fn(&Told) -> bool,
    ) -> Result<(), WarmError> {
        let mut talk = Talk::new(&mut self.wire, limit);
        let answer = match talk.ask(ask).await {
            Ok(()) => talk.answer().await,
            Err(silence) => Err(silence),
        };
        let silence = match answer {
            Ok(told) if is_answer(&told) => return Ok(()),
            Ok(told) => Silence::Astray(unasked(&told)),
            Err(silence) => silence,
        };
        let gone = self.end_after(&silence).await;
        let words = self.link.words();
        Err(silence.told(act, limit.as_secs(), gone.end, words))
    }

    async fn end_after(&mut self, silence: &Silence) -> Gone {
        self.usable = false;
        if let Silence::Closed = silence {
            let patience = Duration::from_secs(NEWS_S_MAX);
            if let Ok(gone) = timeout(patience, self.link.gone()).await {
                return gone;
            }
        }
        self.link.kill().await
    }

    /// Whether it can run another group: it lives, and has said nothing that it was not asked for.
    pub fn is_usable(&mut self) -> bool {
        self.usable && self.wire.is_quiet()
    }

    /// Whether it is to be replaced although it is well.
    #[must_use]
    pub fn is_due(&self, renewal: Renewal) -> bool {
        let Renewal { memory_bytes, groups } = renewal;
        memory_bytes.is_some_and(|most| self.memory_bytes > most)
            || groups.is_some_and(|most| self.groups >= most)
    }

    /// Runs tests of a group. `controls` are obeyed as they come; a worker that was signalled is
    /// of no use afterwards, and gone when this returns.
    pub async fn run(&mut self, order: Order, controls: &mut mpsc::Receiver<Control>) -> Ran {
        let started = Instant::now();
        let mut log = Log::default();
        let Order { group, tests, output, databases } = order;
        let ask = Ask::Run { group, tests, output, databases };
        let close = match self.wire.send(&ask, None).await {
            Ok(()) => self.listen(&mut log, controls).await,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                // It knows nothing of this order and is as good as before.
                return log.ran(Stop::Astray(format!("could not be given {error}")), None, started);
            }
            Err(_) => Stop::Ended,
        };
        self.groups += 1;
        let gone = match &close {
            Stop::Finished(finish) => {
                self.memory_bytes = finish.memory_bytes;
                None
            }
            Stop::Gone(gone) => Some(gone.clone()),
            Stop::Signalled(_) | Stop::Killed | Stop::Astray(_) => Some(self.link.kill().await),
            Stop::Ended => Some(self.end_after(&Silence::Closed).await),
        };
        if gone.is_some() {
            self.usable = false;
            // What it had said before its end is there by now.
            while let Some(Heard::Told(told, bytes)) = self.wire.hear_now() {
                if close.hears_on() && log.take(told, bytes).is_some() {
                    break;
                }
            }
        }
        log.ran(close, gone, started)
    }

    async fn listen(&mut self, log: &mut Log, controls: &mut mpsc::Receiver<Control>) -> Stop {
        let mut listening = true;
        let mut signalled = false;
        loop {
            let stop = tokio::select! {
                biased;
                control = controls.recv(), if listening => match control {
                    Some(Control::Kill) => Some(Stop::Killed),
                    Some(control) => {
                        signalled = true;
                        self.link.control(control).await;
                        None
                    }
                    None => {
                        listening = false;
                        None
                    }
                },
                heard = self.wire.hear() => match heard {
                    Heard::Told(told, bytes) => log.take(told, bytes),
                    Heard::Nonsense(what) => Some(Stop::Astray(what)),
                    Heard::Closed => Some(Stop::Ended),
                },
                gone = self.link.gone() => Some(Stop::Gone(gone)),
            };
            match stop {
                // The signal may still be on its way, and is not the next group's.
                Some(Stop::Finished(finish)) if signalled => return Stop::Signalled(finish),
                Some(stop) => return stop,
                None => {}
            }
        }
    }

    /// Ends it, politely at first, and waits until it and what it left is gone. Returns why what it
    /// did for the suite could not be undone, if it says so.
    pub async fn stop(mut self) -> Option<String> {
        let patience = Duration::from_secs(STOP_S_MAX);
        let polite = self.usable && self.wire.send(&Ask::Stop {}, None).await.is_ok();
        let mut why = None;
        if !polite {
            self.link.kill().await;
        } else if timeout(patience, self.link.gone()).await.is_err() {
            self.link.kill().await;
            why = Some(format!("did not end within {STOP_S_MAX} s, and was killed"));
        } else if let Some(Heard::Told(Told::Failed { message, .. }, _)) = self.wire.hear_now() {
            why = Some(crate::model::one_line(&message).into_owned());
        }
        if let Link::Separate(process) = self.link {
            process.close().await;
        }
        why
    }
}

/// Why a group is no longer listened to.
#[derive(Debug)]
enum Stop {
    Finished(Finish),
    /// It finished, but a signal is on its way to it.
    Signalled(Finish),
    Killed,
    Astray(String),
    /// Its socket is closed.
    Ended,
    Gone(Gone),
}

impl Stop {
    /// Whether what is still there to be heard belongs to the group.
    fn hears_on(&self) -> bool {
        match self {
            Self::Killed | Self::Ended | Self::Gone(_) => true,
            Self::Finished(_) | Self::Signalled(_) | Self::Astray(_) => false,
        }
    }
}

/// What a worker has told of a group so far.
#[derive(Debug, Default)]
struct Log {
    tests: Vec<crate::model::TestResult>,
    running: Vec<(String, Instant)>,
    bytes: usize,
    finish: Option<Finish>,
}

impl Log {
    fn take(&mut self, told: Told, bytes: usize) -> Option<Stop> {
        self.bytes += bytes;
        if self.bytes > RESULTS_BYTES_MAX {
            let what = format!("said more than {RESULTS_BYTES_MAX} bytes of one group");
            return Some(Stop::Astray(what));
        }
        match told {
            Told::TestStarted { test } => {
                self.running.push((test, Instant::now()));
                None
            }
            Told::TestFinished(finished) => {
                self.running.retain(|(test, _)| *test != finished.test);
                self.tests.push((*finished).into());
                None
            }
            Told::GroupFinished(finish) => {
                self.finish = Some(finish.clone());
                Some(Stop::Finished(finish))
            }
            Told::Failed { message, .. } => {
                let message = crate::model::one_line(&message).into_owned();
                Some(Stop::Astray(format!("gave up: {message}")))
            }
            told => Some(Stop::Astray(unasked(&told))),
        }
    }

    fn ran(self, stop: Stop, gone: Option<Gone>, started: Instant) -> Ran {
        let now = Instant::now();
        let Self { tests, running, bytes: _, finish: heard } = self;
        let (close, finish) = match (stop, heard) {
            (Stop::Astray(what), _) => (Close::Astray(what), None),
            (Stop::Finished(finish) | Stop::Signalled(finish), _)
            // It said that it finished, and ended then.
            | (Stop::Killed | Stop::Ended | Stop::Gone(_), Some(finish)) => {
                (Close::Finished { good: finish.good }, Some(finish))
            }
            (Stop::Killed | Stop::Ended | Stop::Gone(_), None) => (Close::Died, None),
        };
        let since = |then: Instant| {
            let elapsed = now.saturating_duration_since(then).as_micros();
            u64::try_from(elapsed).unwrap_or(u64::MAX)
        };
        let running = running
            .into_iter()
            .map(|(test, then)| Running { test, duration_us: since(then) })
            .collect();
        let (end, leaked, unkillable) = match gone {
            Some(Gone { end, leaked, unkillable }) => (Some(end), leaked, unkillable),
            None => (None, Vec::new(), Vec::new()),
        };
        Ran {
            said: Said { tests, running, close },
            end,
            leaked,
            unkillable,
            dirty: finish.map(|finish| finish.dirty).unwrap_or_default(),
            duration_us: since(started),
        }
    }
}
