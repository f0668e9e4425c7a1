//! What the server knows of a database: who made it, what it wears, and its lock.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::time::{Instant, sleep};

use super::session::Session;
use crate::db::error::DbError;
use crate::db::names::DatabaseName;
use crate::db::owner::{Kind, Mark};
use crate::db::sql::postgres::{Dress, Grant, GrantOption, NEWBORN_LIMIT, Privilege, Setting};

/// How long to wait for a lock that is only held for moments.
const CLAIM_MAX: Duration = Duration::from_secs(30);

/// Between two looks at something that another session is about to change.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// A database, as the server's catalogue has it.
#[derive(Debug)]
pub(super) struct Entry {
    oid: i64,
    owner: String,
    pub(super) made: Made,
    pub(super) state: State,
    /// It has `IS_TEMPLATE`.
    pub(super) flagged: bool,
    connections_max: i32,
    /// There are settings of it.
    set: bool,
    /// Its rights are not the server's defaults.
    granted: bool,
}

/// Who made it.
#[derive(Debug)]
pub(super) enum Made {
    /// evenly, as its mark tells.
    Marked(Mark),
    /// evenly, which was interrupted before it wrote the mark.
    Newborn,
    Stranger,
}

/// What may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// Nobody may connect.
    Shut,
    /// Its removal was interrupted: it can only be dropped.
    Invalid,
}

/// The connection limit of an invalid database (`DATCONNLIMIT_INVALID_DB`).
const INVALID_LIMIT: i32 = -2;

impl Entry {
    pub(super) fn is_ours(&self) -> bool {
        match self.made {
            Made::Marked(_) | Made::Newborn => true,
            Made::Stranger => false,
        }
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        match &self.made {
            Made::Marked(mark) => Some(mark.kind),
            Made::Newborn | Made::Stranger => None,
        }
    }

    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let connections_max = row.try_get("datconnlimit")?;
        let comment: Option<String> = row.try_get("comment")?;
        let open = row.try_get("datallowconn")?;
        Ok(Self {
            oid: row.try_get("oid")?,
            owner: row.try_get("owner")?,
            made: made(comment.as_deref(), connections_max),
            state: match connections_max {
                INVALID_LIMIT => State::Invalid,
                _ if open => State::Open,
                _ => State::Shut,
            },
            flagged: row.try_get("datistemplate")?,
            connections_max,
            set: row.try_get("set")?,
            granted: row.try_get("granted")?,
        })
    }
}

fn made(comment: Option<&str>, connections_max: i32) -> Made {
    match comment.and_then(Mark::from_text) {
        Some(mark) => Made::Marked(mark),
        None if connections_max == NEWBORN_LIMIT => Made::Newborn,
        None => Made::Stranger,
    }
}

/// The key of a database's advisory lock.
fn lock_key(database: &DatabaseName) -> i64 {
    let hash = Sha256::digest(format!("evenly database {database}"));
    let bytes: [u8; 8] = hash[..8].try_into().expect("a hash has 32 bytes");
    i64::from_be_bytes(bytes)
}

impl Session {
    /// Takes a database's lock, however long its holder needs; it goes with the session.
    pub(super) async fn wait_for_lock(&mut self, database: &DatabaseName) -> Result<(), DbError> {
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(lock_key(database))
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(|error| self.fail("lock", database, &error))
    }

    /// Takes a database's lock, which others hold for moments or else for long: then this fails and
    /// names them.
    pub(super) async fn claim(&mut self, database: &DatabaseName) -> Result<(), DbError> {
        let deadline = Instant::now() + CLAIM_MAX;
        while !self.try_lock(database).await? {
            if Instant::now() > deadline {
                let sessions = self.lock_holders(database).await?;
                return Err(DbError::Busy { database: database.clone(), sessions });
            }
            sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }

    /// Takes a database's lock if nobody has it.
    pub(super) async fn try_lock(&mut self, database: &DatabaseName) -> Result<bool, DbError> {
        sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(lock_key(database))
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| self.fail("lock", database, &error))
    }

    async fn lock_holders(&mut self, database: &DatabaseName) -> Result<String, DbError> {
        let key = lock_key(database).cast_unsigned();
        let rows = sqlx::query(
            "SELECT a.pid, usename::text AS \"user\", application_name::text AS program, \
             host(client_addr) AS address, state::text AS state \
             FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
             AND l.classid::bigint = $1 AND l.objid::bigint = $2",
        )
        .bind((key >> 32).cast_signed())
        .bind((key & u64::from(u32::MAX)).cast_signed())
        .fetch_all(&mut self.connection)
        .await;
        let holders = rows.and_then(|rows| super::holders::Holder::all(&rows));
        let holders = holders.map_err(|error| self.fail("lock", database, &error))?;
        Ok(super::holders::named(&holders))
    }

