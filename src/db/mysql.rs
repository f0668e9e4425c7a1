//! MySQL and MariaDB: clones by replayed definitions and `INSERT … SELECT`.
//!
//! These servers know no templates: `CREATE TABLE … LIKE` loses foreign keys, and a dump goes
//! through two processes. So a template's definitions are read once (`read.rs`), and each clone
//! replays them and copies rows inside the server (`replay.rs`).
//!
//! Tested with MariaDB 10.11; the SQL is what MySQL 8 knows too, but that was not to be had for
//! testing. What neither server can: keep strangers out of a finished template (there is no
//! `ALLOW_CONNECTIONS`), and tell a database that was dropped and made anew by hand under one of
//! our names from ours.

mod read;
mod registry;
mod replay;
mod session;

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use tokio::sync::{Mutex, OnceCell, Semaphore, SemaphorePermit};

use super::Template;
use super::error::DbError;
use super::location::{Location, without_password};
use super::names::{DatabaseName, TemplateName};
use super::owner::{Found, Kind, Mark, Owner};
use super::sql::mysql as sql;
use read::Definitions;
use registry::Standing;
use session::{Meaning, Place, REMEDY, Session, Work, meaning, text};

/// How long one question for a template's lock waits before it is asked again, seconds.
const LOCK_POLL_S: u32 = 10;

/// How many clones have a second connection at the same time: where several are made at once, the
/// server is busy with one connection each, and connections may be short.
const SECOND_CONNECTIONS_MAX: usize = 1;

/// A server of this kind.
#[derive(Debug)]
pub struct Mysql {
    place: Arc<Place>,
    version: String,
    case: sql::Case,
    /// The template that is being built, and the connection that holds its lock.
    building: Option<Box<Building>>,
    /// For second connections.
    seconds: Semaphore,
    /// What was read of each template.
    definitions: Mutex<HashMap<TemplateName, Arc<OnceCell<Arc<Definitions>>>>>,
}

#[derive(Debug)]
struct Building {
    template: TemplateName,
    owner: Owner,
    session: Session,
}

impl Mysql {
    pub(super) async fn connect(location: &Location) -> Result<Self, DbError> {
        let place = Arc::new(place(location.url())?);
        let mut session = Place::connect(&place).await?;
        let database = DatabaseName::existing(sql::REGISTRY);
        let work = Work { act: "ask the server of", database: &database };
        let facts = "SELECT CONCAT(VERSION(), ' ', @@version_comment), \
                     CAST(@@lower_case_table_names AS CHAR)";
        let facts = session.ask(work, facts.to_owned()).await?;
        let fact = |column| facts.first().and_then(|row| text(row, column)).unwrap_or_default();
        let case = if fact(1) == "0" { sql::Case::Exact } else { sql::Case::Folded };
        let grants = session.ask(work, "SHOW GRANTS".to_owned()).await?;
        let grants: Vec<_> = grants.iter().filter_map(|row| text(row, 0)).collect();
        session.close().await;
        if !may_create(&grants) {
            return Err(DbError::Rights {
                server: place.server.clone(),
                user: place.user.clone(),
                act: "create databases",
                remedy: REMEDY.to_owned(),
            });
        }
        let version = product(&fact(0));
        let (seconds, definitions) = (Semaphore::new(SECOND_CONNECTIONS_MAX), Mutex::default());
        Ok(Self { place, version, case, building: None, seconds, definitions })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn url(&self, database: &DatabaseName) -> String {
        let mut url = self.place.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push(database.as_str());
        }
        url.into()
    }

    /// The name as the server keeps it.
    fn kept(&self, name: &DatabaseName) -> DatabaseName {
        match self.case {
            sql::Case::Exact => name.clone(),
            sql::Case::Folded => DatabaseName::existing(&name.as_str().to_lowercase()),
        }
    }

    pub(super) async fn open_template(
        &mut self,
        template: &TemplateName,
        owner: &Owner,
    ) -> Result<Template, DbError> {
        let name = self.kept(&template.0);
        self.definitions.lock().await.remove(template);
        let mut session = Place::connect(&self.place).await?;
        lock(&mut session, &name).await?;
        match registry::standing(&mut session, &name).await? {
            Standing::Stranger => return Err(DbError::Stranger(name)),
            Standing::Ours(Mark { kind: Kind::Template, .. }) => {
                session.close().await;
                return Ok(Template::Ready);
            }
            Standing::Ours(Mark { kind: Kind::Building | Kind::Clone, .. }) => {
                drop_ours(&mut session, &name).await?;
            }
            Standing::Absent => {}
        }
        let mark = Mark::new(Kind::Building, owner);
        registry::create(&mut session, &name, &mark, "").await?;
        let url = self.url(&name);
        let (template, owner) = (template.clone(), owner.clone());
        self.building = Some(Box::new(Building { template, owner, session }));
        Ok(Template::Empty { url })
    }

