//! Merging 20 shards of 5,000 tests each and commenting on a pull request that has 500 comments:
//! `cargo bench --bench comment [-- ROUNDS]` prints Markdown for docs/benchmarks.md.
//!
//! GitHub is the tests' own, on this machine, so that the figure has no network in it.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../it/support/github.rs"]
mod github;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../it/support/http.rs"]
mod http;
mod machine;

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Rounds, unless the first argument says otherwise.
const ROUNDS: usize = 5;
const SHARDS: usize = 20;
const TESTS: usize = 5_000;
/// One in so many fails.
const FAILING: usize = 500;
/// Comments of others.
const COMMENTS: usize = 500;

fn main() -> Done {
    // `cargo test --benches` runs this too, but has nothing to learn from it.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(ROUNDS).max(1);
    let scratch = tempfile::tempdir()?;
    let dir = scratch.path();
    journals(dir)?;
    let github = github::GitHub::start();
    for number in 0..COMMENTS {
        github.comment("you", &format!("comment {number}"));
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}, {rounds} rounds.\n", machine::describe()?)?;
    writeln!(out, "| `--comment` | wall min | median | max | calls |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for when in ["never", "always"] {
        let mut walls = Vec::new();
        let mut calls = 0;
        for _ in 0..rounds {
            github.server.forget();
            walls.push(merge(dir, &github.server.url(), when)?);
            calls = github.server.calls().len();
        }
        walls.sort_by(f64::total_cmp);
        let (least, middle, most) = (walls[0], walls[rounds / 2], walls[rounds - 1]);
        writeln!(out, "| `{when}` | {least:.2} s | {middle:.2} s | {most:.2} s | {calls} |")?;
    }
    Ok(())
}

/// A run of all shards; each is one JUnit file.
fn journals(dir: &Path) -> Done {
    fs::create_dir_all(dir.join("t"))?;
    for shard in 0..SHARDS {
        let case = |number: usize| {
            let failure = if number % FAILING == 0 {
                "<failure message=\"it is wrong\">a trace\nof two lines</failure>"
            } else {
                ""
            };
            let names = format!("classname=\"c{shard}\" name=\"t{number}\"");
            format!("<testcase {names} time=\"0.01\">{failure}</testcase>\n")
        };
        let cases: String = (0..TESTS).map(case).collect();
        let xml = format!("<testsuites><testsuite name=\"s\">\n{cases}</testsuite></testsuites>");
        fs::write(dir.join(format!("t/{shard:02}.xml")), xml)?;
    }
    let config = "[[suite]]\nname = \"ju\"\nframework = \"command\"\nglobs = [\"t/*.xml\"]\n\
                  run = \"cp {tests} {junit}; exit 1\"\n";
    fs::write(dir.join("evenly.toml"), config)?;
    for shard in 1..=SHARDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenly"));
        command.args(["run", "--out", "out", "--output", "never", "--shard"]);
        command.arg(format!("{shard}/{SHARDS}")).current_dir(dir).stdout(Stdio::null());
        let status = command.status()?;
        if status.code() != Some(1) {
            return Err(format!("shard {shard}: {status}").into());
        }
    }
    Ok(())
}

fn merge(dir: &Path, api: &str, when: &str) -> Done<f64> {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenly"));
    command.args(["merge", "out", "--history", "history.jsonl", "--require-publish"]);
    command.args(["--comment", when]).current_dir(dir).stdout(Stdio::null());
    command.env_remove("GITHUB_STEP_SUMMARY").env_remove("GITHUB_EVENT_PATH");
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_API_URL", api);
    command.env("GITHUB_REPOSITORY", "o/r").env("GITHUB_REF", "refs/pull/12/merge");
    command.env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_TOKEN", github::APP);
    let output = command.output()?;
    let wall = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(1) || said.contains("cannot") {
        return Err(format!("{}: {said}", output.status).into());
    }
    Ok(wall)
}
