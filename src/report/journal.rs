//! Reads a shard's journal back, as much of it as there is.
//!
//! Promises: what a killed shard finished is never lost. A last line without its newline may be
//! cut anywhere; a line in the middle that cannot be read is named and costs only itself. Fields
//! and kinds of events that a later version of the same format added are passed over.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::Deserialize;

use crate::model::{
    AssignedGroup, DiscoveredGroup, Event, FORMAT, GroupFinished, GroupId, NotRun, RunStarted,
    Shard, ShardError, Stop, SuiteName,
};

use super::escape::quoted;
use super::run::DatabaseSetUp;

/// How many damaged lines of one journal are described; the others are only counted.
const DAMAGE_DESCRIBED_MAX: usize = 8;
/// How many lists of groups are kept to be known again: a suite an entry where the shards agree.
const LISTS_MAX: usize = 64;

/// Why a journal says nothing that could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The shard died before its first line was whole.
    #[error("is empty: its shard ended before it could write anything")]
    Empty,
    /// The first line is not a journal's.
    #[error("is not a journal: its first line is not `run-started` ({})", quoted(.0))]
    NotAJournal(String),
    /// A version of evenly that came later wrote it.
    #[error(
        "is of format {format}, this evenly reads up to format {FORMAT}; merge with evenly \
         {} or later",
        evenly.as_deref().map_or("of the version that ran the shard".to_owned(), quoted)
    )]
    Newer {
        /// The journal's format.
        format: u32,
        /// The version that wrote it, where it says.
        evenly: Option<String>,
    },
    /// It names a shard that cannot be.
    #[error("names an impossible shard: {0}")]
    Shard(#[from] ShardError),
}

/// What one shard left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Who wrote it.
    pub started: RunStarted,
    /// What the suites hold, a suite an entry.
    pub discovered: Vec<Rc<Discovered>>,
    /// The databases that it made ready, in their order.
    pub databases: Vec<DatabaseSetUp>,
    /// What the plan gave the shard; none when it died before.
    pub planned: Option<Planned>,
    /// Every execution that ended, in the order in which they ended.
    pub executions: Vec<GroupFinished>,
    /// The executions that started and never ended, by group: they ran when the shard died.
    pub running: Vec<GroupId>,
    /// Why it stopped before its end, the first reason.
    pub stopping: Option<Stop>,
    /// Its end; none when it was killed.
    pub finished: Option<Finished>,
    /// When the last thing happened, microseconds since the shard started.
    pub last_us: u64,
    /// Whether the last line was cut off.
    pub torn: bool,
    /// Lines before the last that could not be read.
    pub damaged: Damaged,
    /// Events of kinds that this version does not know.
    pub unknown: usize,
}

/// What the framework of one suite found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Discovered {
    /// The suite.
    pub suite: SuiteName,
    /// All its groups.
    pub groups: Vec<DiscoveredGroup>,
}

/// What the plan gave a shard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Planned {
    /// Equal in all shards of a run.
    pub fingerprint: String,
    /// Lanes a shard that the plan reckoned with.
    pub workers: u32,
    /// Groups of the whole plan.
    pub groups: usize,
    /// The groups of this shard, in the order in which they start.
    pub assigned: Vec<AssignedGroup>,
}

/// How a shard came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// When, microseconds since the shard started.
    pub at_us: u64,
    /// Its groups that never started.
    pub not_run: Vec<NotRun>,
}

/// Lines that could not be read although others follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damaged {
    /// How many.
    pub lines: usize,
    /// The first of them: line number from 1, and what is wrong.
    pub first: Vec<(usize, String)>,
}

impl Damaged {
    fn note(&mut self, line: usize, why: String) {
        self.lines += 1;
        if self.first.len() < DAMAGE_DESCRIBED_MAX {
            self.first.push((line, why));
        }
    }
}

/// The kinds of events, to know a line before all of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    RunStarted,
    Discovered,
    DatabaseReady,
    Planned,
    GroupStarted,
    GroupSlow,
    Streamed,
    GroupFinished,
    Stopping,
    RunFinished,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Tag {
    event: Kind,
}

/// The part of the first line that every format has.
#[derive(Deserialize)]
struct Head {
    event: Kind,
    format: u32,
    evenly: Option<String>,
}

/// Lists of groups that were read before. Every shard of a run writes the same ones, and they are
/// most of what the journals of many shards hold: they are read once and shared.
#[derive(Debug, Default)]
pub struct Lists(Vec<(Vec<u8>, Rc<Discovered>)>);

impl Lists {
    fn known(&self, line: &[u8]) -> Option<Rc<Discovered>> {
        self.0.iter().find(|(known, _)| known == line).map(|(_, list)| Rc::clone(list))
    }

    fn read(&mut self, line: &[u8]) -> Result<Rc<Discovered>, serde_json::Error> {
        let list = Rc::new(parse_as(line)?);
        if self.0.len() < LISTS_MAX {
            self.0.push((line.to_owned(), Rc::clone(&list)));
        }
        Ok(list)
    }
}

/// Reads one journal: see [`parse_sharing`].
///
/// # Errors
/// As there.
pub fn parse(bytes: &[u8]) -> Result<Journal, JournalError> {
    parse_sharing(bytes, &mut Lists::default())
}