    /// Ends what the building has left connected, and marks it. A lock that was lost on the way
    /// (the server was restarted) is an error: another builder may be at it.
    pub(super) async fn finish_template(&mut self, template: &TemplateName) -> Result<(), DbError> {
        let name = self.kept(&template.0);
        let Building { owner, mut session, .. } = *self.taken(template, "finish")?;
        let work = Work { act: "finish", database: &name };
        let held = sqlx::query("SELECT CAST(IS_USED_LOCK(?) = CONNECTION_ID() AS CHAR)")
            .bind(lock_name(&name))
            .fetch_one(&mut session.connection)
            .await
            .map_err(|error| session.place.failure(work, &error))?;
        if text(&held, 0).as_deref() != Some("1") {
            let why = "its lock was lost while it was built; run again".to_owned();
            return Err(DbError::Failed { act: "finish", database: name, why });
        }
        session.end_sessions(&name).await?;
        let mark = Mark::new(Kind::Template, &owner);
        registry::write(&mut session, &name, &mark, 1).await?;
        session.close().await;
        Ok(())
    }

    pub(super) async fn abandon_template(
        &mut self,
        template: &TemplateName,
    ) -> Result<(), DbError> {
        let name = self.kept(&template.0);
        let Building { mut session, .. } = *self.taken(template, "abandon")?;
        drop_ours(&mut session, &name).await?;
        session.close().await;
        Ok(())
    }

    fn taken(
        &mut self,
        template: &TemplateName,
        act: &'static str,
    ) -> Result<Box<Building>, DbError> {
        self.building.take_if(|building| building.template == *template).ok_or_else(|| {
            let why = "it is not being built here".to_owned();
            DbError::Failed { act, database: template.0.clone(), why }
        })
    }

    pub(super) async fn clone_template(
        &self,
        template: &TemplateName,
        clone: &DatabaseName,
        owner: &Owner,
    ) -> Result<(), DbError> {
        let clone = self.kept(clone);
        let mut session = Place::connect(&self.place).await?;
        let definitions = self.definitions_of(template, &mut session).await?;
        match registry::standing(&mut session, &clone).await? {
            Standing::Stranger => return Err(DbError::Stranger(clone)),
            Standing::Ours(_) => drop_ours(&mut session, &clone).await?,
            Standing::Absent => {}
        }
        let mark = Mark::new(Kind::Clone, owner);
        registry::create(&mut session, &clone, &mark, &definitions.options).await?;
        let mut second = self.second(&definitions).await;
        let other = second.as_mut().map(|(session, _)| session);
        let replayed = replay::replay(&mut session, other, &definitions, &clone).await;
        if let Some((second, _permit)) = second {
            second.close().await;
        }
        if replayed.is_err() {
            // The mark stays where this fails, so that the next run finds it.
            let _ = drop_ours(&mut session, &clone).await;
        }
        session.close().await;
        replayed
    }

    /// A second connection for a clone: where it gains and another clone has none, and the server
    /// gives it. MariaDB alone: MySQL lets nobody make a table whose foreign key names one that is
    /// being filled.
    async fn second(&self, definitions: &Definitions) -> Option<(Session, SemaphorePermit<'_>)> {
        if !self.version.starts_with("MariaDB") || !replay::gains_from_two(definitions) {
            return None;
        }
        let permit = self.seconds.try_acquire().ok()?;
        let session = Place::connect(&self.place).await.ok()?;
        Some((session, permit))
    }

    /// What a template consists of, read by the first that asks while the others wait.
    async fn definitions_of(
        &self,
        template: &TemplateName,
        session: &mut Session,
    ) -> Result<Arc<Definitions>, DbError> {
        let cell = self.definitions.lock().await.entry(template.clone()).or_default().clone();
        let name = self.kept(&template.0);
        cell.get_or_try_init(|| async {
            let finished = match registry::standing(session, &name).await? {
                Standing::Ours(Mark { kind: Kind::Building | Kind::Clone, .. }) => {
                    let why = "it is not finished".to_owned();
                    return Err(DbError::Failed { act: "clone", database: name.clone(), why });
                }
                Standing::Ours(Mark { kind: Kind::Template, .. }) => true,
                Standing::Stranger | Standing::Absent => false,
            };
            read::definitions(session, &name, self.case, finished).await.map(Arc::new)
        })
        .await
        .cloned()
    }

