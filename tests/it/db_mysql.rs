//! MySQL clones against a real MariaDB. That a clone equals its template is shown by their dumps.

use std::path::PathBuf;
use std::sync::Arc;

use evenly::db::{
    DatabaseName, DbError, Engine, Found, Kind, Location, Naming, Owner, Server, Template,
    TemplateName,
};
use sqlx::{Connection, Executor, MySqlConnection};

use crate::support::mariadb::Mariadb;

mod many;

const EVERYTHING: &str = include_str!("../data/db/mysql.sql");

fn owner() -> Owner {
    Owner {
        run: "42".to_owned(),
        host: "here".to_owned(),
        pid: 7,
        started: "1".to_owned(),
        until: "2030-01-01T00:00:00Z".parse().unwrap(),
    }
}

async fn connect_as(mariadb: &Mariadb, user: &str) -> Result<Server, DbError> {
    let url = mariadb.url(user, "not_there");
    Server::connect(&Location::parse(&url, PathBuf::new()).unwrap()).await
}

async fn connect(mariadb: &Mariadb) -> Server {
    connect_as(mariadb, "root").await.unwrap()
}

/// Names that no other test on the same server has.
fn names(test: &str) -> (TemplateName, DatabaseName) {
    let naming = Naming { engine: Engine::Mysql, tag: Some("0a1b2c3d".to_owned()) };
    (TemplateName::new(Engine::Mysql, test, "0123456789abcdef"), naming.clone_of(3, test, None))
}

async fn build(server: &mut Server, mariadb: &Mariadb, template: &TemplateName, schema: &str) {
    let opened = server.open_template(template, &owner()).await.unwrap();
    assert!(matches!(opened, Template::Empty { .. }), "{opened:?}");
    fill(mariadb, &template.0, schema);
    server.finish_template(template).await.unwrap();
}

fn fill(mariadb: &Mariadb, database: &DatabaseName, schema: &str) {
    let quoted = database.as_str().replace('`', "``");
    mariadb.sql(&format!("USE `{quoted}`;\n{}", schema.replace("TEMPLATE", &quoted)));
}

/// The dumps are the same but for the databases' own names.
#[track_caller]
fn assert_equal(mariadb: &Mariadb, template: &DatabaseName, clone: &DatabaseName) {
    let quoted = |name: &DatabaseName| format!("`{}`", name.as_str().replace('`', "``"));
    let [there, here] = [template, clone].map(|name| mariadb.dump(name.as_str()));
    let here = here.replace(&quoted(clone), &quoted(template));
    let plain = plain_names(&there, template);
    if plain == here {
        return;
    }
    let differ = plain.lines().zip(here.lines()).filter(|(a, b)| a != b).take(9);
    let differ: Vec<_> = differ.map(|(a, b)| format!("- {a}\n+ {b}")).collect();
    let [a, b] = [&plain, &here].map(|dump| dump.lines().count());
    panic!("{a} lines of the template, {b} of the clone:\n{}", differ.join("\n"));
}

/// Bodies may name the template without quotes, or with others; where they do, the clone has it in
/// backticks.
fn plain_names(dump: &str, template: &DatabaseName) -> String {
    let name = template.as_str();
    let mut dump = dump.to_owned();
    for word in ["TRIGGER", "ON", "INTO", "FROM", "UPDATE"] {
        dump = dump.replace(&format!("{word} {name}."), &format!("{word} `{name}`."));
    }
    dump.replace(&format!("FROM \"{name}\"."), &format!("FROM `{name}`."))
}

fn exists(mariadb: &Mariadb, database: &DatabaseName) -> bool {
    let name = database.as_str();
    !mariadb
        .sql(&format!("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}'"))
        .is_empty()
}

async fn listed(server: &Server, name: &DatabaseName) -> Vec<Found> {
    server.list().await.unwrap().into_iter().filter(|found| found.name == *name).collect()
}

