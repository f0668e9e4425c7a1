//! Databases for workers: servers of our own, templates, and what is kept of them.

mod cache;
mod owner;
mod server;
mod tmpfs;

pub use cache::{Cache, CacheError, Restored};
pub use owner::{is_alive, is_over, owner_of_this_process};
pub use server::{Data, Managed, ManagedError, ManagedOptions};

/// Bytes as hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
