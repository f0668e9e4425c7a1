//! `CTest`, bats and cargo test.

use super::{
    Outcomes, cases, fixture, has_program, model, outcome, plainly, reported, suite, with_cargo,
};
use crate::support::Project;

/// A built project of `CMake`; `dir` is where it was built.
fn built() -> Option<Project> {
    has_program("ctest")?;
    let project = Project::new(&suite("ctest", "dir = \"build\"")).copy(&fixture("ctest"));
    plainly(&project, &["cmake", "-B", "build"]).exits(0);
    Some(project)
}

#[test]
fn ctests_fixture_comes_to_what_ctest_says_itself() {
    let Some(project) = built() else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    let junit = ["ctest", "--test-dir", "build", "--output-junit", "plain.xml"];
    plainly(&project, &junit).exits(8);
    let plain = cases(&project.text("build/plain.xml"));
    let mut found = cases(&project.text("evenly-out/junit.xml"));
    // CTest fails for it, and calls it skipped.
    assert_eq!(found.insert("breaks::breaks".into(), "skipped".into()).unwrap(), "errored");
    assert_eq!(found, plain);
    assert_eq!(plain.len(), 9);
    assert_eq!(outcome(&project, "is_skipped"), "skipped");
    assert_eq!(outcome(&project, "breaks"), "errored");
    // What makes, needs and cleans one fixture is one group.
    assert_eq!(project.report()["ledger"]["planned"], 7);
}

#[test]
fn a_directory_that_is_not_built_is_told() {
    let project = Project::new(&suite("ctest", "dir = \"build\"")).copy(&fixture("ctest"));
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("/build` is not there");
}

fn bats(more: &str) -> Option<Project> {
    has_program("bats")?;
    Some(Project::new(&suite("bats", more)).copy(&fixture("bats")))
}

#[test]
fn bats_fixture_comes_to_what_bats_says_itself() {
    let Some(project) = bats("") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    let junit = ["bats", "-r", "--report-formatter", "junit", "--output", ".", "test"];
    plainly(&project, &junit).exits(1);
    // evenly tells the whole path of a file, bats the part below the one that it was given.
    let plain: Outcomes = cases(&project.text("report.xml"))
        .into_iter()
        .map(|(name, what)| (format!("test/{name}"), what))
        .collect();
    let found = cases(&project.text("evenly-out/junit.xml"));
    assert_eq!(found, plain);
    assert_eq!(project.report()["totals"]["tests"], 7);
    assert_eq!(project.report()["ledger"]["planned"], 3);
}

#[test]
fn a_broken_set_up_of_a_bats_file_is_told() {
    let Some(project) = bats("paths = [\"broken\", \"test\"]") else { return };
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    let found = reported(&project);
    assert!(
        found.iter().any(|(name, what)| name.contains("setup") && what != "passed"),
        "{found:#?}"
    );
    assert_eq!(project.report()["verdict"], "failed");
}

#[test]
fn a_bats_file_of_which_nothing_is_left_is_skipped() {
    let Some(()) = has_program("bats") else { return };
    let tagged = "# bats test_tags=mine\n@test \"tagged\" { true; }\n";
    let project = Project::new(&suite("bats", "args = [\"--filter-tags\", \"mine\"]"))
        .file("test/a.bats", tagged)
        .file("test/sub/b & c.bats", "@test \"other\" { false; }\n")
        .file("test/sub/none.bats", "");
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let expected = "passed test/a.bats::tagged\nskipped test/sub/b & c.bats::[file]\n\
                    skipped test/sub/none.bats::[file]";
    assert_eq!(reported(&project), model(expected));
}

