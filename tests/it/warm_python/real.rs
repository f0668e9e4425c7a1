//! Real packages' own suites, against the framework alone.

use std::path::Path;

use serde_json::{Value, json};

use super::{Outcomes, Talk, alone, python, same};
use crate::support::{Project, tool};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");

/// A package's suite by itself and in a warm worker.
#[track_caller]
fn both(project: &Project, python: &str, framework: &str, paths: &[&str]) -> (Outcomes, Outcomes) {
    let script = match framework {
        "unittest" => format!("{SCRIPTS}/frameworks/plain_unittest.py"),
        _ => format!("{SCRIPTS}/warm_python/plain_trial.py"),
    };
    let options: Value = json!({ "paths": paths });
    let talk = Talk::of(project, python, framework, &json!({ "options": options }));
    (talk.outcomes(), alone(project, python, &script, paths))
}

#[test]
fn markdown_and_docutils_are_what_unittest_says_itself() {
    let (Some(python), Some(packages)) = (python(), tool("EVENLY_TEST_PACKAGES")) else { return };
    for (package, paths, tests) in
        [("markdown-3.11.3", "tests", 1_141), ("docutils-0.22", "test", 466)]
    {
        let project = Project::new("").copy(&Path::new(&packages).join(package));
        let (found, alone) = both(&project, &python, "unittest", &[paths]);
        same(&found, &alone);
        assert_eq!(found.len(), tests, "{package}");
    }
}

#[test]
fn twisteds_own_are_what_trial_says_itself() {
    let Some(python) = python() else { return };
    let paths = ["twisted.persisted", "twisted.python", "twisted.trial", "twisted.test.test_defer"];
    let (found, alone) = both(&Project::new(""), &python, "trial", &paths);
    same(&found, &alone);
    assert!(found.len() > 1_400, "{}", found.len());
}
