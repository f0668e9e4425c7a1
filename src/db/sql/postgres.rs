//! Postgres' statements: those that take names, which cannot be bound as parameters.
//!
//! Every name goes through [`ident`] and every value through [`literal`], so that none can end its
//! quotes. Neither can hold the character NUL: it ends a statement on the wire, and is left out.

/// The connection limit that a database is born with and that only evenly would give: until its
/// mark is written, in a second statement, it tells who made it. As a limit it limits nothing.
pub(in crate::db) const NEWBORN_LIMIT: i32 = 0x45_56_4e_4c;

/// What every session of ours begins with: none is cut off while it waits for a lock, for a copy
/// or for the command that fills a template, and no user's settings change what statements mean.
pub(in crate::db) fn begin(version: u32) -> String {
    let mut sql = "SET statement_timeout = 0; SET lock_timeout = 0; \
        SET search_path = pg_catalog; SET default_transaction_read_only = off"
        .to_owned();
    if version >= 14_00_00 {
        sql.push_str("; SET idle_session_timeout = 0");
    }
    if version >= 17_00_00 {
        sql.push_str("; SET transaction_timeout = 0");
    }
    sql
}

/// Gives back every lock of a session.
pub(in crate::db) const UNLOCK: &str = "SELECT pg_advisory_unlock_all()";

/// A name in double quotes.
pub(in crate::db) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

/// A value in single quotes, whatever `standard_conforming_strings` says.
pub(in crate::db) fn literal(value: &str) -> String {
    let quoted = value.replace('\0', "").replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// How a database is made.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct Create<'a> {
    pub(in crate::db) database: &'a str,
    pub(in crate::db) template: &'a str,
    /// Otherwise it is the user's own.
    pub(in crate::db) owner: Option<&'a str>,
    /// `WAL_LOG` or `FILE_COPY`, where the server has the choice.
    pub(in crate::db) strategy: Option<&'static str>,
}

pub(in crate::db) fn create(create: &Create<'_>) -> String {
    let Create { database, template, owner, strategy } = create;
    let mut sql = format!(
        "CREATE DATABASE {} TEMPLATE {} CONNECTION LIMIT {NEWBORN_LIMIT}",
        ident(database),
        ident(template),
    );
    if let Some(owner) = owner {
        sql.push_str(&format!(" OWNER {}", ident(owner)));
    }
    if let Some(strategy) = strategy {
        sql.push_str(&format!(" STRATEGY {strategy}"));
    }
    sql
}

pub(in crate::db) fn drop(database: &str) -> String {
    format!("DROP DATABASE IF EXISTS {}", ident(database))
}

/// Ends the sessions that hold it first; Postgres 13 and later.
pub(in crate::db) fn drop_with_sessions(database: &str) -> String {
    format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(database))
}

pub(in crate::db) fn no_template(database: &str) -> String {
    format!("ALTER DATABASE {} IS_TEMPLATE false", ident(database))
}

pub(in crate::db) fn refuse_connections(database: &str) -> String {
    format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", ident(database))
}

pub(in crate::db) fn rollback_prepared(transaction: &str) -> String {
    format!("ROLLBACK PREPARED {}", literal(transaction))
}

/// What the server's owner must say so that a user may create databases.
pub(in crate::db) fn let_create(user: &str) -> String {
    format!("ALTER ROLE {} CREATEDB", ident(user))
}

/// Gives a database its mark, or another one.
pub(in crate::db) fn mark(database: &str, text: &str) -> String {
    format!("COMMENT ON DATABASE {} IS {}", ident(database), literal(text))
}

/// A setting of `ALTER DATABASE … SET` or `ALTER ROLE … IN DATABASE … SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Setting {
    pub(in crate::db) role: Option<String>,
    /// `name=value`, as the catalogue has it.
    pub(in crate::db) text: String,
}

/// A right on a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Grant {
    pub(in crate::db) grantor: String,
    /// `None` is everybody.
    pub(in crate::db) grantee: Option<String>,
    pub(in crate::db) privilege: Privilege,
    pub(in crate::db) option: GrantOption,
}

/// What may be done with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Privilege {
    Create,
    Connect,
    Temporary,
}

