//! From a suite's settings to processes that stay.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::{DiscoverError, Surroundings};
use super::python;
use crate::config::Suite;
use crate::framework::protocol::Processes;
use crate::framework::{Framework, GroupBy, How, Reading, Renewal, Warm, WarmFramework};
use crate::shim;
use crate::store;

/// A key that was given and means nothing for the suite's framework, which is `known` if its
/// processes stay.
pub(super) fn foreign(suite: &Suite, known: Option<WarmFramework>) -> Option<&'static str> {
    let Suite { settings, group_by, processes, worker_memory, worker_groups, aliases, .. } = suite;
    let commands = suite.discover.is_some() || suite.run.is_some() || !suite.globs.is_empty();
    let (django, warm) = (known == Some(WarmFramework::Django), known.is_some());
    // Twisted's reactor cannot be forked, so there is nothing to choose.
    let forks = warm && known != Some(WarmFramework::Trial);
    let groups = group_by.is_none_or(|by| known.is_some_and(|known| known.groups_by(by)));
    let given = [
        // trial's tests may use Django's ORM.
        ("settings", settings.is_some() && !(django || known == Some(WarmFramework::Trial))),
        ("aliases", !aliases.is_empty() && !django),
        ("group-by = \"app\"", *group_by == Some(GroupBy::App) && warm && !groups),
        ("group-by", group_by.is_some() && !warm),
        ("processes", processes.is_some() && !forks),
        ("worker-memory", worker_memory.is_some() && !warm),
        ("worker-groups", worker_groups.is_some() && !warm),
        ("discover`, `globs` or `run", commands && warm),
        ("results", suite.results.is_some() && warm),
        ("batch", suite.batch.is_some() && warm),
    ];
    given.into_iter().find(|(_, foreign)| *foreign).map(|(key, _)| key)
}

/// Settles how a suite's processes are started, and writes their program.
pub(super) fn resolve(
    suite: &Suite,
    known: WarmFramework,
    dir: PathBuf,
    around: &Surroundings<'_>,
) -> Result<Framework, DiscoverError> {
    let program =
        written(around.work).map_err(|error| DiscoverError::Store(suite.name.clone(), error))?;
    let program = program.to_string_lossy().into_owned();
    let warm = Warm {
        framework: known.name().to_owned(),
        argv: vec![python(suite), program, "serve".to_owned(), known.name().to_owned()],
        processes: match known {
            WarmFramework::Trial => Processes::Separate,
            WarmFramework::Django | WarmFramework::Pytest | WarmFramework::Unittest => {
                suite.processes.unwrap_or_default()
            }
        },
        options: options(suite),
        renewal: Renewal {
            memory_bytes: suite.worker_memory.map(|memory| memory.0),
            groups: suite.worker_groups.map(NonZeroU32::get),
        },
    };
    let how = How::Warm(Box::new(warm));
    Ok(Framework { how, reading: Reading::Told { naming: known.naming() }, dir, env: Vec::new() })
}

/// Writes the program of the Python frameworks' processes, and says where it is.
fn written(work: &Path) -> Result<PathBuf, store::StoreError> {
    let shims = work.join("shim");
    for shim::Source { file_name, text } in shim::WORKER {
        store::replace(&shims.join(file_name), text.as_bytes())?;
    }
    Ok(shims.join("evenly_worker"))
}

/// The keys of a suite that are for its framework, those that were given.
fn options(suite: &Suite) -> Map<String, Value> {
    let mut options = Map::new();
    if let Some(settings) = &suite.settings {
        options.insert("settings".to_owned(), settings.as_str().into());
    }
    for (key, texts) in [("paths", &suite.paths), ("args", &suite.args)] {
        if !texts.is_empty() {
            options.insert(key.to_owned(), texts.as_slice().into());
        }
    }
    if let Some(by) = suite.group_by {
        options.insert("group-by".to_owned(), by.name().into());
    }
    options
}
