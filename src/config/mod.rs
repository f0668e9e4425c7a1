//! `evenly.toml`: what a project tells evenly, as text to be read and as plain values.
//!
//! Pure: the caller reads the file. Unknown keys are errors that name the line and the nearest
//! known key; nothing is ever silently ignored, because an ignored key means tests run otherwise
//! than their owner thinks.

mod database;
mod error;
mod quarantine;
mod values;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

pub use database::{Database, Filling, Fresh, Prepare, ServerKind, in_order, variable};
pub use error::ConfigError;
pub use quarantine::{Quarantined, parse_quarantine};
pub use values::{Bytes, Show, Workers, parse_duration};
use values::{Human, default_true};

use crate::framework::protocol::Processes;
use crate::framework::{GroupBy, Results};
pub use crate::model::WORKERS_MAX;
use crate::model::{Granularity, SuiteName};

/// A group's time when nothing else is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_mins(10);
/// Between the polite signal and the kill when nothing else is said. Below the 7.5 s that GitHub
/// leaves a cancelled job between its two signals, so that all is saved in time.
pub const GRACE_DEFAULT: Duration = Duration::from_secs(5);
/// Retries beyond this only hide that something is broken.
pub const RETRIES_MAX: u32 = 100;

/// The whole file.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[run]`.
    pub run: Run,
    /// `[[suite]]`, in the file's order; never empty, names unique.
    pub suites: Vec<Suite>,
    /// `[[rule]]`, in the file's order.
    pub rules: Vec<Rule>,
    /// `[database.NAME]`, by name.
    pub databases: BTreeMap<String, Database>,
}

/// `[run]`: how a shard runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Run {
    /// Local workers of a shard.
    pub workers: Workers,
    /// How often a failed group (or its failed tests) is tried again.
    pub retries: u32,
    /// How long one execution of a group may take.
    timeout: Human,
    /// Between the polite signal and the kill.
    grace: Human,
    /// Stop starting groups after the first that failed for good.
    pub fail_fast: bool,
    /// Which groups' output is printed.
    pub output: Show,
    /// First port of worker 0; each worker gets [`PORTS_PER_WORKER`] of its own.
    pub port_base: u16,
    /// How finely groups are planned.
    pub granularity: Granularity,
}

/// Ports that each worker has to itself, from `EVENLY_PORT_BASE` on.
pub const PORTS_PER_WORKER: u16 = 20;

impl Default for Run {
    fn default() -> Self {
        Self {
            workers: Workers::Auto,
            retries: 0,
            timeout: Human(TIMEOUT_DEFAULT),
            grace: Human(GRACE_DEFAULT),
            fail_fast: false,
            output: Show::Failed,
            port_base: 20_000,
            granularity: Granularity::Auto,
        }
    }
}

impl Run {
    /// How long one execution of a group may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.0
    }

    /// Between the polite signal and the kill.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace.0
    }
}

/// `[[suite]]`: a test framework with its settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Suite {
    /// Its name; part of every id.
    pub name: SuiteName,
    /// `command` or the name of a preset.
    pub framework: String,
    /// Where its commands run, relative to the configuration file.
    #[serde(default)]
    pub dir: Option<String>,
    /// For `command`: prints one id a line.
    #[serde(default)]
    pub discover: Option<String>,
    /// For `command`: files whose paths are the ids.
    #[serde(default)]
    pub globs: Vec<String>,
    /// For `command`: runs one group.
    #[serde(default)]
    pub run: Option<String>,
    /// For `command`: where results come from; inferred from `run` when absent.
    #[serde(default)]
    pub results: Option<Results>,
    /// Where a preset looks for tests when it lists them; its own default when empty.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Further arguments for a preset's tool, when it lists and when it runs.
    #[serde(default)]
    pub args: Vec<String>,
    /// Interpreter of the Python frameworks.
    #[serde(default)]
    pub python: Option<String>,
    /// Environment of its processes; `{worker}`, `{shard}`, `{shards}`, `{run}`, `{tmpdir}` and
    /// `{port}` are filled in.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    timeout: Option<Human>,
    /// Overrides `[run]`'s.
    #[serde(default)]
    pub retries: Option<u32>,
    /// The `[database.NAME]`s that its tests use; the first one is `DATABASE_URL`.
    #[serde(default)]
    pub databases: Vec<String>,
    /// Whether finding nothing is an error.
    #[serde(default = "default_true")]
    pub required: bool,
    /// For Django: the settings' module.
    #[serde(default)]
    pub settings: Option<String>,
    /// For warm workers: what a group is.
    #[serde(default)]
    pub group_by: Option<GroupBy>,
    /// For warm workers: how they come to be.
    #[serde(default)]
    pub processes: Option<Processes>,
    /// For warm workers: one that has more resident after a group is renewed.
    #[serde(default)]
    pub worker_memory: Option<Bytes>,
    /// For warm workers: one is renewed after so many groups.
    #[serde(default)]
    pub worker_groups: Option<NonZeroU32>,
    /// For commands: how many groups one may run.
    #[serde(default)]
    pub batch: Option<NonZeroU32>,
    /// For Django: the `[database.NAME]` of an alias.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// How finely its groups are planned, where that differs from `[run]`'s.
    #[serde(default)]
    pub granularity: Option<Granularity>,
}

