//! Whole event streams, and exactly what each CI's log then holds.

use proptest::prelude::*;

use super::*;
use crate::model::{Kept, NotRun};

/// A stream with a pass, a failure with output, and an end.
fn ordinary() -> Vec<Event> {
    vec![
        started(),
        planned(&[("shop.billing", 100), ("shop.cart", 60), ("shop.mail", 20)]),
        starts("shop.billing", 0),
        starts("shop.cart", 0),
        finishes(good("shop.billing", "fine\n")),
        finishes(bad("shop.cart", "100% wrong\n  at [x|y]")),
        finishes(good("shop.mail", "")),
        ends(),
    ]
}

const HEAD: &str = "\
shard 2/4: 3 of 148 groups on 2 workers, about 1 min 40 s
[1/3] ✓ web:shop.billing  2 tests  3.2 s  (about 50 s left)
";
const TAIL: &str = "\
[3/3] ✓ web:shop.mail  2 tests  3.2 s

shard 2/4: 6 tests, 1 failed, 5 passed in 3 min 20 s
failed:
  web:b: assert 1 == 2
    again: evenly run --only web:shop.cart

";
/// What stands below a failed group whose output is shown.
const AGAIN: &str = "    again: evenly run --only web:shop.cart\n";
const CART: &str = "[2/3] ✗ web:shop.cart  1 of 2 failed (exit status 1)  3.2 s  (about 20 s left)";

#[test]
fn without_folds() {
    let expected = format!("{HEAD}{CART}\n100% wrong\n  at [x|y]\n{AGAIN}{TAIL}");
    assert_eq!(printed(Show::Failed, Folding::None, &ordinary()), expected);
}

#[test]
fn github() {
    let expected = format!(
        "{HEAD}::group::{CART}\n::stop-commands::token-1\n100% wrong\n  at [x|y]\n\
         ::token-1::\n::endgroup::\n{AGAIN}{TAIL}"
    );
    assert_eq!(printed(Show::Failed, Folding::GitHub, &ordinary()), expected);
}

#[test]
fn gitlab_opens_failures_and_knows_how_long_they_took() {
    let expected = format!(
        "{HEAD}\x1b[0Ksection_start:1700000006:evenly_1[collapsed=false]\r\x1b[0K{CART}\n\
         100% wrong\n  at [x|y]\n\
         \x1b[0Ksection_end:1700000010:evenly_1\r\x1b[0K\n{AGAIN}{TAIL}"
    );
    assert_eq!(printed(Show::Failed, Folding::GitLab, &ordinary()), expected);
    let all = printed(Show::All, Folding::GitLab, &ordinary());
    assert!(all.contains("evenly_1[collapsed=true]"), "{all}");
    assert!(all.contains("evenly_2[collapsed=false]"), "{all}");
}

#[test]
fn azure() {
    let expected =
        format!("{HEAD}##[group]{CART}\n100% wrong\n  at [x|y]\n##[endgroup]\n{AGAIN}{TAIL}");
    assert_eq!(printed(Show::Failed, Folding::Azure, &ordinary()), expected);
}

#[test]
fn buildkite_opens_failures_and_the_totals() {
    let tail = TAIL.replace("\nshard 2/4", "\n+++ shard 2/4");
    let expected = format!("{HEAD}+++ {CART}\n100% wrong\n  at [x|y]\n--- evenly\n{AGAIN}{tail}");
    assert_eq!(printed(Show::Failed, Folding::Buildkite, &ordinary()), expected);
}

#[test]
fn teamcity_escapes_its_own_signs() {
    let cart = CART.replace("[2/3]", "|[2/3|]");
    let expected = format!(
        "{HEAD}##teamcity[blockOpened name='{cart}']\n100% wrong\n  at [x|y]\n\
         ##teamcity[blockClosed name='{cart}']\n{AGAIN}{TAIL}"
    );
    assert_eq!(printed(Show::Failed, Folding::TeamCity, &ordinary()), expected);
}

#[test]
fn travis() {
    let expected = format!(
        "{HEAD}travis_fold:start:evenly.1\r\x1b[0K{CART}\n100% wrong\n  at [x|y]\n\
         travis_fold:end:evenly.1\r\x1b[0K\n{AGAIN}{TAIL}"
    );
    assert_eq!(printed(Show::Failed, Folding::Travis, &ordinary()), expected);
}

#[test]
fn never_still_has_a_line_a_group_and_the_totals() {
    let expected = format!("{HEAD}{CART}\n{TAIL}");
    assert_eq!(printed(Show::Never, Folding::GitHub, &ordinary()), expected);
}

#[test]
fn all_has_the_passes_too() {
    let all = printed(Show::All, Folding::None, &ordinary());
    assert!(all.contains("fine\n") && all.contains("100% wrong\n"), "{all}");
}

