//! SQLite: templates and clones as files.
