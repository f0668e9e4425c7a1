//! Asks each suite's framework, once, what there is to run.
//!
//! Promises: groups come out sorted, their ids unique; a listing that failed, was cut off or names
//! something twice is an error, never a smaller suite.

mod resolve;
mod warm;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Suite};
use crate::framework::protocol::WarmDatabase;
use crate::framework::{
    self, Commands, Framework, How, ListError, ListedGroup, Placeholder, Preset, Source, Template,
    Values,
};
use crate::model::{
    DiscoveredGroup, Event, Group, GroupId, Limits, Member, ProcessEnd, SuiteName, one_line,
};
use crate::process::{self, Call, Captured, Supervisor, last_words};
use crate::store::{self, GlobError, StoreError};
use crate::warm::{Session, WarmError};

pub use resolve::ResolveError;

/// How long a framework may take to list its tests.
const LIST_TIME_MAX: Duration = Duration::from_mins(10);
/// How long a framework may take to tell its version.
const VERSION_TIME_MAX: Duration = Duration::from_secs(20);
/// How many ids an error names.
const NAMED_MAX: usize = 5;

/// Why it is not known what there is to run.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A suite's settings cannot be meant.
    #[error("suite `{0}`: {1}")]
    Resolve(SuiteName, ResolveError),
    /// A glob is none, or a directory cannot be read.
    #[error("suite `{0}`: {1}")]
    Globs(SuiteName, GlobError),
    /// A shim, or the directory that a listing works in, could not be written.
    #[error("suite `{0}`: {1}")]
    Store(SuiteName, StoreError),
    /// The listing could not be run.
    #[error("suite `{0}`: cannot list its tests: {1}")]
    System(SuiteName, std::io::Error),
    /// The listing's command failed.
    #[error("suite `{suite}`: listing its tests failed ({end}){words}")]
    Failed {
        /// The suite.
        suite: SuiteName,
        /// How the command ended.
        end: ProcessEnd,
        /// What it printed.
        words: String,
        /// What to look at, where the framework is one that evenly knows.
        hint: Option<Box<str>>,
    },
    /// The listing's command never ended.
    #[error("suite `{suite}`: listing its tests took longer than {} s{words}",
        LIST_TIME_MAX.as_secs())]
    TimedOut {
        /// The suite.
        suite: SuiteName,
        /// What it printed.
        words: String,
    },
    /// The listing is longer than it may be.
    #[error("suite `{0}`: its listing is too long: {1} bytes were read and there is more")]
    TooLong(SuiteName, usize),
    /// The listing cannot be understood.
    #[error("suite `{suite}`: {error}{words}")]
    Listing {
        /// The suite.
        suite: SuiteName,
        /// What is wrong with it.
        error: ListError,
        /// What the command printed on stderr.
        words: String,
        /// What to look at, where the framework is one that evenly knows.
        hint: Option<Box<str>>,
    },
    /// Its process cannot list.
    #[error("suite `{0}`: {1}")]
    Warm(SuiteName, WarmError),
    /// Some ids are listed more than once.
    #[error("listed more than once: {0}; every group needs an id of its own")]
    Doubled(String),
}

/// What there is to run, and how.
#[derive(Debug)]
pub struct Discovery {
    /// Every group of every suite, by id.
    pub groups: Vec<Group>,
    /// The ids as they were listed, suite by suite.
    pub listed: Vec<GroupId>,
    /// Those that are parts, and the listed group of each.
    pub parts: BTreeMap<GroupId, GroupId>,
    /// How each suite runs.
    pub frameworks: BTreeMap<SuiteName, Rc<Framework>>,
    /// The processes of suites that stay, which have listed and will run.
    pub sessions: BTreeMap<SuiteName, Rc<Session>>,
    /// The databases that the frameworks of suites would create.
    pub databases: BTreeMap<SuiteName, Vec<WarmDatabase>>,
    /// Suites in which nothing was found although something was expected, and where was looked.
    pub empty: Vec<(SuiteName, String)>,
}

impl Discovery {
    /// Ends the processes that stay.
    pub async fn close(&self) {
        for session in self.sessions.values() {
            session.close().await;
        }
    }

    /// What was found, for the journal: an event a suite.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut suites: Vec<&SuiteName> = self.frameworks.keys().collect();
        suites.sort();
        suites
            .into_iter()
            .map(|suite| Event::Discovered {
                suite: suite.clone(),
                groups: self
                    .groups
                    .iter()
                    .filter(|group| group.id.suite == *suite)
                    .map(|Group { id, tests, .. }| DiscoveredGroup {
                        name: Arc::clone(&id.name),
                        tests: tests.clone(),
                        part_of: self.parts.get(id).map(|of| Arc::clone(&of.name)),
                    })
                    .collect(),
            })
            .collect()
    }
}

