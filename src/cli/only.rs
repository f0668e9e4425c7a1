//! `--only`: of all that was found, these groups and tests.

use std::collections::BTreeMap;

use super::error::Error;
use super::print::note;
use crate::discover::Discovery;
use crate::framework::Reading;
use crate::model::{Group, GroupId, SuiteName, one_line};

/// What is left of a group.
enum Part {
    Whole,
    /// These of its listed tests.
    Tests(Vec<String>),
}

/// Leaves the groups and tests with these ids, and nothing else.
///
/// # Errors
/// When an id is none of any group or test.
pub(super) fn keep(discovery: &mut Discovery, wanted: &[String]) -> Result<(), Error> {
    let mut parts: BTreeMap<GroupId, Part> = BTreeMap::new();
    for id in wanted {
        let found = discovery.groups.iter().find_map(|group| Some((group, part(group, id)?)));
        let (group, part) = found.ok_or_else(|| Error::NoTest(id.clone()))?;
        match (parts.get_mut(&group.id), part) {
            (Some(Part::Tests(known)), Part::Tests(more)) => known.extend(more),
            (_, part) => drop(parts.insert(group.id.clone(), part)),
        }
    }
    let reading = |suite: &SuiteName| discovery.frameworks[suite].reading;
    let groups = std::mem::take(&mut discovery.groups).into_iter();
    let kept = groups.filter_map(|group| match parts.remove(&group.id)? {
        Part::Whole => Some(group),
        Part::Tests(tests) => Some(narrowed(group, &tests, &reading)),
    });
    discovery.groups = kept.collect();
    Ok(())
}

/// What of a group an id means.
fn part(group: &Group, id: &str) -> Option<Part> {
    let inside = id.strip_prefix(group.id.suite.as_str())?.strip_prefix(':')?;
    match &group.tests {
        _ if inside == &*group.id.name => Some(Part::Whole),
        Some(tests) => {
            tests.iter().any(|test| test == inside).then(|| Part::Tests(vec![inside.to_owned()]))
        }
        // Its tests are not listed: their names begin with its own.
        None => {
            let rest = inside.strip_prefix(&*group.id.name)?;
            rest.starts_with([':', '.', ' ']).then_some(Part::Whole)
        }
    }
}

fn narrowed(group: Group, tests: &[String], reading: &dyn Fn(&SuiteName) -> Reading) -> Group {
    let reading = reading(&group.id.suite);
    if !reading.splits_groups() {
        let name = one_line(&group.id.name);
        note(&format!("`{name}` runs whole: its framework cannot run less"));
        return group;
    }
    let of = |test: &String| reading.members(&group.members, test, &[test]);
    let members = tests.iter().flat_map(of).collect();
    let listed = group.tests.iter().flatten();
    let tests = listed.filter(|test| tests.contains(test)).cloned().collect();
    Group { members, tests: Some(tests), ..group }
}
