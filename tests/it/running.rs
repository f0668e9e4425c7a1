//! `evenly run`: processes, time, signals, retries, and what is printed of them.

use rustix::process::Signal;

use crate::support::{JUNIT_SUITE, Project, SHELL_SUITE, is_alive, junit, until, writes};

const JOURNAL: &str = "shard-1-of-1.attempt-1.jsonl";

fn finished(project: &Project) -> Vec<serde_json::Value> {
    let events = project.journal(JOURNAL);
    events.into_iter().filter(|event| event["event"] == "group-finished").collect()
}

#[test]
fn every_group_runs_once_and_the_shard_is_green() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "").file("t/b.sh", "echo hello");
    project.evenly(&["run"]).exits(0).says("shard 1/1").lacks("hello");
    let names: Vec<_> = finished(&project).iter().map(|e| e["group"].to_string()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn shards_share_the_groups_out() {
    let mut project = Project::new(SHELL_SUITE);
    for name in ["a", "b", "c", "d", "e"] {
        project = project.file(format!("t/{name}.sh"), "");
    }
    let mut seen = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        project.evenly(&["run", "--shard", shard]).exits(0);
        let journal = format!("shard-{}.attempt-1.jsonl", shard.replace('/', "-of-"));
        let events = project.journal(&journal);
        let groups = events.iter().filter(|event| event["event"] == "group-finished");
        seen.extend(groups.map(|event| event["group"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    assert_eq!(seen, ["sh:t/a.sh", "sh:t/b.sh", "sh:t/c.sh", "sh:t/d.sh", "sh:t/e.sh"]);
}

#[test]
fn a_failing_group_fails_the_shard_and_shows_its_output() {
    let project = Project::new(SHELL_SUITE)
        .file("t/bad.sh", "echo the reason; echo on stderr >&2; exit 3")
        .file("t/good.sh", "echo never shown");
    let ran = project.evenly(&["run"]).exits(1);
    ran.says("the reason").says("on stderr").says("exit status 3").lacks("never shown");
}

#[test]
fn output_modes() {
    let project = Project::new(SHELL_SUITE)
        .file("t/bad.sh", "echo BAD; exit 1")
        .file("t/good.sh", "echo GOOD");
    project.evenly(&["run", "--output", "all"]).exits(1).says("GOOD").says("BAD");
    project.evenly(&["run", "--output", "never"]).exits(1).lacks("GOOD").lacks("BAD");
    let ran = project.evenly(&["run", "--output", "stream"]).exits(1);
    ran.says("sh:t/bad.sh | BAD").says("sh:t/good.sh | GOOD");
}

#[test]
fn a_test_finds_its_place_in_its_environment() {
    let project = Project::new(&format!(
        "[run]\nworkers = 2\n{SHELL_SUITE}env = {{ REDIS = \"redis://h/{{worker}}-{{shard}}\" }}\n"
    ))
    .file(
        "t/a.sh",
        "echo \"$EVENLY_SHARD of $EVENLY_SHARDS, $EVENLY_WORKER, $EVENLY_PORT_BASE, $REDIS\"\n\
         test -d \"$EVENLY_TMPDIR\" && touch \"$EVENLY_TMPDIR/x\" && echo tmp ok\n",
    );
    let ran = project.evenly(&["run", "--shard", "1/1", "--output", "all"]).exits(0);
    ran.says("1 of 1, 0, 20000, redis://h/0-1").says("tmp ok");
}

#[test]
fn a_group_that_takes_too_long_is_told_at_half_time_and_killed() {
    let project =
        Project::new(&format!("[run]\ntimeout = \"1s\"\ngrace = \"200ms\"\n{SHELL_SUITE}"))
            .file("t/hang.sh", "trap '' TERM\necho before\nsleep 1000 & wait; sleep 1000");
    let ran = project.evenly(&["run"]).exits(1);
    ran.says("before").says("timed out after 1.0 s");
    let slow = project.journal(JOURNAL).iter().any(|event| event["event"] == "group-slow");
    assert!(slow, "half time was not told");
}

#[test]
fn nothing_a_group_started_outlives_it() {
    let project = Project::new(SHELL_SUITE).file(
        "t/leak.sh",
        "setsid sh -c 'trap \"\" TERM; echo $$ > pid; exec sleep 1000' &\n\
         while ! [ -s pid ]; do :; done\n",
    );
    project.evenly(&["run"]).exits(0).says("sleep");
    let pid = project.text("pid").trim().parse().unwrap();
    assert!(!is_alive(pid), "{pid} outlived its group");
}

#[test]
fn nothing_outlives_an_evenly_that_was_killed() {
    let project = Project::new(SHELL_SUITE)
        .file("t/a.sh", "setsid sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 1000' & wait");
    let started = project.evenly(&["run"]).start();
    until("the grandchild runs", || project.path("pid").exists());
    let pid = project.text("pid").trim().parse().unwrap();
    started.signal(Signal::KILL);
    started.wait();
    until("the grandchild is gone", || !is_alive(pid));
}

#[test]
fn what_fails_is_tried_again_and_flaky_when_it_passes() {
    let project = Project::new(SHELL_SUITE)
        .file("t/flaky.sh", "if [ -e seen ]; then exit 0; fi; touch seen; echo first; exit 1");
    project.evenly(&["run", "--retries", "1"]).exits(0).says("first");
    project.evenly(&["merge", "evenly-out"]).exits(0);
    let report = project.report();
    assert_eq!(report["totals"]["flaky"], 1);
    assert_eq!(report["totals"]["tests"], 1);
    assert_eq!(report["tests"][0]["outcome"], "flaky");
}

#[test]
fn what_keeps_failing_is_tried_as_often_as_said() {
    let project = Project::new(SHELL_SUITE).file("t/bad.sh", "echo x >> tries; exit 1");
    project.evenly(&["run", "--retries", "2"]).exits(1);
    assert_eq!(project.text("tries").lines().count(), 3);
}

#[test]
fn fail_fast_starts_nothing_more_and_says_what_did_not_run() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "exit 1")
        .file("t/b.sh", "touch b-ran");
    project.evenly(&["run", "--fail-fast"]).exits(1);
    assert!(!project.path("b-ran").exists());
    project.evenly(&["merge", "evenly-out"]).exits(5).says("sh:t/b.sh");
    assert_eq!(project.report()["ledger"]["lost"], serde_json::json!(["sh:t/b.sh"]));
}

#[test]
fn a_signal_is_passed_on_and_everything_is_saved() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
            .file("t/a.sh", "trap 'echo told to end; exit 9' INT TERM\ntouch up; sleep 1000 & wait")
            .file("t/b.sh", "touch b-ran");
        let started = project.evenly(&["run"]).start();
        until("the group runs", || project.path("up").exists());
        started.signal(signal);
        started.wait().exits(status).says("told to end");
        assert!(!project.path("b-ran").exists());
        let events = project.journal(JOURNAL);
        assert_eq!(events.last().unwrap()["event"], "run-finished");
        assert_eq!(events.last().unwrap()["not_run"][0]["group"], "sh:t/b.sh");
        assert!(project.text("evenly-out/shard-1-of-1.attempt-1.junit.xml").contains("t/a.sh"));
        project.evenly(&["merge", "evenly-out"]).exits(5).says("sh:t/b.sh");
    }
}

