//! What can be typed about publishing.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::super::args::CONFIG;
use crate::config::parse_duration;
use crate::publish::When;

/// How a report is published.
#[derive(Debug, Args)]
pub(in crate::cli) struct PublishingArgs {
    /// Mark the commit: a check run with annotations on GitHub Actions, else a commit status
    #[arg(long, env = "EVENLY_CHECK", value_parser = FalseyValueParser::new())]
    pub(super) check: bool,

    /// End with 3 when tests passed and something could not be published
    #[arg(long, env = "EVENLY_REQUIRE_PUBLISH", value_parser = FalseyValueParser::new())]
    pub(super) require_publish: bool,

    /// How long publishing may take in all, waits included
    #[arg(long, value_name = "TIME", env = "EVENLY_PUBLISH_TIMEOUT", default_value = "2m")]
    #[arg(value_parser = parse_duration)]
    pub(super) publish_timeout: Duration,

    /// The configuration whose report it is: each has a comment and a check of its own
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,
}

/// Publishing beside something else.
#[derive(Debug, Args)]
pub(in crate::cli) struct MergePublishArgs {
    /// When the report becomes a comment of the pull or merge request
    #[arg(long, value_name = "WHEN", env = "EVENLY_COMMENT", default_value = "never")]
    pub(super) comment: WhenArg,

    #[command(flatten)]
    pub(super) publishing: PublishingArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PublishArgs {
    /// Journals, directories that hold them, or globs
    #[arg(required = true, value_name = "PATHS")]
    pub(super) paths: Vec<PathBuf>,

    /// Tests whose failures are known and don't count until a day
    #[arg(long, value_name = "FILE", env = "EVENLY_QUARANTINE")]
    pub(super) quarantine: Option<PathBuf>,

    /// When the report becomes a comment of the pull or merge request
    #[arg(long, value_name = "WHEN", env = "EVENLY_COMMENT", default_value = "always")]
    pub(super) comment: WhenArg,

    #[command(flatten)]
    pub(super) publishing: PublishingArgs,
}

/// [`When`] as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum WhenArg {
    Always,
    OnChange,
    Failures,
    Never,
}

impl From<WhenArg> for When {
    fn from(arg: WhenArg) -> Self {
        match arg {
            WhenArg::Always => Self::Always,
            WhenArg::OnChange => Self::OnChange,
            WhenArg::Failures => Self::Failures,
            WhenArg::Never => Self::Never,
        }
    }
}
