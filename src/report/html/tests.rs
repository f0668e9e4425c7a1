use serde_json::Value;

use super::*;
use crate::model::Outcome::{Errored, Failed, Passed, Skipped};
use crate::model::{Outcome, TemplateOrigin, TestId, TestResult};
use crate::report::compare::{Comparison, Slower};
use crate::report::escape::tests::HOSTILE;
use crate::report::quarantine::{Excused, Quarantine, Told};
use crate::report::run::DatabaseSetUp;
use crate::report::testing::{Log, joined, rendered, result};

fn render(report: &RunReport) -> String {
    rendered(super::render, report)
}

fn report_of(tests: Vec<TestResult>) -> RunReport {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    joined(vec![log.runs_results("s:g", tests).ends()])
}

fn plain(tests: &[(&str, Outcome)]) -> RunReport {
    report_of(tests.iter().map(|(name, outcome)| result(name, *outcome)).collect())
}

/// The JSON that the page's script reads.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// The page without what evenly itself wrote as a whole: its style, its script and the data.
fn markup(page: &str) -> String {
    let page = page.replace(STYLE, "").replace(SCRIPT, "");
    let (before, rest) = page.split_once("type=\"application/json\">").unwrap();
    format!("{before}{}", rest.split_once("</script>").unwrap().1)
}

#[test]
fn verdict_and_ledger_come_before_all_else() {
    let page = render(&plain(&[("a", Passed), ("b", Failed)]));
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?}"));
    assert!(at("failed: 1 of 2 tests failed") < at("Every one of 1 planned group"));
    assert!(at("Every one of 1 planned group") < at("id=\"failures\""));
    let log = Log::new(2, 3).finds("s", &[("g", None)]).plans(&["s:g"]);
    let page = render(&joined(vec![log.runs("s:g", &[("a", Passed)]).ends()]));
    assert!(
        page.contains("This run is not whole") && page.contains("shards 1, 3 of 3 are missing")
    );
}

#[test]
fn nothing_may_run_or_load_but_what_the_page_brought() {
    let page = render(&plain(&[("a", Passed)]));
    let (_, policy) = page.split_once("http-equiv=\"Content-Security-Policy\" content=\"").unwrap();
    let policy = policy.split_once('"').unwrap().0;
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for (directive, text) in [("style-src", STYLE), ("script-src", SCRIPT)] {
        assert!(policy.contains(&format!("{directive} '{}'", hash(text))), "{policy}");
        // The browser hashes what stands in the element.
        assert!(page.contains(&format!(">{text}</")), "{directive}");
        assert!(!text.contains("</s") && !text.contains("http"), "{directive}");
    }
    for risky in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!SCRIPT.contains(risky), "{risky}");
    }
    assert!(!markup(&page).contains(" style="), "the policy forbids it");
}

#[test]
fn what_strangers_wrote_is_text() {
    for name in HOSTILE.iter().filter(|name| !name.is_empty()) {
        let mut bad = result(name, Errored);
        (bad.message, bad.detail) = (Some((*name).to_owned()), Some((*name).to_owned()));
        (bad.kind, bad.file) = (Some((*name).to_owned()), Some((*name).to_owned()));
        let page = render(&report_of(vec![bad, result(&format!("{name} fine"), Passed)]));
        let markup = markup(&page);
        for tag in ["<script>alert", "<img", "</summary>-->", "onerror=alert(1)>"] {
            assert!(!markup.contains(tag), "{name:?} brought {tag}");
        }
        let told = data(&page)["tests"].to_string();
        let named = serde_json::to_string(&format!("{name} fine")).unwrap();
        assert!(told.contains(&named), "{name:?}");
    }
}

