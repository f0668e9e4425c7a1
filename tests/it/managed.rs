//! Database servers of our own, with the real programs: Postgres has to be there, MariaDB may.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use evenly::db::Engine;
use evenly::process::Options;
use evenly::provision::{
    Cache, Data, Managed, ManagedError, ManagedOptions, owner_of_this_process,
};
use jiff::{Timestamp, ToSpan};
use sqlx::{Connection, MySqlConnection, PgConnection};
use tempfile::TempDir;
use url::Url;

use super::support::{EVENLY, PATIENCE};

/// A question whose answer is 1.
const ONE: &str = "SELECT COUNT(*) FROM (SELECT 1 AS a) AS one";

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

    /// What servers left or have here.
    fn homes(&self) -> Vec<PathBuf> {
        let list = |dir: &TempDir| fs::read_dir(dir.path()).unwrap();
        let entries = list(&self.memory).chain(list(&self.disk));
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.join("owner.json").exists()).collect()
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
            assert_eq!(scalar(engine, &url, ONE).await.unwrap(), 1);
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

#[test]
fn kept_data_is_restored_and_a_damaged_archive_is_not_used() {
    for engine in engines() {
        let place = Place::new();
        let cache = Cache::new(place.disk.path().join("cache"));
        let archive = cache.path("main", "0a1b").unwrap();
        let options =
            ManagedOptions { data: Data::Restored(archive.clone()), ..place.options(engine) };
        block_on(async {
            let mut managed = Managed::start(place.options(engine)).await.unwrap();
            let url = managed.location().url().to_string();
            let sql = "CREATE TABLE kept (a INT); INSERT INTO kept VALUES (1), (2);";
            run(engine, &url, sql).await;
            managed.save(&cache, "main", "0a1b").await.unwrap();
            assert_eq!(scalar(engine, &url, "SELECT COUNT(*) FROM kept").await.unwrap(), 2);
            managed.stop().await;

            let managed = Managed::start(options.clone()).await.unwrap();
            assert!(managed.is_restored(), "{:?}", managed.notes());
            let new = managed.location().url().to_string();
            assert_eq!(scalar(engine, &new, "SELECT COUNT(*) FROM kept").await.unwrap(), 2);
            assert_ne!(Url::parse(&url).unwrap().password(), managed.location().url().password());
            managed.stop().await;

            let whole = fs::read(&archive).unwrap();
            fs::write(&archive, &whole[..whole.len() / 2]).unwrap();
            let managed = Managed::start(options).await.unwrap();
            assert!(!managed.is_restored());
            let [note] = managed.notes() else { panic!("{:?}", managed.notes()) };
            assert!(note.contains("is damaged"), "{note}");
            let url = managed.location().url().to_string();
            assert!(scalar(engine, &url, "SELECT COUNT(*) FROM kept").await.is_err());
            managed.stop().await;
        });
        assert_eq!(place.homes(), [] as [PathBuf; 0]);
    }
}

const HELPER: &str = "EVENLY_TEST_MANAGED_PLACE";

/// A process of its own that starts a server and waits to be killed.
#[test]
#[ignore = "a part of other tests, which start it"]
fn helper() {
    let Some(place) = std::env::var_os(HELPER).map(PathBuf::from) else { return };
    let engine = if place.join("mysql").exists() { Engine::Mysql } else { Engine::Postgres };
    let template = Place::new();
    let memory = Some(fs::read_to_string(place.join("memory")).unwrap().into());
    let options = ManagedOptions { memory, disk: place.clone(), ..template.options(engine) };
    drop(template);
    block_on(async {
        let managed = Managed::start(options).await.unwrap();
        fs::write(place.join("ready.new"), managed.location().url().as_str()).unwrap();
        fs::rename(place.join("ready.new"), place.join("ready")).unwrap();
        std::future::pending::<()>().await;
    });
}

/// A helper whose server answers, and the server's URL.
fn started_helper(place: &Place, engine: Engine) -> (Child, String) {
    let disk = place.disk.path();
    fs::write(disk.join("memory"), place.memory.path().to_str().unwrap()).unwrap();
    if engine == Engine::Mysql {
        fs::write(disk.join("mysql"), "").unwrap();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "managed::helper", "--ignored", "--nocapture"]);
    let helper = command.env(HELPER, disk).spawn().unwrap();
    let ready = disk.join("ready");
    wait_until("no helper", || ready.exists());
    (helper, fs::read_to_string(ready).unwrap())
}

#[test]
fn a_killed_owner_leaves_no_process_and_the_next_start_removes_the_rest() {
    for engine in engines() {
        let place = Place::new();
        let (mut helper, url) = started_helper(&place, engine);
        let [left] = &place.homes()[..] else { panic!("{:?}", place.homes()) };
        block_on(async {
            let beside = Managed::start(place.options(engine)).await.unwrap();
            assert_eq!(scalar(engine, &url, ONE).await.unwrap(), 1, "a live one's was touched");
            beside.stop().await;
        });
        helper.kill().unwrap();
        helper.wait().unwrap();
        wait_until("processes are left", || processes_below(left).is_empty());
        assert!(left.exists());
        block_on(async {
            let next = Managed::start(place.options(engine)).await.unwrap();
            assert!(!left.exists());
            next.stop().await;
        });
    }
}

