//! The check run with its annotations, and the job's summary.

use serde_json::Value;

use crate::support::Project;
use crate::support::github::{APP, GitHub, HEAD, PERSON};

use super::{merge, merge_with, ran, ran_with};

fn with_lines(failing: usize) -> Project {
    let case = |n: usize| {
        format!(
            "<testcase classname=\"cart\" name=\"removes_{n}\" file=\"t/cart.sh\" line=\"{}\">\
             <failure message=\"wrong 😀 ::error::\">trace {n}</failure></testcase>",
            n + 1
        )
    };
    let cases: String = (0..failing).map(case).collect();
    let xml = format!("<testsuites><testsuite name=\"s\">{cases}</testsuite></testsuites>");
    ran_with(&xml, i32::from(failing > 0))
}

#[test]
fn a_check_has_the_verdict_and_every_failures_line() {
    let project = with_lines(120);
    let github = GitHub::start();
    merge(&project, &github, &["never", "--check"]).exits(1).warns("checked commit fedcba9");
    let posts = github.server.calls();
    assert_eq!(posts.len(), 3, "50, 50 and 20: {posts:?}");
    let hub = github.hub.lock().unwrap();
    assert_eq!(hub.checks.len(), 1);
    let check = &hub.checks[0];
    assert_eq!(check["name"], "evenly");
    assert_eq!(check["head_sha"], HEAD, "of the head, not of the merge commit");
    assert_eq!(check["conclusion"], "failure");
    assert_eq!(check["details_url"], "https://github.com/o/r/actions/runs/40");
    let output = &check["output"];
    assert!(output["title"].as_str().unwrap().starts_with("✗ failed: 120 of 120 tests failed"));
    assert!(output["summary"].as_str().unwrap().contains("## ✗ failed"));
    let lines = output["annotations"].as_array().unwrap();
    let mut seen: Vec<u64> =
        lines.iter().map(|line| line["start_line"].as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=120).collect::<Vec<_>>());
    let line = &lines[0];
    assert_eq!(line["path"], "t/cart.sh");
    assert_eq!(line["annotation_level"], "failure");
    let message = line["message"].as_str().unwrap();
    assert_eq!(message, "wrong \\u{1f600} ::error::");
    assert!(line["raw_details"].as_str().unwrap().starts_with("trace "));
}

#[test]
fn a_green_check_is_a_success() {
    let project = ran(&["adds"], &[]);
    let github = GitHub::start();
    merge(&project, &github, &["never", "--check"]).exits(0);
    let hub = github.hub.lock().unwrap();
    assert_eq!(hub.checks[0]["conclusion"], "success");
    assert!(hub.checks[0]["output"]["title"].as_str().unwrap().starts_with("✓ whole and green"));
    assert!(hub.comments.is_empty());
}

#[test]
fn a_persons_token_sets_a_status_since_it_can_make_no_check() {
    let project = ran(&["adds"], &[]);
    let github = GitHub::start();
    let url = github.server.url();
    merge_with(&project, &url, PERSON, &["never", "--check"]).exits(0).warns("set the status");
    let hub = github.hub.lock().unwrap();
    assert_eq!(hub.statuses[0]["state"], "success");
    assert_eq!(hub.statuses[0]["sha"], HEAD);
}

#[test]
fn the_head_is_asked_for_where_the_event_does_not_tell() {
    let project = ran(&["adds"], &[]).file("event.json", "torn");
    let github = GitHub::start();
    merge_with(&project, &github.server.url(), APP, &["never", "--check"]).exits(0);
    assert_eq!(github.hub.lock().unwrap().checks[0]["head_sha"], HEAD);
}

fn summary(project: &Project, args: &[&str]) -> String {
    let path = project.path("summary");
    project.evenly(args).env("GITHUB_STEP_SUMMARY", path).exits(1);
    project.text("summary")
}

#[test]
fn the_jobs_summary_gets_the_report_and_keeps_what_is_there() {
    let project = ran(&["adds"], &["removes"]).file("summary", "# mine");
    let text = summary(&project, &["merge", "out", "--history", "none"]);
    assert!(text.starts_with("# mine\n## ✗ failed: 1 of 2"), "{text}");
    assert!(text.contains("removes is wrong"), "{text}");
}

#[test]
fn the_jobs_summary_never_grows_beyond_what_github_takes() {
    const MOST: usize = 1024 * 1024;
    let there = "x".repeat(MOST - 10_000);
    let project = ran(&["adds"], &["removes"]).file("summary", &there);
    let names: Vec<String> = (0..2_000).map(|n| format!("removes_{n}")).collect();
    super::ran_again(&project, &[], &names.iter().map(String::as_str).collect::<Vec<_>>());
    let text = summary(&project, &["merge", "out", "--history", "none"]);
    assert!(text.len() < MOST && text.len() > there.len() + 5_000, "{}", text.len());
    project.write("summary", "x".repeat(MOST - 1_500));
    let ran = project.evenly(&["merge", "out", "--history", "none"]);
    let ran = ran.env("GITHUB_STEP_SUMMARY", project.path("summary")).exits(1);
    ran.warns("the job's summary is full");
    assert_eq!(project.text("summary").len(), MOST - 1_500);
}

#[test]
fn annotations_that_may_be_missing_are_told_and_never_doubled() {
    use crate::support::github::Done;
    use crate::support::http::Reply;
    let project = with_lines(70);
    let github = GitHub::start();
    github.fault("PATCH", "/check-runs/", Reply::Reset, Done::Yes);
    merge(&project, &github, &["never", "--check"])
        .exits(1)
        .warns("cannot write 20 annotations of the check of commit fedcba9");
    let hub = github.hub.lock().unwrap();
    let lines = hub.checks[0]["output"]["annotations"].as_array().map_or(0, Vec::len);
    assert_eq!(lines, 70);
}

#[test]
fn a_check_that_was_made_unheard_is_made_once() {
    use crate::support::github::Done;
    use crate::support::http::Reply;
    let project = with_lines(70);
    let github = GitHub::start();
    github.fault("POST", "/check-runs", Reply::json(502, Value::Null), Done::Yes);
    merge(&project, &github, &["never", "--check"]).exits(1).warns("checked commit");
    let hub = github.hub.lock().unwrap();
    assert_eq!(hub.checks.len(), 1);
    assert_eq!(hub.checks[0]["output"]["annotations"].as_array().map_or(0, Vec::len), 70);
}
