//! Postgres: clones by `CREATE DATABASE … TEMPLATE`.
//!
//! Promises, beside those of [`super`]: what is made carries from its first moment a sign that it
//! is evenly's (see `NEWBORN_LIMIT`), so that a run killed at any moment leaves nothing that a
//! later one cannot tell from a stranger's; sessions on a stranger's database are never ended;
//! sessions of ours are few and on the maintenance database, where they are in nobody's way.
//! Locks are session-level advisory locks on the maintenance database, so a pooler that shares
//! sessions between clients must not stand between.

mod catalog;
mod copy;
mod holders;
mod session;
mod strategy;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use sqlx::Connection;
use url::Url;

use super::Template;
use super::error::DbError;
use super::location::{Engine, Location};
use super::names::{DatabaseName, TemplateName};
use super::owner::{Found, Kind, Mark, Owner};
use super::sql::postgres as sql;
use catalog::{Entry, Made, State};
use holders::busy;
use session::{Admin, Company, Session, code, code_of};
use strategy::Trials;

/// How often an act is begun again because the server went away under it.
const ATTEMPTS_MAX: u32 = 3;

/// The first version that can drop a database together with its sessions.
const DROPS_WITH_SESSIONS: u32 = 13_00_00;

/// A Postgres server.
pub struct Postgres {
    admin: Admin,
    url: Url,
    version: String,
    /// Templates that this process fills right now.
    building: BTreeMap<TemplateName, Building>,
    trials: Mutex<HashMap<TemplateName, Trials>>,
    /// Whether files may be copied by reference; not once that failed.
    reflinks: AtomicBool,
}

/// A template that is being filled.
struct Building {
    /// Holds the lock.
    session: Session,
    mark: Mark,
    hold: Hold,
}

/// Whether the lock was ours all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Kept,
    /// Its connection was lost (the server was restarted) and it was taken again.
    Lost,
}