#[tokio::test]
async fn a_clone_of_everything_equals_its_template() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let (template, clone) = names("everything");
    build(&mut server, &mariadb, &template, EVERYTHING).await;
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    assert_equal(&mariadb, &template.0, &clone);
    let facts = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, EXTRA, COLLATION_NAME, \
         GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='{clone}'; \
         SHOW CREATE DATABASE {clone}; SELECT ACTION_ORDER, TRIGGER_NAME, SQL_MODE, \
         CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION \
         FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='{clone}'; \
         SELECT ROUTINE_NAME, SQL_MODE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DEFINER, \
         DATABASE_COLLATION, SQL_DATA_ACCESS, SECURITY_TYPE FROM information_schema.ROUTINES \
         WHERE ROUTINE_SCHEMA='{clone}'; SELECT EVENT_NAME, STATUS, TIME_ZONE, STARTS, SQL_MODE, \
         INTERVAL_FIELD FROM information_schema.EVENTS WHERE EVENT_SCHEMA='{clone}'; \
         SELECT TABLE_NAME, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, SECURITY_TYPE, DEFINER \
         FROM information_schema.VIEWS WHERE TABLE_SCHEMA='{clone}'; \
         SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME, DELETE_RULE, \
         UNIQUE_CONSTRAINT_SCHEMA = '{clone}' FROM \
         information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA='{clone}'"
    );
    let sorted = |name: &DatabaseName| {
        let told = mariadb.sql(&facts.replace(clone.as_str(), name.as_str()));
        let told = told.replace(clone.as_str(), template.0.as_str());
        let mut lines: Vec<_> = told.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(&clone), sorted(&template.0));
}

/// What the clone does stays in the clone.
#[tokio::test]
async fn a_clone_works_on_itself() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let (template, clone) = names("alone");
    build(&mut server, &mariadb, &template, EVERYTHING).await;
    let before = mariadb.dump(template.0.as_str());
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    let told = mariadb.sql(&format!(
        "CREATE USER IF NOT EXISTS 'some`one'@'%'; GRANT ALL ON *.* TO 'some`one'@'%'; \
         USE {clone}; INSERT INTO numbered (v) VALUES (3); DELETE FROM counted WHERE id = 5; \
         CALL `odd ``name`(9, @out); SELECT @out; SELECT COUNT(*) FROM empty; \
         SELECT total(v) FROM counted; SELECT s, t FROM m LIMIT 1; \
         INSERT INTO counted (v) VALUES (4); SELECT LAST_INSERT_ID(); DROP USER 'some`one'@'%'"
    ));
    let name = &template.0;
    let wanted = format!("back\\\\1{name}.counted\n4\n18\n{name}.z and `{name}`.`z`\t2\n1000\n");
    assert_eq!(told, wanted);
    assert_eq!(mariadb.dump(template.0.as_str()), before);
}

async fn sixteen_clones(
    server: Server,
    template: &TemplateName,
) -> (Arc<Server>, Vec<DatabaseName>) {
    let server = Arc::new(server);
    let naming = Naming { engine: Engine::Mysql, tag: None };
    let mut clones = tokio::task::JoinSet::new();
    for worker in 0..16 {
        let (server, template) = (server.clone(), template.clone());
        let clone = naming.clone_of(worker, "many", None);
        clones.spawn(async move {
            server.clone_template(&template, &clone, &owner()).await.unwrap();
            clone
        });
    }
    let clones = clones.join_all().await;
    assert_eq!(clones.len(), 16);
    (server, clones)
}

#[tokio::test]
async fn sixteen_clones_at_once() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let (template, _) = names("many");
    build(&mut server, &mariadb, &template, EVERYTHING).await;
    let (server, clones) = sixteen_clones(server, &template).await;
    for clone in &clones {
        assert_equal(&mariadb, &template.0, clone);
        server.drop_database(clone).await.unwrap();
        assert!(!exists(&mariadb, clone) && listed(&server, clone).await.is_empty());
    }
}

