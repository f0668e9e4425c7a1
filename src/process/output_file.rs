//! Reading the files that processes print into.
//!
//! They are hostile: of any size, in any encoding, perhaps still growing or emptied while they are
//! read. Memory stays bounded by the named limits whatever they hold.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::model::{Kept, Output};

/// What is kept of an output's beginning.
pub const HEAD_BYTES_MAX: u64 = 512 * 1024;
/// What is kept of an output's end.
pub const TAIL_BYTES_MAX: u64 = 512 * 1024;
/// How much of either is given up for the cut to fall on a line's end.
const CUT_BYTES_MAX: usize = 4 * 1024;
/// What a [`Follower`] reads at once, and the longest line that it waits for.
const POLL_BYTES_MAX: usize = 64 * 1024;

/// Opens a file to read it, if it is one: a test may have left a pipe in its place, which nobody
/// writes, or a device without end.
///
/// # Errors
/// When it cannot be opened, or is no plain file.
pub fn open_plain(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    // Opening a pipe waits for its writer otherwise.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
}

/// How much of an output to keep.
#[derive(Debug, Clone, Copy)]
pub struct KeptLimits {
    /// Of its beginning.
    pub head_bytes_max: u64,
    /// Of its end.
    pub tail_bytes_max: u64,
}

impl Default for KeptLimits {
    fn default() -> Self {
        Self { head_bytes_max: HEAD_BYTES_MAX, tail_bytes_max: TAIL_BYTES_MAX }
    }
}

/// What becomes of an output file of which only parts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// It stays where it is, and the parts say where.
    Stays,
    /// It will be gone.
    Goes,
}

/// Reads what a process printed: all of it, or its beginning and its end.
///
/// # Errors
/// When the file cannot be read.
pub fn read_kept(path: &Path, limits: KeptLimits, whole: Whole) -> io::Result<Output> {
    let KeptLimits { head_bytes_max, tail_bytes_max } = limits;
    let mut file = open_plain(path)?;
    let size = file.metadata()?.len();
    if size <= head_bytes_max.saturating_add(tail_bytes_max) {
        return Ok(Output { head: lossy(&read_up_to(&mut file, size)?), tail: None });
    }
    let head = read_up_to(&mut file, head_bytes_max)?;
    let head = &head[..head_length(&head)];
    file.seek(SeekFrom::Start(size - tail_bytes_max))?;
    let tail = read_up_to(&mut file, tail_bytes_max)?;
    let tail = &tail[tail_start(&tail)..];
    let kept = Kept {
        omitted_bytes: size.saturating_sub((head.len() + tail.len()) as u64),
        text: lossy(tail),
        whole: match whole {
            Whole::Stays => Some(path.display().to_string()),
            Whole::Goes => None,
        },
    };
    Ok(Output { head: lossy(head), tail: Some(kept) })
}

fn read_up_to(file: &mut File, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// How much of a beginning to keep: up to a line's end near its own, else whole characters.
fn head_length(head: &[u8]) -> usize {
    let near = head.len().saturating_sub(CUT_BYTES_MAX);
    match head[near..].iter().rposition(|byte| *byte == b'\n') {
        Some(line_end) => near + line_end + 1,
        None => whole_characters(head),
    }
}

/// Where to start an end: at a line's start near its own, else at a character's.
fn tail_start(tail: &[u8]) -> usize {
    let near = &tail[..tail.len().min(CUT_BYTES_MAX)];
    match near.iter().position(|byte| *byte == b'\n') {
        // A line end that is the very last byte would leave nothing.
        Some(line_end) if line_end + 1 < tail.len() => line_end + 1,
        _ => near.iter().take(3).take_while(|byte| is_continuation(**byte)).count(),
    }
}

/// The length without a character that is cut off at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let back = bytes.iter().rev().take(3).take_while(|byte| is_continuation(**byte)).count();
    let Some(first) = bytes.len().checked_sub(back + 1) else { return bytes.len() };
    let needed = match bytes[first] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return bytes.len(),
    };
    if back + 1 < needed { first } else { bytes.len() }
}

/// Whether a byte of UTF-8 goes on with a character.
fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Reads an output file while it grows, line by line.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<File>,
    /// How much was read.
    offset: u64,
    /// The line that has no end yet.
    pending: Vec<u8>,
}

impl Follower {
    /// Follows a file, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, offset: 0, pending: Vec::new() }
    }

    /// The whole lines that were added since the last time, 64 KiB or so at most. Empty when there
    /// are none. A line longer than that is given in pieces.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn poll(&mut self) -> io::Result<String> {
        let file = match &mut self.file {
            Some(file) => file,
            None => match open_plain(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
                Err(error) => return Err(error),
            },
        };
        if file.metadata()?.len() < self.offset {
            // Someone emptied it: what it holds now is new.
            self.offset = file.seek(SeekFrom::Start(0))?;
        }
        let read = file.take(POLL_BYTES_MAX as u64).read_to_end(&mut self.pending)?;
        self.offset += read as u64;
        let ready = match self.pending.iter().rposition(|byte| *byte == b'\n') {
            Some(line_end) => line_end + 1,
            None if self.pending.len() >= POLL_BYTES_MAX => whole_characters(&self.pending),
            None => 0,
        };
        let ready: Vec<u8> = self.pending.drain(..ready).collect();
        Ok(lossy(&ready))
    }

    /// The last line, if it has no end. To be called when [`Follower::poll`] gives no more.
    #[must_use]
    pub fn finish(self) -> String {
        lossy(&self.pending)
    }
}

#[cfg(test)]
mod tests;
