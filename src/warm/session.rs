//! One suite's processes, from its listing to the end of its last worker.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

use super::error::WarmError;
use super::hub::{Fork, Forked, Hub, Request};
use super::main_process::MainProcess;
use super::wire::Wire;
use super::worker::WarmWorker;
use super::{BEGIN_S_MAX, FORK_S_MAX};
use crate::framework::Broken;
use crate::framework::protocol::{Processes, Ready, WarmDatabase, WarmGroup};
use crate::process::Options;

/// How a suite's processes are started.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The framework's name in the protocol.
    pub framework: String,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Where it runs.
    pub dir: PathBuf,
    /// Variables beyond the supervisor's own.
    pub env: Vec<(OsString, OsString)>,
    /// How workers come to be.
    pub processes: Processes,
    /// The suite's settings.
    pub options: serde_json::Map<String, serde_json::Value>,
    /// A directory for what the processes print; it must be there, and be nobody else's.
    pub scratch: PathBuf,
}

/// All that a suite has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its groups, in the framework's order; none is without a test.
    pub groups: Vec<WarmGroup>,
    /// What could not be collected.
    pub broken: Vec<Broken>,
    /// The databases that the framework would create.
    pub databases: Vec<WarmDatabase>,
}

/// A suite's processes. To be closed: dropped, it ends them without anyone waiting for it.
#[derive(Debug)]
pub struct Session {
    spec: Spec,
    options: Options,
    ready: Ready,
    state: Mutex<State>,
    /// How many processes were started.
    started: Cell<usize>,
    notes: RefCell<Vec<String>>,
}

#[derive(Debug)]
enum State {
    /// A process that has listed, or will, and is no worker yet.
    Main(Box<MainProcess>),
    /// A process that forks workers.
    Hub(Hub),
    /// There is no process but those of workers.
    None,
    Closed,
}

impl Session {
    /// Starts the suite's main process.
    ///
    /// # Errors
    /// When it cannot be started, refuses, or does not answer as it must.
    pub async fn start(spec: Spec, options: Options) -> Result<Self, WarmError> {
        let main = MainProcess::start(&spec, &options, 0).await?;
        let ready = main.ready.clone();
        let state = Mutex::new(State::Main(Box::new(main)));
        let (started, notes) = (Cell::new(1), RefCell::default());
        Ok(Self { spec, options, ready, state, started, notes })
    }

    /// What the process said that it is.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// What happened that is worth telling since the last time: a main process that had to be
    /// started anew, a worker that did not end well.
    pub fn notes(&self) -> Vec<String> {
        self.notes.take()
    }

    /// Asks for all groups; to be done once, before the first worker.
    ///
    /// # Errors
    /// When the process does not answer as it must, or not in time. It is gone then.
    pub async fn list(&self, limit: Duration) -> Result<Listing, WarmError> {
        let mut state = self.state.lock().await;
        match std::mem::replace(&mut *state, State::None) {
            State::Main(main) => {
                let (main, listing) = main.list(limit).await?;
                *state = State::Main(Box::new(main));
                Ok(listing)
            }
            other => {
                *state = other;
                Err(WarmError::Closed)
            }
        }
    }

    /// Makes a worker, with variables for the suite. Its number must not be that of a worker that
    /// has not ended.
    ///
    /// # Errors
    /// When it cannot be made. If the main process is lost, another one is started first.
    pub async fn worker(
        &self,
        worker: u32,
        env: &BTreeMap<String, String>,
    ) -> Result<WarmWorker, WarmError> {
        let made =
            if self.ready.forks { self.forked(worker).await? } else { self.separate().await? };
        made.begin(worker, env).await
    }

