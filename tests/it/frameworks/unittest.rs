//! unittest, which needs Python alone.

use super::{counts, executions, fixture, model, outcome, reported, suite};
use crate::support::Project;

/// What the fixture project comes to. A broken fixture is an error of the tests that it kept from
/// running; that of a tear-down is a case of its own.
const MODEL: &str = r#"
passed tests.test_basket.Basket.test_passes
failed tests.test_basket.Basket.test_fails
errored tests.test_basket.Basket.test_breaks
skipped tests.test_basket.Basket.test_is_skipped
passed tests.test_basket.Basket.test_fails_as_expected
failed tests.test_basket.Basket.test_passes_unexpectedly
failed tests.test_basket.Basket.test_subtests
passed tests.test_basket.Basket.test_a b
passed tests.test_basket.Basket.test_é
passed tests.test_basket.Basket.test_$(exit 9)
passed tests.test_basket.Basket.test_'"`
passed tests.test_basket.Basket.test_<&>
passed tests.test_basket.Basket.test_-x
errored tests.test_fixtures.NoSetUp.test_one
errored tests.test_fixtures.NoSetUp.test_two
passed tests.test_fixtures.NoTearDown.test_one
errored tests.test_fixtures.NoTearDown.tearDownClass
errored tests.test_module.Plain.test_plain
errored tests.test_module.load_tests.<locals>.Generated.test_generated
skipped unittest.loader.ModuleSkipped.tests.test_skipped
"#;

fn project(more: &str) -> Project {
    Project::new(&suite("unittest", more))
}

#[test]
fn the_fixture_comes_to_its_model() {
    let project = project("paths = [\"tests\"]").copy(&fixture("unittest"));
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let mut expected = model(MODEL);
    expected.insert("tests.test_basket.Basket.test_\u{1b}".to_owned(), "passed".to_owned());
    assert_eq!(reported(&project), expected);
}

#[test]
fn a_module_that_cannot_be_imported_is_an_error_that_names_it() {
    let project = project("paths = [\"tests\", \"broken\"]").copy(&fixture("unittest"));
    project.evenly(&["local", "--shards", "2"]).exits(1).says("no_such_module");
    let broken = "unittest.loader._FailedTest.broken.test_import";
    assert_eq!(outcome(&project, broken), "errored");
}

#[test]
fn modules_of_a_directory_that_is_no_package_are_found_and_run() {
    let project =
        project("paths = [\"src/checks\"]").file("src/checks/helper.py", "ONE = 1\n").file(
            "src/checks/test_a.py",
            "import unittest, helper\nclass A(unittest.TestCase):\n\
             \x20   def test_a(self): self.assertEqual(helper.ONE, 1)\n",
        );
    project.evenly(&["local", "--shards", "2"]).exits(0);
    assert_eq!(reported(&project), model("passed test_a.A.test_a"));
}

const FLAKY: &str = r#"
import unittest

def once(name):
    with open("ran.txt", "a") as file:
        print(name, file=file)
    with open("ran.txt") as file:
        return file.read().splitlines().count(name) == 1

class A(unittest.TestCase):
    def test_steady(self): once("steady")
    def test_flaky(self): self.assertFalse(once("flaky"))
    def test_bad(self):
        once("bad")
        self.fail()

setattr(A, "test_$(exit 9) '", lambda self: self.assertFalse(once("odd")))
"#;

#[test]
fn a_retry_runs_the_failed_tests_alone_however_odd_their_names() {
    let project = project("retries = 1").file("test_a.py", FLAKY);
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let expected = counts([("steady", 1), ("flaky", 2), ("bad", 2), ("odd", 2)]);
    assert_eq!(executions(&project, "ran.txt"), expected);
    assert_eq!(outcome(&project, "test_a.A.test_flaky"), "flaky");
    assert_eq!(outcome(&project, "test_a.A.test_$(exit 9) '"), "flaky");
    assert_eq!(outcome(&project, "test_a.A.test_bad"), "failed");
}

#[test]
fn a_test_that_ends_its_process_is_an_error_alone() {
    let class = "import os, unittest\nclass A(unittest.TestCase):\n";
    let project = project("")
        .file(
            "test_dies.py",
            format!("{class}    def test_a(self): pass\n    def test_dies(self): os.abort()\n"),
        )
        .file("test_lives.py", format!("{class}    def test_lives(self): pass\n"));
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let expected = "passed test_dies.A.test_a\nerrored test_dies.A.test_dies\n\
                    passed test_lives.A.test_lives\n";
    assert_eq!(reported(&project), model(expected));
}

#[test]
fn a_test_that_vanishes_at_run_time_is_lost() {
    let class =
        "import os, unittest\nclass A(unittest.TestCase):\n    def test_stays(self): pass\n";
    let vanishes = "    if 'EVENLY_WORKER' not in os.environ:\n        def test_goes(self): pass\n";
    // The process that listed runs the first group, which is the larger; another one the second.
    let more = "    def test_more(self): pass\n    def test_again(self): pass\n";
    let project = project("processes = \"separate\"\nworker-groups = 1")
        .file("test_a.py", format!("{class}{more}"))
        .file("test_b.py", format!("{class}{vanishes}"));
    let told = project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    assert!(told.stdout.contains("test_goes"), "{told}");
    assert_eq!(outcome(&project, "test_b.A.test_goes"), "errored");
}
