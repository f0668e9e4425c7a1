//! Tests that are known to be unreliable: their failures don't fail the run, until a day. They are
//! shown all the same, apart from the others.
//!
//! Only a failure that a test itself reported is excused. What is lost, what was concluded from how
//! a process ended, and any failure in a group that broke (a crash may be behind it) counts.

use jiff::civil::Date;

use crate::exit::Exit;
use crate::model::{ProcessEnd, TestId};
use crate::plan::Pattern;

use super::escape::quoted;
use super::run::{Execution, Place, RunReport, RunVerdict, TestReport};

/// One entry of the list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A test's id, or a glob over ids or names.
    pub test: String,
    /// The same, compiled.
    pub pattern: Pattern,
    /// The last day on which it counts.
    pub until: Date,
    /// Why it is there.
    pub reason: Option<String>,
}

/// What became of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quarantine {
    /// Failures that don't count, by test.
    pub excused: Vec<Excused>,
    /// Entries that don't count any more.
    pub expired: Vec<Told>,
    /// Entries that no test of the run matches.
    pub unmatched: Vec<Told>,
}

/// A failure that doesn't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excused {
    /// The test, an index into [`RunReport::tests`].
    pub test: usize,
    /// Until when.
    pub until: Date,
    /// Why.
    pub reason: Option<String>,
}

/// An entry that is worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it says of the test.
    pub test: String,
    /// Until when it counts, or counted.
    pub until: Date,
}

impl Quarantine {
    /// Why a test's failure does not count, if it doesn't.
    #[must_use]
    pub fn of(&self, test: usize) -> Option<&Excused> {
        let at = self.excused.binary_search_by_key(&test, |excused| excused.test).ok()?;
        Some(&self.excused[at])
    }

    /// What there is to say of its entries, a line each; names in it are quoted.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let Self { excused: _, expired, unmatched } = self;
        let expired = expired.iter().map(|Told { test, until }| {
            format!("quarantine of {} ended on {until}: its failures count", quoted(test))
        });
        let unmatched = unmatched.iter().map(|Told { test, until: _ }| {
            format!("quarantine of {} matches no test: remove it, or mend its name", quoted(test))
        });
        expired.chain(unmatched).collect()
    }
}

impl Entry {
    /// An id in full is meant as it stands, also where it is a glob of something else.
    fn is_about(&self, id: &TestId) -> bool {
        self.names(id) || self.pattern.matches_test(id)
    }

    fn names(&self, id: &TestId) -> bool {
        let rest = self.test.strip_prefix(id.suite.as_str());
        rest.and_then(|rest| rest.strip_prefix(':')) == Some(&*id.name)
    }
}

/// Excuses the failures that the list knows. `today` is the day on which that is judged.
pub fn excuse(report: &mut RunReport, entries: &[Entry], today: Date) {
    let (live, over): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.until >= today);
    let mut matched = vec![false; live.len()];
    let mut excused = Vec::new();
    for (at, test) in report.tests.iter().enumerate().filter(|(_, test)| !test.outcome.is_good()) {
        let found = (0..live.len()).find(|&entry| live[entry].is_about(&test.id));
        let Some(entry) = found else { continue };
        matched[entry] = true;
        if is_excusable(report, test) {
            let Entry { until, reason, .. } = live[entry];
            excused.push(Excused { test: at, until: *until, reason: reason.clone() });
        }
    }
    let told = |entry: &Entry| Told { test: entry.test.clone(), until: entry.until };
    let any = |entry: &Entry| report.tests.iter().any(|test| entry.is_about(&test.id));
    // Of a part of the tests nothing can be said.
    let whole = !report.only && report.ledger.is_whole();
    let idle =
        live.iter().zip(&matched).filter(|(entry, matched)| whole && !**matched && !any(entry));
    let unmatched = idle.map(|(entry, _)| told(entry)).collect();
    let expired = over.into_iter().map(told).collect();
    report.quarantine = Quarantine { excused, expired, unmatched };
    if report.verdict == RunVerdict::Failed && report.failing() == 0 {
        report.verdict = RunVerdict::Passed;
        report.exit = Exit::Passed;
    }
}

/// Shells tell of a signal that ended a command by an exit status above this.
const EXIT_MAX: i32 = 128;

