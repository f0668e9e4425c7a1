//! `evenly run`: one shard.

use super::args::RunArgs;
use super::error::Error;
use super::print::note;
use super::project::Project;
use super::shard::{Running, claim, run_key, run_shard};
use crate::ci::{self, Asked, ShardFrom};
use crate::exit::Exit;

pub(super) fn run(args: &RunArgs) -> Result<Exit, Error> {
    let mut project = Project::open(&args.project)?;
    let asked = Asked { shard: args.shard.as_deref(), total: args.shards.as_deref() };
    let choice = ci::shard_for(asked, project.ci.as_ref())?;
    if choice.from == ShardFrom::Nobody {
        note(&choice.to_string());
    }
    project.run = run_key(&project, args.attempt);
    let running = Running::new(&args.running, &project);
    let shard = choice.shard;
    let claimed = claim(&running.out, shard, project.run.attempt)?;
    let discovery = project.discover(&claimed.files.work)?;
    let planned = project.plan(discovery, shard.total)?;
    run_shard(&project, &running, &planned, shard, claimed)
}
