//! Our own workflow that uses the action on the quickstart, with a GitHub of our own to comment on.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{EVENLY, REPOSITORY, Repository};
use crate::support::github::{APP, GitHub, HEAD};
use crate::support::{Project, copy_dir};

/// The workflow, but for what installs Rust and builds evenly with it.
fn workflow(program: &Path) -> String {
    let path = Path::new(REPOSITORY).join(".github/workflows/dogfood.yml");
    let text = fs::read_to_string(path).unwrap();
    let rust = "      - name: Install Rust\n        run: rustup toolchain install 1.95 \
                --profile minimal && rustup default 1.95\n";
    let local = "version: local";
    assert!(text.contains(rust) && text.contains(local), "the workflow changed");
    text.replace(rust, "").replace(local, &format!("version: {}", program.display()))
}

/// The files that the workflow needs of this repository.
fn checkout(program: &Path) -> Project {
    let project = Project::new("");
    let root = Path::new(REPOSITORY);
    for folder in [".github/action", "docs/quickstart"] {
        copy_dir(&root.join(folder), &project.path(folder));
    }
    for file in ["action.yml", "Cargo.toml"] {
        fs::copy(root.join(file), project.path(file)).unwrap();
    }
    project.file(".github/workflows/dogfood.yml", workflow(program))
}

#[test]
fn our_own_workflow_plans_runs_three_shards_merges_and_comments_once() {
    // Without what is for debuggers, since jobs hand it on as an artifact.
    let kept = tempfile::tempdir().unwrap();
    let program = kept.path().join("evenly");
    let stripped = Command::new("strip").arg("-o").arg(&program).arg(EVENLY).status();
    assert!(stripped.unwrap().success());
    let Some(repository) = Repository::new(checkout(&program)) else { return };
    let github = GitHub::start();
    let head = json!({"sha": HEAD, "ref": "patch", "repo": {"full_name": "o/r"}});
    let event = json!({
        "repository": {"full_name": "o/r"},
        "pull_request": {"number": 12, "head": head, "base": {"ref": "main"}},
    });
    let files = [("event.json", event.to_string()), ("secrets", format!("GITHUB_TOKEN={APP}\n"))];
    let [event, secrets] = files.map(|(name, text)| {
        let path = kept.path().join(name);
        fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    });
    let api = format!("GITHUB_API_URL={}", github.server.url());
    let graphql = format!("GITHUB_GRAPHQL_URL={}/graphql", github.server.url());
    for run in ["7", "8"] {
        let id = format!("GITHUB_RUN_ID={run}");
        let attempt = "GITHUB_RUN_ATTEMPT=1";
        let env = [&api, &graphql, &id, attempt].map(|value| ["--env", value]).concat();
        let ran = repository.run(&[&["-e", &event, "--secret-file", &secrets], &env[..]].concat());
        let ran = ran.exits(0).says("43 tests, every one ran exactly once").lacks(APP);
        let bodies = github.bodies();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let marker = format!("name=docs/quickstart/evenly.toml run={run} attempt=1");
        assert!(bodies[0].contains(&marker) && bodies[0].contains("43 tests"), "{bodies:?}\n{ran}");
    }
    let hub = github.hub.lock().unwrap();
    assert!(hub.checks.iter().any(|check| check["conclusion"] == "success"), "{:?}", hub.checks);
}
