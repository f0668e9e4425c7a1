//! One clone: the copy, and then all that the server does not copy.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Postgres;
use super::catalog::{Entry, State};
use super::holders::busy;
use super::session::{Company, REFLINKS_SINCE, Session, code, code_of};
use super::strategy::{Strategy, Trials};
use crate::db::error::DbError;
use crate::db::names::{DatabaseName, TemplateName};
use crate::db::owner::{Kind, Mark, Owner};
use crate::db::sql::postgres as sql;

/// How often a copy is tried: the template may have to be freed, and a way of copying may fail.
const COPIES_MAX: u32 = 3;

/// What to do about a copy that failed.
enum Next {
    Again,
    Fail(DbError),
}

impl Postgres {
    pub(super) async fn clone_once(
        &self,
        template: &TemplateName,
        clone: &DatabaseName,
        owner: &Owner,
    ) -> Result<(), DbError> {
        let company = if template.0.as_str() == self.admin.maintenance() {
            Company::Alone
        } else {
            Company::Welcome
        };
        let mut session = self.admin.session(company).await?;
        session.claim(clone).await?;
        let source = source(&mut session, &template.0).await?;
        if let Some(old) = session.look(clone).await? {
            self.remove(&mut session, clone, &old).await?;
        }
        let dress = session.dress_of(&template.0, &source).await?;
        self.copy(&mut session, template, &source, clone).await?;
        let mark = Mark::new(Kind::Clone, owner).to_text();
        if let Err(error) = session.run(sql::dress(clone.as_str(), &dress, &mark)).await {
            let failure = session.fail("carry settings and grants over to", clone, &error);
            // Without its mark it is a newborn: should this not work either, `list` finds it.
            let _ = session.run("ROLLBACK".to_owned()).await;
            let _ = session.run(sql::drop(clone.as_str())).await;
            return Err(failure);
        }
        session.rest();
        Ok(())
    }

    async fn copy(
        &self,
        session: &mut Session,
        template: &TemplateName,
        source: &Entry,
        clone: &DatabaseName,
    ) -> Result<(), DbError> {
        let mut tries = 1;
        loop {
            let strategy = self.choose(session.version(), template);
            let files = strategy == Some(Strategy::FileCopy) && session.version() >= REFLINKS_SINCE;
            let reflink = files && self.reflinks.load(Ordering::Relaxed);
            if files && !reflink {
                session.forbid_reflinks(clone).await?;
            }
            let create = sql::Create {
                database: clone.as_str(),
                template: template.0.as_str(),
                owner: Some(source.owner()),
                strategy: strategy.map(Strategy::keyword),
            };
            let began = Instant::now();
            let Err(error) = session.run(sql::create(&create)).await else {
                self.learn(template, strategy, began.elapsed());
                return Ok(());
            };
            let next = session.after(template, source, clone, &error).await?;
            match next {
                // The file system may have no copies by reference, nor plain ones in the kernel.
                Next::Fail(DbError::Failed { .. }) if reflink => {
                    self.reflinks.store(false, Ordering::Relaxed);
                }
                Next::Again if tries < COPIES_MAX => tries += 1,
                Next::Again => return Err(session.fail("clone", &template.0, &error)),
                Next::Fail(failure) => return Err(failure),
            }
        }
    }

    fn choose(&self, version: u32, template: &TemplateName) -> Option<Strategy> {
        let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        trials.entry(template.clone()).or_insert_with(|| Trials::new(version)).next()
    }

    fn learn(&self, template: &TemplateName, strategy: Option<Strategy>, time: Duration) {
        let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(trials), Some(strategy)) = (trials.get_mut(template), strategy) {
            trials.took(strategy, time);
        }
    }
}

/// The database to copy, if it is one that can be copied.
async fn source(session: &mut Session, template: &DatabaseName) -> Result<Entry, DbError> {
    let fail = |why: &str| DbError::Failed {
        act: "clone",
        database: template.clone(),
        why: why.to_owned(),
    };
    let Some(entry) = session.look(template).await? else {
        return Err(fail("there is no such database"));
    };
    match (entry.state, entry.kind()) {
        (State::Invalid, _) => Err(fail("its removal was interrupted; drop it")),
        (_, Some(Kind::Building)) => Err(fail("it is not finished")),
        (_, Some(Kind::Template | Kind::Clone) | None) => Ok(entry),
    }
}

impl Session {
    /// What to do about a copy that failed: a template of ours is freed, a stranger's is not.
    async fn after(
        &mut self,
        template: &TemplateName,
        source: &Entry,
        clone: &DatabaseName,
        error: &sqlx::Error,
    ) -> Result<Next, DbError> {
        let database = &template.0;
        match code_of(error) {
            Some(code::OBJECT_IN_USE) if source.kind() == Some(Kind::Template) => {
                let refused = self.run(sql::refuse_connections(database.as_str())).await;
                refused.map_err(|error| self.fail("free", database, &error))?;
                self.end_sessions(database).await?;
                Ok(Next::Again)
            }
            Some(code::OBJECT_IN_USE) => {
                let holders = self.holders(database).await?;
                // Whoever it was is gone.
                if holders.is_empty() {
                    return Ok(Next::Again);
                }
                Ok(Next::Fail(busy(database, &holders)))
            }
            Some(code::INSUFFICIENT_PRIVILEGE) => {
                Ok(Next::Fail(self.may_not_copy(database, source, error)))
            }
            _ => Ok(Next::Fail(self.fail("create", clone, error))),
        }
    }

    fn may_not_copy(
        &self,
        template: &DatabaseName,
        source: &Entry,
        error: &sqlx::Error,
    ) -> DbError {
        let super::session::Place { server, user } = self.place();
        let (name, owner) = (sql::ident(template.as_str()), sql::ident(source.owner()));
        let why = super::session::told(error);
        DbError::Rights {
            server: server.clone(),
            user: user.clone(),
            act: "copy that database for its owner",
            remedy: format!(
                "the server says: {why}; its owner allows it by `ALTER DATABASE {name} \
                 IS_TEMPLATE true` and `GRANT {owner} TO {}`",
                sql::ident(user)
            ),
        }
    }
}
