//! What is different from the runs before: new failures, what is fixed, slower, new or gone.
//!
//! A test is gone only where that can be told: what a missing shard, a group that did not come to
//! its end or a run of some groups alone did not see is lost or was not asked for, not removed.

use std::collections::{HashMap, HashSet};

use crate::history::{Base, Before, Mark, Rate, SuiteBase};
use crate::model::{GroupId, SuiteName, TestId, counted, human_time};

use super::ledger::LostWhy;
use super::run::{FinalOutcome, GroupReport, Place, RunReport, TestReport};

/// A test is slower when it took more than so many times what it usually takes,
const SLOWER_FACTOR: u64 = 2;
/// and so much longer, microseconds; and longer than ever in the runs that are remembered.
const SLOWER_US: u64 = 1_000_000;

/// What is different from the runs before. Tests are indices into [`RunReport::tests`], ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The newest run that is known.
    pub base: u64,
    /// Failures of tests that did not fail when they last ran, and of tests that are new.
    pub new_failures: Vec<usize>,
    /// Tests that failed when they last ran, and pass.
    pub fixed: Vec<usize>,
    /// Tests that took much longer than ever.
    pub slower: Vec<Slower>,
    /// Tests that no run before saw.
    pub added: Vec<usize>,
    /// Tests that the newest run of everything saw and that are no more, by id.
    pub removed: Vec<TestId>,
    /// How often tests were flaky before that are flaky or failed now.
    pub rates: Vec<(usize, Rate)>,
}

/// A test that took much longer than ever. Microseconds, as on machines of one speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slower {
    /// The test.
    pub test: usize,
    /// What it usually takes.
    pub usual_us: u64,
    /// What it took now.
    pub took_us: u64,
}

impl Comparison {
    /// How often a test that is flaky or failed was flaky before, where it is known.
    #[must_use]
    pub fn rate(&self, test: usize) -> Option<Rate> {
        let at = self.rates.binary_search_by_key(&test, |(at, _)| *at).ok()?;
        Some(self.rates[at].1)
    }

    /// Whether a failure is new.
    #[must_use]
    pub fn is_new_failure(&self, test: usize) -> bool {
        self.new_failures.binary_search(&test).is_ok()
    }

    /// All in one line, nothing of a stranger's text in it.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { base, new_failures, fixed, slower, added, removed, rates: _ } = self;
        let parts = [
            (new_failures.len(), counted(new_failures.len(), "new failure")),
            (fixed.len(), format!("{} fixed", counted(fixed.len(), "test"))),
            (slower.len(), format!("{} slower", counted(slower.len(), "test"))),
            (added.len(), counted(added.len(), "new test")),
            (removed.len(), format!("{} removed", counted(removed.len(), "test"))),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text);
        let parts: Vec<String> = parts.collect();
        let parts = if parts.is_empty() { "nothing new".to_owned() } else { parts.join(", ") };
        format!("against run {base}: {parts}")
    }
}

/// `flaky in 3 of the last 20 runs`.
pub(super) fn rate_text(rate: Rate) -> String {
    let Rate { flaky, runs } = rate;
    match (flaky, runs) {
        (0, 1) => "not flaky in the last run".to_owned(),
        (0, _) => format!("not flaky in the last {runs} runs"),
        (_, 1) => "flaky in the last run too".to_owned(),
        _ => format!("flaked in {flaky} of the last {runs} runs"),
    }
}

/// `took 5.0 s, usually 1.2 s`.
pub(super) fn slower_text(slower: &Slower) -> String {
    let Slower { test: _, usual_us, took_us } = slower;
    format!("took {}, usually {}", human_time(*took_us), human_time(*usual_us))
}

/// Compares a run with what came before it; none where nothing did. `listed` is the name under
/// which the history knows a group; `evened` is what something that took so long in a shard would
/// have taken on a machine of the usual speed.
#[must_use]
pub fn compare<'r>(
    report: &'r RunReport,
    base: Base<'_>,
    listed: impl Fn(&'r GroupId) -> &'r str,
    evened: impl Fn(u32, u64) -> u64,
) -> Option<Comparison> {
    let mut found = Comparison { base: base.newest()?, ..Comparison::default() };
    let mut at = 0;
    for tests in report.tests.chunk_by(|a, b| a.id.suite == b.id.suite) {
        let suite = base.suite(&tests[0].id.suite);
        for test in tests {
            // JUnit files teach the history nothing, so there is nothing to compare them with.
            if matches!(report.place(test), Place::File(_)) {
                at += 1;
                continue;
            }
            let group = listed(&report.groups[test.group].id);
            found.take(at, test, suite.as_ref(), group, &evened);
            at += 1;
        }
    }
    found.removed = removed(report, base, listed);
    Some(found)
}

