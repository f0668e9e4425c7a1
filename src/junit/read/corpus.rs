//! Real files of many tools, and what each of them means to say.
//!
//! The counts were taken with another XML parser (Python's `ElementTree`), not with this
//! reader; `tests/data/README.md` says where the files come from.

use super::{Document, Flavour, Limits, SUITE_CASE, read};
use crate::model::Outcome;

macro_rules! file {
    ($path:literal) => {
        include_bytes!(concat!("../../../tests/data/junit/", $path)).as_slice()
    };
}

macro_rules! files {
    ($($path:literal => $expected:expr,)*) => {
        [$(($path, file!($path), $expected)),*]
    };
}

/// Passed, failed, errored, skipped.
fn counts(document: &Document) -> [usize; 4] {
    [Outcome::Passed, Outcome::Failed, Outcome::Errored, Outcome::Skipped]
        .map(|outcome| document.cases.iter().filter(|case| case.outcome == outcome).count())
}

#[test]
fn every_report_reads_as_its_tool_meant_it() {
    let files = files! {
        "jenkins/JENKINS-12457__TestSuite_b.xml" => [1, 0, 0, 0],
        "jenkins/JENKINS-13214__27449.xml" => [1, 0, 0, 0],
        "jenkins/JENKINS-30413.xml" => [1, 1, 0, 0],
        "jenkins/JENKINS-41134__TestSuite_first.xml" => [1, 0, 0, 0],
        "jenkins/JENKINS-41134__TestSuite_second_dup_first.xml" => [0, 1, 0, 0],
        "jenkins/JENKINS-42438__junit-report-1.xml" => [8, 0, 0, 3],
        "jenkins/JENKINS-48583__TEST-com.sample.test.TestMessage.xml" => [1, 0, 0, 0],
        "jenkins/JENKINS-48583__TESTS-TestSuites.xml" => [3, 0, 0, 0],
        "jenkins/SKIPPED_MESSAGE__afterSkippedResult.xml" => [0, 0, 1, 0],
        "jenkins/SKIPPED_MESSAGE__skippedTestResult.xml" => [0, 0, 0, 1],
        "jenkins/TEST-null.xml" => [0, 0, 1, 0],
        "jenkins/gh-237__TEST-io.olamy.AlwaysFailTest.xml" => [0, 1, 0, 0],
        "jenkins/gh-237__TEST-io.olamy.FlakyTest.xml" => [1, 0, 0, 0],
        "jenkins/junit-report-1233.xml" => [5, 0, 0, 0],
        "jenkins/junit-report-2874.xml" => [1, 0, 0, 0],
        "jenkins/junit-report-6700.xml" => [0, 0, 1, 0],
        "jenkins/junit-report-bad-duration.xml" => [2, 0, 0, 0],
        "jenkins/junit-report-empty-testcasename.xml" => [0, 1, 0, 0],
        "jenkins/junit-report-errror-details.xml" => [0, 0, 1, 0],
        "jenkins/junit-report-nested-testsuites.xml" => [2, 0, 1, 0],
        "jenkins/junit-report-testsuite-time-attrs.xml" => [8, 0, 0, 0],
        "jenkins/junit-report-testsuite-various-timestamps.xml" => [12, 0, 0, 0],
        "jenkins/junit-report-time-aggregation.xml" => [3, 0, 0, 0],
        "jenkins/junit-report-with-properties.xml" => [1, 1, 0, 0],
        "jenkins/old-reports__junit-report-1.xml" => [3, 0, 0, 0],
        "jenkins/pipeline__ageReset-1.xml" => [0, 1, 0, 0],
        "jenkins/pipeline__junit-report-testTrends-first-3.xml" => [5, 0, 3, 0],
        "jenkins/pipeline__junit-report-testTrends-second-1.xml" => [1, 0, 0, 0],
        "launchable/ant__junitreport__TEST-com.launchable.HelloWorldTest.xml" => [1, 1, 0, 0],
        "launchable/bazel__mylib_test1__test.xml" => [1, 0, 0, 0],
        "launchable/behave__reports__report.xml" => [1, 0, 0, 0],
        "launchable/cucumber__report__TEST-features-foo-bar.xml" => [0, 0, 0, 1],
        "launchable/cucumber__report__TEST-features-is_it_friday_yet.xml" => [5, 1, 0, 0],
        "launchable/cypress__empty.xml" => [0, 0, 0, 0],
        "launchable/cypress__test-result.xml" => [3, 0, 0, 0],
        "launchable/go_test__reportv2__reportv2.xml" => [9, 0, 0, 0],
        "launchable/googletest__fail__output.xml" => [2, 1, 0, 0],
        "launchable/googletest__output_b.xml" => [3, 0, 0, 0],
        "launchable/gradle__recursion__foo__bar__reports__1.xml" => [4, 0, 0, 0],
        "launchable/jest__junit.xml" => [10, 0, 0, 0],
        "launchable/maven__reports__TEST-2.xml" => [2, 0, 0, 0],
        "launchable/maven__reports__TEST-nested.xml" => [1, 0, 0, 0],
        "launchable/minitest__TEST-Admin_UserTest.xml" => [2, 0, 0, 0],
        "launchable/minitest__TEST-UserControllerTest.xml" => [2, 0, 0, 0],
        "launchable/minitest__TEST-UserTest.xml" => [1, 0, 0, 0],
        "launchable/playwright__report.xml" => [84, 3, 0, 6],
        "launchable/prove__report.xml" => [5, 2, 1, 0],
        "launchable/pytest__report.xml" => [8, 4, 0, 0],
        "launchable/rspec__rspec.xml" => [16, 0, 0, 0],
        "launchable/vitest__report.xml" => [3, 2, 0, 0],
    };
    for (path, bytes, expected) in files {
        let document = read(bytes, &Limits::default());
        assert_eq!(document.broken, None, "{path}");
        assert_eq!(counts(&document), expected, "{path}");
        assert_torn_files_are_told(path, bytes, &document);
    }
}

