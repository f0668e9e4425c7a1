//! Postgres that is busy, refuses, dies, or holds what killed runs left.

use evenly::db::DbError;

use super::*;

#[test]
fn two_builders_wait_for_each_other() {
    each(async |server| {
        let mut first = connected(server, ADMIN).await;
        let url = opened(&mut first, "both").await;
        let mut second = connected(server, ADMIN).await;
        let waiting = tokio::spawn(async move {
            matches!(second.open_template(&template("both"), &owner()).await, Ok(Template::Ready))
        });
        let mut watch = admin(server).await;
        let waits = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' \
                     AND NOT granted";
        while value(&mut watch, waits).await == "0" {
            tokio::task::yield_now().await;
        }
        run(&mut session(&url).await, &["CREATE TABLE t ()"]).await;
        assert!(!waiting.is_finished());
        first.finish_template(&template("both")).await.unwrap();
        assert!(waiting.await.unwrap(), "the second did not find it finished");
    });
}

#[test]
fn what_a_killed_builder_left_is_built_anew() {
    each(async |server| {
        let mut killed = connected(server, ADMIN).await;
        let url = opened(&mut killed, "half").await;
        let mut left = session(&url).await;
        run(&mut left, &["CREATE TABLE half ()"]).await;
        // Its connections close as a killed process' do, and what it started goes on.
        drop(killed);
        let mut ours = connected(server, ADMIN).await;
        let error = ours.clone_template(&template("half"), &named("c"), &owner()).await;
        assert!(error.unwrap_err().to_string().contains("it is not finished"));
        let mut filling = session(&opened(&mut ours, "half").await).await;
        let half = "SELECT count(*)::text FROM pg_class WHERE relname = 'half'";
        assert_eq!(value(&mut filling, half).await, "0");
        filling.close().await.unwrap();
        ours.finish_template(&template("half")).await.unwrap();
    });
}

#[test]
fn an_abandoned_template_is_gone() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let mut held = session(&opened(&mut ours, "abandoned").await).await;
        ours.abandon_template(&template("abandoned")).await.unwrap();
        assert!(held.ping().await.is_err());
        assert!(!exists(&mut admin(server).await, "abandoned").await);
        opened(&mut ours, "abandoned").await;
        let twice = ours.open_template(&template("abandoned"), &owner()).await.unwrap_err();
        assert!(twice.to_string().contains("filling it already"), "{twice}");
    });
}

#[test]
fn a_template_that_was_made_anew_by_its_command_is_taken() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let url = opened(&mut ours, "reset").await;
        let mut outside = admin(server).await;
        run(&mut outside, &["DROP DATABASE reset", "CREATE DATABASE reset"]).await;
        run(&mut session(&url).await, &["CREATE TABLE t ()"]).await;
        ours.finish_template(&template("reset")).await.unwrap();
        let clone = cloned(&ours, &template("reset"), "reset_clone").await;
        run(&mut session(&ours.url(&clone)).await, &["SELECT FROM t"]).await;
        opened(&mut ours, "gone").await;
        run(&mut outside, &["DROP DATABASE gone"]).await;
        let error = ours.finish_template(&template("gone")).await.unwrap_err();
        assert!(error.to_string().contains("dropped it"), "{error}");
        ours.abandon_template(&template("gone")).await.unwrap();
    });
}

#[test]
fn a_background_session_that_comes_back_is_kept_off() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let url = opened(&mut ours, "background").await;
        let first = session(&url).await;
        let scheduler = tokio::spawn(async move {
            let mut current = first;
            loop {
                if current.ping().await.is_err()
                    && let Ok(back) = PgConnection::connect(&url).await
                {
                    current = back;
                }
                tokio::task::yield_now().await;
            }
        });
        ours.finish_template(&template("background")).await.unwrap();
        cloned(&ours, &template("background"), "background_clone").await;
        scheduler.abort();
    });
}

#[test]
fn a_session_that_came_onto_a_finished_template_is_ended() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "entered", &[]).await;
        let mut outside = admin(server).await;
        run(&mut outside, &["ALTER DATABASE entered ALLOW_CONNECTIONS true"]).await;
        let mut held = session(&ours.url(&from.0)).await;
        cloned(&ours, &from, "entered_clone").await;
        assert!(held.ping().await.is_err());
    });
}

