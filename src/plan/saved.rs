//! A plan that was made before, held against what is there now.
//!
//! Every listed group must be in it, whole or in parts that have each of its tests once, and
//! nothing else: a plan of other groups would leave tests out or run some twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::granularity::{Parts, Ways, parts_of};
use super::{Saved, SavedGroup};
use crate::model::{Group, GroupId, one_line};

/// How many names of a kind a message has.
const NAMED_MAX: usize = 5;

/// What a plan and what is listed now differ in. Names are ids, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Groups of the plan that are not listed any more.
    pub groups_gone: Vec<String>,
    /// Groups that the plan does not have.
    pub groups_new: Vec<String>,
    /// Tests of the plan that are not listed any more.
    pub tests_gone: Vec<String>,
    /// Tests that the plan does not have.
    pub tests_new: Vec<String>,
    /// Groups whose tests are listed here and not there, that the plan has twice, or in parts that
    /// cannot be selected.
    pub groups_other: Vec<String>,
}

impl Difference {
    fn is_none(&self) -> bool {
        let Self { groups_gone, groups_new, tests_gone, tests_new, groups_other } = self;
        [groups_gone, groups_new, tests_gone, tests_new, groups_other]
            .into_iter()
            .all(Vec::is_empty)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups_gone, groups_new, tests_gone, tests_new, groups_other } = self;
        let kinds = [
            ("groups that are gone", groups_gone),
            ("groups that the plan does not have", groups_new),
            ("tests that are gone", tests_gone),
            ("tests that the plan does not have", tests_new),
            ("groups that it splits otherwise than they can be", groups_other),
        ];
        for (at, (kind, names)) in
            kinds.into_iter().filter(|(_, names)| !names.is_empty()).enumerate()
        {
            let shown = names.iter().take(NAMED_MAX).map(|name| format!("`{}`", one_line(name)));
            let shown = shown.collect::<Vec<_>>().join(", ");
            write!(f, "{}{kind}: {shown}", if at == 0 { "" } else { "; " })?;
            if names.len() > NAMED_MAX {
                write!(f, " and {} more", names.len() - NAMED_MAX)?;
            }
        }
        Ok(())
    }
}

/// The parts that a plan made before splits the listed groups into.
///
/// # Errors
/// When it was made of other groups or tests, however little they differ.
pub fn adopt(saved: &Saved, listed: &[Group], ways: &Ways<'_>) -> Result<Parts, Difference> {
    let mut planned: BTreeMap<&GroupId, Vec<(&GroupId, &SavedGroup)>> = BTreeMap::new();
    for (id, group) in &saved.groups {
        planned.entry(group.part_of.as_ref().unwrap_or(id)).or_default().push((id, group));
    }
    let mut difference = Difference::default();
    let mut parts = BTreeMap::new();
    for group in listed {
        let Some(entries) = planned.remove(&group.id) else {
            difference.groups_new.push(group.id.to_string());
            continue;
        };
        let made = adopt_group(group, &entries, ways, &mut difference);
        parts.extend(made.map(|made| (group.id.clone(), made)));
    }
    difference.groups_gone.extend(planned.into_keys().map(ToString::to_string));
    if difference.is_none() { Ok(Parts::new(parts)) } else { Err(difference) }
}

/// One group's parts, if it has some; what is otherwise than in the plan is added to `difference`.
fn adopt_group(
    group: &Group,
    entries: &[(&GroupId, &SavedGroup)],
    ways: &Ways<'_>,
    difference: &mut Difference,
) -> Option<Vec<Group>> {
    let mut other = || difference.groups_other.push(group.id.to_string());
    let whole = entries.iter().any(|(_, saved)| saved.part_of.is_none());
    let lists: Option<Vec<&[String]>> =
        entries.iter().map(|(_, saved)| saved.tests.as_deref()).collect();
    let (Some(lists), Some(tests)) = (&lists, &group.tests) else {
        // Without lists there are no parts.
        let alike = lists.is_none() && group.tests.is_none() && whole && entries.len() == 1;
        if !alike {
            other();
        }
        return None;
    };
    if whole && entries.len() > 1 {
        other();
        return None;
    }
    let places: HashMap<&str, usize> = (0..).zip(tests).map(|(at, test)| (&**test, at)).collect();
    let mut left: BTreeSet<&str> = tests.iter().map(String::as_str).collect();
    let test_id = |test: &str| format!("{}:{test}", group.id.suite);
    for test in lists.iter().copied().flatten() {
        if !places.contains_key(&**test) {
            difference.tests_gone.push(test_id(test));
        } else if !left.remove(&**test) {
            difference.groups_other.push(group.id.to_string());
            return None;
        }
    }
    difference.tests_new.extend(left.into_iter().map(test_id));
    if whole || !difference.is_none() {
        return None;
    }
    let part = |list: &&[String]| -> Vec<usize> {
        let mut part: Vec<usize> = list.iter().map(|test| places[&**test]).collect();
        part.sort_unstable();
        part
    };
    let cut: Vec<Vec<usize>> = lists.iter().map(part).collect();
    let Some(mut made) = parts_of(group, &cut, ways) else {
        difference.groups_other.push(group.id.to_string());
        return None;
    };
    for (part, (id, _)) in made.iter_mut().zip(entries) {
        part.id = (*id).clone();
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_a_few_of_each() {
        let names = |count: usize| (0..count).map(|n| format!("s:{n}\n")).collect();
        let difference =
            Difference { groups_gone: names(1), tests_new: names(7), ..Difference::default() };
        assert_eq!(
            difference.to_string(),
            "groups that are gone: `s:0\\n`; tests that the plan does not have: `s:0\\n`, \
             `s:1\\n`, `s:2\\n`, `s:3\\n`, `s:4\\n` and 2 more"
        );
    }
}
