//! MySQL's statements.
