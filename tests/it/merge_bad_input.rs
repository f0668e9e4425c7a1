//! What must not make a merge green, slow or endless: each a clear word and its exit code.

use std::fs;

use serde_json::{Value, json};

use crate::support::{JUNIT_SUITE, Project, SHELL_SUITE, writes};

const JOURNAL: &str = "evenly-out/shard-1-of-1.attempt-1.jsonl";

fn ran(config: &str, script: &str, status: i32) -> Project {
    let project = Project::new(config).file("t/a.sh", script);
    let run = project.evenly(&["run", "--shard", "1/1"]);
    run.env("GITHUB_ACTIONS", "true").env("GITHUB_RUN_ID", "7").exits(status);
    project
}

fn first_line(project: &Project, change: impl Fn(&mut Value)) -> String {
    let text = project.text(JOURNAL);
    let (first, rest) = text.split_once('\n').unwrap();
    let mut event: Value = serde_json::from_str(first).unwrap();
    change(&mut event);
    format!("{event}\n{rest}")
}

fn problems(project: &Project) -> Vec<String> {
    let report = project.report();
    let problems = report["ledger"]["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_journal_of_a_newer_format_says_what_reads_it() {
    let project = ran(SHELL_SUITE, "", 0);
    let newer = first_line(&project, |event| {
        event["format"] = json!(99);
        event["evenly"] = json!("9.9.9");
    });
    project.write(JOURNAL, newer);
    project.evenly(&["merge", "evenly-out"]).exits(5).says("merge with evenly `9.9.9` or later");
    assert_eq!(problems(&project), ["unreadable-journal"]);
}

#[test]
fn journals_of_two_runs_are_not_one_run() {
    let project = ran(SHELL_SUITE, "", 0);
    let older = first_line(&project, |event| {
        event["run"]["id"] = json!("6");
        event["run"]["number"] = json!(6);
    });
    project.write("old/shard-1-of-1.attempt-1.jsonl", older);
    project.evenly(&["merge", "evenly-out", "old"]).exits(5).says("of other runs than `7`");
    assert_eq!(problems(&project), ["other-run"]);
    assert_eq!(project.report()["totals"]["tests"], 1);
}

#[test]
fn a_shard_that_left_two_different_journals_of_one_attempt_is_told_and_a_copy_is_none() {
    let project = ran(SHELL_SUITE, "", 0);
    let same = project.text(JOURNAL);
    project.write("again/shard-1-of-1.attempt-1.jsonl", &same);
    project.evenly(&["merge", "evenly-out", "again"]).exits(0);
    let other = same.replace("\"duration_us\":", "\"duration_us\":1");
    project.write("again/shard-1-of-1.attempt-1.jsonl", other);
    project.evenly(&["merge", "evenly-out", "again"]).exits(5).says("two different journals");
    assert_eq!(problems(&project), ["twin-journals"]);
}

#[test]
fn paths_in_names_lead_nowhere() {
    let xml = "<testsuite name='../../x'><testcase classname='../..' name='../../etc/passwd' \
               file='/etc/passwd'><failure>no</failure></testcase></testsuite>";
    let project = ran(JUNIT_SUITE, &writes(xml, 1), 1);
    project.evenly(&["merge", "evenly-out", "--out", "reports/here"]).exits(1);
    let names = |path: &str| {
        let entries = fs::read_dir(project.path(path)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("reports"), ["here"]);
    assert_eq!(names("reports/here"), ["junit.xml", "report.html", "report.json", "summary.md"]);
}

#[test]
fn a_message_of_ten_megabytes_reaches_no_report_whole() {
    let long = "x".repeat(10 << 20);
    let xml = format!(
        "<testsuite name='s'><testcase name='t'><failure message='{long}'/></testcase></testsuite>"
    );
    let project = Project::new("").file("in/a.xml", xml);
    project.evenly(&["merge", "in/a.xml"]).exits(1).says("a text that is too long");
    for file in ["junit.xml", "report.json", "report.html", "summary.md"] {
        let bytes = fs::metadata(project.path("evenly-out").join(file)).unwrap().len();
        assert!(bytes < 1 << 20, "{file}: {bytes}");
    }
}

#[test]
fn endless_failures_leave_bounded_reports() {
    const FAILURES: usize = 20_000;
    let more = "y".repeat(500);
    let case = |at: usize| {
        let failure = format!("<failure message='no {at}'>trace {at}\n{more}</failure>");
        format!("<testcase classname='c' name='{at:06}'>{failure}</testcase>")
    };
    let cases: Vec<String> = (0..FAILURES).map(case).collect();
    let project = Project::new("")
        .file("a.xml", format!("<testsuite name='s'>{}</testsuite>", cases.concat()));
    let ran = project.evenly(&["merge", "a.xml"]).exits(1);
    assert!(ran.stdout.len() < 64 * 1024, "{} bytes of talk", ran.stdout.len());
    assert!(ran.stdout.contains("20,000 of 20,000 tests failed"), "{}", ran.stdout.len());
    let bytes = |file: &str| fs::metadata(project.path("evenly-out").join(file)).unwrap().len();
    assert!(bytes("summary.md") < 1 << 20, "{}", bytes("summary.md"));
    assert!(bytes("report.html") < 16 << 20, "{}", bytes("report.html"));
    let report = project.report();
    assert_eq!(report["totals"]["failed"], FAILURES);
    assert_eq!(report["tests"].as_array().unwrap().len(), FAILURES);
    let xml = project.text("evenly-out/junit.xml");
    assert_eq!(xml.matches("<failure ").count(), FAILURES);
}
