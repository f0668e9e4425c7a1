//! Which groups are planned: those that were listed, or parts of those that are more than their
//! share.
//!
//! Pure and independent of the order of the groups: all shards of a run make the same parts from
//! the same history. Every test of a group is in exactly one of its parts, in the group's order.
//! Groups are split only where that makes the run shorter, what their parts cost included, and
//! no part has less in its tests than a group costs beyond them.

mod cut;

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::lanes::{self, Job};
use crate::model::{Estimate, Granularity, Group, GroupId, Member, Nesting};
use cut::Whole;

/// How much finer than a lane's share parts are tried, from the coarsest on.
const FINER: [u64; 5] = [1, 2, 4, 8, 16];

/// Finer parts must make the plan better by more than one part in so many.
const WORTH: u128 = 100;

/// What must be known of groups to split them.
pub struct Ways<'a> {
    /// How long a group, or a part of one, is expected to take.
    pub estimate: &'a dyn Fn(&Group) -> Estimate,
    /// How long each of its listed tests takes by itself, microseconds, in the group's order.
    pub tests_us: &'a dyn Fn(&Group) -> Vec<u64>,
    /// Where a test's name can be cut; none where the group cannot be split.
    pub nesting: &'a dyn Fn(&Group, &str) -> Option<Nesting>,
    /// What selects a part of a group.
    pub members: &'a dyn Fn(&Group, &[Unit<'_>]) -> Vec<Member>,
    /// What is asked for.
    pub granularity: &'a dyn Fn(&Group) -> Granularity,
    /// Whether the group, or the class of this name, must stay whole.
    pub keeps: &'a dyn Fn(&GroupId) -> bool,
}

/// A module, class, function or test of a group that is whole in one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit<'a> {
    /// Its name: what its tests' names begin with.
    pub name: &'a str,
    /// Its tests, in the group's order.
    pub tests: Vec<&'a str>,
}

/// Groups that can be split, for any number of lanes.
pub struct Grainer<'a> {
    items: Vec<Item<'a>>,
    ways: &'a Ways<'a>,
}

/// What runs long and cannot be split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longest {
    /// A group, or the part of one that a single test or class would be.
    pub id: GroupId,
    /// How long it takes, microseconds.
    pub us: u64,
}

impl<'a> Grainer<'a> {
    /// Looks at groups, whose ids are unique.
    #[must_use]
    pub fn new(groups: &'a [Group], ways: &'a Ways<'a>) -> Self {
        let mut items: Vec<Item<'_>> = groups.iter().map(|group| Item::new(group, ways)).collect();
        items.sort_by(|a, b| a.group.id.cmp(&b.group.id));
        Self { items, ways }
    }

    /// When each of so many shards will be done, microseconds from its start; both numbers at
    /// least 1.
    #[must_use]
    pub fn predict(&self, shards: u32, workers: u32) -> Vec<u64> {
        self.choose(shards, workers).predicted_us
    }

    /// The parts for `shards × workers` lanes, both at least 1.
    #[must_use]
    pub fn parts(&self, shards: u32, workers: u32) -> Parts {
        let Choice { cuts, predicted_us: _ } = self.choose(shards, workers);
        let mut parts = BTreeMap::new();
        if cuts.iter().all(Vec::is_empty) {
            return Parts(parts);
        }
        let mut taken: HashSet<GroupId> =
            self.items.iter().map(|item| item.group.id.clone()).collect();
        for (item, cut) in self.items.iter().zip(&cuts) {
            if let Some(made) = item.parts(cut, self.ways, &taken) {
                taken.extend(made.iter().map(|part| part.id.clone()));
                parts.insert(item.group.id.clone(), made);
            }
        }
        Parts(parts)
    }

    /// How long all of it takes on one shard if its lanes are even, microseconds.
    #[must_use]
    pub fn on_one_shard_us(&self, workers: u32) -> u64 {
        share_us(&self.items, 1, workers)
    }

