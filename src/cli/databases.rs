//! What the shard's groups need of databases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::project::{Found, Project, own_variables};
use crate::config::WORKERS_MAX;
use crate::discover::Discovery;
use crate::model::hex;
use crate::provision::{Cache, Empty, Fill, Filled, Request, owner_of_this_process};
use crate::runner::Job;
use crate::sink::fresh_token;

/// How long what this run makes is spared where nobody can tell whether it still runs: as long as
/// the longest job of a CI.
const SPARED: SignedDuration = SignedDuration::from_hours(7);
/// Hex digits of a run's tag.
const TAG_HEX: usize = 8;
/// The number of a worker that only fills templates: beyond those that run groups.
const FILLER: u32 = WORKERS_MAX;
/// How long filling one may take: migrations of the largest projects take minutes.
const FILL_MAX: Duration = Duration::from_hours(1);
/// Where templates are kept for later runs, beside the history.
const CACHE: &str = ".evenly";

/// What to make ready; none where no planned group uses a database.
pub(super) fn request<'a>(
    project: &'a Project,
    found: &'a Found,
    filler: &'a Filler<'a>,
    jobs: &[Job],
    (workers, work): (u32, &Path),
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
        filler: Some(filler),
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

/// Fills templates by a worker of a suite's own.
#[derive(Debug)]
pub(super) struct Filler<'a>(pub(super) &'a Discovery);

impl Fill for Filler<'_> {
    fn fill<'a>(&'a self, empty: Empty<'a>) -> Filled<'a> {
        let Empty { filling, url, output, before } = empty;
        Box::pin(async move {
            let session = self.0.sessions.get(&filling.suite).ok_or("it has no process")?;
            let output = output.to_str().ok_or("its scratch directory is not UTF-8")?;
            let worker = session.worker(FILLER, &BTreeMap::new()).await;
            let mut worker = worker.map_err(|error| error.to_string())?;
            let filled = worker.prepare(&filling.alias, url, output, before, FILL_MAX).await;
            let _ = worker.stop().await;
            filled.map_err(|error| error.to_string())
        })
    }
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
