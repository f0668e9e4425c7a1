//! The series of a real suite's timings: a CSV of milliseconds, a line a test and a column a day.
//! `EVENLY_SERIES` names it; `gzip` must be there to unpack it.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Where the series is when nothing else is said.
const SERIES: &str = "../shared/data/timings/onegov-series.csv.gz";

/// A day of the series: each test that ran, with its microseconds.
pub(super) type Day = BTreeMap<String, u64>;

pub(super) fn path_of_series() -> String {
    env::var("EVENLY_SERIES").unwrap_or_else(|_| SERIES.to_owned())
}

pub(super) fn read_series() -> Outcome<Option<Vec<Day>>> {
    let path = path_of_series();
    let unpacked = Command::new("gzip").args(["-dc", &path]).output()?;
    if !unpacked.status.success() {
        let said = String::from_utf8_lossy(&unpacked.stderr);
        writeln!(io::stderr(), "NO SERIES at `{path}`, so none is replayed: {}", said.trim())?;
        return Ok(None);
    }
    let text = String::from_utf8(unpacked.stdout)?;
    let mut lines = text.lines();
    let days = lines.next().map_or(0, |header| header.split(',').count() - 1);
    let mut series = vec![Day::new(); days];
    for line in lines {
        // A test's parameters may hold commas; the days are the last columns.
        let mut columns: Vec<&str> = line.rsplitn(days + 1, ',').collect();
        let name = columns.pop().ok_or("an empty line")?;
        for (day, ms) in series.iter_mut().zip(columns.into_iter().rev()) {
            if !ms.is_empty() {
                day.insert(name.trim_matches('"').to_owned(), ms.parse::<u64>()? * 1_000);
            }
        }
    }
    Ok(Some(series))
}
