//! What the engines differ in: how a data directory is made, and how a server is started on it.
//! Durability is off everywhere: the data does not outlive the run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::error::{ManagedError, cannot};
use super::home::Home;
use super::programs::Programs;
use super::{ManagedOptions, USER};
use crate::process::Control;

/// Connections beyond the workers': evenly's own, and those that Postgres keeps for superusers.
/// Evenly has one for each clone that is being made or dropped, and on MariaDB one more for each
/// database of the configuration, whatever the number of clones.
const CONNECTIONS_RESERVED: u32 = 16;
/// The longest path of a Unix socket, bytes: Linux' 108 less the end of the text; macOS has 104.
const SOCKET_BYTES_MAX: usize = 103;
/// The file in a Postgres data directory that remembers its password for the next start.
pub(super) const PASSWORD: &str = "evenly-password";
/// MariaDB's redo log, which is written in full when it is made.
const REDO_LOG: &str = "--innodb-log-file-size=16M";

/// Where a server listens.
#[derive(Debug, Clone)]
pub(super) struct Listen {
    pub(super) port: u16,
    /// Beside the port, where the path is short enough.
    pub(super) socket: Option<PathBuf>,
}

impl Programs {
    /// The socket that a server with this port has in a directory.
    pub(super) fn socket(&self, directory: &Path, port: u16) -> Option<PathBuf> {
        let socket = match self {
            Self::Postgres { .. } => directory.join(format!(".s.PGSQL.{port}")),
            Self::Mariadb { .. } | Self::Mysql { .. } => directory.join("mysql.sock"),
        };
        (socket.as_os_str().len() <= SOCKET_BYTES_MAX).then_some(socket)
    }

    /// The program that makes a data directory, with its arguments.
    pub(super) fn initialise(&self, home: &Home, locale: &str) -> Vec<OsString> {
        let data = home.data();
        match self {
            Self::Postgres { initdb, server: _ } => words(
                initdb,
                &[
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--no-sync",
                    &format!("--username={USER}"),
                    &format!("--locale={locale}"),
                ],
                &[("--pwfile=", &home.path().join("password")), ("--pgdata=", &data)],
            ),
            Self::Mariadb { install, server: _ } => words(
                install,
                &[
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--skip-name-resolve",
                    REDO_LOG,
                ],
                // A directory that is shared loses its files to any server that starts there.
                &[("--datadir=", &data), ("--tmpdir=", home.path())],
            ),
            Self::Mysql { server } => {
                let paths = [("--datadir=", data.as_path()), ("--tmpdir=", home.path())];
                words(server, &["--no-defaults", "--initialize-insecure"], &paths)
            }
        }
    }

    /// The server, with its arguments.
    pub(super) fn serve(
        &self,
        home: &Home,
        listen: &Listen,
        options: &ManagedOptions,
    ) -> Vec<OsString> {
        let connections = options
            .workers
            .saturating_mul(options.connections_per_worker)
            .saturating_add(CONNECTIONS_RESERVED);
        match self {
            Self::Postgres { initdb: _, server } => postgres(server, home, listen, connections),
            Self::Mariadb { install: _, server } => {
                let own = ["--innodb-flush-method=nosync", REDO_LOG];
                mysql(server, home, listen, connections, &own)
            }
            Self::Mysql { server } => {
                let own = ["--innodb-flush-method=O_DIRECT_NO_FSYNC", "--mysqlx=OFF"];
                mysql(server, home, listen, connections, &own)
            }
        }
    }

    /// How a server is asked to end with its data in order, the clients sent away.
    pub(super) fn end(&self) -> Control {
        match self {
            Self::Postgres { .. } => Control::Signal(Signal::INT.as_raw()),
            Self::Mariadb { .. } | Self::Mysql { .. } => Control::Signal(Signal::TERM.as_raw()),
        }
    }

    /// Sees to it that the next start has this password.
    pub(super) fn set_password(&self, home: &Home, password: &str) -> Result<(), ManagedError> {
        match self {
            Self::Postgres { .. } => home.write(&home.path().join("password"), password),
            Self::Mariadb { .. } | Self::Mysql { .. } => {
                home.write(&home.path().join("init.sql"), &users(password))
            }
        }
    }