#[test]
fn a_server_that_outlived_even_its_supervisor_is_ended_by_the_next_start() {
    use rustix::process::{Pid, Signal, kill_process};

    let place = Place::new();
    let (mut helper, _) = started_helper(&place, Engine::Postgres);
    let [left] = &place.homes()[..] else { panic!("{:?}", place.homes()) };
    let pid_file = fs::read_to_string(left.join("data/postmaster.pid")).unwrap();
    let server = pid_file.lines().next().unwrap();
    let status = fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    let supervisor = Pid::from_raw(parent.trim().parse().unwrap()).unwrap();
    let owner = Pid::from_child(&helper);
    // Stopped, it cannot see that its supervisor dies.
    kill_process(owner, Signal::STOP).unwrap();
    kill_process(supervisor, Signal::KILL).unwrap();
    kill_process(owner, Signal::KILL).unwrap();
    helper.wait().unwrap();
    assert!(!processes_below(left).is_empty(), "it did not outlive them");
    block_on(async {
        let next = Managed::start(place.options(Engine::Postgres)).await.unwrap();
        assert!(!left.exists());
        next.stop().await;
    });
    wait_until("processes are left", || processes_below(left).is_empty());
}

#[test]
fn without_room_in_memory_the_data_is_on_the_disk_and_that_is_said() {
    let place = Place::new();
    let memory = place.memory.path().join("small");
    fs::create_dir(&memory).unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=16m,mode=1777", "tmpfs"]).arg(&memory);
    let mounted = mount.output().is_ok_and(|mount| mount.status.success());
    // Where nobody may mount, a directory that is not there has no room either.
    let memory = if mounted { memory } else { memory.join("missing") };
    let options =
        ManagedOptions { memory: Some(memory.clone()), ..place.options(Engine::Postgres) };
    let started = block_on(async {
        let managed = Managed::start(options).await?;
        let notes = managed.notes().to_vec();
        let homes = place.homes();
        managed.stop().await;
        Ok::<_, ManagedError>((notes, homes))
    });
    if mounted {
        assert!(Command::new("umount").arg(&memory).status().unwrap().success());
    }
    let (notes, homes) = started.unwrap();
    assert!(notes[0].contains("on the disk") && notes[0].contains("--shm-size"), "{notes:?}");
    assert!(homes[0].starts_with(place.disk.path()), "{homes:?}");
}

#[test]
fn missing_and_failing_programs_are_named() {
    let place = Place::new();
    let bin = place.disk.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let failed = |engine| {
        let options = ManagedOptions { programs: Some(bin.clone()), ..place.options(engine) };
        block_on(Managed::start(options)).unwrap_err().to_string()
    };
    let error = failed(Engine::Postgres);
    let expected = format!("(`initdb` and `postgres`) in `{}`; install it", bin.display());
    assert!(error.contains(&expected) && error.contains("`postgresql`"), "{error}");
    let error = failed(Engine::Mysql);
    assert!(error.contains("mariadb-server-core"), "{error}");
    assert!(failed(Engine::Sqlite).contains("SQLite has no server"));

    for (name, script) in [("initdb", "echo no room; exit 3"), ("postgres", "exit 1")] {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let error = failed(Engine::Postgres);
    assert!(error.contains("exit status 3") && error.contains("no room"), "{error}");
    let ok = "mkdir -p \"$(echo \"$*\" | sed 's/.*--pgdata=//')\"";
    fs::write(bin.join("initdb"), format!("#!/bin/sh\n{ok}\n")).unwrap();
    fs::write(bin.join("postgres"), "#!/bin/sh\necho cannot listen; exit 1\n").unwrap();
    let error = failed(Engine::Postgres);
    assert!(error.contains("ended while it started") && error.contains("cannot listen"), "{error}");
    assert_eq!(place.homes(), [] as [PathBuf; 0]);
}

#[test]
fn a_server_that_dies_is_noticed_and_its_version_is_known() {
    for (engine, product) in [(Engine::Postgres, "PostgreSQL"), (Engine::Mysql, "MariaDB")] {
        if !engines().contains(&engine) {
            continue;
        }
        let place = Place::new();
        block_on(async {
            let version = Managed::version(&place.options(engine)).await.unwrap();
            assert!(version.contains(product), "{version}");
            let managed = Managed::start(place.options(engine)).await.unwrap();
            let [home] = &place.homes()[..] else { panic!("{:?}", place.homes()) };
            for pid in processes_below(home) {
                let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
                // One that ended with its parent is as good.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            while managed.is_running() {
                tokio::task::yield_now().await;
            }
            managed.stop().await;
        });
        assert_eq!(place.homes(), [] as [PathBuf; 0]);
    }
}
