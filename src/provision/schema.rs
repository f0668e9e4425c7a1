//! Loads a file of SQL into a template, by the server's own client program: dumps hold what no
//! driver speaks (`COPY … FROM stdin`, `DELIMITER`).

use std::ffi::OsString;
use std::path::Path;

use super::template::run;
use super::{ProvisionError, Request};
use crate::db::{self, Location};
use crate::model::Engine;

/// Loads the file; the first error ends it.
pub(super) async fn load(
    request: &Request<'_>,
    name: &str,
    location: &Location,
    url: &str,
    file: &Path,
) -> Result<(), ProvisionError> {
    const WHAT: &str = "loading of `schema`";
    let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
    match location.engine() {
        Engine::Postgres => {
            let client = db::postgres_client(url).map_err(fail)?;
            let mut argv: Vec<OsString> =
                ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"].map(Into::into).into();
            argv.push(file.into());
            argv.extend(client.arguments);
            run(request, name, WHAT, argv, client.env).await
        }
        Engine::Mysql => {
            let client = db::mysql_client(url).map_err(fail)?;
            let script = "client=$(command -v mariadb || command -v mysql) || \
                          { echo 'neither `mariadb` nor `mysql` is on PATH' >&2; exit 127; }\n\
                          file=$1; shift; exec \"$client\" \"$@\" < \"$file\"";
            let mut argv: Vec<OsString> = ["sh", "-c", script, "sh"].map(Into::into).into();
            argv.push(file.into());
            argv.extend(client.arguments);
            run(request, name, WHAT, argv, client.env).await
        }
        Engine::Sqlite => db::load_sqlite(url, file).await.map_err(fail),
    }
}
