use proptest::prelude::*;

use super::*;
use crate::exit::Exit;
use crate::model::Outcome::{Failed, Passed};
use crate::model::Property;
use crate::report::testing::{Log, rendered};
use crate::report::{
    FinalOutcome, Input, Place, RunReport, RunVerdict, json, junit, merge_with, verdict_line,
};

fn source(name: &str) -> Source {
    Source { name: name.to_owned(), found: Found::Named, beside_journal: false }
}

fn pile(files: &[(Source, String)]) -> Pile {
    let mut pile = Pile::default();
    for (index, (source, xml)) in files.iter().enumerate() {
        pile.read(index, source.clone(), xml.as_bytes(), &Reading::of(files.len()));
    }
    pile
}

fn report(files: &[(Source, String)], repeated: Repeated) -> RunReport {
    merge_with(Vec::new(), Foreign::of(vec![pile(files)], repeated), |_| None)
}

/// The report of files of these names and contents.
fn merged(files: &[(&str, &str)], repeated: Repeated) -> RunReport {
    let files: Vec<_> = files.iter().map(|(name, xml)| (source(name), (*xml).to_owned())).collect();
    report(&files, repeated)
}

fn suite(name: &str, cases: &str) -> String {
    format!("<testsuite name='{name}'>{cases}</testsuite>")
}

/// Ids, outcomes and the files that they came from.
fn told(report: &RunReport) -> Vec<(String, FinalOutcome, String)> {
    let one =
        |test: &TestReport| (test.id.to_string(), test.outcome, report.place(test).to_string());
    report.tests.iter().map(one).collect()
}

fn entry(id: &str, outcome: FinalOutcome, place: &str) -> (String, FinalOutcome, String) {
    (id.to_owned(), outcome, place.to_owned())
}

fn notes(report: &RunReport) -> Vec<&'static str> {
    report.ledger.notes.iter().map(Note::kind).collect()
}

const GOOD: &str = "<testcase classname='a.A' name='good' time='1.5'/>";
const BAD: &str = "<testcase classname='a.A' name='bad'><failure message='no'>trace</failure>\
                   <system-out>said</system-out><system-err>too</system-err></testcase>";

#[test]
fn shards_of_one_suite_become_one_suite() {
    let report = merged(
        &[("1.xml", &suite("pytest", GOOD)), ("2.xml", &suite("pytest", BAD))],
        Repeated::Worst,
    );
    let expected = [
        entry("junit:a.A::bad", FinalOutcome::Failed, "2.xml"),
        entry("junit:a.A::good", FinalOutcome::Passed, "1.xml"),
    ];
    assert_eq!(told(&report), expected);
    let groups: Vec<_> = report.groups.iter().map(|g| (g.id.to_string(), g.tests)).collect();
    assert_eq!(groups, [("junit:pytest".to_owned(), 2)]);
    assert_eq!((report.verdict, report.exit), (RunVerdict::Failed, Exit::Failed));
    let bad = report.tests[0].told.as_ref().unwrap();
    assert_eq!(bad.output.as_deref(), Some("said\n[standard error]\ntoo"));
    assert_eq!((report.tests[1].class(), report.tests[1].case()), ("a.A", "good"));
    assert_eq!(report.tests[1].took_us(), Some(1_500_000));
    assert!(report.ledger.is_whole());
    assert_eq!((report.ledger.unproven, notes(&report)), (2, vec!["unproven"]));
    let line = "✗ failed: 1 of 2 tests failed; no plan, so that all ran is not proven";
    assert_eq!(verdict_line(&report), line);
}

#[test]
fn all_green_is_green_and_says_what_it_cannot_prove() {
    let report = merged(&[("1.xml", &suite("s", GOOD))], Repeated::Worst);
    assert_eq!((report.verdict, report.exit), (RunVerdict::Passed, Exit::Passed));
    let line = "✓ green: 1 test, none failed; no plan, so that all ran is not proven";
    assert_eq!(verdict_line(&report), line);
    assert_eq!(report.place(&report.tests[0]), Place::File("1.xml"));
}

#[test]
fn cases_of_one_name_in_a_file_are_a_test_each() {
    let twice = format!("{GOOD}{GOOD}{}", GOOD.replace("/>", "><error/></testcase>"));
    let report = merged(&[("1.xml", &suite("s", &twice))], Repeated::Worst);
    let expected = [
        entry("junit:a.A::good", FinalOutcome::Passed, "1.xml"),
        entry("junit:a.A::good #2", FinalOutcome::Passed, "1.xml"),
        entry("junit:a.A::good #3", FinalOutcome::Errored, "1.xml"),
    ];
    assert_eq!(told(&report), expected);
    assert!(report.tests.iter().all(|test| (test.class(), test.case()) == ("a.A", "good")));
}

