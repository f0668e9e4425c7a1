//! What a template consists of, asked of the server once.
//!
//! Promises: nothing is changed; what may not be read is an error and never left out.

use std::collections::{BTreeMap, HashSet};

use sqlx::mysql::MySqlRow;

use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::super::sql::mysql as sql;
use super::session::{REMEDY, Session, Work, text};
use sql::{Case, Movable, Recorded};

/// How many definitions are asked for at once.
const ASKED_MAX: usize = 100;

/// A template's definitions, in the order in which a clone needs them.
#[derive(Debug)]
pub(super) struct Definitions {
    /// Character set, collation and comment of the database: the server's words behind its name.
    pub(super) options: String,
    pub(super) collation: String,
    pub(super) tables: Vec<Step>,
    pub(super) rows: Vec<Filling>,
    pub(super) routines: Vec<Step>,
    pub(super) views: Vec<Step>,
    /// Triggers, then events: they must not see the copying.
    pub(super) watchers: Vec<Step>,
}

/// A statement of a clone's.
#[derive(Debug)]
pub(super) struct Step {
    /// Which object it makes or fills, for errors.
    pub(super) what: String,
    pub(super) text: Movable,
    /// What it records of the session.
    pub(super) recorded: Option<Recorded>,
    /// The database's collation that it records.
    pub(super) database_collation: Option<String>,
}

/// A statement that copies a table's rows.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) step: Step,
    /// How many of the steps that make tables come before it: all up to its table's.
    pub(super) after: usize,
}

/// Reads a template's definitions. Where it is `finished`, nobody writes to it any more, so that
/// tables without rows need no copying, now and later.
pub(super) async fn definitions(
    session: &mut Session,
    template: &DatabaseName,
    case: Case,
    finished: bool,
) -> Result<Definitions, DbError> {
    let work = Work { act: "read the definitions of", database: template };
    let mut reader = Reader { session, work, case };
    reader.ask(sql::use_database(template.as_str())).await?;
    let (options, collation) = reader.database().await?;
    let names = reader.names().await?;
    let of = |kind: &str| names.get(kind).cloned().unwrap_or_default();
    let sequences = of("SEQUENCE");
    let mut tables = of("BASE TABLE");
    tables.extend(of("SYSTEM VERSIONED"));
    let mut create = reader.sequences(&sequences).await?;
    let first = create.len();
    create.extend(reader.plain("TABLE", &tables).await?);
    let rows = reader.rows(&tables, first, finished).await?;
    let views = reader.views(&of("VIEW")).await?;
    let mut routines = Vec::new();
    for (kind, names) in reader.routines().await? {
        routines.extend(reader.recorded(&kind, &names).await?);
    }
    let triggers = reader.names_of(TRIGGERS).await?;
    let mut watchers = reader.recorded("TRIGGER", &triggers).await?;
    let events = reader.names_of(EVENTS).await?;
    watchers.extend(reader.recorded("EVENT", &events).await?);
    // Several clones may be made on this session's behalf: it belongs to no database afterwards.
    let tables = create;
    Ok(Definitions { options, collation, tables, rows, routines, views, watchers })
}

const TRIGGERS: &str = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS \
     WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, \
     EVENT_MANIPULATION, ACTION_ORDER";
const EVENTS: &str = "SELECT EVENT_NAME FROM information_schema.EVENTS \
     WHERE EVENT_SCHEMA = DATABASE() ORDER BY EVENT_NAME";

struct Reader<'a> {
    session: &'a mut Session,
    work: Work<'a>,
    case: Case,
}

