//! Whole event streams and the exact text they give, CI by CI.

mod hostile;
mod streams;

use std::io;
use std::sync::{Arc, Mutex};

use super::*;
use crate::model::{
    AssignedGroup, Basis, Estimate, GroupFinished, GroupId, Outcome, Output, Problem, ProcessEnd,
    RunKey, RunStarted, Shard, Stop, SuiteName, TestResult, Verdict,
};

/// Seconds since 1970 at which every run of these tests started.
const STARTED_S: i64 = 1_700_000_000;

/// A writer whose text can be looked at.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(show: Show, folding: Folding) -> Options {
    let mut number = 0;
    let token = move || {
        number += 1;
        format!("token-{number}")
    };
    let token = Box::new(token);
    Options { show, folding, live: Live::Plain, colour: Colour::Drop, token }
}

/// What a console with these options prints of these events.
fn printed_with(options: Options, events: &[Event]) -> String {
    let paper = Paper::default();
    let mut console = Console::new(options, Box::new(paper.clone()));
    for event in events {
        console.take(event).unwrap();
    }
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn printed(show: Show, folding: Folding, events: &[Event]) -> String {
    printed_with(options(show, folding), events)
}

fn group(name: &str) -> GroupId {
    GroupId::new(&SuiteName::new("web").unwrap(), name)
}

fn started() -> Event {
    Event::RunStarted(RunStarted {
        format: 1,
        evenly: "0.1.0".into(),
        run: RunKey::default(),
        shard: Shard { index: 2, total: 4 },
        workers: 2,
        started: jiff::Timestamp::from_second(STARTED_S).unwrap(),
        host: "host".into(),
        before_us: None,
        config: None,
        partial: false,
    })
}

fn planned(groups: &[(&str, u64)]) -> Event {
    let assigned = groups.iter().map(|(name, seconds)| AssignedGroup {
        group: group(name),
        estimate: Estimate { us: seconds * 1_000_000, basis: Basis::Measured },
    });
    let assigned = assigned.collect();
    Event::Planned { fingerprint: "f".into(), workers: 1, groups: 148, assigned }
}

fn starts(name: &str, at_s: u64) -> Event {
    Event::GroupStarted { group: group(name), attempt: 1, worker: 0, at_us: at_s * 1_000_000 }
}

fn test(name: &str, outcome: Outcome) -> TestResult {
    TestResult {
        name: name.into(),
        class: String::new(),
        case: name.into(),
        outcome,
        duration_us: 1,
        message: (!outcome.is_good()).then(|| "assert 1 == 2".into()),
        kind: None,
        detail: None,
        file: None,
        line: None,
        reported: true,
        repeats: 1,
        tries: Vec::new(),
        properties: Box::default(),
    }
}

/// A group that ended well after 3.2 seconds, at second 10, with this output.
fn good(name: &str, output: &str) -> GroupFinished {
    GroupFinished {
        group: group(name),
        attempt: 1,
        last: true,
        worker: 0,
        at_us: 10_000_000,
        duration_us: 3_200_000,
        end: ProcessEnd::Exited(0),
        verdict: Verdict::Passed,
        problem: None,
        leaked: vec![],
        tests: vec![test("a", Outcome::Passed), test("b", Outcome::Passed)],
        output: Output { head: output.into(), tail: None },
    }
}

/// The same with a failed test.
fn bad(name: &str, output: &str) -> GroupFinished {
    GroupFinished {
        end: ProcessEnd::Exited(1),
        verdict: Verdict::Failed,
        tests: vec![test("a", Outcome::Passed), test("b", Outcome::Failed)],
        ..good(name, output)
    }
}

fn finishes(finished: GroupFinished) -> Event {
    Event::GroupFinished(finished)
}

fn ends() -> Event {
    Event::RunFinished { at_us: 200_000_000, not_run: vec![] }
}
