//! `evenly init`: on real projects what it writes runs as it is; nothing there is ever changed.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::frameworks::with_gos_library;
use crate::support::{Evenly, Project, Ran, tool};

const CONFIG: &str = "evenly.toml";
const WORKFLOW: &str = ".github/workflows/evenly.yml";

fn package(name: &str) -> Option<PathBuf> {
    Some(Path::new(&tool("EVENLY_TEST_PACKAGES")?).join(name))
}

/// The same with the programs of the tests' own virtual environment, as if it were active.
fn active(evenly: Evenly) -> Option<Evenly> {
    let mut path = OsString::from(Path::new(&tool("EVENLY_TEST_VENV")?).join("bin"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Some(evenly.env("PATH", path).env("CARGO_NET_OFFLINE", "true"))
}

/// Writes the files, and runs what they say.
#[track_caller]
fn works(project: &Project, framework: &str, tests: u64) -> Option<()> {
    let plan = project.evenly(&["init", "--dry-run", "--ci", "github"]).exits(0);
    assert!(!project.path(CONFIG).exists(), "a dry run wrote it");
    let wrote = project.evenly(&["init", "--ci", "github"]).exits(0);
    let wrote = wrote.says("wrote evenly.toml").says("wrote .github/workflows/evenly.yml");
    let config = project.text(CONFIG);
    assert!(config.contains(&format!("framework = \"{framework}\"")), "{config}");
    assert!(plan.stdout.contains(&config), "{plan}");
    assert!(plan.stdout.contains(&project.text(WORKFLOW)), "{plan}");
    assert!(wrote.stdout.contains("found "), "{wrote}");
    active(project.evenly(&["local", "--shards", "2"]))?.exits(0);
    assert_eq!(project.report()["totals"]["tests"], tests, "{config}");
    fits(project);
    Some(())
}

/// What GitHub's own rules and actionlint say of the workflow.
#[track_caller]
fn fits(project: &Project) -> Option<()> {
    let bin = Path::new(&tool("EVENLY_TEST_VENV")?).join("bin");
    let workflow = project.path(WORKFLOW);
    let schema = ["--builtin-schema", "vendor.github-workflows"];
    lint(Command::new(bin.join("check-jsonschema")).args(schema).arg(&workflow));
    lint(Command::new(bin.join("actionlint")).arg("-shellcheck=").arg(&workflow));
    let lines = project.text(WORKFLOW).lines().count();
    assert!(lines <= 30, "{lines} lines");
    Some(())
}

#[track_caller]
fn lint(command: &mut Command) {
    Ran::of(&command.output().unwrap()).exits(0);
}

#[test]
fn a_django_project_as_django_makes_it() {
    let project = Project::empty();
    let django = |args: &[&str]| {
        let mut command = active(project.bash("exec python3 -m django \"$@\""))?.into_command();
        command.args(args);
        Some(Ran::of(&command.output().unwrap()).exits(0))
    };
    let Some(_) = django(&["startproject", "shop", "."]) else { return };
    django(&["startapp", "basket"]);
    project.write(
        "basket/tests.py",
        "from django.contrib.auth.models import User\nfrom django.test import TestCase\n\n\n\
         class UserTests(TestCase):\n    def test_one(self):\n        \
         User.objects.create_user(\"a\")\n        self.assertEqual(User.objects.count(), 1)\n\n    \
         def test_none(self):\n        self.assertEqual(User.objects.count(), 0)\n",
    );
    works(&project, "django", 2);
    assert!(project.text(CONFIG).contains("settings = \"shop.settings\""));
}

#[test]
fn a_pytest_project() {
    let Some(package) = package("tomlkit-0.15.2") else { return };
    works(&Project::empty().copy(&package), "pytest", 1_203);
}

#[test]
fn a_unittest_project() {
    let Some(package) = package("markdown-3.11.3") else { return };
    let project = Project::empty().copy(&package);
    works(&project, "unittest", 1_141);
    assert!(project.text(CONFIG).contains("paths = [\"tests\"]"));
}

#[test]
fn a_jest_project() {
    let Some(node) = tool("EVENLY_TEST_NODE") else { return };
    let project = Project::empty();
    symlink(Path::new(&node).join("node_modules"), project.path("node_modules")).unwrap();
    let package = project.path("node_modules/jsx-ast-utils").canonicalize().unwrap();
    let project = project
        .copy(&package)
        // Its own presets are those of Babel 6.
        .file(".babelrc", r#"{ "plugins": ["@babel/plugin-transform-modules-commonjs"] }"#)
        .file("jest.config.js", r#"module.exports = { testMatch: ["**/*-test.js"] };"#);
    works(&project, "jest", 398);
}

#[test]
fn a_go_project() {
    let Some(project) = with_gos_library(Project::empty()) else { return };
    let plain = project.bash("go test -v -count=1 ./...").exits(0);
    let ends = plain.stdout.lines().filter(|line| line.trim_start().starts_with("--- "));
    works(&project, "go", ends.count().try_into().unwrap());
}

#[test]
fn a_rust_project() {
    let Some(package) = package("semver-1.0.28") else { return };
    works(&Project::empty().copy(&package), "nextest", 34);
}

#[test]
fn a_pipeline_for_gitlab_is_one() {
    let project = Project::empty()
        .file("pytest.ini", "[pytest]\n")
        .file("requirements.txt", "pytest\n")
        .file("web/a.test.js", "")
        .file("web/package.json", r#"{ "devDependencies": { "jest": "30" } }"#);
    project.evenly(&["init", "--ci", "gitlab", "--shards", "3"]).exits(0);
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let check = Path::new(&venv).join("bin/check-jsonschema");
    for file in [".gitlab/evenly.yml", ".gitlab-ci.yml"] {
        let mut command = Command::new(&check);
        command.args(["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]);
        lint(command.arg(project.path(file)));
    }
    assert!(project.text(".gitlab/evenly.yml").contains("parallel: 3"));
}

#[test]
fn several_suites_make_one_workflow_that_fits() {
    let project = Project::empty()
        .file("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')")
        .file("shop/settings.py", "ENGINE = 'django.db.backends.postgresql'")
        .file("web/a.test.js", "")
        .file("web/package.json", r#"{ "devDependencies": { "jest": "30", "jest-junit": "17" } }"#)
        .file(".github/workflows/ci.yml", "on: push\n");
    project.evenly(&["init"]).exits(0).says("found Django").says("found jest in `web`");
    fits(&project);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let project = Project::empty().file("pytest.ini", "[pytest]\n").file(CONFIG, "mine");
    for more in [&["--ci", "github"][..], &["--ci", "github", "--dry-run"]] {
        let told = project.evenly(&[&["init"], more].concat()).exits(2);
        told.warns("`evenly.toml` is there already").says("--- evenly.toml\n").says("[[suite]]");
        assert_eq!(project.text(CONFIG), "mine");
        assert!(!project.path(WORKFLOW).exists());
    }
    // A link that leads nowhere is something, too.
    fs::remove_file(project.path(CONFIG)).unwrap();
    symlink("elsewhere", project.path(CONFIG)).unwrap();
    project.evenly(&["init"]).exits(2).warns("is there already");
    assert!(!project.path("elsewhere").exists());
}

#[test]
fn without_a_framework_nothing_is_written() {
    let project = Project::empty().file("README.md", "");
    project.evenly(&["init", "--ci", "github"]).exits(2).warns("no test framework was found");
    project.evenly(&["init", "nowhere"]).exits(2);
    assert!(!project.path(CONFIG).exists());
}

#[test]
fn a_hostile_project_hurts_nobody() {
    let project = Project::empty().file("pytest.ini", "[pytest]\n");
    project
        .bash("mkfifo manage.py; mkfifo tox.ini; ln -s . loop; ln -s /dev/zero setup.cfg")
        .exits(0);
    project.write("pyproject.toml", vec![b'['; 3 << 20]);
    project.write("package.json", vec![b'{'; 3 << 20]);
    let odd = std::ffi::OsStr::from_bytes(b"tests/test_\xff.py");
    project.write(odd, "import unittest\n");
    project.write("a\n::error::b/Cargo.toml", "");
    project.write("${{ github.token }}/go.mod", "");
    project.write("node_modules/x/package.json", r#"{ "jest": {} }"#);
    let mut deep = PathBuf::new();
    for _ in 0..40 {
        deep.push("d");
    }
    project.write(deep.join("Cargo.toml"), "");
    let told = project.evenly(&["init", "--ci", "github"]).exits(0).says("unusual name");
    assert!(!told.stdout.lines().any(|line| line.starts_with("::")), "{told}");
    assert!(!project.text(WORKFLOW).contains("token"));
    let config = project.text(CONFIG);
    assert_eq!(config.matches("[[suite]]").count(), 1, "{config}");
}
