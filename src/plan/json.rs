//! The plan as JSON, a format that other programs rely on: docs/reference/plan.md.
//!
//! What is read back is checked as strictly as what is made: shards counted from 1, each group
//! once. Unknown fields are ignored.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Assigned, Fingerprint, Plan, PlannedShard};
use crate::model::{Basis, Estimate, GroupId, SHARDS_MAX, one_line};

/// The version of the format.
pub const FORMAT: u32 = 1;

/// Why a plan could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON, or not of this shape.
    #[error("not a plan as `evenly plan --json` writes it: {0}")]
    Form(#[from] serde_json::Error),
    /// A later evenly wrote it.
    #[error(
        "the plan has format {0}, and this evenly reads {FORMAT}: use the evenly that wrote it"
    )]
    Newer(u32),
    /// Not `1, 2, 3, …`.
    #[error("the plan's shards are not counted 1, 2, 3, … up to at most {SHARDS_MAX}")]
    Shards,
    /// No lane at all.
    #[error("the plan has 0 workers: expected at least 1")]
    Workers,
    /// A group that would run twice.
    #[error("the plan has group `{}` more than once", one_line(&.0.to_string()))]
    Doubled(GroupId),
}

#[derive(Serialize, Deserialize)]
struct PlanFile {
    format: u32,
    fingerprint: Fingerprint,
    workers: u32,
    shards: Vec<ShardEntry>,
}

#[derive(Serialize, Deserialize)]
struct ShardEntry {
    index: u32,
    predicted_us: u64,
    groups: Vec<GroupEntry>,
}

#[derive(Serialize, Deserialize)]
struct GroupEntry {
    id: GroupId,
    estimate_us: u64,
    basis: Basis,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    exclusive: bool,
}

/// Only to find out who wrote it before the rest is understood.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// The plan as one line of JSON.
///
/// # Panics
/// Never: a plan has nothing that JSON cannot say.
#[must_use]
pub fn to_json(plan: &Plan) -> String {
    let Plan { fingerprint, workers, shards } = plan;
    let file = PlanFile {
        format: FORMAT,
        fingerprint: fingerprint.clone(),
        workers: *workers,
        shards: shards.iter().map(ShardEntry::of).collect(),
    };
    serde_json::to_string(&file).expect("a plan has only text, numbers and lists")
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// When it is not such a plan, is of a later format, or is not whole.
pub fn read(bytes: &[u8]) -> Result<Plan, ReadError> {
    let Header { format } = serde_json::from_slice(bytes)?;
    if format != FORMAT {
        return Err(ReadError::Newer(format));
    }
    let PlanFile { format: _, fingerprint, workers, shards } = serde_json::from_slice(bytes)?;
    if workers == 0 {
        return Err(ReadError::Workers);
    }
    let counted = (1..).zip(&shards).all(|(index, shard): (u32, _)| shard.index == index);
    if shards.is_empty() || shards.len() > SHARDS_MAX as usize || !counted {
        return Err(ReadError::Shards);
    }
    let plan =
        Plan { fingerprint, workers, shards: shards.into_iter().map(ShardEntry::read).collect() };
    match first_doubled(&plan) {
        Some(id) => Err(ReadError::Doubled(id.clone())),
        None => Ok(plan),
    }
}

fn first_doubled(plan: &Plan) -> Option<&GroupId> {
    let mut seen = HashSet::new();
    plan.shards
        .iter()
        .flat_map(|shard| &shard.groups)
        .map(|group| &group.id)
        .find(|id| !seen.insert(*id))
}

impl ShardEntry {
    fn of(shard: &PlannedShard) -> Self {
        let PlannedShard { index, predicted_us, groups } = shard;
        let groups = groups.iter().map(GroupEntry::of).collect();
        Self { index: *index, predicted_us: *predicted_us, groups }
    }

    fn read(self) -> PlannedShard {
        let Self { index, predicted_us, groups } = self;
        let groups = groups.into_iter().map(GroupEntry::read).collect();
        PlannedShard { index, predicted_us, groups }
    }
}

impl GroupEntry {
    fn of(group: &Assigned) -> Self {
        let Assigned { id, estimate: Estimate { us, basis }, exclusive } = group;
        Self { id: id.clone(), estimate_us: *us, basis: *basis, exclusive: *exclusive }
    }

    fn read(self) -> Assigned {
        let Self { id, estimate_us, basis, exclusive } = self;
        Assigned { id, estimate: Estimate { us: estimate_us, basis }, exclusive }
    }
}
