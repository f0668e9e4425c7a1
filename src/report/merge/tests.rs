use super::*;
use crate::model::Outcome::{Errored, Failed, Passed, Skipped};
use crate::model::{Problem, Property, Stop, TestResult, Try};
use crate::report::testing::{Found, Log, joined, result};
use crate::report::{FinalOutcome, PlanCause, verdict_line};

mod properties;

const A_B: &[Found<'_>] = &[("a", Some(&["a1", "a2"])), ("b", None)];

/// Shard 1 of 2, which has `s:a`; not ended yet.
fn one() -> Log {
    Log::new(1, 2).finds("s", A_B).plans(&["s:a"])
}

fn one_done() -> Log {
    one().runs("s:a", &[("a1", Passed), ("a2", Passed)]).ends()
}

/// Shard 2 of 2, which has `s:b`; not ended yet.
fn two() -> Log {
    Log::new(2, 2).finds("s", A_B).plans(&["s:b"])
}

fn two_done() -> Log {
    two().runs("s:b", &[("b1", Passed)]).ends()
}

fn test<'a>(report: &'a RunReport, id: &str) -> &'a TestReport {
    report.tests.iter().find(|test| test.id.to_string() == id).expect(id)
}

fn flaws(report: &RunReport) -> Vec<&'static str> {
    report.ledger.flaws.iter().map(Flaw::kind).collect()
}

#[test]
fn a_whole_green_run() {
    let report = joined(vec![two_done(), one_done()]);
    assert_eq!((report.verdict, report.exit), (RunVerdict::Passed, Exit::Passed));
    let line = "✓ whole and green: 2 groups, 3 tests, every one ran exactly once";
    assert_eq!(verdict_line(&report), line);
    let totals = Totals { tests: 3, passed: 3, ..Totals::default() };
    assert_eq!((report.totals, report.ledger.planned), (totals, 2));
    assert_eq!(report.shards.iter().map(|shard| shard.index).collect::<Vec<_>>(), [1, 2]);
    let shard = &report.shards[0];
    assert_eq!((shard.groups, shard.tests, shard.predicted_us), (1, 2, 1_000_000));
    assert_eq!((shard.actual_us, &*shard.source), (7_000, "log-1"));
    assert!(report.groups.iter().all(|group| group.executions[0].output.is_none()));
    assert!(report.ledger.is_whole() && report.ledger.notes.is_empty());
}

#[test]
fn the_order_of_the_journals_does_not_matter() {
    let mut ahead = joined(vec![one_done(), two_done()]);
    let behind = joined(vec![two_done(), one_done()]);
    ahead.shards.iter_mut().zip(&behind.shards).for_each(|(a, b)| a.source.clone_from(&b.source));
    assert_eq!(ahead, behind);
}

#[test]
fn a_failed_test_fails_the_run_and_keeps_the_output() {
    let two = two().runs("s:b", &[("b1", Failed), ("b2", Skipped)]).ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!((report.verdict, report.exit), (RunVerdict::Failed, Exit::Failed));
    let line = "✗ failed: 1 of 4 tests failed; 2 groups, every one ran exactly once";
    assert_eq!(verdict_line(&report), line);
    let output = report.groups[1].executions[0].output.as_ref().unwrap();
    assert_eq!(output.head, "output of s:b\n");
    assert_eq!(test(&report, "s:b1").told.as_ref().unwrap().message.as_deref(), Some("it broke"));
}

#[test]
fn a_missing_shard_is_named_with_what_it_had() {
    let report = joined(vec![two_done()]);
    assert_eq!((report.verdict, report.exit), (RunVerdict::Incomplete, Exit::NotWhole));
    assert_eq!(report.ledger.missing_shards, [1]);
    assert_eq!(report.ledger.lost_ids(), ["s:a", "s:a1", "s:a2"]);
    assert_eq!(report.ledger.lost[0].why, LostWhy::ShardMissing);
    let line = "✗ not whole: shard 1/2 is missing; 2 tests did not run";
    assert_eq!(verdict_line(&report), line);
}

#[test]
fn not_whole_outranks_failed() {
    let report = joined(vec![two().runs("s:b", &[("b1", Failed)]).ends()]);
    assert_eq!(report.exit, Exit::NotWhole);
    assert!(verdict_line(&report).ends_with("; 1 test failed"));
}

