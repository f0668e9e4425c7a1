//! Everything that can keep a command from doing its work: how it is said, what to do about it,
//! and the exit code.

use std::path::PathBuf;

use super::history::HistoryCommandError;
use crate::ci::ShardChoiceError;
use crate::config::ConfigError;
use crate::discover::DiscoverError;
use crate::exit::Exit;
use crate::model::{Shard, SuiteName, one_line};
use crate::plan::{self, CircleError, PatternError, PlanError};
use crate::provision::{BindError, ProvisionError};
use crate::runner::RunError;
use crate::sink::SinkError;
use crate::store::StoreError;
use crate::warm::WarmError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("there is no configuration at `{}`", .0.display())]
    NoConfig(PathBuf),
    #[error("`{}` is not UTF-8", .0.display())]
    NotText(PathBuf),
    #[error("`{}`: {error}", .path.display())]
    Config { path: PathBuf, error: ConfigError },
    #[error("{0}")]
    Shard(#[from] ShardChoiceError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Discover(#[from] DiscoverError),
    #[error("there is no list of quarantined tests at `{}`", .0.display())]
    NoQuarantine(PathBuf),
    #[error("`{}`: {error}", .path.display())]
    Quarantine { path: PathBuf, error: PatternError },
    #[error("`[[rule]]`: {0}")]
    Rule(#[from] PatternError),
    #[error("`[[rule]]`: {0}")]
    Circle(#[from] CircleError),
    #[error("{0}")]
    Plan(#[from] PlanError),
    #[error("nothing to run: {}", nothing(.0))]
    Nothing(Vec<(SuiteName, String)>),
    #[error("{0}")]
    Run(#[from] RunError),
    #[error("{0}")]
    Sink(SinkError),
    #[error("cannot find out where evenly itself is: {0}")]
    Program(std::io::Error),
    #[error("{0}")]
    Provision(#[from] ProvisionError),
    #[error("{0}")]
    Bind(#[from] BindError),
    #[error("there is no `[database.{0}]`")]
    NoDatabase(String),
    #[error("the configuration has no `[database.NAME]`")]
    NoDatabases,
    #[error("the servers of an earlier `evenly db up` run, without {0}")]
    UpWithout(String),
    #[error("what was to hold the servers ended; the end of `{}`:{words}", .log.display())]
    Holder { log: PathBuf, words: String },
    #[error("{0}")]
    Held(String),
    #[error("process {0}, which holds the servers, does not end")]
    HolderStays(u32),
    #[error("cannot {act}: {source}")]
    System { act: &'static str, source: std::io::Error },
    #[error("there is no group `{}`", one_line(.0))]
    NoGroup(String),
    #[error("there is no group or test `{}`", one_line(.0))]
    NoTest(String),
    #[error("there is no journal in {0}: nothing says what failed before")]
    NoRunBefore(String),
    #[error("nothing to run: all that failed in the run before, {0} by their ids, is gone")]
    AllGone(usize),
    #[error("no test framework was found in `{}`, so nothing was written", .0.display())]
    NoFramework(PathBuf),
    #[error("{0}, so nothing was written")]
    InTheWay(String),
    #[error("several suites have a group `{}`: name the suite too, `suite:name`", one_line(.0))]
    WhichGroup(String),
    #[error("the group could not be tried: {0}")]
    Trial(String),
    #[error("`{}`: {error}", .path.display())]
    SavedPlan { path: PathBuf, error: plan::ReadError },
    #[error("`{}` is a plan for {planned} shards, and this is shard {shard}", .path.display())]
    PlanOfOthers { path: PathBuf, planned: usize, shard: Shard },
    #[error("`{}` was made of other tests than there are now: {difference}", .path.display())]
    OtherPlan { path: PathBuf, difference: Box<plan::Difference> },
    #[error("`--min {0}` is more than `--max {1}`")]
    Bounds(u32, u32),
    #[error("{what} takes at most {most} jobs, and there would be {shards}")]
    TooManyJobs { what: &'static str, most: u32, shards: u32 },
    #[error("`GITHUB_OUTPUT` is not set, so this is no step of a GitHub workflow")]
    NoGithubOutput,
    #[error("{0}")]
    History(#[from] HistoryCommandError),
    #[error("there is no journal and no JUnit file in {0}")]
    NoJournals(String),
    #[error("`{0}` is neither a file, nor a directory, nor a glob that matches one")]
    NoSuchPath(String),
}

fn nothing(suites: &[(SuiteName, String)]) -> String {
    if suites.is_empty() {
        return "every suite may be empty, and every one is".to_owned();
    }
    suites.iter().map(empty).collect::<Vec<_>>().join("; ")
}

fn empty((suite, looked): &(SuiteName, String)) -> String {
    format!("suite `{suite}`: {looked}")
}

impl Error {
    /// How the program ends with it.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::NoConfig(_)
            | Self::NotText(_)
            | Self::Config { .. }
            | Self::Shard(_)
            | Self::NoQuarantine(_)
            | Self::Quarantine { .. }
            | Self::Rule(_)
            | Self::Circle(_)
            | Self::Plan(_)
            | Self::Bind(_)
            | Self::NoDatabase(_)
            | Self::NoDatabases
            | Self::UpWithout(_)
            | Self::NoGroup(_)
            | Self::NoTest(_)
            | Self::NoRunBefore(_)
            | Self::NoFramework(_)
            | Self::InTheWay(_)
            | Self::WhichGroup(_)
            | Self::SavedPlan { .. }
            | Self::PlanOfOthers { .. }
            | Self::Bounds(..)
            | Self::TooManyJobs { .. }
            | Self::NoGithubOutput
            | Self::NoJournals(_)
            | Self::NoSuchPath(_) => Exit::Usage,
            Self::OtherPlan { .. } => Exit::NotWhole,
            Self::Discover(error) => match error {
                DiscoverError::Resolve(..)
                | DiscoverError::Globs(..)
                | DiscoverError::Failed { .. }
                | DiscoverError::TimedOut { .. }
                | DiscoverError::TooLong(..)
                | DiscoverError::Listing { .. }
                | DiscoverError::Doubled(_)
                | DiscoverError::Warm(
                    _,
                    WarmError::Ended { .. }
                    | WarmError::Refused { .. }
                    | WarmError::Astray { .. }
                    | WarmError::TimedOut { .. }
                    | WarmError::Version(_)
                    | WarmError::Count { .. }
                    | WarmError::Empty(_),
                ) => Exit::Usage,
                DiscoverError::Store(..)
                | DiscoverError::System(..)
                | DiscoverError::Warm(_, WarmError::System { .. } | WarmError::Closed) => {
                    Exit::Infrastructure
                }
            },
            Self::Store(_)
            | Self::Run(_)
            | Self::Sink(_)
            | Self::Program(_)
            | Self::Provision(_)
            | Self::Trial(_)
            | Self::Holder { .. }
            | Self::Held(_)
            | Self::HolderStays(_)
            | Self::System { .. } => Exit::Infrastructure,
            Self::History(error) => error.exit(),
            Self::Nothing(_) | Self::AllGone(_) => Exit::Nothing,
        }
    }

    /// What to do next.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoConfig(_) => {
                "`evenly init` writes one (see docs/reference/config.md); or name it: `--config`"
            }
            Self::NoRunBefore(_) => "name the journals: `--failed PATHS`",
            Self::NoFramework(_) => {
                "a `command` suite runs any tool: docs/guide/frameworks.md#command"
            }
            Self::InTheWay(_) => "take from what is shown what you need, or move the file away",
            Self::Config { error, .. } => return error.hint.clone(),
            Self::Nothing(suites) if !suites.is_empty() => {
                "if it may be empty, say `required = false` in its `[[suite]]`"
            }
            Self::History(error) => return error.hint().map(str::to_owned),
            Self::UpWithout(_) => "`evenly db down` first: it removes their databases",
            Self::NoGroup(_) | Self::NoTest(_) => {
                "an id is `suite:name`; `evenly plan --all` shows every group"
            }
            Self::SavedPlan { .. } => {
                "make it again with `evenly plan --out FILE`, by the evenly that runs the shards"
            }
            Self::PlanOfOthers { .. } => "say which of the plan's shards: `--shard 2/4`",
            Self::OtherPlan { .. } => {
                "nothing was run; make the plan of the same commit and environment as the shards"
            }
            Self::TooManyJobs { .. } => "give `--max`, or fewer `--shards`",
            Self::NoGithubOutput => "elsewhere `evenly plan --json` tells the shards",
            Self::NoJournals(_) => {
                "a shard's journal is `shard-I-of-N.attempt-A.jsonl` in the `--out` of `evenly \
                 run`, a JUnit file ends in `.xml`"
            }
            Self::Discover(
                DiscoverError::Failed { hint: Some(hint), .. }
                | DiscoverError::Listing { hint: Some(hint), .. },
            ) => return Some(format!("{hint}; nothing was run")),
            Self::Discover(DiscoverError::Failed { hint: None, .. }) => {
                "run the listing by hand in the suite's directory; nothing was run"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
