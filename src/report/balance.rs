//! How evenly a run came out, against its plan: which shards were longer than thought and why, and
//! what would make the next run shorter.
//!
//! A shard's time here is that of its busiest worker. What a shard does besides running groups does
//! not depend on the plan.

use std::collections::BTreeMap;
use std::fmt;

use super::escape::quoted;
use super::ledger::Ledger;
use super::run::{Execution, GroupReport, ShardEnd, ShardReport};
use crate::model::{Basis, GroupId, SHARDS_MAX, counted, human_time};
use crate::plan::makespan;

/// What is not worth a word: less than so much, microseconds.
const WORTH_US: u64 = 1_000_000;

/// What is worth advice: the run could be shorter by more than so many percent.
const WORTH_PERCENT: u64 = 10;

/// An estimate is stale when it is off by such a factor.
const STALE_FACTOR: u64 = 2;

/// Groups of a shard that must have been measured before, for its machine's speed to be told.
const SPEED_GROUPS_MIN: usize = 3;

/// A machine is called slow when it takes so many percent of what the others take.
const SLOW_PERCENT: u64 = 125;

/// Beyond so many groups other numbers of shards are not tried out.
const GROUPS_TRIED_MAX: usize = 100_000;

/// How evenly a run came out. All is empty for a run of one shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balance {
    /// The longest shard, microseconds.
    pub longest_us: u64,
    /// The shortest shard, microseconds.
    pub shortest_us: u64,
    /// Groups that were never measured before.
    pub unmeasured: Unmeasured,
    /// Shards on slow machines, by number.
    pub slow: Vec<Slow>,
    /// Groups whose estimates were far off, the furthest first.
    pub stale: Vec<Stale>,
    /// What would make the run shorter by more than a tenth.
    pub advice: Vec<Advice>,
}

/// Groups whose estimates were not, or not all, their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unmeasured {
    /// How many.
    pub groups: usize,
    /// What they took together, microseconds.
    pub took_us: u64,
}

/// A shard that took longer than the others for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slow {
    /// The shard.
    pub shard: u32,
    /// What it took, in percent of what the others would have.
    pub percent: u64,
}

/// A group that took much more or much less than its own earlier times said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The group.
    pub group: GroupId,
    /// What it was thought to take, microseconds.
    pub estimate_us: u64,
    /// What it took, as on a machine of the usual speed, microseconds.
    pub took_us: u64,
}

/// What would make the run shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Plan with a history that knows this run's times.
    Refresh {
        /// The longest shard then, microseconds.
        could_us: u64,
    },
    /// One group is as long as the longest shard has to be.
    Split {
        /// The group.
        group: GroupId,
        /// What it takes, microseconds.
        us: u64,
        /// What a shard would take if the groups could be dealt evenly, microseconds.
        even_us: u64,
    },
    /// The groups fit another number of shards better.
    More {
        /// How many.
        shards: u32,
        /// The longest shard then, microseconds.
        could_us: u64,
    },
    /// So many shards would take as long.
    Fewer {
        /// How many.
        shards: u32,
        /// The longest shard then, microseconds.
        could_us: u64,
    },
}

impl Advice {
    /// Its word in `report.json`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refresh { .. } => "refresh-history",
            Self::Split { .. } => "split-group",
            Self::More { .. } => "more-shards",
            Self::Fewer { .. } => "fewer-shards",
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refresh { could_us } => write!(
                f,
                "refresh the history: planned with this run's times the longest shard takes {}",
                human_time(*could_us)
            ),
            Self::Split { group, us, even_us } => write!(
                f,
                "split {}: alone it takes {}, where an even share is {}",
                quoted(&group.to_string()),
                human_time(*us),
                human_time(*even_us)
            ),
            Self::More { shards, could_us } => {
                write!(f, "more shards: with {shards} the longest takes {}", human_time(*could_us))
            }
            Self::Fewer { shards, could_us } => write!(
                f,
                "fewer shards: with {shards} the longest takes {} too",
                human_time(*could_us)
            ),
        }
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, percent } = self;
        let (times, tenths) = (percent / 100, percent % 100 / 10);
        write!(f, "shard {shard} took {times}.{tenths} times what the others take for the same")
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, estimate_us, took_us } = self;
        let (took, thought) = (human_time(*took_us), human_time(*estimate_us));
        write!(f, "stale estimate: {} took {took}, predicted {thought}", quoted(&group.to_string()))
    }
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, took_us } = self;
        let (groups, took) = (counted(*groups, "group"), human_time(*took_us));
        write!(f, "missing estimates: {groups} with {took} were not, or not all, measured before")
    }
}

