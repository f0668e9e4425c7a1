//! `report.json`, for other programs: `docs/reference/report-json.md` tells every field.

mod changes;
mod tested;

use std::io;

use serde::{Serialize, Serializer};

use crate::model::{Basis, Estimate, GroupId, RunKey, Verdict};

use super::balance::{Balance, Slow, Stale, Unmeasured};
use super::ledger::{Ledger, Lost, stop_text};
use super::run::{
    Execution, Fewer, FileReport, GroupReport, RunReport, RunVerdict, ShardEnd, ShardReport, Totals,
};
use changes::{
    ComparedView, DatabaseView, QuarantineView, compared_view, database_view, quarantine_view,
};
use tested::Tests;

/// The version of the file's format; a change that a reader must know of raises it.
pub const FORMAT: u32 = 1;

/// The report as JSON, one line, with a newline at its end.
///
/// # Errors
/// As `out`.
pub fn render(report: &RunReport, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &document(report))?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    verdict: &'static str,
    exit: u8,
    run: Run<'a>,
    totals: TotalsView,
    ledger: LedgerView,
    shards: Vec<ShardView<'a>>,
    groups: Seq<'a, GroupReport, GroupView<'a>>,
    tests: Tests<'a>,
    fewer: Seq<'a, Fewer, FewerView<'a>>,
    balance: BalanceView<'a>,
    only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<ComparedView<'a>>,
    quarantine: QuarantineView<'a>,
    files: Seq<'a, FileReport, FileView<'a>>,
}

#[derive(Serialize)]
struct FileView<'a> {
    source: &'a str,
    cases: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<String>,
}

fn file_view(file: &FileReport) -> FileView<'_> {
    let FileReport { source, cases, started } = file;
    FileView { source, cases: *cases, started: started.map(|at| at.to_string()) }
}

fn document(report: &RunReport) -> Document<'_> {
    let RunReport {
        verdict,
        exit,
        run,
        totals,
        ledger,
        shards,
        groups,
        tests,
        fewer,
        balance,
        only,
        compared,
        quarantine,
        files,
    } = report;
    let RunKey { id, number, attempt } = run;
    let Totals { tests: all, passed, failed, errored, skipped, flaky } = *totals;
    Document {
        format: FORMAT,
        verdict: match verdict {
            RunVerdict::Passed => "passed",
            RunVerdict::Failed => "failed",
            RunVerdict::Incomplete => "incomplete",
        },
        exit: exit.code(),
        run: Run { id: id.as_deref(), number: *number, attempt: *attempt },
        totals: TotalsView { tests: all, passed, failed, errored, skipped, flaky },
        ledger: ledger_view(ledger),
        shards: shards.iter().map(shard_view).collect(),
        groups: Seq(groups, group_view),
        tests: Tests { groups, tests },
        fewer: Seq(fewer, fewer_view),
        balance: balance_view(balance),
        only: *only,
        compared: compared.as_ref().map(|compared| compared_view(compared, tests)),
        quarantine: quarantine_view(quarantine, tests),
        files: Seq(files, file_view),
    }
}

/// A list whose entries are made while it is written, so that a million need no memory.
struct Seq<'a, T, V>(&'a [T], fn(&'a T) -> V);

impl<T, V: Serialize> Serialize for Seq<'_, T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

#[derive(Serialize)]
struct Run<'a> {
    id: Option<&'a str>,
    number: Option<u64>,
    attempt: u32,
}

#[derive(Serialize)]
struct TotalsView {
    tests: usize,
    passed: usize,
    failed: usize,
    errored: usize,
    skipped: usize,
    flaky: usize,
}

#[derive(Serialize)]
struct LedgerView {
    planned: usize,
    unproven: usize,
    lost: Vec<String>,
    doubled: Vec<String>,
    missing_shards: Vec<u32>,
    reasons: Vec<Reason>,
    problems: Vec<Line>,
    notes: Vec<Line>,
}

#[derive(Serialize)]
struct Reason {
    group: String,
    tests: usize,
    why: String,
}

#[derive(Serialize)]
struct Line {
    kind: &'static str,
    text: String,
}

fn ledger_view(ledger: &Ledger) -> LedgerView {
    let Ledger { planned, unproven, lost, doubled: _, missing_shards, flaws, notes } = ledger;
    let reason = |Lost { group, tests, why }: &Lost| Reason {
        group: group.to_string(),
        tests: tests.len(),
        why: why.to_string(),
    };
    LedgerView {
        planned: *planned,
        unproven: *unproven,
        lost: ledger.lost_ids(),
        doubled: ledger.doubled_ids(),
        missing_shards: missing_shards.clone(),
        reasons: lost.iter().map(reason).collect(),
        problems: flaws.iter().map(|f| Line { kind: f.kind(), text: f.to_string() }).collect(),
        notes: notes.iter().map(|n| Line { kind: n.kind(), text: n.to_string() }).collect(),
    }
}

