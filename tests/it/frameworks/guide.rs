//! Every configuration and command of the frameworks' pages, run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use evenly::framework::Preset;

use super::{fixture, has_program, plainly, with_cargo, with_node};
use crate::support::{Evenly, Project, junit, tool};

/// The index, which also has what is not on a page of its own.
const INDEX: &str = include_str!("../../../docs/guide/frameworks.md");

/// Those that the documents call unproved.
const UNPROVED: [&str; 3] = ["cypress", "dotnet", "pest"];

/// The page of a framework.
fn page(framework: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    let page = std::fs::read_to_string(path.join(format!("{framework}.md")));
    page.unwrap_or_else(|_| {
        let start = format!("\n## {framework}\n");
        INDEX.split_once(&start).unwrap().1.split("\n## ").next().unwrap().to_owned()
    })
}

fn blocks_of(text: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let after = text.split(&start).skip(1);
    after.map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

/// The `toml` blocks of a framework's page.
fn blocks(framework: &str) -> Vec<String> {
    blocks_of(&page(framework), "toml")
}

/// Runs every command of a framework's page in the project. Their exit status is the tests'.
#[track_caller]
fn types(project: &Project, framework: &str, around: impl Fn(Evenly) -> Evenly) {
    let commands = blocks_of(&page(framework), "sh").concat();
    assert!(!commands.is_empty(), "{framework}: its page has no command");
    for line in commands.lines() {
        let words = shlex::split(line).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words[0], "evenly", "{line}");
        around(project.evenly(&words[1..])).exits(1);
    }
    assert_eq!(project.report()["verdict"], "failed", "{}", project.report()["ledger"]);
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
fn every_preset_has_a_page_and_says_with_what_it_was_tried() {
    for name in Preset::names() {
        let preset = Preset::named(&name).unwrap();
        let row = INDEX.lines().find(|line| line.starts_with(&format!("| [`{name}`](")));
        let row = row.unwrap_or_else(|| panic!("the index has no row for {name}"));
        let unproved = UNPROVED.contains(&&*name);
        assert_eq!(preset.proved.is_empty(), unproved, "{name}: {}", preset.proved);
        assert_eq!(row.ends_with("| unproved |"), unproved, "{row}");
        assert_eq!(page(&name).contains("**Unproved:**"), unproved, "{name}");
        assert!(!blocks(&name).is_empty(), "{name}: no example");
    }
}

/// The pages whose fixture has all that their example needs.
#[test]
fn each_page_is_true_as_it_is_typed() {
    for (framework, program) in [
        ("rspec", "rspec"),
        ("minitest", "ruby"),
        ("phpunit", "phpunit"),
        ("go", "go"),
        ("maven", "mvn"),
        ("exunit", "elixir"),
        ("bats", "bats"),
    ] {
        let Some(()) = has_program(program) else { continue };
        let project = Project::new(&blocks(framework)[0]).copy(&fixture(framework));
        types(&project, framework, |evenly| evenly);
    }
    for framework in ["jest", "vitest", "mocha", "playwright"] {
        let project = Project::new(&blocks(framework)[0]).copy(&fixture(framework));
        let Some(project) = with_node(project) else { continue };
        types(&project, framework, |evenly| evenly);
    }
    if has_program("ctest").is_some() {
        let project = Project::new(&blocks("ctest")[0]).copy(&fixture("ctest"));
        plainly(&project, &["cmake", "-B", "build"]).exits(0);
        types(&project, "ctest", |evenly| evenly);
    }
    if has_program("gradle").is_some() {
        let project = Project::new(&blocks("gradle")[0]).copy(&fixture("maven"));
        types(&project.copy(&fixture("gradle")), "gradle", |evenly| evenly);
    }
    let project = Project::new(&blocks("cargo-test")[0]).copy(&fixture("nextest"));
    types(&project, "cargo-test", with_cargo);
    let project = Project::new(&blocks("unittest")[0]).copy(&fixture("unittest"));
    types(&project, "unittest", |evenly| evenly);
}

#[test]
fn django() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let project = Project::new(&blocks("django")[0]).copy(&fixture("django"));
    symlink(PathBuf::from(venv), project.path(".venv")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(1);
    assert_ne!(project.report()["verdict"], "incomplete", "{}", project.report()["ledger"]);
}

#[test]
fn trial() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let test = "from twisted.trial import unittest\n\nclass A(unittest.TestCase):\n    \
                def test_a(self): pass\n";
    let project = Project::new(&blocks("trial")[0])
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
    // The fixture has no mark `slow`.
    let config = blocks("pytest")[0].replace(", \"-m\", \"not slow\"", "");
    let project = Project::new(&config).copy(&fixture("pytest"));
    symlink(PathBuf::from(venv), project.path(".venv")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(1);
    // One file has all tests but one: it is planned in two parts.
    has(&project, 19, 3);
}

#[test]
fn nextest() {
    if tool("EVENLY_TEST_VENV").is_none() {
        return;
    }
    let project = Project::new(&blocks("nextest")[0]).copy(&fixture("nextest"));
    types(&project, "nextest", with_cargo);
    has(&project, 5, 2);
}

#[test]
fn command_by_exit_status() {
    let project = Project::new(&blocks("command")[0]).file("tests/a.sh", "").file("tests/b.sh", "");
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
    let project = Project::new(&blocks("command")[1]).file("run-tests", script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("run-tests"), executable).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    has(&project, 4, 2);
}
