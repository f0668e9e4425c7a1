//! Plans make observations and observations make plans: the loop must come to rest, also when one
//! machine is slower than the others.

use std::collections::BTreeMap;

use evenly::history::{Estimator, History, Observation, Seen, Speeds, Timed};
use evenly::model::{Group, GroupId, Limits, SuiteName, TestId};
use evenly::plan::{Plan, Work, make};

const RUNS: u64 = 50;
const SHARDS: u32 = 4;
const FILES: u64 = 60;
const TESTS_PER_FILE: u64 = 3;
/// Runs after which the loop has to be at rest.
const SETTLED: u64 = 6;

/// A number that looks random, the same each time (splitmix64).
fn scatter(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn suite() -> SuiteName {
    SuiteName::new("s").unwrap()
}

fn test_name(file: u64, test: u64) -> String {
    format!("file_{file:02}.py::test_{test}")
}

/// What a test takes on a machine of the usual speed, microseconds: 0.1 to 5 s.
fn truth(file: u64, test: u64) -> u64 {
    100_000 + scatter(file * 1_000 + test) % 4_900_000
}

fn groups() -> Vec<(u64, Group)> {
    let group = |file: u64| Group {
        id: GroupId::new(&suite(), &format!("file_{file:02}.py")),
        members: Vec::new(),
        tests: Some((0..TESTS_PER_FILE).map(|test| test_name(file, test)).collect()),
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    };
    (0..FILES).map(|file| (file, group(file))).collect()
}

/// How a simulated run goes.
struct World {
    /// What a shard of a run takes for the same, in percent of the usual.
    shard_percent: fn(run: u64, shard: u32) -> u64,
    /// The same for a file, whatever the machine.
    file_percent: fn(run: u64, file: u64) -> u64,
    /// Whether machines' speeds are evened out, as `evenly merge` does.
    evened: bool,
}

/// What was seen over the runs.
struct Seen50 {
    history: History,
    /// For each run, what each shard's groups take on a machine of the usual speed, microseconds.
    loads: Vec<Vec<u64>>,
}

impl World {
    fn go(&self) -> Seen50 {
        let mut history = History::default();
        let mut loads = Vec::new();
        let groups = groups();
        let files: BTreeMap<&GroupId, u64> =
            groups.iter().map(|(file, group)| (&group.id, *file)).collect();
        for run in 1..=RUNS {
            let before = Estimator::new(&history, Some(run));
            let work = groups.iter().map(|(_, group)| Work {
                id: group.id.clone(),
                estimate: before.estimate(group),
                exclusive: false,
                tests: group.tests.as_deref(),
            });
            let plan = make(work.collect(), SHARDS, 1).unwrap();
            let (seen, of_shards) = self.run(run, &plan, &files);
            loads.push(of_shards);
            let speeds = if self.evened { Speeds::of(&before, &seen) } else { Speeds::default() };
            let observations = speeds.evened(seen);
            history.record(run, observations, Vec::new());
        }
        Seen50 { history, loads }
    }

    fn run(
        &self,
        run: u64,
        plan: &Plan,
        files: &BTreeMap<&GroupId, u64>,
    ) -> (Vec<Timed>, Vec<u64>) {
        let mut seen = Vec::new();
        let mut loads = Vec::new();
        for shard in &plan.shards {
            let mut load = 0;
            for group in &shard.groups {
                let file = files[&group.id];
                for test in 0..TESTS_PER_FILE {
                    let usual = truth(file, test) * (self.file_percent)(run, file) / 100;
                    load += usual;
                    let noise = 90 + scatter(run * 1_000_000 + file * 1_000 + test) % 21;
                    let percent = (self.shard_percent)(run, shard.index) * noise / 100;
                    let observation = Observation {
                        test: TestId::new(&suite(), &test_name(file, test)),
                        group: (*group.id.name).into(),
                        seen: Seen::Passed(usual * percent / 100),
                    };
                    seen.push(Timed { shard: shard.index, observation });
                }
            }
            loads.push(load);
        }
        (seen, loads)
    }
}

/// The estimate furthest from the truth, as of a run, in percent of it.
fn worst_percent(history: &History, as_of: u64) -> u64 {
    let estimator = Estimator::new(history, Some(as_of));
    let tests = (0..FILES).flat_map(|file| (0..TESTS_PER_FILE).map(move |test| (file, test)));
    let off = tests.map(|(file, test)| {
        let estimate = estimator.test_us(&suite(), &test_name(file, test)).unwrap();
        estimate.abs_diff(truth(file, test)) * 100 / truth(file, test)
    });
    off.max().unwrap()
}

/// How far a shard's part of the work is from the mean at most, once settled, in percent of it.
fn swing_percent(loads: &[Vec<u64>]) -> u64 {
    let settled = loads.iter().skip(usize::try_from(SETTLED).unwrap());
    let swing = |of_run: &Vec<u64>| {
        let mean = of_run.iter().sum::<u64>() / u64::from(SHARDS);
        of_run.iter().map(|load| load.abs_diff(mean) * 100 / mean).max().unwrap()
    };
    settled.map(swing).max().unwrap()
}

fn one_slow(_run: u64, shard: u32) -> u64 {
    if shard == 2 { 200 } else { 100 }
}

fn another_each_run(run: u64, shard: u32) -> u64 {
    if u64::from(shard) == run % u64::from(SHARDS) + 1 { 200 } else { 100 }
}

fn usual(_run: u64, _of: u64) -> u64 {
    100
}

#[test]
fn with_one_slow_machine_estimates_come_to_the_truth_and_plans_to_rest() {
    for shard_percent in [one_slow, another_each_run] {
        let world = World { shard_percent, file_percent: usual, evened: true };
        let Seen50 { history, loads } = world.go();
        // Only the newest runs are still there to be asked as of.
        for as_of in [RUNS - 8, RUNS - 3, RUNS + 1] {
            let worst = worst_percent(&history, as_of);
            assert!(worst <= 20, "as of {as_of} an estimate is {worst} % off");
        }
        let swing = swing_percent(&loads);
        assert!(swing <= 6, "a shard's part is {swing} % off the mean");

        // It is the evening out that does it.
        let Seen50 { history, loads } =
            World { shard_percent, file_percent: usual, evened: false }.go();
        assert!(worst_percent(&history, RUNS + 1) > 40);
        assert!(swing_percent(&loads) > 8, "{}", swing_percent(&loads));
    }
}

#[test]
fn what_becomes_slow_by_itself_is_learnt() {
    fn from_run_30(run: u64, file: u64) -> u64 {
        if run >= 30 && file.is_multiple_of(10) { 300 } else { 100 }
    }
    let world = World { shard_percent: one_slow, file_percent: from_run_30, evened: true };
    let Seen50 { history, .. } = world.go();
    let estimator = Estimator::new(&history, None);
    for file in (0..FILES).step_by(10) {
        let estimate = estimator.test_us(&suite(), &test_name(file, 0)).unwrap();
        let now = truth(file, 0) * 3;
        assert!(estimate.abs_diff(now) * 5 <= now, "{estimate} is not {now}");
    }
}

#[test]
fn what_slows_down_everywhere_is_learnt() {
    fn from_run_30(run: u64, _shard: u32) -> u64 {
        if run >= 30 { 150 } else { 100 }
    }
    let world = World { shard_percent: from_run_30, file_percent: usual, evened: true };
    let Seen50 { history, .. } = world.go();
    let worst = worst_percent(&history, RUNS + 1);
    assert!((35..=70).contains(&worst), "{worst}");
}
