//! What can be typed: clap's types, which never leave `cli/`.
//!
//! Every flag is also a variable. One that is set but empty is refused, never taken for silence:
//! it is most likely an expression of the CI's that came out empty.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::history::HistoryCommand;
use super::merge::Output;
use super::order::Order;
use super::publish::{MergePublishArgs, PublishArgs};
use crate::config::{RETRIES_MAX, Show, Workers, parse_duration};
use crate::init::{self, Home};
use crate::model::{SHARDS_MAX, WORKERS_MAX};
use crate::report::foreign::Repeated;

/// Split a test suite evenly over CI jobs and local workers, and prove that every test ran exactly
/// once.
#[derive(Debug, Parser)]
#[command(name = "evenly", version, propagate_version = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look at the project and the CI, and write `evenly.toml` and the workflow
    Init(InitArgs),
    /// Run one shard: discover, plan, run, and leave a journal and a JUnit file
    Run(RunArgs),
    /// Join the journals of all shards into one report; the exit code is the whole run's verdict
    Merge(MergeArgs),
    /// Tell a pull or merge request what the shards found, from a job that ran none
    Publish(PublishArgs),
    /// Show which shard runs what, and why
    Plan(PlanArgs),
    /// Do here what CI would do: run every shard, then merge
    Local(LocalArgs),
    /// Find out which groups before it make a group fail
    Bisect(BisectArgs),
    /// What earlier runs taught: shown, and exchanged with other tools
    #[command(subcommand)]
    History(HistoryCommand),
    /// Databases: what evenly made and left, and servers for work by hand
    #[command(subcommand)]
    Db(DbCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Show every database that evenly made on this project's servers, and whose it is
    List(DbListArgs),
    /// Remove what dead runs left; never what a live one uses
    Clean(DbCleanArgs),
    /// Start the managed servers and make a database of each kind for work by hand
    Up(DbUpArgs),
    /// Stop what `up` started and remove its databases
    Down(DbDownArgs),
    /// Hold the servers of `up`; started by it
    #[command(hide = true)]
    Hold(DbUpArgs),
}

#[derive(Debug, Args)]
pub(super) struct DbListArgs {
    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// Print JSON instead of the table
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DbCleanArgs {
    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// Remove templates too, where no live run may be using them
    #[arg(long)]
    pub(super) templates: bool,

    /// Only say what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct DbUpArgs {
    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// Only this `[database.NAME]`; may be given several times
    #[arg(long = "database", value_name = "NAME")]
    pub(super) databases: Vec<String>,

    /// For how many workers the servers take connections: `auto` (the machine's cores) or a number
    #[arg(long, value_name = "W", env = "EVENLY_WORKERS", allow_negative_numbers = true)]
    pub(super) workers: Option<Workers>,
}

#[derive(Debug, Args)]
pub(super) struct DbDownArgs {
    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The project's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) dir: PathBuf,

    /// Whose workflow to write; by default the one whose files are there
    #[arg(long, value_name = "CI")]
    pub(super) ci: Option<HomeArg>,

    /// How many shards the workflow has
    #[arg(long, value_name = "N", env = "EVENLY_SHARDS", default_value_t = init::SHARDS)]
    #[arg(allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(init::SHARDS_MAX)))]
    pub(super) shards: u32,

    /// Only show every file, whole
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// [`Home`] as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum HomeArg {
    Github,
    Gitlab,
    None,
}

impl From<HomeArg> for Home {
    fn from(arg: HomeArg) -> Self {
        match arg {
            HomeArg::Github => Self::Github,
            HomeArg::Gitlab => Self::Gitlab,
            HomeArg::None => Self::None,
        }
    }
}

/// Which project, and what is known of it.
#[derive(Debug, Args)]
pub(super) struct ProjectArgs {
    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// What earlier runs taught; a missing file is an empty history
    #[arg(long, value_name = "FILE", env = "EVENLY_HISTORY", default_value = HISTORY)]
    pub(super) history: PathBuf,

