//! evenly's side of a supervisor: start it, have it run commands, end it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{sleep_until, timeout};

use super::protocol::{Answer, Ended, LINE_BYTES_MAX, Lines, Order, Request, encode, to_wire};
use super::reaper::{Orphans, Spared, kill_orphans, spawn_spared};
use super::{KILL_MS_MAX, SUPERVISE, micros, socket};
use crate::model::ProcessEnd;

/// How long a supervisor that hung up may take to be gone by itself.
const HANGUP_MS_MAX: u64 = 1_000;
/// How much longer than its own work a supervisor that kills or is closed may take.
const CLOSE_MARGIN_MS: u64 = 2_000;

/// How long a supervisor may take to read a request: it always listens, unless it is stopped.
const REQUEST_MS_MAX: u64 = 10_000;

/// How to start a supervisor.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program that calls [`super::supervise()`] when its first argument is [`SUPERVISE`].
    pub program: PathBuf,
    /// Variables of this process that no command may see.
    pub env_remove: Vec<OsString>,
    /// Variables that every command sees beyond this process's own.
    pub env: Vec<(OsString, OsString)>,
}

/// A command to run. Standard input is `/dev/null`; it gets a process group of its own.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program, searched in `PATH` if it has no slash, and its arguments.
    pub argv: Vec<OsString>,
    /// The directory it runs in.
    pub cwd: PathBuf,
    /// Variables beyond the supervisor's own.
    pub env: Vec<(OsString, OsString)>,
    /// The user and group that it runs as, where this process may change them; else its own.
    pub user: Option<(u32, u32)>,
    /// The file, created or emptied, that gets its standard error, and its standard output too if
    /// that has no file of its own.
    pub output: PathBuf,
    /// The file, created or emptied, that gets its standard output alone.
    pub stdout: Option<PathBuf>,
}

impl Launch {
    fn order(&self, socket: bool) -> Order {
        let Self { argv, cwd, env, user, output, stdout } = self;
        Order {
            argv: argv.iter().map(|part| to_wire(part)).collect(),
            cwd: to_wire(cwd.as_os_str()),
            env: env.iter().map(|(name, value)| (to_wire(name), to_wire(value))).collect(),
            user: *user,
            output: to_wire(output.as_os_str()),
            stdout: stdout.as_ref().map(|path| to_wire(path.as_os_str())),
            socket,
        }
    }
}

/// What can be done to a command that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Send this signal to its process group.
    Signal(i32),
    /// Kill it and all that it started.
    Kill,
    /// Kill what became the supervisor's child beside it; [`Connection::swept`] is told.
    Sweep,
}

/// A socket between evenly and a command that goes on for long.
#[derive(Debug)]
pub struct Connection {
    /// The command's end. Its number is in the command's `EVENLY_PROTOCOL_FD`.
    pub socket: OwnedFd,
    /// Is told what each [`Control::Sweep`] found.
    pub swept: Sender<Orphans>,
}

/// A supervisor of this process. Dropped, it ends what it has and then itself, without anyone
/// waiting for that; see [`Supervisor::close`].
#[derive(Debug)]
pub struct Supervisor {
    child: Child,
    requests: UnixStream,
    answers: ChildStdout,
    lines: Lines,
    request: Vec<u8>,
    state: State,
    _spared: Spared,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// It has a command; it stays so when [`Supervisor::run`] is abandoned half-way.
    Busy,
    Lost,
}

