//! Which process is meant by a number, so that a reused number is not taken for a live process.
//!
//! A process is told by its host, its number, and a text that holds the boot, the pid namespace
//! and the kernel's start time. Only where boot and namespace are our own can anyone say whether
//! it lives: hosts of one name (CI runners, containers) are many.

use std::fs;
use std::io;

/// A process on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The machine's name.
    pub host: String,
    /// The process's number.
    pub pid: u32,
    /// Boot id, pid namespace and start time (in clock ticks since boot), joined by `/`. Empty
    /// where the system does not tell.
    pub started: String,
}

/// What can be said of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It ended.
    Dead,
    /// It is, or may be, on another machine or in another container.
    Unknown,
}

impl Identity {
    /// This process.
    #[must_use]
    pub fn own() -> Self {
        let pid = std::process::id();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let started = match (Namespace::own(), stat(pid)) {
            (Ok(Namespace { boot, pids }), Ok(stat)) => {
                start_time(&stat).map(|ticks| format!("{boot}/{pids}/{ticks}")).unwrap_or_default()
            }
            _ => String::new(),
        };
        Self { host, pid, started }
    }

    /// Whether it still runs.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        let Ok(here) = Namespace::own() else { return Liveness::Unknown };
        match stat(self.pid) {
            Ok(stat) => judge(&self.started, &here, Some(&stat)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                judge(&self.started, &here, None)
            }
            Err(_) => Liveness::Unknown,
        }
    }
}

/// Where process numbers mean the same.
#[derive(Debug, PartialEq, Eq)]
struct Namespace {
    boot: String,
    pids: String,
}

impl Namespace {
    fn own() -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
        let pids = fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned();
        Ok(Self { boot, pids })
    }
}

fn stat(pid: u32) -> io::Result<Vec<u8>> {
    fs::read(format!("/proc/{pid}/stat"))
}

/// What is known of a process that started so, seen from here, with what is at its number now.
fn judge(started: &str, here: &Namespace, now: Option<&[u8]>) -> Liveness {
    let Some((place, ticks)) = started.rsplit_once('/') else { return Liveness::Unknown };
    if place.split_once('/') != Some((&here.boot, &here.pids)) {
        return Liveness::Unknown;
    }
    match now {
        None => Liveness::Dead,
        Some(stat) => match start_time(stat) {
            Some(now) if ticks != now || is_over(stat) => Liveness::Dead,
            Some(_) => Liveness::Alive,
            None => Liveness::Unknown,
        },
    }
}

/// The fields of `/proc/<pid>/stat` behind the name, which may hold anything.
fn fields(stat: &[u8]) -> Option<impl Iterator<Item = &str>> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    Some(std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace())
}

/// Field 22 of the line; the state behind the name is field 3.
fn start_time(stat: &[u8]) -> Option<&str> {
    fields(stat)?.nth(22 - 3)
}

/// Whether it ended and only waits to be waited for.
fn is_over(stat: &[u8]) -> bool {
    fields(stat).and_then(|mut fields| fields.next()).is_some_and(|state| "ZX".contains(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Namespace {
        Namespace { boot: "b-1".to_owned(), pids: "pid:[7]".to_owned() }
    }

    fn line(state: char, ticks: u32) -> Vec<u8> {
        format!("12 (a) R 1) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 {ticks} 99")
            .into_bytes()
    }

    #[test]
    fn a_reused_number_is_a_dead_process() {
        let judge = |now: Option<&[u8]>| judge("b-1/pid:[7]/500", &here(), now);
        assert_eq!(judge(Some(&line('S', 500))), Liveness::Alive);
        assert_eq!(judge(Some(&line('S', 501))), Liveness::Dead);
        assert_eq!(judge(Some(&line('Z', 500))), Liveness::Dead);
        assert_eq!(judge(None), Liveness::Dead);
        assert_eq!(judge(Some(b"torn (na")), Liveness::Unknown);
    }

    #[test]
    fn nobody_can_tell_of_another_boot_or_container() {
        for started in ["b-2/pid:[7]/500", "b-1/pid:[8]/500", "500", ""] {
            assert_eq!(judge(started, &here(), None), Liveness::Unknown, "{started}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_lives_and_an_ended_one_does_not() {
        let own = Identity::own();
        assert_eq!(own.liveness(), Liveness::Alive);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(Identity { pid, ..own.clone() }.liveness(), Liveness::Dead);
        assert_eq!(Identity { pid: 1, ..own }.liveness(), Liveness::Dead);
    }
}
