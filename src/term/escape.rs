//! Escape sequences and control characters, after ECMA-48.

use std::borrow::Cow;

use super::Colour;

/// A colour sequence longer than this is none.
const SGR_BYTES_MAX: usize = 64;
/// Puts all colours out.
const RESET: &str = "\x1b[0m";

/// The text with colours at most; see the table of the module.
pub(super) fn strip(text: &str, colour: Colour) -> Cow<'_, str> {
    if !text.contains(is_special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut lit = false;
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let c = rest.chars().next().expect("`find` found one");
        let sequence = Sequence::at(rest);
        match sequence {
            Some(Sequence { bytes, paints: true }) if colour == Colour::Keep => {
                let paint = &rest[..bytes];
                lit = !matches!(paint, RESET | "\x1b[m");
                out.push_str(paint);
            }
            Some(_) => {}
            None if c == '\r' && rest[1..].starts_with('\n') => {}
            None if c == '\r' => out.push('\n'),
            None => push_visible(&mut out, c),
        }
        rest = &rest[sequence.map_or(c.len_utf8(), |sequence| sequence.bytes)..];
    }
    out.push_str(rest);
    if lit {
        let end = out.strip_suffix('\n').unwrap_or(&out).len();
        out.insert_str(end, RESET);
    }
    Cow::Owned(out)
}

/// Whether a character is not simply shown.
fn is_special(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A control character that is part of no sequence, so that it is seen and does nothing.
fn push_visible(out: &mut String, c: char) {
    match c {
        '\0'..='\x1f' => {
            out.push(char::from_u32(0x2400 + u32::from(c)).expect("the pictures of C0 exist"));
        }
        '\x7f' => out.push('\u{2421}'),
        '\u{2028}' => out.push_str("\\u{2028}"),
        '\u{2029}' => out.push_str("\\u{2029}"),
        c => unreachable!("{c:?} is C1, so a sequence, or not special"),
    }
}

/// A control sequence.
#[derive(Clone, Copy)]
struct Sequence {
    /// How long it is; never 0.
    bytes: usize,
    /// Whether it is a plain colour sequence, `ESC [ digits ; : m`.
    paints: bool,
}

impl Sequence {
    /// The sequence that the text starts with. One that is cut off ends where it is.
    fn at(text: &str) -> Option<Self> {
        let c = text.chars().next()?;
        let plain = |bytes| Some(Self { bytes, paints: false });
        let lead = c.len_utf8();
        match c {
            '\x1b' => match text.as_bytes().get(1)? {
                b'[' => {
                    let bytes = csi_end(text, 2);
                    Some(Self { bytes, paints: is_paint(&text[..bytes]) })
                }
                b']' | b'P' | b'X' | b'^' | b'_' => plain(string_end(text, 2)),
                b' '..=b'/' => plain(escape_end(text)?),
                b'0'..=b'~' => plain(2),
                _ => None,
            },
            '\u{9b}' => plain(csi_end(text, lead)),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => plain(string_end(text, lead)),
            '\u{80}'..='\u{9f}' => plain(lead),
            _ => None,
        }
    }
}

/// Where a control sequence that began before `from` ends: parameters and intermediates, then
/// one final byte.
fn csi_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let middle = bytes[from..].iter().take_while(|byte| matches!(byte, b' '..=b'?')).count();
    let end = from + middle;
    match bytes.get(end) {
        Some(b'@'..=b'~') => end + 1,
        Some(_) | None => end,
    }
}

/// Where an escape with intermediate bytes ends; None when it has no final byte.
fn escape_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let middle = bytes[1..].iter().take_while(|byte| matches!(byte, b' '..=b'/')).count();
    matches!(bytes.get(1 + middle)?, b'0'..=b'~').then_some(middle + 2)
}

/// Where a control string (OSC, DCS and the like) ends: after its terminator, or before whatever
/// breaks it off. It never goes past its line, so that it cannot hide what follows.
fn string_end(text: &str, from: usize) -> usize {
    let ends = |c: char| matches!(c, '\x07' | '\x18' | '\x1a' | '\x1b' | '\u{9c}' | '\n' | '\r');
    let Some(at) = text[from..].find(ends) else { return text.len() };
    let end = from + at;
    match text.as_bytes()[end] {
        b'\x1b' if text[end..].starts_with("\x1b\\") => end + 2,
        b'\x1b' | b'\n' | b'\r' => end,
        b'\x07' | b'\x18' | b'\x1a' => end + 1,
        _ => end + '\u{9c}'.len_utf8(),
    }
}

/// Whether a control sequence only changes colours and the like.
fn is_paint(sequence: &str) -> bool {
    let middle = sequence.strip_prefix("\x1b[").and_then(|rest| rest.strip_suffix('m'));
    sequence.len() <= SGR_BYTES_MAX
        && middle.is_some_and(|m| m.bytes().all(|b| matches!(b, b'0'..=b'9' | b';' | b':')))
}
