//! What stands out of a whole history: suites, and the tests that are the slowest, fail most and
//! grow fastest.

use std::cmp::Reverse;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::chart::name;
use super::growth;
use crate::history::import::IMPORTED_RUN;
use crate::history::{History, Mark, SuiteRecord, TestRecord};
use crate::model::columns::{bar, right};
use crate::model::{SuiteName, counted, human_time, one_line, thousands};

/// Columns of the longest bar.
const BAR_COLUMNS: usize = 20;
/// Columns of a figure.
const FIGURE_COLUMNS: usize = 12;
/// The narrowest column of names: a narrower terminal wraps.
const NAME_COLUMNS_MIN: usize = 12;
const GAP: &str = "  ";

/// What stands out.
#[derive(Debug)]
pub struct Overview<'h> {
    /// The suites, by name.
    pub suites: Vec<SuiteRecord<'h>>,
    /// The tests that take longest, and how long, microseconds.
    pub slowest: Vec<(TestRecord<'h>, u64)>,
    /// The tests that were flaky or failed in most runs, flaky ones first, and in how many each.
    pub flakiest: Vec<Unsteady<'h>>,
    /// The tests that grew by most, and from what to what, microseconds.
    pub growing: Vec<(TestRecord<'h>, u64, u64)>,
}

/// A test that does not always pass.
#[derive(Debug)]
pub struct Unsteady<'h> {
    /// The test.
    pub test: TestRecord<'h>,
    /// Runs in which it was flaky.
    pub flaky: usize,
    /// Runs in which it failed.
    pub failed: usize,
}

impl<'h> Overview<'h> {
    /// Of a history, or one suite of it; at most so many tests of each kind.
    #[must_use]
    pub fn new(history: &'h History, only: Option<&SuiteName>, most: usize) -> Self {
        let fits = |suite: &SuiteRecord<'_>| only.is_none_or(|only| suite.name() == only);
        let suites: Vec<SuiteRecord<'_>> = history.suites().filter(fits).collect();
        let tests = || suites.iter().flat_map(|suite| suite.tests());

        let slowest = tests().filter_map(|test| test.typical_us().map(|us| (test, us)));
        let slowest = top(slowest, most, |(_, us)| *us);
        let flakiest = tests().filter_map(|test| {
            let (flaky, failed) = (test.count(Mark::Flaky), test.count(Mark::Failed));
            // One that only ever failed is broken, not unsteady.
            let passes = flaky > 0 || !test.durations_us().is_empty();
            (flaky + failed > 0 && passes).then_some(Unsteady { test, flaky, failed })
        });
        let flakiest = top(flakiest, most, |test| (test.flaky, test.failed));
        let growing = tests().filter_map(|test| {
            let (before, now) = growth(&test)?;
            Some((test, before, now))
        });
        let growing = top(growing, most, |(_, before, now)| now - before);
        Self { suites, slowest, flakiest, growing }
    }
}

/// The greatest, by a key; of equal ones those that come first. Of the others at most as many are
/// held at a time.
fn top<T, K: Ord>(all: impl Iterator<Item = T>, most: usize, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut best: Vec<T> = Vec::new();
    let keep = |best: &mut Vec<T>| {
        best.sort_by_cached_key(|one| Reverse(key(one)));
        best.truncate(most);
    };
    for one in all {
        best.push(one);
        if best.len() > most.saturating_mul(2) {
            keep(&mut best);
        }
    }
    keep(&mut best);
    best
}

/// The overview, at most `columns` wide, with a line end after each line.
#[must_use]
pub fn render(overview: &Overview<'_>, columns: usize) -> String {
    let Overview { suites, slowest, flakiest, growing } = overview;
    let mut text = suites.iter().map(|suite| facts(*suite)).collect::<String>();
    let names = slowest.iter().map(|(test, _)| test);
    let names = names.chain(flakiest.iter().map(|unsteady| &unsteady.test));
    let names = names.chain(growing.iter().map(|(test, ..)| test));
    let widest = names.map(|test| one_line(&test.id.to_string()).width()).max().unwrap_or(0);
    let fixed = 2 * FIGURE_COLUMNS + 3 * GAP.len() + BAR_COLUMNS;
    let width = widest.min(columns.saturating_sub(fixed)).max(NAME_COLUMNS_MIN);
    let row = |test: &TestRecord<'_>, figures: [String; 2], bar: &str| {
        let [first, second] = figures.map(|figure| right(&figure, FIGURE_COLUMNS));
        let name = name(&test.id.to_string(), width);
        format!("{}\n", format!("{name}{GAP}{first}{GAP}{second}{GAP}{bar}").trim_end())
    };

    let longest = slowest.first().map_or(0, |(_, us)| *us);
    let rows = slowest.iter().map(|(test, us)| {
        row(test, [human_time(*us), String::new()], &bar(*us, longest, BAR_COLUMNS))
    });
    section(&mut text, "slowest", rows.collect());
    let rows = flakiest.iter().map(|Unsteady { test, flaky, failed }| {
        let of = |count: &usize, word: &str| {
            if *count == 0 { String::new() } else { format!("{word} {count}/{}", test.runs.len()) }
        };
        row(test, [of(flaky, "flaky"), of(failed, "failed")], "")
    });
    section(&mut text, "flakiest", rows.collect());
    let most = growing.first().map_or(0, |(_, before, now)| now - before);
    let rows = growing.iter().map(|(test, before, now)| {
        let from = format!("{} →", human_time(*before));
        row(test, [from, human_time(*now)], &bar(now - before, most, BAR_COLUMNS))
    });
    section(&mut text, "fastest-growing", rows.collect());
    text
}

fn section(text: &mut String, title: &str, rows: Vec<String>) {
    if !rows.is_empty() {
        let bold = Style::new().bold();
        text.push_str(&format!("\n{bold}{title}{bold:#}\n"));
        text.extend(rows);
    }
}

/// One suite's line.
fn facts(suite: SuiteRecord<'_>) -> String {
    let own = || suite.runs().filter(|&run| run != IMPORTED_RUN);
    let runs = match own().next_back() {
        Some(newest) => format!("{} (newest {newest})", counted(own().count(), "run")),
        None => "no run yet".to_owned(),
    };
    let imported = suite.runs().any(|run| run == IMPORTED_RUN).then(|| "an import".to_owned());
    let tests = format!(
        "{} in {}",
        counted(suite.tests().count(), "test"),
        counted(suite.groups(), "group")
    );
    let workers = suite.workers().map(|workers| {
        format!("{} worker{}", thousands(workers.into()), if workers == 1 { "" } else { "s" })
    });
    let overhead =
        suite.overhead_us().map(|us| format!("{} a group beyond its tests", human_time(us)));
    let parts = [Some(runs), imported, Some(tests), workers, overhead];
    let bold = Style::new().bold();
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{bold}{}{bold:#}: {}\n", suite.name(), parts.join(", "))
}
