//! What failed and what was flaky, each with all that helps to see why.

use std::collections::{BTreeSet, HashMap};

use maud::{Markup, html};

use super::super::compare::rate_of;
use super::super::quarantine::Excused;
use super::super::rerun;
use super::super::run::{Earlier, FinalOutcome, RunReport, TestReport, Told};
use super::ansi;
use super::ledger::rest;
use crate::model::{Output, human_time, thousands};

/// Tests that are shown in full; of the others the list of all tests has the first line.
const SHOWN_MAX: usize = 500;
/// Entries of the quarantine's list that are told.
const REMARKS_MAX: usize = 200;
/// Bytes of all texts together, so that a browser opens the page.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// Bytes of one text, half from its start and half from its end.
const ONE_BYTES_MAX: usize = 128 << 10;

/// The sections, and which tests they show in full.
pub(super) struct Failures {
    pub(super) markup: Markup,
    /// Indices into the report's tests.
    pub(super) shown: BTreeSet<usize>,
}

pub(super) fn of(report: &RunReport) -> Failures {
    let mut writer = Writer { report, room: TEXT_BYTES_MAX, shown: BTreeSet::new() };
    let excused = |at: usize| report.quarantine.of(at).is_some();
    let bad = writer.entries(|at, test| !test.outcome.is_good() && !excused(at));
    let known = writer.entries(|at, _| excused(at));
    let flaky = writer.entries(|_, test| test.outcome == FinalOutcome::Flaky);
    let outputs = writer.outputs();
    let markup = html! {
        (section("failures", "Failures", &bad))
        (section("quarantined", "Quarantined failures, which don't count", &known))
        (remarks(report))
        (section("flaky", "Flaky: passed when tried again", &flaky))
        (section("outputs", "Output of groups that failed", &outputs))
    };
    Failures { markup, shown: writer.shown }
}

/// Entries that are shown, of so many.
struct Entries {
    shown: Vec<Markup>,
    total: usize,
}

/// What there is to say of the entries of the quarantine's list.
fn remarks(report: &RunReport) -> Markup {
    let remarks = report.quarantine.remarks();
    html! {
        @if !remarks.is_empty() {
            section #quarantine aria-labelledby="quarantine-title" {
                h2 #quarantine-title { "Quarantine" }
                ul {
                    @for remark in remarks.iter().take(REMARKS_MAX) { li { (remark) } }
                    (rest(remarks.len(), REMARKS_MAX))
                }
            }
        }
    }
}

fn section(id: &str, title: &str, entries: &Entries) -> Markup {
    let Entries { shown, total } = entries;
    html! {
        @if *total > 0 {
            section id=(id) aria-labelledby=(format!("{id}-title")) {
                h2 id=(format!("{id}-title")) {
                    (title) " " span.count { (thousands(*total as u64)) }
                }
                @for entry in shown { (entry) }
                @if *total > shown.len() {
                    p.rest {
                        "… and " (thousands((*total - shown.len()) as u64)) " more"
                        " that this page leaves out: the list below has the tests, report.json all."
                    }
                }
            }
        }
    }
}

struct Writer<'a> {
    report: &'a RunReport,
    room: usize,
    shown: BTreeSet<usize>,
}

