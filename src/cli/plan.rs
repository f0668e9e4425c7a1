//! `evenly plan`: which shard runs what, and why.

use super::args::PlanArgs;
use super::error::Error;
use super::planning::Planned;
use super::print::{columns, json, out};
use super::project::Project;
use crate::exit::Exit;
use crate::plan::{self, Detail};
use crate::store;

pub(super) fn run(args: &PlanArgs) -> Result<Exit, Error> {
    let project = Project::open(&args.project)?;
    let work = std::env::temp_dir().join(format!("evenly-plan-{}", std::process::id()));
    store::make_dir(&work)?;
    let discovery = project.discover(&work);
    store::remove_dir(&work)?;
    let Planned { discovery: _, plan, took_us: _ } = project.plan(discovery?, args.shards.total)?;
    if args.json {
        json(&format!("{}\n", plan::to_json(&plan)));
    } else {
        let detail = if args.all { Detail::All } else { Detail::Biggest };
        out(&plan::render(&plan, detail, columns()));
    }
    Ok(Exit::Passed)
}
