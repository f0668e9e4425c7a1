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
    if let Some(us) = plain_micros(text) {
        return Some(us);
    }
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

/// What nearly all files hold: digits, a point, at most six digits. The same figure as the long
/// way's, sooner.
fn plain_micros(text: &str) -> Option<u64> {
    const WHOLE_DIGITS_MAX: usize = 7;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=WHOLE_DIGITS_MAX).contains(&whole.len()) && fraction.len() <= 6;
    if !fits || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number = |part: &str| part.bytes().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
    let scale = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1][fraction.len()];
    Some(number(whole) * 1_000_000 + number(fraction) * scale)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_locale_and_unit() {
        for (text, expected) in [
            ("1.5", 1_500_000),
            (" 0 ", 0),
            ("-0.0", 0),
            (".5", 500_000),
            ("3.", 3_000_000),
            ("+2", 2_000_000),
            ("1,024.12", 1_024_120_000),
            ("1.024,12", 1_024_120_000),
            ("1,234,567", 1_234_567_000_000),
            ("1,234,567.8", 1_234_567_800_000),
            ("0,03", 30_000),
            ("12,345", 12_345_000),
            ("1.0E-4", 100),
            ("9e-7", 1),
            ("80.803us", 81),
            ("12 ms", 12_000),
            ("2s", 2_000_000),
            ("0.070734977722168", 70_735),
            ("31536000", 31_536_000_000_000),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn both_ways_to_read_a_time_agree() {
        for text in ["0", "0.5", "1.000001", "12.", "9999999.999999", "0.000009", "007.25"] {
            let slow = (text.parse::<f64>().unwrap() * 1e6).round();
            assert_eq!(plain_micros(text).map(|us| format!("{us}")), Some(format!("{slow}")));
        }
        for text in ["", ".5", "1.2.3", "1,5", "1e3", "-1", "12345678", "0.1234567"] {
            assert_eq!(plain_micros(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            " ",
            ",",
            ".",
            "-1",
            "NaN",
            "inf",
            "1e400",
            "31536001",
            "<<computed>>",
            "1:02",
            "--1",
            "5 parsecs",
            "1,5,x",
            "٣",
            "1µ",
            "µs",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_of_every_form() {
        for (text, expected) in [
            ("2024-01-03T12:27:11.21-01:00", "2024-01-03T13:27:11.21Z"),
            ("2024-01-03T12:27:11", "2024-01-03T12:27:11Z"),
            ("2024-01-03T12:27:11.703447", "2024-01-03T12:27:11.703447Z"),
            ("2024-01-03 12:27:54Z", "2024-01-03T12:27:54Z"),
            ("2024-01-03T 12:40:13", "2024-01-03T12:40:13Z"),
            ("2023-05-15T 08:22:02Z", "2023-05-15T08:22:02Z"),
            ("2021-03-07T10:36:56 UTC", "2021-03-07T10:36:56Z"),
            ("Sat, 03 Dec 2022 23:10:07 GMT", "2022-12-03T23:10:07Z"),
            ("2024-01-03", "2024-01-03T00:00:00Z"),
        ] {
            assert_eq!(timestamp(text).map(|at| at.to_string()).as_deref(), Some(expected));
        }
        for text in ["", "now", "1610000000", "2024-13-01", "99999-01-01T00:00:00"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
