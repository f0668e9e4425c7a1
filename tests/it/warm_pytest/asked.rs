//! What a project asks of pytest: options that are evenly's matter, hooks, a worker's names.

use super::{project, reported};

#[test]
fn options_that_are_evenlys_matter_are_refused_or_without_effect() {
    for (arg, told) in [
        ("--pdb", "`--pdb`: no terminal is connected"),
        ("--collect-only", "`evenly plan` shows"),
        ("--no-such-option", "unrecognized arguments: --no-such-option"),
        ("--help", "exit status 0 and ran nothing"),
    ] {
        let Some(project) = project(&format!("args = [\"{arg}\"]")) else { return };
        let project = project.file("test_a.py", "def test_a(): pass\n");
        project.evenly(&["run"]).exits(2).warns(told);
    }
    let args = "args = [\"-x\", \"-n\", \"3\", \"--junitxml=own.xml\", \"--dist=loadfile\"]";
    let Some(project) = project(args) else { return };
    let project =
        project.file("test_a.py", "def test_a(): assert 0\ndef test_b(): pass\n").file("a.txt", "");
    project.evenly(&["local", "--shards", "1"]).exits(1);
    assert_eq!(reported(&project)["test_a.py::test_b"], "passed");
    assert!(!project.path("own.xml").exists());
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let Some(project) = project("paths = [\"nowhere\"]") else { return };
    project.evenly(&["run"]).exits(2).warns("nowhere");
}

#[test]
fn a_python_without_pytest_and_one_with_an_old_one_say_so() {
    let Some(project) = project("") else { return };
    let project = project.file("pytest.py", "__version__ = '7.4.4'\nversion_tuple = (7, 4, 4)\n");
    project.evenly(&["run"]).exits(2).warns("this is pytest 7.4.4, and evenly needs 8.0 or newer");
    project.write("pytest.py", "raise ModuleNotFoundError('no', name='pytest')\n");
    project.evenly(&["run"]).exits(2).warns("pytest is not installed for");
}

#[test]
fn a_session_is_what_it_is_in_a_plain_run() {
    let Some(project) = project("") else { return };
    let project = project
        .file(
            "conftest.py",
            "import os\n\
             def note(what):\n    with open('hooks', 'a') as file:\n\
             \x20       file.write(f\"{os.environ.get('PYTEST_XDIST_WORKER', 'main')} {what}\\n\")\n\
             def pytest_sessionstart(session): note('start')\n\
             def pytest_collection_finish(session): note(f'{len(session.items)} collected')\n\
             def pytest_sessionfinish(session, exitstatus): note('finish')\n\
             def pytest_unconfigure(config): note('unconfigure')\n",
        )
        .file(
            "test_a.py",
            "import os\ndef test_a():\n    assert os.environ['PYTEST_XDIST_WORKER'] == 'gw0'\n\
             \x20   assert os.environ['PYTEST_XDIST_WORKER_COUNT'] == '2'\n",
        );
    project.evenly(&["local", "--shards", "1"]).exits(0);
    let hooks = project.text("hooks");
    let of = |who: &str| {
        let lines = hooks.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(by, _)| *by == who).map(|(_, what)| what).collect::<Vec<_>>()
    };
    assert_eq!(of("main"), ["start", "1 collected", "finish", "unconfigure"]);
    assert_eq!(of("gw0"), ["finish", "unconfigure"]);
}

#[test]
fn fixtures_of_modules_and_packages_are_set_up_once_for_a_group_and_those_of_a_session_once() {
    let Some(project) = project("") else { return };
    let fixture = |scope: &str| {
        format!(
            "@pytest.fixture(scope='{scope}')\ndef of_{scope}():\n    note('{scope} up')\n    yield\n\
             \x20   note('{scope} down')\n"
        )
    };
    let test = "def test_one(of_session, of_package, of_module): pass\n\
                def test_two(of_module, of_package, of_session): pass\n";
    let project = project
        .file(
            "conftest.py",
            format!(
                "import pytest\ndef note(what):\n    with open('notes', 'a') as file:\n\
                 \x20       print(what, file=file)\n{}{}{}",
                fixture("session"),
                fixture("package"),
                fixture("module")
            ),
        )
        .file("p/__init__.py", "")
        .file("p/test_a.py", test)
        .file("p/test_b.py", test);
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    let group = "package up\nmodule up\nmodule down\npackage down\n";
    let expected = format!("session up\n{group}{group}session down\n");
    assert_eq!(project.text("notes"), expected);
}

#[test]
fn each_worker_has_a_place_of_its_own_for_temporary_files() {
    let Some(project) = project("args = [\"--basetemp=base\"]") else { return };
    let test = "def test_a(tmp_path_factory):\n    with open('bases', 'a') as file:\n\
                \x20       file.write(str(tmp_path_factory.getbasetemp()) + '\\n')\n";
    let project = project.file("test_a.py", test);
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert!(project.text("bases").trim().ends_with("base/popen-gw0"));
}

#[test]
fn what_is_run_again_is_set_up_again() {
    let Some(project) = project("retries = 1") else { return };
    let project = project.file(
        "test_a.py",
        "import pytest\nRAN = []\n\
         @pytest.fixture\ndef number():\n    RAN.append(1)\n    return len(RAN)\n\
         def test_a(number, subtests, record_property):\n\
         \x20   record_property('number', number)\n\
         \x20   with subtests.test('part'): assert number == 2\n\
         def documented():\n    '''\n    >>> len(RAN)\n    2\n    '''\n",
    );
    let project = project.file("pytest.ini", "[pytest]\naddopts = --doctest-modules\n");
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(reported(&project)["test_a.py::test_a"], "flaky");
    assert_eq!(reported(&project)["test_a.py::test_a.documented"], "flaky");
}
