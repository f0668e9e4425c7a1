//! go, `PHPUnit` and `ExUnit`.

use super::{
    Outcomes, cases, fixture, has_program, model, outcome, plainly, reported, suite,
    with_gos_library,
};
use crate::support::Project;

fn project(program: &str, framework: &str, more: &str) -> Option<Project> {
    has_program(program)?;
    Some(Project::new(&suite(framework, more)).copy(&fixture(framework)))
}

const GO: &str = r#"
passed example.com/shop/basket::TestPasses
failed example.com/shop/basket::TestFails
skipped example.com/shop/basket::TestIsSkipped
passed example.com/shop/basket::TestParameter
passed example.com/shop/basket::TestParameter/a_b
passed example.com/shop/basket::TestParameter/é
passed example.com/shop/basket::TestParameter/$(exit_9)
passed example.com/shop/basket::TestParameter/"quoted"_<&>
passed example.com/shop/basket::TestParameter/new_line
passed example.com/shop/basket::ExampleAdd
passed example.com/shop/dies::TestPasses
failed example.com/shop/dies::TestDies
skipped example.com/shop/empty::[package]
"#;

#[test]
fn gos_fixture_comes_to_what_go_says_itself() {
    let Some(project) = project("go", "go", "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    assert_eq!(reported(&project), model(GO));
    assert_eq!(project.report()["ledger"]["planned"], 3);
    // Its own words for the same: three packages, of which two fail.
    let plain = plainly(&project, &["go", "test", "-v", "-count=1", "./..."]).exits(1);
    for (name, what) in model(GO) {
        let (_, test) = name.split_once("::").unwrap();
        let word = match what.as_str() {
            "passed" => "PASS",
            "skipped" => "SKIP",
            _ => "FAIL",
        };
        if test != "[package]" {
            assert!(plain.stdout.contains(&format!("--- {word}: {test} (")), "{name}\n{plain}");
        }
    }
}

#[test]
fn gos_own_library_comes_to_what_go_says_itself() {
    let Some(project) = with_gos_library(Project::new(&suite("go", ""))) else { return };
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let plain = plainly(&project, &["go", "test", "-v", "-count=1", "./..."]).exits(0);
    let passed = plain.stdout.lines().filter(|line| line.trim_start().starts_with("--- PASS: "));
    let passed = passed.count();
    assert!(passed > 100, "{passed}");
    assert_eq!(project.report()["totals"]["passed"], passed);
}

#[test]
fn packages_with_tests_by_a_tag_alone_are_listed_by_it() {
    let tagged = "//go:build slow\n\npackage tagged\n\nimport \"testing\"\n\n\
                  func TestSlow(t *testing.T) {}\n";
    for args in [r#"args = ["-tags=slow"]"#, r#"args = ["-race=false", "-tags", "slow"]"#] {
        let Some(project) = project("go", "go", args) else { return };
        let project = project.file("tagged/tagged_test.go", tagged);
        project.evenly(&["local", "--shards", "2"]).exits(1);
        assert_eq!(outcome(&project, "example.com/shop/tagged::TestSlow"), "passed");
    }
}

#[test]
fn a_package_that_does_not_compile_fails_alone_and_names_the_file() {
    let Some(project) = project("go", "go", "") else { return };
    let project = project.file("broken/broken_test.go", "package broken\n\nfunc TestX(t *no) {}\n");
    let ran = project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    ran.says("broken_test.go:3");
    assert_eq!(outcome(&project, "example.com/shop/broken::[package]"), "errored");
    assert_eq!(outcome(&project, "example.com/shop/basket::TestPasses"), "passed");
}

#[test]
fn phpunits_fixture_comes_to_what_phpunit_says_itself() {
    let Some(project) = project("phpunit", "phpunit", "paths = [\"tests\"]") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    plainly(&project, &["phpunit", "--log-junit", "plain.xml", "tests"]).exits(2);
    let plain: Outcomes = cases(&project.text("plain.xml"));
    assert_eq!(cases(&project.text("evenly-out/junit.xml")), plain);
    assert_eq!(plain.len(), 12);
    let data = r#"Shop\Tests\BasketTest::testParameter with data set "C\\D::e""#;
    let found = reported(&project);
    assert!(found.keys().any(|name| name.contains("C\\")), "{data}\n{found:#?}");
    assert_eq!(outcome(&project, r"Shop\Tests\BasketTest::testBreaks"), "errored");
    assert_eq!(project.report()["ledger"]["planned"], 3);
}

#[test]
fn a_file_that_phpunit_cannot_load_ends_the_run_before_anything_ran() {
    let Some(project) = project("phpunit", "phpunit", "paths = [\"broken\"]") else { return };
    let ran = project.evenly(&["local", "--shards", "2"]).exits(2);
    ran.warns("no-such-file.php").warns("`phpunit` needs PHPUnit 9");
}

const EXUNIT: &str = r#"
passed BasketTest::test basket "quoted" <&> passes
failed BasketTest::test basket "quoted" <&> fails
errored BasketTest::test basket "quoted" <&> breaks
skipped BasketTest::test basket "quoted" <&> is skipped
passed BasketTest::test basket "quoted" <&> parameter a b
passed BasketTest::test basket "quoted" <&> parameter é
passed BasketTest::test basket "quoted" <&> parameter $(exit 9)
errored UnsetTest::test never runs
passed OddTest::test passes
"#;

#[test]
fn exunits_fixture_comes_to_what_exunit_says_itself() {
    let Some(project) = project("elixir", "exunit", "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    let mut expected = model(EXUNIT);
    let name = "BasketTest::test basket \"quoted\" <&> parameter new\nline";
    expected.insert(name.to_owned(), "passed".to_owned());
    assert_eq!(reported(&project), expected);
    let plain = plainly(&project, &["mix", "test"]);
    plain.says("10 tests, 2 failures, 1 invalid, 1 skipped");
}
