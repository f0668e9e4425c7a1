//! Real Postgres servers that live as long as a test needs them: data in memory, durability off, a
//! Unix socket only. A shell at the other end of a pipe stops them, however this process ends.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The super-user of every server.
pub(crate) const ADMIN: &str = "postgres";

/// Who may connect, and how: `locked` needs a password, `unwanted` may not, `fenced` may not to
/// `postgres`, and all others may.
const HBA: &str = "local all locked scram-sha-256\nlocal all unwanted reject\n\
                   local postgres fenced reject\nlocal all all trust\n";

const CONFIG: &str = "listen_addresses = ''\nfsync = off\nsynchronous_commit = off\n\
                      full_page_writes = off\nautovacuum = off\nmax_connections = 200\n\
                      shared_buffers = 64MB\nmax_prepared_transactions = 5\n";

/// Waits until the test's process closes the pipe, then stops the server and removes it.
const KEEPER: &str = r#"trap '' INT TERM HUP
cat >/dev/null
"$@" stop -m immediate >/dev/null 2>&1
rm -rf "$DIR""#;

/// A server.
pub(crate) struct PostgresServer {
    bin: PathBuf,
    dir: PathBuf,
    keeper: Child,
}

/// One of each major version at hand, shared by all tests of this process.
pub(crate) fn servers() -> &'static [PostgresServer] {
    static SERVERS: LazyLock<Vec<PostgresServer>> =
        LazyLock::new(|| bins().iter().map(|bin| PostgresServer::start(bin)).collect());
    &SERVERS
}

/// The directories with `initdb`: of `EVENLY_TEST_PG_BINS`, and the first of PATH and Debian.
pub(crate) fn bins() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).chain(debian());
    let mut installed = installed
        .filter_map(|dir| fs::canonicalize(dir.join("initdb")).ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .filter(|dir| dir.join("postgres").exists());
    let more = std::env::var_os("EVENLY_TEST_PG_BINS").unwrap_or_default();
    let more = std::env::split_paths(&more).filter(|dir| !dir.as_os_str().is_empty());
    let bins: Vec<PathBuf> = installed.next().into_iter().chain(more).collect();
    assert!(!bins.is_empty(), "install `postgresql`: neither PATH nor Debian's place has `initdb`");
    bins
}

fn debian() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    bins.sort();
    bins.reverse();
    bins
}

impl PostgresServer {
    pub(crate) fn start(bin: &Path) -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let dir = TempDir::with_prefix_in("evenly-pg-", base).unwrap().keep();
        if let Some(user) = other_user() {
            let [uid, gid] = ["-u", "-g"].map(|which| id(which, user));
            chown(&dir, uid.parse().ok(), gid.parse().ok()).unwrap();
        }
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).env("DIR", &dir).stdin(Stdio::piped());
        let pg_ctl = as_owner(&bin.join("pg_ctl"));
        keeper.arg(pg_ctl.get_program()).args(pg_ctl.get_args());
        let keeper = keeper.arg("-D").arg(dir.join("data")).spawn().unwrap();
        let server = Self { bin: bin.to_owned(), dir, keeper };
        server.own_tool(
            "initdb",
            &["-U", ADMIN, "--no-sync", "-E", "UTF8", "--locale=C", "-A", "trust"],
        );
        let sockets = format!("unix_socket_directories = '{}'\n", server.dir.display());
        fs::write(server.data().join("postgresql.auto.conf"), format!("{CONFIG}{sockets}"))
            .unwrap();
        fs::write(server.data().join("pg_hba.conf"), HBA).unwrap();
        server.up();
        server
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn up(&self) {
        let log = self.dir.join("log");
        self.own_tool("pg_ctl", &["-w", "-s", "-l", log.to_str().unwrap(), "start"]);
    }

    /// Stops it as an administrator in a hurry does.
    pub(crate) fn down(&self) {
        self.own_tool("pg_ctl", &["-w", "-s", "-m", "fast", "stop"]);
    }

    /// A URL on it: the user may have a password behind a colon.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@localhost/{database}?host={}", self.dir.display())
    }

    /// One of its client programs; `None` where the package has none.
    pub(crate) fn client(&self, program: &str) -> Option<Command> {
        let program = self.bin.join(program);
        let mut command = Command::new(&program);
        command.arg("-h").arg(&self.dir).args(["-U", ADMIN]);
        program.exists().then_some(command)
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn own_tool(&self, tool: &str, args: &[&str]) {
        let mut command = as_owner(&self.bin.join(tool));
        command.arg("-D").arg(self.data()).args(args).current_dir("/");
        // Not a pipe: the server would keep it open.
        let log = self.dir.join("tool.log");
        let output = fs::File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let status = command.status().unwrap();
        let told = fs::read_to_string(&log).unwrap_or_default();
        assert!(status.success(), "{}: {status}: {told}", self.bin.join(tool).display());
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Postgres refuses to run as root; then it runs as this user.
fn other_user() -> Option<&'static str> {
    rustix::process::getuid().is_root().then_some("postgres")
}

fn as_owner(program: &Path) -> Command {
    match other_user() {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
    }
}

fn id(which: &str, user: &str) -> String {
    let output = Command::new("id").args([which, user]).output().unwrap();
    assert!(output.status.success(), "there is no user `{user}`");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
