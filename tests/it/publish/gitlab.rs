//! GitLab: one note a merge request, the commit's status, and the tokens that may not.

use std::process::Command;

use crate::support::gitlab::{GitLab, JOB, PROJECT};
use crate::support::{Evenly, Project, Ran, tool};

use super::ran;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// `evenly merge` in a job of merge request 3, without a token.
pub(super) fn merge(project: &Project, api: &str, args: &[&str]) -> Evenly {
    let all = [&["merge", "out", "--history", "none", "--comment"], args].concat();
    project
        .evenly(&all)
        .env("GITLAB_CI", "true")
        .env("CI_API_V4_URL", api)
        .env("CI_PROJECT_ID", "5")
        .env("CI_MERGE_REQUEST_IID", "3")
        .env("CI_COMMIT_SHA", SHA)
        .env("CI_PIPELINE_ID", "900")
        .env("CI_PIPELINE_URL", "https://gitlab.example/p/-/pipelines/900")
        .env("CI_PROJECT_DIR", project.path(""))
        .env("CI_JOB_TOKEN", JOB)
}

fn ours(gitlab: &GitLab) -> Vec<String> {
    let bodies = gitlab.bodies().into_iter();
    bodies.filter(|body| body.starts_with("<!-- evenly-report ")).collect()
}

/// The client that others use sees our GitLab as one.
#[test]
fn the_fake_is_one_that_python_gitlab_understands() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let gitlab = GitLab::start();
    let script = r"
import sys, gitlab
lab = gitlab.Gitlab(sys.argv[1], private_token=sys.argv[2])
lab.auth()
assert lab.user.username == 'project_5_bot'
project = lab.projects.get(5)
request = project.mergerequests.get(3)
note = request.notes.create({'body': 'one'})
note.body = 'two'
note.save()
for n in range(150):
    request.notes.create({'body': str(n)})
notes = request.notes.list(get_all=True, per_page=100, order_by='created_at', sort='desc')
assert len(notes) == 151 and notes[0].body == '149' and notes[-1].body == 'two', notes
assert not notes[0].system and notes[0].author['username'] == 'project_5_bot'
note.delete()
assert len(request.notes.list(iterator=True)) == 150
status = project.commits.get('x', lazy=True).statuses.create({'state': 'success', 'name': 'n'})
assert status.id == 1
for wrong in [lambda: request.notes.get(note.id), lambda: request.notes.create({'body': ''})]:
    try:
        wrong()
    except gitlab.exceptions.GitlabError as error:
        assert error.response_code in (400, 404), error
    else:
        raise AssertionError('accepted')
";
    let python = std::path::Path::new(&venv).join("bin/python");
    let mut command = Command::new(python);
    let command = command.args(["-c", script, &gitlab.server.url(), PROJECT]);
    Ran::of(&command.output().unwrap()).exits(0);
}

#[test]
fn ten_pipelines_leave_one_note_behind_seventy_others() {
    let gitlab = GitLab::start();
    for number in 0..70 {
        gitlab.note("you", &format!("note {number}"));
    }
    let project = ran(&["adds"], &["removes"]);
    for id in 900..910 {
        merge(&project, &gitlab.api(), &["always"])
            .env("EVENLY_GITLAB_TOKEN", PROJECT)
            .env("CI_PIPELINE_ID", id.to_string())
            .exits(1)
            .warns("merge request 3 of project 5");
        // Ours moves to the second page.
        for number in 0..20 {
            gitlab.note("you", &format!("note {id} {number}"));
        }
    }
    let ours = ours(&gitlab);
    assert_eq!(ours.len(), 1);
    assert!(ours[0].contains("run=909 ") && ours[0].contains("✗ failed: 1 of 2"), "{}", ours[0]);
    assert!(ours[0].contains("(https://gitlab.example/p/-/pipelines/900)"));
}

#[test]
fn merges_at_once_leave_one_note_and_a_strangers_is_left_alone() {
    let project = ran(&["adds"], &["removes"]);
    let gitlab = GitLab::start();
    gitlab.note("you", "<!-- evenly-report name=evenly.toml run=1 attempt=1 digest=x -->");
    let merges = ["a", "b", "c"].map(|out| {
        let merge = merge(&project, &gitlab.api(), &["always", "--out", out]);
        merge.env("EVENLY_GITLAB_TOKEN", PROJECT).start()
    });
    for merge in merges {
        merge.wait().exits(1);
    }
    assert_eq!(ours(&gitlab).len(), 2, "one of ours and the stranger's");
}

#[test]
fn a_jobs_own_token_cannot_and_the_way_is_told() {
    let project = ran(&["adds"], &[]);
    let gitlab = GitLab::start();
    let told = merge(&project, &gitlab.api(), &["always"]).exits(0);
    told.warns("`CI_JOB_TOKEN` may not write notes")
        .warns("hint: put a project access token of scope `api`")
        .warns("`EVENLY_GITLAB_TOKEN`");
    assert!(gitlab.server.calls().is_empty());
    let forced = merge(&project, &gitlab.api(), &["always", "--require-publish"]);
    forced
        .env("EVENLY_GITLAB_TOKEN", JOB)
        .exits(3)
        .warns("the token may not do that (403 Forbidden)")
        .warns("project access token of project 5");
}

#[test]
fn the_commit_has_a_status() {
    let project = ran(&["adds"], &[]);
    let gitlab = GitLab::start();
    merge(&project, &gitlab.api(), &["never", "--check"])
        .env("GITLAB_TOKEN", PROJECT)
        .exits(0)
        .warns("set the status of commit 0123456");
    let lab = gitlab.lab.lock().unwrap();
    assert_eq!(lab.statuses[0]["state"], "success");
    assert_eq!(lab.statuses[0]["name"], "evenly");
    assert_eq!(lab.statuses[0]["sha"], SHA);
    assert!(lab.notes.is_empty());
}

#[test]
fn a_pipeline_of_no_merge_request_needs_no_note() {
    let project = ran(&["adds"], &[]);
    let gitlab = GitLab::start();
    merge(&project, &gitlab.api(), &["always", "--require-publish"])
        .env("CI_MERGE_REQUEST_IID", "")
        .env("EVENLY_GITLAB_TOKEN", PROJECT)
        .exits(0)
        .warns("note: no note: this pipeline is of no merge request");
}

#[test]
fn a_token_that_has_expired_is_told() {
    let project = ran(&["adds"], &[]);
    let gitlab = GitLab::start();
    merge(&project, &gitlab.api(), &["always"])
        .env("EVENLY_GITLAB_TOKEN", "glpat-expired")
        .exits(0)
        .warns("the token is not accepted (401 Unauthorized)");
}
