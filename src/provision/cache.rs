//! Templates kept between runs: `template-NAME-KEY.tar.zst`, a directory's or a file's content.
//!
//! An archive appears whole or not at all, and its last entry is a digest of all others: one that
//! is torn or was changed is refused before anything of it is used. Only plain files and
//! directories are kept and unpacked, below the directory that they are unpacked to.

mod pack;
mod unpack;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many archives of one name are kept.
const KEPT_MAX: usize = 3;
/// What can be kept, bytes before packing.
const CONTENT_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// How many files can be kept.
const ENTRIES_MAX: u64 = 1_000_000;
/// The longest name or key, bytes.
const NAME_BYTES_MAX: usize = 100;

/// What stands behind the name of an archive that is being written, before the process's number.
const NEW: &str = ".new-";
/// How long writing one takes at most: one that is older was left by a killed run.
const NEW_AGE_MAX: Duration = Duration::from_hours(1);

/// Why a template could not be kept or brought back.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The name or key cannot be a file's.
    #[error("`{0}` cannot name a kept template: letters, digits, `_` and `-` can")]
    Name(String),
    /// A file could not be read or written.
    #[error("cannot {act} `{path}`: {source}", path = path.display())]
    File {
        /// What was to be done.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The archive is not what was saved.
    #[error("`{path}` is damaged ({why}); delete it", path = path.display())]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There is more than can be kept.
    #[error("`{path}` is too large, or no plain file, and cannot be kept", path = path.display())]
    Unfit {
        /// What was to be kept.
        path: PathBuf,
    },
}

/// What became of bringing back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// It is there.
    Found,
    /// None is kept under that key.
    Absent,
}

/// A directory of kept templates.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The cache in a directory, which is made when something is kept.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where a template is kept.
    ///
    /// # Errors
    /// When name or key has other signs than letters, digits, `_` and `-`.
    pub fn path(&self, name: &str, key: &str) -> Result<PathBuf, CacheError> {
        for text in [name, key] {
            let plain =
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if !plain || text.is_empty() || text.len() > NAME_BYTES_MAX {
                return Err(CacheError::Name(text.to_owned()));
            }
        }
        if key.contains('-') {
            return Err(CacheError::Name(key.to_owned()));
        }
        Ok(self.directory.join(format!("template-{name}-{key}.tar.zst")))
    }

    /// Keeps a directory or a file that nobody writes meanwhile, and removes the oldest archives
    /// of that name beyond the newest few. Gives the archive's size, bytes.
    ///
    /// # Errors
    /// When it cannot be read or written, or is too large.
    pub fn save(&self, name: &str, key: &str, source: &Path) -> Result<u64, CacheError> {
        let path = self.path(name, key)?;
        fs::create_dir_all(&self.directory).map_err(cannot("create", &self.directory))?;
        let mut temporary = path.clone().into_os_string();
        temporary.push(format!("{NEW}{}", std::process::id()));
        let temporary = PathBuf::from(temporary);
        let packed = pack::pack(source, &temporary).and_then(|bytes| {
            fs::rename(&temporary, &path).map_err(cannot("rename", &temporary))?;
            Ok(bytes)
        });
        if packed.is_err() {
            // What is left of it is never taken for an archive.
            let _ = fs::remove_file(&temporary);
        }
        let bytes = packed?;
        self.prune(name)?;
        Ok(bytes)
    }

    /// Brings a template back to where a directory or file is to be; what was there of that name
    /// is replaced if it is a file, and must not be there if it is a directory.
    ///
    /// # Errors
    /// When the archive is damaged or cannot be unpacked; nothing is there then.
    pub fn restore(&self, name: &str, key: &str, to: &Path) -> Result<Restored, CacheError> {
        let path = self.path(name, key)?;
        if !path.is_file() {
            return Ok(Restored::Absent);
        }
        Self::unpack(&path, to)?;
        Ok(Restored::Found)
    }

    /// Unpacks an archive and marks it as used.
    pub(super) fn unpack(archive: &Path, to: &Path) -> Result<(), CacheError> {
        unpack::unpack(archive, to)?;
        // A cache that cannot be written loses its order, nothing else.
        let _ = fs::File::options()
            .append(true)
            .open(archive)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Ok(())
    }

    /// Removes all but the newest archives of a name, and what killed runs left of new ones.
    fn prune(&self, name: &str) -> Result<(), CacheError> {
        let directory = &self.directory;
        let mut archives = Vec::new();
        for entry in fs::read_dir(directory).map_err(cannot("list", directory))? {
            let entry = entry.map_err(cannot("list", directory))?;
            let file = entry.file_name();
            let Some(rest) = file.to_str().and_then(|file| file.strip_prefix("template-")) else {
                continue;
            };
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
            let key = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            let key = key.and_then(|key| key.strip_suffix(".tar.zst"));
            if key.is_some_and(|key| !key.contains('-')) {
                archives.push((modified, entry.path()));
            } else if rest.contains(NEW) && modified.elapsed().is_ok_and(|age| age > NEW_AGE_MAX) {
                // It may be gone already, by another run's hand.
                let _ = fs::remove_file(entry.path());
            }
        }
        archives.sort_by(|a, b| b.cmp(a));
        for (_, path) in archives.iter().skip(KEPT_MAX) {
            fs::remove_file(path).map_err(cannot("remove", path))?;
        }
        Ok(())
    }
}

fn cannot(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |source| CacheError::File { act, path, source }
}

#[cfg(test)]
mod tests;
