//! How many shards: as few as are done in time.
//!
//! Pure. A job waits for its slowest lane and for what it costs beside its groups; its provider
//! bills it by whole minutes begun.

/// A minute, microseconds.
const MINUTE_US: u64 = 60_000_000;

/// What a run is asked to keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// How long the slowest job may take, microseconds.
    pub target_us: u64,
    /// The fewest shards, at least 1.
    pub min: u32,
    /// The most shards, at least `min`.
    pub max: u32,
    /// What a job costs beside its groups, microseconds.
    pub fixed_us: u64,
}

/// What a number of shards comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many shards.
    pub shards: u32,
    /// How long the slowest job takes, microseconds.
    pub wait_us: u64,
    /// What all jobs together are billed, minutes.
    pub billed_min: u64,
}

/// A number of shards, and what its neighbours would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizing {
    /// What was chosen.
    pub chosen: Size,
    /// One shard fewer; none below 1.
    pub fewer: Option<Size>,
    /// One shard more.
    pub more: Size,
    /// Whether it is done in time.
    pub met: Met,
}

/// Whether a target can be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It is.
    Yes,
    /// With more shards than are allowed it may be.
    TooFew,
    /// Something that cannot be split takes longer by itself.
    Indivisible,
}

/// Chooses the fewest shards that are done in time. Where something indivisible takes longer by
/// itself, the fewest that are done about as soon as it is; where too few are allowed, as many as
/// are.
///
/// `longest_us` is what takes longest and cannot be split, `lane_us` all groups on one shard,
/// `predict` says when each of so many shards is done, all microseconds.
pub fn size(
    wish: Wish,
    longest_us: u64,
    lane_us: u64,
    mut predict: impl FnMut(u32) -> Vec<u64>,
) -> Sizing {
    let Wish { target_us, min, max, fixed_us } = wish;
    let alone_us = longest_us.saturating_add(fixed_us);
    let indivisible = alone_us > target_us;
    // A shard that waits for the longest may take a hundredth more.
    let limit_us = if indivisible { alone_us.saturating_add(alone_us / 100) } else { target_us };
    let mut of = |shards| Size::of(shards, fixed_us, &predict(shards));
    // Fewer cannot do, however even they are.
    let room_us = limit_us.saturating_sub(fixed_us).max(1);
    let least = u32::try_from(lane_us.div_ceil(room_us)).unwrap_or(u32::MAX).clamp(min, max);
    let mut chosen = of(least);
    while chosen.wait_us > limit_us && chosen.shards < max {
        chosen = of(chosen.shards + 1);
    }
    let met = match (chosen.wait_us <= target_us, indivisible) {
        (true, _) => Met::Yes,
        (false, true) => Met::Indivisible,
        (false, false) => Met::TooFew,
    };
    let fewer = (chosen.shards > 1).then(|| of(chosen.shards - 1));
    Sizing { chosen, fewer, more: of(chosen.shards.saturating_add(1)), met }
}

impl Size {
    /// What so many shards come to that are done then.
    #[must_use]
    pub fn of(shards: u32, fixed_us: u64, predicted_us: &[u64]) -> Self {
        let job = |us: &u64| us.saturating_add(fixed_us);
        let minutes = |us: u64| us.div_ceil(MINUTE_US).max(1);
        Self {
            shards,
            wait_us: predicted_us.iter().map(job).max().unwrap_or(fixed_us),
            billed_min: predicted_us.iter().map(|us| minutes(job(us))).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000_000;

    /// Groups of one second each, as even as can be.
    fn even(seconds: u64) -> impl Fn(u32) -> Vec<u64> {
        move |shards| {
            let shards = u64::from(shards);
            (0..shards)
                .map(|at| (seconds / shards + u64::from(at < seconds % shards)) * S)
                .collect()
        }
    }

    fn wish(target: u64, fixed: u64) -> Wish {
        Wish { target_us: target * S, min: 1, max: 200, fixed_us: fixed * S }
    }

    #[test]
    fn as_few_as_are_done_in_time() {
        let sizing = size(wish(300, 60), S, 1_000 * S, even(1_000));
        // 1000 s of tests over 5 shards, a minute of something else each.
        let chosen = Size { shards: 5, wait_us: 260 * S, billed_min: 25 };
        let fewer = Size { shards: 4, wait_us: 310 * S, billed_min: 24 };
        let more = Size { shards: 6, wait_us: 227 * S, billed_min: 24 };
        assert_eq!(sizing, Sizing { chosen, fewer: Some(fewer), more, met: Met::Yes });
    }

    #[test]
    fn bounds_hold() {
        let bounded =
            |min, max| size(Wish { min, max, ..wish(300, 60) }, S, 1_000 * S, even(1_000));
        assert_eq!(bounded(8, 10).chosen.shards, 8);
        assert_eq!((bounded(1, 3).chosen.shards, bounded(1, 3).met), (3, Met::TooFew));
        assert_eq!(size(wish(300, 60), S, 10 * S, even(10)).fewer, None);
    }

    #[test]
    fn one_that_cannot_be_split_is_waited_for_and_no_more() {
        let predict = |shards: u32| {
            let mut shards = even(1_000)(shards);
            shards[0] = shards[0].max(400 * S);
            shards
        };
        let sizing = size(wish(300, 60), 400 * S, 1_000 * S, predict);
        assert_eq!((sizing.chosen.shards, sizing.met), (3, Met::Indivisible));
    }

    #[test]
    fn what_a_job_costs_can_be_too_much_alone() {
        let sizing = size(wish(60, 90), S, 10 * S, even(10));
        assert_eq!((sizing.met, sizing.chosen.wait_us), (Met::Indivisible, 91 * S));
    }

    proptest! {
        #[test]
        fn nothing_is_too_large_and_bounds_always_hold(
            target_us: u64, fixed_us: u64, longest: u64, lane: u64,
            min in 1..20_u32, more in 0..20_u32
        ) {
            let wish = Wish { target_us, min, max: min + more, fixed_us };
            let sizing = size(wish, longest, lane, even(1_000));
            prop_assert!((min..=min + more).contains(&sizing.chosen.shards));
            prop_assert_eq!(sizing.met == Met::Yes, sizing.chosen.wait_us <= target_us);
        }
    }
}
