//! Texts as XML can carry them; the parent's contract says what becomes of what it cannot.

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In an attribute, between double quotes.
    Attribute,
    /// Between tags.
    Text,
}

/// What a byte at the start of a character can ask for.
const fn is_special(byte: u8) -> bool {
    // With 0xc2 the C1 controls begin, with 0xef the non-characters; most of what begins so is
    // neither.
    byte < 0x20 || matches!(byte, b'"' | b'&' | b'<' | b'>' | 0x7f | 0xc2 | 0xef)
}

/// The same, looked up.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MIN;
    loop {
        table[byte as usize] = is_special(byte);
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// Adds a text, escaped for its place.
pub(super) fn push(out: &mut Vec<u8>, text: &str, place: Place) {
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|byte| SPECIAL[usize::from(byte)]);
        let Some(plain) = plain else {
            out.extend_from_slice(rest.as_bytes());
            return;
        };
        out.extend_from_slice(&rest.as_bytes()[..plain]);
        rest = special(out, &rest[plain..], place);
    }
}

/// Adds what becomes of the first character, or of the escape sequence that begins with it; gives
/// what follows.
fn special<'t>(out: &mut Vec<u8>, text: &'t str, place: Place) -> &'t str {
    let Some(c) = text.chars().next() else { return text };
    let sequence = if c == '\x1b' { escape_sequence_bytes(text) } else { 0 };
    if sequence > 0 {
        return &text[sequence..];
    }
    let rest = &text[c.len_utf8()..];
    let mut utf8 = [0; 4];
    let replacement = match (c, place) {
        ('\t', _) => "    ",
        ('\r', _) if rest.starts_with('\n') => "",
        ('\r' | '\n', Place::Text) => "\n",
        // Raw, it would be read as a space.
        ('\r' | '\n', Place::Attribute) => "&#10;",
        ('<', _) => "&lt;",
        ('>', _) => "&gt;",
        ('&', _) => "&amp;",
        ('"', Place::Attribute) => "&quot;",
        ('\u{fffe}' | '\u{ffff}', _) => "\u{fffd}",
        (c, _) if c.is_control() => "\u{fffd}",
        (c, _) => c.encode_utf8(&mut utf8),
    };
    out.extend_from_slice(replacement.as_bytes());
    rest
}

/// The longest escape sequence that is looked for, bytes: a link with a long address.
const ESCAPE_BYTES_MAX: usize = 4096;

/// How long the colour code or link is with which the text starts; 0 when it is neither.
fn escape_sequence_bytes(text: &str) -> usize {
    let bytes = &text.as_bytes()[..text.len().min(ESCAPE_BYTES_MAX)];
    let end = match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|b| (0x20..0x40).contains(*b)).count();
            bytes.get(2 + parameters).filter(|b| (0x40..0x7f).contains(*b)).map(|_| 3 + parameters)
        }
        Some(b']') => {
            let end = bytes[2..].iter().position(|b| matches!(b, 0x07 | 0x1b | b'\n'));
            match end.map(|at| (&bytes[2 + at..], at)) {
                Some(([0x07, ..], at)) => Some(3 + at),
                Some(([0x1b, b'\\', ..], at)) => Some(4 + at),
                _ => None,
            }
        }
        _ => None,
    };
    end.unwrap_or(0)
}
