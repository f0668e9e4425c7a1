//! Several groups in one command, where starting the framework is what costs: which groups share
//! one, and whose its results are.
//!
//! Promises: a batch is only taken apart when nothing about it is in doubt; a group never gets
//! another's result. What is in doubt runs again, group by group.

use std::collections::{HashMap, VecDeque};

use super::attempts::Try;
use super::dispatcher::{Execution, Job};
use crate::framework::{Naming, Report};
use crate::junit::read::{Case, Document};
use crate::model::{Basis, Group, Output, ProcessEnd, one_line};

/// How many groups of a batch a note names.
const NAMED_MAX: usize = 3;

/// How much of its time limit a batch may be expected to take: one over this.
const TIMEOUT_SHARE: u64 = 2;
/// Of its share of all that is left a worker takes at most so many fourths at once, so that the
/// last batches are small and workers end together: more where it is known how long things take,
/// since each further command costs a start.
const MEASURED_FOURTHS: u64 = 3;
const GUESSED_FOURTHS: u64 = 2;
/// A known share that is shorter than this is taken whole, microseconds: frameworks that share
/// commands take half a second and more to start, and so many groups together are hardly known
/// worse than by a thirtieth.
const SHORT_US: u64 = 15_000_000;
/// What would be left over comes along where it is no more than one over this of the batch: it
/// would cost a start of its own.
const REST_SHARE: u64 = 8;
/// A batch of less than one over this of the groups that it may have is small: it may be a worker's
/// whole share, since each further command costs a start.
const SMALL_SHARE: u32 = 4;
/// One of less than one over this takes whatever there is.
const LEAST_SHARE: u32 = 8;

/// Who works on what waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crew {
    /// How many they are, whoever asks included.
    pub(super) workers: usize,
    /// How long what the others have is expected to go on, all of it together, microseconds.
    pub(super) busy_us: u64,
}

/// Takes out of the queue what runs in one command with this.
pub(super) fn companions(
    jobs: &[Job],
    queue: &mut VecDeque<Try>,
    this: &Try,
    crew: Crew,
) -> Vec<Try> {
    let job = &jobs[this.job];
    if !this.may_share() || job.batch <= 1 {
        return Vec::new();
    }
    let waiting_us = queue.iter().map(|other| jobs[other.job].estimate.us);
    let waiting_us = waiting_us.fold(job.estimate.us, u64::saturating_add);
    let mut room = Room::beside(job, waiting_us, crew);
    let fits = |other: &Try| other.may_share() && go_together(job, &jobs[other.job]);
    let fits: Vec<bool> = queue.iter().map(fits).collect();
    let each = || queue.iter().map(|other| &jobs[other.job]).zip(&fits);
    let mut taken: Vec<bool> = each().map(|(its, fits)| *fits && room.takes(its)).collect();
    let rest = each().zip(&taken).filter(|((_, fits), taken)| **fits && !**taken);
    if room.has_for(rest.map(|((its, _), _)| its)) {
        taken = fits;
    }
    let mut taken = taken.into_iter();
    let (with, rest): (VecDeque<_>, VecDeque<_>) =
        std::mem::take(queue).into_iter().partition(|_| taken.next().unwrap_or(false));
    *queue = rest;
    with.into()
}

/// What is told of a batch in doubt.
pub(super) fn note(jobs: &[&Job], doubt: &str) -> String {
    let names =
        jobs.iter().take(NAMED_MAX).map(|job| one_line(&job.group.id.to_string()).into_owned());
    let mut names = names.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = jobs.len().checked_sub(NAMED_MAX) {
        names.push_str(&format!(" and {more} more"));
    }
    let groups = jobs.len();
    format!("{groups} groups ran in one command, and {doubt}; each runs again by itself: {names}")
}

/// Whether two groups may run in one command.
fn go_together(a: &Job, b: &Job) -> bool {
    let same = a.group.id.suite == b.group.id.suite
        && a.group.databases == b.group.databases
        && a.group.aliases == b.group.aliases
        && a.group.late == b.group.late;
    same && [a, b].iter().all(|job| job.batch > 1 && !job.group.exclusive)
}

/// What bounds a batch.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// Groups that it may have, and those that it has.
    groups_max: u32,
    groups: u32,
    /// What it may be expected to take: the least ones, small ones, and others.
    least_us: u64,
    small_us: u64,
    large_us: u64,
    us: u64,
}

