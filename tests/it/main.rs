//! The integration tests: one binary, a module a capability.

mod tidy;
