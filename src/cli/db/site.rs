//! What holds for every `evenly db` command: the project's configuration, where the state of `up`
//! is, and a runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::super::databases::cache;
use super::super::error::Error;
use super::super::project::{base_of, own_variables, read_config};
pub(super) use super::super::runtime::block_on;
use crate::config::{Config, ServerKind, Suite};
use crate::framework::WarmFramework;
use crate::model::SuiteName;
use crate::provision::{Databases, Request, owner_of_this_process};

/// Where the state of `up` is, below the configuration's directory.
const DIRECTORY: &str = ".evenly";
/// Hex digits of what tells one project's databases on a shared server from another's.
const TAG_HEX: usize = 8;
/// How long what `up` makes on other servers while it works is spared if nobody can tell whether
/// it still does.
const SPARED: SignedDuration = SignedDuration::from_hours(7);

/// A project with its databases.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) path: PathBuf,
    pub(super) base: PathBuf,
    databases: Databases,
}

impl Site {
    pub(super) fn open(config: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let base = base_of(config);
        let config = read_config(config)?;
        let databases = Databases::new(&config, &BTreeMap::new())?;
        Ok(Self { config, path, base, databases })
    }

    /// What `up` made.
    pub(super) fn state(&self) -> PathBuf {
        self.base.join(DIRECTORY).join("server.json")
    }

    /// What the holder says.
    pub(super) fn log(&self) -> PathBuf {
        self.base.join(DIRECTORY).join("server.log")
    }

    /// Scratch of `up`, and its SQLite files.
    pub(super) fn work(&self) -> PathBuf {
        self.base.join(DIRECTORY).join("local")
    }

    /// The databases to make: those that are named, or all.
    pub(super) fn wanted(&self, named: &[String]) -> Result<BTreeSet<String>, Error> {
        let known = &self.config.databases;
        if known.is_empty() {
            return Err(Error::NoDatabases);
        }
        if let Some(unknown) = named.iter().find(|name| !known.contains_key(*name)) {
            return Err(Error::NoDatabase(unknown.clone()));
        }
        let all = || known.keys().cloned().collect();
        Ok(if named.is_empty() { all() } else { named.iter().cloned().collect() })
    }

    /// Those of the wanted that a suite's framework fills when tests run, with the suite.
    pub(super) fn filled_by_suites(&self, wanted: &BTreeSet<String>) -> Vec<(&str, &SuiteName)> {
        let fills = |suite: &&Suite| suite.framework == WarmFramework::Django.name();
        let suites = self.config.suites.iter().filter(fills);
        let pairs = suites.flat_map(|suite| {
            suite.named_databases().map(move |name| (name.as_str(), &suite.name))
        });
        let unfilled = |name: &str| self.config.databases[name].is_unfilled();
        pairs.filter(|(name, _)| wanted.contains(*name) && unfilled(name)).collect()
    }

    /// The suites whose frameworks bring databases that no `[database.NAME]` is.
    pub(super) fn suites_with_own_databases(&self) -> impl Iterator<Item = &SuiteName> {
        let brings = |suite: &&Suite| {
            suite.framework == WarmFramework::Django.name()
                && suite.named_databases().next().is_none()
        };
        self.config.suites.iter().filter(brings).map(|suite| &suite.name)
    }

    /// Whether a database is on a server of our own.
    pub(super) fn is_managed(&self, name: &String) -> bool {
        let databases = &self.config.databases;
        let target = databases[name].mirror.as_ref().unwrap_or(name);
        databases[target].server == ServerKind::Managed
    }

    pub(super) fn request(
        &self,
        used: BTreeSet<String>,
        workers: u32,
    ) -> Result<Request<'_>, Error> {
        let until = Timestamp::now().checked_add(SPARED).unwrap_or(Timestamp::MAX);
        let owner = owner_of_this_process("local", until);
        // Two people, or two copies of a project, may share a server.
        let place = format!("{}\0{}", owner.host, self.base.display());
        let tag = crate::model::hex(&Sha256::digest(place));
        Ok(Request {
            databases: &self.databases,
            filler: None,
            base: self.base.clone(),
            used,
            workers,
            owner,
            tag: tag[..TAG_HEX].to_owned(),
            work: self.work(),
            cache: cache(),
            program: std::env::current_exe().map_err(Error::Program)?,
            env_remove: own_variables(),
        })
    }
}