/// Reads a journal, one of several that share their lists of groups.
///
/// # Errors
/// Only when nothing of it can be used: see [`JournalError`]. A torn or damaged journal is read,
/// and says so in [`Journal::torn`] and [`Journal::damaged`].
pub fn parse_sharing(bytes: &[u8], lists: &mut Lists) -> Result<Journal, JournalError> {
    let mut rows = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_ascii().is_empty());
    let mut reader = Reader::new(first_line(rows.next())?, lists);
    for (number, line) in rows {
        if let Err(error) = reader.line(number, line) {
            if line.ends_with(b"\n") {
                reader.journal.damaged.note(number, error.to_string());
            } else {
                reader.journal.torn = true;
            }
        }
    }
    Ok(reader.finish())
}

fn first_line(line: Option<(usize, &[u8])>) -> Result<RunStarted, JournalError> {
    let Some((_, line)) = line else { return Err(JournalError::Empty) };
    let refuse = |error: serde_json::Error| {
        if line.ends_with(b"\n") {
            JournalError::NotAJournal(error.to_string())
        } else {
            JournalError::Empty
        }
    };
    let Head { event, format, evenly } = serde_json::from_slice(line).map_err(refuse)?;
    if event != Kind::RunStarted {
        return Err(JournalError::NotAJournal("another event stands there".to_owned()));
    }
    if format > FORMAT {
        return Err(JournalError::Newer { format, evenly });
    }
    let started: RunStarted = serde_json::from_slice(line).map_err(refuse)?;
    Shard::new(started.shard.index, started.shard.total)?;
    Ok(started)
}

struct Reader<'a> {
    lists: &'a mut Lists,
    journal: Journal,
    /// Executions that run at this line: group and attempt, with the line they started at.
    running: HashMap<(GroupId, u32), usize>,
    /// Executions that ended.
    ended: HashSet<(GroupId, u32)>,
}

impl<'a> Reader<'a> {
    fn new(started: RunStarted, lists: &'a mut Lists) -> Self {
        let journal = Journal {
            started,
            discovered: Vec::new(),
            databases: Vec::new(),
            planned: None,
            executions: Vec::new(),
            running: Vec::new(),
            stopping: None,
            finished: None,
            last_us: 0,
            torn: false,
            damaged: Damaged::default(),
            unknown: 0,
        };
        Self { lists, journal, running: HashMap::new(), ended: HashSet::new() }
    }

    fn line(&mut self, number: usize, line: &[u8]) -> Result<(), serde_json::Error> {
        if let Some(list) = self.lists.known(line) {
            self.journal.discovered.push(list);
            return Ok(());
        }
        let Tag { event } = serde_json::from_slice(line)?;
        match event {
            // Nearly all bytes of a journal are in these three: read straight into the struct, for
            // an enum with an inner tag would buffer the line in between.
            Kind::Discovered => self.journal.discovered.push(self.lists.read(line)?),
            Kind::Planned => self.journal.planned = Some(parse_as(line)?),
            Kind::GroupFinished => self.event(number, Event::GroupFinished(parse_as(line)?)),
            Kind::Unknown => self.journal.unknown += 1,
            Kind::RunStarted
            | Kind::DatabaseReady
            | Kind::GroupStarted
            | Kind::GroupSlow
            | Kind::Streamed
            | Kind::Stopping
            | Kind::RunFinished => self.event(number, parse_as(line)?),
        }
        Ok(())
    }

    fn event(&mut self, number: usize, event: Event) {
        let journal = &mut self.journal;
        match event {
            Event::RunStarted(_) => {
                let why = "a second `run-started`: two journals in one file";
                journal.damaged.note(number, why.to_owned());
            }
            Event::Discovered { suite, groups } => {
                journal.discovered.push(Rc::new(Discovered { suite, groups }));
            }
            Event::Planned { fingerprint, workers, groups, assigned } => {
                journal.planned = Some(Planned { fingerprint, workers, groups, assigned });
            }
            Event::GroupStarted { group, attempt, worker: _, at_us } => {
                journal.last_us = journal.last_us.max(at_us);
                self.running.insert((group, attempt), number);
            }
            Event::GroupSlow { group: _, attempt: _, at_us, timeout_us: _ } => {
                journal.last_us = journal.last_us.max(at_us);
            }
            Event::DatabaseReady { database, origin, took_us } => {
                journal.databases.push(DatabaseSetUp { database, origin, took_us });
            }
            Event::Streamed { group: _, text: _ } => {}
            Event::GroupFinished(finished) => {
                journal.last_us = journal.last_us.max(finished.at_us);
                let execution = (finished.group.clone(), finished.attempt);
                self.running.remove(&execution);
                // A group's second last end is kept, for the ledger to name it as doubled.
                if !self.ended.insert(execution) && !finished.last {
                    let why = "a second end of one execution";
                    journal.damaged.note(number, why.to_owned());
                }
                journal.executions.push(finished);
            }
            Event::Stopping { why, at_us } => {
                journal.last_us = journal.last_us.max(at_us);
                journal.stopping.get_or_insert(why);
            }
            Event::RunFinished { at_us, not_run } => {
                journal.last_us = journal.last_us.max(at_us);
                journal.finished = Some(Finished { at_us, not_run });
            }
        }
    }

    fn finish(self) -> Journal {
        let Self { lists: _, mut journal, running, ended: _ } = self;
        journal.running = running.into_keys().map(|(group, _)| group).collect();
        journal.running.sort_unstable();
        journal.running.dedup();
        journal
    }
}

fn parse_as<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(line)
}

#[cfg(test)]
mod tests;
