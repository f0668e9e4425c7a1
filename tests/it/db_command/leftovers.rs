//! `evenly db list` and `clean`.

use rustix::process::Signal;

use super::{SUITE, project};
use crate::support::mariadb::Mariadb;
use crate::support::postgres::{self, PostgresServer};
use crate::support::{Project, Started, until};

/// A project whose one test waits until it is told, on these databases.
fn waiting(databases: &str) -> Project {
    project(databases)
        .file("s.sql", "CREATE TABLE items (a INT);")
        .file("t/a.sh", "echo there > seen; while [ -e seen ]; do read -r x < go; done")
}

/// A run in the middle of its test.
fn started(project: &Project) -> Started {
    let go = project.path("go");
    let made = std::process::Command::new("mkfifo").arg(&go).status().unwrap();
    assert!(made.success());
    let run = project.evenly(&["run"]).start();
    until("the test runs", || project.path("seen").exists());
    run
}

fn found(project: &Project) -> Vec<(String, String, String)> {
    let list = project.evenly(&["db", "list", "--json"]).exits(0);
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let text = |thing: &serde_json::Value, key: &str| thing[key].as_str().unwrap().to_owned();
    let things = list["found"].as_array().unwrap().iter();
    let databases = things.filter(|thing| thing["kind"] != "server");
    databases.map(|it| (text(it, "kind"), text(it, "owner"), text(it, "name"))).collect()
}

fn kinds(project: &Project) -> Vec<(String, String)> {
    found(project).into_iter().map(|(kind, owner, _)| (kind, owner)).collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(kind, owner)| (kind.to_owned(), owner.to_owned())).into()
}

fn survive_and_clean(project: &Project) {
    let run = started(project);
    let alive = [("template", "alive"), ("clone", "alive")];
    assert_eq!(kinds(project), pairs(alive));
    project.evenly(&["db", "clean", "--templates"]).exits(0).lacks("clone");
    assert_eq!(kinds(project), pairs(alive), "a live run lost something");
    run.signal(Signal::KILL);
    run.wait();
    let dead = [("template", "dead"), ("clone", "dead")];
    assert_eq!(kinds(project), pairs(dead));
    let (_, _, clone) = found(project).remove(1);
    let table = project.evenly(&["db", "list"]).exits(0).says(&clone).says("dead");
    table.says("run local, process ");
    let dry = project.evenly(&["db", "clean", "--dry-run"]).exits(0);
    let dry = dry.says(&format!("would remove the clone `{clone}`")).lacks("template `");
    assert!(!dry.stdout.contains("removed the"), "{dry}");
    assert_eq!(kinds(project), pairs(dead), "a dry run removed something");
    project.evenly(&["db", "clean"]).exits(0).says(&format!("removed the clone `{clone}`"));
    assert_eq!(kinds(project), pairs([("template", "dead")]));
    project.evenly(&["db", "clean"]).exits(0).lacks("template `");
    project.evenly(&["db", "clean", "--templates"]).exits(0).says("removed the template `");
    assert_eq!(kinds(project), pairs([]));
}

#[test]
fn what_a_dead_run_left_on_postgres_goes_and_what_a_live_one_has_stays() {
    let server = PostgresServer::start(&postgres::bins()[0]);
    let url = server.url(postgres::ADMIN, "x");
    survive_and_clean(&waiting(&format!("[database.main]\nurl = \"{url}\"\nschema = \"s.sql\"\n")));
}

#[test]
fn what_a_dead_run_left_on_mariadb_goes_and_what_a_live_one_has_stays() {
    let server = Mariadb::start();
    let url = server.url("root", "x");
    survive_and_clean(&waiting(&format!("[database.main]\nurl = \"{url}\"\nschema = \"s.sql\"\n")));
}

#[test]
fn a_dead_managed_server_s_directory_is_listed_and_removed() {
    let project = waiting(
        "[database.main]\nserver = \"managed\"\nengine = \"postgres\"\nschema = \"s.sql\"\n",
    );
    let run = started(&project);
    let pid = run.pid();
    let [home] = &super::homes_of(pid.into())[..] else { panic!("no server") };
    let line = |owner: &str| {
        let list = project.evenly(&["db", "list"]).exits(0);
        let name = home.to_str().unwrap();
        list.stdout.lines().any(|line| line.contains(name) && line.contains(owner))
    };
    assert!(line("alive"));
    run.signal(Signal::KILL);
    run.wait();
    // Another test's run may remove it first: that, too, is what is promised.
    assert!(line("dead") || !home.exists());
    project.evenly(&["db", "clean"]).exits(0);
    assert!(!home.exists());
}

#[test]
fn a_server_that_cannot_be_reached_is_told_after_the_others() {
    let server = PostgresServer::start(&postgres::bins()[0]);
    let url = server.url(postgres::ADMIN, "x");
    let project = Project::new(&format!(
        "{SUITE}[database.gone]\nurl = \"postgres://u:hush@127.0.0.1:1/x\"\n\
         [database.main]\nurl = \"{url}\"\nschema = \"s.sql\"\n\
         [database.unset]\nurl = \"postgres://${{NO_SUCH_VARIABLE}}/x\"\n"
    ));
    let project = project.file("t/a.sh", "exit 0").file("s.sql", "CREATE TABLE items (a INT);");
    project.evenly(&["run"]).exits(0);
    let list = project.evenly(&["db", "list"]).exits(3).says("evenly_tpl_main_");
    let list = list.warns("`[database.gone]`: cannot reach").warns("NO_SUCH_VARIABLE");
    assert!(!list.stderr.contains("hush") && !list.stdout.contains("hush"), "{list}");
    let clean = project.evenly(&["db", "clean", "--templates"]).exits(3);
    clean.says("removed the template `evenly_tpl_main_").warns("cannot reach");
    let json = project.evenly(&["db", "list", "--json"]).exits(3);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["errors"].as_array().unwrap().len(), 2);
}