#[test]
fn who_cannot_be_ended_is_named() {
    each(async |server| {
        run(&mut admin(server).await, &["CREATE ROLE weak LOGIN CREATEDB"]).await;
        let mut ours = connected(server, "weak").await;
        opened(&mut ours, "guarded").await;
        let url = server.url(ADMIN, "guarded") + "&application_name=the%20guard";
        let mut guard = session(&url).await;
        let pid = value(&mut guard, "SELECT pg_backend_pid()::text").await;
        let error = ours.finish_template(&template("guarded")).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, DbError::Busy { .. }), "{said}");
        let who = format!("`the guard` of user `postgres` (process {pid}");
        assert!(said.contains(&who), "{said}");
        guard.ping().await.unwrap();
        guard.close().await.unwrap();
        ours.abandon_template(&template("guarded")).await.unwrap();
    });
}

#[test]
fn a_session_on_a_stranger_is_named_and_lives() {
    each(async |server| {
        run(&mut admin(server).await, &["CREATE DATABASE held"]).await;
        let mut held = session(&(server.url(ADMIN, "held") + "&application_name=psql")).await;
        run(&mut held, &["BEGIN"]).await;
        let ours = connected(server, ADMIN).await;
        let error = ours.clone_template(&template("held"), &named("c2"), &owner()).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains("`psql` of user `postgres`"), "{said}");
        assert!(said.contains("idle in transaction"), "{said}");
        held.ping().await.unwrap();
    });
}

#[test]
fn strangers_are_left_alone() {
    each(async |server| {
        let mut outside = admin(server).await;
        run(&mut outside, &["CREATE DATABASE shop_live"]).await;
        run(&mut session(&server.url(ADMIN, "shop_live")).await, &["CREATE TABLE money ()"]).await;
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "for_stranger", &[]).await;
        let live = named("shop_live");
        let errors = [
            ours.clone_template(&from, &live, &owner()).await.unwrap_err(),
            ours.drop_database(&live).await.unwrap_err(),
            ours.open_template(&template("shop_live"), &owner()).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(&error, DbError::Stranger(name) if *name == live), "{error}");
        }
        run(&mut session(&server.url(ADMIN, "shop_live")).await, &["SELECT FROM money"]).await;
    });
}

#[test]
fn what_is_held_is_dropped_all_the_same() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "crash", &["CREATE TABLE t (a int)"]).await;
        let clone = cloned(&ours, &from, "crash_clone").await;
        let mut crashed = session(&ours.url(&clone)).await;
        run(&mut crashed, &["BEGIN; LOCK TABLE t"]).await;
        let mut prepared = session(&ours.url(&clone)).await;
        run(&mut prepared, &["BEGIN; CREATE TABLE u (); PREPARE TRANSACTION 'it''s left'"]).await;
        run(&mut admin(server).await, &["ALTER DATABASE crash_clone IS_TEMPLATE true"]).await;
        ours.drop_database(&clone).await.unwrap();
        assert!(!exists(&mut admin(server).await, "crash_clone").await);
        ours.drop_database(&clone).await.unwrap();
    });
}

#[test]
fn an_interrupted_removal_is_completed() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "invalid", &[]).await;
        let clone = cloned(&ours, &from, "invalid_clone").await;
        let invalid = "UPDATE pg_database SET datconnlimit = -2 WHERE datname LIKE 'invalid%'";
        run(&mut admin(server).await, &[invalid]).await;
        let error = ours.clone_template(&from, &named("c3"), &owner()).await.unwrap_err();
        assert!(error.to_string().contains("interrupted"), "{error}");
        ours.drop_database(&clone).await.unwrap();
        opened(&mut ours, "invalid").await;
    });
}

#[test]
fn a_changed_collation_is_told_with_its_cure() {
    each(async |server| {
        let mut outside = admin(server).await;
        let icu = "CREATE DATABASE collated TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'";
        if let Err(error) = outside.execute(icu).await {
            assert!(error.to_string().contains("ICU is not supported"), "{error}");
            return;
        }
        let old = "UPDATE pg_database SET datcollversion = '1' WHERE datname = 'collated'";
        run(&mut outside, &[old]).await;
        let ours = connected(server, ADMIN).await;
        let error = ours.clone_template(&template("collated"), &named("c4"), &owner()).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains("collation version mismatch"), "{said}");
        assert!(said.contains("REFRESH COLLATION VERSION"), "{said}");
    });
}

