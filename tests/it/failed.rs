//! `--failed`: at home a run of only what went wrong, in a CI the rest of a shard's attempt.

use serde_json::Value;

use crate::support::{Evenly, JUNIT_SUITE, Project, Ran, SHELL_SUITE, junit, until, writes};

const UNITTEST: &str = "[[suite]]\nname = \"u\"\nframework = \"unittest\"\n";

/// Tests that say that they ran; `flag` makes `test_b` pass.
const MODULE: &str = r#"
import os
import unittest

def ran(test):
    with open("ran.txt", "a") as file:
        print(test.id(), file=file)

class A(unittest.TestCase):
    def test_a(self):
        ran(self)

    def test_b(self):
        ran(self)
        self.assertTrue(os.path.exists("flag"))

class B(unittest.TestCase):
    def test_c(self):
        ran(self)
"#;

fn unittests() -> Project {
    Project::new(UNITTEST)
        .file("test_m.py", MODULE)
        .file("test_n.py", MODULE.replace("\"flag\"", "\".\""))
}

/// What ran since the last call, sorted.
fn ran(project: &Project) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(project.path("ran.txt")) else { return Vec::new() };
    std::fs::remove_file(project.path("ran.txt")).unwrap();
    let mut ran: Vec<String> = text.lines().map(str::to_owned).collect();
    ran.sort();
    ran
}

fn outcomes(project: &Project) -> Vec<(String, String)> {
    let report = project.report();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tests = report["tests"].as_array().unwrap().iter();
    tests.map(|test| (text(&test["id"]), text(&test["outcome"]))).collect()
}

#[test]
fn at_home_what_failed_runs_alone_until_nothing_fails() {
    let project = unittests();
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let history = project.text(".evenly/history.jsonl");
    assert_eq!(ran(&project).len(), 6);

    let told = project.evenly(&["local", "--failed"]).exits(1);
    told.says("✗ failed: 1 of 1 test failed").warns("1 test failed; only that runs");
    assert_eq!(ran(&project), ["test_m.A.test_b"]);
    project.evenly(&["run", "--failed"]).exits(1).says("1 test, 1 failed");
    assert_eq!(ran(&project), ["test_m.A.test_b"]);

    project.write("flag", "");
    let told = project.evenly(&["local", "--failed"]).exits(0);
    told.says("✓ green, of what was chosen: 1 group, 1 test").says("only what was chosen ran");
    assert_eq!(ran(&project), ["test_m.A.test_b"]);
    assert_eq!(project.report()["shards"][0]["partial"], true);
    // It is no measure of a run, and the history stays what it was.
    assert_eq!(project.text(".evenly/history.jsonl"), history);

    for command in ["run", "local"] {
        project.evenly(&[command, "--failed"]).exits(0).says("nothing failed in the run before");
    }
    assert_eq!(ran(&project), [""; 0]);
}

#[test]
fn journals_can_be_named_and_must_be_there() {
    let project = unittests();
    project.evenly(&["run", "--failed"]).exits(2).warns("there is no journal in");
    project.evenly(&["run", "--failed", "nowhere"]).exits(2).warns("nowhere");
    project.evenly(&["run", "--out", "one"]).exits(1);
    ran(&project);
    project.evenly(&["run", "--failed", "one", "--out", "two"]).exits(1).says("1 test, 1 failed");
    assert_eq!(ran(&project), ["test_m.A.test_b"]);
    let both = ["run", "--failed", "one", "--only", "u:test_m"];
    project.evenly(&both).exits(2).warns("cannot be used with");
}

#[test]
fn a_run_that_cannot_begin_forgets_nothing() {
    let project = unittests();
    project.evenly(&["run"]).exits(1);
    project.write("evenly.toml", format!("{UNITTEST}python = \"no-such-python\"\n"));
    project.evenly(&["run", "--failed"]).exits(2);
    project.write("evenly.toml", UNITTEST);
    ran(&project);
    project.evenly(&["run", "--failed"]).exits(1);
    assert_eq!(ran(&project), ["test_m.A.test_b"]);
}

#[test]
fn a_test_that_is_gone_is_told_and_one_that_is_left_runs() {
    let cases = junit("c", &["fine"], &["broken"]);
    let project = Project::new(&format!("{UNITTEST}{JUNIT_SUITE}"))
        .file("test_m.py", MODULE)
        .file("t/a.sh", writes(&cases, 1));
    project.evenly(&["run"]).exits(1);
    // Of another length: by that, and whole seconds, Python tells whether it knows a file.
    project.write("test_m.py", MODULE.replace("test_b", "test_other"));
    let told = project.evenly(&["run", "--failed"]).exits(1);
    told.warns("`u:test_m.A.test_b` is not there any more").says("ju:c::broken");
    std::fs::remove_file(project.path("t/a.sh")).unwrap();
    project.write("t/b.sh", writes(&cases, 1));
    project.evenly(&["run", "--failed"]).exits(4).warns("is gone");
}

