//! Groups that are more than their share, planned in parts: every test still runs once, under its
//! own name, and merging proves it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Project, SHELL_SUITE, tool};

const CONFIG: &str = "[run]\nworkers = 1\n\n[[suite]]\nname = \"u\"\nframework = \"unittest\"\n";

/// One module that is nearly all of the suite; each test and each class's set-up says that it ran.
const BIG: &str = r#"
import unittest

def ran(what):
    with open("ran.txt", "a") as file:
        print(what, file=file)

class Base:
    @classmethod
    def setUpClass(cls):
        ran("set-up " + cls.__name__)

    def one(self):
        ran(self.id())

class A(Base, unittest.TestCase):
    test_a = test_b = Base.one

class B(Base, unittest.TestCase):
    test_a = test_b = test_c = test_d = Base.one

class C(Base, unittest.TestCase):
    test_a = Base.one
"#;

const SMALL: &str = "
import unittest

class S(unittest.TestCase):
    def test_s(self):
        pass
";

/// What earlier runs taught of it: `B` alone is more than a third of all.
const SECONDS: [(&str, u64); 8] = [
    ("test_big.A.test_a", 10),
    ("test_big.A.test_b", 10),
    ("test_big.B.test_a", 10),
    ("test_big.B.test_b", 10),
    ("test_big.B.test_c", 10),
    ("test_big.B.test_d", 10),
    ("test_big.C.test_a", 20),
    ("test_small.S.test_s", 10),
];

fn history(seconds: &[(&str, u64)]) -> String {
    let mut text = "{\"format\":1}\n{\"suite\":\"u\",\"runs\":[[1,1,1000000]]}\n".to_owned();
    for (test, seconds) in seconds {
        let group = test.split('.').next().unwrap();
        let us = seconds * 1_000_000;
        text += &format!("{{\"test\":\"u:{test}\",\"group\":\"{group}\",\"us\":[{us}]}}\n");
    }
    text
}

fn project(config: &str) -> Project {
    Project::new(config)
        .file("test_big.py", BIG)
        .file("test_small.py", SMALL)
        .file(".evenly/history.jsonl", history(&SECONDS))
}

