//! What becomes of processes that do what they must not: every call ends, with what was told or
//! an error that says why, and nothing is left.

use super::*;
use evenly::model::ProcessEnd;

#[test]
fn a_main_process_that_is_of_no_use_is_an_error_with_its_words() {
    let cases: &[(&[&str], &str)] = &[
        (&["main=refuses"], "there is no suite\n  line one\n  line two"),
        (&["main=dies"], "(signal 11, SIGSEGV)\n  the main process speaks"),
        (&["main=version"], "speaks version 2 of the protocol, and this evenly version 1"),
        (&["a=passes", "main=miscounts"], "told of 1 groups and then said that there are 2"),
        (&["a="], "listed the group `a` without a test"),
        (&["main=nonsense"], "said `collected 3 items`: expected value"),
        (&["main=long"], "said a message of more than 16777216 bytes"),
        (&["a=passes", "main=leaves"], "ended while it was to list its tests (exit status 3)"),
    ];
    block_on(async {
        for (args, says) in cases {
            for processes in BOTH {
                let stage = Stage::new();
                let error = stage.refused(processes, args, LIST_MAX).await.to_string();
                assert!(error.contains(says), "{args:?}: {error}");
            }
        }
        let stage = Stage::new();
        let limit = Duration::from_millis(50);
        let error = stage.refused(Processes::Fork, &["main=never"], limit).await.to_string();
        assert!(error.contains("took longer than"), "{error}");
    });
}

#[test]
fn an_interpreter_that_is_missing_is_named() {
    block_on(async {
        let stage = Stage::new();
        let mut spec = stage.spec(Processes::Fork, &[]);
        spec.argv = vec!["no-such-python".into()];
        let error = Session::start(spec, Stage::options()).await.unwrap_err().to_string();
        assert!(error.contains("cannot run `no-such-python`"), "{error}");
    });
}

#[test]
fn a_death_keeps_what_was_told_and_another_worker_goes_on() {
    let cases = [
        ("exits", ProcessEnd::Exited(7)),
        ("dies", ProcessEnd::Signaled(9)),
        ("crashes", ProcessEnd::Signaled(11)),
    ];
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            for (test, end) in &cases {
                let mut dying = worker(&session, 0).await;
                let ran = stage.run(&mut dying, &["passes", test, "fails"]).await;
                assert_eq!(told(&ran), [("g.passes", Outcome::Passed)], "{test}");
                assert_eq!(running(&ran), [format!("g.{test}")]);
                assert_eq!(ran.end.as_ref(), Some(end));
                assert_eq!(ran.said.close, Close::Died);
                assert!(!dying.is_usable());
                dying.stop().await;
                let mut fresh = worker(&session, 0).await;
                let ran = stage.run(&mut fresh, &["fails"]).await;
                assert_eq!(told(&ran), [("g.fails", Outcome::Failed)]);
                fresh.stop().await;
            }
            let mut dying = worker(&session, 0).await;
            let ran = stage.run(&mut dying, &["passes_and_dies", "fails"]).await;
            assert_eq!(told(&ran), [("g.passes_and_dies", Outcome::Passed)]);
            assert_eq!((running(&ran).len(), &ran.said.close), (0, &Close::Died));
            dying.stop().await;
            session.close().await;
            assert!(session.notes().is_empty());
        }
    });
}

#[test]
fn a_worker_that_says_what_it_must_not_is_killed() {
    let cases = [
        ("says_nonsense", "said `collected 3 items`: expected value"),
        ("says_what_only_main_may", r#"said `{"listed":"#),
        ("gives_up", "gave up: no connection"),
        ("says_too_much", "said a message of more than 16777216 bytes"),
        ("floods", "said more than 268435456 bytes of one group"),
    ];
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            for (test, says) in cases {
                let mut worker = worker(&session, 0).await;
                let ran = stage.run(&mut worker, &["passes", test, "fails"]).await;
                assert!(astray(&ran).contains(says), "{test}: {ran:?}");
                assert_eq!(ran.said.tests[0].name, "g.passes");
                assert_eq!(ran.end, Some(ProcessEnd::Signaled(9)));
                worker.stop().await;
            }
            session.close().await;
            stage.are_gone("workers", cases.len());
        }
    });
}

#[test]
fn a_worker_that_closes_its_socket_and_goes_on_is_killed() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            let mut worker = worker(&session, 0).await;
            let ran = stage.run(&mut worker, &["closes"]).await;
            assert_eq!(running(&ran), ["g.closes"]);
            assert_eq!(ran.end, Some(ProcessEnd::Signaled(9)));
            worker.stop().await;
            session.close().await;
            stage.are_gone("hangs", 1);
        }
    });
}

