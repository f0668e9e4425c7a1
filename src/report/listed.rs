//! The tests that a framework listed for a group, in as little room as can be.

use std::sync::Arc;

use serde::Deserialize;

use crate::model::DiscoveredGroup;

/// A group that a framework found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "DiscoveredGroup")]
pub struct FoundGroup {
    /// Its name inside the suite.
    pub name: Arc<str>,
    /// Its tests, where the framework lists them.
    pub tests: Option<Listed>,
    /// The listed group that it is a part of.
    pub part_of: Option<Arc<str>>,
}

impl From<DiscoveredGroup> for FoundGroup {
    fn from(group: DiscoveredGroup) -> Self {
        let DiscoveredGroup { name, tests, part_of } = group;
        Self { name, tests: tests.map(|tests| tests.iter().collect()), part_of }
    }
}

/// Names, one behind the other in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Listed {
    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.text[start..end])
    }

    /// Adds more.
    pub(super) fn extend(&mut self, more: &Self) {
        more.names().for_each(|name| self.push(name));
    }

    fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }
}

impl<'a> FromIterator<&'a String> for Listed {
    fn from_iter<I: IntoIterator<Item = &'a String>>(names: I) -> Self {
        let mut listed = Self::default();
        names.into_iter().for_each(|name| listed.push(name));
        listed.text.shrink_to_fit();
        listed.ends.shrink_to_fit();
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_in_their_order() {
        for names in [&[][..], &["a"], &["b", "", "a\n", "ä"]] {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let mut listed: Listed = names.iter().collect();
            assert_eq!(listed.names().collect::<Vec<_>>(), names);
            listed.extend(&listed.clone());
            assert_eq!(listed.names().collect::<Vec<_>>(), [names.clone(), names].concat());
        }
    }
}
