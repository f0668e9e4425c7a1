//! `[[rule]]`: what the plan must respect. Rules come as data; nothing here reads a file.
//!
//! All rules that match a group apply, in order: of two that say different things, the later wins.

mod join;
mod order;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};

use crate::model::{Group, GroupId, TestId};
pub use order::CircleError;
use order::Order;

/// A glob over names: `*` is any text, `/`, `.` and line ends included; `?`, `[a-z]`, `{a,b}` and
/// `\` as usual.
#[derive(Debug, Clone)]
pub struct Pattern(GlobMatcher);

/// A pattern that is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {why}")]
pub struct PatternError {
    /// What was given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

impl Pattern {
    /// Compiles a glob.
    ///
    /// # Errors
    /// When it is none: a bracket is not closed, say.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(false)
            .backslash_escape(true)
            .build()
            .map_err(|error| PatternError {
                pattern: pattern.to_owned(),
                why: error.kind().to_string(),
            })?;
        Ok(Self(glob.compile_matcher()))
    }

    /// Whether it matches a group's name or its whole id, `suite:name`.
    #[must_use]
    pub fn matches(&self, id: &GroupId) -> bool {
        self.0.is_match(&*id.name) || self.0.is_match(id.to_string())
    }

    /// Whether it matches a test's name or its whole id, `suite:name`.
    #[must_use]
    pub fn matches_test(&self, id: &TestId) -> bool {
        self.0.is_match(&*id.name) || self.0.is_match(id.to_string())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.glob().glob().fmt(f)
    }
}

/// One `[[rule]]`. What is `None` is left as it is.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The groups that it is about.
    pub pattern: Pattern,
    /// Whether they are alone on their shard's machine while they run.
    pub exclusive: Option<bool>,
    /// Whether their tests use the databases of their suite.
    pub database: Option<bool>,
    /// The label under which those of one suite become one group.
    pub together: Option<String>,
    /// The groups of their suite that run before them, in one group with them.
    pub after: Option<Pattern>,
    /// How long one execution may take.
    pub timeout: Option<Duration>,
    /// How often a failed one is tried again.
    pub retries: Option<u32>,
}

/// Groups as the rules want them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// By id.
    pub groups: Vec<Group>,
    /// The positions of the rules that matched no group: a misspelt pattern, usually.
    pub unmatched: Vec<usize>,
    /// The positions of the rules whose `after` matched no other group of a suite that they are
    /// about.
    pub unmatched_after: Vec<usize>,
}

/// Applies the rules. Groups kept together become one named `together:<label>`, with the members
/// and tests of all in the order of their ids (no list of tests if one of them has none),
/// exclusive if one of them is, under the largest of their limits. Those that a rule puts after
/// others become one with them, in which they stand behind: `after:<its first member>`, unless one
/// of them has a label.
///
/// # Errors
/// When rules put groups after each other in a circle.
pub fn apply(mut groups: Vec<Group>, rules: &[Rule]) -> Result<Ruled, CircleError> {
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    let mut matched = vec![false; rules.len()];
    let mut labels: Vec<Option<&str>> = Vec::with_capacity(groups.len());
    for group in &mut groups {
        let mut label = None;
        for (rule, matched) in rules.iter().zip(&mut matched) {
            let Rule { pattern, exclusive, database, together, after: _, timeout, retries } = rule;
            if !pattern.matches(&group.id) {
                continue;
            }
            *matched = true;
            group.exclusive = exclusive.unwrap_or(group.exclusive);
            group.databases = database.unwrap_or(group.databases);
            group.limits.timeout = timeout.or(group.limits.timeout);
            group.limits.retries = retries.or(group.limits.retries);
            label = together.as_deref().or(label);
        }
        labels.push(label);
    }
    let Order { befores, ranks, unmatched: unmatched_after } = Order::of(&groups, rules)?;
    let joints = join::joints(&groups, &labels, &befores);
    let groups = join::joined(groups, &labels, &ranks, &joints);
    let unmatched = (0..rules.len()).filter(|&index| !matched[index]).collect();
    Ok(Ruled { groups, unmatched, unmatched_after })
}
