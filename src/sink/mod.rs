//! Where events go: each sink is a fold over the one stream.

mod console;
mod journal;

use std::io;

use crate::model::Event;

pub use console::{Console, Live, Options, fresh_token};
pub use journal::Journal;

/// Takes the events of a shard, in order.
pub trait Sink {
    /// Takes the next event.
    ///
    /// # Errors
    /// When what the event calls for could not be written. The sink stays usable: what was
    /// written before stays readable, and later events may be given to it.
    fn take(&mut self, event: &Event) -> Result<(), SinkError>;
}

/// Something could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what} to {to}: {source}")]
pub struct SinkError {
    /// What, such as `the journal`.
    pub what: &'static str,
    /// To what: a path in backticks, or a name such as `standard output`.
    pub to: String,
    /// Why.
    pub source: io::Error,
}
