//! One local slot of the shard: takes an order, runs it under its supervisor, brings back what it
//! came to.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::launch::{Place, What, launch, warm_environment};
use super::warm::{NoWorker, Wanted, Warmed, end_of, order};
use super::{Execution, Job, Setup};
use crate::framework::{Commands, Framework, How, Reading, Report, Selection, Warm, go_test};
use crate::junit::read as junit;
use crate::model::{Output, ProcessEnd};
use crate::process::{
    self, Control, Ended, KeptLimits, Supervisor, Whole, kill_orphans, open_plain, read_kept,
};
use crate::provision::{After, Handed, More, Provision, ProvisionError};
use crate::warm::{Ran, Session};

/// JUnit files beyond this, all of one group taken together, are refused.
const JUNIT_BYTES_MAX: u64 = 256 << 20;

/// What `go test -json` printed, in a group's `{outdir}`.
const GO_TEST: &str = "go-test.json";

/// What to run.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) job: Rc<Job>,
    /// Further jobs that the same command runs.
    pub(super) with: Vec<Rc<Job>>,
    pub(super) framework: Rc<Framework>,
    /// The processes of a suite whose processes stay.
    pub(super) session: Option<Rc<Session>>,
    pub(super) selection: Selection,
    /// Signals for this execution alone.
    pub(super) controls: mpsc::Receiver<Control>,
    /// Where its output is kept whole if it is too large for the journal and it failed.
    pub(super) keep: PathBuf,
    /// Whether jobs wait for a worker.
    pub(super) more: More,
}

pub(super) struct Worker {
    setup: Rc<Setup>,
    provision: Option<Rc<Provision>>,
    index: u32,
    place: Arc<Place>,
    supervisor: Option<Supervisor>,
    warmed: Warmed,
}

impl Worker {
    pub(super) fn new(
        setup: Rc<Setup>,
        provision: Option<Rc<Provision>>,
        index: u32,
    ) -> io::Result<Self> {
        let place = Arc::new(Place::make(&setup, index)?);
        let warmed = Warmed::default();
        Ok(Self { setup, provision, index, place, supervisor: None, warmed })
    }

    /// What this worker's groups print into.
    pub(super) fn output(&self) -> &Path {
        &self.place.output
    }