/// A prefix without the end of the root is broken and holds nothing that the whole does not.
fn assert_torn_files_are_told(path: &str, bytes: &[u8], whole: &Document) {
    let root_end = bytes.iter().rposition(|&byte| byte == b'>').unwrap_or(0);
    // Steps that have nothing to do with a line's length; large files less often.
    for length in (0..=root_end).rev().step_by(1 + root_end / 150) {
        let torn = read(&bytes[..length], &Limits::default());
        assert!(torn.broken.is_some(), "{path} cut at {length}");
        assert!(whole.cases.starts_with(&torn.cases), "{path} cut at {length}");
    }
}

#[test]
fn what_is_no_report_says_what_it_is() {
    let files = files! {
        "jenkins/junitResult.xml" => "the root element is `<result>`",
        "jenkins/testXxe-oob.xml" => "markup",
        "jenkins/testXxe-xxe.xml" => "the root element is `<r>`",
        "launchable/broken_xml__broken.xml" => "no element at all",
        "launchable/cucumber__report__dummy.xml" => "no element at all",
        "launchable/dotnet__test-result.xml" => "the root element is `<test-run>`",
        "launchable/maven__reports__dummy.xml" => "the root element is `<bogus>`",
        "launchable/nunit__nunit-reporter-bug-with-nested-type.xml" => "`<test-run>`",
        "launchable/robot__output.xml" => "the root element is `<robot>`",
    };
    for (path, bytes, expected) in files {
        let document = read(bytes, &Limits::default());
        let broken = document.broken.unwrap_or_default();
        assert!(broken.contains(expected) && !broken.is_empty(), "{path}: {broken:?}");
        assert_eq!(document.cases, [], "{path}");
    }
}

/// The `index`th case of a file.
fn case(bytes: &[u8], index: usize) -> super::Case {
    read(bytes, &Limits::default()).cases.swap_remove(index)
}

