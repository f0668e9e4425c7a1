//! Text for people: names that came from strangers, and durations.

use std::borrow::Cow;

/// A name as it is safe to show on one line of a terminal: control characters, line ends and
/// characters that turn the direction of writing are shown as visible escapes (`\n`, `\u{1b}`).
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_disruptive) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_disruptive(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character can move the cursor, end the line or reorder what stands around it.
fn is_disruptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}'
                | '\u{200E}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// A duration as people say it: `350 µs`, `350 ms`, `1.2 s`, `4 min 10 s`, `2 h 5 min`.
#[must_use]
pub fn human_time(us: u64) -> String {
    let rounded = |unit: u64| us / unit + u64::from(us % unit >= unit.div_ceil(2));
    let (millis, tenths, seconds, minutes) =
        (rounded(1_000), rounded(100_000), rounded(1_000_000), rounded(60_000_000));
    if us < 1_000 {
        format!("{us} µs")
    } else if millis < 1_000 {
        format!("{millis} ms")
    } else if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else if seconds < 3_600 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}

/// A number with its thousands apart: `1,048,576`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes as hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |text, byte| text + &format!("{byte:02x}"))
}

/// `1 test`, `3,571 tests`.
#[must_use]
pub fn counted(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_not_copied() {
        assert!(matches!(one_line("web:tests/ä b.py::t[x-1]"), Cow::Borrowed(_)));
    }

    #[test]
    fn nothing_can_leave_its_line() {
        assert_eq!(one_line("a\nb\r\tc\u{1b}[2J\u{7f}\u{85}"), r"a\nb\r\tc\u{1b}[2J\u{7f}\u{85}");
        assert_eq!(one_line("x\u{202e}y\u{2066}z\u{2028}"), r"x\u{202e}y\u{2066}z\u{2028}");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(123_456), "123,456");
        assert_eq!(thousands(1_048_576), "1,048,576");
        assert_eq!(counted(1, "test"), "1 test");
        assert_eq!(counted(0, "test"), "0 tests");
        assert_eq!(counted(3_571, "test"), "3,571 tests");
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
    }

    #[test]
    fn durations_read_well_and_round_over_unit_borders() {
        for (us, text) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (350_000, "350 ms"),
            (999_499, "999 ms"),
            (999_500, "1.0 s"),
            (1_249_999, "1.2 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1 min 0 s"),
            (250_000_000, "4 min 10 s"),
            (3_599_500_000, "1 h 0 min"),
            (7_500_000_000, "2 h 5 min"),
        ] {
            assert_eq!(human_time(us), text, "{us}");
        }
        assert!(human_time(u64::MAX).ends_with(" min"));
    }
}
