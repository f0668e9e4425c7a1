//! Django in warm workers: the fixture project against `manage.py test`, and what is refused.

use std::process::Command;

use crate::support::mariadb::Mariadb;
use crate::support::postgres::{ADMIN, servers};
use crate::support::{Project, tool};

const PARITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/warm_django/parity.py");

/// Runs a class of `parity.py`, which plays evenly, with a variable.
#[track_caller]
fn check(class: &str, variable: Option<(&str, String)>) {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let bare = Project::new("").evenly(&[]).into_command();
    let mut command = Command::new(format!("{}/bin/python", venv.to_str().unwrap()));
    command.args(["-B", PARITY, class]).env_clear();
    for (key, value) in bare.get_envs() {
        command.envs(value.map(|value| (key, value)));
    }
    command.envs(variable);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("\nOK\n"), "{said}");
}

#[test]
fn results_are_those_of_a_plain_run() {
    check("Parity", None);
}

#[test]
fn groups_and_databases_are_listed() {
    check("Listed", None);
}

#[test]
fn what_cannot_run_is_refused_with_a_reason() {
    check("Refusals", None);
}

#[test]
fn what_tests_must_not_do_costs_themselves_alone() {
    check("Hostile", None);
}

#[test]
fn postgres_too_gives_the_results_of_a_plain_run() {
    check("OnPostgres", Some(("POSTGRES", servers()[0].url(ADMIN, "NAME"))));
}

#[test]
fn mariadb_too_gives_the_results_of_a_plain_run() {
    let server = Mariadb::shared();
    check("OnMariadb", Some(("MARIADB", server.url("root", "NAME"))));
}
