//! JUnit XML, in both directions and from words alone: no files, no clock.
//!
//! [`read`] takes whatever calls itself JUnit and never fails: what is whole is kept, and what is
//! not is told. [`mod@write`] produces one dialect, which the Jenkins `junit-10` schema accepts
//! unless a case has properties.

pub mod read;
pub mod write;
