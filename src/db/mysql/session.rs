//! One connection, and what its errors mean. No error holds a password.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Row, raw_sql};

use super::super::CONNECT_MAX;
use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::super::sql::mysql as sql;

/// How long closing a connection may take before it is just cut.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Where and as whom: for connecting, and for telling.
pub(super) struct Place {
    /// As it was given, credentials included.
    pub(super) url: url::Url,
    pub(super) options: MySqlConnectOptions,
    /// `MySQL at host:port`.
    pub(super) server: String,
    pub(super) user: String,
}

/// Without user and password.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.server)
    }
}

/// What is being done, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) act: &'static str,
    pub(super) database: &'a DatabaseName,
}

/// What the server's numbers of errors mean to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The user or the password is wrong, or may not come from here.
    Refused,
    /// A right is missing.
    Rights,
    /// A lock could not be had in time.
    Locked,
    /// There is such a database already.
    Exists,
    /// There is no such database, or no such table.
    Missing,
    /// The connection is lost or could not be made.
    Lost,
    /// Anything else.
    Other,
}

/// What an error means.
pub(super) fn meaning(error: &sqlx::Error) -> Meaning {
    let sqlx::Error::Database(refusal) = error else {
        return match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Meaning::Lost,
            _ => Meaning::Other,
        };
    };
    match refusal.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number) {
        // Access denied, by password, by plugin, by host; locked or expired accounts.
        Some(1045 | 1698 | 1130 | 1820 | 1862 | 3118 | 4151) => Meaning::Refused,
        // Database, table, column, routine, SUPER-like; KILL of another's; functions and triggers
        // under a binary log.
        Some(1044 | 1095 | 1142 | 1143 | 1227 | 1370 | 1419) => Meaning::Rights,
        Some(1205) => Meaning::Locked,
        Some(1007) => Meaning::Exists,
        Some(1008 | 1049 | 1146) => Meaning::Missing,
        // Too many connections, shutdown in progress, connection killed.
        Some(1040 | 1053 | 1927) => Meaning::Lost,
        _ => Meaning::Other,
    }
}

/// What the server said, without its error's number and decoration.
pub(super) fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refusal) => refusal.message().to_owned(),
        other => other.to_string(),
    }
}

impl Place {
    /// A fresh connection with evenly's settings and no database of its own.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<Session, DbError> {
        let connecting = async {
            let mut connection = self.options.connect().await?;
            raw_sql(sql::SESSION).execute(&mut connection).await?;
            raw_sql(sql::READ_COMMITTED).execute(&mut connection).await?;
            Ok(connection)
        };
        let connected = tokio::time::timeout(CONNECT_MAX, connecting);
        let connection = match connected.await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(self.refusal(&error)),
            Err(_) => {
                let why = format!("no answer within {} s", CONNECT_MAX.as_secs());
                return Err(DbError::Unreachable { server: self.server.clone(), why });
            }
        };
        Ok(Session { connection, place: Arc::clone(self) })
    }

    fn refusal(&self, error: &sqlx::Error) -> DbError {
        let (server, why) = (self.server.clone(), said(error));
        match meaning(error) {
            Meaning::Refused => DbError::Refused { server, user: self.user.clone(), why },
            Meaning::Rights
            | Meaning::Locked
            | Meaning::Exists
            | Meaning::Missing
            | Meaning::Lost
            | Meaning::Other => DbError::Unreachable { server, why },
        }
    }

    /// An error that ends what was being done.
    pub(super) fn failure(&self, work: Work<'_>, error: &sqlx::Error) -> DbError {
        let Work { act, database } = work;
        match meaning(error) {
            Meaning::Lost => DbError::Unreachable { server: self.server.clone(), why: said(error) },
            Meaning::Rights => DbError::Rights {
                server: self.server.clone(),
                user: self.user.clone(),
                act,
                remedy: format!("{}: {REMEDY}", said(error)),
            },
            Meaning::Locked => DbError::Busy {
                database: database.clone(),
                sessions: "a transaction that uses its tables".to_owned(),
            },
            Meaning::Refused | Meaning::Exists | Meaning::Missing | Meaning::Other => {
                DbError::Failed { act, database: database.clone(), why: said(error) }
            }
        }
    }
}

/// What a user needs, in words that its administrator can use.
pub(super) const REMEDY: &str = "it needs ALL PRIVILEGES on `test\\_%` and `evenly\\_%`, and for \
     objects that are defined by others SET USER (MariaDB) or SET_ANY_DEFINER (MySQL)";

/// A connection with evenly's settings.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: MySqlConnection,
    pub(super) place: Arc<Place>,
}

