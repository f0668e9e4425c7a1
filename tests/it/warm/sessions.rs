//! What a session promises of processes that do as they should.

use super::*;
use evenly::framework::Renewal;
use evenly::framework::protocol::WarmGroup;
use evenly::model::ProcessEnd;
use std::collections::BTreeMap;

#[test]
fn groups_are_listed_in_their_order_with_what_is_special_about_them() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let args = ["late.b=passes,fails", "a=passes", "main=databases"];
            let spec = stage.spec(processes, &args);
            let session = Session::start(spec, Stage::options()).await.unwrap();
            assert_eq!(session.ready().framework, "Scripted 1");
            assert_eq!(session.ready().forks, processes == Processes::Fork);
            let listing = session.list(LIST_MAX).await.unwrap();
            let group = |name: &str, tests: &[&str], late| WarmGroup {
                name: name.to_owned(),
                tests: tests.iter().map(|test| format!("{name}.{test}")).collect(),
                databases: vec!["default".to_owned()],
                dirties: vec!["default".to_owned()],
                late,
            };
            let expected =
                [group("late.b", &["passes", "fails"], true), group("a", &["passes"], false)];
            assert_eq!(listing.groups, expected);
            session.close().await;
        }
    });
}

#[test]
fn a_worker_runs_one_group_after_the_other_and_prints_where_it_is_told() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            let mut worker = worker(&session, 3).await;
            for round in 1..=3 {
                let ran = stage.run(&mut worker, &["passes", "fails", "skips"]).await;
                let expected = [
                    ("g.passes", Outcome::Passed),
                    ("g.fails", Outcome::Failed),
                    ("g.skips", Outcome::Skipped),
                ];
                assert_eq!(told(&ran), expected);
                assert_eq!(ran.said.close, Close::Finished { good: false });
                assert_eq!((&ran.end, running(&ran).len()), (&None, 0));
                assert_eq!(ran.said.tests[1].message.as_deref(), Some("1 != 2"));
                assert_eq!(stage.text("output").lines().count(), 3 * round);
                assert!(worker.is_usable());
            }
            assert!(stage.text("output").starts_with("running g.passes in 3\n"));
            worker.stop().await;
            session.close().await;
            stage.are_gone("workers", 1);
            assert_eq!(stage.pids("stopped"), stage.pids("workers"));
        }
    });
}

#[test]
fn workers_run_side_by_side_and_import_once_where_they_fork() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=passes"]).await;
            let (mut one, mut two) = tokio::join!(worker(&session, 0), worker(&session, 1));
            let (first, second) =
                tokio::join!(stage.run(&mut one, &["passes"]), stage.run(&mut two, &["fails"]));
            assert_eq!(told(&first), [("g.passes", Outcome::Passed)]);
            assert_eq!(told(&second), [("g.fails", Outcome::Failed)]);
            let started = dir_of(&stage.path("scratch"));
            assert_eq!(started, if processes == Processes::Fork { 1 } else { 2 });
            tokio::join!(one.stop(), two.stop());
            session.close().await;
            stage.are_gone("workers", 2);
        }
    });
}

#[test]
fn a_worker_is_due_by_its_memory_or_its_groups() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=passes"]).await;
        let mut worker = worker(&session, 0).await;
        let memory = Renewal { memory_bytes: Some(3 << 20), groups: None };
        let groups = Renewal { memory_bytes: None, groups: Some(4) };
        for round in 1..=4 {
            stage.run(&mut worker, &["passes"]).await;
            assert_eq!(worker.is_due(memory), round > 3);
            assert_eq!(worker.is_due(groups), round >= 4);
            assert!(!worker.is_due(Renewal::default()));
        }
        worker.stop().await;
        session.close().await;
    });
}

#[test]
fn databases_are_prepared_by_a_worker_and_dirty_ones_are_told() {
    block_on(async {
        let stage = Stage::new();
        let output = stage.path("prepared");
        let (output, none) = (output.to_str().unwrap(), BTreeMap::new());
        let session = stage.session(Processes::Fork, &["g=dirties"]).await;
        let mut worker = worker(&session, 0).await;
        worker.prepare("default", "sqlite:///x", output, &none, LIST_MAX).await.unwrap();
        let ran = stage.run(&mut worker, &["dirties"]).await;
        assert_eq!(ran.dirty, ["default"]);
        worker.stop().await;
        session.close().await;

        let session = stage.session(Processes::Fork, &["main=unprepared"]).await;
        let mut worker = super::worker(&session, 0).await;
        let error =
            worker.prepare("default", "sqlite:///x", output, &none, LIST_MAX).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot migrate");
        assert!(!worker.is_usable());
        worker.stop().await;
        session.close().await;
        stage.are_gone("workers", 2);
    });
}

#[test]
fn what_is_printed_is_no_message() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=prints"]).await;
        let mut worker = worker(&session, 0).await;
        let ran = stage.run(&mut worker, &["prints"]).await;
        assert_eq!(told(&ran), [("g.prints", Outcome::Passed)]);
        assert!(stage.text("output").contains("group-finished"));
        worker.stop().await;
        session.close().await;
    });
}

#[test]
fn a_message_of_megabytes_arrives_whole() {
    block_on(async {
        let stage = Stage::new();
        let session = stage.session(Processes::Fork, &["g=says_long_things"]).await;
        let mut worker = worker(&session, 0).await;
        let ran = stage.run(&mut worker, &["says_long_things", "passes"]).await;
        let detail = ran.said.tests[0].detail.as_deref().unwrap();
        assert_eq!(detail.len(), 4 << 20);
        assert_eq!(ran.said.tests.len(), 2);
        worker.stop().await;
        session.close().await;
    });
}

#[test]
fn a_signal_reaches_a_worker_and_what_it_says_to_it_is_in_the_output() {
    block_on(async {
        for processes in BOTH {
            let stage = Stage::new();
            let session = stage.session(processes, &["g=hangs"]).await;
            let mut worker = worker(&session, 0).await;
            let tests = ["passes", "hangs_with_stacks", "fails"];
            let abort = Control::Signal(6);
            let ran = stage.run_until(&mut worker, &tests, "hangs", abort).await;
            assert_eq!(told(&ran), [("g.passes", Outcome::Passed)]);
            assert_eq!(running(&ran), ["g.hangs_with_stacks"]);
            assert_eq!(ran.end, Some(ProcessEnd::Signaled(6)));
            assert!(stage.text("output").contains("the stacks"));
            assert!(!worker.is_usable());
            worker.stop().await;
            session.close().await;
        }
    });
}

#[test]
fn a_dropped_session_leaves_nothing() {
    for processes in BOTH {
        let stage = Stage::new();
        block_on(async {
            let session = stage.session(processes, &["g=hangs_on"]).await;
            let mut worker = worker(&session, 0).await;
            let (_controls, mut obeyed) = mpsc::channel(1);
            let run = worker.run(stage.order(&["hangs_on"]), &mut obeyed);
            let hangs = until(|| !stage.pids("hangs").is_empty());
            tokio::select! {
                _ = run => panic!("it hangs"),
                () = hangs => {}
            }
        });
        let worker = stage.pids("hangs")[0];
        crate::support::until("the worker is gone", || !is_alive(worker));
    }
}
