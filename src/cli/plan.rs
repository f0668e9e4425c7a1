//! `evenly plan`: which shard runs what, and why; and how many shards there should be.

use super::args::PlanArgs;
use super::emit;
use super::error::Error;
use super::planning::{Planned, Planner};
use super::print::{columns, err, json, out};
use super::project::Project;
use super::runtime::block_on;
use super::sizing;
use crate::exit::Exit;
use crate::plan::{self, Detail};
use crate::store;

pub(super) fn run(args: &PlanArgs) -> Result<Exit, Error> {
    let project = Project::open(&args.project)?;
    let work = std::env::temp_dir().join(format!("evenly-plan-{}", std::process::id()));
    store::make_dir(&work)?;
    let found = block_on(project.listed(&work));
    store::remove_dir(&work)?;
    let mut found = found??;
    let planner = Planner::new(&project)?;
    let sized = sizing::size(&args.sizing, &project, &planner, &found.discovery)?;
    let shards = sized.as_ref().map_or(args.shards.total, |sized| sized.shards);
    let Planned { mut plan, took_us: _ } = planner.plan(&mut found, shards)?;
    // What is known of a million tests has had its use.
    drop(planner);
    drop(project);
    found.late_last(&mut plan);
    let discovery = &found.discovery;
    let told = sized.map(|sized| sized.text);
    let as_json = || plan::to_json(&plan, &discovery.groups, &discovery.parts) + "\n";
    if args.json {
        json(&as_json());
        err(&told.unwrap_or_default());
    } else {
        let detail = if args.all { Detail::All } else { Detail::Biggest };
        out(&plan::render(&plan, detail, columns()));
        out(&told.map(|told| format!("\n{told}")).unwrap_or_default());
    }
    if let Some(path) = &args.out {
        store::replace(path, as_json().as_bytes())?;
    }
    if args.github_matrix {
        emit::github_matrix(shards)?;
    }
    if let Some(path) = &args.gitlab_child {
        emit::gitlab_child(path, &args.gitlab_include, shards)?;
    }
    Ok(Exit::Passed)
}
