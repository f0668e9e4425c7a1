//! Runs one shard: a dispatcher that decides, workers that do, and one stream of events.
//!
//! Promises: every job ends in a `GroupFinished` or is named in `RunFinished`; what happened is
//! with every sink before the next thing is done; when this returns, no process that it started is
//! left (as far as `docs/reference/processes.md` says).

mod attempts;
mod batch;
mod dispatcher;
mod drive;
mod launch;
mod warm;
mod worker;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

pub use dispatcher::{Action, Dispatcher, Execution, Input, Job, Policy};
pub use drive::{Ending, Outputs, RunError, Suites, run};

use crate::model::Shard;

/// What a shard's run needs to know beside its jobs.
#[derive(Debug, Clone)]
pub struct Setup {
    /// evenly itself, to start supervisors with.
    pub program: PathBuf,
    /// Which shard this is.
    pub shard: Shard,
    /// Workers to run.
    pub workers: u32,
    /// The number of the first of them: 0, or what the only one is to have.
    pub first_worker: u32,
    /// Time and failures.
    pub policy: Policy,
    /// Scratch, absolute; the caller removes it.
    pub work: PathBuf,
    /// Where outputs go that are too large for the journal, absolute.
    pub outputs: PathBuf,
    /// First port of worker 0.
    pub port_base: u16,
    /// The run's name for `{run}` in the environment; the CI's id, or `local`.
    pub run: String,
    /// Variables that no test may see.
    pub env_remove: Vec<OsString>,
    /// Whether output is streamed while groups run.
    pub streaming: Streaming,
}

/// Whether output is streamed while groups run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// As `Event::Streamed`, whole lines.
    On,
    /// Only whole outputs, at the end of each group.
    Off,
}
