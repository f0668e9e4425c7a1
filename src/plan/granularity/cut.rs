//! One group and its parts.

use std::collections::HashMap;

use super::{Cut, Unit, Ways};
use crate::model::{Basis, Estimate, Group, GroupId, Nesting};

/// What a group is taken to cost beyond its tests where nothing is known of its suite.
const OVERHEAD_GUESS_US: u64 = 1_000_000;

/// The most that the names of a part's tests take together, bytes: with quotes and filters around
/// them they fit what a process can be given, 2 MiB.
const NAMES_BYTES_MAX: usize = 512 * 1024;

/// A group that can be split, and what that takes to know.
pub(super) struct Whole<'a> {
    group: &'a Group,
    names: &'a [String],
    /// Of each test, microseconds.
    times: Vec<u64>,
    /// What the group, and each of its parts, costs beyond its tests, microseconds.
    overhead_us: u64,
    nestings: Vec<Nesting>,
    /// How many tests have each prefix.
    sizes: HashMap<&'a str, usize>,
    /// Whether nothing was ever measured: classes stay whole then.
    guessed: bool,
}

impl<'a> Whole<'a> {
    /// None where the group cannot be split: it has no list of tests or just one test, is made of
    /// several by a rule, must stay whole, its tests' names don't show what they stand in, or one
    /// of them would select others too.
    pub(super) fn of(group: &'a Group, estimate: Estimate, ways: &Ways<'_>) -> Option<Self> {
        let names = group.tests.as_deref().filter(|tests| tests.len() > 1)?;
        if group.members.len() != 1 || (ways.keeps)(&group.id) {
            return None;
        }
        let nestings: Vec<Nesting> =
            names.iter().map(|name| (ways.nesting)(group, name)).collect::<Option<_>>()?;
        let mut sizes = HashMap::new();
        for (name, nesting) in names.iter().zip(&nestings) {
            for &end in &nesting.ends {
                *sizes.entry(&name[..end]).or_insert(0) += 1;
            }
        }
        if names.iter().any(|name| sizes[&**name] > 1) {
            return None;
        }
        let times = (ways.tests_us)(group);
        let guessed = estimate.basis == Basis::Default;
        let overhead = estimate.us.saturating_sub(total(&times, 0..times.len()));
        let overhead_us = if guessed { overhead.max(OVERHEAD_GUESS_US) } else { overhead };
        Some(Self { group, names, times, overhead_us, nestings, sizes, guessed })
    }

    /// How long a part takes, microseconds.
    pub(super) fn us(&self, part: &[usize]) -> u64 {
        self.tests_us(part).saturating_add(self.overhead_us)
    }

    fn tests_us(&self, part: &[usize]) -> u64 {
        total(&self.times, part.iter().copied())
    }

    fn names_bytes(&self, part: &[usize]) -> usize {
        part.iter().map(|&test| self.names[test].len()).sum()
    }

    /// A part for each test.
    pub(super) fn tests(&self) -> Cut {
        (0..self.names.len()).map(|test| vec![test]).collect()
    }

