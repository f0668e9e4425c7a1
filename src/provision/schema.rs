//! Loads a file of SQL into a template, by the server's own client program: dumps hold what no
//! driver speaks (`COPY … FROM stdin`, `DELIMITER`). No argument of it holds a password.

use std::ffi::OsString;
use std::path::Path;

use super::template::run;
use super::{ProvisionError, Request, libpq};
use crate::db::{self, DbError, Location};
use crate::model::Engine;

/// Which file is loaded, for the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Schema,
    Dump,
}

impl What {
    fn words(self) -> &'static str {
        match self {
            Self::Schema => "loading of `schema`",
            Self::Dump => "loading of its kept dump",
        }
    }
}

/// Loads the file; the first error ends it.
pub(super) async fn load(
    request: &Request<'_>,
    name: &str,
    location: &Location,
    url: &str,
    (what, file): (What, &Path),
) -> Result<(), ProvisionError> {
    let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
    match location.engine() {
        Engine::Postgres => {
            let words =
                ["sh", "-c", libpq::SCRIPT, "sh", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"];
            let mut argv: Vec<OsString> = words.map(Into::into).into();
            argv.extend(["-f".into(), file.into()]);
            run(request, name, what.words(), argv, postgres_env(url).map_err(fail)?).await
        }
        Engine::Mysql => {
            let client = db::mysql_client(url).map_err(fail)?;
            let script = "client=$(command -v mariadb || command -v mysql) || \
                          { echo 'neither `mariadb` nor `mysql` is on PATH' >&2; exit 127; }\n\
                          file=$1; shift; exec \"$client\" \"$@\" < \"$file\"";
            let mut argv: Vec<OsString> = ["sh", "-c", script, "sh"].map(Into::into).into();
            argv.push(file.into());
            argv.extend(client.arguments);
            run(request, name, what.words(), argv, client.env).await
        }
        Engine::Sqlite => db::load_sqlite(url, file).await.map_err(fail),
    }
}

/// The environment of a client program of Postgres for a URL that evenly made.
pub(super) fn postgres_env(url: &str) -> Result<Vec<(OsString, OsString)>, DbError> {
    let url = url::Url::parse(url)
        .map_err(|error| DbError::Url { url: "***".to_owned(), why: error.to_string() })?;
    Ok(libpq::env(&url))
}
