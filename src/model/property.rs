//! What tests record about themselves.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Properties of one test that are looked at; what comes behind them is left out.
pub const PROPERTIES_MAX: usize = 256;

/// A name or a value, bytes; of a longer one the head and the tail are kept.
pub const PROPERTY_BYTES_MAX: usize = 16 << 10;

/// All names and values of one test, bytes; a property that does not fit any more is left out.
pub const PROPERTIES_BYTES_MAX: usize = 64 << 10;

/// What stands where a text was cut.
const CUT: &str = " … (cut) … ";

/// Something that a test recorded about itself: pytest's `record_property`, a `<property>` of a
/// JUnit `<testcase>`. A name may occur more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// What it is called.
    pub name: Box<str>,
    /// What was recorded.
    pub value: Box<str>,
}

impl Property {
    /// Of all the names and values that a test told of, what is kept.
    pub fn kept<T: AsRef<str>>(told: impl IntoIterator<Item = (T, T)>) -> Box<[Self]> {
        let mut room = PROPERTIES_BYTES_MAX;
        let mut kept = Vec::new();
        for (name, value) in told.into_iter().take(PROPERTIES_MAX) {
            let (name, value) = (shortened(name.as_ref()), shortened(value.as_ref()));
            if let Some(rest) = room.checked_sub(name.len() + value.len()) {
                room = rest;
                kept.push(Self { name: name.into(), value: value.into() });
            }
        }
        kept.into_boxed_slice()
    }

    /// How much text it is, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.len() + self.value.len()
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= PROPERTY_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let half = PROPERTY_BYTES_MAX / 2 - CUT.len();
    let head = &text[..text.floor_char_boundary(half)];
    let tail = &text[text.ceil_char_boundary(text.len() - half)..];
    Cow::Owned([head, CUT, tail].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_keeps_its_order_and_its_copies() {
        let told = [("b", "1"), ("a", ""), ("b", "2"), ("b", "1")];
        let kept = Property::kept(told);
        let pairs: Vec<_> = kept.iter().map(|one| (&*one.name, &*one.value)).collect();
        assert_eq!(pairs, told);
        assert!(Property::kept([("", ""); 0]).is_empty());
    }

    #[test]
    fn a_test_cannot_record_without_end() {
        let many = (0..100_000).map(|at| (at.to_string(), String::new()));
        assert_eq!(Property::kept(many).len(), PROPERTIES_MAX);

        let long = format!("begin{}end", "ä".repeat(1 << 20));
        let kept = Property::kept([(&long, &long)]);
        for text in [&kept[0].name, &kept[0].value] {
            assert!(text.len() <= PROPERTY_BYTES_MAX, "{}", text.len());
            assert!(text.starts_with("begin") && text.contains(CUT) && text.ends_with("end"));
        }

        let mut told = vec![("n", &*long); 200];
        told.push(("last", "fits"));
        let kept = Property::kept(told);
        assert!(kept.iter().map(Property::bytes).sum::<usize>() <= PROPERTIES_BYTES_MAX);
        assert_eq!((kept.len(), &*kept[4].name), (5, "last"));
    }
}
