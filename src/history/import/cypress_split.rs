//! `timings.json` of cypress-split: `{"durations": [{"spec": path, "duration": milliseconds}]}`,
//! paths relative to where Cypress ran. Read from `src/timings.js` of cypress-split 1.25.

use serde::Deserialize;

use super::json::{Number, parse};
use super::{Name, Timings};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let File { durations } = parse(bytes)?;
    let mut timings = Timings::default();
    for Entry { spec, duration } in durations {
        timings.take(Name::File(spec), duration.millis());
    }
    Ok(timings)
}

#[derive(Deserialize)]
struct File {
    durations: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    spec: String,
    duration: Number,
}
