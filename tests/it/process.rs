//! Commands under a supervisor: what they see, and that nothing of theirs outlives them.
//! Real processes throughout. Scripts say that they are ready by a file; nobody waits for a time.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use evenly::model::ProcessEnd;
use evenly::process::{
    Call, Captured, Control, Ended, Launch, Options, Supervisor, become_reaper, capture,
    kill_orphans,
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_mins(1);

fn evenly_options() -> Options {
    Options {
        program: env!("CARGO_BIN_EXE_evenly").into(),
        env_remove: vec!["EVENLY_TEST_SECRET".into()],
        env: vec![("EVENLY_TEST_BASE".into(), "base".into())],
    }
}

/// A supervisor and a directory in which its commands run.
struct Stage {
    supervisor: Supervisor,
    dir: TempDir,
}

impl Stage {
    fn new() -> Self {
        Self::with(&evenly_options())
    }

    fn with(options: &Options) -> Self {
        let supervisor = Supervisor::start(options).unwrap();
        Self { supervisor, dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn launch(&self, argv: &[&str]) -> Launch {
        Launch {
            argv: argv.iter().map(OsString::from).collect(),
            cwd: self.dir.path().to_owned(),
            env: Vec::new(),
            user: None,
            output: self.path("output"),
            stdout: None,
        }
    }

    fn sh(&self, script: &str) -> Launch {
        self.launch(&["sh", "-c", script])
    }

    async fn run(&mut self, launch: &Launch) -> Ended {
        let (_controls, mut obeyed) = mpsc::channel(1);
        self.supervisor.run(launch, &mut obeyed).await
    }

    /// Runs a script that makes the file `ready`, and then does this to it.
    async fn run_until_ready(&mut self, script: &str, control: Control) -> Ended {
        let (launch, ready) = (self.sh(script), self.path("ready"));
        let (controls, mut obeyed) = mpsc::channel(1);
        let told = async {
            until(|| ready.exists()).await;
            controls.send(control).await.unwrap();
        };
        tokio::join!(self.supervisor.run(&launch, &mut obeyed), told).0
    }

    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap()
    }

    /// Fails unless the file `pids` names as many processes and all of them are gone.
    fn assert_gone(&self, at_least: usize) {
        let pids = pids(&self.path("pids"));
        assert!(pids.len() >= at_least, "{pids:?}");
        let alive: Vec<_> = pids.into_iter().filter(|pid| is_alive(*pid)).collect();
        assert!(alive.is_empty(), "still alive: {alive:?}");
    }
}

fn block_on<F: Future>(test: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, test).await.expect("too slow") })
}

async fn until(mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "it never came to hold");
        ticks.tick().await;
    }
}

fn pids(file: &Path) -> Vec<i32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Whether a process runs; one that ended and was not waited for does not.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

#[test]
fn a_command_ends_as_it_does_by_itself() {
    block_on(async {
        let mut stage = Stage::new();
        let cases = [
            ("exit 0", ProcessEnd::Exited(0)),
            ("exit 7", ProcessEnd::Exited(7)),
            ("kill -TERM $$", ProcessEnd::Signaled(15)),
            ("kill -KILL $$", ProcessEnd::Signaled(9)),
        ];
        for (script, end) in cases {
            let ended = stage.run(&stage.sh(script)).await;
            assert_eq!((ended.end, ended.leaked, ended.unkillable), (end, vec![], vec![]));
        }
        stage.supervisor.close().await;
    });
}

#[test]
fn output_goes_to_the_file_in_order_and_replaces_what_was_there() {
    block_on(async {
        let mut stage = Stage::new();
        fs::write(stage.path("output"), "of an earlier try, and longer than what comes").unwrap();
        stage.run(&stage.sh("echo one; echo two >&2; echo three; cat")).await;
        assert_eq!(stage.output(), "one\ntwo\nthree\n");
    });
}

