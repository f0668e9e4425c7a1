//! Reads a shard's journal back, as much of it as there is.
//!
//! Promises: what a killed shard finished is never lost. A last line without its newline may be
//! cut anywhere; a line in the middle that cannot be read is named and costs only itself. Fields
//! and kinds of events that a later version of the same format added are passed over. One line is
//! in memory at a time, and what green groups printed is not kept.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::model::{
    AssignedGroup, Event, FORMAT, GroupId, NotRun, RunStarted, Shard, ShardError, Stop, SuiteName,
};

use super::ended::Ended;
use super::escape::quoted;
use super::listed::FoundGroup;
use super::part::Pool;
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
    pub discovered: Vec<Arc<Discovered>>,
    /// The databases that it made ready, in their order.
    pub databases: Vec<DatabaseSetUp>,
    /// What the plan gave the shard; none when it died before.
    pub planned: Option<Planned>,
    /// Every execution that ended, in the order in which they ended.
    pub executions: Vec<Ended>,
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
    pub groups: Vec<FoundGroup>,
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

/// What journals of one run have in common. Every shard writes the same lists of groups, and they
/// are most of what the journals of many shards hold: they are read once and shared. A list is
/// known again by its line's SHA-256.
#[derive(Debug, Default)]
pub struct Lists {
    known: Vec<([u8; 32], Arc<Discovered>)>,
    pool: Pool,
    /// One line after the other.
    line: Vec<u8>,
}

/// How a line begins that lists groups, as evenly writes it.
const LIST: &[u8] = b"{\"event\":\"discovered\"";

impl Lists {
    fn read(&mut self, line: &[u8]) -> Result<Arc<Discovered>, serde_json::Error> {
        let digest = Sha256::digest(line.trim_ascii_end()).into();
        if let Some((_, list)) = self.known.iter().find(|(known, _)| *known == digest) {
            return Ok(Arc::clone(list));
        }
        let list = Arc::new(parse_as(line)?);
        if self.known.len() < LISTS_MAX {
            self.known.push((digest, Arc::clone(&list)));
        }
        Ok(list)
    }
}

/// Reads one journal: see [`parse_sharing`].
///
/// # Errors
/// As there.
pub fn parse(mut bytes: &[u8]) -> Result<Journal, JournalError> {
    match parse_sharing(&mut bytes, &mut Lists::default()) {
        Ok(journal) => journal,
        Err(error) => Err(JournalError::NotAJournal(error.to_string())),
    }
}

/// Reads a journal, one of several that share their lists of groups.
///
/// # Errors
/// As `from`; and inside, only when nothing of it can be used: see [`JournalError`]. A torn or
/// damaged journal is read, and says so in [`Journal::torn`] and [`Journal::damaged`].
pub fn parse_sharing(
    from: &mut dyn BufRead,
    lists: &mut Lists,
) -> io::Result<Result<Journal, JournalError>> {
    let mut line = std::mem::take(&mut lists.line);
    let read = parse_lines(from, lists, &mut line);
    lists.line = line;
    read
}

fn parse_lines(
    from: &mut dyn BufRead,
    lists: &mut Lists,
    line: &mut Vec<u8>,
) -> io::Result<Result<Journal, JournalError>> {
    let mut number = 0;
    let mut next = |line: &mut Vec<u8>| -> io::Result<Option<usize>> {
        loop {
            line.clear();
            if from.read_until(b'\n', line)? == 0 {
                return Ok(None);
            }
            number += 1;
            if !line.trim_ascii().is_empty() {
                return Ok(Some(number));
            }
        }
    };
    if next(line)?.is_none() {
        return Ok(Err(JournalError::Empty));
    }
    let started = match first_line(line) {
        Ok(started) => started,
        Err(error) => return Ok(Err(error)),
    };
    let mut reader = Reader::new(started, lists);
    while let Some(number) = next(line)? {
        if let Err(error) = reader.line(number, line) {
            if line.ends_with(b"\n") {
                reader.journal.damaged.note(number, error.to_string());
            } else {
                reader.journal.torn = true;
            }
        }
    }
    Ok(Ok(reader.finish()))
}

fn first_line(line: &[u8]) -> Result<RunStarted, JournalError> {
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
        if line.starts_with(LIST) {
            self.journal.discovered.push(self.lists.read(line)?);
            return Ok(());
        }
        let Tag { event } = serde_json::from_slice(line)?;
        match event {
            // Nearly all bytes of a journal are in these three: read straight into the struct, for
            // an enum with an inner tag would buffer the line in between.
            Kind::Discovered => self.journal.discovered.push(self.lists.read(line)?),
            Kind::Planned => self.journal.planned = Some(parse_as(line)?),
            Kind::GroupFinished => {
                let ended = Ended::of(parse_as(line)?, &mut self.lists.pool);
                self.ended(number, ended);
            }
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
                let groups = groups.into_iter().map(FoundGroup::from).collect();
                journal.discovered.push(Arc::new(Discovered { suite, groups }));
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
                let ended = Ended::of(finished, &mut self.lists.pool);
                self.ended(number, ended);
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

    fn ended(&mut self, number: usize, ended: Ended) {
        let journal = &mut self.journal;
        journal.last_us = journal.last_us.max(ended.at_us);
        let execution = (ended.group.clone(), ended.attempt);
        self.running.remove(&execution);
        // A group's second last end is kept, for the ledger to name it as doubled.
        if !self.ended.insert(execution) && !ended.last {
            let why = "a second end of one execution";
            journal.damaged.note(number, why.to_owned());
        }
        journal.executions.push(ended);
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