    /// Local workers of each shard: `auto` (the machine's cores) or a number
    #[arg(long, value_name = "W", env = "EVENLY_WORKERS", allow_negative_numbers = true)]
    pub(super) workers: Option<Workers>,
}

/// The configuration when nothing else is said.
pub(super) const CONFIG: &str = "evenly.toml";
/// Where history is kept when nothing else is said.
pub(super) const HISTORY: &str = ".evenly/history.jsonl";
/// Where a child pipeline's `.evenly` is when nothing else is said.
const GITLAB_INCLUDE: &str = ".gitlab/evenly.yml";
/// Where results go when nothing else is said.
const OUT: &str = "evenly-out";

/// How tests run and how much is printed.
#[derive(Debug, Args)]
pub(super) struct RunningArgs {
    /// Where journals, JUnit files and reports go
    #[arg(long, value_name = "DIR", env = "EVENLY_OUT", default_value = OUT)]
    pub(super) out: PathBuf,

    /// Whose output is printed: of failed groups, of all, of none, or of all while they run
    #[arg(long, value_name = "WHICH", env = "EVENLY_OUTPUT")]
    pub(super) output: Option<ShowArg>,

    /// How often what failed is tried again
    #[arg(long, value_name = "N", env = "EVENLY_RETRIES", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=i64::from(RETRIES_MAX)))]
    pub(super) retries: Option<u32>,

    /// Run only this group, class or test, by its id; may be given several times
    #[arg(long, value_name = "ID")]
    pub(super) only: Vec<String>,

    /// Run only what failed or was lost in the run before, by its journals there or in `--out`; in
    /// a CI, by this shard's earlier attempt, whose other results stand
    #[arg(long, value_name = "PATHS", num_args = 0.., conflicts_with = "only")]
    pub(super) failed: Option<Vec<PathBuf>>,

    /// Run on one worker, and give it this number, counted from 0
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(..i64::from(WORKERS_MAX)))]
    pub(super) worker: Option<u32>,
    /// Tests whose failures are known and don't count until a day
    #[arg(long, value_name = "FILE", env = "EVENLY_QUARANTINE")]
    pub(super) quarantine: Option<PathBuf>,

    /// Which group starts first: as planned, or as the frameworks list them, on one worker
    #[arg(long, value_name = "WHICH", env = "EVENLY_ORDER", default_value = "plan")]
    pub(super) order: OrderArg,

    /// Start nothing more after the first failure; the run is then not whole
    #[arg(long, env = "EVENLY_FAIL_FAST", value_parser = FalseyValueParser::new())]
    pub(super) fail_fast: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) project: ProjectArgs,

    /// Which shard of how many, such as `2/4`, counted from 1; read from the CI's own variables
    /// where it has them
    #[arg(long, value_name = "I/N", env = "EVENLY_SHARD", allow_hyphen_values = true)]
    pub(super) shard: Option<String>,

    /// A plan that `evenly plan` wrote, instead of making one here
    #[arg(long, value_name = "FILE", env = "EVENLY_PLAN")]
    pub(super) plan: Option<PathBuf>,

    /// How many shards, where `--shard` is only an index
    #[arg(long, value_name = "N", env = "EVENLY_SHARDS", allow_hyphen_values = true)]
    pub(super) shards: Option<String>,

    /// Which attempt at this run this is; read from the CI's own variables where it has them
    #[arg(long, value_name = "N", env = "EVENLY_ATTEMPT", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) attempt: Option<u32>,

    #[command(flatten)]
    pub(super) running: RunningArgs,
}

/// Into how many shards a whole run is split.
#[derive(Debug, Args)]
pub(super) struct ShardsArgs {
    /// How many shards
    #[arg(long = "shards", value_name = "N", env = "EVENLY_SHARDS", default_value_t = 1)]
    #[arg(allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(SHARDS_MAX)))]
    pub(super) total: u32,
}

#[derive(Debug, Args)]
pub(super) struct LocalArgs {
    #[command(flatten)]
    pub(super) project: ProjectArgs,

    #[command(flatten)]
    pub(super) shards: ShardsArgs,

    #[command(flatten)]
    pub(super) running: RunningArgs,
}

#[derive(Debug, Args)]
pub(super) struct BisectArgs {
    /// The group that fails: `suite:name`, or its name if no other suite has it
    #[arg(value_name = "GROUP")]
    pub(super) group: String,

    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// Where the journals of the run are in which it failed
    #[arg(long, value_name = "DIR", env = "EVENLY_OUT", default_value = OUT)]
    pub(super) out: PathBuf,