#[test]
fn at_home_what_a_killed_run_lost_runs() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "echo a >> ran.txt")
        .file("t/b.sh", "echo b >> ran.txt; test -e go || { touch waits; read x < pipe; }")
        .file("t/c.sh", "echo c >> ran.txt");
    project.bash("mkfifo pipe").exits(0);
    let run = project.evenly(&["run", "--order", "serial"]).start();
    until("the second test runs", || project.path("waits").exists());
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    project.write("go", "");
    ran(&project);
    let told = project.evenly(&["run", "--failed"]).exits(0);
    told.warns("2 groups lost").says("2 tests, 2 passed");
    assert_eq!(ran(&project), ["b", "c"]);
}

/// `evenly` as in an attempt at run 7 of GitHub's.
fn github(project: &Project, args: &[&str], attempt: &str) -> Evenly {
    let evenly = project.evenly(args).env("GITHUB_ACTIONS", "true").env("CI", "true");
    evenly.env("GITHUB_RUN_ID", "7").env("GITHUB_RUN_ATTEMPT", attempt)
}

fn journal(shard: &str, attempt: u32) -> String {
    let shard = shard.replace('/', "-of-");
    format!("evenly-out/shard-{shard}.attempt-{attempt}.jsonl")
}

/// Both shards' first attempts; which of them has the failure.
fn first_attempts(project: &Project) -> &'static str {
    let status = |shard| {
        let run = github(project, &["run", "--shard", shard], "1").start().wait();
        assert!(matches!(run.status, Some(0 | 1)), "{run}");
        run.status
    };
    let (one, two) = (status("1/2"), status("2/2"));
    assert_eq!([one, two].iter().filter(|status| **status == Some(1)).count(), 1);
    if one == Some(1) { "1/2" } else { "2/2" }
}

#[test]
fn in_a_ci_the_shard_runs_what_failed_and_keeps_what_passed() {
    let project = unittests();
    let bad = first_attempts(&project);
    ran(&project);
    project.write("flag", "");
    let again = |attempt| github(&project, &["run", "--shard", bad, "--failed"], attempt);
    let told = again("2").exits(0);
    told.warns("attempt 1 of this shard").warns("1 runs again");
    assert_eq!(ran(&project), ["test_m.A.test_b"]);

    let merged = |paths: &[&str]| {
        github(&project, &[&["merge"], paths].concat(), "2").exits(0).says("6 tests");
        let outcomes = outcomes(&project);
        assert_eq!(outcomes.len(), 6, "{outcomes:?}");
        let flaky: Vec<_> = outcomes.iter().filter(|(_, how)| how == "flaky").collect();
        assert_eq!(flaky, [&("u:test_m.A.test_b".to_owned(), "flaky".to_owned())]);
        assert_eq!(project.report()["ledger"]["doubled"], serde_json::json!([]));
        assert_eq!(project.report()["totals"]["passed"], 5);
    };
    merged(&["evenly-out"]);
    assert!(project.text(".evenly/history.jsonl").contains("u:test_m.A.test_a"));
    // The new journal is whole by itself: the one before may be gone.
    std::fs::remove_file(project.path(journal(bad, 1))).unwrap();
    merged(&["evenly-out"]);

    // Nothing is left, and its results stand once more.
    again("3").exits(0).warns("nothing runs again");
    assert_eq!(ran(&project), [""; 0]);
    std::fs::remove_file(project.path(journal(bad, 2))).unwrap();
    merged(&["evenly-out"]);
}

#[test]
fn in_a_ci_what_fails_again_is_failed_once() {
    let project = unittests();
    let bad = first_attempts(&project);
    ran(&project);
    github(&project, &["run", "--shard", bad, "--failed"], "2").exits(1);
    assert_eq!(ran(&project), ["test_m.A.test_b"]);
    github(&project, &["merge", "evenly-out"], "2").exits(1).says("1 of 6 tests failed");
    let report = project.report();
    let group = report["groups"].as_array().unwrap().iter();
    let group = group.filter(|group| group["id"] == "u:test_m").collect::<Vec<_>>();
    let executions = group[0]["executions"].as_array().unwrap();
    let attempts: Vec<_> = executions.iter().map(|run| run["attempt"].as_u64()).collect();
    assert_eq!(attempts, [Some(1), Some(2)]);
    let at = |which: usize| executions[which]["at_us"].as_u64().unwrap();
    assert!(at(0) < at(1), "time goes on: {executions:?}");
}

