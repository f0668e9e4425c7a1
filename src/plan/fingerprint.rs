//! The plan's fingerprint: equal where everything that the plan was made from is equal.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Work;

/// The version of the algorithm that places groups. Raise it with every change that can move a
/// group, so that shards of two versions of evenly never mix their plans.
const ALGORITHM: u32 = 2;

/// How much is gathered before it is hashed, bytes.
const FLUSH_BYTES: usize = 64 * 1024;

/// Identifies a plan: 32 hexadecimal digits, half of a SHA-256. Enough against accident, short
/// enough to be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of all that decides a plan; `work` in start order. Each text goes in with its length before
    /// it, so that no two inputs give the same bytes.
    pub(super) fn of(work: &[Work<'_>], shards: u32, workers: u32) -> Self {
        let mut bytes = Vec::with_capacity(FLUSH_BYTES * 2);
        let mut hasher = Sha256::new();
        for number in [ALGORITHM, shards, workers] {
            bytes.extend(number.to_le_bytes());
        }
        for Work { id, estimate, exclusive, tests } in work {
            push(&mut bytes, id.suite.as_str());
            push(&mut bytes, &id.name);
            bytes.extend(estimate.us.to_le_bytes());
            bytes.push(u8::from(*exclusive));
            let count = tests.map_or(u64::MAX, |tests| tests.len() as u64);
            bytes.extend(count.to_le_bytes());
            for test in tests.unwrap_or_default() {
                push(&mut bytes, test);
            }
            if bytes.len() >= FLUSH_BYTES {
                hasher.update(&bytes);
                bytes.clear();
            }
        }
        hasher.update(&bytes);
        let digest: [u8; 32] = hasher.finalize().into();
        let (kept, _) = digest.split_first_chunk().expect("32 bytes are more than 16");
        Self(format!("{:032x}", u128::from_be_bytes(*kept)))
    }
}

fn push(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
