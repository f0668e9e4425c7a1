//! The trend of one test: a line a run, with a bar.

use anstyle::{AnsiColor, Style};

use super::growth;
use crate::history::import::IMPORTED_RUN;
use crate::history::{Mark, TestRecord};
use crate::model::columns::{bar, fit, right};
use crate::model::{counted, human_time, one_line};

/// Runs that are shown; older ones are counted.
const RUNS_SHOWN_MAX: usize = 30;

/// Columns of the longest bar.
const BAR_COLUMNS_MAX: usize = 50;

/// Columns of a duration or an outcome.
const TOOK_COLUMNS: usize = 12;

/// What stands between columns.
const GAP: &str = "  ";

/// The test's trend, at most `columns` wide, with a line end after each line.
#[must_use]
pub fn render(test: &TestRecord<'_>, columns: usize) -> String {
    let TestRecord { id, groups, runs } = test;
    let bold = Style::new().bold();
    let mut lines = vec![format!("{bold}{}{bold:#}", one_line(&id.to_string()))];
    for group in groups.iter().filter(|group| **group != &*id.name) {
        lines.push(format!("in group {}", one_line(group)));
    }
    lines.push(summary(test));
    lines.push(String::new());
    let hidden = runs.len().saturating_sub(RUNS_SHOWN_MAX);
    let shown = &runs[hidden..];
    let took = shown.iter().filter_map(|&(_, mark)| took(mark));
    let longest = took.max().unwrap_or(0);
    let numbers: Vec<String> = shown.iter().map(|&(run, _)| number(run)).collect();
    let number_columns = numbers.iter().map(String::len).max().unwrap_or(0).max("run".len());
    let bar_columns = columns
        .saturating_sub(number_columns + TOOK_COLUMNS + 2 * GAP.len())
        .clamp(1, BAR_COLUMNS_MAX);
    lines.push(format!("{}{GAP}{}", right("run", number_columns), right("took", TOOK_COLUMNS)));
    if hidden > 0 {
        lines.push(format!("{}{GAP}{hidden} earlier", right("…", number_columns)));
    }
    for (number, &(_, mark)) in numbers.iter().zip(shown) {
        let number = right(number, number_columns);
        lines.push(format!("{number}{GAP}{}", told(mark, longest, bar_columns)));
    }
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// What the test takes, where that goes, and how often it did not pass.
fn summary(test: &TestRecord<'_>) -> String {
    let typical = test
        .typical_us()
        .map_or_else(|| "never measured".to_owned(), |us| format!("typically {}", human_time(us)));
    let grows = growth(test).map(|(before, _)| format!("up from {}", human_time(before)));
    let runs = Some(format!("{} seen it", have(test.runs.len())));
    let ended = [(Mark::Failed, "failed"), (Mark::Flaky, "flaky"), (Mark::Skipped, "skipped")];
    let ended = ended.into_iter().filter_map(|(mark, word)| {
        let count = test.count(mark);
        (count > 0).then(|| format!("{word} in {count}"))
    });
    let parts: Vec<String> =
        std::iter::once(typical).chain(grows).chain(runs).chain(ended).collect();
    parts.join(", ")
}

fn have(runs: usize) -> String {
    format!("{} {}", counted(runs, "run"), if runs == 1 { "has" } else { "have" })
}

fn took(mark: Mark) -> Option<u64> {
    match mark {
        Mark::Took(us) => Some(us),
        Mark::Skipped | Mark::Flaky | Mark::Failed => None,
    }
}

fn number(run: u64) -> String {
    if run == IMPORTED_RUN { "import".to_owned() } else { run.to_string() }
}

fn told(mark: Mark, longest: u64, columns: usize) -> String {
    let marked = |colour: AnsiColor, sign: &str, word: &str| {
        let style = colour.on_default();
        format!("{style}{}{GAP}{sign}{style:#}", right(word, TOOK_COLUMNS))
    };
    match mark {
        Mark::Took(us) => {
            format!("{}{GAP}{}", right(&human_time(us), TOOK_COLUMNS), bar(us, longest, columns))
        }
        Mark::Failed => marked(AnsiColor::Red, "✗", "failed"),
        Mark::Flaky => marked(AnsiColor::Yellow, "~", "flaky"),
        Mark::Skipped => marked(AnsiColor::BrightBlack, "-", "skipped"),
    }
}

/// A name in so many columns.
pub(super) fn name(id: &str, columns: usize) -> String {
    fit(&one_line(id), columns)
}
