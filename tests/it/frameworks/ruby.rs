//! `RSpec` and Minitest.

use super::{
    cases, counts, executions, fixture, has_program, model, outcome, plainly, reported, suite,
};
use crate::support::Project;

fn project(framework: &str, more: &str) -> Option<Project> {
    has_program("ruby")?;
    Some(Project::new(&suite(framework, more)).copy(&fixture(framework)))
}

pub(super) const FORMATTER: [&str; 6] =
    ["--require", "rspec_junit_formatter", "--format", "RspecJunitFormatter", "--out", "plain.xml"];

#[test]
fn rspecs_fixture_comes_to_what_rspec_says_itself() {
    let Some(project) = project("rspec", "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    plainly(&project, &[&["rspec"], &FORMATTER[..]].concat()).exits(1);
    let plain = cases(&project.text("plain.xml"));
    assert_eq!(cases(&project.text("evenly-out/junit.xml")), plain);
    assert_eq!(project.report()["totals"]["tests"], 11);
    assert_eq!(project.report()["totals"]["skipped"], 2);
    assert_eq!(outcome(&project, "spec.basket_spec::basket \"quoted\" <&> fails"), "failed");
    assert_eq!(project.report()["ledger"]["planned"], 2);
}

#[test]
fn rspecs_tags_leave_files_out_before_they_are_planned() {
    let more = "args = [\"--tag\", \"mine\"]";
    let Some(project) = project("rspec", more) else { return };
    let mine = "RSpec.describe('x') { it('runs', :mine) {}\n it('does not') {} }\n";
    let project = project.file("spec/mine_spec.rb", mine);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    assert_eq!(reported(&project), model("passed spec.mine_spec::x runs"));
}

#[test]
fn a_file_that_rspec_cannot_load_ends_the_run_before_anything_ran() {
    let Some(project) = project("rspec", "paths = [\"broken\", \"spec\"]") else { return };
    let ran = project.evenly(&["local", "--shards", "2"]).exits(2);
    ran.warns("no_such_file").warns("`rspec` needs RSpec 3");
}

const FLAKY: &str = r#"
def first?(name)
  File.open("ran.txt", "a") { |file| file.puts name }
  File.readlines("ran.txt", chomp: true).count(name) == 1
end

RSpec.describe "NAME" do
  it("steady") { first?("NAME steady") }
  it("flaky") { raise "first" if first?("NAME flaky") && FLAKY }
end
"#;

#[test]
fn a_retry_after_a_batch_runs_the_failed_file_alone() {
    let Some(project) = project("rspec", "retries = 1\npaths = [\"again\"]") else { return };
    let file = |name: &str, flaky: &str| FLAKY.replace("NAME", name).replace("FLAKY", flaky);
    let project = project
        .file("again/a_spec.rb", file("a", "true"))
        .file("again/b_spec.rb", file("b", "false"))
        .file("again/c_spec.rb", file("c", "false"));
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    let expected = [
        ("a steady", 2),
        ("a flaky", 2),
        ("b steady", 1),
        ("b flaky", 1),
        ("c steady", 1),
        ("c flaky", 1),
    ];
    assert_eq!(executions(&project, "ran.txt"), counts(expected));
    assert_eq!(outcome(&project, "again.a_spec::a flaky"), "flaky");
}

const OUTSIDE: &str =
    "RSpec.describe('hook') { it('holds') {}\n after(:context) { raise 'late' } }\n";

#[test]
fn what_fails_outside_of_all_examples_is_told_whoever_else_failed() {
    let Some(project) = project("rspec", "retries = 1\npaths = [\"again\"]") else { return };
    let flaky = FLAKY.replace("NAME", "a").replace("FLAKY", "true");
    let project = project.file("again/a_spec.rb", flaky).file("again/b_spec.rb", OUTSIDE);
    let ran = project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    ran.says("An error occurred in an `after(:context)` hook");
    assert_eq!(outcome(&project, "rspec::outside of examples"), "errored");
    assert_eq!(outcome(&project, "again.b_spec::hook holds"), "passed");
}

#[test]
fn specs_beside_the_project_run() {
    let Some(project) = project("rspec", "dir = \"inside\"\npaths = [\"../beside\"]") else {
        return;
    };
    let spec = "RSpec.describe('x') { it('runs') {} }\n";
    let project = project.file("inside/.rspec", "").file("beside/x_spec.rb", spec);
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    assert_eq!(project.report()["totals"]["passed"], 1);
}

#[test]
fn a_worker_is_told_by_the_name_that_parallel_tests_has() {
    let Some(project) = project("rspec", "paths = [\"env\"]") else { return };
    let spec = "RSpec.describe('x') { it('is') { expect(ENV['TEST_ENV_NUMBER']).to eq '1' } }\n";
    let project = project.file("env/x_spec.rb", spec);
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
}

const MINITEST: &str = r#"
passed BasketTest::test_passes
failed BasketTest::test_fails
errored BasketTest::test_breaks
skipped BasketTest::test_is_skipped
passed BasketTest::test_parameter a b
passed BasketTest::test_parameter é
passed BasketTest::test_parameter $(exit 9)
passed BasketTest::test_parameter "quoted" <&>
passed OtherTest::test_passes
passed odd::test_0001_passes
"#;

#[test]
fn minitests_fixture_comes_to_what_minitest_says_itself() {
    let Some(project) = project("minitest", "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    let mut expected = model(MINITEST);
    expected.insert("BasketTest::test_parameter new\nline".to_owned(), "passed".to_owned());
    assert_eq!(reported(&project), expected);
    assert_eq!(project.report()["ledger"]["planned"], 2);
    let all = "Dir['test/**/*_test.rb'].each { |file| require File.expand_path(file) }";
    let plain = plainly(&project, &["ruby", "-Itest", "-e", all]).exits(1);
    plain.says("11 runs, 9 assertions, 1 failures, 1 errors, 1 skips");
}

#[test]
fn files_of_which_minitest_runs_nothing_are_skipped_and_linked_ones_run() {
    let args = r#"paths = ["some"]
args = ["--name", "/mine/"]"#;
    let Some(project) = project("minitest", args) else { return };
    let class = |name: &str, test: &str| {
        format!("class {name} < Minitest::Test\n  def {test}\n    assert true\n  end\nend\n")
    };
    let project = project
        .file("some/helpers_test.rb", "module Helpers; end\n")
        .file("some/mine_test.rb", class("MineTest", "test_mine"))
        .file("some/other_test.rb", class("OtherTest", "test_other"))
        .file("elsewhere.rb", class("LinkedTest", "test_mine"));
    std::os::unix::fs::symlink("../elsewhere.rb", project.path("some/linked_test.rb")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let expected = "passed MineTest::test_mine\npassed LinkedTest::test_mine\n\
                    skipped some/helpers_test.rb::[file]\nskipped some/other_test.rb::[file]";
    assert_eq!(reported(&project), model(expected));
}

#[test]
fn a_path_without_a_test_file_is_told_before_anything_ran() {
    let Some(project) = project("minitest", "paths = [\"test\", \"lib\"]") else { return };
    let project = project.file("lib/shop.rb", "");
    project.evenly(&["local", "--shards", "2"]).exits(2).warns("no test file below lib");
}

#[test]
fn a_file_that_minitest_cannot_load_is_an_error_of_its_own() {
    let Some(project) = project("minitest", "paths = [\"broken\", \"test\"]") else { return };
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1).says("no_such_file");
    assert_eq!(outcome(&project, "[group] broken/import_test.rb"), "errored");
    assert_eq!(outcome(&project, "OtherTest::test_passes"), "passed");
    assert_eq!(project.report()["verdict"], "failed");
}
