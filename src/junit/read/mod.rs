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
mod open;
mod parse;
#[cfg(test)]
mod tests;
mod text;
mod values;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{self, Outcome};

pub use parse::{read, read_borrowed, read_each};

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
pub const PROPERTIES_MAX: usize = model::PROPERTIES_MAX;

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
    /// What the first root is, where it is a report's.
    pub root: Option<Root>,
    /// The name of the first element that is none of a report's.
    pub other_root: Option<String>,
}

/// The outermost element of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    /// Its `name`; empty where it has none.
    pub name: String,
}

/// One `<testcase>`; `T` is its texts' type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<T = String> {
    /// The name of the innermost suite that has one; empty where none has.
    pub suite: Arc<str>,
    /// `classname`, else `class`; empty where there is neither.
    pub class: T,
    /// `name`; empty where there is none.
    pub name: T,
    /// How it ended.
    pub outcome: Outcome,
    /// `time`, microseconds; none where it is missing or makes no sense.
    pub duration_us: Option<u64>,
    /// The `message` of the worst status.
    pub message: Option<T>,
    /// The `type` of the worst status.
    pub kind: Option<T>,
    /// The text of the worst status, and of others as bad.
    pub detail: Option<T>,
    /// `file` or `filepath`, its own or its suite's.
    pub file: Option<T>,
    /// The line in that file.
    pub line: Option<u32>,
    /// When it started, else when its suite did. Without an offset it is taken as UTC.
    pub timestamp: Option<Timestamp>,
    /// `<system-out>`.
    pub output: Option<T>,
    /// `<system-err>`.
    pub error_output: Option<T>,
    /// `<property>` elements with their value or text.
    pub properties: Vec<(T, T)>,
    /// Earlier or later executions that the framework itself told of.
    pub reruns: Vec<Rerun<T>>,
}

impl Case<Cow<'_, str>> {
    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Case {
        let Self {
            suite,
            class,
            name,
            outcome,
            duration_us,
            message,
            kind,
            detail,
            file,
            line,
            timestamp,
            output,
            error_output,
            properties,
            reruns,
        } = self;
        let pair =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        Case {
            suite,
            class: class.into_owned(),
            name: name.into_owned(),
            outcome,
            duration_us,
            message: message.map(Cow::into_owned),
            kind: kind.map(Cow::into_owned),
            detail: detail.map(Cow::into_owned),
            file: file.map(Cow::into_owned),
            line,
            timestamp,
            output: output.map(Cow::into_owned),
            error_output: error_output.map(Cow::into_owned),
            properties: properties.into_iter().map(pair).collect(),
            reruns: reruns.into_iter().map(Rerun::into_owned).collect(),
        }
    }
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
pub struct Rerun<T = String> {
    /// Whether the case passed in the end.
    pub flavour: Flavour,
    /// [`Outcome::Failed`] or [`Outcome::Errored`].
    pub outcome: Outcome,
    /// Its `message`.
    pub message: Option<T>,
    /// Its `type`.
    pub kind: Option<T>,
    /// Its text and `<stackTrace>`.
    pub detail: Option<T>,
    /// How long it took, microseconds.
    pub duration_us: Option<u64>,
    /// When it started.
    pub timestamp: Option<Timestamp>,
    /// `<system-out>`.
    pub output: Option<T>,
    /// `<system-err>`.
    pub error_output: Option<T>,
}

impl Rerun<Cow<'_, str>> {
    fn into_owned(self) -> Rerun {
        let Self {
            flavour,
            outcome,
            message,
            kind,
            detail,
            duration_us,
            timestamp,
            output,
            error_output,
        } = self;
        Rerun {
            flavour,
            outcome,
            message: message.map(Cow::into_owned),
            kind: kind.map(Cow::into_owned),
            detail: detail.map(Cow::into_owned),
            duration_us,
            timestamp,
            output: output.map(Cow::into_owned),
            error_output: error_output.map(Cow::into_owned),
        }
    }
}