#[test]
fn why_a_group_did_not_run() {
    let shard = Shard { index: 2, total: 2 };
    let signal = Stop::Signal(15);
    for (log, why) in [
        (two().starts("s:b"), LostWhy::Killed(shard)),
        (two(), LostWhy::NeverReached(shard)),
        (two().ends(), LostWhy::Unaccounted(shard)),
        (
            two().stops(signal.clone()).ends_without(&[("s:b", signal.clone())]),
            LostWhy::Stopped(shard, signal),
        ),
        (
            two().stops(Stop::FailFast).ends_without(&[("s:b", Stop::FailFast)]),
            LostWhy::Stopped(shard, Stop::FailFast),
        ),
        (two().tries("s:b", &[result("b1", Failed)]), LostWhy::NotRetried),
        (Log::new(2, 2).finds("s", A_B).plans(&[]).ends(), LostWhy::Unassigned),
        (Log::new(2, 2).finds("s", A_B), LostWhy::ShardMissing),
    ] {
        let report = joined(vec![one_done(), log]);
        assert_eq!(report.exit, Exit::NotWhole);
        assert_eq!(report.ledger.lost_ids(), ["s:b"], "{why}");
        assert_eq!(report.ledger.lost[0].why, why);
    }
}

#[test]
fn a_killed_shard_keeps_what_it_finished() {
    let report = joined(vec![one_done(), two().runs("s:b", &[("b1", Passed)])]);
    assert_eq!(report.exit, Exit::Passed, "all ran, though the end of shard 2 was not written");
    assert_eq!(report.shards[1].end, ShardEnd::Cut);
}

#[test]
fn a_listed_test_without_a_result_is_lost() {
    let report = joined(vec![one().runs("s:a", &[("a2", Passed)]).ends(), two_done()]);
    assert_eq!(report.exit, Exit::NotWhole);
    assert_eq!(report.ledger.lost_ids(), ["s:a1"]);
    assert_eq!(verdict_line(&report), "✗ not whole: 1 test did not run");
}

#[test]
fn of_a_group_with_a_problem_it_is_an_error() {
    let one = one().breaks("s:a", Problem::TimedOut(2_000_000), vec![result("a2", Passed)]).ends();
    let report = joined(vec![one, two_done()]);
    assert_eq!(report.exit, Exit::Failed);
    let gone = test(&report, "s:a1");
    assert_eq!((gone.outcome, gone.reported), (FinalOutcome::Errored, false));
    assert_eq!(report.totals.errored, 1);
}

#[test]
fn an_unlisted_test_is_kept_and_told() {
    let one = one().runs("s:a", &[("a1", Passed), ("a2", Passed), ("a3", Passed)]).ends();
    let report = joined(vec![one, two_done()]);
    assert_eq!(report.exit, Exit::Passed);
    assert_eq!(report.totals.tests, 4);
    let group = "s:a".parse().unwrap();
    assert_eq!(report.ledger.notes, [Note::Unlisted { group, tests: vec!["a3".to_owned()] }]);
}

#[test]
fn a_group_that_ran_in_two_shards_is_doubled() {
    let two =
        two().runs("s:b", &[("b1", Passed)]).runs("s:a", &[("a1", Failed), ("a2", Passed)]).ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!(report.exit, Exit::NotWhole);
    assert_eq!(report.ledger.doubled_ids(), ["s:a", "s:a1", "s:a2"]);
    assert_eq!(report.totals.tests, 3);
    let worst = test(&report, "s:a1").outcome;
    assert_eq!(worst, FinalOutcome::Failed, "two runs are no retry, so this is not flaky");
}

#[test]
fn another_shard_may_run_a_group() {
    let two = two_done().runs("s:a", &[("a1", Passed), ("a2", Passed)]);
    assert_eq!(joined(vec![one().ends(), two]).exit, Exit::Passed);
}

#[test]
fn a_test_in_two_groups_is_doubled() {
    let two = two().runs("s:b", &[("a1", Passed)]).ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!(report.exit, Exit::NotWhole);
    assert_eq!(report.ledger.doubled_ids(), ["s:a1"]);
    assert_eq!(report.totals.tests, 2);
}

