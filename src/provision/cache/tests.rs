use std::io::Write;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::*;

/// A directory with a few files, one of them empty.
fn sample(dir: &Path) -> PathBuf {
    let source = dir.join("source");
    fs::create_dir_all(source.join("base/empty")).unwrap();
    fs::write(source.join("base/1"), vec![7; 300_000]).unwrap();
    fs::write(source.join("zero"), "").unwrap();
    source
}

fn saved(dir: &Path) -> (Cache, PathBuf) {
    let cache = Cache::new(dir.join("cache"));
    cache.save("main", "key", &sample(dir)).unwrap();
    let path = cache.path("main", "key").unwrap();
    (cache, path)
}

fn listing(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(listing(&path));
        }
        all.push(path);
    }
    all.sort();
    all
}

#[test]
fn what_was_kept_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, _) = saved(dir.path());
    let to = dir.path().join("to");
    assert_eq!(cache.restore("main", "key", &to).unwrap(), Restored::Found);
    let source = dir.path().join("source");
    let strip = |root: &Path| -> Vec<PathBuf> {
        listing(root).iter().map(|path| path.strip_prefix(root).unwrap().to_owned()).collect()
    };
    assert_eq!(strip(&to), strip(&source));
    assert_eq!(fs::read(to.join("base/1")).unwrap(), fs::read(source.join("base/1")).unwrap());
    let beside = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(beside, 3, "source, cache and what was restored");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let cache = Cache::new("/cache".into());
    for name in ["", "../x", "a/b", "a.b", &"x".repeat(101)] {
        assert!(cache.path(name, "key").is_err(), "{name}");
        assert!(cache.path("main", name).is_err(), "{name}");
    }
    assert!(cache.path("a-b", "c-d").is_err(), "another name's key");
}

#[test]
fn links_and_the_like_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let source = sample(dir.path());
    std::os::unix::fs::symlink("/etc/passwd", source.join("link")).unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let error = cache.save("main", "key", &source).unwrap_err();
    assert!(matches!(error, CacheError::Unfit { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 0);
}

/// An archive of these entries, sealed as evenly seals them.
fn forged(path: &Path, entries: &[(&str, EntryType)]) {
    let mut builder = Builder::new(zstd::Encoder::new(fs::File::create(path).unwrap(), 1).unwrap());
    let mut seal = pack::Seal::default();
    for (name, kind) in entries {
        seal.entry(name, *kind, 0);
        raw(&mut builder, name, *kind, b"");
    }
    raw(&mut builder, pack::COMPLETE, EntryType::Regular, seal.finish().as_bytes());
    builder.into_inner().unwrap().finish().unwrap();
}

/// An entry whose name nobody checks.
fn raw(builder: &mut Builder<impl Write>, name: &str, kind: EntryType, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.as_gnu_mut().unwrap().linkname[..4].copy_from_slice(b"/etc");
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

#[test]
fn no_archive_writes_outside_of_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive");
    let (file, directory) = (EntryType::Regular, EntryType::Directory);
    let root = ("directory", directory);
    let refused: &[&[(&str, EntryType)]] = &[
        &[root, ("directory/../../evil", file)],
        &[root, ("../evil", file)],
        &[("/evil", file)],
        &[("evil", file)],
        &[root, ("directory/link", EntryType::Symlink), ("directory/link/evil", file)],
        &[root, ("directory/link", EntryType::Link)],
        &[root, ("directory/pipe", EntryType::Fifo)],
        &[root, ("directory/a", file), ("directory/a", file)],
        &[],
    ];
    for entries in refused {
        forged(&archive, entries);
        let to = dir.path().join("to");
        assert!(unpack::unpack(&archive, &to).is_err(), "{entries:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{entries:?}");
    }
    forged(&archive, &[root, ("directory/a", file)]);
    unpack::unpack(&archive, &dir.path().join("to")).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_torn_or_changed_archive_is_refused_and_leaves_nothing(
        at in any::<prop::sample::Index>(), change in 1_u8.., cut in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (cache, path) = saved(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= change;
        }
        fs::write(&path, &bytes).unwrap();
        let to = dir.path().join("to");
        // What stands behind the digest, or says nothing, may change.
        match cache.restore("main", "key", &to) {
            Ok(_) => {
                prop_assert_eq!(fs::read(to.join("base/1")).unwrap(), vec![7; 300_000]);
            }
            Err(error) => {
                prop_assert!(matches!(error, CacheError::Damaged { .. }), "{}", error);
                prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
            }
        }
    }
}
