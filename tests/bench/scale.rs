//! What the commands take on large suites, from their start to their end:
//! `cargo bench --bench scale [-- ROUNDS]` prints Markdown for docs/benchmarks.md.
//!
//! GNU `time` (Debian's package `time`) measures; without it there is no figure for memory, so
//! this fails.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use evenly::history::{History, Observation, Seen};
use evenly::model::{
    AssignedGroup, Basis, DiscoveredGroup, Estimate, Event, FORMAT, GroupFinished, GroupId,
    Outcome, Output, ProcessEnd, RunKey, RunStarted, Shard, SuiteName, TestId, TestResult, Verdict,
};

mod machine;

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Rounds, unless the first argument says otherwise.
const ROUNDS: usize = 5;
/// Tests of a group in the journals: a file of tests.
const GROUP_TESTS: u64 = 50;
/// Shards of the run that is merged.
const MERGED_SHARDS: u32 = 20;
/// Runs that a history knows: as many durations of a test as are kept.
const RUNS: u64 = 12;

fn main() -> Done {
    // `cargo test --benches` runs this too, but has nothing to learn from it.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(ROUNDS).max(1);
    let scratch = tempfile::tempdir()?;
    let dir = scratch.path();
    let mut out = io::stdout().lock();
    writeln!(out, "{}, {rounds} rounds.\n", machine::describe()?)?;
    writeln!(out, "| what | wall min | median | max | CPU median | memory at most |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for tests in [100_000, 1_000_000] {
        project(dir, tests)?;
        let plan = ["plan", "--shards", "256", "--json"];
        let costs = measure(dir, &plan, rounds)?;
        writeln!(out, "| `evenly plan` of {tests} ids over 256 shards | {costs} |")?;
        let run = ["run", "--shard", "1/256", "--workers", "2", "--output", "failed"];
        let costs = measure(dir, &run, rounds)?;
        let own = tests.div_ceil(256);
        writeln!(out, "| `evenly run` of {own} of them (`true`) | {costs} |")?;
        history(dir, tests)?;
        let plan = ["plan", "--shards", "256", "--json", "--history", "known.jsonl"];
        let costs = measure(dir, &plan, rounds)?;
        writeln!(
            out,
            "| `evenly plan` of {tests} ids, {RUNS} runs of which are known | {costs} |"
        )?;
        let costs = measure(dir, &["history", "show", "--history", "known.jsonl"], rounds)?;
        writeln!(out, "| `evenly history show` of that history | {costs} |")?;
    }
    for tests in [100_000, 1_000_000] {
        journals(dir, tests)?;
        let merge = ["merge", "journals", "--history", "history.jsonl"];
        // The history of an earlier run is there as a rule.
        measure(dir, &merge, 1)?;
        let costs = measure(dir, &merge, rounds)?;
        let what = format!("`evenly merge` of {MERGED_SHARDS} journals with {tests} tests in all");
        writeln!(out, "| {what} | {costs} |")?;
    }
    Ok(())
}

/// Runs evenly some times; gives the cells of the table.
fn measure(dir: &Path, args: &[&str], rounds: usize) -> Done<String> {
    let (mut wall, mut cpu, mut kib) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..rounds {
        let mut command = Command::new("time");
        command.args(["--format", "%e %U %S %M", "--output", "cost"]);
        command.arg(env!("CARGO_BIN_EXE_evenly")).args(args);
        let status = command.current_dir(dir).stdout(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("{command:?}: {status}").into());
        }
        let cost = fs::read_to_string(dir.join("cost"))?;
        let cost: Vec<f64> = cost.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [elapsed, user, system, peak] = cost[..] else {
            return Err(format!("not what `time` prints: {cost:?}").into());
        };
        wall.push(elapsed);
        cpu.push(user + system);
        kib = kib.max(peak);
    }
    wall.sort_by(f64::total_cmp);
    cpu.sort_by(f64::total_cmp);
    let (least, middle, most) = (wall[0], wall[rounds / 2], wall[rounds - 1]);
    let cpu = cpu[rounds / 2];
    Ok(format!("{least:.2} s | {middle:.2} s | {most:.2} s | {cpu:.2} s | {:.0} MiB", kib / 1024.0))
}

/// A project whose `discover` prints so many ids.
fn project(dir: &Path, tests: u64) -> Done {
    let mut ids = BufWriter::new(File::create(dir.join("ids"))?);
    for number in 0..tests {
        writeln!(ids, "{}::{}", file_name(number / GROUP_TESTS), test_name(number))?;
    }
    ids.flush()?;
    let config = "[[suite]]\nname = \"web\"\nframework = \"command\"\ndiscover = \"cat ids\"\n\
                  run = \"true {tests}\"\nresults = \"exit-status\"\n";
    Ok(fs::write(dir.join("evenly.toml"), config)?)
}

