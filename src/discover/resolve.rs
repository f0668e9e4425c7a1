//! From a suite's settings to its framework.

mod warm;

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::{DiscoverError, Surroundings};
use crate::config::Suite;
use crate::framework::{
    Commands, Framework, How, ListFormat, Naming, Placeholder, Preset, Reading, Results, Role,
    Selects, Source, Template, TemplateError, WarmFramework,
};
use crate::model::Granularity;
use crate::shim;
use crate::store;

/// The framework of suites that say themselves how they are run.
const COMMAND: &str = "command";
/// Beyond this many edits another framework was meant.
const DISTANCE_MAX: usize = 3;

/// Why a suite's settings cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// There is no such framework.
    #[error("`{framework}` is not a framework that evenly knows{}; there are: {known}",
        .near.as_ref().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default())]
    Unknown {
        /// What was given.
        framework: String,
        /// The nearest known one.
        near: Option<String>,
        /// All.
        known: String,
    },
    /// A key is missing.
    #[error("a `command` suite needs {0}")]
    Needs(&'static str),
    /// A key has no meaning for this framework, or no command of the suite uses it.
    #[error("`{key}` means nothing for the framework `{framework}`{}",
        if framework == COMMAND { ", unless a command of the suite uses it" } else { "" })]
    Foreign {
        /// The key.
        key: &'static str,
        /// The framework.
        framework: String,
    },
    /// A command or variable is wrong.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// A named key's command or variable is wrong.
    #[error("`{0}`: {1}")]
    Key(String, TemplateError),
    /// Nothing would hold the results.
    #[error(
        "`results = \"junit\"`, but `run` has neither `{{junit}}` nor `{{outdir}}`: nothing would \
         say what became of the tests"
    )]
    NoJunit,
    /// Groups of one command could not be told apart.
    #[error("`batch` needs results in JUnit: by its exit status a command tells of one group")]
    BatchByStatus,
    /// Its directory is not there.
    #[error("its directory `{}` is not there", .0.display())]
    NoDirectory(PathBuf),
}

/// Settles how a suite is listed and run, and writes its shim, if it has one.
pub(super) fn resolve(
    suite: &Suite,
    around: &Surroundings<'_>,
) -> Result<Framework, DiscoverError> {
    let refuse = |error| DiscoverError::Resolve(suite.name.clone(), error);
    let dir = around.base.join(suite.dir.as_deref().unwrap_or("."));
    if !dir.is_dir() {
        return Err(refuse(ResolveError::NoDirectory(dir)));
    }
    let known = WarmFramework::named(&suite.framework);
    if let Some(key) = warm::foreign(suite, known) {
        return Err(refuse(ResolveError::Foreign { key, framework: suite.framework.clone() }));
    }
    let mut framework = match known {
        Some(known) => warm::resolve(suite, known, dir, around)?,
        None if suite.framework == COMMAND => command(suite, dir).map_err(refuse)?,
        None => preset(suite, dir, around)?,
    };
    if let Some(key) = unused(suite, &framework) {
        return Err(refuse(ResolveError::Foreign { key, framework: suite.framework.clone() }));
    }
    for (name, text) in &suite.env {
        let template = Template::parse(Role::Variable, text)
            .map_err(|error| refuse(ResolveError::Key(format!("env.{name}"), error)))?;
        framework.env.push((name.clone(), template));
    }
    Ok(framework)
}

/// A key that was given and that no command would see.
fn unused(suite: &Suite, framework: &Framework) -> Option<&'static str> {
    let commands = match &framework.how {
        How::Commands(commands) => commands,
        How::Warm(_) => return None,
    };
    let list = match &commands.source {
        Source::Globs(_) => None,
        Source::Command { list, format: _ } => Some(list),
    };
    let given = [
        ("args", Placeholder::Args, !suite.args.is_empty()),
        ("paths", Placeholder::Paths, !suite.paths.is_empty()),
        ("python", Placeholder::Python, suite.python.is_some()),
    ];
    let finely = matches!(suite.granularity, Some(Granularity::Class | Granularity::Test));
    if finely && !framework.reading.splits_groups() {
        return Some("granularity");
    }
    let seen = |placeholder| {
        list.into_iter().chain([&commands.run]).any(|template| template.uses(placeholder))
    };
    given.into_iter().find(|(_, what, given)| *given && !seen(*what)).map(|(key, _, _)| key)
}

