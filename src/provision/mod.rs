//! What a worker's groups find beside their command: databases of their own.
//!
//! Promises: nothing is made that no planned group uses; a template is built at most once and only
//! a finished one is cloned; a worker never sees another worker's database; what was made is gone
//! at the end, and what a killed run left is gone after the next one's start.
//!
//! Everything here runs inside the shard's tokio `LocalSet`: clones are made and dropped in the
//! background while tests run.

mod bind;
mod cache;
mod dump;
mod error;
mod fill;
mod key;
mod lane;
mod leftovers;
mod libpq;
mod local;
mod owner;
mod schema;
mod server;
mod servers;
mod template;
mod tmpfs;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;

use jiff::Timestamp;

use crate::config::{self, Database, Filling, Fresh, ServerKind};
use crate::db::{DatabaseName, Location, Naming, Owner, Server, TemplateName};
use crate::model::{Engine, Group, TemplateOrigin};

pub use bind::{BindError, Binding, Databases};
pub use cache::{Cache, CacheError, Restored};
pub use error::ProvisionError;
pub use lane::After;
use lane::{Ahead, Lanes};
pub use leftovers::{Act, Fate, Kind, Survey, Templates, Thing, remove_dead_servers, survey};
pub use local::{Local, drop_local, is_reachable};
pub use owner::{is_alive, is_over, owner_of_this_process};
pub use server::{Data, Managed, ManagedError, ManagedOptions};
use servers::Servers;
pub use variables::of as variables_of;

/// What is to be provided, and in which surroundings.
#[derive(Debug)]
pub struct Request<'a> {
    /// The databases, and which suite has which.
    pub databases: &'a Databases,
    /// Fills those that a framework fills.
    pub filler: Option<&'a dyn Fill>,
    /// The configuration's directory, absolute.
    pub base: PathBuf,
    /// The databases that a planned group uses.
    pub used: BTreeSet<String>,
    /// Workers of the shard.
    pub workers: u32,
    /// The mark of everything that is made.
    pub owner: Owner,
    /// Tells this run's databases from another's on a server that both use.
    pub tag: String,
    /// Scratch that lives as long as the run, absolute.
    pub work: PathBuf,
    /// Where templates are kept for later runs.
    pub cache: Cache,
    /// evenly itself.
    pub program: PathBuf,
    /// Variables that no command may see.
    pub env_remove: Vec<OsString>,
}

/// Fills templates as the frameworks of suites do.
pub trait Fill: std::fmt::Debug {
    /// Fills an empty database. An error begins with one line.
    fn fill<'a>(&'a self, empty: Empty<'a>) -> Filled<'a>;
}

/// A database that a framework is to fill.
#[derive(Debug, Clone, Copy)]
pub struct Empty<'a> {
    /// Which, and whose.
    pub filling: &'a Filling,
    /// Where it is.
    pub url: &'a str,
    /// The file to print into.
    pub output: &'a Path,
    /// Clones of those that come before it, by alias.
    pub before: &'a BTreeMap<String, String>,
}

/// The end of a [`Fill::fill`].
pub type Filled<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// Where a group finds its databases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handed {
    /// `DATABASE_URL` and its like, of those that its framework has no names for.
    pub variables: Vec<(OsString, OsString)>,
    /// By its framework's own name for it.
    pub aliases: BTreeMap<String, String>,
}

/// Something worth telling that happened while databases were made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A template is there.
    Template {
        /// The database's name in the configuration.
        database: String,
        /// How it came about.
        origin: TemplateOrigin,
        /// How long that took, microseconds.
        took_us: u64,
    },
    /// Something that is good to know.
    Note(String),
    /// Something is not as it should be, and goes on all the same.
    Warning(String),
}

/// Databases, ready to be handed out.
#[derive(Debug)]
pub struct Provision {
    sources: BTreeMap<String, Rc<Source>>,
    /// Which source each name stands for: itself, or what it mirrors.
    names: BTreeMap<String, String>,
    databases: Databases,
    lanes: Lanes,
    servers: Servers,
}

