//! `--failed`: what failed, errored or was lost in the run before.
//!
//! At home that is a run of its own, which says of itself that it is only a part. In a CI it is the
//! same shard of the same run once more ("re-run failed jobs"): the new journal begins with what
//! stands of the one before, so it is the whole shard's and merges like any other attempt's. Where
//! a CI has nothing to go on from, everything runs: never fewer tests than were planned.

mod carry;

use std::path::{Path, PathBuf};

use super::args::RunningArgs;
use super::error::Error;
use super::merge;
use super::only::{Unknown, Wanted};
use super::print::{note, out, warn};
use super::project::Project;
use crate::model::{Shard, counted};
use crate::report::{self, Input, LostWhy, RunReport, TestReport};
pub(super) use carry::Earlier;

/// What a run is to do.
pub(super) enum Again {
    /// All of it.
    All,
    /// Nothing: all went well before.
    Nothing,
    /// Only this, as a run of its own.
    Chosen(Wanted),
    /// What is left of an attempt before.
    On(Box<Earlier>),
}

/// What `--only` and `--failed` come to for a shard, or, without one, for all of them together.
pub(super) fn again(
    args: &RunningArgs,
    out: &Path,
    project: &Project,
    shard: Option<Shard>,
) -> Result<Again, Error> {
    if !args.only.is_empty() {
        let (ids, journals) = (args.only.clone(), out.to_owned());
        return Ok(Again::Chosen(Wanted { ids, unknown: Unknown::Refuse, journals }));
    }
    let Some(paths) = &args.failed else { return Ok(Again::All) };
    let asked = Asked { paths, out };
    match shard {
        Some(shard) if project.ci.is_some() => Ok(asked.in_ci(project, shard)),
        Some(_) | None => asked.at_home(),
    }
}

/// What `--failed` is asked of: paths that it was given, and where results go.
struct Asked<'a> {
    paths: &'a [PathBuf],
    out: &'a Path,
}

impl Asked<'_> {
    fn paths(&self) -> Vec<PathBuf> {
        if self.paths.is_empty() { vec![self.out.to_owned()] } else { self.paths.to_vec() }
    }

    fn nothing_before(&self) -> Error {
        let paths = self.paths();
        let named = paths.iter().map(|path| format!("`{}`", path.display()));
        Error::NoRunBefore(named.collect::<Vec<_>>().join(", "))
    }

    fn inputs(&self) -> Result<Vec<Input>, Error> {
        if self.paths.is_empty() && !self.out.exists() {
            return Err(self.nothing_before());
        }
        let found = merge::journals_of(&self.paths()).map_err(|error| match error {
            Error::NoJournals(_) => self.nothing_before(),
            error => error,
        });
        merge::read(&found?)
    }

    /// In a CI: goes on from an attempt before of this shard.
    fn in_ci(&self, project: &Project, shard: Shard) -> Again {
        let Some(run) = &project.run.id else {
            warn(
                "this CI does not say which run this is, so `--failed` cannot tell what ran \
                 before it: everything runs",
            );
            return Again::All;
        };
        let inputs = match self.inputs() {
            Ok(inputs) => inputs,
            Err(Error::NoRunBefore(_) | Error::NoSuchPath(_)) => Vec::new(),
            Err(error) => {
                warn(&format!("{error}; everything runs"));
                return Again::All;
            }
        };
        let same = |input: Input| {
            let Input { source, journal } = input;
            let journal = journal.ok()?;
            let started = &journal.started;
            let ours = started.run.id.as_ref() == Some(run) && started.shard == shard;
            (ours && !started.partial && journal.planned.is_some())
                .then_some(Earlier { source, journal })
        };
        let earlier = inputs.into_iter().filter_map(same);
        if let Some(earlier) = earlier.max_by_key(Earlier::age) {
            return Again::On(Box::new(earlier));
        }
        note("no earlier attempt at this shard has left a journal here: everything runs");
        Again::All
    }

    /// Outside a CI: what went wrong in the newest run of which journals are there.
    fn at_home(&self) -> Result<Again, Error> {
        let report = report::merge(newest(self.inputs()?), |_| None);
        let Some(started) = report.shards.iter().map(|shard| shard.started).min() else {
            return Err(self.nothing_before());
        };
        let before = format!("the run before, of {}", started.strftime("%Y-%m-%d %H:%M:%S UTC"));
        missing(&report);
        let ids = wanted(&report);
        if ids.is_empty() {
            out(&format!("nothing failed in {before}: nothing to run\n"));
            return Ok(Again::Nothing);
        }
        note(&format!("of {before}: {}; only that runs", told(&report)));
        let journals = self.out.to_owned();
        Ok(Again::Chosen(Wanted { ids, unknown: Unknown::Tell, journals }))
    }
}

/// Of several runs' journals those of the newest.
fn newest(inputs: Vec<Input>) -> Vec<Input> {
    let key = |input: &Input| {
        let started = &input.journal.as_ref().ok()?.started;
        Some((started.run.id.clone(), started.run.number, started.shard.total))
    };
    let started = |input: &Input| Some(input.journal.as_ref().ok()?.started.started);
    let run = inputs.iter().max_by_key(|input| started(input)).and_then(key);
    inputs.into_iter().filter(|input| run.is_some() && key(input) == run).collect()
}

fn missing(report: &RunReport) {
    let missing = &report.ledger.missing_shards;
    if !missing.is_empty() {
        let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
        warn(&format!(
            "of {} there is no journal ({}), so nothing of it runs",
            counted(missing.len(), "shard"),
            list.join(", ")
        ));
    }
}

fn bad(report: &RunReport) -> impl Iterator<Item = &TestReport> {
    report.tests.iter().filter(|test| !test.outcome.is_good())
}

/// Whether the shard that had it is there, and lost it.
fn is_lost_here(why: &LostWhy) -> bool {
    match why {
        LostWhy::ShardMissing | LostWhy::Unassigned => false,
        LostWhy::Killed(_)
        | LostWhy::NeverReached(_)
        | LostWhy::Stopped(..)
        | LostWhy::NotRetried
        | LostWhy::Unaccounted(_)
        | LostWhy::NoResult => true,
    }
}

/// The ids of what failed or was lost, each once: of listed tests their own, else their group's.
fn wanted(report: &RunReport) -> Vec<String> {
    let failed = bad(report).map(|test| {
        if test.listed { test.id.to_string() } else { report.groups[test.group].id.to_string() }
    });
    let lost = report.ledger.lost.iter().filter(|lost| is_lost_here(&lost.why));
    let lost = lost.flat_map(|lost| match lost.tests.as_slice() {
        [] => vec![lost.group.to_string()],
        tests => tests.iter().map(ToString::to_string).collect(),
    });
    let mut ids: Vec<String> = failed.chain(lost).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What failed and what was lost, in words.
fn told(report: &RunReport) -> String {
    let lost = || report.ledger.lost.iter().filter(|lost| is_lost_here(&lost.why));
    let tests: usize = lost().map(|lost| lost.tests.len()).sum();
    let groups = lost().filter(|lost| lost.tests.is_empty()).count();
    let counts = [
        (bad(report).count(), "test", "failed"),
        (tests, "test", "lost"),
        (groups, "group", "lost"),
    ];
    let some = counts.into_iter().filter(|(count, ..)| *count > 0);
    let some = some.map(|(count, what, how)| format!("{} {how}", counted(count, what)));
    some.collect::<Vec<_>>().join(", ")
}
