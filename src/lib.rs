//! evenly splits a test suite evenly over CI jobs and local workers, and proves that every test
//! ran exactly once. `docs/architecture.md` shows the modules and their layers.

pub mod config;
pub mod exit;
pub mod junit;
pub mod history;
pub mod model;
pub mod plan;
pub mod framework;
pub mod model;
pub mod shim;
pub mod process;
