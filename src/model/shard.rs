//! Which part of a run this is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The largest number of shards: far above any CI's limit, low enough to bound memory.
pub const SHARDS_MAX: u32 = 10_000;

/// The largest number of workers of a shard: far above any machine's cores, low enough to bound
/// processes and memory.
pub const WORKERS_MAX: u32 = 1_024;

/// One CI job of `total`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard {
    /// From 1 to `total`.
    pub index: u32,
    /// How many shards the run has.
    pub total: u32,
}

/// Why a shard was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not of the form `index/total`.
    #[error("`{0}` is not a shard: expected `index/total`, such as `2/4`, counted from 1")]
    Form(String),
    /// The index is not one of the shards.
    #[error("there is no shard {index} of {total}: shards are counted from 1 to {total}")]
    Range {
        /// What was given.
        index: u32,
        /// What was given.
        total: u32,
    },
    /// The total is 0 or absurd.
    #[error("a run cannot have {0} shards: expected 1 to {SHARDS_MAX}")]
    Total(u32),
}

impl Shard {
    /// Checks an index against a total.
    ///
    /// # Errors
    /// When the total is 0 or beyond [`SHARDS_MAX`], or the index is 0 or beyond the total.
    pub fn new(index: u32, total: u32) -> Result<Self, ShardError> {
        if total == 0 || total > SHARDS_MAX {
            return Err(ShardError::Total(total));
        }
        if index == 0 || index > total {
            return Err(ShardError::Range { index, total });
        }
        Ok(Self { index, total })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.total)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let digits = |part: &str| {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<u32>().ok()).flatten().ok_or_else(form)
        };
        let (index, total) = text.split_once('/').ok_or_else(form)?;
        Self::new(digits(index)?, digits(total)?)
    }
}

/// Which run of the CI a shard belongs to, as far as the CI tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunKey {
    /// The CI's own id of the run; the same in all shards and attempts. None outside a CI.
    pub id: Option<String>,
    /// The id as a number that only grows, for the history's "as of". None where the CI's isn't.
    pub number: Option<u64>,
    /// 1 for the first attempt, more after a re-run of jobs.
    pub attempt: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, total: 4 }));
        assert_eq!("1/1".parse(), Ok(Shard { index: 1, total: 1 }));
    }

    #[test]
    fn refused_forms() {
        for bad in
            ["", "2", "0/4", "5/4", "-1/4", "+1/4", "1/0", "a/b", "1/4/2", "1 / 4", "1/", "/4"]
        {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
        assert!("99999999999/99999999999".parse::<Shard>().is_err());
    }
}
