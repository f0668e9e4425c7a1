//! Real packages' own suites, as their authors published them, against the framework alone.

use std::path::{Path, PathBuf};

use super::{
    Outcomes, cases, jest, model, plainly, python, reported, suite, with_cargo, with_node,
};
use crate::support::{Project, tool};

fn package(name: &str) -> Option<PathBuf> {
    Some(Path::new(&tool("EVENLY_TEST_PACKAGES")?).join(name))
}

/// Checks that a whole run in so many shards found what the framework alone found, and how much.
#[track_caller]
fn same(found: &Outcomes, alone: &Outcomes, tests: usize) {
    assert_eq!(alone.len(), tests);
    let differs: Vec<_> = found.iter().filter(|(id, what)| alone.get(*id) != Some(*what)).collect();
    assert!(differs.is_empty(), "not as the framework alone has it: {differs:#?}");
    assert_eq!(found.len(), tests);
}

#[test]
fn tomlkit_in_three_shards_is_what_pytest_says_itself() {
    let (Some(package), Some(python)) = (package("tomlkit-0.15.2"), python()) else { return };
    let project = Project::new(&suite("pytest", &format!("python = \"{python}\""))).copy(&package);
    project.evenly(&["local", "--shards", "3"]).exits(0);
    plainly(&project, &[&python, "-m", "pytest", "--junitxml=plain.xml"]).exits(0);
    let merged = cases(&project.text("evenly-out/junit.xml"));
    same(&merged, &cases(&project.text("plain.xml")), 1_203);
    // Ids are pytest's own node ids.
    let listing = plainly(&project, &[&python, "-m", "pytest", "--collect-only", "-q"]).exits(0);
    let found = reported(&project);
    let unknown: Vec<&String> =
        found.keys().filter(|id| !listing.stdout.lines().any(|line| line == *id)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert_eq!(found.len(), 1_203);
}

#[test]
fn markdown_in_two_shards_is_what_unittest_says_itself() {
    let (Some(package), Some(python)) = (package("markdown-3.11.3"), python()) else { return };
    let more = format!("python = \"{python}\"\npaths = [\"tests\"]");
    let project = Project::new(&suite("unittest", &more)).copy(&package);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let told = include_str!("plain_unittest.py");
    let plain = plainly(&project, &[&python, "-c", told, "tests"]).exits(0);
    same(&reported(&project), &model(&plain.stdout), 1_141);
}

#[test]
fn semver_in_two_shards_is_what_nextest_says_itself() {
    let Some(package) = package("semver-1.0.28") else { return };
    let project = Project::new(&suite("nextest", ""))
        .copy(&package)
        .file(".config/nextest.toml", "[profile.default]\njunit = { path = \"plain.xml\" }\n");
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(0);
    plainly(&project, &["cargo", "nextest", "run", "--offline"]).exits(0);
    let plain = cases(&project.text("target/nextest/default/plain.xml"));
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 34);
}

#[test]
fn jsx_ast_utils_in_two_shards_is_what_jest_says_itself() {
    let Some(project) = with_node(Project::new(&suite("jest", ""))) else { return };
    let package = project.path("node_modules/jsx-ast-utils").canonicalize().unwrap();
    let project = project
        .copy(&package)
        // Its own presets are those of Babel 6.
        .file(".babelrc", r#"{ "plugins": ["@babel/plugin-transform-modules-commonjs"] }"#)
        .file("jest.config.js", r#"module.exports = { testMatch: ["**/*-test.js"] };"#);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let npx = ["npx", "--no", "--", "jest", "--json", "--outputFile=plain.json"];
    plainly(&project, &npx).exits(0);
    same(&reported(&project), &jest::plain(&project, "plain.json"), 398);
}