    /// Serves orders until there are no more; returns what went wrong at its end.
    pub(super) async fn serve(
        mut self,
        index: u32,
        mut orders: mpsc::Receiver<Order>,
        results: mpsc::Sender<(u32, Box<Execution>)>,
    ) -> Vec<String> {
        while let Some(order) = orders.recv().await {
            let execution = self.execute(order).await;
            if results.send((index, Box::new(execution))).await.is_err() {
                break;
            }
        }
        let notes = self.warmed.stop().await;
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.close().await;
        }
        notes
    }

    async fn execute(&mut self, order: Order) -> Execution {
        let framework = Rc::clone(&order.framework);
        match &framework.how {
            How::Commands(commands) => self.execute_command(order, commands).await,
            How::Warm(warm) => self.execute_warm(order, warm).await,
        }
    }

    async fn execute_command(&mut self, order: Order, commands: &Commands) -> Execution {
        let Order { job, with, framework, session: _, selection, mut controls, keep, more } = order;
        let place = Arc::clone(&self.place);
        let cleared = off_the_loop(move || place.clear().map_err(|error| error.to_string())).await;
        if let Err(why) = cleared.and_then(|cleared| cleared) {
            return not_started(why);
        }
        let what = What { job: &job, selection: &selection, with: &with };
        let described = launch(&self.setup, &self.place, &framework, commands, &what)
            .map_err(|error| error.to_string());
        let mut launch = match described {
            Ok(launch) => launch,
            Err(why) => return not_started(why),
        };
        match self.hand_out(&job, more).await {
            Ok(handed) => launch.env.extend(handed.variables),
            Err(error) => return not_started(error.to_string()),
        }
        let supervisor = match self.supervisor() {
            Ok(supervisor) => supervisor,
            Err(error) => return not_started(format!("cannot start its supervisor: {error}")),
        };
        let ended = supervisor.run(&launch, &mut controls).await;
        if !supervisor.is_alive() {
            self.supervisor = None;
            kill_orphans().await;
        }
        let after = match ended.end {
            ProcessEnd::Exited(_) => After::Clean,
            ProcessEnd::Signaled(_) | ProcessEnd::NotStarted(_) | ProcessEnd::Unknown(_) => {
                After::Dirty
            }
        };
        self.give_back(&job, &after);
        let place = Arc::clone(&self.place);
        let reading = job.reading;
        off_the_loop(move || gather(&place, reading, ended, &keep))
            .await
            .unwrap_or_else(|_| unread())
    }

    async fn execute_warm(&mut self, given: Order, warm: &Warm) -> Execution {
        let Order { job, with: _, framework, session, selection, mut controls, keep, more } = given;
        let Some(session) = session else {
            return not_started("its suite has no processes".to_owned());
        };
        let described = self.place.empty_output();
        let described =
            described.and_then(|()| warm_environment(&self.setup, &self.place, &framework));
        let (env, output) = match described {
            Ok(described) => described,
            Err(error) => return not_started(error.to_string()),
        };
        let handed = match self.hand_out(&job, more).await {
            Ok(handed) => handed,
            Err(error) => return not_started(error.to_string()),
        };
        let suite = &job.group.id.suite;
        let wanted =
            Wanted { session: &session, suite, index: self.index, env, renewal: warm.renewal };
        let (mut execution, after) = match self.warmed.worker(wanted, &handed, &mut controls).await
        {
            Ok(worker) => {
                let order = order(&job, &selection, output, &handed);
                let ran = worker.run(order, &mut controls).await;
                let after = match &ran.end {
                    None => After::Changed(ran.dirty.clone()),
                    Some(_) => After::Dirty,
                };
                // A file of which a megabyte is read at most: not worth another thread.
                (gather_warm(&self.place, ran, &keep), after)
            }
            Err(NoWorker::Failed(why)) => (not_started(why), After::Dirty),
            Err(NoWorker::Stopped) => {
                let end = ProcessEnd::Unknown("its worker was not there yet".to_owned());
                (Execution { end, ..not_started(String::new()) }, After::Dirty)
            }
        };
        self.give_back(&job, &after);
        execution.notes = session.notes();
        execution
    }

    /// Where the job finds its databases; waits until they are there.
    async fn hand_out(&self, job: &Job, more: More) -> Result<Handed, ProvisionError> {
        match &self.provision {
            Some(provision) => provision.hand_out(self.index, &job.group, more).await,
            None => Ok(Handed::default()),
        }
    }

    fn give_back(&self, job: &Job, after: &After) {
        if let Some(provision) = &self.provision {
            provision.give_back(self.index, &job.group, after);
        }
    }

    fn supervisor(&mut self) -> io::Result<&mut Supervisor> {
        match &mut self.supervisor {
            Some(supervisor) => Ok(supervisor),
            none => {
                let options = process::Options {
                    program: self.setup.program.clone(),
                    env_remove: self.setup.env_remove.clone(),
                    env: Vec::new(),
                };
                Ok(none.insert(Supervisor::start(&options)?))
            }
        }
    }
}

/// Does what may take long (hundreds of megabytes to read) where it keeps no signal and no other
/// worker's time-out waiting.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("evenly failed: {error}"))
}

/// What is told of an execution whose results evenly could not read.
fn unread() -> Execution {
    let end = ProcessEnd::Unknown("evenly failed while it read the results".to_owned());
    Execution { end, ..not_started(String::new()) }
}

fn gather_warm(place: &Place, ran: Ran, keep: &Path) -> Execution {
    let end = end_of(&ran);
    let Ran { said, end: _, leaked, unkillable, dirty: _, duration_us } = ran;
    let output = output_or_why(place, &end, keep);
    let (report, notes) = (Report::Said(said), Vec::new());
    Execution { end, duration_us, leaked, unkillable, report, output, notes }
}

