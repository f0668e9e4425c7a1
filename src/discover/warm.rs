//! Suites whose processes stay: started to list, kept to run.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::{DiscoverError, LIST_TIME_MAX, Surroundings, listing_env, options};
use crate::config::Suite;
use crate::framework::protocol::{WarmDatabase, WarmGroup};
use crate::framework::{Broken, ListError, Template, Values, Warm};
use crate::model::{Aliases, Group, GroupId, Limits, Member, SuiteName};
use crate::store;
use crate::warm::{Listing, Session, Spec};

/// Where a suite's processes run.
pub(super) struct Place<'a> {
    pub(super) dir: &'a Path,
    pub(super) env: &'a [(String, Template)],
}

/// What a suite's main process told.
pub(super) struct Found {
    pub(super) session: Session,
    /// In the framework's order.
    pub(super) groups: Vec<Group>,
    pub(super) databases: Vec<WarmDatabase>,
}

/// Starts the suite's main process and asks it for the groups.
pub(super) async fn list(
    suite: &Suite,
    warm: &Warm,
    place: &Place<'_>,
    around: &Surroundings<'_>,
) -> Result<Found, DiscoverError> {
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
    let Listing { groups, broken, databases } =
        session.list(LIST_TIME_MAX).await.map_err(refuse)?;
    if groups.is_empty() && !broken.is_empty() {
        session.close().await;
        let (error, words) = (ListError::Broken(broken), String::new());
        return Err(DiscoverError::Listing { suite: name(), error, words, hint: None });
    }
    let groups = with_broken(groups, broken);
    let groups = groups.into_iter().map(|listed| group(&suite.name, listed)).collect();
    Ok(Found { session, groups, databases })
}

/// What cannot be collected is a test of that name: the worker that is to run it tells why, and the
/// rest of the suite runs as it does without evenly.
fn with_broken(mut groups: Vec<WarmGroup>, broken: Vec<Broken>) -> Vec<WarmGroup> {
    for Broken { name, message: _ } in broken {
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) if group.tests.contains(&name) => {}
            Some(group) => group.tests.push(name),
            None => groups.push(WarmGroup {
                tests: vec![name.clone()],
                name,
                databases: Vec::new(),
                dirties: Vec::new(),
                late: false,
            }),
        }
    }
    groups
}

fn group(suite: &SuiteName, listed: WarmGroup) -> Group {
    let WarmGroup { name, tests, databases, dirties, late } = listed;
    let aliases = Aliases { used: databases, dirties }.joined(Aliases::default());
    let id = GroupId::new(suite, &name);
    Group {
        members: vec![Member { name: Arc::clone(&id.name), argument: name.into_bytes() }],
        id,
        tests: Some(tests),
        exclusive: false,
        databases: true,
        aliases: Some(aliases),
        late,
        limits: Limits::default(),
    }
}
