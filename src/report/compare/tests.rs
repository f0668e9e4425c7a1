use super::*;
use crate::history::{History, Observation, Seen};
use crate::model::Outcome::{self, Failed, Passed, Skipped};
use crate::model::{Problem, TestResult};
use crate::report::testing::{Found, Log, joined, result};

/// A history of suite `s`: in each run the tests of group `g`, from run 1 on.
fn taught(runs: &[&[(&str, Seen)]]) -> History {
    let mut history = History::default();
    for (run, seen) in (1..).zip(runs) {
        record(&mut history, run, "g", seen);
    }
    history
}

fn record(history: &mut History, run: u64, group: &str, seen: &[(&str, Seen)]) {
    let suite = SuiteName::new("s").unwrap();
    let seen = seen.iter().map(|(test, seen)| Observation {
        test: TestId::new(&suite, test),
        group: group.into(),
        seen: *seen,
    });
    history.record(run, seen.collect(), Vec::new());
}

fn with(report: &RunReport, history: &History) -> Comparison {
    compare(report, Base::new(history, Some(7)), |group| &group.name, |_, us| us).unwrap()
}

fn green(name: &str) -> (&str, Seen) {
    (name, Seen::Passed(1_000))
}

fn ran(tests: &[(&str, Outcome)]) -> RunReport {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    joined(vec![log.runs("s:g", tests).ends()])
}

fn ids(report: &RunReport, tests: &[usize]) -> Vec<String> {
    tests.iter().map(|&at| report.tests[at].id.name.to_string()).collect()
}

fn removed_names(found: &Comparison) -> Vec<&str> {
    found.removed.iter().map(|id| &*id.name).collect()
}

#[test]
fn every_kind_of_change_is_told_once() {
    let history = taught(&[
        &[green("stays"), green("breaks"), ("mends", Seen::Failed), ("still", Seen::Failed)],
        &[
            green("stays"),
            green("breaks"),
            ("mends", Seen::Failed),
            ("still", Seen::Failed),
            green("gone"),
            ("skips", Seen::Failed),
        ],
    ]);
    let report = ran(&[
        ("stays", Passed),
        ("breaks", Failed),
        ("mends", Passed),
        ("still", Failed),
        ("young", Passed),
        ("young and bad", Failed),
        ("skips", Skipped),
    ]);
    let found = with(&report, &history);
    assert_eq!(found.base, 2);
    assert_eq!(ids(&report, &found.new_failures), ["breaks", "young and bad"]);
    assert_eq!(ids(&report, &found.fixed), ["mends"]);
    assert_eq!(ids(&report, &found.added), ["young", "young and bad"]);
    assert_eq!(removed_names(&found), ["gone"]);
    assert!(found.slower.is_empty());
    assert_eq!(
        found.line(),
        "against run 2: 2 new failures, 1 test fixed, 2 new tests, 1 test removed"
    );
}

#[test]
fn without_runs_before_there_is_nothing_to_compare_with() {
    let report = ran(&[("a", Passed)]);
    let later = {
        let mut history = History::default();
        record(&mut history, 7, "g", &[green("a")]);
        history
    };
    for history in [History::default(), later] {
        let base = Base::new(&history, Some(7));
        assert_eq!(compare(&report, base, |group| &group.name, |_, us| us), None);
    }
    let found = with(&report, &taught(&[&[green("a")]]));
    assert_eq!(found.line(), "against run 1: nothing new");
}

/// Whether a test that took `before` seconds in earlier runs is slower with `now`, in hundredths.
fn is_slower(before: &[u64], now: u64) -> bool {
    let runs: Vec<[(&str, Seen); 1]> =
        before.iter().map(|hundredths| [("a", Seen::Passed(hundredths * 10_000))]).collect();
    let runs: Vec<&[(&str, Seen)]> = runs.iter().map(<[_; 1]>::as_slice).collect();
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let took = TestResult { duration_us: now * 10_000, ..result("a", Passed) };
    let report = joined(vec![log.runs_results("s:g", vec![took]).ends()]);
    !with(&report, &taught(&runs)).slower.is_empty()
}

#[test]
fn slower_is_twice_and_a_second_and_longer_than_ever() {
    assert!(is_slower(&[150, 150, 150], 310));
    assert!(!is_slower(&[150, 150, 150], 300), "twice is not more than twice");
    assert!(!is_slower(&[10, 10, 10], 110), "a second is not more than a second");
    assert!(is_slower(&[10, 10, 10], 111));
    assert!(!is_slower(&[500, 100, 100, 100], 480), "it has taken as long before");
    assert!(is_slower(&[500, 100, 100, 100], 510));
    assert!(is_slower(&[100], 250), "one run is enough to know it");
}

#[test]
fn a_slow_machine_is_no_slow_test() {
    let history = taught(&[&[("a", Seen::Passed(2_000_000))]]);
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let took = TestResult { duration_us: 5_000_000, ..result("a", Passed) };
    let report = joined(vec![log.runs_results("s:g", vec![took]).ends()]);
    let base = Base::new(&history, Some(7));
    let slower = |factor: u64| {
        let found = compare(&report, base, |group| &group.name, |_, us| us / factor).unwrap();
        found.slower
    };
    assert!(slower(2).is_empty());
    assert_eq!(slower(1), [Slower { test: 0, usual_us: 2_000_000, took_us: 5_000_000 }]);
}

