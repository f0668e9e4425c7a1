//! Whole runs with warm workers: what the journal and the report say of them, and what is left.

use rustix::process::Signal;
use serde_json::Value;

use super::SCRIPTED;
use crate::support::{Project, is_alive, until};

const JOURNAL: &str = "shard-1-of-1.attempt-1.jsonl";

/// A project with one scripted suite: lines for `[run]`, for its `[[suite]]`, and its `args`.
fn project(run: &str, suite: &str, args: &[&str]) -> Project {
    let args = serde_json::to_string(args).unwrap();
    Project::new(&format!(
        "[run]\nworkers = 1\n{run}\n[[suite]]\nname = \"w\"\nframework = \"unittest\"\n\
         python = {SCRIPTED:?}\nargs = {args}\n{suite}\n"
    ))
}

fn finished(project: &Project) -> Vec<Value> {
    let events = project.journal(JOURNAL).into_iter();
    events.filter(|event| event["event"] == "group-finished").collect()
}

/// The tests of the report: name and outcome.
fn outcomes(project: &Project) -> Vec<(String, String)> {
    let report = project.report();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tests = report["tests"].as_array().unwrap().iter();
    tests.map(|test| (text(&test["id"]), text(&test["outcome"]))).collect()
}

#[track_caller]
fn has(project: &Project, expected: &[(&str, &str)]) {
    let found = outcomes(project);
    let found: Vec<(&str, &str)> = found.iter().map(|(id, how)| (&id[2..], &**how)).collect();
    assert_eq!(found, expected);
}

