use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::history::import::{Catalogue, Import, read, recognise};
use crate::history::{DURATION_US_MAX, Estimator, History, Observation, Seen};
use crate::model::{Group, GroupId, Limits, Member, SuiteName, TestId};

const FORMS: [Form; 4] =
    [Form::PytestSplit, Form::Knapsack, Form::Junit(Naming::Pytest), Form::Bun];

fn suite() -> SuiteName {
    SuiteName::new("s").unwrap()
}

fn taught(tests: &[(&str, &str, u64)]) -> History {
    let seen = |&(group, test, us): &(&str, &str, u64)| Observation {
        test: TestId::new(&suite(), test),
        group: group.into(),
        seen: Seen::Passed(us),
    };
    let mut history = History::default();
    history.record(1, tests.iter().map(seen).collect(), Vec::new());
    history
}

fn written(history: &History, form: Form) -> Exported {
    export(history.suites().next().unwrap(), form)
}

#[test]
fn files_look_as_their_tools_write_them() {
    let history = taught(&[
        ("tests/a.py", "tests/a.py::T::t[x::y]", 1_500_000),
        ("tests/a.py", "tests/a.py::u", 250),
        ("together:x", "tests/b.py::t", 2_000_000),
    ]);
    let pytest = "{\n    \"tests/a.py::T::t[x::y]\": 1.5,\n    \"tests/a.py::u\": 0.00025,\n    \
                  \"tests/b.py::t\": 2.0\n}\n";
    assert_eq!(written(&history, Form::PytestSplit).text, pytest);
    let knapsack = "{\n  \"tests/a.py\": 1.50025,\n  \"tests/b.py\": 2.0\n}\n";
    assert_eq!(written(&history, Form::Knapsack).text, knapsack);
    let bun = "{\n  \"version\": 1,\n  \"files\": {\n    \"tests/b.py\": 2000,\n    \
               \"tests/a.py\": 1501\n  }\n}\n";
    assert_eq!(written(&history, Form::Bun).text, bun);
    let xml = written(&history, Form::Junit(Naming::Pytest)).text;
    for part in [
        "<testsuite name=\"tests/a.py\"",
        "file=\"tests/a.py\"",
        "<testcase name=\"t[x::y]\" classname=\"tests.a.T\" time=\"1.500\"/>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
}

#[test]
fn what_has_no_duration_or_no_file_is_counted() {
    let mut history = taught(&[("together:x", "a.b.C.t", 5), ("g", "g", 7)]);
    let test = TestId::new(&suite(), "h");
    history.record(2, vec![Observation { test, group: "h".into(), seen: Seen::Failed }], vec![]);
    let of = |form| {
        let Exported { text: _, tests, left_out } = written(&history, form);
        (tests, left_out)
    };
    assert_eq!(of(Form::PytestSplit), (2, 1));
    assert_eq!(of(Form::Knapsack), (1, 2));
    let nothing = History::default();
    assert!(nothing.suites().next().is_none());
}

/// The group's estimate after everything went through a form.
fn through(history: &History, form: Form, group: &Group) -> u64 {
    let text = written(history, form).text;
    assert_eq!(recognise(text.as_bytes()), Ok(Some(form.format())), "{text}");
    let timings = read(form.format(), text.as_bytes()).unwrap();
    let groups = [group.clone()];
    let name = suite();
    let catalogue = Catalogue::new(&name, &groups, Naming::Pytest, "");
    let import = Import::new(&[timings], &[catalogue]);
    assert_eq!(import.unmatched, [""; 0], "{text}");
    let mut other = History::default();
    other.import(import);
    Estimator::new(&other, None).estimate(group).us
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(
        tests in btree_map("[a-z\u{1}\"<&é\u{1b}\\[\\]]{1,6}", 1_000..=DURATION_US_MAX, 1..6),
    ) {
        let file = "tests/test_a.py";
        let named: Vec<(String, u64)> =
            tests.iter().map(|(name, us)| (format!("{file}::test_{name}"), *us)).collect();
        let lines: Vec<(&str, &str, u64)> =
            named.iter().map(|(name, us)| (file, name.as_str(), *us)).collect();
        let history = taught(&lines);
        let group = Group {
            id: GroupId::new(&suite(), file),
            members: vec![Member { name: file.into(), argument: file.into() }],
            tests: Some(named.iter().map(|(name, _)| name.clone()).collect()),
            exclusive: false,
            databases: true,
            aliases: None,
            late: false,
            limits: Limits::default(),
        };
        let whole: u64 = named.iter().map(|(_, us)| us).sum();
        let count = named.len() as u64;
        // pytest-split keeps microseconds; of the others milliseconds are left.
        prop_assert_eq!(through(&history, Form::PytestSplit, &group), whole);
        for form in FORMS {
            if whole <= DURATION_US_MAX {
                let after = through(&history, form, &group);
                prop_assert!(after.abs_diff(whole) <= count * 1_000, "{form:?}: {after} {whole}");
            }
        }
    }
}
