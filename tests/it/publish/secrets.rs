//! Tokens: in no output, no file, no error and no child.

use serde_json::json;

use crate::support::github::{APP, GitHub, READER};
use crate::support::gitlab::{GitLab, JOB, PROJECT};
use crate::support::http::{Reply, Server};
use crate::support::{Project, Ran, SHELL_SUITE};

use super::{everything_below, merge_with, ran};

/// Looks for a token in what was printed and in every file of the project.
#[track_caller]
fn is_nowhere(token: &str, ran: &Ran, project: &Project) {
    assert!(!ran.stdout.contains(token) && !ran.stderr.contains(token), "{ran}");
    for (name, bytes) in everything_below(&project.path("")) {
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "`{name}` holds the token");
    }
}

#[test]
fn a_token_is_in_no_output_and_no_file() {
    let project = ran(&["adds"], &["removes"]);
    let github = GitHub::start();
    for token in [APP, READER] {
        let args = ["always", "--check", "--out", "reports"];
        let ran = merge_with(&project, &github.server.url(), token, &args)
            .env("GITHUB_STEP_SUMMARY", project.path("summary"))
            .exits(1);
        is_nowhere(token, &ran, &project);
    }
    for body in github.bodies() {
        assert!(!body.contains("Sup3rS3cret"));
    }
}

/// A server (or a proxy in front of it) that sends back what it got.
#[test]
fn a_token_that_a_server_sends_back_is_hidden() {
    let project = ran(&["adds"], &["removes"]);
    for status in [400, 401, 403, 404, 422, 429, 500, 200] {
        let server = Server::start(move |asked| {
            let token = asked.header("authorization").to_owned();
            assert!(token.contains("Sup3rS3cret"), "the token was sent");
            let body = json!({"message": format!("you sent {token}"), "errors": [token]});
            Reply::json(status, body)
        });
        let args = ["always", "--check", "--publish-timeout", "1s"];
        let ran = merge_with(&project, &server.url(), APP, &args).exits(1);
        assert!(ran.stderr.contains("cannot"), "{ran}");
        is_nowhere(APP, &ran, &project);
    }
}

#[test]
fn a_token_goes_to_no_other_host() {
    let project = ran(&["adds"], &[]);
    let thief = Server::start(|_| Reply::json(200, json!([])));
    let to = format!("{}/stolen", thief.url());
    let server =
        Server::start(move |_| Reply::Json(302, vec![("Location", to.clone())], json!({})));
    let told = merge_with(&project, &server.url(), APP, &["always"]).exits(0);
    told.warns("it was sent on to another host");
    assert!(thief.calls().is_empty(), "{:?}", thief.calls());
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let project = ran(&["adds"], &[]);
    for api in ["http://me:Sup3rS3cret@127.0.0.1:9", "nonsense://me:Sup3rS3cret@host"] {
        let ran = merge_with(&project, api, APP, &["always"]).exits(0);
        assert!(ran.stderr.contains("cannot"), "{ran}");
        assert!(!ran.stderr.contains("Sup3rS3cret"), "{ran}");
    }
}

#[test]
fn no_test_process_gets_a_token() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "env > seen");
    let run = project.evenly(&["run"]);
    let tokens = ["GITHUB_TOKEN", "GITLAB_TOKEN", "EVENLY_GITHUB_TOKEN", "EVENLY_GITLAB_TOKEN"];
    let run = tokens.into_iter().fold(run, |run, name| run.env(name, "Sup3rS3cret"));
    run.env("OTHER", "0ther").exits(0);
    let seen = project.text("seen");
    assert!(!seen.contains("Sup3rS3cret"), "{seen}");
    assert!(seen.contains("OTHER=0ther"), "{seen}");
}

#[test]
fn gitlabs_tokens_are_hidden_too() {
    let project = ran(&["adds"], &["removes"]);
    let gitlab = GitLab::start();
    for token in [PROJECT, JOB] {
        let ran = super::gitlab::merge(&project, &gitlab.api(), &["always", "--check"])
            .env("EVENLY_GITLAB_TOKEN", token)
            .exits(1);
        is_nowhere(token, &ran, &project);
    }
}
