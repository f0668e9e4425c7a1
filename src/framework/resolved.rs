//! A suite's framework with everything that its owner said of it: what discovery and the runner
//! work from.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::judge::Reading;
use super::listing::ListFormat;
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
    /// How its groups are found.
    pub source: Source,
    /// Runs some of them.
    pub run: Template,
    /// How its results are read.
    pub reading: Reading,
    /// Where its commands run; absolute.
    pub dir: PathBuf,
    /// `{args}`.
    pub args: Vec<String>,
    /// `{paths}`.
    pub paths: Vec<String>,
    /// `{python}`.
    pub python: String,
    /// `{shim}`, where the framework has one; absolute.
    pub shim: Option<PathBuf>,
    /// Environment of its processes.
    pub env: Vec<(String, Template)>,
    /// Files to write into `{outdir}` before each run.
    pub files: Vec<(String, Template)>,
}

impl Framework {
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
