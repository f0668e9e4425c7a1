//! `evenly history import`: what another tool measured, for the tests and groups that are there.

use super::super::error::Error;
use super::super::print::{note, out, warn};
use super::super::project::Project;
use super::args::ImportArgs;
use super::files::{self, Read};
use super::{HistoryCommandError, change, discover, first_few, listed, suite_named};
use crate::discover::Discovery;
use crate::exit::Exit;
use crate::history::import::{Catalogue, Import, Imported};
use crate::model::{SuiteName, counted, thousands};

pub(super) fn run(args: &ImportArgs) -> Result<Exit, Error> {
    let Read { format, timings } = files::read(&args.files, args.format)?;
    let entries: usize = timings.iter().map(|timings| timings.entries.len()).sum();
    let Some(format) = format.filter(|_| entries > 0) else {
        note("there is nothing to import");
        return Ok(Exit::Passed);
    };
    let (project, discovery) = discover(&args.config, &args.history)?;
    let suites = suites(args, &project)?;
    let catalogues = catalogues(&project, &discovery, &suites);
    let import = Import::new(&timings, &catalogues);
    if import.suites.is_empty() {
        return Err(nothing(&import, &suites, &catalogues).into());
    }
    complain(&import);
    let Import { suites: imported, .. } = &import;
    let summary = summary(imported);
    let files = format!("{} ({})", counted(timings.len(), "file"), format.word());
    let new = if args.dry_run {
        out(&format!("would import from {files}\n{summary}"));
        import.new_to(&project.known.history)
    } else {
        let (new, lost) = change(&args.history, |history| {
            let new = import.new_to(history);
            history.import(import.clone());
            let suites = imported.iter().map(|imported| &imported.suite);
            let lost = suites.filter(|suite| !history.remembers_import(suite));
            (new, lost.collect::<Vec<_>>())
        })?;
        if !lost.is_empty() {
            let suites = listed(lost.into_iter());
            warn(&format!(
                "of {suites} the history has all the runs that it keeps: an import is older, and \
                 is not kept"
            ));
        }
        out(&format!("imported into `{}` from {files}\n{summary}", args.history.display()));
        new
    };
    let total: usize = imported.iter().map(|imported| imported.durations).sum();
    if new < total {
        let known = thousands((total - new) as u64);
        note(&format!("{known} of them evenly has measured itself, and goes by that"));
    }
    Ok(Exit::Passed)
}

/// The suites that are meant.
fn suites<'a>(args: &ImportArgs, project: &'a Project) -> Result<Vec<&'a SuiteName>, Error> {
    let all = project.config.suites.iter().map(|suite| &suite.name);
    Ok(match &args.suite {
        Some(name) => vec![suite_named(name, all)?],
        None => all.collect(),
    })
}

fn catalogues<'a>(
    project: &'a Project,
    discovery: &'a Discovery,
    suites: &[&'a SuiteName],
) -> Vec<Catalogue<'a>> {
    let settings = project.config.suites.iter().filter(|suite| suites.contains(&&suite.name));
    let catalogue = |suite: &'a crate::config::Suite| {
        let framework = discovery.frameworks.get(&suite.name)?;
        let dir = suite.dir.as_deref().unwrap_or(".");
        let naming = framework.reading.naming();
        Some(Catalogue::new(&suite.name, &discovery.groups, naming, dir))
    };
    settings.filter_map(catalogue).collect()
}

fn nothing(
    import: &Import,
    suites: &[&SuiteName],
    catalogues: &[Catalogue<'_>],
) -> HistoryCommandError {
    let own: Vec<&str> = catalogues.iter().flat_map(|of| of.examples().take(2)).collect();
    HistoryCommandError::Nothing {
        entries: entries(import.entries),
        suites: listed(suites.iter().copied()),
        unmatched: first_few(if import.unmatched.is_empty() {
            &import.ambiguous
        } else {
            &import.unmatched
        }),
        own: first_few(&own),
    }
}

fn entries(count: usize) -> String {
    format!("{} {}", thousands(count as u64), if count == 1 { "entry" } else { "entries" })
}

/// What of the files is nowhere, or in several suites.
fn complain(import: &Import) {
    let Import { unmatched, ambiguous, entries: all, .. } = import;
    if !unmatched.is_empty() {
        let (count, all) = (thousands(unmatched.len() as u64), entries(*all));
        warn(&format!("{count} of {all} match no test or group: {}", first_few(unmatched)));
    }
    if !ambiguous.is_empty() {
        let (count, names) = (entries(ambiguous.len()), first_few(ambiguous));
        warn(&format!("{count} could be of several suites: {names}"));
        note("say which suite is meant with `--suite`");
    }
}

fn summary(suites: &[Imported]) -> String {
    let line = |Imported { suite, durations, shared }: &Imported| {
        let shared = match shared {
            0 => String::new(),
            shared => format!(", {} of them a share of a file's", thousands(*shared as u64)),
        };
        format!("  suite `{suite}`: {}{shared}\n", counted(*durations, "duration"))
    };
    suites.iter().map(line).collect()
}
