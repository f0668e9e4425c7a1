//! Figures for people to read.

/// `3571` as `3,571`.
#[must_use]
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 test`, `3,571 tests`.
#[must_use]
pub(super) fn counted(n: usize, one: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(n))
}

/// Microseconds as `0 ms`, `870 ms`, `12.3 s`, `4m 05s` or `2h 03m`.
#[must_use]
pub(super) fn time(us: u64) -> String {
    let seconds = us / 1_000_000;
    match us {
        0..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..60_000_000 => format!("{seconds}.{} s", us / 100_000 % 10),
        60_000_000..3_600_000_000 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600_000_000.. => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How many things a list in a sentence names before it counts the others.
const NAMED_MAX: usize = 5;

/// `a, b and 7 more`, each made by `show`.
pub(super) fn some_of<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let named: Vec<String> = items.iter().take(NAMED_MAX).map(show).collect();
    let mut out = named.join(", ");
    if items.len() > NAMED_MAX {
        out.push_str(" and ");
        out.push_str(&count(items.len() - NAMED_MAX));
        out.push_str(" more");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "test"), "1 test");
        assert_eq!(counted(0, "test"), "0 tests");
    }

    #[test]
    fn times() {
        assert_eq!(time(870_999), "870 ms");
        assert_eq!(time(12_390_000), "12.3 s");
        assert_eq!(time(245_000_000), "4m 05s");
        assert_eq!(time(7_380_000_000), "2h 03m");
        assert!(time(u64::MAX).ends_with('m'));
    }

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(some_of(&[1, 2], ToString::to_string), "1, 2");
        let many: Vec<usize> = (0..1_005).collect();
        assert_eq!(some_of(&many, ToString::to_string), "0, 1, 2, 3, 4 and 1,000 more");
    }
}
