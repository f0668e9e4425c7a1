//! What a clone of 200 tables costs beside `mariadb-dump | mariadb`, on one server in turns:
//! `cargo bench --bench db_mysql [ROUNDS]`. The bar is half of it.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail as a test does")]

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../it/support/mariadb.rs"]
mod mariadb;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use evenly::db::{DatabaseName, Location, Owner, Server, TemplateName};
use mariadb::Mariadb;

const TABLES: usize = 200;
const ROWS: usize = 10;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(9);
    let mariadb = Mariadb::start();
    mariadb.sql(&schema());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let location = Location::parse(&mariadb.url("root", "big"), PathBuf::new()).unwrap();
    let server = runtime.block_on(Server::connect(&location)).unwrap();
    let (template, clone) =
        (TemplateName(DatabaseName::existing("big")), DatabaseName::existing("test_0_big"));
    let clone_it = || {
        let started = Instant::now();
        runtime.block_on(server.clone_template(&template, &clone, &owner())).unwrap();
        let taken = started.elapsed();
        runtime.block_on(server.drop_database(&clone)).unwrap();
        taken
    };
    let first = clone_it();
    let (mut ours, mut dumped) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        dumped.push(with_dump(&mariadb));
        ours.push(clone_it());
    }
    runtime.block_on(server.close());
    let mut out = std::io::stdout();
    let mut say = |line: String| writeln!(out, "{line}").unwrap();
    say(format!("{TABLES} tables with foreign keys, {ROWS} rows each, {rounds} rounds:\n"));
    say("| clone by | median | fastest | slowest |\n|---|---|---|---|".to_owned());
    let dumped = line(&mut say, "`mariadb-dump \\| mariadb`", dumped);
    line(&mut say, "evenly, the first of a process", vec![first]);
    let ours = line(&mut say, "evenly", ours);
    say(format!("\nevenly takes {:.2} of the dump's time", ours / dumped));
}

/// Prints a row; the median, seconds.
fn line(say: &mut impl FnMut(String), what: &str, mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let [median, fastest, slowest] =
        [times.len() / 2, 0, times.len() - 1].map(|at| times[at].as_secs_f64());
    say(format!("| {what} | {median:.3} s | {fastest:.3} s | {slowest:.3} s |"));
    median
}

fn owner() -> Owner {
    let until = "2100-01-01T00:00:00Z".parse().unwrap();
    let [run, host, started] = ["bench", "here", ""].map(str::to_owned);
    Owner { run, host, pid: std::process::id(), started, until }
}

fn schema() -> String {
    let mut schema = "CREATE DATABASE big; USE big;\n".to_owned();
    for table in 0..TABLES {
        let parent = table.saturating_sub(1);
        schema.push_str(&format!(
            "CREATE TABLE t{table} (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(50), b INT, \
             made DATETIME, parent INT, KEY (a), KEY (b), \
             FOREIGN KEY (parent) REFERENCES t{parent} (id));\n"
        ));
        let rows: Vec<_> = (1..=ROWS)
            .map(|row| format!("({row}, 'name {row}', {row}, '2020-01-01', 1)"))
            .collect();
        schema.push_str(&format!("INSERT INTO t{table} VALUES {};\n", rows.join(", ")));
    }
    schema
}

fn with_dump(mariadb: &Mariadb) -> Duration {
    mariadb.sql("CREATE DATABASE dumped");
    let socket = format!("--socket={}", mariadb.socket().display());
    let options = ["--no-defaults", "--user=root", &socket];
    let started = Instant::now();
    let mut dump = Command::new("mariadb-dump");
    dump.args(options).args(["--routines", "--events", "--triggers", "big"]);
    let mut dump = dump.stdout(Stdio::piped()).spawn().unwrap();
    let mut load = Command::new("mariadb");
    load.args(options).arg("dumped").stdin(dump.stdout.take().unwrap());
    assert!(load.status().unwrap().success() && dump.wait().unwrap().success());
    let taken = started.elapsed();
    mariadb.sql("DROP DATABASE dumped");
    taken
}
