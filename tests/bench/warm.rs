//! What warm workers cost: `cargo bench --bench warm [GROUPS [WORKERS]]`.
//!
//! First what a group costs beyond its test: a suite of so many modules with one empty test each,
//! by one worker, from the start of the first group to the end of the last, as the journal has it;
//! beside it the same tests in one group. Then what starting workers costs: the CPU time of
//! everything that a session starts, until one worker and until so many are ready, of a suite that
//! takes long to import.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail as a test does")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use evenly::framework::protocol::Processes;
use evenly::process::{Options, become_reaper};
use evenly::shim;
use evenly::warm::{Session, Spec};
use serde_json::{Value, json};

const EVENLY: &str = env!("CARGO_BIN_EXE_evenly");
/// How often each is measured; the best counts.
const ROUNDS: usize = 5;
/// Ticks of a second in `/proc/self/stat`.
const TICKS_PER_S: f64 = 100.0;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let groups: usize = numbers.next().unwrap_or(1_000);
    let workers = u32::try_from(numbers.next().unwrap_or(8)).unwrap();
    let mut out = std::io::stdout();
    let best = |of: &dyn Fn() -> f64| (0..ROUNDS).map(|_| of()).fold(f64::MAX, f64::min);
    let apart = best(&|| run_ms(groups, 1));
    let together = best(&|| run_ms(1, groups));
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let each = (apart - together) / groups as f64;
    writeln!(
        out,
        "{groups} groups of one empty test: {apart:.0} ms; one group of {groups}: {together:.0} \
         ms; a group costs {each:.2} ms"
    )
    .unwrap();
    let one = best(&|| ready_cpu_s(1));
    let all = best(&|| ready_cpu_s(workers));
    let ratio = all / one;
    writeln!(
        out,
        "CPU until 1 worker is ready {one:.2} s, {workers} workers {all:.2} s: {ratio:.2}"
    )
    .unwrap();
}

/// From the start of the first group to the end of the last, milliseconds.
fn run_ms(modules: usize, tests: usize) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let config = "[run]\nworkers = 1\n[[suite]]\nname = \"u\"\nframework = \"unittest\"\n\
                  paths = [\"tests\"]\n";
    fs::write(dir.path().join("evenly.toml"), config).unwrap();
    fs::create_dir(dir.path().join("tests")).unwrap();
    fs::write(dir.path().join("tests/__init__.py"), "").unwrap();
    for module in 0..modules {
        let mut text = "import unittest\nclass T(unittest.TestCase):\n".to_owned();
        for test in 0..tests {
            writeln!(text, "    def test_{test}(self): pass").unwrap();
        }
        fs::write(dir.path().join(format!("tests/test_{module}.py")), text).unwrap();
    }
    let mut command = Command::new(EVENLY);
    command.arg("run").current_dir(dir.path()).env_remove("CI").env_remove("GITHUB_ACTIONS");
    let ran = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(ran.success());
    let journal = dir.path().join("evenly-out/shard-1-of-1.attempt-1.jsonl");
    let events: Vec<Value> = fs::read_to_string(journal)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let times = |kind: &str| {
        let of_kind = events.iter().filter(|event| event["event"] == kind);
        of_kind.map(|event| event["at_us"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    let (started, ended) = (times("group-started"), times("group-finished"));
    assert_eq!(ended.len(), modules);
    (ended.last().unwrap() - started[0]) / 1e3
}

/// The CPU time of a session's processes, from the first one to the ends of all, seconds.
fn ready_cpu_s(workers: u32) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for shim::Source { file_name, text } in shim::WORKER {
        write(file_name, text);
    }
    write("tests/__init__.py", "");
    let test = "import asyncio, email, http.server, xml.dom, sqlite3, unittest\n\
                sum(number * number for number in range(5_000_000))\n\
                class T(unittest.TestCase):\n    def test(self): pass\n";
    write("tests/test_it.py", test);
    fs::create_dir(dir.path().join("scratch")).unwrap();
    let before = children_cpu_s();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        become_reaper().unwrap();
        let options = Options { program: EVENLY.into(), env_remove: Vec::new(), env: Vec::new() };
        let session = Session::start(spec(dir.path()), options).await.unwrap();
        session.list(Duration::from_mins(1)).await.unwrap();
        let mut made = Vec::new();
        for worker in 0..workers {
            made.push(session.worker(worker, &BTreeMap::new()).await.unwrap());
        }
        for worker in made {
            worker.stop().await;
        }
        session.close().await;
    });
    children_cpu_s() - before
}

fn spec(dir: &Path) -> Spec {
    let options = json!({ "paths": ["tests"] });
    Spec {
        framework: "unittest".to_owned(),
        argv: vec![
            "python3".into(),
            dir.join("evenly_worker").into(),
            "serve".into(),
            "unittest".into(),
        ],
        dir: dir.to_owned(),
        env: Vec::new(),
        processes: Processes::Fork,
        options: options.as_object().unwrap().clone(),
        scratch: dir.join("scratch"),
    }
}

/// What children that were waited for, and theirs, have used so far.
fn children_cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
    (ticks(16) + ticks(17)) / TICKS_PER_S
}
