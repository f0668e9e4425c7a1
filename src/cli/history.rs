//! The history's file, for the commands: read what can be read, never destroy what cannot.

use std::path::Path;

use super::print::warn;
use crate::history::{History, Warning};
use crate::store;

/// What is known, and whether its file may be written.
pub(super) struct Known {
    pub(super) history: History,
    pub(super) writable: Writable,
}

/// Whether the history's file may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writable {
    Yes,
    /// It holds something that this evenly cannot read, and must not destroy.
    No,
}

/// Reads the history; whatever is wrong with it is told, and costs estimates but no test.
pub(super) fn load(path: &Path) -> Known {
    let empty = |writable| Known { history: History::default(), writable };
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
