//! Killing what became a supervisor's child while its command goes on: what a worker of that
//! command left when it ended.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::reaper::Orphans;
use super::{KILL_MS_MAX, LEAKED_MAX, UNKILLABLE_MAX, children};

/// How often in a row nothing must be found: a list of children may miss one that is being born.
const EMPTY_ROUNDS: u32 = 2;

/// A sweep under way.
#[derive(Debug)]
pub(super) struct Sweep {
    /// How many answers are owed.
    pub(super) asked: usize,
    until: Instant,
    empty: u32,
    seen: Vec<Pid>,
    leaked: Vec<String>,
}

impl Sweep {
    pub(super) fn new() -> Self {
        let until = Instant::now() + Duration::from_millis(KILL_MS_MAX);
        Self { asked: 1, until, empty: 0, seen: Vec::new(), leaked: Vec::new() }
    }

    /// Somebody else asks: what there is now must be gone too.
    pub(super) fn again(&mut self) {
        self.asked += 1;
        self.empty = 0;
    }

    /// Kills what is there beside the command and what was given up already; gives what came of
    /// it all at the end.
    pub(super) fn round(&mut self, main: Pid, abandoned: &[Pid]) -> Option<(Orphans, Vec<Pid>)> {
        let mut left = strangers();
        left.retain(|pid| *pid != main && !abandoned.contains(pid));
        for pid in &left {
            if self.leaked.len() < LEAKED_MAX && !self.seen.contains(pid) {
                self.seen.push(*pid);
                self.leaked.push(children::name(*pid));
            }
            children::signal_with_group(*pid, Signal::KILL);
        }
        self.empty = if left.is_empty() { self.empty + 1 } else { 0 };
        let over = Instant::now() >= self.until;
        if self.empty < EMPTY_ROUNDS && !over {
            return None;
        }
        let unkillable = left.iter().take(UNKILLABLE_MAX).map(|pid| pid.as_raw_pid()).collect();
        Some((Orphans { leaked: std::mem::take(&mut self.leaked), unkillable }, left))
    }
}

#[cfg(target_os = "linux")]
fn strangers() -> Vec<Pid> {
    children::direct().unwrap_or_default()
}

/// Without a subreaper nothing becomes the supervisor's child.
#[cfg(not(target_os = "linux"))]
fn strangers() -> Vec<Pid> {
    Vec::new()
}