#[test]
fn what_several_files_tell_of_one_test_is_as_bad_as_the_worst() {
    let again = BAD.replace("bad", "good");
    let files = [
        ("1.xml", &*suite("s", GOOD)),
        ("2.xml", &*suite("s", &again)),
        ("3.xml", &*suite("s", GOOD)),
    ];
    let report = merged(&files[..2], Repeated::Worst);
    assert_eq!(told(&report), [entry("junit:a.A::good", FinalOutcome::Failed, "2.xml")]);
    assert_eq!(report.tests[0].repeats, 2);
    assert_eq!(notes(&report), ["unproven", "repeated-tests"]);
    let apart = merged(&files[..2], Repeated::Apart);
    let expected = [
        entry("junit:a.A::good [1.xml]", FinalOutcome::Passed, "1.xml"),
        entry("junit:a.A::good [2.xml]", FinalOutcome::Failed, "2.xml"),
    ];
    assert_eq!(told(&apart), expected);
}

#[test]
fn a_retry_counts_by_its_time_and_a_pass_after_a_failure_is_flaky() {
    let at = |second: u32, case: &str| {
        format!("<testsuite name='s' timestamp='2026-01-01T00:00:0{second}'>{case}</testsuite>")
    };
    let again = BAD.replace("bad", "good");
    let by_time = [("1.xml", &*at(2, GOOD)), ("2.xml", &*at(1, &again))];
    let report = merged(&by_time, Repeated::Retry);
    assert_eq!(told(&report), [entry("junit:a.A::good", FinalOutcome::Flaky, "1.xml")]);
    let [earlier] = report.tests[0].earlier.as_slice() else { panic!("{report:?}") };
    assert_eq!((earlier.attempt, earlier.outcome), (1, Failed));
    assert_eq!(earlier.told.as_ref().unwrap().message.as_deref(), Some("no"));
    assert_eq!(report.exit, Exit::Passed);
    let by_name = [("1.xml", &*suite("s", GOOD)), ("2.xml", &*suite("s", &again))];
    let report = merged(&by_name, Repeated::Retry);
    assert_eq!(told(&report), [entry("junit:a.A::good", FinalOutcome::Failed, "2.xml")]);
}

#[test]
fn one_name_in_two_suites_or_files_is_two_tests() {
    let report = merged(
        &[
            ("1.xml", &suite("s", GOOD)),
            ("2.xml", &suite("t", BAD.replace("bad", "good").as_str())),
        ],
        Repeated::Worst,
    );
    let expected = [
        entry("junit:a.A::good [s]", FinalOutcome::Passed, "1.xml"),
        entry("junit:a.A::good [t]", FinalOutcome::Failed, "2.xml"),
    ];
    assert_eq!(told(&report), expected);
    let one = GOOD.replace("/>", " file='x.py'/>");
    let two = GOOD.replace("/>", " file='y.py'/>");
    let report = merged(&[("1.xml", &suite("s", &(one + &two)))], Repeated::Worst);
    let ids: Vec<_> = report.tests.iter().map(|test| test.id.to_string()).collect();
    assert_eq!(ids, ["junit:a.A::good [x.py]", "junit:a.A::good [y.py]"]);
}

#[test]
fn tries_that_a_tool_tells_of_are_kept() {
    let flaky = "<testcase name='f'><flakyFailure message='one' type='E'>t1</flakyFailure>\
                 <flakyError message='two' type='F'><system-out>o</system-out></flakyError>\
                 </testcase>";
    let failed = "<testcase name='r'><failure message='first'/>\
                  <rerunFailure message='second'/></testcase>";
    let report = merged(&[("1.xml", &suite("s", &format!("{flaky}{failed}")))], Repeated::Worst);
    let outcomes: Vec<_> = report.tests.iter().map(|test| test.outcome).collect();
    assert_eq!(outcomes, [FinalOutcome::Flaky, FinalOutcome::Failed]);
    let messages = |at: usize| -> Vec<_> {
        let tries = report.tests[at].earlier.iter();
        tries.map(|t| (t.attempt, t.told.as_ref().unwrap().message.clone().unwrap())).collect()
    };
    assert_eq!(messages(0), [(1, "one".to_owned()), (2, "two".to_owned())]);
    assert_eq!(messages(1), [(2, "second".to_owned())]);
    let told = report.tests[0].earlier[1].told.as_ref().unwrap();
    assert_eq!(told.output.as_deref(), Some("o"));
    assert_eq!(report.totals.flaky, 1);
    let xml = rendered(junit::render, &report);
    let again = merged(&[("merged.xml", &xml)], Repeated::Worst);
    assert_eq!(again.tests[0].earlier, report.tests[0].earlier);
}

