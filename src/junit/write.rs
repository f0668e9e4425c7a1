//! Writes one JUnit document: the structure of the Jenkins `junit-10` schema, one level of
//! suites, times with three decimals, well-formed whatever the texts hold. Beyond the schema are
//! the properties of a case, as pytest has them, where it has any.
//!
//! A document is written as its cases come, so that a million of them need no memory.
//!
//! What XML cannot carry is replaced: colour codes and links of a terminal vanish, a tab becomes
//! four spaces, `\r\n` and `\r` become `\n`, any other control character or non-character becomes
//! U+FFFD, so that two names that differ stay visibly odd.

#[cfg(test)]
mod tests;
mod text;

use std::io;

use jiff::Timestamp;

use crate::model::{Outcome, Property};
use text::{Place, push};

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
    /// What it recorded about itself. The schema knows no such thing of a case, so a document is
    /// valid by it only where no case has any.
    pub properties: &'a [Property],
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

/// How many cases there are: what a reader wants to know before they come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub tests: usize,
    /// Failed.
    pub failures: usize,
    /// Errored.
    pub errors: usize,
    /// Skipped.
    pub skipped: usize,
}

impl Counts {
    /// Counts one more case.
    pub fn add(&mut self, outcome: Outcome) {
        self.tests += 1;
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed => self.failures += 1,
            Outcome::Errored => self.errors += 1,
            Outcome::Skipped => self.skipped += 1,
        }
    }

    /// Counts all of these too.
    pub fn add_all(&mut self, more: Self) {
        let Self { tests, failures, errors, skipped } = more;
        self.tests += tests;
        self.failures += failures;
        self.errors += errors;
        self.skipped += skipped;
    }

    fn of(cases: &[Case<'_>]) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.add(case.outcome);
        }
        counts
    }
}

/// Renders the document.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing into memory cannot fail")]
pub fn write(report: &Report<'_>) -> String {
    let mut bytes = Vec::new();
    write_all(report, &mut bytes).expect("writing into memory cannot fail");
    String::from_utf8(bytes).expect("text and markup are UTF-8")
}

fn write_all(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let Report { name, duration_us, suites } = report;
    let mut counts = Counts::default();
    for suite in suites {
        counts.add_all(Counts::of(&suite.cases));
    }
    let mut document = Document::begin(out, name, *duration_us, counts)?;
    for suite in suites {
        document.begin_suite(suite, Counts::of(&suite.cases))?;
        suite.cases.iter().try_for_each(|case| document.case(case))?;
        document.end_suite()?;
    }
    document.end()
}

/// What is collected before it is handed on, bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// A document that is being written.
pub struct Document<'w> {
    out: &'w mut dyn io::Write,
    buffer: Vec<u8>,
    /// The number of the suite's cases, as its head told.
    in_suite: usize,
}

impl std::fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("in_suite", &self.in_suite).finish_non_exhaustive()
    }
}

