//! What happens in a shard, as one closed stream. The journal is this stream, a JSON line an
//! event; console, JUnit, history and the joined report are folds over it.
//!
//! A new field must be optional when read (`#[serde(default)]`): journals of an older version of
//! the same format are merged with newer ones. A change that an old reader would misread raises
//! [`FORMAT`].

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::Estimate;
use super::id::{GroupId, SuiteName};
use super::outcome::{Problem, ProcessEnd, TestResult, Verdict};
use super::shard::{RunKey, Shard};

/// The version of the journal's format.
pub const FORMAT: u32 = 1;

/// One thing that happened. Times named `at_us` are microseconds since the shard started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Always the first.
    RunStarted(RunStarted),
    /// What the framework of one suite found, whole: every shard's groups.
    Discovered {
        /// The suite.
        suite: SuiteName,
        /// All groups of the suite, by id.
        groups: Vec<DiscoveredGroup>,
    },
    /// A database's template is ready to be cloned.
    DatabaseReady {
        /// The database's name in the configuration.
        database: String,
        /// How its template came to be there.
        origin: TemplateOrigin,
        /// How long that took, microseconds.
        took_us: u64,
    },
    /// What the plan gave this shard.
    Planned {
        /// The plan's fingerprint; equal in all shards of a run.
        fingerprint: String,
        /// Lanes a shard that the plan reckoned with.
        workers: u32,
        /// How many groups the whole plan has.
        groups: usize,
        /// The groups of this shard, in the order in which they start.
        assigned: Vec<AssignedGroup>,
    },
    /// A group's process starts.
    GroupStarted {
        /// The group.
        group: GroupId,
        /// 1 for the first execution.
        attempt: u32,
        /// The worker that runs it, from 0.
        worker: u32,
        /// When.
        at_us: u64,
    },
    /// Half of a group's time is over.
    GroupSlow {
        /// The group.
        group: GroupId,
        /// Which execution.
        attempt: u32,
        /// When.
        at_us: u64,
        /// Its limit, microseconds.
        timeout_us: u64,
    },
    /// A piece of a running group's output, for `--output stream`. Never journalled.
    Streamed {
        /// The group.
        group: GroupId,
        /// Whole lines.
        text: String,
    },
    /// A group's process, and all that it started, is gone.
    GroupFinished(GroupFinished),
    /// The run was told to stop, or stops itself.
    Stopping {
        /// Why.
        why: Stop,
        /// When.
        at_us: u64,
    },
    /// Always the last, unless the shard was killed.
    RunFinished {
        /// When.
        at_us: u64,
        /// The groups of this shard that never started.
        not_run: Vec<NotRun>,
    },
}

/// How a template came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateOrigin {
    /// It was built now.
    Built,
    /// It was on the server.
    Found,
    /// It was kept by an earlier run.
    Restored,
    /// It is the database that `url` names.
    Existing,
}

/// Who writes the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// The version of evenly that wrote it.
    pub evenly: String,
    /// The run it belongs to.
    pub run: RunKey,
    /// The part of the run.
    pub shard: Shard,
    /// Workers of this shard.
    pub workers: u32,
    /// When the shard started, by its machine's clock.
    pub started: Timestamp,
    /// The machine's name.
    pub host: String,
    /// How long listing and planning had taken before, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_us: Option<u64>,
    /// The configuration, as it was named; none for the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Whether only chosen groups and tests were to run: of the others the journal says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// A group as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveredGroup {
    /// Its name inside the suite.
    pub name: Arc<str>,
    /// Its tests' names, where the framework lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Vec<String>>,
    /// The name of the group that the framework listed, where this is a part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<Arc<str>>,
}

/// A group that the plan gave to this shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedGroup {
    /// The group.
    pub group: GroupId,
    /// How long the plan thinks it takes.
    pub estimate: Estimate,
}

/// How one execution of a group went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFinished {
    /// The group.
    pub group: GroupId,
    /// 1 for the first execution.
    pub attempt: u32,
    /// False when another execution follows.
    pub last: bool,
    /// The worker that ran it.
    pub worker: u32,
    /// When it ended.
    pub at_us: u64,
    /// How long it took, start to end.
    pub duration_us: u64,
    /// How its process ended.
    pub end: ProcessEnd,
    /// All told; an execution that runs what a dead worker left has failed if that one has.
    pub verdict: Verdict,
    /// What was wrong beyond the tests' own failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// Processes that it left behind and that were ended: their command names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<String>,
    /// Its tests.
    pub tests: Vec<TestResult>,
    /// What it printed.
    pub output: Output,
}

/// What a group printed, or as much of it as is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The whole of it, or its first part. Bytes that are not UTF-8 are U+FFFD.
    pub head: String,
    /// Its last part, where the middle was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Kept>,
}

/// The end of an output whose middle was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Bytes left out between head and tail.
    pub omitted_bytes: u64,
    /// The last part.
    pub text: String,
    /// Where the whole output is, on the machine that ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
}

/// Why a run stops before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// A group failed and `fail-fast` is on.
    FailFast,
    /// A signal came; its number.
    Signal(i32),
    /// evenly itself could not go on; the text says why.
    Broken(String),
}

/// A group of the shard that never ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// The group.
    pub group: GroupId,
    /// Why.
    pub why: Stop,
}
