//! Marks of databases and directories, and whether who wrote one still lives.

use jiff::Timestamp;

use crate::db::Owner;
use crate::process::{Identity, Liveness};

/// This process, as the owner of what it makes.
#[must_use]
pub fn owner_of_this_process(run: &str, until: Timestamp) -> Owner {
    let Identity { host, pid, started } = Identity::own();
    Owner { run: run.to_owned(), host, pid, started, until }
}

/// Whether an owner still runs.
#[must_use]
pub fn is_alive(owner: &Owner) -> Liveness {
    let Owner { run: _, host, pid, started, until: _ } = owner;
    Identity { host: host.clone(), pid: *pid, started: started.clone() }.liveness()
}

/// Whether what an owner left may go: it ended, or nobody can tell and its time is over.
#[must_use]
pub fn is_over(owner: &Owner, now: Timestamp) -> bool {
    match is_alive(owner) {
        Liveness::Alive => false,
        Liveness::Dead => true,
        Liveness::Unknown => now > owner.until,
    }
}
