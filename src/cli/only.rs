//! `--only` and `--failed`: of all that was found, these groups, classes and tests.
//!
//! They are looked for among what the frameworks list and among what rules made of it, so that
//! rules hold for them as in a whole run.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::error::Error;
use super::parts;
use super::print::{note, warn};
use crate::discover::Discovery;
use crate::framework::Reading;
use crate::model::{Group, GroupId, Member, SuiteName, one_line};

/// What alone is to run.
pub(super) struct Wanted {
    /// Ids of groups, of parts of them, of classes and of tests.
    pub(super) ids: Vec<String>,
    /// What of one that is not there.
    pub(super) unknown: Unknown,
    /// Where the journals are in which parts of groups have their names.
    pub(super) journals: PathBuf,
}

/// What of an id that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is misspelt.
    Refuse,
    /// It is gone since.
    Tell,
}

/// What of a listed group.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Whole,
    /// These of its listed tests.
    Tests(Vec<String>),
}

impl Part {
    fn and(self, more: Self) -> Self {
        match (self, more) {
            (Self::Tests(mut tests), Self::Tests(more)) => {
                tests.extend(more);
                Self::Tests(tests)
            }
            (Self::Whole, _) | (_, Self::Whole) => Self::Whole,
        }
    }
}

/// What of a group as rules made it.
enum Picked {
    All,
    /// Of these listed groups, by their positions.
    Of(BTreeMap<usize, Part>),
}

/// The groups as they were listed, by the names of all that is in them.
pub(super) struct Listed {
    groups: Vec<Group>,
}

impl Listed {
    pub(super) fn of(groups: &[Group]) -> Self {
        Self { groups: groups.to_vec() }
    }
}

/// Leaves the groups and tests that are wanted, and nothing else.
///
/// # Errors
/// When an id is none of any group or test, and when nothing is left.
pub(super) fn keep(
    discovery: &mut Discovery,
    listed: &Listed,
    wanted: &Wanted,
) -> Result<(), Error> {
    let index = Index::new(&listed.groups, &discovery.groups);
    let mut picked: BTreeMap<usize, Picked> = BTreeMap::new();
    let mut told = None;
    let mut gone = Vec::new();
    for id in &wanted.ids {
        let found = index.find(id).or_else(|| {
            let told = told.get_or_insert_with(|| parts::told(&wanted.journals));
            index.part_told(id, told)
        });
        let Some(found) = found else {
            match wanted.unknown {
                Unknown::Refuse => return Err(Error::NoTest(id.clone())),
                Unknown::Tell => gone.push(id.clone()),
            }
            continue;
        };
        for (ruled, pick) in found {
            add(&mut picked, ruled, pick);
        }
    }
    drop(index);
    tell_gone(&gone);
    if picked.is_empty() {
        return Err(Error::AllGone(gone.len()));
    }
    let reading = |suite: &SuiteName| discovery.frameworks[suite].reading;
    let groups = std::mem::take(&mut discovery.groups).into_iter().enumerate();
    let kept = groups.filter_map(|(at, group)| match picked.remove(&at)? {
        Picked::All => Some(group),
        Picked::Of(parts) => Some(narrowed(group, &listed.groups, &parts, &reading)),
    });
    discovery.groups = kept.collect();
    Ok(())
}

/// How many ids that are gone are named.
const GONE_NAMED_MAX: usize = 10;

fn tell_gone(gone: &[String]) {
    for id in gone.iter().take(GONE_NAMED_MAX) {
        warn(&format!("`{}` is not there any more, so it is not run", one_line(id)));
    }
    if gone.len() > GONE_NAMED_MAX {
        warn(&format!("{} more are not there any more", gone.len() - GONE_NAMED_MAX));
    }
}

fn add(picked: &mut BTreeMap<usize, Picked>, ruled: usize, pick: Option<(usize, Part)>) {
    let slot = picked.entry(ruled).or_insert_with(|| Picked::Of(BTreeMap::new()));
    match (slot, pick) {
        (Picked::All, _) => {}
        (slot, None) => *slot = Picked::All,
        (Picked::Of(parts), Some((at, part))) => {
            let part = match parts.remove(&at) {
                Some(known) => known.and(part),
                None => part,
            };
            parts.insert(at, part);
        }
    }
}

/// Where things are found: the position of a group as rules made it, and what of which listed
/// group; nothing where it is all of it.
type Found = Vec<(usize, Option<(usize, Part)>)>;

struct Index<'a> {
    listed: &'a [Group],
    groups: HashMap<(&'a str, &'a str), usize>,
    tests: HashMap<(&'a str, &'a str), usize>,
    /// Groups as rules made them, by name, and by the names of their members.
    ruled: HashMap<(&'a str, &'a str), usize>,
    members: HashMap<(&'a str, &'a str), usize>,
}

impl<'a> Index<'a> {
    fn new(listed: &'a [Group], ruled: &'a [Group]) -> Self {
        let mut index = Self {
            listed,
            groups: HashMap::new(),
            tests: HashMap::new(),
            ruled: HashMap::new(),
            members: HashMap::new(),
        };
        for (at, group) in listed.iter().enumerate() {
            let suite = group.id.suite.as_str();
            index.groups.insert((suite, &group.id.name), at);
            index.tests.extend(group.tests.iter().flatten().map(|test| ((suite, &**test), at)));
        }
        for (at, group) in ruled.iter().enumerate() {
            let suite = group.id.suite.as_str();
            index.ruled.insert((suite, &group.id.name), at);
            let members = group.members.iter().map(|member| ((suite, &*member.name), at));
            index.members.extend(members);
        }
        index
    }

