//! The integration tests: one binary, a module a capability.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod changes;
mod ci_home;
mod databases;
mod db_command;
mod db_mysql;
mod db_postgres;
mod db_sqlite;
mod docs;
mod failed;
mod feedback;
mod foreign;
mod frameworks;
mod github_action;
mod gitlab_ci;
mod history;
mod hostile;
mod html_page;
mod init;
mod managed;
mod merge_bad_input;
mod merging;
mod odd_input;
mod only;
mod order;
mod planning;
mod process;
mod publish;
mod quarantine;
mod quickstart;
mod report_schema;
mod reports;
mod running;
mod sizing;
mod splitting;
mod support;
mod tidy;
mod warm;
mod warm_django;
mod warm_pytest;
mod warm_python;
