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
    let (known, trouble) = read(path);
    for trouble in trouble {
        warn(&trouble);
    }
    known
}

/// Reads the history; what is wrong with it, for whoever did not tell yet.
pub(super) fn read(path: &Path) -> (Known, Vec<String>) {
    let without =
        |writable, trouble: Vec<String>| (Known { history: History::default(), writable }, trouble);
    let shown = path.display();
    if !can_be_kept(path) {
        let trouble = format!("history `{shown}` is not a file; going on without history");
        return without(Writable::No, vec![trouble]);
    }
    let bytes = match store::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.is_absent() => return without(Writable::Yes, Vec::new()),
        Err(error) => {
            return without(Writable::No, vec![format!("{error}; going on without history")]);
        }
    };
    match History::read(&bytes) {
        Ok((history, warnings)) => {
            let told = |warning: Warning| {
                let Warning::Damaged { .. } = &warning;
                format!("history `{shown}`: {warning}")
            };
            let trouble = warnings.into_iter().map(told).collect();
            (Known { history, writable: Writable::Yes }, trouble)
        }
        Err(error) => {
            let trouble =
                format!("history `{shown}`: {error}; going on without it, and leaving it as it is");
            without(Writable::No, vec![trouble])
        }
    }
}
