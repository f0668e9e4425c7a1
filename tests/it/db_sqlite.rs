//! SQLite: templates and clones as files, with real connections.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use evenly::db::{
    DatabaseName, DbError, Engine, Found, Kind, Location, Naming, Owner, Server, Sqlite, Template,
    TemplateName, sqlite_path,
};
use evenly::provision::{Cache, Restored, is_over, owner_of_this_process};
use jiff::{Timestamp, ToSpan};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use super::support::PATIENCE;

const SCHEMA: &str = "PRAGMA journal_mode = WAL; CREATE TABLE a (x INTEGER); \
                      INSERT INTO a VALUES (1), (2); CREATE VIEW v AS SELECT x + 1 AS y FROM a;";

/// A directory of databases beside a file of somebody else's.
struct Stage {
    dir: TempDir,
}

impl Stage {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn location(&self) -> Location {
        let url = format!("sqlite:{}", self.path("app.db").display());
        Location::parse(&url, self.path("clones")).unwrap()
    }

    async fn server(&self) -> Server {
        Server::connect(&self.location()).await.unwrap()
    }

    /// Everything in the directory of the clones but the builders' locks.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("clones")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names
            .filter(|name| Path::new(name).extension().is_none_or(|end| end != "lock"))
            .collect();
        names.sort();
        names
    }
}

fn owner() -> Owner {
    owner_of_this_process("run-1", Timestamp::now() + 1.hour())
}

fn template() -> TemplateName {
    TemplateName::new(Engine::Sqlite, "shop", "0a1b")
}

fn clone_of(worker: u32) -> DatabaseName {
    Naming { engine: Engine::Sqlite, tag: None }.clone_of(worker, "shop", None)
}

async fn open(url: &str) -> SqliteConnection {
    SqliteConnectOptions::from_str(url).unwrap().connect().await.unwrap()
}

async fn sum(url: &str) -> i64 {
    let mut connection = open(url).await;
    let sum = sqlx::query_scalar("SELECT SUM(y) FROM v").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    sum
}

async fn execute(url: &str, sql: &'static str) {
    let mut connection = open(url).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A server with a finished template.
async fn prepared(stage: &Stage) -> Server {
    let mut server = stage.server().await;
    let opened = server.open_template(&template(), &owner()).await.unwrap();
    let Template::Empty { url } = opened else { panic!("{opened:?}") };
    execute(&url, SCHEMA).await;
    server.finish_template(&template()).await.unwrap();
    server
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.unwrap() })
}

#[test]
fn a_template_is_built_once_and_clones_are_independent_of_each_other() {
    block_on(async {
        let stage = Stage::new();
        let mut server = prepared(&stage).await;
        assert!(server.version().starts_with("SQLite 3."), "{}", server.version());
        let opened = server.open_template(&template(), &owner()).await.unwrap();
        assert!(matches!(opened, Template::Ready), "{opened:?}");
        server.finish_template(&template()).await.unwrap();
        for worker in [0, 1] {
            server.clone_template(&template(), &clone_of(worker), &owner()).await.unwrap();
        }
        let [first, second] = [0, 1].map(|worker| server.url(&clone_of(worker)));
        execute(&first, "DELETE FROM a").await;
        assert_eq!(sum(&second).await, 5);
        // One that is there is replaced, whatever state it is in.
        let left = open(&first).await;
        server.clone_template(&template(), &clone_of(0), &owner()).await.unwrap();
        assert_eq!(sum(&first).await, 5);
        left.close().await.unwrap();
        let found: Vec<(String, Kind)> = server.list().await.unwrap().iter().map(told).collect();
        let name = |name: &str, kind| (name.to_owned(), kind);
        assert_eq!(
            found,
            [
                name("evenly_tpl_shop_0a1b", Kind::Template),
                name("test_0_shop", Kind::Clone),
                name("test_1_shop", Kind::Clone),
            ]
        );
        for found in server.list().await.unwrap() {
            assert!(!is_over(&found.owner, Timestamp::now()), "{found:?}");
            server.drop_database(&found.name).await.unwrap();
            server.drop_database(&found.name).await.unwrap();
        }
        assert_eq!(stage.files(), [] as [String; 0]);
    });
}

fn told(found: &Found) -> (String, Kind) {
    let Found { name, kind, owner: _, made: _ } = found;
    (name.to_string(), *kind)
}

#[test]
fn a_finished_template_is_one_file_without_a_log() {
    block_on(async {
        let stage = Stage::new();
        prepared(&stage).await.close().await;
        let expected = ["evenly_tpl_shop_0a1b.evenly.json", "evenly_tpl_shop_0a1b.sqlite3"];
        assert_eq!(stage.files(), expected);
    });
}

#[test]
fn a_half_built_template_is_built_again_and_one_in_use_is_refused() {
    block_on(async {
        let stage = Stage::new();
        let mut server = stage.server().await;
        let Template::Empty { url } = server.open_template(&template(), &owner()).await.unwrap()
        else {
            panic!("it was not there")
        };
        execute(&url, "CREATE TABLE half (x)").await;
        drop(server);

        let mut server = stage.server().await;
        let Template::Empty { url } = server.open_template(&template(), &owner()).await.unwrap()
        else {
            panic!("a half-built one counts as finished")
        };
        execute(&url, SCHEMA).await;
        let mut writer = open(&url).await;
        sqlx::raw_sql("BEGIN IMMEDIATE; DELETE FROM a").execute(&mut writer).await.unwrap();
        let error = server.finish_template(&template()).await.unwrap_err();
        assert!(matches!(error, DbError::Busy { .. }), "{error}");
        writer.close().await.unwrap();
        server.finish_template(&template()).await.unwrap();
        server.clone_template(&template(), &clone_of(0), &owner()).await.unwrap();
        assert_eq!(sum(&server.url(&clone_of(0))).await, 5);
    });
}

