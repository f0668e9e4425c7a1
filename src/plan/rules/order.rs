//! What rules say of the order of groups.

use std::collections::{BTreeMap, BTreeSet};

use super::Rule;
use crate::model::{Group, GroupId, SuiteName, one_line};

/// Rules that put groups after each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`after` puts `{}` after itself, by way of other groups", one_line(&.0.to_string()))]
pub struct CircleError(pub GroupId);

/// Groups of one suite of which some come before the others, as positions.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) first: Vec<usize>,
    pub(super) then: Vec<usize>,
}

/// What comes before what.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) befores: Vec<Before>,
    /// For each group a number that is larger than those of all that come before it.
    pub(super) ranks: Vec<usize>,
    /// The positions of rules whose `after` matched nothing.
    pub(super) unmatched: Vec<usize>,
}

impl Order {
    /// Of groups in the order of their ids. A group that both patterns of a rule match is not put
    /// after itself: it comes first.
    pub(super) fn of(groups: &[Group], rules: &[Rule]) -> Result<Self, CircleError> {
        let mut befores = Vec::new();
        let mut unmatched = BTreeSet::new();
        for (position, rule) in rules.iter().enumerate() {
            let Some(after) = &rule.after else { continue };
            let mut suites: BTreeMap<&SuiteName, Before> = BTreeMap::new();
            for (index, Group { id, .. }) in groups.iter().enumerate() {
                let suite = suites.entry(&id.suite);
                let before = suite.or_insert_with(|| Before { first: vec![], then: vec![] });
                if after.matches(id) {
                    before.first.push(index);
                } else if rule.pattern.matches(id) {
                    before.then.push(index);
                }
            }
            for before in suites.into_values().filter(|before| !before.then.is_empty()) {
                if before.first.is_empty() {
                    unmatched.insert(position);
                } else {
                    befores.push(before);
                }
            }
        }
        let ranks = ranks(groups, &befores)?;
        Ok(Self { befores, ranks, unmatched: unmatched.into_iter().collect() })
    }
}

/// All ranks settle within as many rounds as there are steps, unless they chase each other.
fn ranks(groups: &[Group], befores: &[Before]) -> Result<Vec<usize>, CircleError> {
    let mut ranks = vec![0; groups.len()];
    let mut raised = None;
    for _ in 0..=befores.len() {
        raised = None;
        for Before { first, then } in befores {
            let least = first.iter().map(|&index| ranks[index] + 1).max().unwrap_or(0);
            for &index in then.iter().filter(|&&index| ranks[index] < least).collect::<Vec<_>>() {
                ranks[index] = least;
                raised = Some(index);
            }
        }
        if raised.is_none() {
            return Ok(ranks);
        }
    }
    match raised {
        Some(index) => Err(CircleError(groups[index].id.clone())),
        None => Ok(ranks),
    }
}
