//! jest.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Outcomes, counts, executions, fixture, model, numbered, outcome, plainly, reported, suite,
    with_node,
};
use crate::support::Project;

/// What the fixture project comes to. jest-junit has no word for `todo`, and shows it as passed.
const MODEL: &str = r#"
passed tests/basket.test.js::basket › "quoted" <&> › passes
failed tests/basket.test.js::basket › "quoted" <&> › fails
failed tests/basket.test.js::basket › "quoted" <&> › breaks
skipped tests/basket.test.js::basket › "quoted" <&> › is skipped
passed tests/basket.test.js::basket › "quoted" <&> › is still to be written
passed tests/basket.test.js::basket › "quoted" <&> › parameter a b
passed tests/basket.test.js::basket › "quoted" <&> › parameter é
passed tests/basket.test.js::basket › "quoted" <&> › parameter $(exit 9)
passed tests/odd [1] $(name).test.js::passes outside any describe
"#;

fn project(more: &str) -> Option<Project> {
    with_node(Project::new(&suite("jest", more)))
}

/// What `jest --json` wrote, named as evenly names it: tests of one name are numbered.
pub(super) fn plain(project: &Project, file: &str) -> Outcomes {
    let base = project.path("").canonicalize().unwrap();
    let report = project.json(file);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found = Outcomes::new();
    let mut copies = BTreeMap::new();
    for file in report["testResults"].as_array().unwrap() {
        let path = text(&file["name"]);
        let path = path.strip_prefix(base.to_str().unwrap()).unwrap().trim_start_matches('/');
        for test in file["assertionResults"].as_array().unwrap() {
            let ancestors = test["ancestorTitles"].as_array().unwrap();
            let mut parts: Vec<String> = ancestors.iter().map(text).collect();
            parts.push(text(&test["title"]));
            let outcome = match test["status"].as_str().unwrap() {
                "pending" => "skipped",
                "todo" => "passed",
                other => other,
            };
            let name = format!("{path}::{}", parts.join(" › "));
            found.insert(numbered(&mut copies, name), outcome.to_owned());
        }
    }
    found
}

#[test]
fn the_fixture_comes_to_what_jest_says_itself() {
    let Some(project) = project("") else { return };
    let project = project.copy(&fixture("jest"));
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let mut expected = model(MODEL);
    let broken_line = "tests/basket.test.js::basket › \"quoted\" <&> › parameter new\nline";
    expected.insert(broken_line.to_owned(), "passed".to_owned());
    assert_eq!(reported(&project), expected);
    plainly(&project, &["npx", "--no", "--", "jest", "--json", "--outputFile=plain.json"]).exits(1);
    assert_eq!(reported(&project), plain(&project, "plain.json"));
}

#[test]
fn paths_choose_files_when_listing_and_do_not_widen_a_run() {
    let Some(project) = project("paths = [\"one\"]\nargs = [\"--roots\", \"tests\"]") else {
        return;
    };
    let project = project
        .copy(&fixture("jest"))
        .file("tests/one-a.test.js", "test('a', () => {});\n")
        .file("tests/one-b.test.js", "test('b', () => {});\n")
        .file("tests/two.test.js", "test('c', () => { throw 1; });\n");
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let expected = "passed tests/one-a.test.js::a\npassed tests/one-b.test.js::b\n";
    assert_eq!(reported(&project), model(expected));
    let shards = project.report()["shards"].clone();
    assert_eq!((&shards[0]["tests"], &shards[1]["tests"]), (&1.into(), &1.into()));
}

#[test]
fn a_file_that_cannot_be_imported_is_an_error_that_names_it() {
    let roots = "args = [\"--roots=<rootDir>/tests\", \"--roots=<rootDir>/broken\"]";
    let Some(project) = project(roots) else { return };
    let project = project.copy(&fixture("jest"));
    project.evenly(&["local", "--shards", "2"]).exits(1).says("no-such-module");
    let broken = "broken/import.test.js::Test suite failed to run";
    assert_eq!(outcome(&project, broken), "errored");
}

const FLAKY: &str = r#"
const fs = require("fs");

function once(name) {
  fs.appendFileSync("ran.txt", name + "\n");
  return fs.readFileSync("ran.txt", "utf8").split("\n").filter((l) => l === name).length === 1;
}

test("steady", () => { once("steady"); });
test("flaky", () => { if (once("flaky")) throw new Error("first"); });
"#;

#[test]
fn a_retry_runs_the_failed_file_again() {
    let Some(project) = project("retries = 1") else { return };
    let project = project
        .file("package.json", "{}")
        .file("a.test.js", FLAKY)
        .file("b.test.js", FLAKY.replace("ran.txt", "other.txt").replace("throw", "void"));
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(executions(&project, "ran.txt"), counts([("steady", 2), ("flaky", 2)]));
    assert_eq!(executions(&project, "other.txt"), counts([("steady", 1), ("flaky", 1)]));
    assert_eq!(outcome(&project, "a.test.js::flaky"), "flaky");
    assert_eq!(outcome(&project, "a.test.js::steady"), "passed");
}

#[test]
fn a_test_that_ends_its_process_breaks_its_own_group_alone() {
    let Some(project) = project("") else { return };
    let project = project
        .file("package.json", "{}")
        .file("dies.test.js", "test('dies', () => process.kill(process.pid, 'SIGKILL'));\n")
        .file("exits.test.js", "test('exits', () => process.exit(0));\n")
        .file("lives.test.js", "test('lives', () => {});\n");
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let expected = "errored [group] dies.test.js\nerrored [group] exits.test.js\n\
                    passed lives.test.js::lives\n";
    assert_eq!(reported(&project), model(expected));
}

#[test]
fn files_outside_the_directory_are_told_apart_in_one_command() {
    let Some(project) = project("dir = \"inner\"") else { return };
    let file = |name: &str| {
        format!("test('{name}', () => require('fs').appendFileSync('ran.txt', '{name}\\n'));\n")
    };
    let project = project
        .file("package.json", "{}")
        .file("inner/jest.config.js", "module.exports = { rootDir: '../outer' };\n")
        .file("outer/a.test.js", file("a"))
        .file("outer/b.test.js", file("b"));
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    assert_eq!(executions(&project, "inner/ran.txt"), counts([("a", 1), ("b", 1)]));
    assert_eq!(outcome(&project, "../outer/a.test.js::a"), "passed");
}

#[test]
fn bail_of_jest_does_not_hide_the_failure_that_it_stops_at() {
    let Some(project) = project("") else { return };
    let steady = |name: &str| format!("test('{name}', () => {{}});\n");
    let project = project
        .file("package.json", "{}")
        .file("jest.config.js", "module.exports = { bail: 1 };\n")
        .file("a.test.js", FLAKY)
        .file("b.test.js", steady("b"))
        .file("c.test.js", steady("c"));
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    assert_eq!(executions(&project, "ran.txt"), counts([("steady", 1), ("flaky", 1)]));
    assert_eq!(outcome(&project, "a.test.js::flaky"), "failed");
    assert_eq!(outcome(&project, "c.test.js::c"), "passed");
}
