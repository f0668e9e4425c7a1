//! One local slot of the shard: takes an order, runs it under its supervisor, brings back what it
//! came to.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::launch::{Place, launch};
use super::{Execution, Job, Setup};
use crate::framework::{Framework, Report, Results, Selection};
use crate::junit::read as junit;
use crate::model::{Output, ProcessEnd};
use crate::process::{
    self, Control, Ended, KeptLimits, Supervisor, Whole, kill_orphans, open_plain, read_kept,
};
use crate::provision::{After, More, Provision, ProvisionError};

/// JUnit files beyond this, all of one group taken together, are refused.
const JUNIT_BYTES_MAX: u64 = 256 << 20;

/// What to run.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) job: Rc<Job>,
    pub(super) framework: Rc<Framework>,
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
}

impl Worker {
    pub(super) fn new(
        setup: Rc<Setup>,
        provision: Option<Rc<Provision>>,
        index: u32,
    ) -> io::Result<Self> {
        let place = Arc::new(Place::make(&setup, index)?);
        Ok(Self { setup, provision, index, place, supervisor: None })
    }

    /// What this worker's groups print into.
    pub(super) fn output(&self) -> &Path {
        &self.place.output
    }

    /// Serves orders until there are no more.
    pub(super) async fn serve(
        mut self,
        index: u32,
        mut orders: mpsc::Receiver<Order>,
        results: mpsc::Sender<(u32, Box<Execution>)>,
    ) {
        while let Some(order) = orders.recv().await {
            let execution = self.execute(order).await;
            if results.send((index, Box::new(execution))).await.is_err() {
                break;
            }
        }
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.close().await;
        }
    }

    async fn execute(&mut self, order: Order) -> Execution {
        let Order { job, framework, selection, mut controls, keep, more } = order;
        let place = Arc::clone(&self.place);
        let cleared = off_the_loop(move || place.clear().map_err(|error| error.to_string())).await;
        let described = cleared.and_then(|cleared| cleared).and_then(|()| {
            launch(&self.setup, &self.place, &framework, &job, &selection)
                .map_err(|error| error.to_string())
        });
        let mut launch = match described {
            Ok(launch) => launch,
            Err(why) => return not_started(why),
        };
        match self.databases(&job, more).await {
            Ok(variables) => launch.env.extend(variables),
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
        self.give_back(&job, &ended.end);
        let place = Arc::clone(&self.place);
        let results = job.reading.results;
        let failed = Execution {
            end: ProcessEnd::Unknown("evenly failed while it read the results".to_owned()),
            ..not_started(String::new())
        };
        off_the_loop(move || gather(&place, results, ended, &keep)).await.unwrap_or(failed)
    }

    /// The variables with which the job finds its databases.
    async fn databases(
        &self,
        job: &Job,
        more: More,
    ) -> Result<Vec<(OsString, OsString)>, ProvisionError> {
        match &self.provision {
            Some(provision) if job.group.databases => {
                let handed = provision.hand_out(self.index, &job.group, more).await?;
                Ok(handed.variables)
            }
            Some(_) | None => Ok(Vec::new()),
        }
    }

    fn give_back(&self, job: &Job, end: &ProcessEnd) {
        let after = match end {
            ProcessEnd::Exited(_) => After::Clean,
            ProcessEnd::Signaled(_) | ProcessEnd::NotStarted(_) | ProcessEnd::Unknown(_) => {
                After::Dirty
            }
        };
        if let (Some(provision), true) = (&self.provision, job.group.databases) {
            provision.give_back(self.index, &job.group, &after);
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

fn gather(place: &Place, results: Results, ended: Ended, keep: &Path) -> Execution {
    let Ended { end, leaked, unkillable, duration_us } = ended;
    let output = match end {
        ProcessEnd::NotStarted(_) => Output::default(),
        ProcessEnd::Exited(_) | ProcessEnd::Signaled(_) | ProcessEnd::Unknown(_) => {
            output_of(&place.output, &end, keep).unwrap_or_else(|error| Output {
                head: format!("[evenly: the output cannot be read: {error}]\n"),
                tail: None,
            })
        }
    };
    let report = match results {
        Results::ExitStatus => Report::default(),
        Results::Junit => read_reports(&place.outdir),
    };
    Execution { end, duration_us, leaked, unkillable, report, output }
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

fn not_started(why: String) -> Execution {
    Execution {
        end: ProcessEnd::NotStarted(why),
        duration_us: 0,
        leaked: Vec::new(),
        unkillable: Vec::new(),
        report: Report::default(),
        output: Output::default(),
    }
}

/// Every `*.xml` directly in the directory, in the order of their names.
fn read_reports(outdir: &Path) -> Report {
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
    Report { documents: paths.iter().map(read).collect() }
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
