//! The supervisor's own side: `evenly __supervise`, one command at a time.
//!
//! Single-threaded, and nobody but [`Supervise::reap`] waits for children: that is what makes it
//! safe to signal them by number, see `children`. It is the leader of a session of its own, so
//! that a terminal's ^C does not reach it or what it runs, and so that the process groups below
//! it cannot hold anyone else. It has no runtime and prints nothing but answers.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1,
    SIGUSR2, SIGXCPU, SIGXFSZ,
};

use super::protocol::{Answer, Ended, Lines, Order, Request, encode, from_wire};
use super::sweep::Sweep;
use super::{
    KILL_MS_MAX, KILL_PAUSE_MS, LEAKED_MAX, LINGER_MS, TERM_MS, UNKILLABLE_MAX, children, micros,
    socket,
};
use crate::framework::protocol::PROTOCOL_FD;
use crate::model::ProcessEnd;

/// The hidden command that [`supervise`] is behind.
pub const SUPERVISE: &str = "__supervise";

/// How much is read from evenly at once.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Signals that the supervisor outlives. They are caught, not ignored: a caught signal is back to
/// its default in what is started, an ignored one stays ignored, also one that evenly inherited
/// (`nohup`, a shell's `&`).
const CAUGHT: [i32; 12] = [
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
    SIGXCPU, SIGXFSZ,
];

