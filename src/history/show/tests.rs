use unicode_width::UnicodeWidthStr;

use super::*;
use crate::history::{DURATION_US_MAX, History, Observation, Seen, SuiteFacts};
use crate::model::{SuiteName, TestId};

fn saw(test: &str, seen: Seen) -> Observation {
    let suite = SuiteName::new("s").unwrap();
    Observation { test: TestId::new(&suite, test), group: "g".into(), seen }
}

/// Runs from 1 on.
fn history(runs: &[&[(&str, Seen)]]) -> History {
    let mut history = History::default();
    for (run, seen) in (1..).zip(runs) {
        let facts = SuiteFacts {
            suite: SuiteName::new("s").unwrap(),
            workers: 4,
            overheads_us: vec![250_000],
        };
        history.record(
            run,
            seen.iter().map(|(test, seen)| saw(test, *seen)).collect(),
            vec![facts],
        );
    }
    history
}

fn test<'h>(history: &'h History, name: &str) -> TestRecord<'h> {
    history.suites().next().unwrap().test(name).unwrap()
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_chart_has_a_line_a_run_with_what_it_saw() {
    let history = history(&[
        &[("t", Seen::Passed(100_000))],
        &[("t", Seen::Failed)],
        &[("u", Seen::Passed(1))],
        &[("t", Seen::Flaky)],
        &[("t", Seen::Skipped)],
        &[("t", Seen::Passed(200_000))],
    ]);
    let text = plain(&chart(&test(&history, "t"), 40));
    let expected = "\
s:t
in group g
typically 167 ms, 5 runs have seen it, failed in 1, flaky in 1, skipped in 1

run          took
  1        100 ms  ██████████▌
  2        failed  ✗
  4         flaky  ~
  5       skipped  -
  6        200 ms  █████████████████████
";
    assert_eq!(text, expected);
}

#[test]
fn a_chart_shows_no_more_than_fits() {
    let runs: Vec<[(&str, Seen); 1]> = (0..48).map(|_| [("t", Seen::Failed)]).collect();
    let runs: Vec<&[(&str, Seen)]> = runs.iter().map(|run| &run[..]).collect();
    let text = plain(&chart(&test(&history(&runs), "t"), 1));
    assert!(text.contains("…  18 earlier\n"), "{text}");
    assert_eq!(text.matches("failed  ✗").count(), 30);
    let long = history(&[&[("t", Seen::Passed(DURATION_US_MAX))], &[("t", Seen::Passed(0))]]);
    for columns in [30, 80, 1_000] {
        let text = plain(&chart(&test(&long, "t"), columns));
        let widest = text.lines().skip(3).map(UnicodeWidthStr::width).max().unwrap();
        assert!(widest <= columns, "{text}");
    }
}

#[test]
fn names_of_strangers_stay_on_their_line() {
    let odd = "a\nb\u{1b}[31m\u{202e}c";
    let history = history(&[&[(odd, Seen::Passed(9_000_000))], &[(odd, Seen::Flaky)]]);
    let whole = overview(&Overview::new(&history, None, 5), 100);
    for text in [chart(&test(&history, odd), 80), whole] {
        assert!(text.contains("a\\nb\\u{1b}"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        assert!(!plain(&text).contains('\u{1b}'), "{text}");
    }
}

#[test]
fn what_stands_out_is_told_greatest_first() {
    let steady = Seen::Passed(20_000);
    let run = |grows: u64, odd: Seen| {
        vec![
            ("grows", Seen::Passed(grows)),
            ("odd", odd),
            ("steady", steady),
            ("broken", Seen::Failed),
        ]
    };
    let runs = [
        run(100_000, steady),
        run(100_000, Seen::Flaky),
        run(100_000, steady),
        run(300_000, Seen::Failed),
        run(300_000, steady),
        run(300_000, Seen::Flaky),
    ];
    let runs: Vec<&[(&str, Seen)]> = runs.iter().map(Vec::as_slice).collect();
    let history = history(&runs);
    let found = Overview::new(&history, None, 2);
    let slowest: Vec<&str> = found.slowest.iter().map(|(test, _)| &*test.id.name).collect();
    assert_eq!(slowest, ["grows", "odd"]);
    let [odd] = found.flakiest.as_slice() else { panic!("{:?}", found.flakiest) };
    assert_eq!((&*odd.test.id.name, odd.flaky, odd.failed), ("odd", 2, 1));
    let [(grows, 100_000, 300_000)] = found.growing.as_slice() else {
        panic!("{:?}", found.growing)
    };
    assert_eq!(&*grows.id.name, "grows");
    let text = plain(&overview(&found, 100));
    let expected = "\
s: 6 runs (newest 6), 4 tests in 1 group, 4 workers, 250 ms a group beyond its tests

slowest
s:grows             300 ms                ████████████████████
s:odd                20 ms                █▎

flakiest
s:odd            flaky 2/6    failed 1/6

fastest-growing
s:grows           100 ms →        300 ms  ████████████████████
";
    assert_eq!(text, expected);
    let other = SuiteName::new("other").unwrap();
    assert!(Overview::new(&history, Some(&other), 2).suites.is_empty());
}

#[test]
fn noise_is_no_growth() {
    let grown = |before: u64, now: u64| {
        let runs: Vec<[(&str, Seen); 1]> = [before, before, now, now, now]
            .map(|us| [("t", Seen::Passed(us))])
            .into_iter()
            .collect();
        let runs: Vec<&[(&str, Seen)]> = runs.iter().map(|run| &run[..]).collect();
        growth(&test(&history(&runs), "t"))
    };
    assert_eq!(grown(100_000, 119_000), None);
    assert_eq!(grown(1_000, 9_000), None);
    assert_eq!(grown(100_000, 50_000), None);
    assert_eq!(grown(0, 10_000), Some((0, 10_000)));
    assert_eq!(grown(100_000, 120_000), Some((100_000, 120_000)));
}

#[test]
fn programs_get_the_same() {
    let history = history(&[&[("t", Seen::Passed(5))], &[("t", Seen::Flaky)]]);
    let expected = serde_json::json!({
        "format": 1,
        "id": "s:t",
        "groups": ["g"],
        "typical_us": 5,
        "grew_from_us": null,
        "runs": [
            { "run": 1, "outcome": "passed", "us": 5 },
            { "run": 2, "outcome": "flaky", "us": null },
        ],
    });
    assert_eq!(test_json(&test(&history, "t")), expected);
    let json = overview_json(&Overview::new(&history, None, 5));
    assert_eq!(json["suites"][0]["workers"], 4);
    assert_eq!(json["flakiest"][0]["flaky"], 1);
    assert_eq!(json["slowest"][0]["typical_us"], 5);
}

#[test]
fn the_nearest_tests_are_those_that_have_the_text_or_are_spelt_alike() {
    let names = ["tests/a.py::test_refund", "tests/a.py::test_return", "zebra"];
    let seen = names.map(|name| (name, Seen::Passed(1)));
    let history = history(&[&seen]);
    assert_eq!(nearest(&history, "s:tests/a.py::test_refnd", 1), ["s:tests/a.py::test_refund"]);
    assert_eq!(nearest(&history, "REFUND", 1), ["s:tests/a.py::test_refund"]);
    assert_eq!(nearest(&history, "nothing like these", 9), [""; 0]);
    assert_eq!(nearest(&history, "", 9), [""; 0]);
}