impl Room {
    /// Room for a job and those that follow it; `waiting_us` is what all that wait are expected to
    /// take, the job included.
    fn beside(job: &Job, waiting_us: u64, crew: Crew) -> Self {
        let workers = u64::try_from(crew.workers).unwrap_or(u64::MAX);
        let left_us = waiting_us.saturating_add(crew.busy_us);
        let timeout_us = u64::try_from(job.timeout.as_micros()).unwrap_or(u64::MAX);
        let least_us = timeout_us / TIMEOUT_SHARE;
        let small_us = (left_us / workers).min(least_us);
        let fourths = match job.estimate.basis {
            // One worker alone has nobody to end together with.
            _ if workers == 1 => 4,
            Basis::Measured if small_us < SHORT_US => 4,
            Basis::Measured => MEASURED_FOURTHS,
            Basis::Neighbours | Basis::Default => GUESSED_FOURTHS,
        };
        let large_us = small_us / 4 * fourths;
        let (groups_max, groups, us) = (job.batch, 1, job.estimate.us);
        Self { groups_max, groups, least_us, small_us, large_us, us }
    }

    /// Takes a job in, if there is room.
    fn takes(&mut self, job: &Job) -> bool {
        let us_max = if self.groups < self.groups_max / LEAST_SHARE {
            self.least_us
        } else if self.groups < self.groups_max / SMALL_SHARE {
            self.small_us
        } else {
            self.large_us
        };
        let us = self.us.saturating_add(job.estimate.us);
        if self.groups >= self.groups_max || us > us_max {
            return false;
        }
        self.groups += 1;
        self.us = us;
        true
    }

    /// Whether all of these, the last ones, may come along.
    fn has_for<'a>(&self, rest: impl Iterator<Item = &'a Job>) -> bool {
        let (groups, us) = rest.fold((self.groups, self.us), |(groups, us), job| {
            (groups.saturating_add(1), us.saturating_add(job.estimate.us))
        });
        let few = us.saturating_sub(self.us) <= self.us / REST_SHARE;
        few && groups <= self.groups_max && us <= self.least_us
    }
}

/// A batch, taken apart.
#[derive(Debug)]
pub(super) struct Split {
    /// An execution a group, in their order.
    pub(super) executions: Vec<Execution>,
    /// Why it is in doubt what became of each group, if it is.
    pub(super) doubt: Option<&'static str>,
}

/// Takes a batch apart.
pub(super) fn split(jobs: &[&Job], execution: Execution) -> Split {
    let Execution { end, duration_us, leaked, unkillable, report, output, notes } = execution;
    let documents = match report {
        Report::Documents(documents) => documents,
        Report::Said(_) => Vec::new(),
    };
    let broken = documents.iter().find_map(|document| document.broken.clone());
    let mut strangers = false;
    let mut cases: Vec<Vec<Case>> = jobs.iter().map(|_| Vec::new()).collect();
    let owners = Owners::of(jobs);
    for case in documents.into_iter().flat_map(|document| document.cases) {
        match owners.owner(&case) {
            Some(owner) => cases[owner].push(case),
            None => strangers = true,
        }
    }
    let bad: Vec<bool> =
        cases.iter().map(|cases| cases.iter().any(|case| !case.outcome.is_good())).collect();
    let silent = cases.iter().any(Vec::is_empty);
    let any_bad = bad.contains(&true);
    let doubt = match &end {
        ProcessEnd::Signaled(_) | ProcessEnd::NotStarted(_) | ProcessEnd::Unknown(_) => {
            Some("its process did not end by itself")
        }
        ProcessEnd::Exited(_) if broken.is_some() => Some("its report is not whole"),
        ProcessEnd::Exited(_) if strangers => Some("its report names tests of no group in it"),
        ProcessEnd::Exited(_) if silent => Some("its report has nothing of some of its groups"),
        ProcessEnd::Exited(status) if *status != 0 && !any_bad => {
            Some("it failed, and no test of it did")
        }
        ProcessEnd::Exited(_) if !unkillable.is_empty() => Some("processes of it cannot be ended"),
        ProcessEnd::Exited(_) => None,
    };
    let whole = doubt.is_none();
    let shares_us = shares(duration_us, &cases);
    // The output is that of all: it is told where somebody looks for it.
    let told = bad.iter().position(|bad| *bad).unwrap_or(0);
    let mut output = Some(output);
    let mut rest = Some((leaked, unkillable, notes));
    let mut executions = Vec::with_capacity(jobs.len());
    for (at, (cases, duration_us)) in cases.into_iter().zip(shares_us).enumerate() {
        let output = if at == told { output.take() } else { None };
        let output = output.unwrap_or_else(|| elsewhere(&jobs[told].group));
        let (leaked, unkillable, notes) =
            if at == told { rest.take().unwrap_or_default() } else { Default::default() };
        let document = Document { cases, broken: broken.clone(), notes: Vec::new() };
        executions.push(Execution {
            end: if whole && !bad[at] { ProcessEnd::Exited(0) } else { end.clone() },
            duration_us,
            leaked,
            unkillable,
            report: Report::Documents(vec![document]),
            output,
            notes,
        });
    }
    Split { executions, doubt }
}

