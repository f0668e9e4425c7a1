//! The files of a database, how they are copied, and how all of them go.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::error::DbError;
use super::super::names::DatabaseName;
use super::super::owner::{Found, Mark};
use super::cannot;

/// What a database's file ends with.
const DATABASE: &str = "sqlite3";
/// What its mark ends with, in place of it.
const MARK: &str = "evenly.json";
/// What SQLite puts beside a file that is in use.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// The longest mark that is read, bytes.
const MARK_BYTES_MAX: u64 = 64 * 1024;

/// Where everything of one database is.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) database: PathBuf,
    pub(super) building: PathBuf,
    /// A copy until it is whole.
    pub(super) copying: PathBuf,
    pub(super) lock: PathBuf,
    mark: PathBuf,
}

impl Files {
    pub(super) fn of(directory: &Path, database: &DatabaseName) -> Self {
        let file = |ending: &str| directory.join(format!("{database}.{ending}"));
        Self {
            database: file(DATABASE),
            building: file(&format!("building.{DATABASE}")),
            copying: file(&format!("copying.{DATABASE}")),
            lock: file("lock"),
            mark: file(MARK),
        }
    }

    /// Refuses a name that would leave the directory.
    pub(super) fn check(database: &DatabaseName) -> Result<(), DbError> {
        let name = database.as_str();
        // A URL loses control characters.
        if name.is_empty() || name.contains(|c: char| c == '/' || c.is_control()) {
            let why = "its name cannot be a file's".to_owned();
            return Err(DbError::Failed { act: "use", database: database.clone(), why });
        }
        Ok(())
    }

    /// The mark, if there is one that is ours.
    pub(super) fn mark(&self) -> Result<Option<Mark>, DbError> {
        read_mark(&self.mark)
    }

    pub(super) fn write_mark(&self, mark: &Mark) -> Result<(), DbError> {
        let temporary = self.new_mark();
        fs::write(&temporary, mark.to_text()).map_err(cannot("write", &temporary))?;
        fs::rename(&temporary, &self.mark).map_err(cannot("rename", &temporary))
    }

    fn new_mark(&self) -> PathBuf {
        self.mark.with_extension("json.new")
    }

    /// Refuses a database that is there without a mark.
    pub(super) fn refuse_stranger(&self, database: &DatabaseName) -> Result<(), DbError> {
        if fs::symlink_metadata(&self.database).is_ok() && self.mark()?.is_none() {
            return Err(DbError::Stranger(database.clone()));
        }
        Ok(())
    }

    /// Removes everything but the lock, the mark last.
    pub(super) fn remove(&self) -> Result<(), DbError> {
        for file in [&self.database, &self.building, &self.copying] {
            remove_logs(file)?;
            remove(file)?;
        }
        remove(&self.new_mark())?;
        remove(&self.mark)
    }
}

/// Where SQLite keeps what is not yet in a file.
pub(super) fn logs(file: &Path) -> [PathBuf; 3] {
    LOGS.map(|ending| {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        path.into()
    })
}

pub(super) fn remove_logs(file: &Path) -> Result<(), DbError> {
    logs(file).iter().try_for_each(|log| remove(log))
}

fn remove(file: &Path) -> Result<(), DbError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot("remove", file)(error)),
        _ => Ok(()),
    }
}

fn read_mark(path: &Path) -> Result<Option<Mark>, DbError> {
    let length = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path)(error)),
    };
    if length > MARK_BYTES_MAX {
        return Ok(None);
    }
    let text = fs::read(path).map_err(cannot("read", path))?;
    Ok(std::str::from_utf8(&text).ok().and_then(Mark::from_text))
}

/// Every marked database of a directory, by name.
pub(super) fn list(directory: &Path) -> Result<Vec<Found>, DbError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(cannot("list", directory))? {
        let file = entry.map_err(cannot("list", directory))?.file_name();
        let ending = format!(".{MARK}");
        let Some(name) = file.to_str().and_then(|file| file.strip_suffix(&ending)) else {
            continue;
        };
        if let Some(mark) = read_mark(&directory.join(&file))? {
            found.push(mark.found(DatabaseName::existing(name)));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Copies a file that nobody writes to a database's place; it is there whole or not at all.
pub(super) fn copy_whole(source: &Path, files: &Files) -> Result<(), DbError> {
    copy(source, &files.copying)?;
    fs::rename(&files.copying, &files.database).map_err(cannot("rename", &files.copying))
}

/// Copies a file's content, not its rights: a read-only file's copy can be written.
pub(super) fn copy(source: &Path, target: &Path) -> Result<(), DbError> {
    let mut from = File::open(source).map_err(cannot("open", source))?;
    let mut to = File::create(target).map_err(cannot("create", target))?;
    if share_blocks(&from, &to).is_ok() {
        return Ok(());
    }
    io::copy(&mut from, &mut to).map(drop).map_err(cannot("copy", source))
}

/// Makes one file share the blocks of another, where the file system can.
#[cfg(target_os = "linux")]
fn share_blocks(from: &File, to: &File) -> io::Result<()> {
    Ok(rustix::fs::ioctl_ficlone(to, from)?)
}

/// Not here.
#[cfg(not(target_os = "linux"))]
fn share_blocks(_from: &File, _to: &File) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