#[tokio::test]
async fn a_second_builder_waits_and_finds_it_finished() {
    let mariadb = Mariadb::shared();
    let (template, _) = names("two");
    let mut first = connect(&mariadb).await;
    let mut second = connect(&mariadb).await;
    let opened = first.open_template(&template, &owner()).await.unwrap();
    assert!(matches!(opened, Template::Empty { .. }));
    let name = template.clone();
    let waiting = tokio::spawn(async move { second.open_template(&name, &owner()).await });
    while mariadb.sql("SHOW PROCESSLIST").matches("GET_LOCK").count() == 0 {
        tokio::task::yield_now().await;
    }
    fill(&mariadb, &template.0, "CREATE TABLE t (a INT)");
    first.finish_template(&template).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Template::Ready));
}

#[tokio::test]
async fn what_a_killed_builder_left_is_built_again() {
    let mariadb = Mariadb::shared();
    let (template, clone) = names("killed");
    let mut killed = connect(&mariadb).await;
    killed.open_template(&template, &owner()).await.unwrap();
    fill(&mariadb, &template.0, "CREATE TABLE half (a INT)");
    drop(killed);
    let mut server = connect(&mariadb).await;
    let error = server.clone_template(&template, &clone, &owner()).await.unwrap_err();
    assert!(error.to_string().contains("not finished"), "{error}");
    build(&mut server, &mariadb, &template, "CREATE TABLE whole (a INT)").await;
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    assert_eq!(mariadb.sql(&format!("SHOW TABLES IN {clone}")), "whole\n");
    let kinds: Vec<_> = listed(&server, &template.0).await.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::Template]);
    let opened = server.open_template(&template, &owner()).await.unwrap();
    assert!(matches!(opened, Template::Ready));
}

#[tokio::test]
async fn an_abandoned_template_is_gone() {
    let mariadb = Mariadb::shared();
    let (template, _) = names("abandoned");
    let mut server = connect(&mariadb).await;
    server.open_template(&template, &owner()).await.unwrap();
    server.abandon_template(&template).await.unwrap();
    assert!(!exists(&mariadb, &template.0) && listed(&server, &template.0).await.is_empty());
    assert!(server.finish_template(&template).await.is_err());
}

#[tokio::test]
async fn who_may_not_is_told_without_the_password() {
    let mariadb = Mariadb::shared();
    mariadb.sql(
        "CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'hunter2'; \
         GRANT SELECT ON mysql.* TO reader@localhost",
    );
    let wrong = connect_as(&mariadb, "reader:wrong-one").await.unwrap_err();
    assert!(matches!(&wrong, DbError::Refused { user, .. } if user == "reader"), "{wrong:?}");
    let poor = connect_as(&mariadb, "reader:hunter2").await.unwrap_err();
    assert!(matches!(&poor, DbError::Rights { .. }), "{poor:?}");
    for error in [wrong, poor] {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("wrong-one") && !told.contains("hunter2"), "{told}");
    }
    let nowhere = Location::parse("mysql://u:hunter2@localhost/x?socket=/none", PathBuf::new());
    let error = Server::connect(&nowhere.unwrap()).await.unwrap_err();
    assert!(matches!(&error, DbError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn rights_on_our_own_names_are_enough() {
    let mariadb = Mariadb::shared();
    mariadb.sql(
        "CREATE OR REPLACE USER tester@localhost; \
         GRANT ALL ON `test\\_%`.* TO tester@localhost; \
         GRANT ALL ON `evenly\\_%`.* TO tester@localhost",
    );
    let (template, clone) = names("rights");
    let mut server = connect_as(&mariadb, "tester").await.unwrap();
    let mine = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)";
    build(&mut server, &mariadb, &template, mine).await;
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    assert_equal(&mariadb, &template.0, &clone);
    let (template, clone) = names("rights_of_others");
    let others = "CREATE DEFINER = root@localhost VIEW v AS SELECT 1 AS a";
    build(&mut server, &mariadb, &template, others).await;
    let error = server.clone_template(&template, &clone, &owner()).await.unwrap_err();
    assert!(matches!(&error, DbError::Rights { .. }), "{error:?}");
    assert!(!exists(&mariadb, &clone) && listed(&server, &clone).await.is_empty());
}

#[tokio::test]
async fn a_strangers_database_is_never_touched() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let (template, clone) = names("mine");
    build(&mut server, &mariadb, &template, "CREATE TABLE t (a INT)").await;
    mariadb.sql(&format!("CREATE DATABASE {clone}; CREATE TABLE {clone}.dear (a INT)"));
    let refused = [
        server.clone_template(&template, &clone, &owner()).await.unwrap_err(),
        server.drop_database(&clone).await.unwrap_err(),
        server.open_template(&TemplateName(clone.clone()), &owner()).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(&error, DbError::Stranger(name) if *name == clone), "{error:?}");
    }
    assert_eq!(mariadb.sql(&format!("SHOW TABLES IN {clone}")), "dear\n");
    // A row that a run wrote just before it was killed does not make it ours.
    let mine = "SELECT MIN(mark) INTO @mark FROM evenly_registry.`databases`;";
    mariadb.sql(&format!(
        "{mine} INSERT INTO evenly_registry.`databases` VALUES ('{clone}', 0, @mark)"
    ));
    let error = server.drop_database(&clone).await.unwrap_err();
    assert!(matches!(error, DbError::Stranger(_)), "{error:?}");
    assert!(listed(&server, &clone).await.is_empty());
}

