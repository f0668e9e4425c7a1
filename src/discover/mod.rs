//! Asks each suite's framework, once, what there is to run.
//!
//! Promises: groups come out sorted, their ids unique; a listing that failed, was cut off or names
//! something twice is an error, never a smaller suite.

mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crate::config::{Config, Suite};
use crate::framework::{self, Framework, ListError, ListedGroup, Placeholder, Source};
use crate::model::{
    DiscoveredGroup, Event, Group, GroupId, Limits, Member, ProcessEnd, SuiteName, one_line,
};
use crate::process::{self, Call, Captured, Supervisor, last_words};
use crate::store::{self, GlobError, StoreError};

pub use resolve::ResolveError;

/// How long a framework may take to list its tests.
const LIST_TIME_MAX: Duration = Duration::from_mins(10);
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
    },
    /// Some ids are listed more than once.
    #[error("listed more than once: {0}; every group needs an id of its own")]
    Doubled(String),
}

/// What there is to run, and how.
#[derive(Debug)]
pub struct Discovery {
    /// Every group of every suite, by id.
    pub groups: Vec<Group>,
    /// Those that are parts, and the listed group of each.
    pub parts: BTreeMap<GroupId, GroupId>,
    /// How each suite runs.
    pub frameworks: BTreeMap<SuiteName, Rc<Framework>>,
    /// Suites in which nothing was found although something was expected, and where was looked.
    pub empty: Vec<(SuiteName, String)>,
}

impl Discovery {
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
                        name: id.name.clone(),
                        tests: tests.clone(),
                        part_of: self.parts.get(id).map(|of| of.name.clone()),
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

/// Finds every suite's groups.
///
/// # Errors
/// When any suite cannot be asked or does not answer clearly: nothing is run of a suite that is
/// only partly known.
pub fn discover(config: &Config, around: &Surroundings<'_>) -> Result<Discovery, DiscoverError> {
    let mut discovery = Discovery {
        groups: Vec::new(),
        parts: BTreeMap::new(),
        frameworks: BTreeMap::new(),
        empty: Vec::new(),
    };
    for suite in &config.suites {
        let framework = resolve::resolve(suite, around)?;
        let listed = list(suite, &framework, around)?;
        if listed.is_empty() && suite.required {
            discovery.empty.push((suite.name.clone(), looked_at(suite, &framework.source)));
        }
        discovery.groups.extend(listed.into_iter().map(|listed| group(&suite.name, listed)));
        discovery.frameworks.insert(suite.name.clone(), Rc::new(framework));
    }
    discovery.groups.sort_by(|a, b| a.id.cmp(&b.id));
    refuse_doubled(&discovery.groups)?;
    Ok(discovery)
}

fn looked_at(suite: &Suite, source: &Source) -> String {
    match source {
        Source::Globs(globs) => format!("no file matches {}", globs.join(", ")),
        Source::Command { .. } if suite.discover.is_some() => {
            "its `discover` command printed no id".to_owned()
        }
        Source::Command { .. } => format!("{} lists no test", suite.framework),
    }
}

fn file(path: &Path) -> ListedGroup {
    let argument = path_bytes(path).to_vec();
    ListedGroup { name: framework::shown(&argument), argument, tests: None }
}

fn group(suite: &SuiteName, listed: ListedGroup) -> Group {
    let ListedGroup { name, argument, tests } = listed;
    Group {
        id: GroupId::new(suite, &name),
        members: vec![Member { name, argument }],
        tests,
        exclusive: false,
        databases: true,
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

fn list(
    suite: &Suite,
    framework: &Framework,
    around: &Surroundings<'_>,
) -> Result<Vec<ListedGroup>, DiscoverError> {
    let name = || suite.name.clone();
    let (template, format) = match &framework.source {
        Source::Globs(globs) => {
            let found = store::matching(&framework.dir, globs);
            let found = found.map_err(|error| DiscoverError::Globs(name(), error))?;
            return Ok(found.iter().map(|path| file(path)).collect());
        }
        Source::Command { list, format } => (list, *format),
    };
    store::make_dir(around.work).map_err(|error| DiscoverError::Store(name(), error))?;
    let values = framework.values();
    let values = values.with(Placeholder::Outdir, [path_bytes(around.work)]);
    let refuse = |error| DiscoverError::Resolve(name(), ResolveError::from(error));
    let command = template.render(&values).map_err(refuse)?;
    let mut env = Vec::new();
    for (variable, template) in &framework.env {
        // A variable that needs a worker has no value while tests are listed.
        if let Ok(value) = template.render(&values) {
            env.push((variable.into(), os_string(value)));
        }
    }
    let call = Call {
        argv: vec!["sh".into(), "-c".into(), os_string(command)],
        cwd: framework.dir.clone(),
        env,
        user: None,
        directory: around.work.to_owned(),
        time_limit: LIST_TIME_MAX,
    };
    let captured = run(call, around).map_err(|error| DiscoverError::System(name(), error))?;
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
        return Err(DiscoverError::Failed { suite: name(), end, words });
    }
    framework::parse(format, &stdout).map_err(|error| DiscoverError::Listing {
        suite: name(),
        error,
        words: last_words(b"", &stderr),
    })
}

fn run(call: Call, around: &Surroundings<'_>) -> std::io::Result<Captured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let options = process::Options {
        program: around.program.to_owned(),
        env_remove: around.env_remove.to_vec(),
        env: Vec::new(),
    };
    runtime.block_on(async {
        let mut supervisor = Supervisor::start(&options)?;
        let captured = process::capture(&mut supervisor, call).await;
        supervisor.close().await;
        captured
    })
}

fn path_bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}

fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}
