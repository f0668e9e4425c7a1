//! A runtime log of `parallel_tests` (`tmp/parallel_runtime_rspec.log` and its like): lines of
//! `path:seconds`, cut at the last colon; a path that stands there several times is their sum.
//! Read from `ParallelTests::Test::Runner#runtimes` of `parallel_tests` 4.

use super::{Name, Timings, from_seconds, text};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let mut timings = Timings::default();
    let (mut first_odd, mut odd) = (None, 0);
    for (number, line) in (1..).zip(text(bytes).lines()) {
        if line.trim().is_empty() {
            continue;
        }
        if let Some((path, seconds)) = entry(line) {
            timings.take(Name::File(path.to_owned()), from_seconds(seconds));
        } else {
            first_odd.get_or_insert(number);
            odd += 1;
        }
    }
    match first_odd {
        Some(line) if timings.entries.len() <= odd => Err(format!("line {line} is no such line")),
        // A last line that a killed process left.
        Some(_) => {
            timings.unbelievable += odd;
            Ok(timings)
        }
        None => Ok(timings),
    }
}

/// A line's path and seconds.
pub(super) fn entry(line: &str) -> Option<(&str, f64)> {
    let (path, seconds) = line.trim_end().rsplit_once(':')?;
    Some((path, seconds.parse().ok()?)).filter(|(path, _)| !path.trim().is_empty())
}
