//! Files: the only place that reads and writes evenly's own.
//!
//! Promises: what was appended stays readable whatever comes later (a line that could not be
//! written whole is taken back); what is replaced is replaced whole or not at all; two runs never
//! write the same files at the same time.

mod globs;

pub use globs::{GlobError, matching};

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::Shard;

/// What is written to a file at once, bytes.
const WRITE_BYTES: usize = 256 * 1024;

/// What is read of a file at once, bytes.
const READ_BYTES: usize = 256 * 1024;

/// What could not be done with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {act} `{path}`: {source}", path = path.display())]
pub struct StoreError {
    act: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl StoreError {
    fn new(act: &'static str, path: &Path, source: io::Error) -> Self {
        Self { act, path: path.to_owned(), source }
    }

    /// Whether the file was simply not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// The whole of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|error| StoreError::new("read", path, error))
}

/// The whole of a file, in place of what the buffer held.
///
/// # Errors
/// When it cannot be read.
pub fn read_into(path: &Path, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
    buffer.clear();
    let read = File::open(path).and_then(|mut file| file.read_to_end(buffer));
    read.map(|_| ()).map_err(|error| StoreError::new("read", path, error))
}

/// What `take` makes of a file that is read bit by bit.
///
/// # Errors
/// When it cannot be read.
pub fn read_with<T>(
    path: &Path,
    take: impl FnOnce(&mut dyn BufRead) -> io::Result<T>,
) -> Result<T, StoreError> {
    let read =
        File::open(path).and_then(|file| take(&mut BufReader::with_capacity(READ_BYTES, file)));
    read.map_err(|error| StoreError::new("read", path, error))
}

/// The whole of a file or stream that is no larger than so many bytes.
///
/// # Errors
/// When it is larger, or cannot be read.
pub fn read_at_most(path: &Path, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes))
        .and_then(|read| {
            let larger = || io::Error::other(format!("it is larger than {bytes_max} bytes"));
            if read as u64 > bytes_max { Err(larger()) } else { Ok(()) }
        });
    read.map(|()| bytes).map_err(|error| StoreError::new("read", path, error))
}

/// The beginning of a file, at most so many bytes.
///
/// # Errors
/// When it cannot be read.
pub fn read_head(path: &Path, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| StoreError::new("read", path, error))
}

/// Makes a file that must not be there, and the directories above it.
///
/// # Errors
/// When something of that name is there, or it cannot be written to.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    make_dir(parent(path))?;
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| StoreError::new("write", path, error))
}

/// Replaces a file whole: readers see the old bytes or the new, never a part.
///
/// # Errors
/// When the directory cannot be made or written to; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace_with(path, |file| file.write_all(bytes))
}

/// Replaces a file whole by what `write` writes, which is never all in memory.
///
/// # Errors
/// As [`replace`], and when `write` fails.
pub fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), StoreError> {
    let parent = parent(path);
    make_dir(parent)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = parent.join(format!(".{name}.{}.new", std::process::id()));
    let written = File::create(&beside)
        .map(|file| BufWriter::with_capacity(WRITE_BYTES, file))
        .and_then(|mut file| write(&mut file).and_then(|()| file.flush()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        StoreError::new("write", path, error)
    })
}

/// Adds whole lines to a file that others write to as well; one is made where there is none.
///
/// # Errors
/// When it cannot be read or written to.
pub fn append(path: &Path, lines: &str) -> Result<(), StoreError> {
    let append = || {
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        let mut text = String::new();
        // The last writer's line may have no end.
        if file.seek(io::SeekFrom::End(0))? > 0 {
            file.seek(io::SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                text.push('\n');
            }
        }
        text.push_str(lines);
        file.write_all(text.as_bytes())
    };
    append().map_err(|error| StoreError::new("write", path, error))
}

/// Makes a directory and all above it.
///
/// # Errors
/// When that fails, or something else has the name.
pub fn make_dir(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|error| StoreError::new("create directory", path, error))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Waits until this process alone holds `path`'s lock file; held until dropped.
///
/// # Errors
/// When the lock file cannot be made.
pub fn lock_for_update(path: &Path) -> Result<File, StoreError> {
    make_dir(parent(path))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let lock = path.with_file_name(name);
    let file = OpenOptions::new().create(true).append(true).open(&lock);
    let held = file.and_then(|file| file.lock().map(|()| file));
    held.map_err(|error| StoreError::new("lock", &lock, error))
}

