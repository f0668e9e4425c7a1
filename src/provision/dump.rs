//! Dumps of templates on servers that are not ours: a CI's service container is empty each time,
//! so what was built once is kept as the server's own client program writes it, and loaded into
//! the next empty server instead of building.
//!
//! A dump is never needed: whatever keeps one from being made or loaded costs time, nothing else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::schema::{self, What};
use super::template::{run, scratch};
use super::{ProvisionError, Request, Restored, Told, libpq};
use crate::db::{self, DbError, Location};
use crate::model::{Engine, ProcessEnd};

/// What a template must have taken to build so that keeping a dump of it pays.
pub(super) const WORTH_KEEPING: Duration = Duration::from_secs(2);

/// How a shell ends that does not find the program.
const NOT_FOUND: i32 = 127;
/// How [`POSTGRES`] ends where a dump would not be all of the template.
const NOT_ALL: i32 = 90;

/// Dumps `$1`. What belongs to the database as a whole (its settings and grants) is in no dump
/// without its name, which the mark that evenly gave it would be in too: then there is no dump.
const POSTGRES: &str = r#"for program in psql pg_dump; do
    command -v $program >/dev/null || { echo "\`$program\` is not on PATH" >&2; exit 127; }
done
whole=$(psql -X -A -t -v ON_ERROR_STOP=1 -c "SELECT (SELECT count(*) FROM pg_db_role_setting s
    WHERE s.setdatabase = d.oid) + (d.datacl IS NOT NULL)::int FROM pg_database d
    WHERE d.datname = current_database()") || exit 1
[ "$whole" = 0 ] || exit 90
exec pg_dump -Fp --no-password -f "$1""#;

/// Dumps the database `$2` into `$1`; the rest is how to connect. Its character set is in no dump
/// without its name.
const MYSQL: &str = r#"dump=$(command -v mariadb-dump || command -v mysqldump) ||
    { echo 'neither `mariadb-dump` nor `mysqldump` is on PATH' >&2; exit 127; }
client=$(command -v mariadb || command -v mysql) ||
    { echo 'neither `mariadb` nor `mysql` is on PATH' >&2; exit 127; }
file=$1; database=$2; shift 2
case $("$dump" --version) in *MariaDB*) own= ;; *) own=--set-gtid-purged=OFF ;; esac
"$client" "$@" --database="$database" --batch --skip-column-names -e "SELECT CONCAT(
    'ALTER DATABASE CHARACTER SET ', DEFAULT_CHARACTER_SET_NAME, ' COLLATE ',
    DEFAULT_COLLATION_NAME, ';') FROM information_schema.SCHEMATA
    WHERE SCHEMA_NAME = DATABASE()" > "$file" || exit 1
exec "$dump" "$@" $own --routines --events --triggers --hex-blob --single-transaction \
    --no-tablespaces --skip-comments --default-character-set=utf8mb4 -- "$database" >> "$file""#;

/// One template's dump.
pub(super) struct Dump<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) name: &'a str,
    pub(super) key: &'a str,
    pub(super) location: &'a Location,
}

