//! Why a server of our own does not run.

use std::io;
use std::path::{Path, PathBuf};

use crate::db::{DbError, Engine};

/// Why a server could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// The engine has none.
    #[error("SQLite has no server to start: give its file by `url`")]
    NoServer,
    /// Its programs are not there.
    #[error("cannot find {engine}'s server ({programs}) in {looked}; {remedy}")]
    NotFound {
        /// The engine.
        engine: Engine,
        /// What was looked for.
        programs: &'static str,
        /// Where.
        looked: String,
        /// What to install.
        remedy: &'static str,
    },
    /// It would have to run as root.
    #[error("{engine}'s server cannot run as root, and there is no user `{user}` or `nobody`")]
    NoUser {
        /// The engine.
        engine: Engine,
        /// The user that it usually has.
        user: &'static str,
    },
    /// A file could not be read or written.
    #[error("cannot {act} `{path}`: {source}", path = path.display())]
    File {
        /// What was to be done.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its supervisor did not start, or the system has no randomness.
    #[error("cannot start the database server: {0}")]
    System(io::Error),
    /// Its data directory was not made.
    #[error("`{program}` did not make a data directory ({end}):\n{output}")]
    Initialise {
        /// The program.
        program: String,
        /// How it ended.
        end: String,
        /// What it said.
        output: String,
    },
    /// It ended by itself, or never answered.
    #[error("the {engine} server {what}; it said:\n{log}")]
    Start {
        /// The engine.
        engine: Engine,
        /// What happened.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// It answers, but not as it should.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Its data could not be kept.
    #[error(transparent)]
    Cache(#[from] super::super::cache::CacheError),
}

pub(super) fn cannot(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ManagedError {
    let path = path.to_owned();
    move |source| ManagedError::File { act, path, source }
}
