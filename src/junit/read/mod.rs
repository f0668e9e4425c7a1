//! A tolerant reader for every dialect of JUnit XML.
//!
//! The contract:
//! - It never fails and never panics. A file that stops in the middle gives the cases that ended
//!   before that point, and [`Document::broken`] says where and why. A case whose end tag is
//!   missing is not whole, so it is not reported.
//! - It believes the cases, not the counts: a declared number that differs is a note.
//! - In doubt a case is not green: errored beats failed beats skipped beats passed, and a lone
//!   `<rerunFailure>` or `status="failed"` is a failure.
//! - A `<failure>`, `<error>` or `<skipped>` right inside a suite becomes a case named
//!   [`SUITE_CASE`], as in Jenkins.
//! - The same class, name and file twice are two cases; whether they are retries is the caller's
//!   to decide.
//! - No DTD is processed: a `DOCTYPE` is skipped, with a note. The five entities of XML and
//!   numeric references are resolved; any other keeps its literal text, with a note.
//! - Texts, depth, attributes and properties are bounded by [`Limits`]; the time is linear.
//!
//! Suites' own properties and, beside a [`SUITE_CASE`], their own output are left out.

mod assemble;
mod attributes;
#[cfg(test)]
mod corpus;
mod decode;
mod notes;
mod parse;
#[cfg(test)]
mod tests;
mod text;
mod values;

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Outcome;

pub use parse::{read, read_each};

/// The name of the case that stands for a failure of the suite itself (its class did not load,
/// its set-up broke).
pub const SUITE_CASE: &str = "<init>";

/// One text or attribute, bytes; of a longer one the head and the tail are kept.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Open elements; a deeper file is read up to there.
pub const DEPTH_MAX: usize = 128;
/// Attributes of one element; more are left out.
pub const ATTRIBUTES_MAX: usize = 64;
/// Properties of one case; more are left out.
pub const PROPERTIES_MAX: usize = 256;

/// What bounds the reading of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`TEXT_BYTES_MAX`].
    pub text_bytes_max: usize,
    /// See [`DEPTH_MAX`].
    pub depth_max: usize,
    /// See [`ATTRIBUTES_MAX`].
    pub attributes_max: usize,
    /// See [`PROPERTIES_MAX`].
    pub properties_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes_max: TEXT_BYTES_MAX,
            depth_max: DEPTH_MAX,
            attributes_max: ATTRIBUTES_MAX,
            properties_max: PROPERTIES_MAX,
        }
    }
}

/// What one file said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The whole cases, in the file's order.
    pub cases: Vec<Case>,
    /// Where and why reading stopped, when the file is not whole or is no JUnit at all.
    pub broken: Option<String>,
    /// What was odd, one line a kind, with how often and the first example.
    pub notes: Vec<String>,
}

/// What is left to say of a file whose cases went elsewhere; see [`read_each`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// See [`Document::broken`].
    pub broken: Option<String>,
    /// See [`Document::notes`].
    pub notes: Vec<String>,
}

/// One `<testcase>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The name of the innermost suite that has one; empty where none has.
    pub suite: Arc<str>,
    /// `classname`, else `class`; empty where there is neither.
    pub class: String,
    /// `name`; empty where there is none.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// `time`, microseconds; none where it is missing or makes no sense.
    pub duration_us: Option<u64>,
    /// The `message` of the worst status.
    pub message: Option<String>,
    /// The `type` of the worst status.
    pub kind: Option<String>,
    /// The text of the worst status, and of others as bad.
    pub detail: Option<String>,
    /// `file` or `filepath`, its own or its suite's.
    pub file: Option<String>,
    /// The line in that file.
    pub line: Option<u32>,
    /// When it started, else when its suite did. Without an offset it is taken as UTC.
    pub timestamp: Option<Timestamp>,
    /// `<system-out>`.
    pub output: Option<String>,
    /// `<system-err>`.
    pub error_output: Option<String>,
    /// `<property>` elements with their value or text.
    pub properties: Vec<(String, String)>,
    /// Earlier or later executions that the framework itself told of.
    pub reruns: Vec<Rerun>,
}

/// What became of the test of a [`Rerun`] in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// `<flakyFailure>` and `<flakyError>`: it passed in another execution.
    Flaky,
    /// `<rerunFailure>` and `<rerunError>`: it never passed.
    Rerun,
}

/// One more execution of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// Whether the case passed in the end.
    pub flavour: Flavour,
    /// [`Outcome::Failed`] or [`Outcome::Errored`].
    pub outcome: Outcome,
    /// Its `message`.
    pub message: Option<String>,
    /// Its `type`.
    pub kind: Option<String>,
    /// Its text and `<stackTrace>`.
    pub detail: Option<String>,
    /// How long it took, microseconds.
    pub duration_us: Option<u64>,
    /// When it started.
    pub timestamp: Option<Timestamp>,
    /// `<system-out>`.
    pub output: Option<String>,
    /// `<system-err>`.
    pub error_output: Option<String>,
}
