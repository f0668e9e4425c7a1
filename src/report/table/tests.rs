use super::*;
use crate::model::Outcome::{Errored, Failed, Passed};
use crate::model::{Problem, TestResult};
use crate::report::escape::tests::HOSTILE;
use crate::report::testing::{Found, Log, joined, result};

const FOUND: &[Found<'_>] = &[("a", None), ("b", Some(&["b1"]))];

#[test]
fn the_verdict_is_the_last_line() {
    let log = Log::new(1, 1).finds("s", FOUND).plans(&["s:a", "s:b"]);
    let green = log.runs("s:a", &[("a1", Passed)]).runs("s:b", &[("b1", Passed)]).ends();
    let text = render(&joined(vec![green]), Colour::Off);
    let expected = "\
shards
  shard  groups  tests  workers  predicted   took
    1/1       2      2        2      1.0 s  12 ms

slowest tests
      1 ms  `s:a1`
      1 ms  `s:b1`

✓ whole and green: 2 groups, 2 tests, every one ran exactly once
";
    assert_eq!(text, expected);
}

#[test]
fn what_is_wrong_stands_just_above_the_verdict() {
    let log = Log::new(1, 2).finds("s", FOUND).plans(&["s:a"]).runs("s:a", &[("a1", Failed)]);
    let text = render(&joined(vec![log.ends()]), Colour::Off);
    assert!(text.starts_with("1 test failed\n  `s:a1` failed, shard 1, 1 ms\n"), "{text}");
    let end = "\
missing
  shard 2/2 is missing

lost
  group `s:b`: its shard's journal is missing
    `s:b1`

✗ not whole: shard 2/2 is missing; 1 test did not run; 1 test failed
";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_duration_that_nobody_measured_is_not_shown() {
    let concluded = TestResult { reported: false, duration_us: 0, ..result("b1", Errored) };
    let log = Log::new(1, 1).finds("s", FOUND).plans(&["s:b"]);
    let log = log.breaks("s:b", Problem::NoReport, vec![concluded]).ends();
    let text = render(&joined(vec![log]), Colour::Off);
    assert!(text.starts_with("1 test failed\n  `s:b1` errored, shard 1\n"), "{text}");
}

#[test]
fn colours_only_when_asked_for() {
    let log = Log::new(1, 1).finds("s", FOUND).plans(&["s:a", "s:b"]);
    let report = joined(vec![log.runs("s:a", &[("a1", Failed)]).ends()]);
    assert!(!render(&report, Colour::Off).contains('\u{1b}'));
    assert!(render(&report, Colour::On).contains("\u{1b}["));
}

#[test]
fn names_move_no_cursor_and_are_no_commands() {
    let names: Vec<&str> = HOSTILE.iter().copied().filter(|name| !name.is_empty()).collect();
    let results = names.iter().map(|name| result(name, Failed)).collect();
    let log = Log::new(1, 2).finds("s", &[("g", Some(&names))]).plans(&["s:g"]);
    let text = render(&joined(vec![log.runs_results("s:g", results).ends()]), Colour::Off);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!text.contains("##["));
    assert!(text.lines().all(|line| !line.trim_start().starts_with("::")));
}

#[test]
fn long_lists_are_counted() {
    let names: Vec<String> = (0..1_200).map(|at| format!("t{at}")).collect();
    let tests: Vec<_> = names.iter().map(|name| (name.as_str(), Failed)).collect();
    let log = Log::new(1, 1).finds("s", &[("a", None)]).plans(&["s:a"]);
    let text = render(&joined(vec![log.runs("s:a", &tests).ends()]), Colour::Off);
    assert!(text.contains("  … and 1,150 more, all in `report.json`\n"));
    assert!(text.lines().count() < 400);
}
