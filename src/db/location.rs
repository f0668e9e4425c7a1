//! Where a server is: a database's URL, taken apart once and never shown with its password.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::error::DbError;
use super::names::DatabaseName;
pub use crate::model::Engine;

/// A server and the base name of a database on it.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    engine: Engine,
    url: Url,
    /// For SQLite: the directory of the clones.
    directory: Option<PathBuf>,
}

impl Location {
    /// Takes a URL apart: `postgres://` or `postgresql://`, `mysql://` or `mariadb://`, `sqlite:`.
    /// `directory` is where SQLite's clones go.
    ///
    /// # Errors
    /// When it is none of these, or names no database.
    pub fn parse(text: &str, directory: PathBuf) -> Result<Self, DbError> {
        let refuse = |why: &str| DbError::Url { url: without_password(text), why: why.to_owned() };
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let engine = Engine::of_url(url.as_str())
            .ok_or_else(|| refuse("expected `postgres://`, `mysql://` or `sqlite:`"))?;
        let directory = (engine == Engine::Sqlite).then_some(directory);
        Ok(Self { engine, url, directory })
    }

    /// Which kind of server.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The URL, credentials included: for drivers and for tests alone.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The database that the URL names.
    ///
    /// # Errors
    /// When it names none.
    pub fn database(&self) -> Result<DatabaseName, DbError> {
        let path = self.url.path().trim_start_matches('/');
        let name = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        if name.is_empty() {
            let why = "it names no database".to_owned();
            return Err(DbError::Url { url: without_password(self.url.as_str()), why });
        }
        Ok(DatabaseName::existing(&name))
    }

    /// Where SQLite's clones go.
    #[must_use]
    pub fn directory(&self) -> Option<&std::path::Path> {
        self.directory.as_deref()
    }
}

/// Engine and place, without user and password.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", without_password(self.url.as_str()))
    }
}

/// A URL fit to be shown: its password, and all that looks like one, is `***`.
pub(super) fn without_password(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) => {
            if url.password().is_some() {
                let _ = url.set_password(Some("***"));
            }
            if url.query().is_some() {
                url.set_query(Some("***"));
            }
            url.to_string()
        }
        Err(_) => "***".to_owned(),
    }
}
