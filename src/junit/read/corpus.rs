//! Real files of many tools, and what each of them means to say.
//!
//! The counts were taken with another XML parser (Python's ElementTree), not with this reader;
//! `tests/data/README.md` says where the files come from.

use super::{Case, Document, Limits, read};
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
        "launchable/bazel__bazel-testlogs__src__test__java__com__ninjinkun__mylib_test1__test.xml" => [1, 0, 0, 0],
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
    }
}

#[test]
fn what_is_no_report_says_what_it_is() {
    let files = files! {
        "jenkins/junitResult.xml" => "the root element is `<result>`",
        "jenkins/testXxe-oob.xml" => "",
        "jenkins/testXxe-xxe.xml" => "",
        "launchable/broken_xml__broken.xml" => "",
        "launchable/cucumber__report__dummy.xml" => "",
        "launchable/dotnet__test-result.xml" => "the root element is `<test-run>`",
        "launchable/maven__reports__dummy.xml" => "the root element is `<bogus>`",
        "launchable/nunit__nunit-reporter-bug-with-nested-type.xml" => "the root element is `<test-run>`",
        "launchable/robot__output.xml" => "the root element is `<robot>`",
    };
    for (path, bytes, expected) in files {
        let document = read(bytes, &Limits::default());
        let broken = document.broken.unwrap_or_default();
        assert!(broken.contains(expected) && !broken.is_empty(), "{path}: {broken:?}");
        assert_eq!(document.cases, [], "{path}");
    }
}