/// Runs as a supervisor until standard input ends.
#[must_use]
pub fn supervise() -> ExitCode {
    let served = set_up().and_then(|wakeups| {
        let mut supervise = Supervise::new(wakeups);
        let served = supervise.serve();
        supervise.kill_everything();
        served
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "evenly's supervisor: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes this process fit to supervise; gives what becomes readable when a child ends.
fn set_up() -> io::Result<UnixStream> {
    // Fails when this is a session's leader already, which is as good.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    keep_descriptors_to_ourselves()?;
    let unused = Arc::new(AtomicBool::new(false));
    for signal in CAUGHT {
        signal_hook::flag::register(signal, Arc::clone(&unused))?;
    }
    let (wakeups, writer) = UnixStream::pair()?;
    wakeups.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGCHLD, writer)?;
    Ok(wakeups)
}

/// Marks every descriptor that evenly itself inherited so that no command gets it.
fn keep_descriptors_to_ourselves() -> io::Result<()> {
    for entry in fs::read_dir("/dev/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if number > 2 {
            // SAFETY: the number was listed as open just now (the directory's own descriptor
            // included, which lives as long as the loop), and this process has no other thread
            // that could have closed it since.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            match rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC) {
                Ok(()) | Err(Errno::BADF) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// The supervisor's state.
struct Supervise {
    wakeups: UnixStream,
    requests: Lines,
    chunk: Box<[u8]>,
    /// A socket for the next command.
    socket: Option<OwnedFd>,
    answer: Vec<u8>,
    sweep: Option<Sweep>,
    running: Option<Running>,
    /// Children that could not be killed, told already.
    abandoned: Vec<Pid>,
}

/// The command that runs, or what is left of it.
struct Running {
    main: Pid,
    started: Instant,
    /// How it ended and how long it took, once it did.
    end: Option<(ProcessEnd, u64)>,
    phase: Phase,
    leaked: Vec<String>,
}

/// How far the end of a command has come.
enum Phase {
    /// The command itself goes on.
    Main,
    /// It ended; the rest may end by itself until then.
    Lingering(Instant),
    /// The rest was sent SIGTERM and has until then.
    Terminating(Instant),
    /// Everything is sent SIGKILL, again and again, until then.
    Killing(Instant),
}

/// Whether evenly is still there.
#[derive(PartialEq, Eq)]
enum Evenly {
    There,
    Gone,
}

/// Whether this process has children that go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Children {
    None,
    Some,
}

impl Supervise {
    fn new(wakeups: UnixStream) -> Self {
        Self {
            wakeups,
            requests: Lines::default(),
            chunk: vec![0; READ_BYTES_MAX].into(),
            socket: None,
            answer: Vec::new(),
            sweep: None,
            running: None,
            abandoned: Vec::new(),
        }
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            let asked = self.wait(self.patience())?;
            if asked && self.take_requests()? == Evenly::Gone {
                return Ok(());
            }
            // After the requests: a command that was just started is a child too.
            let children = self.reap();
            self.advance(children)?;
            self.go_on_sweeping()?;
        }
    }

    /// Until when nothing has to happen by itself.
    fn patience(&self) -> Option<Duration> {
        if self.sweep.is_some() {
            return Some(Duration::from_millis(KILL_PAUSE_MS));
        }
        let until = match self.running.as_ref()?.phase {
            Phase::Main => return None,
            Phase::Lingering(until) | Phase::Terminating(until) => until,
            Phase::Killing(_) => return Some(Duration::from_millis(KILL_PAUSE_MS)),
        };
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Waits for a request, a child's end or the time; tells whether there is a request.
    fn wait(&self, patience: Option<Duration>) -> io::Result<bool> {
        let timeout = patience.map(timespec);
        let input = rustix::stdio::stdin();
        let mut fds =
            [PollFd::new(&input, PollFlags::IN), PollFd::new(&self.wakeups, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        if !fds[1].revents().is_empty() {
            self.drain_wakeups();
        }
        Ok(!fds[0].revents().is_empty())
    }

    /// Takes note of every child that ended.
    fn reap(&mut self) -> Children {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.note_end(pid, status),
                Ok(None) => return Children::Some,
                Err(Errno::INTR) => {}
                Err(_) => return Children::None,
            }
        }
    }

    fn note_end(&mut self, pid: Pid, status: WaitStatus) {
        self.abandoned.retain(|abandoned| *abandoned != pid);
        if let Some(running) = &mut self.running
            && running.main == pid
        {
            let end = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => ProcessEnd::Exited(code),
                (None, Some(signal)) => ProcessEnd::Signaled(signal),
                (None, None) => ProcessEnd::Unknown(format!("wait status {}", status.as_raw())),
            };
            running.end = Some((end, micros(running.started.elapsed())));
        }
    }

    fn take_requests(&mut self) -> io::Result<Evenly> {
        let stdin = rustix::stdio::stdin();
        match socket::receive(stdin, self.requests.buffer(), &mut self.chunk) {
            Ok((0, _)) => return Ok(Evenly::Gone),
            Ok((_, socket)) => self.socket = socket.or(self.socket.take()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        while let Some(request) = self.requests.next()? {
            match request {
                Request::Launch(order) => self.launch(&order)?,
                Request::Signal(number) => self.pass_on(number),
                Request::Kill => {
                    if let Some(running) = &mut self.running
                        && !matches!(running.phase, Phase::Killing(_))
                    {
                        running.phase = Phase::Killing(after(KILL_MS_MAX));
                    }
                }
                Request::Sweep => match &mut self.sweep {
                    Some(sweep) => sweep.again(),
                    none => *none = Some(Sweep::new()),
                },
            }
        }
        Ok(Evenly::There)
    }

    fn launch(&mut self, order: &Order) -> io::Result<()> {
        if self.running.is_some() {
            return Err(io::Error::other("asked to start a command while another one runs"));
        }
        let started = Instant::now();
        let socket = self.socket.take().filter(|_| order.socket);
        match start(order, socket.as_ref()) {
            Ok(main) => {
                let (end, phase, leaked) = (None, Phase::Main, Vec::new());
                self.running = Some(Running { main, started, end, phase, leaked });
                Ok(())
            }
            Err(why) => self.answer(&Answer::Ended(Ended::not_started(why))),
        }
    }

    /// Signals the command's process group, unless the command ended.
    fn pass_on(&self, number: i32) {
        if let Some(Running { main, end: None, .. }) = self.running
            && let Some(signal) = Signal::from_named_raw(number)
            && kill_process_group(main, signal).is_err()
        {
            // It left its group.
            let _ = kill_process(main, signal);
        }
    }

    /// Goes on with the end of the command; answers when nothing of it is left.
    fn advance(&mut self, children: Children) -> io::Result<()> {
        match &self.running {
            None | Some(Running { end: None, phase: Phase::Main, .. }) => return Ok(()),
            Some(_) => {}
        }
        let Some(left) = self.leftovers(children) else { return self.finish(&[]) };
        let Some(running) = &mut self.running else { return Ok(()) };
        let now = Instant::now();
        match running.phase {
            Phase::Main => running.phase = Phase::Lingering(after(LINGER_MS)),
            Phase::Lingering(until) if now >= until => {
                running.leaked =
                    left.iter().take(LEAKED_MAX).copied().map(children::name).collect();
                signal_all(&left, Signal::TERM);
                running.phase = Phase::Terminating(after(TERM_MS));
            }
            Phase::Terminating(until) if now >= until => {
                signal_all(&left, Signal::KILL);
                running.phase = Phase::Killing(after(KILL_MS_MAX));
            }
            Phase::Lingering(_) | Phase::Terminating(_) => {}
            Phase::Killing(until) if now >= until => return self.finish(&left),
            Phase::Killing(_) => signal_all(&left, Signal::KILL),
        }
        Ok(())
    }

    /// What is left of the command; `None` when nothing is. The list may miss one that is being
    /// born, so only the kernel's word that there are no children is taken for an end, as long as
    /// none was abandoned.
    #[cfg(target_os = "linux")]
    fn leftovers(&self, children: Children) -> Option<Vec<Pid>> {
        if children == Children::None {
            return None;
        }
        let mut left = children::direct().unwrap_or_default();
        left.retain(|pid| !self.abandoned.contains(pid));
        (self.abandoned.is_empty() || !left.is_empty()).then_some(left)
    }

    /// The command's process group while it has members: more cannot be seen here.
    #[cfg(not(target_os = "linux"))]
    fn leftovers(&self, _children: Children) -> Option<Vec<Pid>> {
        let main = self.running.as_ref()?.main;
        rustix::process::test_kill_process_group(main).is_ok().then(|| vec![main])
    }

    fn finish(&mut self, unkillable: &[Pid]) -> io::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let (end, duration_us) = running.end.unwrap_or_else(|| {
            let end = ProcessEnd::Unknown("it cannot be killed".to_owned());
            (end, micros(running.started.elapsed()))
        });
        self.abandoned.extend_from_slice(unkillable);
        let unkillable =
            unkillable.iter().take(UNKILLABLE_MAX).map(|pid| pid.as_raw_pid()).collect();
        let leaked = running.leaked;
        self.answer(&Answer::Ended(Ended { end, leaked, unkillable, duration_us }))
    }

    /// Kills what is beside the command; answers when nothing is. Without a command there is
    /// nothing to sweep: what ends it takes all.
    fn go_on_sweeping(&mut self) -> io::Result<()> {
        let Some(sweep) = &mut self.sweep else { return Ok(()) };
        let (orphans, left) = match &self.running {
            Some(Running { main, end: None, phase: Phase::Main, .. }) => {
                let Some(done) = sweep.round(*main, &self.abandoned) else { return Ok(()) };
                done
            }
            Some(_) | None => Default::default(),
        };
        let asked = sweep.asked;
        self.sweep = None;
        self.abandoned.extend(left);
        let answer = Answer::Swept(orphans);
        (0..asked).try_for_each(|_| self.answer(&answer))
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        encode(answer, &mut self.answer);
        let mut out = io::stdout().lock();
        out.write_all(&self.answer)?;
        out.flush()
    }

    /// Kills all that is left of the command, as far as it can be killed.
    fn kill_everything(&mut self) {
        let until = after(KILL_MS_MAX);
        while Instant::now() < until {
            let children = self.reap();
            let Some(left) = self.leftovers(children) else { return };
            signal_all(&left, Signal::KILL);
            // Ends early when one dies; a failure costs a busy round.
            let pause = timespec(Duration::from_millis(KILL_PAUSE_MS));
            let _ = poll(&mut [PollFd::new(&self.wakeups, PollFlags::IN)], Some(&pause));
            self.drain_wakeups();
        }
    }

    /// How many ended does not matter, and one that ends from here on writes again.
    fn drain_wakeups(&self) {
        let _ = (&self.wakeups).read(&mut [0; 64]);
    }
}

fn after(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

fn signal_all(children: &[Pid], signal: Signal) {
    for child in children {
        children::signal_with_group(*child, signal);
    }
}

/// Starts a command; says what happened, to what, if that fails.
fn start(order: &Order, socket: Option<&OwnedFd>) -> Result<Pid, String> {
    let read = |text: &str| from_wire(text).map_err(|error| format!("a garbled order: {error}"));
    let argv = order.argv.iter().map(|part| read(part)).collect::<Result<Vec<_>, _>>()?;
    let (program, arguments) = argv.split_first().ok_or("the command is empty")?;
    let cwd = PathBuf::from(read(&order.cwd)?);
    let output = PathBuf::from(read(&order.output)?);
    let stderr = create(&output)?;
    let stdout = match &order.stdout {
        Some(path) => create(&PathBuf::from(read(path)?))?,
        None => stderr.try_clone().map_err(|error| format!("cannot share the output: {error}"))?,
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&cwd).process_group(0);
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    for (name, value) in &order.env {
        command.env(read(name)?, read(value)?);
    }
    if let Some((user, group)) = order.user {
        command.uid(user).gid(group);
    }
    if let Some(socket) = socket {
        // Nothing else is started meanwhile: this process has one thread.
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty())
            .map_err(|error| format!("cannot pass on its socket: {error}"))?;
        command.env(PROTOCOL_FD, socket.as_raw_fd().to_string());
    }
    let child = command.spawn().map_err(|error| {
        let program = program.display();
        if cwd.is_dir() {
            format!("cannot run `{program}` in `{}`: {error}", cwd.display())
        } else {
            format!("cannot run `{program}`: there is no directory `{}`", cwd.display())
        }
    })?;
    Ok(Pid::from_child(&child))
}

/// Creates or empties an output file. It is written at its end always, so that a command which
/// opens it again and empties it (`> /dev/stderr`) leaves no hole. A pipe in its place is refused
/// rather than waited for.
fn create(path: &Path) -> Result<File, String> {
    use rustix::fs::{Mode, OFlags, open};
    let how = OFlags::CREATE | OFlags::TRUNC | OFlags::APPEND;
    let flags = OFlags::WRONLY | how | OFlags::NONBLOCK | OFlags::CLOEXEC;
    open(path, flags, Mode::from_raw_mode(0o644))
        .map(File::from)
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}
