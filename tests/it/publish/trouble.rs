//! Faults on the wire and refusals: what heals is healed, what does not is told, and the tests'
//! verdict stays.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::github::{Done, GitHub, READER};
use crate::support::http::Reply;

use super::{merge, merge_with, ran};

const COMMENTS: &str = "/issues/12/comments";

fn message(status: u16, text: &str) -> Reply {
    Reply::json(status, json!({ "message": text }))
}

fn limited(status: u16, seconds: u32) -> Reply {
    let headers = vec![("Retry-After", seconds.to_string())];
    Reply::Json(status, headers, json!({"message": "You have exceeded a secondary rate limit"}))
}

#[test]
fn what_heals_is_healed_and_nothing_is_said_twice() {
    let project = ran(&["adds"], &["removes"]);
    let torn = "[{\"id\": 1, \"body\": \"x";
    for (method, reply, done) in [
        ("GET", message(500, "oops"), Done::No),
        ("GET", Reply::json(503, Value::Null), Done::No),
        ("GET", Reply::Reset, Done::No),
        ("GET", Reply::cut(200, torn), Done::No),
        ("GET", Reply::torn(200, torn), Done::No),
        ("GET", limited(429, 1), Done::No),
        ("POST", limited(429, 1), Done::No),
        ("POST", limited(403, 1), Done::No),
        ("POST", message(502, "oops"), Done::Yes),
        ("POST", message(502, "oops"), Done::No),
        ("POST", Reply::Reset, Done::Yes),
        ("POST", Reply::Reset, Done::No),
        ("POST", Reply::cut(201, torn), Done::Yes),
        ("POST", Reply::torn(201, torn), Done::Yes),
    ] {
        let github = GitHub::start();
        github.fault(method, COMMENTS, reply.clone(), done);
        let ran = merge(&project, &github, &["always"]).exits(1);
        assert!(!ran.stderr.contains("cannot"), "{method} {reply:?}: {ran}");
        assert_eq!(github.bodies().len(), 1, "{method} {reply:?}: {:?}", github.server.calls());
    }
}

#[test]
fn updating_heals_too() {
    let project = ran(&["adds"], &["removes"]);
    for reply in [message(502, "oops"), Reply::Reset, Reply::cut(200, "{\"id"), limited(429, 1)] {
        let github = GitHub::start();
        merge(&project, &github, &["always"]).env("GITHUB_RUN_ID", "1").exits(1);
        github.fault("PATCH", "/issues/comments/", reply.clone(), Done::No);
        merge(&project, &github, &["always"]).env("GITHUB_RUN_ID", "2").exits(1).warns("updated");
        let bodies = github.bodies();
        assert!(bodies.len() == 1 && bodies[0].contains("run=2"), "{reply:?}: {bodies:?}");
    }
}