#[test]
fn two_builders_wait_for_each_other() {
    block_on(async {
        let stage = Stage::new();
        let (mut first, mut second) = (stage.server().await, stage.server().await);
        let Template::Empty { url } = first.open_template(&template(), &owner()).await.unwrap()
        else {
            panic!("it was not there")
        };
        let build = async {
            execute(&url, SCHEMA).await;
            first.finish_template(&template()).await.unwrap();
        };
        let (name, owner) = (template(), owner());
        let (opened, ()) = tokio::join!(second.open_template(&name, &owner), build);
        assert!(matches!(opened.unwrap(), Template::Ready));
    });
}

#[test]
fn an_abandoned_template_leaves_nothing_and_another_one_can_build_it() {
    block_on(async {
        let stage = Stage::new();
        let mut server = stage.server().await;
        server.open_template(&template(), &owner()).await.unwrap();
        server.abandon_template(&template()).await.unwrap();
        assert_eq!(stage.files(), [] as [String; 0]);
        let mut other = stage.server().await;
        let opened = other.open_template(&template(), &owner()).await.unwrap();
        assert!(matches!(opened, Template::Empty { .. }));
    });
}

#[test]
fn what_prepare_leaves_that_is_no_database_is_an_error() {
    block_on(async {
        let stage = Stage::new();
        let mut server = stage.server().await;
        let Template::Empty { url } = server.open_template(&template(), &owner()).await.unwrap()
        else {
            panic!("it was not there")
        };
        fs::write(sqlite_path(&url).unwrap(), "no database at all, but long enough".repeat(99))
            .unwrap();
        let error = server.finish_template(&template()).await.unwrap_err().to_string();
        assert!(error.contains("not a database"), "{error}");
    });
}

#[test]
fn strangers_files_are_left_alone() {
    block_on(async {
        let stage = Stage::new();
        let mut server = prepared(&stage).await;
        let stranger = stage.path("clones/test_0_shop.sqlite3");
        fs::write(&stranger, "theirs").unwrap();
        let cloned = server.clone_template(&template(), &clone_of(0), &owner()).await;
        assert!(matches!(cloned, Err(DbError::Stranger(_))), "{cloned:?}");
        let dropped = server.drop_database(&clone_of(0)).await;
        assert!(matches!(dropped, Err(DbError::Stranger(_))), "{dropped:?}");
        let outside = DatabaseName::existing("../app");
        server.drop_database(&outside).await.unwrap_err();
        server.clone_template(&template(), &outside, &owner()).await.unwrap_err();
        let other = TemplateName(clone_of(0));
        server.open_template(&other, &owner()).await.unwrap_err();
        assert_eq!(fs::read(&stranger).unwrap(), b"theirs");
        assert!(server.list().await.unwrap().iter().all(|found| found.name != clone_of(0)));
    });
}

#[test]
fn an_existing_file_is_cloned_with_what_is_only_in_its_log() {
    block_on(async {
        let stage = Stage::new();
        let path = stage.path("app.db");
        let url = format!("sqlite:{}?mode=rwc", path.display());
        execute(&url, SCHEMA).await;
        let existing = Sqlite::existing_template(&stage.location()).unwrap();
        let server = stage.server().await;
        // A reader of the old state keeps the log from being folded in.
        let (mut reader, mut writer) = (open(&url).await, open(&url).await);
        let begin = "BEGIN; SELECT * FROM a";
        sqlx::raw_sql(begin).execute(&mut reader).await.unwrap();
        let insert = "INSERT INTO a VALUES (100)";
        sqlx::raw_sql(insert).execute(&mut writer).await.unwrap();
        server.clone_template(&existing, &clone_of(0), &owner()).await.unwrap();
        assert_eq!(sum(&server.url(&clone_of(0))).await, 106);
        for connection in [reader, writer] {
            connection.close().await.unwrap();
        }
        let before = fs::read(&path).unwrap();
        let mut rights = fs::metadata(&path).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(&path, rights).unwrap();
        server.clone_template(&existing, &clone_of(1), &owner()).await.unwrap();
        execute(&server.url(&clone_of(1)), "DELETE FROM a WHERE x < 100").await;
        assert_eq!(sum(&server.url(&clone_of(1))).await, 101);
        assert_eq!(fs::read(&path).unwrap(), before);
    });
}

#[test]
fn a_template_is_kept_and_restored_and_only_the_newest_are() {
    block_on(async {
        let stage = Stage::new();
        let server = prepared(&stage).await;
        let file = sqlite_path(&server.url(&template().0)).unwrap();
        let cache = Cache::new(stage.path("cache"));
        for key in ["1", "2", "3", "4"] {
            cache.save("shop", key, &file).unwrap();
        }
        cache.save("shop-b", "1", &file).unwrap();
        let kept = fs::read_dir(stage.path("cache")).unwrap().count();
        assert_eq!(kept, 4, "three of one name and one of another");
        server.drop_database(&template().0).await.unwrap();

        let mut server = stage.server().await;
        let Template::Empty { url } = server.open_template(&template(), &owner()).await.unwrap()
        else {
            panic!("it was dropped")
        };
        let to = sqlite_path(&url).unwrap();
        assert_eq!(cache.restore("shop", "5", &to).unwrap(), Restored::Absent);
        assert_eq!(cache.restore("shop", "4", &to).unwrap(), Restored::Found);
        server.finish_template(&template()).await.unwrap();
        server.clone_template(&template(), &clone_of(0), &owner()).await.unwrap();
        assert_eq!(sum(&server.url(&clone_of(0))).await, 5);
    });
}
