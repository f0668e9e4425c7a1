//! The history as bytes: a header line, then for each suite a line with its runs and a line a test,
//! sorted by id. `docs/reference/history.md` describes the fields.
//!
//! Tests name runs by their position in the suite's line, and a group's name that starts the test's
//! name by its length: 100,000 tests have to fit in 20 MB. A new field must be optional; what an
//! old reader would misread raises [`FORMAT`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::line::Ends;
use super::{DURATION_US_MAX, History, RUNS_MAX, RunSet, is_workers};
use super::{RunFacts, SuiteHistory, TestHistory};
use crate::model::SuiteName;

/// The version of the format.
pub const FORMAT: u32 = 1;

/// Why a history is of no use. Whoever gets this must not write over the file.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A later evenly wrote it.
    #[error(
        "it has format {0}, newer than the {FORMAT} that this evenly reads; use the evenly that \
         wrote it, or give another file with `--history`"
    )]
    Newer(u64),
    /// The first line says nothing of a format.
    #[error(
        "it is not a history: its first line is not `{{\"format\":{FORMAT}}}`; delete the file, \
         or give another one with `--history`"
    )]
    Foreign,
}

/// What was amiss in a history that is of use all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Lines that could not be understood.
    Damaged {
        /// How many.
        lines: usize,
        /// The first of them, from 1.
        first: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Damaged { lines, first } = self;
        let (what, these) = if *lines == 1 { ("line", "it") } else { ("lines", "they") };
        write!(f, "the history has {lines} damaged {what} (the first is line {first}): {these} ")?;
        f.write_str("will be missing from the next one")
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    /// Run, and what a shard cost beside its groups, microseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fixed: Vec<(u64, u64)>,
    /// Runs that were not of everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    partial: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct SuiteLine {
    suite: SuiteName,
    /// Run, workers, overhead in microseconds.
    runs: Vec<(u64, Option<u32>, Option<u64>)>,
}

#[derive(Serialize, Deserialize)]
struct TestLine<'a> {
    #[serde(borrow)]
    test: Cow<'a, str>,
    /// The group's name, unless the test's name starts with it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    group: Option<Cow<'a, str>>,
    /// How many bytes of the test's name are the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<usize>,
    /// The measured durations, microseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    us: Vec<u64>,
    /// The runs that they are of, where those are not simply the suite's newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Vec<usize>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flaky: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<usize>,
}

impl History {
    /// Reads what [`History::to_bytes`] wrote. No bytes are an empty history; lines that cannot be
    /// understood are left out and counted.
    ///
    /// # Errors
    /// When the first line tells of a later format, or of none.
    pub fn read(bytes: &[u8]) -> Result<(Self, Vec<Warning>), HistoryError> {
        let mut history = Self::default();
        let mut lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
        let Some(header) = lines.next().map(|(_, line)| line).filter(|_| !bytes.is_empty()) else {
            return Ok((history, Vec::new()));
        };
        match serde_json::from_slice(header) {
            Ok(Header { format, fixed, partial }) if format == u64::from(FORMAT) => {
                for (run, us) in fixed {
                    history.record_fixed(run, us);
                }
                history.merge_partial(partial);
            }
            Ok(Header { format, fixed: _, partial: _ }) => return Err(HistoryError::Newer(format)),
            Err(_) => return Err(HistoryError::Foreign),
        }
        let mut damaged = Vec::new();
        let mut group: Arc<str> = "".into();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            if history.take_line(line, &mut group).is_none() {
                damaged.push(number);
            }
        }
        for suite in history.suites.values_mut() {
            suite.tests.sort_by(|a, b| a.key().cmp(&b.key()));
            suite.tests.dedup_by(|later, first| later.key() == first.key());
        }
        let warning =
            damaged.first().map(|&first| Warning::Damaged { lines: damaged.len(), first });
        Ok((history, Vec::from_iter(warning)))
    }

    /// The history's bytes: the same for the same history.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { suites, fixed, partial } = self;
        let mut bytes = Vec::new();
        let fixed = fixed.iter().map(|(&run, &us)| (run, us)).collect();
        let partial = partial.iter().copied().collect();
        push_line(&mut bytes, &Header { format: FORMAT.into(), fixed, partial });
        for (name, SuiteHistory { runs, tests }) in suites {
            push_line(&mut bytes, &SuiteLine::of(name, runs));
            for test in tests {
                push_line(&mut bytes, &TestLine::of(name, runs.len(), test));
            }
        }
        bytes
    }

    /// Takes in one line after the header, or nothing of it. `group` is the last one's: sorted
    /// tests share it.
    fn take_line(&mut self, line: &[u8], group: &mut Arc<str>) -> Option<()> {
        let Ok(test) = serde_json::from_slice::<TestLine<'_>>(line) else {
            let (name, suite) = serde_json::from_slice::<SuiteLine>(line).ok()?.read()?;
            return match self.suites.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(suite);
                    Some(())
                }
                Entry::Occupied(_) => None,
            };
        };
        let (suite, _) = test.test.split_once(':')?;
        let suite = suite_mut(&mut self.suites, suite)?;
        let test = test.read(suite.runs.len(), group)?;
        suite.tests.push(test);
        Some(())
    }
}

