//! Texts: bounded collection, and references such as `&lt;` and `&#10;`.

use std::borrow::Cow;

use super::notes::{Notes, Oddity};

/// The longest reference that is looked at, bytes between `&` and `;`.
const REFERENCE_BYTES_MAX: usize = 32;

/// Collects a text in pieces and keeps its head and its tail when it grows too long. A single
/// piece, the rule, is borrowed from the file.
#[derive(Debug)]
pub(super) struct Text<'t> {
    half_bytes: usize,
    head: Cow<'t, str>,
    tail: String,
    left_out_bytes: usize,
}

impl<'t> Text<'t> {
    pub(super) fn new(bytes_max: usize) -> Self {
        let half_bytes = bytes_max / 2;
        Self { half_bytes, head: Cow::Borrowed(""), tail: String::new(), left_out_bytes: 0 }
    }

    pub(super) fn push(&mut self, piece: Cow<'t, str>) {
        if self.tail.is_empty() && self.head.is_empty() && piece.len() <= self.half_bytes {
            self.head = piece;
            return;
        }
        let mut rest = &*piece;
        if self.tail.is_empty() {
            let room = self.half_bytes - self.head.len();
            let (fits, more) = piece.split_at(piece.floor_char_boundary(room));
            self.head.to_mut().push_str(fits);
            rest = more;
        }
        self.tail.push_str(rest);
        // Only at twice the size, so that each byte is moved at most once on average.
        if self.tail.len() > 2 * self.half_bytes {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        let from = self.tail.ceil_char_boundary(self.tail.len() - self.half_bytes);
        self.tail.drain(..from);
        self.left_out_bytes += from;
    }

    /// The text, cut with a note when it was too long.
    pub(super) fn finish(mut self, notes: &mut Notes) -> Cow<'t, str> {
        if self.tail.len() > self.half_bytes {
            self.shorten();
        }
        if self.left_out_bytes > 0 {
            notes.add(Oddity::Cut, "");
            let gap = format!("\n[… {} bytes left out …]\n", self.left_out_bytes);
            self.head.to_mut().push_str(&gap);
        }
        if !self.tail.is_empty() {
            self.head.to_mut().push_str(&self.tail);
        }
        self.head
    }
}

/// Cuts a text that is there already.
pub(super) fn bounded<'t>(text: Cow<'t, str>, bytes_max: usize, notes: &mut Notes) -> Cow<'t, str> {
    if text.len() <= bytes_max {
        return text;
    }
    let mut collected = Text::new(bytes_max);
    collected.push(text);
    collected.finish(notes)
}

/// Loses nothing: the reader cuts valid UTF-8 at ASCII characters.
pub(super) fn utf8(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Line ends as XML wants them: `\n` alone.
pub(super) fn unix_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}

/// The character that a reference names (`lt`, `#10`, `#x1b`): the five of XML and any number
/// that is a character, NUL excepted.
pub(super) fn resolve(reference: &str) -> Option<char> {
    let number = match reference {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => reference.strip_prefix('#')?,
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32).filter(|&c| c != '\0')
}

/// An attribute's raw value with its references resolved; unknown ones stay as they are.
pub(super) fn unescape<'t>(raw: Cow<'t, str>, notes: &mut Notes) -> Cow<'t, str> {
    if !raw.contains('&') {
        return raw;
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = &*raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let near = &rest[..rest.floor_char_boundary(REFERENCE_BYTES_MAX)];
        let reference = near.split_once(';').map(|(reference, _)| reference);
        if let Some((length, c)) = reference.and_then(|r| Some((r.len(), resolve(r)?))) {
            text.push(c);
            rest = &rest[length + 1..];
        } else {
            notes.add(Oddity::Entity, reference.unwrap_or_default());
            text.push('&');
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}
