//! The servers of our own that a run needs: one for each engine, whatever the number of databases.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::key::Key;
use super::server::{Data, Managed, ManagedOptions};
use super::template::{self, Ready};
use super::{ProvisionError, Request, Source, Told};
use crate::config::{Database, ServerKind};
use crate::db::Location;
use crate::model::{Engine, TemplateOrigin};
use crate::process;

/// How many connections each worker may have at the same time: a pool or two of a web framework.
const CONNECTIONS_PER_WORKER: u32 = 25;

/// One server for each engine that a used, managed database has.
#[derive(Debug, Default)]
pub(super) struct Servers(BTreeMap<Engine, One>);

#[derive(Debug)]
struct One {
    managed: Managed,
    /// Of everything that its templates depend on.
    key: String,
    /// Whether a template was built that is not in what it started with.
    grown: bool,
}

impl Servers {
    pub(super) async fn start(
        request: &Request<'_>,
        wanted: &BTreeSet<&str>,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Self, ProvisionError> {
        let mut servers = Self::default();
        for engine in [Engine::Postgres, Engine::Mysql] {
            let databases = request.databases.all.iter().filter(|(name, database)| {
                wanted.contains(name.as_str())
                    && database.server == ServerKind::Managed
                    && database.engine == Some(engine)
            });
            let databases: Vec<(&String, &Database)> = databases.collect();
            if !databases.is_empty() {
                let one = One::start(request, engine, &databases, tell).await?;
                servers.0.insert(engine, one);
            }
        }
        Ok(servers)
    }

    /// Where the engine's server is; it was started because a database wants it.
    pub(super) fn location(&self, engine: Engine) -> &Location {
        self.0[&engine].managed.location()
    }

    /// Whether a database's server began with what an earlier run kept.
    pub(super) fn is_restored(&self, database: &Database) -> bool {
        let one = database.engine.and_then(|engine| self.0.get(&engine));
        database.server == ServerKind::Managed && one.is_some_and(|one| one.managed.is_restored())
    }

    /// Takes notice of a template's origin.
    pub(super) fn note(&mut self, database: &Database, template: &Ready) {
        let built = template.origin == TemplateOrigin::Built;
        if let (ServerKind::Managed, Some(engine), true) = (database.server, database.engine, built)
            && let Some(one) = self.0.get_mut(&engine)
        {
            one.grown = true;
        }
    }

    /// Keeps the data of servers that have new templates, for later runs.
    pub(super) async fn keep(&mut self, request: &Request<'_>, tell: &mut dyn FnMut(Told)) {
        for (engine, one) in &mut self.0 {
            if !one.grown {
                continue;
            }
            if let Err(error) = one.managed.save(&request.cache, name(*engine), &one.key).await {
                tell(Told::Warning(format!("templates are not kept for later runs: {error}")));
            }
        }
    }

    /// Whether every database is on one of these, so that all vanish with them.
    pub(super) fn own_all(&self, sources: &BTreeMap<String, Rc<Source>>) -> bool {
        !self.0.is_empty() && sources.values().all(|source| source.managed)
    }

    /// Whether all of them run.
    pub(super) fn run(&self) -> bool {
        self.0.values().all(|one| one.managed.is_running())
    }

    pub(super) async fn stop(self) {
        for (_, one) in self.0 {
            one.managed.stop().await;
        }
    }
}

impl One {
    async fn start(
        request: &Request<'_>,
        engine: Engine,
        databases: &[(&String, &Database)],
        tell: &mut dyn FnMut(Told),
    ) -> Result<Self, ProvisionError> {
        let fail = |error| ProvisionError::Managed { engine, error };
        let mut options = ManagedOptions {
            engine,
            workers: request.workers,
            connections_per_worker: CONNECTIONS_PER_WORKER,
            programs: None,
            memory: None,
            disk: std::env::temp_dir(),
            data: Data::Fresh,
            owner: request.owner.clone(),
            supervisor: process::Options {
                program: request.program.clone(),
                env_remove: request.env_remove.clone(),
                env: Vec::new(),
            },
        };
        let version = Managed::version(&options).await.map_err(fail)?;
        let mut key = Key::default();
        for (name, database) in databases {
            key.add("name", name.as_bytes());
            key.add("key", template::key(request, name, database, &version)?.as_bytes());
        }
        let key = key.finish();
        if let Ok(path) = request.cache.path(name(engine), &key)
            && path.is_file()
        {
            options.data = Data::Restored(path);
        }
        let managed = Managed::start(options).await.map_err(fail)?;
        for note in managed.notes() {
            tell(Told::Note(note.clone()));
        }
        Ok(Self { managed, key, grown: false })
    }
}

/// What a server's data is kept under.
fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "postgres",
        Engine::Mysql => "mysql",
        Engine::Sqlite => "sqlite",
    }
}
