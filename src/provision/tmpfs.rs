//! Where a data directory goes: into memory where there is room, else onto the disk, said so.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The least room for a data directory, bytes: an empty MariaDB takes 150 MB, each clone of a
/// large schema some 20 MB more, and a full one stops every test. A container's `/dev/shm` has
/// 64 MB unless it is told otherwise.
pub(super) const ROOM_BYTES_MIN: u64 = 1024 * 1024 * 1024;

/// A place, and what the user should know of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) parent: PathBuf,
    pub(super) note: Option<String>,
}

/// A directory in memory, and how much of it can be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    free_bytes: u64,
}

/// The directories in memory that may be looked at: the preferred one, or `/dev/shm` and every
/// other `tmpfs` that is mounted for writing.
pub(super) fn candidates(preferred: Option<&Path>) -> Vec<PathBuf> {
    if let Some(preferred) = preferred {
        return vec![preferred.to_owned()];
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found: Vec<PathBuf> = tmpfs_mounts(&mounts);
    // The usual place first: others may be meant for something else.
    found.sort_by_key(|path| path != Path::new("/dev/shm"));
    found
}

/// Chooses among the places in memory, or else the disk.
pub(super) fn choose(candidates: &[PathBuf], disk: &Path) -> Chosen {
    let candidates: Vec<Candidate> = candidates
        .iter()
        .filter(|path| is_usable(path))
        .map(|path| Candidate { path: path.clone(), free_bytes: free_bytes(path) })
        .collect();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    choose_among(&candidates, available_bytes(&meminfo), disk)
}

/// Whether evenly can write there, and the server's user can reach what it writes.
fn is_usable(path: &Path) -> bool {
    let writable = rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    let open = || fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o001 != 0);
    writable && (!rustix::process::geteuid().is_root() || open())
}

fn choose_among(candidates: &[Candidate], memory_bytes: Option<u64>, disk: &Path) -> Chosen {
    let memory_bytes = memory_bytes.unwrap_or(u64::MAX);
    let roomy = |candidate: &&Candidate| candidate.free_bytes >= ROOM_BYTES_MIN;
    if memory_bytes >= ROOM_BYTES_MIN
        && let Some(Candidate { path, free_bytes: _ }) = candidates.iter().find(roomy)
    {
        return Chosen { parent: path.clone(), note: None };
    }
    let why = match candidates.iter().max_by_key(|candidate| candidate.free_bytes) {
        None => "there is no directory in memory (tmpfs) to write to".to_owned(),
        Some(Candidate { path, free_bytes }) => {
            let free = mebibytes((*free_bytes).min(memory_bytes));
            format!("`{}` has {free} MiB left", path.display())
        }
    };
    let needed = mebibytes(ROOM_BYTES_MIN);
    let disk = disk.to_owned();
    let note = format!(
        "the database server's data is on the disk, in `{}`, which is slower: {why}, and it takes \
         {needed} MiB (for a container: `--shm-size=2g`)",
        disk.display()
    );
    Chosen { parent: disk, note: Some(note) }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

/// What can still be written to a directory's file system; nothing if nobody can tell.
fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// `MemAvailable` of `/proc/meminfo`: a tmpfs may be larger than the memory behind it.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Where a `tmpfs` is mounted for writing, from lines of `/proc/self/mountinfo`:
/// `id parent major:minor root mount-point options … - type source super-options`.
fn tmpfs_mounts(mountinfo: &str) -> Vec<PathBuf> {
    let mount = |line: &str| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(4);
        let (path, options) = (mount.next()?, mount.next()?);
        let writable = options.split(',').any(|option| option == "rw");
        // A path with a space or the like is written in octal: such a one is not for us.
        let plain = !path.contains('\\');
        let is_tmpfs = file_system.split(' ').next() == Some("tmpfs");
        (is_tmpfs && writable && plain).then(|| PathBuf::from(path))
    };
    mountinfo.lines().filter_map(mount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
24 1 0:22 / / rw,relatime - ext4 /dev/vda rw
31 24 0:27 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=1k
32 24 0:28 / /dev/shm rw,nosuid,nodev - tmpfs shm rw,size=65536k
33 24 0:29 / /sys/ro ro,nosuid - tmpfs tmpfs ro
34 24 0:30 / /with\\040space rw - tmpfs tmpfs rw
torn
";

    fn candidate(path: &str, free_bytes: u64) -> Candidate {
        Candidate { path: path.into(), free_bytes }
    }

    #[test]
    fn writable_tmpfs_are_found() {
        assert_eq!(tmpfs_mounts(MOUNTS), [Path::new("/run"), Path::new("/dev/shm")]);
    }

    #[test]
    fn the_first_with_room_is_taken() {
        let places = [candidate("/a", ROOM_BYTES_MIN - 1), candidate("/b", ROOM_BYTES_MIN)];
        let chosen = choose_among(&places, None, Path::new("/disk"));
        assert_eq!(chosen, Chosen { parent: "/b".into(), note: None });
    }

    #[test]
    fn without_room_it_is_the_disk_and_said_so() {
        let small = [candidate("/dev/shm", 64 * 1024 * 1024)];
        let chosen = choose_among(&small, None, Path::new("/disk"));
        assert_eq!(chosen.parent, Path::new("/disk"));
        let note = chosen.note.unwrap();
        assert!(note.contains("`/dev/shm` has 64 MiB left, and it takes 1024 MiB"), "{note}");
        let roomy = [candidate("/dev/shm", u64::MAX)];
        assert!(choose_among(&roomy, Some(1), Path::new("/disk")).note.is_some());
        assert!(choose_among(&[], None, Path::new("/disk")).note.unwrap().contains("no directory"));
    }

    #[test]
    fn memory_is_read_from_its_line() {
        assert_eq!(available_bytes("MemFree: 1 kB\nMemAvailable:   20 kB\n"), Some(20_480));
        assert_eq!(available_bytes("MemAvailable: many"), None);
    }
}
