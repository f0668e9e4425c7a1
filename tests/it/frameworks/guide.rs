//! Every configuration of docs/guide/frameworks.md, run.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::{fixture, with_cargo, with_node};
use crate::support::{Project, junit, tool};

const GUIDE: &str = include_str!("../../../docs/guide/frameworks.md");

/// The `toml` blocks below a heading.
fn blocks(heading: &str) -> Vec<&'static str> {
    let start = format!("\n## {heading}\n");
    let section = GUIDE.split_once(&start).unwrap().1.split("\n## ").next().unwrap();
    section.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// Runs a project in two shards and checks how many tests it has and how many groups.
#[track_caller]
fn has(project: &Project, tests: usize, groups: usize) {
    let report = project.report();
    assert_eq!(report["totals"]["tests"], tests);
    assert_eq!(report["ledger"]["planned"], groups);
    assert_ne!(report["verdict"], "incomplete", "{}", report["ledger"]);
}

#[test]
fn every_block_is_of_a_framework_tested_here() {
    let tested = ["django", "trial", "unittest", "pytest", "nextest", "jest", "command"];
    let count: usize = tested.into_iter().map(|heading| blocks(heading).len()).sum();
    assert_eq!(count, GUIDE.matches("```toml\n").count());
}

#[test]
fn django() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let project = Project::new(blocks("django")[0]).copy(&fixture("django"));
    symlink(PathBuf::from(venv), project.path(".venv")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(1);
    assert_ne!(project.report()["verdict"], "incomplete", "{}", project.report()["ledger"]);
}

#[test]
fn trial() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let test = "from twisted.trial import unittest\n\nclass A(unittest.TestCase):\n    \
                def test_a(self): pass\n";
    let project = Project::new(blocks("trial")[0])
        .file("net/__init__.py", "")
        .file("net/test_a.py", test)
        .file("net/test_b.py", test);
    symlink(PathBuf::from(venv), project.path(".venv")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    has(&project, 2, 2);
}

#[test]
fn pytest() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let project = Project::new(blocks("pytest")[0]).copy(&fixture("pytest"));
    symlink(PathBuf::from(venv), project.path(".venv")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(1);
    // One file has all tests but one: it is planned in two parts.
    has(&project, 19, 3);
}

#[test]
fn unittest() {
    let project = Project::new(blocks("unittest")[0]).copy(&fixture("unittest"));
    project.evenly(&["local", "--shards", "2"]).exits(1);
    has(&project, 21, 4);
}

#[test]
fn nextest() {
    if tool("EVENLY_TEST_VENV").is_none() {
        return;
    }
    let project = Project::new(blocks("nextest")[0]).copy(&fixture("nextest"));
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(1);
    has(&project, 5, 2);
}

#[test]
fn jest() {
    let project = Project::new(blocks("jest")[0]).copy(&fixture("jest"));
    let Some(project) = with_node(project) else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1);
    has(&project, 10, 2);
}

#[test]
fn command_by_exit_status() {
    let project = Project::new(blocks("command")[0]).file("tests/a.sh", "").file("tests/b.sh", "");
    project.evenly(&["local", "--shards", "2"]).exits(0);
    has(&project, 2, 2);
}

#[test]
fn command_by_junit() {
    let written = junit("c", &["x", "y"], &[]);
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --list ]; then printf 'one\\ntwo\\n'; exit; fi\n\
         cat > \"$2\" <<'END'\n{written}\nEND\n"
    );
    let project = Project::new(blocks("command")[1]).file("run-tests", script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("run-tests"), executable).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    has(&project, 4, 2);
}