    fn find(&self, id: &str) -> Option<Found> {
        let (suite, name) = id.split_once(':')?;
        if let Some(&ruled) = self.ruled.get(&(suite, name)) {
            return Some(vec![(ruled, None)]);
        }
        if let Some(&at) = self.groups.get(&(suite, name)) {
            return Some(vec![self.pick(at, Part::Whole)?]);
        }
        if let Some(&at) = self.tests.get(&(suite, name)) {
            return Some(vec![self.pick(at, Part::Tests(vec![name.to_owned()]))?]);
        }
        self.within(suite, name).or_else(|| self.class(suite, name))
    }

    /// The group whose tests are not listed: their names begin with its own, those of Java's nested
    /// classes too.
    fn within(&self, suite: &str, name: &str) -> Option<Found> {
        let holds = |group: &Group| {
            let rest = name.strip_prefix(&*group.id.name);
            let inside = |rest: &str| rest.starts_with([':', '.', ' ', '$']);
            group.tests.is_none() && rest.is_some_and(inside)
        };
        let groups = self.listed.iter().enumerate();
        let of_suite = groups.filter(|(_, group)| group.id.suite.as_str() == suite);
        let holding = of_suite.filter(|(_, group)| holds(group));
        let (at, _) = holding.max_by_key(|(_, group)| group.id.name.len())?;
        Some(vec![self.pick(at, Part::Whole)?])
    }

    /// The listed tests whose names begin with a class's.
    fn class(&self, suite: &str, name: &str) -> Option<Found> {
        let inside = |test: &&String| {
            test.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '.']))
        };
        let of = |(at, group): (usize, &Group)| {
            let tests: Vec<String> = group.tests.iter().flatten().filter(inside).cloned().collect();
            (!tests.is_empty()).then(|| self.pick(at, Part::Tests(tests))).flatten()
        };
        let groups = self.listed.iter().enumerate();
        let of_suite =
            groups.filter(|(_, group)| !name.is_empty() && group.id.suite.as_str() == suite);
        let found: Found = of_suite.filter_map(of).collect();
        (!found.is_empty()).then_some(found)
    }

    /// The tests of a part that a journal tells of, as far as they are there.
    fn part_told(&self, id: &str, told: &parts::Told) -> Option<Found> {
        let id: GroupId = id.parse().ok()?;
        let tests = told.get(&id)?;
        let suite = id.suite.as_str();
        let pick = |test: &String| {
            let at = *self.tests.get(&(suite, test.as_str()))?;
            self.pick(at, Part::Tests(vec![test.clone()]))
        };
        let found: Found = tests.iter().filter_map(pick).collect();
        (!found.is_empty()).then_some(found)
    }

    /// Where a listed group came to be by the rules.
    fn pick(&self, at: usize, part: Part) -> Option<(usize, Option<(usize, Part)>)> {
        let group = &self.listed[at];
        let suite = group.id.suite.as_str();
        Some(match self.ruled.get(&(suite, &*group.id.name)) {
            Some(&ruled) if part == Part::Whole => (ruled, None),
            Some(&ruled) => (ruled, Some((at, part))),
            // Rules joined it with others, its members among theirs.
            None => {
                let member = group.members.first()?;
                (*self.members.get(&(suite, &*member.name))?, Some((at, part)))
            }
        })
    }
}

/// What is left of a group: of each listed group in it the part that is wanted.
fn narrowed(
    group: Group,
    listed: &[Group],
    parts: &BTreeMap<usize, Part>,
    reading: &dyn Fn(&SuiteName) -> Reading,
) -> Group {
    let reading = reading(&group.id.suite);
    let place = |member: &Member| group.members.iter().position(|other| other.name == member.name);
    let mut inside: Vec<(&Group, &Part)> =
        parts.iter().map(|(at, part)| (&listed[*at], part)).collect();
    inside.sort_by_key(|(of, _)| of.members.first().and_then(place));
    let kept = inside.into_iter().map(|(of, part)| match part {
        Part::Whole => (of.members.clone(), of.tests.clone()),
        Part::Tests(tests) => some_of(of, tests, reading),
    });
    let mut members = Vec::new();
    let mut tests = Some(Vec::new());
    for (more_members, more_tests) in kept {
        members.extend(more_members);
        tests = tests.zip(more_tests).map(|(tests, more)| [tests, more].concat());
    }
    Group { members, tests, ..group }
}

/// A group with some of its listed tests, by what selects them.
pub(super) fn with_tests(group: Group, tests: &[String], reading: Reading) -> Group {
    let (members, tests) = some_of(&group, tests, reading);
    Group { members, tests, ..group }
}

fn some_of(
    group: &Group,
    wanted: &[String],
    reading: Reading,
) -> (Vec<Member>, Option<Vec<String>>) {
    if !reading.splits_groups() {
        let name = one_line(&group.id.name);
        note(&format!("`{name}` runs whole: its framework cannot run less"));
        return (group.members.clone(), group.tests.clone());
    }
    let listed = group.tests.iter().flatten();
    let tests: Vec<String> = listed.filter(|test| wanted.contains(test)).cloned().collect();
    let of = |test: &String| reading.members(&group.members, test, &[test]);
    (tests.iter().flat_map(of).collect(), Some(tests))
}
