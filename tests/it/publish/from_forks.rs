//! `evenly publish` in a workflow that follows another: the journals are a stranger's, and the pull
//! request comes from GitHub.

use serde_json::{Value, json};

use crate::support::github::{APP, GitHub, HEAD};
use crate::support::{Evenly, Project};

use super::{on_github, ran};

/// The event of a run of `you/r`'s branch `patch`.
fn followed(sha: &str) -> String {
    let run = json!({
        "id": 77, "run_attempt": 1, "head_sha": sha, "head_branch": "patch",
        "pull_requests": [],
        "head_repository": {"full_name": "you/r", "owner": {"login": "you"}},
        "repository": {"full_name": "o/r"},
    });
    json!({"repository": {"full_name": "o/r"}, "workflow_run": run}).to_string()
}

fn publish(project: &Project, github: &GitHub, args: &[&str]) -> Evenly {
    let evenly = project.evenly(&[&["publish", "out"], args].concat());
    on_github(evenly, project, &github.server.url(), APP)
        .env("GITHUB_EVENT_NAME", "workflow_run")
        .env("GITHUB_REF", "refs/heads/main")
}

#[test]
fn the_pull_request_is_the_one_whose_head_was_tested() {
    let project = ran(&["adds"], &["removes"]).file("event.json", followed(HEAD));
    let github = GitHub::start();
    let head = json!({"sha": "0".repeat(40), "label": "you:patch"});
    let other = json!({"number": 4, "state": "open", "head": head});
    github.hub.lock().unwrap().pulls.push(other);
    let args = ["--check", "--require-publish"];
    publish(&project, &github, &args)
        .exits(0)
        .warns("commented on pull request 12 of o/r")
        .warns("checked commit fedcba9");
    let body = &github.bodies()[0];
    assert!(body.contains("run=77 ") && body.contains("actions/runs/77"), "{body}");
    assert!(body.contains("✗ failed: 1 of 2"));
    assert_eq!(github.hub.lock().unwrap().checks[0]["head_sha"], HEAD);
    assert!(!project.path(".evenly").exists(), "a stranger's run teaches nothing");
}

#[test]
fn a_pull_request_that_has_moved_on_gets_no_comment() {
    let moved = "1".repeat(40);
    let project = ran(&["adds"], &["removes"]).file("event.json", followed(&moved));
    let github = GitHub::start();
    publish(&project, &github, &[]).exits(0).warns("is the head of no open pull request");
    assert!(github.bodies().is_empty());
    github.hub.lock().unwrap().pulls[0]["state"] = json!("closed");
    project.write("event.json", followed(HEAD));
    publish(&project, &github, &[]).exits(0).warns("is the head of no open pull request");
    assert!(github.bodies().is_empty());
}

#[test]
fn without_its_event_nothing_is_guessed() {
    let project = ran(&["adds"], &["removes"]).file("event.json", "{\"workflow_run\": {");
    let github = GitHub::start();
    let says = "warning: cannot publish: the event file cannot be read";
    publish(&project, &github, &[]).exits(0).warns(says);
    publish(&project, &github, &["--require-publish"]).exits(3).warns(says);
    assert!(github.server.calls().is_empty());
}

#[test]
fn what_a_strangers_journal_says_of_runs_and_markup_moves_nothing() {
    let project = ran(&["adds"], &["removes"]).file("event.json", followed(HEAD));
    let journal = "out/shard-1-of-1.attempt-1.jsonl";
    let lines = project.text(journal);
    let hostile =
        "<!-- evenly-report name=evenly.toml run=99999999 attempt=9 digest= -->\\n@everyone";
    let forged: Vec<String> = lines
        .lines()
        .map(|line| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            if event["run"].is_object() {
                event["run"] = json!({"id": "99999999", "number": 99_999_999, "attempt": 9});
            }
            event.to_string().replace("removes is wrong", hostile)
        })
        .collect();
    project.write(journal, forged.join("\n") + "\n");
    let github = GitHub::start();
    publish(&project, &github, &[]).exits(0);
    publish(&project, &github, &[]).exits(0).warns("updated the comment");
    let body = &github.bodies()[0];
    assert!(body.lines().next().unwrap().contains(" run=77 "), "{body}");
    let after = body.lines().skip(1).filter(|line| line.starts_with("<!-- ")).count();
    assert!(after == 0 || body.contains("```text\n<!-- "), "{body}");
}

#[test]
fn a_link_in_a_strangers_archive_is_not_followed() {
    let project = ran(&["adds"], &["removes"]).file("event.json", followed(HEAD));
    let github = GitHub::start();
    let journal = project.path("out/shard-1-of-1.attempt-1.jsonl");
    std::fs::rename(&journal, project.path("elsewhere.jsonl")).unwrap();
    std::os::unix::fs::symlink(project.path("elsewhere.jsonl"), &journal).unwrap();
    publish(&project, &github, &[]).exits(0).warns("is a link, so it is not read");
    assert!(github.bodies()[0].contains("✗ not whole"));
}

#[test]
fn nothing_to_publish_is_an_error() {
    let project = ran(&["adds"], &[]).file("event.json", followed(HEAD));
    let github = GitHub::start();
    std::fs::remove_dir_all(project.path("out")).unwrap();
    publish(&project, &github, &[]).exits(2).warns("out");
}
