//! A clone out of a template's definitions.
//!
//! Tables without watching keys, then their rows in one transaction, then what reads them
//! (routines, views), at last what watches them (triggers, events). Tables and rows go in batches,
//! since each answer awaited costs more than a small statement; the rest goes one by one, as a body
//! may hold anything. One connection: two took as long, four took longer, since the server makes
//! tables one after the other.

use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::super::sql::mysql as sql;
use super::read::{Definitions, Step};
use super::session::{Meaning, Session, Work, meaning, said, text};

/// How much is sent at once, unless one statement is larger: far below `max_allowed_packet`.
const BATCH_BYTES_MAX: usize = 128 << 10;

/// Fills an empty database.
pub(super) async fn replay(
    session: &mut Session,
    definitions: &Definitions,
    clone: &DatabaseName,
) -> Result<(), DbError> {
    let work = Work { act: "clone into", database: clone };
    let done = Replayer { session: &mut *session, work, definitions }.all().await;
    // Its settings were those of the last object. The first error tells more.
    let reset = session.work(work, sql::SESSION.to_owned()).await;
    done.and(reset)
}

struct Replayer<'a> {
    session: &'a mut Session,
    work: Work<'a>,
    definitions: &'a Definitions,
}

impl Replayer<'_> {
    async fn all(&mut self) -> Result<(), DbError> {
        let Definitions { options: _, collation: _, tables, rows, routines, views, watchers } =
            self.definitions;
        self.plain(sql::use_database(self.work.database.as_str())).await?;
        self.batches(tables).await?;
        self.plain("START TRANSACTION".to_owned()).await?;
        self.batches(rows).await?;
        self.plain("COMMIT".to_owned()).await?;
        self.one_by_one(routines).await?;
        self.views(views).await?;
        self.one_by_one(watchers).await
    }

    async fn plain(&mut self, sql: String) -> Result<(), DbError> {
        self.session.work(self.work, sql).await
    }

    fn text(&self, step: &Step) -> String {
        step.text.within(self.work.database.as_str())
    }

    async fn batches(&mut self, steps: &[Step]) -> Result<(), DbError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for (number, step) in steps.iter().enumerate() {
            let text = self.text(step);
            if bytes + text.len() > BATCH_BYTES_MAX {
                self.batch(steps, &std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += text.len();
            batch.extend([sql::mark_step(number), text]);
        }
        self.batch(steps, &batch).await
    }

    async fn batch(&mut self, steps: &[Step], batch: &[String]) -> Result<(), DbError> {
        if batch.is_empty() {
            return Ok(());
        }
        let Err(error) = self.session.run(sql::join(batch)).await else { return Ok(()) };
        let rows = self.session.rows(sql::MARKED_STEP.to_owned()).await.unwrap_or_default();
        let number = rows.first().and_then(|row| text(row, 0)).and_then(|step| step.parse().ok());
        Err(self.failed(number.and_then(|number: usize| steps.get(number)), &error))
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
