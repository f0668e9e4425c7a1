//! Django in warm workers: the fixture project against `manage.py test`, and what is refused.

use std::process::Command;

use crate::support::{Project, tool};

const PARITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/warm_django/parity.py");

/// Runs a class of `parity.py`, which plays evenly.
#[track_caller]
fn check(class: &str) {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let bare = Project::new("").evenly(&[]).into_command();
    let mut command = Command::new(format!("{}/bin/python", venv.to_str().unwrap()));
    command.args(["-B", PARITY, class]).env_clear();
    for (key, value) in bare.get_envs() {
        command.envs(value.map(|value| (key, value)));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("\nOK\n"), "{said}");
}

#[test]
fn results_are_those_of_a_plain_run() {
    check("Parity");
}

#[test]
fn groups_and_databases_are_listed() {
    check("Listed");
}

#[test]
fn what_cannot_run_is_refused_with_a_reason() {
    check("Refusals");
}

#[test]
fn what_tests_must_not_do_costs_themselves_alone() {
    check("Hostile");
}
