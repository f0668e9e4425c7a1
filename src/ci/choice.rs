//! Which shard a job takes: what was asked for, else what the CI says, else, outside any CI, all.
//!
//! Inside a CI a shard is never guessed: a job that ran everything because its index was missing
//! would run the suite N times over, and one that took 1/1 by mistake would look like a success.

use std::fmt;

use crate::model::{Shard, ShardError};

use super::{Ci, CiError};

/// What flags or variables ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// `--shard` or `EVENLY_SHARD`: `2/4`, or a bare `2` where `total` is given.
    pub shard: Option<&'a str>,
    /// `--shards` or `EVENLY_SHARDS`: `4`.
    pub total: Option<&'a str>,
}

/// A shard, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardChoice {
    /// The shard to run.
    pub shard: Shard,
    /// Who said so.
    pub from: ShardFrom,
}

/// Who said which shard it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardFrom {
    /// The command line or `EVENLY_SHARD`.
    Asked,
    /// The variables of the CI of this name.
    Ci(&'static str),
    /// Nobody, and there is no CI: all of it. To be told.
    Nobody,
}

impl fmt::Display for ShardChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, from } = self;
        match from {
            ShardFrom::Asked => write!(f, "shard {shard}, as asked for"),
            ShardFrom::Ci(name) => write!(f, "shard {shard}, by the variables of {name}"),
            ShardFrom::Nobody => {
                write!(f, "shard {shard}: no `--shard` was given and no CI was found, so all of it")
            }
        }
    }
}

/// The forms that are taken, for messages.
const FORMS: &str = "say which with `--shard 2/4`, with `EVENLY_SHARD=2/4`, or with \
                     `EVENLY_SHARD=2` and `EVENLY_SHARDS=4`, counted from 1";

/// Why no shard could be chosen. All are usage errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardChoiceError {
    /// What was asked for is no shard.
    #[error("{0}; {FORMS}")]
    Asked(#[from] ShardError),
    /// A bare index without a total.
    #[error("`{0}` is only the index of a shard, and `EVENLY_SHARDS` is not set; {FORMS}")]
    NoTotal(String),
    /// A total without an index.
    #[error("`{0}` shards, but not which of them; {FORMS}")]
    NoIndex(String),
    /// Two totals.
    #[error("`{shard}` does not agree with `{total}` shards; {FORMS}")]
    Disagree {
        /// `--shard` or `EVENLY_SHARD`.
        shard: String,
        /// `--shards` or `EVENLY_SHARDS`.
        total: String,
    },
    /// The CI's variables are broken.
    #[error("{0}; {FORMS}")]
    Ci(#[from] CiError),
    /// A CI, but no shard.
    #[error("this job runs in {provider}, and nothing tells its shard; {FORMS}{advice}")]
    Untold {
        /// The CI.
        provider: &'static str,
        /// What to write there, or nothing.
        advice: String,
    },
}

/// Chooses the shard: explicit wins, then the CI; outside any CI it is 1/1, to be told.
///
/// # Errors
/// When what was asked for, or what the CI says, is no shard; when a CI gives none.
pub fn shard_for(asked: Asked<'_>, ci: Option<&Ci>) -> Result<ShardChoice, ShardChoiceError> {
    if let Some(shard) = explicit(asked, ci)? {
        return Ok(ShardChoice { shard, from: ShardFrom::Asked });
    }
    let Some(ci) = ci else {
        return Ok(ShardChoice { shard: Shard { index: 1, total: 1 }, from: ShardFrom::Nobody });
    };
    match ci.shard()? {
        Some(shard) => Ok(ShardChoice { shard, from: ShardFrom::Ci(ci.name()) }),
        None => Err(ShardChoiceError::Untold {
            provider: ci.name(),
            advice: ci.provider.advice.map(|text| format!("\n{text}")).unwrap_or_default(),
        }),
    }
}

/// The shard that was asked for. Empty text is text: an expression of the CI's that came out
/// empty must not be taken for silence.
fn explicit(asked: Asked<'_>, ci: Option<&Ci>) -> Result<Option<Shard>, ShardChoiceError> {
    match asked {
        Asked { shard: None, total: None } => Ok(None),
        Asked { shard: None, total: Some(total) } => match ci.map(Ci::lone_index).transpose()? {
            Some(Some(index)) => Ok(Some(Shard::new(index, number(total)?)?)),
            Some(None) | None => Err(ShardChoiceError::NoIndex(total.to_owned())),
        },
        Asked { shard: Some(text), total: None } if number(text).is_ok() => {
            Err(ShardChoiceError::NoTotal(text.to_owned()))
        }
        Asked { shard: Some(text), total: None } => Ok(Some(text.parse()?)),
        Asked { shard: Some(text), total: Some(total) } => {
            let total_number = number(total)?;
            if let Ok(index) = number(text) {
                return Ok(Some(Shard::new(index, total_number)?));
            }
            let shard: Shard = text.parse()?;
            if shard.total == total_number {
                return Ok(Some(shard));
            }
            let (shard, total) = (text.to_owned(), total.to_owned());
            Err(ShardChoiceError::Disagree { shard, total })
        }
    }
}

/// Digits alone, as a number.
fn number(text: &str) -> Result<u32, ShardError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or_else(|| ShardError::Form(text.to_owned()))
}