/// Whether a right may be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum GrantOption {
    With,
    Without,
}

impl Privilege {
    const ALL: [Self; 3] = [Self::Create, Self::Connect, Self::Temporary];

    /// Out of the catalogue's word.
    pub(in crate::db) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|privilege| privilege.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Connect => "CONNECT",
            Self::Temporary => "TEMPORARY",
        }
    }
}

/// What the server does not copy with a database.
#[derive(Debug)]
pub(in crate::db) struct Dress {
    pub(in crate::db) owner: String,
    pub(in crate::db) connections_max: i32,
    pub(in crate::db) settings: Vec<Setting>,
    /// `None` where nobody ever changed them.
    pub(in crate::db) grants: Option<Vec<Grant>>,
}

/// Gives a new database all that its template has, and the mark last: one transaction; then the
/// lock back.
pub(in crate::db) fn dress(database: &str, dress: &Dress, text: &str) -> String {
    let Dress { owner, connections_max, settings, grants } = dress;
    let name = ident(database);
    let mut sql = format!("BEGIN; ALTER DATABASE {name} CONNECTION LIMIT {connections_max}");
    for setting in settings {
        sql.push_str("; ");
        sql.push_str(&set(&name, setting));
    }
    if let Some(grants) = grants {
        sql.push_str(&format!("; REVOKE ALL ON DATABASE {name} FROM PUBLIC, {}", ident(owner)));
        for grant in grants {
            sql.push_str("; ");
            sql.push_str(&allow(&name, owner, grant));
        }
    }
    sql.push_str(&format!("; {}; COMMIT; {UNLOCK}", mark(database, text)));
    sql
}

/// The mark alone, for a database whose connections are not limited.
pub(in crate::db) fn christen(database: &str, text: &str) -> String {
    let name = ident(database);
    format!("BEGIN; ALTER DATABASE {name} CONNECTION LIMIT -1; {}; COMMIT", mark(database, text))
}

fn set(name: &str, setting: &Setting) -> String {
    let Setting { role, text } = setting;
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let value = if is_list(key) {
        let items: Vec<String> = split_list(value).iter().map(|item| literal(item)).collect();
        // An empty list is an empty text.
        if items.is_empty() { "''".to_owned() } else { items.join(", ") }
    } else {
        literal(value)
    };
    let key = ident(key);
    match role {
        None => format!("ALTER DATABASE {name} SET {key} = {value}"),
        Some(role) => {
            format!("ALTER ROLE {} IN DATABASE {name} SET {key} = {value}", ident(role))
        }
    }
}

/// The settings whose value is a list of quoted names: `GUC_LIST_QUOTE` in Postgres'
/// `guc_tables.c`; `pg_dump` carries the same list. Their value in the catalogue is the list's text
/// already.
fn is_list(key: &str) -> bool {
    [
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    ]
    .iter()
    .any(|list| key.eq_ignore_ascii_case(list))
}

/// The items of a list's text: names in double quotes or bare, with commas between.
fn split_list(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut item = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            while let Some((head, tail)) = rest.split_once('"') {
                item.push_str(head);
                rest = tail;
                let Some(more) = rest.strip_prefix('"') else { break };
                item.push('"');
                rest = more;
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            item.push_str(rest[..end].trim_end());
            rest = &rest[end..];
        }
        items.push(item);
        rest = rest.trim_start().trim_start_matches(',').trim_start();
    }
    items
}

fn allow(name: &str, owner: &str, grant: &Grant) -> String {
    let Grant { grantor, grantee, privilege, option } = grant;
    let to = grantee.as_deref().map_or("PUBLIC".to_owned(), ident);
    let option = match option {
        GrantOption::With => " WITH GRANT OPTION",
        GrantOption::Without => "",
    };
    let sql = format!("GRANT {} ON DATABASE {name} TO {to}{option}", privilege.word());
    if grantor == owner {
        sql
    } else {
        // Whoever passed a right on is remembered with it.
        format!("SET LOCAL ROLE {}; {sql}; RESET ROLE", ident(grantor))
    }
}

#[cfg(test)]
mod tests;
