//! What to do when a supervisor dies: evenly inherits what it had, and kills it.
//!
//! An orphan is a child of this process that is in another session and was not [`spare`]d.
//! Supervisors lead a session of their own and nothing can move into a session that exists, so
//! what a supervisor leaves is never in evenly's session, while a child that evenly starts itself
//! is, unless it leaves it. Those that do, as daemons, must be spared.
//!
//! Process-wide, as the kernel's attribute is. Without a subreaper (not Linux) there are no
//! orphans to find, and nothing here does anything.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The children that are not to be killed.
static SPARED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn spared() -> MutexGuard<'static, BTreeSet<u32>> {
    SPARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes orphans of supervisors this process's children.
///
/// # Errors
/// When the kernel refuses.
pub fn become_reaper() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Keeps a child from being taken for an orphan, until it is dropped.
#[derive(Debug)]
#[must_use = "the child is spared as long as this lives"]
pub struct Spared(u32);

impl Drop for Spared {
    fn drop(&mut self) {
        spared().remove(&self.0);
    }
}

/// Spares a child of this process that is, or will be, in another session.
pub fn spare(pid: u32) -> Spared {
    spared().insert(pid);
    Spared(pid)
}

/// Starts a child that is spared before anyone can look for orphans.
pub(super) fn spawn_spared(
    command: &mut tokio::process::Command,
) -> io::Result<(tokio::process::Child, Spared)> {
    let mut spared = spared();
    let child = command.spawn()?;
    let pid = child.id().ok_or_else(|| io::Error::other("a child without a number"))?;
    spared.insert(pid);
    Ok((child, Spared(pid)))
}

/// The orphans that there were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphans {
    /// The names of those that were alive; the first few.
    pub leaked: Vec<String>,
    /// Those that could not be killed; the first few.
    pub unkillable: Vec<i32>,
}

/// Kills every orphan, and what is below it, and waits until they are gone; ten seconds at most.
/// To be called when a supervisor died and at the end of a run.
#[cfg(target_os = "linux")]
pub async fn kill_orphans() -> Orphans {
    use super::{KILL_MS_MAX, KILL_PAUSE_MS, UNKILLABLE_MAX};
    use std::time::{Duration, Instant};

    let until = Instant::now() + Duration::from_millis(KILL_MS_MAX);
    let mut seen = std::collections::HashSet::new();
    let mut orphans = Orphans::default();
    loop {
        let left = linux::kill_round(&mut seen, &mut orphans.leaked);
        if left.is_empty() {
            return orphans;
        }
        if Instant::now() >= until {
            orphans.unkillable =
                left.iter().take(UNKILLABLE_MAX).map(|pid| pid.as_raw_pid()).collect();
            return orphans;
        }
        tokio::time::sleep(Duration::from_millis(KILL_PAUSE_MS)).await;
    }
}

/// Nothing: there are no orphans without a subreaper.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unused_async, reason = "the same signature everywhere")]
pub async fn kill_orphans() -> Orphans {
    Orphans::default()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;

    use rustix::process::{Pid, Signal, WaitOptions, waitpid};

    use super::super::LEAKED_MAX;
    use super::super::children::{self, Kin};
    use super::spared;

    /// Kills and reaps orphans once; gives those that it found. Only when it found none is there
    /// none: one that died in this very round may have passed its children on.
    pub(super) fn kill_round(seen: &mut HashSet<Pid>, leaked: &mut Vec<String>) -> Vec<Pid> {
        let spared = spared();
        let own_session = Kin::of(None).map(|own| own.session);
        let mut found = children::direct().unwrap_or_default();
        found.retain(|pid| {
            let session = Kin::of(Some(*pid)).map(|kin| kin.session);
            let other_session = session.is_some() && session != own_session;
            other_session && !spared.contains(&pid.as_raw_pid().unsigned_abs())
        });
        for pid in &found {
            if matches!(waitpid(Some(*pid), WaitOptions::NOHANG), Ok(None)) {
                if leaked.len() < LEAKED_MAX && seen.insert(*pid) {
                    leaked.push(children::name(*pid));
                }
                children::signal_with_group(*pid, Signal::KILL);
            }
        }
        found
    }
}
