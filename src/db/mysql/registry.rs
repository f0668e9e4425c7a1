//! The marks: a table in a database of evenly's own says which databases it made.
//!
//! Neither server lets a database carry a mark of its own, so a row is written before the database
//! is created (`made = 0`) and confirmed afterwards (`made = 1`): whatever moment a run is killed
//! at, nothing is left without a row. An unconfirmed row alone proves nothing, as a stranger may
//! have been quicker; but then the database is not empty, and ours still is.

use sqlx::mysql::MySqlRow;

use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::super::owner::{Found, Mark};
use super::super::sql::mysql as sql;
use super::session::{Meaning, Session, Work, meaning, text};

/// Whose a database is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none; there may be a row.
    Absent,
    /// Ours, with its mark.
    Ours(Mark),
    /// There, and not made by evenly.
    Stranger,
}

/// Makes the registry where it is not there yet; several runs may do so at once.
pub(super) async fn ensure(session: &mut Session) -> Result<(), DbError> {
    let registry = DatabaseName::existing(sql::REGISTRY);
    let work = Work { act: "create databases, as the registry", database: &registry };
    session.work(work, sql::CREATE_REGISTRY.to_owned()).await?;
    session.work(work, sql::CREATE_REGISTRY_TABLE.to_owned()).await
}

/// Whose a database is. A row whose database is gone counts as none.
pub(super) async fn standing(
    session: &mut Session,
    database: &DatabaseName,
) -> Result<Standing, DbError> {
    let work = Work { act: "look up", database };
    let there = sqlx::query(
        "SELECT s.SCHEMA_NAME FROM information_schema.SCHEMATA s WHERE s.SCHEMA_NAME = ?",
    )
    .bind(database.as_str())
    .fetch_all(&mut session.connection)
    .await
    .map_err(|error| session.place.failure(work, &error))?;
    // The server compares without case here, whatever it does elsewhere.
    if !there.iter().any(|row| text(row, 0).as_deref() == Some(database.as_str())) {
        return Ok(Standing::Absent);
    }
    let row = sqlx::query(
        "SELECT CAST(made AS CHAR), mark FROM evenly_registry.`databases` WHERE name = ?",
    )
    .bind(database.as_str())
    .fetch_optional(&mut session.connection)
    .await;
    let row = match row {
        Err(error) if meaning(&error) == Meaning::Missing => None,
        other => other.map_err(|error| session.place.failure(work, &error))?,
    };
    let Some((made, Some(mark))) = row.as_ref().map(entry) else { return Ok(Standing::Stranger) };
    if made || is_empty(session, database).await? {
        return Ok(Standing::Ours(mark));
    }
    Ok(Standing::Stranger)
}

fn entry(row: &MySqlRow) -> (bool, Option<Mark>) {
    let made = text(row, 0).is_some_and(|made| made == "1");
    (made, text(row, 1).and_then(|mark| Mark::from_text(&mark)))
}

async fn is_empty(session: &mut Session, database: &DatabaseName) -> Result<bool, DbError> {
    let found = sqlx::query(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? \
         UNION ALL SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? \
         UNION ALL SELECT 1 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? LIMIT 1",
    )
    .bind(database.as_str())
    .bind(database.as_str())
    .bind(database.as_str())
    .fetch_optional(&mut session.connection)
    .await;
    let work = Work { act: "look into", database };
    Ok(found.map_err(|error| session.place.failure(work, &error))?.is_none())
}

/// Creates a database that is not there, marked. `options` are of `SHOW CREATE DATABASE`.
pub(super) async fn create(
    session: &mut Session,
    database: &DatabaseName,
    mark: &Mark,
    options: &str,
) -> Result<(), DbError> {
    ensure(session).await?;
    write(session, database, mark, 0).await?;
    let work = Work { act: "create", database };
    match session.run(sql::create_database(database.as_str(), options)).await {
        Ok(()) => write(session, database, mark, 1).await,
        Err(error) => {
            forget(session, database).await?;
            Err(match meaning(&error) {
                Meaning::Exists => DbError::Stranger(database.clone()),
                _ => session.place.failure(work, &error),
            })
        }
    }
}

/// Writes a mark, over the one that is there.
pub(super) async fn write(
    session: &mut Session,
    database: &DatabaseName,
    mark: &Mark,
    made: u8,
) -> Result<(), DbError> {
    let written =
        sqlx::query("REPLACE INTO evenly_registry.`databases` (name, made, mark) VALUES (?, ?, ?)")
            .bind(database.as_str())
            .bind(made)
            .bind(mark.to_text())
            .execute(&mut session.connection)
            .await;
    let work = Work { act: "mark", database };
    written.map(drop).map_err(|error| session.place.failure(work, &error))
}

/// Removes a mark, if there is one.
pub(super) async fn forget(session: &mut Session, database: &DatabaseName) -> Result<(), DbError> {
    let gone = sqlx::query("DELETE FROM evenly_registry.`databases` WHERE name = ?")
        .bind(database.as_str())
        .execute(&mut session.connection)
        .await;
    match gone {
        Err(error) if meaning(&error) != Meaning::Missing => {
            Err(session.place.failure(Work { act: "unmark", database }, &error))
        }
        _ => Ok(()),
    }
}

/// Every database with a mark. Confirmed rows whose database is gone are removed; unconfirmed ones
/// are told, since their owner may be about to create it.
pub(super) async fn all(session: &mut Session) -> Result<Vec<Found>, DbError> {
    let registry = DatabaseName::existing(sql::REGISTRY);
    let work = Work { act: "read", database: &registry };
    let rows = session
        .rows(
            "SELECT CAST(made AS CHAR), mark, name, name IN (SELECT CONVERT(SCHEMA_NAME USING \
             utf8mb4) COLLATE utf8mb4_bin FROM information_schema.SCHEMATA) \
             FROM evenly_registry.`databases` ORDER BY name"
                .to_owned(),
        )
        .await;
    let rows = match rows {
        Err(error) if meaning(&error) == Meaning::Missing => return Ok(Vec::new()),
        other => other.map_err(|error| session.place.failure(work, &error))?,
    };
    let mut found = Vec::new();
    for row in rows {
        let (made, mark) = entry(&row);
        let (Some(mark), Some(name)) = (mark, text(&row, 2)) else { continue };
        let name = DatabaseName::existing(&name);
        let gone = text(&row, 3).is_some_and(|there| there == "0");
        if made && gone {
            remove_stale(session, work, &name, &mark).await?;
        } else if made || gone || standing(session, &name).await? != Standing::Stranger {
            found.push(mark.found(name));
        }
    }
    Ok(found)
}

/// Removes just the row that was seen: another run may have replaced it in between.
async fn remove_stale(
    session: &mut Session,
    work: Work<'_>,
    name: &DatabaseName,
    mark: &Mark,
) -> Result<(), DbError> {
    let gone = sqlx::query(
        "DELETE FROM evenly_registry.`databases` WHERE name = ? AND made = 1 AND mark = ?",
    )
    .bind(name.as_str())
    .bind(mark.to_text())
    .execute(&mut session.connection)
    .await;
    gone.map(drop).map_err(|error| session.place.failure(work, &error))
}
