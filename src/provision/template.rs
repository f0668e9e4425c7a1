//! A template: looked for, built where there is none, and only then cloned.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::dump::{Dump, WORTH_KEEPING};
use super::fill::fill;
use super::key::Key;
use super::schema::What;
use super::{ProvisionError, Request, Restored, Told, clean, schema, variables};
use crate::config::{Database, Prepare, ServerKind};
use crate::db::{Location, Server, Template, TemplateName, sqlite_path};
use crate::model::{Engine, ProcessEnd, TemplateOrigin};
use crate::process::{self, Call, Captured, Supervisor, last_words};
use crate::store;

/// How long a template may take to build: migrations of the largest projects take minutes.
const BUILD_MAX: Duration = Duration::from_hours(1);

/// A template that is ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: TemplateName,
    pub(super) origin: TemplateOrigin,
}

/// A database whose template is wanted.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) database: &'a Database,
    pub(super) location: &'a Location,
    /// The templates that are ready, by their databases' names.
    pub(super) earlier: &'a BTreeMap<&'a str, (Location, Ready)>,
}

/// Makes a database's template ready; all connections are closed again. `there` is what one on the
/// server is told as.
pub(super) async fn ready(
    request: &Request<'_>,
    place: &Place<'_>,
    there: TemplateOrigin,
    tell: &mut dyn FnMut(Told),
) -> Result<Ready, ProvisionError> {
    let Place { name, database, location, earlier: _ } = *place;
    let started = Instant::now();
    let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
    let mut server = Server::connect(location).await.map_err(fail)?;
    clean(&server, tell).await;
    let ready = match database.prepare {
        Prepare::Existing => Ok(Ready {
            name: server.existing_template(location).map_err(fail)?,
            origin: TemplateOrigin::Existing,
        }),
        Prepare::Nothing | Prepare::Command(_) | Prepare::Framework(_) => {
            found_or_built(request, place, &mut server, tell).await
        }
    };
    server.close().await;
    let ready = ready?;
    let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let origin = if ready.origin == TemplateOrigin::Found { there } else { ready.origin };
    tell(Told::Template { database: name.to_owned(), origin, took_us });
    Ok(ready)
}

async fn found_or_built(
    request: &Request<'_>,
    place: &Place<'_>,
    server: &mut Server,
    tell: &mut dyn FnMut(Told),
) -> Result<Ready, ProvisionError> {
    let Place { name, database, location, earlier: _ } = *place;
    let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
    let key = key(request, name, database, server.version())?;
    let template = TemplateName::new(location.engine(), name, &key);
    let found = || Ready { name: template.clone(), origin: TemplateOrigin::Found };
    let opened = server.open_template(&template, &request.owner).await.map_err(fail)?;
    let Template::Empty { mut url } = opened else { return Ok(found()) };
    let kept = Kept { request, name, key: &key, location, server: database.server };
    let mut origin = TemplateOrigin::Built;
    match kept.restore(&url).await {
        Ok(Restored::Found) => origin = TemplateOrigin::Restored,
        Ok(Restored::Absent) => {}
        Err(error) => {
            tell(Told::Warning(format!("a kept template is not used: {error}")));
            // Nothing of it may be in what is built now.
            server.abandon_template(&template).await.map_err(fail)?;
            match server.open_template(&template, &request.owner).await.map_err(fail)? {
                Template::Empty { url: again } => url = again,
                Template::Ready => return Ok(found()),
            }
        }
    }
    let started = Instant::now();
    if origin == TemplateOrigin::Built {
        if let Err(error) = build(request, place, &url).await {
            // The first error is the one to tell; what is half-built is rebuilt in any case.
            let _ = server.abandon_template(&template).await;
            return Err(error);
        }
        // Nobody can connect to a finished one.
        kept.dump(&url, started.elapsed(), tell).await;
    }
    server.finish_template(&template).await.map_err(fail)?;
    if origin == TemplateOrigin::Built {
        kept.save(&server.url(&template.0), tell);
    }
    Ok(Ready { name: template, origin })
}

/// A template in the cache: SQLite's as its file, one on a server that is not ours as a dump.
/// Our own servers are kept as a whole: see `servers`.
struct Kept<'a> {
    request: &'a Request<'a>,
    name: &'a str,
    key: &'a str,
    location: &'a Location,
    server: ServerKind,
}

