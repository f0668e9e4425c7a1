//! Postgres: templates and clones on real servers, each major version that is at hand.

mod trouble;

use std::time::Duration;

use evenly::db::{DatabaseName, Kind, Location, Owner, Server, Template, TemplateName};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::support::PATIENCE;
use crate::support::postgres::{ADMIN, PostgresServer, servers};

/// The limit that a database has before it is marked; see `NEWBORN_LIMIT`.
const NEWBORN: &str = "CONNECTION LIMIT 1163284044";

/// Runs a test on each server.
fn each(test: impl AsyncFn(&'static PostgresServer)) {
    for server in servers() {
        block_on(test(server));
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it hangs") });
}

fn location(url: &str) -> Location {
    Location::parse(url, "/nowhere".into()).unwrap()
}

async fn connected(server: &PostgresServer, user: &str) -> Server {
    Server::connect(&location(&server.url(user, "shop"))).await.unwrap()
}

fn named(name: &str) -> DatabaseName {
    DatabaseName::existing(name)
}

fn template(name: &str) -> TemplateName {
    TemplateName(named(name))
}

fn owner() -> Owner {
    Owner {
        run: "it's a \"run\" \\ é".to_owned(),
        host: "host".to_owned(),
        pid: 7,
        started: "boot 1".to_owned(),
        until: jiff::Timestamp::from_second(2_000_000_000).unwrap(),
    }
}

/// A session of a test's own.
async fn session(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

async fn admin(server: &PostgresServer) -> PgConnection {
    session(&server.url(ADMIN, "postgres")).await
}

/// Runs statements one after the other, each in a transaction of its own.
async fn run(connection: &mut PgConnection, statements: &[&str]) {
    for sql in statements {
        let done = connection.execute(sqlx::raw_sql(AssertSqlSafe((*sql).to_owned()))).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

async fn value(connection: &mut PgConnection, sql: &str) -> String {
    let value = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await;
    value.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn exists(connection: &mut PgConnection, database: &str) -> bool {
    let sql = "SELECT count(*) FROM pg_database WHERE datname = $1::text::name";
    let count: i64 = sqlx::query_scalar(sql).bind(database).fetch_one(connection).await.unwrap();
    count == 1
}

/// Opens a template that is not there and answers where to fill it.
async fn opened(server: &mut Server, name: &str) -> String {
    match server.open_template(&template(name), &owner()).await.unwrap() {
        Template::Empty { url } => url,
        Template::Ready => panic!("`{name}` is there already"),
    }
}

async fn built(server: &mut Server, name: &str, statements: &[&str]) -> TemplateName {
    let url = opened(server, name).await;
    let mut filling = session(&url).await;
    run(&mut filling, statements).await;
    filling.close().await.unwrap();
    server.finish_template(&template(name)).await.unwrap();
    template(name)
}

async fn cloned(server: &Server, from: &TemplateName, name: &str) -> DatabaseName {
    server.clone_template(from, &named(name), &owner()).await.unwrap();
    named(name)
}

/// What `pg_dump` says of a database, settings, owner and grants included, under another name; the
/// empty list where the server's package has no `pg_dump`.
fn dump(server: &PostgresServer, database: &str) -> Vec<String> {
    let Some(mut dump) = server.client("pg_dump") else { return Vec::new() };
    let output = dump.args(["--create", database]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap().replace(database, "NAME");
    // The mark differs, and newer versions of `pg_dump` put a random word at both ends.
    let differs = ["COMMENT ON DATABASE", "\\restrict", "\\unrestrict", "-- Name: DATABASE NAME"];
    let lines = text.lines().filter(|line| !differs.iter().any(|word| line.starts_with(word)));
    lines.map(str::to_owned).collect()
}

#[track_caller]
fn assert_same(before: &[String], after: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    assert!(before == after, "{:#?}\n{:#?}", only(before, after), only(after, before));
}

const RICH: &[&str] = &[
    "CREATE SEQUENCE counter START 40 INCREMENT 2",
    "SELECT nextval('counter')",
    "CREATE TABLE a (id serial PRIMARY KEY, name text NOT NULL, big bigint \
     GENERATED ALWAYS AS (id * 10) STORED)",
    "CREATE TABLE b (a int REFERENCES a ON DELETE CASCADE, UNIQUE (a))",
    "INSERT INTO a (name) SELECT 'n' || i FROM generate_series(1, 100) i",
    "INSERT INTO b SELECT id FROM a",
    "CREATE VIEW v AS SELECT name FROM a JOIN b ON a = id",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
    "SELECT lo_from_bytea(4711, 'large')",
];

#[test]
fn a_clone_is_its_template_with_settings_grants_and_owner() {
    each(async |server| {
        let mut outside = admin(server).await;
        run(&mut outside, &["CREATE ROLE \"o \"\"wner\" LOGIN", "CREATE ROLE guest"]).await;
        let mut ours = connected(server, ADMIN).await;
        let url = opened(&mut ours, "rich").await;
        let mut filling = session(&url).await;
        run(&mut filling, RICH).await;
        let hstore = "SELECT count(*)::text FROM pg_available_extensions WHERE name = 'hstore'";
        if value(&mut filling, hstore).await == "1" {
            run(&mut filling, &["CREATE EXTENSION hstore"]).await;
        }
        run(
            &mut filling,
            &[
                "ALTER DATABASE rich OWNER TO \"o \"\"wner\"",
                "ALTER DATABASE rich SET search_path = \"$user\", public, \"a,b\"\"c\"",
                "ALTER DATABASE rich SET statement_timeout = '7s'",
                "ALTER DATABASE rich SET my.key = E'it''s = \\\\ {x}'",
                "ALTER ROLE guest IN DATABASE rich SET work_mem = '9MB'",
                "ALTER DATABASE rich CONNECTION LIMIT 33",
                "REVOKE ALL ON DATABASE rich FROM PUBLIC",
                "GRANT CREATE ON DATABASE rich TO guest WITH GRANT OPTION",
                "SET ROLE guest",
                "GRANT CREATE ON DATABASE rich TO \"o \"\"wner\"",
            ],
        )
        .await;
        filling.close().await.unwrap();
        let original = dump(server, "rich");
        ours.finish_template(&template("rich")).await.unwrap();
        cloned(&ours, &template("rich"), "rich_clone").await;
        assert_same(&original, &dump(server, "rich_clone"));
        let facts = "SELECT concat_ws('; ', datacl, datconnlimit, datallowconn, \
                     pg_get_userbyid(datdba)) FROM pg_database WHERE datname = 'rich_clone'";
        assert_eq!(
            value(&mut outside, facts).await,
            "{\"\\\"o \\\"\\\"wner\\\"=CTc/\\\"o \\\"\\\"wner\\\"\",\
             \"guest=C*/\\\"o \\\"\\\"wner\\\"\",\
             \"\\\"o \\\"\\\"wner\\\"=C/guest\"}; 33; t; o \"wner"
        );
        let mut inside = session(&ours.url(&named("rich_clone"))).await;
        assert_eq!(value(&mut inside, "SELECT nextval('counter')::text").await, "42");
        assert_eq!(value(&mut inside, "SHOW my.key").await, "it's = \\ {x}");
        assert_eq!(value(&mut inside, "SHOW search_path").await, "\"$user\", public, \"a,b\"\"c\"");
    });
}

#[test]
fn everything_may_be_revoked() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let revoke = "REVOKE ALL ON DATABASE revoked FROM PUBLIC, postgres";
        let revoked = built(&mut ours, "revoked", &[revoke]).await;
        cloned(&ours, &revoked, "revoked_clone").await;
        let acl = "SELECT datacl::text FROM pg_database WHERE datname = 'revoked_clone'";
        assert_eq!(value(&mut admin(server).await, acl).await, "{}");
    });
}

#[test]
fn a_clone_is_replaced_and_belongs_to_nobody_else() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "again", &["CREATE TABLE t ()"]).await;
        let clone = cloned(&ours, &from, "again_clone").await;
        let mut held = session(&ours.url(&clone)).await;
        run(&mut held, &["DROP TABLE t"]).await;
        cloned(&ours, &from, "again_clone").await;
        let mut fresh = session(&ours.url(&clone)).await;
        run(&mut fresh, &["SELECT FROM t"]).await;
        assert!(held.ping().await.is_err(), "the session of the replaced one lives");
    });
}

