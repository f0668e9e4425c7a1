//! What a database server can refuse, said without a password in it.

use super::names::DatabaseName;

/// Why something could not be done with a database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL is none, or of no server that evenly knows.
    #[error("`{url}` is not a database's URL: {why}")]
    Url {
        /// It, without password.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The server does not answer.
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// Engine, host and port or socket.
        server: String,
        /// What the system said.
        why: String,
    },
    /// The server answers, but not to us.
    #[error("{server} refuses the user `{user}`: {why}")]
    Refused {
        /// Engine, host and port or socket.
        server: String,
        /// The user.
        user: String,
        /// What the server said.
        why: String,
    },
    /// The user lacks a right.
    #[error("the user `{user}` may not {act} on {server}; {remedy}")]
    Rights {
        /// Engine, host and port or socket.
        server: String,
        /// The user.
        user: String,
        /// What was to be done.
        act: &'static str,
        /// What the server's owner must say to allow it.
        remedy: String,
    },
    /// Sessions hold a database and cannot be ended.
    #[error("`{database}` is in use by {sessions}; end them, or keep them away from it")]
    Busy {
        /// The database.
        database: DatabaseName,
        /// Who: process, user, program and address of each.
        sessions: String,
    },
    /// A database of that name is there, and evenly did not make it.
    #[error("a database `{0}` is there that evenly did not make: it is left alone; rename it")]
    Stranger(DatabaseName),
    /// Another statement failed.
    #[error("cannot {act} `{database}`: {why}")]
    Failed {
        /// What was to be done.
        act: &'static str,
        /// With which database.
        database: DatabaseName,
        /// What the server said.
        why: String,
    },
    /// A file could not be read or written (SQLite).
    #[error("cannot {act} `{path}`: {source}", path = path.display())]
    File {
        /// What was to be done.
        act: &'static str,
        /// With which file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
