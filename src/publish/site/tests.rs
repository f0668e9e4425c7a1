use serde_json::json;

use super::*;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const HEAD: &str = "fedcba9876543210fedcba9876543210fedcba98";

fn found(vars: &[(&str, &str)], event: EventFile<'_>) -> Result<Site, NoSite> {
    let value = |name: &str| {
        let found = vars.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    find(&value, event)
}

fn on_github(extra: &[(&str, &str)], event: EventFile<'_>) -> Result<GitHubSite, NoSite> {
    let vars = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_SHA", SHA),
        ("GITHUB_RUN_ID", "40"),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ];
    match found(&[extra, &vars].concat(), event)? {
        Site::GitHub(site) => Ok(site),
        Site::GitLab(site) => panic!("{site:?}"),
    }
}

fn pull_request() -> Vec<u8> {
    let head = json!({"sha": HEAD, "repo": {"full_name": "o/r"}});
    let event =
        json!({"repository": {"full_name": "o/r"}, "pull_request": {"number": 12, "head": head}});
    event.to_string().into_bytes()
}

#[test]
fn a_pull_request_of_the_event() {
    let site = on_github(&[], EventFile::Bytes(&pull_request())).unwrap();
    assert_eq!(site.pull, Some(Pull::Number(12)));
    assert_eq!(site.common.commit, Commit::new(HEAD));
    assert_eq!(site.common.api.as_str(), "https://api.github.com/");
    assert_eq!(site.graphql.as_str(), "https://api.github.com/graphql");
    let url = site.common.run_url.as_deref();
    assert_eq!(url, Some("https://github.com/o/r/actions/runs/40"));
    assert_eq!(site.common.run.attempt, 2);
    assert_eq!(site.common.remarks, Vec::<String>::new());
}

#[test]
fn without_the_event_the_ref_tells_the_number_and_not_the_head() {
    let vars = [("GITHUB_REF", "refs/pull/9/merge"), ("GITHUB_EVENT_NAME", "pull_request")];
    for event in [EventFile::Unnamed, EventFile::Unreadable, EventFile::Bytes(b"{\"pull_req")] {
        let site = on_github(&vars, event).unwrap();
        assert_eq!(site.pull, Some(Pull::Number(9)), "{event:?}");
        assert_eq!(site.common.commit, None, "the merge commit is not what was pushed");
        assert_eq!(site.common.remarks.len(), 1);
    }
}

#[test]
fn a_push_belongs_to_the_pull_request_with_that_head() {
    let site = on_github(&[], EventFile::Bytes(b"{\"ref\": \"refs/heads/x\"}")).unwrap();
    let commit = Commit::new(SHA).unwrap();
    assert_eq!(site.pull, Some(Pull::OfCommit { commit: commit.clone(), head: None }));
    assert_eq!(site.common.commit, Some(commit));
}

#[test]
fn a_run_that_follows_another_needs_its_event() {
    let vars = [("GITHUB_EVENT_NAME", "workflow_run")];
    for event in [EventFile::Unnamed, EventFile::Unreadable, EventFile::Bytes(b"{")] {
        assert_eq!(on_github(&vars, event), Err(NoSite::NoEvent), "{event:?}");
    }
    let event = json!({"workflow_run": {"id": 77, "head_sha": HEAD}}).to_string();
    let site = on_github(&vars, EventFile::Bytes(event.as_bytes())).unwrap();
    assert_eq!(site.common.run.number, Some(77), "the run that was tested, not this one");
    assert_eq!(site.common.commit, Commit::new(HEAD));
}

#[test]
fn an_enterprise_server_is_honoured() {
    let vars = [
        ("GITHUB_API_URL", "https://git.example/api/v3"),
        ("GITHUB_SERVER_URL", "https://git.example/"),
    ];
    let site = on_github(&vars, EventFile::Bytes(&pull_request())).unwrap();
    assert_eq!(site.common.api.as_str(), "https://git.example/api/v3");
    assert_eq!(site.graphql.as_str(), "https://git.example/api/graphql");
    let url = site.common.run_url.as_deref();
    assert_eq!(url, Some("https://git.example/o/r/actions/runs/40"));
}

#[test]
fn what_makes_no_sense_is_told_without_passwords() {
    let event = EventFile::Unnamed;
    let error = on_github(&[("GITHUB_API_URL", "ftp://me:secret@host")], event).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    for repository in ["r", "o/r/x", "../x", "o/..", "o/r?x=1", "o /r"] {
        let error = on_github(&[("GITHUB_REPOSITORY", repository)], event);
        assert!(matches!(error, Err(NoSite::Odd { .. })), "{repository}: {error:?}");
    }
    assert_eq!(found(&[], event), Err(NoSite::Nowhere));
    let bare = found(&[("GITHUB_ACTIONS", "true")], event);
    assert_eq!(bare, Err(NoSite::Unset("GITHUB_REPOSITORY")));
}

#[test]
fn another_ci_knows_its_repository_on_github() {
    for vars in [
        &[("BUILDKITE", "true"), ("BUILDKITE_REPO", "git@github.com:o/r.git")][..],
        &[("CIRCLECI", "true"), ("CIRCLE_PROJECT_USERNAME", "o"), ("CIRCLE_PROJECT_REPONAME", "r")],
        &[("DRONE", "true"), ("DRONE_REPO", "o/r")],
        &[("JENKINS_URL", "u"), ("BUILD_ID", "1"), ("GIT_URL", "https://github.com/o/r.git")],
        &[("EVENLY_GITHUB_REPOSITORY", "o/r")],
    ] {
        let Ok(Site::GitHub(site)) = found(vars, EventFile::Unnamed) else { panic!("{vars:?}") };
        assert_eq!(site.repository.to_string(), "o/r", "{vars:?}");
        assert!(!site.actions);
    }
}

fn on_gitlab(extra: &[(&str, &str)]) -> Result<GitLabSite, NoSite> {
    let vars = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_ID", "5"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_PIPELINE_ID", "900"),
        ("CI_MERGE_REQUEST_IID", "3"),
        ("CI_JOB_TOKEN", "x"),
    ];
    match found(&[extra, &vars].concat(), EventFile::Unnamed)? {
        Site::GitLab(site) => Ok(site),
        Site::GitHub(site) => panic!("{site:?}"),
    }
}

#[test]
fn a_merge_request_of_gitlab() {
    assert_eq!(on_gitlab(&[]), Err(NoSite::Unset("CI_API_V4_URL")));
    let api = ("CI_API_V4_URL", "https://gitlab.example/api/v4");
    let site = on_gitlab(&[api]).unwrap();
    assert_eq!((site.project.as_str(), site.merge_request), ("5", Some(3)));
    assert_eq!(site.source_project, "5");
    assert_eq!(site.common.commit, Commit::new(SHA));
    assert!(site.job_token);
    let fork = [
        api,
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "6"),
    ];
    let site = on_gitlab(&fork).unwrap();
    assert_eq!(site.common.commit, Commit::new(HEAD));
    assert_eq!(site.source_project, "6");
}
