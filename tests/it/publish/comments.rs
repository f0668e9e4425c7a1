//! One comment a pull request: made, found, updated, never two.

use crate::support::Project;
use crate::support::github::{APP, GitHub, PERSON};

use super::{merge, merge_with, ran, ran_again};

fn ours(github: &GitHub) -> Vec<String> {
    let bodies = github.bodies().into_iter();
    bodies.filter(|body| body.starts_with("<!-- evenly-report ")).collect()
}

#[test]
fn ten_runs_leave_one_comment_behind_seventy_others() {
    let github = GitHub::start();
    for number in 0..70 {
        github.comment("you", &format!("comment {number}"));
    }
    let project = ran(&["adds"], &["removes"]);
    let run =
        |id: usize| merge(&project, &github, &["always"]).env("GITHUB_RUN_ID", id.to_string());
    run(1).exits(1).warns("note: commented on pull request 12 of o/r (https://");
    let first = github.hub.lock().unwrap().comments.last().unwrap()["id"].clone();
    for id in 2..=10 {
        run(id).exits(1).warns("note: updated the comment on pull request 12 of o/r");
    }
    let bodies = ours(&github);
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(github.bodies().len(), 71);
    let hub = github.hub.lock().unwrap();
    let last = hub.comments.last().unwrap();
    assert_eq!(last["id"], first, "updated in place");
    let body = last["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- evenly-report name=evenly.toml run=10 attempt=1 "), "{body}");
    assert!(body.contains("## ✗ failed: 1 of 2 tests failed"), "{body}");
    assert!(body.contains("removes is wrong"), "{body}");
    assert!(body.contains("commit fedcba9 · [run 10](https://github.com/o/r/actions/runs/10)"));
}

#[test]
fn five_hundred_comments_take_eight_calls_at_most() {
    let project = ran(&["adds"], &["removes"]);
    for token in [APP, PERSON] {
        let github = GitHub::start();
        for number in 0..500 {
            github.comment("you", &format!("comment {number}"));
        }
        let url = github.server.url();
        for (what, id) in [("made", "1"), ("updated", "2")] {
            github.server.forget();
            merge_with(&project, &url, token, &["always"]).env("GITHUB_RUN_ID", id).exits(1);
            let calls = github.server.calls();
            assert!(calls.len() <= 8, "{what}: {} calls: {calls:#?}", calls.len());
        }
        assert_eq!(ours(&github).len(), 1);
        // Behind ours, too.
        for number in 0..200 {
            github.comment("you", &format!("later comment {number}"));
        }
        merge_with(&project, &url, token, &["always"]).env("GITHUB_RUN_ID", "3").exits(1);
        assert_eq!(ours(&github).len(), 1);
    }
}

#[test]
fn merges_at_once_leave_one_comment() {
    let project = ran(&["adds"], &["removes"]);
    for _ in 0..5 {
        let github = GitHub::start();
        let out = ["a", "b", "c"];
        let merges = out.map(|out| merge(&project, &github, &["always", "--out", out]).start());
        for merge in merges {
            merge.wait().exits(1);
        }
        assert_eq!(ours(&github).len(), 1, "{:?}", github.server.calls());
    }
}

#[test]
fn what_others_wrote_is_left_alone_whatever_it_begins_with() {
    let github = GitHub::start();
    let project = ran(&["adds"], &["removes"]);
    merge(&project, &github, &["always"]).exits(1);
    let copied = ours(&github)[0].replace("✗ failed", "✓ all fine");
    github.hub.lock().unwrap().comments.clear();
    github.comment("github-actions", &copied);
    github.comment("you", &copied);
    merge(&project, &github, &["always"]).env("GITHUB_RUN_ID", "41").exits(1);
    let bodies = github.bodies();
    assert_eq!(bodies[..2], [copied.clone(), copied]);
    assert_eq!(bodies.len(), 3);
    assert!(bodies[2].contains("✗ failed"));
}

#[test]
fn each_configuration_has_a_comment_of_its_own() {
    let github = GitHub::start();
    let project = ran(&["adds"], &["removes"]);
    for _ in 0..2 {
        for config in ["evenly.toml", "slow.toml", "api/evenly.toml"] {
            merge(&project, &github, &["always", "--config", config]).exits(1);
        }
    }
    assert_eq!(ours(&github).len(), 3);
}

/// What each `--comment` does to a pull request: after runs that pass or fail.
#[test]
fn a_comment_is_made_and_updated_when_it_was_asked_for() {
    let runs: [&[&str]; 5] = [&[], &["removes"], &["removes"], &["adds", "removes"], &[]];
    for (when, expected) in [
        ("always", ["made", "updated", "updated", "updated", "updated"]),
        ("on-change", ["", "made", "", "updated", "updated"]),
        ("failures", ["", "made", "updated", "updated", "updated"]),
        ("never", [""; 5]),
    ] {
        let github = GitHub::start();
        let project = ran(&["adds", "removes"], &[]);
        for (number, (failing, expected)) in runs.iter().zip(expected).enumerate() {
            let passing: Vec<_> =
                ["adds", "removes"].into_iter().filter(|name| !failing.contains(name)).collect();
            ran_again(&project, &passing, failing);
            github.server.forget();
            let status = i32::from(!failing.is_empty());
            let run = (number + 1).to_string();
            merge(&project, &github, &[when]).env("GITHUB_RUN_ID", run).exits(status);
            let calls = github.server.calls();
            let done = |method: &str| calls.iter().any(|call| call.starts_with(method));
            let did = match (done("POST /repos"), done("PATCH")) {
                (true, false) => "made",
                (false, true) => "updated",
                (false, false) => "",
                (true, true) => "both",
            };
            assert_eq!(did, expected, "{when}, run {number}: {calls:?}");
        }
    }
}

