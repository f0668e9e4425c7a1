//! From elements to cases: a stack of what is open, each handed to its owner when it ends.

use std::sync::Arc;

use jiff::Timestamp;
use quick_xml::events::BytesStart;

use super::attributes::Attributes;
use super::notes::{Notes, Oddity};
use super::text::{Text, resolve};
use super::{Case, Flavour, Limits, Rerun, SUITE_CASE, values};
use crate::model::Outcome;

/// The name of a foreign root element in a message, characters.
const ROOT_CHARS_MAX: usize = 64;

struct Open {
    element: Element,
    /// The text inside, for the elements whose text counts.
    text: Option<Text>,
}

enum Element {
    Suite(Box<Suite>),
    Case(Box<PartialCase>),
    Status { outcome: Outcome, message: Option<String>, kind: Option<String> },
    Rerun(Box<Rerun>),
    StackTrace,
    Output(Stream),
    Property { name: String, value: Option<String> },
    Other,
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// What statuses and outputs can belong to.
enum Owner<'a> {
    Suite(&'a mut Suite),
    Case(&'a mut PartialCase),
    Rerun(&'a mut Rerun),
}

struct Suite {
    name: Arc<str>,
    file: Option<String>,
    timestamp: Option<Timestamp>,
    /// Its `tests`.
    declared: Option<u64>,
    /// How many cases the file had before it.
    cases_before: u64,
    /// How many reruns the file had before it.
    reruns_before: u64,
    /// How many cases stand in it directly.
    cases: u64,
    found: Option<Found>,
    output: Option<String>,
    error_output: Option<String>,
}

struct PartialCase {
    case: Case,
    found: Option<Found>,
    /// What its `status` or `result` says.
    word: Option<Outcome>,
}

/// The worst status so far.
struct Found {
    outcome: Outcome,
    message: Option<String>,
    kind: Option<String>,
    detail: Option<String>,
}

impl Found {
    /// The worse of two; of two as bad the first, with the other's text below its own.
    fn worse(first: Option<Self>, second: Self) -> Self {
        match first {
            Some(first) if first.outcome > second.outcome => first,
            Some(first) if first.outcome == second.outcome => {
                let detail = joined(first.detail, second.detail.or(second.message));
                Self { detail, ..first }
            }
            Some(_) | None => second,
        }
    }
}

fn joined(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first + "\n" + &second),
        (first, second) => first.or(second),
    }
}

/// A status' or property's text without the blank lines and indentation of the file around it.
fn detail(text: &str) -> Option<String> {
    let text = text.trim_end();
    let start = text.len() - text.trim_start().len();
    let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    (!text.is_empty()).then(|| text[start..].to_owned())
}

/// Collects cases; see the parent module for the rules.
pub(super) struct Assembler<'a> {
    pub(super) notes: Notes,
    limits: Limits,
    open: Vec<Open>,
    /// Outermost suites seen.
    roots: u64,
    /// The first element outside any suite.
    foreign_root: Option<String>,
    cases: u64,
    reruns: u64,
    on_case: &'a mut dyn FnMut(Case),
}

impl<'a> Assembler<'a> {
    pub(super) fn new(limits: &Limits, notes: Notes, on_case: &'a mut dyn FnMut(Case)) -> Self {
        Self {
            notes,
            limits: *limits,
            open: Vec::new(),
            roots: 0,
            foreign_root: None,
            cases: 0,
            reruns: 0,
            on_case,
        }
    }

