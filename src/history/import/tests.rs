use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::framework::Naming;
use crate::history::{Estimator, History, Observation, RUNS_MAX, Seen};
use crate::model::{Basis, Group, GroupId, Limits, Member, SuiteName, TestId};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/timings/");

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{DATA}{name}")).unwrap()
}

/// Name and microseconds of each entry.
fn entries(timings: &Timings) -> Vec<(String, u64)> {
    timings.entries.iter().map(|entry| (entry.name.text(), entry.us)).collect()
}

fn read_text(format: Format, text: &str) -> Timings {
    read(format, text.as_bytes()).unwrap()
}

#[test]
fn real_files_are_recognised_and_read() {
    let expected: [(&str, Format, usize, (&str, u64)); 12] = [
        (
            "onegov.test_durations",
            Format::PytestSplit,
            41,
            ("tests/onegov/activity/test_iso20022.py::test_extract_transactions", 75_512),
        ),
        (
            "pytest-split.test_durations",
            Format::PytestSplit,
            8,
            ("tests/test_a.py::TestPay::test_param[a b]", 13_662),
        ),
        ("knapsack_rspec_report.json", Format::Knapsack, 2, ("spec/checkout_spec.rb", 155_629)),
        (
            "parallel_runtime_rspec.log",
            Format::ParallelTests,
            2,
            ("spec/models/user_spec.rb", 21_960),
        ),
        ("rspec.xml", Format::Junit, 3, ("spec.checkout_spec::Checkout pays", 151_244)),
        ("nextest.xml", Format::Junit, 3, ("basket::tests::inner::passes", 12_000)),
        ("bun.xml", Format::Junit, 2, ("a", 30_512)),
        ("bun-test-timings.json", Format::Bun, 3, ("test/a.test.ts", 31_000)),
        ("perf-cache-jest", Format::Jest, 1, ("/home/ci/shop/src/a.test.js", 44_000)),
        (
            "cypress-split-timings.json",
            Format::CypressSplit,
            2,
            ("cypress/e2e/cart.cy.js", 10_068_000),
        ),
        (
            "pest-shards.json",
            Format::Pest,
            2,
            ("Tests\\Feature\\Payments\\CheckoutTest", 1_608_000),
        ),
        (
            "unittest-durations.txt",
            Format::UnittestDurations,
            3,
            ("tests.test_u.Orders.test_refund", 52_000),
        ),
    ];
    for (file, format, count, (name, us)) in expected {
        let bytes = sample(file);
        assert_eq!(recognise(&bytes), Ok(Some(format)), "{file}");
        let timings = read(format, &bytes).unwrap();
        let entries = entries(&timings);
        assert_eq!(entries.len(), count, "{file}: {entries:?}");
        assert_eq!(entries[0], (name.to_owned(), us), "{file}");
        assert_eq!((timings.unbelievable, timings.broken), (0, None), "{file}");
    }
}

#[test]
fn phases_of_pytest_stand_one_by_one_and_add_up() {
    let bytes = sample("pytest-durations.txt");
    assert_eq!(recognise(&bytes), Ok(Some(Format::PytestDurations)));
    let timings = read(Format::PytestDurations, &bytes).unwrap();
    let of = |id: &str| {
        let entries = entries(&timings).into_iter();
        entries.filter(|(name, _)| name == id).map(|(_, us)| us).sum::<u64>()
    };
    assert_eq!(of("tests/test_a.py::TestPay::test_refund"), 100_000);
    assert_eq!(of("tests/test_a.py::TestPay::test_param[c::d[e]]"), 10_000);
}

#[test]
fn what_did_not_pass_is_no_duration() {
    for (file, format, not_passed) in [
        ("rspec.xml", Format::Junit, 1),
        ("nextest.xml", Format::Junit, 2),
        ("perf-cache-jest", Format::Jest, 1),
    ] {
        assert_eq!(read(format, &sample(file)).unwrap().not_passed, not_passed, "{file}");
    }
}

