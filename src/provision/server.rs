//! Database servers of our own: private, in memory, without durability, gone at the end.
//!
//! A server runs as a command of a supervisor of its own, so it dies with evenly whatever evenly's
//! end was. Everything of it is in one directory ([`home`]); what a killed run left there is
//! removed by the next start. It listens on a port of its own on the loopback, which every driver
//! understands, and on a socket; its password is random and new at each start.

mod error;
mod flavour;
mod home;
mod launch;
mod programs;
mod strays;
mod user;

use std::path::{Path, PathBuf};

use url::Url;

use self::error::cannot;
use self::flavour::{Listen, PASSWORD};
use self::home::Home;
use self::launch::Server;
use self::programs::Programs;
use self::user::User;
use super::cache::Cache;
use super::tmpfs;
use crate::db::{Engine, Location, Owner};
use crate::process::Options;

pub use error::ManagedError;
pub(super) use home::FoundHome;

/// The server's user, with every right.
const USER: &str = "evenly";

/// How to start a server.
#[derive(Debug, Clone)]
pub struct ManagedOptions {
    /// Postgres or MySQL (MariaDB).
    pub engine: Engine,
    /// How many workers there are.
    pub workers: u32,
    /// How many connections each may have at the same time.
    pub connections_per_worker: u32,
    /// The directory of the server's programs; else `PATH` and the usual places.
    pub programs: Option<PathBuf>,
    /// Where its data shall be if there is room; else `/dev/shm` or another tmpfs.
    pub memory: Option<PathBuf>,
    /// Where its data is if there is no room in memory. The server's user must be able to reach
    /// it: as root, better not in a home directory.
    pub disk: PathBuf,
    /// What it starts with.
    pub data: Data,
    /// Who makes it.
    pub owner: Owner,
    /// How its supervisor is started; secrets do not belong into its environment.
    pub supervisor: Options,
}

/// What a server starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    Fresh,
    /// An archive that [`Managed::save`] made of a server of the same version. One that is torn,
    /// or that the server does not take, is left alone and said so.
    Restored(PathBuf),
}

/// A server that runs. Dropped, it is killed without anyone waiting for that: see
/// [`Managed::stop`].
#[derive(Debug)]
pub struct Managed {
    location: Location,
    notes: Vec<String>,
    restored: bool,
    programs: Programs,
    options: ManagedOptions,
    listen: Listen,
    // Before the directory, since they are dropped in this order.
    server: Server,
    home: Home,
}

impl Managed {
    /// Starts a server and waits until it answers. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When its programs are missing, or it does not start; the error has what it said.
    pub async fn start(options: ManagedOptions) -> Result<Self, ManagedError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = programs::find(options.engine, options.programs.as_deref(), &path)?;
        let user = user::server_user(options.engine)?;
        let memory = tmpfs::candidates(options.memory.as_deref());
        let mut looked = memory.clone();
        looked.push(options.disk.clone());
        home::remove_dead(&looked);
        let place = tmpfs::choose(&memory, &options.disk);
        let mut notes: Vec<String> = place.note.into_iter().collect();
        let begin = Begin { programs, user, options, parent: place.parent };
        if let Data::Restored(archive) = &begin.options.data {
            match begin.restored(archive).await {
                Ok(managed) => return Ok(Self { notes, ..managed }),
                Err(error) => notes.push(format!(
                    "the kept database server's data `{}` is not used: {error}",
                    archive.display()
                )),
            }
        }
        let managed = begin.fresh().await?;
        Ok(Self { notes, ..managed })
    }

    /// The product and version of the server that would be started, as it says: part of what
    /// tells whether kept data fits.
    ///
    /// # Errors
    /// When its programs are missing or do not run.
    pub async fn version(options: &ManagedOptions) -> Result<String, ManagedError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = programs::find(options.engine, options.programs.as_deref(), &path)?;
        launch::version(&programs, options).await
    }

    /// Where it is, with the rights to do everything.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Its Unix socket, beside the port, where the directory's path is short enough for one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.listen.socket.as_deref()
    }

    /// What the user should know: a disk in place of memory, an archive that was not used.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether it started with the archive's data.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.restored
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// The end of what it said: why it ended, if it did.
    #[must_use]
    pub fn log(&self) -> String {
        launch::log_end(&self.home)
    }

    /// Stops it in an orderly way, keeps its data in the cache, and starts it again at the same
    /// place. All connections have to be closed before.
    ///
    /// # Errors
    /// When it does not start again, or its data cannot be kept: then it runs, if it can.
    pub async fn save(&mut self, cache: &Cache, name: &str, key: &str) -> Result<(), ManagedError> {
        self.server.end(self.programs.end()).await;
        let (cache, data) = (cache.clone(), self.home.data());
        let (name, key) = (name.to_owned(), key.to_owned());
        let kept = blocking(move || cache.save(&name, &key, &data)).await;
        self.server = launch::start(&self.programs, &self.home, &self.listen, &self.options)?;
        self.server.wait_ready(self.location.url(), &self.home, self.options.engine).await?;
        kept?;
        Ok(())
    }

    /// Stops it; its data goes.
    pub async fn stop(self) {
        let Self { mut server, home, programs, .. } = self;
        match programs {
            // Killed, it would leave a bit of System V shared memory.
            Programs::Postgres { .. } => server.end(programs.end()).await,
            // Its orderly end takes a second, for data that nobody will read.
            Programs::Mariadb { .. } | Programs::Mysql { .. } => server.kill().await,
        }
        server.close().await;
        let _ = tokio::task::spawn_blocking(move || drop(home)).await;
    }
}