/// One database's template and where its clones are made.
#[derive(Debug)]
struct Source {
    server: Server,
    template: TemplateName,
    naming: Naming,
    name: String,
    fresh: Fresh,
    /// Whether its server is one of ours.
    managed: bool,
    owner: Owner,
}

impl Provision {
    /// Makes every used database's template ready.
    ///
    /// # Errors
    /// When a server cannot be reached or refuses, or a template cannot be built.
    pub async fn start(
        request: &Request<'_>,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Self, ProvisionError> {
        let databases = &request.databases.all;
        let names = names(databases, &request.used);
        let wanted: BTreeSet<&str> = names.values().map(String::as_str).collect();
        let order = config::in_order(databases).map_err(ProvisionError::Config)?;
        let order: Vec<&str> = order.into_iter().filter(|name| wanted.contains(name)).collect();

        let mut servers = Servers::start(request, &wanted, tell).await?;
        let mut templates = BTreeMap::new();
        for name in &order {
            let database = &databases[*name];
            let location = location(request, &servers, name, database)?;
            let there = if servers.is_restored(database) {
                TemplateOrigin::Restored
            } else {
                TemplateOrigin::Found
            };
            let place =
                template::Place { name, database, location: &location, earlier: &templates };
            let template = template::ready(request, &place, there, tell).await?;
            servers.note(database, &template);
            templates.insert(*name, (location, template));
        }
        servers.keep(request, tell).await;
        let mut sources = BTreeMap::new();
        for (name, (location, template)) in templates {
            let source = Source::new(request, name, &location, template.name).await?;
            sources.insert(name.to_owned(), Rc::new(source));
        }
        let databases = request.databases.clone();
        Ok(Self { sources, names, databases, lanes: Lanes::default(), servers })
    }

    /// Where a worker's next group finds its databases; waits until they are there. `more` says
    /// whether further groups will follow.
    ///
    /// # Errors
    /// When a clone could not be made.
    pub async fn hand_out(
        &self,
        worker: u32,
        group: &Group,
        more: More,
    ) -> Result<Handed, ProvisionError> {
        let dirties = group.aliases.iter().flat_map(|aliases| &aliases.dirties);
        let dirties: BTreeSet<&str> = self.of_aliases(group, dirties);
        let mut aliases = BTreeMap::new();
        let mut plain = Vec::new();
        for Binding { database, alias } in self.databases.of(group) {
            let source = &self.sources[&self.names[database]];
            let ahead = match more {
                More::Follow if dirties.contains(source.name.as_str()) => Ahead::One,
                More::Follow if source.fresh == Fresh::Group => Ahead::One,
                More::Follow | More::No => Ahead::No,
            };
            let clone = self.lanes.take(source, worker, ahead).await?;
            let url = source.server.url(&clone);
            match alias {
                Some(alias) => drop(aliases.insert(alias.clone(), url)),
                None => plain.push((database.as_str(), url)),
            }
        }
        Ok(Handed { variables: variables::of(&plain), aliases })
    }

    /// Takes a worker's databases back after a group.
    pub fn give_back(&self, worker: u32, group: &Group, after: &After) {
        let changed = match after {
            After::Changed(aliases) => self.of_aliases(group, aliases),
            After::Clean => BTreeSet::new(),
            After::Dirty => self.sources.keys().map(String::as_str).collect(),
        };
        let names = self.databases.of(group).map(|binding| &self.names[&binding.database]);
        for name in names.collect::<BTreeSet<_>>() {
            let keep = !changed.contains(name.as_str());
            self.lanes.give_back(&self.sources[name], worker, keep);
        }
    }

