//! How imported durations enter a history: as what a run before all others saw.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Timings;
use super::names::{Catalogue, Found, Target};
use crate::history::estimate::median;
use crate::history::{History, Observation, RunSet, Seen, SuiteHistory, TestHistory};
use crate::model::{SuiteName, TestId};

/// The number of the run that imported durations are of. CIs count runs from 1, so every run sees
/// it, and it is always the oldest.
pub const IMPORTED_RUN: u64 = 0;

/// What an import comes to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Import {
    observations: Vec<Observation>,
    /// For each suite, by name.
    pub suites: Vec<Imported>,
    /// Entries of all files.
    pub entries: usize,
    /// Entries that are nothing in any suite, as their tool wrote them; sorted, each once.
    pub unmatched: Vec<String>,
    /// Entries that are something in several suites; sorted, each once.
    pub ambiguous: Vec<String>,
}

/// What an import comes to for one suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The suite.
    pub suite: SuiteName,
    /// Tests, or groups whose tests are not listed, that get a duration.
    pub durations: usize,
    /// How many of these share the duration of a file evenly.
    pub shared: usize,
}

/// Durations by what they are of, over several files.
type Durations = BTreeMap<Target, Vec<u64>>;

impl Import {
    /// Matches what files say with what suites have. The order of the files makes no difference:
    /// of several that tell of the same, the median counts.
    #[must_use]
    pub fn new(files: &[Timings], catalogues: &[Catalogue<'_>]) -> Self {
        let mut import = Self::default();
        let mut durations: Vec<Durations> = catalogues.iter().map(|_| Durations::new()).collect();
        for Timings { entries, .. } in files {
            import.entries += entries.len();
            let found: Vec<Vec<Found>> =
                catalogues.iter().map(|catalogue| catalogue.resolve(entries)).collect();
            let mut sums: HashMap<(usize, Target), u64> = HashMap::new();
            for (index, entry) in entries.iter().enumerate() {
                match choose(&found.iter().map(|found| found[index])) {
                    Choice::One(suite, target) => {
                        let sum = sums.entry((suite, target)).or_default();
                        *sum = sum.saturating_add(entry.us);
                    }
                    Choice::None => import.unmatched.push(entry.name.text()),
                    Choice::Several => import.ambiguous.push(entry.name.text()),
                }
            }
            for ((suite, target), us) in sums {
                durations[suite].entry(target).or_default().push(us);
            }
        }
        for names in [&mut import.unmatched, &mut import.ambiguous] {
            names.sort_unstable();
            names.dedup();
        }
        for (catalogue, durations) in catalogues.iter().zip(durations) {
            import.add(catalogue, durations);
        }
        import.suites.sort_by(|a, b| a.suite.cmp(&b.suite));
        import
    }

    fn add(&mut self, catalogue: &Catalogue<'_>, durations: Durations) {
        let known = durations.into_iter().filter_map(|(target, mut us)| {
            let us = median(&mut us)?;
            Some((target, us))
        });
        let known: BTreeMap<Target, u64> = known.collect();
        let suite = catalogue.suite();
        let before = self.observations.len();
        let mut shared = 0;
        let mut tell = |test: &str, group: &str, us: u64| {
            let (test, group) = (TestId::new(suite, test), group.into());
            self.observations.push(Observation { test, group, seen: Seen::Passed(us) });
        };
        for (&target, &us) in &known {
            match target {
                Target::Test(index) => {
                    let (test, group) = catalogue.test(index);
                    tell(test, group, us);
                }
                Target::Place(index) => match catalogue.place(index) {
                    (name, None) => tell(name, name, us),
                    (_, Some(tests)) => {
                        let parts = spread(us, tests, &known);
                        shared += parts.len();
                        for (index, us) in parts {
                            let (test, group) = catalogue.test(index);
                            tell(test, group, us);
                        }
                    }
                },
            }
        }
        let durations = self.observations.len() - before;
        if durations > 0 {
            self.suites.push(Imported { suite: suite.clone(), durations, shared });
        }
    }

    /// How many of the durations are of tests of which the history has none of its own.
    #[must_use]
    pub fn new_to(&self, history: &History) -> usize {
        let measured = |id: &TestId| {
            let Some(suite) = history.suites.get(&id.suite) else { return false };
            let own = suite.runs_where(is_own);
            let from = suite.tests.partition_point(|test| *test.name() < *id.name);
            let mut lines = suite.tests[from..].iter().take_while(|test| *test.name() == *id.name);
            lines.any(|test| !(test.measured() & own).is_empty())
        };
        self.observations.iter().filter(|seen| !measured(&seen.test)).count()
    }
}

impl History {
    /// Takes in what other tools measured, as of [`IMPORTED_RUN`]. What was imported before for
    /// the same suites is replaced; what runs saw is not touched, and counts alone where there is
    /// any.
    pub fn import(&mut self, import: Import) {
        self.record(IMPORTED_RUN, import.observations, Vec::new());
    }

