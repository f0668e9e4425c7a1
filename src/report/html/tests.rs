use serde_json::Value;

use super::*;
use crate::model::Outcome::{Errored, Failed, Passed, Skipped};
use crate::model::{Outcome, TestResult};
use crate::report::escape::tests::HOSTILE;
use crate::report::testing::{Log, joined, result};

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
fn a_flaky_test_shows_its_earlier_tries() {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let log = log.tries("s:g", &[result("a", Failed)]).runs("s:g", &[("a", Passed)]);
    let page = render(&joined(vec![log.ends()]));
    assert!(page.contains("Flaky: passed when tried again") && page.contains("try 1: failed"));
    assert!(page.contains("evenly run --only s:g"));
}
