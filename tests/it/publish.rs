//! Publishing: one comment, checks, summaries; what goes wrong on the way; tokens that stay hidden.

mod checks;
mod comments;
mod from_forks;
mod gitlab;
mod real;
mod secrets;
mod tls;
mod trouble;

use std::path::Path;

use serde_json::json;

use crate::support::github::{APP, GitHub, HEAD};
use crate::support::{Evenly, JUNIT_SUITE, Project, junit, writes};

/// A project whose journals are in `out`, with GitHub's event file for pull request 12.
fn ran(passing: &[&str], failing: &[&str]) -> Project {
    ran_with(&junit("shop.cart", passing, failing), i32::from(!failing.is_empty()))
}

fn ran_with(xml: &str, status: i32) -> Project {
    let head = json!({"sha": HEAD, "repo": {"full_name": "o/r"}});
    let event = json!({
        "repository": {"full_name": "o/r"}, "pull_request": {"number": 12, "head": head},
    });
    let project = Project::new(JUNIT_SUITE)
        .file("t/a.sh", writes(xml, status))
        .file("event.json", event.to_string());
    project.evenly(&["run", "--out", "out"]).exits(status);
    project
}

/// Another run of the same project, in which other tests fail.
fn ran_again(project: &Project, passing: &[&str], failing: &[&str]) {
    let status = i32::from(!failing.is_empty());
    project.write("t/a.sh", writes(&junit("shop.cart", passing, failing), status));
    std::fs::remove_dir_all(project.path("out")).unwrap();
    project.evenly(&["run", "--out", "out"]).exits(status);
}

/// A step of a GitHub workflow for pull request 12, with a token.
fn on_github(evenly: Evenly, project: &Project, api: &str, token: &str) -> Evenly {
    evenly
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_API_URL", api)
        .env("GITHUB_REPOSITORY", "o/r")
        .env("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567")
        .env("GITHUB_RUN_ID", "40")
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_REF", "refs/pull/12/merge")
        .env("GITHUB_EVENT_PATH", project.path("event.json"))
        .env("GITHUB_WORKSPACE", project.path(""))
        .env("GITHUB_TOKEN", token)
}

/// `evenly merge` as such a step.
fn merge(project: &Project, github: &GitHub, args: &[&str]) -> Evenly {
    merge_with(project, &github.server.url(), APP, args)
}

fn merge_with(project: &Project, api: &str, token: &str, args: &[&str]) -> Evenly {
    let all = [&["merge", "out", "--history", "none", "--comment"], args].concat();
    on_github(project.evenly(&all), project, api, token)
}

/// What is in every file below a directory.
fn everything_below(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_below(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}
