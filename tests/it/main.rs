//! The integration tests: one binary, a module a capability.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod db_mysql;
mod db_postgres;
mod docs;
mod frameworks;
mod hostile;
mod merging;
mod odd_input;
mod planning;
mod process;
mod quickstart;
mod reports;
mod running;
mod support;
mod tidy;