impl Comparison {
    fn take(
        &mut self,
        at: usize,
        test: &TestReport,
        suite: Option<&SuiteBase<'_>>,
        group: &str,
        evened: impl Fn(u32, u64) -> u64,
    ) {
        let is_bad = !test.outcome.is_good();
        let Some(before) = suite.and_then(|suite| suite.test(&test.id.name)) else {
            // What was concluded of a group as a whole is no test: it is news where the group was
            // fine.
            let is_news = test.reported || suite.is_some_and(|suite| suite.had_group(group));
            if test.reported {
                self.added.push(at);
            }
            if is_bad && is_news {
                self.new_failures.push(at);
            }
            return;
        };
        let Before { end, is_current, took_us, rate } = before;
        let failed_before = end == Mark::Failed;
        if is_bad && !failed_before && is_current {
            self.new_failures.push(at);
        }
        if (is_bad || test.outcome == FinalOutcome::Flaky) && rate.runs > 0 {
            self.rates.push((at, rate));
        }
        if test.outcome != FinalOutcome::Passed || !test.reported {
            return;
        }
        if failed_before {
            self.fixed.push(at);
        }
        if let Some((usual_us, longest_us)) = took_us {
            let slower =
                Slower { test: at, usual_us, took_us: evened(test.shard, test.duration_us) };
            self.slower.extend(Some(slower).filter(|slower| slower.is_beyond(longest_us)));
        }
    }
}

impl Slower {
    fn is_beyond(&self, longest_us: u64) -> bool {
        let Self { test: _, usual_us, took_us } = *self;
        took_us > usual_us.saturating_mul(SLOWER_FACTOR)
            && took_us > usual_us.saturating_add(SLOWER_US)
            && took_us > longest_us
    }
}

/// The tests that are gone.
fn removed<'r>(
    report: &'r RunReport,
    base: Base<'_>,
    listed: impl Fn(&'r GroupId) -> &'r str,
) -> Vec<TestId> {
    if report.only {
        return Vec::new();
    }
    // Groups that nobody found are gone, where all agree on what was found.
    let agreed = report.ledger.flaws.is_empty();
    let lost = lost(report);
    let mut removed = Vec::new();
    for groups in report.groups.chunk_by(|a, b| a.id.suite == b.id.suite) {
        let name = &groups[0].id.suite;
        let Some(suite) = base.suite(name) else { continue };
        let mut ended: HashMap<&str, bool> = HashMap::new();
        for group in groups {
            let well = ended.entry(listed(&group.id)).or_insert(true);
            *well &= ended_well(group) && !lost.groups.contains(&group.id);
        }
        for (test, groups) in suite.current() {
            let is_here = |test: &str| position(report, name, test).is_some();
            let may_be_gone = |group: &&str| ended.get(group).copied().unwrap_or(agreed);
            if groups.iter().all(may_be_gone)
                && !is_here(test)
                && !lost.tests.contains(&(name, test))
            {
                removed.push(TestId::new(name, test));
            }
        }
    }
    removed
}

fn ended_well(group: &GroupReport) -> bool {
    group.executions.last().is_some_and(|last| last.problem.is_none())
}

/// Where a test stands in the report.
fn position(report: &RunReport, suite: &SuiteName, name: &str) -> Option<usize> {
    let wanted = (suite, name);
    report.tests.binary_search_by(|test| (&test.id.suite, &*test.id.name).cmp(&wanted)).ok()
}

/// What the ledger calls lost.
struct LostOnes<'r> {
    groups: HashSet<&'r GroupId>,
    tests: HashSet<(&'r SuiteName, &'r str)>,
}

fn lost(report: &RunReport) -> LostOnes<'_> {
    let lost = &report.ledger.lost;
    let whole = lost.iter().filter(|lost| lost.why != LostWhy::NoResult);
    let tests = lost.iter().flat_map(|lost| &lost.tests);
    LostOnes {
        groups: whole.map(|lost| &lost.group).collect(),
        tests: tests.map(|test| (&test.suite, &*test.name)).collect(),
    }
}

#[cfg(test)]
mod tests;
