//! From a job to the command line, files and environment of its process.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Job, Setup};
use crate::config::PORTS_PER_WORKER;
use crate::framework::{
    Commands, Framework, Placeholder, Selection, TemplateError, Values, fits_an_argument,
    tests_file,
};
use crate::process::Launch;
use crate::store::{self, StoreError};

/// Why a job's process could not even be described.
#[derive(Debug, thiserror::Error)]
pub(super) enum LaunchError {
    #[error("cannot fill in its command: {0}")]
    Template(#[from] TemplateError),
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot clear up `{}` after the last group: {source}", path.display())]
    Clear { path: PathBuf, source: io::Error },
    #[error("cannot clear up after the last group: {0}")]
    Remove(#[from] StoreError),
    #[error("{what} has {value:?}, which is not UTF-8: a warm worker cannot be told of it")]
    NotText { what: String, value: OsString },
}

/// One worker's directories: made once, emptied between executions.
#[derive(Debug)]
pub(super) struct Place {
    /// `{outdir}`: what one execution leaves for evenly.
    pub(super) outdir: PathBuf,
    /// `{junit}`.
    pub(super) junit: PathBuf,
    /// What the group prints.
    pub(super) output: PathBuf,
    /// `EVENLY_TMPDIR`: the worker's own, for its tests.
    tmpdir: PathBuf,
    worker: u32,
    base: PathBuf,
    script: PathBuf,
    list: PathBuf,
}

impl Place {
    pub(super) fn make(setup: &Setup, worker: u32) -> io::Result<Self> {
        let base = setup.work.join(format!("w{worker}"));
        let place = Self {
            outdir: base.join("out"),
            junit: base.join("out/junit.xml"),
            output: base.join("output"),
            tmpdir: base.join("tmp"),
            worker,
            script: base.join("command.sh"),
            list: base.join("tests.txt"),
            base,
        };
        fs::create_dir_all(&place.outdir)?;
        fs::create_dir_all(&place.tmpdir)?;
        Ok(place)
    }

    /// Removes all that the last execution left but `tmpdir`, so that it can't be taken for the
    /// next one's, nor (a pipe, a link) stand where evenly writes.
    pub(super) fn clear(&self) -> Result<(), LaunchError> {
        let fail = |source| LaunchError::Clear { path: self.base.clone(), source };
        fs::create_dir_all(&self.tmpdir).map_err(fail)?;
        for entry in fs::read_dir(&self.base).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.path() == self.tmpdir {
                continue;
            }
            if entry.file_type().map_err(fail)?.is_dir() {
                store::remove_dir(&entry.path())?;
            } else {
                fs::remove_file(entry.path()).map_err(fail)?;
            }
        }
        fs::create_dir_all(&self.outdir).map_err(fail)
    }
}

impl Place {
    /// Puts an empty file where a warm worker's next group prints: what stands there may be
    /// anything. The rest is no group's of a warm worker.
    pub(super) fn empty_output(&self) -> Result<(), LaunchError> {
        let fail = |source| LaunchError::Clear { path: self.output.clone(), source };
        fs::create_dir_all(&self.tmpdir).map_err(fail)?;
        match fs::symlink_metadata(&self.output) {
            Ok(found) if found.is_dir() => store::remove_dir(&self.output)?,
            Ok(_) => fs::remove_file(&self.output).map_err(fail)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fail(error)),
        }
        write(&self.output, b"")
    }
}

/// What one command runs.
pub(super) struct What<'a> {
    pub(super) job: &'a Job,
    /// Which of its tests.
    pub(super) selection: &'a Selection,
    /// Further jobs, whole.
    pub(super) with: &'a [Rc<Job>],
}

