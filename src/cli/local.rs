//! `evenly local`: every shard here, one after the other, then merge.

use super::args::LocalArgs;
use super::error::Error;
use super::merge::{Destination, merge};
use super::project::{Project, local_run};
use super::shard::{Running, claim, run_shard};
use crate::exit::Exit;
use crate::model::Shard;
use crate::store;

pub(super) fn run(args: &LocalArgs) -> Result<Exit, Error> {
    let mut project = Project::open(&args.project)?;
    project.run = local_run();
    let running = Running::new(&args.running, &project);
    let total = args.shards.total;
    let shards: Vec<Shard> = (1..=total).map(|index| Shard { index, total }).collect();
    let mut claimed = Vec::new();
    for shard in &shards {
        claimed.push(claim(&running.out, *shard, 1)?);
    }
    let journals: Vec<_> = claimed.iter().map(|claimed| claimed.files.journal.clone()).collect();
    // Every shard removes its own scratch at its end; what the listing left is for all of them.
    let scratch = claimed[0].files.work.with_extension("local");
    store::remove_dir(&scratch)?;
    store::make_dir(&scratch)?;
    let discovery = project.discover(&scratch)?;
    let planned = project.plan(discovery, total)?;
    let mut early = None;
    for (shard, claimed) in shards.into_iter().zip(claimed) {
        match run_shard(&project, &running, &planned, shard, claimed)? {
            Exit::Passed | Exit::Failed => {}
            exit => {
                early = Some(exit);
                break;
            }
        }
    }
    store::remove_dir(&scratch)?;
    let destination = Destination { out: &running.out, history: &args.project.history };
    let verdict = merge(&journals, &destination)?;
    Ok(early.unwrap_or(verdict))
}
