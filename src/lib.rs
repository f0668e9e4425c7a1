//! evenly splits a test suite evenly over CI jobs and local workers, and proves that every test
//! ran exactly once. `docs/architecture.md` shows the modules and their layers.

pub mod ci;
pub mod cli;
pub mod config;
pub mod db;
pub mod discover;
pub mod exit;
pub mod framework;
pub mod history;
pub mod init;
pub mod junit;
pub mod model;
pub mod plan;
pub mod process;
pub mod provision;
pub mod publish;
pub mod report;
pub mod runner;
pub mod shim;
pub mod sink;
pub mod store;
pub mod term;
pub mod warm;