#[test]
fn a_finished_template_is_found_again_and_refuses_connections() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "found", &[]).await;
        let again = ours.open_template(&from, &owner()).await.unwrap();
        assert!(matches!(again, Template::Ready));
        assert!(PgConnection::connect(&ours.url(&from.0)).await.is_err());
        ours.close().await;
        let mut later = connected(server, ADMIN).await;
        let again = later.open_template(&from, &owner()).await.unwrap();
        assert!(matches!(again, Template::Ready));
    });
}

#[test]
fn sixteen_clones_at_once() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "many", RICH).await;
        let ours = std::sync::Arc::new(ours);
        let clones = (0..16).map(|worker| {
            let (ours, from) = (std::sync::Arc::clone(&ours), from.clone());
            let name = named(&format!("many_{worker}"));
            tokio::spawn(async move { ours.clone_template(&from, &name, &owner()).await })
        });
        let mut sessions = 0;
        let clones: Vec<_> = clones.collect();
        let mut watch = admin(server).await;
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'evenly' \
                     AND query LIKE '%many_%'";
        while !clones.iter().all(tokio::task::JoinHandle::is_finished) {
            let now: i64 = sqlx::query_scalar(count).fetch_one(&mut watch).await.unwrap();
            sessions = sessions.max(now);
        }
        for clone in clones {
            clone.await.unwrap().unwrap();
        }
        assert!((1..=4).contains(&sessions), "{sessions} sessions at once");
        for worker in 0..16 {
            let mut inside = session(&ours.url(&named(&format!("many_{worker}")))).await;
            assert_eq!(value(&mut inside, "SELECT count(*)::text FROM v").await, "100");
        }
    });
}

