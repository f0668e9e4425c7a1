//! In which order a shard's groups start.

use std::collections::HashMap;

use crate::model::{Group, GroupId};
use crate::plan::Assigned;

/// What decides which group starts first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// The plan: exclusive groups, then the longest; at the end those that their framework runs
    /// after all others.
    #[default]
    Plan,
    /// The frameworks: as they list their groups, suite by suite, on one worker.
    Serial,
}

/// Where each group and test stands in the frameworks' order.
#[derive(Debug, Default)]
pub(super) struct Positions(HashMap<GroupId, usize>);

impl Positions {
    /// Of the groups as they were listed, before any rule; `listed` has their order.
    pub(super) fn new(groups: &[Group], listed: &[GroupId]) -> Self {
        let by_id: HashMap<&GroupId, &Group> =
            groups.iter().map(|group| (&group.id, group)).collect();
        let mut positions = HashMap::new();
        for id in listed {
            let tests = by_id.get(id).and_then(|group| group.tests.as_deref());
            let tests = tests.unwrap_or_default().iter().map(|test| GroupId::new(&id.suite, test));
            for id in [id.clone()].into_iter().chain(tests) {
                let next = positions.len();
                positions.entry(id).or_insert(next);
            }
        }
        Self(positions)
    }

    /// Where the first that a group has in it stands.
    pub(super) fn of(&self, group: &Group) -> usize {
        let members = group.members.iter().map(|member| &*member.name);
        let tests = group.tests.iter().flatten().map(String::as_str);
        let known = |name| self.0.get(&GroupId::new(&group.id.suite, name)).copied();
        // A member's place is before those of its tests.
        members.chain(tests).filter_map(known).min().unwrap_or(usize::MAX)
    }
}

/// The groups of a shard in the order in which they start.
pub(super) fn arranged(
    assigned: &[Assigned],
    groups: &[Group],
    order: Order,
    positions: &Positions,
) -> Vec<Assigned> {
    let by_id: HashMap<&GroupId, &Group> = groups.iter().map(|group| (&group.id, group)).collect();
    let group = |assigned: &Assigned| by_id[&assigned.id];
    let mut arranged = assigned.to_vec();
    match order {
        Order::Plan => arranged.sort_by_key(|assigned| group(assigned).late),
        Order::Serial => {
            arranged.sort_by_cached_key(|assigned| {
                (positions.of(group(assigned)), assigned.id.clone())
            });
        }
    }
    arranged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Basis, Estimate, Limits, Member};

    fn group(id: &str, members: &[&str], tests: Option<&[&str]>) -> Group {
        let member = |name: &&str| Member { name: (*name).into(), argument: Vec::new() };
        Group {
            id: id.parse().unwrap(),
            members: members.iter().map(member).collect(),
            tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
            exclusive: false,
            databases: true,
            aliases: None,
            late: false,
            limits: Limits::default(),
        }
    }

    fn order(groups: &[Group], order: Order, positions: &Positions) -> Vec<String> {
        let assigned = |group: &Group| Assigned {
            id: group.id.clone(),
            estimate: Estimate { us: 1, basis: Basis::Default },
            exclusive: false,
        };
        let assigned: Vec<Assigned> = groups.iter().map(assigned).collect();
        let arranged = arranged(&assigned, groups, order, positions);
        arranged.iter().map(|assigned| assigned.id.to_string()).collect()
    }

    #[test]
    fn late_groups_start_last_and_the_rest_stays_as_planned() {
        let mut groups = ["s:c", "s:a", "s:b"].map(|id| group(id, &[], None));
        groups[0].late = true;
        let found = order(&groups, Order::Plan, &Positions::default());
        assert_eq!(found, ["s:a", "s:b", "s:c"]);
    }

    #[test]
    fn serially_groups_start_where_their_first_part_or_test_was_listed() {
        let listed = [
            group("z:late", &["late"], None),
            group("s:m2", &["m2"], Some(&["m2.A.t", "m2.B.t"])),
            group("s:m1", &["m1"], Some(&["m1.t"])),
            group("s:m0", &["m0"], None),
        ];
        let ids: Vec<GroupId> = listed.iter().map(|group| group.id.clone()).collect();
        let mut sorted = listed.to_vec();
        sorted.sort_by(|a, b| a.id.cmp(&b.id));
        let positions = Positions::new(&sorted, &ids);
        let planned = [
            group("s:together:x", &["m0", "m1"], None),
            group("s:m2.B", &["m2.B"], Some(&["m2.B.t"])),
            group("s:m2.A", &["m2.A"], Some(&["m2.A.t"])),
            group("z:late", &["late"], None),
            group("s:unknown", &["unknown"], None),
        ];
        let found = order(&planned, Order::Serial, &positions);
        assert_eq!(found, ["z:late", "s:m2.A", "s:m2.B", "s:together:x", "s:unknown"]);
    }
}
