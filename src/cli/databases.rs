//! What the shard's groups need of databases.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::project::{Found, Project, own_variables};
use crate::model::hex;
use crate::provision::{Cache, Request, owner_of_this_process};
use crate::runner::Job;
use crate::sink::fresh_token;

/// How long what this run makes is spared where nobody can tell whether it still runs: as long as
/// the longest job of a CI.
const SPARED: SignedDuration = SignedDuration::from_hours(7);
/// Hex digits of a run's tag.
const TAG_HEX: usize = 8;
/// Where templates are kept for later runs, beside the history.
const CACHE: &str = ".evenly";

/// What to make ready; none where no planned group uses a database.
pub(super) fn request<'a>(
    project: &'a Project,
    found: &'a Found,
    jobs: &[Job],
    workers: u32,
    work: &Path,
) -> Option<Request<'a>> {
    let databases = &found.databases;
    let using = jobs.iter().flat_map(|job| databases.of(&job.group));
    let used: BTreeSet<String> = using.map(|binding| binding.database.clone()).collect();
    if used.is_empty() {
        return None;
    }
    let run = project.run.id.clone().unwrap_or_else(|| "local".to_owned());
    let until = Timestamp::now().checked_add(SPARED).unwrap_or(Timestamp::MAX);
    Some(Request {
        databases,
        filler: None,
        base: project.base.clone(),
        used,
        workers,
        owner: owner_of_this_process(&run, until),
        tag: tag(&run),
        work: work.to_owned(),
        cache: cache(),
        program: project.program.clone(),
        env_remove: own_variables(),
    })
}

/// Where templates are kept for later runs.
pub(super) fn cache() -> Cache {
    Cache::new(std::path::absolute(CACHE).unwrap_or_else(|_| CACHE.into()))
}

/// Another in every run: one job of a CI may start several, on a server that all of them use.
fn tag(run: &str) -> String {
    // Without randomness the process and its start are as good as unique.
    let unique = fresh_token().unwrap_or_else(|_| {
        format!("{run}/{}/{}", std::process::id(), Timestamp::now().as_nanosecond())
    });
    hex(&Sha256::digest(unique))[..TAG_HEX].to_owned()
}