    /// Suspect only this group instead of all that ran before; may be given several times, in
    /// their order
    #[arg(long, value_name = "GROUP")]
    pub(super) after: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) project: ProjectArgs,

    #[command(flatten)]
    pub(super) shards: ShardsArgs,

    #[command(flatten)]
    pub(super) sizing: SizingArgs,

    /// Write the plan there too, for all shards to run
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Write the shards as outputs `matrix` and `shards` of this step of a GitHub workflow
    #[arg(long)]
    pub(super) github_matrix: bool,

    /// Write a pipeline of GitLab's with a job a shard, each of which extends `.evenly`
    #[arg(long, value_name = "FILE")]
    pub(super) gitlab_child: Option<PathBuf>,

    /// The file of the repository that says what `.evenly` is
    #[arg(long, value_name = "FILE", default_value = GITLAB_INCLUDE, requires = "gitlab_child")]
    pub(super) gitlab_include: String,

    /// Print JSON instead of the table
    #[arg(long)]
    pub(super) json: bool,

    /// List every group, however many there are
    #[arg(long, conflicts_with = "json")]
    pub(super) all: bool,
}

/// How many shards are needed.
#[derive(Debug, Args)]
pub(super) struct SizingArgs {
    /// As few shards as are done in this time, such as `5m`
    #[arg(long, value_name = "TIME", env = "EVENLY_TARGET", value_parser = parse_duration)]
    #[arg(conflicts_with = "total")]
    pub(super) target: Option<Duration>,

    /// At least so many
    #[arg(long, value_name = "N", env = "EVENLY_MIN", requires = "target", default_value_t = 1)]
    #[arg(allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(SHARDS_MAX)))]
    pub(super) min: u32,

    /// At most so many
    #[arg(long, value_name = "N", env = "EVENLY_MAX", requires = "target", default_value_t = 200)]
    #[arg(allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(SHARDS_MAX)))]
    pub(super) max: u32,

    /// What a job takes beside evenly, such as checkout and dependencies
    #[arg(long, value_name = "TIME", env = "EVENLY_SETUP", requires = "target")]
    #[arg(value_parser = parse_duration)]
    pub(super) setup: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Journals, JUnit files, directories that hold either, or globs
    #[arg(required = true, value_name = "PATHS")]
    pub(super) paths: Vec<PathBuf>,

    /// Where the reports go
    #[arg(long, value_name = "DIR", env = "EVENLY_OUT", default_value = OUT)]
    pub(super) out: PathBuf,

    /// The history to update; `none` leaves it alone
    #[arg(long, value_name = "FILE", env = "EVENLY_HISTORY", default_value = HISTORY)]
    pub(super) history: PathBuf,

    /// Tests whose failures are known and don't count until a day
    #[arg(long, value_name = "FILE", env = "EVENLY_QUARANTINE")]
    pub(super) quarantine: Option<PathBuf>,

    /// Which reports are written
    #[arg(long, value_name = "WHICH", env = "EVENLY_OUTPUTS", value_delimiter = ',')]
    #[arg(value_enum, default_values_t = Output::ALL)]
    pub(super) outputs: Vec<Output>,

    /// What a test is that several JUnit files tell of
    #[arg(long, value_name = "HOW", env = "EVENLY_REPEATED", value_enum)]
    #[arg(default_value_t = RepeatedArg::Worst)]
    pub(super) repeated: RepeatedArg,

    #[command(flatten)]
    pub(super) publish: MergePublishArgs,
}

/// [`Repeated`] as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RepeatedArg {
    /// One test, as bad as its worst result
    Worst,
    /// One test that was tried again: the newest result counts
    Retry,
    /// A test for each file
    Apart,
}

impl From<RepeatedArg> for Repeated {
    fn from(arg: RepeatedArg) -> Self {
        match arg {
            RepeatedArg::Worst => Self::Worst,
            RepeatedArg::Retry => Self::Retry,
            RepeatedArg::Apart => Self::Apart,
        }
    }
}

/// [`Show`] as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ShowArg {
    Failed,
    All,
    Never,
    Stream,
}

impl From<ShowArg> for Show {
    fn from(arg: ShowArg) -> Self {
        match arg {
            ShowArg::Failed => Self::Failed,
            ShowArg::All => Self::All,
            ShowArg::Never => Self::Never,
            ShowArg::Stream => Self::Stream,
        }
    }
}

/// [`Order`] as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum OrderArg {
    Plan,
    Serial,
}

impl From<OrderArg> for Order {
    fn from(arg: OrderArg) -> Self {
        match arg {
            OrderArg::Plan => Self::Plan,
            OrderArg::Serial => Self::Serial,
        }
    }
}
