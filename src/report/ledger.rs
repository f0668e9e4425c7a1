//! The proof: what was planned and did not run, and what ran twice. What keeps either from being
//! known stands in [`super::flaw`]. Every text is safe to show: names in it are quoted.

use std::fmt;

use crate::model::{GroupId, Shard, Stop, TestId};

use super::escape::quoted;
use super::figures::some_of;
use super::flaw::{Flaw, Note};
use crate::model::counted;

/// Whether everything planned ran exactly once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Groups planned.
    pub planned: usize,
    /// Tests of JUnit files of other tools, which nobody planned.
    pub unproven: usize,
    /// What did not run, by group.
    pub lost: Vec<Lost>,
    /// What ran more than once.
    pub doubled: Vec<Doubled>,
    /// Shards of which nothing arrived.
    pub missing_shards: Vec<u32>,
    /// What else keeps the run from being whole.
    pub flaws: Vec<Flaw>,
    /// What is worth knowing and harmless.
    pub notes: Vec<Note>,
}

impl Ledger {
    /// Whether everything planned is known to have run exactly once.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Self { planned: _, unproven: _, lost, doubled, missing_shards, flaws, notes: _ } = self;
        lost.is_empty() && doubled.is_empty() && missing_shards.is_empty() && flaws.is_empty()
    }

    /// Ids of the groups that did not run to their end, and of the listed tests without a result:
    /// sorted, each once.
    #[must_use]
    pub fn lost_ids(&self) -> Vec<String> {
        sorted_ids(self.lost.iter().flat_map(|Lost { group, tests, why }| {
            let group = (!matches!(why, LostWhy::NoResult)).then(|| group.to_string());
            group.into_iter().chain(tests.iter().map(ToString::to_string))
        }))
    }

    /// Ids of the groups and tests that ran more than once: sorted, each once.
    #[must_use]
    pub fn doubled_ids(&self) -> Vec<String> {
        sorted_ids(self.doubled.iter().flat_map(|doubled| {
            match doubled {
                Doubled::Group { group, tests, shards: _ } => std::iter::once(group.to_string())
                    .chain(tests.iter().map(ToString::to_string))
                    .collect::<Vec<_>>(),
                Doubled::Test { test, groups: _ } => vec![test.to_string()],
            }
        }))
    }

    /// Listed tests without a result.
    #[must_use]
    pub fn lost_tests(&self) -> usize {
        self.lost.iter().map(|lost| lost.tests.len()).sum()
    }

    /// Groups that did not run to their end.
    #[must_use]
    pub fn lost_groups(&self) -> usize {
        self.lost.iter().filter(|lost| !matches!(lost.why, LostWhy::NoResult)).count()
    }
}

fn sorted_ids(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A group that did not run to its end, or not with all its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The group.
    pub group: GroupId,
    /// Its listed tests without a result.
    pub tests: Vec<TestId>,
    /// Why.
    pub why: LostWhy,
}

/// Why something did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostWhy {
    /// The shard that had it is not here, as far as can be told.
    ShardMissing,
    /// The shard's journal ends while it ran.
    Killed(Shard),
    /// The shard's journal ends before its turn came.
    NeverReached(Shard),
    /// The shard stopped before its turn came.
    Stopped(Shard, Stop),
    /// It was to be tried again and never was.
    NotRetried,
    /// Its shard came to its end and says nothing of it.
    Unaccounted(Shard),
    /// No shard's plan has it.
    Unassigned,
    /// The group ended well, but these listed tests have no result.
    NoResult,
}

impl fmt::Display for LostWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShardMissing => write!(f, "its shard's journal is missing"),
            Self::Killed(shard) => write!(f, "shard {shard} was killed while it ran"),
            Self::NeverReached(shard) => write!(f, "shard {shard} was killed before its turn"),
            Self::Stopped(shard, stop) => {
                write!(f, "shard {shard} {} before its turn", stop_text(stop))
            }
            Self::NotRetried => write!(f, "it failed, was to be tried again and was not"),
            Self::Unaccounted(shard) => {
                write!(f, "shard {shard} had it and came to its end without it")
            }
            Self::Unassigned => write!(f, "it is in no shard's plan"),
            Self::NoResult => write!(f, "its group ended well, but gave no result for it"),
        }
    }
}

/// Why a shard stopped, as what it did.
pub(super) fn stop_text(stop: &Stop) -> String {
    match stop {
        Stop::FailFast => "stopped at the first failure (`fail-fast`)".to_owned(),
        Stop::Signal(number) => format!("was interrupted by signal {number}"),
        Stop::Broken(why) => format!("could not go on ({})", quoted(why)),
    }
}

/// Something that ran more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubled {
    /// A group came to its end more than once.
    Group {
        /// The group.
        group: GroupId,
        /// Its tests with more than one final result.
        tests: Vec<TestId>,
        /// Where it ran, an entry an end.
        shards: Vec<Shard>,
    },
    /// A test was reported by several groups.
    Test {
        /// The test.
        test: TestId,
        /// The groups.
        groups: Vec<GroupId>,
    },
}

impl fmt::Display for Doubled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { group, tests, shards } => {
                let name = quoted(&group.to_string());
                let places = some_of(shards, ToString::to_string);
                write!(f, "group {name} ran {} times (shards {places})", shards.len())?;
                match tests.len() {
                    0 => Ok(()),
                    n => write!(f, ", with {}", counted(n, "test")),
                }
            }
            Self::Test { test, groups } => {
                let places = some_of(groups, |group| quoted(&group.to_string()));
                write!(f, "test {} ran in several groups: {places}", quoted(&test.to_string()))
            }
        }
    }
}
