//! Writes one JUnit document: the structure of the Jenkins `junit-10` schema, one level of
//! suites, times with three decimals, well-formed whatever the texts hold.
//!
//! What XML cannot carry is replaced: colour codes and links of a terminal vanish, a tab becomes
//! four spaces, `\r\n` and `\r` become `\n`, any other control character or non-character becomes
//! U+FFFD, so that two names that differ stay visibly odd.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use quick_junit::{
    NonSuccessKind, Report as XmlReport, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use crate::model::Outcome;

/// A whole document, borrowed from whoever knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report<'a> {
    /// What was tested: the root element's name.
    pub name: &'a str,
    /// How long it all took, microseconds.
    pub duration_us: Option<u64>,
    /// The suites, in the order in which they are written.
    pub suites: Vec<Suite<'a>>,
}

/// One `<testsuite>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suite<'a> {
    /// Its name.
    pub name: &'a str,
    /// The file that its cases are in.
    pub file: Option<&'a str>,
    /// When it started.
    pub timestamp: Option<Timestamp>,
    /// How long it took, microseconds.
    pub duration_us: Option<u64>,
    /// The machine it ran on.
    pub hostname: Option<&'a str>,
    /// Its cases, in the order in which they are written.
    pub cases: Vec<Case<'a>>,
}

/// One `<testcase>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<'a> {
    /// `classname`.
    pub class: &'a str,
    /// `name`.
    pub name: &'a str,
    /// How its last execution ended.
    pub outcome: Outcome,
    /// How long that took, microseconds.
    pub duration_us: Option<u64>,
    /// The failure's, error's or skip's one-line message. Of a passed case nothing is written.
    pub message: Option<&'a str>,
    /// The failure's, error's or skip's type.
    pub kind: Option<&'a str>,
    /// The failure's, error's or skip's text.
    pub detail: Option<&'a str>,
    /// What it printed, where that is wanted.
    pub output: Option<&'a str>,
    /// The executions before the last one: with a pass in the end they make the case flaky. Of a
    /// skipped case they are not written.
    pub earlier: Vec<Attempt<'a>>,
}

/// An execution of a case before its last one. Only failed and errored ones are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// The failure's or error's one-line message.
    pub message: Option<&'a str>,
    /// The failure's or error's type.
    pub kind: Option<&'a str>,
    /// The failure's or error's text.
    pub detail: Option<&'a str>,
    /// What it printed, where that is wanted.
    pub output: Option<&'a str>,
}

/// Renders the document.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing into memory cannot fail")]
pub fn write(report: &Report<'_>) -> String {
    let Report { name, duration_us, suites } = report;
    let mut xml = XmlReport::new(clean(name));
    xml.time = duration_us.map(Duration::from_micros);
    xml.add_test_suites(suites.iter().map(suite));
    let text = xml.to_string().expect("writing into memory cannot fail");
    without_root_skipped(text)
}

fn suite(suite: &Suite<'_>) -> TestSuite {
    let Suite { name, file, timestamp, duration_us, hostname, cases } = suite;
    let mut xml = TestSuite::new(clean(name));
    // Through text, so that quick-junit's calendar crate need not be a dependency of ours.
    xml.timestamp = timestamp.and_then(|at| at.to_string().parse().ok());
    xml.time = duration_us.map(Duration::from_micros);
    if let Some(hostname) = hostname {
        xml.extra.insert("hostname".into(), clean(hostname).into());
    }
    if let Some(file) = file {
        xml.extra.insert("file".into(), clean(file).into());
    }
    xml.add_test_cases(cases.iter().map(case));
    xml
}

fn case(case: &Case<'_>) -> TestCase {
    let Case { class, name, outcome, duration_us, message, kind, detail, output, earlier } = case;
    let told = |mut status: TestCaseStatus| {
        if let Some(message) = message {
            status.set_message(clean(message));
        }
        if let Some(kind) = kind {
            status.set_type(clean(kind));
        }
        if let Some(detail) = detail {
            status.set_description(clean(detail));
        }
        status
    };
    let mut status = match outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped => told(TestCaseStatus::skipped()),
        Outcome::Failed => told(TestCaseStatus::non_success(NonSuccessKind::Failure)),
        Outcome::Errored => told(TestCaseStatus::non_success(NonSuccessKind::Error)),
    };
    status.add_reruns(earlier.iter().filter_map(attempt));
    let mut xml = TestCase::new(clean(name), status);
    xml.set_classname(clean(class));
    xml.time = duration_us.map(Duration::from_micros);
    if let Some(output) = output {
        xml.set_system_out(clean(output));
    }
    xml
}

fn attempt(attempt: &Attempt<'_>) -> Option<TestRerun> {
    let Attempt { outcome, message, kind, detail, output } = attempt;
    let (non_success, default_kind) = match outcome {
        Outcome::Failed => (NonSuccessKind::Failure, "failure"),
        Outcome::Errored => (NonSuccessKind::Error, "error"),
        Outcome::Passed | Outcome::Skipped => return None,
    };
    let mut xml = TestRerun::new(non_success);
    // The schema wants a type.
    xml.set_type(clean(kind.unwrap_or(default_kind)));
    if let Some(message) = message {
        xml.set_message(clean(message));
    }
    if let Some(detail) = detail {
        xml.set_stack_trace(clean(detail));
    }
    if let Some(output) = output {
        xml.set_system_out(clean(output));
    }
    Some(xml)
}

/// Takes `skipped` out of the root tag, where the schema does not know it. The root tag is the
/// first, and a quote cannot stand raw in its name, so the first match is the attribute.
fn without_root_skipped(mut text: String) -> String {
    const START: &str = " skipped=\"";
    let root_end = text.find("<testsuite ").unwrap_or(text.len());
    if let Some(at) = text[..root_end].find(START) {
        let value = at + START.len();
        if let Some(length) = text[value..root_end].find('"') {
            text.replace_range(at..=value + length, "");
        }
    }
    text
}

/// The text as XML can carry it; see the module's contract. `quick-junit` would drop tabs,
/// control characters and whatever follows an unfinished escape sequence.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let sequence = if c == '\x1b' { escape_sequence_bytes(rest) } else { 0 };
        if sequence > 0 {
            rest = &rest[sequence..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\t' => clean.push_str("    "),
            '\r' if rest.starts_with('\n') => {}
            '\r' | '\n' => clean.push('\n'),
            '\u{fffe}' | '\u{ffff}' => clean.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => clean.push(char::REPLACEMENT_CHARACTER),
            c => clean.push(c),
        }
    }
    clean
}

/// The longest escape sequence that is looked for, bytes: a link with a long address.
const ESCAPE_BYTES_MAX: usize = 4096;

/// How long the colour code or link is with which the text starts; 0 when it is neither.
fn escape_sequence_bytes(text: &str) -> usize {
    let bytes = &text.as_bytes()[..text.len().min(ESCAPE_BYTES_MAX)];
    let end = match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|b| (0x20..0x40).contains(*b)).count();
            bytes.get(2 + parameters).filter(|b| (0x40..0x7f).contains(*b)).map(|_| 3 + parameters)
        }
        Some(b']') => {
            let end = bytes[2..].iter().position(|b| matches!(b, 0x07 | 0x1b | b'\n'));
            match end.map(|at| (&bytes[2 + at..], at)) {
                Some(([0x07, ..], at)) => Some(3 + at),
                Some(([0x1b, b'\\', ..], at)) => Some(4 + at),
                _ => None,
            }
        }
        _ => None,
    };
    end.unwrap_or(0)
}