/// Describes the process of one execution and writes the files that it reads.
pub(super) fn launch(
    setup: &Setup,
    place: &Place,
    framework: &Framework,
    commands: &Commands,
    What { job, selection, with }: &What<'_>,
) -> Result<Launch, LaunchError> {
    let others = with.iter().flat_map(|other| &other.group.members);
    let group = job.group.members.iter().chain(others);
    let chosen = match selection {
        Selection::Whole => None,
        Selection::Tests(names) => job.reading.arguments(&job.group, names),
    };
    let members: Vec<Cow<'_, [u8]>> = match chosen {
        Some(arguments) => arguments.into_iter().map(Cow::Owned).collect(),
        None => group.map(|member| member.argument.as_slice().into()).collect(),
    };
    if commands.run.uses(Placeholder::TestsFile) {
        let list = tests_file(members.iter().map(AsRef::as_ref))?;
        write(&place.list, &list)?;
    }
    let values = values(setup, place, framework).with(Placeholder::Tests, members);
    for (name, template) in &commands.files {
        write(&place.outdir.join(name), &template.render(&values)?)?;
    }
    let command = commands.run.render(&values)?;
    Ok(Launch {
        argv: shell(command, &place.script)?,
        env: environment(setup, place, framework, &values)?,
        cwd: framework.dir.clone(),
        user: None,
        output: place.output.clone(),
        stdout: None,
    })
}

/// The environment of a warm worker, but for its databases, and where its groups print.
pub(super) fn warm_environment(
    setup: &Setup,
    place: &Place,
    framework: &Framework,
) -> Result<(BTreeMap<String, String>, String), LaunchError> {
    let text = |value: OsString, what: &str| {
        let refuse = |value| LaunchError::NotText { what: what.to_owned(), value };
        value.into_string().map_err(refuse)
    };
    let output = text(place.output.clone().into(), "the path of its output")?;
    let values = values(setup, place, framework);
    let mut env = BTreeMap::new();
    for (name, value) in environment(setup, place, framework, &values)? {
        let name = text(name, "a variable's name")?;
        let value = text(value, &format!("`{name}`"))?;
        env.insert(name, value);
    }
    Ok((env, output))
}

fn values<'a>(setup: &Setup, place: &'a Place, framework: &'a Framework) -> Values<'a> {
    let number = |n: u32| n.to_string().into_bytes();
    framework
        .values()
        .with(Placeholder::TestsFile, [path(&place.list)])
        .with(Placeholder::Junit, [path(&place.junit)])
        .with(Placeholder::Outdir, [path(&place.outdir)])
        .with(Placeholder::Tmpdir, [path(&place.tmpdir)])
        .with(Placeholder::Worker, [number(place.worker)])
        .with(Placeholder::Shard, [number(setup.shard.index)])
        .with(Placeholder::Shards, [number(setup.shard.total)])
        .with(Placeholder::Port, [number(port(setup, place))])
        .with(Placeholder::Run, [setup.run.clone().into_bytes()])
}

fn path(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn port(setup: &Setup, place: &Place) -> u32 {
    u32::from(setup.port_base) + place.worker * u32::from(PORTS_PER_WORKER)
}

/// `sh -c COMMAND`, or `sh FILE` where the command is longer than one argument may be.
fn shell(command: Vec<u8>, script: &Path) -> Result<Vec<OsString>, LaunchError> {
    if fits_an_argument(&command) {
        return Ok(vec!["sh".into(), "-c".into(), OsString::from_vec(command)]);
    }
    write(script, &command)?;
    Ok(vec!["sh".into(), script.into()])
}

fn environment(
    setup: &Setup,
    place: &Place,
    framework: &Framework,
    values: &Values<'_>,
) -> Result<Vec<(OsString, OsString)>, LaunchError> {
    let worker = place.worker.to_string();
    // The names that users of parallel_tests, paratest and jest already have in their code.
    let counted_from_one = (place.worker + 1).to_string();
    let mut env: Vec<(OsString, OsString)> = vec![
        ("EVENLY_SHARD".into(), setup.shard.index.to_string().into()),
        ("EVENLY_SHARDS".into(), setup.shard.total.to_string().into()),
        ("EVENLY_WORKER".into(), worker.into()),
        ("EVENLY_WORKERS".into(), setup.workers.to_string().into()),
        ("EVENLY_TMPDIR".into(), place.tmpdir.clone().into()),
        ("EVENLY_PORT_BASE".into(), port(setup, place).to_string().into()),
        ("TEST_ENV_NUMBER".into(), counted_from_one.clone().into()),
        ("TEST_TOKEN".into(), counted_from_one.into()),
    ];
    for (name, template) in &framework.env {
        env.push((name.into(), OsString::from_vec(template.render(values)?)));
    }
    Ok(env)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), LaunchError> {
    fs::write(path, bytes).map_err(|source| LaunchError::Write { path: path.to_owned(), source })
}