/// The files of one shard's attempt.
#[derive(Debug)]
pub struct ShardFiles {
    /// The journal.
    pub journal: PathBuf,
    /// The shard's JUnit file.
    pub junit: PathBuf,
    /// Scratch: gone at the end of the run.
    pub work: PathBuf,
    /// Outputs too large for the journal, kept whole.
    pub outputs: PathBuf,
}

impl ShardFiles {
    /// Their names below `out`.
    #[must_use]
    pub fn new(out: &Path, shard: Shard, attempt: u32) -> Self {
        let Shard { index, total } = shard;
        let stem = format!("shard-{index}-of-{total}.attempt-{attempt}");
        Self {
            journal: out.join(format!("{stem}.jsonl")),
            junit: out.join(format!("{stem}.junit.xml")),
            work: out.join(format!("{stem}.work")),
            outputs: out.join(format!("{stem}.outputs")),
        }
    }

    /// Claims them for this process, empty: what an earlier run of the same name left is removed.
    ///
    /// # Errors
    /// When the directory cannot be written to, or another process holds the same shard.
    pub fn claim(&self) -> Result<Appender, StoreError> {
        make_dir(parent(&self.journal))?;
        let appender = Appender::create(&self.journal)?;
        for leftover in [&self.work, &self.outputs] {
            remove_dir(leftover)?;
        }
        remove_file(&self.junit)?;
        make_dir(&self.work)?;
        Ok(appender)
    }
}

/// Removes a directory with all that is in it, also what its owner may not write to (as tests like
/// to leave it); one that is not there is fine.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_dir(path: &Path) -> Result<(), StoreError> {
    absent_is_fine(fs::remove_dir_all(path))
        .or_else(|_| {
            open_up(path);
            absent_is_fine(fs::remove_dir_all(path))
        })
        .map_err(|error| StoreError::new("remove directory", path, error))
}

/// Lets the owner remove what is in the directories from here down, as far as that can be.
fn open_up(path: &Path) {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return;
    }
    // What cannot be changed shows when it is removed.
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    absent_is_fine(fs::remove_file(path)).map_err(|error| StoreError::new("remove", path, error))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A file that only grows, line by whole line.
#[derive(Debug)]
pub struct Appender {
    file: File,
    path: PathBuf,
    whole_bytes: u64,
}

impl Appender {
    /// Creates or empties the file and locks it for this process.
    ///
    /// # Errors
    /// When it cannot be written to, or another process holds it.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let fail = |error| StoreError::new("write", path, error);
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(fail(io::Error::other(
                    "another evenly is writing it now; wait for it, or give this one another \
                     `--out`",
                )));
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        file.set_len(0).map_err(fail)?;
        Ok(Self { file, path: path.to_owned(), whole_bytes: 0 })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one line, newline included, in one write; a part that could be written before an
    /// error is taken back, so that the file ends with a whole line.
    ///
    /// # Errors
    /// When the disk is full or gone, or someone (a test, `git clean`) removed the file.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::other("someone removed it while the tests ran"));
        }
        let written = self.file.write_all(line).and_then(|()| self.file.flush());
        written.inspect_err(|_| {
            let _ = self.file.set_len(self.whole_bytes);
            let _ = self.file.seek(io::SeekFrom::Start(self.whole_bytes));
        })?;
        self.whole_bytes += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_leaves_no_part_and_no_trace_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/history.jsonl");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn lines_are_added_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        append(&path, "a=1\n").unwrap();
        append(&path, "b=2\n").unwrap();
        assert_eq!(read(&path).unwrap(), b"a=1\nb=2\n");
        fs::write(&path, "torn").unwrap();
        append(&path, "c=3\n").unwrap();
        assert_eq!(read(&path).unwrap(), b"torn\nc=3\n");
    }

    #[test]
    fn a_shard_is_claimed_once_and_old_results_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let files = ShardFiles::new(dir.path(), Shard { index: 1, total: 2 }, 1);
        fs::write(&files.junit, "green from yesterday").unwrap();
        let mut first = files.claim().unwrap();
        assert!(!files.junit.exists());
        first.append(b"{}\n").unwrap();
        let refused = files.claim().unwrap_err().to_string();
        assert!(refused.contains("another evenly is writing it"), "{refused}");
        assert_eq!(read(&files.journal).unwrap(), b"{}\n");
        drop(first);
        files.claim().unwrap();
        assert_eq!(read(&files.journal).unwrap(), b"");
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = make_dir(&file.join("out")).unwrap_err().to_string();
        assert!(error.contains("file/out"), "{error}");
        assert!(read(&dir.path().join("none")).unwrap_err().is_absent());
    }
}
