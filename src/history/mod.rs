//! What earlier runs taught: how long tests take and how they end.
//!
//! A history is a value: it is read from bytes, taught by runs and written to bytes, and the same
//! runs give the same bytes in whatever order they were recorded. Run numbers only grow, every
//! observation carries its run's, and [`Estimator`] sees what came before a given run: so all
//! shards and attempts of a run see the same, whatever was saved since (as long as no more than
//! [`MEASURED_MAX`] − [`RECENT`] later runs pushed it out).

mod base;
mod estimate;
pub mod export;
mod file;
mod fixed;
pub mod import;
mod line;
mod near;
mod partial;
mod runs;
pub mod show;
mod single;
mod speed;
#[cfg(test)]
mod tests;
mod update;
mod view;

use std::collections::{BTreeMap, BTreeSet};

pub use base::{Base, Before, RATE_RUNS, Rate, SuiteBase};
pub use estimate::{DEFAULT_US, Estimator, RECENT};
pub use file::{FORMAT, HistoryError, Warning};
pub use speed::{Speeds, Timed};
pub use update::{Observation, Seen, SuiteFacts};
pub use view::{Mark, SuiteRecord, TestRecord};

use line::TestHistory;
use runs::RunSet;

use crate::model::{SuiteName, WORKERS_MAX};

/// Durations kept for each test.
pub const MEASURED_MAX: usize = 12;

/// Runs kept for each suite; a test that none of them saw is forgotten.
pub const RUNS_MAX: usize = 50;

/// The longest duration that is believed: 30 days, microseconds.
pub const DURATION_US_MAX: u64 = 30 * 24 * 3_600 * 1_000_000;

/// Whether a plan can be made for so many workers. What is not believed is never kept: it would
/// make every later plan fail.
fn is_workers(count: u32) -> bool {
    (1..=WORKERS_MAX).contains(&count)
}

/// Everything that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    suites: BTreeMap<SuiteName, SuiteHistory>,
    /// What a shard of a run cost beside its groups, microseconds: the newest runs.
    fixed: BTreeMap<u64, u64>,
    /// Runs of some groups alone, and runs that were not whole: the newest.
    partial: BTreeSet<u64>,
}

/// What is known of one suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct SuiteHistory {
    /// Its newest runs, ascending. Whatever a test remembers is of one of them.
    runs: Vec<RunFacts>,
    /// By name and group.
    tests: Vec<TestHistory>,
}

/// What is known of one run of one suite.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RunFacts {
    run: u64,
    /// Workers of each shard.
    workers: Option<u32>,
    /// What a group takes beyond its tests, microseconds: the run's median.
    overhead_us: Option<u64>,
}

impl History {
    /// The number after the newest run's, for where no CI counts runs.
    #[must_use]
    pub fn next_run(&self) -> u64 {
        let newest = self.suites.values().filter_map(|suite| suite.runs.last());
        newest.map(|facts| facts.run).max().map_or(1, |run| run.saturating_add(1))
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.suites.is_empty()
    }

    /// How many tests are known; one that was in two groups counts twice.
    #[must_use]
    pub fn tests(&self) -> usize {
        self.suites.values().map(|suite| suite.tests.len()).sum()
    }
}

impl SuiteHistory {
    /// The runs for whose numbers `holds` does.
    fn runs_where(&self, holds: impl Fn(u64) -> bool) -> RunSet {
        let runs = self.runs.iter().enumerate().filter(|(_, facts)| holds(facts.run));
        runs.map(|(at, _)| at).collect()
    }

    /// The number of the run at a position.
    fn number(&self, at: usize) -> u64 {
        self.runs[at].run
    }
}
