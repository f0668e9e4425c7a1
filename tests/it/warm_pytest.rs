//! pytest in warm workers: everything of pytest that a project may use against a plain run, and
//! what must cost no test.

mod asked;
mod databases;
mod guide;
mod parity;
mod plugins;
mod real;
mod trouble;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Project, Ran, tool};

/// Outcomes by name.
type Outcomes = BTreeMap<String, String>;

const PLAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/warm_pytest/plain_pytest.py");

/// Which pytest runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// The one of `tests/requirements.txt`.
    Nine,
    /// The one of `tests/pytest8.txt`, put before it on Python's path.
    Eight,
}

/// The interpreter that has pytest and its plugins.
fn python() -> Option<String> {
    let venv = PathBuf::from(tool("EVENLY_TEST_VENV")?);
    Some(venv.join("bin/python").to_str().unwrap().to_owned())
}

/// What must be first on Python's path.
fn path_of(version: Version) -> Option<String> {
    match version {
        Version::Nine => Some(String::new()),
        Version::Eight => Some(tool("EVENLY_TEST_PYTEST8")?.to_str().unwrap().to_owned()),
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A project with a suite `s` of pytest's, and more keys for it.
fn project(more: &str) -> Option<Project> {
    let python = python()?;
    Some(Project::new(&format!(
        "[run]\nworkers = 2\n\n[[suite]]\nname = \"s\"\nframework = \"pytest\"\n\
         python = \"{python}\"\n{more}\n"
    )))
}

/// What a plain run comes to.
#[track_caller]
fn plainly(project: &Project, version: Version, args: &[&str]) -> Outcomes {
    plainly_with(project, version, args, &[])
}

/// The same, with variables.
#[track_caller]
fn plainly_with(
    project: &Project,
    version: Version,
    args: &[&str],
    env: &[(&str, &str)],
) -> Outcomes {
    let bare = project.evenly(&[]).into_command();
    let mut command = Command::new(python().unwrap());
    command.arg("-B").arg(PLAIN).args(args).current_dir(project.path(""));
    command.env_clear().stdin(Stdio::null());
    for (key, value) in bare.get_envs() {
        command.envs(value.map(|value| (key, value)));
    }
    command.env("PYTHONPATH", path_of(version).unwrap()).envs(env.iter().copied());
    let ran = Ran::of(&command.output().unwrap());
    let found = model(&ran.stdout);
    assert!(!found.is_empty(), "{ran}");
    found
}

/// Lines of an outcome and a name.
fn model(text: &str) -> Outcomes {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(outcome, name)| (name.to_owned(), outcome.to_owned())).collect()
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

/// The report's entry of a test.
#[track_caller]
fn entry(project: &Project, test: &str) -> Value {
    let report = project.report();
    let tests = report["tests"].as_array().unwrap().clone();
    let id = format!("s:{test}");
    let found = tests.into_iter().find(|known| known["id"] == id.as_str());
    found.unwrap_or_else(|| panic!("no `{test}`"))
}

/// Checks that two runs came to the same.
#[track_caller]
fn same(found: &Outcomes, plain: &Outcomes) {
    let differs: Vec<_> = found.iter().filter(|(id, what)| plain.get(*id) != Some(*what)).collect();
    assert!(differs.is_empty(), "not as pytest alone has it: {differs:#?}");
    let lost: Vec<_> = plain.keys().filter(|id| !found.contains_key(*id)).collect();
    assert!(lost.is_empty(), "lost: {lost:#?}");
}
