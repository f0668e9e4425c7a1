//! The parts of groups that journals tell of: a listing has no such names, reports have.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::merge::journals_below;
use super::only::with_tests;
use crate::discover::Discovery;
use crate::model::{Group, GroupId, SuiteName};
use crate::report::{FoundGroup, journal};
use crate::store;

/// The tests of each part.
pub(super) type Told = BTreeMap<GroupId, Vec<String>>;

/// The parts of all journals below a directory; of one name those of the newest journal.
pub(super) fn told(dir: &Path) -> Told {
    let read = |path| journal::parse(&store::read(path).ok()?).ok();
    let mut journals: Vec<_> = journals_below(dir).iter().filter_map(|path| read(path)).collect();
    journals.sort_by_key(|journal| journal.started.started);
    let mut told = Told::new();
    for suite in journals.iter().flat_map(|journal| &journal.discovered) {
        for FoundGroup { name, tests, part_of } in &suite.groups {
            if let (Some(tests), Some(_)) = (tests, part_of) {
                let tests = tests.names().map(str::to_owned).collect();
                told.insert(GroupId::new(&suite.suite, name), tests);
            }
        }
    }
    told
}

/// Adds the parts that are told of to the groups that were found, beside the groups that they are
/// parts of: those of which all tests are there.
pub(super) fn adopt(discovery: &mut Discovery, told: &Told) {
    let mut places: HashMap<(&SuiteName, &str), usize> = HashMap::new();
    let mut ids: HashSet<&GroupId> = HashSet::new();
    for (at, group) in discovery.groups.iter().enumerate() {
        ids.insert(&group.id);
        let tests = group.tests.iter().flatten();
        places.extend(tests.map(|test| ((&group.id.suite, &**test), at)));
    }
    let part = |(id, tests): (&GroupId, &Vec<String>)| {
        let place = |test: &String| places.get(&(&id.suite, &**test)).copied();
        let at = place(tests.first()?)?;
        let fits = !ids.contains(id) && tests.iter().all(|test| place(test) == Some(at));
        let whole = fits.then(|| &discovery.groups[at])?;
        let reading = discovery.frameworks[&id.suite].reading;
        let part = with_tests(whole.clone(), tests, reading);
        Some((Group { id: id.clone(), ..part }, whole.id.clone()))
    };
    let made: Vec<(Group, GroupId)> = told.iter().filter_map(part).collect();
    for (part, of) in made {
        discovery.parts.insert(part.id.clone(), of);
        discovery.groups.push(part);
    }
    discovery.groups.sort_by(|a, b| a.id.cmp(&b.id));
}
