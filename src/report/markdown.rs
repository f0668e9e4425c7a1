//! The summary for people, in Markdown: verdict first, then what is missing, then what failed.
//!
//! Promises: never more bytes than asked for; what did not fit is counted, and no fence is cut.
//! A stranger's text stands only in code spans and fences (see [`super::escape`]).

use std::fmt::Write as _;

use super::escape::{code_cell, code_span, fenced, quoted};
use super::excerpt::excerpt;
use super::ledger::{Doubled, Lost, LostWhy};
use super::rerun;
use super::run::{Fewer, FinalOutcome, GroupReport, RunReport, ShardEnd, ShardReport, TestReport};
use super::verdict::{missing, total, verdict_line};
use crate::model::{counted, human_time, thousands};

/// GitHub refuses a step's summary above 1 MiB; something else may write to it as well.
pub const SUMMARY_BYTES_MAX: usize = 1024 * 1024 - 1024;

/// What lists say of the entries that did not fit is at most this long.
const REMARK_BYTES_MAX: usize = 256;

/// How many of the slowest tests are shown.
const SLOWEST_MAX: usize = 10;

/// Lines of each failure that are shown, the most that fit for all failures; at last names alone.
const EXCERPT_LINES: [usize; 4] = [20, 8, 3, 1];

/// The summary of a run, in at most [`SUMMARY_BYTES_MAX`] bytes.
#[must_use]
pub fn render(report: &RunReport) -> String {
    render_within(report, SUMMARY_BYTES_MAX)
}

/// The summary of a run in at most `bytes_max` bytes. A limit too small even for the verdict
/// leaves an empty text.
#[must_use]
pub fn render_within(report: &RunReport, bytes_max: usize) -> String {
    let mut head = Page::new(bytes_max / 4);
    head.push(&format!("## {}\n", verdict_line(report)));
    ledger(&mut head, report);
    counts(&mut head, report);

    let mut tail = Page::new(bytes_max / 4);
    flaky(&mut tail, report, bytes_max / 16);
    fewer(&mut tail, report, bytes_max / 32);
    shards(&mut tail, report, bytes_max / 16);
    slowest(&mut tail, report);
    notes(&mut tail, report);

    let mut page = Page::new(bytes_max);
    page.push(&head.text);
    failures(&mut page, report, tail.text.len());
    page.push(&tail.text);
    page.text
}

/// A text with a limit; what does not fit whole is left out.
struct Page {
    text: String,
    bytes_max: usize,
}

/// Whether something fitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Whole,
    LeftOut,
}

impl Page {
    fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max }
    }

    fn push(&mut self, block: &str) -> Fit {
        if self.text.len() + block.len() > self.bytes_max {
            return Fit::LeftOut;
        }
        self.text.push_str(block);
        Fit::Whole
    }

    /// A title and as many entries as fit into `bytes_max` more bytes, and how many did not.
    fn list<T>(
        &mut self,
        title: &str,
        items: &[T],
        what: &str,
        bytes_max: usize,
        show: impl Fn(&T) -> String,
    ) {
        if items.is_empty() {
            return;
        }
        let room = self.bytes_max.saturating_sub(self.text.len()).min(bytes_max);
        let Some(for_items) = room.checked_sub(REMARK_BYTES_MAX) else { return };
        let mut part = Self::new(for_items);
        if part.push(title) == Fit::LeftOut {
            return;
        }
        let fitted = items.iter().take_while(|item| part.push(&show(item)) == Fit::Whole).count();
        self.text.push_str(&part.text);
        if fitted < items.len() {
            let rest = counted(items.len() - fitted, what);
            let _ = write!(self.text, "\n… and {rest} more, all in `report.json`\n");
        }
    }
}

