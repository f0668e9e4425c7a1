//! `evenly init`: the files that set evenly up, shown first and then written.

use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::args::InitArgs;
use super::error::Error;
use super::print::{out, warn};
use crate::exit::Exit;
use crate::init::{
    self, FILES_MAX, Facts, HEAD_BYTES, Outcome, TEXT_BYTES_MAX, Want, Wish, Written,
};
use crate::model::{counted, one_line, thousands};
use crate::store;

/// How deep the project is looked at before all else.
const DEPTH_NEAR: usize = 3;
/// How deep the project is looked at.
const DEPTH_MAX: usize = 8;
/// How many entries of directories are looked at, of whatever kind.
const ENTRIES_MAX: usize = 200_000;

pub(super) fn run(args: &InitArgs) -> Result<Exit, Error> {
    let InitArgs { dir, ci, shards, dry_run } = args;
    let facts = look(dir);
    let outcome = init::init(&facts, Wish { home: ci.map(Into::into), shards: *shards });
    tell(&outcome);
    if outcome.files.is_empty() {
        return Err(Error::NoFramework(dir.clone()));
    }
    let there: Vec<String> = outcome
        .files
        .iter()
        .filter(|file| dir.join(&file.path).symlink_metadata().is_ok())
        .map(|file| format!("`{}` is there already", file.path))
        .collect();
    if *dry_run || !there.is_empty() {
        outcome.files.iter().for_each(show);
        return if there.is_empty() { Ok(Exit::Passed) } else { refuse(&there, *dry_run) };
    }
    for Written { path, text } in &outcome.files {
        store::create(&dir.join(path), text.as_bytes())?;
        out(&format!("wrote {path}\n"));
    }
    out("next: `evenly local --shards 2` does here what the CI will do\n");
    Ok(Exit::Passed)
}

/// A dry run wrote nothing anyhow, and its point is to tell.
fn refuse(there: &[String], dry_run: bool) -> Result<Exit, Error> {
    let told = there.join(", ");
    if dry_run {
        warn(&format!("{told}: `evenly init` would write nothing"));
    }
    Err(Error::InTheWay(told))
}

fn tell(outcome: &Outcome) {
    let Outcome { found, advice, files } = outcome;
    let mut text = String::new();
    for finding in found {
        text.push_str(&format!("found {}: {}\n", one_line(&finding.what), one_line(&finding.why)));
    }
    for line in advice {
        text.push_str(&format!("to do: {}\n", one_line(line)));
    }
    for file in files {
        let lines = counted(file.text.lines().count(), "line");
        text.push_str(&format!("would write {}, {lines}\n", file.path));
    }
    out(&text);
}

fn show(file: &Written) {
    let Written { path, text } = file;
    out(&format!("\n--- {path}\n{text}"));
}

/// The files of a project, bounded in every way: it may hold anything. What lies near its root
/// comes first, so that no large directory hides it.
fn look(dir: &Path) -> Facts {
    let mut facts = Facts::default();
    for depth in [DEPTH_NEAR, DEPTH_MAX] {
        if look_to(dir, depth, &mut facts) == Bound::Reached {
            warn(&format!(
                "only {} files were looked at; what lies behind them was not",
                thousands(facts.len() as u64)
            ));
        }
    }
    facts
}

/// Whether there was more than is looked at.
#[derive(PartialEq, Eq)]
enum Bound {
    Reached,
    Far,
}

fn look_to(dir: &Path, depth: usize, facts: &mut Facts) -> Bound {
    let wanted = |entry: &DirEntry| {
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !is_dir || !init::is_left_out(&name)
    };
    let mut builder = WalkBuilder::new(dir);
    builder.hidden(false).follow_links(false).max_depth(Some(depth));
    builder.sort_by_file_name(Ord::cmp).filter_entry(wanted);
    for (seen, entry) in builder.build().flatten().enumerate() {
        if facts.len() >= FILES_MAX || seen >= ENTRIES_MAX {
            return Bound::Reached;
        }
        // Nothing but plain files: others may block, or lead anywhere.
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        if let Some(path) = path.to_str().filter(|path| !facts.knows(path)) {
            facts.add(path.to_owned(), read(entry.path(), init::wants(path)));
        }
    }
    Bound::Far
}

/// As much of a file as is of use; what cannot be read says nothing.
fn read(path: &Path, want: Want) -> String {
    let bytes_max = match want {
        Want::Name => return String::new(),
        Want::Head => HEAD_BYTES,
        Want::Text => TEXT_BYTES_MAX,
    };
    let bytes = store::read_head(path, bytes_max).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