#[test]
fn every_fold_of_github_has_a_token_of_its_own() {
    let all = printed(Show::All, Folding::GitHub, &ordinary());
    for token in ["token-1", "token-2"] {
        let (stop, go) = (format!("\n::stop-commands::{token}\n"), format!("\n::{token}::\n"));
        assert!(all.contains(&stop) && all.contains(&go), "{all}");
    }
    assert!(!all.contains("token-3"));
}

#[test]
fn streamed_lines_stand_after_their_group() {
    let text = "\x1b[31mone\n::error::two\rthree\n";
    let streamed = Event::Streamed { group: group("a"), text: text.into() };
    let events = [started(), planned(&[("a", 1)]), streamed, finishes(bad("a", text))];
    let expected = "shard 2/4: 1 of 148 groups on 2 workers, about 1 s\n\
                    web:a | one\nweb:a | :\u{200b}:error::two\nweb:a | three\n\
                    [1/1] ✗ web:a  1 of 2 failed (exit status 1)  3.2 s\n";
    assert_eq!(printed(Show::Stream, Folding::GitHub, &events), expected);
}

#[test]
fn a_test_that_passes_when_tried_again_is_flaky_not_failed() {
    let first = GroupFinished { last: false, ..bad("a", "") };
    // Only what failed is tried again.
    let second = vec![test("b", Outcome::Passed)];
    let second = GroupFinished { attempt: 2, tests: second, ..good("a", "") };
    let events =
        [started(), planned(&[("a", 1), ("c", 1)]), finishes(first), finishes(second), ends()];
    let expected = "shard 2/4: 2 of 148 groups on 2 workers, about 1 s\n\
        [0/2] ↻ web:a  1 of 2 failed (exit status 1)  3.2 s; trying again (attempt 2)  \
        (about 1 s left)\n\
        [1/2] ✓ web:a  2 tests, 1 flaky  3.2 s  (about 1 s left)\n\
        \nshard 2/4: 2 tests, 1 flaky, 1 passed in 3 min 20 s\n\
        flaky, failed and then passed:\n  web:b\n\n";
    assert_eq!(printed(Show::Failed, Folding::None, &events), expected);
}

#[test]
fn a_group_that_passes_after_a_crash_is_flaky_itself() {
    let crash = GroupFinished {
        last: false,
        problem: Some(Problem::NoReport),
        end: ProcessEnd::Signaled(11),
        tests: vec![],
        ..bad("a", "")
    };
    let second = GroupFinished { attempt: 2, ..good("a", "") };
    let text = printed(Show::Failed, Folding::None, &[finishes(crash), finishes(second), ends()]);
    assert!(text.contains("↻ web:a  wrote no JUnit file (signal 11, SIGSEGV)"), "{text}");
    assert!(text.ends_with("flaky, failed and then passed:\n  web:a\n\n"), "{text}");
}

#[test]
fn a_result_that_nobody_reported_is_not_counted_in_a_title() {
    let concluded = TestResult { reported: false, ..test("[group]", Outcome::Errored) };
    let crash = GroupFinished {
        problem: Some(Problem::NoReport),
        end: ProcessEnd::Signaled(11),
        tests: vec![concluded],
        ..bad("a", "")
    };
    let text = printed(Show::Failed, Folding::None, &[finishes(crash)]);
    assert!(text.contains("✗ web:a  wrote no JUnit file (signal 11, SIGSEGV)  3.2 s"), "{text}");
}

#[test]
fn a_problem_without_a_failed_test_is_told_and_listed() {
    let timed_out = GroupFinished {
        problem: Some(Problem::TimedOut(600_000_000)),
        end: ProcessEnd::Signaled(9),
        tests: vec![test("a", Outcome::Passed)],
        leaked: vec!["sleep".into(), "py\nthon".into()],
        ..bad("x", "")
    };
    let slow = Event::GroupSlow {
        group: group("x"),
        attempt: 1,
        at_us: 300_000_000,
        timeout_us: 600_000_000,
    };
    let expected = "… web:x  slow: 5 min 0 s of its 10 min 0 s are over\n\
        [0/0] ✗ web:x  timed out after 600.0 s (signal 9, SIGKILL)  3.2 s\n\
        \x20   again: evenly run --only web:x\n\
        \x20 left 2 processes behind, now ended: sleep, py\\nthon\n\
        \nthis shard: 1 test, 1 passed; 1 group with a problem, in 3 min 20 s\n\
        failed:\n  web:x: timed out after 600.0 s (signal 9, SIGKILL)\n\
        \x20   again: evenly run --only web:x\n\n";
    let events = [slow, finishes(timed_out), ends()];
    assert_eq!(printed(Show::Failed, Folding::None, &events), expected);
}