/// A wait that was asked for is kept.
#[test]
fn a_wait_that_github_asks_for_is_kept() {
    let project = ran(&["adds"], &[]);
    let github = GitHub::start();
    github.fault("POST", COMMENTS, limited(429, 2), Done::No);
    let began = Instant::now();
    merge(&project, &github, &["always"]).exits(0).warns("commented");
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[test]
fn what_does_not_heal_is_told_with_what_to_do() {
    let green = ran(&["adds"], &[]);
    for (method, path, reply, says, hint) in [
        (
            "GET",
            COMMENTS,
            message(401, "Bad credentials"),
            "the token is not accepted (Bad cred",
            "hint: give the step a valid token",
        ),
        (
            "POST",
            COMMENTS,
            message(403, "Resource not accessible by integration"),
            "the token may not do that (Resource not accessible",
            "pull-requests: write",
        ),
        (
            "GET",
            COMMENTS,
            message(404, "Not Found"),
            "not for this token to see",
            "hint: the token must be one for o/r",
        ),
        (
            "POST",
            COMMENTS,
            message(403, "Unable to create comment because issue is locked."),
            "its conversation is locked",
            "hint: unlock the conversation",
        ),
        (
            "POST",
            COMMENTS,
            message(422, "Body is too long (maximum is 65536 characters)"),
            "the text is too long",
            "hint: this should not happen",
        ),
        ("POST", COMMENTS, message(410, "Issues are disabled"), "it is not there", "hint: "),
        ("GET", COMMENTS, limited(429, 3600), "fewer requests for 1 h", "hint: run the job again"),
        ("GET", COMMENTS, limited(403, 3600), "fewer requests for 1 h", "--publish-timeout"),
    ] {
        let github = GitHub::start();
        github.fault(method, path, reply.clone(), Done::No);
        let began = Instant::now();
        let told = merge(&green, &github, &["always"]).exits(0).warns("warning: cannot ");
        let told = told.warns(says).warns(hint).warns("pull request 12 of o/r");
        assert!(began.elapsed() < Duration::from_secs(20), "{told}");
        github.fault(method, path, reply, Done::No);
        merge(&green, &github, &["always", "--require-publish"]).exits(3).warns(says);
    }
}

#[test]
fn the_tests_verdict_is_told_first_and_stays() {
    let red = ran(&["adds"], &["removes"]);
    let github = GitHub::start();
    for args in [&["always"][..], &["always", "--require-publish"]] {
        github.fault("POST", COMMENTS, message(422, "no"), Done::No);
        let ran = merge(&red, &github, args).exits(1).says("✗ failed: 1 of 2");
        assert!(ran.stderr.contains("refused it with status 422 (no)"), "{ran}");
        assert_eq!(red.report()["verdict"], "failed", "the reports are written before");
    }
}

#[test]
fn a_server_that_is_silent_or_gone_costs_no_more_time_than_was_given() {
    let green = ran(&["adds"], &[]);
    let github = GitHub::start();
    for _ in 0..20 {
        github.fault("GET", COMMENTS, Reply::Silence, Done::No);
    }
    let began = Instant::now();
    let args = ["always", "--publish-timeout", "2s"];
    merge(&green, &github, &args).exits(0).warns("no whole answer came (it took too long)");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let gone = GitHub::start().server.url();
    merge_with(&green, &gone, super::APP, &args).exits(0).warns("the server cannot be reached");
}

#[test]
fn a_server_that_never_recovers_is_given_up() {
    let green = ran(&["adds"], &[]);
    let github = GitHub::start();
    for _ in 0..20 {
        github.fault("GET", COMMENTS, message(500, "oops"), Done::No);
    }
    let args = ["always", "--publish-timeout", "3s"];
    merge(&green, &github, &args).exits(0).warns("the server failed with status 500");
    assert!(github.server.calls().len() < 6);
}

#[test]
fn a_token_that_can_only_read_leaves_the_summary_and_what_to_do() {
    let project = ran(&["adds"], &["removes"]);
    let github = GitHub::start();
    let run = |project| {
        merge_with(project, &github.server.url(), READER, &["always", "--check"])
            .env("GITHUB_STEP_SUMMARY", project.path("summary"))
            .exits(1)
    };
    run(&project).warns("cannot comment on pull request 12").warns("checks: write");
    assert!(project.text("summary").contains("removes is wrong"));
    let fork =
        project.text("event.json").replace("\"repo\":{\"full_name\":\"o/r\"}", "\"repo\":null");
    project.write("event.json", fork);
    run(&project).warns("docs/guide/forks.md");
    assert!(github.bodies().is_empty());
}

#[test]
fn a_missing_token_is_told_as_what_it_is() {
    let project = ran(&["adds"], &[]);
    let github = GitHub::start();
    for token in ["", " \n"] {
        merge_with(&project, &github.server.url(), token, &["always"])
            .exits(0)
            .warns("neither `EVENLY_GITHUB_TOKEN` nor `GITHUB_TOKEN` is set")
            .warns("GITHUB_TOKEN: ${{ github.token }}");
    }
    merge_with(&project, &github.server.url(), "two words", &["always", "--require-publish"])
        .exits(3)
        .warns("`GITHUB_TOKEN` is no token");
    assert!(github.server.calls().is_empty());
    project
        .evenly(&["merge", "out", "--history", "none", "--comment", "always"])
        .exits(0)
        .warns("this is no job of GitHub's or GitLab's");
}
