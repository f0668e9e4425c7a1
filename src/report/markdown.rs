//! The summary for people, in Markdown: what is missing first, then what failed.
//!
//! A stranger's text stands only in code spans and fences (see [`super::escape`]). How much of it
//! all is shown [`super::ladder`] says.

use std::fmt::Write as _;
use std::io;

use super::compare::{Comparison, rate_of, slower_text};
use super::escape::{code_cell, code_span, fenced, quoted};
use super::excerpt::{excerpt, said};
use super::ideal;
use super::ladder::{Full, Limit, Page, Rung, Shown, render_within};
use super::ledger::{Doubled, Lost, LostWhy};
use super::quarantine::Excused;
use super::rerun;
use super::run::{
    Earlier, Fewer, FinalOutcome, GroupReport, Place, RunReport, ShardEnd, ShardReport, TestReport,
};
use super::verdict::{missing, total, verdict_line};
use crate::model::{counted, human_time, thousands};

/// GitHub refuses a step's summary above 1 MiB; something else may write to it as well.
pub const SUMMARY_BYTES_MAX: usize = 1024 * 1024 - 1024;

/// What a list says of the entries that did not fit is at most this long.
const REMARK_MAX: usize = 256;

/// How many of the slowest tests are shown.
const SLOWEST_MAX: usize = 10;

/// How many lost tests of one group are named.
const LOST_TESTS_NAMED_MAX: usize = 20;

/// Whether everything fitted.
type Fit = Result<(), Full>;

/// The summary of a run, in at most [`SUMMARY_BYTES_MAX`] bytes.
///
/// # Errors
/// As `out`.
pub fn render(report: &RunReport, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(render_within(report, Limit::Bytes(SUMMARY_BYTES_MAX)).as_bytes())
}

/// The summary with so much detail, where that fits.
pub(super) fn page(report: &RunReport, limit: Limit, rung: Rung) -> Result<String, Full> {
    let mut page = Page::new(limit);
    page.push(&format!("## {}\n", verdict_line(report)))?;
    ledger(&mut page, report, rung)?;
    counts(&mut page, report)?;
    if let Some(remark) = rung.remark() {
        page.push(&format!("\n{remark}\n"))?;
    }
    // What comes after the failures keeps its place.
    let mut tail = page.rest(0);
    quarantined(&mut tail, report, rung)?;
    flaky(&mut tail, report, rung)?;
    shards(&mut tail, report, rung)?;
    changes(&mut tail, report, rung)?;
    fewer(&mut tail, report, rung)?;
    if rung.extras {
        slowest(&mut tail, report)?;
        list(&mut tail, "\n### Notes\n\n", &report.ledger.notes, rung.entries, "note", |note| {
            format!("- {note}\n")
        })?;
    }
    let reserved = tail.used();
    failures(&mut page, report, rung, reserved)?;
    page.push(&tail.text())?;
    Ok(page.text())
}

/// The verdict alone; nothing where not even that fits.
pub(super) fn least(report: &RunReport, limit: Limit) -> String {
    let mut page = Page::new(limit);
    // Whether it fits or not, this is all there is.
    let _ = page.push(&format!("## {}\n", verdict_line(report)));
    page.text()
}

/// A title and at most `entries` entries, and how many more there are; nothing of an empty list.
fn list<T>(
    page: &mut Page,
    title: &str,
    items: &[T],
    entries: usize,
    what: &str,
    show: impl Fn(&T) -> String,
) -> Fit {
    if items.is_empty() || entries == 0 {
        return Ok(());
    }
    page.push(title)?;
    for item in items.iter().take(entries) {
        page.push(&show(item))?;
    }
    page.push(&more(items.len().saturating_sub(entries), what))
}

/// `… and 3 tests more`, on a line of its own.
fn more(count: usize, what: &str) -> String {
    if count == 0 {
        return String::new();
    }
    format!("\n… and {} more, all in `report.json`\n", counted(count, what))
}

fn ledger(page: &mut Page, report: &RunReport, rung: Rung) -> Fit {
    let ledger = &report.ledger;
    if ledger.is_whole() {
        return Ok(());
    }
    page.push("\n### This run is not whole\n\n")?;
    if !ledger.missing_shards.is_empty() {
        page.push(&format!("- {}\n", missing(ledger, total(report))))?;
    }
    list(page, "", &ledger.flaws, rung.entries, "flaw", |flaw| format!("- {flaw}\n"))?;
    let title = format!(
        "\n**Lost:** {}\n\n",
        match (ledger.lost_groups(), ledger.lost_tests()) {
            (groups, 0) => counted(groups, "group"),
            (0, tests) => counted(tests, "test"),
            (groups, tests) => format!("{}, {}", counted(groups, "group"), counted(tests, "test")),
        }
    );
    list(page, &title, &ledger.lost, rung.entries, "entry", lost)?;
    let title = "\n**Ran more than once:**\n\n";
    list(page, title, &ledger.doubled, rung.entries, "entry", |doubled: &Doubled| {
        format!("- {doubled}\n")
    })
}

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

