//! What keeps a run from being whole, and what is only worth knowing. Every text is safe to show:
//! names in it are quoted.

use std::fmt;

use crate::model::{GroupId, Shard, TestId};

use super::escape::quoted;
use super::figures::some_of;
use super::foreign::{FileFlaw, FileNote};
use super::journal::JournalError;
use crate::model::counted;

/// What keeps a run from being whole, beyond what is lost and doubled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There was nothing to join.
    NoJournal,
    /// A journal could not be used.
    Unreadable {
        /// Where it came from.
        source: String,
        /// Why.
        why: JournalError,
    },
    /// A journal has lines in the middle that cannot be read.
    Damaged {
        /// Where it came from.
        source: String,
        /// How many lines.
        lines: usize,
        /// The first of them, from 1.
        line: usize,
        /// What is wrong with that one.
        why: String,
    },
    /// Journals of other runs lay among this run's.
    Foreign {
        /// This run.
        run: Option<String>,
        /// Where the others came from, and their runs.
        others: Vec<(String, Option<String>)>,
    },
    /// The shards do not agree how many they are.
    TotalsDiffer {
        /// Where each came from that has another total than most, and which shard it says it is.
        others: Vec<(String, Shard)>,
        /// The total that the report goes by.
        total: u32,
    },
    /// Two different journals claim to be the same attempt of a shard, started at one instant.
    Twins {
        /// The shard.
        shard: Shard,
        /// The one that was taken.
        taken: String,
        /// The one that was left.
        left: String,
    },
    /// A shard ended before it had a plan.
    NoPlan {
        /// The shard.
        shard: Shard,
        /// Where its journal came from.
        source: String,
    },
    /// Two shards did not find the same groups and tests.
    DiscoveryDiffers(Box<DiscoveryDiff>),
    /// Two shards found the same, and still made different plans.
    PlansDiffer {
        /// The shard that all are held against.
        base: Shard,
        /// The one that differs.
        shard: Shard,
        /// What made them differ.
        cause: PlanCause,
    },
    /// These groups ran, but no shard found or planned them.
    Unplanned(Vec<GroupId>),
    /// A JUnit file of another tool is not whole.
    Junit(FileFlaw),
}

/// What two shards found differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryDiff {
    /// The shard that all are held against.
    pub base: Shard,
    /// The one that differs.
    pub shard: Shard,
    /// Groups that only the base found.
    pub groups_lacking: Vec<GroupId>,
    /// Groups that only the other found.
    pub groups_extra: Vec<GroupId>,
    /// Tests, in groups that both found, that only the base lists.
    pub tests_lacking: Vec<TestId>,
    /// Tests, in groups that both found, that only the other lists.
    pub tests_extra: Vec<TestId>,
    /// Groups whose tests only one of the two lists.
    pub half_listed: Vec<GroupId>,
}

/// Why two plans over the same groups differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanCause {
    /// Different versions of evenly made them.
    Versions(String, String),
    /// They reckoned with different numbers of workers.
    Workers(u32, u32),
    /// Nothing else is left: the estimates differ.
    Histories,
}

impl Flaw {
    /// The word of `report.json`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoJournal => "no-journal",
            Self::Unreadable { .. } => "unreadable-journal",
            Self::Damaged { .. } => "damaged-journal",
            Self::Foreign { .. } => "other-run",
            Self::TotalsDiffer { .. } => "shard-totals-differ",
            Self::Twins { .. } => "twin-journals",
            Self::NoPlan { .. } => "no-plan",
            Self::DiscoveryDiffers(_) => "discovery-differs",
            Self::PlansDiffer { .. } => "plans-differ",
            Self::Unplanned(_) => "unplanned-groups",
            Self::Junit(flaw) => flaw.kind(),
        }
    }

    /// A few words for the verdict, the same for all flaws of a kind.
    #[must_use]
    pub fn brief(&self) -> &'static str {
        match self {
            Self::NoJournal => "no shard's journal was found",
            Self::Unreadable { .. } => "a journal cannot be read",
            Self::Damaged { .. } => "a journal is damaged",
            Self::Foreign { .. } => "journals of other runs are among them",
            Self::TotalsDiffer { .. } => "the shards disagree how many they are",
            Self::Twins { .. } => "a shard left two different journals",
            Self::NoPlan { .. } => "a shard ended before it had a plan",
            Self::DiscoveryDiffers(_) => "the shards did not find the same tests",
            Self::PlansDiffer { .. } => "the shards made different plans",
            Self::Unplanned(_) => "groups ran that no shard found",
            Self::Junit(flaw) => flaw.brief(),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run_name = |run: &Option<String>| run.as_deref().map_or("unnamed".into(), quoted);
        match self {
            Self::NoJournal => write!(f, "no shard's journal was found"),
            Self::Unreadable { source, why } => write!(f, "journal {} {why}", quoted(source)),
            Self::Damaged { source, lines, line, why } => write!(
                f,
                "journal {} is damaged: {} cannot be read, the first is line {line} ({})",
                quoted(source),
                counted(*lines, "line"),
                quoted(why),
            ),
            Self::Foreign { run, others } => write!(
                f,
                "{} of other runs than {}, left out: {}",
                counted(others.len(), "journal"),
                run_name(run),
                some_of(others, |(source, run)| format!(
                    "{} (run {})",
                    quoted(source),
                    run_name(run)
                )),
            ),
            Self::TotalsDiffer { others, total } => write!(
                f,
                "shards disagree how many they are: most say {total}, but {}",
                some_of(others, |(source, shard)| format!("{} is {shard}", quoted(source))),
            ),
            Self::Twins { shard, taken, left } => write!(
                f,
                "shard {shard} left two different journals of one attempt: {} was taken, {} left \
                 out",
                quoted(taken),
                quoted(left),
            ),
            Self::NoPlan { shard, source } => {
                write!(f, "shard {shard} ended before it had a plan (journal {})", quoted(source))
            }
            Self::DiscoveryDiffers(diff) => diff.fmt(f),
            Self::PlansDiffer { base, shard, cause } => {
                write!(f, "shards {base} and {shard} made different plans: {cause}")
            }
            Self::Unplanned(groups) => write!(
                f,
                "{} ran that no shard found: {}",
                counted(groups.len(), "group"),
                some_of(groups, |group| quoted(&group.to_string())),
            ),
            Self::Junit(flaw) => flaw.fmt(f),
        }
    }
}

