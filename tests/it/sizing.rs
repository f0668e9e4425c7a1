//! How many shards, for which CI, and plans that are made once.

use serde_json::Value;

use crate::support::{Project, Ran, SHELL_SUITE};

/// Groups of so many seconds, and three of history's runs that took half a minute beside them.
fn project(seconds: &[u64]) -> Project {
    let mut project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"));
    let mut history =
        "{\"format\":1,\"fixed\":[[1,30000000]]}\n{\"suite\":\"sh\",\"runs\":[[1,1,0]]}\n"
            .to_owned();
    for (at, seconds) in seconds.iter().enumerate() {
        project = project.file(format!("t/{at:02}.sh"), "");
        let us = seconds * 1_000_000;
        history += &format!("{{\"test\":\"sh:t/{at:02}.sh\",\"prefix\":7,\"us\":[{us}]}}\n");
    }
    project.file(".evenly/history.jsonl", history)
}

fn shards(ran: &Ran) -> usize {
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    plan["shards"].as_array().unwrap().len()
}

#[test]
fn a_target_gives_a_number_of_shards_and_what_its_neighbours_cost() {
    // 20 minutes in all; a job takes half a minute beside it.
    let project = project(&[60; 20]);
    let ran = project.evenly(&["plan", "--target", "5m"]).exits(0);
    let lines: Vec<Vec<&str>> =
        ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in [
        "5 shards for a target of 5 min 0 s",
        "4 5 min 30 s 24 min",
        "> 5 4 min 30 s 25 min",
        "6 4 min 30 s 26 min",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(lines.contains(&words), "no {line:?}:\n{ran}");
    }
    assert!(ran.stdout.contains("30.0 s for evenly's own part"), "{ran}");
    // With what else a job does it takes more of them.
    let setup = ["plan", "--target", "5m", "--setup", "90s", "--json"];
    let ran = project.evenly(&setup).exits(0).warns("7 shards for a target");
    assert_eq!(shards(&ran), 7);
    let variable = project.evenly(&["plan", "--json"]).env("EVENLY_TARGET", "5m").exits(0);
    assert_eq!(shards(&variable), 5);
}

#[test]
fn bounds_hold_and_a_target_that_is_missed_is_told() {
    let project = project(&[60; 20]);
    let with =
        |more: &[&str]| project.evenly(&[&["plan", "--json", "--target", "5m"], more].concat());
    assert_eq!(shards(&with(&["--min", "8"]).exits(0)), 8);
    let few = with(&["--max", "3"]).exits(0);
    assert_eq!(shards(&few), 3);
    few.warns("cannot be met with at most 3 shards").warns("7 min 30 s");
    with(&["--min", "9", "--max", "3"]).exits(2).warns("--min 9");
    with(&["--shards", "3"]).exits(2);
    project.evenly(&["plan", "--min", "3"]).exits(2).warns("--target");
    project.evenly(&["plan", "--target", "soon"]).exits(2).warns("soon");
}

#[test]
fn one_that_makes_the_target_impossible_is_named() {
    let project = project(&[60, 60, 60, 60, 600]);
    let ran = project.evenly(&["plan", "--target", "5m", "--json"]).exits(0);
    // More than two would wait for it as well.
    assert_eq!(shards(&ran), 2);
    ran.warns("`sh:t/04.sh` takes 10 min 0 s by itself and cannot be split").warns("10 min 30 s");
    let ran = project.evenly(&["plan", "--target", "20s"]).exits(0);
    ran.warns("a job takes 30.0 s before and after its tests");
}

#[test]
fn a_github_matrix_is_added_to_the_steps_outputs() {
    let project = project(&[60; 20]).file("outputs", "other=1");
    let args = ["plan", "--target", "5m", "--github-matrix"];
    project.evenly(&args).env("GITHUB_OUTPUT", "outputs").exits(0);
    let expected =
        "other=1\nmatrix={\"shard\":[\"1/5\",\"2/5\",\"3/5\",\"4/5\",\"5/5\"]}\nshards=5\n";
    assert_eq!(project.text("outputs"), expected);
    project.evenly(&args).exits(2).warns("GITHUB_OUTPUT");
    let many = ["plan", "--shards", "257", "--github-matrix"];
    project.evenly(&many).env("GITHUB_OUTPUT", "outputs").exits(2).warns("at most 256");
    assert_eq!(project.text("outputs"), expected);
}

