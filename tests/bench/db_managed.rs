//! What a server of our own and a clone of a SQLite file cost: `cargo bench --bench db_managed`.
//! The median of a few rounds, taken in turns, as Markdown.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail as a test does")]

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use evenly::db::{Engine, Location, Naming, Owner, Server, Template, TemplateName, sqlite_path};
use evenly::process::Options;
use evenly::provision::{Cache, Data, Managed, ManagedOptions, owner_of_this_process};
use jiff::{Timestamp, ToSpan};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

const ROUNDS: usize = 7;
const TABLES: usize = 200;
const CLONES: u32 = 50;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut out = std::io::stdout();
    runtime.block_on(async {
        writeln!(out, "| server | fresh | kept data | stop | limit |\n|---|---|---|---|---|")
            .unwrap();
        for engine in [Engine::Postgres, Engine::Mysql] {
            writeln!(out, "{}", servers(engine).await).unwrap();
        }
        writeln!(out, "\n| a SQLite file of {TABLES} tables | ms | ratio |\n|---|---|---|")
            .unwrap();
        writeln!(out, "{}", files().await).unwrap();
    });
}

fn owner() -> Owner {
    owner_of_this_process("bench", Timestamp::now() + 1.hour())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn servers(engine: Engine) -> String {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let options = ManagedOptions {
        engine,
        workers: 2,
        connections_per_worker: 5,
        programs: None,
        memory: None,
        disk: dir.path().to_owned(),
        data: Data::Fresh,
        owner: owner(),
        supervisor: Options {
            program: env!("CARGO_BIN_EXE_evenly").into(),
            env_remove: Vec::new(),
            env: Vec::new(),
        },
    };
    let kept = Data::Restored(cache.path("main", "0").unwrap());
    let kept = ManagedOptions { data: kept, ..options.clone() };
    let (mut fresh, mut restored, mut stopped) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut managed = Managed::start(options.clone()).await.unwrap();
        fresh.push(started.elapsed());
        managed.save(&cache, "main", "0").await.unwrap();
        let started = Instant::now();
        managed.stop().await;
        stopped.push(started.elapsed());
        let started = Instant::now();
        let managed = Managed::start(kept.clone()).await.unwrap();
        restored.push(started.elapsed());
        assert!(managed.is_restored(), "{:?}", managed.notes());
        managed.stop().await;
    }
    let [fresh, restored, stopped] = [fresh, restored, stopped].map(|times| ms(median(times)));
    format!("| {engine} | {fresh:.0} ms | {restored:.0} ms | {stopped:.0} ms | 1500, 500 ms |")
}

async fn files() -> String {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::parse("sqlite:shop.db", dir.path().join("clones")).unwrap();
    let mut server = Server::connect(&location).await.unwrap();
    let template = TemplateName::new(Engine::Sqlite, "shop", "0");
    let opened = server.open_template(&template, &owner()).await.unwrap();
    let Template::Empty { url } = opened else { panic!("it is new") };
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(schema())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    server.finish_template(&template).await.unwrap();
    let source = sqlite_path(&server.url(&template.0)).unwrap();
    let naming = Naming { engine: Engine::Sqlite, tag: None };
    let owner = owner();
    let (mut clones, mut copies) = (Vec::new(), Vec::new());
    for round in 0..CLONES {
        let started = Instant::now();
        let clone = naming.clone_of(round, "shop", None);
        server.clone_template(&template, &clone, &owner).await.unwrap();
        clones.push(started.elapsed());
        copies.push(cp(&source, &dir.path().join(format!("{round}.db"))));
    }
    let (clone, copy) = (ms(median(clones)), ms(median(copies)));
    format!("| `cp` | {copy:.2} | 1 |\n| clone | {clone:.2} | {:.2} (limit 1.2) |", clone / copy)
}

fn cp(from: &Path, to: &Path) -> Duration {
    let started = Instant::now();
    assert!(Command::new("cp").args([from, to]).status().unwrap().success());
    started.elapsed()
}

/// Tables with a foreign key, two indices and ten rows each.
fn schema() -> String {
    let mut sql = String::from("BEGIN;");
    for table in 0..TABLES {
        let parent = table.saturating_sub(1);
        sql += &format!(
            "CREATE TABLE t{table} (id INTEGER PRIMARY KEY, a TEXT, b TEXT, \
             up INTEGER REFERENCES t{parent} (id)); \
             CREATE INDEX t{table}_a ON t{table} (a); CREATE INDEX t{table}_b ON t{table} (b);"
        );
        for row in 0..10 {
            sql += &format!("INSERT INTO t{table} VALUES ({row}, 'a{row}', 'b{row}', {row});");
        }
    }
    sql + "COMMIT;"
}
