//! How fast plans are made and histories read, and how even the plans of a real series come out:
//! `cargo bench --bench plan` prints Markdown for docs/benchmarks.md.
//!
//! The series is a CSV of milliseconds, a line a test and a column a day. `EVENLY_SERIES` names
//! it; `gzip` must be there to unpack it.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use evenly::history::{Estimator, History, Observation, Seen, SuiteFacts};
use evenly::model::{Basis, Estimate, Group, GroupId, Limits, SuiteName, TestId};
use evenly::plan::{Plan, Work, make};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How often each thing is timed.
const TIMED_RUNS: usize = 5;

/// Where the series is when nothing else is said.
const SERIES: &str = "../shared/data/timings/onegov-series.csv.gz";

fn main() -> Outcome {
    // `cargo test --benches` runs this too, but has nothing to learn from it.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    speed(&mut out)?;
    replay(&mut out)
}

fn speed(out: &mut impl Write) -> Outcome {
    writeln!(out, "| what | median | min – max |\n|---|---|---|")?;
    for groups in [100_000, 1_000_000] {
        let work = scattered_work(groups);
        let timed = time(|| work.clone(), |work| make(work, 256, 2));
        writeln!(out, "| plan of {groups} groups over 256 shards × 2 workers | {timed} |")?;
    }
    for tests in [100_000, 1_000_000] {
        let history = big_history(tests);
        let bytes = history.to_bytes();
        let size = format!("{}.{} MB", bytes.len() / 1_000_000, bytes.len() / 100_000 % 10);
        let read = time(|| (), |()| History::read(&bytes));
        writeln!(out, "| read a history of {tests} tests ({size}) | {read} |")?;
        let write = time(|| (), |()| history.to_bytes());
        writeln!(out, "| write it | {write} |")?;
        let observed = || (history.clone(), observations(13, tests));
        let record = time(observed, |(mut history, seen)| {
            history.record(history.next_run(), seen, Vec::new());
            history
        });
        writeln!(out, "| teach it one more run | {record} |")?;
        let view = time(|| (), |()| Estimator::new(&history, None));
        writeln!(out, "| ask it for estimates | {view} |")?;
    }
    Ok(writeln!(out)?)
}

/// Prepares and does a thing some times; only the doing is timed.
fn time<I, O>(prepare: impl Fn() -> I, act: impl Fn(I) -> O) -> String {
    let once = |_| {
        let input = prepare();
        let start = Instant::now();
        let output = act(input);
        let took = start.elapsed();
        drop(output);
        took
    };
    let mut took: Vec<Duration> = (0..TIMED_RUNS).map(once).collect();
    took.sort();
    let ms = |took: Duration| format!("{:.1} ms", took.as_secs_f64() * 1e3);
    let (first, middle, last) = (took[0], took[TIMED_RUNS / 2], took[TIMED_RUNS - 1]);
    format!("{} | {} – {}", ms(middle), ms(first), ms(last))
}

/// A number that looks random, the same each time (splitmix64).
fn scatter(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn test_name(number: u64) -> String {
    let (package, file) = (number / 5_000, number / 50);
    format!("tests/package_{package:03}/test_module_{file:05}.py::TestCase::test_{number:07}")
}

fn suite() -> SuiteName {
    SuiteName::new("web").expect("a plain name")
}

/// Groups in no order at all, from 1 ms to 100 s, the long ones rare.
fn scattered_work(groups: u64) -> Vec<Work<'static>> {
    let mut numbers: Vec<u64> = (0..groups).collect();
    numbers.sort_by_key(|&number| scatter(number));
    let work = |number: u64| Work {
        id: GroupId::new(&suite(), &test_name(number)),
        estimate: Estimate { us: duration_us(number), basis: Basis::Measured },
        exclusive: scatter(number).is_multiple_of(1_000),
        tests: None,
    };
    numbers.into_iter().map(work).collect()
}

fn duration_us(seed: u64) -> u64 {
    100_000_000_000 / (1_000 + scatter(seed ^ 0x5eed) % 99_999_000)
}

fn big_history(tests: u64) -> History {
    let mut history = History::default();
    for run in 1..=12 {
        history.record(12_345_678_900 + run * 1_000_003, observations(run, tests), Vec::new());
    }
    history
}

fn observations(run: u64, tests: u64) -> Vec<Observation> {
    let observation = |number: u64| {
        let name = test_name(number);
        let file = name.split("::").next().expect("a split has a first part");
        Observation {
            group: file.into(),
            test: TestId::new(&suite(), &name),
            seen: Seen::Passed(duration_us(number) + scatter(run * tests + number) % 1_000),
        }
    };
    (0..tests).map(observation).collect()
}

/// A day of the series: each test that ran, with its microseconds.
type Day = BTreeMap<String, u64>;