#[test]
fn a_gitlab_child_has_a_job_a_shard() {
    let project = project(&[60; 20]);
    project.evenly(&["plan", "--shards", "4", "--gitlab-child", "ci/child.yml"]).exits(0);
    let expected = "include:\n  - local: \".gitlab/evenly.yml\"\n\nevenly:\n  extends: .evenly\n  \
                    parallel: 4\n";
    assert!(project.text("ci/child.yml").ends_with(expected), "{}", project.text("ci/child.yml"));
    let odd = ["plan", "--gitlab-child", "c.yml", "--gitlab-include", "a\": b\n"];
    project.evenly(&odd).exits(0);
    assert!(project.text("c.yml").contains(r#"local: "a\": b\n""#), "{}", project.text("c.yml"));
    assert!(project.text("c.yml").contains("EVENLY_SHARD: \"1/1\""));
    let many = ["plan", "--shards", "201", "--gitlab-child", "no.yml"];
    project.evenly(&many).exits(2).warns("at most 200");
    assert!(!project.path("no.yml").exists());
}

const UNITTEST: &str = "[run]\nworkers = 1\n\n[[suite]]\nname = \"u\"\nframework = \"unittest\"\n";

/// Two modules, one of them planned in parts; the plan for 2 shards is in `plan.json`.
fn once() -> Project {
    let tests = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n\
                 class B(unittest.TestCase):\n    def test_b(self): pass\n";
    let history = "{\"format\":1}\n{\"suite\":\"u\",\"runs\":[[1,1,0]]}\n\
                   {\"test\":\"u:test_m.A.test_a\",\"prefix\":6,\"us\":[9000000]}\n\
                   {\"test\":\"u:test_m.B.test_b\",\"prefix\":6,\"us\":[9000000]}\n\
                   {\"test\":\"u:test_n.A.test_a\",\"prefix\":6,\"us\":[1000000]}\n\
                   {\"test\":\"u:test_n.B.test_b\",\"prefix\":6,\"us\":[1000000]}\n";
    let project = Project::new(UNITTEST)
        .file("test_m.py", tests)
        .file("test_n.py", tests)
        .file(".evenly/history.jsonl", history);
    project.evenly(&["plan", "--shards", "3", "--out", "plan.json"]).exits(0).says("u:test_m.A");
    std::fs::remove_file(project.path(".evenly/history.jsonl")).unwrap();
    project
}

#[test]
fn a_plan_made_once_runs_everywhere() {
    let project = once();
    // Without the history the shards would have split nothing.
    project.evenly(&["plan", "--shards", "3"]).exits(0).lacks("u:test_m.A");
    for shard in ["1", "2", "3"] {
        project.evenly(&["run", "--plan", "plan.json", "--shard", shard]).exits(0);
    }
    project.evenly(&["merge", "evenly-out", "--history", "none"]).exits(0);
    let report = project.report();
    assert_eq!((&report["totals"]["passed"], &report["ledger"]["planned"]), (&4.into(), &3.into()));
    let plan = project.json("plan.json");
    let journal = project.journal("shard-2-of-3.attempt-1.jsonl");
    let planned = journal.iter().find(|event| event["event"] == "planned").unwrap();
    assert_eq!(planned["fingerprint"], plan["fingerprint"]);
    let variable = project.evenly(&["run", "--shard", "1/3"]).env("EVENLY_PLAN", "none.json");
    variable.exits(3).warns("none.json");
}

#[test]
fn a_shard_of_another_number_is_refused() {
    let project = once();
    let run = |shard: &[&str]| project.evenly(&[&["run", "--plan", "plan.json"], shard].concat());
    run(&["--shard", "1/2"]).exits(2).warns("a plan for 3 shards, and this is shard 1/2");
    run(&["--shard", "4"]).exits(2);
    run(&[]).exits(2).warns("this is shard 1/1");
    assert!(!project.path("evenly-out").exists());
}

#[test]
fn a_plan_of_other_tests_is_refused_with_what_differs() {
    let project = once();
    let refused = |names: &[&str]| {
        let ran = project.evenly(&["run", "--plan", "plan.json", "--shard", "1/3"]).exits(5);
        for name in names {
            assert!(ran.stderr.contains(name), "no {name:?}: {ran}");
        }
        let journal = project.text("evenly-out/shard-1-of-3.attempt-1.jsonl");
        assert_eq!(journal, "", "something was run");
    };
    let text = project.text("test_m.py");
    project.write("test_m.py", text.replace("test_b", "test_other"));
    refused(&["tests that are gone: `u:test_m.B.test_b`", "`u:test_m.B.test_other`"]);
    project.write("test_m.py", text);
    project.write("test_o.py", project.text("test_n.py"));
    std::fs::remove_file(project.path("test_n.py")).unwrap();
    refused(&["groups that are gone: `u:test_n`", "does not have: `u:test_o`"]);
}

#[test]
fn a_plan_that_is_torn_newer_or_changed_is_refused() {
    let project = once();
    let good = project.text("plan.json");
    let refused = |text: &str, why: &str| {
        project.write("bad.json", text);
        let ran = project.evenly(&["run", "--plan", "bad.json", "--shard", "1/3"]).exits(2);
        ran.warns("bad.json").warns(why);
        assert!(!project.path("evenly-out").exists());
    };
    refused(&good[..good.len() / 2], "not a plan");
    refused("", "not a plan");
    refused("[]", "not a plan");
    refused(&"[".repeat(100_000), "not a plan");
    refused(&good.replace("\"format\":1", "\"format\":2"), "format 2");
    refused(&good.replace("9000000", "9000001"), "was changed");
    refused(&good.replace("u:test_m.A\"", "u:test_m.B\""), "more than once");
    refused(&good.replace("\"workers\":1", "\"workers\":4294967295"), "4294967295 workers");
    // What the fingerprint does not hold, the tests there are do.
    let elsewhere = good.replace("\"part_of\":\"test_m\"", "\"part_of\":\"\\u001b[2Jx\"");
    project.write("bad.json", elsewhere);
    let ran = project.evenly(&["run", "--plan", "bad.json", "--shard", "1/3"]).exits(5);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
}
