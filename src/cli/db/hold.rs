//! The process that holds the servers of `evenly db up`: in a session of its own, without a
//! terminal, until it is told to end, its state's file is gone, or a server ends.
//!
//! The servers run under a supervisor of this process's own, so they end with it, also by SIGKILL.

use std::time::Duration;

use rustix::process::Pid;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::super::args::DbUpArgs;
use super::super::error::Error;
use super::super::print;
use super::super::project::local_workers;
use super::site::{Site, block_on};
use super::state::{Holder, State};
use super::up::Message;
use crate::exit::Exit;
use crate::process::{become_reaper, kill_orphans};
use crate::provision::{Local, Provision, Request, Told};
use crate::store;

/// How often the servers and the state's file are looked at.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn hold(args: &DbUpArgs) -> Result<Exit, Error> {
    // Fails for a session's leader, which is as good.
    let _ = rustix::process::setsid();
    let asker = rustix::process::getppid();
    let site = Site::open(&args.config)?;
    let workers = local_workers(args.workers.unwrap_or(site.config.run.workers));
    let request = site.request(site.wanted(&args.databases)?, workers)?;
    let held = block_on(async {
        let mut ends = Ends::new()?;
        become_reaper().map_err(system("adopt orphaned processes"))?;
        let mut tell = |told: Told| say(&told.into());
        let made = tokio::select! {
            biased;
            () = ends.told() => None,
            // Whoever asked was killed: nobody would know of this.
            () = gone(asker) => None,
            made = make(&request, &mut tell) => Some(made?),
        };
        if let Some((provision, locals)) = made {
            let held = serve(&site, &provision, locals, &mut ends).await;
            provision.stop().await;
            held?;
        }
        Ok::<_, Error>(())
    });
    let held = held.and_then(|held| {
        block_on(kill_orphans())?;
        held
    });
    if let Err(error) = held {
        say(&Message::Failed(error.to_string()));
        return Err(error);
    }
    Ok(Exit::Passed)
}

/// Waits until the process that started this one is gone.
async fn gone(asker: Option<Pid>) {
    let mut looks = interval(LOOK);
    while rustix::process::getppid() == asker {
        looks.tick().await;
    }
}

/// Makes the databases for work by hand.
pub(super) async fn make(
    request: &Request<'_>,
    tell: &mut dyn FnMut(Told),
) -> Result<(Provision, Vec<Local>), Error> {
    store::make_dir(&request.work.join("databases"))?;
    let provision = Provision::start(request, tell).await?;
    match provision.locals().await {
        Ok(locals) => Ok((provision, locals)),
        Err(error) => {
            provision.stop().await;
            Err(error.into())
        }
    }
}

/// Tells where the databases are, and stays as long as somebody may want them.
async fn serve(
    site: &Site,
    provision: &Provision,
    locals: Vec<Local>,
    ends: &mut Ends,
) -> Result<(), Error> {
    let path = site.state();
    let state = State::new(Some(Holder::this_process()), locals);
    state.write(&path)?;
    say(&Message::Ready);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = ends.told() => break,
            _ = looks.tick() => {
                if !provision.runs() {
                    print::warn("a server ended by itself: `evenly db up` starts it anew");
                    break;
                }
                let found = State::read(&path);
                if found.is_ok_and(|found| found.and_then(|found| found.holder) != state.holder) {
                    print::note("`server.json` is gone: so are the servers");
                    break;
                }
            }
        }
    }
    Ok(())
}

fn say(message: &Message) {
    let line = serde_json::to_string(message).expect("a message is text");
    print::json(&format!("{line}\n"));
}

/// The signals that end it.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(system("listen for signals"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn system(act: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::System { act, source }
}
