//! What evenly and the CI around it have of each other: outputs of steps, variables that stay away
//! from tests, Bazel's protocol, and the guides' snippets for every CI that is known.

use std::collections::BTreeSet;
use std::path::Path;

use evenly::ci::{PROVIDERS, WITHHELD};

use crate::support::{JUNIT_SUITE, Project, SHELL_SUITE, junit, writes};

/// Runs and merges a project, whatever comes of it.
fn outputs_of_merge(project: &Project, status: i32) -> String {
    project.evenly(&["run"]).env("GITHUB_OUTPUT", "of-the-run").exits(i32::from(status != 0));
    assert!(!project.path("of-the-run").exists(), "a shard has no verdict to tell");
    project.write("outputs", "other=1");
    project.evenly(&["merge", "evenly-out"]).env("GITHUB_OUTPUT", "outputs").exits(status);
    project.text("outputs")
}

#[test]
fn merging_tells_later_steps_of_a_github_workflow_the_verdict() {
    let green = Project::new(SHELL_SUITE).file("t/a.sh", "");
    assert_eq!(outputs_of_merge(&green, 0), "other=1\nverdict=passed\nfailed=0\n");
    let red = Project::new(JUNIT_SUITE)
        .file("t/a.sh", writes(&junit("c", &["fine"], &["bad", "worse"]), 1))
        .file("t/b.sh", "echo '::set-output name=verdict::passed'; exit 1");
    assert_eq!(outputs_of_merge(&red, 1), "other=1\nverdict=failed\nfailed=3\n");
}

#[test]
fn a_run_that_is_not_whole_says_so_to_later_steps() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "").file("t/b.sh", "");
    project.evenly(&["run", "--shard", "1/2"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).env("GITHUB_OUTPUT", "outputs").exits(5);
    assert_eq!(project.text("outputs"), "verdict=incomplete\nfailed=0\n");
}

#[test]
fn outputs_that_cannot_be_written_change_no_verdict() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "").file("outputs/file", "");
    project.evenly(&["run"]).exits(0);
    let merged = project.evenly(&["merge", "evenly-out"]).env("GITHUB_OUTPUT", "outputs").exits(0);
    merged.warns("outputs").warns("later steps do not learn the verdict");
}

#[test]
fn what_is_for_the_job_alone_reaches_no_test() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "env > seen");
    let mut evenly = project.evenly(&["run", "--shard", "1/1"]);
    for name in WITHHELD.iter().chain(&["EVENLY_TOKEN", "EVENLY_ACTION_ARGS", "GITHUB_SHA"]) {
        let value = if name.ends_with("STATUS_FILE") { "status" } else { "secret" };
        evenly = evenly.env(name, value);
    }
    evenly.exits(0);
    let seen = project.text("seen");
    let names: BTreeSet<&str> =
        seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    for name in WITHHELD.iter().chain(&["EVENLY_TOKEN", "EVENLY_ACTION_ARGS"]) {
        assert!(!names.contains(name), "tests get {name}:\n{seen}");
    }
    assert!(names.contains("GITHUB_SHA"), "other variables of the CI reach tests:\n{seen}");
}

#[test]
fn variables_that_tests_do_not_get_are_documented() {
    let page = std::fs::read_to_string(repository("docs/reference/environment.md")).unwrap();
    for name in WITHHELD {
        assert!(page.contains(&format!("`{name}`")), "environment.md does not name `{name}`");
    }
}

#[test]
fn bazel_gets_its_shards_and_the_sign_that_it_wants() {
    let project = Project::new(SHELL_SUITE)
        .file("t/a.sh", "test -z \"$TEST_TOTAL_SHARDS$GTEST_TOTAL_SHARDS\"")
        .file("t/b.sh", "");
    for index in ["0", "1"] {
        let status = format!("status-{index}");
        let evenly = project.evenly(&["run"]).env("TEST_TOTAL_SHARDS", "2");
        let evenly = evenly.env("TEST_SHARD_INDEX", index).env("GTEST_TOTAL_SHARDS", "2");
        evenly.env("TEST_SHARD_STATUS_FILE", &status).exits(0);
        assert_eq!(project.text(&status), "");
    }
    project.evenly(&["merge", "evenly-out"]).exits(0);
    assert_eq!(project.report()["totals"]["tests"], 2);
}

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_guides_say_how_in_every_ci_that_is_known() {
    let page = std::fs::read_to_string(repository("docs/guide/other-ci.md")).unwrap();
    for provider in &PROVIDERS {
        let own = ["GitHub Actions", "GitLab CI", "an unknown CI"].contains(&provider.name);
        let heading = format!("\n## {}\n", provider.name);
        assert!(own || page.contains(&heading), "other-ci.md has no section {}", provider.name);
    }
}