impl Kept<'_> {
    /// Fills an empty template with what is kept; after an error it is anything but empty.
    async fn restore(&self, url: &str) -> Result<Restored, String> {
        if let Some(path) = self.path(url) {
            let restored = self.request.cache.restore(self.name, self.key, &path);
            return restored.map_err(|error| error.to_string());
        }
        match self.as_dump() {
            Some(dump) => dump.restore(url).await,
            None => Ok(Restored::Absent),
        }
    }

    /// Keeps a filled template as a dump, where that pays.
    async fn dump(&self, url: &str, took: Duration, tell: &mut dyn FnMut(Told)) {
        if let Some(dump) = self.as_dump().filter(|_| took >= WORTH_KEEPING) {
            dump.save(url, tell).await;
        }
    }

    /// Keeps a finished template's file.
    fn save(&self, url: &str, tell: &mut dyn FnMut(Told)) {
        if let Some(path) = self.path(url)
            && let Err(error) = self.request.cache.save(self.name, self.key, &path)
        {
            tell(Told::Warning(format!("a template is not kept for later runs: {error}")));
        }
    }

    fn path(&self, url: &str) -> Option<std::path::PathBuf> {
        (self.location.engine() == Engine::Sqlite).then(|| sqlite_path(url).ok()).flatten()
    }

    fn as_dump(&self) -> Option<Dump<'_>> {
        let Self { request, name, key, location, server } = self;
        let dumped = match (server, location.engine()) {
            (ServerKind::External, Engine::Postgres | Engine::Mysql) => true,
            (ServerKind::Managed, _) | (ServerKind::External, Engine::Sqlite) => false,
        };
        dumped.then_some(Dump { request, name, key, location })
    }
}

/// The hash of all that the template depends on.
pub(super) fn key(
    request: &Request<'_>,
    name: &str,
    database: &Database,
    version: &str,
) -> Result<String, ProvisionError> {
    let store = |error| ProvisionError::Store { database: name.to_owned(), error };
    let mut key = Key::default();
    key.add("server", version.as_bytes());
    match &database.prepare {
        Prepare::Command(command) => key.add("prepare", command.as_bytes()),
        Prepare::Framework(filling) => key.add("framework", filling.key.as_bytes()),
        Prepare::Nothing | Prepare::Existing => {}
    }
    if let Some(schema) = &database.schema {
        key.add("schema", &store::read(&request.base.join(schema)).map_err(store)?);
    }
    if !database.inputs.is_empty() {
        let found = store::matching(&request.base, &database.inputs)
            .map_err(|error| ProvisionError::Globs { database: name.to_owned(), error })?;
        if found.is_empty() {
            let globs = database.inputs.join(", ");
            return Err(ProvisionError::NoInputs { database: name.to_owned(), globs });
        }
        for path in found {
            key.add("path", path.as_os_str().as_encoded_bytes());
            key.add("content", &store::read(&request.base.join(&path)).map_err(store)?);
        }
    }
    Ok(key.finish())
}

/// Fills an empty template: first the schema's file, then the command.
async fn build(request: &Request<'_>, place: &Place<'_>, url: &str) -> Result<(), ProvisionError> {
    let Place { name, database, location, earlier: _ } = *place;
    if let Some(file) = &database.schema {
        let file = request.base.join(file);
        schema::load(request, name, location, url, (What::Schema, &file)).await?;
    }
    match &database.prepare {
        Prepare::Command(command) => {
            let env = variables::of(&[(name, url.to_owned())]);
            let argv = vec!["sh".into(), "-c".into(), command.into()];
            run(request, name, "`prepare`", argv, env).await
        }
        Prepare::Framework(filling) => fill(request, place, filling, url).await,
        Prepare::Nothing | Prepare::Existing => Ok(()),
    }
}

/// Runs a command to its end in the configuration's directory; nothing of it is left then.
pub(super) async fn run(
    request: &Request<'_>,
    name: &str,
    what: &'static str,
    argv: Vec<std::ffi::OsString>,
    env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
) -> Result<(), ProvisionError> {
    let system = |error| ProvisionError::System { database: name.to_owned(), what, error };
    let options = process::Options {
        program: request.program.clone(),
        env_remove: request.env_remove.clone(),
        env: Vec::new(),
    };
    let call = Call {
        argv,
        cwd: request.base.clone(),
        env,
        user: None,
        directory: scratch(&request.work, name).map_err(system)?,
        time_limit: BUILD_MAX,
    };
    let mut supervisor = Supervisor::start(&options).map_err(system)?;
    let captured = process::capture(&mut supervisor, call).await;
    supervisor.close().await;
    let Captured { end, timed_out: _, stdout, stderr, cut: _ } = captured.map_err(system)?;
    if end == ProcessEnd::Exited(0) {
        return Ok(());
    }
    // Either may be the one that says why.
    let both = format!("{}{stderr}", String::from_utf8_lossy(&stdout));
    let words = last_words(&[], &both);
    Err(ProvisionError::Failed { database: name.to_owned(), what, end, words })
}

/// A directory for temporary files of a database's commands.
pub(super) fn scratch(work: &Path, name: &str) -> std::io::Result<std::path::PathBuf> {
    let directory = work.join("prepare").join(name);
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}
