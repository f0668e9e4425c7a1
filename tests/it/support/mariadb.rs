//! A throw-away MariaDB: socket only, in memory, gone with the last that uses it or with this
//! process, whatever its end was.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};

/// Kills the server as soon as its input says something or ends; then removes the directory, unless
/// the word was `keep`. It says nothing itself: there may be nobody left to hear it.
const KEEPER: &str = r#"dir=$1; shift
"$@" </dev/null & server=$!
exec 2>/dev/null
read -r word
kill -9 $server; wait $server
[ "$word" = keep ] || rm -rf "$dir""#;

/// A running server.
pub(crate) struct Mariadb {
    dir: PathBuf,
    keeper: Mutex<Child>,
}

impl Mariadb {
    /// A server of one's own.
    pub(crate) fn start() -> Self {
        let place = ["/dev/shm", "/tmp"].into_iter().find(|place| Path::new(place).is_dir());
        let temporary = tempfile::tempdir_in(place.expect("a place for temporary files")).unwrap();
        let dir = temporary.path();
        let mut install = Command::new("mariadb-install-db");
        install.args([
            "--no-defaults",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]);
        install.args([SMALL_LOG, &format!("--datadir={}", dir.join("data").display())]);
        std::fs::create_dir(dir.join("tmp")).unwrap();
        install.env("TMPDIR", dir.join("tmp"));
        succeed(&as_root(&mut install).output().expect("`tests/run` installs MariaDB"));
        // From here on the keeper removes it.
        let dir = temporary.keep();
        let keeper = Mutex::new(launch(&dir));
        Self { dir, keeper }
    }

    /// One server for all tests that run at the same time.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Mariadb>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Kills it as a crash would, and starts it again.
    pub(crate) fn crash(&self) {
        let mut keeper = self.keeper.lock().unwrap();
        end(&mut keeper, "keep\n");
        *keeper = launch(&self.dir);
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    /// The URL of a database, for a user (`root` or `name:password`).
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@localhost/{database}?socket={}", self.socket().display())
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4"]);
        command.arg(format!("--socket={}", self.socket().display()));
        command
    }

    /// Runs statements with the `mariadb` client, `delimiter` included; its rows, tab by tab.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let mut client = self.client("mariadb");
        client.args(["--batch", "--skip-column-names", "--comments"]);
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = client.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let statements = statements.to_owned();
        let writer = std::thread::spawn(move || {
            // A client that has failed reads no further: its own error says more.
            let _ = input.write_all(statements.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        succeed(&output)
    }

    /// All that there is in a database, as `mariadb-dump` tells it.
    pub(crate) fn dump(&self, database: &str) -> String {
        let mut client = self.client("mariadb-dump");
        client.args(["--routines", "--events", "--triggers", "--skip-comments", "--hex-blob"]);
        client.args(["--skip-extended-insert", "--complete-insert", database]);
        succeed(&client.output().unwrap())
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        end(keeper, "end\n");
    }
}

/// As in the benchmark, the log is small: it is what a data directory mostly consists of.
const SMALL_LOG: &str = "--innodb-log-file-size=16M";

fn launch(dir: &Path) -> Child {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(dir).args(["mariadbd", "--no-defaults"]);
    keeper.arg(format!("--datadir={}", dir.join("data").display()));
    keeper.arg(format!("--socket={}", dir.join("socket").display()));
    keeper.args(["--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"]);
    keeper.args(["--innodb-doublewrite=0", "--innodb-flush-method=nosync", SMALL_LOG]);
    keeper.args(["--sql-mode=STRICT_TRANS_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]);
    // A server that starts removes the temporary tables of all others in the same directory.
    keeper.env("TMPDIR", dir.join("tmp"));
    as_root(&mut keeper).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut keeper = keeper.spawn().unwrap();
    let lines = BufReader::new(keeper.stderr.take().unwrap()).lines();
    let (ready, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let mut told = Vec::new();
        // Read to its end, so that the server never waits for us.
        for line in lines.map_while(Result::ok) {
            if line.contains("ready for connections") {
                let _ = ready.send(Ok(()));
            }
            told.push(line);
        }
        let _ = ready.send(Err(told.join("\n")));
    });
    wait.recv().unwrap().unwrap_or_else(|told| panic!("mariadbd does not start:\n{told}"));
    keeper
}

fn as_root(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() { command.arg("--user=root") } else { command }
}

fn end(keeper: &mut Child, word: &str) {
    let mut input = keeper.stdin.take().expect("it is ended once");
    let _ = input.write_all(word.as_bytes());
    drop(input);
    let _ = keeper.wait();
}

#[track_caller]
fn succeed(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{}: {err}", output.status);
    out.into_owned()
}
