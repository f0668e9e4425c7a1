//! The history's file, for the commands: read what can be read, never destroy what cannot.

use std::path::Path;

use super::super::print::warn;
use crate::history::{History, Warning};
use crate::store;

/// What is known, and whether its file may be written.
pub(in crate::cli) struct Known {
    pub(in crate::cli) history: History,
    pub(in crate::cli) writable: Writable,
}

/// Whether the history's file may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Writable {
    Yes,
    /// It holds something that this evenly cannot read, and must not destroy.
    No,
}

/// Whether a history can be kept there: in a file, or where nothing is yet. A device must not be
/// replaced, and reading a pipe might never end.
pub(in crate::cli) fn can_be_kept(path: &Path) -> bool {
    path.metadata().map_or(true, |found| found.is_file())
}

/// Reads the history; whatever is wrong with it is told, and costs estimates but no test.
pub(in crate::cli) fn load(path: &Path) -> Known {
    let empty = |writable| Known { history: History::default(), writable };
    if !can_be_kept(path) {
        warn(&format!("history `{}` is not a file; going on without history", path.display()));
        return empty(Writable::No);
    }
    let bytes = match store::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.is_absent() => return empty(Writable::Yes),
        Err(error) => {
            warn(&format!("{error}; going on without history"));
            return empty(Writable::No);
        }
    };
    match History::read(&bytes) {
        Ok((history, warnings)) => {
            for warning in warnings {
                let Warning::Damaged { .. } = &warning;
                warn(&format!("history `{}`: {warning}", path.display()));
            }
            Known { history, writable: Writable::Yes }
        }
        Err(error) => {
            warn(&format!(
                "history `{}`: {error}; going on without it, and leaving it as it is",
                path.display()
            ));
            empty(Writable::No)
        }
    }
}