#[test]
fn what_was_left_out_of_an_output_is_told() {
    let mut finished = bad("a", "first");
    let whole = Some("/tmp/out/a\n.txt".into());
    let text = "m\x1b[2Jlast".into();
    finished.output.tail = Some(Kept { omitted_bytes: 1_048_576, text, whole });
    let text = printed(Show::Failed, Folding::None, &[finishes(finished)]);
    let expected = "first\n[… 1,048,576 bytes left out; all of it is in `/tmp/out/a\\n.txt` …]\n\
                    mlast\n    again: evenly run --only web:a\n";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_stopped_run_says_why_and_what_did_not_run() {
    let left = |name: &str| NotRun { group: group(name), why: Stop::FailFast };
    let not_run = (0..22).map(|number| left(&number.to_string())).collect();
    let events = [
        Event::Stopping { why: Stop::FailFast, at_us: 1 },
        Event::Stopping { why: Stop::Signal(15), at_us: 2 },
        Event::Stopping { why: Stop::Broken("disk\nfull".into()), at_us: 3 },
        Event::RunFinished { at_us: 4_000, not_run },
    ];
    let text = printed(Show::Failed, Folding::None, &events);
    let expected = "stopping: a group failed, and `fail-fast` is on\n\
        stopping: signal 15, SIGTERM\nstopping: disk\\nfull\n\
        \nthis shard: 0 tests in 4 ms\n22 groups not run:\n\
        \x20 web:0: a group failed, and `fail-fast` is on\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("  … and 2 more\n\n"), "{text}");
}

#[test]
fn the_list_of_failures_is_bounded_and_so_is_each_message() {
    let mut finished = bad("a", "");
    finished.tests =
        (0..60).map(|number| test(&format!("t{number:02}"), Outcome::Errored)).collect();
    finished.tests[0].message = Some(format!("\n\x1b[31m{}\nmore", "x".repeat(1_000)));
    let text = printed(Show::Failed, Folding::None, &[finishes(finished), ends()]);
    assert!(text.contains("60 tests, 60 errored"), "{text}");
    assert!(text.contains(&format!("  web:t00: {}…\n", "x".repeat(200))), "{text}");
    assert!(text.contains("  web:t49: assert") && !text.contains("t50"), "{text}");
    assert!(text.ends_with("  … and 10 more\n\n"), "{text}");
}

#[test]
fn a_shard_without_groups() {
    let text = printed(Show::Failed, Folding::None, &[started(), planned(&[]), ends()]);
    let expected = "shard 2/4: nothing to do, none of 148 groups is its\n\
                    \nshard 2/4: 0 tests in 3 min 20 s\n\n";
    assert_eq!(text, expected);
}

#[test]
fn a_terminal_has_colours_and_no_count() {
    let options = Options {
        live: Live::Terminal,
        colour: Colour::Keep,
        ..options(Show::Failed, Folding::None)
    };
    let events = [started(), planned(&[("a", 1)]), finishes(bad("a", "\x1b[1m::bold\n")), ends()];
    let text = printed_with(options, &events);
    let expected = "\x1b[31m✗ web:a  1 of 2 failed (exit status 1)  3.2 s\x1b[0m\n\
                    \x1b[1m::bold\x1b[0m\n";
    assert!(text.contains(expected), "{text:?}");
}

#[test]
fn the_live_line_tells_how_far_it_is() {
    let mut page = Page::new(options(Show::Failed, Folding::None));
    assert_eq!(page.status(), None);
    for event in &ordinary()[..5] {
        page.print(event);
    }
    assert_eq!(page.status().unwrap(), "1/3 groups, about 50 s left: web:shop.cart");
    page.print(&ends());
    assert_eq!(page.status(), None);
}

proptest! {
    #[test]
    fn any_order_of_events_is_taken(
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..30)
    ) {
        let mut events = ordinary();
        events.push(finishes(GroupFinished { last: false, ..bad("shop.cart", "x") }));
        events.push(finishes(GroupFinished { attempt: u32::MAX, at_us: 0, ..good("x", "x") }));
        events.push(starts("unknown", u64::MAX / 1_000_000));
        events.push(Event::Stopping { why: Stop::FailFast, at_us: u64::MAX });
        let events: Vec<_> = order.iter().map(|index| index.get(&events).clone()).collect();
        for folding in [Folding::None, Folding::GitLab] {
            let text = printed(Show::All, folding, &events);
            prop_assert!(text.is_empty() || text.ends_with('\n'));
        }
    }
}

#[test]
fn what_cannot_be_written_is_an_error_that_names_it() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut console = Console::new(options(Show::Failed, Folding::None), Box::new(Full));
    let error = console.take(&ends()).unwrap_err().to_string();
    assert_eq!(error, "cannot write the progress to standard output: no storage space");
}

#[test]
fn tokens_are_long_and_differ() {
    let (one, two) = (fresh_token().unwrap(), fresh_token().unwrap());
    assert_eq!(one.len(), 32);
    assert_ne!(one, two);
}
