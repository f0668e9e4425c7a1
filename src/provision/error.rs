//! Why a worker cannot have its databases.

use crate::config::ConfigError;
use crate::db::DbError;
use crate::model::{Engine, ProcessEnd, SuiteName};
use crate::store::StoreError;

/// Why a worker cannot have its databases.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The configuration contradicts itself.
    #[error("{0}")]
    Config(ConfigError),
    /// A variable in `url` is not set.
    #[error("`[database.{database}]`: its `url` uses `${{{variable}}}`, and that is not set")]
    Unset {
        /// The database's name in the configuration.
        database: String,
        /// The variable.
        variable: String,
    },
    /// The server refuses something.
    #[error("`[database.{database}]`: {error}")]
    Db {
        /// The database's name in the configuration.
        database: String,
        /// What.
        error: DbError,
    },
    /// What the template depends on cannot be read.
    #[error("`[database.{database}]`: {error}")]
    Store {
        /// The database's name in the configuration.
        database: String,
        /// What.
        error: StoreError,
    },
    /// `inputs` match nothing, so the template would never be built anew.
    #[error("`[database.{database}]`: no file matches `inputs`: {globs}")]
    NoInputs {
        /// The database's name in the configuration.
        database: String,
        /// The globs.
        globs: String,
    },
    /// `inputs` cannot be looked for.
    #[error("`[database.{database}]`: {error}")]
    Globs {
        /// The database's name in the configuration.
        database: String,
        /// What is wrong.
        error: crate::store::GlobError,
    },
    /// A command could not be run.
    #[error("`[database.{database}]`: cannot run its {what}: {error}")]
    System {
        /// The database's name in the configuration.
        database: String,
        /// Which command.
        what: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
    /// A command failed.
    #[error(
        "`[database.{database}]`: its {what} failed ({end}); the half-built template is gone{words}"
    )]
    Failed {
        /// The database's name in the configuration.
        database: String,
        /// Which command.
        what: &'static str,
        /// How it ended.
        end: ProcessEnd,
        /// What it printed.
        words: String,
    },
    /// A framework could not fill a template.
    #[error("`[database.{database}]`: the suite `{suite}` could not fill it: {why}")]
    Unfilled {
        /// The database's name.
        database: String,
        /// The framework's suite.
        suite: SuiteName,
        /// What is wrong, and what was printed.
        why: String,
    },
    /// A server of our own did not start.
    #[error("cannot start {engine}: {error}")]
    Managed {
        /// Which.
        engine: Engine,
        /// Why.
        error: super::ManagedError,
    },
    /// Nobody should hold a server any more.
    #[error("a database is still in use at the end")]
    StillUsed,
}
