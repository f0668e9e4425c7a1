//! One shard, from its plan to its journal and JUnit file: for `run` and for `local`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;

use super::databases;
use super::error::Error;
use super::failed::Earlier;
use super::only::Unknown;
use super::order::Order;
use super::planning::Planned;
use super::print;
use super::project::{Found, Project, own_variables};
use super::quarantine::Excuses;
use crate::ci::{Ci, Folding};
use crate::config::{Fresh, Show};
use crate::discover::Discovery;
use crate::exit::Exit;
use crate::model::{AssignedGroup, Event, FORMAT, Group, GroupId, RunKey, RunStarted, Shard, Stop};
use crate::plan::Assigned;
use crate::report;
use crate::runner::{self, Job, Outputs, Policy, Setup, Streaming, Suites};
use crate::sink::{Console, Journal, Live, Options, Sink, fresh_token};
use crate::store::{self, Appender, ShardFiles};
use crate::term::Colour;

/// How a shard is to run, flags and configuration taken together.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) out: PathBuf,
    pub(super) show: Show,
    pub(super) retries: Option<u32>,
    pub(super) fail_fast: bool,
    pub(super) order: Order,
    /// The number of the first worker.
    pub(super) first_worker: u32,
    pub(super) excuses: Rc<Excuses>,
}

impl Running {
    pub(super) fn new(args: &super::args::RunningArgs, project: &Project) -> Result<Self, Error> {
        let run = &project.config.run;
        Ok(Self {
            // Commands run in other directories, so the path must not depend on the current one.
            out: std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone()),
            show: args.output.map_or(run.output, Into::into),
            retries: args.retries,
            fail_fast: args.fail_fast || run.fail_fast,
            order: args.order.into(),
            first_worker: args.worker.unwrap_or(0),
            excuses: Rc::new(Excuses::read(args.quarantine.as_deref())?),
        })
    }
}

/// A shard's files, claimed: nobody else writes them, and they can be written.
pub(super) struct Claimed {
    pub(super) files: ShardFiles,
    appender: Appender,
    /// The attempt that this one goes on from.
    pub(super) earlier: Option<Box<Earlier>>,
}

/// Claims the files of a shard. Where what failed before is run, that is known by the journal that
/// they replace: it stays until the run begins.
pub(super) fn claim(
    project: &Project,
    out: &Path,
    shard: Shard,
    attempt: u32,
) -> Result<Claimed, Error> {
    let files = ShardFiles::new(out, shard, attempt);
    let from_before = project.only.as_ref().is_some_and(|only| only.unknown == Unknown::Tell);
    let appender = if from_before { files.claim_keeping()? } else { files.claim()? };
    Ok(Claimed { files, appender, earlier: None })
}

/// Runs the shard that the files were claimed for.
pub(super) async fn run_shard(
    project: &Project,
    running: &Running,
    found: &Found,
    planned: &Planned,
    shard: Shard,
    claimed: Claimed,
) -> Result<Exit, Error> {
    let Claimed { files, appender, earlier } = claimed;
    let workers = project.local_workers(found.order);
    let mut assigned = found.arranged(&planned.plan, shard);
    let carry = |earlier: Box<Earlier>| earlier.carry(&planned.plan, &found.discovery, &assigned);
    let carried = earlier.map(carry).unwrap_or_default();
    let mut journal = Journal::new(appender);
    let mut console = console(project, running);
    for mut event in beginning(project, (found, planned), (shard, &assigned), workers) {
        journal.take(&event).map_err(Error::Sink)?;
        if let Event::Planned { assigned, .. } = &mut event {
            assigned.retain(|assigned| carried.runs(&assigned.group));
        }
        let _ = console.take(&event);
    }
    for event in &carried.events {
        journal.take(event).map_err(Error::Sink)?;
    }
    assigned.retain(|assigned| carried.runs(&assigned.id));
    let mut jobs = jobs(project, running, &found.discovery, &assigned);
    for job in &mut jobs {
        if let Some(narrowed) = carried.narrowed(&job.group.id) {
            job.group.clone_from(narrowed);
        }
    }
    let mut journal = carried.into_sink(journal);
    let setup = setup(project, running, &files, (shard, workers));
    let ending = {
        let mut note = |text: &str| print::note(text);
        let mut outputs =
            Outputs { journal: &mut journal, console: Some(&mut console), note: &mut note };
        let filler = databases::Filler(&found.discovery);
        let request = databases::request(project, found, &filler, &jobs, (workers, &files.work));
        let Discovery { frameworks, sessions, .. } = &found.discovery;
        let suites = Suites { frameworks, sessions };
        let ran = runner::run(setup, request.as_ref(), jobs, suites, &mut outputs).await;
        ran.inspect_err(|_| {
            // Nothing of the shard ran; that is the error to tell.
            let _ = store::remove_dir(&files.work);
        })?
    };
    if let Some(Stop::Broken(why)) = &ending.stop {
        print::err(&format!("error: {why}\n"));
    }
    let results = results(&files, &running.excuses)?;
    if let Err(error) = store::remove_dir(&files.work) {
        // Every result is written; what is left costs space only.
        print::note(&error.to_string());
    }
    Ok(match ending.stop {
        Some(Stop::Signal(signal)) => Exit::Signal(u8::try_from(signal).unwrap_or(0)),
        Some(Stop::Broken(_)) => Exit::Infrastructure,
        Some(Stop::FailFast) => Exit::Failed,
        None => match results {
            Results::Good if ending.failed > 0 => Exit::Failed,
            Results::Bad => Exit::Failed,
            Results::Good | Results::Excused => Exit::Passed,
        },
    })
}

