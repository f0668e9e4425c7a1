//! A server's directory: everything of it is inside, with a file that says whose it is, so that
//! what a killed run left is found.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::super::owner::is_over;
use super::error::{ManagedError, cannot};
use super::user::User;
use crate::db::Owner;

/// What every such directory's name begins with.
const PREFIX: &str = "evenly-db-";
/// The file inside that names the owner.
const OWNER: &str = "owner.json";
/// The longest such file that is read, bytes.
const OWNER_BYTES_MAX: u64 = 64 * 1024;
/// How long a directory may be without that file: the moment in which it is made.
const NAMELESS_S_MAX: u64 = 60;

/// A directory that goes when this is dropped. The server must have ended by then.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    user: Option<User>,
}

impl Home {
    /// Makes one below `parent`, open to the server's user alone.
    pub(super) fn create(
        parent: &Path,
        owner: &Owner,
        user: Option<User>,
    ) -> Result<Self, ManagedError> {
        let path = parent.join(format!("{PREFIX}{}", super::random_hex::<4>()?));
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(cannot("create", &path))?;
        let home = Self { path, user };
        let text = serde_json::to_string(owner).expect("an owner is text and numbers");
        home.write(&home.path.join(OWNER), &text)?;
        home.give(&home.path)?;
        Ok(home)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Who the server runs as.
    pub(super) fn user(&self) -> Option<User> {
        self.user
    }

    /// The server's own data directory, which it makes itself.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// What the server says.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Writes a file that the server's user alone may read.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<(), ManagedError> {
        let mut options = fs::File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
        let mut file = file.map_err(cannot("create", path))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(cannot("write", path))?;
        self.give(path)
    }

    /// Makes a file or directory the server's user's.
    pub(super) fn give(&self, path: &Path) -> Result<(), ManagedError> {
        let Some(User { uid, gid }) = self.user else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(cannot("hand over", path))
    }

    /// The same for all that is below a directory that evenly filled.
    pub(super) fn give_all(&self, directory: &Path) -> Result<(), ManagedError> {
        if self.user.is_none() {
            return Ok(());
        }
        self.give(directory)?;
        for entry in fs::read_dir(directory).map_err(cannot("list", directory))? {
            let entry = entry.map_err(cannot("list", directory))?;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.give_all(&entry.path())?,
                Ok(_) => self.give(&entry.path())?,
                Err(error) => return Err(cannot("look at", &entry.path())(error)),
            }
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the directories of owners that are gone; gives those that it removed.
pub(super) fn remove_dead(parents: &[PathBuf]) -> Vec<PathBuf> {
    let left = all(parents).into_iter().filter(FoundHome::is_left);
    left.filter(|home| home.remove().is_ok()).map(|home| home.path).collect()
}

/// A server's directory as it is found.
#[derive(Debug)]
pub(in super::super) struct FoundHome {
    pub(in super::super) path: PathBuf,
    /// None where it does not say: it is being made or removed.
    pub(in super::super) owner: Option<Owner>,
    pub(in super::super) changed: SystemTime,
}

impl FoundHome {
    /// Whether its owner is gone.
    pub(in super::super) fn is_left(&self) -> bool {
        if let Some(owner) = &self.owner {
            return is_over(owner, Timestamp::now());
        }
        self.changed.elapsed().is_ok_and(|age| age > Duration::from_secs(NAMELESS_S_MAX))
    }

    /// Removes it, and ends who still works in it.
    pub(in super::super) fn remove(&self) -> std::io::Result<()> {
        super::strays::kill_below(&self.path);
        fs::remove_dir_all(&self.path)
    }
}

/// Every server's directory below these, by path.
pub(in super::super) fn all(parents: &[PathBuf]) -> Vec<FoundHome> {
    // A parent that cannot be read holds nothing that we could remove.
    let entries = parents.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten();
    let ours = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)));
    let mut found: Vec<_> = ours.filter_map(|entry| look(entry.path())).collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    found
}

fn look(path: PathBuf) -> Option<FoundHome> {
    let metadata = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_dir)?;
    let file = path.join(OWNER);
    let small = fs::symlink_metadata(&file)
        .is_ok_and(|file| file.is_file() && file.len() <= OWNER_BYTES_MAX);
    let text = if small { fs::read_to_string(&file).ok() } else { None };
    let owner = text.and_then(|text| serde_json::from_str(&text).ok());
    let seconds = u64::try_from(metadata.mtime()).unwrap_or(0);
    Some(FoundHome { path, owner, changed: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::super::super::owner::owner_of_this_process;
    use super::*;

    #[test]
    fn what_the_dead_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (later, before) = (Timestamp::now() + 1.hour(), Timestamp::now() - 1.hour());
        let alive = owner_of_this_process("run", before);
        // Number 1 is there, but started at another time.
        let dead = Owner { pid: 1, until: later, ..alive.clone() };
        let elsewhere = Owner { started: "boot/pid/1".to_owned(), ..dead.clone() };
        let forgotten = Owner { until: before, ..elsewhere.clone() };
        let make = |name: &str, owner: Option<&Owner>| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.join("data/base")).unwrap();
            if let Some(owner) = owner {
                fs::write(path.join(OWNER), serde_json::to_string(owner).unwrap()).unwrap();
            }
            path
        };
        let gone = [make("evenly-db-1", Some(&dead)), make("evenly-db-2", Some(&forgotten))];
        let kept = [
            make("evenly-db-3", Some(&alive)),
            make("evenly-db-4", Some(&elsewhere)),
            make("evenly-db-5", None),
            make("other", Some(&dead)),
        ];
        std::os::unix::fs::symlink(&kept[3], dir.path().join("evenly-db-6")).unwrap();
        let mut removed = remove_dead(&[dir.path().to_owned(), dir.path().join("missing")]);
        removed.sort();
        assert_eq!(removed, gone);
        assert!(kept.iter().all(|path| path.join("data/base").exists()));
    }
}
