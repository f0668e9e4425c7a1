//! What each worker did when, few enough pieces to draw.

use std::collections::{HashMap, HashSet};

use super::super::run::{Execution, RunReport, ShardReport};
use crate::model::Verdict;

/// Pieces of all lanes together; beyond that, neighbours that are hardly to be seen are joined.
const SPANS_MAX: usize = 6_000;

/// Workers that ran nothing and are drawn all the same.
const IDLE_MAX: usize = 500;

/// One worker of one shard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) shard: u32,
    pub(super) worker: u32,
    /// When its shard's clock starts, since its command did, microseconds.
    pub(super) begins_us: u64,
    /// In the order of time.
    pub(super) spans: Vec<Span>,
}

/// A time in which a worker ran something. Microseconds since its shard started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_us: u64,
    pub(super) to_us: u64,
    pub(super) bad: bool,
    /// Executions in it.
    pub(super) count: usize,
    /// The first one's group, an index into the report's groups.
    pub(super) group: usize,
    /// The first one's attempt.
    pub(super) attempt: u32,
}

/// How long a shard's command took before its clock started: to list, to plan, and to make
/// databases ready, microseconds.
pub(super) fn set_up(shard: &ShardReport) -> u64 {
    let databases = shard.databases.iter().map(|one| one.took_us);
    databases.chain(shard.before_us).fold(0, u64::saturating_add)
}

/// Every lane by shard and worker, also those that ran nothing, and the end of the last.
pub(super) fn lanes(report: &RunReport) -> (Vec<Lane>, u64) {
    let begins: HashMap<u32, u64> =
        report.shards.iter().map(|shard| (shard.index, set_up(shard))).collect();
    let mut spans: Vec<(u32, u32, Span)> = Vec::new();
    for (group, of) in report.groups.iter().enumerate() {
        spans.extend(of.executions.iter().map(|run| (run.shard, run.worker, span(group, run))));
    }
    spans.sort_by_key(|(shard, worker, span)| (*shard, *worker, span.from_us, span.group));
    let begin = |shard: u32| begins.get(&shard).copied().unwrap_or(0);
    let ends = spans.iter().map(|(shard, _, span)| (*shard, span.to_us));
    let ends = ends.chain(report.shards.iter().map(|shard| (shard.index, shard.actual_us)));
    let end_us = ends.map(|(shard, us)| us.saturating_add(begin(shard))).max().unwrap_or(0);
    let least_us = if spans.len() > SPANS_MAX { end_us / 1_000 } else { 0 };
    let mut lanes: Vec<Lane> = Vec::new();
    for (shard, worker, span) in spans {
        let same = |lane: &&mut Lane| (lane.shard, lane.worker) == (shard, worker);
        if let Some(lane) = lanes.last_mut().filter(same) {
            lane.push(span, least_us);
        } else {
            let begins_us = begin(shard);
            lanes.push(Lane { shard, worker, begins_us, spans: vec![span] });
        }
    }
    add_idle(&mut lanes, report);
    (lanes, end_us)
}

/// Adds the workers that ran nothing, unless there are too many.
fn add_idle(lanes: &mut Vec<Lane>, report: &RunReport) {
    let busy: HashSet<(u32, u32)> = lanes.iter().map(|lane| (lane.shard, lane.worker)).collect();
    let all = report.shards.iter().flat_map(|shard| (0..shard.workers).map(move |w| (shard, w)));
    let idle = all.filter(|(shard, worker)| !busy.contains(&(shard.index, *worker)));
    lanes.extend(idle.take(IDLE_MAX).map(|(shard, worker)| Lane {
        shard: shard.index,
        worker,
        begins_us: set_up(shard),
        spans: Vec::new(),
    }));
    lanes.sort_by_key(|lane| (lane.shard, lane.worker));
}

fn span(group: usize, run: &Execution) -> Span {
    let from_us = run.at_us.saturating_sub(run.duration_us);
    let bad = run.verdict == Verdict::Failed;
    Span { from_us, to_us: run.at_us, bad, count: 1, group, attempt: run.attempt }
}

impl Lane {
    /// Adds what came next; joined with what came before where both are short, alike and close.
    fn push(&mut self, next: Span, least_us: u64) {
        if let Some(last) = self.spans.last_mut() {
            let short = next.to_us.saturating_sub(last.from_us) < least_us;
            let close = next.from_us.saturating_sub(last.to_us) < least_us;
            if short && close && last.bad == next.bad {
                last.to_us = last.to_us.max(next.to_us);
                last.count += next.count;
                return;
            }
        }
        self.spans.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_us: u64, to_us: u64, bad: bool) -> Span {
        Span { from_us, to_us, bad, count: 1, group: 0, attempt: 1 }
    }

    #[test]
    fn short_neighbours_are_joined_unless_one_failed() {
        let mut lane = Lane { shard: 1, worker: 0, begins_us: 0, spans: vec![span(0, 3, false)] };
        for next in [span(3, 6, false), span(6, 9, true), span(9, 30, false), span(30, 33, false)] {
            lane.push(next, 10);
        }
        let seen: Vec<_> = lane.spans.iter().map(|s| (s.from_us, s.to_us, s.count)).collect();
        assert_eq!(seen, [(0, 6, 2), (6, 9, 1), (9, 30, 1), (30, 33, 1)]);
    }
}