#[test]
fn what_is_lost_is_not_removed() {
    let mut history = History::default();
    let seen = [("a", "g"), ("b", "h"), ("c", "gone")];
    let suite = SuiteName::new("s").unwrap();
    let seen = seen.map(|(test, group)| Observation {
        test: TestId::new(&suite, test),
        group: group.into(),
        seen: Seen::Passed(1),
    });
    history.record(1, seen.into(), Vec::new());
    let found: &[Found<'_>] = &[("g", None), ("h", None)];
    let one = Log::new(1, 2).finds("s", found).plans(&["s:g"]).runs("s:g", &[("a", Passed)]).ends();
    let two = Log::new(2, 2).finds("s", found).plans(&["s:h"]);

    // The second shard is missing: `b` is lost, but nobody found group `gone`.
    let report = joined(vec![one.clone()]);
    assert_eq!(removed_names(&with(&report, &history)), ["c"]);
    // Its group broke.
    let broken = two.clone().breaks("s:h", Problem::NoReport, Vec::new()).ends();
    let report = joined(vec![one.clone(), broken]);
    assert_eq!(removed_names(&with(&report, &history)), ["c"]);
    // It came to its end without the test.
    let report = joined(vec![one.clone(), two.runs("s:h", &[("other", Passed)]).ends()]);
    assert_eq!(removed_names(&with(&report, &history)), ["b", "c"]);
    // Shards that do not agree on what there is.
    let other = Log::new(2, 2).finds("s", &found[..1]).plans(&[]).ends();
    let report = joined(vec![one, other]);
    assert!(with(&report, &history).removed.is_empty());
}

#[test]
fn a_run_of_some_groups_or_suites_removes_nothing() {
    let history = taught(&[&[green("a"), green("b")]]);
    let mut log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    log = log.runs("s:g", &[("a", Passed)]).ends();
    let mut only = log.clone();
    only.started.partial = true;
    assert_eq!(removed_names(&with(&joined(vec![log]), &history)), ["b"]);
    assert!(with(&joined(vec![only]), &history).removed.is_empty());
    let other = Log::new(1, 1).finds("t", &[("g", None)]).plans(&["t:g"]);
    let report = joined(vec![other.runs("t:g", &[("x", Passed)]).ends()]);
    let found = with(&report, &history);
    assert!(found.removed.is_empty());
    assert_eq!(ids(&report, &found.added), ["x"]);
}

#[test]
fn a_test_that_moved_is_not_removed_and_parts_are_their_group() {
    let history = taught(&[&[green("a"), green("b")]]);
    let log = Log::new(1, 1).finds("s", &[("g [1]", None), ("g [2]", None), ("h", None)]);
    let log = log.plans(&["s:g [1]", "s:g [2]", "s:h"]).runs("s:g [1]", &[("c", Passed)]);
    let log = log.runs("s:h", &[("b", Passed)]);
    let half = log.clone().breaks("s:g [2]", Problem::NoReport, Vec::new()).ends();
    let whole = log.runs("s:g [2]", &[("d", Passed)]).ends();
    let removed = |log: Log| {
        let report = joined(vec![log]);
        let found = compare(&report, Base::new(&history, Some(7)), name_of, |_, us| us).unwrap();
        removed_names(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(removed(whole), ["a"]);
    assert!(removed(half).is_empty(), "one of its parts did not come to its end");
}

/// The name of the group that a part is of.
fn name_of(group: &GroupId) -> &str {
    group.name.split(' ').next().unwrap_or(&group.name)
}

#[test]
fn a_crash_is_a_new_failure_only_where_the_group_was_fine() {
    let crash = |history: &History| {
        let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
        let report = joined(vec![log.breaks("s:g", Problem::NoReport, Vec::new()).ends()]);
        let found = with(&report, history);
        assert!(found.added.is_empty());
        found.new_failures.len()
    };
    let mut history = taught(&[&[green("a")]]);
    assert_eq!(crash(&history), 1);
    record(&mut history, 2, "h", &[green("b")]);
    assert_eq!(crash(&history), 0, "the last run saw nothing of the group either");
}

#[test]
fn flake_rates_are_told_of_what_is_flaky_or_failed() {
    let flaky = ("a", Seen::Flaky);
    let history = taught(&[
        &[flaky, green("b"), green("c")],
        &[green("a"), green("b"), green("c")],
        &[flaky, green("b"), green("c")],
    ]);
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let log = log.tries("s:g", &[result("a", Failed)]);
    let report =
        joined(vec![log.runs("s:g", &[("a", Passed), ("b", Failed), ("c", Passed)]).ends()]);
    let found = with(&report, &history);
    assert_eq!(found.rate(0), Some(Rate { flaky: 2, runs: 3 }));
    assert_eq!(found.rate(1), Some(Rate { flaky: 0, runs: 3 }));
    assert_eq!(found.rate(2), None);
    assert_eq!(rate_text(Rate { flaky: 2, runs: 3 }), "flaked in 2 of the last 3 runs");
    assert_eq!(rate_text(Rate { flaky: 0, runs: 3 }), "not flaky in the last 3 runs");
}
