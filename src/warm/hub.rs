//! A main process that forks: who is told what of its workers.
//!
//! One task owns its socket. What a worker left is swept before anyone hears of the worker's end.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

use super::main_process::MainProcess;
use super::supervised::Supervised;
use super::wire::{Heard, Wire, unasked};
use super::{Gone, NEWS_S_MAX, STOP_S_MAX};
use crate::framework::protocol::{Ask, Told};
use crate::model::ProcessEnd;
use crate::process::Control;

/// Requests on their way to a main process.
const REQUESTS_MAX: usize = 256;
const SIGKILL: i32 = 9;

/// What is asked of a main process.
#[derive(Debug)]
pub(super) enum Request {
    Fork(Fork),
    Signal {
        worker: u32,
        pid: i32,
        signal: i32,
    },
    /// It does not do what it is told: end it, and all of its workers.
    Forsake(&'static str),
    /// End it: nobody uses its workers any more.
    Stop,
}

/// A worker that is to be.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) worker: u32,
    pub(super) socket: OwnedFd,
    pub(super) answer: oneshot::Sender<Forked>,
}

/// A worker that was forked.
#[derive(Debug)]
pub(super) struct Forked {
    pub(super) pid: i32,
    pub(super) gone: watch::Receiver<Option<Gone>>,
}

/// A main process, from outside.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) requests: mpsc::Sender<Request>,
    task: JoinHandle<String>,
}

impl Hub {
    pub(super) fn new(main: MainProcess) -> Self {
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let MainProcess { wire, process, ready: _ } = main;
        let (seats, sweeping, waiting) = (BTreeMap::new(), VecDeque::new(), Vec::new());
        let desk = Desk { wire, process, seats, sweeping, waiting };
        Self { requests, task: spawn_local(desk.serve(inbox)) }
    }

    /// Whether it makes no workers any more.
    pub(super) fn is_over(&self) -> bool {
        self.requests.is_closed()
    }

    /// Waits for its end; says why it came.
    pub(super) async fn over(self) -> String {
        let Self { requests, task } = self;
        drop(requests);
        task.await.unwrap_or_else(|_| "evenly failed".to_owned())
    }

    pub(super) async fn stop(self) {
        // It is over where this cannot be told.
        let _ = self.requests.send(Request::Stop).await;
        self.over().await;
    }
}

/// What is known of one worker.
#[derive(Debug)]
struct Seat {
    pid: Option<i32>,
    answer: Option<oneshot::Sender<Forked>>,
    gone: watch::Sender<Option<Gone>>,
}

struct Desk {
    wire: Wire,
    process: Supervised,
    seats: BTreeMap<u32, Seat>,
    /// Workers that ended and whose leftovers are being swept, in the order of the sweeps.
    sweeping: VecDeque<(watch::Sender<Option<Gone>>, ProcessEnd)>,
    /// Forks of workers of which the one before has not ended yet.
    waiting: Vec<Fork>,
}

/// Why a main process is served no longer.
enum Over {
    Stopped,
    Closed,
    Forsaken(String),
}

impl Desk {
    async fn serve(mut self, mut inbox: mpsc::Receiver<Request>) -> String {
        let over = loop {
            let step = tokio::select! {
                biased;
                Some(orphans) = self.process.swept() => {
                    if let Some((gone, end)) = self.sweeping.pop_front() {
                        let (leaked, unkillable) = (orphans.leaked, orphans.unkillable);
                        let _ = gone.send(Some(Gone { end, leaked, unkillable }));
                    }
                    Ok(())
                }
                heard = self.wire.hear() => self.heard(heard).await,
                request = inbox.recv() => match request {
                    Some(request) => self.asked(request).await,
                    None => Err(Over::Stopped),
                },
            };
            if let Err(over) = step {
                break over;
            }
        };
        // Requests that come from now on are for nobody, and their askers are told so.
        drop(inbox);
        self.end(over).await
    }

