//! The joined report of a run: plain values that every output is a fold over.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::exit::Exit;
use crate::model::{
    Estimate, GroupId, Outcome, Output, Problem, ProcessEnd, Property, RunKey, Stop,
    TemplateOrigin, TestId, Verdict,
};

use super::balance::Balance;
use super::compare::Comparison;
use super::ledger::Ledger;
use super::part::{Names, Pool};
use super::quarantine::Quarantine;

/// Everything that is known of a run once its shards' journals are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// All told.
    pub verdict: RunVerdict,
    /// What the program ends with.
    pub exit: Exit,
    /// The run, with its newest attempt.
    pub run: RunKey,
    /// Tests by outcome.
    pub totals: Totals,
    /// Whether everything planned ran exactly once.
    pub ledger: Ledger,
    /// The shards that arrived, by number.
    pub shards: Vec<ShardReport>,
    /// Every group that was planned or ran, by id.
    pub groups: Vec<GroupReport>,
    /// Every test once, by id.
    pub tests: Vec<TestReport>,
    /// Groups that ran fewer tests than the last time, by id.
    pub fewer: Vec<Fewer>,
    /// How evenly it came out, against the plan.
    pub balance: Balance,
    /// Whether it was told to run some groups or tests alone.
    pub only: bool,
    /// What is different from the runs before, where any is known.
    pub compared: Option<Comparison>,
    /// The failures that are known and don't count.
    pub quarantine: Quarantine,
    /// The JUnit files of other tools that were merged too.
    pub files: Vec<FileReport>,
}

impl RunReport {
    /// Tests because of which it is not green: those that are quarantined don't count.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.totals.bad() - self.quarantine.excused.len()
    }

    /// Those tests, by id.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &TestReport)> {
        let bad = self.tests.iter().enumerate().filter(|(_, test)| !test.outcome.is_good());
        bad.filter(|(at, _)| self.quarantine.of(*at).is_none())
    }

    /// Where a test's result came from.
    #[must_use]
    pub fn place(&self, test: &TestReport) -> Place<'_> {
        match test.shard {
            0 => Place::File(self.files.get(test.worker as usize).map_or("", |file| &file.source)),
            shard => Place::Worker { shard, worker: test.worker },
        }
    }
}

/// Where a test's result came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A worker of a shard.
    Worker {
        /// The shard, from 1.
        shard: u32,
        /// The worker, from 0.
        worker: u32,
    },
    /// A JUnit file of another tool.
    File(&'a str),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker { shard, worker } => write!(f, "shard {shard}, worker {worker}"),
            Self::File(source) => f.write_str(source),
        }
    }
}

/// A JUnit file of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Where it came from.
    pub source: String,
    /// Cases in it.
    pub cases: usize,
    /// When its first suite started, where it says.
    pub started: Option<Timestamp>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunVerdict {
    /// Everything ran exactly once, nothing failed.
    Passed,
    /// Everything ran exactly once, something failed.
    Failed,
    /// Something planned did not run, or ran twice, or cannot be told; or nothing was planned.
    Incomplete,
}

/// How a test ended, over all its executions. Ordered from harmless to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FinalOutcome {
    /// It was not run, on purpose.
    Skipped,
    /// It held.
    Passed,
    /// It held in one execution and not in another.
    Flaky,
    /// An assertion did not hold.
    Failed,
    /// Something else broke.
    Errored,
}

impl FinalOutcome {
    /// Whether the run can be green with it.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::Skipped | Self::Passed | Self::Flaky => true,
            Self::Failed | Self::Errored => false,
        }
    }

    /// The word of `report.json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Passed => "passed",
            Self::Flaky => "flaky",
            Self::Failed => "failed",
            Self::Errored => "errored",
        }
    }
}

impl From<Outcome> for FinalOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Skipped => Self::Skipped,
            Outcome::Passed => Self::Passed,
            Outcome::Failed => Self::Failed,
            Outcome::Errored => Self::Errored,
        }
    }
}

/// Tests by outcome; each test counts once and the five outcomes add up to `tests`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// All.
    pub tests: usize,
    /// Held.
    pub passed: usize,
    /// Did not hold.
    pub failed: usize,
    /// Broke otherwise.
    pub errored: usize,
    /// Not run, on purpose.
    pub skipped: usize,
    /// Held in one execution and not in another.
    pub flaky: usize,
}

impl Totals {
    /// Counts one more test.
    pub fn add(&mut self, outcome: FinalOutcome) {
        self.tests += 1;
        *match outcome {
            FinalOutcome::Skipped => &mut self.skipped,
            FinalOutcome::Passed => &mut self.passed,
            FinalOutcome::Flaky => &mut self.flaky,
            FinalOutcome::Failed => &mut self.failed,
            FinalOutcome::Errored => &mut self.errored,
        } += 1;
    }

    /// Tests with which the run cannot be green.
    #[must_use]
    pub fn bad(&self) -> usize {
        self.failed + self.errored
    }
}

/// One shard, as its newest journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReport {
    /// From 1.
    pub index: u32,
    /// How many shards this one thought there are.
    pub total: u32,
    /// Which attempt of the run.
    pub attempt: u32,
    /// Where the journal came from.
    pub source: String,
    /// Where the journals of earlier attempts came from.
    pub superseded: Vec<String>,
    /// Its configuration, where that is not the usual one.
    pub config: Option<String>,
    /// Whether only chosen groups and tests were to run.
    pub partial: bool,
    /// The machine.
    pub host: String,
    /// When it started, by its machine's clock.
    pub started: Timestamp,
    /// Workers it ran.
    pub workers: u32,
    /// How long it had listed and planned before it started, microseconds.
    pub before_us: Option<u64>,
    /// The databases that it made ready after that and before its first group, one after the
    /// other.
    pub databases: Vec<DatabaseSetUp>,
    /// How long the plan thought it takes, microseconds.
    pub predicted_us: u64,
    /// How long it took, as far as its journal goes, microseconds.
    pub actual_us: u64,
    /// Groups it ran to their end.
    pub groups: usize,
    /// Tests whose final result it gave.
    pub tests: usize,
    /// How it came to its end.
    pub end: ShardEnd,
}