fn gather(place: &Place, reading: Reading, ended: Ended, keep: &Path) -> Execution {
    let Ended { end, leaked, unkillable, duration_us } = ended;
    let events = match reading {
        Reading::ExitStatus | Reading::Told { .. } => None,
        Reading::Junit { .. } => go_events(place),
    };
    let output = output_or_why(place, &end, keep);
    let report = match reading {
        Reading::ExitStatus | Reading::Told { .. } => Report::default(),
        Reading::Junit { .. } => read_reports(&place.outdir, events),
    };
    Execution { end, duration_us, leaked, unkillable, report, output, notes: Vec::new() }
}

fn output_or_why(place: &Place, end: &ProcessEnd, keep: &Path) -> Output {
    match end {
        ProcessEnd::NotStarted(_) => Output::default(),
        ProcessEnd::Exited(_) | ProcessEnd::Signaled(_) | ProcessEnd::Unknown(_) => {
            output_of(&place.output, end, keep).unwrap_or_else(|error| Output {
                head: format!("[evenly: the output cannot be read: {error}]\n"),
                tail: None,
            })
        }
    }
}

/// The output's head and tail. The whole file is kept where the process failed and there is more:
/// the next execution would overwrite it.
fn output_of(printed: &Path, end: &ProcessEnd, keep: &Path) -> io::Result<Output> {
    let limits = KeptLimits::default();
    let fits =
        open_plain(printed)?.metadata()?.len() <= limits.head_bytes_max + limits.tail_bytes_max;
    if fits || *end == ProcessEnd::Exited(0) {
        return read_kept(printed, limits, Whole::Goes);
    }
    set_aside(printed, keep)?;
    read_kept(keep, limits, Whole::Stays)
}

/// Moves a file that is too large for the journal out of the next execution's way.
fn set_aside(output: &Path, keep: &Path) -> io::Result<()> {
    if let Some(parent) = keep.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(output, keep)
}

/// What is told of a command that could not be started.
pub(super) fn not_started(why: String) -> Execution {
    Execution {
        end: ProcessEnd::NotStarted(why),
        duration_us: 0,
        leaked: Vec::new(),
        unkillable: Vec::new(),
        report: Report::default(),
        output: Output::default(),
        notes: Vec::new(),
    }
}

/// The events of `go test -json`, where the command left them. What the tests printed is in them:
/// it goes to the output.
fn go_events(place: &Place) -> Option<junit::Document> {
    let path = place.outdir.join(GO_TEST);
    if !path.exists() {
        return None;
    }
    let read = read_plain(&path, JUNIT_BYTES_MAX).and_then(|bytes| {
        let mut output = fs::File::options().append(true).open(&place.output)?;
        output.write_all(&go_test::text(&bytes))?;
        Ok(go_test::read(&bytes))
    });
    let why = |error: io::Error| junit::Document {
        broken: Some(error.to_string()),
        ..junit::Document::default()
    };
    Some(read.unwrap_or_else(why))
}

/// Those events, and every `*.xml` directly in the directory, in the order of their names.
fn read_reports(outdir: &Path, events: Option<junit::Document>) -> Report {
    let mut paths: Vec<PathBuf> = fs::read_dir(outdir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .collect();
    paths.sort();
    let mut bytes_left = JUNIT_BYTES_MAX;
    let read = |path: &PathBuf| match read_plain(path, bytes_left) {
        Ok(bytes) => {
            bytes_left -= bytes.len() as u64;
            junit::read(&bytes, &junit::Limits::default())
        }
        Err(error) => {
            junit::Document { broken: Some(error.to_string()), ..junit::Document::default() }
        }
    };
    Report::Documents(events.into_iter().chain(paths.iter().map(read)).collect())
}

/// The whole of a plain file, if it holds no more than that.
fn read_plain(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::other(format!("the reports exceed {JUNIT_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
