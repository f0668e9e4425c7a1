//! Tests that do what no test should: every group ends, every result is told, evenly never hangs.

use std::fs;
use std::time::Duration;

use evenly::model::ProcessEnd;
use evenly::process::{Control, Launch, Options, Supervisor};
use rustix::process::Signal;

use crate::support::{EVENLY, JUNIT_SUITE, Project, SHELL_SUITE, is_alive, junit, until, writes};

const JOURNAL: &str = "shard-1-of-1.attempt-1.jsonl";

fn well() -> String {
    writes(&junit("c", &["fine"], &[]), 0)
}

#[test]
fn what_is_no_plain_file_is_no_report_and_is_not_waited_for() {
    let project = Project::new(JUNIT_SUITE)
        .file("t/pipe.sh", "mkfifo \"$JUNIT\"")
        .file("t/endless.sh", "ln -s /dev/zero \"$JUNIT\"")
        .file("t/dir.sh", "mkdir \"$JUNIT\"")
        .file("t/well.sh", well());
    project.evenly(&["run"]).exits(1).says("no plain file");
    project.evenly(&["merge", "evenly-out"]).exits(1);
    let totals = &project.report()["totals"];
    assert_eq!((&totals["passed"], &totals["errored"]), (&1.into(), &3.into()), "{totals}");
}

#[test]
fn a_pipe_in_the_place_of_evenlys_own_files_stops_nobody() {
    let traps = "base=$(dirname \"$(dirname \"$JUNIT\")\")\n\
                 for file in output command.sh tests.txt; do\n\
                 rm -f \"$base/$file\"; mkfifo \"$base/$file\"; done\n";
    for mode in ["failed", "stream"] {
        let project = Project::new(&format!("[run]\nworkers = 1\n{JUNIT_SUITE}"))
            .file("t/a.sh", format!("{traps}{}", well()))
            .file("t/b.sh", format!("{traps}{}", well()));
        project.evenly(&["run", "--output", mode]).exits(0);
    }
}

#[test]
fn a_group_that_stops_its_supervisor_times_out() {
    let project = Project::new(&format!(
        "[run]\nworkers = 1\ntimeout = \"1s\"\ngrace = \"100ms\"\n{SHELL_SUITE}"
    ))
    .file("t/a.sh", "echo $PPID > supervisor; echo $$ > own; kill -STOP $PPID; sleep 1000")
    .file("t/b.sh", "");
    project.evenly(&["run"]).exits(1).says("timed out after 1.0 s");
    for file in ["supervisor", "own"] {
        let pid = project.text(file).trim().parse().unwrap();
        assert!(!is_alive(pid), "{file} is still there");
    }
    project.evenly(&["merge", "evenly-out"]).exits(1);
    assert_eq!(project.report()["totals"]["passed"], 1);
}

#[test]
fn a_stopped_group_times_out() {
    let project =
        Project::new(&format!("[run]\ntimeout = \"1s\"\ngrace = \"100ms\"\n{SHELL_SUITE}"))
            .file("t/a.sh", "kill -STOP $$; sleep 1000");
    project.evenly(&["run"]).exits(1).says("timed out");
}

#[test]
fn a_journal_that_a_test_removes_is_an_error_and_nothing_more_runs() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "rm -rf evenly-out")
        .file("t/b.sh", "touch b-ran");
    project.evenly(&["run"]).exits(3).warns("removed");
    assert!(!project.path("b-ran").exists());
    project.evenly(&["merge", "evenly-out"]).exits(2);
}

#[test]
fn what_a_test_leaves_read_only_goes_all_the_same() {
    let lock = "mkdir -p \"$EVENLY_TMPDIR/x/y\"; touch \"$EVENLY_TMPDIR/x/y/f\"\n\
                chmod 000 \"$EVENLY_TMPDIR/x/y\"; chmod 500 \"$EVENLY_TMPDIR/x\"\n\
                mkdir \"$(dirname \"$JUNIT\")/d\"; touch \"$(dirname \"$JUNIT\")/d/f\"\n\
                chmod 000 \"$(dirname \"$JUNIT\")/d\"\n";
    let project = Project::new(&format!("[run]\nworkers = 1\n{JUNIT_SUITE}"))
        .file("t/a.sh", format!("{lock}{}", well()))
        .file("t/b.sh", well());
    project.evenly(&["run"]).exits(0);
    let left = fs::read_dir(project.path("evenly-out")).unwrap();
    let work = left.filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "work")
    });
    assert_eq!(work.count(), 0);
}

