//! What a clone of ours costs beside a bare `CREATE DATABASE … TEMPLATE` of the best strategy on
//! the same server: `cargo bench --bench db_postgres [ROUNDS]`. 200 tables with foreign keys, two
//! indexes and ten rows each; all ways take turns, in an order that moves on each round.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail as a test does")]

#[path = "../it/support/postgres.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use evenly::db::{DatabaseName, Location, Owner, Server, Template, TemplateName};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use support::{ADMIN, PostgresServer, bins};

const TABLES: u32 = 200;
const ROUNDS: usize = 15;

/// A way to make a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ours,
    /// One statement in a session that is open already.
    Bare(&'static str),
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let rounds = numbers.next().unwrap_or(ROUNDS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "| server | way | median ms | least | most | to the best bare |").unwrap();
    writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: |").unwrap();
    for bin in bins() {
        let server = PostgresServer::start(&bin);
        let lines = runtime.block_on(measured(&server, rounds));
        write!(out, "{lines}").unwrap();
    }
}

async fn measured(place: &PostgresServer, rounds: usize) -> String {
    let location = Location::parse(&place.url(ADMIN, "shop"), "/nowhere".into()).unwrap();
    let mut server = Server::connect(&location).await.unwrap();
    let template = TemplateName(DatabaseName::existing("big"));
    let Template::Empty { url } = server.open_template(&template, &owner()).await.unwrap() else {
        panic!("the server is not fresh");
    };
    let mut filling = PgConnection::connect(&url).await.unwrap();
    filling.execute(sqlx::raw_sql(AssertSqlSafe(schema()))).await.unwrap();
    filling.close().await.unwrap();
    server.finish_template(&template).await.unwrap();
    let mut admin = PgConnection::connect(&place.url(ADMIN, "postgres")).await.unwrap();
    let mut ways = vec![(Way::Ours, Vec::new())];
    let bare: &[_] = if admin.server_version_num() < Some(15_00_00) {
        &[""]
    } else {
        &["STRATEGY FILE_COPY", "STRATEGY WAL_LOG"]
    };
    ways.extend(bare.iter().map(|strategy| (Way::Bare(strategy), Vec::new())));
    // The trials of ours come before: a run makes many more clones.
    for _ in 0..4 {
        clone(Way::Ours, &server, &mut admin, &template).await;
    }
    for round in 0..rounds {
        let count = ways.len();
        for turn in 0..count {
            let (way, times) = &mut ways[(round + turn) % count];
            times.push(clone(*way, &server, &mut admin, &template).await);
        }
    }
    table(server.version(), &mut ways)
}

async fn clone(
    way: Way,
    server: &Server,
    admin: &mut PgConnection,
    template: &TemplateName,
) -> Duration {
    let name = DatabaseName::existing("test_0_big");
    let began = Instant::now();
    match way {
        Way::Ours => server.clone_template(template, &name, &owner()).await.unwrap(),
        Way::Bare(strategy) => {
            let sql = format!("CREATE DATABASE test_0_big TEMPLATE big {strategy}");
            admin.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
        }
    }
    let time = began.elapsed();
    admin.execute("DROP DATABASE test_0_big").await.unwrap();
    time
}

fn table(version: &str, ways: &mut [(Way, Vec<Duration>)]) -> String {
    for (_, times) in ways.iter_mut() {
        times.sort_unstable();
    }
    let median = |times: &[Duration]| times[times.len() / 2].as_secs_f64() * 1e3;
    let bare = ways.iter().filter(|(way, _)| *way != Way::Ours);
    let best = bare.map(|(_, times)| median(times)).fold(f64::INFINITY, f64::min);
    let mut lines = String::new();
    for (way, times) in ways.iter() {
        let name = match way {
            Way::Ours => "evenly",
            Way::Bare("") => "bare",
            Way::Bare(strategy) => strategy,
        };
        let middle = median(times);
        let [least, most] = [times[0], times[times.len() - 1]].map(|time| time.as_secs_f64() * 1e3);
        writeln!(
            lines,
            "| {version} | {name} | {middle:.1} | {least:.1} | {most:.1} | {:.2} |",
            middle / best
        )
        .unwrap();
    }
    lines
}

fn schema() -> String {
    let mut sql = String::new();
    for table in 0..TABLES {
        let other = table.saturating_sub(1);
        write!(
            sql,
            "CREATE TABLE t{table} (id serial PRIMARY KEY, name text NOT NULL, \
             made timestamptz DEFAULT now(), other int REFERENCES t{other}); \
             CREATE INDEX ON t{table} (name); CREATE INDEX ON t{table} (other, made); \
             INSERT INTO t{table} (name, other) \
             SELECT 'row ' || i, i FROM generate_series(1, 10) i;"
        )
        .unwrap();
    }
    sql
}

fn owner() -> Owner {
    Owner {
        run: "bench".to_owned(),
        host: "here".to_owned(),
        pid: std::process::id(),
        started: String::new(),
        until: jiff::Timestamp::MAX,
    }
}
