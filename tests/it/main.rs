//! The tests that need the built program or real processes.

mod process;
