//! `evenly run`: one shard.

use std::path::Path;

use super::args::RunArgs;
use super::error::Error;
use super::failed::{self, Again};
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
    project.as_one_worker(args.running.worker);
    let saved = args.plan.as_deref().map(SavedPlan::read).transpose()?;
    // A plan knows of how many shards a bare index is one.
    let total = saved.as_ref().map(|saved| saved.shards().to_string());
    let bare = args.shard.as_deref().filter(|shard| !shard.contains('/'));
    let total = args.shards.as_deref().or(bare.and(total.as_deref()));
    let asked = Asked { shard: args.shard.as_deref(), total };
    let choice = ci::shard_for(asked, project.ci.as_ref())?;
    let shard = choice.shard;
    saved.as_ref().map_or(Ok(()), |saved| saved.is_for(shard))?;
    if choice.from == ShardFrom::Nobody {
        note(&choice.to_string());
    }
    project.run = run_key(&project, args.attempt);
    let running = Running::new(&args.running, &project)?;
    let mut earlier = None;
    match failed::again(&args.running, &running.out, &project, Some(shard))? {
        Again::All => {}
        Again::Nothing => return Ok(Exit::Passed),
        Again::Chosen(wanted) => project.only = Some(wanted),
        Again::On(before) => earlier = Some(before),
    }
    let mut claimed = claim(&running.out, shard, project.run.attempt)?;
    claimed.earlier = earlier;
    say_that_it_shards()?;
    block_on(async {
        let mut found = project.discover(&claimed.files.work, running.order).await?;
        let planned = match saved {
            Some(saved) => saved.adopt(&project, &mut found),
            None => Planner::new(&project).and_then(|made| made.plan(&mut found, shard.total)),
        };
        let ran = match planned {
            Ok(planned) => run_shard(&project, &running, &found, &planned, shard, claimed).await,
            Err(error) => Err(error),
        };
        found.discovery.close().await;
        ran
    })?
}

/// Creates the file of Bazel's sharding protocol, if that is spoken here.
fn say_that_it_shards() -> Result<(), Error> {
    let file = std::env::var_os(ci::SHARD_STATUS_FILE).filter(|path| !path.is_empty());
    file.map_or(Ok(()), |path| Ok(store::append(Path::new(&path), "")?))
}

/// A plan of `evenly plan --out`.
struct SavedPlan<'a> {
    path: &'a Path,
    saved: Saved,
}

impl<'a> SavedPlan<'a> {
    fn read(path: &'a Path) -> Result<Self, Error> {
        let saved = plan::read(&store::read(path)?);
        let saved = saved.map_err(|error| Error::SavedPlan { path: path.to_owned(), error })?;
        Ok(Self { path, saved })
    }

    fn shards(&self) -> usize {
        self.saved.plan.shards.len()
    }

    fn is_for(&self, shard: Shard) -> Result<(), Error> {
        if self.shards() == shard.total as usize {
            return Ok(());
        }
        Err(Error::PlanOfOthers { path: self.path.to_owned(), planned: self.shards(), shard })
    }

    fn adopt(self, project: &Project, found: &mut Found) -> Result<Planned, Error> {
        let Self { path, saved } = self;
        let adopted = Planner::new(project)?.adopt(found, saved);
        let refuse = |difference| Error::OtherPlan {
            path: path.to_owned(),
            difference: Box::new(difference),
        };
        adopted.map_err(refuse)
    }
}