fn read_series() -> Outcome<Option<Vec<Day>>> {
    let path = env::var("EVENLY_SERIES").unwrap_or_else(|_| SERIES.to_owned());
    let unpacked = Command::new("gzip").args(["-dc", &path]).output()?;
    if !unpacked.status.success() {
        let said = String::from_utf8_lossy(&unpacked.stderr);
        writeln!(io::stderr(), "NO SERIES at `{path}`, so none is replayed: {}", said.trim())?;
        return Ok(None);
    }
    let text = String::from_utf8(unpacked.stdout)?;
    let mut lines = text.lines();
    let days = lines.next().map_or(0, |header| header.split(',').count() - 1);
    let mut series = vec![Day::new(); days];
    for line in lines {
        // A test's parameters may hold commas; the days are the last columns.
        let mut columns: Vec<&str> = line.rsplitn(days + 1, ',').collect();
        let name = columns.pop().ok_or("an empty line")?;
        for (day, ms) in series.iter_mut().zip(columns.into_iter().rev()) {
            if !ms.is_empty() {
                day.insert(name.trim_matches('"').to_owned(), ms.parse::<u64>()? * 1_000);
            }
        }
    }
    Ok(Some(series))
}

/// How a suite is cut into groups.
#[derive(Clone, Copy)]
enum Cut {
    Files,
    Tests,
}

impl Cut {
    fn group(self, test: &str) -> &str {
        match self {
            Self::Files => test.split("::").next().unwrap_or(test),
            Self::Tests => test,
        }
    }

    fn groups(self, day: &Day) -> Vec<Group> {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for test in day.keys() {
            groups.entry(self.group(test)).or_default().push(test.clone());
        }
        let group = |(name, tests)| Group {
            id: GroupId::new(&suite(), name),
            members: Vec::new(),
            tests: Some(tests),
            exclusive: false,
            databases: true,
            aliases: None,
            late: false,
            limits: Limits::default(),
        };
        groups.into_iter().map(group).collect()
    }
}

/// Each day planned from the days before it, then timed with its own times.
fn replay(out: &mut impl Write) -> Outcome {
    let Some(series) = read_series()? else { return Ok(()) };
    writeln!(out, "Makespan ÷ lower bound of the {} days after the first.\n", series.len() - 1)?;
    writeln!(out, "| groups | shards | median | p95 | worst |\n|---|---|---|---|---|")?;
    for (cut, name) in [(Cut::Files, "files"), (Cut::Tests, "tests")] {
        let mut ratios: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        let mut history = History::default();
        for (run, day) in (1..).zip(&series) {
            if run > 1 {
                let groups = cut.groups(day);
                for shards in [8, 16, 32] {
                    let plan = plan(&history, run, &groups, shards)?;
                    ratios.entry(shards).or_default().push(ratio(&plan, &groups, day));
                }
            }
            teach(&mut history, run, cut, day);
        }
        for (shards, mut ratios) in ratios {
            ratios.sort_by(f64::total_cmp);
            let at = |percent: usize| ratios[(ratios.len() - 1) * percent / 100];
            let (median, p95, worst) = (at(50), at(95), at(100));
            writeln!(out, "| {name} | {shards} | {median:.3} | {p95:.3} | {worst:.3} |")?;
        }
    }
    Ok(())
}

fn plan(history: &History, run: u64, groups: &[Group], shards: u32) -> Outcome<Plan> {
    let estimator = Estimator::new(history, Some(run));
    let work = groups.iter().map(|group| {
        let Group { id, tests, exclusive, .. } = group;
        let estimate = estimator.estimate(group);
        Work { id: id.clone(), estimate, exclusive: *exclusive, tests: tests.as_deref() }
    });
    Ok(make(work.collect(), shards, 1)?)
}

/// The longest shard of the day over what no plan could beat: its longest test, or all its time
/// spread evenly.
#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(plan: &Plan, groups: &[Group], day: &Day) -> f64 {
    let tests: BTreeMap<&GroupId, &[String]> = groups
        .iter()
        .map(|group| (&group.id, group.tests.as_deref().unwrap_or_default()))
        .collect();
    let took = |id: &GroupId| tests[id].iter().map(|test| day[test]).sum::<u64>();
    let shards = plan.shards.iter();
    let makespan = shards.map(|shard| shard.groups.iter().map(|group| took(&group.id)).sum());
    let makespan: u64 = makespan.max().unwrap_or(0);
    let even = day.values().sum::<u64>().div_ceil(plan.shards.len() as u64);
    let longest = day.values().copied().max().unwrap_or(0);
    makespan as f64 / even.max(longest).max(1) as f64
}

fn teach(history: &mut History, run: u64, cut: Cut, day: &Day) {
    let observation = |(test, &us): (&String, &u64)| Observation {
        test: TestId::new(&suite(), test),
        group: cut.group(test).into(),
        seen: Seen::Passed(us),
    };
    let facts = SuiteFacts { suite: suite(), workers: 1, overheads_us: Vec::new() };
    history.record(run, day.iter().map(observation).collect(), vec![facts]);
}
