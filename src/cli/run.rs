//! `evenly run`: one shard.

use std::path::Path;

use super::args::RunArgs;
use super::error::Error;
use super::planning::Planner;
use super::print::note;
use super::project::Project;
use super::shard::{Running, claim, run_key, run_shard};
use crate::ci::{self, Asked, ShardFrom};
use crate::exit::Exit;
use crate::plan::{self, Saved};
use crate::store;

pub(super) fn run(args: &RunArgs) -> Result<Exit, Error> {
    let mut project = Project::open(&args.project)?;
    let saved = args.plan.as_deref().map(read_plan).transpose()?;
    // A plan knows of how many shards a bare index is one.
    let shards = saved.as_ref().map(|saved| saved.plan.shards.len().to_string());
    let bare = |shard: &&str| !shard.contains('/');
    let total = args.shards.as_deref();
    let total = total.or(args.shard.as_deref().filter(bare).and(shards.as_deref()));
    let asked = Asked { shard: args.shard.as_deref(), total };
    let choice = ci::shard_for(asked, project.ci.as_ref())?;
    if let (Some(path), Some(saved)) = (&args.plan, &saved)
        && saved.plan.shards.len() != choice.shard.total as usize
    {
        let planned = saved.plan.shards.len();
        return Err(Error::PlanOfOthers { path: path.clone(), planned, shard: choice.shard });
    }
    if choice.from == ShardFrom::Nobody {
        note(&choice.to_string());
    }
    project.run = run_key(&project, args.attempt);
    let running = Running::new(&args.running, &project);
    let shard = choice.shard;
    let claimed = claim(&running.out, shard, project.run.attempt)?;
    let discovery = project.discover(&claimed.files.work)?;
    let planner = Planner::new(&project)?;
    let planned = match (&args.plan, saved) {
        (Some(path), Some(saved)) => planner.adopt(discovery, saved).map_err(|difference| {
            let difference = Box::new(difference);
            Error::OtherPlan { path: path.clone(), difference }
        })?,
        (Some(_) | None, _) => planner.plan(discovery, shard.total)?,
    };
    run_shard(&project, &running, &planned, shard, claimed)
}

fn read_plan(path: &Path) -> Result<Saved, Error> {
    let saved = plan::read(&store::read(path)?);
    saved.map_err(|error| Error::SavedPlan { path: path.to_owned(), error })
}