#[test]
fn a_late_run_does_not_speak_over_a_later_one() {
    let github = GitHub::start();
    let project = ran(&["adds"], &["removes"]);
    let run = |id: &str, attempt: &str| {
        let merge = merge(&project, &github, &["always"]);
        merge.env("GITHUB_RUN_ID", id).env("GITHUB_RUN_ATTEMPT", attempt).exits(1)
    };
    run("50", "2");
    run("49", "3").warns("it is of a later run");
    run("50", "1").warns("it is of a later run");
    assert!(ours(&github)[0].contains("run=50 attempt=2"));
    run("50", "3").warns("updated");
}

#[test]
fn a_comment_is_never_too_long_for_github() {
    let names: Vec<String> =
        (0..3_000).map(|n| format!("removes_{n}_{}", "ä😀".repeat(40))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let project = ran(&["adds"], &names);
    let github = GitHub::start();
    merge(&project, &github, &["always", "--check"]).exits(1).warns("commented");
    let body = &ours(&github)[0];
    assert!(body.chars().count() <= 65_536 && body.contains("more"), "{}", body.len());
    assert!(body.contains("[run 40]"), "the end is there");
}

#[test]
fn the_pull_request_is_known_without_the_event_file() {
    let project = ran(&["adds"], &["removes"]);
    for event in [None, Some("{\"pull_request\": {\"num")] {
        let github = GitHub::start();
        let _ = std::fs::remove_file(project.path("event.json"));
        if let Some(text) = event {
            project.write("event.json", text);
        }
        merge(&project, &github, &["always"])
            .exits(1)
            .warns("warning: the event file (`GITHUB_EVENT_PATH`) cannot be read")
            .warns("commented on pull request 12");
    }
}

#[test]
fn a_push_comments_on_the_pull_request_that_it_belongs_to_if_any() {
    let project =
        ran(&["adds"], &["removes"]).file("event.json", "{\"ref\": \"refs/heads/patch\"}");
    let github = GitHub::start();
    let push = |sha: &str| {
        let merge = merge(&project, &github, &["always", "--require-publish"]);
        let merge = merge.env("GITHUB_EVENT_NAME", "push").env("GITHUB_REF", "refs/heads/patch");
        merge.env("GITHUB_SHA", sha).exits(1)
    };
    push(crate::support::github::HEAD).warns("commented on pull request 12");
    push("0123456789abcdef0123456789abcdef01234567")
        .warns("note: no comment: the commit is the head of no open pull request");
    assert_eq!(ours(&github).len(), 1);
}

#[test]
fn another_ci_comments_and_sets_a_status_with_a_token() {
    let project: Project = ran(&["adds"], &["removes"]);
    let github = GitHub::start();
    let args = ["merge", "out", "--history", "none", "--comment", "always", "--check"];
    project
        .evenly(&args)
        .env("BUILDKITE", "true")
        .env("BUILDKITE_REPO", "git@github.com:o/r.git")
        .env("BUILDKITE_PULL_REQUEST", "12")
        .env("BUILDKITE_COMMIT", crate::support::github::HEAD)
        .env("BUILDKITE_BUILD_URL", "https://buildkite.example/1")
        .env("GITHUB_API_URL", github.server.url())
        .env("EVENLY_GITHUB_TOKEN", PERSON)
        .exits(1)
        .warns("commented on pull request 12")
        .warns("set the status of commit fedcba9");
    let hub = github.hub.lock().unwrap();
    assert_eq!(hub.statuses.len(), 1);
    let status = &hub.statuses[0];
    assert_eq!(status["state"], "failure");
    assert_eq!(status["context"], "evenly");
    assert_eq!(status["target_url"], "https://buildkite.example/1");
    assert!(status["description"].as_str().unwrap().starts_with("✗ failed: 1 of 2"));
}

#[test]
fn an_enterprise_server_is_asked_where_it_is() {
    let project = ran(&["adds"], &["removes"]);
    let github = GitHub::start();
    let api = format!("{}/api/v3", github.server.url());
    for id in ["1", "2"] {
        merge_with(&project, &api, APP, &["always"]).env("GITHUB_RUN_ID", id).exits(1);
    }
    assert_eq!(ours(&github).len(), 1);
    let calls = github.server.calls();
    assert!(calls.contains(&"POST /api/graphql".to_owned()), "{calls:?}");
    assert!(calls.iter().all(|call| call.contains(" /api/")), "{calls:?}");
}
