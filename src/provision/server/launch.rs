//! A server's process: started, waited for until it answers, ended.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use super::error::ManagedError;
use super::flavour::Listen;
use super::home::Home;
use super::programs::Programs;
use super::user::User;
use super::{ManagedOptions, USER, cannot, url};
use crate::db::Engine;
use crate::model::ProcessEnd;
use crate::process::{Call, Captured, Control, Ended, Launch, Supervisor, capture};

/// How long making a data directory may take.
const INITIALISE_MS_MAX: u64 = 120_000;
/// How long a program may take to say its version.
const VERSION_MS_MAX: u64 = 10_000;
/// How long a server may take until it answers.
const READY_MS_MAX: u64 = 60_000;
/// How long to wait before asking again.
const READY_PAUSE_MS: u64 = 5;
/// How long one question may take: a server that starts may take a connection and not answer.
const ASK_MS_MAX: u64 = 5_000;
/// How long an orderly end may take; then it is killed.
const END_MS_MAX: u64 = 10_000;
/// How often another port is tried when one was taken meanwhile.
const PORTS_MAX: u32 = 5;
/// What servers say when another one has their port: MySQL and MariaDB, Postgres.
const PORT_TAKEN: [&str; 2] = ["Address already in use", "could not create any TCP/IP sockets"];
/// How much of a log is shown, bytes.
const LOG_BYTES_MAX: u64 = 4_096;
/// The locale that knows all letters and sorts by number, and the one that every system has.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

/// A server's process and its supervisor.
#[derive(Debug)]
pub(super) struct Server {
    controls: Sender<Control>,
    /// Gives the supervisor back when the server ended. `None` once that is taken.
    task: Option<JoinHandle<(Ended, Supervisor)>>,
}

