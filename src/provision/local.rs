//! Databases for work by hand: a clone of each template, which stays when evenly returns.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::{Provision, ProvisionError, Source};
use crate::db::{DatabaseName, DbError, Kind, Location, Owner, Server};

/// How long one on a server that is not ours is kept without being asked for: its maker is gone
/// from the start, so nobody can tell by that.
const KEPT: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A database for work by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Its name in the configuration.
    pub name: String,
    /// Its name on the server.
    pub database: String,
    /// Where it is, credentials included.
    pub url: String,
    /// Whether it vanishes with a server of ours.
    pub managed: bool,
}

impl Provision {
    /// Makes a clone of each template for work by hand; one that is there stays as it is.
    ///
    /// # Errors
    /// When a clone could not be made.
    pub async fn locals(&self) -> Result<Vec<Local>, ProvisionError> {
        let mut made = BTreeMap::new();
        for (name, source) in &self.sources {
            let fail = |error| ProvisionError::Db { database: name.clone(), error };
            made.insert(name, source.local().await.map_err(fail)?);
        }
        let local = |(name, source): (&String, &String)| {
            let database = &made[source];
            let source = &self.sources[source];
            Local {
                name: name.clone(),
                database: database.as_str().to_owned(),
                url: source.server.url(database),
                managed: source.managed,
            }
        };
        Ok(self.names.iter().map(local).collect())
    }

    /// Closes what is connected and leaves the databases where they are. For servers that are not
    /// ours: our own end.
    pub async fn leave(self) {
        for source in self.sources.into_values().filter_map(|source| Rc::try_unwrap(source).ok()) {
            source.server.close().await;
        }
        self.servers.stop().await;
    }

    /// Whether the servers of our own all run.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.servers.run()
    }
}

impl Source {
    async fn local(&self) -> Result<DatabaseName, DbError> {
        let database = self.naming.local(&self.name);
        let there = self.server.list().await?.into_iter().any(|found| {
            found.kind == Kind::Clone && found.name.as_str().eq_ignore_ascii_case(database.as_str())
        });
        if !there {
            let until = Timestamp::now().checked_add(KEPT).unwrap_or(Timestamp::MAX);
            // Who makes it may end: no start, so nobody takes that for the database's end.
            let lasting = Owner { started: String::new(), until, ..self.owner.clone() };
            let owner = if self.managed { &self.owner } else { &lasting };
            self.server.clone_template(&self.template, &database, owner).await?;
        }
        Ok(database)
    }
}

/// Drops a database for work by hand that is on a server that is not ours. One that is gone is
/// fine; `directory` is where SQLite's are.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn drop_local(local: &Local, directory: &Path) -> Result<(), ProvisionError> {
    let fail = |error| ProvisionError::Db { database: local.name.clone(), error };
    let location = Location::parse(&local.url, directory.to_owned()).map_err(fail)?;
    let server = Server::connect(&location).await.map_err(fail)?;
    let dropped = server.drop_database(&DatabaseName::existing(&local.database)).await;
    server.close().await;
    dropped.map_err(fail)
}

/// Whether the server of a database answers.
pub async fn is_reachable(local: &Local) -> bool {
    let Ok(location) = Location::parse(&local.url, std::env::temp_dir()) else { return false };
    match Server::connect(&location).await {
        Ok(server) => {
            server.close().await;
            true
        }
        Err(_) => false,
    }
}
