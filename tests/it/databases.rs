//! Every worker its own database: the real binary, real servers, shell scripts as tests.

mod filled;
mod isolation;
mod killed;
mod refused;
mod templates;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::support::mariadb::Mariadb;
use crate::support::postgres::{ADMIN, PostgresServer, servers};
use crate::support::{Evenly, Project};

const JOURNAL: &str = "shard-1-of-1.attempt-1.jsonl";

/// `q SQL [URL]` for tests: runs statements by the server's own client and prints their rows.
const Q: &str = r#"
q() {
    url=${2:-$DATABASE_URL}
    case $url in
    sqlite:*) python3 q.py "$url" "$1" ;;
    postgres*) psql -XAtq -v ON_ERROR_STOP=1 -d "$url" -c "$1" ;;
    mysql:*)
        rest=${url#mysql://}; login=${rest%%@*}; rest=${rest#*@}
        host=${rest%%/*}; base=${rest#*/}; socket=
        case $base in *socket=*) socket=$(echo "${base#*socket=}" | sed 's/%2F/\//g') ;; esac
        case $login in *:*) export MYSQL_PWD="${login#*:}" ;; esac
        case $socket in
        '') set -- "$1" --protocol=tcp --host="${host%:*}" --port="${host#*:}" ;;
        *) set -- "$1" --socket="$socket" ;;
        esac
        sql=$1; shift
        mariadb --no-defaults -BN --user="${login%%:*}" "$@" -e "$sql" "${base%%\?*}" ;;
    *) echo "no database: $url" >&2; return 1 ;;
    esac
}
"#;

const Q_PY: &str = r#"
import sqlite3, sys
path = sys.argv[1].removeprefix("sqlite:").split("?")[0]
path = "/" + path.lstrip("/") if path.startswith("/") else path
base = sqlite3.connect(path, timeout=60, isolation_level=None)
for row in base.execute(sys.argv[2]):
    print(*row, sep="\t")
"#;

/// Three rows, and a table in which groups leave traces; told in `prepared` each time.
const PREPARE: &str = r"prepare = '''
set -e; . ./q.sh; echo built >> prepared
q 'CREATE TABLE seed (a INT)'; q 'INSERT INTO seed VALUES (1), (2), (3)'
q 'CREATE TABLE seen (worker INT)' '''
";

/// Where a database is: its name here, the keys of its `[database.NAME]`, and what keeps it there.
struct Place {
    engine: &'static str,
    keys: String,
    server: Option<Arc<Mariadb>>,
}

pub(crate) fn has_mariadb() -> bool {
    Path::new("/usr/sbin/mariadbd").exists()
}

fn sqlite() -> Place {
    let keys = "url = \"sqlite:base.db\"\n".to_owned();
    Place { engine: "sqlite", keys, server: None }
}

fn managed(engine: &'static str) -> Place {
    let keys = format!("server = \"managed\"\nengine = \"{engine}\"\n");
    Place { engine, keys, server: None }
}

fn postgres(server: &PostgresServer) -> Place {
    let keys = format!("url = \"{}\"\n", server.url(ADMIN, "postgres"));
    Place { engine: "postgres", keys, server: None }
}

fn mariadb() -> Place {
    let server = Mariadb::shared();
    let keys = format!("url = \"{}\"\n", server.url("root", "mysql"));
    Place { engine: "mysql", keys, server: Some(server) }
}

/// Every kind of place that there is on this machine.
fn places() -> Vec<Place> {
    let mut places = vec![sqlite(), managed("postgres")];
    places.extend(servers().iter().map(postgres));
    if has_mariadb() {
        places.extend([mariadb(), managed("mysql")]);
    }
    places
}

/// A project with one suite of shell scripts that use these databases.
fn project(databases: &[&str], rest: &str) -> Project {
    let config = format!(
        "[[suite]]\nname = \"sh\"\nframework = \"command\"\nglobs = [\"t/*.sh\"]\n\
         run = \"sh -eu {{tests}}\"\ndatabases = {databases:?}\n{rest}"
    );
    Project::new(&config).file("q.sh", Q).file("q.py", Q_PY)
}

/// A test that finds the template's rows.
const FINDS: &str = ". ./q.sh\ntest \"$(q 'SELECT COUNT(*) FROM seed')\" = 3\n";

fn run(project: &Project, workers: &str) -> Evenly {
    project.evenly(&["run", "--shard", "1/1", "--workers", workers])
}

fn events(project: &Project, kind: &str) -> Vec<Value> {
    let events = project.journal(JOURNAL);
    events.into_iter().filter(|event| event["event"] == kind).collect()
}

/// The databases that were made ready and how, in their order.
fn ready(project: &Project) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ready = events(project, "database-ready");
    ready.iter().map(|event| (text(&event["database"]), text(&event["origin"]))).collect()
}

fn origins(project: &Project) -> Vec<String> {
    ready(project).into_iter().map(|(_, origin)| origin).collect()
}

/// The databases of a Postgres whose names hold a text.
pub(crate) fn on(server: &PostgresServer, part: &str) -> Vec<String> {
    let sql = format!("SELECT datname FROM pg_database WHERE strpos(datname, '{part}') > 0");
    psql(server, &sql).lines().map(str::to_owned).collect()
}

fn clones_on(server: &PostgresServer, part: &str) -> Vec<String> {
    let mut names = on(server, part);
    names.retain(|name| name.starts_with("test_"));
    names
}

fn psql(server: &PostgresServer, sql: &str) -> String {
    let mut client = server.client("psql").expect("the package has psql");
    let client = client.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", sql]);
    let output = client.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{sql}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn fifo(project: &Project, name: &str) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    mknodat(CWD, project.path(name), FileType::Fifo, Mode::RWXU, 0).unwrap();
}
