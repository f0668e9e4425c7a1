//! Real packages' own suites.

use std::path::Path;

use super::{Version, path_of, plainly, project, reported, same};
use crate::support::tool;

/// A package's suite in two shards comes to what pytest says itself.
#[track_caller]
fn is_as_plain(package: &str, version: Version, tests: usize) {
    let (Some(packages), Some(path)) = (tool("EVENLY_TEST_PACKAGES"), path_of(version)) else {
        return;
    };
    let Some(project) = project(&format!("env = {{ PYTHONPATH = \"{path}\" }}")) else { return };
    let project = project.copy(&Path::new(&packages).join(package));
    let plain = plainly(&project, version, &["-q"]);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    same(&reported(&project), &plain);
    assert_eq!(plain.len(), tests, "{package}");
}

#[test]
fn tomlkits_under_pytest_8() {
    is_as_plain("tomlkit-0.15.2", Version::Eight, 1_203);
}

#[test]
fn attrs() {
    is_as_plain("attrs-26.1.0", Version::Nine, 1_409);
}
