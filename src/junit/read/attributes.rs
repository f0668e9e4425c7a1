//! The attributes of one element.

use std::borrow::Cow;

use jiff::Timestamp;
use quick_xml::events::attributes::Attributes as Raw;

use super::notes::{Notes, Oddity};
use super::parse::Tag;
use super::text::{bounded, unescape, unix_lines, utf8};
use super::{Limits, values};

/// Names and values as they stand in the file; of a name that occurs twice the first counts.
pub(super) type Pairs<'t> = Vec<(&'t [u8], Cow<'t, [u8]>)>;

/// The attributes of the tag that was read last.
pub(super) struct Attributes<'t> {
    list: Pairs<'t>,
    text_bytes_max: usize,
}

impl<'t> Attributes<'t> {
    /// Reads what stands between `<` and `>`; the list is one that is used again and again.
    pub(super) fn of(
        tag: Tag<'t>,
        mut list: Pairs<'t>,
        limits: &Limits,
        notes: &mut Notes,
    ) -> Self {
        list.clear();
        // The HTML rules take values without quotes and names without values too.
        for attribute in Raw::html(tag.text, tag.name_bytes).with_checks(false) {
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

    /// Gives the list back.
    pub(super) fn into_list(self) -> Pairs<'t> {
        self.list
    }

    /// The attribute as text, even when it is empty.
    ///
    /// A line break that stands raw in it is kept, although XML makes it a space: the message of
    /// a writer that forgot to escape it reads better.
    pub(super) fn text(&self, name: &str, notes: &mut Notes) -> Option<Cow<'t, str>> {
        let (_, raw) = self.list.iter().find(|(key, _)| *key == name.as_bytes())?;
        let text = unescape(unix_lines(utf8(raw.clone())), notes);
        Some(bounded(text, self.text_bytes_max, notes))
    }

    /// The first of several attributes that is there and not empty.
    pub(super) fn first(&self, names: [&str; 2], notes: &mut Notes) -> Option<Cow<'t, str>> {
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
