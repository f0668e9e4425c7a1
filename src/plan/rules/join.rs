//! Groups that rules make one.

use std::collections::BTreeMap;

use super::order::Before;
use crate::model::{Group, GroupId, Limits, SuiteName};

/// What the name of a group that a label keeps together starts with.
const TOGETHER: &str = "together:";
/// What the name of a group that an order keeps together starts with.
const AFTER: &str = "after:";

/// For each group the position of one that stands for all that it becomes one with.
pub(super) fn joints(groups: &[Group], labels: &[Option<&str>], befores: &[Before]) -> Vec<usize> {
    let mut joints = Joints((0..groups.len()).collect());
    let mut labelled: BTreeMap<(&SuiteName, &str), usize> = BTreeMap::new();
    for (index, (group, label)) in groups.iter().zip(labels).enumerate() {
        if let Some(label) = label {
            let first = *labelled.entry((&group.id.suite, label)).or_insert(index);
            joints.join(first, index);
        }
    }
    for Before { first, then } in befores {
        for &index in first.iter().chain(then) {
            joints.join(first[0], index);
        }
    }
    (0..groups.len()).map(|index| joints.find(index)).collect()
}

/// Which positions stand for which: a forest.
struct Joints(Vec<usize>);

impl Joints {
    fn find(&mut self, index: usize) -> usize {
        let mut root = index;
        while self.0[root] != root {
            root = self.0[root];
        }
        let mut at = index;
        while self.0[at] != root {
            at = std::mem::replace(&mut self.0[at], root);
        }
        root
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high] = low;
    }
}

/// A group with its rank and its label.
type Part<'a> = (usize, Group, Option<&'a str>);

/// The groups, those of one joint as one, by id. Of a joint those of lower ranks come first, then
/// those of lower ids.
pub(super) fn joined(
    groups: Vec<Group>,
    labels: &[Option<&str>],
    ranks: &[usize],
    joints: &[usize],
) -> Vec<Group> {
    let mut sizes = vec![0_usize; groups.len()];
    for &joint in joints {
        sizes[joint] += 1;
    }
    let mut parts: BTreeMap<usize, Vec<Part<'_>>> = BTreeMap::new();
    let mut done = Vec::with_capacity(groups.len());
    for (index, group) in groups.into_iter().enumerate() {
        match labels[index] {
            // Nearly all are so.
            None if sizes[joints[index]] == 1 => done.push(group),
            label => {
                parts.entry(joints[index]).or_default().push((ranks[index], group, label));
            }
        }
    }
    done.extend(parts.into_values().filter_map(whole));
    done.sort_by(|a, b| a.id.cmp(&b.id));
    done
}

/// One group of a joint's parts.
fn whole(mut parts: Vec<Part<'_>>) -> Option<Group> {
    parts.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let label = parts.iter().filter_map(|(_, _, label)| *label).min();
    let name = match (label, parts.as_slice()) {
        (Some(label), _) => Some(format!("{TOGETHER}{label}")),
        (None, [_] | []) => None,
        (None, [(_, first, _), ..]) => Some(format!("{AFTER}{}", first.id.name)),
    };
    let whole = parts.into_iter().map(|(_, group, _)| group).reduce(join)?;
    Some(match name {
        Some(name) => Group { id: GroupId::new(&whole.id.suite, &name), ..whole },
        None => whole,
    })
}

/// The first group, with the second after it.
fn join(first: Group, second: Group) -> Group {
    let Group { id, mut members, tests, exclusive, databases, aliases, late, limits } = first;
    members.extend(second.members);
    let tests = tests.zip(second.tests).map(|(mut all, more)| {
        all.extend(more);
        all
    });
    let limits = Limits {
        timeout: limits.timeout.max(second.limits.timeout),
        retries: limits.retries.max(second.limits.retries),
    };
    Group {
        id,
        members,
        tests,
        exclusive: exclusive || second.exclusive,
        databases: databases || second.databases,
        aliases: aliases.zip(second.aliases).map(|(these, those)| these.joined(those)),
        late: late || second.late,
        limits,
    }
}