fn pids(project: &Project, name: &str) -> Vec<i32> {
    let text = std::fs::read_to_string(project.path(name)).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[track_caller]
fn are_gone(project: &Project, name: &str, count: usize) {
    let pids = pids(project, name);
    assert_eq!(pids.len(), count, "{name}: {pids:?}");
    assert!(!pids.iter().any(|pid| is_alive(*pid)), "{name}: {pids:?}");
}

#[test]
fn a_test_that_crashes_is_an_error_and_the_rest_of_its_group_runs() {
    for processes in ["fork", "separate"] {
        let suite = format!("processes = \"{processes}\"");
        let project = project("", &suite, &["g=passes,crashes,fails", "h=passes"]);
        project.evenly(&["run"]).exits(1);
        project.evenly(&["merge", "evenly-out"]).exits(1);
        has(
            &project,
            &[
                ("g.crashes", "errored"),
                ("g.fails", "failed"),
                ("g.passes", "passed"),
                ("h.passes", "passed"),
            ],
        );
        let report = project.report();
        assert_eq!(report["ledger"]["lost"], Value::Array(Vec::new()));
        let runs = finished(&project);
        let of_g: Vec<&Value> = runs.iter().filter(|run| run["group"] == "w:g").collect();
        assert_eq!(of_g.len(), 2);
        assert_eq!((&of_g[0]["problem"], &of_g[0]["last"]), (&"worker-died".into(), &false.into()));
        assert_eq!(of_g[0]["end"]["signaled"], 11);
        let crashed = &of_g[0]["tests"][1];
        assert_eq!(crashed["name"], "g.crashes");
        assert!(crashed["message"].as_str().unwrap().contains("SIGSEGV"), "{crashed}");
        assert!(crashed["detail"].as_str().unwrap().contains("Fatal Python error"), "{crashed}");
        are_gone(&project, "workers", 2);
    }
}

#[test]
fn a_crash_loop_ends_and_nothing_of_it_passed() {
    let tests: Vec<String> = (1..=9).map(|number| format!("dies{number}")).collect();
    let project = project("retries = 0", "", &[&format!("g={}", tests.join(","))]);
    project.evenly(&["run"]).exits(1).says("given up");
    project.evenly(&["merge", "evenly-out"]).exits(1);
    assert!(outcomes(&project).iter().all(|(_, outcome)| outcome == "errored"));
    assert_eq!(project.report()["totals"]["errored"], 9);
    assert_eq!(finished(&project)[2]["problem"]["given-up"], 3);
    are_gone(&project, "workers", 3);
}

#[test]
fn a_hang_ends_at_the_deadline_with_its_stacks() {
    let run = "timeout = \"1s\"\ngrace = \"100ms\"";
    let args = ["g=passes,hangs_with_stacks,fails", "h=hangs_on", "i=passes"];
    let project = project(run, "", &args);
    project.evenly(&["run"]).exits(1).says("timed out after 1.0 s").says("the stacks");
    project.evenly(&["merge", "evenly-out"]).exits(1);
    has(
        &project,
        &[
            ("g.fails", "errored"),
            ("g.hangs_with_stacks", "errored"),
            ("g.passes", "passed"),
            ("h.hangs_on", "errored"),
            ("i.passes", "passed"),
        ],
    );
    are_gone(&project, "hangs", 2);
}

#[test]
fn retries_run_what_failed_and_a_death_costs_none() {
    let run = "retries = 1";
    let project = project(run, "", &["a=fails_once,passes", "b=dies_once,passes,fails_once1"]);
    project.evenly(&["run"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).exits(0);
    has(
        &project,
        &[
            ("a.fails_once", "flaky"),
            ("a.passes", "passed"),
            ("b.dies_once", "flaky"),
            ("b.fails_once1", "flaky"),
            ("b.passes", "passed"),
        ],
    );
    let runs = finished(&project);
    let tests = |run: &Value| run["tests"].as_array().unwrap().len();
    let of_b: Vec<usize> = runs.iter().filter(|run| run["group"] == "w:b").map(tests).collect();
    assert_eq!(of_b, [1, 2, 2]);
}

#[test]
fn a_death_that_no_test_is_to_blame_for_is_not_green() {
    let project = project("", "", &["g=passes_and_dies,passes"]);
    project.evenly(&["run"]).exits(1);
    project.evenly(&["merge", "evenly-out"]).exits(1);
    let totals = &project.report()["totals"];
    assert_eq!((&totals["passed"], &totals["errored"]), (&2.into(), &1.into()), "{totals}");
}

#[test]
fn a_framework_that_calls_a_group_bad_is_believed() {
    let project = project("", "", &["g=is_called_bad,passes"]);
    project.evenly(&["run"]).exits(1).says("bad in its framework's eyes");
    project.evenly(&["merge", "evenly-out"]).exits(1);
}

#[test]
fn what_a_group_did_not_tell_is_lost_and_what_was_not_listed_counts() {
    let project = project("", "", &["g=passes,says_nothing", "h=knows_more"]);
    project.evenly(&["run"]).exits(1);
    project.evenly(&["merge", "evenly-out"]).exits(5);
    let report = project.report();
    assert_eq!(report["ledger"]["lost"][0], "w:g.says_nothing", "{}", report["ledger"]);
    let found = outcomes(&project);
    assert!(found.contains(&("w:tear-down of a class".to_owned(), "errored".to_owned())));
}

#[test]
fn a_worker_is_renewed_after_so_many_groups_or_so_much_memory() {
    let args = ["a=passes", "b=passes", "c=passes", "d=passes", "e=passes"];
    for (key, workers) in [("", 1), ("worker-groups = 2", 3), ("worker-memory = \"2MiB\"", 2)] {
        let project = project("", key, &args);
        project.evenly(&["run"]).exits(0);
        are_gone(&project, "workers", workers);
        assert_eq!(pids(&project, "stopped"), pids(&project, "workers"), "{key}");
    }
}

#[test]
fn late_groups_start_last() {
    let project = project("", "", &["late1=passes", "a=passes", "late2=passes", "b=passes"]);
    project.evenly(&["run"]).exits(0);
    let ran = project.text("ran");
    let mut ran: Vec<&str> = ran.lines().collect();
    ran[..2].sort_unstable();
    ran[2..].sort_unstable();
    assert_eq!(ran, ["a", "b", "late1", "late2"]);
}

#[test]
fn a_test_that_kills_the_main_process_costs_itself() {
    let project = project("", "", &["a=passes,kills_main,fails", "b=passes"]);
    project.evenly(&["run"]).exits(1).warns("is started anew: it ended (signal 9, SIGKILL)");
    project.evenly(&["merge", "evenly-out"]).exits(1);
    has(
        &project,
        &[
            ("a.fails", "failed"),
            ("a.kills_main", "errored"),
            ("a.passes", "passed"),
            ("b.passes", "passed"),
        ],
    );
}

#[test]
fn nothing_outlives_evenly_when_it_is_killed() {
    for processes in ["fork", "separate"] {
        let suite = format!("processes = \"{processes}\"");
        let project = project("", &suite, &["g=leaves,hangs_on"]);
        let run = project.evenly(&["run"]).start();
        until("it hangs", || !pids(&project, "hangs").is_empty());
        run.signal(Signal::KILL);
        run.wait();
        let all = [pids(&project, "hangs"), pids(&project, "left")].concat();
        assert_eq!(all.len(), 2);
        until("all are gone", || !all.iter().any(|pid| is_alive(*pid)));
    }
}

#[test]
fn a_signal_to_evenly_ends_workers_and_keeps_what_was_told() {
    for processes in ["fork", "separate"] {
        let suite = format!("processes = \"{processes}\"");
        let project = project("grace = \"100ms\"", &suite, &["g=passes,hangs_on,fails"]);
        let run = project.evenly(&["run"]).start();
        until("it hangs", || !pids(&project, "hangs").is_empty());
        run.signal(Signal::INT);
        run.wait().exits(130);
        are_gone(&project, "hangs", 1);
        let runs = finished(&project);
        assert_eq!(runs[0]["problem"], "interrupted");
        assert_eq!(runs[0]["tests"][0]["outcome"], "passed");
        assert_eq!(runs[0]["tests"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn a_suite_that_cannot_be_listed_is_an_error_before_anything_runs() {
    let cases = [
        ("main=refuses", "suite `w`: there is no suite"),
        ("main=dies", "its process ended while it was to begin (signal 11, SIGSEGV)"),
    ];
    for (conduct, says) in cases {
        let project = project("", "", &["a=passes", conduct]);
        project.evenly(&["run"]).exits(2).warns(says);
        assert!(!project.path("ran").exists());
    }
    let project = project("", "", &["main=broken"]);
    project.evenly(&["run"]).exits(2).warns("tests cannot be collected from `old` (no module)");
}

#[test]
fn what_cannot_be_collected_is_an_error_of_the_run_and_the_rest_runs() {
    let project = project("", "", &["a=passes", "main=broken"]);
    project.evenly(&["local", "--shards", "2"]).exits(1).says("w:old");
    let report = project.report();
    assert_eq!(report["totals"]["passed"], 1);
    assert_eq!(report["totals"]["errored"], 1);
    assert_eq!(report["verdict"], "failed");
}

#[test]
fn a_listing_starts_no_worker_and_leaves_nothing() {
    let project = project("", "", &["a=passes", "b=fails"]);
    project.evenly(&["plan", "--shards", "2"]).exits(0).says("w:a");
    assert!(!project.path("workers").exists());
}

#[test]
fn output_is_streamed_while_a_warm_group_runs() {
    let project = project("", "", &["g=passes,prints"]);
    let ran = project.evenly(&["run", "--output", "stream"]).exits(0);
    ran.says("w:g | running g.passes in 0").says("w:g | {\"group-finished\"");
}

#[test]
fn workers_of_every_shard_are_made_from_one_listing() {
    let project = project("", "", &["a=passes", "b=fails", "c=passes", "d=dies"]);
    project.evenly(&["local", "--shards", "2"]).exits(1);
    has(
        &project,
        &[
            ("a.passes", "passed"),
            ("b.fails", "failed"),
            ("c.passes", "passed"),
            ("d.dies", "errored"),
        ],
    );
}