#[test]
fn a_retry_that_does_not_mention_the_failure_is_no_pass() {
    // `a` fails at first; the retry runs, and reports something else.
    let first = junit("c", &["b"], &["a"]);
    let second = junit("c", &["b"], &[]);
    let project = Project::new(&format!("[run]\nretries = 1\n{JUNIT_SUITE}")).file(
        "t/a.sh",
        format!(
            "if [ -e again ]; then\n{}fi\ntouch again\n{}",
            writes(&second, 0),
            writes(&first, 1)
        ),
    );
    project.evenly(&["run"]).exits(1);
    project.evenly(&["merge", "evenly-out"]).exits(1);
}

#[test]
fn a_storm_of_signals_leaves_a_whole_journal_and_no_process() {
    let project = Project::new(&format!("[run]\nworkers = 2\n{SHELL_SUITE}"))
        .file("t/a.sh", "trap '' INT TERM HUP\necho $$ > pid\nwhile :; do sleep 1000; done")
        .file("t/b.sh", "sleep 1000")
        .file("t/c.sh", "touch c-ran");
    let started = project.evenly(&["run"]).start();
    until("the group runs", || {
        fs::read_to_string(project.path("pid")).is_ok_and(|pid| pid.ends_with('\n'))
    });
    for signal in [Signal::INT, Signal::TERM, Signal::HUP].into_iter().cycle().take(30) {
        started.signal(signal);
    }
    let status = started.wait().status;
    assert!([Some(129), Some(130), Some(143)].contains(&status), "{status:?}");
    assert!(!is_alive(project.text("pid").trim().parse().unwrap()));
    assert_eq!(project.journal(JOURNAL).last().unwrap()["event"], "run-finished");
    project.evenly(&["merge", "evenly-out"]).exits(5).says("sh:t/c.sh");
}

#[test]
fn a_kill_that_comes_with_the_start_kills() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { program: EVENLY.into(), env_remove: Vec::new(), env: Vec::new() };
    let launch = Launch {
        argv: vec!["sleep".into(), "1000".into()],
        cwd: dir.path().to_owned(),
        env: Vec::new(),
        output: dir.path().join("output"),
        stdout: None,
        user: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut supervisor = Supervisor::start(&options).unwrap();
        for _ in 0..50 {
            let (controls, mut obeyed) = tokio::sync::mpsc::channel(1);
            controls.try_send(Control::Kill).unwrap();
            let running = supervisor.run(&launch, &mut obeyed);
            let ended = tokio::time::timeout(Duration::from_mins(1), running).await.unwrap();
            assert_eq!(ended.end, ProcessEnd::Signaled(9));
        }
        supervisor.close().await;
    });
}

/// As in a container into which evenly is started from without: the numbers of its own session and
/// process group read as 0 there.
#[test]
fn a_session_from_outside_the_pid_namespace_is_no_obstacle() {
    let unshare = "unshare --pid --fork --mount-proc";
    if !Project::new("").bash(&format!("{unshare} true")).start().wait().is_success() {
        println!("SKIPPED: no PID namespace can be made here");
        return;
    }
    let project = Project::new(SHELL_SUITE)
        .file("t/fails.sh", "exit 1")
        .file("t/leak.sh", "setsid sleep 1000 & sleep 0.1")
        .file("t/leak_here.sh", "sleep 1001 & sleep 0.1");
    project.bash(&format!("{unshare} \"$0\" run")).exits(1).says("2 passed").says("sleep");
    project.bash(&format!("{unshare} \"$0\" merge evenly-out")).exits(1);
}
