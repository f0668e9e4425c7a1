//! From the names of another tool to the tests and groups of a suite.
//!
//! All entries of a file are related to the suite's names in the same way: they are the same, or
//! have the same directories before them, or lack the same. So an absolute path of another machine
//! is found, and a file of the same name in another directory is not taken for this one.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::lookup::{Cut, Lookup, Relation, agreed};
use super::{Name, Timing};
use crate::framework::Naming;
use crate::model::{Group, SuiteName};

/// What one suite has, to be found by foreign names.
#[derive(Debug)]
pub struct Catalogue<'a> {
    suite: &'a SuiteName,
    naming: Naming,
    dir: Cut,
    /// The listed tests, each with its group's name.
    tests: Vec<(&'a str, &'a str)>,
    by_name: HashMap<&'a str, usize>,
    places: Vec<Place<'a>>,
    paths: Lookup,
    words: Lookup,
    keys: OnceCell<Lookup>,
}

/// What a path or a class can name: one part of a group.
#[derive(Debug)]
struct Place<'a> {
    name: &'a str,
    /// Its listed tests, unless the framework lists none.
    tests: Option<Vec<usize>>,
}

/// What a name turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Target {
    /// The listed test of this index.
    Test(usize),
    /// The place of this index.
    Place(usize),
}

/// A target, and whether the foreign name was exactly its.
pub(super) type Found = Option<(Target, bool)>;

type Candidates = Vec<(Relation, (Target, bool))>;

impl<'a> Catalogue<'a> {
    /// Of a suite's groups as they were discovered. `dir` is the suite's directory, relative to
    /// the project's; foreign names may begin with it.
    #[must_use]
    pub fn new(suite: &'a SuiteName, groups: &'a [Group], naming: Naming, dir: &str) -> Self {
        let (mut tests, mut places) = (Vec::new(), Vec::new());
        for group in groups.iter().filter(|group| group.id.suite == *suite) {
            let first = tests.len();
            let listed = group.tests.iter().flatten();
            tests.extend(listed.map(|test| (test.as_str(), &*group.id.name)));
            for member in &group.members {
                let name = &*member.name;
                let of_member = |&index: &usize| {
                    let (test, _): (&str, &str) = tests[index];
                    group.members.len() == 1 || test.starts_with(name)
                };
                let listed = (first..tests.len()).filter(of_member).collect();
                places.push(Place { name, tests: group.tests.is_some().then_some(listed) });
            }
        }
        let dir = Cut::path(dir);
        let lookup = |cut: fn(&str) -> Cut| {
            Lookup::new(places.iter().map(|place: &Place<'_>| cut(place.name)), &dir)
        };
        let (paths, words) = (lookup(Cut::path), lookup(Cut::words));
        let by_name = tests.iter().enumerate().map(|(index, (test, _))| (*test, index)).collect();
        Self { suite, naming, dir, tests, by_name, places, paths, words, keys: OnceCell::new() }
    }

    /// The suite.
    #[must_use]
    pub fn suite(&self) -> &'a SuiteName {
        self.suite
    }

    /// The name and group of a listed test.
    pub(super) fn test(&self, index: usize) -> (&'a str, &'a str) {
        self.tests[index]
    }

    /// A place's name and its listed tests, unless the framework lists none.
    pub(super) fn place(&self, index: usize) -> (&'a str, Option<&[usize]>) {
        let Place { name, tests } = &self.places[index];
        (name, tests.as_deref())
    }

    /// Some of the names that foreign ones were looked for among.
    pub fn examples(&self) -> impl Iterator<Item = &'a str> {
        let tests = self.tests.iter().map(|(test, _)| *test);
        let unlisted = self.places.iter().filter(|place| place.tests.is_none());
        tests.chain(unlisted.map(|place| place.name))
    }