fn is_excusable(report: &RunReport, test: &TestReport) -> bool {
    match report.place(test) {
        Place::Worker { .. } => {}
        // There is no process to know of.
        Place::File(_) => return test.reported,
    }
    let last = report.groups[test.group].executions.last();
    let ended = |last: &Execution| match last.end {
        ProcessEnd::Exited(status) => status <= EXIT_MAX && last.problem.is_none(),
        ProcessEnd::Signaled(_) | ProcessEnd::NotStarted(_) | ProcessEnd::Unknown(_) => false,
    };
    test.reported && last.is_some_and(ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome::{Failed, Passed};
    use crate::model::{Problem, TestResult};
    use crate::report::testing::{Log, joined, result};

    fn entry(test: &str, until: &str) -> Entry {
        let pattern = Pattern::new(test).unwrap();
        Entry { test: test.to_owned(), pattern, until: until.parse().unwrap(), reason: None }
    }

    fn today() -> Date {
        "2026-11-24".parse().unwrap()
    }

    fn excused(mut report: RunReport, entries: &[Entry]) -> RunReport {
        excuse(&mut report, entries, today());
        report
    }

    fn names(report: &RunReport) -> Vec<&str> {
        let excused = report.quarantine.excused.iter();
        excused.map(|excused| &*report.tests[excused.test].id.name).collect()
    }

    fn log() -> Log {
        Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"])
    }

    fn ran(failed: &[&str]) -> RunReport {
        let mut tests: Vec<TestResult> = failed.iter().map(|name| result(name, Failed)).collect();
        tests.push(result("fine", Passed));
        joined(vec![log().runs_results("s:g", tests).ends()])
    }

    #[test]
    fn a_run_is_green_when_all_its_failures_are_excused() {
        let report =
            excused(ran(&["a", "b"]), &[entry("s:a", "2026-11-24"), entry("b*", "2027-01-01")]);
        assert_eq!((report.verdict, report.exit), (RunVerdict::Passed, Exit::Passed));
        assert_eq!(names(&report), ["a", "b"]);
        assert_eq!((report.totals.failed, report.failing()), (2, 0), "they are not hidden");
        let report = excused(ran(&["a", "b"]), &[entry("s:a", "2026-11-24")]);
        assert_eq!((report.verdict, report.exit), (RunVerdict::Failed, Exit::Failed));
        assert_eq!(report.failing(), 1);
        let left: Vec<_> = report.failures().map(|(_, test)| &*test.id.name).collect();
        assert_eq!(left, ["b"]);
    }

    #[test]
    fn an_entry_counts_to_the_end_of_its_day_and_is_told_afterwards() {
        let report = excused(ran(&["a"]), &[entry("s:a", "2026-11-23")]);
        assert_eq!(report.exit, Exit::Failed);
        let remark = "quarantine of `s:a` ended on 2026-11-23: its failures count";
        assert_eq!(report.quarantine.remarks(), [remark]);
    }

    #[test]
    fn an_entry_that_matches_nothing_is_told_of_a_whole_run() {
        let entries = [entry("s:fine", "2027-01-01"), entry("s:gone*", "2027-01-01")];
        let remark = "quarantine of `s:gone*` matches no test: remove it, or mend its name";
        assert_eq!(excused(ran(&["a"]), &entries).quarantine.remarks(), [remark]);
        let mut part = ran(&["a"]);
        part.only = true;
        assert!(excused(part, &entries).quarantine.remarks().is_empty());
    }

    #[test]
    fn an_id_in_full_is_also_meant_as_it_stands() {
        let report = excused(ran(&["t[1]", "t1"]), &[entry("s:t[1]", "2027-01-01")]);
        assert_eq!(names(&report), ["t1", "t[1]"], "it is one of both kinds");
        let report = excused(ran(&["t[x]"]), &[entry("s:t[x]", "2027-01-01")]);
        assert_eq!(names(&report), ["t[x]"]);
    }

    #[test]
    fn crashes_and_what_is_lost_are_never_excused() {
        let all = [entry("*", "2027-01-01")];
        let crash = log().breaks("s:g", Problem::NoReport, Vec::new()).ends();
        assert_eq!(excused(joined(vec![crash]), &all).exit, Exit::Failed);
        let behind = log().breaks("s:g", Problem::TimedOut(1), vec![result("a", Failed)]).ends();
        let report = excused(joined(vec![behind]), &all);
        assert_eq!((report.exit, report.quarantine.excused.len()), (Exit::Failed, 0));
        let half = Log::new(1, 2).finds("s", &[("g", None)]).plans(&["s:g"]);
        let half = half.runs("s:g", &[("a", Failed)]).ends();
        let report = excused(joined(vec![half]), &all);
        assert_eq!((report.exit, report.failing()), (Exit::NotWhole, 0));
    }
}
