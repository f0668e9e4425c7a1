//! An attempt that goes on from the one before: what stands of it is carried into the new journal,
//! and what does not runs again as further executions of the same groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::super::only;
use super::super::print::{note, warn};
use crate::discover::Discovery;
use crate::framework::{Selection, retry_selection};
use crate::model::{Event, Group, GroupFinished, GroupId, counted};
use crate::plan::{Assigned, Plan};
use crate::report::journal::Journal;
use crate::report::{self, Input, LostWhy, RunReport};
use crate::sink::{Sink, SinkError};

/// An attempt before at the same shard of the same run.
pub(in crate::cli) struct Earlier {
    pub(super) source: String,
    pub(super) journal: Journal,
}

/// What an attempt has from the one before. By default nothing.
#[derive(Default)]
pub(in crate::cli) struct Carried {
    /// What stands, and what came before that which runs again.
    pub(in crate::cli) events: Vec<Event>,
    /// What runs again, and as what; all of the shard where there is none.
    again: Option<BTreeMap<GroupId, Group>>,
    /// How often each of these was executed before.
    attempts: BTreeMap<GroupId, u32>,
    /// How long the attempt before took, microseconds.
    before_us: u64,
}

impl Earlier {
    pub(super) fn age(&self) -> (u32, Timestamp) {
        (self.journal.started.run.attempt, self.journal.started.started)
    }

    /// What stands of it under this plan; nothing where it had another.
    pub(in crate::cli) fn carry(
        self,
        plan: &Plan,
        discovery: &Discovery,
        assigned: &[Assigned],
    ) -> Carried {
        let Self { source, journal } = self;
        let attempt = journal.started.run.attempt;
        let fingerprint = journal.planned.as_ref().map(|planned| planned.fingerprint.as_str());
        if fingerprint != Some(plan.fingerprint.to_string().as_str()) {
            warn(&format!(
                "attempt {attempt} of this shard (`{source}`) had another plan, of other tests or \
                 another history, so everything runs"
            ));
            return Carried::default();
        }
        let input = Input { source: source.clone(), journal: Ok(journal.clone()) };
        let again = Again::new(&report::merge(vec![input], |_| None), discovery).of(assigned);
        let stand = assigned.len() - again.len();
        note(&format!(
            "attempt {attempt} of this shard (`{source}`): {} {}, {} again",
            counted(stand, "group"),
            if stand == 1 { "stands" } else { "stand" },
            match again.len() {
                0 => "nothing runs".to_owned(),
                1 => "1 runs".to_owned(),
                many => format!("{many} run"),
            },
        ));
        let ours: BTreeSet<&GroupId> = assigned.iter().map(|group| &group.id).collect();
        let mut attempts = BTreeMap::new();
        let mut events = Vec::new();
        for finished in journal.executions {
            if !ours.contains(&finished.group) {
                continue;
            }
            let runs_again = again.contains_key(&finished.group);
            if runs_again {
                let known = attempts.entry(finished.group.clone()).or_insert(0);
                *known = finished.attempt.max(*known);
            }
            let last = finished.last && !runs_again;
            events.push(Event::GroupFinished(finished.told_again(last)));
        }
        Carried { events, again: Some(again), attempts, before_us: journal.last_us }
    }
}

/// Finds out what has to run again.
struct Again<'a> {
    discovery: &'a Discovery,
    /// The tests of each group that are bad or lost, and whether only all of it can be run.
    open: HashMap<&'a GroupId, Open>,
}

#[derive(Default)]
struct Open {
    tests: Vec<String>,
    whole: bool,
}

impl<'a> Again<'a> {
    fn new(report: &'a RunReport, discovery: &'a Discovery) -> Self {
        let mut open: HashMap<&GroupId, Open> = HashMap::new();
        for test in report.tests.iter().filter(|test| !test.outcome.is_good()) {
            let group = open.entry(&report.groups[test.group].id).or_default();
            group.tests.push(test.id.name.to_string());
            group.whole |= !test.listed;
        }
        for lost in &report.ledger.lost {
            let group = open.entry(&lost.group).or_default();
            group.tests.extend(lost.tests.iter().map(|test| test.name.to_string()));
            group.whole |= lost.why != LostWhy::NoResult;
        }
        for group in &report.groups {
            let broken = group.executions.last().is_some_and(|last| last.problem.is_some());
            if let Some(open) = open.get_mut(&group.id) {
                open.whole |= broken;
            }
        }
        Self { discovery, open }
    }

    /// Of the shard's groups those that run again, as far as they must.
    fn of(self, assigned: &[Assigned]) -> BTreeMap<GroupId, Group> {
        let groups: HashMap<&GroupId, &Group> =
            self.discovery.groups.iter().map(|group| (&group.id, group)).collect();
        let again = assigned.iter().filter_map(|assigned| {
            let open = self.open.get(&assigned.id)?;
            Some((assigned.id.clone(), self.narrowed(groups[&assigned.id], open)))
        });
        again.collect()
    }

    fn narrowed(&self, group: &Group, open: &Open) -> Group {
        let reading = self.discovery.frameworks[&group.id.suite].reading;
        let Open { tests, whole } = open;
        let selection =
            if *whole { Selection::Whole } else { retry_selection(group, reading, None, tests) };
        match selection {
            Selection::Whole => group.clone(),
            Selection::Tests(tests) => only::with_tests(group.clone(), &tests, reading),
        }
    }
}

impl Carried {
    /// Whether a group is to run.
    pub(in crate::cli) fn runs(&self, group: &GroupId) -> bool {
        self.again.as_ref().is_none_or(|again| again.contains_key(group))
    }

    /// The group as it is to run.
    pub(in crate::cli) fn narrowed(&self, group: &GroupId) -> Option<&Group> {
        self.again.as_ref()?.get(group)
    }

    /// The journal of an attempt that goes on.
    pub(in crate::cli) fn into_sink<S: Sink>(self, journal: S) -> GoingOn<S> {
        let Self { events: _, again, attempts, before_us } = self;
        GoingOn { journal, goes_on: again.is_some(), attempts, before_us }
    }
}

/// A journal that goes on where another ended: its time and its attempts are counted from there.
pub(in crate::cli) struct GoingOn<S> {
    journal: S,
    goes_on: bool,
    attempts: BTreeMap<GroupId, u32>,
    before_us: u64,
}

impl<S: Sink> GoingOn<S> {
    fn counted_on(&self, mut event: Event) -> Event {
        let before = |group: &GroupId| self.attempts.get(group).copied().unwrap_or(0);
        match &mut event {
            Event::GroupStarted { group, attempt, worker: _, at_us }
            | Event::GroupSlow { group, attempt, at_us, timeout_us: _ }
            | Event::GroupFinished(GroupFinished { group, attempt, at_us, .. }) => {
                *attempt = attempt.saturating_add(before(group));
                *at_us = at_us.saturating_add(self.before_us);
            }
            Event::Stopping { why: _, at_us } | Event::RunFinished { at_us, not_run: _ } => {
                *at_us = at_us.saturating_add(self.before_us);
            }
            Event::RunStarted(_)
            | Event::Discovered { suite: _, groups: _ }
            | Event::DatabaseReady { database: _, origin: _, took_us: _ }
            | Event::Planned { .. }
            | Event::Streamed { group: _, text: _ } => {}
        }
        event
    }
}

impl<S: Sink> Sink for GoingOn<S> {
    fn take(&mut self, event: &Event) -> Result<(), SinkError> {
        if !self.goes_on {
            return self.journal.take(event);
        }
        let event = self.counted_on(event.clone());
        self.journal.take(&event)
    }
}