#[test]
fn the_list_has_every_test_once() {
    let all = [("a", Passed), ("b", Failed), ("c", Errored), ("d", Skipped)];
    let page = render(&plain(&all));
    let data = data(&page);
    let listed: Vec<(&str, u64)> = data["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row[1].as_str().unwrap(), row[2].as_u64().unwrap()))
        .collect();
    assert_eq!(listed, [("a", 3), ("b", 0), ("c", 1), ("d", 4)]);
    assert_eq!(data["omitted"], 0);
    assert_eq!(data["groups"][0][1], "g");
}

#[test]
fn a_page_of_ten_thousand_long_failures_is_cut_and_says_so() {
    let detail = "x".repeat(1 << 20);
    let one = |at: usize| {
        let mut bad = result(&format!("test-{at:05}"), Failed);
        bad.detail = (at < 40).then(|| detail.clone());
        bad
    };
    let page = render(&report_of((0..10_000).map(one).collect()));
    assert!(page.len() < 16 << 20, "{} bytes", page.len());
    assert!(page.contains("bytes are left out"));
    assert!(page.contains("9,500 more that this page leaves out"));
    let data = data(&page);
    assert_eq!(data["tests"].as_array().unwrap().len(), 10_000);
    assert_eq!(data["tests"][9_999][7], "it broke", "its message is in the list");
}

#[test]
fn changes_and_quarantine_are_text_too() {
    for name in HOSTILE.iter().filter(|name| !name.is_empty()) {
        let mut report = report_of(vec![result(name, Failed), result("known", Failed)]);
        let known = report.tests.iter().position(|test| &*test.id.name == "known").unwrap();
        let gone = TestId::new(&report.tests[0].id.suite, name);
        let slower = Slower { test: 1 - known, usual_us: 1, took_us: 2 };
        report.compared = Some(Comparison {
            base: 6,
            new_failures: vec![1 - known],
            slower: vec![slower],
            removed: vec![gone],
            ..Comparison::default()
        });
        let (until, text) = ("2026-12-31".parse().unwrap(), (*name).to_owned());
        report.quarantine = Quarantine {
            excused: vec![Excused { test: known, until, reason: Some(text.clone()) }],
            expired: vec![Told { test: text.clone(), until }],
            unmatched: vec![Told { test: text.clone(), until }],
        };
        let set_up = DatabaseSetUp { database: text, origin: TemplateOrigin::Built, took_us: 5 };
        report.shards[0].databases = vec![set_up];
        let page = render(&report);
        let markup = markup(&page);
        for tag in ["<script>alert", "<img", "</summary>-->", "onerror=alert(1)>"] {
            assert!(!markup.contains(tag), "{name:?} brought {tag}");
        }
        for part in ["id=\"removed\"", "id=\"quarantined\"", "class=\"database\""] {
            assert!(markup.contains(part), "{part}");
        }
        let data = data(&page);
        assert_eq!(data["marks"]["quarantined"], serde_json::json!([known]));
        assert_eq!(data["marks"]["new-failure"], serde_json::json!([1 - known]));
    }
}

#[test]
fn lists_of_changes_are_cut_and_say_so() {
    let tests = (0..300).map(|at| result(&format!("test-{at:03}"), Passed));
    let mut report = report_of(tests.collect());
    report.compared =
        Some(Comparison { base: 6, added: (0..300).collect(), ..Comparison::default() });
    let page = render(&report);
    assert!(page.contains("New tests <span class=\"count\">300</span>"));
    assert!(page.contains("… and 100 more, all in report.json"));
}

#[test]
fn the_timeline_has_what_came_before_the_groups_and_idle_time() {
    let log = Log::new(1, 1).workers(2).finds("s", &[("g", None)]).plans(&["s:g"]);
    let mut report = joined(vec![log.runs("s:g", &[("a", Passed)]).ends()]);
    report.shards[0].before_us = Some(2_000);
    let database = "main".to_owned();
    report.shards[0].databases =
        vec![DatabaseSetUp { database, origin: TemplateOrigin::Restored, took_us: 2_000 }];
    let page = render(&report);
    // Listing for 2 ms, a database for 2 ms, then a group for 6 ms, beside which one is idle.
    for rect in [
        "<rect class=\"planning\" x=\"0\" y=\"2\" height=\"10\" width=\"200\">",
        "<rect class=\"database\" x=\"200\" y=\"2\" height=\"10\" width=\"200\">",
        "<rect class=\"good\" x=\"400\" y=\"0\" height=\"14\" width=\"600\">",
        "<rect class=\"idle\" x=\"400\" y=\"2\" height=\"10\" width=\"600\">",
    ] {
        assert!(page.contains(rect), "{rect}");
    }
    assert!(page.contains("database main, restored from an earlier run: 2 ms"));
    assert!(page.contains("shard 1, worker 1: 0 groups in 0 µs, idle 6 ms"));
}

#[test]
fn a_flaky_test_shows_its_earlier_tries() {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let log = log.tries("s:g", &[result("a", Failed)]).runs("s:g", &[("a", Passed)]);
    let page = render(&joined(vec![log.ends()]));
    assert!(page.contains("Flaky: passed when tried again") && page.contains("try 1: failed"));
    assert!(page.contains("evenly run --only s:g"));
}
