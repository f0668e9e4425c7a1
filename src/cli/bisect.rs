//! `evenly bisect`: which groups before it make a group fail.

mod search;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::args::{BisectArgs, ProjectArgs};
use super::databases;
use super::error::Error;
use super::merge::journals_below;
use super::order::Order;
use super::parts;
use super::print;
use super::project::{Found, Project, local_run, own_variables};
use super::runtime::block_on;
use super::shard::{Running, jobs};
use crate::config::Show;
use crate::discover::Discovery;
use crate::exit::Exit;
use crate::model::{
    Basis, Estimate, Event, GroupFinished, GroupId, Shard, Stop, TestResult, Verdict, counted,
    one_line,
};
use crate::plan::Assigned;
use crate::report::journal;
use crate::runner::{self, Outputs, Policy, Setup, Streaming, Suites};
use crate::sink::{Sink, SinkError};
use crate::store;
use search::Search;

/// How many failing tests, and groups, are named.
const NAMED_MAX: usize = 5;
/// How much of a failure's message is shown, characters.
const MESSAGE_CHARS_MAX: usize = 200;

pub(super) fn run(args: &BisectArgs) -> Result<Exit, Error> {
    let BisectArgs { group, config, out, after } = args;
    let mut project = Project::open(&ProjectArgs {
        config: config.clone(),
        history: PathBuf::from("none"),
        workers: None,
    })?;
    project.run = local_run();
    let out = std::path::absolute(out).unwrap_or_else(|_| out.clone());
    let work = out.join("bisect.work");
    store::remove_dir(&work)?;
    store::make_dir(&work)?;
    let exit = block_on(async {
        let mut found = project.discover(&work.join("list"), Order::Serial).await?;
        parts::adopt(&mut found.discovery, &parts::told(&out));
        let exit = searched(&project, &found, (group, after), (&out, &work)).await;
        found.discovery.close().await;
        exit
    })?;
    store::remove_dir(&work)?;
    exit
}

async fn searched(
    project: &Project,
    found: &Found,
    (group, after): (&str, &[String]),
    (out, work): (&Path, &Path),
) -> Result<Exit, Error> {
    let group = named(found, group)?;
    let (suspects, whence) = suspects(found, &group, after, out)?;
    Bisect { project, found, group, out, work }.search(suspects, &whence).await
}

/// The group of an id, or of a name that only one suite has.
fn named(found: &Found, text: &str) -> Result<GroupId, Error> {
    let ids = || found.discovery.groups.iter().map(|group| &group.id);
    let by_id = ids().find(|id| id.to_string() == text);
    let by_name: Vec<&GroupId> = ids().filter(|id| &*id.name == text).collect();
    match (by_id, by_name.as_slice()) {
        (Some(id), _) => Ok(id.clone()),
        (None, [id]) => Ok((*id).clone()),
        (None, []) => Err(Error::NoGroup(text.to_owned())),
        (None, [..]) => Err(Error::WhichGroup(text.to_owned())),
    }
}

/// The groups that may be to blame, in their order, and what they are.
fn suspects(
    found: &Found,
    group: &GroupId,
    after: &[String],
    out: &Path,
) -> Result<(Vec<GroupId>, String), Error> {
    if !after.is_empty() {
        let named: Result<Vec<GroupId>, Error> =
            after.iter().map(|text| named(found, text)).collect();
        let mut named = named?;
        named.retain(|id| id != group);
        return Ok((named, "given by `--after`".to_owned()));
    }
    let known: BTreeSet<&GroupId> = found.discovery.groups.iter().map(|group| &group.id).collect();
    if let Some((mut earlier, whence)) = earlier(group, out) {
        earlier.retain(|id| known.contains(id));
        return Ok((earlier, whence));
    }
    // Where a part stands, the group stands that it is of.
    let parts = &found.discovery.parts;
    let place = parts.get(group).unwrap_or(group);
    let listed = found.serially().into_iter().filter(|id| !parts.contains_key(id));
    let before = listed.take_while(|id| id != place).collect();
    Ok((before, "before it in the frameworks' order: no journal has it".to_owned()))
}

