//! The attributes of one element.

use std::borrow::Cow;

use jiff::Timestamp;
use quick_xml::events::BytesStart;

use super::notes::{Notes, Oddity};
use super::text::{bounded, unescape, unix_lines};
use super::{Limits, values};

/// Raw names and values; of a name that occurs twice the first counts.
pub(super) struct Attributes<'a> {
    list: Vec<(&'a [u8], Cow<'a, [u8]>)>,
    text_bytes_max: usize,
}

impl<'a> Attributes<'a> {
    pub(super) fn of(tag: &'a BytesStart<'_>, limits: &Limits, notes: &mut Notes) -> Self {
        let mut list = Vec::with_capacity(8);
        // The HTML rules take values without quotes and names without values too.
        for attribute in tag.html_attributes().with_checks(false) {
            if list.len() == limits.attributes_max {
                notes.add(Oddity::Attributes, "");
                break;
            }
            match attribute {
                Ok(attribute) => list.push((attribute.key.into_inner(), attribute.value)),
                Err(error) => notes.add(Oddity::Attribute, &error.to_string()),
            }
        }
        Self { list, text_bytes_max: limits.text_bytes_max }
    }

    /// The attribute as text, even when it is empty.
    ///
    /// A line break that stands raw in it is kept, although XML makes it a space: the message of
    /// a writer that forgot to escape it reads better.
    pub(super) fn text(&self, name: &str, notes: &mut Notes) -> Option<String> {
        let (_, raw) = self.list.iter().find(|(key, _)| *key == name.as_bytes())?;
        let raw = String::from_utf8_lossy(raw);
        let text = unescape(&unix_lines(&raw), notes);
        Some(bounded(text, self.text_bytes_max, notes))
    }

    /// The first of several attributes that is there and not empty.
    pub(super) fn first(&self, names: [&str; 2], notes: &mut Notes) -> Option<String> {
        names.into_iter().find_map(|name| self.text(name, notes).filter(|text| !text.is_empty()))
    }

    /// `time`, microseconds.
    pub(super) fn time(&self, notes: &mut Notes) -> Option<u64> {
        let text = self.text("time", notes)?;
        let time = values::micros(&text);
        if time.is_none() {
            notes.add(Oddity::Time, &text);
        }
        time
    }

    /// `timestamp`.
    pub(super) fn timestamp(&self, notes: &mut Notes) -> Option<Timestamp> {
        let text = self.text("timestamp", notes)?;
        let at = values::timestamp(&text);
        if at.is_none() {
            notes.add(Oddity::Timestamp, &text);
        }
        at
    }
}
