//! Processes of a test framework that stay: each suite's main process, and the workers that it
//! forks or that are further processes like it. `docs/reference/shim-protocol.md` is what they
//! speak.
//!
//! Promises: whatever such a process does, a call here ends: with what it told, or with an error
//! that has its last words. Every process runs below a supervisor, so that what `process` promises
//! holds: when a worker has ended, what it left is killed before anyone is told of the end, and
//! nothing outlives evenly.
//!
//! Must be used inside a [`tokio::task::LocalSet`].

mod error;
mod hub;
mod main_process;
mod session;
mod supervised;
mod wire;
mod worker;

pub use error::WarmError;
pub use session::{Listing, Session, Spec};
pub use worker::{Order, Ran, WarmWorker};

use crate::model::ProcessEnd;

/// How long a process may take to begin: an interpreter starts, a project is imported.
const BEGIN_S_MAX: u64 = 600;
/// How long a process may take to fork a worker, or a worker to take its variables.
const FORK_S_MAX: u64 = 120;
/// How long a process may take to read what evenly tells it: it always listens, or should.
const SEND_S_MAX: u64 = 10;
/// How long a process that was told to stop, or that closed its socket, may take to be gone.
const STOP_S_MAX: u64 = 30;
/// How much longer than a kill itself its news may take.
const NEWS_S_MAX: u64 = 2;
/// What the results of one group may hold, bytes on the wire.
const RESULTS_BYTES_MAX: usize = 256 << 20;

/// A process that is gone, with all that it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) end: ProcessEnd,
    /// The names of processes that it left and that were killed; the first few.
    pub(crate) leaked: Vec<String>,
    /// Processes that it left and that could not be killed.
    pub(crate) unkillable: Vec<i32>,
}

impl Gone {
    fn unknown(why: &str) -> Self {
        let end = ProcessEnd::Unknown(why.to_owned());
        Self { end, leaked: Vec::new(), unkillable: Vec::new() }
    }
}