/// One group's time.
struct Timed<'a> {
    group: &'a GroupReport,
    shard: u32,
    us: u64,
}

pub(super) fn balance(ledger: &Ledger, shards: &[ShardReport], groups: &[GroupReport]) -> Balance {
    let timed: Vec<Timed<'_>> = groups.iter().filter_map(timed).collect();
    let busy = busy(groups);
    let (Some(longest_us), true) = (busy.values().copied().max(), shards.len() > 1) else {
        return Balance::default();
    };
    let of_shard = |shard: &ShardReport| busy.get(&shard.index).copied().unwrap_or(0);
    let speeds = speeds(&timed);
    let mut balance = Balance {
        longest_us,
        shortest_us: shards.iter().map(of_shard).min().unwrap_or(0),
        unmeasured: unmeasured(&timed),
        slow: slow(&speeds),
        stale: stale(&timed, &speeds),
        advice: Vec::new(),
    };
    let finished = shards.iter().all(|shard| shard.end == ShardEnd::Finished);
    if ledger.is_whole() && finished && longest_us >= WORTH_US {
        balance.advice = advice(longest_us, shards, &timed, &speeds);
    }
    balance
}

fn timed(group: &GroupReport) -> Option<Timed<'_>> {
    let last = group.executions.last()?;
    let us = group.executions.iter().fold(0, |sum: u64, run| sum.saturating_add(run.duration_us));
    Some(Timed { group, shard: last.shard, us })
}

/// What each shard's busiest worker had to do, microseconds.
fn busy(groups: &[GroupReport]) -> BTreeMap<u32, u64> {
    let mut lanes: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for Execution { shard, worker, duration_us, .. } in groups.iter().flat_map(|g| &g.executions) {
        let lane = lanes.entry((*shard, *worker)).or_default();
        *lane = lane.saturating_add(*duration_us);
    }
    let mut busy: BTreeMap<u32, u64> = BTreeMap::new();
    for ((shard, _), us) in lanes {
        let most = busy.entry(shard).or_default();
        *most = us.max(*most);
    }
    busy
}

