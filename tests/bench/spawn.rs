//! What a supervised command costs beside `xargs`: `cargo bench --bench spawn [COUNT [ROUNDS]]`.
//! Two workers on one thread, every command with an output file of its own; the best of a few
//! rounds, taken in turns.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail as a test does")]

use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use evenly::model::ProcessEnd;
use evenly::process::{Launch, Options, Supervisor};
use tokio::sync::mpsc;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let count = numbers.next().unwrap_or(2_000);
    let rounds = numbers.next().unwrap_or(5);
    let mut out = std::io::stdout();
    for argv in [&["true"][..], &["sh", "-c", "true"]] {
        let (mut ours, mut xargs) = (Duration::MAX, Duration::MAX);
        for _ in 0..rounds {
            xargs = xargs.min(with_xargs(argv, count));
            ours = ours.min(supervised(argv, count));
        }
        let ratio = ours.as_secs_f64() / xargs.as_secs_f64();
        let line = argv.join(" ");
        writeln!(out, "{count} × `{line}`: xargs {xargs:?}, supervised {ours:?}: {ratio:.2}")
            .unwrap();
    }
}

fn with_xargs(argv: &[&str], count: u32) -> Duration {
    let started = Instant::now();
    let mut command = Command::new("xargs");
    command.args(["-P2", "-n1"]).args(argv).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut items = child.stdin.take().unwrap();
    for item in 0..count {
        writeln!(items, "{item}").unwrap();
    }
    drop(items);
    assert!(child.wait().unwrap().success());
    started.elapsed()
}

fn supervised(argv: &[&str], count: u32) -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let left = Cell::new(count);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        tokio::join!(worker(argv, dir.path(), &left), worker(argv, dir.path(), &left));
    });
    started.elapsed()
}

async fn worker(argv: &[&str], dir: &Path, left: &Cell<u32>) {
    let mut supervisor = Supervisor::start(&Options {
        program: env!("CARGO_BIN_EXE_evenly").into(),
        env_remove: Vec::new(),
        env: Vec::new(),
    })
    .unwrap();
    let (_controls, mut obeyed) = mpsc::channel(1);
    while let Some(rest) = left.get().checked_sub(1) {
        left.set(rest);
        let launch = Launch {
            argv: argv.iter().map(OsString::from).collect(),
            cwd: dir.to_owned(),
            env: vec![("EVENLY_WORKER".into(), "0".into())],
            user: None,
            output: dir.join(format!("{rest}.out")),
            stdout: None,
        };
        let ended = supervisor.run(&launch, &mut obeyed).await;
        assert_eq!(ended.end, ProcessEnd::Exited(0));
    }
    supervisor.close().await;
}
