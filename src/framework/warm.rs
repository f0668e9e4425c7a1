//! The frameworks whose processes stay and run one group after the other: see
//! `docs/reference/shim-protocol.md`.

use serde::Deserialize;

use super::naming::Naming;

/// A framework with warm workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarmFramework {
    /// Django's test runner, or the project's own.
    Django,
    /// pytest, with the project's plugins.
    Pytest,
    /// Twisted's.
    Trial,
    /// The standard library's.
    Unittest,
}

/// What a group of a warm worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupBy {
    /// All tests of one app of Django's.
    App,
    /// All tests of one module.
    Module,
    /// All tests of one class.
    Class,
    /// One test.
    Test,
}

impl GroupBy {
    /// What it is called in the configuration and in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Module => "module",
            Self::Class => "class",
            Self::Test => "test",
        }
    }
}

impl WarmFramework {
    /// All of them, by name.
    pub const ALL: [Self; 4] = [Self::Django, Self::Pytest, Self::Trial, Self::Unittest];

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What it is called in the configuration and in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Django => "django",
            Self::Pytest => "pytest",
            Self::Trial => "trial",
            Self::Unittest => "unittest",
        }
    }

    /// What the user must have installed, and what to mind.
    #[must_use]
    pub fn needs(self) -> &'static str {
        match self {
            Self::Django => {
                "Python 3.9 or newer with Django 4.2 or newer in the environment of `python`, and \
                 `settings`, or `DJANGO_SETTINGS_MODULE` in `env` or in evenly's own environment."
            }
            Self::Pytest => {
                "Python 3.9 or newer with pytest 8 or newer in the environment of `python`; \
                 pytest-xdist may be there and is not used."
            }
            Self::Trial => {
                "Python 3.9 or newer with Twisted 24.3 or newer in the environment of `python`; \
                 `paths` name modules or packages."
            }
            Self::Unittest => "Python 3.9 or newer; nothing beyond its standard library.",
        }
    }

    /// How it names its tests.
    #[must_use]
    pub fn naming(self) -> Naming {
        match self {
            Self::Django | Self::Trial | Self::Unittest => Naming::Dotted,
            Self::Pytest => Naming::Pytest,
        }
    }

    /// Whether a group may be that.
    #[must_use]
    pub fn groups_by(self, by: GroupBy) -> bool {
        match by {
            GroupBy::App => self == Self::Django,
            GroupBy::Module | GroupBy::Class | GroupBy::Test => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_has_its_own_name_and_they_are_sorted() {
        assert!(WarmFramework::ALL.is_sorted_by_key(|warm| warm.name()));
        for warm in WarmFramework::ALL {
            assert_eq!(WarmFramework::named(warm.name()), Some(warm));
            assert!(!warm.needs().is_empty());
            assert!(warm.groups_by(GroupBy::Module));
        }
        assert_eq!(WarmFramework::named("jest"), None);
        assert!(!WarmFramework::Trial.groups_by(GroupBy::App));
    }
}