fn command(suite: &Suite, dir: PathBuf) -> Result<Framework, ResolveError> {
    let key = |key: &str| {
        let key = key.to_owned();
        move |error| ResolveError::Key(key, error)
    };
    let source = match (&suite.discover, suite.globs.is_empty()) {
        (Some(list), true) => Source::Command {
            list: Template::parse(Role::List, list).map_err(key("discover"))?,
            format: ListFormat::Lines,
        },
        (None, false) => Source::Globs(suite.globs.clone()),
        (None, true) => return Err(ResolveError::Needs("`discover` or `globs`")),
        (Some(_), false) => return Err(ResolveError::Needs("either `discover` or `globs`")),
    };
    let run = suite.run.as_deref().ok_or(ResolveError::Needs("`run`"))?;
    let run = Template::parse(Role::Run, run).map_err(key("run"))?;
    let writes = run.uses(Placeholder::Junit) || run.uses(Placeholder::Outdir);
    let results = match suite.results {
        Some(Results::Junit) if !writes => return Err(ResolveError::NoJunit),
        Some(results) => results,
        None if writes => Results::Junit,
        None => Results::ExitStatus,
    };
    let how = How::Commands(Box::new(Commands {
        source,
        run,
        args: suite.args.clone(),
        paths: suite.paths.clone(),
        python: python(suite),
        shim: None,
        files: Vec::new(),
        batch: suite.batch.map_or(1, NonZeroU32::get),
    }));
    if suite.batch.is_some() && results == Results::ExitStatus {
        return Err(ResolveError::BatchByStatus);
    }
    let reading = Reading::of(results, Naming::ClassAndName, Selects::Group);
    Ok(Framework { how, reading, dir, env: Vec::new() })
}

fn preset(
    suite: &Suite,
    dir: PathBuf,
    around: &Surroundings<'_>,
) -> Result<Framework, DiscoverError> {
    let refuse = |error| DiscoverError::Resolve(suite.name.clone(), error);
    let known = Preset::named(&suite.framework).ok_or_else(|| refuse(unknown(&suite.framework)))?;
    let foreign = [
        ("discover", suite.discover.is_some()),
        ("globs", !suite.globs.is_empty()),
        ("run", suite.run.is_some()),
        ("results", suite.results.is_some()),
    ];
    if let Some((key, _)) = foreign.into_iter().find(|(_, given)| *given) {
        return Err(refuse(ResolveError::Foreign { key, framework: suite.framework.clone() }));
    }
    let Preset {
        list,
        list_format,
        run,
        results,
        naming,
        selects,
        shim,
        env,
        files,
        batch,
        version: _,
        needs: _,
        proved: _,
    } = known;
    let batch = suite.batch.unwrap_or(batch).get();
    if batch > 1 && results == Results::ExitStatus {
        return Err(refuse(ResolveError::BatchByStatus));
    }
    let shim = match shim {
        None => None,
        Some(shim) => {
            let shim::Source { file_name, text } = shim::source(shim);
            let path = around.work.join("shim").join(file_name);
            store::replace(&path, text.as_bytes())
                .map_err(|error| DiscoverError::Store(suite.name.clone(), error))?;
            Some(path)
        }
    };
    let how = How::Commands(Box::new(Commands {
        source: Source::Command { list, format: list_format },
        run,
        args: suite.args.clone(),
        paths: suite.paths.clone(),
        python: python(suite),
        shim,
        files: files.into_iter().collect(),
        batch,
    }));
    let reading = Reading::of(results, naming, selects);
    Ok(Framework { how, reading, dir, env: env.into_iter().collect() })
}

fn python(suite: &Suite) -> String {
    suite.python.clone().unwrap_or_else(|| "python3".to_owned())
}

fn unknown(framework: &str) -> ResolveError {
    let mut known = Preset::names();
    known.extend(WarmFramework::ALL.map(|warm| warm.name().to_owned()));
    known.push(COMMAND.to_owned());
    known.sort();
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(framework, name), name))
        .filter(|(distance, _)| *distance <= DISTANCE_MAX)
        .min()
        .map(|(_, name)| name.clone());
    ResolveError::Unknown { framework: framework.to_owned(), near, known: known.join(", ") }
}