/// The ids of the plan's groups.
fn planned(project: &Project, shards: &str) -> Vec<String> {
    let ran = project.evenly(&["plan", "--shards", shards, "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    let shards = plan["shards"].as_array().unwrap().iter();
    let groups = shards.flat_map(|shard| shard["groups"].as_array().unwrap());
    let mut ids: Vec<String> = groups.map(|group| group["id"].as_str().unwrap().into()).collect();
    ids.sort();
    ids
}

/// How often each line stands in `ran.txt`.
fn executions(project: &Project) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for line in project.text("ran.txt").lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn a_module_beyond_its_share_runs_whole_in_parts() {
    let project = project(CONFIG);
    assert_eq!(planned(&project, "1"), ["u:test_big", "u:test_small"]);
    let parts = ["u:test_big.A", "u:test_big.B.test_a..test_b", "u:test_big.B.test_c..test_d"];
    let others = ["u:test_big.C", "u:test_small"];
    assert_eq!(planned(&project, "4"), [&parts[..], &others].concat());
    project.evenly(&["local", "--shards", "4"]).exits(0);
    let ran = executions(&project);
    for (test, _) in &SECONDS[..7] {
        assert_eq!(ran[*test], 1, "{test}");
    }
    // A class that is not split is set up once.
    assert_eq!((ran["set-up A"], ran["set-up B"], ran["set-up C"]), (1, 2, 1));
    let report = project.report();
    assert_eq!((&report["verdict"], &report["totals"]["passed"]), (&"passed".into(), &8.into()));
    assert_eq!(report["ledger"]["planned"], 5);
    let junit = project.text("evenly-out/junit.xml");
    assert_eq!(junit.matches("<testcase").count(), 8);
    for class in ["test_big.A", "test_big.B", "test_big.C"] {
        assert!(junit.contains(&format!("classname=\"{class}\"")), "{junit}");
    }
}

#[test]
fn the_history_knows_the_groups_that_are_listed() {
    let project = project(CONFIG);
    project.evenly(&["local", "--shards", "4"]).exits(0);
    let journal = project.journal("shard-1-of-4.attempt-1.jsonl");
    assert!(journal[0]["before_us"].as_u64().unwrap() > 0);
    let found = journal.iter().find(|event| event["event"] == "discovered").unwrap();
    assert_eq!(found["groups"][0]["name"], "test_big.A");
    assert_eq!(found["groups"][0]["part_of"], "test_big");
    let history = project.text(".evenly/history.jsonl");
    let header: Value = serde_json::from_str(history.lines().next().unwrap()).unwrap();
    assert!(header["fixed"][0][1].as_u64().unwrap() > 0, "{history}");
    for line in history.lines().skip(2) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (test, prefix) = (line["test"].as_str().unwrap(), line["prefix"].as_u64());
        let module = test["u:".len()..].split('.').next().unwrap();
        assert_eq!(prefix, Some(module.len() as u64), "{test}");
    }
}

#[test]
fn what_failed_in_a_part_is_all_that_runs_again() {
    let config = CONFIG.replace("workers = 1", "workers = 1\nretries = 1");
    let project = project(&config);
    let text = project.text("test_big.py");
    let broken = "    def test_a(self):\n        ran(self.id())\n        assert False\n    \
                  test_b = test_c = test_d = Base.one";
    project.write(
        "test_big.py",
        text.replace("    test_a = test_b = test_c = test_d = Base.one", broken),
    );
    project.evenly(&["local", "--shards", "4"]).exits(1);
    let ran = executions(&project);
    assert_eq!((ran["test_big.B.test_a"], ran["test_big.B.test_b"]), (2, 1));
    assert_eq!(project.report()["totals"]["failed"], 1);
}

#[test]
fn a_part_whose_shard_is_missing_is_lost_with_its_tests() {
    let project = project(CONFIG);
    for shard in ["1/4", "2/4", "3/4", "4/4"] {
        project.evenly(&["run", "--shard", shard]).exits(0);
    }
    project.evenly(&["merge", "evenly-out"]).exits(0);
    std::fs::remove_file(project.path("evenly-out/shard-3-of-4.attempt-1.jsonl")).unwrap();
    project.evenly(&["merge", "evenly-out"]).exits(5);
    let lost = project.report()["ledger"]["lost"].to_string();
    assert!(lost.contains("u:test_big.B.test_c..test_d"), "{lost}");
    assert!(lost.contains("\"u:test_big.B.test_c\""), "{lost}");
    assert!(!lost.contains("test_big.A"), "{lost}");
}

#[test]
fn shards_that_split_otherwise_planned_from_other_histories() {
    let project = project(CONFIG);
    project.evenly(&["run", "--shard", "1/2"]).exits(0);
    project.write(".evenly/history.jsonl", "");
    project.evenly(&["run", "--shard", "2/2"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).exits(5);
    let kinds = project.report()["ledger"].to_string();
    assert!(kinds.contains("plans-differ"), "{kinds}");
    assert!(!kinds.contains("discovery-differs"), "{kinds}");
}

#[test]
fn what_is_asked_for_is_how_finely_it_is_planned() {
    let project = project(&CONFIG.replace("workers = 1", "workers = 1\ngranularity = \"file\""));
    assert_eq!(planned(&project, "4"), ["u:test_big", "u:test_small"]);
    project.write("evenly.toml", format!("{CONFIG}granularity = \"class\"\n"));
    let classes = ["u:test_big.A", "u:test_big.B", "u:test_big.C", "u:test_small"];
    assert_eq!(planned(&project, "1"), classes);
    project.write("evenly.toml", format!("{CONFIG}granularity = \"test\"\n"));
    assert_eq!(planned(&project, "1").len(), 8);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    assert_eq!(project.report()["ledger"]["planned"], 8);
    assert_eq!(executions(&project)["test_big.B.test_c"], 1);
}

#[test]
fn a_rule_keeps_a_class_or_a_module_whole() {
    let rule = |pattern: &str| {
        project(&format!("{CONFIG}[[rule]]\nmatch = \"{pattern}\"\nsplit = false\n"))
    };
    assert_eq!(planned(&rule("test_big"), "4"), ["u:test_big", "u:test_small"]);
    let kept = rule("test_big.B");
    let classes = ["u:test_big.A", "u:test_big.B", "u:test_big.C", "u:test_small"];
    assert_eq!(planned(&kept, "4"), classes);
    let ran = kept.evenly(&["plan"]).exits(0);
    assert!(!ran.stderr.contains("matches no group"), "{ran}");
    rule("test_bag.B").evenly(&["plan"]).exits(0).warns("test_bag.B");
}

#[test]
fn a_framework_that_selects_whole_groups_is_not_split() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "").file("t/b.sh", "");
    let config = SHELL_SUITE.replace("run =", "granularity = \"test\"\nrun =");
    project.write("evenly.toml", format!("[run]\ngranularity = \"test\"\n{SHELL_SUITE}"));
    assert_eq!(planned(&project, "2"), ["sh:t/a.sh", "sh:t/b.sh"]);
    project.write("evenly.toml", config);
    project.evenly(&["plan"]).exits(2).warns("`granularity` means nothing");
    project.write("evenly.toml", CONFIG.replace("workers = 1", "granularity = \"tests\""));
    project.evenly(&["plan"]).exits(2).warns("`test`");
}

