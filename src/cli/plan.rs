//! `evenly plan`: which shard runs what, and why.

use super::args::PlanArgs;
use super::error::Error;
use super::order::Order;
use super::print::{columns, json, out};
use super::project::Project;
use super::runtime::block_on;
use crate::exit::Exit;
use crate::plan::{self, Detail};
use crate::store;

pub(super) fn run(args: &PlanArgs) -> Result<Exit, Error> {
    let project = Project::open(&args.project)?;
    let work = std::env::temp_dir().join(format!("evenly-plan-{}", std::process::id()));
    store::make_dir(&work)?;
    let found = block_on(async {
        let found = project.discover(&work, Order::Plan).await;
        if let Ok(found) = &found {
            found.discovery.close().await;
        }
        found
    })?;
    store::remove_dir(&work)?;
    let plan = project.plan(&found?.discovery, args.shards.total)?;
    if args.json {
        json(&format!("{}\n", plan::to_json(&plan)));
    } else {
        let detail = if args.all { Detail::All } else { Detail::Biggest };
        out(&plan::render(&plan, detail, columns()));
    }
    Ok(Exit::Passed)
}
