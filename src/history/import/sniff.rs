//! Which format a file has, by what stands in it.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::json::{Kind, parse};
use super::{Format, ReadError, parallel_tests, pytest_durations, text, unittest_durations};

/// The format of a file; none of one that holds nothing yet, such as `{}`.
///
/// # Errors
/// When it has none of them, or is torn.
pub fn recognise(bytes: &[u8]) -> Result<Option<Format>, ReadError> {
    let unknown = |why: &str| Err(ReadError::Unknown(why.to_owned()));
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match start.first() {
        None => Ok(None),
        Some(b'<') => Ok(Some(Format::Junit)),
        Some(b'{' | b'[') => json(bytes),
        // JUnit in UTF-16.
        Some(_) if bytes.starts_with(b"\xff\xfe<") || bytes.starts_with(b"\xfe\xff\0<") => {
            Ok(Some(Format::Junit))
        }
        Some(_) if bytes.contains(&0) => unknown("it is binary"),
        Some(_) => lines(&text(bytes)).map_or_else(
            || unknown("it has no format that evenly knows"),
            |format| Ok(Some(format)),
        ),
    }
}

fn lines(text: &str) -> Option<Format> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    if lines().any(|line| pytest_durations::entry(line).is_some()) {
        Some(Format::PytestDurations)
    } else if lines().any(|line| unittest_durations::entry(line).is_some()) {
        Some(Format::UnittestDurations)
    } else {
        let fit = lines().filter(|line| parallel_tests::entry(line).is_some()).count();
        (fit > lines().count() - fit).then_some(Format::ParallelTests)
    }
}

fn json(bytes: &[u8]) -> Result<Option<Format>, ReadError> {
    let unknown = |why: &str| Err(ReadError::Unknown(why.to_owned()));
    let Shape { keys, elements, entries } =
        parse(bytes).map_err(|why| ReadError::Unknown(format!("it cannot be read: {why}")))?;
    let has = |key: &str, kind| keys.iter().any(|found| *found == (key.to_owned(), kind));
    let Entries { numbers, tests, lists, others } = entries;
    if has("durations", Kind::List) {
        Ok(Some(Format::CypressSplit))
    } else if has("timings", Kind::Object) {
        Ok(Some(Format::Pest))
    } else if has("files", Kind::Object) {
        Ok(Some(Format::Bun))
    } else if tests > 0 || elements == Some(Kind::List) {
        Ok(Some(Format::PytestSplit))
    } else if lists > 0 && numbers == 0 {
        Ok(Some(Format::Jest))
    } else if numbers > 0 {
        Ok(Some(Format::Knapsack))
    } else if elements == Some(Kind::Object) {
        unknown("it is a list that says which files run where, perhaps, but holds no durations")
    } else if others > 0 || elements.is_some() {
        unknown("it is JSON of no form that evenly knows")
    } else {
        Ok(None)
    }
}

/// How many of an object's values are what.
#[derive(Default)]
struct Entries {
    numbers: usize,
    /// Numbers of what is called like a test of pytest.
    tests: usize,
    lists: usize,
    others: usize,
}

/// A file from outside.
#[derive(Default)]
struct Shape {
    /// The keys that formats have, and what is there.
    keys: Vec<(String, Kind)>,
    /// What a list's first element is.
    elements: Option<Kind>,
    entries: Entries,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut shape = Shape::default();
        while let Some(kind) = seq.next_element::<Kind>()? {
            shape.elements.get_or_insert(kind);
        }
        Ok(shape)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut shape = Shape::default();
        while let Some((key, kind)) = map.next_entry::<String, Kind>()? {
            if matches!(key.as_str(), "durations" | "timings" | "files") {
                shape.keys.push((key.clone(), kind));
            }
            let entries = &mut shape.entries;
            match kind {
                Kind::Number => {
                    entries.numbers += 1;
                    entries.tests += usize::from(key.contains("::"));
                }
                Kind::List => entries.lists += 1,
                Kind::Text | Kind::Object | Kind::Other => entries.others += 1,
            }
        }
        Ok(shape)
    }
}