    /// The password that restored data has, where it is needed to set another one.
    pub(super) fn old_password(&self, data: &Path) -> Result<Option<String>, ManagedError> {
        match self {
            Self::Postgres { .. } => {
                let path = data.join(PASSWORD);
                std::fs::read_to_string(&path).map(Some).map_err(cannot("read", &path))
            }
            Self::Mariadb { .. } | Self::Mysql { .. } => Ok(None),
        }
    }
}

/// The one user that can connect; run by the server before it lets anyone in. The password is
/// hex digits.
fn users(password: &str) -> String {
    format!(
        "CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{password}';\n\
         ALTER USER '{USER}'@'%' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n\
         DROP USER IF EXISTS ''@'localhost', 'root'@'127.0.0.1', 'root'@'::1';\n\
         ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n"
    )
}

fn postgres(server: &Path, home: &Home, listen: &Listen, connections: u32) -> Vec<OsString> {
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={}", listen.port),
        format!("max_connections={connections}"),
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
        "wal_level=minimal".to_owned(),
        "max_wal_senders=0".to_owned(),
        "max_wal_size=256MB".to_owned(),
        "autovacuum=off".to_owned(),
        // Plans of tests are used once: compiling them costs more than it saves.
        "jit=off".to_owned(),
        // Whole schemas are dropped and emptied in one transaction.
        "max_locks_per_transaction=256".to_owned(),
        // Inside the data directory, so that nothing is left elsewhere after SIGKILL.
        "dynamic_shared_memory_type=mmap".to_owned(),
        // What tests provoke would fill the memory.
        "log_min_messages=fatal".to_owned(),
    ];
    let sockets = match &listen.socket {
        Some(_) => home.path().as_os_str().to_owned(),
        None => OsString::new(),
    };
    let mut argv = words(server, &[], &[]);
    argv.extend(["-D".into(), home.data().into_os_string()]);
    for setting in settings {
        argv.extend(["-c".into(), setting.into()]);
    }
    let mut directories = OsString::from("unix_socket_directories=");
    directories.push(sockets);
    argv.extend(["-c".into(), directories]);
    argv
}

fn mysql(
    server: &Path,
    home: &Home,
    listen: &Listen,
    connections: u32,
    own: &[&str],
) -> Vec<OsString> {
    let (port, connections) =
        (format!("--port={}", listen.port), format!("--max-connections={connections}"));
    let mut plain = vec![
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--character-set-server=utf8mb4",
        "--performance-schema=OFF",
        "--innodb-doublewrite=0",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-load-at-startup=OFF",
        "--innodb-buffer-pool-dump-at-shutdown=OFF",
        &port,
        &connections,
    ];
    plain.extend(own);
    // A path too long for a socket still is one relative to the data directory.
    let socket = listen.socket.clone().unwrap_or_else(|| "mysql.sock".into());
    let path = home.path();
    let (init, pid) = (path.join("init.sql"), path.join("pid"));
    let paths: [(&str, &Path); 5] = [
        ("--datadir=", &home.data()),
        ("--tmpdir=", path),
        ("--socket=", &socket),
        ("--init-file=", &init),
        ("--pid-file=", &pid),
    ];
    words(server, &plain, &paths)
}

/// A program, its plain arguments, and those that end in a path.
fn words(program: &Path, plain: &[&str], paths: &[(&str, &Path)]) -> Vec<OsString> {
    let mut argv = vec![program.as_os_str().to_owned()];
    argv.extend(plain.iter().map(OsString::from));
    argv.extend(paths.iter().map(|(option, path)| {
        let mut word = OsString::from(option);
        word.push(path);
        word
    }));
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_has_none() {
        let server = Programs::Mysql { server: "/mysqld".into() };
        let short = Path::new("/dev/shm/evenly-db-0a1b2c3d");
        assert_eq!(server.socket(short, 1), Some(short.join("mysql.sock")));
        assert_eq!(server.socket(Path::new(&"/long".repeat(20)), 1), None);
        let server = Programs::Postgres { initdb: "/i".into(), server: "/p".into() };
        assert_eq!(server.socket(short, 5432), Some(short.join(".s.PGSQL.5432")));
    }
}
