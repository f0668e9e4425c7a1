//! The report on a terminal, the verdict as its last line.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};

use super::compare::rate_text;
use super::escape::quoted;
use super::excerpt::excerpt;
use super::ledger::{Lost, LostWhy};
use super::markdown::{remarks, slowest_of};
use super::quarantine::Excused;
use super::rerun;
use super::run::{Fewer, FinalOutcome, Place, RunReport, RunVerdict, ShardReport, TestReport};
use super::verdict::{missing, total, verdict_line};
use crate::model::{counted, human_time, thousands};

/// Entries of each list that are shown; the others are counted.
const ENTRIES_MAX: usize = 50;

/// Lines of each failure that are shown.
const EXCERPT_LINES: usize = 12;

/// How many of the slowest tests are shown.
const SLOWEST_MAX: usize = 5;

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ANSI escapes.
    On,
    /// Plain text.
    Off,
}

impl Colour {
    fn paint(self, style: Style, text: &str) -> String {
        match self {
            Self::On => format!("{style}{text}{style:#}"),
            Self::Off => text.to_owned(),
        }
    }

    fn title(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }
}

/// The report as text for a terminal or a log.
#[must_use]
pub fn render(report: &RunReport, colour: Colour) -> String {
    let mut page = Page { lines: Vec::new(), colour };
    page.failures(report);
    page.quarantined(report);
    page.flaky(report);
    page.shards(report);
    page.slowest(report);
    page.fewer(report);
    page.list("notes", &report.ledger.notes, |note| vec![note.to_string()]);
    page.ledger(report);
    if let Some(compared) = &report.compared {
        page.lines.push(format!("changes {}", compared.line()));
    }
    let style = match report.verdict {
        RunVerdict::Passed => AnsiColor::Green,
        RunVerdict::Failed | RunVerdict::Incomplete => AnsiColor::Red,
    };
    let verdict = verdict_line(report);
    page.lines.push(colour.paint(style.on_default().bold(), &verdict));
    page.lines.push(String::new());
    page.lines.join("\n")
}

struct Page {
    lines: Vec<String>,
    colour: Colour,
}

impl Page {
    fn list<T>(&mut self, title: &str, items: &[T], show: impl Fn(&T) -> Vec<String>) {
        if items.is_empty() {
            return;
        }
        self.lines.push(self.colour.title(title));
        for item in items.iter().take(ENTRIES_MAX) {
            self.lines.extend(show(item).into_iter().map(|line| format!("  {line}")));
        }
        if items.len() > ENTRIES_MAX {
            let rest = thousands((items.len() - ENTRIES_MAX) as u64);
            self.lines.push(format!("  … and {rest} more, all in `report.json`"));
        }
        self.lines.push(String::new());
    }

    fn failures(&mut self, report: &RunReport) {
        let failures: Vec<&TestReport> = report.failures().map(|(_, test)| test).collect();
        let colour = self.colour;
        self.list(&format!("{} failed", counted(failures.len(), "test")), &failures, |test| {
            let red = AnsiColor::Red.on_default();
            let name = colour.paint(red, &quoted(&test.id.to_string()));
            let (word, place) = (test.outcome.word(), place(report, test));
            let took = test.took_us().map(|us| format!(", {}", human_time(us))).unwrap_or_default();
            let mut lines = vec![format!("{name} {word}, {place}{took}")];
            let told = excerpt(report, test, EXCERPT_LINES).into_iter();
            lines.extend(told.map(|line| format!("    {line}")));
            let again = rerun::command(report, test);
            lines.extend(again.map(|command| format!("    again: {command}")));
            lines
        });
    }

    fn quarantined(&mut self, report: &RunReport) {
        let excused = &report.quarantine.excused;
        let title = format!("{} quarantined", counted(excused.len(), "failure"));
        self.list(&title, excused, |Excused { test, until, reason }| {
            let test = &report.tests[*test];
            let (name, word) = (quoted(&test.id.to_string()), test.outcome.word());
            let why = reason.as_ref().map(|reason| format!(": {}", quoted(reason)));
            vec![format!("{name} {word}, until {until}{}", why.unwrap_or_default())]
        });
        self.list("quarantine", &report.quarantine.remarks(), |line| vec![line.clone()]);
    }

