//! The direct children of this process, and signals to them that cannot hit anyone else.
//!
//! Only direct children are ever signalled, each with its process group. A child that was not
//! waited for keeps its number and its group's, so neither can have passed to a stranger. What is
//! below a child needs no search: when the child dies it becomes a child of the subreaper, and the
//! next round finds it.

#[cfg(target_os = "linux")]
use std::{fs, io, path::Path};

#[cfg(target_os = "linux")]
use rustix::process::kill_process;
use rustix::process::{Pid, Signal, kill_process_group};

/// The children of this process, ended ones included. One that is being started or ends at this
/// moment may be missing: ask again.
///
/// # Errors
/// When `/proc` cannot be read.
#[cfg(target_os = "linux")]
pub(super) fn direct() -> io::Result<Vec<Pid>> {
    if Path::new("/proc/thread-self/children").exists() { by_task() } else { by_stat() }
}

/// From the kernel's own lists, one a thread.
#[cfg(target_os = "linux")]
fn by_task() -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        // A thread may end between being listed and being asked: then it has no children left.
        if let Ok(list) = fs::read_to_string(task?.path().join("children")) {
            found.extend(list.split_ascii_whitespace().filter_map(parse_pid));
        }
    }
    Ok(found)
}

/// From every process's parent, where the kernel has no such lists (`CONFIG_PROC_CHILDREN`).
#[cfg(target_os = "linux")]
fn by_stat() -> io::Result<Vec<Pid>> {
    let own = rustix::process::getpid().as_raw_pid();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(parse_pid) else { continue };
        if Kin::of(Some(pid)).is_some_and(|kin| kin.parent == own) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// What a process belongs to, by numbers. Each is 0 where the one meant is outside this process's
/// PID namespace, as it is for what was started in a container from without (`docker exec`): why
/// these are read from `/proc`, and not as `rustix::process::Pid`, which cannot be 0.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kin {
    parent: i32,
    group: i32,
    pub(super) session: i32,
}

#[cfg(target_os = "linux")]
impl Kin {
    /// Of a process that was not waited for, or of this one.
    pub(super) fn of(pid: Option<Pid>) -> Option<Self> {
        let number = pid.map_or_else(|| "self".to_owned(), |pid| pid.as_raw_pid().to_string());
        Self::parse(&fs::read(format!("/proc/{number}/stat")).ok()?)
    }

    /// From a line of `/proc/<pid>/stat`: `pid (name) state parent group session …`, where the
    /// name may hold anything, brackets and spaces included, but nothing after it holds a bracket.
    fn parse(stat: &[u8]) -> Option<Self> {
        let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let fields = std::str::from_utf8(&stat[after_name..]).ok()?;
        let mut numbers = fields.split_ascii_whitespace().skip(1).map_while(|one| one.parse().ok());
        Some(Self { parent: numbers.next()?, group: numbers.next()?, session: numbers.next()? })
    }
}

#[cfg(target_os = "linux")]
fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

/// The short name of a process as the kernel keeps it, at most 15 bytes. Any text: the process
/// chooses it.
#[cfg(target_os = "linux")]
pub(super) fn name(pid: Pid) -> String {
    let comm = fs::read(format!("/proc/{}/comm", pid.as_raw_pid())).unwrap_or_default();
    match String::from_utf8_lossy(&comm).trim_end_matches('\n') {
        "" => "?".to_owned(),
        name => name.to_owned(),
    }
}

/// Processes are not looked at here.
#[cfg(not(target_os = "linux"))]
pub(super) fn name(_pid: Pid) -> String {
    "a process of its group".to_owned()
}

/// Signals a direct child that was not waited for, and its process group.
#[cfg(target_os = "linux")]
pub(super) fn signal_with_group(child: Pid, signal: Signal) {
    let reached = Kin::of(None)
        .zip(Kin::of(Some(child)))
        .filter(|(own, kin)| kin.group != own.group)
        .and_then(|(_, kin)| Pid::from_raw(kin.group))
        .is_some_and(|group| kill_process_group(group, signal).is_ok());
    if !reached {
        // It fails for a process that is dead already or not ours to signal: who calls sees by
        // what is left.
        let _ = kill_process(child, signal);
    }
}

/// Signals the process group that a child was started with.
#[cfg(not(target_os = "linux"))]
pub(super) fn signal_with_group(child: Pid, signal: Signal) {
    // Who calls sees by what is left.
    let _ = kill_process_group(child, signal);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_process_belongs_to_is_found_behind_any_name() {
        let kin = |parent, group, session| Some(Kin { parent, group, session });
        assert_eq!(Kin::parse(b"7 (a) R 1 (b) S 9 9) T 42 41 40 0"), kin(42, 41, 40));
        assert_eq!(Kin::parse(b"7 (\xff\n) Z 1 7 0"), kin(1, 7, 0));
        assert_eq!(Kin::parse(b"7 (short) R 1 7"), None);
        assert_eq!(Kin::parse(b"torn (na"), None);
    }

    #[test]
    fn both_ways_of_listing_find_a_child_and_its_name() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = parse_pid(&child.id().to_string()).unwrap();
        assert!(by_task().unwrap().contains(&pid));
        assert!(by_stat().unwrap().contains(&pid));
        assert!(direct().unwrap().contains(&pid));
        assert_eq!(name(pid), "cat");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(name(pid), "?");
    }
}
