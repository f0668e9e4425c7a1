//! Builds journals for tests, as a shard would write them.

use std::io;

use jiff::{Timestamp, ToSpan as _};

use crate::model::{
    AssignedGroup, Basis, DiscoveredGroup, Estimate, Event, FORMAT, GroupFinished, GroupId, NotRun,
    Outcome, Output, Problem, ProcessEnd, RunKey, RunStarted, Shard, Stop, SuiteName, TestResult,
    Verdict,
};

use super::journal::{Journal, parse};
use super::merge::{Input, merge};
use super::run::RunReport;

/// What a group of the builder takes beyond its tests.
const OVERHEAD_US: u64 = 5_000;

/// What a test of the builder takes.
const TEST_US: u64 = 1_000;

/// A group's name and the tests that its framework lists.
pub(super) type Found<'a> = (&'a str, Option<&'a [&'a str]>);

/// A journal in the making.
#[derive(Clone)]
pub(super) struct Log {
    pub(super) started: RunStarted,
    pub(super) events: Vec<Event>,
    fingerprint: String,
    at_us: u64,
}

pub(super) fn result(name: &str, outcome: Outcome) -> TestResult {
    let told = |text: &str| (!outcome.is_good()).then(|| text.to_owned());
    TestResult {
        name: name.to_owned(),
        class: "class".to_owned(),
        case: name.to_owned(),
        outcome,
        duration_us: TEST_US,
        message: told("it broke"),
        kind: told("Error"),
        detail: told("trace:\n  it broke"),
        file: None,
        line: None,
        reported: true,
        repeats: 1,
        tries: Vec::new(),
        properties: Box::default(),
    }
}

/// What a renderer writes.
pub(super) fn rendered(
    render: fn(&RunReport, &mut dyn io::Write) -> io::Result<()>,
    report: &RunReport,
) -> String {
    let mut text = Vec::new();
    render(report, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The report of these journals; their sources are `log-0`, `log-1`, ….
pub(super) fn joined(logs: Vec<Log>) -> RunReport {
    let input =
        |(at, log): (usize, Log)| Input { source: format!("log-{at}"), journal: Ok(log.journal()) };
    merge(logs.into_iter().enumerate().map(input).collect(), |_| None)
}

impl Log {
    pub(super) fn new(index: u32, total: u32) -> Self {
        let started = RunStarted {
            format: FORMAT,
            evenly: "0.1.0".to_owned(),
            run: RunKey { id: Some("r7".to_owned()), number: Some(7), attempt: 1 },
            shard: Shard { index, total },
            workers: 2,
            started: Timestamp::UNIX_EPOCH,
            host: format!("host-{index}"),
            before_us: None,
            config: None,
            partial: false,
        };
        Self { started, events: Vec::new(), fingerprint: "fp".to_owned(), at_us: 0 }
    }

    pub(super) fn attempt(mut self, attempt: u32) -> Self {
        self.started.run.attempt = attempt;
        self
    }

    pub(super) fn run(mut self, id: &str, number: Option<u64>) -> Self {
        let attempt = self.started.run.attempt;
        self.started.run = RunKey { id: Some(id.to_owned()), number, attempt };
        self
    }

    pub(super) fn later_by(mut self, seconds: i64) -> Self {
        self.started.started += seconds.seconds();
        self
    }

    pub(super) fn workers(mut self, workers: u32) -> Self {
        self.started.workers = workers;
        self
    }

    pub(super) fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.started.evenly);
        self
    }

    /// Must come before [`Self::plans`].
    pub(super) fn fingerprint(mut self, fingerprint: &str) -> Self {
        fingerprint.clone_into(&mut self.fingerprint);
        self
    }

    pub(super) fn finds(self, suite: &str, groups: &[Found<'_>]) -> Self {
        let group = |(name, tests): &Found<'_>| DiscoveredGroup {
            name: (*name).into(),
            tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
            part_of: None,
        };
        let groups = groups.iter().map(group).collect();
        self.and(Event::Discovered { suite: SuiteName::new(suite).unwrap(), groups })
    }

    pub(super) fn plans(self, groups: &[&str]) -> Self {
        let estimate = Estimate { us: 1_000_000, basis: Basis::Measured };
        let assigned: Vec<AssignedGroup> = groups
            .iter()
            .map(|group| AssignedGroup { group: group.parse().unwrap(), estimate })
            .collect();
        let fingerprint = self.fingerprint.clone();
        self.and(Event::Planned { fingerprint, workers: 2, groups: assigned.len(), assigned })
    }

    pub(super) fn starts(self, group: &str) -> Self {
        let at_us = self.at_us;
        let group = group.parse().unwrap();
        self.and(Event::GroupStarted { group, attempt: 1, worker: 0, at_us })
    }

    /// A final execution.
    pub(super) fn runs(self, group: &str, tests: &[(&str, Outcome)]) -> Self {
        let tests = tests.iter().map(|(name, outcome)| result(name, *outcome)).collect();
        self.runs_results(group, tests)
    }

    pub(super) fn runs_results(self, group: &str, tests: Vec<TestResult>) -> Self {
        self.execution(group, tests, None, true)
    }

    /// An execution that another follows.
    pub(super) fn tries(self, group: &str, tests: &[TestResult]) -> Self {
        self.execution(group, tests.to_vec(), None, false)
    }

    /// A final execution with a problem.
    pub(super) fn breaks(self, group: &str, problem: Problem, tests: Vec<TestResult>) -> Self {
        self.execution(group, tests, Some(problem), true)
    }

    pub(super) fn execution(
        mut self,
        group: &str,
        tests: Vec<TestResult>,
        problem: Option<Problem>,
        last: bool,
    ) -> Self {
        let group: GroupId = group.parse().unwrap();
        let good = problem.is_none() && tests.iter().all(|test| test.outcome.is_good());
        let duration_us = OVERHEAD_US + tests.iter().map(|test| test.duration_us).sum::<u64>();
        self.at_us += duration_us;
        let before =
            |event: &&Event| matches!(event, Event::GroupFinished(done) if done.group == group);
        let attempt = u32::try_from(self.events.iter().filter(before).count()).unwrap() + 1;
        let finished = GroupFinished {
            attempt,
            last,
            worker: 0,
            at_us: self.at_us,
            duration_us,
            end: ProcessEnd::Exited(i32::from(!good)),
            verdict: if good { Verdict::Passed } else { Verdict::Failed },
            problem,
            leaked: Vec::new(),
            tests,
            output: Output { head: format!("output of {group}\n"), tail: None },
            group,
        };
        self.and(Event::GroupFinished(finished))
    }

    pub(super) fn stops(self, why: Stop) -> Self {
        let at_us = self.at_us;
        self.and(Event::Stopping { why, at_us })
    }

    pub(super) fn ends(self) -> Self {
        self.ends_without(&[])
    }

    pub(super) fn ends_without(self, groups: &[(&str, Stop)]) -> Self {
        let not_run = |(group, why): &(&str, Stop)| NotRun {
            group: group.parse().unwrap(),
            why: why.clone(),
        };
        let at_us = self.at_us;
        self.and(Event::RunFinished { at_us, not_run: groups.iter().map(not_run).collect() })
    }

    pub(super) fn and(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// The file that the shard would leave.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let started = Event::RunStarted(self.started.clone());
        let mut bytes = Vec::new();
        for event in std::iter::once(&started).chain(&self.events) {
            serde_json::to_writer(&mut bytes, event).unwrap();
            bytes.push(b'\n');
        }
        bytes
    }

    pub(super) fn journal(&self) -> Journal {
        parse(&self.bytes()).unwrap()
    }
}
