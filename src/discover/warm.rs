//! Suites whose processes stay: started to list, kept to run.

use std::ffi::OsString;
use std::path::Path;

use super::{DiscoverError, LIST_TIME_MAX, Surroundings, listing_env, options};
use crate::config::Suite;
use crate::framework::protocol::WarmGroup;
use crate::framework::{ListError, ListedGroup, Template, Traits, Values, Warm};
use crate::store;
use crate::warm::{Listing, Session, Spec};

/// Where a suite's processes run.
pub(super) struct Place<'a> {
    pub(super) dir: &'a Path,
    pub(super) env: &'a [(String, Template)],
}

/// Starts the suite's main process and asks it for the groups; notes what is special about them.
pub(super) async fn list(
    suite: &Suite,
    warm: &mut Warm,
    place: &Place<'_>,
    around: &Surroundings<'_>,
) -> Result<(Session, Vec<ListedGroup>), DiscoverError> {
    let name = || suite.name.clone();
    let scratch = around.work.join("warm").join(suite.name.to_string());
    store::make_dir(&scratch).map_err(|error| DiscoverError::Store(name(), error))?;
    let spec = Spec {
        framework: warm.framework.clone(),
        argv: warm.argv.iter().map(OsString::from).collect(),
        dir: place.dir.to_owned(),
        env: listing_env(place.env, &Values::default()),
        processes: warm.processes,
        options: warm.options.clone(),
        scratch,
    };
    let refuse = |error| DiscoverError::Warm(name(), error);
    let session = Session::start(spec, options(around)).await.map_err(refuse)?;
    let Listing { groups, broken, databases: _ } =
        session.list(LIST_TIME_MAX).await.map_err(refuse)?;
    if !broken.is_empty() {
        session.close().await;
        let (error, words) = (ListError::Broken(broken), String::new());
        return Err(DiscoverError::Listing { suite: name(), error, words });
    }
    for group in &groups {
        let traits = Traits::from(group);
        if traits != Traits::default() {
            warm.traits.insert(group.name.clone(), traits);
        }
    }
    Ok((session, groups.into_iter().map(listed).collect()))
}

fn listed(group: WarmGroup) -> ListedGroup {
    let WarmGroup { name, tests, databases: _, dirties: _, late: _ } = group;
    ListedGroup { argument: name.clone().into_bytes(), name, tests: Some(tests) }
}
