//! A command run for the sake of what it prints: discovery.

use std::ffi::OsString;
use std::fs::{File, metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::output_file::{KeptLimits, Whole, read_kept};
use super::supervisor::{Control, Launch, Supervisor};
use crate::model::{Output, ProcessEnd};

/// How much standard output is taken: the names of far more tests than any suite has.
pub const STDOUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How much of its own words an error message repeats of a command.
const WORDS_BYTES_MAX: usize = 8 << 10;

/// How often the time and the size of what was printed are looked at.
const LOOK_MS: Duration = Duration::from_millis(100);

/// A command to capture.
#[derive(Debug, Clone)]
pub struct Call {
    /// The program, searched in `PATH` if it has no slash, and its arguments.
    pub argv: Vec<OsString>,
    /// The directory it runs in.
    pub cwd: PathBuf,
    /// Variables beyond the supervisor's own.
    pub env: Vec<(OsString, OsString)>,
    /// The user and group that it runs as, where this process may change them; else its own.
    pub user: Option<(u32, u32)>,
    /// A directory for temporary files, used by no other call at the same time.
    pub directory: PathBuf,
    /// How long it may take; then it is killed.
    pub time_limit: Duration,
}

/// What a command printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Captured {
    /// How it ended.
    pub end: ProcessEnd,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
    /// Its standard output, or the first [`STDOUT_BYTES_MAX`] bytes of it.
    pub stdout: Vec<u8>,
    /// Its standard error, or the beginning and the end of it.
    pub stderr: String,
    /// Whether `stdout` is not all: there was more than [`STDOUT_BYTES_MAX`], and the command was
    /// killed for it.
    pub cut: bool,
}

/// Runs a command until it and all that it started is gone, and reads what it printed.
///
/// # Errors
/// When the temporary files cannot be read.
pub async fn capture(supervisor: &mut Supervisor, call: Call) -> io::Result<Captured> {
    let Call { argv, cwd, env, user, directory, time_limit } = call;
    let stdout = directory.join("captured.stdout");
    let stderr = directory.join("captured.stderr");
    let (output, separate) = (stderr.clone(), Some(stdout.clone()));
    let launch = Launch { argv, cwd, env, user, output, stdout: separate };
    let (controls, mut obeyed) = mpsc::channel(1);
    let mut timed_out = false;
    let mut cut_off = false;
    let ended = {
        let mut run = std::pin::pin!(supervisor.run(&launch, &mut obeyed));
        let deadline = Instant::now() + time_limit;
        loop {
            if let Ok(ended) = timeout(LOOK_MS, &mut run).await {
                break ended;
            }
            timed_out |= Instant::now() >= deadline;
            cut_off |= metadata(&stdout).is_ok_and(|file| file.len() > STDOUT_BYTES_MAX);
            if timed_out || cut_off {
                // The channel is empty and its other end alive.
                let _ = controls.try_send(Control::Kill);
                break run.await;
            }
        }
    };
    if let ProcessEnd::NotStarted(_) = ended.end {
        let (stdout, stderr) = (Vec::new(), String::new());
        return Ok(Captured { end: ended.end, timed_out, stdout, stderr, cut: false });
    }
    let (text, more) = read_first(&stdout, STDOUT_BYTES_MAX)?;
    let cut = more || cut_off;
    let errors = joined(read_kept(&stderr, KeptLimits::default(), Whole::Goes)?);
    for file in [stdout, stderr] {
        // What is left over goes with the directory.
        let _ = std::fs::remove_file(file);
    }
    Ok(Captured { end: ended.end, timed_out, stdout: text, stderr: errors, cut })
}

/// The end of what a command printed, each line set in after a line break.
#[must_use]
pub fn last_words(stdout: &[u8], stderr: &str) -> String {
    let mut text = stderr.to_owned();
    if text.trim().is_empty() {
        text = String::from_utf8_lossy(stdout).into_owned();
    }
    let start = text.len().saturating_sub(WORDS_BYTES_MAX);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[start..].trim_end().lines().fold(String::new(), |out, line| out + "\n  " + line)
}

/// The first bytes of a file, and whether there are more.
fn read_first(path: &Path, bytes_max: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(bytes_max).read_to_end(&mut bytes)?;
    let cut = file.read(&mut [0])? > 0;
    Ok((bytes, cut))
}

fn joined(output: Output) -> String {
    let Output { head, tail } = output;
    match tail {
        None => head,
        Some(kept) => format!("{head}\n… {} bytes …\n{}", kept.omitted_bytes, kept.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_at_the_limit_is_not_cut_and_one_beyond_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_first(&path, 5).unwrap(), (b"12345".to_vec(), false));
        assert_eq!(read_first(&path, 4).unwrap(), (b"1234".to_vec(), true));
    }
}
