//! `evenly history`: what is known, shown, written for other tools, and learnt from them.

mod args;
mod error;
mod export;
mod file;
mod files;
mod import;
mod prune;
mod show;

pub(super) use args::HistoryCommand;
pub(super) use error::HistoryCommandError;
pub(super) use file::{Known, Writable, can_be_kept, load};

use std::path::Path;

use super::args::ProjectArgs;
use super::error::Error;
use super::project::Project;
use super::runtime::block_on;
use crate::discover::Discovery;
use crate::exit::Exit;
use crate::history::History;
use crate::model::{SuiteName, one_line};
use crate::store;

pub(super) fn run(command: &HistoryCommand) -> Result<Exit, Error> {
    match command {
        HistoryCommand::Import(args) => import::run(args),
        HistoryCommand::Export(args) => export::run(args),
        HistoryCommand::Show(args) => show::run(args),
        HistoryCommand::Prune(args) => prune::run(args),
    }
}

/// The project, and what it has to run.
fn discover(config: &Path, history: &Path) -> Result<(Project, Discovery), Error> {
    let (config, history) = (config.to_owned(), history.to_owned());
    let project = Project::open(&ProjectArgs { config, history, workers: None })?;
    let work = std::env::temp_dir().join(format!("evenly-history-{}", std::process::id()));
    store::make_dir(&work)?;
    let found = block_on(project.listed(&work));
    store::remove_dir(&work)?;
    Ok((project, found??.discovery))
}

/// Changes the history's file while no one else does. What is wrong with it was told when the
/// project was opened.
fn change<T>(path: &Path, act: impl FnOnce(&mut History) -> T) -> Result<T, Error> {
    let refuse = || HistoryCommandError::NotKept(path.to_owned());
    if !can_be_kept(path) {
        return Err(refuse().into());
    }
    let _lock = store::lock_for_update(path)?;
    let (Known { mut history, writable }, _) = file::read(path);
    if writable == Writable::No {
        return Err(refuse().into());
    }
    let result = act(&mut history);
    store::replace(path, &history.to_bytes())?;
    Ok(result)
}

/// A suite by its name, of those that are there.
fn suite_named<'a>(
    name: &str,
    suites: impl Iterator<Item = &'a SuiteName> + Clone,
) -> Result<&'a SuiteName, HistoryCommandError> {
    let found = suites.clone().find(|suite| suite.as_str() == name);
    found.ok_or_else(|| HistoryCommandError::NoSuite(name.to_owned(), listed(suites)))
}

/// Suites for a message.
fn listed<'a>(suites: impl Iterator<Item = &'a SuiteName>) -> String {
    let suites: Vec<String> = suites.map(|suite| format!("`{suite}`")).collect();
    if suites.is_empty() { "none".to_owned() } else { suites.join(", ") }
}

/// Names for a message: the first few, and how many more.
fn first_few<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN_MAX: usize = 5;
    const NAME_CHARS_MAX: usize = 120;
    let short = |name: &str| -> String {
        let mut chars = name.chars();
        let start: String = chars.by_ref().take(NAME_CHARS_MAX).collect();
        if chars.next().is_some() { start + "…" } else { start }
    };
    let shown = |name: &T| format!("`{}`", one_line(&short(name.as_ref())));
    let shown = names.iter().take(SHOWN_MAX).map(shown).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
