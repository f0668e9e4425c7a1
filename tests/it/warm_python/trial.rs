//! Twisted's trial: the same as by itself, in groups of any size.

use evenly::framework::protocol::Told;
use serde_json::{Value, json};

use super::{Talk, alone, model, project, python, same};
use crate::support::Project;

const PLAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/warm_python/plain_trial.py");

fn play(python: &str, scenario: &Value) -> Talk {
    Talk::of(&project("warm/trial"), python, "trial", scenario)
}

#[test]
fn groups_of_any_size_come_to_what_trial_says_itself() {
    let Some(python) = python() else { return };
    let paths = ["nets.test_outcomes", "nets.test_more", "nets.test_suite"];
    let expected = alone(&project("warm/trial"), &python, PLAIN, &paths);
    assert_eq!(expected.len(), 29);
    for (group_by, count) in [("module", 3), ("class", 8), ("test", 29)] {
        let options = json!({"paths": paths, "group-by": group_by});
        let talk = play(&python, &json!({ "options": options }));
        assert_eq!(talk.groups().len(), count, "{talk:#?}");
        same(&talk.outcomes(), &expected);
    }
}

#[test]
fn all_that_went_wrong_in_a_test_is_told_together() {
    let Some(python) = python() else { return };
    let options = json!({"paths": ["nets.test_outcomes"]});
    let talk = play(&python, &json!({ "options": options }));
    let message = |test: &str| {
        let test = format!("nets.test_outcomes.Outcomes.{test}");
        talk.result(&test).message.clone().unwrap_or_default()
    };
    assert!(message("test_fails_and_cleanup_breaks").starts_with("FailTest: first; ValueError: "));
    assert!(message("test_dirty_call").contains("Reactor was unclean"), "{talk:#?}");
    assert!(message("test_logs_an_error").contains("RuntimeError: logged"), "{talk:#?}");
    assert!(message("test_times_out").contains("TimeoutError"), "{talk:#?}");
    assert_eq!(message("test_surrogate"), r"FailTest: \udcff");
    assert!(talk.outputs[0].contains("UNEXPECTED SUCCESS"), "{talk:#?}");
    let result = talk.result("nets.test_outcomes.Outcomes.test_fails");
    assert_eq!((&*result.class, &*result.case), ("nets.test_outcomes.Outcomes", "test_fails"));
    assert_eq!(result.file.as_deref(), Some("nets/test_outcomes.py"));
    assert_eq!(talk.verdicts(), [false]);
}

#[test]
fn unclean_warnings_turn_dirty_reactors_into_warnings() {
    let Some(python) = python() else { return };
    let options = json!({"paths": ["nets.test_outcomes"], "args": ["--unclean-warnings"]});
    let talk = play(&python, &json!({ "options": options }));
    assert_eq!(talk.outcomes()["nets.test_outcomes.Outcomes.test_dirty_port"], "passed");
    assert!(talk.outputs[0].contains("Reactor was unclean"), "{talk:#?}");
}

#[test]
fn the_reactor_that_args_name_is_the_one() {
    let Some(python) = python() else { return };
    let text = "from twisted.internet import reactor\nfrom twisted.trial import unittest\n\
                class A(unittest.TestCase):\n    def test_a(self):\n\
                \x20       self.assertEqual(type(reactor).__name__, 'SelectReactor')\n";
    let project = Project::new("").file("test_a.py", text);
    let options = json!({"paths": ["test_a"], "args": ["--reactor=select"]});
    let talk = Talk::of(&project, &python, "trial", &json!({ "options": options }));
    assert_eq!(talk.verdicts(), [true], "{talk:#?}");
}

#[test]
fn what_ends_a_plain_run_is_one_error_and_the_rest_is_run() {
    let Some(python) = python() else { return };
    let options = json!({"paths": ["nets.test_interrupt", "nets.test_dies"]});
    let talk = play(&python, &json!({ "options": options }));
    let expected = "errored nets.test_interrupt.Interrupts.test_a_interrupts\n\
                    passed nets.test_interrupt.Interrupts.test_b_is_run_all_the_same\n\
                    errored nets.test_interrupt.Stops.test_a_stops_the_reactor\n\
                    passed nets.test_interrupt.Stops.test_b_is_run_all_the_same\n\
                    passed nets.test_dies.Dies.test_a_passes\n\
                    passed nets.test_dies.Dies.test_c_passes\n";
    assert_eq!(talk.outcomes(), model(expected));
    assert!(talk.outputs[0].contains("a test stopped the reactor"), "{talk:#?}");
}

#[test]
fn what_cannot_be_loaded_is_broken() {
    let Some(python) = python() else { return };
    let options = json!({"paths": ["broken", "nets.no_such", "nets.test_suite"]});
    let talk = play(&python, &json!({ "options": options }));
    let Some(Told::Listed(listed)) = talk.main.last() else { panic!("{talk:#?}") };
    let broken: Vec<_> = listed.broken.iter().map(|found| &*found.name).collect();
    assert_eq!(broken, ["broken.test_broken", "nets.no_such"]);
    assert!(listed.broken[0].message.contains("no_such_module"), "{listed:#?}");
}

#[test]
fn a_process_that_never_listed_imports_only_what_it_runs() {
    let Some(python) = python() else { return };
    let doctest = "Doctest: nets.documented.double";
    let test = "nets.test_suite.Served.test_is_served";
    let gone = "nets.test_suite.Served.test_gone";
    let run = |groups: &Value| {
        // `broken` fails when it is imported, and says so in the output.
        let options = json!({"paths": ["nets", "broken"]});
        play(&python, &json!({"options": options, "lists": false, "groups": groups}))
    };
    let talk = run(&json!({"nets.test_suite": [test]}));
    assert_eq!(talk.outcomes()[test], "passed");
    assert!(!talk.outputs[0].contains("no_such_module"), "{talk:#?}");
    // A name that does not begin with its module's has all looked through.
    let talk = run(&json!({"nets.test_more": [doctest], "nets.test_suite": [test, gone]}));
    assert_eq!(talk.outcomes()[doctest], "passed");
    assert_eq!(talk.outcomes()[gone], "errored");
}

#[test]
fn tests_run_in_a_directory_of_the_worker() {
    let Some(python) = python() else { return };
    let project = project("warm/trial");
    let options = json!({"paths": ["nets.test_outcomes", "nets.test_more"]});
    let talk = Talk::of(&project, &python, "trial", &json!({ "options": options }));
    assert_eq!(talk.outcomes()["nets.test_more.After.test_directory"], "passed");
    assert!(!project.path("_trial_temp").exists());
}