/// What each shard took in percent of what the others would have, from the groups that were
/// measured before; a shard with few of them is left out.
fn speeds(timed: &[Timed<'_>]) -> BTreeMap<u32, u64> {
    let mut ratios: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for Timed { group, shard, us } in timed {
        if let Some((_, estimate)) = group.planned
            && estimate.basis == Basis::Measured
        {
            ratios.entry(*shard).or_default().push(percent(*us, estimate.us));
        }
    }
    ratios.retain(|_, ratios| ratios.len() >= SPEED_GROUPS_MIN);
    let middle = |values: &mut Vec<u64>| {
        let at = (values.len() - 1) / 2;
        *values.select_nth_unstable(at).1
    };
    let of_shards: BTreeMap<u32, u64> =
        ratios.iter_mut().map(|(shard, ratios)| (*shard, middle(ratios))).collect();
    if of_shards.is_empty() {
        return of_shards;
    }
    let usual = middle(&mut of_shards.values().copied().collect());
    of_shards.into_iter().map(|(shard, ratio)| (shard, percent(ratio, usual).max(1))).collect()
}

fn percent(part: u64, whole: u64) -> u64 {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(percent).unwrap_or(u64::MAX)
}

fn slow(speeds: &BTreeMap<u32, u64>) -> Vec<Slow> {
    let slow = speeds.iter().filter(|&(_, &percent)| percent >= SLOW_PERCENT);
    slow.map(|(&shard, &percent)| Slow { shard, percent }).collect()
}

/// What a group would have taken on a machine of the usual speed.
fn usual_us(timed: &Timed<'_>, speeds: &BTreeMap<u32, u64>) -> u64 {
    match speeds.get(&timed.shard) {
        Some(&speed) if speed >= SLOW_PERCENT => percent(timed.us, speed),
        Some(_) | None => timed.us,
    }
}

fn unmeasured(timed: &[Timed<'_>]) -> Unmeasured {
    let new = |timed: &&Timed<'_>| {
        timed.group.planned.is_some_and(|(_, estimate)| estimate.basis != Basis::Measured)
    };
    timed.iter().filter(new).fold(Unmeasured::default(), |all, timed| Unmeasured {
        groups: all.groups + 1,
        took_us: all.took_us.saturating_add(timed.us),
    })
}

fn stale(timed: &[Timed<'_>], speeds: &BTreeMap<u32, u64>) -> Vec<Stale> {
    let stale = |timed: &Timed<'_>| {
        let (_, estimate) = timed.group.planned?;
        let took_us = usual_us(timed, speeds);
        let (low, high) = (took_us.min(estimate.us), took_us.max(estimate.us));
        let far = high - low >= WORTH_US && high >= low.saturating_mul(STALE_FACTOR);
        (far && estimate.basis == Basis::Measured).then(|| Stale {
            group: timed.group.id.clone(),
            estimate_us: estimate.us,
            took_us,
        })
    };
    let mut stale: Vec<Stale> = timed.iter().filter_map(stale).collect();
    stale.sort_by_cached_key(|stale| {
        let off = stale.took_us.abs_diff(stale.estimate_us);
        (std::cmp::Reverse(off), stale.group.clone())
    });
    stale
}

/// Whether `us` is shorter than `than` by more than [`WORTH_PERCENT`].
fn clearly_less(us: u64, than: u64) -> bool {
    u128::from(us) * 100 < u128::from(than) * u128::from(100 - WORTH_PERCENT)
}

fn advice(
    longest_us: u64,
    shards: &[ShardReport],
    groups: &[Timed<'_>],
    speeds: &BTreeMap<u32, u64>,
) -> Vec<Advice> {
    let mut times: Vec<u64> = groups.iter().map(|group| usual_us(group, speeds)).collect();
    times.sort_unstable_by_key(|&us| std::cmp::Reverse(us));
    let count = u32::try_from(shards.len()).unwrap_or(SHARDS_MAX);
    let workers = shards.iter().map(|shard| shard.workers).min().unwrap_or(1).max(1);
    let could_us = makespan(&times, count, workers);
    let mut advice = Vec::new();
    if clearly_less(could_us, longest_us) {
        advice.push(Advice::Refresh { could_us });
    }
    let lanes = u128::from(count) * u128::from(workers);
    let total: u128 = times.iter().map(|&us| u128::from(us)).sum();
    let even_us = u64::try_from(total.div_ceil(lanes)).unwrap_or(u64::MAX);
    if !clearly_less(even_us, could_us) || could_us < WORTH_US {
        return advice;
    }
    let longest = groups.iter().max_by_key(|group| usual_us(group, speeds));
    if let Some(longest) = longest.filter(|_| !clearly_less(times[0], could_us)) {
        let group = longest.group.id.clone();
        advice.push(Advice::Split { group, us: times[0], even_us });
    }
    if times.len() <= GROUPS_TRIED_MAX {
        advice.extend(other_shards(&times, count, workers, could_us));
    }
    advice
}

/// The least number of shards that is clearly better, up to twice as many; and the least that is as
/// good.
fn other_shards(times: &[u64], count: u32, workers: u32, could_us: u64) -> Vec<Advice> {
    let least = |from: u32, to: u32, good: &dyn Fn(u64) -> bool| {
        let (mut low, mut high) = (from, to);
        while low < high {
            let middle = low + (high - low) / 2;
            if good(makespan(times, middle, workers)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let could_us = makespan(times, low, workers);
        (low <= to && good(could_us)).then_some((low, could_us))
    };
    let mut advice = Vec::new();
    let most = count.saturating_mul(2).min(SHARDS_MAX);
    if let Some((shards, could_us)) = least(count + 1, most, &|us| clearly_less(us, could_us)) {
        advice.push(Advice::More { shards, could_us });
    }
    if let Some((shards, could_us)) = least(1, count - 1, &|us| us <= could_us) {
        advice.push(Advice::Fewer { shards, could_us });
    }
    advice
}

impl Balance {
    /// What there is to say, a line each: what a reader can do something about comes first.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { longest_us, shortest_us, unmeasured, slow, stale, advice } = self;
        let mut lines: Vec<String> = Vec::new();
        if !advice.is_empty() {
            let (longest, shortest) = (human_time(*longest_us), human_time(*shortest_us));
            lines.push(format!(
                "the longest shard took {longest}, the shortest {shortest}; this can be bettered"
            ));
        }
        lines.extend(advice.iter().map(ToString::to_string));
        lines.extend(slow.iter().map(ToString::to_string));
        if unmeasured.took_us >= WORTH_US {
            lines.push(unmeasured.to_string());
        }
        lines.extend(stale.iter().map(ToString::to_string));
        lines
    }
}

#[cfg(test)]
mod tests;
