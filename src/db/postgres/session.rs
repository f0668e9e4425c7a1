//! Connections: how to get one, and what an error on one means.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::db::CONNECT_MAX;
use crate::db::error::DbError;
use crate::db::names::DatabaseName;
use crate::db::sql::postgres as sql;

/// How many sessions there are at the same time, those that rest included. A copy keeps one core of
/// the server busy, so more would only take the tests' connections.
pub(super) const SESSIONS_MAX: u32 = 4;

/// The first version whose `FILE_COPY` can copy by reference.
pub(super) const REFLINKS_SINCE: u32 = 18_00_00;

/// How long a server that answered before may be away: a restart.
const RESTART_MAX: Duration = Duration::from_secs(10);

/// Between two tries to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// `SQLSTATE`s, by the names of Postgres' `errcodes.txt`.
pub(super) mod code {
    pub(in super::super) const INSUFFICIENT_PRIVILEGE: &str = "42501";
    pub(in super::super) const OBJECT_IN_USE: &str = "55006";
    pub(super) const OBJECT_NOT_IN_STATE: &str = "55000";
    pub(super) const INVALID_CATALOG_NAME: &str = "3D000";
    pub(super) const INVALID_AUTHORIZATION: &str = "28000";
    pub(super) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(super) const ADMIN_SHUTDOWN: &str = "57P01";
    pub(super) const CRASH_SHUTDOWN: &str = "57P02";
    pub(super) const CANNOT_CONNECT_NOW: &str = "57P03";
}

/// Where the server is and who we are there: what errors say.
#[derive(Debug)]
pub(super) struct Place {
    /// Engine, and host and port or socket.
    pub(super) server: String,
    pub(super) user: String,
}

/// The way to sessions on the maintenance database.
pub(super) struct Admin {
    options: Box<PgConnectOptions>,
    place: Arc<Place>,
    permits: Arc<Semaphore>,
    resting: Arc<Resting>,
}

/// Connections between two acts. A fresh one costs a process and cold caches on the server: a fifth
/// of a small clone.
#[derive(Default)]
struct Resting(Mutex<Vec<PgConnection>>);

impl Resting {
    fn take(&self) -> Vec<PgConnection> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pop(&self) -> Option<PgConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn push(&self, connection: PgConnection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// How many others may have a session meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    Welcome,
    /// None of ours: the maintenance database itself is to be copied.
    Alone,
}

impl Admin {
    /// Finds a database to work from: `postgres`, else `template1`, else the URL's own.
    pub(super) async fn find(url: &Url) -> Result<(Self, Session), DbError> {
        let options = PgConnectOptions::from_url(url)
            .map_err(|error| DbError::Url {
                url: crate::db::location::without_password(url.as_str()),
                why: error.to_string(),
            })?
            .application_name("evenly")
            .disable_statement_logging();
        let place =
            Arc::new(Place { server: server(&options), user: options.get_username().to_owned() });
        let own = options.get_database().unwrap_or(&place.user).to_owned();
        let deadline = Instant::now() + CONNECT_MAX;
        let mut last = None;
        for database in ["postgres", "template1", &own] {
            let admin = Self {
                options: Box::new(options.clone().database(database)),
                place: Arc::clone(&place),
                permits: Arc::new(Semaphore::new(SESSIONS_MAX as usize)),
                resting: Arc::default(),
            };
            match admin.connect(deadline, starts).await {
                Ok(connection) => {
                    let session = admin.session_of(connection, None);
                    return Ok((admin, session));
                }
                Err(error) if is_of_one_database(&error) => last = Some(error),
                Err(error) => return Err(place.refusal(&error)),
            }
        }
        let last = last.expect("there were three databases to try");
        Err(place.refusal(&last))
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn maintenance(&self) -> &str {
        self.options.get_database().expect("it was set when it was found")
    }

    /// A session for one act, as soon as there are few enough.
    pub(super) async fn session(&self, company: Company) -> Result<Session, DbError> {
        let count = match company {
            Company::Welcome => 1,
            Company::Alone => SESSIONS_MAX,
        };
        let permits = Arc::clone(&self.permits).acquire_many_owned(count).await;
        let permits = permits.expect("nobody closes the semaphore");
        let connection = match company {
            Company::Welcome => self.resting.pop(),
            Company::Alone => {
                self.close().await;
                None
            }
        };
        let connection = match connection {
            Some(connection) => connection,
            None => self.reconnect().await?,
        };
        Ok(self.session_of(connection, Some(permits)))
    }

    /// Closes what rests.
    pub(super) async fn close(&self) {
        for connection in self.resting.take() {
            // A server that is gone needs no farewell.
            let _ = connection.close().await;
        }
    }

    /// A session that is kept while a template is filled; it is not counted.
    pub(super) async fn keeper(&self) -> Result<Session, DbError> {
        Ok(self.session_of(self.reconnect().await?, None))
    }

    /// A session on another database than the maintenance one.
    pub(super) async fn visit(&self, database: &DatabaseName) -> Result<Session, DbError> {
        let options = (*self.options).clone().database(database.as_str());
        let there = Self {
            options: Box::new(options),
            place: Arc::clone(&self.place),
            permits: Arc::clone(&self.permits),
            resting: Arc::default(),
        };
        there.keeper().await
    }

    async fn reconnect(&self) -> Result<PgConnection, DbError> {
        let deadline = Instant::now() + RESTART_MAX;
        let connected = self.connect(deadline, |error| starts(error) || is_lost(error)).await;
        connected.map_err(|error| self.place.refusal(&error))
    }

    /// Tries until it works, the deadline is over, or the error is none that passes.
    async fn connect(
        &self,
        deadline: Instant,
        passes: fn(&sqlx::Error) -> bool,
    ) -> Result<PgConnection, sqlx::Error> {
        loop {
            let connected = timeout(CONNECT_MAX, async {
                let mut connection = PgConnection::connect_with(&self.options).await?;
                let version = connection.server_version_num().unwrap_or_default();
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql::begin(version)))).await?;
                if version >= REFLINKS_SINCE {
                    copy_files_by(&mut connection, "clone").await?;
                }
                Ok(connection)
            });
            match connected.await {
                Ok(Err(error)) if passes(&error) && Instant::now() < deadline => {
                    sleep(RETRY_PAUSE).await;
                }
                Ok(connected) => return connected,
                Err(_elapsed) => {
                    let kind = std::io::ErrorKind::TimedOut;
                    return Err(std::io::Error::new(kind, "it does not answer in time").into());
                }
            }
        }
    }

    fn session_of(
        &self,
        connection: PgConnection,
        permits: Option<OwnedSemaphorePermit>,
    ) -> Session {
        let place = Arc::clone(&self.place);
        let lent = permits.map(|permits| (Arc::clone(&self.resting), permits));
        Session { connection, place, lent }
    }
}

