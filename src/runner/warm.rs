//! Groups of a framework whose processes stay: a slot's workers, one a suite, kept from one group
//! to the next.

use std::collections::BTreeMap;
use std::ffi::OsString;

use tokio::sync::mpsc;

use super::Job;
use crate::framework::{Close, Renewal, Selection};
use crate::model::{ProcessEnd, SuiteName};
use crate::process::Control;
use crate::provision::Handed;
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

impl Warmed {
    /// The suite's worker, fresh where the one before is of no more use, or has another database
    /// in its environment.
    pub(super) async fn worker(
        &mut self,
        wanted: Wanted<'_>,
        handed: &Handed,
        controls: &mut mpsc::Receiver<Control>,
    ) -> Result<&mut WarmWorker, NoWorker> {
        let Wanted { session, suite, index, env, renewal } = wanted;
        let mut kept = self.workers.remove(suite);
        let good = kept.as_mut().is_some_and(|kept| kept.is_good(renewal, handed));
        let kept = match kept {
            Some(kept) if good => kept,
            old => {
                let fresh = fresh(session, index, env, handed, old);
                tokio::select! {
                    biased;
                    Some(_) = controls.recv() => return Err(NoWorker::Stopped),
                    kept = fresh => kept.map_err(|error| NoWorker::Failed(error.to_string()))?,
                }
            }
        };
        Ok(&mut self.workers.entry(suite.clone()).or_insert(kept).worker)
    }

    /// Ends the workers; returns what went wrong then.
    pub(super) async fn stop(self) -> Vec<String> {
        let mut notes = Vec::new();
        for (suite, kept) in self.workers {
            let why = kept.worker.stop().await;
            notes.extend(why.map(|why| format!("a worker of `{suite}`, at its end: {why}")));
        }
        notes
    }
}

impl Kept {
    fn is_good(&mut self, renewal: Renewal, handed: &Handed) -> bool {
        // A group that uses none may find those of others.
        let same = handed.variables.is_empty() || handed.variables == self.variables;
        same && self.worker.is_usable() && !self.worker.is_due(renewal)
    }
}

/// A fresh worker, after the old one is gone.
async fn fresh(
    session: &Session,
    index: u32,
    mut env: BTreeMap<String, String>,
    handed: &Handed,
    old: Option<Kept>,
) -> Result<Kept, WarmError> {
    if let Some(old) = old {
        if let Some(why) = old.worker.stop().await {
            session.note(format!("a worker, at its end: {why}"));
        }
    }
    let variables = handed.variables.clone();
    for (name, value) in &variables {
        // Both were made of text.
        env.insert(name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned());
    }
    let worker = session.worker(index, &env).await?;
    Ok(Kept { worker, variables })
}

/// What a worker is told of a job.
pub(super) fn order(job: &Job, selection: &Selection, output: String, handed: &Handed) -> Order {
    let tests = match selection {
        Selection::Whole => job.group.tests.clone().unwrap_or_default(),
        Selection::Tests(names) => names.clone(),
    };
    let group = job.group.id.name.to_string();
    Order { group, tests, output, databases: handed.aliases.clone() }
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
