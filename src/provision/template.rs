//! A template: looked for, built where there is none, and only then cloned.

use std::path::Path;
use std::time::{Duration, Instant};

use super::key::Key;
use super::{How, ProvisionError, Request, Told, schema, variables};
use crate::config::{Database, Prepare};
use crate::db::{DatabaseName, Found, Kind, Location, Server, Template, TemplateName};
use crate::model::ProcessEnd;
use crate::process::{self, Call, Captured, Liveness, Supervisor};
use crate::store;

/// How long a template may take to build: migrations of the largest projects take minutes.
const BUILD_MAX: Duration = Duration::from_mins(60);
/// How much of a failed command's words an error repeats.
const WORDS_BYTES_MAX: usize = 8 << 10;

/// Makes a database's template ready and gives its name.
pub(super) async fn ready(
    request: &Request<'_>,
    name: &str,
    database: &Database,
    location: &Location,
    server: &mut Server,
    tell: &mut dyn FnMut(Told),
) -> Result<TemplateName, ProvisionError> {
    let started = Instant::now();
    let mut told = |how| {
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tell(Told::Template { database: name.to_owned(), how, took_us });
    };
    if database.prepare == Prepare::Existing {
        told(How::Existing);
        return Ok(TemplateName(DatabaseName::existing(location.database())));
    }
    let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
    let key = key(request, name, database, server.version())?;
    let template = TemplateName::new(location.engine(), name, &key);
    match server.open_template(&template, &request.owner).await.map_err(fail)? {
        Template::Ready => told(How::Found),
        Template::Empty { url } => {
            if let Err(error) = build(request, name, database, location, &url).await {
                // The first error is the one to tell; what is half-built is rebuilt in any case.
                let _ = server.abandon_template(&template).await;
                return Err(error);
            }
            server.finish_template(&template).await.map_err(fail)?;
            told(How::Built);
        }
    }
    Ok(template)
}

/// The hash of all that the template depends on.
fn key(
    request: &Request<'_>,
    name: &str,
    database: &Database,
    version: &str,
) -> Result<String, ProvisionError> {
    let store = |error| ProvisionError::Store { database: name.to_owned(), error };
    let mut key = Key::default();
    key.add("server", version.as_bytes());
    if let Prepare::Command(command) = &database.prepare {
        key.add("prepare", command.as_bytes());
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
async fn build(
    request: &Request<'_>,
    name: &str,
    database: &Database,
    location: &Location,
    url: &str,
) -> Result<(), ProvisionError> {
    if let Some(file) = &database.schema {
        let file = request.base.join(file);
        schema::load(request, name, location, url, &file).await?;
    }
    if let Prepare::Command(command) = &database.prepare {
        let env = variables::of(&[(name, url.to_owned())]);
        let argv = vec!["sh".into(), "-c".into(), command.into()];
        run(request, name, "`prepare`", argv, env).await?;
    }
    Ok(())
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
    let words = process::last_words(&stdout, &stderr, WORDS_BYTES_MAX);
    Err(ProvisionError::Failed { database: name.to_owned(), what, end, words })
}

fn scratch(work: &Path, name: &str) -> std::io::Result<std::path::PathBuf> {
    let directory = work.join("prepare").join(name);
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Whether a dead run left it. Finished templates are kept for later runs.
pub(super) fn is_left_over(found: &Found) -> bool {
    match (found.kind, process::liveness(&found.owner)) {
        (Kind::Template, _) | (_, Liveness::Alive) => false,
        (Kind::Building | Kind::Clone, Liveness::Dead) => true,
        (Kind::Building | Kind::Clone, Liveness::Unknown) => {
            jiff::Timestamp::now() > found.owner.until
        }
    }
}
