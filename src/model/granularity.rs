//! How finely groups are planned, and what in a test's name they can be split by.

use serde::Deserialize;

/// How finely a suite's groups are planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// As the framework lists them, but those that are more than their share in parts.
    #[default]
    Auto,
    /// As the framework lists them.
    File,
    /// A group for each class.
    Class,
    /// A group for each test.
    Test,
}

/// Where a test's name can be cut, from its group inwards: each prefix selects what stands inside
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nesting {
    /// The lengths of the prefixes, bytes, growing; the last is the whole name's.
    pub ends: Vec<usize>,
    /// How many of them, from the first on, are modules or classes: what has fixtures of its own.
    pub containers: usize,
}
