//! unittest: the same as by itself, in groups of any size.

use serde_json::json;

use super::{Outcomes, Talk, alone, project};

const PLAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/frameworks/plain_unittest.py");

/// What unittest tells of fixtures, told of the tests that they kept from running.
fn of_fixtures(mut alone: Outcomes) -> Outcomes {
    for (fixture, tests) in [
        (
            "setUpClass (tests.test_fixtures.NoSetUp)",
            &["tests.test_fixtures.NoSetUp.test_one", "tests.test_fixtures.NoSetUp.test_two"][..],
        ),
        (
            "setUpModule (tests.test_module)",
            &[
                "tests.test_module.Plain.test_plain",
                "tests.test_module.load_tests.<locals>.Generated.test_generated",
            ][..],
        ),
        (
            "tearDownClass (tests.test_fixtures.NoTearDown)",
            &["tests.test_fixtures.NoTearDown.tearDownClass"][..],
        ),
    ] {
        assert_eq!(alone.remove(fixture).as_deref(), Some("errored"), "{fixture}");
        alone.extend(tests.iter().map(|test| ((*test).to_owned(), "errored".to_owned())));
    }
    alone
}

#[test]
fn groups_of_any_size_come_to_what_unittest_says_itself() {
    let project = project("unittest");
    let expected = of_fixtures(alone(&project, "python3", PLAIN, &["tests"]));
    for (group_by, count) in [("module", 4), ("class", 6), ("test", 20)] {
        for processes in ["fork", "separate"] {
            let options = json!({"paths": ["tests"], "group-by": group_by});
            let scenario = json!({"options": options, "processes": processes});
            let talk = Talk::of(&project, "python3", "unittest", &scenario);
            assert_eq!(talk.groups().len(), count, "{talk:#?}");
            assert_eq!(talk.outcomes(), expected, "{group_by}, {processes}");
        }
    }
}

#[test]
fn a_module_that_cannot_be_imported_is_an_errored_test() {
    let options = json!({"paths": ["tests", "broken"]});
    let scenario = json!({"options": options, "groups": ["broken.test_import"]});
    let talk = Talk::of(&project("unittest"), "python3", "unittest", &scenario);
    let result = talk.result("unittest.loader._FailedTest.broken.test_import");
    assert!(result.detail.as_ref().unwrap().contains("no_such_module"), "{talk:#?}");
    assert_eq!(talk.verdicts(), [false]);
}

#[test]
fn a_process_that_never_listed_loads_what_it_runs() {
    let test = "tests.test_basket.Basket.test_passes";
    let gone = "tests.test_basket.Basket.test_gone";
    let scenario = json!({
        "options": {"paths": ["tests"]},
        "processes": "separate",
        "lists": false,
        "groups": {"tests.test_basket": [test, gone]},
    });
    let talk = Talk::of(&project("unittest"), "python3", "unittest", &scenario);
    assert_eq!(talk.outcomes()[test], "passed");
    assert_eq!(talk.result(gone).message.as_deref(), Some(&*format!("there is no test `{gone}`")));
}

#[test]
fn any_of_a_groups_tests_run_in_the_given_order_and_again() {
    let run = |tests: &[&str]| {
        let scenario = json!({
            "options": {"paths": ["tests"]},
            "processes": "separate",
            "lists": false,
            "groups": {"one": tests, "again": tests},
        });
        let talk = Talk::of(&project("unittest"), "python3", "unittest", &scenario);
        talk.results().map(|result| result.test.clone()).collect::<Vec<_>>()
    };
    let (odd, passes) =
        ("tests.test_basket.Basket.test_$(exit 9)", "tests.test_basket.Basket.test_passes");
    assert_eq!(run(&[passes, odd]), [passes, odd, passes, odd]);
    assert_eq!(run(&[odd, passes]), [odd, passes, odd, passes]);
}
