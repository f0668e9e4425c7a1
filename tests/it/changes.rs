//! What reports tell of the runs before: new failures, fixed, slower, new and removed tests, and
//! how often a test flaked.

use std::fs;

use serde_json::{Value, json};

use crate::support::{JUNIT_SUITE, Project, SHELL_SUITE, writes};

const SUMMARY: &str = "evenly-out/summary.md";

/// A script that reports these cases of class `c`: each its name, its seconds, whether it holds.
fn reports(cases: &[(&str, &str, bool)]) -> String {
    let case = |(name, time, holds): &(&str, &str, bool)| {
        let inside = if *holds { "" } else { "<failure message='no'/>" };
        format!("<testcase classname='c' name='{name}' time='{time}'>{inside}</testcase>")
    };
    let status = u8::from(cases.iter().any(|(.., holds)| !holds));
    let cases: String = cases.iter().map(case).collect();
    writes(&format!("<testsuite name='s'>{cases}</testsuite>"), status.into())
}

fn compared(project: &Project) -> Value {
    project.report()["compared"].clone()
}

#[test]
fn every_output_tells_what_is_different() {
    let before = [("keeps", "0.1", true), ("breaks", "0.1", true), ("mends", "0.1", false)];
    let project = Project::new(JUNIT_SUITE)
        .file("t/a.sh", reports(&before))
        .file("t/b.sh", reports(&[("slow", "1.5", true), ("gone", "0.1", true)]));
    project.evenly(&["local"]).exits(1).lacks("changes against");
    assert_eq!(compared(&project), Value::Null, "there is nothing to compare with");

    let now = [("keeps", "0.1", true), ("breaks", "0.1", false), ("mends", "0.1", true)];
    project.write("t/a.sh", reports(&now));
    project.write("t/b.sh", reports(&[("slow", "9.5", true), ("young", "0.1", true)]));
    let line = "against run 1: 1 new failure, 1 test fixed, 1 test slower, 1 new test, \
                1 test removed";
    project.evenly(&["local"]).exits(1).says(&format!("changes {line}\n"));
    let expected = json!({
        "base": 1,
        "new_failures": ["ju:c::breaks"],
        "fixed": ["ju:c::mends"],
        "slower": [{"id": "ju:c::slow", "usual_us": 1_500_000, "took_us": 9_500_000}],
        "added": ["ju:c::young"],
        "removed": ["ju:c::gone"],
        "flake_rates": [{"id": "ju:c::breaks", "flaky": 0, "runs": 1}],
    });
    assert_eq!(compared(&project), expected);
    let summary = project.text(SUMMARY);
    for part in [
        &format!("Changes {line}."),
        "#### `ju:c::breaks`\n\nfailed, new",
        "### Fixed since run 1\n\n- `ju:c::mends`",
        "- `ju:c::slow` took 9.5 s, usually 1.5 s",
        "### Removed since run 1\n\n- `ju:c::gone`",
    ] {
        assert!(summary.contains(part), "{part:?} is not in\n{summary}");
    }
    let page = project.text("evenly-out/report.html");
    assert!(page.contains("Changes since run 1") && page.contains("id=\"removed\""));

    project.evenly(&["local"]).exits(1).says("changes against run 2: nothing new\n");
}

#[test]
fn a_run_of_some_tests_is_compared_with_nothing_and_is_no_base() {
    let project =
        Project::new(SHELL_SUITE).file("t/a.sh", "").file("t/b.sh", "").file("t/c.sh", "");
    project.evenly(&["local"]).exits(0);
    project.evenly(&["local", "--only", "sh:t/a.sh"]).exits(0).lacks("changes against");
    assert_eq!((&project.report()["only"], compared(&project)), (&json!(true), Value::Null));
    fs::remove_file(project.path("t/b.sh")).unwrap();
    project.evenly(&["local"]).exits(0).says("against run 1: 1 test removed");
    assert_eq!(compared(&project)["removed"], json!(["sh:t/b.sh"]));
    project.evenly(&["local"]).exits(0).says("against run 2: nothing new");
}

#[test]
fn what_a_missing_shard_had_is_lost_and_not_removed() {
    let names = ["a", "b", "c", "d"];
    let project = names
        .iter()
        .fold(Project::new(SHELL_SUITE), |project, n| project.file(format!("t/{n}.sh"), ""));
    project.evenly(&["local"]).exits(0);
    fs::remove_file(project.path("t/d.sh")).unwrap();
    fs::remove_dir_all(project.path("evenly-out")).unwrap();
    project.evenly(&["run", "--shard", "1/2"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).exits(5);
    assert_eq!(compared(&project)["removed"], json!(["sh:t/d.sh"]));
    let lost = project.report()["ledger"]["lost"].as_array().unwrap().len();
    assert!(lost > 0);
    // What that run did not see is still known: it was not whole.
    fs::remove_dir_all(project.path("evenly-out")).unwrap();
    project.evenly(&["local"]).exits(0).says("1 test removed");
}

#[test]
fn a_flaky_test_tells_every_try_and_how_often_it_flaked() {
    let flaky = "if [ -e tried ]; then rm tried; exit 0; fi\ntouch tried\necho 'not yet'\nexit 1\n";
    let project = Project::new(SHELL_SUITE).file("t/a.sh", flaky).file("t/b.sh", "");
    let args = ["local", "--retries", "1"];
    project.evenly(&args).exits(0);
    project.evenly(&args).exits(0).says("flaky in the last run too");
    project.write("t/a.sh", "");
    project.evenly(&args).exits(0);
    project.write("t/a.sh", flaky);
    project
        .evenly(&args)
        .exits(0)
        .says("`sh:t/a.sh`, 2 tries, shard 1, flaked in 2 of the last 3 runs");
    let rates = json!([{"id": "sh:t/a.sh", "flaky": 2, "runs": 3}]);
    assert_eq!(compared(&project)["flake_rates"], rates);
    let earlier = &project.report()["tests"][0]["earlier"];
    assert_eq!((&earlier[0]["attempt"], &earlier[0]["outcome"]), (&json!(1), &json!("failed")));
    let summary = project.text(SUMMARY);
    assert!(summary.contains("  - try 1 failed") && summary.contains("  - last try passed"));
    let page = project.text("evenly-out/report.html");
    assert!(page.contains("try 1: failed") && page.contains("last try: passed"));
    assert!(page.contains("flaked in 2 of the last 3 runs"));
}

#[test]
fn what_a_junit_file_tells_is_compared_with_nothing() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    project.evenly(&["local"]).exits(0);
    let case = "<testcase classname='c' name='n'><failure message='m'/></testcase>";
    project.write("other.xml", format!("<testsuite name='s'>{case}</testsuite>"));
    project.evenly(&["run"]).exits(0);
    let journal = "evenly-out/shard-1-of-1.attempt-1.jsonl";
    let ran = project.evenly(&["merge", journal, "other.xml"]).exits(1);
    ran.says("changes against run 1: nothing new");
}

#[test]
fn a_history_that_is_left_alone_compares_with_nothing() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    project.evenly(&["local"]).exits(0);
    project.evenly(&["merge", "evenly-out", "--history", "none"]).exits(0);
    assert_eq!(compared(&project), Value::Null);
}
