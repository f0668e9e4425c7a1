//! `--only`: what reports say to run a failure again with.

use crate::support::{JUNIT_SUITE, Project, SHELL_SUITE, junit, writes};

const UNITTEST: &str = "[[suite]]\nname = \"u\"\nframework = \"unittest\"\n";
const TESTS: &str = "import unittest\n\nclass A(unittest.TestCase):\n    \
                     def test_a(self): pass\n    def test_b(self): self.fail('b')\n\n\
                     class B(unittest.TestCase):\n    def test_c(self): pass\n";

fn names(project: &Project) -> Vec<String> {
    let report = project.report();
    let tests = report["tests"].as_array().unwrap();
    tests.iter().map(|test| test["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_test_of_a_listed_group_runs_alone() {
    let project = Project::new(UNITTEST).file("test_m.py", TESTS).file("test_n.py", TESTS);
    project.evenly(&["local", "--only", "u:test_m.A.test_a"]).exits(0).says("1 test");
    assert_eq!(names(&project), ["u:test_m.A.test_a"]);
    let both = ["local", "--only", "u:test_m.A.test_b", "--only", "u:test_m.B.test_c"];
    project.evenly(&both).exits(1);
    assert_eq!(names(&project), ["u:test_m.A.test_b", "u:test_m.B.test_c"]);
    project.evenly(&["local", "--only", "u:test_n"]).exits(1);
    assert_eq!(names(&project).len(), 3);
}

#[test]
fn where_tests_are_not_listed_their_group_runs() {
    let cases = junit("c", &["fine"], &["broken"]);
    let project = Project::new(JUNIT_SUITE)
        .file("t/a.sh", writes(&cases, 1))
        .file("t/b.sh", writes(&cases, 1));
    project.evenly(&["local", "--only", "ju:t/a.sh"]).exits(1).says("1 group");
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "exit 0").file("t/b.sh", "exit 1");
    project.evenly(&["run", "--only", "sh:t/a.sh"]).exits(0).says("1 test, 1 passed");
}

#[test]
fn an_unknown_id_runs_nothing() {
    let project = Project::new(UNITTEST).file("test_m.py", TESTS);
    for id in ["u:test_m.A.test_x", "test_m", "x:test_m", "u:", ""] {
        project.evenly(&["local", "--only", id]).exits(2).warns("there is no group or test");
    }
}

#[test]
fn a_class_runs_alone_and_a_group_is_not_narrowed_by_a_test_of_it() {
    let project = Project::new(UNITTEST).file("test_m.py", TESTS);
    project.evenly(&["local", "--only", "u:test_m.A"]).exits(1);
    assert_eq!(names(&project), ["u:test_m.A.test_a", "u:test_m.A.test_b"]);
    let both = ["local", "--only", "u:test_m", "--only", "u:test_m.B.test_c"];
    project.evenly(&both).exits(1);
    assert_eq!(names(&project).len(), 3);
}

#[test]
fn rules_hold_for_what_is_chosen_and_none_is_called_idle() {
    let rules = "[[rule]]\nmatch = \"test_m\"\ntogether = \"mn\"\n\
                 [[rule]]\nmatch = \"test_n\"\ntogether = \"mn\"\n\
                 [[rule]]\nmatch = \"test_o\"\ntimeout = \"1m\"\n\
                 [[rule]]\nmatch = \"nothing\"\ntimeout = \"1m\"\n";
    let project = ["test_m.py", "test_n.py", "test_o.py"]
        .into_iter()
        .fold(Project::new(&format!("{UNITTEST}{rules}")), |project, name| {
            project.file(name, TESTS)
        });
    let told = |id: &str| project.evenly(&["local", "--only", id]).exits(1);
    for (id, tests) in
        [("u:test_m", 3), ("u:test_n.A.test_b", 1), ("u:together:mn", 6), ("u:test_o", 3)]
    {
        let ran = told(id);
        let warnings: Vec<_> =
            ran.stderr.lines().filter(|line| line.contains("no group")).collect();
        assert_eq!(warnings.len(), 1, "{ran}");
        assert!(warnings[0].contains("`nothing`"), "{ran}");
        assert_eq!(names(&project).len(), tests, "{id}: {ran}");
    }
    let groups = |id: &str| {
        told(id);
        project.report()["groups"][0]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(groups("u:test_n.A.test_b"), "u:together:mn");
}

#[test]
fn the_command_of_the_page_runs_the_failure() {
    let project = Project::new(UNITTEST).file("test_m.py", TESTS);
    project.evenly(&["local"]).exits(1);
    let page = project.text("evenly-out/report.html");
    let (_, rest) = page.split_once("<code>evenly run --only ").unwrap();
    let id = rest.split_once("</code>").unwrap().0.split(' ').next().unwrap();
    assert_eq!(id, "u:test_m.A.test_b");
    project.evenly(&["run", "--only", id]).exits(1).says("1 test, 1 failed");
}
