//! The integration tests: one binary, a module a capability.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod databases;
mod db_command;
mod db_mysql;
mod db_postgres;
mod db_sqlite;
mod docs;
mod frameworks;
mod hostile;
mod managed;
mod merging;
mod odd_input;
mod order;
mod planning;
mod process;
mod quickstart;
mod reports;
mod running;
mod support;
mod tidy;
mod warm;
mod warm_django;
mod warm_python;
