//! Joins the journals of a run into its report.

use std::collections::{BTreeSet, HashMap};
use std::mem;

use crate::exit::Exit;
use crate::model::{GroupId, Shard, TestId};

use super::balance::balance;
use super::flaw::{Flaw, Note};
use super::fold::{Folded, Place, fold};
use super::foreign::Foreign;
use super::gather::{Gathered, Work, gather};
use super::journal::{Journal, JournalError};
use super::ledger::{Doubled, Ledger, Lost, LostWhy};
use super::quarantine::Quarantine;
use super::run::{
    Fewer, FileReport, GroupReport, RunReport, RunVerdict, ShardEnd, ShardReport, TestReport,
    Totals,
};
use super::select::{Selection, select};

/// One journal, or why it could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it came from, for messages.
    pub source: String,
    /// What [`super::journal::parse`] said.
    pub journal: Result<Journal, JournalError>,
}

/// Joins the journals of a run. `last_time` says how many tests a group ran the last time, where
/// the history knows.
///
/// The order of the inputs does not matter. Takes time in proportion to what the journals hold
/// (times the logarithm that sorting costs), and copies no output.
pub fn merge(inputs: Vec<Input>, last_time: impl Fn(&GroupId) -> Option<usize>) -> RunReport {
    merge_with(inputs, Foreign::default(), last_time)
}

/// As [`merge`], with what JUnit files of other tools tell.
pub fn merge_with(
    inputs: Vec<Input>,
    mut foreign: Foreign,
    last_time: impl Fn(&GroupId) -> Option<usize>,
) -> RunReport {
    let Selection { run, chosen, missing, mut flaws, mut notes } = select(inputs);
    let only = chosen.iter().any(|chosen| chosen.journal.started.partial);
    if !foreign.is_empty() {
        flaws.retain(|flaw| !matches!(flaw, Flaw::NoJournal));
    }
    flaws.append(&mut foreign.flaws);
    notes.append(&mut foreign.notes);
    let Gathered { mut shards, works, flaws: more_flaws, notes: more_notes } = gather(chosen);
    flaws.extend(more_flaws);
    notes.extend(more_notes);

    let mut joined = Joined {
        plan_missing: !missing.is_empty()
            || flaws.iter().any(|flaw| matches!(flaw, Flaw::NoPlan { .. })),
        ledger: Ledger { missing_shards: missing, flaws, notes, ..Ledger::default() },
        groups: Vec::with_capacity(works.len()),
        tests: Vec::new(),
        fewer: Vec::new(),
        unplanned: Vec::new(),
    };
    for (id, work) in works {
        joined.add(id, work, &shards, &last_time);
    }
    joined.settle();
    let files = joined.take_in(foreign);
    let Joined { plan_missing: _, ledger, groups, tests, fewer, unplanned: _ } = joined;

    let mut totals = Totals::default();
    for test in &tests {
        totals.add(test.outcome);
    }
    count_shards(&mut shards, &groups, &tests);
    let nothing_planned = ledger.planned == 0 && (!shards.is_empty() || files.is_empty());
    let (verdict, exit) = judge(&ledger, &totals, nothing_planned);
    let balance = balance(&ledger, &shards, &groups);
    RunReport {
        verdict,
        exit,
        run,
        totals,
        ledger,
        shards,
        groups,
        tests,
        fewer,
        balance,
        files,
        only,
        compared: None,
        quarantine: Quarantine::default(),
    }
}

fn judge(ledger: &Ledger, totals: &Totals, nothing_planned: bool) -> (RunVerdict, Exit) {
    if !ledger.is_whole() {
        (RunVerdict::Incomplete, Exit::NotWhole)
    } else if nothing_planned || totals.tests == 0 {
        (RunVerdict::Incomplete, Exit::Nothing)
    } else if totals.bad() > 0 {
        (RunVerdict::Failed, Exit::Failed)
    } else {
        (RunVerdict::Passed, Exit::Passed)
    }
}

struct Joined {
    /// Whether some shard's plan is not here.
    plan_missing: bool,
    ledger: Ledger,
    groups: Vec<GroupReport>,
    tests: Vec<TestReport>,
    fewer: Vec<Fewer>,
    /// Groups that ran although nobody found them.
    unplanned: Vec<GroupId>,
}

impl Joined {
    fn add(
        &mut self,
        id: GroupId,
        work: Work,
        shards: &[ShardReport],
        last_time: impl Fn(&GroupId) -> Option<usize>,
    ) {
        let index = self.groups.len();
        if work.planned {
            self.ledger.planned += 1;
        } else {
            self.unplanned.push(id.clone());
        }
        let why = self.why_lost(&work, shards);
        let Folded { group, tests, without_result, unlisted, ends } =
            fold(id, work, Place { index, shards });
        let id = &group.id;
        if !unlisted.is_empty() {
            self.ledger.notes.push(Note::Unlisted { group: id.clone(), tests: unlisted });
        }
        if ends.is_empty() || !without_result.is_empty() {
            let why = if ends.is_empty() { why } else { LostWhy::NoResult };
            let name =
                |name: String| TestId { suite: id.suite.clone(), name: name.into_boxed_str() };
            let tests = without_result.into_iter().map(name).collect();
            self.ledger.lost.push(Lost { group: id.clone(), tests, why });
        }
        if ends.len() > 1 {
            let shards = ends.iter().map(|&at| shard_of(&shards[at])).collect();
            let tests = Vec::new();
            self.ledger.doubled.push(Doubled::Group { group: id.clone(), tests, shards });
        }
        if let (1.., Some(before)) = (ends.len(), last_time(id))
            && group.tests < before
        {
            self.fewer.push(Fewer { group: id.clone(), now: group.tests, before });
        }
        self.groups.push(group);
        self.tests.extend(tests);
    }

