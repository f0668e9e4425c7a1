//! The files of an import: found, recognised and read.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::super::error::Error;
use super::super::print::{note, warn};
use super::args::ImportFormat;
use super::{HistoryCommandError, first_few};
use crate::history::import::{self, Format, ReadError, Timings};
use crate::model::counted;
use crate::store;

/// The largest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// A file to read.
struct Candidate {
    path: PathBuf,
    /// Whether it was found in a directory: then it may be something else.
    found: bool,
}

/// What files say, and of which format they are; none where none has an entry.
pub(super) struct Read {
    pub(super) format: Option<Format>,
    pub(super) timings: Vec<Timings>,
}

/// Reads all files that the paths name.
pub(super) fn read(paths: &[PathBuf], format: ImportFormat) -> Result<Read, Error> {
    let mut known: Option<(PathBuf, Format)> = None;
    let mut timings = Vec::new();
    let mut passed_over: Vec<String> = Vec::new();
    for Candidate { path, found } in candidates(paths, format)? {
        let result = one(&path, format);
        let read = match result {
            Ok(read) => read,
            Err(Error::History(HistoryCommandError::Read { error, .. })) if found => {
                passed_over.push(format!("{}: {error}", path.display()));
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some((format, read)) = read else {
            note(&format!("`{}` holds no durations", path.display()));
            continue;
        };
        match &known {
            Some((_, known)) if *known == format => {}
            None => known = Some((path.clone(), format)),
            Some(first) => {
                let (first, other) = (first.clone(), (path, format));
                return Err(HistoryCommandError::Mixed { first, other }.into());
            }
        }
        tell(&path, &read);
        timings.push(read);
    }
    if !passed_over.is_empty() {
        let files = counted(passed_over.len(), "file");
        warn(&format!("{files} could not be read: {}", first_few(&passed_over)));
        if timings.is_empty() {
            let named = paths.iter().map(|path| format!("`{}`", path.display()));
            let named = named.collect::<Vec<_>>().join(", ");
            return Err(HistoryCommandError::NoFiles(named).into());
        }
    }
    Ok(Read { format: known.map(|(_, format)| format), timings })
}

fn one(path: &Path, format: ImportFormat) -> Result<Option<(Format, Timings)>, Error> {
    let bytes = store::read_at_most(path, FILE_BYTES_MAX)?;
    let refuse = |error: ReadError| HistoryCommandError::Read { path: path.to_owned(), error };
    let format = match format {
        ImportFormat::Known(format) => Some(format),
        ImportFormat::Auto => import::recognise(&bytes).map_err(refuse)?,
    };
    let Some(format) = format else { return Ok(None) };
    Ok(Some((format, import::read(format, &bytes).map_err(refuse)?)))
}

/// What of a file is of no use.
fn tell(path: &Path, timings: &Timings) {
    let Timings { entries: _, not_passed, unbelievable, examples, broken } = timings;
    let path = path.display();
    if let Some(why) = broken {
        warn(&format!("`{path}` is torn ({why}); what stands before that is taken"));
    }
    if *unbelievable > 0 {
        let entries = counted(*unbelievable, "entry").replace("entrys", "entries");
        let examples = first_few(examples);
        let such = if examples.is_empty() { examples } else { format!(": {examples}") };
        warn(&format!("`{path}`: {entries} without a duration that can be{such}"));
    }
    if *not_passed > 0 {
        let entries = counted(*not_passed, "result");
        note(&format!("`{path}`: {entries} that did not simply pass; their times say nothing"));
    }
}

/// The files, in the order of their names: those that are named, and in directories those that are
/// called like files of the format.
fn candidates(paths: &[PathBuf], format: ImportFormat) -> Result<Vec<Candidate>, Error> {
    let fits = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match format {
            ImportFormat::Known(format) => format.fits(&name),
            ImportFormat::Auto => Format::ALL.into_iter().any(|format| format.fits(&name)),
        }
    };
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            let walk = WalkBuilder::new(path).standard_filters(false).build().flatten();
            let files = walk.map(ignore::DirEntry::into_path);
            let files = files.filter(|path| path.is_file() && fits(path));
            all.extend(files.map(|path| Candidate { path, found: true }));
        } else {
            all.push(Candidate { path: path.clone(), found: false });
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path).then(a.found.cmp(&b.found)));
    all.dedup_by(|later, first| later.path == first.path);
    if all.is_empty() {
        let named = paths.iter().map(|path| format!("`{}`", path.display()));
        return Err(HistoryCommandError::NoFiles(named.collect::<Vec<_>>().join(", ")).into());
    }
    Ok(all)
}
