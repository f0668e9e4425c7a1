//! Runs that were interrupted or killed: what they leave, and who clears it up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{FINDS, PREPARE, clones_on, fifo, managed, on, postgres, project, run, sqlite};
use crate::support::Project;
use crate::support::postgres::{PostgresServer, servers};
use crate::support::until;

/// Moments at which a run is killed.
const KILLS: u32 = 20;

/// The directories of managed servers that these processes made.
fn homes(pids: &[i32]) -> Vec<PathBuf> {
    let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
    let entries = places.iter().flat_map(|place| fs::read_dir(place).into_iter().flatten());
    let owned = |path: &Path| {
        let text = fs::read_to_string(path.join("owner.json")).ok()?;
        let owner: serde_json::Value = serde_json::from_str(&text).ok()?;
        i32::try_from(owner["pid"].as_i64()?).ok()
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| owned(path).is_some_and(|pid| pids.contains(&pid))).collect()
}

/// Processes that work below one of the directories, or in a project.
fn processes_below(directories: &[PathBuf]) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let cwd = |pid: u32| Some((pid, fs::read_link(format!("/proc/{pid}/cwd")).ok()?));
    let below = |(_, cwd): &(u32, PathBuf)| directories.iter().any(|dir| cwd.starts_with(dir));
    numbers.filter_map(cwd).filter(below).collect()
}

/// A run on both kinds of servers and on a file.
fn everywhere(server: &PostgresServer, name: &str, script: &str) -> Project {
    let config = format!(
        "[database.{name}-ext]\nfresh = \"group\"\n{}{PREPARE}inputs = [\"input\"]\n\
         [database.{name}-own]\n{}{PREPARE}[database.{name}-file]\n{}{PREPARE}",
        postgres(server).keys,
        managed("postgres").keys,
        sqlite().keys
    );
    let names = ["ext", "own", "file"].map(|kind| format!("{name}-{kind}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    project(&names, &config).file("input", "").file("t/a.sh", script).file("t/b.sh", script)
}

#[test]
fn sigkill_at_any_moment_leaves_nothing_after_the_next_start() {
    let server = &servers()[0];
    let live = {
        let script = format!("{FINDS}echo up > here\ncat go > /dev/null\n{FINDS}");
        let project = everywhere(server, "live", &script);
        fs::remove_file(project.path("t/b.sh")).unwrap();
        fifo(&project, "here");
        fifo(&project, "go");
        project
    };
    let living = run(&live, "1").start();
    assert_eq!(live.text("here"), "up\n");
    let its_home = homes(&[living.pid()]);
    assert_eq!(its_home.len(), 1);

    let project = everywhere(server, "killed", FINDS);
    let began = Instant::now();
    run(&project, "2").exits(0);
    let whole = began.elapsed();
    let mut pids = Vec::new();
    for moment in 1..=KILLS {
        // Now and then everything is built anew.
        if moment % 3 == 0 {
            project.write("input", moment.to_string());
        }
        let started = run(&project, "2").start();
        pids.push(started.pid());
        pause(whole * moment / KILLS);
        started.signal(Signal::KILL);
        started.wait();
    }
    project.write("input", "the last");
    run(&project, "2").exits(0);
    assert_eq!(clones_on(server, "killed-ext"), [] as [&str; 0]);
    let templates = on(server, "killed-ext");
    let built = usize::try_from(KILLS / 3 + 2).unwrap();
    assert!(templates.len() <= built, "{templates:?}");
    assert_eq!(homes(&pids), [] as [PathBuf; 0]);
    let directory = project.path("").canonicalize().unwrap();
    until("nobody works there", || processes_below(std::slice::from_ref(&directory)).is_empty());
    let out = fs::read_dir(project.path("evenly-out")).unwrap().flatten();
    let left: Vec<_> = out.filter(|entry| entry.path().is_dir()).collect();
    assert!(left.is_empty(), "{left:?}");

    assert_eq!(homes(&[living.pid()]), its_home, "a live run's server was touched");
    assert!(!clones_on(server, "live-ext").is_empty(), "a live run's clone was touched");
    live.write("go", "on");
    living.wait().exits(0);
    assert_eq!(clones_on(server, "live-ext"), [] as [&str; 0]);
}

/// Lets some time pass: a moment that is random in what evenly does then.
fn pause(time: Duration) {
    let (_sender, nothing): (_, Receiver<()>) = std::sync::mpsc::channel();
    assert_eq!(nothing.recv_timeout(time), Err(RecvTimeoutError::Timeout));
}

#[test]
fn an_interrupted_run_drops_its_clones() {
    let server = &servers()[0];
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let script = format!("{FINDS}echo up > here\ncat never\n");
        let project = everywhere(server, "interrupted", &script);
        fs::remove_file(project.path("t/b.sh")).unwrap();
        fifo(&project, "here");
        fifo(&project, "never");
        let started = run(&project, "1").start();
        let pid = started.pid();
        assert_eq!(project.text("here"), "up\n");
        started.signal(signal);
        started.wait().exits(status);
        assert_eq!(clones_on(server, "interrupted"), [] as [&str; 0]);
        assert_eq!(homes(&[pid]), [] as [PathBuf; 0]);
    }
}

#[test]
fn an_interrupt_during_prepare_ends_it_and_is_told() {
    let server = &servers()[0];
    for keys in [postgres(server).keys, managed("postgres").keys] {
        let config = format!("[database.early]\n{keys}prepare = 'echo up > here; cat never'\n");
        let project = project(&["early"], &config).file("t/a.sh", "touch ran");
        fifo(&project, "here");
        fifo(&project, "never");
        let started = run(&project, "1").start();
        let pid = started.pid();
        assert_eq!(project.text("here"), "up\n");
        started.signal(Signal::INT);
        started.wait().exits(130);
        project.evenly(&["merge", "evenly-out"]).exits(5).says("sh:t/a.sh");
        // What was half-built is the next run's to drop.
        project.write("evenly.toml", project.text("evenly.toml").replace("cat never", "true"));
        fs::remove_file(project.path("here")).unwrap();
        run(&project, "1").exits(0);
        assert!(on(server, "early").len() <= 1);
        assert_eq!(homes(&[pid]), [] as [PathBuf; 0]);
        let directory = project.path("").canonicalize().unwrap();
        until("nobody works there", || {
            processes_below(std::slice::from_ref(&directory)).is_empty()
        });
    }
}
