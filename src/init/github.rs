//! The workflow for GitHub: a job a shard, then one that joins what they found.

use super::setup::{Step, actions};
use super::{Suite, Written};

/// Where it is written.
const PATH: &str = ".github/workflows/evenly.yml";
/// The action that runs evenly.
const EVENLY: &str = concat!("evenly-ci/evenly@v", env!("CARGO_PKG_VERSION"));

pub(super) fn write(suites: &[Suite], shards: u32) -> Written {
    let mut known: Vec<Vec<String>> = Vec::new();
    for Step(lines) in suites.iter().flat_map(|suite| suite.setup.steps(&suite.dir)) {
        if !known.contains(&lines) {
            known.push(lines);
        }
    }
    let setup: String = known.iter().map(|lines| step(lines)).collect();
    let shard: Vec<String> = (1..=shards).map(|index| format!("{index}/{shards}")).collect();
    let shard = shard.join(", ");
    let keep_out = "with: { persist-credentials: false }".to_owned();
    let checkout = step(&[format!("uses: {}", actions::CHECKOUT), keep_out]);
    let text = format!(
        "# Written by `evenly init`; from here on it is yours.
name: evenly
on: {{ push: {{ branches: [main, master] }}, pull_request: {{}} }}
permissions: {{}}
jobs:
  tests:
    runs-on: ubuntu-latest
    permissions: {{ contents: read }}
    strategy:
      fail-fast: false
      matrix: {{ shard: [{shard}] }}
    steps:
{checkout}{setup}      - uses: {EVENLY}
        with: {{ command: run, shard: \"${{{{ matrix.shard }}}}\" }}
  report:
    needs: tests
    if: ${{{{ !cancelled() }}}}
    runs-on: ubuntu-latest
    permissions: {{ checks: write, pull-requests: write }}
    steps:
      - uses: {EVENLY}
        with: {{ command: merge }}
"
    );
    Written { path: PATH.to_owned(), text }
}

fn step(lines: &[String]) -> String {
    let marks = ["      - "].into_iter().chain(std::iter::repeat("        "));
    lines.iter().zip(marks).fold(String::new(), |text, (line, mark)| text + mark + line + "\n")
}
