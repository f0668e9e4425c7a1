//! jest's perf cache, `perf-cache-…` in its `cacheDirectory`: an object, absolute path to
//! `[status, milliseconds]`, where status 0 is a failure and 1 a pass. Read from
//! `TestSequencer.cacheResults` of @jest/test-sequencer 30.

use serde::Deserialize;

use super::json::{Entries, Number, parse};
use super::{Name, Timings};

/// The status of a file that passed.
const PASSED: u64 = 1;

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let mut timings = Timings::default();
    for (path, Entry(status, millis)) in parse::<Entries<Entry>>(bytes)?.0 {
        if status == PASSED {
            timings.take(Name::File(path), millis.millis());
        } else {
            timings.not_passed += 1;
        }
    }
    Ok(timings)
}

#[derive(Deserialize)]
struct Entry(u64, Number);
