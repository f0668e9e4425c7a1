//! The executions of one job: retries of what failed, and, where a warm worker died, further
//! executions that run what it had not got to. Those cost no retry.

use crate::framework::{AfterDeath, Case, Judged, Report, Selection, retry_selection};
use crate::model::{Group, TestResult, Verdict};

/// How many workers in a row may die without having told the end of a test.
const BARREN_DEATHS_MAX: u32 = 3;
/// How many workers may die in one try of a group.
const DEATHS_MAX: u32 = 20;

/// One execution that is to be.
#[derive(Debug)]
pub(super) struct Try {
    pub(super) job: usize,
    /// Which execution it is, from 1.
    pub(super) attempt: u32,
    pub(super) selection: Selection,
    /// How many retries came before.
    pub(super) retries: u32,
    /// Whether it must not share its command with others.
    alone: bool,
    /// Workers that died in this try.
    deaths: u32,
    /// Those of them, the last ones in a row, that had told the end of no test.
    barren: u32,
    /// The tests that failed in this try's earlier executions.
    failed: Vec<String>,
    /// What this try's earlier executions blamed on the group, for want of a test to blame.
    blamed: Vec<TestResult>,
}

/// What follows an execution.
#[derive(Debug)]
pub(super) enum After {
    /// Another one.
    Again(Try),
    /// Nothing: the group failed.
    Failed,
    /// Nothing: the group passed.
    Passed,
}

impl Try {
    pub(super) fn first(job: usize) -> Self {
        Self {
            job,
            attempt: 1,
            selection: Selection::Whole,
            retries: 0,
            alone: false,
            deaths: 0,
            barren: 0,
            failed: Vec::new(),
            blamed: Vec::new(),
        }
    }

    /// Whether it may run in one command with others.
    pub(super) fn may_share(&self) -> bool {
        self.attempt == 1 && !self.alone && self.selection == Selection::Whole
    }

    /// The same, in a command of its own.
    pub(super) fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// What becomes of the tests that this execution's worker left when it died.
    pub(super) fn after_death(&self, rest: &[String], report: &Report) -> AfterDeath {
        if rest.is_empty() {
            return AfterDeath::Errors;
        }
        let deaths = self.deaths + 1;
        if self.barren_after(report) >= BARREN_DEATHS_MAX || deaths >= DEATHS_MAX {
            return AfterDeath::GivenUp(deaths);
        }
        AfterDeath::GoesOn
    }

    fn barren_after(&self, report: &Report) -> u32 {
        if report.tests_told() > 0 { 0 } else { self.barren + 1 }
    }

    /// What follows this execution. Where nothing does, it has failed if an earlier one of the same
    /// try has, and what those blamed on the group stays said.
    pub(super) fn after(
        mut self,
        group: &Group,
        case: &Case<'_>,
        judged: &mut Judged,
        rest: Vec<String>,
        may_retry: bool,
    ) -> After {
        let bad = judged.tests.iter().filter(|test| !test.outcome.is_good());
        self.failed.extend(bad.clone().map(|test| test.name.clone()));
        if case.after_death == AfterDeath::GoesOn {
            let barren = self.barren_after(&case.report);
            self.blamed.extend(bad.filter(|test| !test.reported).cloned());
            let attempt = self.attempt + 1;
            let deaths = self.deaths + 1;
            let selection = Selection::Tests(rest);
            return After::Again(Self { attempt, selection, deaths, barren, ..self });
        }
        let failed = judged.verdict == Verdict::Failed || !self.failed.is_empty();
        if !failed {
            return After::Passed;
        }
        if may_retry {
            let problem = judged.problem.as_ref();
            let selection = retry_selection(group, case.reading, problem, &self.failed);
            let first = Self::first(self.job);
            let (attempt, retries) = (self.attempt + 1, self.retries + 1);
            return After::Again(Self { attempt, selection, retries, ..first });
        }
        judged.verdict = Verdict::Failed;
        for blamed in self.blamed {
            if judged.tests.iter().all(|test| test.name != blamed.name) {
                judged.tests.push(blamed);
            }
        }
        After::Failed
    }
}
