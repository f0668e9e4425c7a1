//! `--quarantine`: the list of tests whose failures are known.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::Error;
use crate::config::{Quarantined, parse_quarantine};
use crate::plan::Pattern;
use crate::report::RunReport;
use crate::report::quarantine::{Entry, excuse};
use crate::store;

/// The list, as it counts today.
#[derive(Debug, Default)]
pub(super) struct Excuses(Vec<Entry>);

impl Excuses {
    /// Reads the list; without a file it is empty.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self::default()) };
        let bytes = store::read(path).map_err(|error| {
            if error.is_absent() { Error::NoQuarantine(path.to_owned()) } else { error.into() }
        })?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| Error::NotText(path.to_owned()))?;
        let entries = parse_quarantine(&text)
            .map_err(|error| Error::Config { path: path.to_owned(), error })?;
        let entry = |Quarantined { test, until, reason }| {
            let pattern = Pattern::new(&test)
                .map_err(|error| Error::Quarantine { path: path.to_owned(), error })?;
            Ok(Entry { test, pattern, until, reason })
        };
        Ok(Self(entries.into_iter().map(entry).collect::<Result<_, Error>>()?))
    }

    /// Excuses the failures that the list knows.
    pub(super) fn excuse(&self, report: &mut RunReport) {
        if !self.0.is_empty() {
            excuse(report, &self.0, today());
        }
    }
}

/// The day, in UTC: the same on every machine of a run.
fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}
