//! The file of `bun test --timings=FILE --update-timings`, usually `.bun-test-timings.json`:
//! `{"version": 1, "files": {path: milliseconds}}`, slowest first. As bun 1.4 writes it.

use serde::Deserialize;

use super::json::{Entries, Number, parse};
use super::{Name, Timings};

/// The version that is read and written.
pub(in crate::history) const VERSION: u64 = 1;

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let File { version, files } = parse(bytes)?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this evenly reads version {VERSION}"));
    }
    let mut timings = Timings::default();
    for (path, millis) in files.0 {
        timings.take(Name::File(path), millis.millis());
    }
    Ok(timings)
}

#[derive(Deserialize)]
struct File {
    version: u64,
    files: Entries<Number>,
}