#[test]
fn a_listed_test_that_another_group_ran_is_not_lost() {
    let one = one().runs("s:a", &[("a1", Passed)]).ends();
    let report = joined(vec![one, two().runs("s:b", &[("a2", Passed)]).ends()]);
    assert_eq!(report.exit, Exit::Passed);
}

#[test]
fn one_name_twice_in_one_execution_is_as_bad_as_its_worst() {
    let two = two().runs("s:b", &[("b1", Failed), ("b1", Passed)]).ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!(test(&report, "s:b1").outcome, FinalOutcome::Failed);
    assert_eq!(report.exit, Exit::Failed);
}

#[test]
fn passed_on_retry_is_flaky() {
    let two = two()
        .tries("s:b", &[result("b1", Failed), result("b2", Passed), result("b3", Errored)])
        .tries("s:b", &[result("b1", Passed), result("b3", Failed)])
        .runs("s:b", &[("b3", Failed)])
        .ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!(test(&report, "s:b1").outcome, FinalOutcome::Flaky);
    assert_eq!(test(&report, "s:b2").outcome, FinalOutcome::Passed);
    assert_eq!(test(&report, "s:b3").outcome, FinalOutcome::Failed);
    let earlier = &test(&report, "s:b1").earlier;
    assert_eq!((earlier.len(), earlier[0].outcome, earlier[0].attempt), (1, Failed, 1));
    assert_eq!(earlier[0].told.as_ref().unwrap().message.as_deref(), Some("it broke"));
    let Totals { tests, passed, failed, errored, skipped, flaky } = report.totals;
    assert_eq!((tests, passed, failed, errored, skipped, flaky), (5, 3, 1, 0, 0, 1));
    let outputs = report.groups[1].executions.iter().map(|run| run.output.is_some());
    assert_eq!(outputs.collect::<Vec<_>>(), [true, true, true]);
}

#[test]
fn what_its_framework_tried_again_until_it_passed_is_flaky() {
    let tried = |outcome| Try {
        outcome,
        duration_us: 7,
        message: Some("not yet".to_owned()),
        kind: None,
        detail: None,
    };
    let (mut flaky, mut failed) = (result("b1", Passed), result("b2", Failed));
    flaky.tries = vec![tried(Failed), tried(Errored)];
    failed.tries = vec![tried(Failed)];
    let report = joined(vec![one_done(), two().tries("s:b", &[flaky, failed]).ends()]);
    let (flaky, failed) = (test(&report, "s:b1"), test(&report, "s:b2"));
    assert_eq!((flaky.outcome, failed.outcome), (FinalOutcome::Flaky, FinalOutcome::Failed));
    let earlier: Vec<_> = flaky.earlier.iter().map(|one| (one.attempt, one.outcome)).collect();
    assert_eq!(earlier, [(1, Failed), (1, Errored)]);
    assert_eq!(flaky.earlier[0].told.as_ref().unwrap().message.as_deref(), Some("not yet"));
    assert_eq!(failed.earlier.len(), 1);
}

#[test]
fn properties_are_those_of_the_last_execution() {
    let recorded = |outcome, value: &str| TestResult {
        properties: Property::kept([("p", value)]),
        ..result("b1", outcome)
    };
    let two = two()
        .tries("s:b", &[recorded(Failed, "once")])
        .runs_results("s:b", vec![recorded(Passed, "twice")])
        .ends();
    let report = joined(vec![one_done(), two]);
    let flaky = test(&report, "s:b1");
    assert_eq!(flaky.outcome, FinalOutcome::Flaky);
    assert_eq!(flaky.told.as_ref().unwrap().properties, Property::kept([("p", "twice")]));
    assert!(flaky.earlier[0].told.as_ref().unwrap().properties.is_empty());
    // Who passed and recorded something has not said why it failed before.
    assert_eq!(flaky.telling().unwrap().message.as_deref(), Some("it broke"));
    assert_eq!(test(&report, "s:a1").told, None, "nothing is kept of who recorded nothing");
}

