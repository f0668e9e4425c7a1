//! pytest.

use std::collections::BTreeMap;

use evenly::junit::read as junit;
use serde_json::json;

use super::{cases, counts, executions, fixture, model, outcome, plainly, python, reported, suite};
use crate::support::Project;

/// What the fixture project comes to.
const MODEL: &str = r#"
passed tests/deep/test_leaf.py::test_passes
passed tests/test_basket.py::test_passes
failed tests/test_basket.py::test_fails
errored tests/test_basket.py::test_breaks
errored tests/test_basket.py::test_fails_and_breaks
skipped tests/test_basket.py::test_is_skipped
skipped tests/test_basket.py::test_fails_as_expected
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[a b]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[\xe9]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[$(exit 9)]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter['"`]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[a::b/c.py]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[x]y[]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[\x1b\x7f]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[new\nline]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[]
passed tests/test_basket.py::TestOuter::TestInner::test_parameter[<&>]
passed tests/test_basket.py::test_raw_id[raw\u2028]
passed tests/test_basket.py::test_raw_id[\ttab ]
"#;

/// A project with this configuration beyond the interpreter.
fn project(more: &str) -> Option<Project> {
    let python = python()?;
    Some(Project::new(&suite("pytest", &format!("python = \"{python}\"\n{more}"))))
}

#[test]
fn the_fixture_comes_to_what_pytest_says_itself() {
    let Some(project) = project("") else { return };
    let project = project.copy(&fixture("pytest"));
    project.evenly(&["local", "--shards", "2"]).exits(1);
    assert_eq!(reported(&project), model(MODEL));
    let python = python().unwrap();
    plainly(&project, &[&python, "-m", "pytest", "--junitxml=plain.xml"]).exits(1);
    let merged = cases(&project.text("evenly-out/junit.xml"));
    assert_eq!(merged, cases(&project.text("plain.xml")));
}

#[test]
fn single_tests_come_to_the_same() {
    let Some(project) = project("granularity = \"test\"") else { return };
    let project = project.copy(&fixture("pytest"));
    project.evenly(&["local", "--shards", "2"]).exits(1);
    assert_eq!(reported(&project), model(MODEL));
    assert_eq!(project.report()["ledger"]["planned"], 19);
}

#[test]
fn a_file_that_cannot_be_imported_is_an_error_and_the_rest_runs() {
    let Some(project) = project("paths = [\"tests\", \"broken\"]") else { return };
    let project = project.copy(&fixture("pytest"));
    project.evenly(&["local", "--shards", "2"]).exits(1).says("no_such_module");
    let mut expected = model(MODEL);
    expected.insert("broken/test_import.py".to_owned(), "errored".to_owned());
    assert_eq!(reported(&project), expected);
}

#[test]
fn paths_settle_the_project_and_nothing_else_of_them_runs() {
    let Some(project) = project("paths = [\"sub/tests\"]") else { return };
    let project = project
        .file("sub/pytest.ini", "[pytest]\npython_functions = check_*\n")
        .file("sub/tests/conftest.py", "import pytest\n@pytest.fixture\ndef one(): return 1\n")
        .file("sub/tests/test_a.py", "def check_a(one): assert one == 1\n")
        .file("sub/tests/test_b.py", "def check_b(): pass\n")
        .file("test_outside.py", "def test_outside(): assert False\n");
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let expected = "passed tests/test_a.py::check_a\npassed tests/test_b.py::check_b\n";
    assert_eq!(reported(&project), model(expected));
}

const RECORDS: &str = r#"
import pytest

ODD = "<&>\"' ]]> é \U0001f980 a=b\nnext line "

@pytest.fixture
def leaves(record_property):
    record_property("set up", 1)
    yield
    record_property("torn down", 2)

@pytest.fixture
def breaks_later():
    yield
    raise OSError("gone")

def test_passes(record_property, leaves):
    record_property("owner", "cart")
    record_property("owner", "cart")
    record_property("odd", [None, {"a": 1.5}])

def test_fails(record_property):
    record_property(ODD, ODD)
    record_property("raw", "a\x07b\x1b")
    record_property("", "")
    assert False

def test_fails_and_breaks(record_property, breaks_later):
    record_property("once", "only")
    assert False

def test_is_skipped(record_property):
    record_property("owner", "cart")
    pytest.skip("not today")

def test_records_nothing():
    pass
"#;

/// What a JUnit file says that tests recorded, by class and name.
fn recorded(xml: &str) -> BTreeMap<(String, String), Vec<(String, String)>> {
    let document = junit::read(xml.as_bytes(), &junit::Limits::default());
    assert_eq!(document.broken, None);
    let cases = document.cases.into_iter().filter(|case| !case.properties.is_empty());
    cases.map(|case| ((case.class, case.name), case.properties)).collect()
}

#[test]
fn what_tests_record_is_what_pytests_own_file_has() {
    let Some(project) = project("") else { return };
    let project = project.file("test_a.py", RECORDS).file("test_b.py", RECORDS);
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let python = python().unwrap();
    plainly(&project, &[&python, "-m", "pytest", "--junitxml=plain.xml"]).exits(1);
    let found = recorded(&project.text("evenly-out/junit.xml"));
    // A control character is evenly's own matter.
    let plain = project.text("plain.xml").replace("#x07", "\u{fffd}").replace("#x1B", "\u{fffd}");
    assert_eq!(found, recorded(&plain));
    assert_eq!(found.len(), 8, "{found:?}");
    let report = project.report();
    let entry = report["tests"].as_array().unwrap().iter();
    let mut entry = entry.filter(|test| test["id"] == "s:test_b.py::test_passes");
    let expected = json!([
        {"name": "set up", "value": "1"},
        {"name": "owner", "value": "cart"},
        {"name": "owner", "value": "cart"},
        {"name": "odd", "value": "[None, {'a': 1.5}]"},
        {"name": "torn down", "value": "2"},
    ]);
    assert_eq!(entry.next().unwrap()["properties"], expected);
}

const RECORDS_WITHOUT_END: &str = r#"
class Textless:
    def __str__(self):
        raise SystemExit

def test_many(record_property):
    for number in range(10_000):
        record_property("number", number)

def test_long(record_property):
    for _ in range(100):
        record_property("long", "é" * 1_000_000)

def test_textless(record_property, request):
    request.node.user_properties.append("nonsense")
    request.node.user_properties.append(7)
    record_property("textless", Textless())
    record_property("surrogate", "\udc80")
    assert False
"#;

#[test]
fn what_tests_record_is_bounded_and_costs_no_result() {
    let Some(project) = project("") else { return };
    let project = project.file("test_a.py", RECORDS_WITHOUT_END);
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let expected = "passed test_a.py::test_many\npassed test_a.py::test_long\n\
                    failed test_a.py::test_textless\n";
    assert_eq!(reported(&project), model(expected));
    let report = project.report();
    let of = |at: usize| report["tests"][at]["properties"].as_array().unwrap();
    let value = |at: usize, property: usize| of(at)[property]["value"].as_str().unwrap();
    assert_eq!((of(0).len(), of(1).len(), of(2).len()), (4, 256, 2));
    assert!(value(0, 0).starts_with('é') && value(0, 0).contains("(cut)"), "{}", value(0, 0));
    assert_eq!((value(1, 255), value(2, 1)), ("255", "\\udc80"));
    assert_eq!(value(2, 0), "(its text cannot be made)");
}

const FLAKY: &str = r#"
import os
import pytest

def once(name):
    with open("ran.txt", "a") as file:
        print(name, file=file)
    with open("ran.txt") as file:
        return file.read().splitlines().count(name) == 1

def test_steady():
    once("steady")

def test_flaky():
    assert not once("flaky")

@pytest.mark.parametrize("value", ["$(exit 9)", "a::b/c [1]", "", "x]y[", "'\"`"])
def test_odd(value):
    assert not once("odd " + value)

def test_bad():
    once("bad")
    assert False
"#;

#[test]
fn a_retry_runs_the_failed_tests_alone_however_odd_their_names() {
    let Some(project) = project("retries = 1") else { return };
    let project = project.file("test_a.py", FLAKY);
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let odd = ["odd $(exit 9)", "odd a::b/c [1]", "odd ", "odd x]y[", "odd '\"`"];
    let mut expected = counts([("steady", 1), ("flaky", 2), ("bad", 2)]);
    expected.extend(odd.map(|name| (name.to_owned(), 2)));
    assert_eq!(executions(&project, "ran.txt"), expected);
    assert_eq!(outcome(&project, "test_a.py::test_steady"), "passed");
    assert_eq!(outcome(&project, "test_a.py::test_flaky"), "flaky");
    assert_eq!(outcome(&project, "test_a.py::test_bad"), "failed");
    let totals = &project.report()["totals"];
    assert_eq!((&totals["tests"], &totals["flaky"]), (&8.into(), &6.into()));
}

#[test]
fn a_test_that_ends_its_process_is_an_error_alone() {
    let Some(project) = project("") else { return };
    let project = project
        .file(
            "test_dies.py",
            "import os\ndef test_before(): pass\ndef test_dies(): os._exit(0)\n\
             def test_after(): pass\n",
        )
        .file("test_lives.py", "def test_lives(): pass\n");
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let expected = "passed test_dies.py::test_before\nerrored test_dies.py::test_dies\n\
                    passed test_dies.py::test_after\npassed test_lives.py::test_lives\n";
    assert_eq!(reported(&project), model(expected));
}

#[test]
fn shards_that_collect_differently_are_told_what_differs() {
    let Some(project) = project("") else { return };
    let project = project.file("test_b.py", "def test_b(): pass\n").file(
        "test_a.py",
        "import os, pytest\n@pytest.mark.parametrize('x', os.environ['GIVEN'].split())\n\
         def test_a(x): pass\n",
    );
    project.evenly(&["run", "--shard", "1/2"]).env("GIVEN", "1 2").exits(0);
    project.evenly(&["run", "--shard", "2/2"]).env("GIVEN", "1 3").exits(0);
    let ran = project.evenly(&["merge", "evenly-out"]).exits(5);
    ran.says("test_a.py::test_a[2]").says("test_a.py::test_a[3]");
}
