//! One shard, from its plan to its journal and JUnit file: for `run` and for `local`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::databases;
use super::error::Error;
use super::order::Order;
use super::planning::Planned;
use super::print;
use super::project::{Found, Project, own_variables};
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
}

impl Running {
    pub(super) fn new(args: &super::args::RunningArgs, project: &Project) -> Self {
        let run = &project.config.run;
        Self {
            // Commands run in other directories, so the path must not depend on the current one.
            out: std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone()),
            show: args.output.map_or(run.output, Into::into),
            retries: args.retries,
            fail_fast: args.fail_fast || run.fail_fast,
            order: args.order.into(),
        }
    }
}

/// A shard's files, claimed: nobody else writes them, and they can be written.
pub(super) struct Claimed {
    pub(super) files: ShardFiles,
    appender: Appender,
}

pub(super) fn claim(out: &Path, shard: Shard, attempt: u32) -> Result<Claimed, Error> {
    let files = ShardFiles::new(out, shard, attempt);
    let appender = files.claim()?;
    Ok(Claimed { files, appender })
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
    let Claimed { files, appender } = claimed;
    let workers = project.local_workers(found.order);
    let assigned = found.arranged(&planned.plan, shard);
    let mut journal = Journal::new(appender);
    let mut console = console(project, running);
    for event in beginning(project, (found, planned), (shard, &assigned), workers) {
        journal.take(&event).map_err(Error::Sink)?;
        let _ = console.take(&event);
    }
    let setup = Setup {
        program: project.program.clone(),
        shard,
        workers,
        policy: Policy { grace: project.config.run.grace(), fail_fast: running.fail_fast },
        work: files.work.clone(),
        outputs: files.outputs.clone(),
        port_base: project.config.run.port_base,
        run: project.run.id.clone().unwrap_or_else(|| "local".to_owned()),
        env_remove: own_variables(),
        streaming: if running.show == Show::Stream { Streaming::On } else { Streaming::Off },
    };
    let jobs = jobs(project, running, &found.discovery, &assigned);
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
    let bad = write_junit(&files)?;
    if let Err(error) = store::remove_dir(&files.work) {
        // Every result is written; what is left costs space only.
        print::note(&error.to_string());
    }
    Ok(match ending.stop {
        Some(Stop::Signal(signal)) => Exit::Signal(u8::try_from(signal).unwrap_or(0)),
        Some(Stop::Broken(_)) => Exit::Infrastructure,
        Some(Stop::FailFast) | None if ending.failed > 0 || bad > 0 => Exit::Failed,
        Some(Stop::FailFast) | None => Exit::Passed,
    })
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
            estimate_us: assigned.estimate.us,
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

/// Writes the shard's JUnit file, which is the journal told in XML; how many tests are bad in it.
fn write_junit(files: &ShardFiles) -> Result<usize, Error> {
    let source = files.journal.display().to_string();
    let journal = report::journal::parse(&store::read(&files.journal)?);
    let joined = report::merge(vec![report::Input { source, journal }], |_| None);
    store::replace(&files.junit, report::junit::render(&joined).as_bytes())?;
    Ok(joined.totals.bad())
}

/// Which run and attempt a shard belongs to.
pub(super) fn run_key(project: &Project, attempt: Option<u32>) -> RunKey {
    RunKey { attempt: attempt.unwrap_or(project.run.attempt), ..project.run.clone() }
}
