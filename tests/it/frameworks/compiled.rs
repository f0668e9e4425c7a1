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

/// What `PHPUnit` does not leave out of its list, reports otherwise than it judges, or lists
/// without its class.
const GROUPED: &str = r#"<?php
namespace App;
use PHPUnit\Framework\TestCase;
class GroupedTest extends TestCase {
  public function testRuns(): void { $this->assertTrue(true); }
  /** @group slow */ public function testSlow(): void { $this->assertTrue(false); }
  /**
   * @group slow
   * @group odd
   */
  public function testOdd(): void { $this->assertTrue(true); }
  public function testRisky(): void { }
  public function testWarns(): void { $this->addWarning("careful"); $this->assertTrue(true); }
  public static function none(): array { return []; }
  /** @dataProvider none */ public function testNone($x): void { }
}
"#;
const EMPTY: &str = "<?php\nclass NoneTest extends PHPUnit\\Framework\\TestCase { }\n";

fn grouped(more: &str, attributes: &str) -> Option<Project> {
    has_program("phpunit")?;
    let xml = format!(
        "<phpunit {attributes}><testsuites><testsuite name='a'><directory>tests</directory>\
         </testsuite></testsuites>\n<groups><exclude><group>slow</group></exclude></groups>\
         </phpunit>\n"
    );
    let project = Project::new(&suite("phpunit", more));
    let project = project.file("phpunit.xml", xml).file("tests/GroupedTest.php", GROUPED);
    Some(project.file("tests/NoneTest.php", EMPTY))
}

const GROUPED_MODEL: &str = r"
passed App\GroupedTest::testRuns
passed App\GroupedTest::testRisky
passed App\GroupedTest::testWarns
skipped App\GroupedTest::testNone
passed Warning
";

#[test]
fn what_phpunit_leaves_out_or_lets_pass_comes_to_what_it_says_itself() {
    for more in ["", "batch = 1"] {
        let Some(project) = grouped(more, "") else { return };
        project.evenly(&["local", "--shards", "2"]).exits(0);
        assert_eq!(reported(&project), model(GROUPED_MODEL));
        plainly(&project, &["phpunit"]).exits(0).says("Tests: 5, ");
    }
}

#[test]
fn groups_in_args_choose_what_of_phpunit_is_planned() {
    let Some(project) = grouped(r#"args = ["--group=slow", "--exclude-group", "odd"]"#, "") else {
        return;
    };
    project.evenly(&["local", "--shards", "2"]).exits(1);
    assert_eq!(reported(&project), model(r"failed App\GroupedTest::testSlow"));
    let filtered = grouped(r#"args = ["--filter", "testRuns"]"#, "").unwrap();
    filtered.evenly(&["plan", "--shards", "2"]).exits(2).warns("`--filter` cannot be in `args`");
}

#[test]
fn what_phpunit_is_told_to_fail_on_fails_by_its_name() {
    let Some(project) = grouped("", "failOnRisky='true' failOnWarning='true'") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let worse = GROUPED_MODEL
        .replace("passed App\\GroupedTest::testRisky", "errored App\\GroupedTest::testRisky")
        .replace("passed App\\GroupedTest::testWarns", "failed App\\GroupedTest::testWarns")
        .replace("passed Warning", "failed Warning");
    assert_eq!(reported(&project), model(&worse));
    plainly(&project, &["phpunit"]).exits(1);
}

const MISMADE: &str = r#"<?php
class MismadeTest extends PHPUnit\Framework\TestCase {
  public function testRuns(): void { $this->assertTrue(true); }
  public static function bad(): array { throw new Exception("no data"); }
  /** @dataProvider bad */ public function testBad($x): void { }
}
"#;

#[test]
fn a_data_provider_that_fails_is_an_error_with_its_message() {
    let Some(project) = grouped("", "") else { return };
    let project = project.file("tests/MismadeTest.php", MISMADE);
    project.evenly(&["local", "--shards", "2"]).exits(1).says("MismadeTest::testBad is invalid");
    assert_eq!(outcome(&project, "Error"), "errored");
    assert_eq!(outcome(&project, "MismadeTest::testRuns"), "passed");
}

#[test]
fn exunits_files_are_those_that_mix_would_take() {
    let Some(project) = project("elixir", "exunit", "") else { return };
    let mix = project.text("mix.exs").replace(
        "version: \"0.1.0\"",
        "version: \"0.1.0\", test_paths: [\"more\"], test_pattern: \"*_{test,spec}.exs\"",
    );
    let module =
        |name: &str, rest: &str| format!("defmodule {name} do\n  use ExUnit.Case\n{rest}end\n");
    let project = project
        .file("mix.exs", mix)
        .file("more/test_helper.exs", "ExUnit.start()\n")
        .file("more/a_test.exs", module("ATest", "  test \"a\", do: assert true\n"))
        .file("more/b_spec.exs", module("BSpec", "  @tag :mine\n  test \"b\", do: assert true\n"))
        .file("more/none_test.exs", module("NoneTest", ""));
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let expected = "passed ATest::test a\npassed BSpec::test b\n\
                    skipped more/none_test.exs::[file]";
    assert_eq!(reported(&project), model(expected));
    plainly(&project, &["mix", "test"]).exits(0).says("2 tests, 0 failures");
    // `--only` of mix fails a command that has no such test.
    let only = suite("exunit", "batch = 1\nargs = [\"--only\", \"mine\"]");
    let project = project.file("evenly.toml", only);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let expected = expected.replace("passed ATest", "skipped ATest");
    assert_eq!(reported(&project), model(&expected));
    plainly(&project, &["mix", "test", "--only", "mine"]).exits(0).says("0 failures, 1 excluded");
}
