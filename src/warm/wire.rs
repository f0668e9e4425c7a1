//! evenly's end of a socket to a warm process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as Plain;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::SEND_S_MAX;
use crate::framework::protocol::{Ask, MESSAGE_BYTES_MAX, Told};
use crate::model::one_line;
use crate::process::{self, LINE_BYTES_MAX, Lines, encode};

const _: () = assert!(MESSAGE_BYTES_MAX == LINE_BYTES_MAX, "one reader for both protocols");

/// How much is read at once.
const READ_BYTES_MAX: usize = 64 << 10;
/// How much of a message that is none is shown, characters.
const START_CHARS_MAX: usize = 80;

/// One end of a socket.
#[derive(Debug)]
pub(super) struct Wire {
    stream: UnixStream,
    lines: Lines,
    message: Vec<u8>,
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message, and how long it was, bytes.
    Told(Told, usize),
    /// Something that is none: what the process did, for an error.
    Nonsense(String),
    /// The other end is closed, or cannot be read.
    Closed,
}

impl Wire {
    /// A fresh socket: evenly's end, and the other one.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = Plain::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        Ok((Self { stream, lines: Lines::default(), message: Vec::new() }, theirs.into()))
    }

    /// Tells the process something, with a socket if there is one.
    ///
    /// # Errors
    /// When the other end is closed, or does not take it in time.
    pub(super) async fn send(&mut self, ask: &Ask, socket: Option<&OwnedFd>) -> io::Result<()> {
        encode(ask, &mut self.message);
        if self.message.len() > MESSAGE_BYTES_MAX {
            let text = format!("a message of more than {MESSAGE_BYTES_MAX} bytes for it");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let socket: Option<BorrowedFd<'_>> = socket.map(AsFd::as_fd);
        let sending = process::send(&self.stream, &self.message, socket);
        timeout(Duration::from_secs(SEND_S_MAX), sending).await?
    }

    /// Waits for the next message. Nothing is lost if the future is dropped.
    pub(super) async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.take() {
                return heard;
            }
            if self.stream.readable().await.is_err() || self.read() == Read::Closed {
                return Heard::Closed;
            }
        }
    }

    /// The next message of those that are there.
    pub(super) fn hear_now(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.take() {
                return Some(heard);
            }
            match self.read() {
                Read::Some => {}
                Read::Nothing => return None,
                Read::Closed => return Some(Heard::Closed),
            }
        }
    }

    /// Whether nothing was said that is not taken yet.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.lines.is_empty() && self.read() == Read::Nothing
    }

    fn take(&mut self) -> Option<Heard> {
        let Ok(line) = self.lines.next_line() else {
            let what = format!("said a message of more than {MESSAGE_BYTES_MAX} bytes");
            return Some(Heard::Nonsense(what));
        };
        let line = line?;
        Some(match serde_json::from_slice(line) {
            Ok(told) => Heard::Told(told, line.len()),
            Err(error) => Heard::Nonsense(format!("said `{}`: {error}", start(line))),
        })
    }

    /// Reads what is there, without waiting.
    fn read(&mut self) -> Read {
        let buffer = self.lines.buffer();
        buffer.reserve(READ_BYTES_MAX);
        match self.stream.try_read_buf(buffer) {
            Ok(0) => Read::Closed,
            Ok(_) => Read::Some,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Read::Some,
            Err(_) => Read::Closed,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Read {
    Some,
    Nothing,
    Closed,
}

/// The beginning of what was said, fit for one line.
fn start(line: &[u8]) -> String {
    let line = &line[..line.len().min(START_CHARS_MAX * 4)];
    let text: String = String::from_utf8_lossy(line).chars().take(START_CHARS_MAX).collect();
    one_line(&text).into_owned()
}

/// The name of a message that came instead of what was asked for.
pub(super) fn unasked(told: &Told) -> String {
    let message = serde_json::to_string(told).unwrap_or_default();
    format!("said `{}` instead", start(message.as_bytes()))
}
