//! Reading an archive, which may be anything.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Entry, EntryType};
use zstd::Decoder;

use super::pack::{COMPLETE, DIRECTORY, FILE, Seal, Sealing};
use super::{CONTENT_BYTES_MAX, CacheError, ENTRIES_MAX, cannot};

/// How much is read at once.
const BUFFER_BYTES: usize = 128 * 1024;
/// The longest digest that is read, bytes.
const DIGEST_BYTES_MAX: u64 = 128;

/// Unpacks beside `to`, and puts it there when all of it is proved.
pub(super) fn unpack(archive: &Path, to: &Path) -> Result<(), CacheError> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".unpacking");
    let beside = PathBuf::from(beside);
    match fs::remove_dir_all(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(cannot("remove", &beside)(error));
        }
        // What a killed run left, if there was anything.
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(&beside).map_err(cannot("create", &beside))?;
    let unpacked = unpack_into(archive, &beside).and_then(|root| {
        let from = beside.join(root);
        fs::rename(&from, to).map_err(cannot("move into place", &from))
    });
    // Empty, if all went well.
    let removed = fs::remove_dir_all(&beside).map_err(cannot("remove", &beside));
    unpacked.and(removed)
}

/// Unpacks everything into an empty directory; gives the name of what is in it.
fn unpack_into(archive: &Path, directory: &Path) -> Result<&'static str, CacheError> {
    let damaged = |why: &str| CacheError::Damaged { path: archive.to_owned(), why: why.to_owned() };
    let unreadable = |error: io::Error| damaged(&error.to_string());
    let file = File::open(archive).map_err(cannot("open", archive))?;
    let decoder = Decoder::new(file).map_err(unreadable)?;
    // One more than may be in it, with tar's own blocks: a bomb ends here.
    let mut tar = Archive::new(decoder.take(CONTENT_BYTES_MAX.saturating_mul(2)));
    let mut unpacker = Unpacker { directory, seal: Seal::default(), entries: 0, bytes: 0 };
    let mut root = None;
    let mut entries = tar.entries().map_err(unreadable)?;
    for entry in &mut entries {
        let mut entry = entry.map_err(unreadable)?;
        let path = String::from_utf8(entry.path_bytes().into_owned());
        let path = path.map_err(|_| damaged("a name that is no text"))?;
        let path = path.trim_end_matches('/');
        if path == COMPLETE {
            let mut digest = String::new();
            (&mut entry).take(DIGEST_BYTES_MAX).read_to_string(&mut digest).map_err(unreadable)?;
            return if digest == unpacker.seal.finish() {
                root.ok_or_else(|| damaged("it is empty"))
            } else {
                Err(damaged("its digest is wrong"))
            };
        }
        let first = root_of(path).ok_or_else(|| damaged("a name that leads elsewhere"))?;
        root = Some(first);
        match unpacker.entry(path, &mut entry) {
            Ok(()) => {}
            Err(Refusal::Content(why)) => return Err(damaged(&why)),
            Err(Refusal::Disk(path, error)) => return Err(cannot("write", &path)(error)),
        }
    }
    Err(damaged("its end is missing"))
}

/// What a path inside an archive is part of, if it leads nowhere else.
fn root_of(path: &str) -> Option<&'static str> {
    let mut parts = Path::new(path).components();
    let first = parts.next()?;
    let root = [FILE, DIRECTORY].into_iter().find(|root| first.as_os_str() == *root)?;
    // `components` drops `.` and doubled slashes: only the plain way to write it is ours.
    let plain = parts.all(|part| matches!(part, Component::Normal(_)))
        && path.split('/').all(|part| !part.is_empty() && part != ".");
    plain.then_some(root)
}

/// Why an entry is not unpacked.
enum Refusal {
    Content(String),
    Disk(PathBuf, io::Error),
}

struct Unpacker<'a> {
    directory: &'a Path,
    seal: Seal,
    entries: u64,
    bytes: u64,
}

impl Unpacker<'_> {
    fn entry<R: Read>(&mut self, path: &str, entry: &mut Entry<'_, R>) -> Result<(), Refusal> {
        let (kind, bytes) = (entry.header().entry_type(), entry.size());
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.entries > ENTRIES_MAX || self.bytes > CONTENT_BYTES_MAX {
            return Err(Refusal::Content("it is larger than any that is saved".to_owned()));
        }
        self.seal.entry(path, kind, bytes);
        let target = self.directory.join(path);
        let disk = |error| Refusal::Disk(target.clone(), error);
        match kind {
            EntryType::Directory => fs::DirBuilder::new().mode(0o700).create(&target).map_err(disk),
            EntryType::Regular => {
                // New: no entry can write through what another one made.
                let mut options = File::options();
                let file = options.write(true).create_new(true).mode(0o600).open(&target);
                let mut file = file.map_err(disk)?;
                let mut content = Sealing { inner: entry, seal: &mut self.seal };
                let mut buffer = vec![0; BUFFER_BYTES];
                let mut left = bytes;
                while left > 0 {
                    let torn = |error: io::Error| Refusal::Content(error.to_string());
                    let read = content.read(&mut buffer).map_err(torn)?;
                    if read == 0 {
                        return Err(Refusal::Content(format!("`{path}` is cut short")));
                    }
                    file.write_all(&buffer[..read]).map_err(disk)?;
                    left = left.saturating_sub(read as u64);
                }
                Ok(())
            }
            other => Err(Refusal::Content(format!("`{path}` is of kind {other:?}"))),
        }
    }
}
