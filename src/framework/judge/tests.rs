//! Every way a process ends, with every state of its report.

use super::*;
use crate::model::{GroupId, Limits, Member, SuiteName};

const US: u64 = 7;

fn group(tests: Option<&[&str]>) -> Group {
    Group {
        id: GroupId::new(&SuiteName::new("s").unwrap(), "g"),
        members: vec![Member { name: "g".into(), argument: b"g".to_vec() }],
        tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    }
}

fn reading(results: Results, selects: Selects) -> Reading {
    Reading::of(results, Naming::ClassAndName, selects)
}

fn report(xml: &[&str]) -> Report {
    let read = |xml: &&str| junit::read(xml.as_bytes(), &junit::Limits::default());
    Report::Documents(xml.iter().map(read).collect())
}

fn tests_of(xml: &str) -> String {
    format!("<testsuites><testsuite name='s'>{xml}</testsuite></testsuites>")
}

/// Judges an execution read by JUnit.
fn judged(
    group: &Group,
    selection: &Selection,
    end: &ProcessEnd,
    cut: Option<Problem>,
    xml: &[&str],
) -> Judged {
    judge(&Case {
        group,
        selection,
        reading: reading(Results::Junit, Selects::Test),
        end,
        duration_us: US,
        cut,
        unkillable: Vec::new(),
        report: report(xml),
        output: &Output::default(),
        after_death: AfterDeath::Errors,
    })
}

fn outcomes(judged: &Judged) -> Vec<(&str, Outcome)> {
    judged.tests.iter().map(|test| (test.name.as_str(), test.outcome)).collect()
}

const END_WELL: ProcessEnd = ProcessEnd::Exited(0);
const END_BADLY: ProcessEnd = ProcessEnd::Exited(1);
const KILLED: ProcessEnd = ProcessEnd::Signaled(9);

fn lost() -> ProcessEnd {
    ProcessEnd::Unknown("its supervisor was lost".to_owned())
}

fn not_started() -> ProcessEnd {
    ProcessEnd::NotStarted("no".to_owned())
}

#[test]
fn an_exit_status_is_the_groups_one_test() {
    let timed_out = Some(Problem::TimedOut(5));
    let interrupted = Some(Problem::Interrupted);
    let rows = [
        (END_WELL, None, Outcome::Passed, None),
        (END_BADLY, None, Outcome::Failed, None),
        (KILLED, None, Outcome::Errored, None),
        (lost(), None, Outcome::Errored, None),
        (not_started(), None, Outcome::Errored, Some(Problem::NotStarted)),
        (END_WELL, timed_out.clone(), Outcome::Errored, timed_out.clone()),
        (KILLED, timed_out.clone(), Outcome::Errored, timed_out),
        (END_WELL, interrupted.clone(), Outcome::Passed, None),
        (END_BADLY, interrupted.clone(), Outcome::Errored, interrupted.clone()),
        (KILLED, interrupted.clone(), Outcome::Errored, interrupted),
    ];
    let group = group(None);
    for (end, cut, outcome, problem) in rows {
        let judged = judge(&Case {
            group: &group,
            selection: &Selection::Whole,
            reading: reading(Results::ExitStatus, Selects::Group),
            end: &end,
            duration_us: US,
            cut: cut.clone(),
            unkillable: Vec::new(),
            report: Report::default(),
            output: &Output::default(),
            after_death: AfterDeath::Errors,
        });
        assert_eq!(outcomes(&judged), [("g", outcome)], "{end} {cut:?}");
        assert_eq!(judged.problem, problem, "{end} {cut:?}");
        let passed = judged.verdict == Verdict::Passed;
        assert_eq!(passed, outcome.is_good() && problem.is_none(), "{end} {cut:?}");
        assert_eq!(judged.tests[0].duration_us, US);
    }
}

/// What a report may be, and whether it alone would do for a pass.
fn reports() -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("none", vec![]),
        ("garbage", vec!["no xml at all".to_owned()]),
        ("torn", vec!["<testsuites><testsuite><testcase name='a'/><testc".to_owned()]),
        ("empty", vec![tests_of("")]),
        ("green", vec![tests_of("<testcase name='a'/>")]),
        ("skipped", vec![tests_of("<testcase name='a'><skipped/></testcase>")]),
        ("red", vec![tests_of("<testcase name='a'><failure/></testcase>")]),
        ("green beside torn", vec![tests_of("<testcase name='a'/>"), "<testsuites>".to_owned()]),
    ]
}