/// A database whose template a shard made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSetUp {
    /// Its name in the configuration.
    pub database: String,
    /// How its template came to be there.
    pub origin: TemplateOrigin,
    /// How long that took, microseconds.
    pub took_us: u64,
}

/// How a shard came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardEnd {
    /// By itself, everything tried.
    Finished,
    /// Told to stop, and did so in order.
    Stopped(Stop),
    /// Its journal just ends: it was killed.
    Cut,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    /// Its name.
    pub id: GroupId,
    /// The shard that the plan gave it to, and how long it was thought to take; none when that
    /// shard's journal is missing.
    pub planned: Option<(u32, Estimate)>,
    /// The tests that the framework reported for it.
    pub tests: usize,
    /// Its executions, oldest first; the last one decides.
    pub executions: Vec<Execution>,
    /// When it began, of a suite in JUnit files that says so.
    pub began: Option<Timestamp>,
}

impl GroupReport {
    /// What was wrong with its last execution, in one line.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let last = self.executions.last()?;
        last.problem.as_ref().map(|problem| problem.describe(&last.end))
    }
}

/// One execution of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// The shard that ran it.
    pub shard: u32,
    /// 1 for the first.
    pub attempt: u32,
    /// The worker, from 0.
    pub worker: u32,
    /// When it ended, microseconds since its shard started.
    pub at_us: u64,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// How its process ended.
    pub end: ProcessEnd,
    /// All told.
    pub verdict: Verdict,
    /// What was wrong beyond the tests' own failures.
    pub problem: Option<Problem>,
    /// Processes that it left behind.
    pub leaked: Vec<String>,
    /// What it printed; kept only where something went wrong.
    pub output: Option<Output>,
}

/// One test, over all its executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// Its name.
    pub id: TestId,
    pub(super) names: Names,
    /// How it ended, all told.
    pub outcome: FinalOutcome,
    /// How long its last execution took, microseconds.
    pub duration_us: u64,
    /// Its group, an index into [`RunReport::groups`].
    pub group: usize,
    /// The shard of its last execution; 0 where a JUnit file of another tool tells of it.
    pub shard: u32,
    /// The worker of its last execution, or the index of its file in [`RunReport::files`].
    pub worker: u32,
    /// What its last execution said beyond its outcome.
    pub told: Option<Box<Told>>,
    /// The file it stands in.
    pub file: Option<Arc<str>>,
    /// The line in that file.
    pub line: Option<u32>,
    /// Whether the framework had listed it.
    pub listed: bool,
    /// Whether the framework ever reported it; else its result was concluded.
    pub reported: bool,
    /// How often the framework reported it within its last execution.
    pub repeats: u32,
    /// Its executions before the last, oldest first.
    pub earlier: Vec<Earlier>,
}

impl TestReport {
    /// JUnit's `classname`.
    #[must_use]
    pub fn class(&self) -> &str {
        self.names.class(&self.id.name)
    }

    /// JUnit's `name`.
    #[must_use]
    pub fn case(&self) -> &str {
        self.names.case(&self.id.name)
    }

    /// Gives it another name; JUnit's stay.
    pub(super) fn rename(&mut self, name: &str) {
        let pool = &mut Pool::default();
        self.names = Names::new(name, self.class(), self.case(), pool);
        self.id.name = name.into();
    }

    /// What says best why it did not hold: of its last execution, else of the last that was bad.
    #[must_use]
    pub fn telling(&self) -> Option<&Told> {
        let failure = || self.earlier.iter().rev().find(|earlier| !earlier.outcome.is_good());
        let last = self.told.as_deref().filter(|told| told.says_something());
        last.or_else(|| failure()?.told.as_deref())
    }

    /// How long its last execution took, microseconds, for people: nothing where the result was
    /// concluded and nobody measured.
    #[must_use]
    pub fn took_us(&self) -> Option<u64> {
        (self.reported || self.duration_us > 0).then_some(self.duration_us)
    }
}

/// What an execution of a test said beyond its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// One line.
    pub message: Option<String>,
    /// An exception's class, say.
    pub kind: Option<String>,
    /// A trace, usually.
    pub detail: Option<String>,
    /// What this test alone printed, where a JUnit file says; else output is its group's.
    pub output: Option<String>,
    /// What it recorded about itself; of an execution before the last nothing is kept.
    pub properties: Box<[Property]>,
}

impl Told {
    /// Whether there is more than what the test recorded about itself.
    fn says_something(&self) -> bool {
        let Self { message, kind, detail, output, properties: _ } = self;
        [message, kind, detail, output].into_iter().any(Option::is_some)
    }

    /// What is kept of it once another execution has followed.
    pub(super) fn before_the_last(told: Option<Box<Self>>) -> Option<Box<Self>> {
        let mut told = told?;
        told.properties = Box::default();
        told.says_something().then_some(told)
    }

    /// The same on the heap; none where it says nothing.
    pub(super) fn unless_empty(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// An execution of a test before its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Which execution of its group.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// What it said.
    pub told: Option<Box<Told>>,
}

/// A group that ran fewer tests than the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fewer {
    /// The group.
    pub group: GroupId,
    /// Tests it ran now.
    pub now: usize,
    /// Tests it ran the last time.
    pub before: usize,
}
