//! What is known of one test in one group: a line of the history's file.

use std::sync::Arc;

use super::runs::RunSet;
use super::{DURATION_US_MAX, MEASURED_MAX, Seen};

/// What is known of one test in one group. A test that moves to another group starts anew there;
/// here it ages out. In a run it has one end.
///
/// There may be a million of them: runs are bits, and a group's name is kept as part of the test's
/// where it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestHistory {
    name: Box<str>,
    group: GroupName,
    /// Runs that it passed at the first try: the newest.
    measured: RunSet,
    /// What it took in each of these, microseconds.
    us: Box<[u64]>,
    failed: RunSet,
    /// Runs in which it ended well only when tried again.
    flaky: RunSet,
    skipped: RunSet,
}

/// The name of a test's group; always the first kind where that can tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum GroupName {
    /// So many bytes of the test's name.
    Prefix(usize),
    Other(Arc<str>),
}

/// The ends of a test, as the file has them.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// The runs that measured it.
    pub(super) measured: RunSet,
    /// What it took in each of these, microseconds.
    pub(super) us: Vec<u64>,
    /// The runs that it failed.
    pub(super) failed: RunSet,
    /// The runs in which it was flaky.
    pub(super) flaky: RunSet,
    /// The runs that skipped it.
    pub(super) skipped: RunSet,
}

impl TestHistory {
    /// A test of which nothing is known. `last` is the last group's name: tests that are made one
    /// after another share it.
    pub(super) fn new(name: Box<str>, group: &str, last: &mut Arc<str>) -> Self {
        let group = if name.starts_with(group) {
            GroupName::Prefix(group.len())
        } else {
            if **last != *group {
                *last = group.into();
            }
            GroupName::Other(Arc::clone(last))
        };
        let (none, us) = (RunSet::default(), Box::default());
        Self { name, group, measured: none, us, failed: none, flaky: none, skipped: none }
    }

    /// With what a file says of it, unless that cannot be.
    pub(super) fn with(self, ends: Ends) -> Option<Self> {
        let Ends { measured, us, failed, flaky, skipped } = ends;
        let fits = measured.len() == us.len() && us.iter().all(|&us| us <= DURATION_US_MAX);
        let test = Self { measured, us: us.into(), failed, flaky, skipped, ..self };
        (fits && test.is_remembered()).then_some(test)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn group(&self) -> &str {
        match &self.group {
            GroupName::Prefix(bytes) => &self.name[..*bytes],
            GroupName::Other(name) => name,
        }
    }

    /// What the lines are sorted by.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.name, self.group())
    }

    /// The runs that it passed at the first try, with the microseconds that it took.
    pub(super) fn took(&self) -> impl Iterator<Item = (usize, u64)> {
        self.measured.iter().zip(self.us.iter().copied())
    }

    pub(super) fn measured(&self) -> RunSet {
        self.measured
    }

    pub(super) fn failed(&self) -> RunSet {
        self.failed
    }

    pub(super) fn flaky(&self) -> RunSet {
        self.flaky
    }

    pub(super) fn skipped(&self) -> RunSet {
        self.skipped
    }

    /// All runs that saw it and that it remembers.
    pub(super) fn seen(&self) -> RunSet {
        self.measured | self.failed | self.flaky | self.skipped
    }

    /// Whether any run is left that saw it.
    pub(super) fn is_remembered(&self) -> bool {
        !self.seen().is_empty()
    }

    /// Adds what a run saw of which nothing is known yet.
    pub(super) fn see(&mut self, at: usize, seen: Seen) {
        match seen {
            Seen::Skipped => self.skipped.insert(at),
            Seen::Flaky => self.flaky.insert(at),
            Seen::Failed => self.failed.insert(at),
            Seen::Passed(us) if us <= DURATION_US_MAX => {
                let mut all = std::mem::take(&mut self.us).into_vec();
                all.insert(self.measured.before(at), us);
                self.us = all.into();
                self.measured.insert(at);
            }
            Seen::Passed(_) => {}
        }
    }

    /// Follows its runs to where they stand now; `to` tells where, by position, and what is of runs
    /// that it has nothing for is forgotten.
    pub(super) fn follow(&mut self, to: &[Option<usize>]) {
        let Self { name: _, group: _, measured, us, failed, flaky, skipped } = self;
        if measured.iter().any(|at| to[at].is_none()) {
            let kept = measured.iter().zip(us.iter()).filter(|(at, _)| to[*at].is_some());
            *us = kept.map(|(_, &us)| us).collect();
        }
        for runs in [measured, failed, flaky, skipped] {
            *runs = runs.moved(to);
        }
    }

    /// Keeps the newest durations alone.
    pub(super) fn trim(&mut self) {
        let excess = self.us.len().saturating_sub(MEASURED_MAX);
        if excess > 0 {
            self.us = self.us[excess..].into();
            self.measured = self.measured.iter().skip(excess).collect();
        }
    }

    /// Takes in what another history knows of the test, whose runs stand where this one's do. In
    /// one run the worse end counts, and the longer time.
    pub(super) fn merge(&mut self, other: &Self) {
        let failed = self.failed | other.failed;
        let flaky = (self.flaky | other.flaky).without(failed);
        let bad = failed | flaky;
        let measured = (self.measured | other.measured).without(bad);
        let skipped = (self.skipped | other.skipped).without(bad | measured);
        let took = |test: &Self, run| test.took().find(|&(at, _)| at == run).map(|(_, us)| us);
        self.us = measured.iter().filter_map(|at| took(self, at).max(took(other, at))).collect();
        (self.measured, self.failed, self.flaky, self.skipped) = (measured, failed, flaky, skipped);
    }
}