fn ledger(page: &mut Page, report: &RunReport) {
    let ledger = &report.ledger;
    let share = page.bytes_max / 4;
    if ledger.is_whole() {
        return;
    }
    page.push("\n### This run is not whole\n\n");
    if !ledger.missing_shards.is_empty() {
        page.push(&format!("- {}\n", missing(ledger, total(report))));
    }
    page.list("", &ledger.flaws, "flaw", share, |flaw| format!("- {flaw}\n"));
    let title = format!(
        "\n**Lost:** {}\n\n",
        match (ledger.lost_groups(), ledger.lost_tests()) {
            (groups, 0) => counted(groups, "group"),
            (0, tests) => counted(tests, "test"),
            (groups, tests) => format!("{}, {}", counted(groups, "group"), counted(tests, "test")),
        }
    );
    page.list(&title, &ledger.lost, "entry", share, lost);
    let title = "\n**Ran more than once:**\n\n";
    page.list(title, &ledger.doubled, "entry", share, |doubled: &Doubled| format!("- {doubled}\n"));
}

/// How many lost tests of one group are named.
const LOST_TESTS_NAMED_MAX: usize = 20;

fn lost(lost: &Lost) -> String {
    let Lost { group, tests, why } = lost;
    let name = quoted(&group.to_string());
    let mut out = match why {
        LostWhy::NoResult => format!("- in group {name}: {why}\n"),
        LostWhy::ShardMissing
        | LostWhy::Killed(_)
        | LostWhy::NeverReached(_)
        | LostWhy::Stopped(..)
        | LostWhy::NotRetried
        | LostWhy::Unaccounted(_)
        | LostWhy::Unassigned => format!("- group {name}: {why}\n"),
    };
    for test in tests.iter().take(LOST_TESTS_NAMED_MAX) {
        let _ = writeln!(out, "  - {}", quoted(&test.to_string()));
    }
    if tests.len() > LOST_TESTS_NAMED_MAX {
        let rest = thousands((tests.len() - LOST_TESTS_NAMED_MAX) as u64);
        let _ = writeln!(out, "  - and {rest} more, all in `report.json`");
    }
    out
}

fn counts(page: &mut Page, report: &RunReport) {
    let totals = &report.totals;
    let figures =
        [totals.tests, totals.passed, totals.failed, totals.errored, totals.skipped, totals.flaky];
    page.push(&format!(
        "\n| tests | passed | failed | errored | skipped | flaky |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n| {} |\n",
        figures.map(|figure| thousands(figure as u64)).join(" | ")
    ));
}

fn failures(page: &mut Page, report: &RunReport, reserved: usize) {
    let failures: Vec<&TestReport> =
        report.tests.iter().filter(|test| !test.outcome.is_good()).collect();
    if failures.is_empty() {
        return;
    }
    let title = format!("\n### {} failed\n", counted(failures.len(), "test"));
    let room = page.bytes_max.saturating_sub(page.text.len() + reserved + REMARK_BYTES_MAX);
    for lines in EXCERPT_LINES {
        let mut part = Page::new(room);
        part.push(&title);
        if lines < EXCERPT_LINES[0] {
            let lines = counted(lines, "line");
            part.push(&format!(
                "\nTo keep this summary short, at most {lines} of each are shown.\n"
            ));
        }
        let fits = |test: &&TestReport| part.push(&failure(report, test, lines)) == Fit::Whole;
        if failures.iter().all(fits) {
            page.push(&part.text);
            return;
        }
    }
    let title = format!("{title}\nTo keep this summary short, their messages are left out.\n\n");
    page.list(&title, &failures, "failed test", room + REMARK_BYTES_MAX, |test| {
        let name = code_span(&test.id.to_string());
        format!("- {name} {}, shard {}\n", test.outcome.word(), test.shard)
    });
}

fn failure(report: &RunReport, test: &TestReport, lines: usize) -> String {
    let mut out = format!("\n#### {}\n\n", code_span(&test.id.to_string()));
    let _ = write!(out, "{} · shard {}", test.outcome.word(), test.shard);
    if let Some(us) = test.took_us() {
        let _ = write!(out, " · {}", human_time(us));
    }
    if !test.earlier.is_empty() {
        let _ = write!(out, " · tried {} times", test.earlier.len() + 1);
    }
    let group = &report.groups[test.group];
    if group.id.name != test.id.name {
        let _ = write!(out, " · group {}", code_span(&group.id.to_string()));
    }
    if let Some(file) = &test.file {
        let line = test.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = write!(out, " · {}", code_span(&format!("{file}{line}")));
    }
    out.push('\n');
    let lines = excerpt(report, test, lines);
    if !lines.is_empty() {
        out.push('\n');
        out.push_str(&fenced(&lines));
    }
    out.push_str(&rerun::markdown(report, test));
    out
}