    /// The names of the sources that the aliases of a group's suite are.
    fn of_aliases<'a>(
        &'a self,
        group: &Group,
        aliases: impl IntoIterator<Item = &'a String>,
    ) -> BTreeSet<&'a str> {
        let aliases: BTreeSet<&String> = aliases.into_iter().collect();
        let bindings = self.databases.of(group);
        let bindings = bindings
            .filter(|binding| binding.alias.as_ref().is_some_and(|alias| aliases.contains(alias)));
        bindings.map(|binding| self.names[&binding.database].as_str()).collect()
    }

    /// Drops every clone and ends what was started; gives what could not be dropped.
    pub async fn stop(self) -> Vec<ProvisionError> {
        if self.servers.own_all(&self.sources) {
            // Clones vanish with their server.
            self.lanes.forget().await;
            self.servers.stop().await;
            return Vec::new();
        }
        let mut left = self.lanes.stop(&self.sources).await;
        for (_, source) in self.sources {
            match Rc::try_unwrap(source) {
                Ok(source) => source.server.close().await,
                Err(_) => left.push(ProvisionError::StillUsed),
            }
        }
        self.servers.stop().await;
        left
    }
}

/// Whether further groups will want a database of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// One should be made ahead.
    Follow,
    /// This is the last.
    No,
}

/// Which source each used name stands for.
fn names(
    databases: &BTreeMap<String, Database>,
    used: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let target = |name: &String| databases[name].mirror.clone().unwrap_or_else(|| name.clone());
    used.iter().map(|name| (name.clone(), target(name))).collect()
}

impl Source {
    async fn new(
        request: &Request<'_>,
        name: &str,
        location: &Location,
        template: TemplateName,
    ) -> Result<Self, ProvisionError> {
        let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
        let database = &request.databases.all[name];
        let engine = location.engine();
        let shared = engine != Engine::Sqlite && database.server == ServerKind::External;
        Ok(Self {
            server: Server::connect(location).await.map_err(fail)?,
            template,
            naming: Naming { engine, tag: shared.then(|| request.tag.clone()) },
            name: name.to_owned(),
            fresh: database.fresh,
            managed: database.server == ServerKind::Managed,
            owner: request.owner.clone(),
        })
    }

    async fn make_clone(&self, clone: &DatabaseName) -> Result<(), ProvisionError> {
        let made = self.server.clone_template(&self.template, clone, &self.owner).await;
        made.map_err(|error| ProvisionError::Db { database: self.name.clone(), error })
    }

    async fn drop_clone(&self, clone: &DatabaseName) -> Result<(), ProvisionError> {
        let dropped = self.server.drop_database(clone).await;
        dropped.map_err(|error| ProvisionError::Db { database: self.name.clone(), error })
    }
}

fn location(
    request: &Request<'_>,
    servers: &Servers,
    name: &str,
    database: &Database,
) -> Result<Location, ProvisionError> {
    if let (ServerKind::Managed, Some(engine)) = (database.server, database.engine) {
        return Ok(servers.location(engine).clone());
    }
    external(&request.base, &request.work, name, database)
}

/// Where a database's `url` leads.
fn external(
    base: &Path,
    work: &Path,
    name: &str,
    database: &Database,
) -> Result<Location, ProvisionError> {
    let text = database.url.as_deref().unwrap_or_default();
    let url = variables::expand(text, &|variable| std::env::var(variable).ok())
        .map_err(|variable| ProvisionError::Unset { database: name.to_owned(), variable })?;
    let url = variables::absolute(&url, base);
    Location::parse(&url, work.join("databases"))
        .map_err(|error| ProvisionError::Db { database: name.to_owned(), error })
}

/// Drops what dead runs left. It costs nothing but room, so what cannot be dropped is only told.
async fn clean(server: &Server, tell: &mut dyn FnMut(Told)) {
    let found = match server.list().await {
        Ok(found) => found,
        Err(error) => {
            tell(Told::Warning(format!("cannot look for what dead runs left: {error}")));
            return;
        }
    };
    let mut removed = 0;
    for dead in found.iter().filter(|found| found.is_left_over(is_over(&found.owner, now()))) {
        match server.drop_database(&dead.name).await {
            Ok(()) => removed += 1,
            Err(error) => tell(Told::Warning(format!("left over from a dead run: {error}"))),
        }
    }
    if removed > 0 {
        let databases = crate::model::counted(removed, "database");
        tell(Told::Note(format!("removed {databases} that dead runs left")));
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}
