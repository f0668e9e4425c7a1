//! What can keep the commands of `evenly history` from doing their work.

use std::path::PathBuf;

use crate::exit::Exit;
use crate::history::import::{Format, ReadError};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum HistoryCommandError {
    #[error("the history `{}` is left as it is", .0.display())]
    NotKept(PathBuf),
    #[error("cannot import `{}`: {error}", .path.display())]
    Read { path: PathBuf, error: ReadError },
    #[error("no file in {0} looks like durations")]
    NoFiles(String),
    #[error(
        "`{}` is of the format {}, and `{}` of {}: one import is of one format",
        .first.0.display(), .first.1.word(), .other.0.display(), .other.1.word()
    )]
    Mixed { first: (PathBuf, Format), other: (PathBuf, Format) },
    #[error("none of the {entries} is a test or group of {suites}: {unmatched}; these are: {own}")]
    Nothing { entries: String, suites: String, unmatched: String, own: String },
    #[error("there is no suite `{0}`; there is: {1}")]
    NoSuite(String, String),
    #[error("the history has several suites: {0}")]
    WhichSuite(String),
    #[error("the history `{}` knows nothing", .0.display())]
    Empty(PathBuf),
    #[error("the history knows no test `{id}`{}", nearest(.near))]
    NoTest { id: String, near: Vec<String> },
    #[error("several suites have a test `{id}`:{}", lines(.ids))]
    WhichTest { id: String, ids: Vec<String> },
}

fn nearest(ids: &[String]) -> String {
    if ids.is_empty() { String::new() } else { format!("; the nearest are:{}", lines(ids)) }
}

fn lines(ids: &[String]) -> String {
    ids.iter().fold(String::new(), |text, id| text + "\n  " + id)
}

impl HistoryCommandError {
    /// How the program ends with it.
    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            Self::NotKept(_) => Exit::Infrastructure,
            Self::Read { .. }
            | Self::NoFiles(_)
            | Self::Mixed { .. }
            | Self::Nothing { .. }
            | Self::NoSuite(..)
            | Self::WhichSuite(_)
            | Self::Empty(_)
            | Self::NoTest { .. }
            | Self::WhichTest { .. } => Exit::Usage,
        }
    }

    /// What to do next.
    pub(in crate::cli) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotKept(_) => Some("give another file with `--history`"),
            Self::Read { error: ReadError::Unknown(_), .. } => {
                Some("say what it is with `--format`; docs/guide/history.md has a list")
            }
            Self::NoFiles(_) => Some("name the files themselves"),
            Self::Mixed { .. } => Some("import them one after the other, with `--suite` each"),
            Self::Nothing { .. } => Some("`evenly plan --all` lists the groups"),
            Self::WhichSuite(_) => Some("say which: `--suite NAME`"),
            Self::Empty(_) => Some("`evenly merge` and `evenly history import` teach it"),
            Self::Read { error: ReadError::Foreign { .. }, .. }
            | Self::NoSuite(..)
            | Self::NoTest { .. }
            | Self::WhichTest { .. } => None,
        }
    }
}
