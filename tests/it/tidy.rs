//! The house rules, as tests: the layers, what the pure core may not touch, sizes, the top level,
//! where one may print, what must not be in a tracked file. `docs/architecture.md` tells the why.
//!
//! Every rule is a function from text to complaints, with a test that it can complain.

mod layers;
mod source;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

use source::Source;

/// A broken rule: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    file: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    what: String,
}

/// What stands at the top of the repository; anything else needs a reason to be there.
const TOP_LEVEL: &[&str] = &[
    ".ci",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "action.yml",
    "clippy.toml",
    "deny.toml",
    "docs",
    "pyproject.toml",
    "rustfmt.toml",
    "src",
    "templates",
    "tests",
];

/// Other people's projects, kept as they are: only the rules about secrets of a machine hold there.
const FOREIGN: &str = "tests/fixtures/";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that is in the repository or about to be, relative to its root.
fn tracked() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is needed to know which files are tracked");
    let errors = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "git ls-files: {errors}");
    let names = String::from_utf8(listed.stdout).expect("tracked names are UTF-8");
    let mut files: Vec<String> = names
        .split_terminator('\0')
        .filter(|name| root().join(name).is_file())
        .map(str::to_owned)
        .collect();
    files.sort_unstable();
    files.dedup();
    assert!(files.iter().any(|file| file == "src/main.rs"), "not this repository: {files:?}");
    files
}

/// The tracked files with these endings and not of foreign projects, with their text.
fn own_files(endings: &[&str]) -> Vec<(String, String)> {
    let wanted = |name: &String| {
        !name.starts_with(FOREIGN) && endings.iter().any(|ending| name.ends_with(ending))
    };
    tracked().into_iter().filter(wanted).map(|name| (name.clone(), read(&name))).collect()
}

fn read(name: &str) -> String {
    let path: PathBuf = root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files of the product itself.
fn product() -> Vec<Source> {
    let files = own_files(&[".rs"]);
    let sources: Vec<_> = files
        .iter()
        .filter(|(name, _)| name.starts_with("src/"))
        .map(|(name, text)| Source::new(name, text))
        .collect();
    assert!(sources.len() > 5, "the product's sources were not found");
    sources
}

fn refuse(complaints: Vec<Complaint>) {
    let mut lines: Vec<String> = complaints
        .into_iter()
        .map(|Complaint { file, line, what }| format!("{file}:{line}: {what}"))
        .collect();
    lines.sort();
    lines.dedup();
    assert!(lines.is_empty(), "{} broken:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn imports_go_down_the_layers() {
    refuse(product().iter().flat_map(layers::edges).collect());
}

#[test]
fn the_core_touches_nothing_outside() {
    refuse(product().iter().flat_map(layers::impurities).collect());
}

#[test]
fn one_file_prints() {
    refuse(product().iter().flat_map(layers::prints).collect());
}

#[test]
fn lints_are_expected_never_allowed() {
    let sources = own_files(&[".rs"]);
    let sources = sources.iter().map(|(name, text)| Source::new(name, text));
    refuse(sources.flat_map(|source| layers::allows(&source)).collect());
}

#[test]
fn every_rust_file_says_what_it_is() {
    refuse(
        own_files(&[".rs"])
            .iter()
            .flat_map(|(name, text)| text::undocumented(name, text))
            .collect(),
    );
}

#[test]
fn files_and_lines_are_short() {
    let files = own_files(&[".rs", ".py", ".sh", "tests/run", ".ci/run"]);
    refuse(files.iter().flat_map(|(name, text)| text::too_big(name, text)).collect());
}

#[test]
fn the_top_level_is_what_it_should_be() {
    refuse(text::strangers(&tracked(), TOP_LEVEL));
}

#[test]
fn links_lead_somewhere() {
    let files = tracked();
    let pages = own_files(&[".md"]);
    refuse(pages.iter().flat_map(|(name, text)| text::dead_links(name, text, &files)).collect());
}

#[test]
fn no_file_knows_a_machine() {
    let complaints = tracked().into_iter().flat_map(|name| {
        let bytes = std::fs::read(root().join(&name)).expect("a tracked file can be read");
        text::machine_bound(&name, &String::from_utf8_lossy(&bytes))
    });
    refuse(complaints.collect());
}

#[test]
fn shims_need_nothing_installed() {
    let shims: Vec<_> =
        own_files(&[".py"]).into_iter().filter(|(name, _)| name.starts_with("src/shim/")).collect();
    if shims.is_empty() {
        return;
    }
    let listed = Command::new("python3")
        .args(["-c", "import sys; print(*sys.stdlib_module_names)"])
        .output()
        .expect("python3 is needed to know its standard library");
    let listed = String::from_utf8(listed.stdout).expect("module names are ASCII");
    let library: Vec<&str> = listed.split_whitespace().collect();
    assert!(library.contains(&"unittest"), "python3 told no standard library: {library:?}");
    refuse(
        shims.iter().flat_map(|(name, text)| text::foreign_imports(name, text, &library)).collect(),
    );
}
