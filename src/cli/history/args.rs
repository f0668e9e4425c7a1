//! What can be typed after `evenly history`.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use super::super::args::{CONFIG, HISTORY};
use crate::history::import::Format;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum HistoryCommand {
    /// Learn from what another tool measured
    Import(ImportArgs),
    /// Write what is known in the form of another tool
    Export(ExportArgs),
    /// Show the trend of a test; without one, what stands out
    Show(ShowArgs),
    /// Forget tests and suites that are no longer there
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// Files of one format, or directories that hold them
    #[arg(required = true, value_name = "FILES")]
    pub(super) files: Vec<PathBuf>,

    /// Of which format they are; `auto` looks at what stands in them
    #[arg(long, value_name = "F", default_value = "auto")]
    pub(super) format: ImportFormat,

    /// Only this suite is meant
    #[arg(long, value_name = "NAME")]
    pub(super) suite: Option<String>,

    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// The history that learns
    #[arg(long, value_name = "FILE", env = "EVENLY_HISTORY", default_value = HISTORY)]
    pub(super) history: PathBuf,

    /// Only say what would be imported
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// In which format
    #[arg(long, value_name = "F")]
    pub(super) format: ExportFormat,

    /// Which suite, where the history has several
    #[arg(long, value_name = "NAME")]
    pub(super) suite: Option<String>,

    /// The file to write; standard output where there is none
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// The configuration, which says how a framework names its tests in JUnit
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// The history to read
    #[arg(long, value_name = "FILE", env = "EVENLY_HISTORY", default_value = HISTORY)]
    pub(super) history: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// The test, as `suite:name`, or its name alone where one suite has it
    #[arg(value_name = "ID")]
    pub(super) id: Option<String>,

    /// Only this suite
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    pub(super) suite: Option<String>,

    /// How many tests of each kind
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "id")]
    pub(super) top: usize,

    /// Print JSON instead
    #[arg(long)]
    pub(super) json: bool,

    /// The history to read
    #[arg(long, value_name = "FILE", env = "EVENLY_HISTORY", default_value = HISTORY)]
    pub(super) history: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PruneArgs {
    /// The configuration; paths inside it are relative to its directory
    #[arg(long, value_name = "FILE", env = "EVENLY_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,

    /// The history that forgets
    #[arg(long, value_name = "FILE", env = "EVENLY_HISTORY", default_value = HISTORY)]
    pub(super) history: PathBuf,

    /// Only say what would be forgotten
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// [`Format`] as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum ImportFormat {
    Auto,
    Known(Format),
}

/// `auto`, then [`Format::ALL`].
const IMPORT_FORMATS: [ImportFormat; Format::ALL.len() + 1] = {
    let mut formats = [ImportFormat::Auto; Format::ALL.len() + 1];
    let mut at = 0;
    while at < Format::ALL.len() {
        formats[at + 1] = ImportFormat::Known(Format::ALL[at]);
        at += 1;
    }
    formats
};

impl ValueEnum for ImportFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &IMPORT_FORMATS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto"),
            Self::Known(format) => {
                PossibleValue::new(format.word()).aliases(format.aliases().iter().copied())
            }
        })
    }
}

/// What can be written, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    PytestSplit,
    #[value(alias = "gitlab")]
    Knapsack,
    #[value(alias = "circleci")]
    Junit,
    Bun,
}