/// A file in which every kind of test stands.
const PYTEST: &str = r#"
import pytest

def ran(what):
    with open("ran.txt", "a") as file:
        print(what, file=file)

@pytest.fixture(scope="class")
def made(request):
    ran("made " + str(request.cls and request.cls.__name__))

class TestWhole:
    def test_a(self, made): ran("whole a")
    def test_b(self, made): ran("whole b")

class TestOuter:
    class TestInner:
        @pytest.mark.parametrize("value", ["a::b[c]", "$(exit 9)", "x y", "ü"])
        def test_odd(self, value): ran("odd " + value)
    def test_c(self): ran("outer c")

@pytest.mark.parametrize("value", range(4))
def test_number(value): ran(f"number {value}")

def test_last(): ran("last")
"#;

#[test]
fn a_file_of_pytests_runs_whole_in_parts_however_odd_the_names() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let python = std::path::PathBuf::from(venv).join("bin/python");
    let config = CONFIG.replace("\"unittest\"", &format!("\"pytest\"\npython = {python:?}"));
    let path = "d-ü/test_all.py";
    let project = Project::new(&config).file(path, PYTEST);
    for granularity in ["class", "test", "auto"] {
        project.write("evenly.toml", format!("{config}granularity = \"{granularity}\"\n"));
        project.write("ran.txt", "");
        project.evenly(&["local", "--shards", "5", "--history", "none"]).exits(0);
        let report = project.report();
        assert_eq!(report["totals"]["passed"], 12, "{granularity}: {report}");
        let ran = executions(&project);
        let all = ["whole a", "whole b", "odd a::b[c]", "odd $(exit 9)", "odd x y", "odd ü"];
        let more = ["outer c", "number 0", "number 1", "number 2", "number 3", "last"];
        for what in all.into_iter().chain(more) {
            assert_eq!(ran[what], 1, "{granularity}: {what}");
        }
        // One set-up for each process that the class is in.
        let whole = if granularity == "test" { 2 } else { 1 };
        assert_eq!(ran["made TestWhole"], whole, "{granularity}");
        let groups = report["ledger"]["planned"].as_u64().unwrap();
        assert!(groups > 2, "{granularity}: {groups}");
    }
}

#[test]
fn a_group_in_parts_that_ran_fewer_tests_than_last_time_is_told() {
    let project = project(CONFIG);
    project.evenly(&["local", "--shards", "3"]).exits(0).lacks("fewer tests");
    let parts = planned(&project, "3");
    assert!(!parts.contains(&"u:test_big".to_owned()), "it is not in parts: {parts:?}");
    project.write("test_big.py", BIG.replace("test_c = test_d = ", ""));
    let told = project.evenly(&["local", "--shards", "3"]).exits(0);
    told.says("`u:test_big`: 5, before 7");
}

#[test]
fn a_part_is_known_by_its_name_in_reports() {
    let project = project(CONFIG);
    project.evenly(&["local", "--shards", "3"]).exits(0);
    let groups = project.report()["groups"].clone();
    let ids = groups.as_array().unwrap().iter().map(|group| group["id"].as_str().unwrap());
    let parts: Vec<&str> = ids.filter(|id| id.starts_with("u:test_big")).collect();
    assert!(parts.len() > 1, "{groups}");
    for part in parts {
        let ran = project.evenly(&["bisect", part]).exits(0);
        ran.says(&format!("`{part}` does not fail"));
        let tests = groups.as_array().unwrap().iter().find(|group| group["id"] == part).unwrap();
        let alone = ["local", "--only", part, "--out", "alone", "--history", "none"];
        // `--only` looks for parts where its own results go.
        project.bash("cp -r evenly-out alone").exits(0);
        project.evenly(&alone).exits(0);
        assert_eq!(project.json("alone/report.json")["totals"]["tests"], tests["tests"], "{part}");
        std::fs::remove_dir_all(project.path("alone")).unwrap();
    }
    project.evenly(&["bisect", "u:test_big.Nope"]).exits(2).warns("there is no group");
}
