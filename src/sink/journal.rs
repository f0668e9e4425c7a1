//! The journal: every event as a JSON line, written as it happens.

use super::{Sink, SinkError};
use crate::model::Event;
use crate::store::Appender;

/// Appends events to a shard's journal.
#[derive(Debug)]
pub struct Journal {
    appender: Appender,
    line: Vec<u8>,
}

impl Journal {
    /// Takes the claimed journal file.
    #[must_use]
    pub fn new(appender: Appender) -> Self {
        Self { appender, line: Vec::new() }
    }
}

impl Sink for Journal {
    fn take(&mut self, event: &Event) -> Result<(), SinkError> {
        if matches!(event, Event::Streamed { .. }) {
            return Ok(());
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, event).map_err(SinkError::encoding)?;
        self.line.push(b'\n');
        self.appender.append(&self.line).map_err(SinkError::store)
    }
}
