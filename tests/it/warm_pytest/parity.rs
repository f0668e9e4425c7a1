//! Ids and outcomes are those of a plain run.

use evenly::junit::read as junit;

use super::{Outcomes, Version, entry, fixture, path_of, plainly, project, reported, same};
use crate::support::Project;

/// The fixture project, with more keys for its suite.
fn everything(version: Version, more: &str) -> Option<Project> {
    let path = path_of(version)?;
    let more = format!("env = {{ PYTHONPATH = \"{path}\" }}\n{more}");
    Some(project(&more)?.copy(&fixture("warm/pytest")))
}

/// A test that its plugin tried again, as pytest alone has it.
fn flaky_has_passed(mut found: Outcomes) -> Outcomes {
    found.values_mut().filter(|outcome| *outcome == "flaky").for_each(|outcome| {
        "passed".clone_into(outcome);
    });
    found
}

#[track_caller]
fn is_as_plain(version: Version, more: &str, args: &[&str]) -> Option<Project> {
    let project = everything(version, more)?;
    let plain = plainly(&project, version, args);
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let found = reported(&project);
    assert_eq!(project.report()["ledger"]["lost"].as_array().unwrap().len(), 0);
    same(&flaky_has_passed(found), &plain);
    Some(project)
}

#[test]
fn everything_that_pytest_has_comes_to_what_pytest_says_itself() {
    let Some(project) = is_as_plain(Version::Nine, "", &[]) else { return };
    let flaky = entry(&project, "tests/test_plugins.py::test_flaky");
    assert_eq!(flaky["outcome"], "flaky");
    assert_eq!(flaky["earlier"][0]["outcome"], "failed");
    assert_eq!(flaky["earlier"].as_array().unwrap().len(), 1);
    assert!(flaky["earlier"][0]["message"].as_str().unwrap().contains("not at once"), "{flaky}");
    let never = entry(&project, "tests/test_plugins.py::test_never_passes");
    assert_eq!(
        (&never["outcome"], never["earlier"].as_array().unwrap().len()),
        (&"failed".into(), 1)
    );
    // Tests of one `xdist_group` ran in one process.
    let pids = project.text("group-pids");
    let mut evenlys: Vec<&str> = pids.lines().skip(2).collect();
    evenlys.dedup();
    assert_eq!((pids.lines().count(), evenlys.len()), (4, 1), "{pids}");
    // A session each for the plain run, and for the workers that used its fixture.
    let ends = project.text("session-ends").lines().count();
    assert!((2..=5).contains(&ends), "{ends}");
}

#[test]
fn pytest_8_too() {
    is_as_plain(Version::Eight, "", &[]);
}

#[test]
fn single_tests_and_classes_come_to_the_same() {
    for more in ["granularity = \"test\"", "group-by = \"class\""] {
        is_as_plain(Version::Nine, more, &[]);
    }
}

#[test]
fn separate_processes_come_to_the_same() {
    is_as_plain(Version::Nine, "processes = \"separate\"", &[]);
}

#[test]
fn arguments_choose_as_they_do_on_pytests_command_line() {
    let args = ["-m", "not slow", "-k", "outcomes and not exits", "tests/test_outcomes.py"];
    let more = "args = [\"-m\", \"not slow\", \"-k\", \"outcomes and not exits\"]\n\
                paths = [\"tests/test_outcomes.py\"]";
    let Some(project) = is_as_plain(Version::Nine, more, &args) else { return };
    let found = reported(&project);
    assert!(!found.contains_key("tests/test_outcomes.py::test_is_slow"));
    assert!(!found.contains_key("tests/test_outcomes.py::test_exits"));
}

#[test]
fn a_failure_has_its_trace_its_output_its_log_and_what_was_recorded() {
    let more = "paths = [\"tests/test_outcomes.py\"]";
    let Some(project) = everything(Version::Nine, more) else { return };
    project.evenly(&["local", "--shards", "1"]).exits(1);
    let told = entry(&project, "tests/test_outcomes.py::test_prints_and_fails");
    let detail = told["detail"].as_str().unwrap();
    for part in ["ValueError: wrong", "this was printed", "this was logged", "answer: 42"] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    assert_eq!(told["kind"], "ValueError");
    assert_eq!(told["file"], "tests/test_outcomes.py");
    let rewritten = entry(&project, "tests/test_outcomes.py::test_fails");
    assert!(
        rewritten["detail"].as_str().unwrap().contains("At index 1 diff: 2 != 3"),
        "{rewritten}"
    );
    let breaks = entry(&project, "tests/test_outcomes.py::test_breaks");
    let message = "failed on setup with \"OSError: no server\"";
    assert_eq!(breaks["message"], message);
    let expected = entry(&project, "tests/test_outcomes.py::test_fails_as_expected");
    assert_eq!(expected["message"], "failed as expected: known");
}

#[test]
fn junit_has_the_names_of_pytests_own_file() {
    let Some(project) = everything(Version::Nine, "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1);
    let python = super::python().unwrap();
    let plain = format!("{python} -m pytest -n0 --junitxml=plain.xml >/dev/null 2>&1");
    project.bash(&plain).exits(1);
    let names = |xml: &str| {
        let found = junit::read(xml.as_bytes(), &junit::Limits::default());
        let cases = found.cases.into_iter();
        cases.map(|case| (case.class, case.name)).collect::<std::collections::BTreeSet<_>>()
    };
    let (ours, theirs) =
        (names(&project.text("evenly-out/junit.xml")), names(&project.text("plain.xml")));
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
    assert!(theirs.is_subset(&ours), "{:#?}", theirs.difference(&ours).collect::<Vec<_>>());
}
