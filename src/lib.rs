//! evenly splits a test suite evenly over CI jobs and local workers, and proves that every test
//! ran exactly once. `docs/architecture.md` shows the modules and their layers.

pub mod exit;
pub mod model;
pub mod report;
