//! Where servers' programs are: on `PATH`, or where distributions put them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::ManagedError;
use crate::db::Engine;

/// A server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Programs {
    Postgres { initdb: PathBuf, server: PathBuf },
    Mariadb { install: PathBuf, server: PathBuf },
    Mysql { server: PathBuf },
}

/// Directories whose parts are versions: parent, beginning of the name, what follows it.
const POSTGRES_USUAL: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/lib", "postgresql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
];

const MYSQL_USUAL: [&str; 7] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/opt/mariadb/bin",
    "/opt/homebrew/opt/mysql/bin",
];

/// Finds an engine's programs, in `only` if it is given.
pub(super) fn find(
    engine: Engine,
    only: Option<&Path>,
    path: &OsStr,
) -> Result<Programs, ManagedError> {
    let places = match (engine, only) {
        (_, Some(only)) => vec![only.to_owned()],
        (Engine::Postgres, None) => on_path(path).chain(postgres_usual()).collect(),
        (_, None) => on_path(path).chain(MYSQL_USUAL.map(PathBuf::from)).collect::<Vec<_>>(),
    };
    let (found, programs, remedy) = match engine {
        Engine::Postgres => (
            postgres(&places),
            "`initdb` and `postgres`",
            "install it (Debian, Ubuntu: `postgresql`; Fedora: `postgresql-server`; Alpine: \
             `postgresql`; Homebrew: `postgresql@17`), or give the `url` of a server that runs",
        ),
        Engine::Mysql => (
            mysql(&places),
            "`mariadbd` and `mariadb-install-db`, or `mysqld`",
            "install it (Debian, Ubuntu: `mariadb-server-core mariadb-client-core`; Fedora: \
             `mariadb-server`; Alpine: `mariadb`; Homebrew: `mariadb`), or give the `url` of a \
             server that runs",
        ),
        Engine::Sqlite => return Err(ManagedError::NoServer),
    };
    found.ok_or_else(|| {
        let looked = match only {
            Some(only) => format!("`{}`", only.display()),
            None => "`PATH` and the usual places".to_owned(),
        };
        ManagedError::NotFound { engine, programs, looked, remedy }
    })
}

fn on_path(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|path| path.is_absolute())
}

/// The usual directories that there are, the newest version first.
fn postgres_usual() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (parent, beginning, rest) in POSTGRES_USUAL {
        let mut versions: Vec<(u32, PathBuf)> = Vec::new();
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(version) = name.to_str().and_then(|name| name.strip_prefix(beginning)) else {
                continue;
            };
            let version = version.trim_start_matches(['@', '-']);
            let major = version.split('.').next().and_then(|major| major.parse().ok());
            versions.push((major.unwrap_or(0), entry.path().join(rest)));
        }
        versions.sort_by(|a, b| b.cmp(a));
        found.extend(versions.into_iter().map(|(_, path)| path));
    }
    found
}

/// A program in a directory; links are followed, since servers look for their files beside it.
fn program(place: &Path, name: &str) -> Option<PathBuf> {
    let path = place.join(name).canonicalize().ok()?;
    let runs = rustix::fs::access(&path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file();
    runs.then_some(path)
}

fn postgres(places: &[PathBuf]) -> Option<Programs> {
    places.iter().find_map(|place| {
        let initdb = program(place, "initdb")?;
        let server = program(initdb.parent()?, "postgres")?;
        Some(Programs::Postgres { initdb, server })
    })
}

/// MariaDB's two programs may lie in different directories.
fn mysql(places: &[PathBuf]) -> Option<Programs> {
    let any = |names: &[&str]| {
        names.iter().find_map(|name| places.iter().find_map(|place| program(place, name)))
    };
    if let Some(server) = any(&["mariadbd"])
        && let Some(install) = any(&["mariadb-install-db", "mysql_install_db"])
    {
        return Some(Programs::Mariadb { install, server });
    }
    any(&["mysqld"]).map(|server| Programs::Mysql { server })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn place(dir: &Path, name: &str, programs: &[&str]) -> PathBuf {
        let place = dir.join(name);
        fs::create_dir(&place).unwrap();
        for program in programs {
            let path = place.join(program);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        place
    }

    #[test]
    fn only_a_whole_set_of_programs_counts() {
        let dir = tempfile::tempdir().unwrap();
        let client = place(dir.path(), "client", &["psql", "initdb"]);
        let server = place(dir.path(), "server", &["initdb", "postgres"]);
        let server = server.canonicalize().unwrap();
        let path = std::env::join_paths([&client, &server]).unwrap();
        let expected =
            Programs::Postgres { initdb: server.join("initdb"), server: server.join("postgres") };
        assert_eq!(find(Engine::Postgres, None, &path).unwrap(), expected);
        let error = find(Engine::Postgres, Some(&client), &path).unwrap_err().to_string();
        assert!(error.contains("`initdb` and `postgres`") && error.contains("install"), "{error}");
    }

    #[test]
    fn mariadb_comes_before_mysql_and_may_be_spread() {
        let dir = tempfile::tempdir().unwrap();
        let sbin = place(dir.path(), "sbin", &["mariadbd", "mysqld"]);
        let bin = place(dir.path(), "bin", &["mariadb-install-db"]);
        let (sbin, bin) = (sbin.canonicalize().unwrap(), bin.canonicalize().unwrap());
        let both = mysql(&[sbin.clone(), bin.clone()]).unwrap();
        let install = bin.join("mariadb-install-db");
        assert_eq!(both, Programs::Mariadb { install, server: sbin.join("mariadbd") });
        let alone = mysql(std::slice::from_ref(&sbin)).unwrap();
        assert_eq!(alone, Programs::Mysql { server: sbin.join("mysqld") });
        assert_eq!(mysql(&[bin]), None);
    }
}
