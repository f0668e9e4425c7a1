//! `evenly db up` and `down`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};

use super::{exported, homes_of, processes_below, project};
use crate::support::mariadb::Mariadb;
use crate::support::{Project, is_alive, postgres, until};

const MANAGED: &str = "[database.main]\nserver = \"managed\"\nengine = \"postgres\"\n\
                       schema = \"s.sql\"\n";
const SCHEMA: &str = "CREATE TABLE items (a INT); INSERT INTO items VALUES (1), (2);";

fn managed() -> Project {
    project(MANAGED).file("s.sql", SCHEMA)
}

fn holder(project: &Project) -> i64 {
    project.json(".evenly/server.json")["holder"]["pid"].as_i64().unwrap()
}

fn signal(pid: i64, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn is_there(pid: i64) -> bool {
    is_alive(i32::try_from(pid).unwrap())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn count(url: &str) -> Result<i64, sqlx::Error> {
    block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::query_scalar("SELECT COUNT(*) FROM items").fetch_one(&mut connection).await
    })
}

fn insert(url: &str) {
    block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql("INSERT INTO items VALUES (3)").execute(&mut connection).await.unwrap();
    });
}

#[test]
fn up_leaves_a_server_running_and_down_removes_everything() {
    let project = managed();
    let up = project.evenly(&["db", "up"]).exits(0).warns("note: database `main`: template built");
    let url = exported(&up, "DATABASE_URL");
    assert_eq!(exported(&up, "DATABASE_URL_MAIN"), url);
    assert!(url.ends_with("/test_local_main"), "{url}");
    assert_eq!(count(&url).unwrap(), 2);
    let state = project.path(".evenly/server.json");
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    let holder = holder(&project);
    // A session of its own, without a terminal: fields 6 and 7 of the line, 3 is behind the name.
    let stat = fs::read_to_string(format!("/proc/{holder}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    assert_eq!((fields[3], fields[4]), (holder.to_string().as_str(), "0"));
    let [home] = &homes_of(holder)[..] else { panic!("{:?}", homes_of(holder)) };

    insert(&url);
    let again = project.evenly(&["db", "up"]).exits(0).warns("run already");
    assert_eq!(again.stdout, up.stdout);
    assert_eq!(count(&url).unwrap(), 3);
    let list = project.evenly(&["db", "list"]).exits(0).says("test_local_main").says("alive");
    assert!(list.stdout.contains(home.to_str().unwrap()), "{list}");
    let cleaned = project.evenly(&["db", "clean", "--templates"]).exits(0);
    assert!(!cleaned.stdout.contains(home.to_str().unwrap()), "{cleaned}");
    // A run has its own server beside it.
    project.evenly(&["run"]).exits(0);
    assert!(!project.text("seen").contains("test_local_main"));

    let down = project.evenly(&["db", "down"]).exits(0).warns("is gone");
    assert_eq!(down.stdout, "");
    assert!(!is_there(holder) && processes_below(home).is_empty() && !home.exists());
    assert!(count(&url).is_err());
    assert!(!state.exists() && !project.path(".evenly/local").exists());
    project.evenly(&["db", "down"]).exits(0).warns("nothing is up");
}

#[test]
fn a_killed_holder_leaves_no_server_and_the_next_up_heals() {
    let project = managed();
    let url = exported(&project.evenly(&["db", "up"]).exits(0), "DATABASE_URL");
    let first = holder(&project);
    let [home] = &homes_of(first)[..] else { panic!("{:?}", homes_of(first)) };
    signal(first, Signal::KILL);
    until("the server is gone", || processes_below(home).is_empty() && !is_there(first));
    assert!(count(&url).is_err());
    let said = format!("process {first}, which held the servers, is gone");
    let up = project.evenly(&["db", "up"]).exits(0).warns(&said);
    assert_eq!(count(&exported(&up, "DATABASE_URL")).unwrap(), 2);
    assert!(!home.exists(), "what it left is still there");
    let second = holder(&project);
    signal(second, Signal::KILL);
    until("the second is gone", || !is_there(second));
    project.evenly(&["db", "down"]).exits(0).warns("was gone");
    assert_eq!(homes_of(second), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_holder_ends_with_its_server_or_its_state() {
    let project = managed();
    project.evenly(&["db", "up"]).exits(0);
    let first = holder(&project);
    fs::remove_file(project.path(".evenly/server.json")).unwrap();
    until("it ends without its state", || !is_there(first));
    assert_eq!(homes_of(first), [] as [std::path::PathBuf; 0]);

    project.evenly(&["db", "up"]).exits(0);
    let second = holder(&project);
    for pid in processes_below(&homes_of(second)[0]) {
        // One that ended with its parent is as good.
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }
    until("it ends with its server", || !is_there(second));
    assert!(project.text(".evenly/server.log").contains("a server ended by itself"));
    project.evenly(&["db", "up"]).exits(0).warns("is gone");
    project.evenly(&["db", "down"]).exits(0);
}

#[test]
fn what_cannot_be_made_is_told_by_up_and_nothing_stays() {
    let project =
        project(&MANAGED.replace("schema = \"s.sql\"", "prepare = \"echo no luck; exit 7\""));
    let ran = project.evenly(&["db", "up"]).exits(3).warns("no luck");
    assert_eq!(ran.stdout, "");
    assert!(!project.path(".evenly/server.json").exists());
    project.evenly(&["db", "up", "--database", "nope"]).exits(2).warns("no `[database.nope]`");
    let none = Project::new(crate::support::SHELL_SUITE);
    none.evenly(&["db", "up"]).exits(2).warns("no `[database.NAME]`");
}

#[test]
fn an_up_that_is_killed_while_it_prepares_leaves_nothing() {
    let prepare = "prepare = \"echo $PPID > began; exec sleep 1000\"";
    let project = project(&MANAGED.replace("schema = \"s.sql\"", prepare));
    let up = project.evenly(&["db", "up"]).start();
    until("it prepares", || project.path("began").exists());
    let config = project.path("evenly.toml");
    let holds = || {
        let commands = fs::read_dir("/proc").unwrap().flatten();
        let mut commands = commands.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        commands.any(|command| {
            let command = String::from_utf8_lossy(&command).into_owned();
            command.contains("\0hold\0") && command.contains(config.to_str().unwrap())
        })
    };
    assert!(holds());
    up.signal(Signal::KILL);
    until("its holder ends", || !holds());
    assert!(!project.path(".evenly/server.json").exists());
}

#[test]
fn two_at_the_same_time_have_one_server() {
    let project = managed();
    let [one, two] = [0, 1].map(|_| project.evenly(&["db", "up"]).start());
    let (one, two) = (one.wait().exits(0), two.wait().exits(0));
    assert_eq!(one.stdout, two.stdout);
    assert!(one.stderr.contains("run already") != two.stderr.contains("run already"), "{one}");
    project.evenly(&["db", "down"]).exits(0);
}

#[test]
fn a_database_more_needs_the_servers_anew() {
    let more = MANAGED.replace("main", "more");
    let project = project(&format!("{MANAGED}{more}")).file("s.sql", SCHEMA);
    let up = project.evenly(&["db", "up", "--database", "main"]).exits(0);
    assert!(!up.stdout.contains("MORE"), "{up}");
    let refused = project.evenly(&["db", "up"]).exits(2).warns("without `more`");
    refused.warns("hint: `evenly db down` first");
    project.evenly(&["db", "down"]).exits(0);
}

#[test]
fn on_other_servers_up_makes_clones_and_leaves_no_process() {
    let server = &postgres::servers()[0];
    let url = server.url(postgres::ADMIN, "x");
    let maria = Mariadb::shared();
    let project = project(&format!(
        "[database.main]\nurl = \"{url}\"\nschema = \"s.sql\"\n\
         [database.other]\nurl = \"{}\"\nschema = \"s.sql\"\n\
         [database.file]\nurl = \"sqlite:x\"\nschema = \"s.sql\"\n",
        maria.url("root", "x")
    ));
    // Its own key, so that no other test shares the template.
    let project = project.file("s.sql", format!("{SCHEMA} -- by hand"));
    let up = project.evenly(&["db", "up"]).exits(0);
    let main = exported(&up, "DATABASE_URL");
    assert_eq!(exported(&up, "DATABASE_URL_MAIN"), main);
    assert!(main.contains("/test_local_main_"), "{main}");
    let other = exported(&up, "DATABASE_URL_OTHER");
    let other = other.split(['/', '?']).find(|part| part.starts_with("test_local_")).unwrap();
    assert_eq!(maria.sql(&format!("SELECT COUNT(*) FROM {other}.items")).trim(), "2");
    assert!(exported(&up, "DATABASE_URL_FILE").contains(".evenly/local"), "{up}");
    assert!(project.json(".evenly/server.json")["holder"].is_null());
    insert(&main);
    // A run, and its cleaning, leave it alone.
    project.evenly(&["run"]).exits(0);
    project.evenly(&["db", "clean"]).exits(0);
    let again = project.evenly(&["db", "up"]).exits(0);
    assert_eq!(again.stdout, up.stdout);
    assert_eq!(count(&main).unwrap(), 3);
    project.evenly(&["db", "down"]).exits(0);
    assert!(count(&main).is_err());
    assert_eq!(maria.sql(&format!("SHOW DATABASES LIKE '{other}'")).trim(), "");
    assert!(!project.path(".evenly/local").exists());
}

#[test]
fn what_only_a_suite_fills_is_said_to_be_empty_and_its_own_servers_are_not_looked_at() {
    let suite = "[[suite]]\nname = \"web\"\nframework = \"django\"\n";
    let database = "databases = [\"main\"]\n[database.main]\nurl = \"sqlite:main.db\"\n";
    let project = Project::new(&format!("{suite}{database}"));
    let up = project.evenly(&["db", "up"]).exits(0);
    assert!(up.stderr.contains("`[database.main]` is empty here: suite `web` fills it"), "{up}");
    project.evenly(&["db", "down"]).exits(0);
    project.write("evenly.toml", suite);
    let list = project.evenly(&["db", "list"]).exits(0);
    assert!(list.stderr.contains("of suite `web` are not looked at"), "{list}");
}
