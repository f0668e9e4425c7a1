//! Figures as people say them.

/// How long something may take, in whole seconds, rounded up.
pub(super) fn about(us: u64) -> String {
    let seconds = us.div_ceil(1_000_000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// The first characters of a text, with a sign where more follow.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(about(0), "0 s");
        assert_eq!(about(1), "1 s");
        assert_eq!(about(200_000_000), "3 min 20 s");
        assert_eq!(about(3_900_000_000), "1 h 5 min");
        assert_eq!(about(59_000_001), "1 min 0 s");
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöü", 2), "äö…");
    }
}