/// Where and with what discovery works.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The configuration's directory, absolute.
    pub base: &'a Path,
    /// Scratch that lives as long as the run, absolute.
    pub work: &'a Path,
    /// evenly itself.
    pub program: &'a Path,
    /// Variables that no command may see.
    pub env_remove: &'a [OsString],
}

/// Finds every suite's groups. To be called inside a [`tokio::task::LocalSet`].
///
/// # Errors
/// When any suite cannot be asked or does not answer clearly: nothing is run of a suite that is
/// only partly known.
pub async fn discover(
    config: &Config,
    around: &Surroundings<'_>,
) -> Result<Discovery, DiscoverError> {
    let mut discovery = Discovery {
        groups: Vec::new(),
        listed: Vec::new(),
        parts: BTreeMap::new(),
        frameworks: BTreeMap::new(),
        sessions: BTreeMap::new(),
        databases: BTreeMap::new(),
        empty: Vec::new(),
    };
    for suite in &config.suites {
        if let Err(error) = ask(&mut discovery, suite, around).await {
            discovery.close().await;
            return Err(error);
        }
    }
    discovery.listed = discovery.groups.iter().map(|group| group.id.clone()).collect();
    discovery.groups.sort_by(|a, b| a.id.cmp(&b.id));
    if let Err(error) = refuse_doubled(&discovery.groups) {
        discovery.close().await;
        return Err(error);
    }
    Ok(discovery)
}

/// Adds what one suite has.
async fn ask(
    discovery: &mut Discovery,
    suite: &Suite,
    around: &Surroundings<'_>,
) -> Result<(), DiscoverError> {
    let framework = resolve::resolve(suite, around)?;
    let groups = match &framework.how {
        How::Commands(commands) => {
            let listed = list(suite, commands, &framework.dir, &framework.env, around).await?;
            listed.into_iter().map(|listed| group(&suite.name, listed)).collect()
        }
        How::Warm(warm) => {
            let place = warm::Place { dir: &framework.dir, env: &framework.env };
            let warm::Found { session, groups, databases } =
                warm::list(suite, warm, &place, around).await?;
            discovery.sessions.insert(suite.name.clone(), Rc::new(session));
            discovery.databases.insert(suite.name.clone(), databases);
            groups
        }
    };
    if groups.is_empty() && suite.required {
        discovery.empty.push((suite.name.clone(), looked_at(suite, &framework)));
    }
    discovery.groups.extend(groups);
    discovery.frameworks.insert(suite.name.clone(), Rc::new(framework));
    Ok(())
}

fn looked_at(suite: &Suite, framework: &Framework) -> String {
    match &framework.how {
        How::Commands(commands) => match &commands.source {
            Source::Globs(globs) => format!("no file matches {}", globs.join(", ")),
            Source::Command { .. } if suite.discover.is_some() => {
                "its `discover` command printed no id".to_owned()
            }
            Source::Command { .. } => format!("{} lists no test", suite.framework),
        },
        How::Warm(_) => format!("{} lists no test", suite.framework),
    }
}

fn file(path: &Path) -> ListedGroup {
    let argument = path_bytes(path).to_vec();
    let name = framework::shown(&argument);
    ListedGroup { name, argument, tests: None, exclusive: false }
}

fn group(suite: &SuiteName, listed: ListedGroup) -> Group {
    let ListedGroup { name, argument, tests, exclusive } = listed;
    let id = GroupId::new(suite, &name);
    Group {
        members: vec![Member { name: Arc::clone(&id.name), argument }],
        id,
        tests,
        exclusive,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    }
}

fn refuse_doubled(groups: &[Group]) -> Result<(), DiscoverError> {
    let pairs = groups.windows(2).filter(|pair| pair[0].id == pair[1].id);
    let doubled: BTreeSet<&GroupId> = pairs.map(|pair| &pair[0].id).collect();
    if doubled.is_empty() {
        return Ok(());
    }
    let shown = doubled.iter().take(NAMED_MAX).map(|id| format!("`{}`", one_line(&id.to_string())));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if doubled.len() > NAMED_MAX {
        text.push_str(&format!(" and {} more", doubled.len() - NAMED_MAX));
    }
    Err(DiscoverError::Doubled(text))
}

