//! Tests that do what must not break the protocol.

use evenly::framework::protocol::Told;
use evenly::model::ProcessEnd;
use rustix::process::Signal;
use serde_json::json;

use super::{Talk, groups, model, project};
use crate::support::Project;

fn play(names: &[&str]) -> Talk {
    Talk::of(&project("warm/hostile"), "python3", "unittest", &groups(names))
}

#[test]
fn closed_descriptors_and_a_changed_directory_are_there_again_for_the_next_group() {
    let talk = play(&["test_a_descriptors", "test_b_after"]);
    let expected = "passed test_a_descriptors.Closes.test_a_low_descriptors\n\
                    passed test_a_descriptors.Closes.test_b_standard_streams\n\
                    passed test_a_descriptors.Closes.test_c_takes_their_numbers\n\
                    passed test_a_descriptors.Closes.test_d_moves\n\
                    passed test_b_after.After.test_here\n\
                    passed test_b_after.After.test_input\n\
                    passed test_b_after.After.test_prints\n";
    assert_eq!(talk.outcomes(), model(expected));
    assert!(talk.outputs[0].contains("before it closed"), "{talk:#?}");
    assert!(talk.outputs[1].contains("printed after it closed"), "{talk:#?}");
    assert!(talk.outputs[1].contains("written after it closed"), "{talk:#?}");
    assert_eq!(talk.ends(), [ProcessEnd::Exited(0)]);
}

#[test]
fn forks_that_come_back_say_nothing() {
    let talk = play(&["test_c_fork"]);
    let expected = "passed test_c_fork.Forks.test_a_returns\n\
                    passed test_c_fork.Forks.test_b_raises\n\
                    passed test_c_fork.Forks.test_c_fails\n";
    assert_eq!(talk.outcomes(), model(expected));
}

#[test]
fn what_ends_a_plain_run_is_one_error_and_the_rest_is_run() {
    let talk = play(&["test_d_exits"]);
    let expected = "errored test_d_exits.Exits.test_a_exits\n\
                    errored test_d_exits.Exits.test_b_interrupts\n\
                    passed test_d_exits.Exits.test_c_is_run_all_the_same\n\
                    errored test_d_exits.Never.test_a\n\
                    errored test_d_exits.Never.test_b\n\
                    passed test_d_exits.Then.test_then\n";
    assert_eq!(talk.outcomes(), model(expected));
    assert_eq!(talk.verdicts(), [false]);
    let message = talk.result("test_d_exits.Exits.test_b_interrupts").message.as_deref();
    assert_eq!(message, Some("KeyboardInterrupt"));
}

#[test]
fn replaced_functions_and_streams_do_not_silence_the_worker() {
    let talk = play(&["test_e_patches"]);
    let expected = "passed test_e_patches.Patches.test_a_replaces\n\
                    passed test_e_patches.Patches.test_b_passes\n\
                    failed test_e_patches.Patches.test_c_fails\n";
    assert_eq!(talk.outcomes(), model(expected));
    assert!(talk.outputs[0].contains("as it should"), "{talk:#?}");
}

#[test]
fn handlers_masks_and_timers_do_not_outlive_their_group() {
    let talk = play(&["test_f_signals", "test_g_after"]);
    let expected = "passed test_f_signals.Signals.test_a_leaves\n\
                    passed test_f_signals.Signals.test_b_blocks\n\
                    passed test_g_after.After.test_handlers\n\
                    passed test_g_after.After.test_mask\n";
    assert_eq!(talk.outcomes(), model(expected));
    assert_eq!(talk.ends(), [ProcessEnd::Exited(0)]);
}

