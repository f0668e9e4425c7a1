//! The template for GitLab, in the pipelines of the guide: gitlab-ci-local runs them on this
//! machine, every job in a checkout of its own.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{EVENLY, Project, Ran, SHELL_SUITE, tool};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A file that the guide shows, without the image and what installs evenly in it.
fn shown(name: &str) -> String {
    let guide = fs::read_to_string(Path::new(REPOSITORY).join("docs/guide/gitlab.md")).unwrap();
    let begin = format!("```yaml\n# {name}\n");
    let (_, rest) = guide.split_once(&begin).unwrap_or_else(|| panic!("the guide has no {name}"));
    let (text, _) = rest.split_once("```").expect("its end");
    let (before, after) = text.split_once("default:\n").expect("what installs");
    let (_, jobs) = after.split_once("\n\n").expect("jobs after it");
    format!("{before}{jobs}")
}

/// A repository with these files and the template.
fn repository(project: Project) -> Option<(Project, OsString)> {
    let node = tool("EVENLY_TEST_NODE")?;
    let template = fs::read(Path::new(REPOSITORY).join("templates/evenly.yml")).unwrap();
    let project = project
        .file(".gitlab/evenly-template.yml", template)
        .file(".gitignore", "/.gitlab-ci-local/\n/evenly-out/\n/.evenly/\n/bin/\n");
    fs::create_dir(project.path("bin")).unwrap();
    std::os::unix::fs::symlink(EVENLY, project.path("bin/evenly")).unwrap();
    Some((project, node))
}

/// Runs a pipeline of a merge request.
fn pipeline(project: &Project, node: &OsString, file: &str) -> Ran {
    let git = "test -d .git || git init -q -b main .; git add -A; \
               git -c user.name=a -c user.email=a@b commit -qm one || true; \
               git remote add origin https://gitlab.example/octo/shop.git 2>/dev/null || true";
    project.bash(git).exits(0);
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let main = Path::new(node).join("node_modules/gitlab-ci-local/dist/index.js");
    let mut command = Command::new("node");
    command.arg(main).current_dir(project.path("")).env("PATH", path);
    command.args(["--force-shell-executor", "--shell-isolation", "--file", file]);
    command.args(["--ignore-predefined-vars", "GITLAB_CI,CI_PIPELINE_SOURCE"]);
    for variable in ["GITLAB_CI=true", "CI_PIPELINE_SOURCE=merge_request_event"] {
        command.args(["--variable", variable]);
    }
    command.env("HOME", project.path("bin")).env_remove("CI").env_remove("GITHUB_ACTIONS");
    Ran::of(&command.output().unwrap())
}

fn three() -> Project {
    Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "")
        .file("t/b.sh", "")
        .file("t/c.sh", "")
}

#[test]
fn three_parallel_jobs_are_three_shards_and_the_last_job_joins_them() {
    let project = three().file(".gitlab-ci.yml", shown(".gitlab-ci.yml"));
    let Some((project, node)) = repository(project) else { return };
    pipeline(&project, &node, ".gitlab-ci.yml").exits(0);
    let report = project.report();
    assert_eq!((&report["verdict"], &report["totals"]["passed"]), (&"passed".into(), &3.into()));
    assert_eq!(report["shards"].as_array().unwrap().len(), 3);

    fs::remove_dir_all(project.path("evenly-out")).unwrap();
    project.write("t/b.sh", "exit 1");
    let ran = pipeline(&project, &node, ".gitlab-ci.yml").exits(1);
    let report = project.report();
    let failed = (&report["verdict"], &report["totals"]["failed"], &report["totals"]["passed"]);
    assert_eq!(failed, (&"failed".into(), &1.into(), &2.into()), "{ran}");
}

#[test]
fn a_child_pipeline_has_the_jobs_that_the_plan_asks_for() {
    let project = three().file(".gitlab/evenly.yml", shown(".gitlab/evenly.yml"));
    let Some((project, node)) = repository(project) else { return };
    let plan = ["plan", "--shards", "2", "--gitlab-child", "child.yml"];
    project.evenly(&plan).exits(0);
    pipeline(&project, &node, "child.yml").exits(0);
    let report = project.report();
    assert_eq!((&report["verdict"], &report["totals"]["passed"]), (&"passed".into(), &3.into()));
    assert_eq!(report["shards"].as_array().unwrap().len(), 2);
}
