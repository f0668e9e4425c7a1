//! Files whose path, relative to a directory, matches a glob.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;

/// Why files could not be found.
#[derive(Debug, thiserror::Error)]
pub enum GlobError {
    /// It is no glob.
    #[error("`{0}` is not a glob: {1}")]
    Pattern(String, String),
    /// It leaves the directory.
    #[error("`{0}` leaves its directory: write it relative to that, without `..`")]
    Outside(String),
    /// A directory cannot be read, so files may be missing.
    #[error("cannot look for files: {0}")]
    Walk(ignore::Error),
}

/// Every file below `dir` that one of the globs matches, sorted by its bytes. `*` stays inside a
/// directory, `**` does not. Hidden and ignored files count: what git thinks of a test does not
/// matter.
///
/// # Errors
/// When a glob is none or leaves `dir`, or a directory cannot be read.
pub fn matching(dir: &Path, globs: &[String]) -> Result<Vec<PathBuf>, GlobError> {
    let mut found: BTreeSet<PathBuf> = BTreeSet::new();
    for glob in globs {
        let matcher = compile(glob)?;
        let start = dir.join(literal_prefix(glob));
        if !start.exists() {
            continue;
        }
        for entry in WalkBuilder::new(&start).standard_filters(false).build() {
            let entry = entry.map_err(GlobError::Walk)?;
            let Ok(relative) = entry.path().strip_prefix(dir) else { continue };
            if matcher.is_match(relative) && entry.path().is_file() {
                found.insert(relative.to_owned());
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn compile(glob: &str) -> Result<GlobMatcher, GlobError> {
    let outside = |component| matches!(component, Component::ParentDir | Component::RootDir);
    if Path::new(glob).components().any(outside) {
        return Err(GlobError::Outside(glob.to_owned()));
    }
    let glob_text = glob.strip_prefix("./").unwrap_or(glob);
    let built = GlobBuilder::new(glob_text).literal_separator(true).build();
    let built =
        built.map_err(|error| GlobError::Pattern(glob.to_owned(), error.kind().to_string()))?;
    Ok(built.compile_matcher())
}

/// The directories of a glob before its first wildcard: where the walk can start.
fn literal_prefix(glob: &str) -> PathBuf {
    let wild = |part: &str| part.contains(['*', '?', '[', '{', '\\']);
    let parts: Vec<&str> = glob.split('/').collect();
    let literal = parts.iter().take_while(|part| !wild(part)).count();
    // The last part is a file's name even when it has no wildcard.
    parts[..literal.min(parts.len().saturating_sub(1))].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[&str], globs: &[&str]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let globs: Vec<String> = globs.iter().map(ToString::to_string).collect();
        let found = matching(dir.path(), &globs).unwrap();
        found.into_iter().map(|path| path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn files_come_once_and_sorted() {
        let files = ["t/b.sh", "t/a.sh", "t/deep/c.sh", "t/a.txt", "u/a.sh"];
        assert_eq!(names(&files, &["t/*.sh"]), ["t/a.sh", "t/b.sh"]);
        assert_eq!(names(&files, &["t/**/*.sh", "./t/*.sh"]), ["t/a.sh", "t/b.sh", "t/deep/c.sh"]);
        assert_eq!(names(&files, &["t/a.sh"]), ["t/a.sh"]);
        assert_eq!(names(&files, &["none/*.sh"]), [""; 0]);
    }

    #[test]
    fn hidden_and_ignored_files_count() {
        let files = [".gitignore", ".hidden/a.sh", "b.sh"];
        assert_eq!(names(&files, &["**/*.sh"]), [".hidden/a.sh", "b.sh"]);
    }

    #[test]
    fn globs_that_cannot_be_meant_are_refused() {
        assert!(matches!(compile("../x/*"), Err(GlobError::Outside(_))));
        assert!(matches!(compile("/etc/*"), Err(GlobError::Outside(_))));
        assert!(matches!(compile("a[b"), Err(GlobError::Pattern(..))));
    }
}
