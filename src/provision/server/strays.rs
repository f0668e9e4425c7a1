//! Servers that outlived even their supervisor: whoever works in a dead owner's directory.

use std::path::Path;

/// Kills the processes whose working directory is below a directory. Signalled by a handle, so
/// that a number that passed to another process meanwhile hits nobody.
#[cfg(target_os = "linux")]
pub(super) fn kill_below(directory: &Path) {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    let works_there = |pid: i32| {
        let cwd = std::fs::read_link(format!("/proc/{pid}/cwd"));
        cwd.is_ok_and(|cwd| cwd.starts_with(directory))
    };
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if works_there(pid)
            && let Some(number) = Pid::from_raw(pid)
            && let Ok(handle) = pidfd_open(number, PidfdFlags::empty())
            && works_there(pid)
        {
            // It fails for one that just ended, or that is not ours to end.
            let _ = pidfd_send_signal(&handle, Signal::KILL);
        }
    }
}

/// Nobody can tell here.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill_below(_directory: &Path) {}
