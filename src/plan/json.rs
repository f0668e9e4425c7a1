//! The plan as JSON, a format that other programs rely on: docs/reference/plan.md.
//!
//! What is read back is checked as strictly as what is made: shards counted from 1, each group
//! once, each test once, and a fingerprint that is that of the groups. Unknown fields are ignored.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize, Serializer};

use super::{Assigned, Fingerprint, Plan, PlannedShard, Work, sort_for_start};
use crate::model::{Basis, Estimate, Group, GroupId, SHARDS_MAX, WORKERS_MAX, one_line};

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
    /// No lane at all, or absurdly many.
    #[error("the plan has {0} workers: expected 1 to {WORKERS_MAX}")]
    Workers(u32),
    /// A group that would run twice.
    #[error("the plan has group `{}` more than once", one_line(&.0.to_string()))]
    Doubled(GroupId),
    /// A part's name that no group can have.
    #[error("the plan has group `{}` as a part of a group without a name",
        one_line(&.0.to_string()))]
    Nameless(GroupId),
    /// It is not as it was made.
    #[error(
        "the plan's fingerprint is not that of its groups: it was changed, or another version of \
         evenly made it"
    )]
    Changed,
}

/// A plan that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The plan.
    pub plan: Plan,
    /// What it says of each of its groups.
    pub groups: BTreeMap<GroupId, SavedGroup>,
}

/// A group as a plan that was made before has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedGroup {
    /// The group that the framework listed, where this is a part of one.
    pub part_of: Option<GroupId>,
    /// Its tests' names, where the framework lists them.
    pub tests: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct PlanFile<S> {
    format: u32,
    fingerprint: Fingerprint,
    workers: u32,
    shards: Vec<S>,
}

#[derive(Serialize, Deserialize)]
struct ShardEntry<G> {
    index: u32,
    predicted_us: u64,
    groups: G,
}

impl<'a> ShardEntry<Entries<'a>> {
    fn of(
        shard: &'a PlannedShard,
        tests: &'a HashMap<&'a GroupId, &'a [String]>,
        parts: &'a BTreeMap<GroupId, GroupId>,
    ) -> Self {
        let PlannedShard { index, predicted_us, groups } = shard;
        let groups = Entries { groups, tests, parts };
        Self { index: *index, predicted_us: *predicted_us, groups }
    }
}

/// A shard's groups, each an entry only while it is written.
#[derive(Clone, Copy)]
struct Entries<'a> {
    groups: &'a [Assigned],
    tests: &'a HashMap<&'a GroupId, &'a [String]>,
    parts: &'a BTreeMap<GroupId, GroupId>,
}

impl<'a> Entries<'a> {
    fn entry(self, group: &'a Assigned) -> GroupEntry<'a> {
        let Assigned { id, estimate: Estimate { us, basis }, exclusive } = group;
        GroupEntry {
            id: id.clone(),
            estimate_us: *us,
            basis: *basis,
            exclusive: *exclusive,
            part_of: self.parts.get(id).map(|of| Cow::Borrowed(&*of.name)),
            tests: self.tests.get(id).map(|tests| Cow::Borrowed(*tests)),
        }
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.groups.iter().map(|group| self.entry(group)))
    }
}

#[derive(Serialize, Deserialize)]
struct GroupEntry<'a> {
    id: GroupId,
    estimate_us: u64,
    basis: Basis,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    exclusive: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part_of: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tests: Option<Cow<'a, [String]>>,
}

/// Only to find out who wrote it before the rest is understood.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// The plan of these groups as one line of JSON; `parts` are those of them that are parts, and the
/// listed group of each.
///
/// # Panics
/// Never: a plan has nothing that JSON cannot say.
#[must_use]
pub fn to_json(plan: &Plan, groups: &[Group], parts: &BTreeMap<GroupId, GroupId>) -> String {
    let Plan { fingerprint, workers, shards } = plan;
    let tests: HashMap<&GroupId, &[String]> =
        groups.iter().filter_map(|group| Some((&group.id, group.tests.as_deref()?))).collect();
    let file = PlanFile {
        format: FORMAT,
        fingerprint: fingerprint.clone(),
        workers: *workers,
        shards: shards.iter().map(|shard| ShardEntry::of(shard, &tests, parts)).collect(),
    };
    serde_json::to_string(&file).expect("a plan has only text, numbers and lists")
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// When it is not such a plan, is of a later format, is not whole, or was changed.
pub fn read(bytes: &[u8]) -> Result<Saved, ReadError> {
    let Header { format } = serde_json::from_slice(bytes)?;
    if format != FORMAT {
        return Err(ReadError::Newer(format));
    }
    let PlanFile::<ShardEntry<Vec<GroupEntry<'_>>>> { format: _, fingerprint, workers, shards } =
        serde_json::from_slice(bytes)?;
    if !(1..=WORKERS_MAX).contains(&workers) {
        return Err(ReadError::Workers(workers));
    }
    let counted = (1..).zip(&shards).all(|(index, shard): (u32, _)| shard.index == index);
    if shards.is_empty() || shards.len() > SHARDS_MAX as usize || !counted {
        return Err(ReadError::Shards);
    }
    let mut groups = BTreeMap::new();
    let mut planned = Vec::with_capacity(shards.len());
    for ShardEntry { index, predicted_us, groups: entries } in shards {
        let mut assigned = Vec::with_capacity(entries.len());
        for entry in entries {
            let (group, saved) = entry.read()?;
            if groups.insert(group.id.clone(), saved).is_some() {
                return Err(ReadError::Doubled(group.id));
            }
            assigned.push(group);
        }
        planned.push(PlannedShard { index, predicted_us, groups: assigned });
    }
    let plan = Plan { fingerprint, workers, shards: planned };
    if fingerprint_of(&plan, &groups) != plan.fingerprint {
        return Err(ReadError::Changed);
    }
    Ok(Saved { plan, groups })
}

/// The fingerprint that a plan of these groups has.
fn fingerprint_of(plan: &Plan, groups: &BTreeMap<GroupId, SavedGroup>) -> Fingerprint {
    let assigned = plan.shards.iter().flat_map(|shard| &shard.groups);
    let mut work: Vec<Work<'_>> = assigned
        .map(|Assigned { id, estimate, exclusive }| Work {
            id: id.clone(),
            estimate: *estimate,
            exclusive: *exclusive,
            tests: groups[id].tests.as_deref(),
        })
        .collect();
    sort_for_start(&mut work);
    let shards = u32::try_from(plan.shards.len()).unwrap_or(u32::MAX);
    Fingerprint::of(&work, shards, plan.workers)
}

impl GroupEntry<'_> {
    fn read(self) -> Result<(Assigned, SavedGroup), ReadError> {
        let Self { id, estimate_us, basis, exclusive, part_of, tests } = self;
        if part_of.as_ref().is_some_and(|of| of.is_empty()) {
            return Err(ReadError::Nameless(id));
        }
        let part_of = part_of.map(|of| GroupId::new(&id.suite, &of));
        let saved = SavedGroup { part_of, tests: tests.map(Cow::into_owned) };
        Ok((Assigned { id, estimate: Estimate { us: estimate_us, basis }, exclusive }, saved))
    }
}
