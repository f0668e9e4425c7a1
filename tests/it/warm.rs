//! Warm workers: a scripted worker that does what none should, and what becomes of it.

mod real;
mod runs;
mod sessions;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenly::framework::protocol::Processes;
use evenly::framework::{Close, Said};
use evenly::model::Outcome;
use evenly::process::{Control, Options, become_reaper};
use evenly::warm::{Order, Ran, Session, Spec, WarmError, WarmWorker};
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{EVENLY, PATIENCE, is_alive};

const SCRIPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/warm/scripted.py");
const BOTH: [Processes; 2] = [Processes::Fork, Processes::Separate];
const LIST_MAX: Duration = Duration::from_mins(1);

/// A directory in which a scripted suite runs.
struct Stage {
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("scratch")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn options() -> Options {
        Options { program: EVENLY.into(), env_remove: Vec::new(), env: Vec::new() }
    }

    fn spec(&self, processes: Processes, args: &[&str]) -> Spec {
        let options = json!({ "args": args });
        Spec {
            framework: "scripted".to_owned(),
            argv: vec!["python3".into(), SCRIPTED.into()],
            dir: self.dir.path().to_owned(),
            env: Vec::new(),
            processes,
            options: options.as_object().unwrap().clone(),
            scratch: self.path("scratch"),
        }
    }

    /// A session that has listed.
    async fn session(&self, processes: Processes, args: &[&str]) -> Session {
        let session = Session::start(self.spec(processes, args), Self::options()).await.unwrap();
        session.list(LIST_MAX).await.unwrap();
        session
    }

    async fn refused(&self, processes: Processes, args: &[&str], limit: Duration) -> WarmError {
        match Session::start(self.spec(processes, args), Self::options()).await {
            Ok(session) => session.list(limit).await.unwrap_err(),
            Err(error) => error,
        }
    }

    /// Runs tests of a group named `g`.
    async fn run(&self, worker: &mut WarmWorker, tests: &[&str]) -> Ran {
        let (_controls, mut obeyed) = mpsc::channel(1);
        worker.run(self.order(tests), &mut obeyed).await
    }

    /// Runs tests of a group, and once a process has noted itself in the file, does this to it.
    async fn run_until(
        &self,
        worker: &mut WarmWorker,
        tests: &[&str],
        file: &str,
        control: Control,
    ) -> Ran {
        let (controls, mut obeyed) = mpsc::channel(1);
        let told = async {
            until(|| !self.pids(file).is_empty()).await;
            controls.send(control).await.unwrap();
        };
        tokio::join!(worker.run(self.order(tests), &mut obeyed), told).0
    }

    fn order(&self, tests: &[&str]) -> Order {
        Order {
            group: "g".to_owned(),
            tests: tests.iter().map(|test| format!("g.{test}")).collect(),
            output: self.path("output").to_str().unwrap().to_owned(),
            databases: BTreeMap::new(),
        }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The processes that a file names.
    fn pids(&self, name: &str) -> Vec<i32> {
        self.text(name).lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Fails unless a file names so many processes and all of them are gone.
    #[track_caller]
    fn are_gone(&self, name: &str, count: usize) {
        let pids = self.pids(name);
        assert_eq!(pids.len(), count, "{name}: {pids:?}");
        assert!(!pids.iter().any(|pid| is_alive(*pid)), "{name}: {pids:?}");
    }
}

async fn worker(session: &Session, index: u32) -> WarmWorker {
    let env = BTreeMap::from([("EVENLY_WORKER".to_owned(), index.to_string())]);
    session.worker(index, &env).await.unwrap()
}

/// The outcomes that a worker told, by test.
fn told(ran: &Ran) -> Vec<(&str, Outcome)> {
    let Said { tests, .. } = &ran.said;
    tests.iter().map(|test| (test.name.as_str(), test.outcome)).collect()
}

/// The tests that were under way.
fn running(ran: &Ran) -> Vec<&str> {
    ran.said.running.iter().map(|running| running.test.as_str()).collect()
}

#[track_caller]
fn astray(ran: &Ran) -> &str {
    match &ran.said.close {
        Close::Astray(what) => what,
        Close::Finished { .. } | Close::Died => panic!("{ran:?}"),
    }
}

fn block_on<F: Future>(test: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        become_reaper().unwrap();
        tokio::time::timeout(PATIENCE, test).await.expect("too slow")
    })
}

async fn until(mut holds: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while !holds() {
        ticks.tick().await;
    }
}

fn dir_of(path: &Path) -> usize {
    fs::read_dir(path).map_or(0, Iterator::count)
}
