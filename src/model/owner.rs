//! Who made something that outlives a moment: a database, a server's directory.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who made a thing, and how long it is spared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The CI's run, or `local`.
    pub run: String,
    /// The machine.
    pub host: String,
    /// The process on it.
    pub pid: u32,
    /// When that process started, in the kernel's own units since boot with the boot's id: two
    /// processes of one number differ in it. Empty where the system does not tell.
    pub started: String,
    /// Until when it is spared where nobody can tell whether the process lives.
    pub until: Timestamp,
}
