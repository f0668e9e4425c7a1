//! Clones, handed out to workers and taken back: a lane for each database and worker.
//!
//! A lane has at most one database in a worker's hands and one made ahead, so that handing out
//! takes no time where tests run longer than a clone takes to make.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::task::{JoinHandle, JoinSet, spawn_local};

use super::{ProvisionError, Source};
use crate::config::Fresh;
use crate::db::DatabaseName;

/// In what state a worker gives its databases back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// The group came to its own end.
    Clean,
    /// The group was cut off, or is known to leave things behind: the next one gets fresh clones.
    Dirty,
    /// It came to its own end, and the databases of these aliases are otherwise than before: the
    /// next group gets fresh ones of them.
    Changed(Vec<String>),
}

/// Whether a clone is made ahead of the next group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    /// One.
    One,
    /// None.
    No,
}

type Making = JoinHandle<Result<DatabaseName, ProvisionError>>;

#[derive(Debug, Default)]
struct Lane {
    in_hands: Option<DatabaseName>,
    ahead: Option<Making>,
    made: u64,
}

/// All lanes, and what is being dropped behind.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: RefCell<BTreeMap<(String, u32), Lane>>,
    dropping: RefCell<JoinSet<Result<(), ProvisionError>>>,
}

impl Lanes {
    /// The database for a worker's next group: the one that it has, one made ahead, or a new one.
    pub(super) async fn take(
        &self,
        source: &Rc<Source>,
        worker: u32,
        ahead: Ahead,
    ) -> Result<DatabaseName, ProvisionError> {
        let key = (source.name.clone(), worker);
        let making = {
            let mut lanes = self.lanes.borrow_mut();
            let lane = lanes.entry(key.clone()).or_default();
            if let Some(database) = lane.in_hands.clone() {
                lane.make_ahead(source, worker, ahead);
                return Ok(database);
            }
            lane.ahead.take().unwrap_or_else(|| lane.make(source, worker))
        };
        let database = making.await.map_err(|_| ProvisionError::StillUsed)??;
        let mut lanes = self.lanes.borrow_mut();
        let lane = lanes.entry(key).or_default();
        lane.in_hands = Some(database.clone());
        lane.make_ahead(source, worker, ahead);
        Ok(database)
    }

    /// Takes a database back: one that will not be used again is dropped behind.
    pub(super) fn give_back(&self, source: &Rc<Source>, worker: u32, keep: bool) {
        if keep && source.fresh == Fresh::Worker {
            return;
        }
        let mut lanes = self.lanes.borrow_mut();
        let lane = lanes.entry((source.name.clone(), worker)).or_default();
        if let Some(database) = lane.in_hands.take() {
            let source = Rc::clone(source);
            let drop = async move { source.drop_clone(&database).await };
            self.dropping.borrow_mut().spawn_local(drop);
        }
    }

    /// Lets everything go without dropping it, and waits for what is under way.
    pub(super) async fn forget(self) {
        let Self { lanes, dropping } = self;
        for making in lanes.into_inner().into_values().filter_map(|lane| lane.ahead) {
            // A clone that fails now is one that nobody wants.
            let _ = making.await;
        }
        let mut dropping = dropping.into_inner();
        while dropping.join_next().await.is_some() {}
    }

    /// Drops all that is left and waits for it.
    pub(super) async fn stop(self, sources: &BTreeMap<String, Rc<Source>>) -> Vec<ProvisionError> {
        let Self { lanes, dropping } = self;
        let mut dropping = dropping.into_inner();
        let mut left = Vec::new();
        for ((name, _), lane) in lanes.into_inner() {
            let Lane { in_hands, ahead, made: _ } = lane;
            let source = &sources[&name];
            let ahead = match ahead {
                Some(making) => making.await.ok().and_then(Result::ok),
                None => None,
            };
            for database in in_hands.into_iter().chain(ahead) {
                let source = Rc::clone(source);
                dropping.spawn_local(async move { source.drop_clone(&database).await });
            }
        }
        while let Some(dropped) = dropping.join_next().await {
            if let Ok(Err(error)) = dropped {
                left.push(error);
            }
        }
        left
    }
}

impl Lane {
    /// Begins to make the clone of the group after the next, if it is wanted and not made already.
    fn make_ahead(&mut self, source: &Rc<Source>, worker: u32, ahead: Ahead) {
        if ahead == Ahead::One && self.ahead.is_none() {
            self.ahead = Some(self.make(source, worker));
        }
    }

    /// Begins to make a clone. The first has the plain name, later ones are counted: the one before
    /// may still be being dropped.
    fn make(&mut self, source: &Rc<Source>, worker: u32) -> Making {
        let serial = (self.made > 0).then_some(self.made);
        self.made += 1;
        let name = source.naming.clone_of(worker, &source.name, serial);
        let source = Rc::clone(source);
        spawn_local(async move { source.make_clone(&name).await.map(|()| name) })
    }
}