    /// What each entry of one file is.
    pub(super) fn resolve(&self, entries: &[Timing]) -> Vec<Found> {
        let ask = |question: fn(&Self, &Name) -> Candidates| {
            agreed(entries.iter().map(|entry| question(self, &entry.name)).collect())
        };
        let (by_key, by_path, by_words) =
            (ask(Self::by_key), ask(Self::by_path), ask(Self::by_words));
        let answers = by_key.into_iter().zip(by_path).zip(by_words);
        answers.map(|((key, path), words)| key.or(path).or(words)).collect()
    }

    /// As a test, by what its framework calls it.
    fn by_key(&self, name: &Name) -> Candidates {
        let key = match name {
            Name::Test(test) => {
                if let Some(&index) = self.by_name.get(test.as_str()) {
                    return vec![(Relation::Same, (Target::Test(index), true))];
                }
                if test.contains("::") {
                    return Vec::new();
                }
                test.clone()
            }
            Name::Case { class, name, .. } if !name.is_empty() => {
                self.naming.key_of_case(class, name)
            }
            Name::Case { .. } | Name::File(_) | Name::Class(_) => return Vec::new(),
        };
        let keys = self.keys.get_or_init(|| {
            let keys = self.tests.iter().map(|(test, _)| self.naming.key_of_listed(test));
            Lookup::new(keys.map(|key| words_of_key(&key)), &self.dir)
        });
        let found = keys.find(&words_of_key(&key)).into_iter();
        found.map(|(relation, index)| with(relation, Target::Test(index))).collect()
    }

    /// As a file, or a test in one.
    fn by_path(&self, name: &Name) -> Candidates {
        let (path, inside) = match name {
            Name::Test(test) => match test.split_once("::") {
                Some((path, inside)) => (path, Some(inside)),
                None => return Vec::new(),
            },
            Name::File(path) => (path.as_str(), None),
            Name::Case { file: Some(path), name, .. } => {
                return self.places(&self.paths, &Cut::path(path), !name.is_empty());
            }
            Name::Case { name, .. } => (name.as_str(), None),
            Name::Class(_) => return Vec::new(),
        };
        let Some(inside) = inside else {
            let is_case = matches!(name, Name::Case { .. });
            return self.places(&self.paths, &Cut::path(path), is_case);
        };
        let found = self.paths.find(&Cut::path(path)).into_iter();
        let test = |(relation, index): (Relation, usize)| {
            let Place { name, tests } = &self.places[index];
            let target = match tests {
                None => Target::Place(index),
                Some(_) => Target::Test(*self.by_name.get(&*format!("{name}::{inside}"))?),
            };
            Some(with(relation, target))
        };
        found.filter_map(test).collect()
    }

    /// As a file or class, by the words of its name.
    fn by_words(&self, name: &Name) -> Candidates {
        let (text, is_case) = match name {
            Name::File(path) => (path, false),
            Name::Class(class) => (class, false),
            Name::Case { class, name, .. } if !class.is_empty() => (class, !name.is_empty()),
            Name::Case { .. } | Name::Test(_) => return Vec::new(),
        };
        self.places(&self.words, &Cut::words(text), is_case)
    }

    /// Places of a name. A case that is no listed test is not spread over those that are.
    fn places(&self, lookup: &Lookup, name: &Cut, is_case: bool) -> Candidates {
        let found = lookup.find(name).into_iter();
        let fits = |&(_, index): &(Relation, usize)| !is_case || self.places[index].tests.is_none();
        found.filter(fits).map(|(relation, index)| with(relation, Target::Place(index))).collect()
    }
}

fn with(relation: Relation, target: Target) -> (Relation, (Target, bool)) {
    let exact = relation == Relation::Same;
    (relation, (target, exact))
}

/// A test's key, its parts before any parameters separated by whatever.
fn words_of_key(key: &str) -> Cut {
    let parameters = key.find('[').unwrap_or(key.len());
    let (name, parameters) = key.split_at(parameters);
    Cut::path(&(name.replace("::", "/").replace('.', "/") + parameters))
}
