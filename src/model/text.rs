//! Text from strangers, made fit for one line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control characters, line breaks and direction overrides as visible escapes.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unfit) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if is_unfit(c) => {
                write!(line, "\\u{{{:x}}}", u32::from(c)).expect("a String takes all text");
            }
            c => line.push(c),
        }
    }
    Cow::Owned(line)
}

/// Whether a character could move the cursor, end the line or turn its direction.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn nothing_can_leave_its_line() {
        assert_eq!(one_line("a\nb\r\x1b[2J\u{202e}\t"), "a\\nb\\r\\u{1b}[2J\\u{202e}\\t");
        assert!(matches!(one_line("grüße"), std::borrow::Cow::Borrowed(_)));
    }
}