#[test]
fn any_name_is_fine() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let long = "é".repeat(31);
        let names = ["a\"b'c", "x\"; DROP DATABASE postgres; --", "back\\slash", "%41/?#@:", &long];
        for (number, name) in names.into_iter().enumerate() {
            let from = built(&mut ours, &format!("{number}{name}"), &["CREATE TABLE t ()"]).await;
            let clone = cloned(&ours, &from, name).await;
            let mut inside = session(&ours.url(&clone)).await;
            assert_eq!(value(&mut inside, "SELECT current_database()::text").await, name);
            inside.close().await.unwrap();
            assert!(ours.list().await.unwrap().iter().any(|found| found.name == clone));
            ours.drop_database(&clone).await.unwrap();
            ours.drop_database(&from.0).await.unwrap();
            let left = ours.list().await.unwrap();
            assert!(left.iter().all(|found| found.name != clone && found.name != from.0));
        }
        let longer = named(&"x".repeat(64));
        let error = ours.clone_template(&template("a"), &longer, &owner()).await.unwrap_err();
        assert!(error.to_string().contains("Postgres allows 63"), "{error}");
    });
}

#[test]
fn what_evenly_made_is_listed_with_its_owner() {
    each(async |server| {
        let mut ours = connected(server, ADMIN).await;
        let from = built(&mut ours, "listed", &[]).await;
        cloned(&ours, &from, "listed_clone").await;
        opened(&mut ours, "listed_half").await;
        run(
            &mut admin(server).await,
            &[
                "CREATE DATABASE listed_stranger",
                "COMMENT ON DATABASE listed_stranger IS '{\"evenly\":true}'",
                &format!("CREATE DATABASE listed_newborn {NEWBORN}"),
            ],
        )
        .await;
        let found = ours.list().await.unwrap();
        let found: Vec<_> =
            found.iter().filter(|found| found.name.as_str().starts_with("listed")).collect();
        let seen: Vec<_> =
            found.iter().map(|found| (found.name.as_str(), found.kind, found.owner.pid)).collect();
        let expected = [
            ("listed", Kind::Template, 7),
            ("listed_clone", Kind::Clone, 7),
            ("listed_half", Kind::Building, 7),
            ("listed_newborn", Kind::Clone, 0),
        ];
        assert_eq!(seen, expected);
        assert_eq!(found[1].owner, owner());
        assert!(found[3].owner.until < jiff::Timestamp::now(), "a newborn is spared by nothing");
        ours.drop_database(&named("listed_newborn")).await.unwrap();
        assert!(!exists(&mut admin(server).await, "listed_newborn").await);
    });
}

