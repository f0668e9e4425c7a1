//! Names of suites, groups and tests: stable across machines, runs and shards.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A suite's name must be usable in file names, environment variables and ids.
    #[error("`{0}` is not a suite name: use letters, digits, `-`, `_` and `.`, at most 64 of them")]
    Suite(String),
    /// An id in text form is `suite:name`.
    #[error("`{0}` is not an id: expected `suite:name`")]
    Form(String),
}

/// The name of a `[[suite]]`: letters, digits, `-`, `_`, `.`; at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SuiteName(Arc<str>);

impl SuiteName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When the name is empty, too long or has a character outside the allowed set.
    pub fn new(name: &str) -> Result<Self, IdError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(IdError::Suite(name.to_owned()));
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SuiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $text:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// The suite it belongs to.
            pub suite: SuiteName,
            /// Its name inside the suite: any text, never empty.
            pub name: $text,
        }

        impl $name {
            /// Joins a suite and a name.
            #[must_use]
            pub fn new(suite: &SuiteName, name: &str) -> Self {
                Self { suite: suite.clone(), name: name.into() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", self.suite, self.name)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match text.split_once(':') {
                    Some((suite, name)) if !name.is_empty() => {
                        Ok(Self { suite: SuiteName::new(suite)?, name: name.into() })
                    }
                    _ => Err(IdError::Form(text.to_owned())),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// A group's id, in text `suite:name`. Ordered by suite, then by name: the plan's tie-break.
    GroupId, Arc<str>
}

id! {
    /// A test's id, in text `suite:name`.
    TestId, Box<str>
}

impl Serialize for SuiteName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SuiteName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_splits_at_the_first_colon() {
        let id: GroupId = "web:tests/a.py::T::t".parse().unwrap();
        assert_eq!((id.suite.as_str(), &*id.name), ("web", "tests/a.py::T::t"));
        assert_eq!(id.to_string(), "web:tests/a.py::T::t");
    }

    #[test]
    fn names_that_would_break_files_or_ids_are_refused() {
        for bad in ["", "a b", "a:b", "a/b", "ü", &"x".repeat(65)] {
            assert!(SuiteName::new(bad).is_err(), "{bad}");
        }
        assert!("web".parse::<GroupId>().is_err());
        assert!("web:".parse::<TestId>().is_err());
    }
}
