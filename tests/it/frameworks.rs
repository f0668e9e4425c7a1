//! Every preset with its real tool: the fixture projects against a model of what they must come
//! to, projects made to go wrong, and real packages' own suites.

mod compiled;
mod django;
mod guide;
mod jest;
mod jvm;
mod missing;
mod native;
mod nextest;
mod node;
mod pytest;
mod real;
mod ruby;
mod side_by_side;
mod trial;
mod unittest;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use evenly::junit::read as junit;
use evenly::model::Outcome;
use serde_json::Value;

use crate::support::{Evenly, Project, Ran, tool};

/// Outcomes by name.
type Outcomes = BTreeMap<String, String>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The interpreter that has pytest.
fn python() -> Option<String> {
    let venv = PathBuf::from(tool("EVENLY_TEST_VENV")?);
    Some(venv.join("bin/python").to_str().unwrap().to_owned())
}

/// A configuration of one suite, called `s`.
fn suite(framework: &str, more: &str) -> String {
    format!("[run]\nworkers = 2\n\n[[suite]]\nname = \"s\"\nframework = \"{framework}\"\n{more}\n")
}

/// Whether a program of the machine is there, which `tests/run` installs; in CI it must be.
fn has_program(name: &str) -> Option<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "there is no `{name}`: run `tests/run`");
        let said = format!("SKIPPED: there is no `{name}`; `tests/run` installs it\n");
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
    }
    found.then_some(())
}

/// Packages of go's own library, as a module.
pub(crate) fn with_gos_library(project: Project) -> Option<Project> {
    has_program("go")?;
    let project = project.file("go.mod", "module example.com/std\n\ngo 1.18\n");
    let copy = "from=$(go env GOROOT)/src\nfor package in container text/tabwriter encoding/csv; \
                do\nmkdir -p \"$package\" && cp -rL \"$from/$package/.\" \"$package\"\ndone";
    project.bash(copy).exits(0);
    Some(project)
}

/// Makes the tools of npm the project's own.
fn with_node(project: Project) -> Option<Project> {
    let node = PathBuf::from(tool("EVENLY_TEST_NODE")?);
    symlink(node.join("node_modules"), project.path("node_modules")).unwrap();
    Some(project)
}

/// `PATH` with cargo's subcommands that `tests/run` installed; cargo stays off the network.
fn with_cargo(evenly: Evenly) -> Evenly {
    let mut path = OsString::new();
    if let Some(venv) = std::env::var_os("EVENLY_TEST_VENV") {
        path.push(Path::new(&venv).join("bin"));
        path.push(":");
    }
    path.push(std::env::var_os("PATH").unwrap_or_default());
    evenly.env("PATH", path).env("CARGO_NET_OFFLINE", "true")
}

/// Runs the framework itself in the project, as its users do; its exit status is its own matter.
fn plainly(project: &Project, argv: &[&str]) -> Ran {
    let run = project.evenly(&[]).into_command();
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).current_dir(project.path("")).env_clear().stdin(Stdio::null());
    for (key, value) in run.get_envs() {
        command.envs(value.map(|value| (key, value)));
    }
    Ran::of(&command.output().unwrap())
}

/// What the merged report says of every test, without the suite's name.
fn reported(project: &Project) -> Outcomes {
    let report = project.report();
    let tests = report["tests"].as_array().unwrap();
    let outcome = |test: &Value| {
        let id = test["id"].as_str().unwrap().strip_prefix("s:").unwrap();
        (id.to_owned(), test["outcome"].as_str().unwrap().to_owned())
    };
    tests.iter().map(outcome).collect()
}

/// `class::name` of every case of a JUnit file, and the worst that it says of it.
fn cases(xml: &str) -> Outcomes {
    let document = junit::read(xml.as_bytes(), &junit::Limits::default());
    assert_eq!(document.broken, None);
    let mut worst: BTreeMap<String, Outcome> = BTreeMap::new();
    for case in &document.cases {
        let known = worst.entry(format!("{}::{}", case.class, case.name)).or_insert(case.outcome);
        *known = case.outcome.max(*known);
    }
    let word = |outcome| match outcome {
        Outcome::Skipped => "skipped",
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "errored",
    };
    worst.into_iter().map(|(name, outcome)| (name, word(outcome).to_owned())).collect()
}

/// Lines of an outcome and names, as the models below are written.
fn model(text: &str) -> Outcomes {
    let line = |line: &str| {
        let (outcome, name) = line.split_once(' ').unwrap();
        (name.to_owned(), outcome.to_owned())
    };
    text.lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// A test's name as evenly has it where others of one group may have the same.
fn numbered(copies: &mut BTreeMap<String, u32>, name: String) -> String {
    let copy = copies.entry(name.clone()).or_default();
    *copy += 1;
    if *copy == 1 { name } else { format!("{name} #{copy}") }
}

/// How often each line stands in a file that tests append to.
fn executions(project: &Project, file: &str) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for line in project.text(file).lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(expected: [(&str, u32); N]) -> BTreeMap<String, u32> {
    expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The outcome of one test.
#[track_caller]
fn outcome(project: &Project, test: &str) -> String {
    let all = reported(project);
    all.get(test).unwrap_or_else(|| panic!("no `{test}` in {all:#?}")).clone()
}