#[test]
fn an_existing_database_is_a_template_too_and_stays_as_it_is() {
    each(async |server| {
        let mut outside = admin(server).await;
        run(&mut outside, &["CREATE DATABASE theirs", "COMMENT ON DATABASE theirs IS 'ours'"])
            .await;
        let mut inside = session(&server.url(ADMIN, "theirs")).await;
        run(&mut inside, RICH).await;
        inside.close().await.unwrap();
        let row = "SELECT d::text FROM pg_database d WHERE datname = 'theirs'";
        let before = (value(&mut outside, row).await, dump(server, "theirs"));
        let ours = connected(server, ADMIN).await;
        cloned(&ours, &template("theirs"), "theirs_clone").await;
        let error = ours.drop_database(&named("theirs")).await.unwrap_err();
        assert!(error.to_string().contains("evenly did not make"), "{error}");
        assert_eq!(value(&mut outside, row).await, before.0);
        assert_same(&before.1, &dump(server, "theirs"));
        assert_same(&before.1, &dump(server, "theirs_clone"));
    });
}

#[test]
fn a_user_without_special_rights_does_all_of_it() {
    each(async |server| {
        run(&mut admin(server).await, &["CREATE ROLE plain LOGIN CREATEDB"]).await;
        let mut ours = connected(server, "plain").await;
        let from = built(
            &mut ours,
            "plain_template",
            &["CREATE TABLE t ()", "ALTER DATABASE plain_template SET work_mem = '5MB'"],
        )
        .await;
        let clone = cloned(&ours, &from, "plain_clone").await;
        let mut held = session(&ours.url(&clone)).await;
        assert_eq!(value(&mut held, "SHOW work_mem").await, "5MB");
        ours.drop_database(&clone).await.unwrap();
        ours.drop_database(&from.0).await.unwrap();
        assert!(held.ping().await.is_err());
    });
}

#[test]
fn the_server_says_its_version() {
    each(async |server| {
        let ours = connected(server, ADMIN).await;
        let version = value(&mut admin(server).await, "SHOW server_version").await;
        assert_eq!(ours.version(), format!("Postgres {version}"));
    });
}

#[test]
fn a_socket_is_named_in_either_way() {
    each(async |server| {
        let url = server.url(ADMIN, "shop");
        let dir = url.split_once("host=").unwrap().1;
        let host = dir.replace('/', "%2F");
        let percent = format!("postgres://{ADMIN}@{host}/shop?application_name=mine");
        for url in [url, percent] {
            let mut ours = Server::connect(&location(&url)).await.unwrap();
            let from = template("socket");
            if matches!(ours.open_template(&from, &owner()).await.unwrap(), Template::Empty { .. })
            {
                ours.finish_template(&from).await.unwrap();
            }
            let clone = cloned(&ours, &from, "socket_clone").await;
            session(&ours.url(&clone)).await.close().await.unwrap();
        }
    });
}

/// Long enough for anything that should not happen to have begun.
const MOMENT: Duration = Duration::from_millis(1);