    pub(super) async fn drop_database(&self, database: &DatabaseName) -> Result<(), DbError> {
        let database = self.kept(database);
        let mut session = Place::connect(&self.place).await?;
        match registry::standing(&mut session, &database).await? {
            Standing::Stranger => return Err(DbError::Stranger(database)),
            Standing::Ours(_) => drop_ours(&mut session, &database).await?,
            Standing::Absent => registry::forget(&mut session, &database).await?,
        }
        session.close().await;
        Ok(())
    }

    pub(super) async fn list(&self) -> Result<Vec<Found>, DbError> {
        let mut session = Place::connect(&self.place).await?;
        let found = registry::all(&mut session).await?;
        session.close().await;
        Ok(found)
    }

    pub(super) async fn close(self) {
        if let Some(building) = self.building {
            building.session.close().await;
        }
    }
}

/// Where a URL leads, without its database, which need not be there.
fn place(url: &url::Url) -> Result<Place, DbError> {
    let refuse = |why: String| DbError::Url { url: without_password(url.as_str()), why };
    let mut bare = url.clone();
    if bare.cannot_be_a_base() {
        return Err(refuse("it names no host: `mysql://user@host/name`".to_owned()));
    }
    bare.set_path("");
    let options = MySqlConnectOptions::from_url(&bare)
        .map_err(|error| refuse(error.to_string()))?
        .disable_statement_logging();
    let server = match options.get_socket() {
        Some(socket) => format!("MySQL at {}", socket.display()),
        None => format!("MySQL at {}:{}", options.get_host(), options.get_port()),
    };
    let user = options.get_username().to_owned();
    Ok(Place { url: url.clone(), options, server, user })
}

/// Product and version, as a template's key wants them: `MariaDB 10.11.19` or `MySQL 8.4.2`.
fn product(fact: &str) -> String {
    let maria = fact.to_ascii_lowercase().contains("mariadb");
    let number: String =
        fact.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect();
    format!("{} {number}", if maria { "MariaDB" } else { "MySQL" })
}

/// Whether grants may allow to create databases. A role, whose rights are not shown, may.
fn may_create(grants: &[String]) -> bool {
    grants.iter().any(|grant| {
        let Some(body) = grant.strip_prefix("GRANT ") else { return false };
        let Some((rights, _)) = body.split_once(" ON ") else { return true };
        rights.split(',').any(|right| matches!(right.trim(), "ALL PRIVILEGES" | "CREATE"))
    })
}

/// The name of a template's lock: at most 64 characters on MySQL.
fn lock_name(template: &DatabaseName) -> String {
    let hash = Sha256::digest(template.as_str());
    let number = hash.iter().take(16).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    format!("evenly-template-{number:032x}")
}

/// Takes a template's lock, waiting as long as another builder takes. The connection's end gives it
/// back, whatever the end was.
async fn lock(session: &mut Session, template: &DatabaseName) -> Result<(), DbError> {
    loop {
        let taken = sqlx::query("SELECT CAST(GET_LOCK(?, ?) AS CHAR)")
            .bind(lock_name(template))
            .bind(LOCK_POLL_S)
            .fetch_one(&mut session.connection)
            .await
            .map_err(|error| {
                session.place.failure(Work { act: "lock", database: template }, &error)
            })?;
        if text(&taken, 0).as_deref() == Some("1") {
            return Ok(());
        }
    }
}

/// Drops a database of ours with the sessions that hold it, then its mark.
async fn drop_ours(session: &mut Session, database: &DatabaseName) -> Result<(), DbError> {
    let work = Work { act: "drop", database };
    // One that may not be ended holds a database only while it uses its tables: the drop will tell.
    let kept = match session.end_sessions(database).await {
        Ok(()) => None,
        Err(busy @ DbError::Busy { .. }) => Some(busy),
        Err(error) => return Err(error),
    };
    match session.run(sql::drop_database(database.as_str())).await {
        Ok(()) => registry::forget(session, database).await,
        Err(error) if meaning(&error) == Meaning::Locked => Err(match kept {
            Some(busy) => busy,
            None => DbError::Busy { database: database.clone(), sessions: session.holders().await },
        }),
        Err(error) => Err(session.place.failure(work, &error)),
    }
}

#[cfg(test)]
mod tests;
