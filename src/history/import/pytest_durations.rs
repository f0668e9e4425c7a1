//! What `pytest --durations=0` prints: a line a phase, `0.50s call     tests/a.py::test_b`, whose
//! sum a test is. Lines of a whole log around them are passed over. Read from
//! `pytest_terminal_summary` of `_pytest/runner.py`, pytest 9; without `-vv` what took less than
//! 5 ms is not there.

use super::{Name, Timings, from_seconds, text};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let mut timings = Timings::default();
    let mut found = false;
    for (id, seconds) in text(bytes).lines().filter_map(entry) {
        found = true;
        timings.take(Name::Test(id.to_owned()), from_seconds(seconds));
    }
    if found { Ok(timings) } else { Err("no line is `SECONDSs call NODE-ID`".to_owned()) }
}

/// A line's node id and seconds.
pub(super) fn entry(line: &str) -> Option<(&str, f64)> {
    let (seconds, rest) = line.trim_start().split_once("s ")?;
    let seconds = seconds.parse().ok()?;
    let phases = ["setup ", "call ", "teardown "];
    let id = phases.iter().find_map(|phase| rest.strip_prefix(phase))?.trim();
    (!id.is_empty()).then_some((id, seconds))
}
