//! `evenly db down`: the holder ends, with its servers; what `up` made on other servers is dropped.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::super::args::DbDownArgs;
use super::super::error::Error;
use super::super::print;
use super::site::{Site, block_on};
use super::state::{Holder, State};
use crate::exit::Exit;
use crate::process::Liveness;
use crate::provision::{drop_local, remove_dead_servers};
use crate::store;

/// How long the holder may take to end its servers in order; then it is killed.
const END_MAX: Duration = Duration::from_secs(30);
/// How long a killed one may take to be gone.
const KILL_MAX: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn down(args: &DbDownArgs) -> Result<Exit, Error> {
    let site = Site::open(&args.config)?;
    let path = site.state();
    let _alone = store::lock_for_update(&path)?;
    let Some(state) = State::read(&path)? else {
        print::note("nothing is up");
        remove_dead_servers();
        return Ok(Exit::Passed);
    };
    if let Some(holder) = &state.holder {
        end(holder)?;
    }
    let mut exit = Exit::Passed;
    for database in state.databases.iter().filter(|database| !database.managed) {
        if let Err(error) = block_on(drop_local(&database.local(), &site.work().join("databases")))?
        {
            print::err(&format!("error: {error}\n"));
            exit = Exit::Infrastructure;
        }
    }
    store::remove_dir(&site.work())?;
    remove_dead_servers();
    if exit == Exit::Passed {
        // Also what tells a holder in another container to end.
        for file in [path, site.log()] {
            match std::fs::remove_file(&file) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::System { act: "remove what is in `.evenly`", source });
                }
                _ => {}
            }
        }
        print::note("all that `evenly db up` made is gone, but for templates on other servers");
    }
    Ok(exit)
}

/// Ends the holder, and waits until it is gone.
fn end(holder: &Holder) -> Result<(), Error> {
    let pid = i32::try_from(holder.pid).ok().and_then(Pid::from_raw);
    for (signal, patience) in [(Signal::TERM, END_MAX), (Signal::KILL, KILL_MAX)] {
        match holder.liveness() {
            Liveness::Alive => {}
            Liveness::Dead if signal == Signal::TERM => {
                print::note(&format!("process {}, which held the servers, was gone", holder.pid));
                return Ok(());
            }
            Liveness::Dead | Liveness::Unknown => return Ok(()),
        }
        if let Some(pid) = pid {
            // It fails for one that just ended.
            let _ = kill_process(pid, signal);
        }
        let started = Instant::now();
        while holder.liveness() == Liveness::Alive && started.elapsed() < patience {
            std::thread::sleep(LOOK);
        }
    }
    match holder.liveness() {
        Liveness::Alive => Err(Error::HolderStays(holder.pid)),
        Liveness::Dead | Liveness::Unknown => Ok(()),
    }
}
