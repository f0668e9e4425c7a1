//! Why a warm process is of no use.

use std::io;

use crate::framework::protocol::PROTOCOL;
use crate::model::ProcessEnd;

/// Why a warm process cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WarmError {
    /// The system refused something that evenly cannot do without.
    #[error("cannot {act}: {source}")]
    System {
        /// What was tried.
        act: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It ended.
    #[error("its process ended while it was to {act} ({end}){words}")]
    Ended {
        /// What it was to do.
        act: &'static str,
        /// How it ended.
        end: ProcessEnd,
        /// What it printed last.
        words: String,
    },
    /// It said that it cannot.
    #[error("{message}{detail}")]
    Refused {
        /// Its own words.
        message: String,
        /// The trace that it gave, set in.
        detail: String,
    },
    /// It said something else than what it was asked for.
    #[error("its process was to {act} and {what}{words}")]
    Astray {
        /// What it was to do.
        act: &'static str,
        /// What it did.
        what: String,
        /// What it printed last.
        words: String,
    },
    /// It said nothing.
    #[error("its process was to {act} and took longer than {after_s} s{words}")]
    TimedOut {
        /// What it was to do.
        act: &'static str,
        /// How long it had.
        after_s: u64,
        /// What it printed last.
        words: String,
    },
    /// It speaks another version.
    #[error("its process speaks version {0} of the protocol, and this evenly version {PROTOCOL}")]
    Version(u32),
    /// A part of the listing is missing, or was told twice.
    #[error("its process told of {came} groups and then said that there are {told}")]
    Count {
        /// How many came.
        came: usize,
        /// How many there should be.
        told: usize,
    },
    /// A group without tests.
    #[error("its process listed the group `{0}` without a test")]
    Empty(String),
    /// Its session was closed.
    #[error("its session is over")]
    Closed,
}