impl<'w> Document<'w> {
    /// Begins a document: its name, its time and the number of all its cases.
    ///
    /// # Errors
    /// As `out`.
    pub fn begin(
        out: &'w mut dyn io::Write,
        name: &str,
        duration_us: Option<u64>,
        counts: Counts,
    ) -> io::Result<Self> {
        let buffer = Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 2);
        let mut document = Self { out, buffer, in_suite: 0 };
        let Counts { tests, failures, errors, skipped: _ } = counts;
        document.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
        document.attribute("name", name);
        // The schema knows no `skipped` here.
        document.numbers([("tests", tests), ("failures", failures), ("errors", errors)]);
        document.time(duration_us);
        document.raw(">\n");
        document.pass_on()
    }

    /// Begins a suite that has so many cases: `suite.cases` is not looked at.
    ///
    /// # Errors
    /// As `out`.
    pub fn begin_suite(&mut self, suite: &Suite<'_>, counts: Counts) -> io::Result<()> {
        let Suite { name, file, timestamp, duration_us, hostname, cases: _ } = suite;
        let Counts { tests, failures, errors, skipped } = counts;
        self.in_suite = tests;
        self.raw("    <testsuite");
        self.attribute("name", name);
        self.numbers([("tests", tests), ("skipped", skipped)]);
        self.numbers([("errors", errors), ("failures", failures)]);
        if let Some(timestamp) = timestamp {
            let text = timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string();
            self.attribute("timestamp", &text);
        }
        self.time(*duration_us);
        if let Some(hostname) = hostname {
            self.attribute("hostname", hostname);
        }
        if let Some(file) = file {
            self.attribute("file", file);
        }
        self.raw(if tests == 0 { "/>\n" } else { ">\n" });
        self.flush_if_full()
    }

    /// Writes the next case of the suite.
    ///
    /// # Errors
    /// As `out`.
    pub fn case(&mut self, case: &Case<'_>) -> io::Result<()> {
        let Case {
            class,
            name,
            outcome,
            duration_us,
            message,
            kind,
            detail,
            output,
            properties,
            earlier,
        } = case;
        self.raw("        <testcase");
        self.attribute("name", name);
        self.attribute("classname", class);
        self.time(*duration_us);
        let element = match outcome {
            Outcome::Passed => None,
            Outcome::Skipped => Some("skipped"),
            Outcome::Failed => Some("failure"),
            Outcome::Errored => Some("error"),
        };
        let reruns = earlier.iter().filter(|attempt| !attempt.outcome.is_good());
        let mut reruns = reruns.filter(|_| *outcome != Outcome::Skipped).peekable();
        let empty = element.is_none() && output.is_none() && properties.is_empty();
        if empty && reruns.peek().is_none() {
            self.raw("/>\n");
            return self.flush_if_full();
        }
        self.raw(">\n");
        self.properties(properties);
        if let Some(element) = element {
            self.status(element, [*message, *kind, *detail]);
        }
        for attempt in reruns {
            self.attempt(attempt, *outcome);
        }
        if let Some(output) = output {
            self.text_element(12, "system-out", output);
        }
        self.raw("        </testcase>\n");
        self.flush_if_full()
    }

    /// Ends the suite.
    ///
    /// # Errors
    /// As `out`.
    pub fn end_suite(&mut self) -> io::Result<()> {
        if self.in_suite > 0 {
            self.raw("    </testsuite>\n");
        }
        self.flush_if_full()
    }

    /// Ends the document.
    ///
    /// # Errors
    /// As `out`.
    pub fn end(mut self) -> io::Result<()> {
        self.raw("</testsuites>\n");
        self.out.write_all(&self.buffer)
    }

    fn properties(&mut self, properties: &[Property]) {
        if properties.is_empty() {
            return;
        }
        self.raw("            <properties>\n");
        for Property { name, value } in properties {
            self.raw("                <property");
            self.attribute("name", name);
            self.attribute("value", value);
            self.raw("/>\n");
        }
        self.raw("            </properties>\n");
    }

    fn status(&mut self, element: &str, [message, kind, detail]: [Option<&str>; 3]) {
        self.raw("            <");
        self.raw(element);
        if let Some(message) = message {
            self.attribute("message", message);
        }
        if let Some(kind) = kind {
            self.attribute("type", kind);
        }
        match detail {
            Some(detail) => self.text_and_end(element, detail),
            None => self.raw("/>\n"),
        }
    }

    fn attempt(&mut self, attempt: &Attempt<'_>, of: Outcome) {
        let Attempt { outcome, message, kind, detail, output } = attempt;
        let flaky = of == Outcome::Passed;
        let (element, default_kind) = match (outcome, flaky) {
            (Outcome::Errored, true) => ("flakyError", "error"),
            (Outcome::Errored, false) => ("rerunError", "error"),
            (Outcome::Failed | Outcome::Passed | Outcome::Skipped, true) => {
                ("flakyFailure", "failure")
            }
            (Outcome::Failed | Outcome::Passed | Outcome::Skipped, false) => {
                ("rerunFailure", "failure")
            }
        };
        self.raw("            <");
        self.raw(element);
        if let Some(message) = message {
            self.attribute("message", message);
        }
        // The schema wants a type.
        self.attribute("type", kind.unwrap_or(default_kind));
        if detail.is_none() && output.is_none() {
            self.raw("/>\n");
            return;
        }
        self.raw(">\n");
        if let Some(detail) = detail {
            self.text_element(16, "stackTrace", detail);
        }
        if let Some(output) = output {
            self.text_element(16, "system-out", output);
        }
        self.raw("            </");
        self.raw(element);
        self.raw(">\n");
    }

    fn text_element(&mut self, indent: usize, element: &str, text: &str) {
        self.buffer.resize(self.buffer.len() + indent, b' ');
        self.raw("<");
        self.raw(element);
        self.text_and_end(element, text);
    }

    fn text_and_end(&mut self, element: &str, text: &str) {
        self.raw(">");
        push(&mut self.buffer, text, Place::Text);
        self.raw("</");
        self.raw(element);
        self.raw(">\n");
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.raw(" ");
        self.raw(name);
        self.raw("=\"");
        push(&mut self.buffer, value, Place::Attribute);
        self.raw("\"");
    }

    fn numbers<const N: usize>(&mut self, all: [(&str, usize); N]) {
        for (name, number) in all {
            self.attribute(name, &number.to_string());
        }
    }

    /// Seconds with three decimals.
    fn time(&mut self, duration_us: Option<u64>) {
        let Some(us) = duration_us else { return };
        let ms = us.saturating_add(500) / 1_000;
        self.raw(" time=\"");
        let mut digits = [b'0'; 24];
        let mut at = digits.len();
        let mut rest = ms;
        // At least one digit before the point and three behind it.
        while rest > 0 || digits.len() - at < 5 {
            at -= 1;
            if digits.len() - at == 4 {
                digits[at] = b'.';
                continue;
            }
            digits[at] += u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        self.buffer.extend_from_slice(&digits[at..]);
        self.raw("\"");
    }

    fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn pass_on(mut self) -> io::Result<Self> {
        self.flush_if_full()?;
        Ok(self)
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() >= BUFFER_BYTES {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}
