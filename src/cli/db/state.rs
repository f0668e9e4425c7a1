//! What `up` made, as a file: who holds the servers, and where the databases are. It has passwords
//! in it, so that nobody else may read it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::print::warn;
use super::site::block_on;
use crate::process::{Identity, Liveness};
use crate::provision::{Local, is_reachable};
use crate::store;

/// The version of the file's form.
const FORMAT: u32 = 1;

/// What `up` made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    /// The process that holds the servers of our own, where there are any.
    pub(super) holder: Option<Holder>,
    /// The one that is `DATABASE_URL` first.
    pub(super) databases: Vec<Database>,
}

/// A process, as [`Identity`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    host: String,
    pub(super) pid: u32,
    started: String,
}

/// A database for work by hand, as [`Local`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Database {
    pub(super) name: String,
    /// Its name on the server.
    on_server: String,
    pub(super) url: String,
    pub(super) managed: bool,
}

impl Holder {
    pub(super) fn this_process() -> Self {
        let Identity { host, pid, started } = Identity::own();
        Self { host, pid, started }
    }

    pub(super) fn liveness(&self) -> Liveness {
        let Self { host, pid, started } = self;
        Identity { host: host.clone(), pid: *pid, started: started.clone() }.liveness()
    }
}

impl Database {
    pub(super) fn local(&self) -> Local {
        let Self { name, on_server: database, url, managed } = self.clone();
        Local { name, database, url, managed }
    }
}

impl State {
    pub(super) fn new(holder: Option<Holder>, locals: Vec<Local>) -> Self {
        let database = |local| {
            let Local { name, database: on_server, url, managed } = local;
            Database { name, on_server, url, managed }
        };
        Self { format: FORMAT, holder, databases: locals.into_iter().map(database).collect() }
    }

    /// Keeps hold of what an earlier `up` made on other servers.
    pub(super) fn take_over(&mut self, before: Option<Self>) {
        let earlier = before.into_iter().flat_map(|state| state.databases);
        for database in earlier.filter(|database| !database.managed) {
            if self.databases.iter().all(|there| there.name != database.name) {
                self.databases.push(database);
            }
        }
    }

    /// The state that is there; one that cannot be read is told and taken for none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let bytes = match store::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let state = serde_json::from_slice(&bytes).ok();
        let state = state.filter(|state: &Self| state.format == FORMAT);
        if state.is_none() {
            warn(&format!("`{}` is not a state of `evenly db up`; ignored", path.display()));
        }
        Ok(state)
    }

    /// Writes it whole or not at all, for this user alone.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).expect("a state is text and numbers");
        write_private(path, &text)
            .map_err(|source| Error::System { act: "write `.evenly/server.json`", source })
    }

    /// Whether its servers run. Where nobody can tell by the process (the machine was started
    /// anew, another container wrote it), the servers are asked.
    pub(super) fn runs(&self) -> Result<bool, Error> {
        let Some(holder) = &self.holder else { return Ok(false) };
        match holder.liveness() {
            Liveness::Alive => Ok(true),
            Liveness::Dead => Ok(false),
            Liveness::Unknown => {
                let Some(managed) = self.databases.iter().find(|database| database.managed) else {
                    return Ok(false);
                };
                block_on(is_reachable(&managed.local()))
            }
        }
    }
}

/// Replaces a file by one that only this user can read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("json.new-{}", std::process::id()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = private(&new)?;
    file.write_all(bytes)?;
    fs::rename(&new, path)
}

/// An empty file that only this user can read; what was there is removed first, with its mode.
pub(super) fn private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().write(true).create_new(true).mode(0o600).open(path)
}