#[test]
fn what_passes_first_and_fails_in_the_end_is_failed() {
    let two = two()
        .tries("s:b", &[result("b1", Failed), result("b2", Passed)])
        .runs("s:b", &[("b1", Passed), ("b2", Failed)])
        .ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!(test(&report, "s:b1").outcome, FinalOutcome::Flaky);
    assert_eq!(test(&report, "s:b2").outcome, FinalOutcome::Failed);
    assert_eq!(report.exit, Exit::Failed);
}

#[test]
fn a_crash_that_a_retry_got_over_is_flaky() {
    let mut whole = result("b", Errored);
    whole.reported = false;
    let two = two()
        .execution("s:b", vec![whole], Some(Problem::NoReport), false)
        .runs("s:b", &[("b1", Passed)])
        .ends();
    let report = joined(vec![one_done(), two]);
    assert_eq!(test(&report, "s:b").outcome, FinalOutcome::Flaky);
    assert_eq!(report.exit, Exit::Passed);
}

#[test]
fn a_problem_never_hides_behind_green_tests() {
    let green = || vec![result("b", Passed)];
    let tried = two().tries("s:b", &[result("b", Failed)]);
    for log in [
        two().breaks("s:b", Problem::GreenButFailed, green()),
        two().breaks("s:b", Problem::NoReport, Vec::new()),
        tried.breaks("s:b", Problem::GreenButFailed, green()),
    ] {
        let report = joined(vec![one_done(), log.ends()]);
        assert_eq!(report.exit, Exit::Failed);
        assert_eq!(report.totals.errored, 1);
        assert!(report.groups[1].problem().is_some());
    }
}

#[test]
fn the_newest_attempt_of_a_shard_counts() {
    let failed = two().runs("s:b", &[("b1", Failed)]).ends();
    let again = two_done().attempt(2);
    let report = joined(vec![again, one_done(), failed.clone()]);
    assert_eq!((report.exit, report.run.attempt), (Exit::Passed, 2));
    assert_eq!(report.shards[1].superseded, ["log-2"]);
    assert_eq!(report.ledger.notes[0].kind(), "superseded");

    let later = two_done().later_by(60);
    assert_eq!(joined(vec![later, one_done(), failed.clone()]).exit, Exit::Passed);
    let older = two_done().attempt(0).later_by(3600);
    assert_eq!(joined(vec![older, one_done(), failed]).exit, Exit::Failed);
}

#[test]
fn the_same_journal_twice_is_one() {
    let report = joined(vec![one_done(), two_done(), two_done()]);
    assert_eq!(report.exit, Exit::Passed);
    assert!(report.ledger.notes.is_empty());
}

#[test]
fn two_journals_of_one_attempt_that_differ_are_told() {
    let report = joined(vec![one_done(), two(), two_done()]);
    assert_eq!(flaws(&report), ["twin-journals"]);
    assert_eq!(report.totals.tests, 3, "the one that tells more is taken");
}

#[test]
fn of_two_runs_the_newest_counts() {
    let old = [one_done().run("r6", Some(6)).later_by(9), two_done().run("r6", Some(6))];
    let mut logs = vec![one_done(), two_done()];
    logs.extend(old);
    let report = joined(logs);
    assert_eq!((flaws(&report), report.run.number), (vec!["other-run"], Some(7)));
    assert_eq!((report.totals.tests, report.exit), (3, Exit::NotWhole));

    let unnumbered = |id: &str| one_done().run(id, None);
    let report = joined(vec![unnumbered("z"), unnumbered("a").later_by(1)]);
    assert_eq!(report.run.id.as_deref(), Some("a"));
}

#[test]
fn other_totals_of_shards_are_told() {
    let other = Log::new(1, 3).finds("s", A_B).plans(&[]).ends();
    let report = joined(vec![one_done(), two_done(), other]);
    assert_eq!(flaws(&report), ["shard-totals-differ"]);
    assert!(report.ledger.flaws[0].to_string().contains("`log-2` is 1/3"));
}