impl Server {
    pub(super) fn is_running(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Asks it to end, and kills it if it takes too long.
    pub(super) async fn end(&mut self, how: Control) {
        // A full channel holds an order that is as good; a closed one means that it ended.
        let _ = self.controls.try_send(how);
        self.wait(END_MS_MAX).await;
        self.kill().await;
    }

    pub(super) async fn kill(&mut self) {
        while self.is_running() {
            let _ = self.controls.try_send(Control::Kill);
            self.wait(END_MS_MAX).await;
        }
        self.close().await;
    }

    async fn wait(&mut self, ms_max: u64) {
        if let Some(task) = &mut self.task
            && let Ok(ended) = timeout(Duration::from_millis(ms_max), task).await
        {
            self.task = None;
            if let Ok((_, supervisor)) = ended {
                supervisor.close().await;
            }
        }
    }

    /// Waits for the supervisor's end, if the server has ended.
    pub(super) async fn close(&mut self) {
        if self.task.as_ref().is_some_and(JoinHandle::is_finished) {
            self.wait(END_MS_MAX).await;
        }
    }

    /// Waits until it answers.
    pub(super) async fn wait_ready(
        &self,
        url: &Url,
        home: &Home,
        engine: Engine,
    ) -> Result<(), ManagedError> {
        let until = Instant::now() + Duration::from_millis(READY_MS_MAX);
        let failed = |what: String| ManagedError::Start { engine, what, log: log_end(home) };
        loop {
            let asked = timeout(Duration::from_millis(ASK_MS_MAX), ask(engine, url));
            let refused = match timeout_at(until, asked).await {
                Ok(Ok(Ok(()))) => return Ok(()),
                Ok(Ok(Err(error))) => error.to_string(),
                Ok(Err(_)) | Err(_) => "it does not answer".to_owned(),
            };
            if !self.is_running() {
                return Err(failed("ended while it started".to_owned()));
            }
            if Instant::now() >= until {
                let seconds = READY_MS_MAX / 1_000;
                return Err(failed(format!("was not ready after {seconds} s ({refused})")));
            }
            sleep(Duration::from_millis(READY_PAUSE_MS)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            // The supervisor is dropped with it and ends what it has.
            task.abort();
        }
    }
}

/// One connection, made and closed.
async fn ask(engine: Engine, url: &Url) -> Result<(), sqlx::Error> {
    match engine {
        Engine::Postgres => PgConnection::connect(url.as_str()).await?.close().await,
        Engine::Mysql => MySqlConnection::connect(url.as_str()).await?.close().await,
        Engine::Sqlite => Ok(()),
    }
}

/// Changes the password of Postgres' user; both are hex digits.
pub(super) async fn change_password(url: &Url, password: &str) -> Result<(), ManagedError> {
    let failed = |error: sqlx::Error| ManagedError::System(std::io::Error::other(error));
    let mut connection = PgConnection::connect(url.as_str()).await.map_err(failed)?;
    let statement = format!("ALTER USER {USER} PASSWORD '{password}'");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

/// Starts a server on a free port and waits until it answers.
pub(super) async fn start_listening(
    programs: &Programs,
    home: &Home,
    options: &ManagedOptions,
    password: &str,
) -> Result<(Server, Listen), ManagedError> {
    let mut attempt = 1;
    loop {
        let port = free_port()?;
        let listen = Listen { port, socket: programs.socket(home.path(), port) };
        let server = start(programs, home, &listen, options)?;
        let url = url(options.engine, port, password)?;
        match server.wait_ready(&url, home, options.engine).await {
            Ok(()) => return Ok((server, listen)),
            // Between our look at the port and the server's somebody else took it.
            Err(ManagedError::Start { log, .. })
                if attempt < PORTS_MAX && PORT_TAKEN.iter().any(|words| log.contains(words)) =>
            {
                attempt += 1;
            }
            Err(error) => {
                let mut server = server;
                server.kill().await;
                return Err(error);
            }
        }
    }
}

/// A port of the loopback that nobody has at the moment.
fn free_port() -> Result<u16, ManagedError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(ManagedError::System)?;
    Ok(listener.local_addr().map_err(ManagedError::System)?.port())
}

/// Starts a server's process.
pub(super) fn start(
    programs: &Programs,
    home: &Home,
    listen: &Listen,
    options: &ManagedOptions,
) -> Result<Server, ManagedError> {
    let mut supervisor = Supervisor::start(&options.supervisor).map_err(ManagedError::System)?;
    let launch = Launch {
        argv: programs.serve(home, listen, options),
        cwd: home.path().to_owned(),
        env: environment(),
        user: home.user().map(|User { uid, gid }| (uid, gid)),
        output: home.log(),
        stdout: None,
    };
    let (controls, mut obeyed) = channel(1);
    let task = tokio::spawn(async move {
        let ended = supervisor.run(&launch, &mut obeyed).await;
        (ended, supervisor)
    });
    Ok(Server { controls, task: Some(task) })
}

/// Messages in English, since one is looked for, and times of no zone.
fn environment() -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    [("LC_ALL", "C"), ("TZ", "UTC")].map(|(name, value)| (name.into(), value.into())).into()
}

/// Makes a data directory.
pub(super) async fn initialise(
    programs: &Programs,
    home: &Home,
    options: &ManagedOptions,
) -> Result<(), ManagedError> {
    let mut supervisor = Supervisor::start(&options.supervisor).map_err(ManagedError::System)?;
    let mut made = Ok(String::new());
    for locale in LOCALES {
        let argv = programs.initialise(home, locale);
        let directory = home.path().to_owned();
        made = succeed(&mut supervisor, argv, directory, home.user(), INITIALISE_MS_MAX).await;
        match &made {
            Err(ManagedError::Initialise { output, .. }) if output.contains("locale") => {}
            Ok(_) | Err(_) => break,
        }
    }
    supervisor.close().await;
    made.map(drop)
}

/// What a server says its version is.
pub(super) async fn version(
    programs: &Programs,
    options: &ManagedOptions,
) -> Result<String, ManagedError> {
    let server = match programs {
        Programs::Postgres { initdb: _, server }
        | Programs::Mariadb { install: _, server }
        | Programs::Mysql { server } => server,
    };
    let directory = std::env::temp_dir().join(format!("evenly-{}", super::random_hex::<8>()?));
    fs::create_dir(&directory).map_err(cannot("create", &directory))?;
    let argv = vec![server.clone().into_os_string(), "--version".into()];
    let said = match Supervisor::start(&options.supervisor) {
        Ok(mut supervisor) => {
            let said =
                succeed(&mut supervisor, argv, directory.clone(), None, VERSION_MS_MAX).await;
            supervisor.close().await;
            said
        }
        Err(error) => Err(ManagedError::System(error)),
    };
    // Empty, and nobody's if it stays.
    let _ = fs::remove_dir_all(&directory);
    Ok(said?.trim().to_owned())
}

/// Runs a program that has to succeed; gives what it printed.
async fn succeed(
    supervisor: &mut Supervisor,
    argv: Vec<std::ffi::OsString>,
    directory: PathBuf,
    user: Option<User>,
    ms_max: u64,
) -> Result<String, ManagedError> {
    let program = argv.first().map(PathBuf::from).unwrap_or_default().display().to_string();
    let call = Call {
        argv,
        cwd: directory.clone(),
        env: environment(),
        user: user.map(|User { uid, gid }| (uid, gid)),
        directory,
        time_limit: Duration::from_millis(ms_max),
    };
    let captured = capture(supervisor, call).await.map_err(ManagedError::System)?;
    let Captured { end, timed_out, stdout, stderr, cut: _ } = captured;
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    if end == ProcessEnd::Exited(0) {
        return Ok(stdout);
    }
    let end = if timed_out { format!("killed after {} s", ms_max / 1_000) } else { told(&end) };
    Err(ManagedError::Initialise { program, end, output: format!("{stdout}{stderr}") })
}

fn told(end: &ProcessEnd) -> String {
    match end {
        ProcessEnd::Exited(code) => format!("exit status {code}"),
        ProcessEnd::Signaled(signal) => format!("signal {signal}"),
        ProcessEnd::NotStarted(why) | ProcessEnd::Unknown(why) => why.clone(),
    }
}

/// The end of a server's log.
pub(super) fn log_end(home: &Home) -> String {
    let read = || {
        let mut file = fs::File::open(home.log())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    };
    read().unwrap_or_else(|error| format!("(no log: {error})"))
}