async fn refusal(url: &str) -> DbError {
    Server::connect(&location(url)).await.expect_err("it was let in")
}

#[test]
fn who_may_not_is_told_at_once() {
    each(async |server| {
        let roles =
            ["CREATE ROLE locked LOGIN CREATEDB PASSWORD 'right'", "CREATE ROLE poor LOGIN"];
        run(&mut admin(server).await, &roles).await;
        let error = refusal(&server.url("locked:wr0ng", "shop")).await;
        assert!(matches!(error, DbError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("`locked`: password authentication failed"), "{error}");
        assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error:?}");
        connected(server, "locked:right").await;
        let server_of_locked = connected(server, "locked:right").await;
        assert!(!format!("{server_of_locked:?}").contains("right"), "{server_of_locked:?}");
        let error = refusal(&server.url("poor", "shop")).await;
        assert!(matches!(error, DbError::Rights { .. }), "{error}");
        assert!(error.to_string().contains("`ALTER ROLE \"poor\" CREATEDB`"), "{error}");
        let error = refusal(&server.url("unwanted", "shop")).await;
        assert!(matches!(error, DbError::Refused { .. }), "{error}");
        let error = refusal("postgres://me:secret@localhost/shop?host=/nowhere").await;
        assert!(matches!(error, DbError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("/nowhere/.s.PGSQL.5432"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    });
}

#[test]
fn another_maintenance_database_will_do() {
    each(async |server| {
        run(&mut admin(server).await, &["CREATE ROLE fenced LOGIN CREATEDB"]).await;
        let mut ours = connected(server, "fenced").await;
        let from = built(&mut ours, "fenced", &[]).await;
        cloned(&ours, &from, "fenced_clone").await;
    });
}

#[test]
fn a_database_that_may_not_be_copied_is_told_with_its_cure() {
    each(async |server| {
        let setup = ["CREATE ROLE reader LOGIN CREATEDB", "CREATE DATABASE closed"];
        run(&mut admin(server).await, &setup).await;
        let ours = connected(server, "reader").await;
        let error = ours.clone_template(&template("closed"), &named("c5"), &owner()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, DbError::Rights { .. }), "{error}");
        let cure = "`GRANT \"postgres\" TO \"reader\"`";
        assert!(error.to_string().contains(cure), "{error}");
        assert!(!exists(&mut admin(server).await, "c5").await);
    });
}

#[test]
fn a_restart_in_mid_run_is_waited_for() {
    let server = PostgresServer::start(&crate::support::postgres::bins()[0]);
    block_on(async {
        let mut ours = connected(&server, ADMIN).await;
        let from = built(&mut ours, "stays", &["CREATE TABLE t ()"]).await;
        let mut filling = session(&opened(&mut ours, "kept").await).await;
        run(&mut filling, &["CREATE TABLE t ()"]).await;
        server.down();
        let name = named("after");
        let mine = owner();
        let clone = ours.clone_template(&from, &name, &mine);
        let mut clone = Box::pin(clone);
        let early = tokio::time::timeout(MOMENT, &mut clone).await;
        assert!(early.is_err(), "it did not wait: {early:?}");
        server.up();
        clone.as_mut().await.unwrap();
        drop(clone);
        run(&mut session(&ours.url(&name)).await, &["SELECT FROM t"]).await;
        // The lock went with the server, and nobody took it.
        ours.finish_template(&template("kept")).await.unwrap();
        cloned(&ours, &template("kept"), "kept_clone").await;
        // Another one did.
        opened(&mut ours, "taken").await;
        server.down();
        server.up();
        let mut other = connected(&server, ADMIN).await;
        opened(&mut other, "taken").await;
        let error = ours.finish_template(&template("taken")).await.unwrap_err();
        assert!(error.to_string().contains("another run took it over"), "{error}");
        other.finish_template(&template("taken")).await.unwrap();
    });
}
