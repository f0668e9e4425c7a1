//! Which journals count: those of the newest run, and of each shard the newest attempt.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{RunKey, Shard};

use super::flaw::{Flaw, Note};
use super::journal::{Journal, JournalError};
use super::merge::Input;

/// The journals that count, by shard.
pub(super) struct Selection {
    pub(super) run: RunKey,
    pub(super) chosen: Vec<Chosen>,
    pub(super) missing: Vec<u32>,
    pub(super) flaws: Vec<Flaw>,
    pub(super) notes: Vec<Note>,
}

/// The journal of one shard.
pub(super) struct Chosen {
    pub(super) source: String,
    pub(super) journal: Journal,
    pub(super) superseded: Vec<String>,
}

struct Sourced {
    source: String,
    journal: Journal,
}

impl Sourced {
    fn shard(&self) -> Shard {
        self.journal.started.shard
    }

    /// Which attempt it is; the shards of one attempt may start at any time, a shard only once.
    fn age(&self) -> (u32, Timestamp) {
        (self.journal.started.run.attempt, self.journal.started.started)
    }
}

pub(super) fn select(inputs: Vec<Input>) -> Selection {
    let mut flaws = Vec::new();
    let mut notes = Vec::new();
    if inputs.is_empty() {
        flaws.push(Flaw::NoJournal);
    }
    let readable = readable(inputs, &mut flaws, &mut notes);
    let own = newest_run(readable, &mut flaws);
    let mut run = RunKey::default();
    for Sourced { journal, .. } in &own {
        let RunKey { id, number, attempt } = &journal.started.run;
        run = RunKey { id: id.clone(), number: *number, attempt: run.attempt.max(*attempt) };
    }
    let chosen = newest_attempts(own, &mut flaws, &mut notes);
    let missing = missing_shards(&chosen, &mut flaws);
    Selection { run, chosen, missing, flaws, notes }
}

fn readable(inputs: Vec<Input>, flaws: &mut Vec<Flaw>, notes: &mut Vec<Note>) -> Vec<Sourced> {
    let mut readable = Vec::with_capacity(inputs.len());
    for Input { source, journal } in inputs {
        match journal {
            Ok(journal) => readable.push(Sourced { source, journal }),
            // It holds nothing that could be lost; if it was its shard's only one, the shard is
            // missing.
            Err(JournalError::Empty) => notes.push(Note::Empty { source }),
            Err(
                why @ (JournalError::NotAJournal(_)
                | JournalError::Newer { .. }
                | JournalError::Shard(_)),
            ) => flaws.push(Flaw::Unreadable { source, why }),
        }
    }
    readable
}

/// Of several runs the newest: by number where all have one, else by when they started.
fn newest_run(journals: Vec<Sourced>, flaws: &mut Vec<Flaw>) -> Vec<Sourced> {
    let mut runs: BTreeMap<(Option<u64>, Option<String>), Vec<Sourced>> = BTreeMap::new();
    for sourced in journals {
        let run = &sourced.journal.started.run;
        runs.entry((run.number, run.id.clone())).or_default().push(sourced);
    }
    let numbered = runs.keys().all(|(number, _)| number.is_some());
    let newest = runs
        .iter()
        .max_by_key(|((number, _), journals)| {
            let started = journals.iter().map(|sourced| sourced.journal.started.started).max();
            (number.filter(|_| numbered), started)
        })
        .map(|(key, _)| key.clone());
    let Some(newest) = newest else { return Vec::new() };
    let own = runs.remove(&newest).unwrap_or_default();
    let others: Vec<_> = runs
        .into_iter()
        .flat_map(|((_, id), journals)| {
            journals.into_iter().map(move |sourced| (sourced.source, id.clone()))
        })
        .collect();
    if !others.is_empty() {
        let (_, run) = newest;
        flaws.push(Flaw::Foreign { run, others });
    }
    own
}

/// Of each shard's journals the newest.
fn newest_attempts(
    mut journals: Vec<Sourced>,
    flaws: &mut Vec<Flaw>,
    notes: &mut Vec<Note>,
) -> Vec<Chosen> {
    journals.sort_by(|a, b| {
        // Of two that claim to be the same attempt, the one that tells more comes last.
        let told = |s: &Sourced| (s.journal.finished.is_some(), s.journal.executions.len());
        let key = |s: &Sourced| (s.shard(), s.age(), told(s));
        key(a).cmp(&key(b)).then_with(|| b.source.cmp(&a.source))
    });
    let mut chosen = Vec::new();
    let mut journals = journals.into_iter().rev().peekable();
    while let Some(taken) = journals.next() {
        let mut left = Vec::new();
        while let Some(older) = journals.next_if(|other| other.shard() == taken.shard()) {
            if older.age() != taken.age() {
                left.push((older.source, older.journal.started.run.attempt));
            } else if older.journal != taken.journal {
                flaws.push(Flaw::Twins {
                    shard: taken.shard(),
                    taken: taken.source.clone(),
                    left: older.source,
                });
            }
        }
        let superseded = left.iter().map(|(source, _)| source.clone()).collect();
        if !left.is_empty() {
            let (shard, taken) = (taken.shard(), taken.source.clone());
            notes.push(Note::Superseded { shard, taken, left });
        }
        let Sourced { source, journal } = taken;
        chosen.push(Chosen { source, journal, superseded });
    }
    chosen.reverse();
    chosen
}

/// The shards of which nothing arrived, going by the total that most journals name.
fn missing_shards(chosen: &[Chosen], flaws: &mut Vec<Flaw>) -> Vec<u32> {
    let mut votes: BTreeMap<u32, usize> = BTreeMap::new();
    for Chosen { journal, .. } in chosen {
        *votes.entry(journal.started.shard.total).or_default() += 1;
    }
    let Some((&total, _)) = votes.iter().max_by_key(|(total, votes)| (**votes, **total)) else {
        return Vec::new();
    };
    let others: Vec<_> = chosen
        .iter()
        .filter(|chosen| chosen.journal.started.shard.total != total)
        .map(|chosen| (chosen.source.clone(), chosen.journal.started.shard))
        .collect();
    if !others.is_empty() {
        flaws.push(Flaw::TotalsDiffer { others, total });
    }
    let here: BTreeSet<Shard> = chosen.iter().map(|chosen| chosen.journal.started.shard).collect();
    (1..=total).filter(|&index| !here.contains(&Shard { index, total })).collect()
}