/// What is known before a server has data.
struct Begin {
    programs: Programs,
    user: Option<User>,
    options: ManagedOptions,
    parent: PathBuf,
}

impl Begin {
    fn home(&self) -> Result<Home, ManagedError> {
        Home::create(&self.parent, &self.options.owner, self.user)
    }

    async fn fresh(&self) -> Result<Managed, ManagedError> {
        let home = self.home()?;
        let password = random_hex::<16>()?;
        self.programs.set_password(&home, &password)?;
        launch::initialise(&self.programs, &home, &self.options).await?;
        self.serve(home, password.clone(), password, false).await
    }

    async fn restored(&self, archive: &Path) -> Result<Managed, ManagedError> {
        let home = self.home()?;
        let (archive, data) = (archive.to_owned(), home.data());
        blocking(move || Cache::unpack(&archive, &data)).await?;
        home.give_all(&home.data())?;
        let password = random_hex::<16>()?;
        let old = self.programs.old_password(&home.data())?;
        self.programs.set_password(&home, &password)?;
        let first = old.unwrap_or_else(|| password.clone());
        self.serve(home, first, password, true).await
    }

    /// Starts the server, whose password is `first`, and gives it the final one.
    async fn serve(
        &self,
        home: Home,
        first: String,
        password: String,
        restored: bool,
    ) -> Result<Managed, ManagedError> {
        let Self { programs, options, .. } = self;
        let (server, listen) = launch::start_listening(programs, &home, options, &first).await?;
        if first != password {
            launch::change_password(&url(options.engine, listen.port, &first)?, &password).await?;
        }
        if options.engine == Engine::Postgres {
            home.write(&home.data().join(PASSWORD), &password)?;
        }
        let location = location(options.engine, listen.port, &password)?;
        let (programs, options) = (programs.clone(), options.clone());
        let notes = Vec::new();
        Ok(Managed { location, notes, restored, programs, options, listen, server, home })
    }
}

/// The directories of all servers of ours on this machine.
pub(super) fn homes() -> Vec<FoundHome> {
    let mut parents = tmpfs::candidates(None);
    parents.push(std::env::temp_dir());
    home::all(&parents)
}

/// The URL of a server's own database, which is always there.
fn url(engine: Engine, port: u16, password: &str) -> Result<Url, ManagedError> {
    Ok(location(engine, port, password)?.url().clone())
}

fn location(engine: Engine, port: u16, password: &str) -> Result<Location, ManagedError> {
    let (scheme, database) = match engine {
        Engine::Postgres => ("postgres", "postgres"),
        Engine::Mysql => ("mysql", "mysql"),
        Engine::Sqlite => return Err(ManagedError::NoServer),
    };
    let url = format!("{scheme}://{USER}:{password}@127.0.0.1:{port}/{database}");
    Ok(Location::parse(&url, PathBuf::new())?)
}

/// Random bytes as hex digits.
fn random_hex<const BYTES: usize>() -> Result<String, ManagedError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ManagedError::System(error.into()))?;
    Ok(crate::model::hex(&bytes))
}

/// Runs what only the disk makes wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