    /// What takes longest of all that cannot be split any further, the first of equals.
    #[must_use]
    pub fn longest(&self) -> Option<Longest> {
        let mut items: Vec<&Item<'_>> = self.items.iter().collect();
        items.sort_by_key(|item| Reverse(item.estimate.us));
        let mut longest: Option<Longest> = None;
        for item in items {
            if longest.as_ref().is_some_and(|longest| longest.us >= item.estimate.us) {
                break;
            }
            let found = item.longest(self.ways);
            if longest.as_ref().is_none_or(|longest| found.us > longest.us) {
                longest = Some(found);
            }
        }
        longest
    }
}

/// Parts of one group that were made before: the positions of each part's tests. None where it
/// cannot be split.
pub(super) fn parts_of(group: &Group, cut: &[Vec<usize>], ways: &Ways<'_>) -> Option<Vec<Group>> {
    let whole = Whole::of(group, (ways.estimate)(group), ways)?;
    let parts = cut.iter().filter(|part| !part.is_empty());
    let parts: Vec<Group> = parts.map(|part| whole.part(part, ways)).collect();
    (parts.len() == cut.len()).then_some(parts)
}

/// The groups that are to be split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts(BTreeMap<GroupId, Vec<Group>>);

/// The groups that are planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grained {
    /// By id.
    pub groups: Vec<Group>,
    /// Those that are parts, and the listed group of each.
    pub parts: BTreeMap<GroupId, GroupId>,
}

impl Parts {
    /// Parts made before, by the group that they are of.
    pub(super) fn new(parts: BTreeMap<GroupId, Vec<Group>>) -> Self {
        Self(parts)
    }

    /// Puts the parts in the places of their groups.
    #[must_use]
    pub fn replace(self, listed: Vec<Group>) -> Grained {
        let Self(mut made) = self;
        let mut parts = BTreeMap::new();
        let (mut groups, whole): (Vec<Group>, Vec<Group>) = if made.is_empty() {
            (listed, Vec::new())
        } else {
            listed.into_iter().partition(|group| !made.contains_key(&group.id))
        };
        for group in whole {
            let made = made.remove(&group.id).unwrap_or_default();
            parts.extend(made.iter().map(|part| (part.id.clone(), group.id.clone())));
            groups.extend(made);
        }
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        Grained { groups, parts }
    }
}

/// Parts of one group as positions of tests; one part or none is the group as it is.
type Cut = Vec<Vec<usize>>;

/// A group, and what is found out of it when it is needed.
struct Item<'a> {
    group: &'a Group,
    estimate: Estimate,
    granularity: Granularity,
    /// None where it cannot be split; most are never asked.
    whole: OnceCell<Option<Box<Whole<'a>>>>,
}

impl<'a> Item<'a> {
    fn new(group: &'a Group, ways: &Ways<'_>) -> Self {
        let granularity = (ways.granularity)(group);
        Self { group, estimate: (ways.estimate)(group), granularity, whole: OnceCell::new() }
    }