#[test]
fn in_a_ci_a_killed_shard_goes_on_where_it_was() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"));
    for name in ["a", "b", "c", "d", "e", "f"] {
        // The third that runs waits to be killed with its shard.
        let waits =
            "test -e go || test $(wc -l < ran.txt) -ne 3 || { touch waits; read x < pipe; }";
        project.write(format!("t/{name}.sh"), format!("echo {name} >> ran.txt\n{waits}\n"));
    }
    project.bash("mkfifo pipe").exits(0);
    let run = github(&project, &["run", "--shard", "1/1"], "1").start();
    until("the third test runs", || project.path("waits").exists());
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    let first = ran(&project);
    assert_eq!(first.len(), 3);
    github(&project, &["merge", "evenly-out"], "1").exits(5);

    project.write("go", "");
    let told = github(&project, &["run", "--shard", "1/1", "--failed"], "2").exits(0);
    told.warns("2 groups stand, 4 run again");
    let second = ran(&project);
    assert_eq!(second.len(), 4);
    let twice: Vec<_> = first.iter().filter(|name| second.contains(name)).collect();
    assert_eq!(twice.len(), 1, "only what was killed runs twice: {first:?} {second:?}");
    github(&project, &["merge", "evenly-out"], "2").exits(0).says("6 tests");
    assert_eq!(project.report()["totals"]["passed"], 6);
}

#[test]
fn in_a_ci_everything_runs_where_nothing_can_be_gone_on_from() {
    let project = unittests();
    let all = |ran: Ran, why: &str| {
        ran.warns(why);
        assert_eq!(self::ran(&project).len(), 6);
    };
    let first = github(&project, &["run", "--shard", "1/1", "--failed"], "1").exits(1);
    all(first, "no earlier attempt at this shard has left a journal here");
    let elsewhere = ["run", "--shard", "1/1", "--failed", "nowhere"];
    all(github(&project, &elsewhere, "2").exits(1), "no earlier attempt");
    let other = github(&project, &["run", "--shard", "1/1", "--failed"], "3");
    all(other.env("GITHUB_RUN_ID", "8").exits(1), "no earlier attempt");
    // Another test is another plan.
    project.write("test_m.py", MODULE.replace("test_c", "test_another"));
    all(github(&project, &["run", "--shard", "1/1", "--failed"], "4").exits(1), "another plan");
}

#[test]
fn the_command_of_every_report_runs_the_failure_under_its_worker() {
    let config = format!("[run]\nworkers = 2\n{SHELL_SUITE}");
    // Each waits for the other, so that both workers have one.
    let test = |own: &str, other: &str| {
        format!(
            "touch {own}; until test -e {other}; do :; done; echo $EVENLY_WORKER >> {own}; exit 1"
        )
    };
    let project = Project::new("")
        .file("my app/conf.toml", config)
        .file("my app/t/it's a.sh", test("a", "b"))
        .file("my app/t/b.sh", test("b", "a"));
    let told = project.evenly(&["local", "--config", "my app/conf.toml"]).exits(1);
    let on = |file: &str| project.text(format!("my app/{file}")).trim().to_owned();
    let (name, file) = if on("a") == "1" { ("it's a", "a") } else { ("b", "b") };
    let commands = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.trim().split_once("evenly run --config "));
        let of_worker = lines.filter(|(_, rest)| rest.contains("--worker 1"));
        let command = |(_, rest): (&str, &str)| {
            format!("evenly run --config {}", rest.trim_end_matches(['`', ' ']))
        };
        of_worker.map(command).collect()
    };
    let page = project.text("evenly-out/report.html");
    let (_, of_page) = page.split_once("Again, alone: <code>").unwrap();
    let of_page = of_page.replace("&quot;", "\"").replace("</code>", "\n");
    let summary = project.text("evenly-out/summary.md");
    for text in [&told.stdout, &of_page, &summary] {
        let found = commands(text);
        let first = found.first().unwrap_or_else(|| panic!("no command in {text}"));
        assert!(first.contains(name) && found.iter().all(|other| other == first), "{found:?}");
        project.write(format!("my app/{file}"), "");
        project.bash(&first.replace("evenly ", "\"$0\" ")).exits(1).says("1 test, 1 failed");
        assert_eq!(on(file), "1", "{first}");
    }
}
