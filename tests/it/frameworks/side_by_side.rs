//! Django apps and Twisted modules side by side over one MariaDB in memory.

use super::{fixture, python};
use crate::support::Project;

#[test]
fn django_and_twisted_share_a_template_and_no_rows() {
    let Some(python) = python() else { return };
    let suite = |name: &str, framework: &str, path: &str| {
        format!(
            "[[suite]]\nname = \"{name}\"\nframework = \"{framework}\"\npaths = [\"{path}\"]\n\
             python = \"{python}\"\nsettings = \"settings\"\ndatabases = [\"main\"]\n"
        )
    };
    let config = format!(
        "[run]\nworkers = 2\n{}{}[database.main]\nserver = \"managed\"\nengine = \"mysql\"\n",
        suite("web", "django", "shop"),
        suite("net", "trial", "net.test_net")
    );
    let project = Project::new(&config).copy(&fixture("side-by-side"));
    project.evenly(&["local", "--shards", "2"]).exits(0).says("✓ whole and green");
    let report = project.report();
    let mut names: Vec<&str> = report["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| test["id"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    let expected = [
        "net:net.test_net.N.test_rolled_back",
        "net:net.test_net.N.test_thread",
        "web:shop.tests.A.test_a",
        "web:shop.tests.A.test_b",
        "web:shop.tests.S.test_s",
        "web:shop.tests.T.test_t",
    ];
    assert_eq!(names, expected);
}