async fn list(
    suite: &Suite,
    commands: &Commands,
    dir: &Path,
    variables: &[(String, Template)],
    around: &Surroundings<'_>,
) -> Result<Vec<ListedGroup>, DiscoverError> {
    let name = || suite.name.clone();
    let (template, format) = match &commands.source {
        Source::Globs(globs) => {
            let found = store::matching(dir, globs);
            let found = found.map_err(|error| DiscoverError::Globs(name(), error))?;
            return Ok(found.iter().map(|path| file(path)).collect());
        }
        Source::Command { list, format } => (list, *format),
    };
    store::make_dir(around.work).map_err(|error| DiscoverError::Store(name(), error))?;
    let values = commands.values();
    let values = values.with(Placeholder::Outdir, [path_bytes(around.work)]);
    let refuse = |error| DiscoverError::Resolve(name(), ResolveError::from(error));
    let command = template.render(&values).map_err(refuse)?;
    let env = listing_env(variables, &values);
    let call = Call {
        argv: vec!["sh".into(), "-c".into(), os_string(command)],
        cwd: dir.to_owned(),
        env,
        user: None,
        directory: around.work.to_owned(),
        time_limit: LIST_TIME_MAX,
    };
    let captured = run(call, around).await.map_err(|error| DiscoverError::System(name(), error))?;
    let Captured { end, timed_out, stdout, stderr, cut } = captured;
    if timed_out {
        let words = last_words(&stdout, &stderr);
        return Err(DiscoverError::TimedOut { suite: name(), words });
    }
    if cut {
        return Err(DiscoverError::TooLong(name(), stdout.len()));
    }
    if end != ProcessEnd::Exited(0) {
        let words = last_words(&stdout, &stderr);
        let hint = advice(suite, dir, variables, around).await;
        return Err(DiscoverError::Failed { suite: name(), end, words, hint });
    }
    match framework::parse(format, &stdout) {
        Ok(listed) => Ok(listed),
        Err(error) => {
            let words = last_words(b"", &stderr);
            let hint = match &error {
                ListError::Broken(_) => None,
                ListError::Json { .. }
                | ListError::Xml { .. }
                | ListError::Jest(_)
                | ListError::Format(_) => advice(suite, dir, variables, around).await,
            };
            Err(DiscoverError::Listing { suite: name(), error, words, hint })
        }
    }
}

/// What a suite's framework needs, and which version of it is here: for who has to find out why it
/// could not list.
async fn advice(
    suite: &Suite,
    dir: &Path,
    variables: &[(String, Template)],
    around: &Surroundings<'_>,
) -> Option<Box<str>> {
    let name = &suite.framework;
    let Preset { needs, version, proved, .. } = Preset::named(name)?;
    let mut text = format!("`{name}` needs {needs}");
    if !proved.is_empty() {
        text.push_str(&format!("; it was tried with {proved}"));
    }
    if let Some(version) = version {
        let call = Call {
            argv: vec!["sh".into(), "-c".into(), version.into()],
            cwd: dir.to_owned(),
            env: listing_env(variables, &Values::default()),
            user: None,
            directory: around.work.to_owned(),
            time_limit: VERSION_TIME_MAX,
        };
        let told = run(call, around).await.ok().filter(|told| told.end == ProcessEnd::Exited(0));
        let told = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
        let line = told.as_deref().and_then(|told| told.lines().find(|line| !line.is_empty()));
        text.push_str(&match line {
            Some(line) => format!("; here is `{}`", one_line(line)),
            None => "; here it cannot even tell its version".to_owned(),
        });
    }
    Some(text.into())
}

/// The variables of a suite while its tests are listed. One that needs a worker has no value yet.
fn listing_env(variables: &[(String, Template)], values: &Values<'_>) -> Vec<(OsString, OsString)> {
    let rendered = variables.iter().filter_map(|(variable, template)| {
        Some((variable.into(), os_string(template.render(values).ok()?)))
    });
    rendered.collect()
}

fn options(around: &Surroundings<'_>) -> process::Options {
    process::Options {
        program: around.program.to_owned(),
        env_remove: around.env_remove.to_vec(),
        env: Vec::new(),
    }
}

async fn run(call: Call, around: &Surroundings<'_>) -> std::io::Result<Captured> {
    let mut supervisor = Supervisor::start(&options(around))?;
    let captured = process::capture(&mut supervisor, call).await;
    supervisor.close().await;
    captured
}

fn path_bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}

fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}