    fn flaky(&mut self, report: &RunReport) {
        let flaky = |(_, test): &(usize, &TestReport)| test.outcome == FinalOutcome::Flaky;
        let flaky: Vec<_> = report.tests.iter().enumerate().filter(flaky).collect();
        self.list(&format!("{} flaky", counted(flaky.len(), "test")), &flaky, |(at, test)| {
            let name = quoted(&test.id.to_string());
            let rate = report.compared.as_ref().and_then(|compared| compared.rate(*at));
            let rate = rate.map(|rate| format!(", {}", rate_text(rate))).unwrap_or_default();
            let place = place(report, test);
            vec![format!("{name}, {} tries, {place}{rate}", test.earlier.len() + 1)]
        });
    }

    fn shards(&mut self, report: &RunReport) {
        if report.shards.is_empty() {
            return;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["shard", "groups", "tests", "workers", "predicted", "took", ""]);
        for shard in &report.shards {
            let ShardReport { index, total, groups, tests, workers, .. } = shard;
            table.add_row([
                format!("{index}/{total}"),
                thousands(*groups as u64),
                thousands(*tests as u64),
                workers.to_string(),
                human_time(shard.predicted_us),
                human_time(shard.actual_us),
                remarks(shard),
            ]);
        }
        for column in table.column_iter_mut().take(6) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self.lines.push(self.colour.title("shards"));
        self.lines.extend(table.lines().map(|line| format!(" {}", line.trim_end())));
        self.lines.push(String::new());
        self.list("balance", &report.balance.lines(), |line| vec![line.clone()]);
    }

    fn slowest(&mut self, report: &RunReport) {
        let slowest = slowest_of(report, SLOWEST_MAX);
        self.list("slowest tests", &slowest, |test| {
            vec![format!("{:>8}  {}", human_time(test.duration_us), quoted(&test.id.to_string()))]
        });
    }

    fn fewer(&mut self, report: &RunReport) {
        self.list("fewer tests than the last time", &report.fewer, |fewer| {
            let Fewer { group, now, before } = fewer;
            let (now, before) = (thousands(*now as u64), thousands(*before as u64));
            vec![format!("{}: {now}, before {before}", quoted(&group.to_string()))]
        });
    }

    fn ledger(&mut self, report: &RunReport) {
        let ledger = &report.ledger;
        if !ledger.missing_shards.is_empty() {
            let line = missing(ledger, total(report));
            self.list("missing", &[line], |line| vec![line.clone()]);
        }
        self.list("not whole", &ledger.flaws, |flaw| vec![flaw.to_string()]);
        self.list("ran more than once", &ledger.doubled, |doubled| vec![doubled.to_string()]);
        self.list("lost", &ledger.lost, lost);
    }
}

/// Where a test's result came from.
fn place(report: &RunReport, test: &TestReport) -> String {
    match report.place(test) {
        Place::Worker { shard, worker: _ } => format!("shard {shard}"),
        Place::File(source) => quoted(source),
    }
}

/// How many lost tests of one group are named.
const LOST_TESTS_NAMED_MAX: usize = 10;

fn lost(lost: &Lost) -> Vec<String> {
    let Lost { group, tests, why } = lost;
    let name = quoted(&group.to_string());
    let place = if *why == LostWhy::NoResult { "in group" } else { "group" };
    let mut lines = vec![format!("{place} {name}: {why}")];
    let named = tests.iter().take(LOST_TESTS_NAMED_MAX);
    lines.extend(named.map(|test| format!("  {}", quoted(&test.to_string()))));
    if tests.len() > LOST_TESTS_NAMED_MAX {
        lines
            .push(format!("  and {} more", thousands((tests.len() - LOST_TESTS_NAMED_MAX) as u64)));
    }
    lines
}

#[cfg(test)]
mod tests;