    async fn heard(&mut self, heard: Heard) -> Result<(), Over> {
        let told = match heard {
            Heard::Told(told, _) => told,
            Heard::Nonsense(what) => return Err(Over::Forsaken(what)),
            Heard::Closed => return Err(Over::Closed),
        };
        match told {
            Told::Forked { worker, pid } => {
                let Some(seat) = self.seats.get_mut(&worker) else {
                    return Err(astray(&Told::Forked { worker, pid }));
                };
                seat.pid = Some(pid);
                let forked = Forked { pid, gone: seat.gone.subscribe() };
                if seat.answer.take().is_none_or(|answer| answer.send(forked).is_err()) {
                    // Who asked does not wait any more.
                    return self.say(&Ask::Signal { worker, signal: SIGKILL }, None).await;
                }
                Ok(())
            }
            Told::Ended { worker, pid, end } => match self.seats.remove(&worker) {
                Some(seat) if seat.pid.is_none_or(|known| known == pid) => {
                    self.sweeping.push_back((seat.gone, end));
                    self.process.control(Control::Sweep);
                    match self.waiting.iter().position(|fork| fork.worker == worker) {
                        Some(at) => {
                            let fork = self.waiting.remove(at);
                            self.fork(fork).await
                        }
                        None => Ok(()),
                    }
                }
                Some(_) | None => Err(astray(&Told::Ended { worker, pid, end })),
            },
            told => Err(astray(&told)),
        }
    }

    async fn asked(&mut self, request: Request) -> Result<(), Over> {
        match request {
            Request::Fork(fork) if self.seats.contains_key(&fork.worker) => {
                self.waiting.push(fork);
                Ok(())
            }
            Request::Fork(fork) => self.fork(fork).await,
            Request::Signal { worker, pid, signal } => match self.seats.get(&worker) {
                Some(seat) if seat.pid == Some(pid) => {
                    self.say(&Ask::Signal { worker, signal }, None).await
                }
                Some(_) | None => Ok(()),
            },
            Request::Forsake(why) => Err(Over::Forsaken(why.to_owned())),
            Request::Stop => Err(Over::Stopped),
        }
    }

    async fn fork(&mut self, fork: Fork) -> Result<(), Over> {
        let Fork { worker, socket, answer } = fork;
        let (gone, _) = watch::channel(None);
        self.seats.insert(worker, Seat { pid: None, answer: Some(answer), gone });
        self.say(&Ask::Fork { worker }, Some(&socket)).await
    }

    async fn say(&mut self, ask: &Ask, socket: Option<&OwnedFd>) -> Result<(), Over> {
        match self.wire.send(ask, socket).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Err(Over::Forsaken("does not listen".to_owned()))
            }
            Err(_) => Err(Over::Closed),
        }
    }

    /// Ends the process and all of its workers; says why.
    async fn end(mut self, over: Over) -> String {
        let patience = match &over {
            Over::Stopped => {
                let told = self.wire.send(&Ask::Stop {}, None).await;
                Duration::from_secs(if told.is_ok() { STOP_S_MAX } else { 0 })
            }
            Over::Closed => Duration::from_secs(NEWS_S_MAX),
            Over::Forsaken(_) => Duration::ZERO,
        };
        let by_itself = timeout(patience, self.process.gone()).await;
        let gone = if let Ok(gone) = by_itself {
            gone
        } else {
            self.process.control(Control::Kill);
            self.process.gone().await
        };
        let words = self.process.words();
        self.process.close().await;
        let why = match over {
            Over::Stopped => "it was stopped".to_owned(),
            Over::Closed => format!("it ended ({}){words}", gone.end),
            Over::Forsaken(what) => format!("it {what}{words}"),
        };
        let known = self.sweeping.into_iter();
        for (news, end) in known {
            let _ = news.send(Some(Gone { end, leaked: Vec::new(), unkillable: Vec::new() }));
        }
        for (_, seat) in self.seats {
            let line = why.lines().next().unwrap_or_default();
            let Gone { end: _, leaked, unkillable } = gone.clone();
            let end = ProcessEnd::Unknown(format!("its main process: {line}"));
            let _ = seat.gone.send(Some(Gone { end, leaked, unkillable }));
        }
        why
    }
}

fn astray(told: &Told) -> Over {
    Over::Forsaken(unasked(told))
}

/// The signal of a control.
pub(super) fn signal_of(control: Control) -> Option<i32> {
    match control {
        Control::Signal(signal) => Some(signal),
        Control::Kill => Some(SIGKILL),
        Control::Sweep => None,
    }
}