/// A history that knows so many tests from some runs.
fn history(dir: &Path, tests: u64) -> Done {
    let suite = SuiteName::new("web")?;
    let mut history = History::default();
    for run in 1..=RUNS {
        let observation = |number: u64| {
            let name = format!("{}::{}", file_name(number / GROUP_TESTS), test_name(number));
            Observation {
                group: name.as_str().into(),
                test: TestId::new(&suite, &name),
                seen: Seen::Passed(1_000 + (number * run) % 99_991),
            }
        };
        history.record(run, (0..tests).map(observation).collect(), Vec::new());
    }
    Ok(fs::write(dir.join("known.jsonl"), history.to_bytes())?)
}

fn file_name(number: u64) -> String {
    format!("tests/package_{:03}/test_module_{number:05}.py", number / 100)
}

fn test_name(number: u64) -> String {
    format!("TestCase::test_{number:07}")
}

/// The journals of a green run of so many tests.
fn journals(dir: &Path, tests: u64) -> Done {
    let suite = SuiteName::new("web")?;
    let groups: Vec<DiscoveredGroup> = (0..tests / GROUP_TESTS).map(listed).collect();
    let folder = dir.join("journals");
    fs::create_dir_all(&folder)?;
    for index in 1..=MERGED_SHARDS {
        let shard = Shard { index, total: MERGED_SHARDS };
        let path = folder.join(format!("shard-{index}-of-{MERGED_SHARDS}.attempt-1.jsonl"));
        let mut journal = BufWriter::new(File::create(path)?);
        let mut tell = |event: &Event| -> Done {
            serde_json::to_writer(&mut journal, event)?;
            Ok(journal.write_all(b"\n")?)
        };
        let own: Vec<u64> = (0..tests / GROUP_TESTS)
            .filter(|group| group % u64::from(MERGED_SHARDS) == u64::from(index - 1))
            .collect();
        tell(&started(shard))?;
        tell(&Event::Discovered { suite: suite.clone(), groups: groups.clone() })?;
        tell(&planned(&suite, groups.len(), &own))?;
        for (at_us, &number) in (0..).zip(&own) {
            let group = GroupId::new(&suite, &file_name(number));
            tell(&Event::GroupStarted { group: group.clone(), attempt: 1, worker: 0, at_us })?;
            tell(&Event::GroupFinished(finished(group, number, at_us)))?;
        }
        let at_us = own.len() as u64;
        tell(&Event::RunFinished { at_us, not_run: Vec::new() })?;
        journal.flush()?;
    }
    Ok(())
}

fn numbers_of(group: u64) -> std::ops::Range<u64> {
    group * GROUP_TESTS..(group + 1) * GROUP_TESTS
}

fn listed(group: u64) -> DiscoveredGroup {
    let tests =
        numbers_of(group).map(|number| format!("{}::{}", file_name(group), test_name(number)));
    DiscoveredGroup { name: file_name(group).into(), tests: Some(tests.collect()), part_of: None }
}

fn started(shard: Shard) -> Event {
    Event::RunStarted(RunStarted {
        format: FORMAT,
        evenly: env!("CARGO_PKG_VERSION").to_owned(),
        run: RunKey { id: None, number: None, attempt: 1 },
        shard,
        workers: 2,
        started: jiff::Timestamp::UNIX_EPOCH,
        host: "bench".to_owned(),
        before_us: None,
        config: None,
        partial: false,
    })
}

fn planned(suite: &SuiteName, groups: usize, own: &[u64]) -> Event {
    let estimate = Estimate { us: 1_000_000, basis: Basis::Default };
    let assigned = own
        .iter()
        .map(|&number| AssignedGroup { group: GroupId::new(suite, &file_name(number)), estimate });
    Event::Planned {
        fingerprint: "the same".to_owned(),
        workers: 2,
        groups,
        assigned: assigned.collect(),
    }
}

fn finished(group: GroupId, number: u64, at_us: u64) -> GroupFinished {
    let file = file_name(number);
    let result = |number: u64| TestResult {
        name: format!("{file}::{}", test_name(number)),
        class: "TestCase".to_owned(),
        case: test_name(number),
        outcome: Outcome::Passed,
        duration_us: 1_000 + number % 997,
        message: None,
        kind: None,
        detail: None,
        file: Some(file.clone()),
        line: None,
        reported: true,
        repeats: 0,
        tries: Vec::new(),
        properties: Box::default(),
    };
    GroupFinished {
        group,
        attempt: 1,
        last: true,
        worker: 0,
        at_us,
        duration_us: 60_000,
        end: ProcessEnd::Exited(0),
        verdict: Verdict::Passed,
        problem: None,
        leaked: Vec::new(),
        tests: numbers_of(number).map(result).collect(),
        output: Output { head: format!("{GROUP_TESTS} passed\n"), tail: None },
    }
}
