//! Databases on a server: templates, clones, and what dead runs left.
//!
//! Promises: a database that evenly did not make is never changed or dropped; a template is either
//! finished or not there; a clone equals its template (rows, schema, settings, grants); connections
//! are few and closed before anything is cloned or dropped. All SQL that is not a literal is made
//! in `sql`.
//!
//! An edge: it speaks to servers and files of databases and knows no processes. Everything is async
//! and runs inside the caller's tokio runtime.

mod client;
mod error;
mod location;
mod mysql;
mod names;
mod owner;
mod postgres;
mod sql;
mod sqlite;

use std::time::Duration;

pub use client::{Client, mysql_client};
pub use error::DbError;
pub use location::{Engine, Location};
pub use mysql::Mysql;
pub use names::{DatabaseName, Naming, TemplateName};
pub use owner::{Found, Kind, Owner};
pub use postgres::Postgres;
pub use sqlite::{Sqlite, load_sqlite, sqlite_path};

/// How long to wait for a connection.
pub const CONNECT_MAX: Duration = Duration::from_secs(30);

/// A server (or, for SQLite, a directory), with the rights to make and drop databases.
#[derive(Debug)]
pub enum Server {
    /// Postgres.
    Postgres(Postgres),
    /// MySQL or MariaDB.
    Mysql(Mysql),
    /// SQLite: a directory of files.
    Sqlite(Sqlite),
}

/// What there is of a template, once its lock is held.
#[derive(Debug)]
pub enum Template {
    /// It is finished, and can be cloned.
    Ready,
    /// It is empty and has to be filled; see [`Server::finish_template`].
    Empty {
        /// Where to fill it.
        url: String,
    },
}

impl Server {
    /// Connects to a server and sees that it is usable.
    ///
    /// # Errors
    /// When it does not answer, refuses the credentials, or the user may not create databases; the
    /// error says which and never holds a password.
    pub async fn connect(location: &Location) -> Result<Self, DbError> {
        Ok(match location.engine() {
            Engine::Postgres => Self::Postgres(Postgres::connect(location).await?),
            Engine::Mysql => Self::Mysql(Mysql::connect(location).await?),
            Engine::Sqlite => Self::Sqlite(Sqlite::connect(location).await?),
        })
    }

    /// The server's product and version, as it says: part of a template's key.
    #[must_use]
    pub fn version(&self) -> &str {
        match self {
            Self::Postgres(server) => server.version(),
            Self::Mysql(server) => server.version(),
            Self::Sqlite(server) => server.version(),
        }
    }

    /// The URL of one of its databases, for tests: credentials included.
    #[must_use]
    pub fn url(&self, database: &DatabaseName) -> String {
        match self {
            Self::Postgres(server) => server.url(database),
            Self::Mysql(server) => server.url(database),
            Self::Sqlite(server) => server.url(database),
        }
    }

    /// The database that a location's URL names, as a template that is ready as it is.
    ///
    /// # Errors
    /// When the URL names none.
    pub fn existing_template(&self, location: &Location) -> Result<TemplateName, DbError> {
        match self {
            Self::Postgres(_) | Self::Mysql(_) => location.database().map(TemplateName),
            Self::Sqlite(_) => Sqlite::existing_template(location),
        }
    }

    /// Takes the template's lock, waiting for another builder, and sees what there is: a finished
    /// template, or else an empty database in which to build it (a half-built one is dropped). The
    /// lock is held until [`Server::finish_template`] or [`Server::abandon_template`].
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open_template(
        &mut self,
        template: &TemplateName,
        owner: &Owner,
    ) -> Result<Template, DbError> {
        match self {
            Self::Postgres(server) => server.open_template(template, owner).await,
            Self::Mysql(server) => server.open_template(template, owner).await,
            Self::Sqlite(server) => server.open_template(template, owner).await,
        }
    }

    /// Marks the template finished, keeps others from connecting to it, and gives the lock back.
    ///
    /// # Errors
    /// When a session that cannot be ended still holds it (it is named), or the server refuses.
    pub async fn finish_template(&mut self, template: &TemplateName) -> Result<(), DbError> {
        match self {
            Self::Postgres(server) => server.finish_template(template).await,
            Self::Mysql(server) => server.finish_template(template).await,
            Self::Sqlite(server) => server.finish_template(template).await,
        }
    }

    /// Drops a template that could not be built, and gives the lock back.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn abandon_template(&mut self, template: &TemplateName) -> Result<(), DbError> {
        match self {
            Self::Postgres(server) => server.abandon_template(template).await,
            Self::Mysql(server) => server.abandon_template(template).await,
            Self::Sqlite(server) => server.abandon_template(template).await,
        }
    }

    /// Makes a clone of a finished template, marked as the owner's. One of that name that evenly
    /// made before is replaced. Several clones may be made at the same time.
    ///
    /// # Errors
    /// When the template is held by a session that cannot be ended, a stranger's database has the
    /// name, or the server refuses.
    pub async fn clone_template(
        &self,
        template: &TemplateName,
        clone: &DatabaseName,
        owner: &Owner,
    ) -> Result<(), DbError> {
        match self {
            Self::Postgres(server) => server.clone_template(template, clone, owner).await,
            Self::Mysql(server) => server.clone_template(template, clone, owner).await,
            Self::Sqlite(server) => server.clone_template(template, clone, owner).await,
        }
    }

    /// Drops a database that evenly made, with the sessions that hold it; one that is not there is
    /// fine.
    ///
    /// # Errors
    /// When it is a stranger's, or the server refuses.
    pub async fn drop_database(&self, database: &DatabaseName) -> Result<(), DbError> {
        match self {
            Self::Postgres(server) => server.drop_database(database).await,
            Self::Mysql(server) => server.drop_database(database).await,
            Self::Sqlite(server) => server.drop_database(database).await,
        }
    }

    /// Every database that evenly made here, by name.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn list(&self) -> Result<Vec<Found>, DbError> {
        match self {
            Self::Postgres(server) => server.list().await,
            Self::Mysql(server) => server.list().await,
            Self::Sqlite(server) => server.list().await,
        }
    }

    /// Closes all connections.
    pub async fn close(self) {
        match self {
            Self::Postgres(server) => server.close().await,
            Self::Mysql(server) => server.close().await,
            Self::Sqlite(server) => server.close().await,
        }
    }
}
