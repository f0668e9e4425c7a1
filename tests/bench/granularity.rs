//! How even the plans of a real series come out where groups are split as needed, and into how many
//! groups: `cargo bench --bench granularity` prints Markdown for docs/benchmarks.md.

mod series;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, Write};

use evenly::framework::{Naming, Reading, Selects};
use evenly::history::{Estimator, History, Observation, Seen, SuiteFacts};
use evenly::model::{Granularity, Group, GroupId, Limits, Member, SuiteName, TestId};
use evenly::plan::{Grainer, Unit, Ways, Work, make};

use series::{Day, read_series};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How pytest's tests are named and selected.
const PYTEST: Reading = Reading::Junit { naming: Naming::Pytest, selects: Selects::Test };
/// What a group costs beyond its tests, microseconds.
const OVERHEADS_US: [u64; 3] = [0, 1_000_000, 5_000_000];

fn main() -> Outcome {
    // `cargo test --benches` runs this too, but has nothing to learn from it.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let Some(series) = read_series()? else { return Ok(()) };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Makespan ÷ lower bound, both with what groups cost, and groups for each test.\n"
    )?;
    writeln!(out, "| groups | a group costs | shards | median | p95 | worst | most groups |")?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for overhead_us in OVERHEADS_US {
        for (name, granularity) in [("files", Granularity::File), ("auto", Granularity::Auto)] {
            let replayed = replay(&series, granularity, overhead_us)?;
            for (shards, mut days) in replayed {
                days.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
                let at = |percent: usize| days[(days.len() - 1) * percent / 100].ratio;
                let most = days.iter().map(|day| day.groups_each_test).fold(0.0, f64::max);
                writeln!(
                    out,
                    "| {name} | {} s | {shards} | {:.3} | {:.3} | {:.3} | {most:.3} |",
                    overhead_us / 1_000_000,
                    at(50),
                    at(95),
                    at(100)
                )?;
            }
        }
    }
    Ok(())
}

/// How one day's plan came out.
struct Planned {
    ratio: f64,
    groups_each_test: f64,
}

/// Each day planned from the days before it, then timed with its own times.
fn replay(
    series: &[Day],
    granularity: Granularity,
    overhead_us: u64,
) -> Outcome<BTreeMap<u32, Vec<Planned>>> {
    let mut replayed: BTreeMap<u32, Vec<Planned>> = BTreeMap::new();
    let mut history = History::default();
    for (run, day) in (1..).zip(series) {
        if run > 1 {
            let files = files(day);
            let estimator = Estimator::new(&history, Some(run));
            for shards in [8, 16, 32] {
                let planned = plan(&files, &estimator, granularity, shards, day, overhead_us)?;
                replayed.entry(shards).or_default().push(planned);
            }
        }
        teach(&mut history, run, day, overhead_us);
    }
    Ok(replayed)
}

#[expect(clippy::cast_precision_loss, reason = "ratios for people")]
fn plan(
    files: &[Group],
    estimator: &Estimator<'_>,
    granularity: Granularity,
    shards: u32,
    day: &Day,
    overhead_us: u64,
) -> Outcome<Planned> {
    let ways = Ways {
        estimate: &|group| estimator.estimate(group),
        tests_us: &|group| estimator.tests_us(group),
        nesting: &|group, test| PYTEST.nesting(&group.id.name, test),
        members: &members,
        granularity: &|_| granularity,
        keeps: &|_| false,
    };
    let groups = Grainer::new(files, &ways).parts(shards, 1).replace(files.to_vec()).groups;
    let work = groups.iter().map(|group| Work {
        id: group.id.clone(),
        estimate: estimator.estimate(group),
        exclusive: false,
        tests: group.tests.as_deref(),
    });
    let plan = make(work.collect(), shards, 1)?;
    let tests: BTreeMap<&GroupId, &Group> = groups.iter().map(|group| (&group.id, group)).collect();
    let took = |id: &GroupId| {
        let tests = tests[id].tests.iter().flatten();
        tests.map(|test| day[test]).sum::<u64>() + overhead_us
    };
    let shard_us = plan
        .shards
        .iter()
        .map(|shard| shard.groups.iter().map(|group| took(&group.id)).sum::<u64>());
    let makespan = shard_us.max().unwrap_or(0);
    // No plan does with fewer groups than there are files.
    let least = day.values().sum::<u64>() + overhead_us * files.len() as u64;
    let longest = day.values().copied().max().unwrap_or(0) + overhead_us;
    let bound = least.div_ceil(u64::from(shards)).max(longest).max(1);
    Ok(Planned {
        ratio: makespan as f64 / bound as f64,
        groups_each_test: groups.len() as f64 / day.len().max(1) as f64,
    })
}

fn members(group: &Group, units: &[Unit<'_>]) -> Vec<Member> {
    let of = |unit: &Unit<'_>| PYTEST.members(&group.members, unit.name, &unit.tests);
    units.iter().flat_map(of).collect()
}

fn suite() -> SuiteName {
    SuiteName::new("web").expect("a plain name")
}

fn file(test: &str) -> &str {
    test.split("::").next().unwrap_or(test)
}

fn files(day: &Day) -> Vec<Group> {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for test in day.keys() {
        files.entry(file(test)).or_default().push(test.clone());
    }
    let group = |(name, tests): (&str, Vec<String>)| Group {
        id: GroupId::new(&suite(), name),
        members: vec![Member { name: name.into(), argument: name.into() }],
        tests: Some(tests),
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    };
    files.into_iter().map(group).collect()
}

fn teach(history: &mut History, run: u64, day: &Day, overhead_us: u64) {
    let observation = |(test, &us): (&String, &u64)| Observation {
        test: TestId::new(&suite(), test),
        group: file(test).into(),
        seen: Seen::Passed(us),
    };
    let facts = SuiteFacts { suite: suite(), workers: 1, overheads_us: vec![overhead_us] };
    history.record(run, day.iter().map(observation).collect(), vec![facts]);
}
