//! What a run is compared with: how each test ended before it, as of that run.
//!
//! What other tools measured does not count here: it says nothing of how a test ended, and was
//! measured on other machines.

use std::collections::HashSet;

use super::estimate::usual;
use super::import::IMPORTED_RUN;
use super::view::{Mark, SuiteRecord, TestRecord};
use super::{History, RunSet, SuiteHistory, TestHistory};
use crate::model::SuiteName;

/// A flake rate is told over so many runs at most.
pub const RATE_RUNS: usize = 20;

/// The history as one run sees it, to compare that run with.
#[derive(Debug, Clone, Copy)]
pub struct Base<'h> {
    history: &'h History,
    as_of: Option<u64>,
}

/// What is visible of one suite.
#[derive(Debug)]
pub struct SuiteBase<'h> {
    name: &'h SuiteName,
    suite: &'h SuiteHistory,
    base: Base<'h>,
    /// Its newest visible run of everything.
    whole: Option<u64>,
    /// That one and the visible ones that came after it; all that are visible where it is none.
    since: RunSet,
    /// The newest visible runs of everything, ascending.
    recent: Vec<u64>,
    /// Groups of which its newest runs saw a test.
    groups: HashSet<&'h str>,
}

/// What earlier runs saw of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// How it ended in the newest run that saw it.
    pub end: Mark,
    /// Whether no run of everything came after that one.
    pub is_current: bool,
    /// What it typically takes, and the longest that it took, microseconds; none where it never
    /// passed at the first try.
    pub took_us: Option<(u64, u64)>,
    /// How often it was flaky.
    pub rate: Rate,
}

/// In how many of its newest runs a test was flaky.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub flaky: usize,
    /// Of so many, [`RATE_RUNS`] at most.
    pub runs: usize,
}

impl<'h> Base<'h> {
    /// Looks at what came before run `as_of`; at all of it without a number.
    #[must_use]
    pub fn new(history: &'h History, as_of: Option<u64>) -> Self {
        Self { history, as_of }
    }

    fn sees(self, run: u64) -> bool {
        run != IMPORTED_RUN && self.as_of.is_none_or(|as_of| run < as_of)
    }

    /// The newest run that is visible.
    #[must_use]
    pub fn newest(self) -> Option<u64> {
        let runs = self.history.suites().filter_map(|suite| suite.runs().rfind(|r| self.sees(*r)));
        runs.max()
    }

    /// One suite, where any of its runs is visible.
    #[must_use]
    pub fn suite(self, name: &SuiteName) -> Option<SuiteBase<'h>> {
        let (name, suite) = self.history.suites.get_key_value(name)?;
        let visible = || suite.runs.iter().map(|facts| facts.run).filter(|&run| self.sees(run));
        visible().next()?;
        let whole: Vec<u64> = visible().filter(|&run| !self.history.is_partial(run)).collect();
        let recent = whole[whole.len().saturating_sub(RATE_RUNS)..].to_vec();
        let newest = whole.last().copied();
        let since = suite.runs_where(|run| self.sees(run) && Some(run) >= newest);
        let current = |line: &&TestHistory| !(line.seen() & since).is_empty();
        let groups = suite.tests.iter().filter(current).map(TestHistory::group).collect();
        Some(SuiteBase { name, suite, base: self, whole: newest, since, recent, groups })
    }
}