impl Dump<'_> {
    /// Loads the kept dump, if there is one, into an empty template. After an error the template
    /// is half-filled.
    pub(super) async fn restore(&self, url: &str) -> Result<Restored, String> {
        let file = self.file().map_err(|error| error.to_string())?;
        let restored = self.request.cache.restore(self.name, self.key, &file);
        let restored = restored.map_err(|error| error.to_string())?;
        if restored == Restored::Found {
            let loaded =
                schema::load(self.request, self.name, self.location, url, (What::Dump, &file));
            let loaded = loaded.await;
            // What is left over goes with the directory.
            let _ = std::fs::remove_file(&file);
            loaded.map_err(|error| error.to_string())?;
        }
        Ok(restored)
    }

    /// Dumps a filled template and keeps that.
    pub(super) async fn save(&self, url: &str, tell: &mut dyn FnMut(Told)) {
        let name = self.name;
        match self.saved(url).await {
            Ok(()) => {}
            Err(Unkept::Error(ProvisionError::Failed {
                end: ProcessEnd::Exited(NOT_FOUND),
                words,
                ..
            })) => {
                tell(Told::Note(format!(
                    "the template of `{name}` is not kept for later runs, since a program for \
                     that is missing:{words}"
                )));
            }
            Err(Unkept::Error(ProvisionError::Failed {
                end: ProcessEnd::Exited(NOT_ALL), ..
            })) => {
                tell(Told::Note(format!(
                    "the template of `{name}` is not kept for later runs: it has settings or \
                     grants of the database as a whole, which a dump would lose"
                )));
            }
            Err(Unkept::Error(ProvisionError::Failed { end, words, .. })) => {
                tell(Told::Warning(format!(
                    "the template of `{name}` is not kept for later runs, dumping it failed \
                     ({end}):{words}"
                )));
            }
            Err(error) => {
                tell(Told::Warning(format!(
                    "the template of `{name}` is not kept for later runs: {error}"
                )));
            }
        }
    }

    async fn saved(&self, url: &str) -> Result<(), Unkept> {
        let file = self.file()?;
        let (argv, env) = dump(self.location.engine(), url, file.clone().into())?;
        let done = run(self.request, self.name, "dumping", argv, env).await;
        let kept = match done {
            Ok(()) => self.request.cache.save(self.name, self.key, &file).map(drop),
            Err(error) => return Err(error.into()),
        };
        // What is left over goes with the directory.
        let _ = std::fs::remove_file(&file);
        Ok(kept?)
    }

    fn file(&self) -> std::io::Result<PathBuf> {
        Ok(scratch(&self.request.work, self.name)?.join("dump.sql"))
    }
}

/// Why a dump was not kept.
#[derive(Debug, thiserror::Error)]
enum Unkept {
    #[error("{0}")]
    Error(#[from] ProvisionError),
    #[error("{0}")]
    Db(#[from] DbError),
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("{0}")]
    Cache(#[from] super::CacheError),
}

type Command = (Vec<OsString>, Vec<(OsString, OsString)>);

/// The command that dumps a database into a file.
fn dump(engine: Engine, url: &str, file: OsString) -> Result<Command, DbError> {
    let sh = |arguments: &[&str]| -> Vec<OsString> {
        ["sh", "-c"].iter().chain(arguments).map(OsString::from).collect()
    };
    match engine {
        Engine::Postgres => {
            let mut argv = sh(&[libpq::SCRIPT, "sh", "sh", "-c", POSTGRES, "sh"]);
            argv.push(file);
            Ok((argv, schema::postgres_env(url)?))
        }
        Engine::Mysql => {
            let mut client = db::mysql_client(url)?;
            let database = client.arguments.pop().unwrap_or_default();
            let database = database.to_string_lossy();
            let database = database.strip_prefix("--database=").unwrap_or(&database).to_owned();
            let mut argv = sh(&[MYSQL, "sh"]);
            argv.extend([file, database.into()]);
            argv.extend(client.arguments);
            Ok((argv, client.env))
        }
        // Its file is kept as it is.
        Engine::Sqlite => Ok((sh(&["true"]), Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_holds_a_password() {
        for (engine, url) in [
            (Engine::Postgres, "postgres://u:secret@h:1/db?password=secret"),
            (Engine::Mysql, "mysql://u:secret@h:1/db"),
        ] {
            let (argv, env) = dump(engine, url, "f".into()).unwrap();
            assert!(argv.iter().all(|word| !word.to_string_lossy().contains("secret")), "{argv:?}");
            assert!(env.iter().any(|(_, value)| value == "secret"), "{env:?}");
        }
    }

    #[test]
    fn the_dumped_database_is_a_word_of_its_own() {
        let (argv, _) = dump(Engine::Mysql, "mysql://u@h/a%20b", "f".into()).unwrap();
        assert_eq!(argv[4..6], ["f", "a b"]);
        assert!(!argv.iter().any(|word| word.to_string_lossy().starts_with("--database=")));
    }
}