#[test]
fn what_is_printed_is_output_and_no_message() {
    let talk = play(&["test_h_prints"]);
    let expected = "passed test_h_prints.Prints.test_a_message\n\
                    passed test_h_prints.Prints.test_b_bytes\n\
                    failed test_h_prints.Prints.test_c_surrogates\n";
    assert_eq!(talk.outcomes(), model(expected));
    assert_eq!(talk.outputs[0].matches(r#""forged""#).count(), 3, "{talk:#?}");
    assert!(talk.outputs[0].contains(r"\xff\xfe"), "{talk:#?}");
    let message = talk.result("test_h_prints.Prints.test_c_surrogates").message.as_deref();
    assert_eq!(message, Some("AssertionError: \\ud800 and \\udcff and \0"));
}

#[test]
fn a_thread_and_a_child_that_stay_do_not_keep_the_worker() {
    let talk = play(&["test_i_threads"]);
    assert_eq!(talk.verdicts(), [true]);
    assert_eq!(talk.ends(), [ProcessEnd::Exited(0)]);
    assert_eq!(talk.exit, 0);
}

#[test]
fn fifty_megabytes_are_cut_in_their_middle() {
    let talk = play(&["test_j_long"]);
    for (test, first, last) in [
        ("test_a_line", "AssertionError: begin", "end"),
        ("test_b_lines", "AssertionError: begin", "begin"),
        ("test_c_begins_with_nothing", "AssertionError: end", "end"),
    ] {
        let result = talk.result(&format!("test_j_long.Long.{test}"));
        let (message, detail) = (result.message.as_ref().unwrap(), result.detail.as_ref().unwrap());
        assert!(message.starts_with(first) && message.ends_with(last), "{message}");
        assert!(message.len() <= 8 << 10 && !message.contains('\n'), "{}", message.len());
        assert!(detail.starts_with("Traceback") && detail.trim_end().ends_with("end"), "{test}");
        assert!((500 << 10..=512 << 10).contains(&detail.len()), "{}", detail.len());
    }
}

#[test]
fn a_name_is_the_same_in_every_message_and_twice_the_same_is_one_test() {
    let talk = play(&["test_k_names"]);
    let groups = talk.groups();
    let (_, listed) = *groups.iter().find(|(name, _)| *name == "test_k_names").unwrap();
    let outcomes = talk.outcomes();
    assert_eq!(outcomes.len(), 5);
    assert!(listed.iter().all(|test| outcomes.contains_key(test)), "{talk:#?}");
    assert_eq!(outcomes[r"test_k_names.Names.test_\udcff"], "passed");
    assert_eq!(outcomes["test_k_names.Names.twice"], "failed");
}

#[test]
fn a_death_costs_the_running_test_alone_and_tells_how() {
    let talk = play(&["test_l_dies"]);
    let expected = "passed test_l_dies.Dies.test_a_passes\n\
                    passed test_l_dies.Dies.test_c_passes\n\
                    passed test_l_dies.Dies.test_f_passes\n";
    assert_eq!(talk.outcomes(), model(expected));
    let segfault = ProcessEnd::Signaled(Signal::SEGV.as_raw());
    let killed = ProcessEnd::Signaled(Signal::KILL.as_raw());
    let exited = || ProcessEnd::Exited(0);
    assert_eq!(talk.ends(), [exited(), killed, segfault, exited()]);
    assert!(talk.outputs[0].contains("in test_e_crashes"), "{talk:#?}");
}

#[test]
fn a_worker_ends_when_evenly_hangs_up() {
    let scenario = json!({"groups": ["test_b_after"], "hangs-up": true});
    let talk = Talk::of(&project("warm/hostile"), "python3", "unittest", &scenario);
    assert_eq!(talk.ends(), [ProcessEnd::Exited(0)]);
}

#[test]
fn at_the_deadline_every_threads_stack_is_in_the_output() {
    let abort = Signal::ABORT.as_raw();
    let test = "test_m_hangs.Hangs.test_hangs";
    let scenario = json!({"groups": ["test_m_hangs"], "signals": {test: abort}});
    let talk = Talk::of(&project("warm/hostile"), "python3", "unittest", &scenario);
    let aborted = || ProcessEnd::Signaled(abort);
    assert_eq!(talk.ends(), [aborted(), aborted(), ProcessEnd::Exited(0)]);
    assert_eq!(talk.outputs[0].matches("Fatal Python error: Aborted").count(), 2, "{talk:#?}");
    assert!(talk.outputs[0].contains("in hidden_in_a_thread"), "{talk:#?}");
}

#[test]
fn a_hundred_thousand_tests_in_a_class_are_all_told() {
    const COUNT: usize = 100_000;
    let text = format!(
        "import unittest\nclass A(unittest.TestCase): pass\n\
         for i in range({COUNT}): setattr(A, f'test_{{i}}', lambda self: None)\n"
    );
    let project = Project::new("").file("test_many.py", text);
    let talk = Talk::of(&project, "python3", "unittest", &json!({}));
    assert_eq!(talk.groups()[0].1.len(), COUNT);
    assert_eq!(talk.results().count(), COUNT);
    assert_eq!(talk.outcomes().len(), COUNT);
    assert!(matches!(talk.worker.last(), Some(Told::GroupFinished(finish)) if finish.good));
}
