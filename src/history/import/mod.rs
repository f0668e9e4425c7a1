//! What other tools measured, read for a history: a file a format.
//!
//! A reader is pure and takes whatever bytes there are. It refuses a file that is not of its
//! format; of one that is, an entry that cannot be believed is left out and counted. How names are
//! matched is in `names`, how durations enter a history in `enter`; the reasons stand in
//! `docs/design/2026-11-24-history-and-planner.md`.

mod bun;
mod cypress_split;
mod enter;
mod format;
mod jest;
mod json;
mod junit;
mod knapsack;
mod lookup;
mod names;
mod parallel_tests;
mod pest;
mod pytest_durations;
mod pytest_split;
mod sniff;
#[cfg(test)]
mod tests;
mod unittest_durations;

pub use enter::{IMPORTED_RUN, Import, Imported};
pub(super) use enter::{Replaced, keep_own};
pub use format::Format;
pub use names::Catalogue;
pub use sniff::recognise;

use super::DURATION_US_MAX;

/// How many left-out entries are remembered by name.
const NAMED_MAX: usize = 5;

/// What a duration is of, in the words of the tool that measured it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name {
    /// A test by its framework's own name: pytest's node id, unittest's dotted name.
    Test(String),
    /// A file of tests, by its path.
    File(String),
    /// A class of tests, or all of a file's.
    Class(String),
    /// A case of a JUnit file.
    Case {
        /// `classname`.
        class: String,
        /// `name`.
        name: String,
        /// `file`.
        file: Option<String>,
    },
}

impl Name {
    /// The name as its tool wrote it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Test(name) | Self::File(name) | Self::Class(name) => name.clone(),
            Self::Case { class, name, file } => {
                let parts = [class.as_str(), name.as_str()];
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                let none = || file.clone().unwrap_or_default();
                if parts.is_empty() { none() } else { parts.join("::") }
            }
        }
    }
}

/// One entry of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// What took so long.
    pub name: Name,
    /// Microseconds; at most [`DURATION_US_MAX`].
    pub us: u64,
}

/// What a file says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Timings {
    /// Its entries, in its order; a name may stand there several times, and is then their sum.
    pub entries: Vec<Timing>,
    /// Entries of what failed, was skipped or was tried again: what they took says nothing.
    pub not_passed: usize,
    /// Entries whose duration is none, is negative, or is beyond [`DURATION_US_MAX`].
    pub unbelievable: usize,
    /// The first of these.
    pub examples: Vec<String>,
    /// Where and why reading stopped, of a file whose beginning is of use.
    pub broken: Option<String>,
}

impl Timings {
    /// Takes an entry, unless its duration cannot be.
    fn take(&mut self, name: Name, us: Option<u64>) {
        match us {
            Some(us) if us <= DURATION_US_MAX => self.entries.push(Timing { name, us }),
            Some(_) | None => {
                self.unbelievable += 1;
                if self.examples.len() < NAMED_MAX {
                    self.examples.push(name.text());
                }
            }
        }
    }
}

/// Why a file is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not what the format is.
    #[error("it is not {}: {why}", .format.what())]
    Foreign {
        /// The expected format.
        format: Format,
        /// Where it departs from it.
        why: String,
    },
    /// It is of no format that holds durations.
    #[error("{0}")]
    Unknown(String),
}

/// Reads a file of a format.
///
/// # Errors
/// When it is not of that format.
pub fn read(format: Format, bytes: &[u8]) -> Result<Timings, ReadError> {
    let read = match format {
        Format::PytestSplit => pytest_split::read(bytes),
        Format::Knapsack => knapsack::read(bytes),
        Format::Junit => junit::read(bytes),
        Format::ParallelTests => parallel_tests::read(bytes),
        Format::CypressSplit => cypress_split::read(bytes),
        Format::Jest => jest::read(bytes),
        Format::Bun => bun::read(bytes),
        Format::Pest => pest::read(bytes),
        Format::PytestDurations => pytest_durations::read(bytes),
        Format::UnittestDurations => unittest_durations::read(bytes),
    };
    read.map_err(|why| ReadError::Foreign { format, why })
}

/// Seconds as microseconds; none where they cannot be a duration.
fn from_seconds(seconds: f64) -> Option<u64> {
    let us = seconds * 1e6;
    #[expect(
        clippy::cast_precision_loss,
        reason = "30 days of microseconds are far below 2^53, so the bound is exact"
    )]
    let sensible = (0.0..=DURATION_US_MAX as f64).contains(&us);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 30 days of microseconds, which a float holds exactly"
    )]
    sensible.then(|| us.round() as u64)
}

/// A file's text: UTF-8, with or without its mark; what is not is replaced.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}
