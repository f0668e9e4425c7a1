//! Making a database's file whole: its logs folded in before it is copied.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::blocking;
use super::files::{self, Files, logs};

/// How long a file may be in use by somebody else before that is an error.
const BUSY_MS_MAX: u64 = 5_000;

/// The version of the SQLite in this program.
pub(super) async fn version() -> Result<String, sqlx::Error> {
    let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await?;
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(format!("SQLite {version}"))
}

async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(Duration::from_millis(BUSY_MS_MAX));
    options.connect().await
}

/// Runs a text of SQL in a file's database.
pub(super) async fn load(path: &Path, text: String) -> Result<(), DbError> {
    let run = async {
        let mut connection = open(path).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await?;
        connection.close().await
    };
    run.await.map_err(|error: sqlx::Error| DbError::Failed {
        act: "fill",
        database: DatabaseName::existing(&path.to_string_lossy()),
        why: error.to_string(),
    })
}

/// Folds a file's logs in, so that it alone is the whole database.
pub(super) async fn fold(path: &Path, database: &DatabaseName) -> Result<(), DbError> {
    match folded(path).await {
        Ok(Folded::Whole) => Ok(()),
        Ok(Folded::InUse) => Err(busy(database)),
        Err(error) if is_busy(&error) => Err(busy(database)),
        Err(error) => {
            let why = error.to_string();
            Err(DbError::Failed { act: "finish", database: database.clone(), why })
        }
    }
}

fn busy(database: &DatabaseName) -> DbError {
    let sessions = "a process that still has its file open".to_owned();
    DbError::Busy { database: database.clone(), sessions }
}

/// Whether a file alone is the whole database.
#[derive(PartialEq, Eq)]
enum Folded {
    Whole,
    /// Somebody else keeps the log in use.
    InUse,
}

async fn folded(path: &Path) -> Result<Folded, sqlx::Error> {
    let mut connection = open(path).await?;
    let (busy, _, _): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
    // Rolls back what a killed writer left, and fails while another one writes.
    sqlx::raw_sql("BEGIN EXCLUSIVE; COMMIT").execute(&mut connection).await?;
    connection.close().await?;
    // The last one that closes the file removes its log.
    let log_left = logs(path)[0].exists();
    Ok(if busy == 0 && !log_left { Folded::Whole } else { Folded::InUse })
}

/// `SQLITE_BUSY` and its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Copies a file that evenly did not make, and that others may have open. It is not changed,
/// beyond what SQLite itself does when the last one closes it.
pub(super) async fn copy_foreign(
    source: &Path,
    files: &Files,
    clone: &DatabaseName,
) -> Result<(), DbError> {
    if !source.is_file() {
        let source_error = std::io::ErrorKind::NotFound.into();
        return Err(super::cannot("find", source)(source_error));
    }
    // A read-only file or directory is fine: then nobody writes it either.
    let writers_kept_out = match hold(source).await {
        Err(error) if is_busy(&error) => {
            return Err(busy(&DatabaseName::existing(&source.to_string_lossy())));
        }
        other => other,
    };
    let (from, to) = (source.to_owned(), files.clone());
    // Closing the file here drops this process's locks of it (POSIX): only once it is copied, and
    // the log's lock is another file's.
    let copied = blocking(move || {
        files::copy(&from, &to.copying)?;
        // What others have not yet folded in is folded into the copy.
        for (log, copy) in logs(&from).iter().zip(logs(&to.copying)) {
            let is_shared_memory = log.as_os_str().as_encoded_bytes().ends_with(b"-shm");
            if !is_shared_memory && log.metadata().is_ok_and(|log| log.len() > 0) {
                files::copy(log, &copy)?;
            }
        }
        Ok(to)
    })
    .await;
    if let Ok(mut connection) = writers_kept_out {
        // Nothing was written; that it ends is all that matters.
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
        let _ = connection.close().await;
    }
    let files = copied?;
    fold(&files.copying, clone).await?;
    files::remove_logs(&files.copying)?;
    std::fs::rename(&files.copying, &files.database)
        .map_err(super::cannot("rename", &files.copying))
}

/// Folds the log in as far as others let, and keeps writers out until the transaction ends.
async fn hold(source: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = open(source).await?;
    sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE); BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}
