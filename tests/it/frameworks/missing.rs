//! Every preset without its tool.

use std::os::unix::fs::symlink;

use evenly::framework::Preset;

use super::suite;
use crate::support::Project;

/// What a listing may take for granted.
const GRANTED: [&str; 14] = [
    "sh", "cat", "cp", "cut", "echo", "env", "find", "grep", "paste", "pwd", "rm", "sed", "sort",
    "true",
];

#[test]
fn a_tool_that_is_missing_is_named_with_what_to_do() {
    for name in Preset::names() {
        let project = Project::new(&suite(&name, ""));
        for dir in ["bin", "test", "tests", "spec", "src/test/java", "cypress"] {
            std::fs::create_dir_all(project.path(dir)).unwrap();
        }
        for program in GRANTED {
            let path = std::env::var_os("PATH").unwrap();
            let found = std::env::split_paths(&path).map(|dir| dir.join(program));
            let found = found.into_iter().find(|file| file.is_file());
            if let Some(found) = found {
                symlink(found, project.path("bin").join(program)).unwrap();
            }
        }
        let evenly = project.evenly(&["plan", "--shards", "2"]).env("PATH", project.path("bin"));
        let ran = evenly.exits(2);
        let ran = ran.warns("listing its tests failed").warns(&format!("hint: `{name}` needs "));
        let ran = ran.warns("nothing was run");
        // What the shell said of it.
        assert!(ran.stderr.contains("not found") || name == "ctest", "{name}: {ran}");
    }
}

#[test]
fn a_version_that_lists_otherwise_is_told_with_the_one_that_was_tried() {
    let fake = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'ctest version 9.9'; exit; fi\n\
                if [ \"$1\" = --help ]; then echo '--output-junit'; exit; fi\necho '<new/>'\n";
    let project = Project::new(&suite("ctest", "")).file("bin/ctest", fake);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("bin/ctest"), executable).unwrap();
    let mut path = project.path("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let ran = project.evenly(&["plan", "--shards", "2"]).env("PATH", path).exits(2);
    let ran = ran.warns("the listing is not CTest's JSON").warns("it begins with `<new/>`");
    ran.warns("it was tried with CMake").warns("here is `ctest version 9.9`");
}

/// A `ctest` that lists two tests and tells of one of them, and of one that it did not list.
const ASTRAY: &str = r#"#!/bin/sh
case $1 in
--help) echo '--output-junit' ;;
--show-only=json-v1) echo '{"tests":[{"name":"one"},{"name":"two"}]}' ;;
*) echo '<testsuite><testcase name="one"/><testcase name="new"/></testsuite>' > "$2" ;;
esac
"#;

#[test]
fn names_that_do_not_match_the_listed_ones_are_told_and_never_dropped() {
    let project = Project::new(&suite("ctest", "")).file("bin/ctest", ASTRAY);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("bin/ctest"), executable).unwrap();
    let mut path = project.path("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let local = project.evenly(&["local", "--shards", "1", "--workers", "1"]).env("PATH", path);
    // The batch of both cannot be told apart: each runs alone, and says the same again.
    let ran = local.exits(5).warns("each runs again by itself");
    let ran = ran.says("s:two");
    let report = project.report();
    assert_eq!(report["verdict"], "incomplete", "{ran}");
    assert_eq!(report["ledger"]["lost"], serde_json::json!(["s:two"]));
    let tests = report["tests"].as_array().unwrap();
    let new = |test: &serde_json::Value| test["id"].as_str().unwrap().starts_with("s:new");
    assert!(tests.iter().any(new), "{tests:?}");
}
