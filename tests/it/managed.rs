//! Database servers of our own, with the real programs: Postgres has to be there, MariaDB may.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use evenly::db::Engine;
use evenly::process::Options;
use evenly::provision::{
    Cache, Data, Managed, ManagedError, ManagedOptions, owner_of_this_process,
};
use jiff::{Timestamp, ToSpan};
use sqlx::{Connection, MySqlConnection, PgConnection};
use tempfile::TempDir;

use super::support::{EVENLY, PATIENCE};

/// In which a test lets servers live: nobody else's leftovers are there.
struct Place {
    memory: TempDir,
    disk: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = |parent: &Path| {
            let dir = tempfile::tempdir_in(parent).unwrap();
            // A server of another user has to get through.
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
            dir
        };
        Self { memory: dir(Path::new("/dev/shm")), disk: dir(&std::env::temp_dir()) }
    }

    fn options(&self, engine: Engine) -> ManagedOptions {
        ManagedOptions {
            engine,
            workers: 2,
            connections_per_worker: 3,
            programs: None,
            memory: Some(self.memory.path().to_owned()),
            disk: self.disk.path().to_owned(),
            data: Data::Fresh,
            owner: owner_of_this_process("run-1", Timestamp::now() + 1.hour()),
            supervisor: Options { program: EVENLY.into(), env_remove: Vec::new(), env: Vec::new() },
        }
    }

    fn homes(&self) -> Vec<PathBuf> {
        let list = |dir: &TempDir| fs::read_dir(dir.path()).unwrap().collect::<Vec<_>>();
        let all = [list(&self.memory), list(&self.disk)].concat_results();
        all.into_iter().filter(|path| path.is_dir()).collect()
    }
}

trait ConcatResults {
    fn concat_results(self) -> Vec<PathBuf>;
}

impl ConcatResults for [Vec<std::io::Result<fs::DirEntry>>; 2] {
    fn concat_results(self) -> Vec<PathBuf> {
        self.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.unwrap() })
}

/// Whether the tests are to be run without MariaDB: only where it is not installed.
fn engines() -> Vec<Engine> {
    let mariadb = Path::new("/usr/sbin/mariadbd").exists();
    if mariadb { vec![Engine::Postgres, Engine::Mysql] } else { vec![Engine::Postgres] }
}

async fn scalar(engine: Engine, url: &str, sql: &'static str) -> Result<i64, sqlx::Error> {
    match engine {
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            let value = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok(value)
        }
        Engine::Mysql => {
            let mut connection = MySqlConnection::connect(url).await?;
            let value = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok(value)
        }
        Engine::Sqlite => unreachable!(),
    }
}

async fn run(engine: Engine, url: &str, sql: &'static str) {
    match engine {
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Engine::Mysql => {
            let mut connection = MySqlConnection::connect(url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Engine::Sqlite => unreachable!(),
    }
}

/// The processes that work below a directory.
fn processes_below(directory: &Path) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let below = |pid: &u32| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(directory))
    };
    numbers.filter(below).collect()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_server_answers_and_is_gone_after_its_stop() {
    for engine in engines() {
        let place = Place::new();
        block_on(async {
            let managed = Managed::start(place.options(engine)).await.unwrap();
            assert_eq!(managed.notes(), [] as [String; 0]);
            assert!(managed.is_running() && !managed.is_restored());
            let url = managed.location().url().to_string();
            assert_eq!(
                scalar(engine, &url, "SELECT CAST(41 + 1 AS SIGNED)").await.ok(),
                None.or(match engine {
                    Engine::Mysql => Some(42),
                    _ => None,
                })
            );
            assert!(managed.socket().unwrap().exists());
            let [home] = &place.homes()[..] else { panic!("{:?}", place.homes()) };
            assert_eq!(fs::metadata(home).unwrap().permissions().mode() & 0o777, 0o700);
            if rustix::process::geteuid().is_root() {
                let data = fs::metadata(home.join("data")).unwrap();
                assert_ne!(data.uid(), 0);
            }
            assert!(!processes_below(home).is_empty());
            managed.stop().await;
            assert_eq!(processes_below(home), [] as [u32; 0]);
            assert!(scalar(engine, &url, "SELECT 1").await.is_err());
        });
        assert_eq!(place.homes(), [] as [PathBuf; 0]);
    }
}

#[test]
fn two_servers_run_beside_each_other_and_a_password_is_needed() {
    for engine in engines() {
        let place = Place::new();
        block_on(async {
            let [a, b] = [place.options(engine), place.options(engine)].map(Managed::start);
            let (a, b) = tokio::join!(a, b);
            let (a, b) = (a.unwrap(), b.unwrap());
            let (a_url, b_url) = (a.location().url(), b.location().url());
            assert_ne!(a_url.port(), b_url.port());
            run(engine, a_url.as_str(), "SELECT 1").await;
            run(engine, b_url.as_str(), "SELECT 1").await;
            for (user, password) in [("evenly", b_url.password()), ("evenly", None), ("root", None)]
            {
                let mut url = a_url.clone();
                url.set_username(user).unwrap();
                url.set_password(password).unwrap();
                let error = scalar(engine, url.as_str(), "SELECT 1").await.unwrap_err();
                assert!(error.as_database_error().is_some(), "{user} {password:?}: {error}");
            }
            let shown = format!("{a:?}");
            assert!(!shown.contains(a_url.password().unwrap()), "{shown}");
            tokio::join!(a.stop(), b.stop());
        });
        assert_eq!(place.homes(), [] as [PathBuf; 0]);
    }
}
