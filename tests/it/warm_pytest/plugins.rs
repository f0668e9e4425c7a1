//! Plugins that have to do with processes.

use serde_json::{Value, json};

use super::{project, reported};
use crate::support::Project;

const SHOP: &str = "def sign(n):\n    if n < 0:\n        return -1\n    if n > 0:\n        \
                    return 1\n    return 0\n\ndef never():\n    return 1\n";

/// The lines of a file that were run.
fn lines(project: &Project, python: &str) -> Value {
    let script = format!("{python} -m coverage json -q -o cov.json");
    project.bash(&script).exits(0);
    project.json("cov.json")["files"]["shop.py"]["executed_lines"].clone()
}

#[test]
fn coverage_of_all_workers_and_shards_adds_up_to_that_of_a_plain_run() {
    let more = "args = [\"--cov=shop\", \"--cov-report=html\", \"--cov-fail-under=99\"]";
    let Some(project) = project(more) else { return };
    let python = super::python().unwrap();
    let test = |n: i32| format!("import shop\ndef test_a(): assert shop.sign({n}) == {n}\n");
    let project = project
        .file("shop.py", SHOP)
        .file("test_a.py", test(-1))
        .file("test_b.py", test(1))
        .file("test_c.py", test(0));
    project.evenly(&["local", "--shards", "3"]).exits(0);
    assert_eq!(reported(&project).len(), 3);
    assert!(!project.path("htmlcov").exists());
    let count = std::fs::read_dir(project.path("")).unwrap();
    let count = count.filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".coverage.")
    });
    assert!(count.count() >= 3);
    project.bash(&format!("{python} -m coverage combine -q")).exits(0);
    let found = lines(&project, &python);
    let plain = format!("{python} -m pytest -q --cov=shop --cov-report= && rm -rf .evenly");
    project.bash(&plain).exits(0);
    assert_eq!(found, lines(&project, &python));
    assert_eq!(found.as_array().unwrap().len(), 7);
}

#[test]
fn a_test_that_is_run_again_recorded_what_its_last_try_did() {
    let Some(project) = project("args = [\"--reruns=2\"]") else { return };
    let project = project
        .file(
            "conftest.py",
            "def pytest_collection_modifyitems(items):\n    for item in items:\n        \
             item.user_properties.append((\"case\", item.name))\n",
        )
        .file(
            "test_a.py",
            "TRIES = []\n\ndef test_a(record_property):\n    TRIES.append(1)\n    \
             record_property(\"try\", len(TRIES))\n    assert len(TRIES) == 3\n",
        );
    project.evenly(&["local", "--shards", "1"]).exits(0);
    let test = super::entry(&project, "test_a.py::test_a");
    assert_eq!((&test["outcome"], test["earlier"].as_array().unwrap().len()), (&"flaky".into(), 2));
    let expected = json!([{"name": "case", "value": "test_a"}, {"name": "try", "value": "3"}]);
    assert_eq!(test["properties"], expected);
}

#[test]
fn a_worker_that_pytest_timeout_ends_loses_one_test() {
    let Some(project) = project("args = [\"--timeout=0.3\", \"--timeout-method=thread\"]") else {
        return;
    };
    let project = project.file(
        "test_a.py",
        "import threading\ndef test_a(): pass\n\
         def test_hangs(): threading.Event().wait(60)\ndef test_b(): pass\n",
    );
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let found = reported(&project);
    assert_eq!(found["test_a.py::test_hangs"], "errored");
    assert_eq!((&*found["test_a.py::test_a"], &*found["test_a.py::test_b"]), ("passed", "passed"));
}
