//! Turns the journals round: from what each shard did to what happened to each group.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::mem;
use std::sync::Arc;

use crate::model::{Estimate, GroupId, Shard, Stop, TestId};

use super::ended::Ended;
use super::flaw::{DiscoveryDiff, Flaw, Note, PlanCause};
use super::journal::{Discovered, Journal, Planned};
use super::listed::{FoundGroup, Listed};
use super::run::{ShardEnd, ShardReport};
use super::select::Chosen;

/// What happened to one group in the whole run. Shards are indices into [`Gathered::shards`].
#[derive(Default)]
pub(super) struct Work {
    /// Whether a shard found it or was given it.
    pub(super) planned: bool,
    /// Its tests, where the framework lists them: all that any shard listed.
    pub(super) listed: Option<Listed>,
    /// The shard that it was given to.
    pub(super) assigned: Option<(usize, Estimate)>,
    /// Its executions, in the order of the shards, then of time.
    pub(super) runs: Vec<(usize, Ended)>,
    /// The shard whose journal ends while it ran.
    pub(super) running: Option<usize>,
    /// The shard that gave it up, and why.
    pub(super) not_run: Option<(usize, Stop)>,
}

#[derive(Default)]
pub(super) struct Gathered {
    pub(super) shards: Vec<ShardReport>,
    pub(super) works: BTreeMap<GroupId, Work>,
    pub(super) flaws: Vec<Flaw>,
    pub(super) notes: Vec<Note>,
}

/// What all shards must agree on, as the first of them with a plan says it.
struct Base {
    shard: Shard,
    evenly: String,
    plan: Option<(String, u32)>,
}

impl Base {
    fn of(journal: &Journal) -> Self {
        Self {
            shard: journal.started.shard,
            evenly: journal.started.evenly.clone(),
            plan: journal.planned.as_ref().map(|plan| (plan.fingerprint.clone(), plan.workers)),
        }
    }
}

pub(super) fn gather(mut chosen: Vec<Chosen>) -> Gathered {
    let mut gathered = Gathered::default();
    let first = chosen.iter().position(|chosen| chosen.journal.planned.is_some());
    let mut known = Vec::new();
    if let Some(first) = first {
        known = mem::take(&mut chosen[first].journal.discovered);
        let base = Base::of(&chosen[first].journal);
        let others = chosen.iter().enumerate().filter(|(at, _)| *at != first);
        gathered.flaws =
            others.filter_map(|(_, other)| disagreement(&base, &known, &other.journal)).collect();
    }
    for Chosen { source, mut journal, superseded } in chosen {
        gathered.tell(&source, &journal);
        gathered.shards.push(shard_report(source, superseded, &journal));
        // Equal lists, the rule, are taken in once.
        if journal.discovered != known {
            gathered.discover(mem::take(&mut journal.discovered));
        }
        gathered.absorb(journal);
    }
    gathered.discover(known);
    gathered
}

impl Gathered {
    fn tell(&mut self, source: &str, journal: &Journal) {
        let shard = journal.started.shard;
        let source = || source.to_owned();
        if journal.planned.is_none() {
            self.flaws.push(Flaw::NoPlan { shard, source: source() });
        }
        if let Some((line, why)) = journal.damaged.first.first() {
            self.flaws.push(Flaw::Damaged {
                source: source(),
                lines: journal.damaged.lines,
                line: *line,
                why: why.clone(),
            });
        }
        if journal.torn {
            self.notes.push(Note::Torn { shard, source: source() });
        }
        if journal.unknown > 0 {
            self.notes.push(Note::UnknownEvents { source: source(), events: journal.unknown });
        }
        if journal.started.partial && !self.notes.contains(&Note::Partial) {
            self.notes.push(Note::Partial);
        }
    }

    fn absorb(&mut self, journal: Journal) {
        let Journal {
            started: _,
            discovered: _,
            databases: _,
            planned,
            executions,
            running,
            stopping: _,
            finished,
            last_us: _,
            torn: _,
            damaged: _,
            unknown: _,
        } = journal;
        let shard = self.shards.len() - 1;
        for assigned in planned.into_iter().flat_map(|planned| planned.assigned) {
            let work = self.works.entry(assigned.group).or_default();
            work.planned = true;
            work.assigned.get_or_insert((shard, assigned.estimate));
        }
        for run in executions {
            self.works.entry(run.group.clone()).or_default().runs.push((shard, run));
        }
        for group in running {
            self.works.entry(group).or_default().running = Some(shard);
        }
        for not_run in finished.into_iter().flat_map(|finished| finished.not_run) {
            self.works.entry(not_run.group).or_default().not_run = Some((shard, not_run.why));
        }
    }

    fn discover(&mut self, suites: Vec<Arc<Discovered>>) {
        for Discovered { suite, groups } in suites.into_iter().map(Arc::unwrap_or_clone) {
            for FoundGroup { name, tests, part_of: _ } in groups {
                let work = self.works.entry(GroupId::new(&suite, &name)).or_default();
                work.planned = true;
                match (&mut work.listed, tests) {
                    (Some(known), Some(tests)) => known.extend(&tests),
                    (Some(_), None) => {}
                    (listed @ None, tests) => *listed = tests,
                }
            }
        }
    }
}

