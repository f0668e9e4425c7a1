//! What the binary carries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn the_binary_carries_every_file_of_the_package() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shim/evenly_worker");
    let there = std::fs::read_dir(package).unwrap().map(|entry| entry.unwrap().path());
    let there = there.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let there: BTreeSet<String> = there.map(name).collect();
    let carried = WORKER.iter().map(|file| file.file_name.replace("evenly_worker/", "")).collect();
    assert_eq!(there, carried);
}
