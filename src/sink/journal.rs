//! The journal: every event as a JSON line, written as it happens.

use std::path::Path;

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
        let fail = |source, path: &Path| SinkError {
            what: "the journal",
            to: format!("`{}`", path.display()),
            source,
        };
        let Self { appender, line } = self;
        serde_json::to_writer(&mut *line, event)
            .map_err(|error| fail(error.into(), appender.path()))?;
        line.push(b'\n');
        appender.append(line).map_err(|error| fail(error, appender.path()))
    }
}