impl Writer<'_> {
    fn entries(&mut self, wanted: impl Fn(usize, &TestReport) -> bool) -> Entries {
        let report = self.report;
        let tests: Vec<(usize, &TestReport)> =
            report.tests.iter().enumerate().filter(|(at, test)| wanted(*at, test)).collect();
        let mut shown = Vec::new();
        for (index, test) in &tests {
            if self.shown.len() >= SHOWN_MAX || self.room == 0 {
                break;
            }
            self.shown.insert(*index);
            shown.push(self.entry(*index, test, tests.len()));
        }
        Entries { shown, total: tests.len() }
    }

    fn entry(&mut self, index: usize, test: &TestReport, of: usize) -> Markup {
        let id = test.id.to_string();
        let group = &self.report.groups[test.group];
        let printed = group.executions.iter().any(|run| run.output.is_some());
        let took = test.took_us().map(human_time);
        let place = test.file.as_ref().map(|file| match test.line {
            Some(line) => format!("{file}:{line}"),
            None => file.to_string(),
        });
        html! {
            details.test id=(format!("t{index}")) open[of <= 3] {
                summary {
                    span class=(format!("badge {}", test.outcome.word())) { (test.outcome.word()) }
                    @if self.is_new(index) { " " span.badge.new { "new" } }
                    " " span.name { (id) }
                    @if let Some(line) = first_line(test) { span.first { (line) } }
                }
                p.facts {
                    (self.report.place(test))
                    @if let Some(took) = took { " · " (took) }
                    @if let Some(place) = place { " · " code { (place) } }
                    @if *group.id.name != *test.id.name {
                        " · group " code { (group.id.to_string()) }
                    }
                    @if let Some(rate) = rate_of(self.report, index) { " · " span.rate { (rate) } }
                    @if printed { " · " a href=(format!("#o{}", test.group)) { "output" } }
                }
                @if let Some(excused) = self.report.quarantine.of(index) { (excuse(excused)) }
                (self.told(test.told.as_deref()))
                @for earlier in &test.earlier { (self.earlier(earlier)) }
                @if !test.earlier.is_empty() {
                    p.last { "last try: " (last_word(test.outcome)) }
                }
                @if let Some(command) = rerun::command(self.report, test) {
                    p.rerun { "Again, alone: " code { (command) } }
                }
            }
        }
    }

    fn is_new(&self, index: usize) -> bool {
        self.report.compared.as_ref().is_some_and(|compared| compared.is_new_failure(index))
    }

    fn told(&mut self, told: Option<&Told>) -> Markup {
        let nothing = Told::default();
        let Told { message, kind, detail, output, properties: _ } = told.unwrap_or(&nothing);
        let within = |detail: &String, message: &String| detail.contains(message.as_str());
        let repeated = message.as_ref().zip(detail.as_ref()).is_some_and(|(m, d)| within(d, m));
        html! {
            @if let Some(message) = message.as_ref().filter(|_| !repeated) {
                p.message { @if let Some(kind) = kind { b { (kind) } ": " } (self.cut(message)) }
            }
            @if let Some(detail) = detail { pre.trace tabindex="0" { (trace(&self.cut(detail))) } }
            @if let Some(output) = output {
                pre.printed tabindex="0" { (ansi::markup(&self.cut(output))) }
            }
        }
    }

    fn earlier(&mut self, earlier: &Earlier) -> Markup {
        let Earlier { attempt, outcome, duration_us, told } = earlier;
        html! {
            details.earlier {
                summary {
                    "try " (attempt) ": " (FinalOutcome::from(*outcome).word()) ", "
                    (human_time(*duration_us))
                }
                (self.told(told.as_deref()))
            }
        }
    }

    fn outputs(&mut self) -> Entries {
        let groups: BTreeSet<usize> =
            self.shown.iter().map(|index| self.report.tests[*index].group).collect();
        let mut shown = Vec::new();
        let mut total = 0;
        for group in groups {
            let report = &self.report.groups[group];
            let runs =
                || report.executions.iter().filter_map(|run| Some((run, run.output.as_ref()?)));
            total += usize::from(runs().next().is_some());
            if runs().next().is_none() || self.room == 0 {
                continue;
            }
            shown.push(html! {
                details.output id=(format!("o{group}")) {
                    summary { code { (report.id.to_string()) } }
                    @if let Some(problem) = report.problem() {
                        p.message { "The group " (problem) }
                    }
                    @for (run, output) in runs() {
                        @if report.executions.len() > 1 { h3 { "try " (run.attempt) } }
                        pre tabindex="0" { (ansi::markup(&self.printed(output))) }
                    }
                }
            });
        }
        Entries { shown, total }
    }

    fn printed(&mut self, output: &Output) -> String {
        let Output { head, tail } = output;
        let mut text = self.cut(head);
        if let Some(kept) = tail {
            let omitted = thousands(kept.omitted_bytes);
            text.push_str(&format!("\n[… {omitted} bytes are left out …]\n"));
            text.push_str(&self.cut(&kept.text));
        }
        text
    }

    /// The text, or its ends, as far as the page has room.
    fn cut(&mut self, text: &str) -> String {
        let most = ONE_BYTES_MAX.min(self.room);
        let kept = shortened(text, most);
        self.room = self.room.saturating_sub(kept.len());
        kept
    }
}

/// How the last execution of a test ended.
fn last_word(outcome: FinalOutcome) -> &'static str {
    match outcome {
        FinalOutcome::Flaky => FinalOutcome::Passed.word(),
        FinalOutcome::Skipped
        | FinalOutcome::Passed
        | FinalOutcome::Failed
        | FinalOutcome::Errored => outcome.word(),
    }
}

fn excuse(excused: &Excused) -> Markup {
    let Excused { test: _, until, reason } = excused;
    html! {
        p.facts {
            "quarantined until " (until)
            @if let Some(reason) = reason { ": " (plain(reason)) }
        }
    }
}

fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let head = &text[..text.floor_char_boundary(bytes_max / 2)];
    let tail = &text[text.ceil_char_boundary(text.len() - bytes_max / 2)..];
    let omitted = thousands((text.len() - head.len() - tail.len()) as u64);
    format!("{head}\n[… {omitted} bytes are left out …]\n{tail}")
}

/// The first line of what is said, for the closed entry.
fn first_line(test: &TestReport) -> Option<String> {
    let told = test.telling()?;
    let said = told.message.as_ref().or(told.kind.as_ref())?;
    Some(said.lines().next()?.chars().take(200).collect())
}

/// A trace; where it has no colours of its own, the lines of a comparison are told apart.
fn trace(text: &str) -> Markup {
    if text.contains('\u{1b}') {
        return ansi::markup(text);
    }
    let mut classes: HashMap<char, &str> = HashMap::new();
    classes.extend([('+', "add"), ('-', "del"), ('?', "hint"), ('^', "hint")]);
    html! {
        @for line in text.split_inclusive('\n') {
            @match classes.get(&mark(line)) {
                Some(class) => span class=(class) { (plain(line)) },
                None => (plain(line)),
            }
        }
    }
}

/// The character that a line of a comparison begins with, behind pytest's `E`.
fn mark(line: &str) -> char {
    let rest = line.strip_prefix('E').unwrap_or(line).trim_start();
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some(mark), Some(' ' | '\n' | '+' | '-' | '^') | None) => mark,
        _ => ' ',
    }
}

/// Without the control characters that a page cannot show.
fn plain(line: &str) -> String {
    line.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_comparison_are_told_apart() {
        let marks: String =
            ["E   - a\n", "+ b\n", "?   ^\n", "x - y\n", "", "E   -1\n"].map(mark).iter().collect();
        assert_eq!(marks, "-+?x  ");
    }

    #[test]
    fn long_texts_keep_both_ends() {
        let text = format!("ä{}ö", "x".repeat(1_000));
        let cut = shortened(&text, 100);
        assert!(cut.starts_with('ä') && cut.ends_with('ö') && cut.contains("bytes are left out"));
        assert_eq!(shortened("äö", 4), "äö");
    }
}