impl Session {
    /// Runs one or several statements.
    pub(super) async fn run(&mut self, statements: String) -> Result<(), sqlx::Error> {
        raw_sql(AssertSqlSafe(statements)).execute(&mut self.connection).await.map(drop)
    }

    /// Runs several statements, sent at once. An error comes with the number of those before it,
    /// as the server answers each; the ones behind it are not run.
    pub(super) async fn run_all(
        &mut self,
        statements: &[String],
    ) -> Result<(), (usize, sqlx::Error)> {
        let sent = raw_sql(AssertSqlSafe(sql::join(statements)));
        let mut answers = sent.fetch_many(&mut self.connection);
        let mut done = 0;
        loop {
            match answers.try_next().await {
                Ok(Some(Either::Left(_))) => done += 1,
                Ok(Some(Either::Right(_))) => {}
                Ok(None) if done == statements.len() => return Ok(()),
                Ok(None) => {
                    let why = format!("{done} answers to {} statements", statements.len());
                    return Err((done, sqlx::Error::Protocol(why)));
                }
                Err(error) => return Err((done, error)),
            }
        }
    }

    /// The rows of one or several statements, behind each other.
    pub(super) async fn rows(&mut self, statements: String) -> Result<Vec<MySqlRow>, sqlx::Error> {
        raw_sql(AssertSqlSafe(statements)).fetch_all(&mut self.connection).await
    }

    /// Runs statements as part of a work, whose error it becomes.
    pub(super) async fn work(&mut self, work: Work<'_>, sql: String) -> Result<(), DbError> {
        let done = self.run(sql).await;
        done.map_err(|error| self.place.failure(work, &error))
    }

    /// The rows that a work needs.
    pub(super) async fn ask(
        &mut self,
        work: Work<'_>,
        sql: String,
    ) -> Result<Vec<MySqlRow>, DbError> {
        let rows = self.rows(sql).await;
        rows.map_err(|error| self.place.failure(work, &error))
    }

    /// Ends the sessions that have a database as theirs; those that may not be ended are told.
    pub(super) async fn end_sessions(&mut self, database: &DatabaseName) -> Result<(), DbError> {
        let work = Work { act: "end the sessions of", database };
        let found = sqlx::query(
            "SELECT CAST(ID AS CHAR), USER, HOST, DB FROM information_schema.PROCESSLIST \
             WHERE DB = ? AND ID <> CONNECTION_ID()",
        )
        .bind(database.as_str())
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| self.place.failure(work, &error))?;
        let mut kept = Vec::new();
        // The server compares without case, but `Shop` is another database than `shop`.
        let ours = |row: &&MySqlRow| text(row, 3).as_deref() == Some(database.as_str());
        for row in found.iter().filter(ours) {
            let Some(number) = text(row, 0).and_then(|id| id.parse().ok()) else { continue };
            match self.run(sql::kill(number)).await {
                Ok(()) => {}
                Err(error) if meaning(&error) == Meaning::Rights => {
                    kept.push(session_told(row));
                }
                // It has gone by itself.
                Err(error) if meaning(&error) == Meaning::Other => {}
                Err(error) => return Err(self.place.failure(work, &error)),
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        Err(DbError::Busy { database: database.clone(), sessions: kept.join(", ") })
    }

    /// Who may hold tables of a database without having it as theirs: the server does not tell
    /// more than who has a transaction open, and that only to those with the right to see it.
    pub(super) async fn holders(&mut self) -> String {
        let open = "SELECT CAST(p.ID AS CHAR), p.USER, p.HOST \
                    FROM information_schema.PROCESSLIST p JOIN information_schema.INNODB_TRX t \
                    ON t.trx_mysql_thread_id = p.ID \
                    WHERE p.ID <> CONNECTION_ID() LIMIT 9";
        let open = self.rows(open.to_owned()).await.unwrap_or_default();
        let told: Vec<_> = open.iter().map(session_told).collect();
        if told.is_empty() {
            return "a transaction that uses its tables".to_owned();
        }
        format!("one of these with an open transaction: {}", told.join(", "))
    }

    /// Takes leave of the server, so that it does not count an aborted connection.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(CLOSE_MAX, self.connection.close()).await;
    }
}

/// A session by its number, user and host.
fn session_told(row: &MySqlRow) -> String {
    let [id, user, host] = [0, 1, 2].map(|column| text(row, column).unwrap_or_default());
    format!("session {id} of `{user}` from `{host}`")
}

/// A column as text; `None` for NULL and for what is no text.
pub(super) fn text(row: &MySqlRow, column: usize) -> Option<String> {
    row.try_get_unchecked::<Option<String>, _>(column).ok().flatten()
}