#[test]
fn what_is_not_whole_is_named_and_no_pass() {
    let torn = suite("s", GOOD).replace("</testsuite>", "<testcase name='x'");
    for (xml, kind) in [
        (torn.as_str(), "torn-junit"),
        ("", "unreadable-junit"),
        ("<coverage/>", "unreadable-junit"),
    ] {
        let report = merged(&[("1.xml", &suite("s", BAD)), ("half.xml", xml)], Repeated::Worst);
        let [flaw] = report.ledger.flaws.as_slice() else { panic!("{:?}", report.ledger) };
        assert_eq!(flaw.kind(), kind);
        assert!(flaw.to_string().contains("half.xml"), "{flaw}");
        assert_eq!((report.verdict, report.exit), (RunVerdict::Incomplete, Exit::NotWhole));
    }
}

#[test]
fn another_kind_of_xml_in_a_directory_is_passed_over() {
    let searched = Source { found: Found::Searched, ..source("coverage.xml") };
    let files = [(source("1.xml"), suite("s", GOOD)), (searched.clone(), "<coverage/>".to_owned())];
    let report = report_of(&files);
    assert_eq!((report.exit, report.files.len()), (Exit::Passed, 1));
    assert_eq!(notes(&report), ["unproven", "not-junit"]);
    let nothing = report_of(&[(searched, "<coverage/>".to_owned())]);
    assert_eq!((nothing.verdict, nothing.exit), (RunVerdict::Incomplete, Exit::Nothing));
}

fn report_of(files: &[(Source, String)]) -> RunReport {
    report(files, Repeated::Worst)
}

#[test]
fn no_test_at_all_is_nothing() {
    for xml in ["<testsuites/>", "<testsuite name='s' tests='0'/>"] {
        let report = merged(&[("1.xml", xml)], Repeated::Worst);
        assert_eq!((report.verdict, report.exit), (RunVerdict::Incomplete, Exit::Nothing));
    }
}

#[test]
fn a_copy_counts_once() {
    let xml = suite("s", &format!("{GOOD}{BAD}"));
    let other = suite("s", &GOOD.replace("good", "more"));
    let report =
        merged(&[("a/1.xml", &xml), ("b/1.xml", &xml), ("c/1.xml", &other)], Repeated::Retry);
    let expected = [
        entry("junit:a.A::bad", FinalOutcome::Failed, "a/1.xml"),
        entry("junit:a.A::good", FinalOutcome::Passed, "a/1.xml"),
        entry("junit:a.A::more", FinalOutcome::Passed, "c/1.xml"),
    ];
    assert_eq!(told(&report), expected);
    assert_eq!(notes(&report), ["unproven", "copied-junit"]);
}

#[test]
fn what_evenly_wrote_beside_a_journal_is_left_out() {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let log = log.runs("s:g", &[("a", Passed)]).ends();
    let inputs = || vec![Input { source: "log".to_owned(), journal: Ok(log.journal()) }];
    let own = rendered(junit::render, &merge_with(inputs(), Foreign::default(), |_| None));
    let beside = Source { beside_journal: true, ..source("shard.junit.xml") };
    let files = [(beside, own.clone()), (source("1.xml"), suite("other", GOOD))];
    let foreign = Foreign::of(vec![pile(&files)], Repeated::Worst);
    let report = merge_with(inputs(), foreign, |_| None);
    assert_eq!(report.totals.tests, 2);
    assert_eq!(notes(&report), ["unproven", "own-junit"]);
    let line =
        "✓ green: 2 tests, none failed; 1 planned group ran exactly once; 1 test without a plan";
    assert_eq!(verdict_line(&report), line);
    // Without the journal it is a JUnit file like any other.
    assert_eq!(merged(&[("shard.junit.xml", &own)], Repeated::Worst).totals.tests, 1);
}