#[test]
fn surefire_tells_flaky_from_rerun() {
    let flaky = case(file!("jenkins/gh-237__TEST-io.olamy.FlakyTest.xml"), 0);
    assert_eq!((flaky.outcome, flaky.reruns.len()), (Outcome::Passed, 2));
    let bytes = file!("jenkins/gh-237__TEST-io.olamy.FlakyTest.xml");
    assert_eq!(read(bytes, &Limits::default()).notes, [""; 0], "3 tests: one and two reruns");
    assert_eq!(flaky.reruns[1].flavour, Flavour::Flaky);
    assert_eq!(flaky.reruns[1].message.as_deref(), Some("try one more time maybe"));
    let trace = flaky.reruns[1].detail.as_deref().unwrap_or_default();
    assert!(trace.ends_with("ForkedBooter.main(ForkedBooter.java:495)"), "{trace}");
    assert_eq!(flaky.reruns[1].output.as_deref(), Some("this will fail maybe\n"));
    assert_eq!(flaky.reruns[1].error_output.as_deref(), Some("this will maybe fail\n"));
    let failed = case(file!("jenkins/gh-237__TEST-io.olamy.AlwaysFailTest.xml"), 0);
    assert_eq!(failed.outcome, Outcome::Failed);
    assert!(failed.reruns.iter().all(|rerun| rerun.flavour == Flavour::Rerun));
    assert_eq!(failed.duration_us, Some(1_000));
}

#[test]
fn a_class_that_did_not_load_is_a_case() {
    let nested = read(file!("jenkins/junit-report-nested-testsuites.xml"), &Limits::default());
    let names: Vec<_> = nested.cases.iter().map(|c| (&*c.suite, c.name.as_str())).collect();
    let expected = [
        ("test.fs.FileSystemTest", "testPrefix"),
        ("test.3rdlevel", SUITE_CASE),
        ("test.db.DatabaseTest", "testTable"),
    ];
    assert_eq!(names, expected);
    assert_eq!(nested.cases[1].kind.as_deref(), Some("java.lang.IllegalStateException"));
    assert_eq!(nested.notes.len(), 1, "186 tests declared: {:?}", nested.notes);
}

#[test]
fn a_suite_that_died_keeps_its_output() {
    let dubious = case(file!("launchable/prove__report.xml"), 3);
    assert_eq!((dubious.class.as_str(), &*dubious.name), ("t/fail/01_fail.t", SUITE_CASE));
    assert_eq!(dubious.message.as_deref(), Some("Dubious, test returned 2 (wstat 512, 0x200)"));
    assert!(dubious.output.unwrap_or_default().starts_with("not ok 1"));
}

#[test]
fn properties_hold_attributes_or_text() {
    let with = case(file!("jenkins/junit-report-with-properties.xml"), 0);
    let expected = ("description".to_owned(), "description of test testCaseA".to_owned());
    assert_eq!(with.properties, [expected]);
    assert_eq!(
        with.detail.as_deref().map(str::trim),
        Some("org.junit.ComparisonFailure: expected: [a] but was: [b]")
    );
}

#[test]
fn all_timestamps_of_jenkins_are_understood() {
    let bytes = file!("jenkins/junit-report-testsuite-various-timestamps.xml");
    let document = read(bytes, &Limits::default());
    assert!(!document.notes.iter().any(|note| note.contains("timestamp")), "{:?}", document.notes);
    let times: Vec<_> =
        document.cases.iter().map(|c| c.timestamp.map(|at| at.to_string())).collect();
    let expected = [
        "2024-01-03T11:23:00Z",
        "2024-01-03T11:23:00Z",
        "2024-01-03T12:27:11Z",
        "2024-01-03T12:27:18Z",
        "2024-01-03T12:40:13Z",
        "2024-01-03T12:40:13Z",
        "2024-01-03T12:40:13Z",
        "2024-01-03T12:27:44Z",
        "2024-01-03T12:27:54Z",
        "2024-01-03T00:00:00Z",
        "2024-01-03T13:27:11.21Z",
        "2024-01-03T11:27:15Z",
    ];
    assert_eq!(times, expected.map(|at| Some(at.to_owned())));
}

#[test]
fn a_negative_time_is_no_time() {
    let document = read(file!("jenkins/junit-report-bad-duration.xml"), &Limits::default());
    let times: Vec<_> = document.cases.iter().map(|c| c.duration_us).collect();
    assert_eq!(times, [None, Some(100_000_000)]);
    assert!(document.notes.iter().any(|note| note.contains("`-345345`")), "{:?}", document.notes);
}

#[test]
fn a_file_and_a_suite_are_inherited() {
    let cypress = case(file!("launchable/cypress__test-result.xml"), 0);
    assert_eq!(cypress.suite.as_ref(), "Window");
    let minitest = case(file!("launchable/minitest__TEST-UserTest.xml"), 0);
    assert_eq!(minitest.file.as_deref(), Some("test/models/open_class_user_test.rb"));
}
