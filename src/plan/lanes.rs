//! Which lane takes which job: longest processing time first (Graham 1969), at most
//! 4/3 − 1/(3·lanes) times the optimum where nothing is exclusive.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the lanes need to know of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Expected duration, microseconds.
    pub(super) us: u64,
    /// Whether it holds all lanes of its shard while it runs.
    pub(super) exclusive: bool,
}

/// Where everything goes.
#[derive(Debug)]
pub(super) struct Placement {
    /// For each job, its shard, from 0.
    pub(super) shard_of: Vec<u32>,
    /// For each shard, when its last lane is done, microseconds.
    pub(super) predicted_us: Vec<u64>,
}

/// The lanes by load; of equals the first. Lanes are numbered over the shards before a second one
/// of the same shard comes, so that few jobs use many shards.
type Lanes = BinaryHeap<Reverse<(u64, usize)>>;

/// Places `jobs`, which come exclusive ones first and then longest first, on `shards × workers`
/// lanes; both are at least 1.
pub(super) fn place(jobs: &[Job], shards: u32, workers: u32) -> Placement {
    debug_assert!(jobs.is_sorted_by_key(|job| (!job.exclusive, Reverse(job.us))), "start order");
    let shards = shards as usize;
    // A shard cannot keep more lanes busy than there are jobs.
    let workers = (workers as usize).min(jobs.len().max(1));
    let (alone, shared) = jobs.split_at(jobs.partition_point(|job| job.exclusive));
    let mut shard_of = Vec::with_capacity(jobs.len());

    let mut whole: Lanes = (0..shards).map(|shard| Reverse((0, shard))).collect();
    fill(&mut whole, alone, shards, &mut shard_of);
    let taken = loads(whole, shards);

    let start = |lane: usize| Reverse((taken[lane % shards], lane));
    let mut lanes: Lanes = (0..shards * workers).map(start).collect();
    fill(&mut lanes, shared, shards, &mut shard_of);
    Placement { shard_of, predicted_us: loads(lanes, shards) }
}

/// Gives each job to the least loaded lane.
fn fill(lanes: &mut Lanes, jobs: &[Job], shards: usize, shard_of: &mut Vec<u32>) {
    for job in jobs {
        let mut least = lanes.peek_mut().expect("there is at least one lane");
        let Reverse((load, lane)) = &mut *least;
        *load = load.saturating_add(job.us);
        shard_of.push(u32::try_from(*lane % shards).expect("the number of shards is a u32"));
    }
}

/// For each shard, the load of its fullest lane.
fn loads(lanes: Lanes, shards: usize) -> Vec<u64> {
    let mut fullest = vec![0; shards];
    for Reverse((load, lane)) in lanes {
        let shard = &mut fullest[lane % shards];
        *shard = load.max(*shard);
    }
    fullest
}
