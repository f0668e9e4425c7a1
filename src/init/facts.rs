//! The files of a project, as far as they are looked at.

use std::collections::BTreeMap;

/// Bytes of a file that is read whole; of a larger one the beginning is.
pub const TEXT_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of a file of which only the beginning is looked at.
pub const HEAD_BYTES: u64 = 32 * 1024;
/// How many files are looked at; a project has those that matter near its root.
pub const FILES_MAX: usize = 50_000;

/// Directories that hold other people's code, or what tools made.
const LEFT_OUT: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".nox",
    ".venv",
    "venv",
    "env",
    ".env",
    "virtualenv",
    "__pycache__",
    "site-packages",
    "node_modules",
    "bower_components",
    "vendor",
    "target",
    "build",
    "dist",
    "_build",
    "deps",
    ".gradle",
    ".idea",
    ".vscode",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".evenly",
    "evenly-out",
    "fixtures",
    "testdata",
    "examples",
    "example",
];
/// How deep a project's own projects lie, directories.
const ROOT_DEPTH_MAX: usize = 2;

/// Files that are read whole, by their names.
const WHOLE: &[&str] = &[
    "manage.py",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "pytest.ini",
    ".pytest.ini",
    "Pipfile",
    "package.json",
    "Gemfile",
    "composer.json",
    "Cargo.toml",
    "CMakeLists.txt",
    "pom.xml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    ".env.example",
    ".env.sample",
    ".gitlab-ci.yml",
];

/// How much of a file is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// That it is there.
    Name,
    /// Its first [`HEAD_BYTES`].
    Head,
    /// All of it, up to [`TEXT_BYTES_MAX`].
    Text,
}

/// Whether a directory of this name is passed over.
#[must_use]
pub fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name)
}

/// How much of the file at this path is of use.
#[must_use]
pub fn wants(path: &str) -> Want {
    let (dir, name) = split(path);
    let requirements = name.contains("requirements") || split(dir).1 == "requirements";
    let settings = name.starts_with("settings") || split(dir).1 == "settings";
    let listed = has_ending(name, "txt") && requirements || has_ending(name, "py") && settings;
    if listed || WHOLE.contains(&name) {
        Want::Text
    } else if is_python_test(name) {
        Want::Head
    } else {
        Want::Name
    }
}

/// Whether a Python file has a name that frameworks take for tests.
pub(super) fn is_python_test(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".py") else { return false };
    stem.starts_with("test") || stem.ends_with("_test")
}

/// Whether a path ends in a dot and this.
pub(super) fn has_ending(path: &str, ending: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, last)| last == ending)
}

/// A path's directory and its last part.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A path below a directory; the empty one is the project's own.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Files by their paths, `/` between parts, relative to the project; of those that were not read
/// the text is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    files: BTreeMap<String, String>,
}

impl Facts {
    /// Adds a file.
    pub fn add(&mut self, path: String, text: String) {
        self.files.insert(path, text);
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether a file was added.
    #[must_use]
    pub fn knows(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub(super) fn has(&self, dir: &str, name: &str) -> bool {
        self.files.contains_key(&join(dir, name))
    }

    /// A file's text, where there is the file.
    pub(super) fn text(&self, dir: &str, name: &str) -> Option<&str> {
        self.files.get(&join(dir, name)).map(String::as_str)
    }

    /// The first of these files that is there.
    pub(super) fn first<'n>(&self, dir: &str, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(dir, name))
    }

    /// Everything below a directory: paths relative to it, and texts.
    pub(super) fn below<'f>(&'f self, dir: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        let inside = move |path: &'f str| match dir {
            "" => Some(path),
            dir => path.strip_prefix(dir)?.strip_prefix('/'),
        };
        self.files.iter().filter_map(move |(path, text)| Some((inside(path)?, text.as_str())))
    }

    /// The directories that have a file of one of these names, the shallowest first; those inside
    /// another one are left out.
    pub(super) fn roots(&self, names: &[&str]) -> Vec<String> {
        let having = self.files.keys().map(|path| split(path));
        let having = having.filter(|(_, name)| names.contains(name));
        let mut dirs: Vec<&str> =
            having.map(|(dir, _)| dir).filter(|dir| is_own_project(dir)).collect();
        dirs.sort_by_key(|dir| (depth(dir), *dir));
        dirs.dedup();
        let mut roots: Vec<String> = Vec::new();
        for dir in dirs {
            if !roots.iter().any(|root| is_inside(dir, root)) {
                roots.push(dir.to_owned());
            }
        }
        roots
    }
}

/// Whether a directory may be a project by itself: what lies among tests is what they are made of.
fn is_own_project(dir: &str) -> bool {
    let of_tests = |part: &str| matches!(part, "test" | "tests" | "spec" | "__tests__");
    depth(dir) <= ROOT_DEPTH_MAX && !dir.split('/').any(of_tests)
}

fn depth(dir: &str) -> usize {
    if dir.is_empty() { 0 } else { dir.split('/').count() }
}

fn is_inside(dir: &str, root: &str) -> bool {
    root.is_empty() || dir.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}
