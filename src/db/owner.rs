//! Who made a database: the mark that it carries on its server.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::names::DatabaseName;
pub use crate::model::Owner;

/// What a database of evenly's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A template that is being built.
    Building,
    /// A finished template: it outlives its owner, to be used by later runs.
    Template,
    /// A worker's clone.
    Clone,
}

/// A database that evenly made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: DatabaseName,
    /// What it is.
    pub kind: Kind,
    /// Who made it.
    pub owner: Owner,
    /// When it was made.
    pub made: Timestamp,
}

impl Found {
    /// Whether it is to go, given that its owner is over: a finished template is kept for later
    /// runs.
    #[must_use]
    pub fn is_left_over(&self, owner_is_over: bool) -> bool {
        match self.kind {
            Kind::Template => false,
            Kind::Building | Kind::Clone => owner_is_over,
        }
    }
}

/// The mark, as text on the server. `evenly` is the version of its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) evenly: u32,
    pub(super) kind: Kind,
    pub(super) owner: Owner,
    pub(super) made: Timestamp,
}

/// The version of the mark's form.
const FORM: u32 = 1;

impl Mark {
    pub(super) fn new(kind: Kind, owner: &Owner) -> Self {
        Self { evenly: FORM, kind, owner: owner.clone(), made: Timestamp::now() }
    }

    /// The mark as one line of JSON.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a mark is text and numbers")
    }

    /// The mark out of a text, if it is one that this version understands.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|mark: &Self| mark.evenly == FORM)
    }

    pub(super) fn found(self, name: DatabaseName) -> Found {
        let Self { evenly: _, kind, owner, made } = self;
        Found { name, kind, owner, made }
    }
}
