//! What a worker waits for its next group's database where each group gets a fresh one:
//! `cargo bench --bench db_handout [GROUPS]`. Two workers, groups of 300 ms, 200 tables with a
//! foreign key, two indices and ten rows each. The bar is a median of 1 ms on Postgres.
//!
//! Groups that only wait leave the cores to the server, which makes the next databases meanwhile;
//! groups that compute leave it nothing, as real tests nearly do: so both are measured.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail as a test does")]

mod machine;
#[path = "../it/support/postgres.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod postgres;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use evenly::config::Config;
use evenly::model::{Group, GroupId, Limits, SuiteName};
use evenly::provision::{
    After, Cache, Databases, More, Provision, Request, Told, owner_of_this_process,
};
use jiff::{Timestamp, ToSpan};
use postgres::{ADMIN, PostgresServer, bins};
use tokio::task::{JoinSet, LocalSet, spawn_blocking};

/// Groups of each worker, unless the first argument says otherwise.
const GROUPS: usize = 30;
const WORKERS: u32 = 2;
const GROUP: Duration = Duration::from_millis(300);
const TABLES: usize = 200;
const SCHEMA: &str = "schema.sql";

/// What a group does.
#[derive(Debug, Clone, Copy)]
enum Work {
    Waits,
    Computes,
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let groups = numbers.next().unwrap_or(GROUPS);
    let mut out = std::io::stdout();
    let mut say = |line: &str| writeln!(out, "{line}").unwrap();
    say(&format!("{}.\n", machine::describe().unwrap()));
    say(&format!("{WORKERS} workers, {groups} groups each, hand-outs in milliseconds.\n"));
    say("| database | groups | first | median | p95 | most | over 1 ms |");
    say("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    let server = PostgresServer::start(&bins()[0]);
    let shared = format!("url = \"{}\"", server.url(ADMIN, "shop"));
    let managed = "server = \"managed\"\nengine = \"postgres\"";
    let sqlite = "url = \"sqlite:shop.db\"";
    for (name, place) in
        [("Postgres", &*shared), ("Postgres, managed", managed), ("SQLite", sqlite)]
    {
        for work in [Work::Waits, Work::Computes] {
            let times = measured(place, work, groups);
            say(&row(name, work, times));
        }
    }
}

/// What each hand-out took: a list for each worker, in order.
fn measured(place: &str, work: Work, groups: usize) -> Vec<Vec<Duration>> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(SCHEMA), schema()).unwrap();
    let config = format!(
        "[database.shop]\n{place}\nschema = \"{SCHEMA}\"\nfresh = \"group\"\n\
         [[suite]]\nname = \"s\"\nframework = \"command\"\ndiscover = \"true\"\n\
         run = \"true {{tests}}\"\nresults = \"exit-status\"\ndatabases = [\"shop\"]\n"
    );
    let config = Config::parse(&config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let databases = Databases::new(&config, &BTreeMap::new()).unwrap();
        let request = request(&databases, dir.path());
        let mut tell = |told| assert!(!matches!(told, Told::Warning(_)), "{told:?}");
        let provision = Rc::new(Provision::start(&request, &mut tell).await.unwrap());
        let suite = config.suites[0].name.clone();
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let (provision, suite) = (Rc::clone(&provision), suite.clone());
            workers.spawn_local(serve(provision, suite, worker, work, groups));
        }
        let times = workers.join_all().await;
        let left = Rc::into_inner(provision).unwrap().stop().await;
        assert!(left.is_empty(), "{left:?}");
        times
    })
}

async fn serve(
    provision: Rc<Provision>,
    suite: SuiteName,
    worker: u32,
    work: Work,
    groups: usize,
) -> Vec<Duration> {
    let using = Group {
        id: GroupId::new(&suite, "g"),
        members: Vec::new(),
        tests: None,
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    };
    let mut times = Vec::with_capacity(groups);
    let mut seen = BTreeSet::new();
    for left in (0..groups).rev() {
        let more = if left > 0 { More::Follow } else { More::No };
        let began = Instant::now();
        let handed = provision.hand_out(worker, &using, more).await.unwrap();
        times.push(began.elapsed());
        assert!(seen.insert(handed.variables), "a database was handed out twice");
        group(work).await;
        provision.give_back(worker, &using, &After::Clean);
    }
    times
}

/// A group: it takes the same time whatever it does.
async fn group(work: Work) {
    match work {
        Work::Waits => tokio::time::sleep(GROUP).await,
        Work::Computes => {
            let compute = || {
                let began = Instant::now();
                while began.elapsed() < GROUP {
                    std::hint::spin_loop();
                }
            };
            spawn_blocking(compute).await.unwrap();
        }
    }
}

/// A row of the table; each worker's first hand-out, for which nothing could be made ahead, stands
/// alone.
fn row(name: &str, work: Work, times: Vec<Vec<Duration>>) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let first = times.iter().filter_map(|times| times.first().copied()).max().unwrap();
    let mut warm: Vec<Duration> = times.into_iter().flat_map(|times| times[1..].to_vec()).collect();
    warm.sort_unstable();
    let most = warm.len() - 1;
    let [median, p95, most] = [most / 2, most * 95 / 100, most].map(|at| ms(warm[at]));
    let late = warm.iter().filter(|time| ms(**time) > 1.0).count();
    let groups = match work {
        Work::Waits => "wait",
        Work::Computes => "compute",
    };
    format!(
        "| {name} | {groups} | {:.0} | {median:.3} | {p95:.3} | {most:.3} | {late} of {} |",
        ms(first),
        warm.len()
    )
}

fn request<'a>(databases: &'a Databases, dir: &Path) -> Request<'a> {
    let owner = owner_of_this_process("bench", Timestamp::now() + 1.hour());
    Request {
        databases,
        filler: None,
        base: dir.to_owned(),
        used: BTreeSet::from(["shop".to_owned()]),
        workers: WORKERS,
        owner,
        tag: "be9c0000".to_owned(),
        work: dir.join("work"),
        cache: Cache::new(dir.join("cache")),
        program: env!("CARGO_BIN_EXE_evenly").into(),
        env_remove: Vec::new(),
    }
}

/// Understood by Postgres and SQLite alike.
fn schema() -> String {
    let mut sql = String::from("BEGIN;\n");
    for table in 0..TABLES {
        let up = table.saturating_sub(1);
        sql += &format!(
            "CREATE TABLE t{table} (id INTEGER PRIMARY KEY, a TEXT, b TEXT, \
             up INTEGER REFERENCES t{up} (id));\n\
             CREATE INDEX t{table}_a ON t{table} (a);\nCREATE INDEX t{table}_b ON t{table} (b);\n"
        );
        let rows: Vec<_> =
            (0..10).map(|row| format!("({row}, 'a{row}', 'b{row}', {row})")).collect();
        sql += &format!("INSERT INTO t{table} VALUES {};\n", rows.join(", "));
    }
    sql + "COMMIT;\n"
}