#[test]
fn a_second_signal_kills_at_once() {
    let project = Project::new(&format!("[run]\ngrace = \"10m\"\n{SHELL_SUITE}"))
        .file("t/a.sh", "trap '' INT TERM\ntouch up; while :; do sleep 1000; done");
    let started = project.evenly(&["run"]).start();
    until("the group runs", || project.path("up").exists());
    started.signal(Signal::INT);
    until("the first signal is noted", || {
        project.journal(JOURNAL).iter().any(|event| event["event"] == "stopping")
    });
    started.signal(Signal::INT);
    started.wait().exits(130);
}

#[test]
fn a_gibibyte_of_output_keeps_its_ends_and_little_memory() {
    let project = Project::new(SHELL_SUITE).file(
        "t/loud.sh",
        "echo THE VERY FIRST LINE\nhead -c 1073741824 /dev/zero | tr '\\0' 'x'\n\
         echo; echo THE VERY LAST LINE; exit 1",
    );
    let ran = project.bash("ulimit -v 800000; exec \"$0\" run").exits(1);
    assert!(ran.stdout.len() < 4 << 20, "{} bytes printed", ran.stdout.len());
    let output = &finished(&project)[0]["output"];
    assert!(output["head"].as_str().unwrap().len() >= 512 << 10);
    assert!(output["tail"]["text"].as_str().unwrap().len() >= 512 << 10);
    assert!(
        ran.stdout.contains("THE VERY FIRST LINE") && ran.stdout.contains("THE VERY LAST LINE")
    );
}

