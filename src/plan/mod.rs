//! Which shard runs which group.
//!
//! A pure function of its arguments: the same work gives the same plan on every machine, whatever
//! the order it comes in, and each group is in exactly one shard. Durations are integer
//! microseconds, ties are broken by id; no float and no hash order decides anything.

mod fingerprint;
mod granularity;
mod json;
mod lanes;
mod rules;
mod saved;
mod sizing;
mod table;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

pub use fingerprint::Fingerprint;
pub use granularity::{Grained, Grainer, Longest, Parts, Unit, Ways};
pub use json::{FORMAT, ReadError, Saved, SavedGroup, read, to_json};
pub use rules::{CircleError, Pattern, PatternError, Rule, Ruled, apply};
pub use saved::{Difference, adopt};
pub use sizing::{Met, Size, Sizing, Wish, size};
pub use table::{Detail, render};

pub use crate::model::WORKERS_MAX;
use crate::model::{Estimate, GroupId, SHARDS_MAX, Shard, one_line};
use lanes::{Job, Placement};

/// How many names an error lists.
const NAMED_MAX: usize = 5;

/// A group, as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work<'a> {
    /// Its name.
    pub id: GroupId,
    /// How long it is expected to take.
    pub estimate: Estimate,
    /// Whether it must be alone on its shard while it runs.
    pub exclusive: bool,
    /// Its tests, where they are listed: shards that collected different tests must not take
    /// their plans for the same.
    pub tests: Option<&'a [String]>,
}

/// Every group's shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Equal in all shards of a run, or the run is not whole.
    pub fingerprint: Fingerprint,
    /// Lanes a shard that the plan reckoned with.
    pub workers: u32,
    /// The shards, by index, none left out.
    pub shards: Vec<PlannedShard>,
}

/// One shard's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedShard {
    /// From 1.
    pub index: u32,
    /// When its last worker should be done, microseconds from its start.
    pub predicted_us: u64,
    /// Its groups in the order in which they start: exclusive ones, then longest first, ties by
    /// id.
    pub groups: Vec<Assigned>,
}

/// A group in its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The group.
    pub id: GroupId,
    /// How long it is expected to take.
    pub estimate: Estimate,
    /// Whether nothing else may run beside it.
    pub exclusive: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two groups of one name: all such names, sorted.
    #[error("groups must have different ids, but these come more than once: {}", names(.0))]
    Duplicate(Vec<GroupId>),
    /// No shards, or absurdly many.
    #[error("a run cannot have {0} shards: expected 1 to {SHARDS_MAX}")]
    Shards(u32),
    /// No workers, or absurdly many.
    #[error("a shard cannot have {0} workers: expected 1 to {WORKERS_MAX}")]
    Workers(u32),
}

/// Makes the plan: longest group first onto the least loaded of `shards × workers` lanes, exclusive
/// groups before all others on all lanes of their shard. Of equally loaded lanes each shard's first
/// comes before any second, so that few groups use many shards.
///
/// # Errors
/// When two groups have the same id, or a number is 0 or beyond its limit.
///
/// # Panics
/// Never, unless a group would be lost: a broken plan must not run.
pub fn make(mut work: Vec<Work<'_>>, shards: u32, workers: u32) -> Result<Plan, PlanError> {
    if !(1..=SHARDS_MAX).contains(&shards) {
        return Err(PlanError::Shards(shards));
    }
    if !(1..=WORKERS_MAX).contains(&workers) {
        return Err(PlanError::Workers(workers));
    }
    let doubled = doubled(&work);
    if !doubled.is_empty() {
        return Err(PlanError::Duplicate(doubled));
    }
    sort_for_start(&mut work);
    let fingerprint = Fingerprint::of(&work, shards, workers);
    let jobs: Vec<Job> =
        work.iter().map(|work| Job { us: work.estimate.us, exclusive: work.exclusive }).collect();
    let placement = lanes::place(&jobs, shards, workers);
    Ok(Plan { fingerprint, workers, shards: deal(work, placement) })
}

/// How long the longest shard takes with groups of these times, longest first, none of them
/// exclusive; microseconds. Both numbers are at least 1.
#[must_use]
pub fn makespan(times_us: &[u64], shards: u32, workers: u32) -> u64 {
    let jobs: Vec<Job> = times_us.iter().map(|&us| Job { us, exclusive: false }).collect();
    lanes::place(&jobs, shards, workers).predicted_us.into_iter().max().unwrap_or(0)
}

impl Plan {
    /// What one shard has to run.
    ///
    /// # Panics
    /// When `shard` is of another number of shards than the plan.
    #[must_use]
    pub fn shard(&self, shard: Shard) -> &PlannedShard {
        assert_eq!(shard.total as usize, self.shards.len(), "a shard of another plan");
        &self.shards[shard.index as usize - 1]
    }

    /// How many groups all shards have together.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.shards.iter().map(|shard| shard.groups.len()).sum()
    }
}

/// Hands the groups, in start order, to their shards.
fn deal(work: Vec<Work<'_>>, placement: Placement) -> Vec<PlannedShard> {
    let Placement { shard_of, predicted_us } = placement;
    let total = work.len();
    let mut shards: Vec<PlannedShard> = (1..)
        .zip(predicted_us)
        .map(|(index, predicted_us)| PlannedShard { index, predicted_us, groups: Vec::new() })
        .collect();
    assert_eq!(shard_of.len(), total, "each group has exactly one shard");
    for (Work { id, estimate, exclusive, tests: _ }, shard) in work.into_iter().zip(shard_of) {
        shards[shard as usize].groups.push(Assigned { id, estimate, exclusive });
    }
    // Ids are unique and each was moved: nothing is doubled if nothing is lost.
    let dealt: usize = shards.iter().map(|shard| shard.groups.len()).sum();
    assert_eq!(dealt, total, "each group is in exactly one shard");
    shards
}

/// The ids that occur more than once, sorted.
fn doubled(work: &[Work<'_>]) -> Vec<GroupId> {
    // As discovery hands them over, and much quicker to see than a set is to fill.
    if work.is_sorted_by(|a, b| a.id < b.id) {
        return Vec::new();
    }
    let mut seen = HashSet::with_capacity(work.len());
    let twice = work.iter().map(|work| &work.id).filter(|id| !seen.insert(*id));
    let twice: BTreeSet<&GroupId> = twice.collect();
    twice.into_iter().cloned().collect()
}

/// Exclusive groups first, then the longest, ties by id. Ids are compared only where they must be:
/// sorting a million scattered ones would take most of the planning.
fn sort_for_start(work: &mut [Work<'_>]) {
    let key = |work: &Work<'_>| (!work.exclusive, Reverse(work.estimate.us));
    work.sort_by_cached_key(key);
    for ties in work.chunk_by_mut(|a, b| key(a) == key(b)) {
        ties.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// The first few ids, for an error message.
fn names(ids: &[GroupId]) -> String {
    let shown = ids.iter().take(NAMED_MAX).map(|id| format!("`{}`", one_line(&id.to_string())));
    let text = shown.collect::<Vec<_>>().join(", ");
    match ids.len().saturating_sub(NAMED_MAX) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
