//! `tests/.pest/shards.json` of Pest: `{"timings": {class: seconds}, "checksum": …}`, as its
//! `--update-shards` writes it since 4.6. A class is the file's path with `\` for `/`.

use serde::Deserialize;

use super::json::{Entries, Number, parse};
use super::{Name, Timings};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let File { timings: classes } = parse(bytes)?;
    let mut timings = Timings::default();
    for (class, seconds) in classes.0 {
        timings.take(Name::Class(class), seconds.seconds());
    }
    Ok(timings)
}

#[derive(Deserialize)]
struct File {
    timings: Entries<Number>,
}
