//! `evenly merge`: the ledger, the verdict, the reports and the history.

use std::fs;

use serde_json::{Value, json};

use crate::support::{JUNIT_SUITE, Project, SHELL_SUITE, junit, writes};

fn journal(shard: &str, attempt: u32) -> String {
    format!("evenly-out/shard-{}.attempt-{attempt}.jsonl", shard.replace('/', "-of-"))
}

fn ran_in_two_shards(suite: &str, files: &[(&str, &str)]) -> Project {
    let mut project = Project::new(suite);
    for (name, content) in files {
        project = project.file(name, content);
    }
    for shard in ["1/2", "2/2"] {
        project.evenly(&["run", "--shard", shard]).exits(0);
    }
    project
}

const FOUR: [(&str, &str); 4] = [("t/a.sh", ""), ("t/b.sh", ""), ("t/c.sh", ""), ("t/d.sh", "")];

#[test]
fn a_whole_green_run() {
    let project = ran_in_two_shards(SHELL_SUITE, &FOUR);
    project.evenly(&["merge", "evenly-out"]).exits(0).says("4 groups");
    let report = project.report();
    assert_eq!(report["verdict"], "passed");
    assert_eq!(report["format"], 1);
    assert_eq!(
        report["totals"],
        json!({"tests": 4, "passed": 4, "failed": 0, "errored": 0, "skipped": 0, "flaky": 0})
    );
    assert_eq!(report["ledger"]["planned"], 4);
    for empty in ["lost", "doubled", "missing_shards"] {
        assert_eq!(report["ledger"][empty], json!([]), "{empty}");
    }
    assert!(project.text("evenly-out/summary.md").contains("| 4 |"));
    assert!(project.text("evenly-out/junit.xml").contains("<testsuites"));
    assert!(project.text(".evenly/history.jsonl").contains("sh:t/a.sh"));
}

#[test]
fn a_missing_shard_is_named_everywhere() {
    let project = ran_in_two_shards(SHELL_SUITE, &FOUR);
    fs::remove_file(project.path(journal("2/2", 1))).unwrap();
    project.evenly(&["merge", "evenly-out"]).exits(5).says("2/2");
    let report = project.report();
    assert_eq!(report["verdict"], "incomplete");
    assert_eq!(report["ledger"]["missing_shards"], json!([2]));
    assert_eq!(report["ledger"]["lost"].as_array().unwrap().len(), 2);
    let summary = project.text("evenly-out/summary.md");
    assert!(summary.contains("2/2"), "{summary}");
    for lost in report["ledger"]["lost"].as_array().unwrap() {
        let name = lost.as_str().unwrap().rsplit('/').next().unwrap();
        assert!(summary.contains(name), "{summary}");
    }
}

#[test]
fn plans_that_differ_are_not_one_run() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "").file("t/b.sh", "");
    project.evenly(&["run", "--shard", "1/2"]).exits(0);
    project.write("t/new.sh", "");
    project.evenly(&["run", "--shard", "2/2"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).exits(5).says("t/new.sh");
    assert_eq!(project.report()["verdict"], "incomplete");
}

fn edit(project: &Project, journal: &str, change: impl Fn(&mut Value)) {
    let text = project.text(journal);
    let lines = text.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        change(&mut event);
        if event.is_null() { String::new() } else { format!("{event}\n") }
    });
    project.write(journal, lines.collect::<String>());
}

#[test]
fn a_lost_group_is_named() {
    let project = ran_in_two_shards(SHELL_SUITE, &FOUR);
    let mut lost = String::new();
    let text = project.text(journal("1/2", 1));
    for line in text.lines().filter(|line| line.contains("\"group-finished\"")) {
        let event: Value = serde_json::from_str(line).unwrap();
        event["group"].as_str().unwrap().clone_into(&mut lost);
    }
    edit(&project, &journal("1/2", 1), |event| {
        if event["event"] == "group-finished" && event["group"] == lost.as_str() {
            *event = Value::Null;
        }
    });
    project.evenly(&["merge", "evenly-out"]).exits(5).says(&lost);
    assert_eq!(project.report()["ledger"]["lost"], json!([lost]));
}

#[test]
fn a_doubled_group_is_named() {
    let project = ran_in_two_shards(SHELL_SUITE, &FOUR);
    let first = project.text(journal("1/2", 1));
    let finished = first.lines().find(|line| line.contains("\"group-finished\"")).unwrap();
    let event: Value = serde_json::from_str(finished).unwrap();
    let second = project.text(journal("2/2", 1));
    let (head, last) = second.trim_end().rsplit_once('\n').unwrap();
    project.write(journal("2/2", 1), format!("{head}\n{finished}\n{last}\n"));
    project.evenly(&["merge", "evenly-out"]).exits(5).says(event["group"].as_str().unwrap());
    let doubled = project.report()["ledger"]["doubled"].clone();
    assert_eq!(doubled.as_array().unwrap()[0], event["group"]);
}

#[test]
fn the_newest_attempt_of_a_shard_wins_and_the_earlier_is_told() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "test -e fixed").file("t/b.sh", "");
    let run = |shard, attempt, status| {
        let evenly = project.evenly(&["run", "--shard", shard]).env("GITHUB_ACTIONS", "true");
        let evenly = evenly.env("GITHUB_RUN_ID", "7").env("GITHUB_RUN_ATTEMPT", attempt);
        evenly.exits(status);
    };
    run("1/2", "1", 1);
    run("2/2", "1", 0);
    project.evenly(&["merge", "evenly-out"]).exits(1);
    project.write("fixed", "");
    run("1/2", "2", 0);
    project.evenly(&["merge", "evenly-out"]).exits(0).says("attempt");
    assert_eq!(project.report()["totals"]["passed"], 2);
}