impl Reader<'_> {
    async fn ask(&mut self, sql: String) -> Result<Vec<MySqlRow>, DbError> {
        self.session.ask(self.work, sql).await
    }

    /// Asks many questions of one row each.
    async fn ask_each(&mut self, questions: &[String]) -> Result<Vec<MySqlRow>, DbError> {
        let mut rows = Vec::with_capacity(questions.len());
        for some in questions.chunks(ASKED_MAX) {
            rows.extend(self.ask(sql::join(some)).await?);
        }
        if rows.len() == questions.len() {
            return Ok(rows);
        }
        Err(self.failed("it changed while it was read".to_owned()))
    }

    fn failed(&self, why: String) -> DbError {
        let Work { act, database } = self.work;
        DbError::Failed { act, database: database.clone(), why }
    }

    /// A column that the server leaves empty where a right is missing.
    fn shown(&self, row: &MySqlRow, column: usize, what: &str) -> Result<String, DbError> {
        text(row, column).ok_or_else(|| DbError::Rights {
            server: self.session.place.server.clone(),
            user: self.session.place.user.clone(),
            act: "read definitions",
            remedy: format!("{what} is not shown: {REMEDY}"),
        })
    }

    fn movable(&self, text: &str, sql_mode: &str) -> Movable {
        Movable::new(text, self.work.database.as_str(), self.case, sql_mode)
    }

    async fn database(&mut self) -> Result<(String, String), DbError> {
        let name = self.work.database.as_str();
        let rows = self.ask(sql::show_create("DATABASE", name)).await?;
        let created = rows.first().and_then(|row| text(row, 1)).unwrap_or_default();
        let options = sql::database_options(&created, name).map(str::to_owned);
        let options =
            options.ok_or_else(|| self.failed(format!("unexpected definition `{created}`")))?;
        let rows = self.ask("SELECT @@collation_database".to_owned()).await?;
        let collation = rows.first().and_then(|row| text(row, 0)).unwrap_or_default();
        Ok((options, collation))
    }

    /// Tables, views and sequences, by the server's word for their kind.
    async fn names(&mut self) -> Result<BTreeMap<String, Vec<String>>, DbError> {
        let sql = "SELECT TABLE_TYPE, TABLE_NAME FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME";
        self.grouped(sql).await
    }

    async fn routines(&mut self) -> Result<BTreeMap<String, Vec<String>>, DbError> {
        let sql = "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES \
                   WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY ROUTINE_NAME";
        self.grouped(sql).await
    }

    async fn grouped(&mut self, sql: &str) -> Result<BTreeMap<String, Vec<String>>, DbError> {
        let mut names = BTreeMap::<_, Vec<_>>::new();
        for row in self.ask(sql.to_owned()).await? {
            if let (Some(kind), Some(name)) = (text(&row, 0), text(&row, 1)) {
                names.entry(kind).or_default().push(name);
            }
        }
        Ok(names)
    }

    async fn names_of(&mut self, sql: &str) -> Result<Vec<String>, DbError> {
        let rows = self.ask(sql.to_owned()).await?;
        Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
    }

    /// Objects that record nothing of the session.
    async fn plain(&mut self, kind: &str, names: &[String]) -> Result<Vec<Step>, DbError> {
        let questions: Vec<_> = names.iter().map(|name| sql::show_create(kind, name)).collect();
        let rows = self.ask_each(&questions).await?;
        let step = |(name, row): (&String, &MySqlRow)| {
            let what = format!("{} `{name}`", kind.to_lowercase());
            let text = self.movable(&self.shown(row, 1, &what)?, "");
            Ok(Step { what, text, recorded: None, database_collation: None })
        };
        names.iter().zip(&rows).map(step).collect()
    }

    /// MariaDB's sequences, and where they stand. One that has a cache stands behind its cached
    /// numbers, as after a restart of the server.
    async fn sequences(&mut self, names: &[String]) -> Result<Vec<Step>, DbError> {
        let mut steps = self.plain("SEQUENCE", names).await?;
        let questions: Vec<_> = names.iter().map(|name| sql::sequence_state(name)).collect();
        for (name, row) in names.iter().zip(self.ask_each(&questions).await?) {
            let what = format!("sequence `{name}`");
            let [next, round] = [self.shown(&row, 0, &what)?, self.shown(&row, 1, &what)?];
            let set = sql::set_sequence(name, &next, &round);
            let set = set.ok_or_else(|| self.failed(format!("{what} stands at `{next}`")))?;
            let text = Movable::fixed(set);
            steps.push(Step { what, text, recorded: None, database_collation: None });
        }
        Ok(steps)
    }

    /// `first` is the step that makes the first table.
    async fn rows(
        &mut self,
        tables: &[String],
        first: usize,
        finished: bool,
    ) -> Result<Vec<Filling>, DbError> {
        let full = if finished { Some(self.full(tables).await?) } else { None };
        // What the server computes may not be written.
        let sql = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS \
                   WHERE TABLE_SCHEMA = DATABASE() AND COALESCE(GENERATION_EXPRESSION, '') = '' \
                   ORDER BY TABLE_NAME, ORDINAL_POSITION";
        let columns = self.grouped(sql).await?;
        let copied = |table: &String| full.as_ref().is_none_or(|full| full.contains(table));
        let template = self.work.database.as_str();
        let filling = |(number, table): (usize, &String)| {
            let text = sql::copy_rows(template, table, columns.get(table)?);
            let (what, text) = (format!("rows of `{table}`"), Movable::fixed(text));
            let step = Step { what, text, recorded: None, database_collation: None };
            copied(table).then_some(Filling { step, after: first + number + 1 })
        };
        Ok(tables.iter().enumerate().filter_map(filling).collect())
    }

    /// The tables that have rows.
    async fn full(&mut self, tables: &[String]) -> Result<HashSet<String>, DbError> {
        let questions: Vec<_> = tables.iter().map(|table| sql::has_rows(table)).collect();
        let rows = self.ask_each(&questions).await?;
        let full = tables.iter().zip(&rows).filter(|(_, row)| text(row, 0).as_deref() != Some("0"));
        Ok(full.map(|(table, _)| table.clone()).collect())
    }

    async fn views(&mut self, names: &[String]) -> Result<Vec<Step>, DbError> {
        let questions: Vec<_> = names.iter().map(|name| sql::show_create("VIEW", name)).collect();
        let rows = self.ask_each(&questions).await?;
        let step = |(name, row): (&String, &MySqlRow)| {
            let what = format!("view `{name}`");
            let text = self.movable(&self.shown(row, 1, &what)?, "");
            let recorded = Recorded {
                sql_mode: String::new(),
                client_charset: self.shown(row, 2, &what)?,
                collation: self.shown(row, 3, &what)?,
                time_zone: "+00:00".to_owned(),
            };
            Ok(Step { what, text, recorded: Some(recorded), database_collation: None })
        };
        names.iter().zip(&rows).map(step).collect()
    }

    /// Routines, triggers and events: what they record stands beside their text, and an event's
    /// time zone in the middle of it.
    async fn recorded(&mut self, kind: &str, names: &[String]) -> Result<Vec<Step>, DbError> {
        let questions: Vec<_> = names.iter().map(|name| sql::show_create(kind, name)).collect();
        let rows = self.ask_each(&questions).await?;
        let zone = usize::from(kind == "EVENT");
        let step = |(name, row): (&String, &MySqlRow)| {
            let what = format!("{} `{name}`", kind.to_lowercase());
            let shown = |column| self.shown(row, column, &what);
            let sql_mode = shown(1)?;
            let text = self.movable(&shown(2 + zone)?, &sql_mode);
            let time_zone = if zone == 1 { shown(2)? } else { "+00:00".to_owned() };
            let (client_charset, collation) = (shown(3 + zone)?, shown(4 + zone)?);
            let recorded = Recorded { sql_mode, client_charset, collation, time_zone };
            let database_collation = Some(shown(5 + zone)?);
            Ok(Step { what, text, recorded: Some(recorded), database_collation })
        };
        names.iter().zip(&rows).map(step).collect()
    }
}
