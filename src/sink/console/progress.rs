//! How far a shard is, and how long it will still take by the plan's estimates.

use std::collections::{BTreeMap, HashMap};

use crate::model::{AssignedGroup, GroupId};

/// The shard's groups, by what became of them.
#[derive(Default)]
pub(super) struct Progress {
    workers: u32,
    groups: HashMap<GroupId, Group>,
    running: BTreeMap<GroupId, u64>,
    waiting: Waiting,
    done: usize,
}

#[derive(Clone, Copy)]
struct Group {
    estimate_us: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
}

/// Estimates of the groups that have not started, as a multiset.
#[derive(Default)]
struct Waiting {
    sum_us: u64,
    by_us: BTreeMap<u64, usize>,
}

impl Waiting {
    fn add(&mut self, us: u64) {
        self.sum_us = self.sum_us.saturating_add(us);
        *self.by_us.entry(us).or_default() += 1;
    }

    fn remove(&mut self, us: u64) {
        self.sum_us = self.sum_us.saturating_sub(us);
        if let Some(count) = self.by_us.get_mut(&us) {
            *count -= 1;
            if *count == 0 {
                self.by_us.remove(&us);
            }
        }
    }

    fn longest_us(&self) -> u64 {
        self.by_us.last_key_value().map_or(0, |(us, _)| *us)
    }
}

impl Progress {
    pub(super) fn plan(&mut self, workers: u32, assigned: &[AssignedGroup]) {
        *self = Self { workers, ..Self::default() };
        for AssignedGroup { group, estimate } in assigned {
            let entry = Group { estimate_us: estimate.us, state: State::Waiting };
            if self.groups.insert(group.clone(), entry).is_none() {
                self.waiting.add(estimate.us);
            }
        }
    }

    pub(super) fn start(&mut self, group: &GroupId, at_us: u64) {
        self.turn(group, State::Running);
        self.running.insert(group.clone(), at_us);
    }

    /// A group's last execution is over.
    pub(super) fn finish(&mut self, group: &GroupId) {
        self.turn(group, State::Done);
        self.running.remove(group);
    }

    /// An execution is over and another follows.
    pub(super) fn again(&mut self, group: &GroupId) {
        self.turn(group, State::Waiting);
        self.running.remove(group);
    }

    fn turn(&mut self, group: &GroupId, state: State) {
        let Some(entry) = self.groups.get_mut(group) else { return };
        let before = std::mem::replace(&mut entry.state, state);
        match before {
            State::Waiting => self.waiting.remove(entry.estimate_us),
            State::Running => {}
            State::Done => self.done -= 1,
        }
        match state {
            State::Waiting => self.waiting.add(entry.estimate_us),
            State::Running => {}
            State::Done => self.done += 1,
        }
    }

    pub(super) fn done(&self) -> usize {
        self.done
    }

    pub(super) fn total(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn running(&self) -> impl ExactSizeIterator<Item = &GroupId> {
        self.running.keys()
    }

    /// What is left at a time, microseconds.
    pub(super) fn left_us(&self, now_us: u64) -> u64 {
        let rest = |(group, since_us): (&GroupId, &u64)| {
            let estimate_us = self.groups.get(group).map_or(0, |entry| entry.estimate_us);
            estimate_us.saturating_sub(now_us.saturating_sub(*since_us))
        };
        let running: Vec<u64> = self.running.iter().map(rest).collect();
        left_us(&running, self.waiting.sum_us, self.waiting.longest_us(), self.workers)
    }
}

/// The time that is left, microseconds: no schedule is faster than the work spread over all
/// workers, nor than its longest piece; longest first comes within a third of the larger of the
/// two, and much nearer with many pieces (Graham, "Bounds on multiprocessing timing anomalies",
/// 1969).
fn left_us(running_us: &[u64], waiting_us: u64, longest_waiting_us: u64, workers: u32) -> u64 {
    let work_us = running_us.iter().fold(waiting_us, |sum, us| sum.saturating_add(*us));
    let longest_us = running_us.iter().copied().fold(longest_waiting_us, u64::max);
    work_us.div_ceil(u64::from(workers.max(1))).max(longest_us)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Basis, Estimate, SuiteName};

    fn id(name: &str) -> GroupId {
        GroupId::new(&SuiteName::new("s").unwrap(), name)
    }

    fn planned(workers: u32, estimates: &[u64]) -> Progress {
        let assigned = |(at, us): (usize, &u64)| AssignedGroup {
            group: id(&at.to_string()),
            estimate: Estimate { us: *us, basis: Basis::Measured },
        };
        let assigned: Vec<_> = estimates.iter().enumerate().map(assigned).collect();
        let mut progress = Progress::default();
        progress.plan(workers, &assigned);
        progress
    }

    #[test]
    fn time_left_is_the_work_over_the_workers_or_the_longest_piece() {
        assert_eq!(left_us(&[], 0, 0, 2), 0);
        assert_eq!(left_us(&[4, 2], 6, 3, 2), 6);
        assert_eq!(left_us(&[10], 2, 2, 4), 10);
        assert_eq!(left_us(&[], 7, 7, 4), 7);
        assert_eq!(left_us(&[], 9, 1, 0), 9);
        assert_eq!(left_us(&[u64::MAX], u64::MAX, 1, 1), u64::MAX);
    }

    #[test]
    fn time_left_falls_while_groups_run() {
        let mut progress = planned(2, &[6, 4, 2]);
        assert_eq!(progress.left_us(0), 6);
        progress.start(&id("0"), 0);
        progress.start(&id("1"), 0);
        assert_eq!(progress.left_us(3), 3, "3 + 1 running, 2 waiting, over 2");
        assert_eq!(progress.left_us(100), 2, "beyond their estimates they count nothing");
        progress.again(&id("1"));
        assert_eq!(progress.left_us(3), 5, "3 running, 2 + 4 waiting, over 2");
        for group in ["0", "1", "2", "2", "unknown"] {
            progress.finish(&id(group));
        }
        assert_eq!((progress.done(), progress.total(), progress.left_us(9)), (3, 3, 0));
    }

    proptest! {
        #[test]
        fn any_order_of_events_keeps_the_sums_whole(
            steps in proptest::collection::vec((0..4_usize, 0..3_u8), 0..40)
        ) {
            let mut progress = planned(2, &[5, 5, 7]);
            for (group, step) in steps {
                let group = id(&group.to_string());
                match step {
                    0 => progress.start(&group, 0),
                    1 => progress.again(&group),
                    _ => progress.finish(&group),
                }
                prop_assert!(progress.done() <= progress.total());
                let by_us = progress.waiting.by_us.iter();
                let waiting: u64 = by_us.map(|(us, count)| us * *count as u64).sum();
                prop_assert_eq!(waiting, progress.waiting.sum_us);
            }
        }
    }
}
