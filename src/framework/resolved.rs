//! A suite's framework with everything that its owner said of it: what discovery and the runner
//! work from.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::judge::Reading;
use super::listing::ListFormat;
use super::protocol::Processes;
use super::template::{Placeholder, Template, Values};

/// How the groups of a suite are found.
#[derive(Debug, Clone)]
pub enum Source {
    /// Files below the suite's directory.
    Globs(Vec<String>),
    /// A command that prints them.
    Command {
        /// The command.
        list: Template,
        /// The form in which it prints.
        format: ListFormat,
    },
}

/// One suite's framework.
#[derive(Debug, Clone)]
pub struct Framework {
    /// How it runs.
    pub how: How,
    /// How its results are read.
    pub reading: Reading,
    /// Where its processes run; absolute.
    pub dir: PathBuf,
    /// Environment of its processes.
    pub env: Vec<(String, Template)>,
}

/// How a framework lists and runs.
#[derive(Debug, Clone)]
pub enum How {
    /// By a command a group.
    Commands(Box<Commands>),
    /// By processes that stay.
    Warm(Box<Warm>),
}

/// A framework that is run by commands.
#[derive(Debug, Clone)]
pub struct Commands {
    /// How its groups are found.
    pub source: Source,
    /// Runs some of them.
    pub run: Template,
    /// `{args}`.
    pub args: Vec<String>,
    /// `{paths}`.
    pub paths: Vec<String>,
    /// `{python}`.
    pub python: String,
    /// `{shim}`, where the framework has one; absolute.
    pub shim: Option<PathBuf>,
    /// Files to write into `{outdir}` before each run.
    pub files: Vec<(String, Template)>,
    /// How many groups one command may run.
    pub batch: u32,
}

/// A framework that is run by processes that stay, see `docs/reference/shim-protocol.md`.
#[derive(Debug, Clone)]
pub struct Warm {
    /// Its name in the protocol.
    pub framework: String,
    /// The program of its processes, and its arguments.
    pub argv: Vec<String>,
    /// How workers come to be.
    pub processes: Processes,
    /// The suite's settings, as the protocol's `hello` has them.
    pub options: serde_json::Map<String, serde_json::Value>,
    /// When a worker is replaced by a fresh one although it is well.
    pub renewal: Renewal,
}

/// When a worker is replaced, between groups, although it is well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Renewal {
    /// When it has more than this resident, bytes.
    pub memory_bytes: Option<u64>,
    /// When it has run this many groups.
    pub groups: Option<u32>,
}

impl Framework {
    /// How many groups one of its commands may run.
    #[must_use]
    pub fn batch(&self) -> u32 {
        match &self.how {
            How::Commands(commands) => commands.batch,
            How::Warm(_) => 1,
        }
    }

    /// The placeholders that are the same for every group, worker and shard.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        match &self.how {
            How::Commands(commands) => commands.values(),
            How::Warm(_) => Values::default(),
        }
    }
}

impl Commands {
    /// The placeholders that are the same for every group, worker and shard.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        let values = Values::default()
            .with(Placeholder::Args, self.args.iter().map(String::as_bytes))
            .with(Placeholder::Paths, self.paths.iter().map(String::as_bytes))
            .with(Placeholder::Python, [self.python.as_bytes()]);
        match &self.shim {
            Some(shim) => values.with(Placeholder::Shim, [shim.as_os_str().as_bytes()]),
            None => values,
        }
    }
}