#[test]
fn a_group_that_ran_fewer_tests_than_last_time_is_told() {
    let project = Project::new(JUNIT_SUITE)
        .file("t/a.sh", writes(&junit("c", &["one", "two", "three"], &[]), 0));
    project.evenly(&["local"]).exits(0);
    project.write("t/a.sh", writes(&junit("c", &["one"], &[]), 0));
    project.evenly(&["local"]).exits(0).says("fewer");
    assert!(project.text("evenly-out/summary.md").contains("t/a.sh"));
}

#[test]
fn failures_reach_every_report() {
    let project = Project::new(JUNIT_SUITE)
        .file("t/a.sh", writes(&junit("shop.cart", &["adds"], &["removes"]), 1));
    project.evenly(&["local"]).exits(1).says("removes");
    let report = project.report();
    assert_eq!(report["verdict"], "failed");
    let failed: Vec<_> = report["tests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|test| test["outcome"] == "failed")
        .map(|test| test["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(failed, ["ju:shop.cart::removes"]);
    assert!(project.text("evenly-out/summary.md").contains("removes is wrong"));
    let xml = project.text("evenly-out/junit.xml");
    assert!(xml.contains("removes is wrong") && xml.contains("trace of removes"), "{xml}");
}

#[test]
fn history_learns_durations_and_the_plan_uses_them() {
    let project = Project::new(SHELL_SUITE)
        .file("t/quick.sh", "")
        .file("t/slow.sh", "sleep 0.5")
        .file("t/other.sh", "");
    project.evenly(&["local", "--shards", "2", "--workers", "1"]).exits(0);
    let ran = project.evenly(&["plan", "--shards", "2", "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    let slow_shard: Vec<_> = plan["shards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shard| shard["groups"].as_array().unwrap())
        .find(|groups| groups.iter().any(|group| group["id"] == "sh:t/slow.sh"))
        .unwrap()
        .iter()
        .map(|group| (group["id"].as_str().unwrap(), group["basis"].as_str().unwrap()))
        .collect();
    assert_eq!(slow_shard, [("sh:t/slow.sh", "measured")]);
}

#[test]
fn a_run_ignores_history_of_its_own_and_later_runs() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "sleep 0.2").file("t/b.sh", "");
    let ci = |args: &[&str], run: &str| {
        project.evenly(args).env("GITHUB_ACTIONS", "true").env("CI", "1").env("GITHUB_RUN_ID", run)
    };
    ci(&["run", "--shard", "1/1"], "100").exits(0);
    ci(&["merge", "evenly-out"], "100").exits(0);
    let plan = |run: &str| ci(&["plan", "--shards", "1", "--json"], run).exits(0).stdout;
    assert!(plan("100").contains("default"), "run 100 must not see itself");
    assert!(plan("99").contains("default"), "run 99 must not see run 100");
    assert!(plan("101").contains("measured"));
}

#[test]
fn numbers_of_runs_that_start_again_are_warned_of() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    let ci = |args: &[&str], run: &str| {
        let evenly = project.evenly(args).env("GITHUB_ACTIONS", "true").env("CI", "1");
        evenly.env("GITHUB_RUN_ID", run).exits(0)
    };
    let run = |number: &str| {
        let ran = ci(&["run", "--shard", "1/1"], number);
        (ran, ci(&["merge", "evenly-out"], number))
    };
    for number in ["501", "502", "503"] {
        let (ran, merged) = run(number);
        assert!(!ran.stderr.contains("warning") && !merged.stderr.contains("warning"), "{ran}");
    }
    // One that is a little late is no restart.
    let (ran, merged) = run("502");
    assert!(!ran.stderr.contains("warning") && !merged.stderr.contains("warning"), "{merged}");
    let (ran, merged) = run("2");
    ran.warns("this is run 2, and the history knows only runs from 501 on");
    merged.warns("run 2 is older than every run that history `.evenly/history.jsonl` keeps");
    ci(&["plan"], "1").warns("the plan uses nothing of it");
}

#[test]
fn nothing_to_merge_is_an_error() {
    let project = Project::new(SHELL_SUITE);
    project.evenly(&["merge", "nowhere"]).exits(2).warns("nowhere");
    fs::create_dir(project.path("empty")).unwrap();
    project.evenly(&["merge", "empty"]).exits(2).warns("empty");
}

#[test]
fn two_merges_at_once_lose_no_history() {
    let suite = |name: &str| SHELL_SUITE.replace("\"sh\"", &format!("\"{name}\""));
    let one = Project::new(&suite("one")).file("t/a.sh", "");
    one.evenly(&["run", "--out", "one"]).exits(0);
    one.write("evenly.toml", suite("two"));
    one.evenly(&["run", "--out", "two"]).exits(0);
    let merges = ["one", "two"].map(|out| one.evenly(&["merge", out, "--out", out]).start());
    for merge in merges {
        merge.wait().exits(0);
    }
    let history = one.text(".evenly/history.jsonl");
    assert!(history.contains("one:t/a.sh") && history.contains("two:t/a.sh"), "{history}");
}
