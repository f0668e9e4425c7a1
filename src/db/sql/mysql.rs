//! MySQL's and MariaDB's statements.
//!
//! Promises: every name and value is quoted so that it means the same under any `sql_mode`
//! (`ANSI_QUOTES`, `NO_BACKSLASH_ESCAPES`), and only SQL that both servers accept is made; what one
//! of them has alone is said so.

mod movable;
mod tokens;

pub(in crate::db) use movable::{Case, Movable};

/// The database in which evenly says what it made.
pub(in crate::db) const REGISTRY: &str = "evenly_registry";

/// How the sessions of evenly are set; times are in seconds, and the last one keeps a template's
/// lock over a long `prepare`. `NO_AUTO_VALUE_ON_ZERO` keeps zeroes in counted columns; no strict
/// mode, so that zero dates and old defaults are taken as they are. `unique_checks` stay on: off,
/// MariaDB prepares a bulk load for every table, which costs a third more where tables are many
/// and small, and gains nothing measurable where one has 200,000 rows.
pub(in crate::db) const SESSION: &str = "SET NAMES utf8mb4, sql_mode = 'NO_AUTO_VALUE_ON_ZERO', \
     time_zone = '+00:00', autocommit = 1, foreign_key_checks = 0, unique_checks = 1, \
     sql_quote_show_create = 1, sql_safe_updates = 0, lock_wait_timeout = 5, \
     innodb_lock_wait_timeout = 5, wait_timeout = 86400";

/// Rows of a template are read without locking them.
pub(in crate::db) const READ_COMMITTED: &str =
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Makes the registry's database, if it is not there.
pub(in crate::db) const CREATE_REGISTRY: &str = "CREATE DATABASE IF NOT EXISTS evenly_registry";

/// Makes the registry's table. `made` is 0 until the database is there: see `mysql/registry.rs`.
pub(in crate::db) const CREATE_REGISTRY_TABLE: &str = "CREATE TABLE IF NOT EXISTS \
     evenly_registry.`databases` (\
     `name` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, \
     `made` TINYINT NOT NULL, \
     `mark` TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL) ENGINE = InnoDB";

/// A name, quoted.
pub(in crate::db) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text, quoted. One with a backslash, which some modes read as an escape and others do not, or
/// with a zero, is written as hex digits.
pub(in crate::db) fn literal(text: &str) -> String {
    if text.contains(['\\', '\0']) {
        let hex = text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
        return format!("_utf8mb4 X'{hex}'");
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Creates a database; `options` are the server's own words.
pub(in crate::db) fn create_database(name: &str, options: &str) -> String {
    format!("CREATE DATABASE {}{options}", identifier(name))
}

/// What stands behind the name in the answer of `SHOW CREATE DATABASE`.
pub(in crate::db) fn database_options<'a>(created: &'a str, name: &str) -> Option<&'a str> {
    let options = created.strip_prefix("CREATE DATABASE ")?.strip_prefix(&identifier(name))?;
    (!options.starts_with('`')).then_some(options)
}

/// Sets the database's collation, which a routine records when it is created.
pub(in crate::db) fn alter_collation(database: &str, collation: &str) -> String {
    format!("ALTER DATABASE {} COLLATE {}", identifier(database), word(collation))
}

/// Drops a database.
pub(in crate::db) fn drop_database(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {}", identifier(name))
}

/// Makes a database the session's own.
pub(in crate::db) fn use_database(name: &str) -> String {
    format!("USE {}", identifier(name))
}

/// Ends a session.
pub(in crate::db) fn kill(session: u64) -> String {
    format!("KILL CONNECTION {session}")
}

/// Asks for a definition; `kind` is the server's word, such as `TABLE`.
pub(in crate::db) fn show_create(kind: &str, name: &str) -> String {
    format!("SHOW CREATE {kind} {}", identifier(name))
}

/// Asks whether a table has rows.
pub(in crate::db) fn has_rows(table: &str) -> String {
    format!("SELECT EXISTS (SELECT 1 FROM {})", identifier(table))
}

