//! The base class for Twisted tests that use Django's ORM.

use serde_json::{Value, json};

use super::{Talk, model, project, python, run};
use crate::support::Project;

/// The database as evenly would hand it over: filled, and none that the settings know.
const FILL: &str = "
import sqlite3
sqlite3.connect('clone.sqlite3').executescript('''
CREATE TABLE shop_order (id INTEGER PRIMARY KEY AUTOINCREMENT, item varchar(20) UNIQUE NOT NULL);
CREATE TABLE shop_line (id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id bigint NOT NULL REFERENCES shop_order (id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO shop_order (item) VALUES ('seed');
''')";

/// A run with what `more` makes of the database's URL.
fn play(python: &str, more: impl Fn(&str) -> Value) -> (Project, Talk) {
    let project = project("warm/django_orm");
    assert!(run(&project, python, &["-c", FILL]).status.success());
    let more = more(&format!("sqlite:{}", project.path("clone.sqlite3").display()));
    let mut scenario =
        json!({"options": {"paths": ["shop.test_orders"], "settings": "shop.settings"}});
    for (key, value) in more.as_object().unwrap() {
        scenario[key] = value.clone();
    }
    let talk = Talk::of(&project, python, "trial", &scenario);
    (project, talk)
}

#[test]
fn what_a_test_writes_is_seen_by_its_threads_and_gone_after_it() {
    let Some(python) = python() else { return };
    let expected = "passed shop.test_orders.Orders.test_1_writes\n\
                    passed shop.test_orders.Orders.test_2_gone\n\
                    passed shop.test_orders.Orders.test_3_many_threads\n\
                    passed shop.test_orders.Orders.test_4_gone\n\
                    passed shop.test_orders.Orders.test_5_mirror\n\
                    errored shop.test_orders.Orders.test_6_constraint\n\
                    errored shop.test_orders.Orders.test_7_other\n\
                    failed shop.test_orders.Orders.test_8_fails\n\
                    passed shop.test_orders.Orders.test_9_gone\n\
                    passed shop.test_orders.Synchronous.test_a_writes\n\
                    passed shop.test_orders.Synchronous.test_b_writes\n\
                    errored shop.test_orders.Unknown.test_never\n";
    let ways: [fn(&str) -> Value; 4] = [
        |clone| json!({"databases": {"default": clone}}),
        |clone| json!({"databases": {"main": clone}}),
        |clone| json!({"env": {"DATABASE_URL": clone}}),
        |clone| json!({"env": {"DATABASE_URL": "sqlite:/no", "DATABASE_URL_DEFAULT": clone}}),
    ];
    for way in ways {
        let (project, talk) = play(&python, way);
        assert_eq!(talk.outcomes(), model(expected), "{talk:#?}");
        let message = |test: &str| talk.result(test).message.clone().unwrap();
        let other = message("shop.test_orders.Orders.test_7_other");
        assert!(other.contains("alias `other`, which its `databases` do not name"), "{other}");
        let unknown = message("shop.test_orders.Unknown.test_never");
        assert!(unknown.contains("evenly gave this suite no database"), "{unknown}");
        let count = "import sqlite3\nfile = sqlite3.connect('clone.sqlite3')\n\
                     print(file.execute('SELECT COUNT(*) FROM shop_order').fetchone())";
        assert_eq!(run(&project, &python, &["-c", count]).stdout, b"(1,)\n");
    }
}

#[test]
fn the_projects_own_database_is_never_used() {
    let Some(python) = python() else { return };
    let (_, talk) = play(&python, |_| json!({}));
    assert!(talk.outcomes().values().all(|outcome| outcome == "errored"), "{talk:#?}");
}

#[test]
fn settings_that_are_not_there_are_named() {
    let Some(python) = python() else { return };
    let options = json!({"paths": ["shop.test_orders"], "settings": "shop.nothing"});
    let (_, talk) = play(&python, |_| json!({ "options": options.clone() }));
    assert!(talk.refusal().contains("`settings = \"shop.nothing\"`"), "{talk:#?}");
}
