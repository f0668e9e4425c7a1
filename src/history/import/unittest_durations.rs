//! What `python -m unittest --durations 0` prints since Python 3.12, and Django's
//! `manage.py test --durations 0`: lines of `0.050s     test_b (tests.test_a.C.test_b)`. Lines of a
//! whole log around them are passed over. Read from `_printDurations` of `unittest/runner.py`,
//! Python 3.13; without `-v` what took less than 1 ms is not there.

use super::{Name, Timings, from_seconds, text};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let mut timings = Timings::default();
    let mut found = false;
    for (name, seconds) in text(bytes).lines().filter_map(entry) {
        found = true;
        timings.take(Name::Test(name), from_seconds(seconds));
    }
    if found { Ok(timings) } else { Err("no line is `SECONDSs  test (module.Class.test)`".into()) }
}

/// A line's dotted name and seconds.
pub(super) fn entry(line: &str) -> Option<(String, f64)> {
    let (seconds, rest) = line.trim_start().split_once('s')?;
    let seconds = seconds.parse().ok()?;
    let (method, class) = rest.strip_prefix(' ')?.trim().split_once(" (")?;
    // What follows the parenthesis is a subtest's parameters, and those are part of the test.
    let (class, _) = class.split_once(')')?;
    let is_name = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    if !is_name(method) || !is_name(class) {
        return None;
    }
    let whole = class.rsplit('.').next() == Some(method);
    let name = if whole { class.to_owned() } else { format!("{class}.{method}") };
    Some((name, seconds))
}