/// `prepare = false`, under a name that wants to break out.
#[tokio::test]
async fn a_strangers_database_may_be_the_template() {
    let mariadb = Mariadb::shared();
    let server = connect(&mariadb).await;
    let name = "sh`op 'x\" ünï; --";
    let (stranger, (_, clone)) = (DatabaseName::existing(name), names("of_a_stranger"));
    mariadb.sql(&format!("CREATE DATABASE `{}`", name.replace('`', "``")));
    let schema = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1); CREATE SEQUENCE s; \
         CREATE FUNCTION f() RETURNS INT RETURN 1; \
         CREATE VIEW v AS SELECT a, `TEMPLATE`.f() FROM `TEMPLATE`.t \
         UNION SELECT Host, 2 FROM mysql.user";
    fill(&mariadb, &stranger, schema);
    let before = mariadb.dump(name);
    let template = TemplateName(stranger.clone());
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    assert_equal(&mariadb, &stranger, &clone);
    assert_eq!(mariadb.dump(name), before);
    assert!(listed(&server, &stranger).await.is_empty());
    let error = server.drop_database(&stranger).await.unwrap_err();
    assert!(matches!(error, DbError::Stranger(_)), "{error:?}");
}

#[tokio::test]
async fn names_go_to_the_servers_limit() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let long = "ünï`x".repeat(20);
    let (template, clone) = names(&long);
    assert!(clone.as_str().len() > 60 && template.0.as_str().len() > 60);
    let opened = server.open_template(&template, &owner()).await.unwrap();
    let Template::Empty { url } = opened else { panic!("{opened:?}") };
    let mut there = MySqlConnection::connect(&url).await.unwrap();
    there.execute("CREATE TABLE t (a INT)").await.unwrap();
    server.finish_template(&template).await.unwrap();
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    let mut here = MySqlConnection::connect(&server.url(&clone)).await.unwrap();
    here.execute("INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!(listed(&server, &clone).await.len(), 1);
    server.drop_database(&clone).await.unwrap();
    assert!(listed(&server, &clone).await.is_empty());
}

#[tokio::test]
async fn sessions_that_hold_a_clone_are_ended() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let (template, clone) = names("held");
    build(&mut server, &mariadb, &template, "CREATE TABLE t (a INT)").await;
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    let mut holder = MySqlConnection::connect(&server.url(&clone)).await.unwrap();
    holder.execute("BEGIN").await.unwrap();
    holder.execute("SELECT * FROM t").await.unwrap();
    // Made again in its place, then dropped.
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    assert!(holder.execute("SELECT 1").await.is_err());
    server.drop_database(&clone).await.unwrap();
    server.drop_database(&clone).await.unwrap();
    server.close().await;
}

