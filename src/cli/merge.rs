//! `evenly merge`: the journals of all shards become one report, one verdict, and history.

use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use ignore::WalkBuilder;

use super::args::MergeArgs;
use super::emit;
use super::error::Error;
use super::history::{Known, Writable, can_be_kept, load};
use super::observe::observe;
use super::print::{out, warn};
use super::publish::{self, MergePublishArgs};
use crate::exit::Exit;
use crate::history::Estimator;
use crate::model::GroupId;
use crate::report::{self, Input, RunReport, html, journal, json, junit, markdown, table};
use crate::store;

/// Where a merge writes.
pub(super) struct Destination<'a> {
    pub(super) out: &'a Path,
    /// `none` leaves the history alone.
    pub(super) history: &'a Path,
    /// Whom to tell beyond this machine, if anybody.
    pub(super) publish: Option<&'a MergePublishArgs>,
}

pub(super) fn run(args: &MergeArgs) -> Result<Exit, Error> {
    let journals = find(&args.paths)?;
    let MergeArgs { paths: _, out, history, publish } = args;
    merge(&journals, &Destination { out, history, publish: Some(publish) })
}

/// Merges these journals and writes all that follows from them.
pub(super) fn merge(journals: &[PathBuf], to: &Destination<'_>) -> Result<Exit, Error> {
    let report = join_and_learn(read(journals)?, to.history);
    for (name, text) in [
        ("junit.xml", junit::render(&report)),
        ("report.html", html::render(&report)),
        ("summary.md", markdown::render(&report)),
        ("report.json", json::render(&report)),
    ] {
        store::replace(&to.out.join(name), text.as_bytes())?;
    }
    out(&table::render(&report, table::Colour::On));
    if let Err(error) = emit::github_verdict(&report) {
        warn(&format!("{error}; later steps do not learn the verdict"));
    }
    to.publish.map_or(Ok(report.exit), |args| publish::after_merge(&report, args))
}

pub(super) fn read(journals: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut lists = journal::Lists::default();
    let input = |path: &PathBuf| {
        let journal = journal::parse_sharing(&store::read(path)?, &mut lists);
        Ok(Input { source: path.display().to_string(), journal })
    };
    journals.iter().map(input).collect()
}

/// Joins the journals; what they teach goes into the history, also when tests failed.
/// A history that cannot be kept is told, and costs no report.
fn join_and_learn(inputs: Vec<Input>, history: &Path) -> RunReport {
    if history == Path::new("none") {
        return report::merge(inputs, |_| None);
    }
    let lock = can_be_kept(history).then(|| store::lock_for_update(history)).transpose();
    let Known { history: mut known, writable } = load(history);
    let number = run_number(&inputs);
    let parts = super::observe::parts(&inputs);
    let fixed_us = super::observe::fixed_us(&inputs);
    let (report, (observations, facts)) = {
        let before = Estimator::new(&known, number);
        let last_time = |group: &GroupId| before.tests_last_time(&group.suite, &group.name);
        let report = report::merge(inputs, last_time);
        let seen = observe(&report, &before, &parts);
        (report, seen)
    };
    let kept = lock.and_then(|lock| {
        if lock.is_none() || writable == Writable::No {
            return Ok(());
        }
        let run = number.unwrap_or_else(|| known.next_run());
        if known.is_past(run) {
            warn(&restarted(run, history));
        }
        known.record(run, observations, facts);
        if let Some(us) = fixed_us {
            known.record_fixed(run, us);
        }
        store::replace(history, &known.to_bytes())
    });
    if let Err(error) = kept {
        warn(&format!("{error}; the history learns nothing from this run"));
    }
    report
}

/// What to say of a run whose number is below all that the history keeps.
fn restarted(run: u64, history: &Path) -> String {
    format!(
        "run {run} is older than every run that history `{0}` keeps, so it learns nothing from it; \
         if the CI counts its runs from the start again, delete `{0}`",
        history.display()
    )
}

/// The number of the run that is merged: the newest among the journals'.
fn run_number(inputs: &[Input]) -> Option<u64> {
    inputs.iter().filter_map(|input| input.journal.as_ref().ok()?.started.run.number).max()
}

/// The journals that the paths name: files as they are, directories searched, globs expanded.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(journals_below(path));
        } else if path.exists() {
            found.push(path.clone());
        } else {
            found.extend(expand(path)?);
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        let named = paths.iter().map(|path| format!("`{}`", path.display()));
        return Err(Error::NoJournals(named.collect::<Vec<_>>().join(", ")));
    }
    Ok(found)
}

/// The journals in a directory, however deep.
pub(super) fn journals_below(dir: &Path) -> Vec<PathBuf> {
    let is_journal = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("shard-") && name.ends_with(".jsonl")
    };
    files_below(dir).filter(|path| is_journal(path)).collect()
}

fn files_below(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkBuilder::new(dir).standard_filters(false).build();
    walk.flatten().map(ignore::DirEntry::into_path).filter(|path| path.is_file())
}

fn expand(glob: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = glob.to_string_lossy();
    let refuse = || Error::NoSuchPath(text.clone().into_owned());
    if !text.contains(['*', '?', '[', '{']) {
        return Err(refuse());
    }
    let built =
        GlobBuilder::new(text.strip_prefix("./").unwrap_or(&text)).literal_separator(true).build();
    let matcher = built.map_err(|_| refuse())?.compile_matcher();
    let wild = |part: &std::path::Component<'_>| {
        part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{'])
    };
    let start: PathBuf = glob.components().take_while(|part| !wild(part)).collect();
    let start = if start.as_os_str().is_empty() { PathBuf::from(".") } else { start };
    let plain = |path: &Path| path.strip_prefix(".").unwrap_or(path).to_owned();
    let found: Vec<_> = files_below(&start)
        .map(|path| plain(&path))
        .filter(|path| matcher.is_match(path))
        .collect();
    if found.is_empty() { Err(refuse()) } else { Ok(found) }
}
