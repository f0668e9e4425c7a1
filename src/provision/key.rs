//! What a template depends on, as one hash: equal keys are equal templates.

use sha2::{Digest, Sha256};

use crate::model::hex;

/// Hex digits of a key.
const HEX: usize = 32;

/// Collects what a template depends on.
#[derive(Debug, Default)]
pub(super) struct Key(Sha256);

impl Key {
    /// Adds a part: its label and its bytes, so that nothing can slide from one into the next.
    pub(super) fn add(&mut self, label: &str, bytes: &[u8]) {
        for part in [label.as_bytes(), bytes] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// The key, as hex digits.
    pub(super) fn finish(self) -> String {
        hex(&self.0.finalize())[..HEX].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> String {
        let mut key = Key::default();
        for (label, bytes) in parts {
            key.add(label, bytes.as_bytes());
        }
        key.finish()
    }

    #[test]
    fn every_part_and_every_border_counts() {
        let keys = [
            key(&[("a", "b"), ("c", "d")]),
            key(&[("a", "bc"), ("", "d")]),
            key(&[("ab", ""), ("c", "d")]),
            key(&[("c", "d"), ("a", "b")]),
            key(&[("a", "b")]),
            key(&[]),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert_eq!(one.len(), HEX);
            assert!(keys[at + 1..].iter().all(|other| other != one));
        }
    }
}
