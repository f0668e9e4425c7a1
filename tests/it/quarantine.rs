//! `--quarantine`: failures that are known don't fail the run, and nothing else is excused.

use std::fs;

use serde_json::json;

use crate::support::{JUNIT_SUITE, Project, Ran, SHELL_SUITE, junit, writes};

const LIST: &str = "quarantine.toml";

fn entry(test: &str, until: &str) -> String {
    format!("[[quarantine]]\ntest = \"{test}\"\nuntil = \"{until}\"\nreason = \"known, #12\"\n")
}

/// One test that passes and two that fail.
fn project(list: &str) -> Project {
    let cases = junit("c", &["fine"], &["wobbly", "broken"]);
    Project::new(JUNIT_SUITE).file("t/a.sh", writes(&cases, 1)).file(LIST, list)
}

fn merged(project: &Project, status: i32) -> Ran {
    project.evenly(&["merge", "evenly-out", "--quarantine", LIST]).exits(status)
}

#[test]
fn a_run_whose_failures_are_known_is_green_everywhere() {
    let list = entry("ju:c::wobbly", "9999-12-31") + &entry("*::broken", "9999-12-31");
    let project = project(&list);
    project.evenly(&["run"]).exits(1);
    project.evenly(&["merge", "evenly-out"]).exits(1);
    merged(&project, 0).says("2 failures quarantined").says("`ju:c::wobbly` failed, until 9999");
    let report = project.report();
    assert_eq!((&report["verdict"], &report["exit"]), (&json!("passed"), &json!(0)));
    assert_eq!(report["totals"]["failed"], 2, "they are not hidden");
    let excused = json!([
        {"id": "ju:c::broken", "until": "9999-12-31", "reason": "known, #12"},
        {"id": "ju:c::wobbly", "until": "9999-12-31", "reason": "known, #12"},
    ]);
    assert_eq!(report["quarantine"]["excused"], excused);
    let summary = project.text("evenly-out/summary.md");
    assert!(summary.contains("### 2 failures quarantined") && !summary.contains("tests failed"));
    assert!(project.text("evenly-out/report.html").contains("quarantined until 9999-12-31"));
    assert!(project.text("evenly-out/junit.xml").contains("failures=\"2\""));

    for command in ["run", "local"] {
        fs::remove_dir_all(project.path("evenly-out")).unwrap();
        project.evenly(&[command]).env("EVENLY_QUARANTINE", LIST).exits(0);
    }
}

#[test]
fn other_failures_still_count() {
    let project = project(&entry("ju:c::wobbly", "9999-12-31"));
    project.evenly(&["run", "--quarantine", LIST]).exits(1);
    merged(&project, 1).says("1 of 3 tests failed, 1 failure quarantined");
    let summary = project.text("evenly-out/summary.md");
    assert!(summary.contains("### 1 test failed\n\n#### `ju:c::broken`"), "{summary}");
}

#[test]
fn an_entry_that_is_over_or_matches_nothing_is_told() {
    let list = entry("ju:c::wobbly", "2020-02-29") + &entry("ju:c::gone", "9999-12-31");
    let project = project(&(list + &entry("ju:c::broken", "9999-12-31")));
    project.evenly(&["run"]).exits(1);
    let ended = "quarantine of `ju:c::wobbly` ended on 2020-02-29: its failures count";
    let gone = "quarantine of `ju:c::gone` matches no test: remove it, or mend its name";
    merged(&project, 1).says(ended).says(gone);
    for output in ["summary.md", "report.html"] {
        let text = project.text(format!("evenly-out/{output}"));
        let plain = text.replace("&#39;", "'");
        assert!(plain.contains(ended) && plain.contains(gone), "{output}");
    }
    let quarantine = &project.report()["quarantine"];
    assert_eq!(quarantine["expired"], json!([{"test": "ju:c::wobbly", "until": "2020-02-29"}]));
    assert_eq!(quarantine["unmatched"], json!([{"test": "ju:c::gone", "until": "9999-12-31"}]));
}

#[test]
fn a_crash_and_what_is_lost_are_never_excused() {
    let all = entry("*", "9999-12-31");
    let project = Project::new(SHELL_SUITE).file(LIST, &all).file("t/a.sh", "kill -SEGV $$");
    project.evenly(&["run", "--quarantine", LIST]).exits(1);
    merged(&project, 1);
    let report = junit("c", &["fine"], &["broken"]);
    let crash = writes(&report, 1).replace("exit 1", "kill -SEGV $$");
    let project = Project::new(JUNIT_SUITE).file(LIST, &all).file("t/a.sh", crash);
    project.evenly(&["local", "--quarantine", LIST]).exits(1);

    let project = Project::new(SHELL_SUITE).file(LIST, &all);
    let project = project.file("t/a.sh", "exit 1").file("t/b.sh", "exit 1");
    project.evenly(&["run", "--shard", "1/2", "--quarantine", LIST]).exits(0);
    merged(&project, 5);
}

#[test]
fn a_list_with_a_mistake_is_refused_before_anything_runs() {
    let mistakes = [
        ("[[quarantine]]\ntest = \"a\"\n", "missing field `until`"),
        ("[[quarantine]]\ntest = \"a\"\nuntil = \"soon\"\n", "`soon` is not a day"),
        ("[[quarantine]]\ntset = \"a\"\n", "did you mean `test` instead of `tset`?"),
        ("[[quarantine]]\ntest = \"a[\"\nuntil = \"2030-01-01\"\n", "is not a pattern"),
    ];
    for (list, says) in mistakes {
        let project = Project::new(SHELL_SUITE).file("t/a.sh", "touch ran").file(LIST, list);
        for command in ["run", "local"] {
            project.evenly(&[command, "--quarantine", LIST]).exits(2).warns(says);
        }
        assert!(!project.path("ran").exists(), "{list}");
    }
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    project.evenly(&["run"]).exits(0);
    project
        .evenly(&["merge", "evenly-out", "--quarantine", "none.toml"])
        .exits(2)
        .warns("none.toml");
}
