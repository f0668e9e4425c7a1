//! `evenly local`: every shard here, one after the other, then merge.

use super::args::LocalArgs;
use super::error::Error;
use super::merge::{Destination, merge};
use super::project::{Project, local_run};
use super::shard::{Running, claim, run_shard};
use crate::exit::Exit;
use crate::model::Shard;

pub(super) fn run(args: &LocalArgs) -> Result<Exit, Error> {
    let mut project = Project::open(&args.project)?;
    project.run = local_run();
    let running = Running::new(&args.running, &project);
    let total = args.shards;
    let shards = (1..=total.max(1)).map(|index| Shard::new(index, total));
    let shards =
        shards.collect::<Result<Vec<_>, _>>().map_err(crate::ci::ShardChoiceError::from)?;
    let mut claimed = Vec::new();
    for shard in &shards {
        claimed.push(claim(&running.out, *shard, 1)?);
    }
    let journals: Vec<_> = claimed.iter().map(|claimed| claimed.files.journal.clone()).collect();
    let discovery = project.discover(&claimed[0].files.work.with_extension("local"))?;
    let plan = project.plan(&discovery, total)?;
    let mut early = None;
    for (shard, claimed) in shards.into_iter().zip(claimed) {
        match run_shard(&project, &running, &discovery, &plan, shard, claimed)? {
            Exit::Passed | Exit::Failed => {}
            exit => {
                early = Some(exit);
                break;
            }
        }
    }
    let destination = Destination { out: &running.out, history: &args.project.history };
    let verdict = merge(&journals, &destination)?;
    Ok(early.unwrap_or(verdict))
}
