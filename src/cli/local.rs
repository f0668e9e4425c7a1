//! `evenly local`: every shard here, one after the other, then merge.

use super::args::LocalArgs;
use super::error::Error;
use super::failed::{self, Again};
use super::merge::{Destination, Output, merge};
use super::planning::{Planned, Planner};
use super::project::{Found, Project, local_run};
use super::runtime::block_on;
use super::shard::{Claimed, Running, claim, run_shard};
use crate::exit::Exit;
use crate::model::Shard;
use crate::store;

/// Runs the shards one after the other; gives the exit that ended it early, if one did.
async fn run_all(
    project: &Project,
    running: &Running,
    (found, planned): (&Found, &Planned),
    shards: impl Iterator<Item = (Shard, Claimed)>,
) -> Result<Option<Exit>, Error> {
    for (shard, claimed) in shards {
        match run_shard(project, running, found, planned, shard, claimed).await? {
            Exit::Passed | Exit::Failed => {}
            exit => return Ok(Some(exit)),
        }
    }
    Ok(None)
}

pub(super) fn run(args: &LocalArgs) -> Result<Exit, Error> {
    let mut project = Project::open(&args.project)?;
    project.as_one_worker(args.running.worker);
    project.run = local_run();
    let running = Running::new(&args.running, &project)?;
    match failed::again(&args.running, &running.out, &project, None)? {
        // Only a shard goes on from an attempt.
        Again::All | Again::On(_) => {}
        Again::Nothing => return Ok(Exit::Passed),
        Again::Chosen(wanted) => project.only = Some(wanted),
    }
    let total = args.shards.total;
    let shards: Vec<Shard> = (1..=total).map(|index| Shard { index, total }).collect();
    let mut claimed = Vec::new();
    for shard in &shards {
        claimed.push(claim(&project, &running.out, *shard, 1)?);
    }
    let journals: Vec<_> = claimed.iter().map(|claimed| claimed.files.journal.clone()).collect();
    // Every shard removes its own scratch at its end; what the listing left is for all of them.
    let scratch = claimed[0].files.work.with_extension("local");
    store::remove_dir(&scratch)?;
    store::make_dir(&scratch)?;
    let early = block_on(async {
        let mut found = project.discover(&scratch, running.order).await?;
        let ran = match Planner::new(&project).and_then(|planner| planner.plan(&mut found, total)) {
            Ok(planned) => {
                let shards = shards.into_iter().zip(claimed);
                run_all(&project, &running, (&found, &planned), shards).await
            }
            Err(error) => Err(error),
        };
        found.discovery.close().await;
        ran
    })??;
    store::remove_dir(&scratch)?;
    let (out, history, excuses) = (&running.out, &args.project.history, &running.excuses);
    let destination = Destination { out, history, outputs: &Output::ALL, excuses, publish: None };
    let verdict = merge(&journals, &destination)?;
    Ok(early.unwrap_or(verdict))
}