/// Asks where a sequence of MariaDB stands.
pub(in crate::db) fn sequence_state(name: &str) -> String {
    format!(
        "SELECT CAST(next_not_cached_value AS CHAR), CAST(cycle_count AS CHAR) FROM {}",
        identifier(name)
    )
}

/// Sets a sequence of MariaDB to a state; `None` where the server's answer is no number.
pub(in crate::db) fn set_sequence(name: &str, next: &str, round: &str) -> Option<String> {
    let number = |text: &str| text.parse::<i128>().ok();
    let (next, round) = (number(next)?, number(round)?);
    Some(format!("DO SETVAL({}, {next}, 0, {round})", identifier(name)))
}

/// Copies the rows of a template's table into the session's own database.
pub(in crate::db) fn copy_rows(template: &str, table: &str, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
    let (columns, table) = (columns.join(","), identifier(table));
    format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {}.{table}",
        identifier(template)
    )
}

/// What a routine, a view, a trigger or an event records of the session that creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Recorded {
    pub(in crate::db) sql_mode: String,
    pub(in crate::db) client_charset: String,
    pub(in crate::db) collation: String,
    pub(in crate::db) time_zone: String,
}

impl Recorded {
    /// Sets the session so. Statements are sent as UTF-8, so a text that is not ASCII is created
    /// under `utf8mb4` instead of another character set that is recorded.
    pub(in crate::db) fn set(&self, text: &str) -> String {
        let Self { sql_mode, client_charset, collation, time_zone } = self;
        let utf8 = client_charset.starts_with("utf8") || text.is_ascii();
        format!(
            "SET character_set_client = {}, collation_connection = {}, sql_mode = {}, \
             time_zone = {}",
            word(if utf8 { client_charset } else { "utf8mb4" }),
            word(collation),
            literal(sql_mode),
            literal(time_zone),
        )
    }
}

/// A word of the server's own, such as a collation's name: letters, digits and `_` alone.
fn word(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
}

/// Puts statements behind each other, to be sent at once. A line's end keeps a comment at a
/// statement's end from hiding the semicolon.
pub(in crate::db) fn join(statements: &[String]) -> String {
    statements.join("\n;\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_options_of_a_database_stand_behind_its_name() {
        let created = "CREATE DATABASE `a``b` /*!40100 DEFAULT CHARACTER SET utf8mb4 */";
        let options = " /*!40100 DEFAULT CHARACTER SET utf8mb4 */";
        assert_eq!(database_options(created, "a`b"), Some(options));
        assert_eq!(database_options(created, "a"), None);
    }

    #[test]
    fn only_numbers_get_into_a_sequence() {
        assert!(set_sequence("s", "1005", "0").is_some());
        assert!(set_sequence("s", "-9223372036854775808", "0").is_some());
        assert_eq!(set_sequence("s", "1); DROP", "0"), None);
    }

    #[test]
    fn words_lose_what_is_no_word() {
        assert_eq!(
            alter_collation("d", "utf8mb4_bin; DROP"),
            "ALTER DATABASE `d` COLLATE utf8mb4_binDROP"
        );
    }

    proptest! {
        /// Read as either mode reads it, a quoted text is one string and nothing else.
        #[test]
        fn a_literal_is_one_value_under_any_mode(text in "[a'\"\\\\`\0;\né-]{0,20}") {
            let quoted = literal(&text);
            let body = quoted.trim_start_matches("_utf8mb4 X");
            prop_assert!(body.starts_with('\'') && body.ends_with('\'') && body.len() >= 2);
            let inside = &body[1..body.len() - 1];
            prop_assert!(!inside.contains('\\'));
            prop_assert!(!inside.replace("''", "").contains('\''));
        }

        #[test]
        fn an_identifier_cannot_be_left(name in "[a'\"\\\\`;\né-]{0,20}") {
            let quoted = identifier(&name);
            let inside = &quoted[1..quoted.len() - 1];
            prop_assert!(!inside.replace("``", "").contains('`'));
            prop_assert_eq!(inside.replace("``", "`"), name);
        }
    }
}
