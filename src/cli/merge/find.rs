//! What the paths of a command line name: journals and JUnit files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use ignore::WalkBuilder;

use crate::cli::error::Error;
use crate::report::foreign::{Found, Source};

/// A JUnit file, and how it was come by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JunitFile {
    pub(super) path: PathBuf,
    found: Found,
    beside_journal: bool,
}

impl JunitFile {
    pub(super) fn source(&self) -> Source {
        let Self { path, found, beside_journal } = self;
        let name = path.display().to_string();
        Source { name, found: *found, beside_journal: *beside_journal }
    }
}

/// What the paths name, sorted, each once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) journals: Vec<PathBuf>,
    pub(super) junit: Vec<JunitFile>,
    /// The file that the merge itself writes, where it was among them.
    pub(super) own: Option<PathBuf>,
}

/// The journals among what the paths name.
pub(in crate::cli) fn journals_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let journals = find(paths, Path::new(""))?.journals;
    if journals.is_empty() { Err(no_journals(paths)) } else { Ok(journals) }
}

fn no_journals(paths: &[PathBuf]) -> Error {
    let named = paths.iter().map(|path| format!("`{}`", path.display()));
    Error::NoJournals(named.collect::<Vec<_>>().join(", "))
}

/// Finds files as they are, searches directories, expands globs. A directory is searched for
/// journals, and for JUnit files where it holds none. `written` is what an earlier merge wrote.
pub(super) fn find(paths: &[PathBuf], written: &Path) -> Result<Paths, Error> {
    let mut journals = Vec::new();
    let mut junit: BTreeMap<PathBuf, Found> = BTreeMap::new();
    for path in paths {
        if path.is_dir() {
            let here = journals_below(path);
            if here.is_empty() {
                let files = files_below(path).filter(|file| is_xml(file));
                files.for_each(|file| {
                    junit.entry(plain(&file)).or_insert(Found::Searched);
                });
            }
            journals.extend(here);
            continue;
        }
        let named = if path.exists() { vec![path.clone()] } else { expand(path)? };
        for file in named {
            if is_xml(&file) {
                junit.insert(plain(&file), Found::Named);
            } else {
                journals.push(file);
            }
        }
    }
    journals.sort();
    journals.dedup();
    let own = own(&junit, written);
    if let Some(own) = &own {
        junit.remove(own);
    }
    if journals.is_empty() && junit.is_empty() {
        return Err(no_journals(paths));
    }
    let beside =
        |path: &Path| journals.iter().any(|journal| plain(journal).parent() == path.parent());
    let junit = junit
        .into_iter()
        .map(|(path, found)| JunitFile { beside_journal: beside(&path), path, found })
        .collect();
    Ok(Paths { journals, junit, own })
}

/// The one among them that is, by whatever name, the file `written`.
fn own(junit: &BTreeMap<PathBuf, Found>, written: &Path) -> Option<PathBuf> {
    let written = fs::canonicalize(written).ok()?;
    let same = |path: &&PathBuf| {
        path.file_name() == written.file_name()
            && fs::canonicalize(path).is_ok_and(|path| path == written)
    };
    junit.keys().find(same).cloned()
}

fn is_xml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xml"))
}

/// Without a `./` before it.
fn plain(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

/// The journals in a directory, however deep.
pub(in crate::cli) fn journals_below(dir: &Path) -> Vec<PathBuf> {
    let is_journal = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("shard-") && name.ends_with(".jsonl")
    };
    files_below(dir).filter(|path| is_journal(path)).collect()
}

fn files_below(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkBuilder::new(dir).standard_filters(false).build();
    walk.flatten().map(ignore::DirEntry::into_path).filter(|path| path.is_file())
}

fn expand(glob: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = glob.to_string_lossy();
    let refuse = || Error::NoSuchPath(text.clone().into_owned());
    if !text.contains(['*', '?', '[', '{']) {
        return Err(refuse());
    }
    let built =
        GlobBuilder::new(text.strip_prefix("./").unwrap_or(&text)).literal_separator(true).build();
    let matcher = built.map_err(|_| refuse())?.compile_matcher();
    let wild = |part: &std::path::Component<'_>| {
        part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{'])
    };
    let start: PathBuf = glob.components().take_while(|part| !wild(part)).collect();
    let start = if start.as_os_str().is_empty() { PathBuf::from(".") } else { start };
    let found: Vec<_> = files_below(&start)
        .map(|path| plain(&path))
        .filter(|path| matcher.is_match(path))
        .collect();
    if found.is_empty() { Err(refuse()) } else { Ok(found) }
}