fn shard_report(source: String, superseded: Vec<String>, journal: &Journal) -> ShardReport {
    let started = &journal.started;
    ShardReport {
        index: started.shard.index,
        total: started.shard.total,
        attempt: started.run.attempt,
        source,
        superseded,
        config: started.config.clone(),
        partial: started.partial,
        host: started.host.clone(),
        started: started.started,
        workers: started.workers,
        before_us: started.before_us,
        databases: journal.databases.clone(),
        predicted_us: journal.planned.as_ref().map_or(0, predicted_us),
        actual_us: journal.last_us,
        groups: 0,
        tests: 0,
        end: match (&journal.stopping, &journal.finished) {
            (Some(stop), Some(_)) => ShardEnd::Stopped(stop.clone()),
            (None, Some(_)) => ShardEnd::Finished,
            (_, None) => ShardEnd::Cut,
        },
    }
}

/// How long the plan thought a shard takes: its groups in their order, each on the worker that is
/// free first.
fn predicted_us(planned: &Planned) -> u64 {
    let lanes = (planned.workers.max(1) as usize).min(planned.assigned.len().max(1));
    let mut free_at: BinaryHeap<Reverse<u64>> = (0..lanes).map(|_| Reverse(0)).collect();
    let mut end = 0;
    for assigned in &planned.assigned {
        let Reverse(start) = free_at.pop().unwrap_or_default();
        let until = start.saturating_add(assigned.estimate.us);
        end = end.max(until);
        free_at.push(Reverse(until));
    }
    end
}

/// What a shard says otherwise than the base.
fn disagreement(base: &Base, discovered: &[Arc<Discovered>], journal: &Journal) -> Option<Flaw> {
    let planned = journal.planned.as_ref()?;
    let shard = journal.started.shard;
    let found = || diff(base.shard, discovered, shard, &journal.discovered);
    if let Some(diff) = (discovered != journal.discovered).then(found).flatten() {
        return Some(Flaw::DiscoveryDiffers(Box::new(diff)));
    }
    let (fingerprint, workers) = base.plan.as_ref()?;
    if *fingerprint == planned.fingerprint {
        return None;
    }
    let cause = if base.evenly != journal.started.evenly {
        PlanCause::Versions(base.evenly.clone(), journal.started.evenly.clone())
    } else if *workers != planned.workers {
        PlanCause::Workers(*workers, planned.workers)
    } else {
        PlanCause::Histories
    };
    Some(Flaw::PlansDiffer { base: base.shard, shard, cause })
}

type Found<'a> = BTreeMap<GroupId, Option<Vec<&'a str>>>;

/// What the frameworks listed: parts are back in their groups.
fn found(suites: &[Arc<Discovered>]) -> Found<'_> {
    let mut found = Found::new();
    for list in suites {
        let Discovered { suite, groups } = &**list;
        for FoundGroup { name, tests, part_of } in groups {
            let id = GroupId::new(suite, part_of.as_ref().unwrap_or(name));
            let tests = tests.as_ref().map(Listed::names);
            match (found.entry(id).or_insert_with(|| tests.is_some().then(Vec::new)), tests) {
                (Some(known), Some(tests)) => known.extend(tests),
                (known, _) => *known = None,
            }
        }
    }
    found
}

/// What two shards found differently; none when only the order differs, or how it was split.
fn diff(
    base: Shard,
    ours: &[Arc<Discovered>],
    shard: Shard,
    theirs: &[Arc<Discovered>],
) -> Option<DiscoveryDiff> {
    let (ours, mut theirs) = (found(ours), found(theirs));
    let mut diff = DiscoveryDiff {
        base,
        shard,
        groups_lacking: Vec::new(),
        groups_extra: Vec::new(),
        tests_lacking: Vec::new(),
        tests_extra: Vec::new(),
        half_listed: Vec::new(),
    };
    for (id, ours) in ours {
        match (ours, theirs.remove(&id)) {
            (_, None) => diff.groups_lacking.push(id),
            (Some(ours), Some(Some(theirs))) => {
                diff.tests_lacking.extend(only_in(&id, &ours, &theirs));
                diff.tests_extra.extend(only_in(&id, &theirs, &ours));
            }
            (None, Some(None)) => {}
            (Some(_), Some(None)) | (None, Some(Some(_))) => diff.half_listed.push(id),
        }
    }
    diff.groups_extra.extend(theirs.into_keys());
    let DiscoveryDiff {
        base: _,
        shard: _,
        groups_lacking,
        groups_extra,
        tests_lacking,
        tests_extra,
        half_listed,
    } = &diff;
    let same = groups_lacking.is_empty()
        && groups_extra.is_empty()
        && tests_lacking.is_empty()
        && tests_extra.is_empty()
        && half_listed.is_empty();
    (!same).then_some(diff)
}

fn only_in(group: &GroupId, ours: &[&str], theirs: &[&str]) -> Vec<TestId> {
    if ours == theirs {
        return Vec::new();
    }
    let theirs: HashSet<&str> = theirs.iter().copied().collect();
    ours.iter()
        .filter(|name| !theirs.contains(*name))
        .map(|name| TestId::new(&group.suite, name))
        .collect()
}