#[test]
fn output_that_the_command_empties_itself_leaves_no_hole() {
    block_on(async {
        let mut stage = Stage::new();
        let ended = stage.run(&stage.sh("echo lost; : > output; echo kept")).await;
        assert_eq!((ended.end, stage.output()), (ProcessEnd::Exited(0), "kept\n".to_owned()));
    });
}

#[test]
fn bytes_that_are_no_text_survive_everywhere() {
    block_on(async {
        let mut stage = Stage::new();
        let odd = OsString::from_vec(b"a\xff\n\"\\\x01\xc3".to_vec());
        let cwd = stage.dir.path().join(&odd);
        fs::create_dir(&cwd).unwrap();
        let mut launch = stage.sh(r#"printf '%s|%s|' "$0" "$ODD"; pwd"#);
        launch.argv.push(odd.clone());
        launch.env.push(("ODD".into(), odd.clone()));
        launch.output = cwd.join(&odd);
        launch.cwd.clone_from(&cwd);
        stage.run(&launch).await;
        let cwd = fs::canonicalize(cwd).unwrap();
        let parts: [&OsStr; 5] = [&odd, OsStr::new("|"), &odd, OsStr::new("|"), cwd.as_os_str()];
        let mut expected = parts.map(OsStrExt::as_bytes).concat();
        expected.push(b'\n');
        assert_eq!(fs::read(launch.output).unwrap(), expected);
    });
}

#[test]
fn the_environment_is_the_supervisors_and_what_is_added() {
    block_on(async {
        let mut stage = Stage::new();
        let mut launch = stage.sh("echo $EVENLY_TEST_BASE $EVENLY_TEST_ADDED ${PATH:+path}");
        launch.env.push(("EVENLY_TEST_ADDED".into(), "added".into()));
        stage.run(&launch).await;
        assert_eq!(stage.output(), "base added path\n");
        stage.run(&stage.sh("echo $EVENLY_TEST_ADDED")).await;
        assert_eq!(stage.output(), "\n", "what one command got is not the next one's");
    });
}

#[test]
fn a_command_inherits_neither_descriptors_nor_signal_dispositions_nor_secrets() {
    block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("hostile");
        let script = format!(
            "#!/bin/sh\ntrap '' HUP INT QUIT PIPE TERM XFSZ USR1 TSTP\n\
             export EVENLY_TEST_LEFT=${{EVENLY_TEST_SECRET-none}}\n\
             exec 7</dev/null 8>/dev/null\nexec '{}' \"$@\"\n",
            env!("CARGO_BIN_EXE_evenly")
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut stage = Stage::with(&Options { program, ..evenly_options() });
        stage.run(&stage.launch(&["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])).await;
        for line in stage.output().lines() {
            let (name, mask) = line.split_once(":\t").unwrap();
            // 32 and 33 are the C library's own; whatever it starts has them ignored.
            let mask = u64::from_str_radix(mask, 16).unwrap() & !(0b11 << 31);
            assert_eq!(mask, 0, "{name}");
        }
        // The fourth is the listed directory itself.
        stage.run(&stage.launch(&["ls", "/proc/self/fd"])).await;
        assert_eq!(stage.output(), "0\n1\n2\n3\n");
        stage.run(&stage.sh("readlink /proc/self/fd/0; echo $EVENLY_TEST_LEFT")).await;
        assert_eq!(stage.output(), "/dev/null\nnone\n");
    });
}

#[test]
fn a_command_leads_a_group_of_its_own_in_a_session_that_is_not_evenlys() {
    block_on(async {
        let mut stage = Stage::new();
        stage
            .run(&stage.sh("read -r pid name state parent group session rest < /proc/$$/stat
            echo $pid $group $session $parent"))
            .await;
        let output = stage.output();
        let ids: Vec<&str> = output.split_whitespace().collect();
        assert_eq!(ids[0], ids[1], "its own group");
        assert_eq!(ids[2], ids[3], "the supervisor's session");
    });
}

#[test]
fn what_cannot_start_says_what_and_why_and_the_next_command_runs() {
    block_on(async {
        let mut stage = Stage::new();
        let mut nowhere = stage.sh("exit 0");
        nowhere.cwd = stage.path("nowhere");
        let mut unwritable = stage.sh("exit 0");
        unwritable.output = stage.path("no/such/dir");
        let cases = [
            (stage.launch(&["no-such-program"]), "cannot run `no-such-program`"),
            (stage.launch(&["/"]), "cannot run `/`"),
            (stage.launch(&["sh\0"]), "cannot run `sh"),
            (stage.launch(&[]), "the command is empty"),
            (nowhere, "there is no directory `"),
            (unwritable, "cannot write `"),
        ];
        for (launch, says) in cases {
            let ended = stage.run(&launch).await;
            let ProcessEnd::NotStarted(why) = &ended.end else { panic!("{ended:?}") };
            assert!(why.contains(says), "{why}");
        }
        let too_long = "x".repeat(17 * 1024 * 1024);
        let ended = stage.run(&stage.launch(&[&too_long])).await;
        assert!(matches!(ended.end, ProcessEnd::NotStarted(_)));
        assert_eq!(stage.run(&stage.sh("exit 0")).await.end, ProcessEnd::Exited(0));
    });
}

#[test]
fn an_argument_list_beyond_the_pipes_size_arrives_whole() {
    block_on(async {
        let mut stage = Stage::new();
        let name = "n".repeat(100);
        let mut launch = stage.sh("echo $#");
        launch.argv.extend(std::iter::repeat_n(OsString::from(name), 10_000));
        let ended = stage.run(&launch).await;
        assert_eq!((ended.end, stage.output()), (ProcessEnd::Exited(0), "9999\n".to_owned()));
    });
}

#[test]
fn a_helper_that_ends_with_its_owner_is_not_leaked() {
    block_on(async {
        let mut stage = Stage::new();
        let script = "mkfifo pipe; cat pipe & echo $! > pids; exec 5> pipe";
        let ended = stage.run(&stage.sh(script)).await;
        assert_eq!((ended.end, ended.leaked), (ProcessEnd::Exited(0), vec![]));
        stage.assert_gone(1);
    });
}

/// Ends a script when this many processes wrote themselves into `pids`.
fn when_written(count: usize) -> String {
    format!("until [ \"$(cat pids 2>/dev/null | wc -l)\" -ge {count} ]; do sleep 0.01; done")
}

#[test]
fn what_moved_to_another_session_is_ended_and_named() {
    let grandchildren = [
        "setsid sh -c 'echo $$ >> pids; exec sleep 1000' &",
        "env -i $(command -v setsid) sh -c 'echo $$ >> pids; exec sleep 1000' &",
        "(setsid sh -c '(sh -c \"echo \\$\\$ >> pids; exec sleep 1000\" &)' &)",
        "setsid sh -c 'trap \"\" TERM HUP; echo $$ >> pids; exec sleep 1000' &",
        "sh -c 'echo $$ >> pids; kill -STOP $$' & ",
    ];
    block_on(async {
        for grandchild in grandchildren {
            let mut stage = Stage::new();
            let script = format!("{grandchild}\n{}", when_written(1));
            let started = Instant::now();
            let ended = stage.run(&stage.sh(&script)).await;
            assert_eq!(ended.end, ProcessEnd::Exited(0), "{grandchild}");
            let name = if grandchild.contains("STOP") { "sh" } else { "sleep" };
            assert_eq!(ended.leaked, [name], "{grandchild}");
            let whole_us = u64::try_from(started.elapsed().as_micros()).unwrap();
            assert!(ended.duration_us + 200_000 <= whole_us, "lingering is not the command's time");
            stage.assert_gone(1);
        }
    });
}

#[test]
fn a_storm_of_forks_in_sessions_of_their_own_is_ended_whole() {
    block_on(async {
        let mut stage = Stage::new();
        let storm = "trap '' TERM; echo $$ >> pids
            if [ $1 -gt 0 ]; then
                setsid sh storm $(($1 - 1)) & setsid sh storm $(($1 - 1)) &
            fi
            sleep 1000 & wait; sleep 1000";
        fs::write(stage.path("storm"), storm).unwrap();
        let script = format!("setsid sh storm 5 & {}", when_written(20));
        let ended = stage.run(&stage.sh(&script)).await;
        assert_eq!((ended.end, ended.unkillable), (ProcessEnd::Exited(0), vec![]));
        stage.assert_gone(20);
    });
}

#[test]
fn a_process_that_always_forks_and_exits_is_caught() {
    block_on(async {
        let mut stage = Stage::new();
        fs::write(stage.path("hop"), "trap '' TERM; echo $$ >> pids; setsid sh hop &").unwrap();
        let script = format!("setsid sh hop & {}", when_written(5));
        let ended = stage.run(&stage.sh(&script)).await;
        assert_eq!((ended.end, ended.unkillable), (ProcessEnd::Exited(0), vec![]));
        stage.assert_gone(5);
    });
}

#[test]
fn a_signal_reaches_the_whole_group() {
    block_on(async {
        let mut stage = Stage::new();
        let script = "trap 'echo main; wait; exit 3' TERM
            sh -c 'trap \"echo other; exit\" TERM; : > ready; while :; do sleep 0.01; done' &
            while :; do sleep 0.01; done";
        let ended = stage.run_until_ready(script, Control::Signal(15)).await;
        assert_eq!((ended.end, ended.leaked), (ProcessEnd::Exited(3), vec![]));
        let output = stage.output();
        let wrote = |word| output.lines().any(|line| line == word);
        assert!(wrote("main") && wrote("other"), "{output}");
    });
}

#[test]
fn a_kill_takes_everything_at_once() {
    block_on(async {
        let mut stage = Stage::new();
        let script = format!(
            "trap '' TERM INT HUP; echo $$ >> pids
            setsid sh -c 'echo $$ >> pids; sleep 1000' & {}; : > ready; sleep 1000",
            when_written(2)
        );
        let ended = stage.run_until_ready(&script, Control::Kill).await;
        assert_eq!((ended.end, ended.leaked), (ProcessEnd::Signaled(9), vec![]));
        stage.assert_gone(2);
        assert_eq!(stage.run(&stage.sh("exit 0")).await.end, ProcessEnd::Exited(0));
    });
}

#[test]
fn a_run_that_is_abandoned_ends_when_its_supervisor_is_closed() {
    block_on(async {
        let mut stage = Stage::new();
        let launch =
            stage.sh("setsid sleep 1000 & echo $! > pids; echo $$ >> pids; : > ready; wait");
        let ready = stage.path("ready");
        tokio::select! {
            ended = stage.run(&launch) => panic!("{ended:?}"),
            () = until(|| ready.exists()) => {}
        }
        assert!(!stage.supervisor.is_alive());
        let ended = stage.run(&launch).await;
        assert!(matches!(ended.end, ProcessEnd::NotStarted(_)), "{ended:?}");
        let Stage { supervisor, dir } = stage;
        supervisor.close().await;
        let stage = Stage { supervisor: Supervisor::start(&evenly_options()).unwrap(), dir };
        stage.assert_gone(2);
    });
}

/// Runs one test of this file in a process of its own, as whoever `role` says.
fn in_another_process(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ROLE, role);
    command
}

const ROLE: &str = "EVENLY_TEST_ROLE";

/// In a process of its own: it becomes a reaper, and other tests' orphans are not its business.
#[test]
fn a_command_that_kills_its_supervisor_gains_nothing() {
    let test = "process::a_command_that_kills_its_supervisor_gains_nothing";
    if std::env::var_os(ROLE).is_none() {
        assert!(in_another_process(test, "reaper").status().unwrap().success());
        return;
    }
    become_reaper().unwrap();
    block_on(async {
        let mut bystander = Stage::new();
        let mut own = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut stage = Stage::new();
        let script = format!(
            "trap '' TERM; echo $$ >> pids
            setsid sh -c 'trap \"\" TERM; echo $$ >> pids; sleep 1000' & {}
            kill -KILL $PPID; sleep 1000",
            when_written(2)
        );
        let ended = stage.run(&stage.sh(&script)).await;
        let ProcessEnd::Unknown(why) = &ended.end else { panic!("{ended:?}") };
        assert!(why.contains("its supervisor was lost (signal 9, SIGKILL)"), "{why}");
        assert!(ended.leaked.contains(&"sh".to_owned()), "{ended:?}");
        assert!(ended.unkillable.is_empty() && !stage.supervisor.is_alive());
        stage.assert_gone(2);
        stage.supervisor = Supervisor::start(&evenly_options()).unwrap();
        assert_eq!(stage.run(&stage.sh("exit 0")).await.end, ProcessEnd::Exited(0));
        assert_eq!(bystander.run(&bystander.sh("exit 0")).await.end, ProcessEnd::Exited(0));
        assert_eq!(kill_orphans().await, evenly::process::Orphans::default());
        drop(own.stdin.take());
        assert_eq!(own.wait().unwrap().code(), Some(0), "a child of evenly's own was harmed");
    });
}

/// Also the process that is killed in it.
#[test]
fn nothing_outlives_evenly_when_it_is_killed() {
    let test = "process::nothing_outlives_evenly_when_it_is_killed";
    if let Some(dir) = std::env::var_os(ROLE) {
        block_on(async {
            let mut stage = Stage::new();
            let mut launch = stage
                .sh("trap '' TERM HUP; setsid sh -c 'echo $$ >> pids; sleep 1000' &
                echo $$ >> pids; echo $PPID >> pids; sleep 1000");
            launch.cwd = dir.into();
            stage.run(&launch).await;
        });
        return;
    }
    block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pids");
        let mut victim = in_another_process(test, dir.path().to_str().unwrap()).spawn().unwrap();
        until(|| pids(&file).len() == 3).await;
        victim.kill().unwrap();
        victim.wait().unwrap();
        until(|| pids(&file).into_iter().all(|pid| !is_alive(pid))).await;
    });
}

#[test]
fn captured_output_is_kept_apart_and_leaves_no_file() {
    block_on(async {
        let mut stage = Stage::new();
        let directory = stage.path("captured");
        fs::create_dir(&directory).unwrap();
        let call = |script: &str, time_limit| Call {
            argv: ["sh", "-c", script].map(OsString::from).into(),
            cwd: stage.dir.path().to_owned(),
            env: vec![("NAME".into(), "value".into())],
            user: None,
            directory: directory.clone(),
            time_limit,
        };
        let quick = call("echo $NAME; echo oops >&2; exit 3", DEADLINE);
        let stuck = call("echo some; sleep 1000", Duration::from_millis(50));
        let missing = Call { argv: vec!["no-such-program".into()], ..quick.clone() };
        let captured = capture(&mut stage.supervisor, quick).await.unwrap();
        let expected = Captured {
            end: ProcessEnd::Exited(3),
            timed_out: false,
            stdout: b"value\n".to_vec(),
            stderr: "oops\n".to_owned(),
            cut: false,
        };
        assert_eq!(captured, expected);
        let captured = capture(&mut stage.supervisor, stuck).await.unwrap();
        assert_eq!((captured.end, captured.timed_out), (ProcessEnd::Signaled(9), true));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
        let captured = capture(&mut stage.supervisor, missing).await.unwrap();
        assert!(matches!(captured.end, ProcessEnd::NotStarted(_)), "{captured:?}");
    });
}