fn suite_mut<'a>(
    suites: &'a mut BTreeMap<SuiteName, SuiteHistory>,
    name: &str,
) -> Option<&'a mut SuiteHistory> {
    suites.get_mut(&SuiteName::new(name).ok()?)
}

fn push_line(bytes: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *bytes, line).expect("lines have only text, numbers and lists");
    bytes.push(b'\n');
}

impl SuiteLine {
    fn of(name: &SuiteName, runs: &[RunFacts]) -> Self {
        let facts = |facts: &RunFacts| {
            let RunFacts { run, workers, overhead_us } = facts;
            (*run, *workers, *overhead_us)
        };
        Self { suite: name.clone(), runs: runs.iter().map(facts).collect() }
    }

    fn read(self) -> Option<(SuiteName, SuiteHistory)> {
        let Self { suite, runs } = self;
        let facts = |(run, workers, overhead_us)| RunFacts { run, workers, overhead_us };
        let runs: Vec<RunFacts> = runs.into_iter().map(facts).collect();
        let fits = runs.len() <= RUNS_MAX
            && runs.is_sorted_by(|a, b| a.run < b.run)
            && runs.iter().filter_map(|facts| facts.workers).all(is_workers)
            && runs.iter().filter_map(|facts| facts.overhead_us).all(|us| us <= DURATION_US_MAX);
        fits.then_some((suite, SuiteHistory { runs, tests: Vec::new() }))
    }
}

impl<'a> TestLine<'a> {
    fn of(suite: &SuiteName, runs: usize, test: &'a TestHistory) -> Self {
        let (name, group) = test.key();
        let positions = |of: RunSet| of.iter().collect::<Vec<_>>();
        let measured = positions(test.measured());
        let newest = measured.iter().copied().eq(runs - measured.len()..runs);
        let prefix = name.starts_with(group).then_some(group.len());
        Self {
            test: format!("{suite}:{name}").into(),
            group: if prefix.is_some() { None } else { Some(Cow::Borrowed(group)) },
            prefix,
            us: test.took().map(|(_, us)| us).collect(),
            at: if newest { None } else { Some(measured) },
            failed: positions(test.failed()),
            flaky: positions(test.flaky()),
            skipped: positions(test.skipped()),
        }
    }

    /// The test, unless the line says what cannot be.
    fn read(self, runs: usize, last: &mut Arc<str>) -> Option<TestHistory> {
        let Self { test, group, prefix, us, at, failed, flaky, skipped } = self;
        let (_, name) = test.split_once(':').filter(|(_, name)| !name.is_empty())?;
        let group = match prefix {
            Some(bytes) => name.get(..bytes)?,
            None => group.as_deref()?,
        };
        let at = match at {
            Some(at) => at,
            None => (runs.checked_sub(us.len())?..runs).collect(),
        };
        let set = |at: Vec<usize>| -> Option<RunSet> {
            let fits = at.is_sorted_by(|a, b| a < b) && at.last().is_none_or(|&at| at < runs);
            fits.then(|| at.into_iter().collect())
        };
        let (measured, failed) = (set(at)?, set(failed)?);
        let ends = Ends { measured, us, failed, flaky: set(flaky)?, skipped: set(skipped)? };
        TestHistory::new(name.into(), group, last).with(ends)
    }
}
