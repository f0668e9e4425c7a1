//! `.test_durations` of pytest-split: an object, node id to seconds (set-up, call and tear-down
//! together), and in files of before 0.3 a list of such pairs. Read from `plugin.py` of
//! pytest-split 0.11.

use serde::Deserialize;

use super::json::{Entries, Number, parse};
use super::{Name, Timings};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let entries = if is_list {
        let pairs: Vec<Pair> = parse(bytes)?;
        pairs.into_iter().map(|Pair(id, seconds)| (id, seconds)).collect()
    } else {
        parse::<Entries<Number>>(bytes)?.0
    };
    let mut timings = Timings::default();
    for (id, seconds) in entries {
        timings.take(Name::Test(id), seconds.seconds());
    }
    Ok(timings)
}

#[derive(Deserialize)]
struct Pair(String, Number);
