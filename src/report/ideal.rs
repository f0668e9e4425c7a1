//! A run's time against what it could have been.

use super::run::RunReport;
use crate::model::{counted, human_time};

/// The same work in the best of all plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ideal {
    /// The longest shard, microseconds.
    pub(super) took_us: u64,
    /// All groups shared out evenly over all workers, or the longest of them, microseconds.
    pub(super) best_us: u64,
    /// Workers of all shards.
    pub(super) workers: usize,
}

/// None of a run on one worker, or one that is not whole.
pub(super) fn of(report: &RunReport) -> Option<Ideal> {
    let workers: usize = report.shards.iter().map(|shard| shard.workers as usize).sum();
    let took_us = report.shards.iter().map(|shard| shard.actual_us).max()?;
    if workers < 2 || took_us == 0 || !report.ledger.is_whole() {
        return None;
    }
    let runs = || report.groups.iter().flat_map(|group| &group.executions);
    let work: u128 = runs().map(|run| u128::from(run.duration_us)).sum();
    let even_us = u64::try_from(work / workers as u128).unwrap_or(u64::MAX);
    let longest_us = runs().map(|run| run.duration_us).max().unwrap_or(0);
    Some(Ideal { took_us, best_us: even_us.max(longest_us).min(took_us), workers })
}

/// The same in a line.
pub(super) fn line(report: &RunReport) -> Option<String> {
    let Ideal { took_us, best_us, workers } = of(report)?;
    Some(format!(
        "the longest shard took {}; in the best of all plans {} would take {}",
        human_time(took_us),
        counted(workers, "worker"),
        human_time(best_us)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome::Passed;
    use crate::model::TestResult;
    use crate::report::testing::{Log, joined, result};

    #[test]
    fn the_ideal_is_an_even_share_or_the_longest_group() {
        let found = &[("a", None), ("b", None)];
        let shard = |index: u32, group: &str, duration_us| {
            let test = TestResult { duration_us, ..result(group, Passed) };
            let log = Log::new(index, 2).workers(1).finds("s", found).plans(&[group]);
            log.runs_results(group, vec![test]).ends()
        };
        // A group of the builder takes 5 ms more than its tests.
        let report = joined(vec![shard(1, "s:a", 95_000), shard(2, "s:b", 5_000)]);
        assert_eq!(of(&report).unwrap(), Ideal { took_us: 100_000, best_us: 100_000, workers: 2 });
        let two = |log: Log| {
            let test = |name: &str| TestResult { duration_us: 45_000, ..result(name, Passed) };
            log.runs_results("s:a", vec![test("x")]).runs_results("s:b", vec![test("y")]).ends()
        };
        let one = Log::new(1, 1).workers(2).finds("s", found).plans(&["s:a", "s:b"]);
        let report = joined(vec![two(one)]);
        assert_eq!(of(&report).unwrap(), Ideal { took_us: 100_000, best_us: 50_000, workers: 2 });
        let line = line(&report).unwrap();
        assert_eq!(
            line,
            "the longest shard took 100 ms; in the best of all plans 2 workers would take 50 ms"
        );
    }

    #[test]
    fn one_worker_has_nothing_to_share() {
        let log = Log::new(1, 1).workers(1).finds("s", &[("a", None)]).plans(&["s:a"]);
        assert_eq!(of(&joined(vec![log.runs("s:a", &[("x", Passed)]).ends()])), None);
    }
}