    /// Leaves each test once, and settles what only all groups together can tell.
    fn settle(&mut self) {
        if !self.unplanned.is_empty() {
            self.ledger.flaws.push(Flaw::Unplanned(mem::take(&mut self.unplanned)));
        }
        self.tests.sort_by(|a, b| a.id.cmp(&b.id));
        self.tell_apart();
        let mut once: Vec<TestReport> = Vec::with_capacity(self.tests.len());
        let mut tests = mem::take(&mut self.tests).into_iter().peekable();
        while let Some(mut worst) = tests.next() {
            let mut groups = BTreeSet::from([worst.group]);
            let mut doubled = false;
            while let Some(other) = tests.next_if(|other| other.id == worst.id) {
                doubled = true;
                groups.insert(other.group);
                if other.outcome > worst.outcome {
                    worst = other;
                }
            }
            if doubled {
                self.double(&worst.id, &groups);
            }
            once.push(worst);
        }
        self.tests = once;

        // A listed test that another group reported did run.
        let tests = &self.tests;
        let ran = |id: &TestId| tests.binary_search_by(|test| test.id.cmp(id)).is_ok();
        self.ledger.lost.retain_mut(|lost| {
            lost.tests.retain(|id| !ran(id));
            !(lost.tests.is_empty() && lost.why == LostWhy::NoResult)
        });
    }

    /// Takes in what nobody planned, in suites of its own.
    fn take_in(&mut self, mut foreign: Foreign) -> Vec<FileReport> {
        foreign.avoid(self.groups.iter().map(|group| &group.id.suite));
        let Foreign { groups, mut tests, files, flaws: _, notes: _ } = foreign;
        self.ledger.unproven = tests.len();
        let offset = self.groups.len();
        if offset == 0 {
            self.groups = groups;
            self.tests = tests;
            return files;
        }
        self.groups.extend(groups);
        for test in &mut tests {
            test.group += offset;
        }
        self.tests.append(&mut tests);
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by(|&a, &b| self.groups[a].id.cmp(&self.groups[b].id));
        let mut places = vec![0; order.len()];
        for (place, &group) in order.iter().enumerate() {
            places[group] = place;
        }
        self.groups.sort_by(|a, b| a.id.cmp(&b.id));
        for test in &mut self.tests {
            test.group = places[test.group];
        }
        self.tests.sort_by(|a, b| a.id.cmp(&b.id));
        files
    }

    /// Tests of one name in different groups are different tests where no framework listed them:
    /// each gets its group's name too.
    fn tell_apart(&mut self) {
        let mut renamed = false;
        for same in self.tests.chunk_by_mut(|a, b| a.id == b.id) {
            let first = same[0].group;
            let in_several = same.iter().any(|test| test.group != first);
            if !in_several || same.iter().any(|test| test.listed) {
                continue;
            }
            renamed = true;
            for test in same {
                let group = &self.groups[test.group].id.name;
                test.rename(&format!("{} [{group}]", test.id.name));
            }
        }
        if renamed {
            self.tests.sort_by(|a, b| a.id.cmp(&b.id));
        }
    }

    fn double(&mut self, test: &TestId, groups: &BTreeSet<usize>) {
        let ids: Vec<GroupId> = groups.iter().map(|&at| self.groups[at].id.clone()).collect();
        if let [only] = ids.as_slice() {
            // The groups that ran twice stand there in the order of their ids.
            let found = self.ledger.doubled.binary_search_by(|doubled| match doubled {
                Doubled::Group { group, .. } => group.cmp(only),
                Doubled::Test { .. } => std::cmp::Ordering::Greater,
            });
            if let Ok(at) = found
                && let Doubled::Group { tests, .. } = &mut self.ledger.doubled[at]
            {
                tests.push(test.clone());
                return;
            }
        }
        self.ledger.doubled.push(Doubled::Test { test: test.clone(), groups: ids });
    }

    /// Why a group did not come to its end, if it did not.
    fn why_lost(&self, work: &Work, shards: &[ShardReport]) -> LostWhy {
        if let Some(at) = work.running {
            return LostWhy::Killed(shard_of(&shards[at]));
        }
        if let Some((at, stop)) = &work.not_run {
            return LostWhy::Stopped(shard_of(&shards[*at]), stop.clone());
        }
        if !work.runs.is_empty() {
            return LostWhy::NotRetried;
        }
        if let Some((at, _)) = work.assigned {
            let shard = shard_of(&shards[at]);
            return match &shards[at].end {
                ShardEnd::Finished => LostWhy::Unaccounted(shard),
                ShardEnd::Stopped(stop) => LostWhy::Stopped(shard, stop.clone()),
                ShardEnd::Cut => LostWhy::NeverReached(shard),
            };
        }
        if self.plan_missing { LostWhy::ShardMissing } else { LostWhy::Unassigned }
    }
}

fn shard_of(shard: &ShardReport) -> Shard {
    Shard { index: shard.index, total: shard.total }
}

fn count_shards(shards: &mut [ShardReport], groups: &[GroupReport], tests: &[TestReport]) {
    let at: HashMap<u32, usize> =
        shards.iter().enumerate().map(|(at, shard)| (shard.index, at)).collect();
    for last in groups.iter().filter_map(|group| group.executions.last()) {
        shards[at[&last.shard]].groups += 1;
    }
    for test in tests {
        if let Some(&at) = at.get(&test.shard) {
            shards[at].tests += 1;
        }
    }
}

#[cfg(test)]
mod tests;
