//! From elements to cases: a stack of what is open, each handed to its owner when it ends.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use super::attributes::{Attributes, Pairs};
use super::notes::{Notes, Oddity};
use super::open::{Element, Found, Open, Owner, PartialCase, Stream, Suite, detail, joined};
use super::parse::Tag;
use super::text::{Text, resolve};
use super::{Case, Flavour, Limits, Rerun, Root, SUITE_CASE, values};
use crate::model::Outcome;

/// The name of a foreign root element in a message, characters.
const ROOT_CHARS_MAX: usize = 64;

/// Collects cases; see the parent module for the rules.
pub(super) struct Assembler<'t, 'a> {
    pub(super) notes: Notes,
    limits: Limits,
    open: Vec<Open<'t>>,
    /// What the attributes of one tag after the other are put into.
    pairs: Pairs<'t>,
    /// Outermost suites seen.
    roots: u64,
    root: Option<Root>,
    /// The first element outside any suite.
    foreign_root: Option<String>,
    cases: u64,
    reruns: u64,
    on_case: &'a mut dyn FnMut(Case<Cow<'_, str>>),
}

impl<'t, 'a> Assembler<'t, 'a> {
    pub(super) fn new(
        limits: &Limits,
        notes: Notes,
        on_case: &'a mut dyn FnMut(Case<Cow<'_, str>>),
    ) -> Self {
        Self {
            notes,
            limits: *limits,
            open: Vec::new(),
            pairs: Vec::with_capacity(8),
            roots: 0,
            root: None,
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
    pub(super) fn start(&mut self, tag: Tag<'t>) -> Result<(), String> {
        if self.open.len() >= self.limits.depth_max {
            return Err(format!("elements nest deeper than {}", self.limits.depth_max));
        }
        let name = tag.local_name();
        let attributes = self.attributes(tag);
        let element = match (name, self.suite().is_some()) {
            ("testsuite" | "testsuites", _) => self.start_suite(name, &attributes),
            ("testcase", true) => Element::Case(Box::new(self.start_case(&attributes))),
            (name, true) => self.start_part(name, &attributes),
            (name, false) => {
                self.foreign_root
                    .get_or_insert_with(|| name.chars().take(ROOT_CHARS_MAX).collect());
                Element::Other
            }
        };
        self.pairs = attributes.into_list();
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

    /// Opens and closes an element in one: a case that has nothing inside is what most of a report
    /// is made of.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(super) fn empty(&mut self, tag: Tag<'t>) -> Result<(), String> {
        let fits = self.open.len() < self.limits.depth_max;
        if fits && tag.local_name() == "testcase" && self.suite().is_some() {
            let attributes = self.attributes(tag);
            let case = self.start_case(&attributes);
            self.pairs = attributes.into_list();
            self.end_case(case);
            return Ok(());
        }
        self.start(tag)?;
        self.end();
        Ok(())
    }

    fn attributes(&mut self, tag: Tag<'t>) -> Attributes<'t> {
        Attributes::of(tag, mem::take(&mut self.pairs), &self.limits, &mut self.notes)
    }

    /// The innermost suite.
    fn suite(&mut self) -> Option<&mut Suite<'t>> {
        self.open.iter_mut().rev().find_map(|open| {
            if let Element::Suite(suite) = &mut open.element { Some(&mut **suite) } else { None }
        })
    }

    /// The innermost case.
    fn case(&mut self) -> Option<&mut Case<Cow<'t, str>>> {
        self.open.iter_mut().rev().find_map(|open| {
            if let Element::Case(case) = &mut open.element { Some(&mut case.case) } else { None }
        })
    }

    /// The innermost element that statuses and outputs can belong to.
    fn owner(&mut self) -> Option<Owner<'_, 't>> {
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

    fn start_suite(&mut self, tag: &str, attributes: &Attributes<'t>) -> Element<'t> {
        let notes = &mut self.notes;
        let name = attributes.text("name", notes);
        if self.root.is_none() {
            self.root = Some(Root { name: name.as_deref().unwrap_or_default().to_owned() });
        }
        // The root's name is the report's, not a suite's.
        let own_name = name.filter(|_| tag == "testsuite");
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
            name: own_name.filter(|own| !own.is_empty()).map_or(name, |own| Arc::from(&*own)),
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

    fn start_case(&mut self, attributes: &Attributes<'t>) -> PartialCase<'t> {
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
        PartialCase { case, found: None, word }
    }

    /// Opens an element inside a suite that is neither a suite nor a case.
    fn start_part(&mut self, name: &str, attributes: &Attributes<'t>) -> Element<'t> {
        let notes = &mut self.notes;
        let mut status = |outcome| Element::Status {
            outcome,
            message: attributes.text("message", notes),
            kind: attributes.text("type", notes),
        };
        match name {
            "failure" => status(Outcome::Failed),
            "error" => status(Outcome::Errored),
            "skipped" => status(Outcome::Skipped),
            "flakyFailure" => self.start_rerun(Flavour::Flaky, Outcome::Failed, attributes),
            "flakyError" => self.start_rerun(Flavour::Flaky, Outcome::Errored, attributes),
            "rerunFailure" => self.start_rerun(Flavour::Rerun, Outcome::Failed, attributes),
            "rerunError" => self.start_rerun(Flavour::Rerun, Outcome::Errored, attributes),
            "system-out" => Element::Output(Stream::Out),
            "system-err" => Element::Output(Stream::Err),
            "property" => Element::Property {
                name: attributes.text("name", notes).unwrap_or_default(),
                value: attributes.text("value", notes),
            },
            "stackTrace" if matches!(self.owner(), Some(Owner::Rerun(_))) => Element::StackTrace,
            _ => Element::Other,
        }
    }

    fn start_rerun(
        &mut self,
        flavour: Flavour,
        outcome: Outcome,
        of: &Attributes<'t>,
    ) -> Element<'t> {
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
    pub(super) fn text(&mut self, piece: Cow<'t, str>) {
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
            self.text(Cow::Owned(c.to_string()));
        } else {
            self.notes.add(Oddity::Entity, reference);
            self.text(Cow::Owned(format!("&{reference};")));
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
                let found = Found { outcome, message, kind, detail: detail(text) };
                self.end_status(found);
            }
            Element::Rerun(mut rerun) => {
                self.reruns += 1;
                rerun.detail = joined(detail(text), rerun.detail);
                if let Some(case) = self.case() {
                    case.reruns.push(*rerun);
                }
            }
            Element::StackTrace => {
                if let Some(Owner::Rerun(rerun)) = self.owner() {
                    rerun.detail = joined(rerun.detail.take(), detail(text));
                }
            }
            Element::Output(stream) => self.end_output(stream, text),
            Element::Property { name, value } => {
                self.end_property(name, value.or_else(|| detail(text)).unwrap_or_default());
            }
            Element::Other => {}
        }
    }

    fn end_status(&mut self, new: Found<'t>) {
        let found = match self.owner() {
            Some(Owner::Suite(suite)) => &mut suite.found,
            Some(Owner::Case(case)) => &mut case.found,
            Some(Owner::Rerun(_)) | None => return,
        };
        *found = Some(Found::worse(found.take(), new));
    }

    fn end_output(&mut self, stream: Stream, text: Cow<'t, str>) {
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
        *output = Some(match output.take() {
            Some(before) => before + text,
            None => text,
        });
    }

    fn end_property(&mut self, name: Cow<'t, str>, value: Cow<'t, str>) {
        let properties_max = self.limits.properties_max;
        let Some(case) = self.case() else { return };
        if case.properties.len() < properties_max {
            case.properties.push((name, value));
        } else {
            self.notes.add(Oddity::Properties, &name);
        }
    }

    fn end_case(&mut self, PartialCase { mut case, found, word }: PartialCase<'t>) {
        let never_passed = |rerun: &&Rerun<Cow<'t, str>>| rerun.flavour == Flavour::Rerun;
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

    fn end_suite(&mut self, suite: Suite<'t>) {
        let Suite { name, file, timestamp, declared, .. } = suite;
        if let Some(Found { outcome, message, kind, detail }) = suite.found {
            self.cases += 1;
            (self.on_case)(Case {
                suite: name.clone(),
                class: Cow::Owned(name.to_string()),
                name: Cow::Borrowed(SUITE_CASE),
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

    /// The first root of a report, and the first element that is none of a report's.
    pub(super) fn roots(&mut self) -> (Option<Root>, Option<String>) {
        (self.root.take(), self.foreign_root.take())
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