fn busy(error: &DbError) -> Option<(&DatabaseName, &str)> {
    match error {
        DbError::Busy { database, sessions } => Some((database, sessions)),
        _ => None,
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_be_ended_is_told() {
    let mariadb = Mariadb::shared();
    mariadb
        .sql("CREATE OR REPLACE USER weak@localhost; GRANT ALL ON `test\\_%`.* TO weak@localhost");
    mariadb.sql("GRANT ALL ON `evenly\\_%`.* TO weak@localhost");
    let mut server = connect_as(&mariadb, "weak").await.unwrap();
    let (template, clone) = names("busy");
    build(&mut server, &mariadb, &template, "CREATE TABLE t (a INT)").await;
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    let mut holder = MySqlConnection::connect(&mariadb.url("root", "mysql")).await.unwrap();
    holder.execute("BEGIN").await.unwrap();
    holder.execute(sqlx::AssertSqlSafe(format!("SELECT * FROM {clone}.t"))).await.unwrap();
    // Who may see sessions is told which.
    let root = connect(&mariadb).await;
    let (weak, strong) = tokio::join!(server.drop_database(&clone), root.drop_database(&clone));
    for (error, told) in [(weak, "a transaction"), (strong, "of `root` from `localhost`")] {
        let error = error.unwrap_err();
        let Some((database, sessions)) = busy(&error) else { panic!("{error:?}") };
        assert!(*database == clone && sessions.contains(told), "{error}");
    }
    holder.execute("COMMIT").await.unwrap();
    server.drop_database(&clone).await.unwrap();
}

#[tokio::test]
async fn rows_without_a_database_vanish() {
    let mariadb = Mariadb::shared();
    let mut server = connect(&mariadb).await;
    let (template, clone) = names("by_hand");
    build(&mut server, &mariadb, &template, "CREATE TABLE t (a INT)").await;
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    let found = listed(&server, &clone).await;
    assert!(found.len() == 1 && found[0].kind == Kind::Clone && found[0].owner == owner());
    mariadb.sql(&format!("DROP DATABASE {clone}"));
    assert!(listed(&server, &clone).await.is_empty());
    let count = "SELECT COUNT(*) FROM evenly_registry.`databases` WHERE name";
    assert_eq!(mariadb.sql(&format!("{count} = '{clone}'")), "0\n");
    // Killed between the row and the database: the next run heals.
    mariadb.sql(&format!(
        "INSERT INTO evenly_registry.`databases` SELECT '{clone}', 0, mark \
         FROM evenly_registry.`databases` LIMIT 1"
    ));
    assert_eq!(listed(&server, &clone).await.len(), 1);
    server.drop_database(&clone).await.unwrap();
    assert_eq!(mariadb.sql(&format!("{count} = '{clone}'")), "0\n");
}

#[tokio::test]
async fn a_server_restarted_in_between_heals() {
    let mariadb = Mariadb::start();
    assert!(connect(&mariadb).await.list().await.unwrap().is_empty());
    // Nobody has made the registry yet: all do at once.
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (template, _) = names(&format!("run{number}"));
        let mut server = connect(&mariadb).await;
        runs.spawn(async move {
            server.open_template(&template, &owner()).await.unwrap();
            server.abandon_template(&template).await.unwrap();
        });
    }
    runs.join_all().await;
    let mut server = connect(&mariadb).await;
    assert!(server.version().starts_with("MariaDB 1"), "{}", server.version());
    let (template, clone) = names("restarted");
    server.open_template(&template, &owner()).await.unwrap();
    mariadb.crash();
    let error = server.finish_template(&template).await.unwrap_err();
    assert!(matches!(&error, DbError::Unreachable { .. }), "{error:?}");
    build(&mut server, &mariadb, &template, "CREATE TABLE t (a INT)").await;
    mariadb.crash();
    server.clone_template(&template, &clone, &owner()).await.unwrap();
    assert_equal(&mariadb, &template.0, &clone);
}