#[test]
fn what_was_said_after_the_end_of_a_group_is_not_the_next_ones() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            let mut worker = worker(&session, 0).await;
            stage.run(&mut worker, &["finishes_twice", "passes"]).await;
            // The second end, and what came between, is still there.
            until(|| !worker.is_usable()).await;
            worker.stop().await;
            session.close().await;
        }
    });
}

#[test]
fn what_a_worker_left_is_gone_when_its_end_is_told() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            let mut one = worker(&session, 0).await;
            let ran = stage.run(&mut one, &["leaves", "passes"]).await;
            assert_eq!(ran.said.close, Close::Finished { good: true });
            assert!(is_alive(stage.pids("left")[0]), "it lives as long as its worker");
            one.stop().await;
            stage.are_gone("left", 1);
            // It holds the socket, whose end is not seen therefore.
            let mut two = worker(&session, 0).await;
            let ran = stage.run(&mut two, &["leaves_and_dies", "passes"]).await;
            assert_eq!(ran.end, Some(ProcessEnd::Signaled(9)));
            assert_eq!(ran.leaked, ["python3"]);
            stage.are_gone("left", 2);
            two.stop().await;
            session.close().await;
        }
    });
}

#[test]
fn the_leftovers_of_one_worker_are_swept_and_the_others_go_on() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=passes"]).await;
        let (mut one, mut two) = tokio::join!(worker(&session, 0), worker(&session, 1));
        stage.run(&mut one, &["leaves"]).await;
        let ran = stage.run(&mut two, &["leaves_and_dies"]).await;
        assert_eq!(ran.leaked.len(), 1);
        let left = stage.pids("left");
        assert!(is_alive(left[0]) && !is_alive(left[1]), "{left:?}");
        assert!(one.is_usable());
        tokio::join!(one.stop(), two.stop());
        session.close().await;
        stage.are_gone("left", 2);
    });
}

#[test]
fn a_kill_ends_a_worker_whatever_it_does() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            let mut worker = worker(&session, 0).await;
            let tests = ["leaves", "hangs_on"];
            let ran = stage.run_until(&mut worker, &tests, "hangs", Control::Kill).await;
            assert_eq!(told(&ran), [("g.leaves", Outcome::Passed)]);
            assert_eq!(running(&ran), ["g.hangs_on"]);
            assert_eq!(ran.end, Some(ProcessEnd::Signaled(9)));
            stage.are_gone("left", 1);
            stage.are_gone("hangs", 1);
            worker.stop().await;
            session.close().await;
        }
    });
}

#[test]
fn a_main_process_that_a_test_kills_takes_its_workers_along_and_is_started_anew() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=passes"]).await;
        let (mut one, mut two) = tokio::join!(worker(&session, 0), worker(&session, 1));
        let ran = stage.run(&mut one, &["passes", "kills_main"]).await;
        assert_eq!(told(&ran), [("g.passes", Outcome::Passed)]);
        assert_eq!(running(&ran), ["g.kills_main"]);
        let ProcessEnd::Unknown(why) = ran.end.unwrap() else { panic!("its end is not known") };
        assert_eq!(why, "its main process: it ended (signal 9, SIGKILL)");
        one.stop().await;
        until(|| !two.is_usable()).await;
        two.stop().await;
        stage.are_gone("workers", 2);
        let mut fresh = worker(&session, 0).await;
        let ran = stage.run(&mut fresh, &["fails"]).await;
        assert_eq!(told(&ran), [("g.fails", Outcome::Failed)]);
        let notes = session.notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains("is started anew: it ended (signal 9, SIGKILL)"), "{notes:?}");
        fresh.stop().await;
        session.close().await;
    });
}

#[test]
fn a_main_process_that_a_test_stops_is_ended() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=passes"]).await;
        let mut worker = worker(&session, 0).await;
        let ran = stage.run(&mut worker, &["stops_main", "fails"]).await;
        assert_eq!(told(&ran), [("g.stops_main", Outcome::Passed)]);
        assert_eq!(ran.said.close, Close::Died);
        worker.stop().await;
        session.close().await;
        stage.are_gone("workers", 1);
    });
}

#[test]
fn a_main_process_that_dies_when_it_is_to_fork_is_told_and_the_next_one_forks() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=passes", "main=dies-at-fork"]).await;
        let error = session.worker(0, &BTreeMap::new()).await.unwrap_err().to_string();
        assert!(error.contains("it ended (exit status 9)"), "{error}");
        assert_eq!(stage.text("forks").lines().count(), 2, "one main process after the other");
        assert_eq!(session.notes().len(), 2);
        fs::write(stage.path("mended"), "").unwrap();
        let mut worker = worker(&session, 0).await;
        let ran = stage.run(&mut worker, &["passes"]).await;
        assert_eq!(told(&ran), [("g.passes", Outcome::Passed)]);
        worker.stop().await;
        session.close().await;
    });
}
