//! pytest-django: its databases are evenly's clones, and no worker migrates.

use serde_json::json;

use super::{Version, fixture, plainly_with, project, reported, same};
use crate::support::Project;
use crate::support::postgres::{ADMIN, servers};

/// The fixture project on these databases, with more keys for its suite.
fn on(databases: &serde_json::Value, more: &str) -> Option<Project> {
    let text = databases.to_string().replace('"', "\\\"");
    let more = format!("env = {{ DATABASES = \"{text}\" }}\n{more}");
    Some(project(&more)?.copy(&fixture("warm/pytest_django")))
}

fn sqlite(test: &serde_json::Value) -> serde_json::Value {
    json!({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "own.sqlite3", "TEST": test}})
}

/// Two shards come to what pytest-django says itself, and migrations ran for one template alone.
#[track_caller]
fn is_as_plain(databases: &serde_json::Value, more: &str) {
    let Some(project) = on(databases, more) else { return };
    let text = databases.to_string();
    let plain = plainly_with(&project, Version::Nine, &[], &[("DATABASES", &text)]);
    std::fs::remove_file(project.path("migrated")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let found = reported(&project);
    same(&found, &plain);
    assert_eq!(plain.values().filter(|outcome| *outcome == "failed").count(), 1, "{plain:#?}");
    assert_eq!(project.text("migrated"), "default\n");
    assert!(!project.path("own.sqlite3").exists());
}

#[test]
fn a_file_of_sqlite() {
    is_as_plain(&sqlite(&json!({"NAME": "test.sqlite3"})), "");
}

#[test]
fn sqlite_in_memory() {
    is_as_plain(&sqlite(&json!({})), "");
}

#[test]
fn without_migrations_and_in_single_tests() {
    let Some(project) =
        on(&sqlite(&json!({})), "args = [\"--nomigrations\"]\ngranularity = \"test\"")
    else {
        return;
    };
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let found = reported(&project);
    assert_eq!(found["tests/test_admin.py::test_admin"], "passed", "{found:#?}");
    assert!(!project.path("migrated").exists());
}

#[test]
fn postgres() {
    let url = servers()[0].url(ADMIN, "NAME");
    let databases = django_of(&url);
    is_as_plain(&databases, "");
    is_as_plain(&databases, "processes = \"separate\"");
}

/// A URL as Django's settings.
fn django_of(url: &str) -> serde_json::Value {
    let (head, query) = url.split_once('?').unwrap_or((url, ""));
    let rest = head.split_once("://").unwrap().1;
    let (login, place) = rest.split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let host_port = place.split_once('/').unwrap().0;
    let (host, port) = host_port.split_once(':').unwrap_or((host_port, ""));
    let socket = query.split('&').find_map(|pair| pair.strip_prefix("host="));
    json!({"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": "pytest_django", "USER": user,
        "PASSWORD": password, "HOST": socket.unwrap_or(host), "PORT": port,
    }})
}
