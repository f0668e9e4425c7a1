//! What ends a plain run, or keeps it from its tests.

use super::{entry, model, project, reported};
use crate::support::Project;

/// Runs a project in two shards.
#[track_caller]
fn ran(project: &Project, status: i32) {
    project.evenly(&["local", "--shards", "2"]).exits(status);
}

#[test]
fn a_conftest_that_raises_is_named() {
    for file in ["conftest.py", "tests/sub/conftest.py"] {
        let Some(project) = project("") else { return };
        let project = project
            .file("tests/sub/test_a.py", "def test_a(): pass\n")
            .file("test_b.py", "def test_b(): pass\n")
            .file(file, "import nothing_of_the_kind\n");
        let ran = project.evenly(&["local", "--shards", "2"]).exits(2);
        ran.warns(&format!("`{file}` cannot be loaded: ModuleNotFoundError"));
        assert!(!project.path("evenly-out/report.json").exists());
    }
}

#[test]
fn what_ends_pytest_before_its_tests_says_why() {
    let hook = "def pytest_collection_modifyitems(items):\n    ";
    for (conftest, told) in [
        (format!("import pytest\n{hook}pytest.exit('enough of this')\n"), "enough of this"),
        (format!("import sys\n{hook}sys.exit(7)\n"), "SystemExit: 7"),
        (format!("import os\n{hook}os._exit(7)\n"), "exit status 7"),
        (format!("{hook}raise OSError('no disk')\n"), "OSError: no disk"),
        ("import sys\nsys.exit(7)\n".to_owned(), "exit(7)"),
    ] {
        let Some(project) = project("") else { return };
        let project = project.file("conftest.py", conftest).file("test_a.py", "def test_a(): pass");
        project.evenly(&["run"]).exits(2).warns(told);
    }
}

#[test]
fn what_would_end_a_plain_run_costs_one_test() {
    let Some(project) = project("") else { return };
    let project = project
        .file(
            "test_ends.py",
            "import os, pytest\n\
             @pytest.fixture(scope='module')\ndef up():\n    yield 1\n    print('down')\n\
             def test_a(up): pass\n\
             def test_exits(up): pytest.exit('I have seen enough')\n\
             def test_b(up): pass\n\
             def test_interrupts(up): raise KeyboardInterrupt\n\
             def test_c(request):\n    request.session.shouldstop = 'on a whim'\n\
             def test_d(up): pass\n\
             def test_dies(up): os._exit(0)\n\
             def test_e(up): pass\n",
        )
        .file("test_other.py", "def test_other(): pass\n");
    ran(&project, 1);
    let expected = "passed test_ends.py::test_a\nerrored test_ends.py::test_exits\n\
                    passed test_ends.py::test_b\nerrored test_ends.py::test_interrupts\n\
                    passed test_ends.py::test_c\npassed test_ends.py::test_d\n\
                    errored test_ends.py::test_dies\npassed test_ends.py::test_e\n\
                    passed test_other.py::test_other\n";
    assert_eq!(reported(&project), model(expected));
    let exits = entry(&project, "test_ends.py::test_exits");
    assert!(exits["message"].as_str().unwrap().contains("I have seen enough"), "{exits}");
}

#[test]
fn a_plugin_that_breaks_around_tests_is_an_error_of_each_of_them() {
    let Some(project) = project("") else { return };
    let project = project
        .file(
            "conftest.py",
            "def pytest_runtest_logstart(nodeid):\n    assert 'bad' not in nodeid\n",
        )
        .file("test_a.py", "def test_bad(): pass\ndef test_good(): pass\n");
    ran(&project, 1);
    let expected = "errored test_a.py::test_bad\npassed test_a.py::test_good\n";
    assert_eq!(reported(&project), model(expected));
}

const RANDOM: &str = "import pytest, uuid\n\
    @pytest.mark.parametrize('x', [uuid.uuid4().hex])\ndef test_x(x): pass\n\
    def test_steady(): pass\n";

#[test]
fn ids_that_differ_from_shard_to_shard_are_told_with_the_difference() {
    let Some(project) = project("") else { return };
    let project = project.file("test_a.py", RANDOM).file("test_b.py", "def test_b(): pass\n");
    let ran = project.evenly(&["local", "--shards", "2"]).exits(5);
    assert!(ran.stdout.matches("test_a.py::test_x[").count() >= 2, "{ran}");
}

#[test]
fn ids_that_differ_between_processes_of_a_shard_are_an_error_that_says_so() {
    let Some(project) = project("processes = \"separate\"\nworker-groups = 1") else { return };
    let project = project.file("test_a.py", "def test_a(): pass\n").file("test_b.py", RANDOM);
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let found = reported(&project);
    assert_eq!(found["test_b.py::test_steady"], "passed");
    let (name, _) = found.iter().find(|(name, _)| name.contains("test_x[")).unwrap();
    let told = entry(&project, name);
    if told["outcome"] == "errored" {
        let message = told["message"].as_str().unwrap();
        assert!(message.contains("this process did not collect `test_b.py::test_x["), "{message}");
        assert!(told["detail"].as_str().unwrap().contains("made from a set"), "{told}");
    } else {
        panic!("the process that listed ran it: {found:#?}");
    }
}

#[test]
fn one_collection_serves_all_workers_of_a_shard() {
    let Some(project) = project("worker-groups = 1") else { return };
    let project = project.file("test_a.py", RANDOM).file("test_b.py", RANDOM);
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(reported(&project).len(), 4);
}

#[test]
fn a_hundred_thousand_tests_are_listed_and_many_are_run() {
    let Some(project) = project("") else { return };
    let conftest = "import pytest\n\
        class Many(pytest.File):\n    def collect(self):\n\
        \x20       for i in range(int(self.path.read_text())):\n\
        \x20           yield One.from_parent(self, name=f'n{i}')\n\
        class One(pytest.Item):\n    def runtest(self): pass\n\
        def pytest_collect_file(file_path, parent):\n    if file_path.suffix == '.many':\n\
        \x20       return Many.from_parent(parent, path=file_path)\n";
    let project = project.file("conftest.py", conftest).file("a.many", "100000");
    let ran = project.evenly(&["plan", "--shards", "2", "--json"]).exits(0);
    assert_eq!(ran.stdout.matches("a.many").count() > 0, true);
    project.write("a.many", "5000");
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(project.report()["totals"]["passed"], 5000);
}

#[test]
fn a_session_fixture_that_breaks_at_the_end_is_told() {
    let Some(project) = project("") else { return };
    let project = project.file(
        "test_a.py",
        "import pytest\n@pytest.fixture(scope='session')\ndef server():\n    yield\n\
         \x20   raise OSError('still busy')\ndef test_a(server): pass\n",
    );
    project.evenly(&["local", "--shards", "1"]).exits(0).warns("still busy");
}