#[test]
fn only_a_good_end_with_a_whole_good_report_passes() {
    let cuts = [None, Some(Problem::Interrupted), Some(Problem::TimedOut(5))];
    for (what, xml) in reports() {
        let xml: Vec<&str> = xml.iter().map(String::as_str).collect();
        for end in [END_WELL, END_BADLY, KILLED, lost(), not_started()] {
            for cut in &cuts {
                for listed in [None, Some(["a"].as_slice())] {
                    let group = group(listed);
                    let judged = judged(&group, &Selection::Whole, &end, cut.clone(), &xml);
                    let row = format!("{what}, {end}, {cut:?}, {listed:?}: {judged:?}");
                    let good_report = matches!(what, "green" | "skipped");
                    let timed_out = matches!(cut, Some(Problem::TimedOut(_)));
                    let pass = good_report && end == END_WELL && !timed_out;
                    assert_eq!(judged.verdict == Verdict::Passed, pass, "{row}");
                    let all_good = judged.tests.iter().all(|test| test.outcome.is_good());
                    assert_eq!(all_good, pass, "a failure without a bad test: {row}");
                    assert!(!judged.tests.is_empty(), "{row}");
                }
            }
        }
    }
}

#[test]
fn the_problem_is_the_first_that_explains_the_rest() {
    let group = group(None);
    for (what, end, expected) in [
        ("none", END_WELL, Some(Problem::NoReport)),
        ("none", KILLED, Some(Problem::NoReport)),
        ("none", not_started(), Some(Problem::NotStarted)),
        ("empty", END_WELL, Some(Problem::EmptyReport)),
        ("green", END_BADLY, Some(Problem::GreenButFailed)),
        ("green", KILLED, Some(Problem::GreenButFailed)),
        ("red", END_BADLY, None),
        ("red", END_WELL, None),
        ("green", END_WELL, None),
    ] {
        let (_, xml) = reports().into_iter().find(|(name, _)| *name == what).unwrap();
        let xml: Vec<&str> = xml.iter().map(String::as_str).collect();
        let judged = judged(&group, &Selection::Whole, &end, None, &xml);
        assert_eq!(judged.problem, expected, "{what}, {end}");
    }
    let torn = judged(&group, &Selection::Whole, &END_WELL, None, &["<testsuites>"]);
    assert!(matches!(torn.problem, Some(Problem::TornReport(_))), "{torn:?}");
}

#[test]
fn a_listed_test_without_a_result_is_lost_after_a_sound_end_and_errored_after_another() {
    let group = group(Some(&["a", "b"]));
    let green = tests_of("<testcase name='a'/>");
    let sound = judged(&group, &Selection::Whole, &END_WELL, None, &[&green]);
    assert_eq!(outcomes(&sound), [("a", Outcome::Passed)]);
    let died = judged(&group, &Selection::Whole, &KILLED, None, &[&green]);
    assert_eq!(outcomes(&died), [("a", Outcome::Passed), ("b", Outcome::Errored)]);
    assert!(!died.tests[1].reported);
}

#[test]
fn a_retry_that_says_nothing_of_what_failed_is_no_pass() {
    let group = group(Some(&["a", "b", "c"]));
    let again = Selection::Tests(vec!["a".to_owned(), "b".to_owned()]);
    let green = tests_of("<testcase name='a'/>");
    let judged = judged(&group, &again, &END_WELL, None, &[&green]);
    assert_eq!(outcomes(&judged), [("a", Outcome::Passed), ("b", Outcome::Errored)]);
    assert_eq!((judged.verdict, judged.problem), (Verdict::Failed, None));
}

