//! Running commands so that no process of a command outlives it.
//!
//! Every worker has a [`Supervisor`]: a process of its own (`evenly __supervise`) that starts one
//! command at a time, waits until it and everything it started is gone, and only then answers. On
//! Linux the supervisor is a child subreaper: whatever a command leaves behind, also what moved
//! into a session of its own, becomes the supervisor's child and is ended by it. Elsewhere only
//! the command's process group is.
//!
//! The supervisor ends everything below it when evenly goes away, however that happens. When the
//! supervisor itself is killed, what it had becomes evenly's ([`become_reaper`]) and is killed by
//! evenly ([`kill_orphans`]).
//!
//! Output goes from the processes to files, never through evenly: [`read_kept`] and [`Follower`]
//! read them, [`capture()`] runs a command for the sake of what it prints.

mod capture;
mod children;
mod identity;
mod output_file;
mod protocol;
mod reaper;
mod socket;
mod supervise;
mod supervisor;
mod sweep;

pub use capture::{Call, Captured, STDOUT_BYTES_MAX, capture, last_words};
pub use identity::{Identity, Liveness};
pub use output_file::{
    Follower, HEAD_BYTES_MAX, KeptLimits, TAIL_BYTES_MAX, Whole, open_plain, read_kept,
};
pub use protocol::{Ended, LINE_BYTES_MAX, Lines, encode};
pub use reaper::{Orphans, Spared, become_reaper, kill_orphans, spare};
pub use socket::send;
pub use supervise::{SUPERVISE, supervise};
pub use supervisor::{Connection, Control, Launch, Options, Supervisor};

use std::time::Duration;

/// How long processes may go on by themselves after their command ended, before they count as
/// leaked: Python's multiprocessing resource tracker, for one, ends a moment after its owner.
const LINGER_MS: u64 = 200;
/// How long leaked processes have between SIGTERM and SIGKILL.
const TERM_MS: u64 = 300;
/// How long SIGKILL is repeated until what is left counts as unkillable.
pub const KILL_MS_MAX: u64 = 10_000;
/// How long to wait between two rounds of SIGKILL.
const KILL_PAUSE_MS: u64 = 1;
/// How many leaked processes are named.
const LEAKED_MAX: usize = 16;
/// How many unkillable processes are told.
const UNKILLABLE_MAX: usize = 64;

/// Whole microseconds.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