impl Supervisor {
    /// Starts a supervisor. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(options: &Options) -> io::Result<Self> {
        let Options { program, env_remove, env } = options;
        let mut command = Command::new(program);
        let (requests, theirs) = std::os::unix::net::UnixStream::pair()?;
        requests.set_nonblocking(true)?;
        let requests = UnixStream::from_std(requests)?;
        command.arg(SUPERVISE).stdin(OwnedFd::from(theirs)).stdout(Stdio::piped());
        for name in env_remove {
            command.env_remove(name);
        }
        command.envs(env.iter().map(|(name, value)| (name, value)));
        let (mut child, spared) = spawn_spared(&mut command)?;
        let Some(answers) = child.stdout.take() else {
            return Err(io::Error::other("a supervisor without a pipe"));
        };
        let (lines, request, state) = (Lines::default(), Vec::new(), State::Idle);
        Ok(Self { child, requests, answers, lines, request, state, _spared: spared })
    }

    /// Whether it can run another command. If not, start a fresh one.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state == State::Idle
    }

    /// Runs a command until nothing of it is left. `controls` are obeyed as they come; one that
    /// comes after the end stays in the channel, so use a channel for one command only. If the
    /// future is dropped, the supervisor is no longer alive and to be closed.
    pub async fn run(&mut self, launch: &Launch, controls: &mut Receiver<Control>) -> Ended {
        self.run_with(launch, None, controls).await
    }

    /// As [`Supervisor::run`], for a command with a socket.
    pub async fn run_connected(
        &mut self,
        launch: &Launch,
        connection: Connection,
        controls: &mut Receiver<Control>,
    ) -> Ended {
        self.run_with(launch, Some(connection), controls).await
    }

    async fn run_with(
        &mut self,
        launch: &Launch,
        connection: Option<Connection>,
        controls: &mut Receiver<Control>,
    ) -> Ended {
        if self.state != State::Idle {
            return Ended::not_started("its supervisor is gone: start another one".to_owned());
        }
        encode(&Request::Launch(launch.order(connection.is_some())), &mut self.request);
        if self.request.len() > LINE_BYTES_MAX {
            return Ended::not_started(format!("its command line exceeds {LINE_BYTES_MAX} bytes"));
        }
        self.state = State::Busy;
        let started = Instant::now();
        match self.converse(connection, controls).await {
            Ok(ended) => {
                self.state = State::Idle;
                ended
            }
            Err(error) => self.give_up(&error, micros(started.elapsed())).await,
        }
    }

    /// Sends the request and controls until the answer comes. A command may stop its supervisor
    /// (`kill -STOP $PPID`): one that does not answer in time after a kill is an error.
    async fn converse(
        &mut self,
        connection: Option<Connection>,
        controls: &mut Receiver<Control>,
    ) -> io::Result<Ended> {
        let (socket, swept) = connection.map(|one| (one.socket, one.swept)).unzip();
        self.send(socket.as_ref().map(AsFd::as_fd)).await?;
        // Only the command shall hold it, so that its end is seen.
        drop(socket);
        let mut listening = true;
        let mut patience: Option<tokio::time::Instant> = None;
        loop {
            match self.lines.next()? {
                Some(Answer::Ended(ended)) => return Ok(ended),
                Some(Answer::Swept(orphans)) => {
                    if let Some(swept) = &swept {
                        // Who is not there any more does not wait for it.
                        let _ = swept.try_send(orphans);
                    }
                    continue;
                }
                None => {}
            }
            tokio::select! {
                biased;
                read = self.answers.read_buf(self.lines.buffer()) => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                control = controls.recv(), if listening => match control {
                    Some(control) => {
                        if control == Control::Kill && patience.is_none() {
                            let left = Duration::from_millis(KILL_MS_MAX + CLOSE_MARGIN_MS);
                            patience = Some(tokio::time::Instant::now() + left);
                        }
                        self.pass_on(control).await?;
                    }
                    None => listening = false,
                },
                () = async {
                    match patience {
                        Some(until) => sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                } => return Err(io::Error::other("it did not answer to a kill")),
            }
        }
    }

    async fn pass_on(&mut self, control: Control) -> io::Result<()> {
        let request = match control {
            Control::Signal(number) => Request::Signal(number),
            Control::Kill => Request::Kill,
            Control::Sweep => Request::Sweep,
        };
        encode(&request, &mut self.request);
        self.send(None).await
    }

    async fn send(&mut self, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let sending = socket::send(&self.requests, &self.request, descriptor);
        timeout(Duration::from_millis(REQUEST_MS_MAX), sending).await?
    }

    /// Makes sure that the supervisor is dead and that nothing of what it had is left.
    async fn give_up(&mut self, error: &io::Error, duration_us: u64) -> Ended {
        self.state = State::Lost;
        let mut why = "its supervisor was lost".to_owned();
        // Only once it is waited for has it passed its children on.
        match wait_or_kill(&mut self.child, HANGUP_MS_MAX).await {
            Some(status) => drop(write!(why, " ({})", process_end(status))),
            None => drop(write!(why, " ({error})")),
        }
        let orphans = kill_orphans().await;
        let (leaked, unkillable) = (orphans.leaked, orphans.unkillable);
        Ended { end: ProcessEnd::Unknown(why), leaked, unkillable, duration_us }
    }

    /// Ends the supervisor and, with it, whatever it still has; waits until they are gone.
    pub async fn close(self) {
        let Self { mut child, requests, answers, _spared, .. } = self;
        drop((requests, answers));
        wait_or_kill(&mut child, KILL_MS_MAX + CLOSE_MARGIN_MS).await;
    }
}

/// Waits for a supervisor's end; gives its status if it ended by itself.
async fn wait_or_kill(child: &mut Child, patience_ms: u64) -> Option<ExitStatus> {
    let waited = timeout(Duration::from_millis(patience_ms), child.wait()).await;
    if let Ok(status) = waited {
        return status.ok();
    }
    // Fails only if it is gone already, and then there is nothing to wait for.
    let _ = child.kill().await;
    None
}

fn process_end(status: ExitStatus) -> ProcessEnd {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ProcessEnd::Exited(code),
        (None, Some(signal)) => ProcessEnd::Signaled(signal),
        (None, None) => ProcessEnd::Unknown(status.to_string()),
    }
}