/// Without what holds a password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { admin, url: _, version, building, trials: _, reflinks: _ } = self;
        f.debug_struct("Postgres")
            .field("place", admin.place())
            .field("version", version)
            .field("building", &building.keys())
            .finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) async fn connect(location: &Location) -> Result<Self, DbError> {
        let url = location.url().clone();
        let (admin, mut session) = Admin::find(&url).await?;
        let version = session.facts(admin.maintenance()).await?;
        session.close().await;
        Ok(Self {
            admin,
            url,
            version,
            building: BTreeMap::new(),
            trials: Mutex::new(HashMap::new()),
            reflinks: AtomicBool::new(true),
        })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn url(&self, database: &DatabaseName) -> String {
        url_of(&self.url, database)
    }

    pub(super) async fn open_template(
        &mut self,
        template: &TemplateName,
        owner: &Owner,
    ) -> Result<Template, DbError> {
        let database = checked(&template.0)?;
        if self.building.contains_key(template) {
            let why = "this run is filling it already".to_owned();
            return Err(DbError::Failed { act: "fill", database: database.clone(), why });
        }
        let mut session = self.admin.keeper().await?;
        session.wait_for_lock(database).await?;
        if let Some(entry) = session.look(database).await? {
            if entry.kind() == Some(Kind::Template) && entry.state != State::Invalid {
                session.close().await;
                return Ok(Template::Ready);
            }
            self.remove(&mut session, database, &entry).await?;
        }
        let mark = Mark::new(Kind::Building, owner);
        self.create_empty(&mut session, database, &mark).await?;
        self.building.insert(template.clone(), Building { session, mark, hold: Hold::Kept });
        Ok(Template::Empty { url: self.url(database) })
    }

    pub(super) async fn finish_template(&mut self, template: &TemplateName) -> Result<(), DbError> {
        let mut building = self.take(template).await?;
        let sealed = building.seal(&template.0).await;
        match sealed {
            Ok(()) => building.session.close().await,
            // It can still be abandoned.
            Err(_) => drop(self.building.insert(template.clone(), building)),
        }
        sealed
    }

    pub(super) async fn abandon_template(
        &mut self,
        template: &TemplateName,
    ) -> Result<(), DbError> {
        let mut building = self.take(template).await?;
        if building.session.look(&template.0).await?.is_some() {
            building.adopt(&template.0).await?;
        }
        let session = &mut building.session;
        if let Some(entry) = session.look(&template.0).await? {
            self.remove(session, &template.0, &entry).await?;
        }
        building.session.close().await;
        Ok(())
    }

    pub(super) async fn clone_template(
        &self,
        template: &TemplateName,
        clone: &DatabaseName,
        owner: &Owner,
    ) -> Result<(), DbError> {
        checked(&template.0)?;
        checked(clone)?;
        let mut attempt = 1;
        loop {
            match self.clone_once(template, clone, owner).await {
                Err(DbError::Unreachable { .. }) if attempt < ATTEMPTS_MAX => {
                    attempt += 1;
                    // What rests is from before.
                    self.admin.close().await;
                }
                done => return done,
            }
        }
    }

    pub(super) async fn drop_database(&self, database: &DatabaseName) -> Result<(), DbError> {
        checked(database)?;
        let mut attempt = 1;
        loop {
            match self.drop_once(database).await {
                Err(DbError::Unreachable { .. }) if attempt < ATTEMPTS_MAX => {
                    attempt += 1;
                    // What rests is from before.
                    self.admin.close().await;
                }
                done => return done,
            }
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Found>, DbError> {
        match self.list_once().await {
            Err(DbError::Unreachable { .. }) => {
                self.admin.close().await;
                self.list_once().await
            }
            done => done,
        }
    }

    async fn list_once(&self) -> Result<Vec<Found>, DbError> {
        let mut session = self.admin.session(Company::Welcome).await?;
        let here = DatabaseName::existing(self.admin.maintenance());
        let candidates = session.candidates().await;
        let candidates =
            candidates.map_err(|error| session.fail("list databases from", &here, &error))?;
        let mut found = Vec::new();
        for (name, made) in candidates {
            match made {
                Made::Marked(mark) => found.push(mark.found(name)),
                // Whoever is about to mark it holds its lock.
                Made::Newborn if session.try_lock(&name).await? => found.push(orphan(name)),
                Made::Newborn | Made::Stranger => {}
            }
        }
        session.close().await;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    pub(super) async fn close(self) {
        for Building { session, .. } in self.building.into_values() {
            session.close().await;
        }
        self.admin.close().await;
    }

    /// The template being filled, with its lock.
    async fn take(&mut self, template: &TemplateName) -> Result<Building, DbError> {
        let fail = |why: &str| DbError::Failed {
            act: "finish",
            database: template.0.clone(),
            why: why.to_owned(),
        };
        let building = self.building.remove(template);
        let mut building = building.ok_or_else(|| fail("it was not opened, or is done with"))?;
        if building.session.connection.ping().await.is_err() {
            let mut session = self.admin.keeper().await?;
            if !session.try_lock(&template.0).await? {
                return Err(fail("the server was restarted, and another run took it over"));
            }
            building = Building { session, mark: building.mark, hold: Hold::Lost };
        }
        Ok(building)
    }

    async fn create_empty(
        &self,
        session: &mut Session,
        database: &DatabaseName,
        mark: &Mark,
    ) -> Result<(), DbError> {
        const BASE: &str = "template1";
        let name = database.as_str();
        let create = sql::Create { database: name, template: BASE, owner: None, strategy: None };
        if let Err(error) = session.run(sql::create(&create)).await {
            let base = DatabaseName::existing(BASE);
            return Err(match code_of(&error) {
                Some(code::OBJECT_IN_USE) => busy(&base, &session.holders(&base).await?),
                _ => session.fail("create", database, &error),
            });
        }
        let marked = session.run(sql::christen(name, &mark.to_text())).await;
        marked.map_err(|error| session.fail("mark", database, &error))
    }

    async fn drop_once(&self, database: &DatabaseName) -> Result<(), DbError> {
        let mut session = self.admin.session(Company::Welcome).await?;
        session.claim(database).await?;
        if let Some(entry) = session.look(database).await? {
            self.remove(&mut session, database, &entry).await?;
        }
        session.close().await;
        Ok(())
    }

    /// Drops a database whose lock the session holds, if it is ours.
    async fn remove(
        &self,
        session: &mut Session,
        database: &DatabaseName,
        entry: &Entry,
    ) -> Result<(), DbError> {
        if !entry.is_ours() {
            return Err(DbError::Stranger(database.clone()));
        }
        if entry.flagged && entry.state != State::Invalid {
            let unflagged = session.run(sql::no_template(database.as_str())).await;
            unflagged.map_err(|error| session.fail("drop", database, &error))?;
        }
        let Err(error) = session.drop(database, entry.state).await? else { return Ok(()) };
        match code_of(&error) {
            Some(code::OBJECT_IN_USE | code::INSUFFICIENT_PRIVILEGE) => {}
            _ => return Err(session.fail("drop", database, &error)),
        }
        if entry.state == State::Open {
            self.forget_prepared(session, database).await?;
        }
        // Also one that may not be ended may be about to end.
        session.end_sessions(database).await?;
        let dropped = session.drop(database, entry.state).await?;
        dropped.map_err(|error| session.fail("drop", database, &error))
    }

    /// Rolls back what a test prepared in a database of ours and never ended.
    async fn forget_prepared(
        &self,
        session: &mut Session,
        database: &DatabaseName,
    ) -> Result<(), DbError> {
        let transactions = session.prepared(database).await?;
        if transactions.is_empty() {
            return Ok(());
        }
        let mut there = self.admin.visit(database).await?;
        for transaction in transactions {
            let rolled_back = there.run(sql::rollback_prepared(&transaction)).await;
            rolled_back.map_err(|error| there.fail("drop", database, &error))?;
        }
        there.close().await;
        Ok(())
    }
}

impl Building {
    /// Keeps everybody off a filled template and marks it finished.
    async fn seal(&mut self, database: &DatabaseName) -> Result<(), DbError> {
        self.adopt(database).await?;
        let Self { session, mark, hold: _ } = self;
        let refused = session.run(sql::refuse_connections(database.as_str())).await;
        refused.map_err(|error| session.fail("finish", database, &error))?;
        session.end_sessions(database).await?;
        let mark = Mark { kind: Kind::Template, ..mark.clone() };
        let marked = session.run(sql::mark(database.as_str(), &mark.to_text())).await;
        marked.map_err(|error| session.fail("finish", database, &error))
    }

    /// Sees that the template is still the one that was begun; or one that the command made anew in
    /// its place (`prisma migrate reset`, `rails db:reset`): the lock was ours all the time, so it
    /// was made for us.
    async fn adopt(&mut self, database: &DatabaseName) -> Result<(), DbError> {
        let Self { session, mark, hold } = self;
        let fail = |why: &str| DbError::Failed {
            act: "finish",
            database: database.clone(),
            why: why.to_owned(),
        };
        let Some(entry) = session.look(database).await? else {
            return Err(fail("the command that should fill it dropped it"));
        };
        match (&entry.made, hold) {
            (Made::Marked(found), _) if found == mark => Ok(()),
            (Made::Newborn | Made::Stranger, Hold::Kept) => {
                let marked = session.run(sql::mark(database.as_str(), &mark.to_text())).await;
                marked.map_err(|error| session.fail("mark", database, &error))
            }
            (Made::Marked(_), _) | (Made::Newborn | Made::Stranger, Hold::Lost) => {
                Err(fail("the server was restarted, and another run took it over"))
            }
        }
    }
}

impl Session {
    /// Sees that databases can be created; answers product and version.
    async fn facts(&mut self, maintenance: &str) -> Result<String, DbError> {
        let facts: Result<(String, bool, bool), sqlx::Error> = sqlx::query_as(
            "SELECT current_setting('server_version'), pg_is_in_recovery(), \
             rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut self.connection)
        .await;
        let here = DatabaseName::existing(maintenance);
        let (version, standby, creates) =
            facts.map_err(|error| self.fail("read the server's version from", &here, &error))?;
        let session::Place { server, user } = self.place();
        if standby {
            let why = format!("{server} is a standby, which is read only: name its primary");
            return Err(DbError::Failed { act: "create databases beside", database: here, why });
        }
        if !creates {
            let say = sql::let_create(user);
            return Err(DbError::Rights {
                server: server.clone(),
                user: user.clone(),
                act: "create databases",
                remedy: format!("a superuser allows it by `{say}`"),
            });
        }
        Ok(format!("Postgres {version}"))
    }

    /// Drops a database, with its sessions; the inner error is the server's to that statement.
    async fn drop(
        &mut self,
        database: &DatabaseName,
        state: State,
    ) -> Result<Result<(), sqlx::Error>, DbError> {
        let name = database.as_str();
        if self.version() >= DROPS_WITH_SESSIONS {
            return Ok(self.run(sql::drop_with_sessions(name)).await);
        }
        if state != State::Invalid {
            let refused = self.run(sql::refuse_connections(name)).await;
            refused.map_err(|error| self.fail("drop", database, &error))?;
            self.end_sessions(database).await?;
        }
        Ok(self.run(sql::drop(name)).await)
    }
}

/// What a killed run left before it could sign it: nobody's, so it is spared no more.
fn orphan(name: DatabaseName) -> Found {
    let until = Timestamp::UNIX_EPOCH;
    let (run, host, started) = (String::new(), String::new(), String::new());
    let owner = Owner { run, host, pid: 0, started, until };
    Found { name, kind: Kind::Clone, owner, made: until }
}

/// A name that Postgres keeps as it is (it would cut a longer one without a word) and that a URL
/// can have (a dot alone means a place in its path).
fn checked(database: &DatabaseName) -> Result<&DatabaseName, DbError> {
    let name = database.as_str();
    let max = Engine::Postgres.name_bytes_max();
    let why = if matches!(name, "" | "." | "..") || name.contains('\0') {
        "a URL cannot name that".to_owned()
    } else if name.len() > max {
        format!("the name has {} bytes, Postgres allows {max}", name.len())
    } else {
        return Ok(database);
    };
    Err(DbError::Failed { act: "use", database: database.clone(), why })
}

/// The URL of another database of the same server.
fn url_of(url: &Url, database: &DatabaseName) -> String {
    let mut url = url.clone();
    let mut path = String::from("/");
    for &byte in database.as_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    url.set_path(&path);
    // `dbname` among the parameters would win over the path.
    if let Some(query) = url.query() {
        let names_database = |pair: &&str| {
            url::form_urlencoded::parse(pair.as_bytes()).any(|(key, _)| key == "dbname")
        };
        let kept: Vec<&str> = query.split('&').filter(|pair| !names_database(pair)).collect();
        let kept = kept.join("&");
        url.set_query((!kept.is_empty()).then_some(&kept));
    }
    url.to_string()
}

#[cfg(test)]
mod tests;
