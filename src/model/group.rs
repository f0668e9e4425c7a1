//! What is planned and scheduled.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::GroupId;

/// A set of tests that run together, in order, in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, unique in the run.
    pub id: GroupId,
    /// What selects it on the framework's command line: one part each, in order, never empty. More
    /// than one where a rule keeps groups together.
    pub members: Vec<Member>,
    /// The names of its tests inside the suite, in the framework's order, where the framework
    /// lists tests beforehand.
    pub tests: Option<Vec<String>>,
    /// Whether it must be alone on its shard's machine while it runs.
    pub exclusive: bool,
    /// Whether its tests use the databases of its suite.
    pub databases: bool,
    /// Which of them, where the framework tells.
    pub aliases: Option<Aliases>,
    /// Whether it starts after all groups that are not.
    pub late: bool,
    /// What rules say about it.
    pub limits: Limits,
}

/// What a group's tests do with the databases of their framework, by its own names for them; each
/// list is sorted and has no name twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Those that they use.
    pub used: Vec<String>,
    /// Those of them that they leave otherwise than a fresh clone is.
    pub dirties: Vec<String>,
}

impl Aliases {
    /// Of two groups that become one.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let both = |mut names: Vec<String>, more: Vec<String>| {
            names.extend(more);
            names.sort();
            names.dedup();
            names
        };
        Self { used: both(self.used, other.used), dirties: both(self.dirties, other.dirties) }
    }
}

/// One part of a group, as the framework selects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name; unique in the suite. Bytes that are not UTF-8 appear as `\xNN`.
    pub name: Arc<str>,
    /// What goes on the command line: the name's exact bytes.
    pub argument: Vec<u8>,
}

/// Limits of one group that differ from the suite's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long one execution may take.
    pub timeout: Option<Duration>,
    /// How often it is tried again after a failure.
    pub retries: Option<u32>,
}

/// How long a group is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Microseconds; at least 1.
    pub us: u64,
    /// Where the figure came from.
    pub basis: Basis,
}

/// Where an estimate came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The history knows all of the group.
    Measured,
    /// At least part of it is new: the typical value of what is near it.
    Neighbours,
    /// The history knows nothing of the suite.
    Default,
}
