//! What was odd in a file, counted by kind, so that a million oddities are still a few lines.

use std::collections::BTreeMap;

/// A kind of oddity; a closed set, which is what bounds the notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    UnknownEncoding,
    Lossy,
    Doctype,
    Roots,
    TextOutside,
    Count,
    Nameless,
    Time,
    Timestamp,
    Entity,
    Attribute,
    Attributes,
    Properties,
    Cut,
}

impl Oddity {
    fn describe(self) -> &'static str {
        match self {
            Self::UnknownEncoding => "unknown encoding, read as UTF-8",
            Self::Lossy => "bytes that are not in the file's encoding, replaced",
            Self::Doctype => "a document type, skipped",
            Self::Roots => "more than one root element, all read",
            Self::TextOutside => "text outside the root element, skipped",
            Self::Count => "the declared number of tests is not the number of cases",
            Self::Nameless => "a case without a name",
            Self::Time => "a time that is not a sensible number of seconds, left out",
            Self::Timestamp => "a timestamp in no known form, left out",
            Self::Entity => "an entity that XML does not define, kept as text",
            Self::Attribute => "a malformed attribute, left out",
            Self::Attributes => "an element with too many attributes, the rest left out",
            Self::Properties => "a case with too many properties, the rest left out",
            Self::Cut => "a text that is too long, its middle left out",
        }
    }
}

/// An example in a note, characters.
const EXAMPLE_CHARS_MAX: usize = 80;

#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<Oddity, (u64, String)>);

impl Notes {
    /// Counts one more; the first of a kind gives the example.
    pub(super) fn add(&mut self, oddity: Oddity, example: &str) {
        let (count, _) = self.0.entry(oddity).or_insert_with(|| {
            (0, example.chars().take(EXAMPLE_CHARS_MAX).flat_map(char::escape_debug).collect())
        });
        *count += 1;
    }

    /// One line a kind.
    pub(super) fn into_lines(self) -> Vec<String> {
        let line = |(oddity, (count, example)): (Oddity, (u64, String))| {
            let what = oddity.describe();
            match (count, example.is_empty()) {
                (1, true) => what.to_owned(),
                (1, false) => format!("{what}: `{example}`"),
                (_, true) => format!("{what} ({count} times)"),
                (_, false) => format!("{what} ({count} times, first `{example}`)"),
            }
        };
        self.0.into_iter().map(line).collect()
    }
}
