//! What evenly and a supervisor tell each other: a JSON line a message, requests one way, an
//! [`Answer`] per launch and per sweep the other way.
//!
//! Arguments, paths and variables are bytes, JSON is Unicode: every byte becomes the character of
//! the same number (Latin-1), so that plain text stays readable and nothing is lost.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Serialize};

use super::reaper::Orphans;
use crate::model::ProcessEnd;

/// The longest message. Beyond the kernel's own limit for a command line, even when every byte
/// of one doubles.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What evenly asks.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// Start a command; answered when it, and all that it started, is gone.
    Launch(Order),
    /// Send a signal to the running command's process group; never answered.
    Signal(i32),
    /// Kill the running command and all that it started; never answered.
    Kill,
    /// Kill all that became the supervisor's child beside the running command; answered when that
    /// is gone.
    Sweep,
}

/// What a supervisor answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    /// A launched command is gone.
    Ended(Ended),
    /// What had to be swept is gone.
    Swept(Orphans),
}

/// A command to start, its texts as [`to_wire`] makes them.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub argv: Vec<String>,
    pub cwd: String,
    pub env: Vec<(String, String)>,
    pub user: Option<(u32, u32)>,
    pub output: String,
    pub stdout: Option<String>,
    /// Whether a socket for the command comes with the message.
    pub socket: bool,
}

/// How a command ended, when nothing of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How the command itself ended.
    pub end: ProcessEnd,
    /// The names of processes that it left behind and that had to be ended; the first few.
    pub leaked: Vec<String>,
    /// Processes that it left behind and that could not be ended.
    pub unkillable: Vec<i32>,
    /// From its start to its own end, microseconds; what ending the rest took is not in it.
    pub duration_us: u64,
}

impl Ended {
    /// A command that never ran.
    pub(super) fn not_started(why: String) -> Self {
        Self {
            end: ProcessEnd::NotStarted(why),
            leaked: Vec::new(),
            unkillable: Vec::new(),
            duration_us: 0,
        }
    }
}

/// Bytes as text for the wire.
pub(super) fn to_wire(text: &OsStr) -> String {
    text.as_bytes().iter().copied().map(char::from).collect()
}

/// Bytes back from the wire.
///
/// # Errors
/// When the text did not come from [`to_wire`].
pub(super) fn from_wire(text: &str) -> io::Result<OsString> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    bytes.map(OsString::from_vec).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Puts a message with its line end into `line`, replacing what was there.
///
/// # Panics
/// Never: messages have only string keys, and memory takes every write.
pub fn encode(message: &impl Serialize, line: &mut Vec<u8>) {
    line.clear();
    serde_json::to_writer(&mut *line, message)
        .expect("messages have only string keys and memory takes every write");
    line.push(b'\n');
}

/// Bytes as they arrive, taken out line by line.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the first line not yet taken starts.
    start: usize,
    /// How far no line end was found.
    searched: usize,
}

impl Lines {
    /// Where to put what arrives.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Whether everything that arrived was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// The next whole line, without its end.
    ///
    /// # Errors
    /// When the line is longer than [`LINE_BYTES_MAX`].
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        let from = self.searched.max(self.start);
        let found = self.bytes[from..].iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.bytes.len(), |at| from + at);
        if end - self.start > LINE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message too long"));
        }
        if found.is_none() {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.searched = self.bytes.len();
            return Ok(None);
        }
        let start = self.start;
        self.start = end + 1;
        Ok(Some(&self.bytes[start..end]))
    }

    /// The next whole message.
    ///
    /// # Errors
    /// When the line is longer than [`LINE_BYTES_MAX`] or no such message.
    pub(super) fn next<T: for<'de> Deserialize<'de>>(&mut self) -> io::Result<Option<T>> {
        match self.next_line()? {
            Some(line) => Ok(Some(serde_json::from_slice(line)?)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_survives_the_wire(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = OsString::from_vec(bytes);
            let json = serde_json::to_string(&to_wire(&text)).unwrap();
            let back: String = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(from_wire(&back).unwrap(), text);
        }

        #[test]
        fn messages_come_out_whole_however_they_arrive(
            cuts in proptest::collection::vec(1_usize..9, 1..40),
        ) {
            let sent = [Request::Signal(15), Request::Kill, Request::Signal(2)];
            let mut stream = Vec::new();
            let mut line = Vec::new();
            for request in &sent {
                encode(request, &mut line);
                stream.extend_from_slice(&line);
            }
            let mut lines = Lines::default();
            let mut got: Vec<Request> = Vec::new();
            let mut cuts = cuts.into_iter().cycle();
            while !stream.is_empty() {
                let cut = cuts.next().unwrap().min(stream.len());
                lines.buffer().extend(stream.drain(..cut));
                while let Some(request) = lines.next().unwrap() {
                    got.push(request);
                }
            }
            prop_assert_eq!(&got[..], &sent[..]);
        }
    }

    #[test]
    fn text_that_is_no_bytes_is_refused() {
        assert!(from_wire("ā").is_err());
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let mut lines = Lines::default();
        lines.buffer().resize(LINE_BYTES_MAX, b'x');
        assert!(lines.next::<Request>().unwrap().is_none());
        lines.buffer().push(b'x');
        assert!(lines.next::<Request>().is_err());
    }
}
