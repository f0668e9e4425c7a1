//! Which lane takes which job: longest processing time first (Graham 1969), at most
//! 4/3 − 1/(3·lanes) times the optimum where nothing is exclusive; then made better where it is
//! still far from what no placement can beat (see [`better`]).

mod better;

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
type Heap = BinaryHeap<Reverse<(u64, usize)>>;

/// Places `jobs`, which come exclusive ones first and then longest first, on `shards × workers`
/// lanes; both are at least 1.
pub(super) fn place(jobs: &[Job], shards: u32, workers: u32) -> Placement {
    debug_assert!(jobs.is_sorted_by_key(|job| (!job.exclusive, Reverse(job.us))), "start order");
    let shards = shards as usize;
    // A shard cannot keep more lanes busy than there are jobs.
    let workers = (workers as usize).min(jobs.len().max(1));
    let (alone, shared) = jobs.split_at(jobs.partition_point(|job| job.exclusive));
    let mut shard_of = Vec::with_capacity(jobs.len());

    let mut whole: Heap = (0..shards).map(|shard| Reverse((0, shard))).collect();
    shard_of.extend(fill(&mut whole, alone));
    let taken = fullest(&loads(whole), shards);

    let start: Vec<u64> = (0..shards * workers).map(|lane| taken[lane % shards]).collect();
    let mut lanes: Heap = (0..).zip(&start).map(|(lane, &us)| Reverse((us, lane))).collect();
    let mut lane_of = fill(&mut lanes, shared);
    let loads = loads(lanes);
    let mut predicted_us = fullest(&loads, shards);
    // A shard's workers pull from one queue and don't keep to lanes: what that gives counts.
    if let Some(other) = better::improve(shared, &start, &loads, &lane_of) {
        let queued = queues(shared, &other, &taken, workers);
        if queued.iter().max() < predicted_us.iter().max() {
            (lane_of, predicted_us) = (other, queued);
        }
    }
    shard_of.extend(lane_of);
    let home = |lane: usize| u32::try_from(lane % shards).expect("the number of shards is a u32");
    Placement { shard_of: shard_of.into_iter().map(home).collect(), predicted_us }
}

/// Gives each job to the least loaded lane.
fn fill(lanes: &mut Heap, jobs: &[Job]) -> Vec<usize> {
    let give = |job: &Job| {
        let mut least = lanes.peek_mut().expect("there is at least one lane");
        let Reverse((load, lane)) = &mut *least;
        *load = load.saturating_add(job.us);
        *lane
    };
    jobs.iter().map(give).collect()
}

/// The load of each lane.
fn loads(lanes: Heap) -> Vec<u64> {
    let mut loads = vec![0; lanes.len()];
    for Reverse((load, lane)) in lanes {
        loads[lane] = load;
    }
    loads
}

/// For each shard, the load of its fullest lane.
fn fullest(loads: &[u64], shards: usize) -> Vec<u64> {
    let of_shard = |shard| loads.iter().skip(shard).step_by(shards).copied().max().unwrap_or(0);
    (0..shards).map(of_shard).collect()
}

/// For each shard, when its workers are done that pull its jobs from one queue, longest first.
fn queues(jobs: &[Job], lane_of: &[usize], taken: &[u64], workers: usize) -> Vec<u64> {
    let shards = taken.len();
    let mut own: Vec<Vec<Job>> = vec![Vec::new(); shards];
    for (job, lane) in jobs.iter().zip(lane_of) {
        own[lane % shards].push(*job);
    }
    let done = |(jobs, &taken): (Vec<Job>, &u64)| {
        let mut lanes: Heap = (0..workers).map(|lane| Reverse((taken, lane))).collect();
        fill(&mut lanes, &jobs);
        loads(lanes).into_iter().max().unwrap_or(taken)
    };
    own.into_iter().zip(taken).map(done).collect()
}
