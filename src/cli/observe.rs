//! From a report's observations to the history's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::history::{Base, Estimator, Observation, Seen, Speeds, SuiteFacts, Timed};
use crate::model::GroupId;
use crate::report::journal::Journal;
use crate::report::observations::{self, Observations, Overhead, SuiteSeen, TestSeen};
use crate::report::{
    self, Comparison, Fewer, FinalOutcome, FoundGroup, GroupReport, Input, RunReport,
};

/// Parts of groups, and the listed group of each.
pub(super) type Parts = BTreeMap<GroupId, Arc<str>>;

/// The parts that the journals tell of.
pub(super) fn parts(inputs: &[Input]) -> Parts {
    let journals = inputs.iter().filter_map(|input| input.journal.as_ref().ok());
    let mut parts = Parts::new();
    for suite in journals.flat_map(|journal| &journal.discovered) {
        for FoundGroup { name, tests: _, part_of } in &suite.groups {
            let id = || GroupId::new(&suite.suite, name);
            parts.extend(part_of.as_ref().map(|of| (id(), Arc::clone(of))));
        }
    }
    parts
}

/// Adds the listed groups that ran fewer tests than the last time, all their parts together: of the
/// parts themselves the history knows nothing.
pub(super) fn fewer_in_parts(
    report: &mut RunReport,
    parts: &Parts,
    last_time: impl Fn(&GroupId) -> Option<usize>,
) {
    let lost: BTreeSet<&GroupId> = report.ledger.lost.iter().map(|lost| &lost.group).collect();
    // None where one of its parts did not come to its end: that is told as lost.
    let mut ran: BTreeMap<GroupId, Option<usize>> = BTreeMap::new();
    for GroupReport { id, tests, .. } in &report.groups {
        let Some(of) = parts.get(id) else { continue };
        let sum = ran.entry(GroupId::new(&id.suite, of)).or_insert(Some(0));
        *sum = sum.filter(|_| !lost.contains(id)).map(|sum| sum + tests);
    }
    let fewer = ran.into_iter().filter_map(|(group, now)| {
        let (now, before) = (now?, last_time(&group)?);
        (now < before).then_some(Fewer { group, now, before })
    });
    let fewer: Vec<Fewer> = fewer.collect();
    report.fewer.extend(fewer);
    report.fewer.sort_by(|a, b| a.group.cmp(&b.group));
}

/// What a shard cost beside its groups, microseconds: the median of the shards that came to their
/// end by themselves. None where none tells.
pub(super) fn fixed_us(inputs: &[Input]) -> Option<u64> {
    let journals = inputs.iter().filter_map(|input| input.journal.as_ref().ok());
    let mut fixed: Vec<u64> = journals.filter_map(beside_groups_us).collect();
    fixed.sort_unstable();
    fixed.get(fixed.len() / 2).copied()
}

/// From the command's start to the first group's, and from the last group's end to the shard's.
fn beside_groups_us(journal: &Journal) -> Option<u64> {
    let before_us = journal.started.before_us?;
    let end = journal.finished.as_ref().filter(|_| journal.stopping.is_none())?;
    let runs = &journal.executions;
    let first = runs.iter().map(|run| run.at_us.saturating_sub(run.duration_us)).min()?;
    let last = runs.iter().map(|run| run.at_us).max()?;
    Some(before_us.saturating_add(first).saturating_add(end.at_us.saturating_sub(last)))
}

/// What the history takes in of a run: all times as on machines of one speed, which is told from
/// what was known `before`, and those speeds. The history knows the groups that are listed: their
/// parts change with what it tells.
pub(super) fn observe(
    report: &RunReport,
    before: &Estimator<'_>,
    parts: &Parts,
) -> (Vec<Observation>, Vec<SuiteFacts>, Speeds) {
    let Observations { run: _, tests, suites } = observations::observe(report);
    let seen: Vec<Timed> = tests.iter().map(|test| timed(test, parts)).collect();
    let speeds = Speeds::of(before, &seen);
    let facts = suites.into_iter().map(|suite| facts(suite, &speeds)).collect();
    (speeds.evened(seen), facts, speeds)
}

/// What is different from what was known before.
pub(super) fn compared<'r>(
    report: &'r RunReport,
    before: Base<'_>,
    parts: &'r Parts,
    speeds: &Speeds,
) -> Option<Comparison> {
    let listed = |group: &'r GroupId| parts.get(group).map_or(&*group.name, |of| &**of);
    report::compare(report, before, listed, |shard, us| speeds.even_out(shard, us))
}

fn timed(test: &TestSeen<'_>, parts: &Parts) -> Timed {
    let TestSeen { id, group, shard, duration_us, outcome } = *test;
    let group = parts.get(group).map_or(&*group.name, |of| &**of);
    let seen = match outcome {
        FinalOutcome::Passed => Seen::Passed(duration_us),
        FinalOutcome::Skipped => Seen::Skipped,
        FinalOutcome::Flaky => Seen::Flaky,
        FinalOutcome::Failed | FinalOutcome::Errored => Seen::Failed,
    };
    let observation = Observation { test: id.clone(), group: group.into(), seen };
    Timed { shard, observation }
}

fn facts(suite: SuiteSeen<'_>, speeds: &Speeds) -> SuiteFacts {
    let SuiteSeen { suite, workers, overheads } = suite;
    let even = |Overhead { group: _, shard, us }| speeds.even_out(shard, us);
    let overheads_us = overheads.into_iter().map(even).collect();
    SuiteFacts { suite: suite.clone(), workers, overheads_us }
}