    /// What there is of a name.
    pub(super) async fn look(&mut self, database: &DatabaseName) -> Result<Option<Entry>, DbError> {
        let row = sqlx::query(
            "SELECT oid::bigint AS oid, pg_get_userbyid(datdba)::text AS owner, datallowconn, \
             datistemplate, datconnlimit, shobj_description(oid, 'pg_database') AS comment, \
             datacl IS NOT NULL AS granted, \
             EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid) AS set \
             FROM pg_database d WHERE datname = $1::text::name",
        )
        .bind(database.as_str())
        .fetch_optional(&mut self.connection)
        .await;
        row.and_then(|row| row.as_ref().map(Entry::from_row).transpose())
            .map_err(|error| self.fail("look for", database, &error))
    }

    /// Every name that may be of a database of ours, with what tells.
    pub(super) async fn candidates(&mut self) -> Result<Vec<(DatabaseName, Made)>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT datname::text AS name, datconnlimit, comment FROM (\
                SELECT *, shobj_description(oid, 'pg_database') AS comment FROM pg_database\
             ) AS d WHERE comment LIKE '{%evenly%' OR datconnlimit = $1 ORDER BY oid",
        )
        .bind(NEWBORN_LIMIT)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let comment: Option<String> = row.try_get("comment")?;
                let name: String = row.try_get("name")?;
                let made = made(comment.as_deref(), row.try_get("datconnlimit")?);
                Ok((DatabaseName::existing(&name), made))
            })
            .collect()
    }

    /// What a template has and `CREATE DATABASE` does not copy.
    pub(super) async fn dress_of(
        &mut self,
        template: &DatabaseName,
        entry: &Entry,
    ) -> Result<Dress, DbError> {
        let Entry { oid, owner, made: _, state: _, flagged: _, connections_max, set, granted } =
            entry;
        let settings = if *set { self.settings(*oid).await } else { Ok(Vec::new()) };
        let settings = settings.map_err(|error| self.fail("read", template, &error))?;
        let grants = if *granted { self.grants(*oid).await } else { Ok(None) };
        let grants = grants.map_err(|error| self.fail("read", template, &error))?;
        // Whoever fills a template does so before it has its own limit.
        let connections_max = (*connections_max).max(-1);
        Ok(Dress { owner: owner.clone(), connections_max, settings, grants })
    }

    async fn settings(&mut self, oid: i64) -> Result<Vec<Setting>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT r.rolname::text AS role, s.text \
             FROM pg_db_role_setting d CROSS JOIN unnest(setconfig) WITH ORDINALITY s (text, nth) \
             LEFT JOIN pg_roles r ON r.oid = d.setrole \
             WHERE d.setdatabase = $1::bigint::oid AND (d.setrole = 0 OR r.oid IS NOT NULL) \
             ORDER BY d.setrole, s.nth",
        )
        .bind(oid)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| Ok(Setting { role: row.try_get("role")?, text: row.try_get("text")? }))
            .collect()
    }

    /// `None` where the server's defaults hold.
    async fn grants(&mut self, oid: i64) -> Result<Option<Vec<Grant>>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT pg_get_userbyid(a.grantor)::text AS grantor, a.privilege_type AS privilege, \
             CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END AS grantee, \
             a.is_grantable AS passed_on \
             FROM pg_database d LEFT JOIN LATERAL aclexplode(d.datacl) \
             WITH ORDINALITY a (grantor, grantee, privilege_type, is_grantable, nth) ON true \
             WHERE d.oid = $1::bigint::oid AND d.datacl IS NOT NULL ORDER BY a.nth",
        )
        .bind(oid)
        .fetch_all(&mut self.connection)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut grants = Vec::new();
        for row in &rows {
            // One row without a right: everything was revoked.
            let privilege: Option<String> = row.try_get("privilege")?;
            let Some(privilege) = privilege.as_deref().and_then(Privilege::from_word) else {
                continue;
            };
            let passed_on = row.try_get("passed_on")?;
            let option = if passed_on { GrantOption::With } else { GrantOption::Without };
            let (grantor, grantee) = (row.try_get("grantor")?, row.try_get("grantee")?);
            grants.push(Grant { grantor, grantee, privilege, option });
        }
        Ok(Some(grants))
    }
}
