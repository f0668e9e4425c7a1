//! Who keeps a database busy, and how to end it where that is ours to do.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::time::{Instant, sleep};

use super::catalog::LOOK_PAUSE;
use super::session::{Session, code, code_of};
use crate::db::error::DbError;
use crate::db::names::DatabaseName;

/// How long ended sessions may need to be gone.
const END_MAX: Duration = Duration::from_secs(5);

/// How many sessions an error names.
const NAMED_MAX: usize = 5;

/// A session on a database; or a transaction prepared there, which has no process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pid: Option<i32>,
    user: Option<String>,
    program: Option<String>,
    address: Option<String>,
    state: Option<String>,
}

impl Holder {
    pub(super) fn all(rows: &[PgRow]) -> Result<Vec<Self>, sqlx::Error> {
        rows.iter()
            .map(|row| {
                Ok(Self {
                    pid: row.try_get("pid")?,
                    user: row.try_get("user")?,
                    program: row.try_get("program")?,
                    address: row.try_get("address")?,
                    state: row.try_get("state")?,
                })
            })
            .collect()
    }

    fn named(&self) -> String {
        let Self { pid, user, program, address, state } = self;
        // What another user's session does is not told to everybody.
        let shown = |text: &Option<String>| {
            text.as_deref()
                .filter(|text| !text.is_empty())
                .map(|text| text.escape_debug().to_string())
        };
        let mut named = match (shown(program), pid) {
            (Some(program), _) => format!("`{program}`"),
            (None, Some(_)) => "a session".to_owned(),
            (None, None) => "a prepared transaction".to_owned(),
        };
        if let Some(user) = shown(user) {
            named.push_str(&format!(" of user `{user}`"));
        }
        if let Some(address) = shown(address) {
            named.push_str(&format!(" from {address}"));
        }
        let process = pid.map(|pid| format!("process {pid}"));
        let about: Vec<String> = process.into_iter().chain(shown(state)).collect();
        if !about.is_empty() {
            named.push_str(&format!(" ({})", about.join(", ")));
        }
        named
    }
}

/// All of them in one line.
pub(super) fn named(holders: &[Holder]) -> String {
    let mut named: Vec<String> = holders.iter().take(NAMED_MAX).map(Holder::named).collect();
    match holders.len().saturating_sub(NAMED_MAX) {
        0 => {}
        more => named.push(format!("{more} more")),
    }
    if named.is_empty() { "a session that is gone now".to_owned() } else { named.join(", ") }
}

impl Session {
    /// Who holds a database. Autovacuum does not count: the server ends it by itself.
    pub(super) async fn holders(
        &mut self,
        database: &DatabaseName,
    ) -> Result<Vec<Holder>, DbError> {
        let rows = sqlx::query(
            "SELECT pid, usename::text AS \"user\", application_name::text AS program, \
             host(client_addr) AS address, coalesce(state, backend_type)::text AS state \
             FROM pg_stat_activity WHERE datname = $1::text::name AND pid <> pg_backend_pid() \
             AND backend_type IS DISTINCT FROM 'autovacuum worker' \
             UNION ALL SELECT NULL, owner::text, gid, NULL, 'a prepared transaction' \
             FROM pg_prepared_xacts WHERE database = $1::text::name ORDER BY 1",
        )
        .bind(database.as_str())
        .fetch_all(&mut self.connection)
        .await;
        rows.and_then(|rows| Holder::all(&rows))
            .map_err(|error| self.fail("see who uses", database, &error))
    }

    /// Ends every session on a database of ours and waits until they are gone; those that may not
    /// be ended or do not end are named.
    pub(super) async fn end_sessions(&mut self, database: &DatabaseName) -> Result<(), DbError> {
        let deadline = Instant::now() + END_MAX;
        loop {
            let holders = self.holders(database).await?;
            let pids: Vec<i32> = holders.iter().filter_map(|holder| holder.pid).collect();
            if holders.is_empty() {
                return Ok(());
            }
            if pids.is_empty() || Instant::now() > deadline {
                return Err(busy(database, &holders));
            }
            for pid in pids {
                self.end(pid).await.map_err(|error| self.fail("free", database, &error))?;
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    /// Ends a session if that is allowed; one that is not may end by itself.
    async fn end(&mut self, pid: i32) -> Result<(), sqlx::Error> {
        let ended = sqlx::query("SELECT pg_terminate_backend($1)")
            .bind(pid)
            .execute(&mut self.connection)
            .await;
        match ended {
            Err(error) if code_of(&error) != Some(code::INSUFFICIENT_PRIVILEGE) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The transactions that were prepared on a database and never ended.
    pub(super) async fn prepared(
        &mut self,
        database: &DatabaseName,
    ) -> Result<Vec<String>, DbError> {
        sqlx::query_scalar(
            "SELECT gid FROM pg_prepared_xacts WHERE database = $1::text::name ORDER BY gid",
        )
        .bind(database.as_str())
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| self.fail("see who uses", database, &error))
    }
}

pub(super) fn busy(database: &DatabaseName, holders: &[Holder]) -> DbError {
    DbError::Busy { database: database.clone(), sessions: named(holders) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: i32) -> Holder {
        Holder {
            pid: Some(pid),
            user: Some("bob".to_owned()),
            program: Some("psql".to_owned()),
            address: Some("10.0.0.5".to_owned()),
            state: Some("idle in transaction".to_owned()),
        }
    }

    #[test]
    fn a_session_is_named() {
        assert_eq!(
            named(&[holder(7)]),
            "`psql` of user `bob` from 10.0.0.5 (process 7, idle in transaction)"
        );
        let unknown = Holder { user: None, program: None, address: None, state: None, ..holder(7) };
        assert_eq!(named(&[unknown]), "a session (process 7)");
        let hostile = Holder { program: Some("a\n\u{1b}[2J".to_owned()), ..holder(7) };
        assert!(!named(&[hostile]).contains(['\n', '\u{1b}']));
    }

    #[test]
    fn many_sessions_are_counted() {
        let all: Vec<_> = (0..8).map(holder).collect();
        assert!(named(&all).ends_with(", 3 more"), "{}", named(&all));
        assert_eq!(named(&[]), "a session that is gone now");
    }
}
