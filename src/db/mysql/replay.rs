//! A clone out of a template's definitions.
//!
//! Tables without watching keys, and their rows; then what reads them (routines, views), at last
//! what watches them (triggers, events). Tables and rows go in batches, since each answer awaited
//! costs more than a small statement; the rest goes one by one, as a body may hold anything.
//!
//! A second connection, where there is one, fills the tables that the first has made: that took a
//! third less on a busy machine with two cores. More gained nothing.

use tokio::sync::watch;

use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::super::sql::mysql as sql;
use super::read::{Definitions, Step};
use super::session::{Meaning, Session, Work, meaning, said};

/// How much is sent at once, unless one statement is larger: far below `max_allowed_packet`.
const BATCH_BYTES_MAX: usize = 128 << 10;
/// How many statements are sent at once. Rows are copied in a transaction a batch: a long one is
/// slower, since the server searches all the locks that it holds for each table.
const BATCH_STEPS_MAX: usize = 10;

/// Whether a second connection is worth its while: there is more than one batch of rows.
pub(super) fn gains_from_two(definitions: &Definitions) -> bool {
    definitions.rows.len() > BATCH_STEPS_MAX
}

/// Fills an empty database. No connection is in the middle of a statement afterwards.
pub(super) async fn replay(
    session: &mut Session,
    second: Option<&mut Session>,
    definitions: &Definitions,
    clone: &DatabaseName,
) -> Result<(), DbError> {
    let work = Work { act: "clone into", database: clone };
    let done = Replayer { session: &mut *session, work, definitions }.all(second).await;
    // Its settings were those of the last object. The first error tells more.
    let reset = session.work(work, sql::SESSION.to_owned()).await;
    done.and(reset)
}

/// How far the tables have come. Where one of two connections fails, the other one stops.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    made: usize,
    failed: bool,
}

/// Steps that are sent together, and their statements.
struct Batch<'a> {
    steps: Vec<&'a Step>,
    texts: Vec<String>,
}

struct Replayer<'a> {
    session: &'a mut Session,
    work: Work<'a>,
    definitions: &'a Definitions,
}

impl<'a> Replayer<'a> {
    async fn all(&mut self, second: Option<&mut Session>) -> Result<(), DbError> {
        let Definitions { routines, views, watchers, .. } = self.definitions;
        let progress = watch::Sender::default();
        self.enter().await?;
        if let Some(session) = second {
            let (work, definitions) = (self.work, self.definitions);
            let mut second = Replayer { session, work, definitions };
            second.enter().await?;
            let (made, filled) = tokio::join!(self.make(&progress), second.fill(&progress));
            made.and(filled)?;
        } else {
            self.make(&progress).await?;
            self.fill(&progress).await?;
        }
        self.one_by_one(routines).await?;
        self.views(views).await?;
        self.one_by_one(watchers).await
    }

    async fn enter(&mut self) -> Result<(), DbError> {
        let sql = sql::use_database(self.work.database.as_str());
        self.session.work(self.work, sql).await
    }

    /// Makes the tables.
    async fn make(&mut self, progress: &watch::Sender<Progress>) -> Result<(), DbError> {
        let tables = &self.definitions.tables;
        let mut made = 0;
        while made < tables.len() && !progress.borrow().failed {
            let Batch { steps, texts } = self.batch(tables[made..].iter());
            made += steps.len();
            let done = self.session.run_all(&texts).await;
            progress.send_modify(|progress| match done {
                Ok(()) => progress.made = made,
                Err(_) => progress.failed = true,
            });
            done.map_err(|(at, error)| self.failed(steps.get(at).copied(), &error))?;
        }
        Ok(())
    }

    /// Copies the rows of tables as these are made.
    async fn fill(&mut self, progress: &watch::Sender<Progress>) -> Result<(), DbError> {
        let rows = &self.definitions.rows;
        let mut seen = progress.subscribe();
        let mut filled = 0;
        while let Some(next) = rows.get(filled) {
            let ready = |progress: &Progress| progress.failed || progress.made >= next.after;
            let now = seen.wait_for(ready).await.map(|progress| *progress);
            let Ok(Progress { made, failed: false }) = now else { return Ok(()) };
            let ready = rows[filled..].iter().take_while(|filling| filling.after <= made);
            let Batch { steps, texts } = self.batch(ready.map(|filling| &filling.step));
            filled += steps.len();
            let [begin, commit] = ["START TRANSACTION", "COMMIT"].map(str::to_owned);
            let statements: Vec<_> = [begin].into_iter().chain(texts).chain([commit]).collect();
            let done = self.session.run_all(&statements).await;
            if done.is_err() {
                progress.send_modify(|progress| progress.failed = true);
            }
            done.map_err(|(at, error)| {
                let step = at.checked_sub(1).and_then(|at| steps.get(at));
                self.failed(step.copied(), &error)
            })?;
        }
        Ok(())
    }

    /// The first of these steps, as many as are sent at once: at least one.
    fn batch(&self, steps: impl Iterator<Item = &'a Step>) -> Batch<'a> {
        let mut batch = Batch { steps: Vec::new(), texts: Vec::new() };
        let mut bytes = 0;
        for step in steps.take(BATCH_STEPS_MAX) {
            let text = self.text(step);
            bytes += text.len();
            if bytes > BATCH_BYTES_MAX && !batch.steps.is_empty() {
                break;
            }
            batch.steps.push(step);
            batch.texts.push(text);
        }
        batch
    }

    fn text(&self, step: &Step) -> String {
        step.text.within(self.work.database.as_str())
    }

    fn failed(&self, step: Option<&Step>, error: &sqlx::Error) -> DbError {
        let failed = self.session.place.failure(self.work, error);
        let Some(step) = step else { return failed };
        match failed {
            DbError::Failed { act, database, why: _ } => {
                DbError::Failed { act, database, why: format!("{}: {}", step.what, said(error)) }
            }
            other => other,
        }
    }

    async fn one_by_one(&mut self, steps: &[Step]) -> Result<(), DbError> {
        for step in steps {
            let done = self.recorded(step).await;
            done.map_err(|error| self.failed(Some(step), &error))?;
        }
        Ok(())
    }

    /// A view needs those that it reads, so each round makes those whose time has come.
    async fn views(&mut self, views: &[Step]) -> Result<(), DbError> {
        let mut waiting: Vec<&Step> = views.iter().collect();
        while !waiting.is_empty() {
            let mut later = Vec::new();
            let mut missing = None;
            for &step in &waiting {
                match self.recorded(step).await {
                    Ok(()) => {}
                    Err(error) if meaning(&error) == Meaning::Missing => {
                        later.push(step);
                        missing = Some(error);
                    }
                    Err(error) => return Err(self.failed(Some(step), &error)),
                }
            }
            if let (true, Some(error)) = (later.len() == waiting.len(), missing) {
                return Err(self.failed(later.last().copied(), &error));
            }
            waiting = later;
        }
        Ok(())
    }

    /// Runs a step under the settings that it records.
    async fn recorded(&mut self, step: &Step) -> Result<(), sqlx::Error> {
        let text = self.text(step);
        let Some(recorded) = &step.recorded else { return self.session.run(text).await };
        let (clone, own) = (self.work.database.as_str(), &self.definitions.collation);
        let other = step.database_collation.as_ref().filter(|collation| *collation != own);
        if let Some(collation) = other {
            self.session.run(sql::alter_collation(clone, collation)).await?;
        }
        self.session.run(recorded.set(&text)).await?;
        let done = self.session.run(text).await;
        if other.is_some() {
            self.session.run(sql::alter_collation(clone, own)).await?;
        }
        done
    }
}
