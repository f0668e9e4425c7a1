//! What stands in attributes: times, timestamps, status words.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::model::Outcome;

/// The longest time that is believed, seconds: a year, as in Jenkins.
const TIME_SECS_MAX: f64 = 365.0 * 86_400.0;

/// Seconds as text to microseconds.
///
/// The last of `.` and `,` is the decimal mark, marks before it group thousands, and a mark that
/// occurs more than once groups: `1,024.12` and `1.024,12` are 1024.12 s, `1,234,567` is that
/// many seconds, `0,03` is 0.03 s. `12,345` is 12.345 s: whole thousands of seconds are far
/// rarer than a locale's comma, and taking one for the other would wreck a plan. A unit
/// (`80.8us`) is understood. Negative, endless and longer than a year is no time.
pub(super) fn micros(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.rfind(|c: char| !c.is_ascii_alphabetic() && c != 'µ').map_or(0, |at| at + 1);
    let (number, unit) = text.split_at_checked(unit_at)?;
    let scale = match unit {
        "" | "s" | "sec" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    let seconds = number_of(number.trim_end())? * scale;
    let sensible = (0.0..=TIME_SECS_MAX).contains(&seconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a year of microseconds, which a float holds exactly"
    )]
    sensible.then(|| (seconds * 1e6).round() as u64)
}

fn number_of(text: &str) -> Option<f64> {
    if !text.contains(',') {
        return text.parse().ok();
    }
    let mark = text.rfind([',', '.'])?;
    let groups = text.matches(&text[mark..=mark]).count() > 1;
    let digits = |part: &str| part.replace([',', '.'], "");
    let (whole, fraction) = (digits(&text[..mark]), digits(&text[mark..]));
    let number = if groups { whole + &fraction } else { format!("{whole}.{fraction}") };
    number.parse().ok()
}

/// A timestamp in any form that writers use: RFC 3339 with or without an offset, a space for the
/// `T` or after it, ` UTC` or ` GMT` behind it, a date alone, RFC 2822. Without an offset it is
/// UTC, so that every machine reads the same.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil = text.strip_suffix("UTC").or(text.strip_suffix("GMT")).unwrap_or(text).trim_end();
    let civil = civil.replacen("T ", "T", 1);
    civil
        .parse::<Timestamp>()
        .or_else(|_| civil.parse::<DateTime>().and_then(|at| TimeZone::UTC.to_timestamp(at)))
        .or_else(|_| rfc2822::DateTimeParser::new().parse_timestamp(text))
        .ok()
}

/// What a `status` or `result` attribute says beyond "it ran"; writers that use it for failures
/// add an element as a rule, but not all do.
pub(super) fn status(word: &str) -> Option<Outcome> {
    match word.trim().to_ascii_lowercase().as_str() {
        "disabled" | "notrun" | "skipped" | "ignored" | "suppressed" | "untested" | "pending" => {
            Some(Outcome::Skipped)
        }
        "fail" | "failed" | "failure" => Some(Outcome::Failed),
        "error" | "errored" => Some(Outcome::Errored),
        _ => None,
    }
}
