//! What each worker did when, few enough pieces to draw.

use super::super::run::{Execution, RunReport};
use crate::model::Verdict;

/// Pieces of all lanes together; beyond that, neighbours that are hardly to be seen are joined.
const SPANS_MAX: usize = 6_000;

/// One worker of one shard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) shard: u32,
    pub(super) worker: u32,
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

/// Every lane that ran something, by shard and worker, and the end of the last.
pub(super) fn lanes(report: &RunReport) -> (Vec<Lane>, u64) {
    let mut spans: Vec<(u32, u32, Span)> = Vec::new();
    for (group, of) in report.groups.iter().enumerate() {
        spans.extend(of.executions.iter().map(|run| (run.shard, run.worker, span(group, run))));
    }
    spans.sort_by_key(|(shard, worker, span)| (*shard, *worker, span.from_us, span.group));
    let ends = spans.iter().map(|(.., span)| span.to_us);
    let end_us = ends.chain(report.shards.iter().map(|shard| shard.actual_us)).max().unwrap_or(0);
    let least_us = if spans.len() > SPANS_MAX { end_us / 1_000 } else { 0 };
    let mut lanes: Vec<Lane> = Vec::new();
    for (shard, worker, span) in spans {
        match lanes.last_mut().filter(|lane| (lane.shard, lane.worker) == (shard, worker)) {
            Some(lane) => lane.push(span, least_us),
            None => lanes.push(Lane { shard, worker, spans: vec![span] }),
        }
    }
    (lanes, end_us)
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
        let mut lane = Lane { shard: 1, worker: 0, spans: vec![span(0, 3, false)] };
        for next in [span(3, 6, false), span(6, 9, true), span(9, 30, false), span(30, 33, false)] {
            lane.push(next, 10);
        }
        let seen: Vec<_> = lane.spans.iter().map(|s| (s.from_us, s.to_us, s.count)).collect();
        assert_eq!(seen, [(0, 6, 2), (6, 9, 1), (9, 30, 1), (30, 33, 1)]);
    }
}
