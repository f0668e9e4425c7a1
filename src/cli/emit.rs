//! What a CI takes from evenly: the shards as GitHub's matrix or GitLab's child pipeline, and the
//! verdict as outputs of a step.

use std::path::{Path, PathBuf};

use super::error::Error;
use crate::model::Shard;
use crate::report::{RunReport, RunVerdict};
use crate::store::{self, StoreError};

/// The most jobs that a matrix of GitHub's has.
const GITHUB_JOBS_MAX: u32 = 256;
/// The most jobs that GitLab's `parallel` makes.
const GITLAB_JOBS_MAX: u32 = 200;

/// Writes `matrix` and `shards` to the outputs of this step. All of it is made of numbers, so
/// nothing in it can be taken for another output.
pub(super) fn github_matrix(shards: u32) -> Result<(), Error> {
    refuse_beyond(GITHUB_JOBS_MAX, "a matrix of GitHub's", shards)?;
    let output = github_output().ok_or(Error::NoGithubOutput)?;
    let shard = |index| Shard { index, total: shards }.to_string();
    let matrix = serde_json::json!({ "shard": (1..=shards).map(shard).collect::<Vec<_>>() });
    Ok(store::append(&output, &format!("matrix={matrix}\nshards={shards}\n"))?)
}

/// Writes `verdict` and `failed` to the outputs of this step, if it is one of a GitHub workflow.
/// They are a word of evenly's and a number, as above.
pub(super) fn github_verdict(report: &RunReport) -> Result<(), StoreError> {
    let Some(output) = github_output() else { return Ok(()) };
    let verdict = match report.verdict {
        RunVerdict::Passed => "passed",
        RunVerdict::Failed => "failed",
        RunVerdict::Incomplete => "incomplete",
    };
    store::append(&output, &format!("verdict={verdict}\nfailed={}\n", report.totals.bad()))
}

/// Where a step of a GitHub workflow leaves its outputs.
fn github_output() -> Option<PathBuf> {
    std::env::var_os("GITHUB_OUTPUT").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Writes a pipeline with a job a shard, each of which extends the `.evenly` of `include`.
pub(super) fn gitlab_child(path: &Path, include: &str, shards: u32) -> Result<(), Error> {
    refuse_beyond(GITLAB_JOBS_MAX, "`parallel` of GitLab's", shards)?;
    // Older GitLabs refuse `parallel: 1`.
    let jobs = match shards {
        1 => "  variables:\n    EVENLY_SHARD: \"1/1\"\n".to_owned(),
        more => format!("  parallel: {more}\n"),
    };
    // A JSON string is one of YAML's too.
    let include = serde_json::Value::from(include);
    let text = format!(
        "# Made by `evenly plan --gitlab-child`.\ninclude:\n  - local: {include}\n\nevenly:\n  \
         extends: .evenly\n{jobs}"
    );
    Ok(store::replace(path, text.as_bytes())?)
}

fn refuse_beyond(most: u32, what: &'static str, shards: u32) -> Result<(), Error> {
    if shards > most { Err(Error::TooManyJobs { what, most, shards }) } else { Ok(()) }
}