    /// Whether it remembers an import for a suite: not beside as many runs as it keeps.
    #[must_use]
    pub fn remembers_import(&self, suite: &SuiteName) -> bool {
        let runs = self.suites.get(suite).map_or(&[][..], |suite| &suite.runs);
        runs.first().is_some_and(|facts| facts.run == IMPORTED_RUN)
    }
}

/// A file's duration less that of its tests which have their own, over the others: in whole parts
/// that differ by 1 at most.
fn spread(us: u64, tests: &[usize], known: &BTreeMap<Target, u64>) -> Vec<(usize, u64)> {
    let own = |test: &usize| known.get(&Target::Test(*test)).copied();
    let told = tests.iter().filter_map(own).fold(0, u64::saturating_add);
    let us = us.saturating_sub(told);
    let others = || tests.iter().copied().filter(|test| own(test).is_none());
    let count = others().count().max(1) as u64;
    let share = |(at, test)| (test, us / count + u64::from(at < us % count));
    (0..).zip(others()).map(share).collect()
}

/// Groups that were imported whole and that a run of evenly's own has seen since: what stands under
/// the group's own name is then no test.
#[derive(Debug)]
pub(in crate::history) struct Replaced<'h> {
    /// Groups of which a visible run of evenly's own saw a test; empty without an import.
    seen: HashSet<&'h str>,
    /// The visible runs of evenly's own.
    own: RunSet,
}

impl<'h> Replaced<'h> {
    /// In a suite, as far as its runs are visible.
    pub(in crate::history) fn of(suite: &'h SuiteHistory, visible: RunSet) -> Self {
        let imported = suite.runs.first().is_some_and(|facts| facts.run == IMPORTED_RUN);
        let own = visible & suite.runs_where(is_own);
        let lines = suite.tests.iter().filter(|_| imported);
        let seen = lines.filter(|line| !(line.seen() & own).is_empty());
        Self { seen: seen.map(TestHistory::group).collect(), own }
    }

    /// Whether all that is visible of a name's lines is such an import.
    pub(in crate::history) fn has(&self, lines: &[TestHistory]) -> bool {
        let replaced = |line: &TestHistory| {
            let (name, group) = line.key();
            name == group && (line.seen() & self.own).is_empty() && self.seen.contains(group)
        };
        !self.seen.is_empty() && lines.iter().all(replaced)
    }
}

fn is_own(run: u64) -> bool {
    run != IMPORTED_RUN
}

/// Takes away what was imported, where there is anything of a real run: the visible runs of a
/// test, or of a group.
pub(in crate::history) fn keep_own<T>(runs: &mut Vec<T>, number: impl Fn(&T) -> u64) {
    if runs.iter().any(|run| is_own(number(run))) {
        runs.retain(|run| is_own(number(run)));
    }
}

enum Choice {
    None,
    One(usize, Target),
    Several,
}

/// Which suite an entry is of: the one that has it, or the only one that has it by its exact name.
fn choose(found: &(impl Iterator<Item = Found> + Clone)) -> Choice {
    let of = |exactly: bool| {
        let found = found.clone().enumerate();
        let mut fits = found
            .filter_map(|(suite, found)| found.map(|(target, exact)| (suite, target, exact)))
            .filter(move |&(_, _, exact)| exact || !exactly);
        (fits.next(), fits.next())
    };
    match (of(true), of(false)) {
        ((Some((suite, target, _)), None), _) | (_, (Some((suite, target, _)), None)) => {
            Choice::One(suite, target)
        }
        (_, (None, _)) => Choice::None,
        (_, (Some(_), Some(_))) => Choice::Several,
    }
}