fn counts(page: &mut Page, report: &RunReport) -> Fit {
    let totals = &report.totals;
    let figures =
        [totals.tests, totals.passed, totals.failed, totals.errored, totals.skipped, totals.flaky];
    page.push(&format!(
        "\n| tests | passed | failed | errored | skipped | flaky |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n| {} |\n",
        figures.map(|figure| thousands(figure as u64)).join(" | ")
    ))?;
    match &report.compared {
        Some(compared) => page.push(&format!("\nChanges {}.\n", compared.line())),
        None => Ok(()),
    }
}

/// The failures that count, new ones first.
fn in_order(report: &RunReport) -> Vec<(usize, &TestReport)> {
    let is_new = |at: usize| report.compared.as_ref().is_some_and(|c| c.is_new_failure(at));
    let (new, known): (Vec<_>, Vec<_>) = report.failures().partition(|(at, _)| is_new(*at));
    new.into_iter().chain(known).collect()
}

fn failures(page: &mut Page, report: &RunReport, rung: Rung, reserved: usize) -> Fit {
    let failing = report.failing();
    if failing == 0 {
        return Ok(());
    }
    let mut part = page.rest(reserved);
    part.push(&format!("\n### {} failed\n", counted(failing, "test")))?;
    match rung.failures {
        Shown::Lines(lines) => {
            for (at, test) in in_order(report) {
                part.push(&failure(report, (at, test), lines, rung))?;
            }
        }
        Shown::Names => {
            part.push("\n")?;
            for (at, test) in in_order(report) {
                part.push(&named(report, at, test))?;
            }
        }
        Shown::Some => {
            part.push("\n")?;
            let mut names = part.rest(REMARK_MAX);
            let mut left = failing;
            for (at, test) in in_order(report) {
                if names.push(&named(report, at, test)).is_err() {
                    break;
                }
                left -= 1;
            }
            part.push(&names.text())?;
            part.push(&more(left, "failed test"))?;
        }
        Shown::Count => {}
    }
    page.push(&part.text())
}

fn named(report: &RunReport, at: usize, test: &TestReport) -> String {
    let name = code_span(&test.id.to_string());
    format!("- {name} {}{}, {}\n", test.outcome.word(), novelty(report, at), place(report, test))
}

fn novelty(report: &RunReport, at: usize) -> &'static str {
    match &report.compared {
        Some(compared) if compared.is_new_failure(at) => ", new",
        Some(_) | None => "",
    }
}

fn failure(
    report: &RunReport,
    (at, test): (usize, &TestReport),
    lines: usize,
    rung: Rung,
) -> String {
    let mut out = format!("\n#### {}\n\n", code_span(&test.id.to_string()));
    let (word, place) = (test.outcome.word(), place(report, test));
    let _ = write!(out, "{word}{} · {place}", novelty(report, at));
    if let Some(us) = test.took_us() {
        let _ = write!(out, " · {}", human_time(us));
    }
    if !test.earlier.is_empty() {
        let _ = write!(out, " · tried {} times", test.earlier.len() + 1);
    }
    if let Some(rate) = rate_of(report, at) {
        let _ = write!(out, " · {rate}");
    }
    let group = &report.groups[test.group];
    if *group.id.name != *test.id.name {
        let _ = write!(out, " · group {}", code_span(&group.id.to_string()));
    }
    if let Some(file) = &test.file {
        let line = test.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = write!(out, " · {}", code_span(&format!("{file}{line}")));
    }
    out.push('\n');
    if rung.tries && !test.earlier.is_empty() {
        out.push('\n');
        test.earlier.iter().for_each(|earlier| out.push_str(&tried(earlier, "- ")));
    }
    let lines = excerpt(report, test, lines);
    if !lines.is_empty() {
        out.push('\n');
        out.push_str(&fenced(&lines));
    }
    out.push_str(&rerun::markdown(report, test));
    out
}

/// One try before the last, as an entry of a list.
fn tried(earlier: &Earlier, bullet: &str) -> String {
    let Earlier { attempt, outcome, duration_us: _, told } = earlier;
    let why = said(told.as_deref()).map(|line| format!(": {}", code_span(&line)));
    let word = FinalOutcome::from(*outcome).word();
    format!("{bullet}try {attempt} {word}{}\n", why.unwrap_or_default())
}

fn quarantined(page: &mut Page, report: &RunReport, rung: Rung) -> Fit {
    let excused = &report.quarantine.excused;
    let title = format!("\n### {} quarantined\n\n", counted(excused.len(), "failure"));
    list(page, &title, excused, rung.entries, "failure", |Excused { test, until, reason }| {
        let test = &report.tests[*test];
        let name = code_span(&test.id.to_string());
        let why = reason.as_ref().map(|reason| format!(" ({})", code_span(reason)));
        let why = why.unwrap_or_default();
        let said = excerpt(report, test, 1).into_iter().next();
        let said = said.map(|line| format!(": {}", code_span(&line))).unwrap_or_default();
        format!("- {name} {}, until {until}{why}{said}\n", test.outcome.word())
    })?;
    let remarks = report.quarantine.remarks();
    list(page, "\n### Quarantine\n\n", &remarks, rung.entries, "entry", |line| {
        format!("- {line}\n")
    })
}

