//! The integration tests: one binary, a module a capability.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod db_sqlite;
mod managed;
mod merging;
mod planning;
mod process;
mod running;
mod support;
mod tidy;
