//! Writing an archive.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use zstd::Encoder;

use super::{CONTENT_BYTES_MAX, CacheError, ENTRIES_MAX, cannot};

/// The entry that holds a single file's content.
pub(super) const FILE: &str = "file";
/// The directory that holds a directory's content.
pub(super) const DIRECTORY: &str = "directory";
/// The last entry: the digest of all others.
pub(super) const COMPLETE: &str = "complete";
/// Fast: data that is mostly empty pages gains little from more.
const LEVEL: i32 = 1;

/// The digest of entries as they come: each with its name, kind and length before its content.
#[derive(Default)]
pub(super) struct Seal(Sha256);

impl Seal {
    pub(super) fn entry(&mut self, path: &str, kind: EntryType, bytes: u64) {
        self.0.update(path.len().to_be_bytes());
        self.0.update(path);
        self.0.update([kind.as_byte()]);
        self.0.update(bytes.to_be_bytes());
    }

    pub(super) fn content(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> String {
        crate::model::hex(&self.0.finalize())
    }
}

/// A reader that seals what passes.
pub(super) struct Sealing<'a, R> {
    pub(super) inner: R,
    pub(super) seal: &'a mut Seal,
}

impl<R: Read> Read for Sealing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.seal.content(&buffer[..read]);
        Ok(read)
    }
}

/// Packs a directory or a file; gives the archive's size, bytes.
pub(super) fn pack(source: &Path, archive: &Path) -> Result<u64, CacheError> {
    let write = |error| cannot("write", archive)(error);
    let file = File::create(archive).map_err(write)?;
    let mut encoder = Encoder::new(file, LEVEL).map_err(write)?;
    encoder.include_checksum(true).map_err(write)?;
    let mut packer = Packer {
        builder: Builder::new(encoder),
        seal: Seal::default(),
        entries: 0,
        bytes: 0,
        archive,
    };
    let metadata = fs::symlink_metadata(source).map_err(cannot("look at", source))?;
    if metadata.is_dir() {
        packer.directory(source, DIRECTORY)?;
    } else {
        packer.file(source, FILE)?;
    }
    let Packer { mut builder, seal, .. } = packer;
    let digest = seal.finish();
    let mut header = header(EntryType::Regular, digest.len() as u64);
    builder.append_data(&mut header, COMPLETE, digest.as_bytes()).map_err(write)?;
    let file = builder.into_inner().and_then(Encoder::finish).map_err(write)?;
    Ok(file.metadata().map_err(write)?.len())
}

struct Packer<'a> {
    builder: Builder<Encoder<'static, File>>,
    seal: Seal,
    entries: u64,
    bytes: u64,
    archive: &'a Path,
}

impl Packer<'_> {
    /// Everything below a directory, by name.
    fn directory(&mut self, source: &Path, inside: &str) -> Result<(), CacheError> {
        self.append(source, inside, EntryType::Directory, 0)?;
        let listed = fs::read_dir(source).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = listed.map_err(cannot("list", source))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(cannot("look at", &path))?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|_| CacheError::Unfit { path: path.clone() })?;
            let inside = format!("{inside}/{name}");
            if kind.is_dir() {
                self.directory(&path, &inside)?;
            } else {
                self.file(&path, &inside)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, source: &Path, inside: &str) -> Result<(), CacheError> {
        let metadata = fs::symlink_metadata(source).map_err(cannot("look at", source))?;
        if !metadata.is_file() {
            return Err(CacheError::Unfit { path: source.to_owned() });
        }
        self.append(source, inside, EntryType::Regular, metadata.len())
    }

    fn append(
        &mut self,
        source: &Path,
        inside: &str,
        kind: EntryType,
        bytes: u64,
    ) -> Result<(), CacheError> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.entries > ENTRIES_MAX || self.bytes > CONTENT_BYTES_MAX {
            return Err(CacheError::Unfit { path: source.to_owned() });
        }
        self.seal.entry(inside, kind, bytes);
        let mut header = header(kind, bytes);
        let appended = if kind == EntryType::Directory {
            self.builder.append_data(&mut header, inside, io::empty())
        } else {
            let file = File::open(source).map_err(cannot("open", source))?;
            // A file that grows meanwhile is cut, one that shrinks spoils the archive: the digest
            // of the first is right and the second is an error when it is read.
            let content = Sealing { inner: file.take(bytes), seal: &mut self.seal };
            self.builder.append_data(&mut header, inside, content)
        };
        appended.map_err(cannot("write", self.archive))
    }
}

/// Rights and times are not kept: what is unpacked is its user's alone.
fn header(kind: EntryType, bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(if kind == EntryType::Directory { 0o700 } else { 0o600 });
    header.set_mtime(0);
    header
}
