//! What GitLab includes: as many jobs as there are shards, then one that joins what they found.

use super::setup::{Setup, yaml};
use super::{Facts, Outcome, Suite, Written};

/// Where it is written.
const PATH: &str = ".gitlab/evenly.yml";
/// The project's own pipeline.
const PIPELINE: &str = ".gitlab-ci.yml";
/// What brings evenly into an image with Python.
const BY_PIP: &str = "pip install evenly";
/// What brings it into any other.
const BY_RELEASE: &str = concat!(
    "curl -fsSL https://github.com/evenly-ci/evenly/releases/download/v",
    env!("CARGO_PKG_VERSION"),
    "/evenly-",
    env!("CARGO_PKG_VERSION"),
    "-x86_64-unknown-linux-musl.tar.gz | tar -xzC /usr/local/bin evenly"
);

pub(super) fn write(facts: &Facts, suites: &[Suite], shards: u32, outcome: &mut Outcome) {
    let text = text(suites, shards);
    outcome.files.push(Written { path: PATH.to_owned(), text });
    let include = format!("include:\n  - local: {PATH}\n");
    if facts.has("", PIPELINE) {
        outcome.advice.push(format!("add to `{PIPELINE}`: `include: [{{ local: {PATH} }}]`"));
    } else {
        let text = format!("# Written by `evenly init`; from here on it is yours.\n{include}");
        outcome.files.push(Written { path: PIPELINE.to_owned(), text });
    }
}

fn text(suites: &[Suite], shards: u32) -> String {
    let first = &suites[0].setup;
    let install = match first {
        Setup::Python(_) => BY_PIP,
        Setup::Node { .. }
        | Setup::Ruby
        | Setup::Php
        | Setup::Go
        | Setup::Rust { .. }
        | Setup::Maven { .. }
        | Setup::Gradle
        | Setup::Elixir
        | Setup::Dotnet
        | Setup::Cmake { .. }
        | Setup::Bats => BY_RELEASE,
    };
    let mut before = Vec::new();
    for suite in suites {
        for command in suite.setup.script(&suite.dir) {
            if !before.contains(&command) {
                before.push(command);
            }
        }
    }
    before.push(install.to_owned());
    let lines = |commands: &[String]| -> String {
        commands.iter().fold(String::new(), |text, command| text + "    - " + &yaml(command) + "\n")
    };
    // GitLab takes `parallel` from 2 on, and tells a job its shard by it.
    let (parallel, run) = match shards {
        0 | 1 => (String::new(), "evenly run --shard 1/1"),
        many => (format!("  parallel: {many}\n"), "evenly run"),
    };
    let several = suites.iter().any(|suite| suite.setup.image() != first.image());
    let remark = if several {
        "  # The suites need more than one language: take an image that has all of them.\n"
    } else {
        ""
    };
    let image = first.image();
    format!(
        "# Written by `evenly init`; from here on it is yours.\n\
         evenly:\n  stage: test\n{remark}  image: {image}\n{parallel}  \
         cache: {{ key: evenly, paths: [.evenly], policy: pull }}\n  before_script:\n{}  \
         script:\n{}  artifacts: {{ when: always, paths: [evenly-out] }}\n\n\
         evenly-report:\n  stage: .post\n  image: {image}\n  when: always\n  \
         cache: {{ key: evenly, paths: [.evenly], when: always }}\n  \
         before_script:\n{}  script:\n{}  artifacts:\n    when: always\n    \
         paths: [evenly-out]\n    reports: {{ junit: evenly-out/junit.xml }}\n",
        lines(&before),
        lines(&[run.to_owned()]),
        lines(&[install.to_owned()]),
        lines(&["evenly merge evenly-out".to_owned()]),
    )
}