fn flaky(page: &mut Page, report: &RunReport, rung: Rung) -> Fit {
    let flaky = |(_, test): &(usize, &TestReport)| test.outcome == FinalOutcome::Flaky;
    let flaky: Vec<(usize, &TestReport)> = report.tests.iter().enumerate().filter(flaky).collect();
    let title = format!("\n### {} flaky\n\n", counted(flaky.len(), "test"));
    list(page, &title, &flaky, rung.entries, "flaky test", |(at, test)| {
        let name = code_span(&test.id.to_string());
        let rate = rate_of(report, *at).map(|rate| format!(", {rate}")).unwrap_or_default();
        let tries = test.earlier.len() + 1;
        let mut out = format!("- {name}, {tries} tries, {}{rate}", place(report, test));
        if !rung.tries {
            let first = excerpt(report, test, 1).into_iter().next();
            let why = first.map(|line| format!(": {}", code_span(&line))).unwrap_or_default();
            return format!("{out}{why}\n");
        }
        out.push('\n');
        test.earlier.iter().for_each(|earlier| out.push_str(&tried(earlier, "  - ")));
        out + "  - last try passed\n"
    })
}

/// Where a test's result came from.
fn place(report: &RunReport, test: &TestReport) -> String {
    match report.place(test) {
        Place::Worker { shard, worker: _ } => format!("shard {shard}"),
        Place::File(source) => code_span(source),
    }
}

fn changes(page: &mut Page, report: &RunReport, rung: Rung) -> Fit {
    let Some(compared) = &report.compared else { return Ok(()) };
    let Comparison { base, new_failures: _, fixed, slower, added, removed, rates: _ } = compared;
    let name = |at: usize| code_span(&report.tests[at].id.to_string());
    let most = rung.entries;
    let title = |what: &str| format!("\n### {what} run {base}\n\n");
    list(page, &title("Fixed since"), fixed, most, "fixed test", |at| {
        format!("- {}\n", name(*at))
    })?;
    list(page, &title("Slower since"), slower, most, "slower test", |one| {
        format!("- {} {}\n", name(one.test), slower_text(one))
    })?;
    list(page, &title("Removed since"), removed, most, "removed test", |id| {
        format!("- {}\n", code_span(&id.to_string()))
    })?;
    list(page, &title("New since"), added, most.min(NEW_TESTS_MAX), "new test", |at| {
        format!("- {} {}\n", name(*at), report.tests[*at].outcome.word())
    })
}

/// How many new tests are named at most: there may be many, and they are harmless.
const NEW_TESTS_MAX: usize = 20;

fn fewer(page: &mut Page, report: &RunReport, rung: Rung) -> Fit {
    let title = "\n### Fewer tests than the last time\n\n";
    list(page, title, &report.fewer, rung.entries, "group", |fewer| {
        let Fewer { group, now, before } = fewer;
        format!(
            "- {}: {}, before {}\n",
            code_span(&group.to_string()),
            thousands(*now as u64),
            thousands(*before as u64)
        )
    })
}

fn shards(page: &mut Page, report: &RunReport, rung: Rung) -> Fit {
    let title = "\n### Shards\n\n\
                 | shard | groups | tests | workers | predicted | took | |\n\
                 | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
    list(page, title, &report.shards, rung.entries, "shard", |shard| {
        let ShardReport { index, total, groups, tests, workers, .. } = shard;
        format!(
            "| {index}/{total} | {} | {} | {workers} | {} | {} | {} |\n",
            thousands(*groups as u64),
            thousands(*tests as u64),
            human_time(shard.predicted_us),
            human_time(shard.actual_us),
            remarks(shard),
        )
    })?;
    let lines: Vec<String> =
        ideal::line(report).into_iter().chain(report.balance.lines()).collect();
    list(page, "\n### Balance\n\n", &lines, rung.entries, "line", |line| format!("- {line}\n"))
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

fn slowest(page: &mut Page, report: &RunReport) -> Fit {
    let title = "\n### Slowest tests\n\n| test | group | took |\n| --- | --- | ---: |\n";
    let slowest = slowest_of(report, SLOWEST_MAX);
    list(page, title, &slowest, SLOWEST_MAX, "test", |test| {
        let GroupReport { id, .. } = &report.groups[test.group];
        let (name, group) = (code_cell(&test.id.to_string()), code_cell(&id.to_string()));
        format!("| {name} | {group} | {} |\n", human_time(test.duration_us))
    })
}

#[cfg(test)]
mod tests;