#[test]
fn a_retry_runs_only_what_failed_and_can_be_asked_for() {
    let red = |name: &str| {
        let case = format!("<testcase name='{name}'><failure/></testcase><testcase name='ok'/>");
        tests_of(&case)
    };
    let group = group(Some(&["a", "ok"]));
    let selection = |xml: &str, selects| {
        let judged = judged(&group, &Selection::Whole, &END_BADLY, None, &[xml]);
        let failed = judged.tests.iter().filter(|test| !test.outcome.is_good());
        let failed: Vec<String> = failed.map(|test| test.name.clone()).collect();
        let reading = reading(Results::Junit, selects);
        retry_selection(&group, reading, judged.problem.as_ref(), &failed)
    };
    let only_a = Selection::Tests(vec!["a".to_owned()]);
    assert_eq!(selection(&red("a"), Selects::Test), only_a);
    assert_eq!(selection(&red("a"), Selects::Group), Selection::Whole);
    assert_eq!(selection(&red("unlisted"), Selects::Test), Selection::Whole);
    // Not below the group's name, so no filter expression can be made for it.
    assert_eq!(selection(&red("a"), Selects::NextestFilter), Selection::Whole);
    assert_eq!(selection("<testsuites>", Selects::Test), Selection::Whole);
}

#[test]
fn repeats_of_a_listed_test_are_one_and_of_others_are_numbered() {
    let xml = tests_of(
        "<testcase name='a'><failure message='first'/></testcase><testcase name='a'/>\
         <testcase name='u'/><testcase name='u'><failure/></testcase>",
    );
    let judged = judged(&group(Some(&["a"])), &Selection::Whole, &END_BADLY, None, &[&xml]);
    let expected = [("a", Outcome::Failed), ("u", Outcome::Passed), ("u #2", Outcome::Failed)];
    assert_eq!(outcomes(&judged), expected);
    assert_eq!(judged.tests[0].repeats, 2);
}

#[test]
fn what_a_test_recorded_is_kept_of_its_worse_report_or_else_of_the_other() {
    let recorded =
        |value: &str| format!("<properties><property name='p' value='{value}'/></properties>");
    let case = |name: &str, inside: &str| format!("<testcase name='{name}'>{inside}</testcase>");
    let (one, two) = (recorded("1"), recorded("2"));
    let tests = [
        case("a", &format!("{one}<failure/>")),
        case("a", &format!("{two}<error/>")),
        case("b", &one),
        case("b", "<error/>"),
    ];
    let xml = tests_of(&tests.concat());
    let group = group(Some(&["a", "b"]));
    let judged = judged(&group, &Selection::Whole, &END_BADLY, None, &[&xml]);
    let values: Vec<_> = judged.tests.iter().map(|test| &*test.properties[0].value).collect();
    assert_eq!(values, ["2", "1"]);
}

#[test]
fn processes_that_cannot_be_killed_are_no_pass() {
    let group = group(None);
    let judged = judge(&Case {
        group: &group,
        selection: &Selection::Whole,
        reading: reading(Results::ExitStatus, Selects::Group),
        end: &END_WELL,
        duration_us: US,
        cut: None,
        unkillable: vec![42],
        report: Report::default(),
        output: &Output::default(),
        after_death: AfterDeath::Errors,
    });
    assert_eq!(judged.problem, Some(Problem::Unkillable(vec![42])));
    assert_eq!(outcomes(&judged), [("g", Outcome::Passed), ("[group] g", Outcome::Errored)]);
}

fn result(name: &str, outcome: Outcome) -> TestResult {
    TestResult { outcome, reported: true, ..blank(name) }
}

const TOLD: Reading = Reading::Told { naming: Naming::Dotted };

fn said(tests: &[(&str, Outcome)], running: &[&str], close: Close) -> Said {
    let running = running.iter().map(|test| Running { test: (*test).to_owned(), duration_us: US });
    let tests = tests.iter().map(|(name, outcome)| result(name, *outcome));
    Said { tests: tests.collect(), running: running.collect(), close }
}

/// Judges what a warm worker said of a group of `a`, `b` and `c`.
fn heard(said: Said, end: &ProcessEnd, cut: Option<Problem>, after_death: AfterDeath) -> Judged {
    judge(&Case {
        group: &group(Some(&["a", "b", "c"])),
        selection: &Selection::Whole,
        reading: TOLD,
        end,
        duration_us: US,
        cut,
        unkillable: Vec::new(),
        report: Report::Said(said),
        output: &Output { head: "the end\n".to_owned(), tail: None },
        after_death,
    })
}

const PASSED: Outcome = Outcome::Passed;
const ERRORED: Outcome = Outcome::Errored;