#[test]
fn an_exclusive_group_is_alone_while_it_runs() {
    let watch = "n=$(basename \"$0\" .sh); touch up.$n\n\
                 echo \"$n $(ls up.* | tr '\\n' ' ')\" >> seen\n\
                 sleep 0.1; echo \"$n $(ls up.* | tr '\\n' ' ')\" >> seen; rm up.$n";
    let mut project = Project::new(&format!(
        "[run]\nworkers = 3\n{SHELL_SUITE}[[rule]]\nmatch = \"*alone*\"\nexclusive = true\n"
    ));
    for name in ["a", "b", "c", "alone1", "alone2"] {
        project = project.file(format!("t/{name}.sh"), watch);
    }
    project.evenly(&["run"]).exits(0);
    let seen = project.text("seen");
    for line in seen.lines().filter(|line| line.starts_with("alone")) {
        assert_eq!(line.matches("up.").count(), 1, "{seen}");
    }
}

#[test]
fn groups_kept_together_run_in_one_process() {
    let project = Project::new(&format!(
        "{SHELL_SUITE}[[rule]]\nmatch = \"t/bill*\"\ntogether = \"billing\"\n"
    ))
    .file("t/bill1.sh", "echo \"$@\" > args")
    .file("t/bill2.sh", "exit 1")
    .file("t/other.sh", "");
    project.evenly(&["run"]).exits(0);
    assert_eq!(project.text("args").trim(), "t/bill2.sh");
    let groups: Vec<_> = finished(&project).iter().map(|e| e["group"].clone()).collect();
    assert!(groups.contains(&"sh:together:billing".into()), "{groups:?}");
}

#[test]
fn a_group_without_a_junit_file_is_an_error_that_names_its_end() {
    let project = Project::new(JUNIT_SUITE)
        .file("t/none.sh", "echo nothing written")
        .file("t/crash.sh", "kill -SEGV $$")
        .file("t/torn.sh", writes("<testsuites><testsuite name=\"s\"><testcase na", 0))
        .file("t/empty.sh", writes("<testsuites/>", 0))
        .file("t/green.sh", writes(&junit("c", &["fine"], &[]), 7))
        .file("t/ok.sh", writes(&junit("c", &["fine"], &[]), 0));
    let ran = project.evenly(&["run"]).exits(1);
    let ran = ran.says("nothing written").says("wrote no JUnit file (exit status 0)");
    let ran = ran.says("wrote no JUnit file (signal 11, SIGSEGV)").says("not whole");
    ran.says("without a single test").says("reported no failure, but its process failed");
    project.evenly(&["merge", "evenly-out"]).exits(1);
    let totals = &project.report()["totals"];
    assert_eq!((&totals["passed"], &totals["errored"]), (&2.into(), &5.into()), "{totals}");
}

#[test]
fn the_workers_variables_do_not_leak_evenlys_own() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "env | grep ^EVENLY_ | sort");
    let ran = project.evenly(&["run", "--output", "all"]).env("EVENLY_RETRIES", "1").exits(0);
    ran.lacks("EVENLY_RETRIES");
}

#[test]
fn two_runs_of_one_shard_at_the_same_time_do_not_mix() {
    let project = Project::new(SHELL_SUITE)
        .file("t/a.sh", "touch up; while ! [ -e go ]; do sleep 0.01; done");
    let first = project.evenly(&["run"]).start();
    until("the first runs", || project.path("up").exists());
    project.evenly(&["run"]).exits(3).warns("another evenly is writing it");
    project.write("go", "");
    first.wait().exits(0);
    assert_eq!(finished(&project).len(), 1);
}
