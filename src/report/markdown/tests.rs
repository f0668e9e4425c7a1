use super::*;
use crate::model::Outcome::{Failed, Passed};
use crate::model::{Outcome, TestResult};
use crate::report::escape::tests::HOSTILE;
use crate::report::testing::{Found, Log, joined, rendered, result};

fn render(report: &RunReport) -> String {
    rendered(super::render, report)
}

fn report_of(tests: &[(&str, Outcome)]) -> RunReport {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    joined(vec![log.runs("s:g", tests).ends()])
}

/// What is left of a page once fences and code spans, read as Markdown reads them, are out.
fn outside_code(page: &str) -> String {
    let mut rest = String::new();
    let mut fence: Option<usize> = None;
    for line in page.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match fence {
            Some(open) if ticks >= open && line.trim_matches('`').is_empty() => fence = None,
            Some(_) => {}
            None if ticks >= 3 && !line[ticks..].contains('`') => fence = Some(ticks),
            None => {
                rest.push_str(&without_spans(line));
                rest.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is left open");
    rest
}

fn without_spans(line: &str) -> String {
    let mut rest = String::new();
    let mut at = 0;
    while let Some(start) = line[at..].find('`').map(|found| at + found) {
        rest.push_str(&line[at..start]);
        let ticks = line[start..].chars().take_while(|c| *c == '`').count();
        let inside = start + ticks;
        let closing =
            line[inside..].match_indices('`').map(|(found, _)| inside + found).find(|&end| {
                let run = line[end..].chars().take_while(|c| *c == '`').count();
                run == ticks && !line[..end].ends_with('`')
            });
        at = closing.expect("a code span is left open") + ticks;
    }
    rest + &line[at..]
}

#[test]
fn a_green_run() {
    let page = render(&report_of(&[("a", Passed)]));
    assert!(
        page.starts_with("## ✓ whole and green: 1 group, 1 test, every one ran exactly once\n")
    );
    assert!(page.contains("| 1 | 1 | 0 | 0 | 0 | 0 |"));
    assert!(page.contains("| 1/1 | 1 | 1 | 2 | 1.0 s | 6 ms |  |"), "{page}");
    assert!(!page.contains("not whole") && !page.contains("failed\n"));
}

#[test]
fn what_is_lost_comes_before_what_failed() {
    let found: &[Found<'_>] = &[("g", None), ("h", Some(&["h1"]))];
    let log = Log::new(1, 2).finds("s", found).plans(&["s:g"]).runs("s:g", &[("a", Failed)]);
    let page = render(&joined(vec![log.ends()]));
    let order: Vec<_> = [
        "## ✗ not whole: shard 2/2 is missing; 1 test did not run; 1 test failed",
        "### This run is not whole",
        "- shard 2/2 is missing",
        "- group `s:h`: its shard's journal is missing",
        "  - `s:h1`",
        "| tests |",
        "### 1 test failed",
        "#### `s:a`",
        "### Shards",
        "### Slowest tests",
    ]
    .map(|words| page.find(words).expect(words))
    .into();
    assert!(order.is_sorted(), "{page}");
}

#[test]
fn a_failure_shows_its_message_and_the_end_of_a_python_trace() {
    let frames: Vec<String> = (0..100).map(|at| format!("  frame {at}")).collect();
    let frames = frames.join("\n");
    let detail = format!("Traceback (most recent call last):\n{frames}\nValueError: bad\n");
    let bad = TestResult {
        message: Some("bad".to_owned()),
        kind: Some("ValueError".to_owned()),
        detail: Some(detail),
        ..result("a", Failed)
    };
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let page = render(&joined(vec![log.runs_results("s:g", vec![bad]).ends()]));
    assert!(page.contains("  frame 99\nValueError: bad\n```\n"), "{page}");
    assert!(!page.contains("frame 80\n") && page.contains("frame 81\n"));
}

#[test]
fn flaky_tests_stand_apart() {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let log = log.tries("s:g", &[result("a", Failed)]).runs("s:g", &[("a", Passed)]);
    let page = render(&joined(vec![log.ends()]));
    let told =
        "### 1 test flaky\n\n- `s:a`, 2 tries, shard 1\n  - try 1 failed: `Error: it broke`\n";
    assert!(page.contains(told), "{page}");
    assert!(!page.contains("failed\n"));
}

#[test]
fn strangers_text_is_only_in_code() {
    let mut results = Vec::new();
    for name in HOSTILE.iter().filter(|name| !name.is_empty()) {
        let bad = TestResult {
            message: Some((*name).to_owned()),
            detail: Some(format!("{name}\n{name}")),
            file: Some((*name).to_owned()),
            ..result(name, Failed)
        };
        results.push(bad);
    }
    let names: Vec<&str> = HOSTILE.iter().copied().filter(|name| !name.is_empty()).collect();
    let mut found: Vec<Found<'_>> = names.iter().map(|name| (*name, None)).collect();
    found.push(("listed", Some(&names)));
    let mut log = Log::new(1, 3).finds("s", &found).plans(&["s:listed"]);
    HOSTILE[0].clone_into(&mut log.started.host);
    let log = log.tries("s:listed", &results).runs_results("s:listed", results).ends();
    let other = Log::new(2, 3).finds("s", &found[1..]).plans(&[]).version("`@evil` #1 <b>");
    let page = render(&joined(vec![log, other.ends()]));
    let bare = outside_code(&page);
    for mark in ["@", "#1", "<", "script", "everyone", "evil", "[", "~~~", "::", "heading"] {
        assert!(!bare.contains(mark), "{mark} in {bare}");
    }
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn the_slowest_come_first_and_ties_go_by_id() {
    let took = |name: &str, duration_us| TestResult { duration_us, ..result(name, Passed) };
    let mut results: Vec<TestResult> = (0..30).map(|at| took(&format!("t{at:02}"), 5)).collect();
    results.push(took("z", 9));
    results.push(took("never", 0));
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let report = joined(vec![log.runs_results("s:g", results).ends()]);
    let names: Vec<_> = slowest_of(&report, 3).iter().map(|test| &*test.id.name).collect();
    assert_eq!(names, ["z", "t00", "t01"]);
}