    fn whole(&self, ways: &Ways<'_>) -> Option<&Whole<'a>> {
        self.whole
            .get_or_init(|| Whole::of(self.group, self.estimate, ways).map(Box::new))
            .as_deref()
    }

    /// Its parts where a lane's load should be `limit_us`.
    fn cut(&self, limit_us: u64, ways: &Ways<'_>) -> Cut {
        match self.granularity {
            Granularity::File => Vec::new(),
            Granularity::Class => self.whole(ways).map_or_else(Vec::new, Whole::classes),
            Granularity::Test => self.whole(ways).map_or_else(Vec::new, Whole::tests),
            Granularity::Auto if self.estimate.us <= limit_us => Vec::new(),
            Granularity::Auto => {
                let keeps = |name: &str| (ways.keeps)(&GroupId::new(&self.group.id.suite, name));
                self.whole(ways).map_or_else(Vec::new, |whole| whole.parts(limit_us, &keeps))
            }
        }
    }

    /// What takes longest of it however finely it is split.
    fn longest(&self, ways: &Ways<'_>) -> Longest {
        let uncut = || Longest { id: self.group.id.clone(), us: self.estimate.us };
        let cut = self.cut(0, ways);
        let Some(whole) = self.whole(ways).filter(|_| cut.len() > 1) else { return uncut() };
        let slowest = cut.iter().max_by_key(|part| (whole.us(part), Reverse(part[0])));
        let part =
            |part: &Vec<usize>| Longest { id: whole.part(part, ways).id, us: whole.us(part) };
        slowest.map_or_else(uncut, part)
    }

    /// What the lanes see of a cut.
    fn jobs(&self, cut: &Cut, ways: &Ways<'_>, jobs: &mut Vec<Job>) {
        let exclusive = self.group.exclusive;
        match self.whole(ways).filter(|_| cut.len() > 1) {
            None => jobs.push(Job { us: self.estimate.us, exclusive }),
            Some(whole) => {
                jobs.extend(cut.iter().map(|part| Job { us: whole.us(part), exclusive }));
            }
        }
    }

    /// The parts as groups. None where it stays whole, or a part would have the name of something
    /// else.
    fn parts(&self, cut: &Cut, ways: &Ways<'_>, taken: &HashSet<GroupId>) -> Option<Vec<Group>> {
        let whole = self.whole(ways).filter(|_| cut.len() > 1)?;
        let parts: Vec<Group> = cut.iter().map(|part| whole.part(part, ways)).collect();
        let mut ids = HashSet::new();
        let unique = parts.iter().all(|part| !taken.contains(&part.id) && ids.insert(&part.id));
        unique.then_some(parts)
    }
}

/// How groups are split, and what comes of it.
struct Choice {
    cuts: Vec<Cut>,
    /// When each shard is done, microseconds.
    predicted_us: Vec<u64>,
}

impl Choice {
    fn us(&self) -> u64 {
        self.predicted_us.iter().copied().max().unwrap_or(0)
    }
}

impl Grainer<'_> {
    /// Tries finer and finer parts, and takes the coarsest that are about as good as the best.
    fn choose(&self, shards: u32, workers: u32) -> Choice {
        let share = share_us(&self.items, shards, workers);
        let mut tried: Vec<Choice> = Vec::new();
        for limit_us in [u64::MAX].into_iter().chain(FINER.map(|finer| share / finer)) {
            let cuts = self.cuts(limit_us);
            if tried.last().is_some_and(|before| before.cuts == cuts) {
                continue;
            }
            tried.push(self.choice(cuts, shards, workers));
            // Nothing can be done in less than an even share of it.
            if tried.last().is_some_and(|choice| about(choice.us(), share)) {
                break;
            }
        }
        let best = tried.iter().map(Choice::us).min().unwrap_or(0);
        if tried.len() > 1 && !about(best, share) {
            // Something that cannot be split holds up all: what is shorter need not be split.
            tried.insert(1, self.choice(self.cuts(best), shards, workers));
        }
        let chosen = tried.into_iter().find(|choice| about(choice.us(), best));
        chosen.expect("the best is about as good as itself")
    }

    fn cuts(&self, limit_us: u64) -> Vec<Cut> {
        self.items.iter().map(|item| item.cut(limit_us, self.ways)).collect()
    }

    fn choice(&self, cuts: Vec<Cut>, shards: u32, workers: u32) -> Choice {
        let mut jobs = Vec::with_capacity(cuts.len());
        for (item, cut) in self.items.iter().zip(&cuts) {
            item.jobs(cut, self.ways, &mut jobs);
        }
        jobs.sort_by_key(|job| (!job.exclusive, Reverse(job.us)));
        Choice { cuts, predicted_us: lanes::place(&jobs, shards, workers).predicted_us }
    }
}

/// Whether `us` is at most a hundredth above `best`.
fn about(us: u64, best: u64) -> bool {
    u128::from(us) * WORTH <= u128::from(best) * (WORTH + 1)
}

/// An even share of a lane, microseconds. An exclusive group takes all lanes of its shard.
fn share_us(items: &[Item<'_>], shards: u32, workers: u32) -> u64 {
    let lanes = |item: &Item<'_>| if item.group.exclusive { u128::from(workers) } else { 1 };
    let all: u128 = items.iter().map(|item| u128::from(item.estimate.us) * lanes(item)).sum();
    let share = all.div_ceil(u128::from(shards) * u128::from(workers));
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