fn elsewhere(group: &Group) -> Output {
    let name = &group.id.name;
    Output { head: format!("[evenly: one command ran it with `{name}`: see there]\n"), tail: None }
}

/// The batch's time, a part a group: as long as its tests say, and of the rest an equal part each.
fn shares(duration_us: u64, cases: &[Vec<Case>]) -> Vec<u64> {
    let said = |cases: &Vec<Case>| cases.iter().filter_map(|case| case.duration_us).sum::<u64>();
    let said: Vec<u64> = cases.iter().map(said).collect();
    let all: u64 = said.iter().fold(0, |sum, us| sum.saturating_add(*us));
    let groups = u64::try_from(cases.len()).unwrap_or(u64::MAX).max(1);
    if all <= duration_us {
        let each = (duration_us - all) / groups;
        return said.iter().map(|us| us + each).collect();
    }
    // They ran beside each other.
    let part = |us: &u64| u128::from(*us) * u128::from(duration_us) / u128::from(all);
    said.iter().map(|us| u64::try_from(part(us)).unwrap_or(u64::MAX)).collect()
}

/// Whose a case is.
struct Owners<'a> {
    naming: Naming,
    jobs: &'a [&'a Job],
    /// By a listed test's key: the job, or none where several list it.
    listed: HashMap<String, Option<usize>>,
}

impl<'a> Owners<'a> {
    fn of(jobs: &'a [&'a Job]) -> Self {
        let naming = jobs.first().map_or(Naming::ClassAndName, |job| job.reading.naming());
        let mut listed = HashMap::new();
        for (at, job) in jobs.iter().enumerate() {
            for test in job.group.tests.iter().flatten() {
                let owner = listed.entry(naming.key_of_listed(test)).or_insert(Some(at));
                if *owner != Some(at) {
                    *owner = None;
                }
            }
        }
        Self { naming, jobs, listed }
    }

    /// By what the framework says most exactly; none where that is nothing, or fits several.
    fn owner(&self, case: &Case) -> Option<usize> {
        let key = self.naming.key_of_case(&case.class, &case.name);
        if let Some(owner) = self.listed.get(&key) {
            return *owner;
        }
        let file = case.file.as_deref().map(|file| file.strip_prefix("./").unwrap_or(file));
        let class =
            |name: &str| self.naming.key_of_listed(name) == case.class || name == case.class;
        let begins = |name: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
        // Java's nested classes.
        let outer =
            |name: &str| case.class.strip_prefix(name).is_some_and(|rest| rest.starts_with('$'));
        let is_file = |name: &str| file == Some(name);
        let ends = |name: &str| {
            file.and_then(|file| file.strip_suffix(name)).is_some_and(|dir| dir.ends_with('/'))
        };
        self.only_named(class)
            .or_else(|| self.only_named(begins))
            .or_else(|| self.only_named(outer))
            .or_else(|| self.only_named(is_file))
            .or_else(|| self.only_named(ends))
    }

    fn only_named(&self, is_it: impl Fn(&str) -> bool) -> Option<usize> {
        self.only(|group| group.members.iter().any(|member| is_it(&member.name)))
    }

    fn only(&self, is_it: impl Fn(&Group) -> bool) -> Option<usize> {
        let mut found = (0..).zip(self.jobs).filter(|(_, job)| is_it(&job.group));
        let first = found.next()?.0;
        found.next().is_none().then_some(first)
    }
}
