//! A warm process below a supervisor of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_local};

use super::Gone;
use crate::process::{
    Connection, Control, Ended, KeptLimits, Launch, Options, Orphans, Supervisor, Whole,
    kill_orphans, last_words, read_kept,
};

/// Signals, kills and sweeps on their way to a process.
const CONTROLS_MAX: usize = 256;

/// A process and its supervisor. Dropped, both are ended, without anyone waiting for that.
#[derive(Debug)]
pub(super) struct Supervised {
    controls: mpsc::Sender<Control>,
    swept: mpsc::Receiver<Orphans>,
    gone: watch::Receiver<Option<Gone>>,
    keeper: JoinHandle<()>,
    output: PathBuf,
    /// Its drop tells the keeper that nobody wants the process any more.
    _wanted: oneshot::Sender<()>,
}

impl Supervised {
    /// Starts a process with a socket. That it could not be started is told as its end.
    pub(super) fn start(options: &Options, launch: Launch, socket: OwnedFd) -> io::Result<Self> {
        let supervisor = Supervisor::start(options)?;
        let (controls, obeyed) = mpsc::channel(CONTROLS_MAX);
        let (tell_swept, swept) = mpsc::channel(CONTROLS_MAX);
        let (tell_gone, gone) = watch::channel(None);
        let (wanted, unwanted) = oneshot::channel();
        let output = launch.output.clone();
        let connection = Connection { socket, swept: tell_swept };
        let keeper = spawn_local(keep(supervisor, launch, connection, obeyed, unwanted, tell_gone));
        Ok(Self { controls, swept, gone, keeper, output, _wanted: wanted })
    }

    pub(super) fn control(&self, control: Control) {
        // A full queue holds more than a process can need, and a closed one is of a dead process.
        let _ = self.controls.try_send(control);
    }

    /// Waits until the process, and all that it started, is gone.
    pub(super) async fn gone(&mut self) -> Gone {
        gone(&mut self.gone).await
    }

    /// Waits for what the next sweep found.
    pub(super) async fn swept(&mut self) -> Option<Orphans> {
        self.swept.recv().await
    }

    /// Kills the process and all that it started, and waits until they and the supervisor are
    /// gone.
    pub(super) async fn end(mut self) -> Gone {
        self.control(Control::Kill);
        let gone = self.gone().await;
        let _ = self.keeper.await;
        gone
    }

    /// Waits for the supervisor's end, after the process's.
    pub(super) async fn close(self) {
        let Self { keeper, .. } = self;
        let _ = keeper.await;
    }

    /// What the process printed last, set in.
    pub(super) fn words(&self) -> String {
        let Ok(output) = read_kept(&self.output, KeptLimits::default(), Whole::Goes) else {
            return String::new();
        };
        let text = output.tail.map_or(output.head, |tail| tail.text);
        last_words(b"", &text)
    }
}

/// Waits for the news of an end.
pub(super) async fn gone(news: &mut watch::Receiver<Option<Gone>>) -> Gone {
    match news.wait_for(Option::is_some).await {
        Ok(gone) => gone.clone().unwrap_or_else(|| Gone::unknown("nothing is known of it")),
        Err(_) => Gone::unknown("nobody watches it any more"),
    }
}

async fn keep(
    mut supervisor: Supervisor,
    launch: Launch,
    connection: Connection,
    mut obeyed: mpsc::Receiver<Control>,
    unwanted: oneshot::Receiver<()>,
    tell: watch::Sender<Option<Gone>>,
) {
    let ended = tokio::select! {
        ended = supervisor.run_connected(&launch, connection, &mut obeyed) => Some(ended),
        _ = unwanted => None,
    };
    if let Some(Ended { end, leaked, unkillable, duration_us: _ }) = ended {
        let _ = tell.send(Some(Gone { end, leaked, unkillable }));
    }
    let lost = !supervisor.is_alive();
    supervisor.close().await;
    if lost {
        kill_orphans().await;
    }
}