#[test]
fn journals_keep_their_groups_beside_files() {
    let log = Log::new(1, 1).finds("junit", &[("z", None)]).plans(&["junit:z"]);
    let log = log.runs("junit:z", &[("a", Failed)]).ends();
    let inputs = vec![Input { source: "log".to_owned(), journal: Ok(log.journal()) }];
    let xml = "<testsuite name='a'><testcase name='a'/></testsuite>";
    let foreign = Foreign::of(vec![pile(&[(source("1.xml"), xml.to_owned())])], Repeated::Worst);
    let report = merge_with(inputs, foreign, |_| None);
    let tests: Vec<_> = report
        .tests
        .iter()
        .map(|test| (test.id.to_string(), report.groups[test.group].id.to_string()))
        .collect();
    let expected = [("junit:a", "junit:z"), ("junit-2:a", "junit-2:a")];
    let expected = expected.map(|(id, group)| (id.to_owned(), group.to_owned()));
    let mut sorted = expected.to_vec();
    sorted.sort_by_key(|(id, _)| report.tests.iter().position(|t| t.id.to_string() == *id));
    assert_eq!(tests, sorted);
    assert!(report.tests.is_sorted_by(|a, b| a.id < b.id));
    assert!(report.groups.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(report.shards[0].tests, 1);
    assert_eq!(report.exit, Exit::Failed);
}

#[test]
fn what_is_kept_of_endless_failures_is_bounded() {
    let long = "x".repeat(40_000);
    let failure = format!("<failure message='{long}'>{long}</failure>");
    let cases: Vec<String> =
        (0..50).map(|at| format!("<testcase name='{at}'>{failure}</testcase>")).collect();
    let mut pile = Pile::default();
    let reading = Reading { told_bytes_max: 200_000, ..Reading::of(1) };
    pile.read(0, source("1.xml"), suite("s", &cases.concat()).as_bytes(), &reading);
    let report = merge_with(Vec::new(), Foreign::of(vec![pile], Repeated::Worst), |_| None);
    assert_eq!(report.totals.failed, 50);
    assert_eq!(notes(&report), ["unproven", "cut-junit"]);
    let kept: usize = report
        .tests
        .iter()
        .filter_map(|test| test.told.as_ref())
        .map(|told| {
            [&told.message, &told.detail].into_iter().flatten().map(String::len).sum::<usize>()
        })
        .sum();
    assert!(kept <= 200_000 + 50 * SHORT_FOR_TESTS, "{kept}");
    assert!(report.tests.iter().all(|test| test.told.as_ref().unwrap().message.is_some()));
}

#[test]
fn what_is_kept_of_endless_properties_is_bounded_and_costs_no_message() {
    let property = format!("<property name='n' value='{}'/>", "x".repeat(9_000));
    let properties = format!("<properties>{}</properties>", property.repeat(10));
    let case = |at: usize| format!("<testcase name='{at:02}'>{properties}<failure/></testcase>");
    let cases: Vec<String> = (0..50).map(case).collect();
    let mut pile = Pile::default();
    let reading = Reading { properties_bytes_max: 200_000, ..Reading::of(1) };
    let file = suite("s", &(cases.concat() + BAD));
    pile.read(0, source("1.xml"), file.as_bytes(), &reading);
    let report = merge_with(Vec::new(), Foreign::of(vec![pile], Repeated::Worst), |_| None);
    assert_eq!(notes(&report), ["unproven", "cut-junit"]);
    let note = "JUnit file `1.xml` has more properties than are kept: of 50 tests not all are";
    assert_eq!(report.ledger.notes[1].to_string(), note);
    let told = report.tests.iter().filter_map(|test| test.told.as_ref());
    let kept: Vec<usize> = told.map(|told| told.properties.len()).collect();
    assert_eq!(kept.iter().filter(|kept| **kept == 7).count(), 3, "{kept:?}");
    assert_eq!(kept.iter().sum::<usize>(), 21, "{kept:?}");
    let bad = report.tests.iter().find(|test| test.case() == "bad").unwrap();
    assert_eq!(bad.told.as_ref().unwrap().detail.as_deref(), Some("trace"));
}

#[test]
fn properties_are_those_of_the_newest_try() {
    let tried = |value: &str, result: &str| {
        let property = format!("<properties><property name='p' value='{value}'/></properties>");
        suite("s", &format!("<testcase name='t'>{property}{result}</testcase>"))
    };
    let files = [("1.xml", &*tried("1", "<failure/>")), ("2.xml", &*tried("2", ""))];
    let report = merged(&files, Repeated::Retry);
    assert_eq!(report.tests[0].outcome, FinalOutcome::Flaky);
    let told = report.tests[0].told.as_ref().unwrap();
    assert_eq!(told.properties, Property::kept([("p", "2")]));
    assert_eq!(report.tests[0].earlier[0].told, None);
}

/// More than a short message is.
const SHORT_FOR_TESTS: usize = 300;

#[test]
fn ten_megabytes_of_a_message_keep_both_ends() {
    let xml = suite(
        "s",
        &format!(
            "<testcase name='t'><failure message='begin{}end'/></testcase>",
            "x".repeat(10 << 20)
        ),
    );
    let report = merged(&[("1.xml", &xml)], Repeated::Worst);
    let message = report.tests[0].told.as_ref().unwrap().message.clone().unwrap();
    assert!(message.len() < 2 * TEXT_BYTES_MAX, "{}", message.len());
    assert!(message.starts_with("begin") && message.ends_with("end"));
    assert_eq!(notes(&report), ["unproven", "odd-junit"]);
}

/// Suites, classes and names that meet often, outcomes of any kind.
fn some_xml() -> impl Strategy<Value = String> {
    let case = ("[ab]", "[a-c]{1,2}", 0..5_usize).prop_map(|(class, name, kind)| {
        let recorded = "<properties><property name='p' value='v'/></properties>";
        let inside =
            ["", "<failure/>", "<skipped/>", "<flakyFailure message='m'/>", recorded][kind];
        format!("<testcase classname='{class}' name='{name}'>{inside}</testcase>")
    });
    let suite = ("[xy]?", prop::collection::vec(case, 0..6))
        .prop_map(|(name, cases)| suite(&name, &cases.concat()));
    prop::collection::vec(suite, 0..4)
        .prop_map(|suites| format!("<testsuites>{}</testsuites>", suites.concat()))
}

fn named(files: impl IntoIterator<Item = String>) -> Vec<(Source, String)> {
    let name = |at: usize| source(&format!("{at}.xml"));
    files.into_iter().enumerate().map(|(at, xml)| (name(at), xml)).collect()
}

fn repeated() -> impl Strategy<Value = Repeated> {
    prop::sample::select(vec![Repeated::Worst, Repeated::Retry, Repeated::Apart])
}

proptest! {
    #[test]
    fn who_read_which_file_does_not_matter(
        files in prop::collection::vec((some_xml(), 0..3_usize), 1..6),
        repeated in repeated(),
    ) {
        let named = named(files.iter().map(|(xml, _)| xml.clone()));
        let expected = report(&named, repeated);
        let mut piles = [Pile::default(), Pile::default(), Pile::default()];
        for (index, (source, xml)) in named.iter().enumerate().rev() {
            let reading = Reading::of(named.len());
            piles[files[index].1].read(index, source.clone(), xml.as_bytes(), &reading);
        }
        let foreign = Foreign::of(piles.into(), repeated);
        prop_assert_eq!(merge_with(Vec::new(), foreign, |_| None), expected);
    }

    #[test]
    fn ids_are_unique_and_sorted_and_no_failure_is_lost(
        files in prop::collection::vec(some_xml(), 1..6),
        repeated in repeated(),
    ) {
        let named = named(files);
        let report = report(&named, repeated);
        prop_assert!(report.tests.is_sorted_by(|a, b| a.id < b.id), "{:?}", told(&report));
        let in_groups: usize = report.groups.iter().map(|group| group.tests).sum();
        prop_assert_eq!(in_groups, report.tests.len());
        let failed = named.iter().any(|(_, xml)| xml.contains("<failure/>"));
        if repeated != Repeated::Retry {
            prop_assert_eq!(report.totals.failed > 0, failed);
        }
    }

    #[test]
    fn what_is_merged_and_merged_again_stays_the_same(
        files in prop::collection::vec(some_xml(), 1..5),
    ) {
        let named = named(files);
        let once = report(&named, Repeated::Worst);
        let again = merged(&[("merged.xml", &rendered(junit::render, &once))], Repeated::Worst);
        prop_assert_eq!(again.totals, once.totals);
        let said = |report: &RunReport| -> Vec<_> {
            let mut said: Vec<_> = report
                .tests
                .iter()
                .map(|t| {
                    let recorded = t.told.as_ref().map_or(0, |told| told.properties.len());
                    (t.class().to_owned(), t.case().to_owned(), t.outcome, recorded)
                })
                .collect();
            said.sort();
            said
        };
        prop_assert_eq!(said(&again), said(&once));
        serde_json::from_str::<serde_json::Value>(&rendered(json::render, &once)).unwrap();
    }
}