#[test]
fn a_set_up_of_a_whole_bats_suite_is_for_files_below_and_for_linked_ones() {
    let Some(()) = has_program("bats") else { return };
    let test = "@test \"is set up\" { [ \"$SUITE\" = up ]; }\n";
    let project = Project::new(&suite("bats", ""))
        .file("test/setup_suite.bash", "setup_suite() { export SUITE=up; }\n")
        .file("test/a.bats", test)
        .file("test/sub/b.bats", test)
        .file("other.sh", test);
    std::os::unix::fs::symlink("../other.sh", project.path("test/linked.bats")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    plainly(&project, &["bats", "-r", "test"]).exits(0).says("1..3");
    let names = ["a", "linked", "sub/b"].map(|file| format!("passed test/{file}.bats::is set up"));
    assert_eq!(reported(&project), model(&names.join("\n")));
}

/// What the fixture of nextest comes to, by the exit status of each test alone.
const CARGO: &str = "
failed tests::fails
errored tests::dies
passed tests::inner::passes
passed passes
passed passes_é
";

#[test]
fn cargos_tests_come_to_what_cargo_says_itself() {
    let project = Project::new(&suite("cargo-test", "args = [\"--offline\"]"));
    let project = project.copy(&fixture("nextest"));
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(1);
    let found: Outcomes = reported(&project)
        .into_iter()
        .map(|(name, what)| (name, if what == "errored" { "failed".to_owned() } else { what }))
        .collect();
    let expected: Outcomes = model(CARGO)
        .into_iter()
        .map(|(name, what)| (name, if what == "errored" { "failed".to_owned() } else { what }))
        .collect();
    assert_eq!(found, expected);
}

const DOCUMENTED: &str = "/// ```\n/// assert_eq!(c::one(), 1);\n/// ```\n\
                          pub fn one() -> i32 { 1 }\n\
                          /// ```\n/// assert_eq!(c::two(), 1);\n/// ```\n\
                          pub fn two() -> i32 { 2 }\n\
                          #[test] #[ignore] fn same() { panic!() }\n";

fn documented(args: &str) -> Project {
    let cargo = "[package]\nname = \"c\"\nedition = \"2021\"\n[workspace]\n\
                 [[test]]\nname = \"own\"\nharness = false\n";
    Project::new(&suite("cargo-test", &format!("args = [\"--offline\"{args}]")))
        .file("Cargo.toml", cargo)
        .file("src/lib.rs", DOCUMENTED)
        .file("tests/same.rs", "#[test] fn same() {}\n")
        .file("tests/own.rs", "fn main() { println!(\"all is well\") }\n")
}

#[test]
fn cargos_doc_tests_are_a_group_and_what_is_ignored_elsewhere_runs() {
    let args = ", \"--lib\", \"--test\", \"same\"";
    let project = documented(args);
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(0);
    assert_eq!(reported(&project), model("passed same"));
    let project = documented(", \"--doc\"");
    let ran = with_cargo(project.evenly(&["local", "--shards", "2"])).exits(1);
    ran.says("src/lib.rs - two (line 5) ... FAILED");
    assert_eq!(reported(&project), model("failed doc tests"));
    let project = project.file("src/lib.rs", DOCUMENTED.replace("two(), 1", "two(), 2"));
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(0);
    assert_eq!(reported(&project), model("passed doc tests"));
}

#[test]
fn a_harness_that_lists_no_test_is_refused() {
    let ran = with_cargo(documented("").evenly(&["local", "--shards", "2"])).exits(2);
    ran.warns("Running tests/own.rs").warns("its harness is not Rust's");
}

#[test]
fn a_batch_by_exit_status_is_refused() {
    let project = Project::new(&suite("cargo-test", "batch = 5"));
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("`batch` needs results in JUnit");
    let warm = Project::new(&suite("unittest", "batch = 5"));
    warm.evenly(&["plan", "--shards", "2"]).exits(2).warns("`batch` means nothing");
}

/// Writes a case for each file that it is given, and a line for each call.
const RUNNER: &str = r#"
to=$1; shift
echo "$#" >> calls.txt
{
echo '<testsuite>'
for file; do echo "<testcase classname=\"$file\" name=\"runs\" time=\"0.01\"/>"; done
echo '</testsuite>'
} > "$to"
"#;

/// A suite whose runner gets up to three of four groups at once, with more keys and tables.
fn batched(more: &str) -> Project {
    let keys = "globs = [\"t/*\"]\nrun = \"sh run.sh {junit} {tests}\"\nbatch = 3\n";
    let mut project = Project::new(&suite("command", &format!("{keys}{more}")));
    for name in ["a", "b c", "d", "e"] {
        project = project.file(format!("t/{name}"), "");
    }
    let project = project.file("run.sh", RUNNER);
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    assert_eq!(outcome(&project, "t/b c::runs"), "passed");
    let report = project.report();
    assert_eq!((&report["ledger"]["planned"], &report["totals"]["passed"]), (&4.into(), &4.into()));
    project
}

#[test]
fn a_command_of_ones_own_runs_a_batch_where_its_report_tells_groups_apart() {
    assert_eq!(batched("").text("calls.txt"), "3\n1\n");
}

#[test]
fn groups_with_databases_of_their_own_share_no_command() {
    let database = "[database.main]\nurl = \"sqlite:base.db\"\nprepare = \"true\"\n";
    let worker = batched(&format!("databases = [\"main\"]\n{database}"));
    assert_eq!(worker.text("calls.txt"), "3\n1\n");
    let group = batched(&format!("databases = [\"main\"]\n{database}fresh = \"group\"\n"));
    assert_eq!(group.text("calls.txt"), "1\n1\n1\n1\n");
}