#[test]
fn a_warm_group_is_what_its_worker_told() {
    let finished = |good| Close::Finished { good };
    let all = [("a", PASSED), ("b", PASSED), ("c", Outcome::Skipped)];
    let judged = heard(said(&all, &[], finished(true)), &END_WELL, None, AfterDeath::Errors);
    assert_eq!(outcomes(&judged), all);
    assert_eq!((judged.verdict, &judged.problem), (Verdict::Passed, &None));

    // The framework's own verdict is not overruled.
    let judged = heard(said(&all, &[], finished(false)), &END_BADLY, None, AfterDeath::Errors);
    assert_eq!((judged.verdict, &judged.problem), (Verdict::Failed, &Some(Problem::CalledBad)));
    assert_eq!(judged.tests.last().unwrap().name, "[group] g");

    // What is not listed is a further result; what was not told is for the ledger to miss.
    let some = [("a", PASSED), ("tear-down", ERRORED)];
    let judged = heard(said(&some, &[], finished(false)), &END_BADLY, None, AfterDeath::Errors);
    assert_eq!(outcomes(&judged), some);
    assert_eq!((judged.verdict, &judged.problem), (Verdict::Failed, &None));
}

#[test]
fn a_test_that_is_told_twice_is_its_worse_end() {
    let twice = [("a", ERRORED), ("b", PASSED), ("a", PASSED)];
    let said = said(&twice, &["a"], Close::Finished { good: true });
    let judged = heard(said, &END_WELL, None, AfterDeath::Errors);
    assert_eq!(outcomes(&judged), [("a", ERRORED), ("b", PASSED)]);
    assert_eq!(judged.tests[0].repeats, 2);
}

#[test]
fn a_death_is_the_running_tests_and_the_rest_is_as_the_dispatcher_says() {
    let died = || said(&[("a", PASSED)], &["b"], Close::Died);
    let rows = [
        (AfterDeath::GoesOn, Problem::WorkerDied, 2),
        (AfterDeath::Errors, Problem::WorkerDied, 3),
        (AfterDeath::GivenUp(3), Problem::GivenUp(3), 3),
    ];
    for (after_death, problem, tests) in rows {
        let judged = heard(died(), &KILLED, None, after_death);
        assert_eq!((judged.tests.len(), judged.verdict), (tests, Verdict::Failed));
        assert_eq!(judged.problem, Some(problem));
        let running = &judged.tests[1];
        assert_eq!((running.name.as_str(), running.outcome), ("b", ERRORED));
        assert!(running.reported && running.duration_us == US);
        let why = "its worker ended while it was running (signal 9, SIGKILL)";
        assert_eq!(running.message.as_deref(), Some(why));
        assert_eq!(running.detail.as_deref(), Some("the end"));
    }
    let group = group(Some(&["a", "b", "c"]));
    let left = left_by_a_death(&group, &Selection::Whole, &Report::Said(died()));
    assert_eq!(left, ["c"]);
    let finished = said(&[], &[], Close::Finished { good: true });
    assert!(left_by_a_death(&group, &Selection::Whole, &Report::Said(finished)).is_empty());
}

#[test]
fn a_death_between_tests_is_the_groups() {
    let died = said(&[("a", PASSED)], &[], Close::Died);
    let judged = heard(died, &KILLED, None, AfterDeath::GoesOn);
    assert_eq!(outcomes(&judged), [("a", PASSED), ("[group] g", ERRORED)]);
}

#[test]
fn a_warm_group_that_was_cut_off_has_no_test_without_a_result() {
    let timed_out = Some(Problem::TimedOut(5_000_000));
    let died = said(&[("a", PASSED)], &["b"], Close::Died);
    let judged = heard(died, &ProcessEnd::Signaled(6), timed_out.clone(), AfterDeath::Errors);
    assert_eq!(outcomes(&judged), [("a", PASSED), ("b", ERRORED), ("c", ERRORED)]);
    assert_eq!(judged.problem, timed_out);
    let message = judged.tests[1].message.as_deref().unwrap();
    assert!(
        message.starts_with("it was running when its group timed out after 5.0 s"),
        "{message}"
    );
}

#[test]
fn a_retry_of_a_warm_group_runs_the_failed_tests_in_their_order() {
    let group = group(Some(&["a", "b", "c"]));
    let again = |failed: &[&str]| {
        let failed: Vec<String> = failed.iter().map(ToString::to_string).collect();
        retry_selection(&group, TOLD, Some(&Problem::WorkerDied), &failed)
    };
    assert_eq!(again(&["c", "a", "c"]), Selection::Tests(vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(again(&["c", "[group] g"]), Selection::Whole);
}