impl<'h> SuiteBase<'h> {
    /// Whether its newest run of everything, or one since, saw a test of this group.
    #[must_use]
    pub fn had_group(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    /// What is known of one test.
    #[must_use]
    pub fn test(&self, name: &str) -> Option<Before> {
        let record = SuiteRecord::of(self.name, self.suite).test(name)?;
        self.before(&record)
    }

    /// The tests that its newest run of everything saw, or one since, by name, each with the groups
    /// in which they did; none where no run was of everything.
    pub fn current(&self) -> impl Iterator<Item = (&'h str, Vec<&'h str>)> {
        let current =
            |line: &&TestHistory| self.whole.is_some() && !(line.seen() & self.since).is_empty();
        let mut here = self.suite.tests.iter().filter(current).map(TestHistory::key).peekable();
        std::iter::from_fn(move || {
            let (name, group) = here.next()?;
            let mut groups = vec![group];
            while let Some((_, other)) = here.next_if(|(next, _)| *next == name) {
                groups.push(other);
            }
            Some((name, groups))
        })
    }

    fn before(&self, record: &TestRecord<'_>) -> Option<Before> {
        let visible = || record.runs.iter().filter(|(run, _)| self.base.sees(*run));
        let &(last, end) = visible().next_back()?;
        let took = || {
            visible().rev().filter_map(|(_, mark)| match mark {
                Mark::Took(us) => Some(*us),
                Mark::Skipped | Mark::Flaky | Mark::Failed => None,
            })
        };
        let first = visible().next().map_or(last, |&(run, _)| run);
        let recent = || self.recent.iter().filter(|&&run| run >= first);
        let flaky = visible().filter(|(run, mark)| {
            *mark == Mark::Flaky && self.recent.first().is_none_or(|oldest| run >= oldest)
        });
        let flaky = flaky.count();
        Some(Before {
            end,
            is_current: Some(last) >= self.whole,
            took_us: usual(took()).zip(took().max()),
            rate: Rate { flaky, runs: recent().count().max(flaky) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Observation, Seen};
    use crate::model::TestId;

    fn suite() -> SuiteName {
        SuiteName::new("s").unwrap()
    }

    fn taught(runs: &[(u64, &[(&str, Seen)])]) -> History {
        let mut history = History::default();
        for (run, seen) in runs {
            let seen = seen.iter().map(|(test, seen)| Observation {
                test: TestId::new(&suite(), test),
                group: "g".into(),
                seen: *seen,
            });
            history.record(*run, seen.collect(), Vec::new());
        }
        history
    }

    fn current(history: &History, as_of: Option<u64>) -> Vec<&str> {
        let base = Base::new(history, as_of).suite(&suite());
        base.map(|base| base.current().map(|(name, _)| name).collect()).unwrap_or_default()
    }

    #[test]
    fn a_run_sees_what_came_before_it() {
        let history = taught(&[
            (1, &[("a", Seen::Passed(10)), ("b", Seen::Passed(10))]),
            (2, &[("a", Seen::Passed(30))]),
            (3, &[("a", Seen::Failed)]),
        ]);
        assert_eq!(Base::new(&history, Some(1)).newest(), None);
        assert!(Base::new(&history, Some(1)).suite(&suite()).is_none());
        let ends = [2, 3, 4].map(|as_of| {
            let base = Base::new(&history, Some(as_of)).suite(&suite()).unwrap();
            base.test("a").unwrap().end
        });
        assert_eq!(ends, [Mark::Took(10), Mark::Took(30), Mark::Failed]);
        let base = Base::new(&history, None).suite(&suite()).unwrap();
        // 30 twice and 10, each within twice their median of 20.
        assert_eq!(base.test("a").unwrap().took_us, Some((23, 30)));
        assert!(!base.test("b").unwrap().is_current && base.test("new").is_none());
        assert_eq!(current(&history, Some(2)), ["a", "b"]);
        assert_eq!(current(&history, Some(3)), ["a"]);
        assert!(base.had_group("g") && !base.had_group("h"));
    }

    #[test]
    fn what_a_partial_run_did_not_see_is_not_gone() {
        let mut history = taught(&[
            (1, &[("a", Seen::Passed(10)), ("b", Seen::Passed(10))]),
            (2, &[("a", Seen::Failed)]),
        ]);
        history.record_partial(2, true);
        assert_eq!(current(&history, None), ["a", "b"]);
        let base = Base::new(&history, None).suite(&suite()).unwrap();
        assert_eq!(base.test("a").unwrap().end, Mark::Failed);
        history.record_partial(1, true);
        assert!(current(&history, None).is_empty(), "no run was of everything");
    }

    #[test]
    fn flakes_are_told_of_the_runs_that_could_have_seen_one() {
        let mut runs = vec![(1, vec![("old", Seen::Passed(1))])];
        for run in 2..=30 {
            let flaky = if run % 10 == 0 { Seen::Flaky } else { Seen::Passed(1) };
            runs.push((run, vec![("old", Seen::Passed(1)), ("a", flaky)]));
        }
        runs[29].1.push(("young", Seen::Flaky));
        let runs: Vec<_> = runs.iter().map(|(run, seen)| (*run, seen.as_slice())).collect();
        let history = taught(&runs);
        let base = Base::new(&history, None).suite(&suite()).unwrap();
        let rate = |test| base.test(test).unwrap().rate;
        // Runs 11 to 30: flaky in 20 and 30.
        assert_eq!(rate("a"), Rate { flaky: 2, runs: 20 });
        assert_eq!(rate("young"), Rate { flaky: 1, runs: 1 });
        assert_eq!(rate("old").flaky, 0);
    }

    #[test]
    fn an_import_is_no_run_to_compare_with() {
        let history = taught(&[(IMPORTED_RUN, &[("a", Seen::Passed(10))])]);
        assert_eq!(Base::new(&history, None).newest(), None);
        assert!(Base::new(&history, None).suite(&suite()).is_none());
    }
}