    async fn separate(&self) -> Result<WarmWorker, WarmError> {
        let listed = {
            let mut state = self.state.lock().await;
            match std::mem::replace(&mut *state, State::None) {
                State::Main(main) => Some(*main),
                State::Closed => {
                    *state = State::Closed;
                    return Err(WarmError::Closed);
                }
                State::Hub(_) | State::None => None,
            }
        };
        let main = match listed {
            Some(main) => main,
            // Outside the lock: workers start side by side.
            None => self.another().await?,
        };
        Ok(WarmWorker::separate(main))
    }

    async fn forked(&self, worker: u32) -> Result<WarmWorker, WarmError> {
        match self.fork(worker).await {
            // It may have died of what another worker's test did just now.
            Err(WarmError::Astray { .. }) => self.fork(worker).await,
            made => made,
        }
    }

    async fn fork(&self, worker: u32) -> Result<WarmWorker, WarmError> {
        let (wire, socket) =
            Wire::pair().map_err(|source| WarmError::System { act: "make a socket", source })?;
        let requests = self.requests().await?;
        let (answer, forked) = oneshot::channel();
        // A hub that is over drops the request, and that is the answer.
        let _ = requests.send(Request::Fork(Fork { worker, socket, answer })).await;
        match timeout(Duration::from_secs(FORK_S_MAX), forked).await {
            Ok(Ok(Forked { pid, gone })) => {
                Ok(WarmWorker::forked(wire, requests, worker, pid, gone))
            }
            Ok(Err(_)) => Err(self.lost().await),
            Err(_) => {
                let _ = requests.send(Request::Forsake("did not fork in time")).await;
                Err(self.lost().await)
            }
        }
    }

    /// The way to a main process that forks.
    async fn requests(&self) -> Result<tokio::sync::mpsc::Sender<Request>, WarmError> {
        let mut state = self.state.lock().await;
        let hub = match std::mem::replace(&mut *state, State::None) {
            State::Main(main) => Hub::new(*main),
            State::Hub(hub) if !hub.is_over() => hub,
            State::Hub(hub) => {
                self.note_loss(&hub.over().await);
                self.fresh_hub().await?
            }
            State::None => self.fresh_hub().await?,
            State::Closed => {
                *state = State::Closed;
                return Err(WarmError::Closed);
            }
        };
        let requests = hub.requests.clone();
        *state = State::Hub(hub);
        Ok(requests)
    }

    /// Why no worker was made.
    async fn lost(&self) -> WarmError {
        let mut state = self.state.lock().await;
        let what = match std::mem::replace(&mut *state, State::None) {
            State::Hub(hub) if hub.is_over() => {
                let why = hub.over().await;
                self.note_loss(&why);
                format!("did not: {why}")
            }
            other => {
                *state = other;
                "did not".to_owned()
            }
        };
        WarmError::Astray { act: "fork a worker", what, words: String::new() }
    }

    /// A main process in the place of one that was lost.
    async fn fresh_hub(&self) -> Result<Hub, WarmError> {
        let main = self.another().await?;
        // What it lists is known; this makes it import it.
        let (main, _) = main.list(Duration::from_secs(BEGIN_S_MAX)).await?;
        Ok(Hub::new(main))
    }

    async fn another(&self) -> Result<MainProcess, WarmError> {
        let number = self.started.get();
        self.started.set(number + 1);
        MainProcess::start(&self.spec, &self.options, number).await
    }

    /// Keeps something for [`Session::notes`].
    pub fn note(&self, text: String) {
        self.notes.borrow_mut().push(text);
    }

    fn note_loss(&self, why: &str) {
        let line = why.lines().next().unwrap_or_default();
        self.note(format!("the main process of {} is started anew: {line}", self.spec.framework));
    }

    /// Ends the processes that are no workers, and waits until they are gone. Workers are to be
    /// stopped before.
    pub async fn close(&self) {
        let mut state = self.state.lock().await;
        match std::mem::replace(&mut *state, State::Closed) {
            State::Main(main) => {
                let MainProcess { wire: _, process, ready: _ } = *main;
                process.end().await;
            }
            State::Hub(hub) => hub.stop().await,
            State::None | State::Closed => {}
        }
    }
}