impl fmt::Display for DiscoveryDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            base,
            shard,
            groups_lacking,
            groups_extra,
            tests_lacking,
            tests_extra,
            half_listed,
        } = self;
        let groups = |ids: &[GroupId]| some_of(ids, |id| quoted(&id.to_string()));
        let tests = |ids: &[TestId]| some_of(ids, |id| quoted(&id.to_string()));
        let parts = [
            (groups_lacking.len(), "group", base, groups(groups_lacking)),
            (groups_extra.len(), "group", shard, groups(groups_extra)),
            (tests_lacking.len(), "test", base, tests(tests_lacking)),
            (tests_extra.len(), "test", shard, tests(tests_extra)),
        ];
        write!(f, "shards {base} and {shard} did not find the same")?;
        for (n, what, only, names) in parts {
            if n > 0 {
                write!(f, "; {} only in {only}: {names}", counted(n, what))?;
            }
        }
        if !half_listed.is_empty() {
            write!(f, "; tests listed by only one of them in: {}", groups(half_listed))?;
        }
        Ok(())
    }
}

impl fmt::Display for PlanCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Versions(base, other) => write!(
                f,
                "evenly {} and {} ran; use one version in all shards",
                quoted(base),
                quoted(other)
            ),
            Self::Workers(base, other) => {
                write!(f, "they reckoned with {base} and {other} workers a shard")
            }
            Self::Histories => {
                write!(f, "same groups, other estimates; the shards restored different histories")
            }
        }
    }
}

/// What is worth knowing of a run and does not count against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A journal with nothing in it.
    Empty {
        /// Where it came from.
        source: String,
    },
    /// Journals of earlier attempts were left out.
    Superseded {
        /// The shard.
        shard: Shard,
        /// Where the taken one came from.
        taken: String,
        /// Where the others came from, with their attempts.
        left: Vec<(String, u32)>,
    },
    /// A journal's last line is cut off.
    Torn {
        /// The shard.
        shard: Shard,
        /// Where it came from.
        source: String,
    },
    /// A journal has events that this version does not know.
    UnknownEvents {
        /// Where it came from.
        source: String,
        /// How many.
        events: usize,
    },
    /// Only chosen groups and tests were to run.
    Partial,
    /// A group reported tests that the framework had not listed.
    Unlisted {
        /// The group.
        group: GroupId,
        /// Their names.
        tests: Vec<String>,
    },
    /// About JUnit files of other tools.
    Junit(FileNote),
}

impl Note {
    /// The word of `report.json`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty-journal",
            Self::Superseded { .. } => "superseded",
            Self::Torn { .. } => "torn-journal",
            Self::UnknownEvents { .. } => "unknown-events",
            Self::Partial => "partial",
            Self::Unlisted { .. } => "unlisted-tests",
            Self::Junit(note) => note.kind(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { source } => {
                write!(f, "journal {} {}; passed over", quoted(source), JournalError::Empty)
            }
            Self::Superseded { shard, taken, left } => write!(
                f,
                "shard {shard} ran more than once; {} was taken, left out: {}",
                quoted(taken),
                some_of(left, |(source, attempt)| format!(
                    "{} (attempt {attempt})",
                    quoted(source)
                )),
            ),
            Self::Torn { shard, source } => write!(
                f,
                "the last line of shard {shard}'s journal is cut off ({}); the rest was read",
                quoted(source)
            ),
            Self::UnknownEvents { source, events } => write!(
                f,
                "journal {} has {} of kinds that this version does not know",
                quoted(source),
                counted(*events, "event")
            ),
            Self::Partial => write!(
                f,
                "only what was chosen ran (`--only`, `--failed`); this says nothing of the rest"
            ),
            Self::Unlisted { group, tests } => write!(
                f,
                "group {} ran {} that had not been listed: {}",
                quoted(&group.to_string()),
                counted(tests.len(), "test"),
                some_of(tests, |name| quoted(name)),
            ),
            Self::Junit(note) => note.fmt(f),
        }
    }
}