fn flaky(page: &mut Page, report: &RunReport, share: usize) {
    let flaky: Vec<&TestReport> =
        report.tests.iter().filter(|test| test.outcome == FinalOutcome::Flaky).collect();
    let title = format!("\n### {} flaky\n\n", counted(flaky.len(), "test"));
    page.list(&title, &flaky, "flaky test", share, |test| {
        let name = code_span(&test.id.to_string());
        let first = excerpt(report, test, 1).into_iter().next();
        let why = first.map(|line| format!(": {}", code_span(&line))).unwrap_or_default();
        format!("- {name}, {} tries, shard {}{why}\n", test.earlier.len() + 1, test.shard)
    });
}

fn fewer(page: &mut Page, report: &RunReport, share: usize) {
    let title = "\n### Fewer tests than the last time\n\n";
    page.list(title, &report.fewer, "group", share, |fewer| {
        let Fewer { group, now, before } = fewer;
        format!(
            "- {}: {}, before {}\n",
            code_span(&group.to_string()),
            thousands(*now as u64),
            thousands(*before as u64)
        )
    });
}

fn shards(page: &mut Page, report: &RunReport, share: usize) {
    let title = "\n### Shards\n\n\
                 | shard | groups | tests | workers | predicted | took | |\n\
                 | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
    page.list(title, &report.shards, "shard", share, |shard| {
        let ShardReport { index, total, groups, tests, workers, .. } = shard;
        format!(
            "| {index}/{total} | {} | {} | {workers} | {} | {} | {} |\n",
            thousands(*groups as u64),
            thousands(*tests as u64),
            human_time(shard.predicted_us),
            human_time(shard.actual_us),
            remarks(shard),
        )
    });
    let lines = report.balance.lines();
    page.list("\n### Balance\n\n", &lines, "line", share, |line| format!("- {line}\n"));
}

/// What is out of the ordinary about a shard.
pub(super) fn remarks(shard: &ShardReport) -> String {
    let mut remarks = Vec::new();
    match &shard.end {
        ShardEnd::Finished => {}
        ShardEnd::Stopped(_) => remarks.push("stopped early".to_owned()),
        ShardEnd::Cut => remarks.push("killed".to_owned()),
    }
    if shard.attempt > 1 {
        remarks.push(format!("attempt {}", shard.attempt));
    }
    remarks.join(", ")
}

/// The tests that took longest, the longest first.
pub(super) fn slowest_of(report: &RunReport, most: usize) -> Vec<&TestReport> {
    let key = |test: &&TestReport| (std::cmp::Reverse(test.duration_us), test.id.clone());
    let mut tests: Vec<&TestReport> =
        report.tests.iter().filter(|test| test.duration_us > 0).collect();
    if tests.len() > most {
        tests.select_nth_unstable_by(most, |a, b| {
            b.duration_us.cmp(&a.duration_us).then_with(|| a.id.cmp(&b.id))
        });
        tests.truncate(most);
    }
    tests.sort_by_cached_key(key);
    tests
}

fn slowest(page: &mut Page, report: &RunReport) {
    let title = "\n### Slowest tests\n\n| test | group | took |\n| --- | --- | ---: |\n";
    let share = page.bytes_max;
    page.list(title, &slowest_of(report, SLOWEST_MAX), "test", share, |test| {
        let GroupReport { id, .. } = &report.groups[test.group];
        let (name, group) = (code_cell(&test.id.to_string()), code_cell(&id.to_string()));
        format!("| {name} | {group} | {} |\n", human_time(test.duration_us))
    });
}

fn notes(page: &mut Page, report: &RunReport) {
    let share = page.bytes_max;
    page.list("\n### Notes\n\n", &report.ledger.notes, "note", share, |note| format!("- {note}\n"));
}

#[cfg(test)]
mod tests;
