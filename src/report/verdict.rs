//! The run in one line.

use super::flaw::Flaw;
use super::ledger::{Doubled, Ledger};
use super::run::{RunReport, RunVerdict};
use crate::model::{counted, thousands};

/// The verdict in one line, the mark first: what every output begins or ends with. Nothing of a
/// stranger's text is in it.
#[must_use]
pub fn verdict_line(report: &RunReport) -> String {
    let groups = counted(report.ledger.planned, "group");
    let tests = counted(report.totals.tests, "test");
    let flaky = match report.totals.flaky {
        0 => String::new(),
        n => format!(", {} flaky", thousands(n as u64)),
    };
    let excused = match report.quarantine.excused.len() {
        0 => String::new(),
        n => format!(", {} quarantined", counted(n, "failure")),
    };
    if report.ledger.unproven > 0 && report.verdict != RunVerdict::Incomplete {
        return unproven_line(report, &tests, &(excused + &flaky));
    }
    match report.verdict {
        RunVerdict::Passed if report.only => {
            format!("✓ green, of what was chosen: {groups}, {tests}{flaky}{excused}")
        }
        RunVerdict::Passed => format!(
            "✓ whole and green: {groups}, {tests}, every one ran exactly once{flaky}{excused}"
        ),
        RunVerdict::Failed => format!(
            "✗ failed: {} of {tests} failed{excused}{flaky}; {groups}, every one ran exactly once",
            thousands(report.failing() as u64),
        ),
        RunVerdict::Incomplete if report.ledger.is_whole() => {
            format!("✗ nothing ran: {groups}, no test")
        }
        RunVerdict::Incomplete => format!("✗ not whole: {}", reasons(report)),
    }
}

/// Of a run, or a part of one, that nobody planned.
fn unproven_line(report: &RunReport, tests: &str, beside: &str) -> String {
    let planned = counted(report.ledger.planned, "planned group");
    let unproven = counted(report.ledger.unproven, "test");
    let proof = match report.ledger.planned {
        0 => "no plan, so that all ran is not proven".to_owned(),
        _ => format!("{planned} ran exactly once; {unproven} without a plan"),
    };
    match report.failing() {
        0 => format!("✓ green: {tests}, none failed{beside}; {proof}"),
        bad => format!("✗ failed: {} of {tests} failed{beside}; {proof}", thousands(bad as u64)),
    }
}

/// Why a run is not whole, the worst first.
fn reasons(report: &RunReport) -> String {
    let ledger = &report.ledger;
    let mut reasons = Vec::new();
    if !ledger.missing_shards.is_empty() {
        reasons.push(missing(ledger, total(report)));
    }
    match (ledger.lost_tests(), ledger.lost_groups()) {
        (0, 0) => {}
        (0, groups) => reasons.push(format!("{} did not run", counted(groups, "group"))),
        (tests, _) => reasons.push(format!("{} did not run", counted(tests, "test"))),
    }
    if !ledger.doubled.is_empty() {
        let groups = ledger.doubled.iter().filter(|d| matches!(d, Doubled::Group { .. })).count();
        reasons.push(match (groups, ledger.doubled.len() - groups) {
            (groups, 0) => format!("{} ran twice", counted(groups, "group")),
            (0, tests) => format!("{} ran twice", counted(tests, "test")),
            (groups, tests) => {
                format!("{} and {} ran twice", counted(groups, "group"), counted(tests, "test"))
            }
        });
    }
    // Where what is lost already tells the story, the flaws are told beside it, not here.
    if reasons.is_empty() {
        for brief in ledger.flaws.iter().map(Flaw::brief) {
            if !reasons.iter().any(|reason| reason == brief) {
                reasons.push(brief.to_owned());
            }
        }
    }
    if report.failing() > 0 {
        reasons.push(format!("{} failed", counted(report.failing(), "test")));
    }
    reasons.join("; ")
}

/// `shard 3/4 is missing`, `shards 2, 5-9 of 12 are missing`.
pub(super) fn missing(ledger: &Ledger, total: u32) -> String {
    match ledger.missing_shards.as_slice() {
        [one] => format!("shard {one}/{total} is missing"),
        many => format!("shards {} of {total} are missing", ranges(many)),
    }
}

/// How many shards the run has, as far as the report tells.
pub(super) fn total(report: &RunReport) -> u32 {
    let told = report.shards.iter().map(|shard| shard.total);
    told.chain(report.ledger.missing_shards.iter().copied()).max().unwrap_or(0)
}

/// Ascending numbers as `1, 3-5, 9`.
fn ranges(numbers: &[u32]) -> String {
    let parts: Vec<String> = numbers
        .chunk_by(|a, b| a + 1 == *b)
        .map(|run| match run {
            [first, .., last] => format!("{first}-{last}"),
            one => one.iter().map(ToString::to_string).collect(),
        })
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        assert_eq!(ranges(&[1, 3, 4, 5, 9, 10]), "1, 3-5, 9-10");
        assert_eq!(ranges(&[7]), "7");
    }
}
