//! How fast the machines of a run were, so that an overloaded one does not look like slow tests.
//!
//! A shard's speed is told from the tests that were known before: what they took to what they were
//! expected to take. Only the differences between the shards of one run are taken out. What slows
//! down everywhere, slowed down.
//!
//! A group may become slow by itself, a new fixture in its file, say. So a shard's voice is the
//! median over its groups, and a shard with few of them has none.

use std::collections::BTreeMap;

use super::{Estimator, Observation, Seen};
use crate::model::SuiteName;

/// Groups of a shard whose tests must be known before the shard's speed is.
const GROUPS_MIN: usize = 3;

/// A group must be expected to take so long before it says something, microseconds: what is shorter
/// is all noise.
const GROUP_US_MIN: u64 = 10_000;

/// Ratios are in thousandths.
const ONE: u64 = 1_000;

/// Shards within a tenth of each other are equally fast.
const EQUAL: std::ops::RangeInclusive<u64> = 900..=1_100;

/// No machine is believed to be more than four times as slow, or as fast, as the others.
const FACTOR: std::ops::RangeInclusive<u64> = 250..=4_000;

/// What was seen of a test, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// The shard whose machine ran it.
    pub shard: u32,
    /// The test.
    pub observation: Observation,
}

/// How much slower than the others each shard of a run was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Speeds {
    /// In thousandths; those that are not here were as the others, or nothing is known.
    factors: BTreeMap<u32, u64>,
}

impl Speeds {
    /// Compares what a run saw with what `before`, the history as of that run, expected.
    #[must_use]
    pub fn of(before: &Estimator<'_>, seen: &[Timed]) -> Self {
        let mut groups: BTreeMap<(u32, &SuiteName, &str), (u64, u64)> = BTreeMap::new();
        for Timed { shard, observation: Observation { test, group, seen } } in seen {
            let Seen::Passed(took) = seen else { continue };
            let Some(expected) = before.test_us(&test.suite, &test.name) else { continue };
            let sums = groups.entry((*shard, &test.suite, group)).or_default();
            *sums = (sums.0.saturating_add(*took), sums.1.saturating_add(expected));
        }
        let mut ratios: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for ((shard, ..), (took, expected)) in groups {
            if expected >= GROUP_US_MIN {
                ratios.entry(shard).or_default().push(per_mille(took, expected));
            }
        }
        Self::from_ratios(ratios)
    }

    /// From each shard's ratios of its groups.
    fn from_ratios(ratios: BTreeMap<u32, Vec<u64>>) -> Self {
        let known = ratios.into_iter().filter(|(_, of_groups)| of_groups.len() >= GROUPS_MIN);
        let known: Vec<(u32, u64)> = known
            .filter_map(|(shard, mut ratios)| Some((shard, low_median(&mut ratios)?)))
            .collect();
        let mut all: Vec<u64> = known.iter().map(|&(_, ratio)| ratio).collect();
        let Some(usual) = low_median(&mut all) else { return Self::default() };
        let factor = |(shard, ratio)| {
            let factor = per_mille(ratio, usual).clamp(*FACTOR.start(), *FACTOR.end());
            (!EQUAL.contains(&factor)).then_some((shard, factor))
        };
        Self { factors: known.into_iter().filter_map(factor).collect() }
    }

    /// What something that took so long in a shard would have taken in the others, microseconds.
    #[must_use]
    pub fn even_out(&self, shard: u32, us: u64) -> u64 {
        let Some(&factor) = self.factors.get(&shard) else { return us };
        let even = u128::from(us) * u128::from(ONE) / u128::from(factor);
        u64::try_from(even).unwrap_or(u64::MAX)
    }

    /// How much longer than the others a shard took for the same, in thousandths, if it did.
    #[must_use]
    pub fn factor(&self, shard: u32) -> Option<u64> {
        self.factors.get(&shard).copied()
    }

    /// The observations as they would have been on machines of one speed.
    #[must_use]
    pub fn evened(&self, seen: Vec<Timed>) -> Vec<Observation> {
        let even = |Timed { shard, mut observation }: Timed| {
            if let Seen::Passed(us) = &mut observation.seen {
                *us = self.even_out(shard, *us);
            }
            observation
        };
        seen.into_iter().map(even).collect()
    }
}

/// The ratio in thousandths, at least 1.
fn per_mille(part: u64, whole: u64) -> u64 {
    let ratio = u128::from(part) * u128::from(ONE) / u128::from(whole.max(1));
    u64::try_from(ratio).unwrap_or(u64::MAX).max(1)
}

/// The middle value; of an even number the lower one, since machines are overloaded and never
/// underloaded.
fn low_median(values: &mut [u64]) -> Option<u64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}