/// A session as administrator.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    place: Arc<Place>,
    /// Where its connection goes afterwards, and the room that it takes.
    lent: Option<(Arc<Resting>, OwnedSemaphorePermit)>,
}

impl Session {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The server's version as a number: 150018 is 15.18.
    pub(super) fn version(&self) -> u32 {
        self.connection.server_version_num().unwrap_or_default()
    }

    /// Runs a statement that `sql` made.
    pub(super) async fn run(&mut self, sql: String) -> Result<(), sqlx::Error> {
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
    }

    /// Has files copied plainly from now on.
    pub(super) async fn forbid_reflinks(&mut self, clone: &DatabaseName) -> Result<(), DbError> {
        let forbidden = copy_files_by(&mut self.connection, "copy").await;
        forbidden.map_err(|error| self.fail("create", clone, &error))
    }

    /// What a failed statement means.
    pub(super) fn fail(
        &self,
        act: &'static str,
        database: &DatabaseName,
        error: &sqlx::Error,
    ) -> DbError {
        if is_lost(error) {
            return self.place.refusal(error);
        }
        DbError::Failed { act, database: database.clone(), why: told(error) }
    }

    /// Ends a session that did what it should; one that did not is dropped, connection and all.
    pub(super) async fn close(mut self) {
        if self.lent.is_none() {
            // A server that is gone needs no farewell.
            let _ = self.connection.close().await;
        } else if self.run(sql::UNLOCK.to_owned()).await.is_ok() {
            self.rest();
        }
    }

    /// The same where nothing is locked any more.
    pub(super) fn rest(self) {
        if let Some((resting, _permits)) = self.lent {
            resting.push(self.connection);
        }
    }
}

/// On a file system that can, a copy by reference (`clone`) takes no time; elsewhere it is a plain
/// copy inside the kernel. A server that was built without it does not know that value.
async fn copy_files_by(
    connection: &mut PgConnection,
    method: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config(name, $1, false) FROM pg_settings \
         WHERE name = 'file_copy_method' AND $1 = ANY (enumvals)",
    )
    .bind(method)
    .execute(connection)
    .await
    .map(drop)
}

impl Place {
    /// What it means that there is no connection.
    fn refusal(&self, error: &sqlx::Error) -> DbError {
        let Self { server, user } = self;
        let (server, user) = (server.clone(), user.clone());
        match code_of(error) {
            Some(code) if !starts(error) && !is_lost(error) && !code.starts_with("08") => {
                DbError::Refused { server, user, why: told(error) }
            }
            _ => DbError::Unreachable { server, why: told(error) },
        }
    }
}

fn server(options: &PgConnectOptions) -> String {
    let port = options.get_port();
    let host = options.get_host();
    match options.get_socket() {
        Some(dir) => format!("Postgres at `{}/.s.PGSQL.{port}`", dir.display()),
        None if host.starts_with('/') => format!("Postgres at `{host}/.s.PGSQL.{port}`"),
        None => format!("Postgres at `{host}:{port}`"),
    }
}

/// The server's error code.
pub(super) fn code_of(error: &sqlx::Error) -> Option<&str> {
    let database = error.as_database_error()?;
    Some(database.downcast_ref::<PgDatabaseError>().code())
}

/// All that the server said: message, detail and hint.
pub(super) fn told(error: &sqlx::Error) -> String {
    let Some(database) = error.as_database_error() else {
        return error.to_string();
    };
    let database = database.downcast_ref::<PgDatabaseError>();
    let parts = [Some(database.message()), database.detail(), database.hint()];
    let parts: Vec<&str> =
        parts.into_iter().flatten().map(|part| part.trim_end_matches('.')).collect();
    parts.join("; ")
}

/// The server is there and asks to come later.
fn starts(error: &sqlx::Error) -> bool {
    matches!(code_of(error), Some(code::CANNOT_CONNECT_NOW | code::TOO_MANY_CONNECTIONS))
}

/// The connection is gone, and with it what it was about to do.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        error => matches!(
            code_of(error),
            Some(code::ADMIN_SHUTDOWN | code::CRASH_SHUTDOWN | code::CANNOT_CONNECT_NOW)
        ),
    }
}

/// Another database of the same server may do.
fn is_of_one_database(error: &sqlx::Error) -> bool {
    matches!(
        code_of(error),
        Some(
            code::INVALID_CATALOG_NAME
                | code::INSUFFICIENT_PRIVILEGE
                | code::OBJECT_NOT_IN_STATE
                | code::INVALID_AUTHORIZATION
        )
    )
}
