//! The integration tests: one binary, a module a capability.

mod bad_input;
mod merging;
mod planning;
mod process;
mod running;
mod support;
mod tidy;