    /// A part for each class, and one for what is in none.
    pub(super) fn classes(&self) -> Cut {
        let all = self.all();
        let (loose, inside): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|&&test| self.nestings[test].containers == 0);
        let class = |test: &usize| {
            let Nesting { ends, containers } = &self.nestings[*test];
            &self.names[*test][..ends[containers - 1]]
        };
        let mut parts = by_key(&inside, class);
        let functions: Cut = by_key(&loose, |&test| self.prefix(test, 0));
        self.bundle(&functions, u64::MAX, &mut parts);
        parts.sort();
        parts
    }

    /// Parts of at most `limit_us` as far as that can be had; along functions and classes where
    /// those are not too large themselves.
    pub(super) fn parts(&self, limit_us: u64, keeps: &dyn Fn(&str) -> bool) -> Cut {
        let mut parts = Cut::new();
        self.split(&self.all(), 0, &Limit { us: limit_us, keeps }, &mut parts);
        let mut parts = self.paying(parts);
        for part in &mut parts {
            part.sort_unstable();
        }
        parts.sort();
        parts
    }

    fn all(&self) -> Vec<usize> {
        (0..self.names.len()).collect()
    }

    /// What a test belongs to at a depth.
    fn prefix(&self, test: usize, depth: usize) -> &'a str {
        let ends = &self.nestings[test].ends;
        &self.names[test][..ends[depth.min(ends.len() - 1)]]
    }

    fn split(&self, tests: &[usize], depth: usize, limit: &Limit<'_>, parts: &mut Cut) {
        let mut small = Vec::new();
        for unit in by_key(tests, |&test| self.prefix(test, depth)) {
            if self.us(&unit) > limit.us && self.may_split(&unit, depth, limit) {
                self.split(&unit, depth + 1, limit, parts);
            } else {
                small.push(unit);
            }
        }
        self.bundle(&small, limit.us, parts);
    }

    fn may_split(&self, unit: &[usize], depth: usize, limit: &Limit<'_>) -> bool {
        let deeper = unit.iter().any(|&test| self.nestings[test].ends.len() > depth + 1);
        let in_class = |&test: &usize| depth + 1 >= self.nestings[test].containers;
        deeper
            && !(self.guessed && unit.iter().any(in_class))
            && !(limit.keeps)(self.prefix(unit[0], depth))
    }

    /// Puts units together, in their order, into as few parts as keep the limit, about equal.
    fn bundle(&self, units: &[Vec<usize>], limit_us: u64, parts: &mut Cut) {
        // A part of less than twice what it costs could fall apart into ones that don't pay.
        let twice = self.overhead_us.saturating_mul(2);
        let room = limit_us.saturating_sub(self.overhead_us).max(twice).max(1);
        let all: u128 = units.iter().map(|unit| u128::from(self.tests_us(unit))).sum();
        let count = all.div_ceil(u128::from(room)).max(1);
        let (mut before, mut made, mut bytes) = (0_u128, 1_u128, 0);
        let mut part: Vec<usize> = Vec::new();
        for unit in units {
            let us = u128::from(self.tests_us(unit));
            let names = self.names_bytes(unit);
            // Its middle says whose it is.
            let due = (2 * before + us) * count > 2 * all * made;
            if !part.is_empty() && (due || bytes + names > NAMES_BYTES_MAX) {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            while (2 * before + us) * count > 2 * all * made {
                made += 1;
            }
            part.extend(unit);
            before += us;
            bytes += names;
        }
        if !part.is_empty() {
            parts.push(part);
        }
    }

    /// Joins parts whose tests take less than a part costs beyond them: with each other, and what
    /// is left with the smallest.
    fn paying(&self, parts: Cut) -> Cut {
        let pays = |part: &Vec<usize>| self.tests_us(part) >= self.overhead_us;
        let fits = |one: &[usize], other: &[usize]| {
            self.names_bytes(one) + self.names_bytes(other) <= NAMES_BYTES_MAX
        };
        let (mut paying, small): (Cut, Cut) = parts.into_iter().partition(pays);
        let mut rest = Vec::new();
        for part in small {
            if pays(&rest) || !fits(&rest, &part) {
                paying.push(std::mem::take(&mut rest));
            }
            rest.extend(part);
        }
        if rest.is_empty() || pays(&rest) {
            paying.extend(Some(rest).filter(|rest| !rest.is_empty()));
            return paying;
        }
        let others = paying.iter_mut().filter(|part| fits(part, &rest));
        let smallest = others.min_by_key(|part| (self.tests_us(part), part[0]));
        match smallest {
            Some(smallest) => smallest.extend(rest),
            None => paying.push(rest),
        }
        paying
    }

    /// A part as a group of its own.
    pub(super) fn part(&self, part: &[usize], ways: &Ways<'_>) -> Group {
        let Group { id, members: _, tests: _, exclusive, databases, aliases, late, limits } =
            self.group;
        let units = self.units(part);
        Group {
            id: GroupId::new(&id.suite, &self.part_name(part, &units)),
            members: (ways.members)(self.group, &units),
            tests: Some(part.iter().map(|&test| self.names[test].clone()).collect()),
            exclusive: *exclusive,
            databases: *databases,
            aliases: aliases.clone(),
            late: *late,
            limits: *limits,
        }
    }

    /// A part's tests by the largest of what they stand in that is whole in it.
    fn units(&self, part: &[usize]) -> Vec<Unit<'a>> {
        let mut here: HashMap<&str, usize> = HashMap::new();
        for &test in part {
            for &end in &self.nestings[test].ends {
                *here.entry(&self.names[test][..end]).or_insert(0) += 1;
            }
        }
        let unit_of = |&test: &usize| {
            let prefixes = self.nestings[test].ends.iter().map(|&end| &self.names[test][..end]);
            let mut whole = prefixes.filter(|prefix| here[*prefix] == self.sizes[*prefix]);
            whole.next().unwrap_or(&self.names[test])
        };
        let units = by_key(part, unit_of);
        let unit = |tests: Vec<usize>| Unit {
            name: unit_of(&tests[0]),
            tests: tests.iter().map(|&test| &*self.names[test]).collect(),
        };
        units.into_iter().map(unit).collect()
    }

    /// The name of the only unit, or of the first and the last, the last without the classes that
    /// both are in.
    fn part_name(&self, part: &[usize], units: &[Unit<'_>]) -> String {
        let (first, last) = (units[0].name, units[units.len() - 1].name);
        if units.len() == 1 {
            return first.to_owned();
        }
        let Nesting { ends, containers } = &self.nestings[part[0]];
        let mut shared = ends[..*containers].iter().map(|&end| &self.names[part[0]][..end]).rev();
        let shared = shared.find(|class| {
            let in_class = |name: &str| {
                name.strip_prefix(*class).is_some_and(|rest| rest.starts_with([':', '.']))
            };
            in_class(first) && in_class(last)
        });
        let outside = shared.unwrap_or(&self.group.id.name).len();
        let inside = last.get(outside..).unwrap_or(last).trim_start_matches([':', '.']);
        format!("{first}..{inside}")
    }
}

/// How far to go.
struct Limit<'a> {
    us: u64,
    /// Whether the class of this name must stay whole.
    keeps: &'a dyn Fn(&str) -> bool,
}

/// The tests of each key together, keys in the order in which they first come.
fn by_key<K: Eq + std::hash::Hash>(tests: &[usize], key: impl Fn(&usize) -> K) -> Cut {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut parts = Cut::new();
    for test in tests {
        let place = *places.entry(key(test)).or_insert(parts.len());
        if place == parts.len() {
            parts.push(Vec::new());
        }
        parts[place].push(*test);
    }
    parts
}

fn total(times: &[u64], tests: impl Iterator<Item = usize>) -> u64 {
    tests.map(|test| times[test]).fold(0, u64::saturating_add)
}
