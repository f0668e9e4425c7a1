//! Values of the configuration that are not plain TOML types.

use std::fmt;
use std::time::Duration;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::WORKERS_MAX;

/// How many local workers a shard has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as the machine has cores.
    Auto,
    /// So many.
    Count(u32),
}

impl std::str::FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(count)) if (1..=WORKERS_MAX).contains(&count) => Ok(Self::Count(count)),
            _ => Err(format!("expected `auto` or a number from 1 to {WORKERS_MAX}")),
        }
    }
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Workers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`\"auto\"` or a number from 1 to {WORKERS_MAX}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Workers, E> {
                if text == "auto" {
                    return Ok(Workers::Auto);
                }
                Err(E::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<Workers, E> {
                let fits = u32::try_from(count).ok().filter(|n| (1..=WORKERS_MAX).contains(n));
                fits.map(Workers::Count)
                    .ok_or_else(|| E::invalid_value(Unexpected::Signed(count), &self))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Which finished groups' output is printed. Failures always are, but for `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// Only of groups that failed.
    Failed,
    /// Of every group, when it ends.
    All,
    /// Of no group.
    Never,
    /// Of every group, line by line while it runs.
    Stream,
}

/// A positive duration as people write it: `10m`, `90s`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Human(pub(super) Duration);

impl<'de> Deserialize<'de> for Human {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

/// Reads a duration as people write it.
///
/// # Errors
/// When it is not one, is not positive, or is beyond a year.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const YEAR: Duration = Duration::from_hours(366 * 24);
    let refuse = || format!("`{text}` is not a duration: write `90s`, `10m` or `1h 30m`");
    let signed: jiff::SignedDuration = text.parse().map_err(|_| refuse())?;
    let duration = Duration::try_from(signed).map_err(|_| refuse())?;
    if duration.is_zero() || duration > YEAR {
        return Err(refuse());
    }
    Ok(duration)
}

/// An amount of memory as people write it: `2GiB`, `512 MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// What an amount is counted in, and how many bytes one is.
const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TIB", 1 << 40),
];

impl std::str::FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim().to_ascii_uppercase();
        let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
        let bytes = number.parse::<u64>().ok().zip(scale);
        let bytes = bytes.and_then(|(number, scale)| number.checked_mul(scale));
        bytes
            .filter(|&bytes| bytes > 0)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not an amount of memory: write `512MiB` or `2GB`"))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

pub(super) fn default_true() -> bool {
    true
}
