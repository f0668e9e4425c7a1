//! `evenly merge` on JUnit files of other tools, for who uses nothing else of evenly.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, Ran, SHELL_SUITE, tool};

fn suite(name: &str, cases: &str) -> String {
    format!("<testsuites><testsuite name='{name}'>{cases}</testsuite></testsuites>")
}

fn good(name: &str) -> String {
    format!("<testcase classname='c' name='{name}' time='0.25'/>")
}

fn bad(name: &str) -> String {
    format!(
        "<testcase classname='c' name='{name}'><failure message='no'>trace</failure></testcase>"
    )
}

/// Two shards of one suite.
fn two_shards(second: &str) -> Project {
    Project::new("")
        .file("shard-1/deep/junit.xml", suite("pytest", &good("a")))
        .file("shard-2/junit.xml", suite("pytest", second))
}

fn kinds(report: &Value, list: &str) -> Vec<String> {
    let list = report["ledger"][list].as_array().unwrap();
    list.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

const GLOB: &str = "shard-*/**/*.xml";

#[test]
fn a_glob_becomes_one_report_and_teaches_nothing() {
    let project = two_shards(&good("b"));
    let ran = project.evenly(&["merge", GLOB]).exits(0);
    let line = "✓ green: 2 tests, none failed; no plan, so that all ran is not proven";
    assert_eq!(ran.stdout.lines().last(), Some(line), "{ran}");
    let report = project.report();
    assert_eq!(report["verdict"], "passed");
    assert_eq!(report["ledger"]["unproven"], 2);
    assert_eq!(kinds(&report, "notes"), ["unproven"]);
    assert_eq!(report["files"][0]["source"], "shard-1/deep/junit.xml");
    let junit = project.text("evenly-out/junit.xml");
    assert!(junit.contains("<testsuite name=\"pytest\" tests=\"2\""), "{junit}");
    for file in ["report.html", "summary.md"] {
        let text = project.text(Path::new("evenly-out").join(file));
        assert!(text.contains("not proven"), "{text}");
    }
    assert!(!project.path(".evenly").exists(), "a history was written");
}

#[test]
fn the_exit_code_is_the_verdict() {
    let failing = two_shards(&bad("b"));
    failing.evenly(&["merge", GLOB]).exits(1).says("`junit:c::b` failed, `shard-2/junit.xml`");
    let torn = two_shards("").file("shard-2/junit.xml", "<testsuite><testcase name='x'/>");
    torn.evenly(&["merge", GLOB]).exits(5).says("`shard-2/junit.xml` ends too early");
    assert_eq!(kinds(&torn.report(), "problems"), ["torn-junit"]);
    assert_eq!(torn.report()["totals"]["tests"], 2, "what is whole is kept");
    for empty in ["", "\n", "no xml", "<html></html>"] {
        let project = two_shards("").file("shard-2/junit.xml", empty);
        project.evenly(&["merge", GLOB]).exits(5).says("`shard-2/junit.xml` cannot be read");
    }
    let nothing = Project::new("").file("a.xml", suite("s", ""));
    nothing.evenly(&["merge", "a.xml"]).exits(4).says("nothing ran");
    nothing.evenly(&["merge", "*.xml", "--out", "a.xml"]).exits(3);
    nothing.evenly(&["merge", "b-*.xml"]).exits(2).warns("nor a glob that matches one");
    fs::remove_file(nothing.path("a.xml")).unwrap();
    nothing.evenly(&["merge", "."]).exits(2).warns("no journal and no JUnit file");
}

#[test]
fn only_the_reports_that_are_asked_for_are_written() {
    let project = two_shards(&good("b"));
    project.evenly(&["merge", GLOB, "--outputs", "junit,summary", "--out", "o"]).exits(0);
    let names = fs::read_dir(project.path("o")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["junit.xml", "summary.md"]);
    project.evenly(&["merge", GLOB, "--outputs", "pdf"]).exits(2).warns("html");
}

#[test]
fn a_directory_is_searched_for_junit_files_where_it_holds_no_journal() {
    let project = two_shards(&good("b")).file("shard-2/coverage.xml", "<coverage/>");
    project.evenly(&["merge", "shard-1", "shard-2"]).exits(0).says("`coverage`; passed over");
    assert_eq!(project.report()["totals"]["tests"], 2);
}

#[test]
fn what_a_merge_wrote_is_not_merged_again() {
    let project = two_shards(&good("b"));
    for _ in 0..2 {
        project.evenly(&["merge", "**/*.xml"]).exits(0);
        assert_eq!(project.report()["totals"]["tests"], 2);
        assert_eq!(project.report()["files"].as_array().unwrap().len(), 2);
    }
    project.evenly(&["merge", "./**/*.xml"]).exits(0).warns("`evenly-out/junit.xml` is what this");
}

#[test]
fn journals_and_junit_files_of_other_tools_are_merged_together() {
    let project = Project::new(SHELL_SUITE)
        .file("t/a.sh", "")
        .file("t/b.sh", "")
        .file("other/junit.xml", suite("jest", &good("renders")));
    project.evenly(&["run"]).exits(0);
    // The shard's own JUnit file tells what its journal tells.
    let ran = project.evenly(&["merge", "evenly-out", "**/*.xml"]).exits(0);
    let line =
        "✓ green: 3 tests, none failed; 2 planned groups ran exactly once; 1 test without a plan";
    assert_eq!(ran.stdout.lines().last(), Some(line), "{ran}");
    let report = project.report();
    assert_eq!(kinds(&report, "notes"), ["unproven", "own-junit"]);
    let history = project.text(".evenly/history.jsonl");
    assert!(history.contains("sh:t/a.sh") && !history.contains("renders"), "{history}");
    fs::write(project.path("other/junit.xml"), suite("jest", &bad("renders"))).unwrap();
    project.evenly(&["merge", "evenly-out", "other"]).exits(1);
    fs::remove_file(project.path("evenly-out/shard-1-of-1.attempt-1.jsonl")).unwrap();
    // Alone, evenly's own file is a JUnit file like any other.
    project.evenly(&["merge", "evenly-out/shard-1-of-1.attempt-1.junit.xml"]).exits(0);
    assert_eq!(project.report()["totals"]["tests"], 2);
}

#[test]
fn a_test_in_several_files_is_understood_as_one_says() {
    let project = two_shards(&bad("a"));
    let totals = |how: &str, exit: i32| {
        project.evenly(&["merge", GLOB, "--repeated", how]).exits(exit);
        let report = project.report();
        ["tests", "failed", "flaky"].map(|key| report["totals"][key].as_u64().unwrap())
    };
    assert_eq!(totals("worst", 1), [1, 1, 0]);
    assert_eq!(totals("retry", 1), [1, 1, 0]);
    assert_eq!(totals("apart", 1), [2, 1, 0]);
    fs::write(project.path("shard-1/deep/junit.xml"), suite("pytest", &bad("a"))).unwrap();
    fs::write(project.path("shard-2/junit.xml"), suite("pytest", &good("a"))).unwrap();
    assert_eq!(totals("retry", 0), [1, 0, 1]);
    assert!(project.text("evenly-out/junit.xml").contains("<flakyFailure message=\"no\""));
    assert_eq!(totals("worst", 1), [1, 1, 0]);
}

#[test]
fn names_are_no_paths_and_no_markup() {
    let name = "../../escape&lt;script&gt;&#27;[31m\u{202e}";
    let case = format!(
        "<testcase classname='{name}' name='/etc/{name}' file='{name}'><error/></testcase>"
    );
    let project = Project::new("").file("in/a.xml", suite(name, &case));
    project.evenly(&["merge", "in/a.xml", "--out", "in/out"]).exits(1);
    let mut all: Vec<_> = fs::read_dir(project.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    assert_eq!(all, ["evenly.toml", "in"], "something was written elsewhere");
    let page = project.text("in/out/report.html");
    assert!(!page.contains("escape<script>") && page.contains("escape"), "{page}");
}

#[test]
fn what_tests_recorded_is_passed_on_and_is_no_markup() {
    let recorded = "<testcase classname='c' name='a'><properties>\
                    <property name='owner' value='cart'/><property name='owner'>shop</property>\
                    <property name='&quot;/>&lt;x' value='&quot;&#10;&#27;[31m&amp;lt;'/>\
                    </properties><system-out>left out</system-out></testcase>";
    let project = Project::new("")
        .file("plain.xml", suite("jest", &good("b")))
        .file("recorded.xml", suite("jest", &format!("{recorded}{}", good("b"))));
    project.evenly(&["merge", "recorded.xml"]).exits(0);
    let junit = project.text("evenly-out/junit.xml");
    let expected = r#"
        <testcase name="a" classname="c" time="0.000">
            <properties>
                <property name="owner" value="cart"/>
                <property name="owner" value="shop"/>
                <property name="&quot;/&gt;&lt;x" value="&quot;&#10;&amp;lt;"/>
            </properties>
        </testcase>
        <testcase name="b" classname="c" time="0.250"/>
"#;
    assert!(junit.contains(expected), "{junit}");
    let report = project.report();
    assert_eq!(report["tests"][0]["properties"][1], json!({"name": "owner", "value": "shop"}));
    assert_eq!(report["tests"][0]["properties"][2]["value"], "\"\n\u{1b}[31m&lt;");
    assert_eq!(report["tests"][1].get("properties"), None);
    project.evenly(&["merge", "plain.xml"]).exits(0);
    assert!(!project.text("evenly-out/junit.xml").contains("propert"));
    assert!(!project.text("evenly-out/report.json").contains("propert"));
}

/// Counts the cases of files as junitparser sees them.
const JUNITPARSER: &str = r"
import json, sys
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite
counted = dict(tests=0, failed=0, errored=0, skipped=0)
kinds = [(Error, 'errored'), (Failure, 'failed'), (Skipped, 'skipped')]
def count(suite):
    for inner in suite.testsuites() if isinstance(suite, TestSuite) else []:
        count(inner)
    for case in suite:
        counted['tests'] += 1
        found = [key for kind, key in kinds if any(isinstance(r, kind) for r in case.result)]
        for key in found[:1]:
            counted[key] += 1
for path in sys.argv[1:]:
    xml = JUnitXml.fromfile(path)
    for suite in [xml] if isinstance(xml, TestSuite) else xml:
        count(suite)
print(json.dumps(counted))
";

/// Files of many tools that junitparser reads as they are meant.
const CORPUS: [&str; 8] = [
    "launchable/go_test__reportv2__reportv2.xml",
    "launchable/googletest__output_b.xml",
    "launchable/jest__junit.xml",
    "launchable/minitest__TEST-Admin_UserTest.xml",
    "launchable/playwright__report.xml",
    "launchable/pytest__report.xml",
    "launchable/rspec__rspec.xml",
    "launchable/vitest__report.xml",
];

#[test]
fn another_reader_counts_the_same_before_and_after() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/junit");
    let project = Project::new("");
    let files = CORPUS.map(|file| data.join(file).to_str().unwrap().to_owned());
    let paths: Vec<&str> = files.iter().map(String::as_str).collect();
    project.evenly(&[&["merge"], &*paths].concat()).exits(1);
    let count = |files: &[&str]| -> Value {
        let mut python = Command::new(Path::new(&venv).join("bin/python3"));
        let ran = Ran::of(&python.args(["-c", JUNITPARSER]).args(files).output().unwrap()).exits(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let merged = project.path("evenly-out/junit.xml");
    let totals = project.report()["totals"].clone();
    let expected = json!({
        "tests": totals["tests"], "failed": totals["failed"],
        "errored": totals["errored"], "skipped": totals["skipped"],
    });
    assert_eq!(count(&[merged.to_str().unwrap()]), expected);
    assert_eq!(count(&paths), expected);
}
