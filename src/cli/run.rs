//! `evenly run`: one shard.

use std::path::Path;

use super::args::RunArgs;
use super::error::Error;
use super::planning::{Planned, Planner};
use super::print::note;
use super::project::{Found, Project};
use super::runtime::block_on;
use super::shard::{Running, claim, run_key, run_shard};
use crate::ci::{self, Asked, ShardFrom};
use crate::exit::Exit;
use crate::model::Shard;
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
    block_on(async {
        let mut found = project.discover(&claimed.files.work, running.order).await?;
        let ran = match planned(&project, &mut found, args.plan.as_deref().zip(saved), shard) {
            Ok(planned) => run_shard(&project, &running, &found, &planned, shard, claimed).await,
            Err(error) => Err(error),
        };
        found.discovery.close().await;
        ran
    })?
}

/// The plan: one made before, or one made now.
fn planned(
    project: &Project,
    found: &mut Found,
    before: Option<(&Path, Saved)>,
    shard: Shard,
) -> Result<Planned, Error> {
    let planner = Planner::new(project)?;
    let Some((path, saved)) = before else { return planner.plan(found, shard.total) };
    planner.adopt(found, saved).map_err(|difference| Error::OtherPlan {
        path: path.to_owned(),
        difference: Box::new(difference),
    })
}

fn read_plan(path: &Path) -> Result<Saved, Error> {
    let saved = plan::read(&store::read(path)?);
    saved.map_err(|error| Error::SavedPlan { path: path.to_owned(), error })
}
