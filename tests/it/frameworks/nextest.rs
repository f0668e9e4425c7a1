//! nextest.

use super::{
    Outcomes, cases, counts, executions, fixture, model, outcome, plainly, reported, suite,
    with_cargo,
};
use crate::support::{Project, tool};

/// What the fixture project comes to. nextest says nothing of ignored tests, and runs each test in
/// a process of its own, so one that aborts fails alone.
const MODEL: &str = "
failed basket::tests::fails
failed basket::tests::dies
passed basket::tests::inner::passes
passed basket::other::passes
passed basket::other::passes_é
";

fn project(more: &str) -> Option<Project> {
    tool("EVENLY_TEST_VENV")?;
    Some(Project::new(&suite("nextest", more)))
}

#[test]
fn the_fixture_comes_to_what_nextest_says_itself() {
    let Some(project) = project("") else { return };
    let project = project
        .copy(&fixture("nextest"))
        .file(".config/nextest.toml", "[profile.default]\njunit = { path = \"plain.xml\" }\n");
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(1);
    assert_eq!(reported(&project), model(MODEL));
    let argv = ["cargo", "nextest", "run", "--offline", "--no-fail-fast"];
    plainly(&project, &argv).exits(100);
    let plain: Outcomes = cases(&project.text("target/nextest/default/plain.xml"));
    assert_eq!(cases(&project.text("evenly-out/junit.xml")), plain);
}

#[test]
fn a_binary_in_parts_comes_to_the_same() {
    let Some(project) = project("granularity = \"test\"") else { return };
    let project = project.copy(&fixture("nextest"));
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(1);
    assert_eq!(reported(&project), model(MODEL));
    assert_eq!(project.report()["ledger"]["planned"], 5);
}

#[test]
fn a_crate_that_does_not_compile_is_an_error_that_names_the_file() {
    let Some(project) = project("args = [\"--features=broken\"]") else { return };
    let project = project.copy(&fixture("nextest"));
    let ran = with_cargo(project.evenly(&["local", "--shards", "2"])).exits(2);
    ran.warns("src/lib.rs").warns("the variant that does not compile");
}

const FLAKY: &str = r#"
fn once(name: &str) -> bool {
    use std::io::Write;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ran.txt");
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    // In one piece: tests run beside each other.
    file.write_all(format!("{name}\n").as_bytes()).unwrap();
    std::fs::read_to_string(path).unwrap().lines().filter(|line| *line == name).count() == 1
}

mod inner {
    #[test]
    fn flaky() { assert!(!super::once("flaky")); }
}

#[test]
fn flaky_too() { once("flaky_too"); }

#[test]
fn bad() { once("bad"); panic!(); }
"#;

#[test]
fn a_retry_runs_the_failed_tests_alone() {
    let Some(project) = project("retries = 1") else { return };
    let cargo = "[package]\nname = \"c\"\nedition = \"2021\"\n[workspace]\n";
    let project = project.file("Cargo.toml", cargo).file("tests/t.rs", FLAKY);
    let project = project.file("src/lib.rs", "");
    with_cargo(project.evenly(&["local", "--shards", "1"])).exits(1);
    let expected = counts([("flaky", 2), ("flaky_too", 1), ("bad", 2)]);
    assert_eq!(executions(&project, "ran.txt"), expected);
    assert_eq!(outcome(&project, "c::t::inner::flaky"), "flaky");
    assert_eq!(outcome(&project, "c::t::bad"), "failed");
}

#[test]
fn what_nextest_itself_tries_again_is_flaky() {
    let Some(project) = project("") else { return };
    let cargo = "[package]\nname = \"c\"\nedition = \"2021\"\n[workspace]\n";
    let flaky = FLAKY.replace("#[test]\nfn bad() { once(\"bad\"); panic!(); }\n", "");
    let project = project.file("Cargo.toml", cargo).file("tests/t.rs", flaky);
    let project = project.file("src/lib.rs", "");
    let project = project.file(".config/nextest.toml", "[profile.default]\nretries = 1\n");
    with_cargo(project.evenly(&["local", "--shards", "1"])).exits(0);
    assert_eq!(outcome(&project, "c::t::inner::flaky"), "flaky");
    assert_eq!(outcome(&project, "c::t::flaky_too"), "passed");
}

#[test]
fn the_filter_of_evenlys_profile_leaves_tests_out_of_the_plan() {
    for (profile, left) in [("evenly", 4), ("default", 4), ("ci", 5)] {
        let Some(project) = project("") else { return };
        let toml = format!("[profile.{profile}]\ndefault-filter = 'not test(=tests::dies)'\n");
        let project = project.copy(&fixture("nextest")).file(".config/nextest.toml", toml);
        with_cargo(project.evenly(&["local", "--shards", "2"])).exits(1);
        assert_eq!(project.report()["totals"]["tests"], left, "{profile}");
    }
}

#[test]
fn paths_mean_nothing_and_are_refused() {
    let project = Project::new(&suite("nextest", "paths = [\"tests\"]"));
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("`paths` means nothing");
}
