//! One execution of a group as a journal tells it, in as little room as can be: shards print far
//! more than fails, and list more than is ever shown.

use std::sync::Arc;

use crate::model::{
    GroupFinished, GroupId, Outcome, Output, Problem, ProcessEnd, TestResult, Try, Verdict,
};

use super::part::{Names, Pool};
use super::run::Told;

/// How one execution of a group went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The group.
    pub group: GroupId,
    /// 1 for the first execution.
    pub attempt: u32,
    /// False when another execution follows.
    pub last: bool,
    /// The worker that ran it.
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
    /// Its tests.
    pub tests: Vec<Seen>,
    /// What it printed; kept only where something went wrong.
    pub output: Option<Output>,
}

/// One execution of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name inside its suite.
    pub name: Box<str>,
    pub(super) names: Names,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// What it said beyond its outcome.
    pub told: Option<Box<Told>>,
    /// The file it stands in.
    pub file: Option<Arc<str>>,
    /// The line in that file.
    pub line: Option<u32>,
    /// False when its result was concluded from how its process ended.
    pub reported: bool,
    /// How often the framework reported it.
    pub repeats: u32,
    /// What its framework tried by itself before, oldest first.
    pub tries: Box<[Try]>,
}

impl Ended {
    /// What is kept of an execution.
    pub(super) fn of(finished: GroupFinished, pool: &mut Pool) -> Self {
        let GroupFinished {
            group,
            attempt,
            last,
            worker,
            at_us,
            duration_us,
            end,
            verdict,
            problem,
            leaked,
            tests,
            output,
        } = finished;
        let green = verdict == Verdict::Passed
            && problem.is_none()
            && tests.iter().all(|test| test.outcome.is_good() && test.tries.is_empty());
        // `collect` would keep the room of what it was made from.
        let mut seen = Vec::with_capacity(tests.len());
        seen.extend(tests.into_iter().map(|test| Seen::of(test, pool)));
        Self {
            group,
            attempt,
            last,
            worker,
            at_us,
            duration_us,
            end,
            verdict,
            problem,
            leaked,
            tests: seen,
            output: (!green).then_some(output),
        }
    }

    /// It as an event, for the journal of an attempt that goes on from this one. Of a group that
    /// went well the output is not kept.
    #[must_use]
    pub fn told_again(self, last: bool) -> GroupFinished {
        let Self {
            group,
            attempt,
            last: _,
            worker,
            at_us,
            duration_us,
            end,
            verdict,
            problem,
            leaked,
            tests,
            output,
        } = self;
        GroupFinished {
            group,
            attempt,
            last,
            worker,
            at_us,
            duration_us,
            end,
            verdict,
            problem,
            leaked,
            tests: tests.into_iter().map(Seen::told_again).collect(),
            output: output.unwrap_or_default(),
        }
    }
}

impl Seen {
    fn told_again(self) -> TestResult {
        let Self { name, names, outcome, duration_us, told, file, line, reported, repeats, tries } =
            self;
        let Told { message, kind, detail, output: _, properties } =
            told.map_or_else(Told::default, |told| *told);
        TestResult {
            class: names.class(&name).to_owned(),
            case: names.case(&name).to_owned(),
            name: name.into_string(),
            outcome,
            duration_us,
            message,
            kind,
            detail,
            file: file.map(|file| file.to_string()),
            line,
            reported,
            repeats,
            tries: tries.into_vec(),
            properties,
        }
    }

    fn of(result: TestResult, pool: &mut Pool) -> Self {
        let TestResult {
            name,
            class,
            case,
            outcome,
            duration_us,
            message,
            kind,
            detail,
            file,
            line,
            reported,
            repeats,
            tries,
            properties,
        } = result;
        let told = Told { message, kind, detail, output: None, properties };
        Self {
            names: Names::new(&name, &class, &case, pool),
            name: name.into_boxed_str(),
            outcome,
            duration_us,
            told: told.unless_empty(),
            file: file.map(|file| pool.file(&file)),
            line,
            reported,
            repeats,
            tries: tries.into_boxed_slice(),
        }
    }
}
