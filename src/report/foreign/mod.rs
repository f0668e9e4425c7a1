//! JUnit files of other tools: their suites become groups of the report, their cases its tests.
//!
//! Nobody planned them, so the report can tell how they ended and not that all of them ran; it
//! says so. `docs/reference/junit.md` tells how a name that occurs more than once is understood.

mod join;
mod order;
mod take;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

pub use told::{FileFlaw, FileNote};

use super::flaw::{Flaw, Note};
use super::run::{FileReport, GroupReport, TestReport};
use crate::junit::read::Limits;
use crate::model::SuiteName;

/// What the suite is called that the tests of all files are in, unless a journal has one of that
/// name.
const SUITE: &str = "junit";

/// A text of a test, bytes; of a longer one the head and the tail are kept.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Where a file came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, for messages.
    pub name: String,
    /// How it was come by.
    pub found: Found,
    /// Whether it lies beside a journal that is merged too: one that evenly wrote there tells what
    /// the journal tells.
    pub beside_journal: bool,
}

/// How a file was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// By its name, or a glob.
    Named,
    /// By its ending, in a directory that was named: it may be about anything.
    Searched,
}

/// What a test is that several files tell of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeated {
    /// One test, as bad as the worst of its results.
    #[default]
    Worst,
    /// One test that was tried again: the newest result counts, and a pass after a failure is
    /// flaky.
    Retry,
    /// A test for each file: a matrix of versions or systems.
    Apart,
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Worst => "the worst result of each counts",
            Self::Retry => "the newest result of each counts",
            Self::Apart => "each file's counts as a test of its own",
        })
    }
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    limits: Limits,
    /// What is kept of the texts of one file, bytes.
    told_bytes_max: usize,
    /// What is kept of what the tests of one file recorded, bytes.
    properties_bytes_max: usize,
}

impl Reading {
    /// What is kept of the texts of all files, and at least of one, bytes.
    const TOLD_BYTES_MAX: usize = 96 << 20;
    const TOLD_BYTES_MIN: usize = 256 << 10;
    /// The same for what tests recorded about themselves.
    const PROPERTIES_BYTES_MAX: usize = 64 << 20;
    const PROPERTIES_BYTES_MIN: usize = 256 << 10;

    /// How so many files are read.
    #[must_use]
    pub fn of(files: usize) -> Self {
        Self {
            limits: Limits { text_bytes_max: TEXT_BYTES_MAX, ..Limits::default() },
            told_bytes_max: (Self::TOLD_BYTES_MAX / files.max(1)).max(Self::TOLD_BYTES_MIN),
            properties_bytes_max: (Self::PROPERTIES_BYTES_MAX / files.max(1))
                .max(Self::PROPERTIES_BYTES_MIN),
        }
    }
}

/// What was read of some of the files, in any order.
#[derive(Debug, Default)]
pub struct Pile {
    tests: Vec<TestReport>,
    files: Vec<File>,
}

/// One file that was read.
#[derive(Debug)]
struct File {
    /// Its place among all files.
    index: usize,
    source: Source,
    bytes: usize,
    state: State,
    /// Where its tests are in the pile; their groups are indices into `suites`.
    tests: Range<usize>,
    suites: Vec<Suite>,
    odd: Vec<String>,
    /// Tests of which only a short message was kept.
    cut: usize,
    /// Tests of which not all that they recorded was kept.
    cut_properties: usize,
}

#[derive(Debug)]
struct Suite {
    name: Arc<str>,
    began: Option<Timestamp>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// A report from its first to its last element.
    Whole,
    /// A report that ends too early.
    Torn(String),
    /// Another kind of XML.
    Other(String),
    /// Nothing that could be read.
    Unreadable(String),
    /// evenly wrote it, from a journal that is merged too.
    Own,
}

impl File {
    fn began(&self) -> Option<Timestamp> {
        self.suites.iter().filter_map(|suite| suite.began).min()
    }
}

fn suite_name() -> SuiteName {
    SuiteName::new(SUITE).expect("letters alone")
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// What all files told, ready to be joined with what journals tell.
#[derive(Debug, Default)]
pub struct Foreign {
    pub(super) groups: Vec<GroupReport>,
    /// By id.
    pub(super) tests: Vec<TestReport>,
    pub(super) files: Vec<FileReport>,
    pub(super) flaws: Vec<Flaw>,
    pub(super) notes: Vec<Note>,
}

impl Foreign {
    /// Joins what was read.
    #[must_use]
    pub fn of(piles: Vec<Pile>, repeated: Repeated) -> Self {
        join::join(piles, repeated)
    }

    /// Whether there was no file.
    pub(super) fn is_empty(&self) -> bool {
        let Self { groups, tests: _, files, flaws, notes } = self;
        groups.is_empty() && files.is_empty() && flaws.is_empty() && notes.is_empty()
    }

    /// Sees to it that its suite is called like none of these.
    pub(super) fn avoid<'a>(&mut self, taken: impl Iterator<Item = &'a SuiteName>) {
        let taken: BTreeSet<&str> = taken.map(SuiteName::as_str).collect();
        let is_taken = |name: &str| taken.contains(name);
        if !is_taken(SUITE) {
            return;
        }
        let mut names = (2..).map(|number: u64| format!("{SUITE}-{number}"));
        let free = names.find(|name| !is_taken(name)).unwrap_or_default();
        let Ok(suite) = SuiteName::new(&free) else { return };
        for group in &mut self.groups {
            group.id.suite = suite.clone();
        }
        for test in &mut self.tests {
            test.id.suite = suite.clone();
        }
    }
}