/// What ran before the group on its worker, by the newest journal in which it failed, or else ran.
fn earlier(group: &GroupId, out: &Path) -> Option<(Vec<GroupId>, String)> {
    let journals = journals_below(out).into_iter().filter_map(|path| {
        let journal = journal::parse(&store::read(&path).ok()?).ok()?;
        let last = journal.executions.iter().rposition(|ran| ran.group == *group)?;
        let failed = journal.executions[last].verdict == Verdict::Failed;
        Some(((failed, journal.started.started), path, journal, last))
    });
    let (_, path, journal, last) = journals.max_by_key(|(rank, ..)| *rank)?;
    let worker = journal.executions[last].worker;
    let mut before: Vec<GroupId> = Vec::new();
    let mut seen = BTreeSet::from([group.clone()]);
    for ran in journal.executions[..last].iter().filter(|ran| ran.worker == worker) {
        if seen.insert(ran.group.clone()) {
            before.push(ran.group.clone());
        }
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    Some((before, format!("before it on worker {worker} by `{file}`")))
}

struct Bisect<'a> {
    project: &'a Project,
    found: &'a Found,
    group: GroupId,
    out: &'a Path,
    work: &'a Path,
}

/// What came of running the group behind others.
enum Trial {
    Passes,
    Fails(Box<GroupFinished>),
}

impl Bisect<'_> {
    async fn search(&self, suspects: Vec<GroupId>, whence: &str) -> Result<Exit, Error> {
        let group = shown(&self.group);
        match self.tried(&[], "alone").await? {
            Ok(Trial::Passes) => {}
            Ok(Trial::Fails(how)) => {
                print::out(&format!("{group} fails alone: no other group is to blame\n"));
                print::out(&bad_tests(&how));
                return Ok(Exit::Failed);
            }
            Err(exit) => return Ok(exit),
        }
        let what = format!("after all {} {whence}", counted(suspects.len(), "group"));
        let mut how = match self.tried(&suspects, &what).await? {
            Ok(Trial::Fails(how)) => how,
            Ok(Trial::Passes) => {
                print::out(&format!(
                    "{group} does not fail: neither alone nor after {} {whence}\n",
                    counted(suspects.len(), "group")
                ));
                return Ok(Exit::Passed);
            }
            Err(exit) => return Ok(exit),
        };
        let mut search = Search::new(suspects);
        while let Some(candidate) = search.candidate() {
            let what = format!("after {}", names(&candidate));
            match self.tried(&candidate, &what).await? {
                Ok(Trial::Passes) => search.tell(false),
                Ok(Trial::Fails(again)) => {
                    how = again;
                    search.tell(true);
                }
                Err(exit) => return Ok(exit),
            }
        }
        self.tell(search.guilty(), &how);
        Ok(Exit::Failed)
    }

    fn tell(&self, guilty: &[GroupId], how: &GroupFinished) {
        let list: Vec<String> = guilty.iter().map(shown).collect();
        print::out(&format!(
            "{} passes alone and fails after {}\n",
            shown(&self.group),
            list.join(", then ")
        ));
        print::out(&bad_tests(how));
        let word = |id: &GroupId| {
            let text = id.to_string();
            shlex::try_quote(&text).map_or_else(|_| one_line(&text).into_owned(), Into::into)
        };
        let mut again = format!("once more: evenly bisect {}", word(&self.group));
        for id in guilty {
            again.push_str(&format!(" --after {}", word(id)));
        }
        print::out(&format!("{again}\n"));
    }

    /// Runs the group behind others and says how it went; an exit code where it was interrupted.
    async fn tried(&self, before: &[GroupId], what: &str) -> Result<Result<Trial, Exit>, Error> {
        let trial = self.trial(before).await?;
        let how = match &trial {
            Ok(Trial::Passes) => "passes",
            Ok(Trial::Fails(_)) => "fails",
            Err(_) => return Ok(trial),
        };
        print::note(&format!("{what}: {how}"));
        Ok(trial)
    }

    async fn trial(&self, before: &[GroupId]) -> Result<Result<Trial, Exit>, Error> {
        let assigned = |id: &GroupId| Assigned {
            id: id.clone(),
            estimate: Estimate { us: 1, basis: Basis::Default },
            exclusive: false,
        };
        let assigned: Vec<Assigned> = before.iter().chain([&self.group]).map(assigned).collect();
        let running = Running {
            excuses: Rc::default(),
            out: self.out.to_owned(),
            show: Show::Never,
            retries: Some(0),
            fail_fast: false,
            order: Order::Serial,
            first_worker: 0,
        };
        let mut jobs = jobs(self.project, &running, &self.found.discovery, &assigned);
        for job in &mut jobs {
            job.retries = 0;
            job.batch = 1;
        }
        let work = self.work.join("run");
        store::make_dir(&work)?;
        let setup = Setup {
            program: self.project.program.clone(),
            shard: Shard { index: 1, total: 1 },
            workers: 1,
            first_worker: 0,
            policy: Policy { grace: self.project.config.run.grace(), fail_fast: false },
            work: work.clone(),
            outputs: self.work.join("outputs"),
            port_base: self.project.config.run.port_base,
            run: "local".to_owned(),
            env_remove: own_variables(),
            streaming: Streaming::Off,
        };
        let mut watch = Watch { group: self.group.clone(), end: None };
        let ending = {
            let mut note = |text: &str| print::note(text);
            let mut outputs = Outputs { journal: &mut watch, console: None, note: &mut note };
            let filler = databases::Filler(&self.found.discovery);
            let place = (1, work.as_path());
            let request = databases::request(self.project, self.found, &filler, &jobs, place);
            let Discovery { frameworks, sessions, .. } = &self.found.discovery;
            let suites = Suites { frameworks, sessions };
            runner::run(setup, request.as_ref(), jobs, suites, &mut outputs).await?
        };
        store::remove_dir(&work)?;
        match (ending.stop, watch.end) {
            (Some(Stop::Signal(signal)), _) => {
                Ok(Err(Exit::Signal(u8::try_from(signal).unwrap_or(0))))
            }
            (Some(Stop::Broken(why)), _) => Err(Error::Trial(why)),
            (Some(Stop::FailFast) | None, None) => {
                Err(Error::Trial("the group did not run".to_owned()))
            }
            (Some(Stop::FailFast) | None, Some(end)) => Ok(Ok(match end.verdict {
                Verdict::Passed => Trial::Passes,
                Verdict::Failed => Trial::Fails(Box::new(end)),
            })),
        }
    }
}