impl Suite {
    /// The `[database.NAME]`s that it names, in order.
    pub fn named_databases(&self) -> impl Iterator<Item = &String> {
        self.databases.iter().chain(self.aliases.values())
    }

    /// How long one execution of one of its groups may take, where it differs from `[run]`'s.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.map(|human| human.0)
    }
}

/// `[[rule]]`: what the plan must respect for the groups that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// A glob over group names (or `suite:name`); `*` matches any text.
    #[serde(rename = "match")]
    pub matches: String,
    /// Alone on the shard's machine while it runs.
    #[serde(default)]
    pub exclusive: bool,
    /// Whether its tests use the suite's databases.
    #[serde(default = "default_true")]
    pub database: bool,
    /// A label: all that match become one group.
    #[serde(default)]
    pub together: Option<String>,
    /// A glob as `matches`: those that match run before, in one group with them.
    #[serde(default)]
    pub after: Option<String>,
    /// Whether they may be planned in parts; matches classes too.
    #[serde(default = "default_true")]
    pub split: bool,
    #[serde(default)]
    timeout: Option<Human>,
    /// Overrides the suite's.
    #[serde(default)]
    pub retries: Option<u32>,
}

impl Rule {
    /// Overrides the suite's time limit.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.map(|human| human.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    run: Run,
    #[serde(default, rename = "suite")]
    suites: Vec<Suite>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
    #[serde(default, rename = "database")]
    databases: BTreeMap<String, Database>,
}

impl Config {
    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is not TOML, has a key that is not known or a value that cannot be meant, or has no
    /// suite. The error names the line.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let Raw { run, suites, rules, databases } =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(&error, text))?;
        if suites.is_empty() {
            return Err(ConfigError::plain("there is no `[[suite]]`: nothing says what to run"));
        }
        check_names(&suites)?;
        for suite in &suites {
            check_suite(suite)?;
        }
        check_retries(&run, &suites, &rules)?;
        for rule in &rules {
            check_rule(rule)?;
        }
        database::check(&databases)?;
        for suite in &suites {
            check_databases(suite, &databases)?;
        }
        Ok(Self { run, suites, rules, databases })
    }
}

fn check_names(suites: &[Suite]) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for suite in suites {
        if !seen.insert(&suite.name) {
            return Err(ConfigError::plain(format!(
                "two suites are named `{}`: ids would clash; give each its own name",
                suite.name
            )));
        }
    }
    Ok(())
}

/// Nothing that no command line and no environment can hold: it would fail every group.
fn check_suite(suite: &Suite) -> Result<(), ConfigError> {
    let Suite { name, dir, discover, globs, run, paths, args, python, env, settings, .. } = suite;
    if let Some(bad) = env.keys().find(|name| name.is_empty() || name.contains('=')) {
        return Err(ConfigError::plain(format!(
            "suite `{name}`: `env` has {bad:?}, which is not a variable's name"
        )));
    }
    let single = [dir, discover, run, python, settings].into_iter().flatten();
    let mut texts =
        single.chain(globs).chain(paths).chain(args).chain(env.keys().chain(env.values()));
    match texts.find(|text| text.contains('\0')) {
        Some(text) => Err(ConfigError::plain(format!(
            "suite `{name}`: {text:?} has a NUL, which no command and no variable can hold"
        ))),
        None => Ok(()),
    }
}

fn check_retries(run: &Run, suites: &[Suite], rules: &[Rule]) -> Result<(), ConfigError> {
    let given = suites.iter().filter_map(|suite| suite.retries);
    let given = given.chain(rules.iter().filter_map(|rule| rule.retries)).chain([run.retries]);
    match given.max() {
        Some(most) if most > RETRIES_MAX => Err(ConfigError::plain(format!(
            "`retries = {most}` is more than {RETRIES_MAX}: that hides what is broken"
        ))),
        _ => Ok(()),
    }
}

fn check_databases(
    suite: &Suite,
    databases: &BTreeMap<String, Database>,
) -> Result<(), ConfigError> {
    match suite.named_databases().find(|name| !databases.contains_key(*name)) {
        Some(name) => Err(ConfigError::plain(format!(
            "the suite `{}` uses the database `{name}`, and there is no `[database.{name}]`",
            suite.name
        ))),
        None => Ok(()),
    }
}

fn check_rule(rule: &Rule) -> Result<(), ConfigError> {
    let Rule { matches, exclusive, database, together, after, split, timeout, retries } = rule;
    let limits = timeout.is_some() || retries.is_some();
    let places = together.is_some() || after.is_some() || !split;
    if !exclusive && *database && !places && !limits {
        return Err(ConfigError::plain(format!(
            "the rule for `{matches}` says nothing: give it `exclusive`, `together`, `after`, \
             `timeout`, `retries`, `database = false` or `split = false`"
        )));
    }
    match together.as_deref() {
        Some(label) if SuiteName::new(label).is_err() => Err(ConfigError::plain(format!(
            "`together = {label:?}` is not a label: use letters, digits, `-`, `_` and `.`"
        ))),
        _ => Ok(()),
    }
}
