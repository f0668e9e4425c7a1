//! From bytes to text: byte order mark, else the shape of UTF-16, else what the XML declaration
//! says, else UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::notes::{Notes, Oddity};

/// How far into a file its XML declaration may reach, bytes.
const DECLARATION_BYTES_MAX: usize = 512;

/// Decodes a file; bytes that its encoding does not know become U+FFFD, with a note.
pub(super) fn decode<'a>(bytes: &'a [u8], notes: &mut Notes) -> Cow<'a, str> {
    let (encoding, mark_bytes) =
        Encoding::for_bom(bytes).unwrap_or_else(|| (without_mark(bytes, notes), 0));
    let (text, lossy) = encoding.decode_without_bom_handling(&bytes[mark_bytes..]);
    if lossy {
        notes.add(Oddity::Lossy, encoding.name());
    }
    text
}

fn without_mark(bytes: &[u8], notes: &mut Notes) -> &'static Encoding {
    match bytes {
        [b'<', 0, ..] => UTF_16LE,
        [0, b'<', ..] => UTF_16BE,
        _ => declared(bytes).map_or(UTF_8, |label| from_label(label, notes)),
    }
}

/// The encoding's name in `<?xml … encoding="…"?>`.
fn declared(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let head = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let head = &head[..position(head, b"?>")?];
    let rest = head[position(head, b"encoding")? + b"encoding".len()..].trim_ascii_start();
    let rest = rest.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    Some(&rest[..rest.iter().position(|byte| byte == quote)?])
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn from_label(label: &[u8], notes: &mut Notes) -> &'static Encoding {
    match Encoding::for_label(label) {
        // The declaration itself could be read, so the file is not in UTF-16 whatever it says.
        Some(encoding) if encoding.is_ascii_compatible() => encoding,
        Some(_) => UTF_8,
        None => {
            notes.add(Oddity::UnknownEncoding, &String::from_utf8_lossy(label));
            UTF_8
        }
    }
}