fn setup(
    project: &Project,
    running: &Running,
    files: &ShardFiles,
    (shard, workers): (Shard, u32),
) -> Setup {
    Setup {
        program: project.program.clone(),
        shard,
        workers,
        first_worker: running.first_worker,
        policy: Policy { grace: project.config.run.grace(), fail_fast: running.fail_fast },
        work: files.work.clone(),
        outputs: files.outputs.clone(),
        port_base: project.config.run.port_base,
        run: project.run.id.clone().unwrap_or_else(|| "local".to_owned()),
        env_remove: own_variables(),
        streaming: if running.show == Show::Stream { Streaming::On } else { Streaming::Off },
    }
}

/// The events before the first group.
fn beginning(
    project: &Project,
    (found, planned): (&Found, &Planned),
    (shard, assigned): (Shard, &[Assigned]),
    workers: u32,
) -> Vec<Event> {
    let Planned { plan, took_us } = planned;
    let discovery = &found.discovery;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let started = Event::RunStarted(RunStarted {
        format: FORMAT,
        evenly: env!("CARGO_PKG_VERSION").to_owned(),
        run: project.run.clone(),
        shard,
        workers,
        started: Timestamp::now(),
        host,
        before_us: Some(*took_us),
        config: project.named.clone(),
        partial: project.only.is_some(),
    });
    let assigned = assigned
        .iter()
        .map(|group| AssignedGroup { group: group.id.clone(), estimate: group.estimate });
    let planned = Event::Planned {
        fingerprint: plan.fingerprint.to_string(),
        workers: plan.workers,
        groups: plan.groups(),
        assigned: assigned.collect(),
    };
    let mut events = vec![started];
    events.extend(discovery.events());
    events.push(planned);
    events
}

/// What the assigned groups are run as, in their order.
pub(super) fn jobs(
    project: &Project,
    running: &Running,
    discovery: &Discovery,
    assigned: &[Assigned],
) -> Vec<Job> {
    let groups: HashMap<&GroupId, &Group> =
        discovery.groups.iter().map(|group| (&group.id, group)).collect();
    let suites: HashMap<_, _> =
        project.config.suites.iter().map(|suite| (&suite.name, suite)).collect();
    let run = &project.config.run;
    let job = |assigned: &Assigned| {
        let group = groups[&assigned.id];
        let suite = suites[&group.id.suite];
        let limits = group.limits;
        let framework = &discovery.frameworks[&group.id.suite];
        // Each group gets databases of its own there.
        let fresh = suite.named_databases().any(|name| {
            project.config.databases.get(name).is_some_and(|it| it.fresh == Fresh::Group)
        });
        Job {
            group: group.clone(),
            reading: framework.reading,
            timeout: limits.timeout.or(suite.timeout()).unwrap_or(run.timeout()),
            retries: limits.retries.or(running.retries).or(suite.retries).unwrap_or(run.retries),
            batch: if fresh { 1 } else { framework.batch() },
            estimate: assigned.estimate,
        }
    };
    assigned.iter().map(job).collect()
}

fn console(project: &Project, running: &Running) -> Console {
    let folding = project.ci.as_ref().map_or(Folding::None, Ci::folding);
    let watched = print::is_watched() && project.ci.is_none();
    let live = if watched { Live::Terminal } else { Live::Plain };
    let options = Options {
        show: running.show,
        folding,
        live,
        colour: if print::takes_colour() { Colour::Keep } else { Colour::Drop },
        // Without randomness the guard would be a word that tests can know: there is none that
        // is better, and the commands are broken besides.
        token: Box::new(|| fresh_token().unwrap_or_else(|_| "evenly-without-randomness".into())),
    };
    Console::new(options, print::stdout())
}

/// How the tests of a shard came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Results {
    Good,
    /// What failed is quarantined.
    Excused,
    Bad,
}

/// Writes the shard's JUnit file, which is the journal told in XML.
fn results(files: &ShardFiles, excuses: &Excuses) -> Result<Results, Error> {
    let source = files.journal.display().to_string();
    let journal = report::journal::parse(&store::read(&files.journal)?);
    let mut joined = report::merge(vec![report::Input { source, journal }], |_| None);
    store::replace_with(&files.junit, |file| report::junit::render(&joined, file))?;
    excuses.excuse(&mut joined);
    Ok(match (joined.failing(), joined.quarantine.excused.len()) {
        (0, 0) => Results::Good,
        (0, _) => Results::Excused,
        _ => Results::Bad,
    })
}

/// Which run and attempt a shard belongs to.
pub(super) fn run_key(project: &Project, attempt: Option<u32>) -> RunKey {
    RunKey { attempt: attempt.unwrap_or(project.run.attempt), ..project.run.clone() }
}