/// Waits for the end of one group.
struct Watch {
    group: GroupId,
    end: Option<GroupFinished>,
}

impl Sink for Watch {
    fn take(&mut self, event: &Event) -> Result<(), SinkError> {
        if let Event::GroupFinished(finished) = event
            && finished.group == self.group
        {
            self.end = Some(finished.clone());
        }
        Ok(())
    }
}

fn shown(id: &GroupId) -> String {
    format!("`{}`", one_line(&id.to_string()))
}

fn names(ids: &[GroupId]) -> String {
    match ids.len() {
        0..=NAMED_MAX => ids.iter().map(shown).collect::<Vec<_>>().join(", "),
        many => format!(
            "{} from {} to {}",
            counted(many, "group"),
            shown(&ids[0]),
            shown(&ids[many - 1])
        ),
    }
}

/// The tests that failed, a line each.
fn bad_tests(end: &GroupFinished) -> String {
    let bad: Vec<&TestResult> = end.tests.iter().filter(|test| !test.outcome.is_good()).collect();
    let line = |test: &&TestResult| {
        let message = test.message.as_deref().unwrap_or_default();
        let message: String = one_line(message).chars().take(MESSAGE_CHARS_MAX).collect();
        format!("  {}: {message}\n", one_line(&test.name))
    };
    let mut text: String = bad.iter().take(NAMED_MAX).map(line).collect();
    if bad.len() > NAMED_MAX {
        text.push_str(&format!("  and {} more\n", bad.len() - NAMED_MAX));
    }
    if let (Some(problem), true) = (&end.problem, bad.is_empty()) {
        text.push_str(&format!("  {}\n", one_line(&problem.describe(&end.end))));
    }
    text
}