#[test]
fn what_shards_found_differently_is_named() {
    let found: &[Found<'_>] = &[("a", Some(&["a1", "a3"])), ("c", None)];
    let two = Log::new(2, 2).fingerprint("other").finds("s", found).plans(&["s:c"]);
    let report = joined(vec![one_done(), two.runs("s:c", &[("c1", Passed)]).ends()]);
    assert_eq!(flaws(&report), ["discovery-differs"]);
    assert_eq!(
        report.ledger.flaws[0].to_string(),
        "shards 1/2 and 2/2 did not find the same; 1 group only in 1/2: `s:b`; \
         1 group only in 2/2: `s:c`; 1 test only in 1/2: `s:a2`; 1 test only in 2/2: `s:a3`"
    );
    assert_eq!(report.ledger.lost_ids(), ["s:a3", "s:b"], "all that anyone found counts");
}

#[test]
fn why_plans_differ() {
    for (log, cause) in [
        (two().fingerprint("other"), PlanCause::Histories),
        (two().version("9.9.9"), PlanCause::Versions("0.1.0".to_owned(), "9.9.9".to_owned())),
    ] {
        let log = log.fingerprint("other").plans(&["s:b"]).runs("s:b", &[("b1", Passed)]).ends();
        let report = joined(vec![one_done(), log]);
        let Flaw::PlansDiffer { cause: told, .. } = &report.ledger.flaws[0] else { panic!() };
        assert_eq!((told, report.exit), (&cause, Exit::NotWhole));
    }
}

#[test]
fn a_group_that_nobody_found_is_told() {
    let report = joined(vec![one_done(), two_done().runs("s:x", &[("x1", Passed)])]);
    assert_eq!(flaws(&report), ["unplanned-groups"]);
    assert_eq!(report.ledger.planned, 2);
}

#[test]
fn nothing_planned_is_not_green() {
    let empty = |index| Log::new(index, 2).finds("s", &[]).plans(&[]).ends();
    let report = joined(vec![empty(1), empty(2)]);
    assert_eq!((report.verdict, report.exit), (RunVerdict::Incomplete, Exit::Nothing));
    assert_eq!(joined(vec![empty(1)]).exit, Exit::NotWhole);
    assert_eq!(joined(Vec::new()).exit, Exit::NotWhole);
}

#[test]
fn an_empty_shard_of_a_plan_is_fine() {
    let all = Log::new(1, 2).finds("s", A_B).plans(&["s:a", "s:b"]);
    let all = all.runs("s:a", &[("a1", Passed), ("a2", Passed)]).runs("s:b", &[("b1", Passed)]);
    let none = Log::new(2, 2).finds("s", A_B).plans(&[]).ends();
    assert_eq!(joined(vec![all.ends(), none]).exit, Exit::Passed);
}

#[test]
fn fewer_tests_than_last_time_are_told() {
    let input =
        |source: &str, log: &Log| Input { source: source.to_owned(), journal: Ok(log.journal()) };
    let last_time = |group: &GroupId| (&*group.name == "b").then_some(2);
    let report = merge(vec![input("1", &one_done()), input("2", &two_done())], last_time);
    assert_eq!(report.fewer, [Fewer { group: "s:b".parse().unwrap(), now: 1, before: 2 }]);
    assert_eq!(report.exit, Exit::Passed);
}

#[test]
fn journals_that_cannot_be_used() {
    let input = |journal: Result<Journal, JournalError>| Input { source: "x".to_owned(), journal };
    let good = || vec![input(Ok(one_done().journal())), input(Ok(two_done().journal()))];
    let report = |journal| merge(good().into_iter().chain([input(journal)]).collect(), |_| None);
    let newer = JournalError::Newer { format: 2, evenly: None };
    assert_eq!(report(Err(newer)).exit, Exit::NotWhole);
    let empty = report(Err(JournalError::Empty));
    assert_eq!((empty.exit, empty.ledger.notes[0].kind()), (Exit::Passed, "empty-journal"));
}

#[test]
fn a_damaged_journal_is_not_whole_but_keeps_its_results() {
    let mut bytes = two_done().bytes();
    bytes.splice(0..0, one().bytes());
    let journal = Ok(crate::report::journal::parse(&bytes).unwrap());
    let report = merge(vec![Input { source: "x".to_owned(), journal }], |_| None);
    assert_eq!(report.exit, Exit::NotWhole);
    assert!(flaws(&report).contains(&"damaged-journal"));
    assert_eq!(report.totals.tests, 1);
}
