//! Groups of a framework whose processes stay: a slot's workers, one a suite, kept from one group
//! to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::rc::Rc;

use tokio::sync::mpsc;

use super::Job;
use crate::framework::{Close, Renewal, Selection, Warm};
use crate::model::{ProcessEnd, SuiteName};
use crate::process::Control;
use crate::provision::{After, More, Provision, ProvisionError};
use crate::warm::{Order, Ran, Session, WarmError, WarmWorker};

/// A slot's warm workers.
#[derive(Debug, Default)]
pub(super) struct Warmed {
    workers: BTreeMap<SuiteName, Kept>,
}

#[derive(Debug)]
struct Kept {
    worker: WarmWorker,
    /// The databases that it found in its environment.
    variables: Variables,
}

type Variables = Vec<(OsString, OsString)>;

/// What a worker's next group is to find.
#[derive(Debug, Default)]
pub(super) struct Databases {
    /// By variable, for the whole life of a worker.
    variables: Option<Variables>,
    /// By alias, for one group.
    urls: BTreeMap<String, String>,
    /// All that the group may change, by name.
    names: BTreeSet<String>,
}

/// Which worker is needed.
pub(super) struct Wanted<'a> {
    pub(super) session: &'a Session,
    pub(super) suite: &'a SuiteName,
    pub(super) index: u32,
    /// Its variables, without those of databases.
    pub(super) env: BTreeMap<String, String>,
    pub(super) renewal: Renewal,
}

/// Why there is no worker.
pub(super) enum NoWorker {
    /// evenly was told to end the group while the worker was being made.
    Stopped,
    Failed(String),
}

impl Databases {
    /// What there is for a job; waits until clones are made.
    pub(super) async fn of(
        provision: Option<&Rc<Provision>>,
        worker: u32,
        job: &Job,
        warm: &Warm,
        more: More,
    ) -> Result<Self, ProvisionError> {
        let Some(provision) = provision.filter(|_| job.group.databases) else {
            return Ok(Self::default());
        };
        let suite = &job.group.id.suite;
        let mut names: BTreeSet<String> = provision.names_of(suite).cloned().collect();
        let variables = provision.variables(worker, suite, more).await?;
        let mut urls = BTreeMap::new();
        for alias in &job.traits.aliases {
            if let Some(name) = warm.databases.get(alias) {
                urls.insert(alias.clone(), provision.url(worker, name, more).await?);
                names.insert(name.clone());
            }
        }
        Ok(Self { variables: Some(variables), urls, names })
    }

    /// Gives back what the group was given, as it was left.
    pub(super) fn give_back(
        &self,
        provision: Option<&Rc<Provision>>,
        worker: u32,
        warm: &Warm,
        ran: Option<&Ran>,
    ) {
        let Some(provision) = provision else { return };
        let own_end = ran.filter(|ran| ran.end.is_none());
        let dirty = own_end.map(|ran| {
            let aliases = ran.dirty.iter();
            aliases.filter_map(|alias| warm.databases.get(alias)).collect::<BTreeSet<_>>()
        });
        for name in &self.names {
            let after = match &dirty {
                Some(dirty) if !dirty.contains(name) => After::Clean,
                Some(_) | None => After::Dirty,
            };
            provision.give_back_one(worker, name, after);
        }
    }
}

impl Warmed {
    /// The suite's worker, fresh where the one before is of no more use, or has another database
    /// in its environment.
    pub(super) async fn worker(
        &mut self,
        wanted: Wanted<'_>,
        databases: &Databases,
        controls: &mut mpsc::Receiver<Control>,
    ) -> Result<&mut WarmWorker, NoWorker> {
        let Wanted { session, suite, index, env, renewal } = wanted;
        let mut kept = self.workers.remove(suite);
        let good = kept.as_mut().is_some_and(|kept| kept.is_good(renewal, databases));
        let kept = match kept {
            Some(kept) if good => kept,
            old => {
                let fresh = fresh(session, index, env, databases, old);
                tokio::select! {
                    biased;
                    Some(_) = controls.recv() => return Err(NoWorker::Stopped),
                    kept = fresh => kept.map_err(|error| NoWorker::Failed(error.to_string()))?,
                }
            }
        };
        Ok(&mut self.workers.entry(suite.clone()).or_insert(kept).worker)
    }

    pub(super) async fn stop(self) {
        for kept in self.workers.into_values() {
            kept.worker.stop().await;
        }
    }
}

impl Kept {
    fn is_good(&mut self, renewal: Renewal, databases: &Databases) -> bool {
        let same = databases.variables.as_ref().is_none_or(|found| *found == self.variables);
        same && self.worker.is_usable() && !self.worker.is_due(renewal)
    }
}

/// A fresh worker, after the old one is gone.
async fn fresh(
    session: &Session,
    index: u32,
    mut env: BTreeMap<String, String>,
    databases: &Databases,
    old: Option<Kept>,
) -> Result<Kept, WarmError> {
    if let Some(old) = old {
        old.worker.stop().await;
    }
    let variables = databases.variables.clone().unwrap_or_default();
    for (name, value) in &variables {
        // Both were made of text.
        env.insert(name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned());
    }
    let worker = session.worker(index, &env).await?;
    Ok(Kept { worker, variables })
}

/// What a worker is told of a job.
pub(super) fn order(
    job: &Job,
    selection: &Selection,
    output: String,
    databases: &Databases,
) -> Order {
    let tests = match selection {
        Selection::Whole => job.group.tests.clone().unwrap_or_default(),
        Selection::Tests(names) => names.clone(),
    };
    let group = job.group.id.name.to_string();
    Order { group, tests, output, databases: databases.urls.clone() }
}

/// How the group's process ended, in the eyes of a reader of the journal: a worker that goes on
/// counts as its framework's own program would end.
pub(super) fn end_of(ran: &Ran) -> ProcessEnd {
    match (&ran.end, &ran.said.close) {
        (Some(end), _) => end.clone(),
        (None, Close::Finished { good: true }) => ProcessEnd::Exited(0),
        (None, Close::Finished { good: false }) => ProcessEnd::Exited(1),
        (None, Close::Died | Close::Astray(_)) => {
            ProcessEnd::NotStarted("its worker could not be told what to run".to_owned())
        }
    }
}
