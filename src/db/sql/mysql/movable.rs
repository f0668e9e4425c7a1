//! A definition that can be moved from one database to another.
//!
//! Promises: where a definition names its own database in front of a table, a view, a routine or a
//! sequence, the other database's name is put instead; strings, comments, and aliases that happen
//! to be called like the database stay as they are. What is in doubt stays.

use super::identifier;
use super::tokens::{Kind, Quotes, Token, tokens};

/// Whether the server tells names of databases apart by case (`lower_case_table_names`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Case {
    /// It does.
    Exact,
    /// It does not.
    Folded,
}

impl Case {
    /// Whether two names are one database's.
    fn same(self, a: &str, b: &str) -> bool {
        match self {
            Self::Exact => a == b,
            Self::Folded => a.to_lowercase() == b.to_lowercase(),
        }
    }
}

/// A statement with holes for the database's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Movable {
    /// What stands before, between and behind the holes: never empty.
    parts: Vec<String>,
}

impl Movable {
    /// A statement that names no database of its own.
    pub(in crate::db) fn fixed(text: String) -> Self {
        Self { parts: vec![text] }
    }

    /// Finds the holes of a statement that was written under a `sql_mode`.
    pub(in crate::db) fn new(text: &str, database: &str, case: Case, sql_mode: &str) -> Self {
        let all = tokens(text, Quotes::of_mode(sql_mode));
        let all: Vec<_> = all.into_iter().filter(|token| token.kind != Kind::Gap).collect();
        let mut parts = Vec::new();
        let mut done = 0;
        for hole in Walk::new(&all, database, case).holes() {
            let at = &all[hole].at;
            parts.push(text[done..at.start].to_owned());
            done = at.end;
        }
        parts.push(text[done..].to_owned());
        Self { parts }
    }

    /// The statement for a database.
    pub(in crate::db) fn within(&self, database: &str) -> String {
        self.parts.join(&identifier(database))
    }
}

/// What a name with one point in it means at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first clause; `ON` begins the table of a trigger.
    Head,
    /// Database and table.
    Table,
    /// Table and column.
    Column,
    /// Table and column in a join's condition, behind which a comma leads to the next table.
    Condition,
}

struct Walk<'a> {
    all: &'a [Token<'a>],
    database: &'a str,
    case: Case,
    places: Vec<Place>,
    /// The next name is an object's, whatever the place: `NEXT VALUE FOR`, `NEXTVAL(`.
    object_next: bool,
}

impl<'a> Walk<'a> {
    fn new(all: &'a [Token<'a>], database: &'a str, case: Case) -> Self {
        Self { all, database, case, places: vec![Place::Head], object_next: false }
    }

    fn holes(mut self) -> Vec<usize> {
        let mut holes = Vec::new();
        let mut at = 0;
        while at < self.all.len() {
            match &self.all[at].kind {
                Kind::Name(_) | Kind::Word(_) => {
                    let names = self.chain(at);
                    if names > 1 && self.names_the_database(at, names) {
                        holes.push(at);
                    }
                    match self.all[at].kind {
                        Kind::Word(word) if names == 1 => self.keyword(word, at + 1),
                        _ => self.object_next = false,
                    }
                    at += 2 * names - 1;
                }
                Kind::Mark(mark) => {
                    self.mark(*mark);
                    at += 1;
                }
                Kind::Value | Kind::Gap => at += 1,
            }
        }
        holes
    }

    /// How many names stand from here on with points between them.
    fn chain(&self, at: usize) -> usize {
        let is =
            |at: usize, mark| self.all.get(at).is_some_and(|token| token.kind == Kind::Mark(mark));
        let mut names = 1;
        while is(at + 2 * names - 1, '.') {
            let next = at + 2 * names;
            let name = self.all.get(next).map(|token| &token.kind);
            if !matches!(name, Some(Kind::Name(_) | Kind::Word(_))) && !is(next, '*') {
                break;
            }
            names += 1;
        }
        names
    }

    fn names_the_database(&self, at: usize, names: usize) -> bool {
        let same = match &self.all[at].kind {
            Kind::Name(name) => self.case.same(name, self.database),
            Kind::Word(name) => self.case.same(name, self.database),
            Kind::Mark(_) | Kind::Value | Kind::Gap => false,
        };
        let after = |mark| at > 0 && self.all[at - 1].kind == Kind::Mark(mark);
        let calls = self.next_is(at + 2 * names - 1, '(');
        same && !after('@')
            && (names > 2 || calls || self.object_next || self.place() == Place::Table)
    }

    fn next_is(&self, at: usize, mark: char) -> bool {
        self.all.get(at).is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    fn place(&self) -> Place {
        *self.places.last().unwrap_or(&Place::Column)
    }

    fn go(&mut self, place: Place) {
        self.places.pop();
        self.places.push(place);
    }

    fn mark(&mut self, mark: char) {
        match mark {
            '(' => self.places.push(self.place()),
            ')' => {
                self.places.pop();
            }
            ',' if self.place() == Place::Condition => self.go(Place::Table),
            ';' => self.places = vec![Place::Column],
            _ => {}
        }
    }

    fn keyword(&mut self, word: &str, next: usize) {
        self.object_next = false;
        match word.to_ascii_lowercase().as_str() {
            "from" | "join" | "straight_join" | "into" | "update" | "insert" | "delete"
            | "truncate" | "table" | "tables" | "view" | "call" | "trigger" | "procedure"
            | "function" | "event" | "sequence" | "references" | "union" => self.go(Place::Table),
            "replace" if !self.next_is(next, '(') => self.go(Place::Table),
            "on" if self.place() == Place::Head || self.place() == Place::Table => {
                // A trigger's own name has made the head a table's place already.
                self.go(if self.in_trigger_head(next) { Place::Table } else { Place::Condition });
            }
            "select" | "where" | "set" | "having" | "values" | "value" | "group" | "order"
            | "limit" | "when" | "case" | "if" | "return" | "begin" | "do" | "each" => {
                self.go(Place::Column);
            }
            "for" => self.object_next = true,
            "nextval" | "lastval" | "setval" if self.next_is(next, '(') => self.object_next = true,
            _ => {}
        }
    }

    /// Whether this `ON` is that of `CREATE TRIGGER name BEFORE INSERT ON table`.
    fn in_trigger_head(&self, next: usize) -> bool {
        let word = |back: usize| match next.checked_sub(back).map(|at| &self.all[at].kind) {
            Some(Kind::Word(word)) => *word,
            _ => "",
        };
        let is = |word: &str, any: &[&str]| any.iter().any(|one| word.eq_ignore_ascii_case(one));
        is(word(2), &["insert", "update", "delete"]) && is(word(3), &["before", "after"])
    }
}

#[cfg(test)]
mod tests;