#[derive(Serialize)]
struct ShardView<'a> {
    index: u32,
    total: u32,
    attempt: u32,
    predicted_us: u64,
    actual_us: u64,
    groups: usize,
    tests: usize,
    workers: u32,
    host: &'a str,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_us: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    databases: Vec<DatabaseView<'a>>,
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    source: &'a str,
    superseded: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

fn shard_view(shard: &ShardReport) -> ShardView<'_> {
    let ShardReport {
        index,
        total,
        attempt,
        source,
        superseded,
        config,
        partial,
        host,
        started,
        workers,
        before_us,
        databases,
        predicted_us,
        actual_us,
        groups,
        tests,
        end,
    } = shard;
    let (end, stopped) = match end {
        ShardEnd::Finished => ("finished", None),
        ShardEnd::Stopped(stop) => ("stopped", Some(stop_text(stop))),
        ShardEnd::Cut => ("killed", None),
    };
    ShardView {
        index: *index,
        total: *total,
        attempt: *attempt,
        predicted_us: *predicted_us,
        actual_us: *actual_us,
        groups: *groups,
        tests: *tests,
        workers: *workers,
        host,
        started: started.to_string(),
        before_us: *before_us,
        databases: databases.iter().map(database_view).collect(),
        end,
        stopped,
        source,
        superseded,
        config: config.as_deref(),
        partial: *partial,
    }
}

#[derive(Serialize)]
struct GroupView<'a> {
    id: &'a GroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<Basis>,
    tests: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    executions: Vec<ExecutionView<'a>>,
}

fn group_view(group: &GroupReport) -> GroupView<'_> {
    let GroupReport { id, planned, tests, executions, began: _ } = group;
    let estimate = planned.map(|(_, Estimate { us, basis })| (us, basis));
    GroupView {
        id,
        shard: planned.map(|(shard, _)| shard),
        estimate_us: estimate.map(|(us, _)| us),
        basis: estimate.map(|(_, basis)| basis),
        tests: *tests,
        problem: group.problem(),
        executions: executions.iter().map(execution_view).collect(),
    }
}

#[derive(Serialize)]
struct ExecutionView<'a> {
    shard: u32,
    attempt: u32,
    worker: u32,
    verdict: Verdict,
    at_us: u64,
    duration_us: u64,
    end: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    leaked: &'a [String],
}

fn execution_view(execution: &Execution) -> ExecutionView<'_> {
    let Execution {
        shard,
        attempt,
        worker,
        at_us,
        duration_us,
        end,
        verdict,
        problem,
        leaked,
        output: _,
    } = execution;
    ExecutionView {
        shard: *shard,
        attempt: *attempt,
        worker: *worker,
        verdict: *verdict,
        at_us: *at_us,
        duration_us: *duration_us,
        end: end.to_string(),
        problem: problem.as_ref().map(|problem| problem.describe(end)),
        leaked,
    }
}

#[derive(Serialize)]
struct FewerView<'a> {
    group: &'a GroupId,
    now: usize,
    before: usize,
}

fn fewer_view(fewer: &Fewer) -> FewerView<'_> {
    let Fewer { group, now, before } = fewer;
    FewerView { group, now: *now, before: *before }
}

#[derive(Serialize)]
struct BalanceView<'a> {
    longest_us: u64,
    shortest_us: u64,
    unmeasured: UnmeasuredView,
    slow: Vec<SlowView>,
    stale: Seq<'a, Stale, StaleView<'a>>,
    advice: Vec<Line>,
}

#[derive(Serialize)]
struct UnmeasuredView {
    groups: usize,
    took_us: u64,
}

#[derive(Serialize)]
struct SlowView {
    shard: u32,
    percent: u64,
}

#[derive(Serialize)]
struct StaleView<'a> {
    group: &'a GroupId,
    estimate_us: u64,
    took_us: u64,
}

fn balance_view(balance: &Balance) -> BalanceView<'_> {
    let Balance { longest_us, shortest_us, unmeasured, slow, stale, advice } = balance;
    let Unmeasured { groups, took_us } = *unmeasured;
    let slow_view = |&Slow { shard, percent }: &Slow| SlowView { shard, percent };
    BalanceView {
        longest_us: *longest_us,
        shortest_us: *shortest_us,
        unmeasured: UnmeasuredView { groups, took_us },
        slow: slow.iter().map(slow_view).collect(),
        stale: Seq(stale, |Stale { group, estimate_us, took_us }| StaleView {
            group,
            estimate_us: *estimate_us,
            took_us: *took_us,
        }),
        advice: advice.iter().map(|a| Line { kind: a.kind(), text: a.to_string() }).collect(),
    }
}

#[cfg(test)]
mod tests;
