//! `evenly merge`: the journals of all shards, and JUnit files of other tools, become one report,
//! one verdict, and history.

mod find;
mod outputs;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{mem, panic, thread};

use super::args::MergeArgs;
use super::emit;
use super::error::Error;
use super::history::{Known, Writable, can_be_kept, load};
use super::observe::{compared, fewer_in_parts, observe};
use super::print::{note, out, warn};
use super::publish::{self, MergePublishArgs};
use super::quarantine::Excuses;
use crate::exit::Exit;
use crate::history::{Base, Estimator};
use crate::model::GroupId;
use crate::report::foreign::{Foreign, Pile, Reading};
use crate::report::{self, Input, RunReport, journal, table};
use crate::store;

use find::{JunitFile, find};
pub(super) use find::{journals_below, journals_of};
pub(super) use outputs::Output;

/// Threads that read or write, at most.
const THREADS_MAX: usize = 8;

/// Where a merge writes what.
pub(super) struct Destination<'a> {
    pub(super) out: &'a Path,
    /// `none` leaves the history alone.
    pub(super) history: &'a Path,
    pub(super) outputs: &'a [Output],
    pub(super) excuses: &'a Excuses,
    /// Whom to tell beyond this machine, if anybody.
    pub(super) publish: Option<&'a MergePublishArgs>,
}

pub(super) fn run(args: &MergeArgs) -> Result<Exit, Error> {
    let MergeArgs { paths, out, history, outputs, repeated, quarantine, publish } = args;
    let excuses = &Excuses::read(quarantine.as_deref())?;
    let found = find(paths, &out.join(Output::Junit.file_name()))?;
    if let Some(own) = &found.own {
        note(&format!("`{}` is what this merge writes; it is not read", own.display()));
    }
    let foreign = Foreign::of(read_junit(&found.junit), (*repeated).into());
    let publish = Some(publish);
    let to = Destination { out, history, outputs, excuses, publish };
    merge_with(&found.journals, foreign, &to)
}

/// Merges these journals and writes all that follows from them.
pub(super) fn merge(journals: &[PathBuf], to: &Destination<'_>) -> Result<Exit, Error> {
    merge_with(journals, Foreign::default(), to)
}

fn merge_with(journals: &[PathBuf], foreign: Foreign, to: &Destination<'_>) -> Result<Exit, Error> {
    let mut report = join_and_learn(read(journals)?, foreign, to.history);
    to.excuses.excuse(&mut report);
    outputs::write(&report, to)?;
    out(&table::render(&report, table::Colour::On));
    if let Err(error) = emit::github_verdict(&report) {
        warn(&format!("{error}; later steps do not learn the verdict"));
    }
    let exit = to.publish.map_or(Ok(report.exit), |args| publish::after_merge(&report, args));
    // To free a million tests one by one, just before the end, takes as long as to write them.
    mem::forget(report);
    exit
}

pub(super) fn read(journals: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut lists = journal::Lists::default();
    let input = |path: &PathBuf| {
        let journal = store::read_with(path, |from| journal::parse_sharing(from, &mut lists))?;
        Ok(Input { source: path.display().to_string(), journal })
    };
    journals.iter().map(input).collect()
}

/// Reads JUnit files, as many at a time as there are cores.
fn read_junit(files: &[JunitFile]) -> Vec<Pile> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(THREADS_MAX).min(files.len());
    let (reading, next) = (Reading::of(files.len()), AtomicUsize::new(0));
    let read = || {
        let (mut pile, mut bytes) = (Pile::default(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return pile };
            match store::read_into(&file.path, &mut bytes) {
                Ok(()) => pile.read(index, file.source(), &bytes, &reading),
                Err(error) => pile.note_unreadable(index, file.source(), error.to_string()),
            }
        }
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(read)).collect();
        let joined = readers.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|pile| pile.unwrap_or_else(|panic| panic::resume_unwind(panic))).collect()
    })
}

/// Joins the journals; what they teach goes into the history, also when tests failed.
/// A history that cannot be kept is told, and costs no report.
/// JUnit files of other tools teach nothing: there is nothing to plan of them.
fn join_and_learn(inputs: Vec<Input>, foreign: Foreign, history: &Path) -> RunReport {
    if history == Path::new("none") || inputs.is_empty() || is_partial(&inputs) {
        return report::merge_with(inputs, foreign, |_| None);
    }
    let lock = can_be_kept(history).then(|| store::lock_for_update(history)).transpose();
    let Known { history: mut known, writable } = load(history);
    let number = run_number(&inputs);
    let parts = super::observe::parts(&inputs);
    let fixed_us = super::observe::fixed_us(&inputs);
    let (report, (observations, facts)) = {
        let before = Estimator::new(&known, number);
        let last_time = |group: &GroupId| before.tests_last_time(&group.suite, &group.name);
        let mut report = report::merge_with(inputs, foreign, last_time);
        fewer_in_parts(&mut report, &parts, last_time);
        let (observations, facts, speeds) = observe(&report, &before, &parts);
        report.compared = compared(&report, Base::new(&known, number), &parts, &speeds);
        (report, (observations, facts))
    };
    let kept = lock.and_then(|lock| {
        if lock.is_none() || writable == Writable::No {
            return Ok(());
        }
        let run = number.unwrap_or_else(|| known.next_run());
        if known.is_past(run) {
            warn(&restarted(run, history));
        } else if let Some(oldest) = known.begins_after(run) {
            warn(&before_all(run, oldest, history));
        }
        known.record(run, observations, facts);
        known.record_partial(run, !report.ledger.is_whole());
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

/// Whether only chosen tests were to run: that is no measure of what a run holds and takes.
fn is_partial(inputs: &[Input]) -> bool {
    inputs.iter().any(|input| input.journal.as_ref().is_ok_and(|journal| journal.started.partial))
}

/// What to say of a run whose number is below all that the history keeps, and that it learns from.
fn before_all(run: u64, oldest: u64, history: &Path) -> String {
    format!(
        "run {run} is older than every run that history `{0}` keeps (the oldest is {oldest}), so \
         its plan saw nothing of them; if the CI counts its runs from the start again, delete \
         `{0}`",
        history.display()
    )
}

/// The number of the run that is merged: the newest among the journals'.
fn run_number(inputs: &[Input]) -> Option<u64> {
    inputs.iter().filter_map(|input| input.journal.as_ref().ok()?.started.run.number).max()
}
