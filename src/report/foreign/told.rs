//! What is wrong with JUnit files, and what is only worth knowing. Every text is safe to show:
//! names in it are quoted.

use std::fmt;

use super::super::escape::quoted;
use super::super::figures::some_of;
use super::Repeated;
use crate::model::counted;

/// A JUnit file that is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFlaw {
    /// It ends too early.
    Torn {
        /// Where it came from.
        source: String,
        /// Where and why reading stopped.
        why: String,
        /// Cases that were read before.
        cases: usize,
    },
    /// It says nothing.
    Unreadable {
        /// Where it came from.
        source: String,
        /// Why.
        why: String,
    },
}

impl FileFlaw {
    /// The word of `report.json`.
    pub(in super::super) fn kind(&self) -> &'static str {
        match self {
            Self::Torn { .. } => "torn-junit",
            Self::Unreadable { .. } => "unreadable-junit",
        }
    }

    /// A few words for the verdict.
    pub(in super::super) fn brief(&self) -> &'static str {
        match self {
            Self::Torn { .. } => "a JUnit file is not whole",
            Self::Unreadable { .. } => "a JUnit file cannot be read",
        }
    }
}

impl fmt::Display for FileFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn { source, why, cases } => write!(
                f,
                "JUnit file {} ends too early ({}); {} before that counted, whatever followed is \
                 lost",
                quoted(source),
                quoted(why),
                counted(*cases, "case"),
            ),
            Self::Unreadable { source, why } => {
                write!(f, "JUnit file {} cannot be read: {}", quoted(source), quoted(why))
            }
        }
    }
}

/// What is worth knowing of JUnit files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileNote {
    /// They were merged, and no plan says what they must hold.
    Unproven {
        /// How many files.
        files: usize,
        /// Tests in them.
        tests: usize,
    },
    /// What is odd about one.
    Odd {
        /// Where it came from.
        source: String,
        /// A line a kind.
        what: Vec<String>,
    },
    /// Of some tests only the beginning of the message was kept.
    Cut {
        /// Where it came from.
        source: String,
        /// How many tests.
        tests: usize,
    },
    /// Of some tests not all properties were kept.
    CutProperties {
        /// Where it came from.
        source: String,
        /// How many tests.
        tests: usize,
    },
    /// One says just what another one says.
    Copy {
        /// Where it came from.
        source: String,
        /// Where the other came from.
        of: String,
    },
    /// evenly wrote it from a journal.
    Own {
        /// Where it came from.
        source: String,
    },
    /// It was found in a directory and is about something else.
    Other {
        /// Where it came from.
        source: String,
        /// Its root element.
        root: String,
    },
    /// Several tell of the same tests.
    Repeated {
        /// How many tests.
        tests: usize,
        /// What becomes of them.
        rule: Repeated,
    },
}

impl FileNote {
    /// The word of `report.json`.
    pub(in super::super) fn kind(&self) -> &'static str {
        match self {
            Self::Unproven { .. } => "unproven",
            Self::Odd { .. } => "odd-junit",
            Self::Cut { .. } | Self::CutProperties { .. } => "cut-junit",
            Self::Copy { .. } => "copied-junit",
            Self::Own { .. } => "own-junit",
            Self::Other { .. } => "not-junit",
            Self::Repeated { .. } => "repeated-tests",
        }
    }
}

impl fmt::Display for FileNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unproven { files, tests } => write!(
                f,
                "{} of {} came without a plan: that all tests ran is not proven",
                counted(*tests, "test"),
                counted(*files, "JUnit file"),
            ),
            Self::Odd { source, what } => {
                write!(f, "JUnit file {}: {}", quoted(source), some_of(what, |line| quoted(line)))
            }
            Self::Cut { source, tests } => write!(
                f,
                "JUnit file {} says more than is kept: of {} only the beginning of the message is",
                quoted(source),
                counted(*tests, "test"),
            ),
            Self::CutProperties { source, tests } => write!(
                f,
                "JUnit file {} has more properties than are kept: of {} not all are",
                quoted(source),
                counted(*tests, "test"),
            ),
            Self::Copy { source, of } => {
                write!(f, "JUnit file {} is a copy of {}, left out", quoted(source), quoted(of))
            }
            Self::Own { source } => write!(
                f,
                "JUnit file {} is evenly's own, of a journal that is merged too; left out",
                quoted(source)
            ),
            Self::Other { source, root } => write!(
                f,
                "{} is no JUnit file, its root element is {}; passed over",
                quoted(source),
                quoted(root)
            ),
            Self::Repeated { tests, rule } => {
                let tests = counted(*tests, "test name");
                write!(f, "{tests} found in several JUnit files: {rule}")
            }
        }
    }
}
