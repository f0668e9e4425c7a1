//! What a group costs from end to end, beside `xargs` running the same commands:
//! `cargo bench --bench groups [-- [COUNT] [ROUNDS]]` prints Markdown for docs/benchmarks.md.
//!
//! Both sides run in turns, so that what else the machine does meets both alike. CPU time is that
//! of the whole tree of processes, from what the kernel adds up for children that were waited
//! for; Linux only.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod machine;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Groups, unless the first argument says otherwise.
const COUNT: u32 = 2_000;
/// Rounds, unless the second argument says otherwise.
const ROUNDS: usize = 9;
/// What `/proc` counts CPU time in (`USER_HZ`, the same on every Linux).
const TICK: Duration = Duration::from_millis(10);

/// One green test, as a framework would write it.
const REPORT: &str = r#"<testsuite name="s" tests="1"><testcase classname="s" name="t" time="0.1"/>
</testsuite>
"#;

/// The same work for both sides.
struct Contest {
    title: &'static str,
    /// The suite's `run`, and its `results`.
    suite: &'static str,
    /// The command that `xargs` runs, without the item.
    xargs: &'static [&'static str],
}

const CONTESTS: [Contest; 3] = [
    Contest {
        title: "`true`, results by exit status",
        suite: "run = \"true {tests}\"\nresults = \"exit-status\"",
        xargs: &["true"],
    },
    Contest {
        title: "the same, `xargs` through `sh -c` too",
        suite: "run = \"true {tests}\"\nresults = \"exit-status\"",
        xargs: &["sh", "-c", "true \"$0\""],
    },
    Contest {
        title: "`sh -c 'cp …'`, results from the JUnit file that it leaves",
        suite: "run = \"cp ok.xml {junit}; : {tests}\"",
        xargs: &["sh", "-c", "cp ok.xml \"$SLOT.xml\""],
    },
];

fn main() -> Outcome {
    // `cargo test --benches` runs this too, but has nothing to learn from it.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<u32>().ok());
    let count = numbers.next().unwrap_or(COUNT);
    let rounds = numbers.next().map_or(ROUNDS, |rounds| rounds.max(1) as usize);
    let mut out = io::stdout().lock();
    writeln!(out, "{}.\n", machine::describe()?)?;
    writeln!(out, "{count} groups, 2 workers, {rounds} rounds in turns, milliseconds.\n")?;
    writeln!(out, "| what | side | wall min | median | max | CPU min | median | max |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for contest in &CONTESTS {
        run(contest, count, rounds, &mut out)?;
    }
    Ok(())
}

fn run(contest: &Contest, count: u32, rounds: usize, out: &mut impl Write) -> Outcome {
    let project = tempfile::tempdir()?;
    let dir = project.path();
    prepare(dir, contest, count)?;
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    for _ in 0..rounds {
        theirs.add(measure(&mut xargs(dir, contest))?);
        ours.add(measure(&mut evenly(dir))?);
    }
    let Contest { title, .. } = contest;
    writeln!(out, "| {title} | `evenly run` | {} |", ours.sorted())?;
    writeln!(out, "| | `xargs -P2 -n1` | {} |", theirs.sorted())?;
    writeln!(out, "| | ratio | {} |", ours.over(&theirs))?;
    Ok(())
}

fn prepare(dir: &Path, contest: &Contest, count: u32) -> Outcome {
    let ids: Vec<String> = (1..=count).map(|id| format!("{id}\n")).collect();
    fs::write(dir.join("ids"), ids.concat())?;
    fs::write(dir.join("ok.xml"), REPORT)?;
    let suite = contest.suite;
    let config = format!(
        "[[suite]]\nname = \"s\"\nframework = \"command\"\ndiscover = \"cat ids\"\n{suite}\n"
    );
    Ok(fs::write(dir.join("evenly.toml"), config)?)
}

fn evenly(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenly"));
    command.args(["run", "--workers", "2", "--shard", "1/1", "--output", "failed"]);
    command.current_dir(dir);
    command
}

fn xargs(dir: &Path, contest: &Contest) -> Command {
    let mut command = Command::new("xargs");
    command
        .args(["--process-slot-var=SLOT", "-a", "ids", "-P2", "-n1"])
        .args(contest.xargs)
        .current_dir(dir);
    command
}

/// What one run took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn measure(command: &mut Command) -> Outcome<Cost> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let (before, started) = (children_cpu()?, Instant::now());
    let status = command.status()?;
    let wall = started.elapsed();
    let cpu = children_cpu()?.saturating_sub(before);
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok(Cost { wall, cpu })
}

/// User and system time of all children so far: fields 16 and 17 of
/// `/proc/self/stat`.
fn children_cpu() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("no name in /proc/self/stat")?;
    let ticks: Vec<u32> = after_name
        .split_ascii_whitespace()
        .skip(13)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum::<u32>())
}

/// The costs of one side's rounds.
#[derive(Default)]
struct Series {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
}

impl Series {
    fn add(&mut self, Cost { wall, cpu }: Cost) {
        self.wall.push(wall);
        self.cpu.push(cpu);
        self.wall.sort();
        self.cpu.sort();
    }

    /// Least, middle and most of both, as cells.
    fn sorted(&self) -> String {
        let cells = [&self.wall, &self.cpu].map(|took| {
            let ends = [took[0], took[took.len() / 2], took[took.len() - 1]];
            ends.map(|took| format!("{:.0}", took.as_secs_f64() * 1e3)).join(" | ")
        });
        cells.join(" | ")
    }

    /// The ratios of the least and of the middle to another's, as cells.
    fn over(&self, other: &Self) -> String {
        let cells = [(&self.wall, &other.wall), (&self.cpu, &other.cpu)].map(|(ours, theirs)| {
            let ratio = |at: usize| ours[at].as_secs_f64() / theirs[at].as_secs_f64();
            format!("{:.2} | {:.2} |", ratio(0), ratio(ours.len() / 2))
        });
        cells.join(" ")
    }
}