#[test]
fn older_and_odder_writings_are_read() {
    let pairs = read_text(Format::PytestSplit, r#"[["a.py::t", 1.5], ["b.py::t", 2]]"#);
    assert_eq!(entries(&pairs), [("a.py::t".into(), 1_500_000), ("b.py::t".into(), 2_000_000)]);
    assert_eq!(recognise(br#" [["a.py::t", 1.5]]"#), Ok(Some(Format::PytestSplit)));
    let marked = b"\xef\xbb\xbf{\"a.rb\": 0.25}";
    assert_eq!(recognise(marked), Ok(Some(Format::Knapsack)));
    assert_eq!(entries(&read(Format::Knapsack, marked).unwrap()), [("a.rb".into(), 250_000)]);
    let colons = read_text(Format::ParallelTests, "C:/a b.rb:1.5\n\nfeatures/a.feature:3:2.0\r\n");
    let expected = [("C:/a b.rb".into(), 1_500_000), ("features/a.feature:3".into(), 2_000_000)];
    assert_eq!(entries(&colons), expected);
    let old = "2.500s     test_b (tests.test_a.C)\n0.1s test_c (tests.test_a.C.test_c) (i=1)";
    let expected =
        [("tests.test_a.C.test_b".into(), 2_500_000), ("tests.test_a.C.test_c".into(), 100_000)];
    assert_eq!(entries(&read_text(Format::UnittestDurations, old)), expected);
    let split_tests = r#"<testsuite name="rspec"><testcase file="a.rb" time="1.5"/></testsuite>"#;
    let file = Name::Case { class: String::new(), name: String::new(), file: Some("a.rb".into()) };
    assert_eq!(
        read_text(Format::Junit, split_tests).entries,
        [Timing { name: file, us: 1_500_000 }]
    );
}

#[test]
fn durations_that_cannot_be_are_counted_and_named() {
    let year = 365.0 * 86_400.0;
    let text = format!(
        r#"{{"a": -1, "b": {year}, "c": "3", "d": null, "e": [1], "f": true, "g": 1e300, "h": 1}}"#
    );
    let timings = read_text(Format::Knapsack, &text);
    assert_eq!(entries(&timings), [("h".into(), 1_000_000)]);
    assert_eq!((timings.unbelievable, timings.examples.len()), (7, NAMED_MAX));
    let log = "a.rb:-1\nb.rb:nan\nc.rb:inf\nd.rb:1e99\ne.rb:0\nf.rb:2592000";
    let timings = read_text(Format::ParallelTests, log);
    assert_eq!(entries(&timings), [("e.rb".into(), 0), ("f.rb".into(), DURATION_US_MAX)]);
    assert_eq!(timings.unbelievable, 4);
    let junit = r#"<testsuite><testcase name="a" time="-1"/><testcase name="b"/></testsuite>"#;
    assert_eq!(read_text(Format::Junit, junit).unbelievable, 2);
}

#[test]
fn files_that_are_not_what_they_should_be_say_why() {
    let torn = &sample("knapsack_rspec_report.json")[..40];
    for (format, bytes, why) in [
        (Format::Knapsack, torn, "EOF while parsing"),
        (Format::PytestSplit, b"{\"a\": NaN}".as_slice(), "expected value at line 1 column 7"),
        (Format::PytestSplit, b"[1]", "invalid type"),
        (Format::Bun, b"{\"version\": 2, \"files\": {}}", "version 2"),
        (Format::Bun, b"{\"files\": {}}", "missing field `version`"),
        (Format::Jest, b"{\"a\": 1}", "invalid type"),
        (Format::Junit, b"<html/>", "html"),
        (Format::Junit, b"", ""),
        (Format::ParallelTests, b"no\nb.rb:1\nno", "line 1"),
        (Format::PytestDurations, b"FAILED", "no line"),
        (Format::UnittestDurations, b"\0\xff", "no line"),
    ] {
        let error = read(format, bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("it is not {}", format.what())), "{error}");
        assert!(error.contains(why), "{error}");
    }
    // A log that was being written keeps its whole lines.
    let timings = read_text(Format::ParallelTests, "a.rb:1.5\nb.rb:2.5\nspec/c_sp");
    assert_eq!((timings.entries.len(), timings.unbelievable), (2, 1));
    let cut = read_text(Format::Junit, "<testsuite><testcase name=\"a\" time=\"1\"/><testcase na");
    assert_eq!((cut.entries.len(), cut.broken.is_some()), (1, true));
}

#[test]
fn what_is_no_durations_is_not_taken_for_any() {
    for empty in [&b""[..], b" \n", b"{}", b"[]"] {
        assert_eq!(recognise(empty), Ok(None), "{empty:?}");
    }
    for (bytes, why) in [
        (&br#"[{"files": ["a.rb"]}, {"files": []}]"#[..], "no durations"),
        (b"{\"a\": \"b\"}", "no form that evenly knows"),
        (b"[1, 2]", "no form that evenly knows"),
        (b"{\"a\": 1", "cannot be read"),
        (b"#version=1\n#current_batch=1\norg.example.Test", "no format"),
        (b"\x7fELF\0\0", "binary"),
    ] {
        let error = recognise(bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

fn suite(name: &str) -> SuiteName {
    SuiteName::new(name).unwrap()
}

fn group(of: &str, name: &str, tests: Option<&[&str]>) -> Group {
    let member = Member { name: name.into(), argument: name.as_bytes().into() };
    Group {
        id: GroupId::new(&suite(of), name),
        members: vec![member],
        tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    }
}

/// What an import of one suite `s` makes each test take.
fn imported(files: &[Timings], groups: &[Group], naming: Naming) -> (Vec<(String, u64)>, Import) {
    let name = suite("s");
    let import = Import::new(files, &[Catalogue::new(&name, groups, naming, ".")]);
    let mut history = History::default();
    history.import(import.clone());
    let tests = history.suites().flat_map(|suite| suite.tests().collect::<Vec<_>>());
    let taken = tests.map(|test| (test.id.name.to_string(), test.typical_us().unwrap()));
    (taken.collect(), import)
}

fn knapsack(entries: &[(&str, f64)]) -> Timings {
    let object: serde_json::Map<String, serde_json::Value> =
        entries.iter().map(|(name, us)| ((*name).to_owned(), (*us).into())).collect();
    read_text(Format::Knapsack, &serde_json::Value::from(object).to_string())
}

#[test]
fn listed_tests_are_found_by_every_frameworks_names() {
    let pytest = [
        group("s", "tests/test_a.py", Some(&["tests/test_a.py::TestPay::test_param[c::d[e]]"])),
        group("s", "tests/test_u.py", Some(&["tests/test_u.py::Orders::test_refund"])),
    ];
    let dotted = [group("s", "tests.test_u", Some(&["tests.test_u.Orders.test_refund"]))];
    let nextest = [
        group("s", "basket", Some(&["basket::tests::inner::passes"])),
        group("s", "basket::other", Some(&["basket::other::passes", "basket::other::passes_é"])),
    ];
    for (file, groups, naming, expected) in [
        ("pytest-split.test_durations", &pytest[..], Naming::Pytest, &[15_371, 50_729][..]),
        ("pytest-durations.txt", &pytest, Naming::Pytest, &[10_000, 50_000]),
        ("unittest-durations.txt", &pytest, Naming::Pytest, &[52_000]),
        ("unittest-durations.txt", &dotted, Naming::Dotted, &[52_000]),
        ("nextest.xml", &nextest, Naming::ClassAndName, &[15_000, 527_000, 12_000]),
    ] {
        let bytes = sample(file);
        let timings = read(recognise(&bytes).unwrap().unwrap(), &bytes).unwrap();
        let (taken, _) = imported(&[timings], groups, naming);
        let us: Vec<u64> = taken.iter().map(|(_, us)| *us).collect();
        assert_eq!(us, expected, "{file}: {taken:?}");
    }
}

#[test]
fn unlisted_groups_get_the_sum_of_whatever_is_of_them() {
    let files =
        |names: &[&str]| names.iter().map(|name| group("s", name, None)).collect::<Vec<_>>();
    let rspec = files(&["spec/checkout_spec.rb", "spec/models/user_spec.rb"]);
    for (file, groups, expected) in [
        ("knapsack_rspec_report.json", &rspec, &[155_629, 20_353][..]),
        ("parallel_runtime_rspec.log", &rspec, &[152_013, 21_960]),
        ("rspec.xml", &rspec, &[151_244, 26_008]),
        ("perf-cache-jest", &files(&["src/a.test.js", "src/b.test.js"]), &[44_000]),
        ("bun-test-timings.json", &files(&["test/a.test.ts"]), &[31_000]),
        ("bun.xml", &files(&["test/a.test.ts", "test/b.test.ts"]), &[30_512, 24]),
        ("pest-shards.json", &files(&["tests/Unit/UserTest.php"]), &[50_000]),
        (
            "cypress-split-timings.json",
            &files(&["e2e/cart.cy.js", "e2e/login.cy.js"]),
            &[10_068_000, 230_000],
        ),
        ("pytest-split.test_durations", &files(&["tests/test_u.py"]), &[94_835]),
    ] {
        let bytes = sample(file);
        let timings = read(recognise(&bytes).unwrap().unwrap(), &bytes).unwrap();
        let (taken, _) = imported(&[timings], groups, Naming::ClassAndName);
        let us: Vec<u64> = taken.iter().map(|(_, us)| *us).collect();
        assert_eq!(us, expected, "{file}: {taken:?}");
    }
}

#[test]
fn a_files_duration_is_shared_by_the_tests_that_have_none() {
    let tests = ["a.py::t1", "a.py::t2", "a.py::t3"];
    let groups = [group("s", "a.py", Some(&tests))];
    let whole = knapsack(&[("./a.py", 1.0), ("gone.py", 2.0)]);
    let (taken, import) = imported(std::slice::from_ref(&whole), &groups, Naming::Pytest);
    let us: Vec<u64> = taken.iter().map(|(_, us)| *us).collect();
    assert_eq!(us, [333_334, 333_333, 333_333]);
    assert_eq!(import.unmatched, ["gone.py"]);
    assert_eq!((import.entries, import.suites[0].shared), (2, 3));
    let known = read_text(Format::PytestSplit, r#"{"a.py::t2": 0.4, "a.py::gone": 9}"#);
    let (taken, import) = imported(&[whole, known], &groups, Naming::Pytest);
    let us: Vec<u64> = taken.iter().map(|(_, us)| *us).collect();
    assert_eq!(us, [300_000, 400_000, 300_000]);
    assert_eq!(import.unmatched, ["a.py::gone", "gone.py"]);
}

#[test]
fn a_case_that_is_no_longer_listed_is_not_given_to_others() {
    let groups = [group("s", "tests/test_a.py", Some(&["tests/test_a.py::test_new"]))];
    let xml = r#"<testsuite><testcase classname="tests.test_a" name="test_old" time="9"
        file="tests/test_a.py"/></testsuite>"#;
    let (taken, import) = imported(&[read_text(Format::Junit, xml)], &groups, Naming::Pytest);
    assert_eq!((taken, import.unmatched), (vec![], vec!["tests.test_a::test_old".to_owned()]));
}

#[test]
fn of_several_files_the_median_counts_in_whatever_order() {
    let groups = [group("s", "a.sh", None), group("s", "b.sh", None)];
    let files = [
        knapsack(&[("a.sh", 1.0)]),
        knapsack(&[("/x/a.sh", 9.0), ("/x/b.sh", 4.0)]),
        knapsack(&[("a.sh", 2.0)]),
    ];
    let expected = [("a.sh".to_owned(), 2_000_000), ("b.sh".to_owned(), 4_000_000)];
    assert_eq!(imported(&files, &groups, Naming::ClassAndName).0, expected);
    let [a, b, c] = files;
    assert_eq!(imported(&[c, b, a], &groups, Naming::ClassAndName).0, expected);
}

#[test]
fn an_entry_of_two_suites_is_ambiguous_unless_one_has_its_exact_name() {
    let (api, web) = (suite("api"), suite("web"));
    let groups = [
        group("api", "tests/a.sh", None),
        group("web", "tests/a.sh", None),
        group("web", "tests/b.sh", None),
    ];
    let both = |api_dir: &str, web_dir: &str, entry: &str| {
        let of = |suite, dir| Catalogue::new(suite, &groups, Naming::ClassAndName, dir);
        let catalogues = [of(&api, api_dir), of(&web, web_dir)];
        let import = Import::new(&[knapsack(&[(entry, 1.0)])], &catalogues);
        let suites = import.suites.iter().map(|imported| imported.suite.to_string());
        (suites.collect::<Vec<_>>(), import.ambiguous.len(), import.unmatched.len())
    };
    assert_eq!(both(".", ".", "tests/a.sh"), (vec![], 1, 0));
    assert_eq!(both("api", "web", "web/tests/a.sh"), (vec!["web".to_owned()], 0, 0));
    assert_eq!(both(".", ".", "tests/b.sh"), (vec!["web".to_owned()], 0, 0));
    assert_eq!(both(".", ".", "tests/c.sh"), (vec![], 0, 1));
}

fn estimate(history: &History, as_of: Option<u64>, group: &Group) -> (u64, Basis) {
    let estimate = Estimator::new(history, as_of).estimate(group);
    (estimate.us, estimate.basis)
}

fn passed(group: &str, test: &str, us: u64) -> Observation {
    let test = TestId::new(&suite("s"), test);
    Observation { test, group: group.into(), seen: Seen::Passed(us) }
}

#[test]
fn imported_durations_count_until_evenly_has_its_own() {
    let listed = group("s", "a.py", Some(&["a.py::t"]));
    let unlisted = group("s", "b.js", None);
    let groups = [listed.clone(), unlisted.clone()];
    let name = suite("s");
    let catalogues = [Catalogue::new(&name, &groups, Naming::Pytest, ".")];
    let import = Import::new(&[knapsack(&[("a.py", 8.0), ("b.js", 6.0)])], &catalogues);
    let mut history = History::default();
    history.import(import.clone());
    assert_eq!((history.next_run(), import.new_to(&history)), (1, 2));
    for as_of in [None, Some(1), Some(7)] {
        assert_eq!(estimate(&history, as_of, &listed), (8_000_000, Basis::Measured));
        assert_eq!(estimate(&history, as_of, &unlisted), (6_000_000, Basis::Measured));
    }
    assert_eq!(Estimator::new(&history, None).tests_last_time(&name, "a.py"), Some(0));
    history.record(1, vec![passed("a.py", "a.py::t", 10), passed("b.js", "b.js::x", 20)], vec![]);
    assert_eq!(import.new_to(&history), 1);
    assert_eq!(estimate(&history, None, &listed), (10, Basis::Measured));
    assert_eq!(estimate(&history, None, &unlisted), (20, Basis::Measured));
    let suite = history.suites().next().unwrap();
    let tests: Vec<_> = suite.tests().map(|test| test.id.name).collect();
    assert_eq!(tests, ["a.py::t".into(), "b.js::x".into()]);
    // What run 1 saw stays what it saw.
    assert_eq!(estimate(&history, Some(1), &listed), (8_000_000, Basis::Measured));
    assert_eq!(estimate(&history, Some(1), &unlisted), (6_000_000, Basis::Measured));

    // The order makes no difference, nor does doing it again.
    let mut other = History::default();
    other.record(1, vec![passed("a.py", "a.py::t", 10), passed("b.js", "b.js::x", 20)], vec![]);
    other.import(import.clone());
    other.import(import);
    assert_eq!(other.to_bytes(), history.to_bytes());
}

#[test]
fn a_newer_import_replaces_an_older_one_of_the_same_suite() {
    let groups = [group("s", "a.sh", None), group("s", "b.sh", None)];
    let name = suite("s");
    let catalogues = [Catalogue::new(&name, &groups, Naming::ClassAndName, ".")];
    let mut history = History::default();
    history.import(Import::new(&[knapsack(&[("a.sh", 8.0), ("b.sh", 1.0)])], &catalogues));
    history.import(Import::new(&[knapsack(&[("a.sh", 2.0)])], &catalogues));
    assert_eq!(history.tests(), 1);
    assert_eq!(estimate(&history, None, &groups[0]), (2_000_000, Basis::Measured));
}

#[test]
fn an_import_ages_out_as_the_oldest_run() {
    let (groups, name) = ([group("s", "a.sh", None)], suite("s"));
    let catalogues = [Catalogue::new(&name, &groups, Naming::ClassAndName, ".")];
    let import = Import::new(&[knapsack(&[("a.sh", 8.0)])], &catalogues);
    let mut history = History::default();
    history.import(import.clone());
    assert!(history.remembers_import(&name));
    for run in 1..=RUNS_MAX as u64 {
        history.record(run, vec![passed("b.sh", "b.sh", 1)], vec![]);
    }
    assert!(!history.remembers_import(&name));
    let before = history.clone();
    history.import(import);
    assert_eq!(history, before);
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(bytes: Vec<u8>) {
        let _ = recognise(&bytes);
        for format in Format::ALL {
            let _ = read(format, &bytes);
        }
    }

    #[test]
    fn no_text_of_the_formats_alphabet_breaks_a_reader(
        text in concat!(
            "(\\{|\\}|\\[|\\]|,|:|\"a\\.py::t\"|\"files\"|\"durations\"|\"timings\"|",
            "-?1e400|1|\\.5s |call |\n){0,40}"
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let _ = recognise(text.as_bytes());
        for format in Format::ALL {
            let _ = read(format, text.as_bytes());
        }
        let bytes = sample("pytest-split.test_durations");
        let torn = &bytes[..cut.index(bytes.len())];
        prop_assert!(torn.is_empty() || read(Format::PytestSplit, torn).is_err());
    }

    #[test]
    fn no_name_breaks_the_matching(
        names in vec("[a./\\\\:\\[\u{1b} é]{0,8}", 1..8), dir in "[a./]{0,3}",
    ) {
        let own = names.iter().map(String::as_str).filter(|name| !name.is_empty());
        let own: Vec<&str> = own.collect();
        let groups = [group("s", "a", Some(&own)), group("s", "a/b", None)];
        let name = suite("s");
        for naming in [Naming::Pytest, Naming::Dotted, Naming::Jest, Naming::ClassAndName] {
            let catalogues = [Catalogue::new(&name, &groups, naming, &dir)];
            let entries = names.iter().flat_map(|text| {
                let text = || text.clone();
                let case = Name::Case { class: text(), name: text(), file: Some(text()) };
                [Name::Test(text()), Name::File(text()), Name::Class(text()), case]
            });
            let entries = entries.map(|name| Timing { name, us: DURATION_US_MAX }).collect();
            let import = Import::new(&[Timings { entries, ..Timings::default() }], &catalogues);
            let mut history = History::default();
            history.import(import);
            let bytes = history.to_bytes();
            prop_assert_eq!(History::read(&bytes).unwrap(), (history, vec![]));
        }
    }
}
