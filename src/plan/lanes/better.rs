//! Makes a placement better than longest first leaves it, where that is worth while: few jobs, or
//! jobs of nearly one length. With many jobs of many lengths nothing is left to gain.
//!
//! Few jobs are tried out in all ways, cutting off what cannot become better. Of more, jobs of the
//! fullest lane are moved or exchanged as long as that helps. Both count what they try and stop at
//! a limit, never at a time: so every machine finds the same.

use super::Job;

/// A placement so near to what nothing can beat is left alone, thousandths.
const GAP_PER_MILLE: u64 = 1;

/// Up to so many jobs are tried out in all ways.
const JOBS_SEARCHED_MAX: usize = 24;

/// How many jobs are put on a lane in a search.
const TRIED_MAX: u32 = 200_000;

/// How many exchanges are weighed: some tens of milliseconds.
const WEIGHED_MAX: u64 = 20_000_000;

/// A lane for each job with which the last lane is done earlier than with `lane_of`, if one is
/// found. `start` says when each lane is free, `loads` when it is done; jobs come longest first.
pub(super) fn improve(
    jobs: &[Job],
    start: &[u64],
    loads: &[u64],
    lane_of: &[usize],
) -> Option<Vec<usize>> {
    let bound = bound(jobs, start);
    let fullest = loads.iter().copied().max().unwrap_or(0);
    if fullest <= good_enough(bound) {
        return None;
    }
    if jobs.len() <= JOBS_SEARCHED_MAX {
        return search(jobs, start, fullest, bound);
    }
    exchange(jobs, loads, lane_of, bound)
}

/// What no placement can beat: the longest job, the mean of all lanes, the fullest at the start.
fn bound(jobs: &[Job], start: &[u64]) -> u64 {
    let all = start.iter().copied().chain(jobs.iter().map(|job| job.us));
    let mean = all.map(u128::from).sum::<u128>().div_ceil(start.len().max(1) as u128);
    let free = start.iter().copied().min().unwrap_or(0);
    let longest = jobs.first().map_or(0, |job| free.saturating_add(job.us));
    let busy = start.iter().copied().max().unwrap_or(0);
    u64::try_from(mean).unwrap_or(u64::MAX).max(longest).max(busy)
}

fn good_enough(bound: u64) -> u64 {
    bound.saturating_add(bound / 1_000 * GAP_PER_MILLE)
}

/// All ways to place a few jobs, but for those that cannot be better than the best so far.
struct Search<'a> {
    jobs: &'a [Job],
    /// For each job, the sum of it and all after it.
    rest: Vec<u128>,
    loads: Vec<u64>,
    lane_of: Vec<usize>,
    best: u64,
    best_lane_of: Option<Vec<usize>>,
    bound: u64,
    tries: u32,
}

fn search(jobs: &[Job], start: &[u64], best: u64, bound: u64) -> Option<Vec<usize>> {
    let sum = |at: usize| jobs[at..].iter().map(|job| u128::from(job.us)).sum();
    let mut search = Search {
        jobs,
        rest: (0..jobs.len()).map(sum).collect(),
        loads: start.to_vec(),
        lane_of: Vec::with_capacity(jobs.len()),
        best,
        best_lane_of: None,
        bound,
        tries: TRIED_MAX,
    };
    search.go_on();
    search.best_lane_of
}

impl Search<'_> {
    /// Places the next job in every way that can still be better.
    fn go_on(&mut self) {
        let Some(Job { us, .. }) = self.jobs.get(self.lane_of.len()).copied() else {
            let done = self.loads.iter().copied().max().unwrap_or(0);
            if done < self.best {
                self.best = done;
                self.best_lane_of = Some(self.lane_of.clone());
            }
            return;
        };
        let rest = self.rest[self.lane_of.len()];
        for lane in 0..self.loads.len() {
            let load = self.loads[lane];
            let alike = self.loads[..lane].contains(&load);
            if alike || load.saturating_add(us) >= self.best || rest > self.room() {
                continue;
            }
            if self.best <= self.bound || self.tries == 0 {
                return;
            }
            self.tries -= 1;
            self.loads[lane] = load + us;
            self.lane_of.push(lane);
            self.go_on();
            self.lane_of.pop();
            self.loads[lane] = load;
        }
    }

    /// What the lanes can still take and be done earlier than the best so far.
    fn room(&self) -> u128 {
        let limit = self.best.saturating_sub(1);
        self.loads.iter().map(|&load| u128::from(limit.saturating_sub(load))).sum()
    }
}

/// One change: a job of the fullest lane goes to another one, for a shorter job or none.
#[derive(Clone, Copy)]
struct Exchange {
    /// When the later of the two lanes is done.
    done: u64,
    lane: usize,
    /// Positions in the lanes' lists.
    gives: usize,
    takes: Option<usize>,
}

fn exchange(jobs: &[Job], loads: &[u64], lane_of: &[usize], bound: u64) -> Option<Vec<usize>> {
    let mut loads = loads.to_vec();
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); loads.len()];
    for (job, &lane) in lane_of.iter().enumerate() {
        own[lane].push(job);
    }
    let mut weighed = WEIGHED_MAX;
    let mut changed = false;
    while let Some(full) = (0..loads.len()).rev().max_by_key(|&lane| loads[lane])
        && loads[full] > good_enough(bound)
        && let Some(Exchange { done: _, lane, gives, takes }) =
            best_exchange(jobs, &loads, &own, full, &mut weighed)
    {
        let given = own[full].swap_remove(gives);
        loads[full] -= jobs[given].us;
        loads[lane] += jobs[given].us;
        if let Some(takes) = takes {
            let taken = own[lane].swap_remove(takes);
            loads[lane] -= jobs[taken].us;
            loads[full] += jobs[taken].us;
            own[full].push(taken);
        }
        own[lane].push(given);
        changed = true;
    }
    let mut lane_of = lane_of.to_vec();
    for (lane, own) in own.into_iter().enumerate() {
        for job in own {
            lane_of[job] = lane;
        }
    }
    changed.then_some(lane_of)
}

/// The exchange after which the two lanes are done earliest, if that is earlier than now.
fn best_exchange(
    jobs: &[Job],
    loads: &[u64],
    own: &[Vec<usize>],
    full: usize,
    weighed: &mut u64,
) -> Option<Exchange> {
    let mut best = Exchange { done: loads[full], lane: full, gives: 0, takes: None };
    for (gives, &given) in own[full].iter().enumerate() {
        for lane in (0..loads.len()).filter(|&lane| lane != full) {
            *weighed = weighed.checked_sub(own[lane].len() as u64 + 1)?;
            let none = std::iter::once((None, 0));
            let each = own[lane].iter().enumerate().map(|(at, &job)| (Some(at), jobs[job].us));
            for (takes, us) in none.chain(each) {
                let there = loads[lane].saturating_add(jobs[given].us - us.min(jobs[given].us));
                let done = there.max(loads[full] - jobs[given].us + us);
                if us < jobs[given].us && done < best.done {
                    best = Exchange { done, lane, gives, takes };
                }
            }
        }
    }
    (best.lane != full).then_some(best)
}