    /// Opens an element.
    ///
    /// # Errors
    /// When it is too deep, with the reason to stop.
    pub(super) fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() >= self.limits.depth_max {
            return Err(format!("elements nest deeper than {}", self.limits.depth_max));
        }
        let name = tag.local_name();
        let attributes = Attributes::of(tag, &self.limits, &mut self.notes);
        let element = match (name.as_ref(), self.suite().is_some()) {
            (b"testsuite" | b"testsuites", _) => self.start_suite(name.as_ref(), &attributes),
            (b"testcase", true) => self.start_case(&attributes),
            (name, true) => self.start_part(name, &attributes),
            (name, false) => {
                let shown = String::from_utf8_lossy(name);
                self.foreign_root
                    .get_or_insert_with(|| shown.chars().take(ROOT_CHARS_MAX).collect());
                Element::Other
            }
        };
        let text = match element {
            Element::Suite(_) | Element::Case(_) | Element::Other => None,
            Element::Status { .. }
            | Element::Rerun(_)
            | Element::StackTrace
            | Element::Output(_)
            | Element::Property { .. } => Some(Text::new(self.limits.text_bytes_max)),
        };
        self.open.push(Open { element, text });
        Ok(())
    }

    /// The innermost suite.
    fn suite(&mut self) -> Option<&mut Suite> {
        self.open.iter_mut().rev().find_map(|open| {
            if let Element::Suite(suite) = &mut open.element { Some(&mut **suite) } else { None }
        })
    }

    /// The innermost case.
    fn case(&mut self) -> Option<&mut Case> {
        self.open.iter_mut().rev().find_map(|open| {
            if let Element::Case(case) = &mut open.element { Some(&mut case.case) } else { None }
        })
    }

    /// The innermost element that statuses and outputs can belong to.
    fn owner(&mut self) -> Option<Owner<'_>> {
        self.open.iter_mut().rev().find_map(|open| match &mut open.element {
            Element::Suite(suite) => Some(Owner::Suite(suite)),
            Element::Case(case) => Some(Owner::Case(case)),
            Element::Rerun(rerun) => Some(Owner::Rerun(rerun)),
            Element::Status { .. }
            | Element::StackTrace
            | Element::Output(_)
            | Element::Property { .. }
            | Element::Other => None,
        })
    }

    fn start_suite(&mut self, tag: &[u8], attributes: &Attributes<'_>) -> Element {
        let notes = &mut self.notes;
        // The root's name is the report's, not a suite's.
        let own_name = if tag == b"testsuite" { attributes.text("name", notes) } else { None };
        let own_file = attributes.first(["file", "filepath"], notes);
        let own_timestamp = attributes.timestamp(notes);
        let declared = attributes.text("tests", notes).and_then(|tests| tests.trim().parse().ok());
        if self.suite().is_none() {
            self.roots += 1;
            if self.roots > 1 {
                self.notes.add(Oddity::Roots, "");
            }
        }
        let (name, file, timestamp) = match self.suite() {
            Some(outer) => (outer.name.clone(), outer.file.clone(), outer.timestamp),
            None => (Arc::default(), None, None),
        };
        Element::Suite(Box::new(Suite {
            name: own_name.filter(|own| !own.is_empty()).map_or(name, Arc::from),
            file: own_file.or(file),
            timestamp: own_timestamp.or(timestamp),
            declared,
            cases_before: self.cases,
            reruns_before: self.reruns,
            cases: 0,
            found: None,
            output: None,
            error_output: None,
        }))
    }

    fn start_case(&mut self, attributes: &Attributes<'_>) -> Element {
        let notes = &mut self.notes;
        let own_file = attributes.first(["file", "filepath"], notes);
        let own_timestamp = attributes.timestamp(notes);
        let mut said = |name| attributes.text(name, notes).and_then(|word| values::status(&word));
        let word = said("status").or_else(|| said("result"));
        let mut case = Case {
            suite: Arc::default(),
            class: attributes.first(["classname", "class"], notes).unwrap_or_default(),
            name: attributes.text("name", notes).unwrap_or_default(),
            outcome: Outcome::Passed,
            duration_us: attributes.time(notes),
            message: None,
            kind: None,
            detail: None,
            file: own_file,
            line: attributes.text("line", notes).and_then(|line| line.trim().parse().ok()),
            timestamp: own_timestamp,
            output: None,
            error_output: None,
            properties: Vec::new(),
            reruns: Vec::new(),
        };
        if case.name.is_empty() {
            self.notes.add(Oddity::Nameless, &case.class);
        }
        if let Some(suite) = self.suite() {
            suite.cases += 1;
            case.suite = suite.name.clone();
            case.file = case.file.or_else(|| suite.file.clone());
            case.timestamp = case.timestamp.or(suite.timestamp);
        }
        Element::Case(Box::new(PartialCase { case, found: None, word }))
    }

    /// Opens an element inside a suite that is neither a suite nor a case.
    fn start_part(&mut self, name: &[u8], attributes: &Attributes<'_>) -> Element {
        let notes = &mut self.notes;
        let mut status = |outcome| Element::Status {
            outcome,
            message: attributes.text("message", notes),
            kind: attributes.text("type", notes),
        };
        match name {
            b"failure" => status(Outcome::Failed),
            b"error" => status(Outcome::Errored),
            b"skipped" => status(Outcome::Skipped),
            b"flakyFailure" => self.start_rerun(Flavour::Flaky, Outcome::Failed, attributes),
            b"flakyError" => self.start_rerun(Flavour::Flaky, Outcome::Errored, attributes),
            b"rerunFailure" => self.start_rerun(Flavour::Rerun, Outcome::Failed, attributes),
            b"rerunError" => self.start_rerun(Flavour::Rerun, Outcome::Errored, attributes),
            b"system-out" => Element::Output(Stream::Out),
            b"system-err" => Element::Output(Stream::Err),
            b"property" => Element::Property {
                name: attributes.text("name", notes).unwrap_or_default(),
                value: attributes.text("value", notes),
            },
            b"stackTrace" if matches!(self.owner(), Some(Owner::Rerun(_))) => Element::StackTrace,
            _ => Element::Other,
        }
    }

    fn start_rerun(&mut self, flavour: Flavour, outcome: Outcome, of: &Attributes<'_>) -> Element {
        let notes = &mut self.notes;
        Element::Rerun(Box::new(Rerun {
            flavour,
            outcome,
            message: of.text("message", notes),
            kind: of.text("type", notes),
            detail: None,
            duration_us: of.time(notes),
            timestamp: of.timestamp(notes),
            output: None,
            error_output: None,
        }))
    }

    /// Takes a piece of text for the innermost element whose text counts.
    pub(super) fn text(&mut self, piece: &str) {
        for open in self.open.iter_mut().rev() {
            if let Some(text) = &mut open.text {
                return text.push(piece);
            }
            if let Element::Suite(_) | Element::Case(_) = open.element {
                return;
            }
        }
        let piece = piece.trim();
        if self.open.is_empty() && !piece.is_empty() {
            self.notes.add(Oddity::TextOutside, piece);
        }
    }

    /// Takes what stands between `&` and `;` in a text.
    pub(super) fn reference(&mut self, reference: &str) {
        if let Some(c) = resolve(reference) {
            self.text(c.encode_utf8(&mut [0; 4]));
        } else {
            self.notes.add(Oddity::Entity, reference);
            self.text(&format!("&{reference};"));
        }
    }

    /// Closes the innermost element.
    pub(super) fn end(&mut self) {
        let Some(Open { element, text }) = self.open.pop() else { return };
        let text = text.map(|text| text.finish(&mut self.notes)).unwrap_or_default();
        match element {
            Element::Suite(suite) => self.end_suite(*suite),
            Element::Case(partial) => self.end_case(*partial),
            Element::Status { outcome, message, kind } => {
                let found = Found { outcome, message, kind, detail: detail(&text) };
                self.end_status(found);
            }
            Element::Rerun(mut rerun) => {
                self.reruns += 1;
                rerun.detail = joined(detail(&text), rerun.detail);
                if let Some(case) = self.case() {
                    case.reruns.push(*rerun);
                }
            }
            Element::StackTrace => {
                if let Some(Owner::Rerun(rerun)) = self.owner() {
                    rerun.detail = joined(rerun.detail.take(), detail(&text));
                }
            }
            Element::Output(stream) => self.end_output(stream, &text),
            Element::Property { name, value } => {
                self.end_property(name, value.or_else(|| detail(&text)).unwrap_or_default());
            }
            Element::Other => {}
        }
    }

    fn end_status(&mut self, new: Found) {
        let found = match self.owner() {
            Some(Owner::Suite(suite)) => &mut suite.found,
            Some(Owner::Case(case)) => &mut case.found,
            Some(Owner::Rerun(_)) | None => return,
        };
        *found = Some(Found::worse(found.take(), new));
    }

    fn end_output(&mut self, stream: Stream, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let (out, err) = match self.owner() {
            Some(Owner::Suite(suite)) => (&mut suite.output, &mut suite.error_output),
            Some(Owner::Case(case)) => (&mut case.case.output, &mut case.case.error_output),
            Some(Owner::Rerun(rerun)) => (&mut rerun.output, &mut rerun.error_output),
            None => return,
        };
        let output = match stream {
            Stream::Out => out,
            Stream::Err => err,
        };
        output.get_or_insert_default().push_str(text);
    }

    fn end_property(&mut self, name: String, value: String) {
        let properties_max = self.limits.properties_max;
        let Some(case) = self.case() else { return };
        if case.properties.len() < properties_max {
            case.properties.push((name, value));
        } else {
            self.notes.add(Oddity::Properties, &name);
        }
    }

    fn end_case(&mut self, PartialCase { mut case, found, word }: PartialCase) {
        let never_passed = |rerun: &&Rerun| rerun.flavour == Flavour::Rerun;
        let found = found.or_else(|| {
            let worst = case.reruns.iter().filter(never_passed).max_by_key(|r| r.outcome)?;
            Some(Found {
                outcome: worst.outcome,
                message: worst.message.clone(),
                kind: worst.kind.clone(),
                detail: worst.detail.clone(),
            })
        });
        if let Some(Found { outcome, message, kind, detail }) = found {
            case = Case { outcome, message, kind, detail, ..case };
        } else {
            case.outcome = word.unwrap_or(Outcome::Passed);
        }
        self.cases += 1;
        (self.on_case)(case);
    }

    fn end_suite(&mut self, suite: Suite) {
        let Suite { name, file, timestamp, declared, .. } = suite;
        if let Some(Found { outcome, message, kind, detail }) = suite.found {
            self.cases += 1;
            (self.on_case)(Case {
                suite: name.clone(),
                class: name.to_string(),
                name: SUITE_CASE.to_owned(),
                outcome,
                duration_us: None,
                message,
                kind,
                detail,
                file,
                line: None,
                timestamp,
                output: suite.output,
                error_output: suite.error_output,
                properties: Vec::new(),
                reruns: Vec::new(),
            });
        }
        // Some count what is nested in a suite, some do not; Surefire counts reruns.
        let present = self.cases - suite.cases_before;
        let executions = present + self.reruns - suite.reruns_before;
        let fits = |n| n == suite.cases || (present..=executions).contains(&n);
        if let Some(declared) = declared.filter(|&n| !fits(n)) {
            let example = format!("{declared} declared, {present} present in {name}");
            self.notes.add(Oddity::Count, example.trim_end_matches(" in "));
        }
    }

    /// Why the file ends too early; none when everything is closed, or when nothing in it is a
    /// report's.
    pub(super) fn unfinished(&self) -> Option<&'static str> {
        let inside = self.open.iter().rev().find_map(|open| match open.element {
            Element::Case(_) => Some("the file ends inside a case, which is left out"),
            Element::Suite(_) => Some("the file ends inside a suite"),
            Element::Status { .. }
            | Element::Rerun(_)
            | Element::StackTrace
            | Element::Output(_)
            | Element::Property { .. }
            | Element::Other => None,
        });
        let wrapped = self.roots > 0 && !self.open.is_empty();
        inside.or(wrapped.then_some("the file ends inside its root element"))
    }

    /// What the file is when it is no report; none when there was a suite.
    pub(super) fn foreign(&self) -> Option<String> {
        match &self.foreign_root {
            _ if self.roots > 0 => None,
            Some(root) => {
                Some(format!("no `<testsuites>` or `<testsuite>`: the root element is `<{root}>`"))
            }
            None => Some("no element at all: the file is empty or is no XML".to_owned()),
        }
    }
}
