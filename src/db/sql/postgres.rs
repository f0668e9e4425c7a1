//! Postgres' statements.
