//! The rules that need no grammar: sizes, headings, the top level, what names a machine.

use super::Complaint;

const FILE_LINES_MAX: usize = 500;
const LINE_COLUMNS_MAX: usize = 100;

/// Home and work folders of somebody's machine. In pieces, so that this file has none of them.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Where packages come from is a setting of the machine, not of the project. In pieces, as above.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("index.cra", "tes.io/"),
    concat!("static.cra", "tes.io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("deb.deb", "ian.org"),
    concat!("proxy.go", "lang.org"),
];

fn complaint(file: &str, line: usize, what: String) -> Complaint {
    Complaint { file: file.to_owned(), line, what }
}

/// Files and lines beyond the limits.
pub(super) fn too_big(file: &str, text: &str) -> Vec<Complaint> {
    let lines = text.lines().count();
    let long_file = (lines > FILE_LINES_MAX).then(|| {
        complaint(file, 0, format!("{lines} lines, at most {FILE_LINES_MAX}: split it by concern"))
    });
    let long_lines = text.lines().zip(1..).filter_map(|(text, line)| {
        let columns = text.chars().count();
        (columns > LINE_COLUMNS_MAX).then(|| {
            complaint(file, line, format!("{columns} columns, at most {LINE_COLUMNS_MAX}"))
        })
    });
    long_file.into_iter().chain(long_lines).collect()
}

/// A Rust file that does not begin by saying what it is. The name `tests.rs` says it.
pub(super) fn undocumented(file: &str, text: &str) -> Vec<Complaint> {
    if text.starts_with("//! ") || file.ends_with("/tests.rs") {
        return Vec::new();
    }
    vec![complaint(file, 1, "begin with a `//! ` line: what the module promises".to_owned())]
}

/// Top-level entries that are not expected, and expected ones that are not there.
pub(super) fn strangers(files: &[String], expected: &[&str]) -> Vec<Complaint> {
    let mut found: Vec<&str> = files.iter().filter_map(|file| file.split('/').next()).collect();
    found.dedup();
    let new = found.iter().filter(|entry| !expected.contains(entry)).map(|entry| {
        complaint(entry, 0, "not one of TOP_LEVEL in tests/it/tidy.rs: does it belong?".to_owned())
    });
    let gone = expected.iter().filter(|entry| !found.contains(entry)).map(|entry| {
        complaint(entry, 0, "in TOP_LEVEL of tests/it/tidy.rs, but not tracked".to_owned())
    });
    new.chain(gone).collect()
}

/// Paths of one machine, and hosts that packages came from.
pub(super) fn machine_bound(file: &str, text: &str) -> Vec<Complaint> {
    let told = text.lines().zip(1..).flat_map(|(text, line)| {
        let paths = MACHINE_PATHS.iter().filter(move |path| starts_a_path(text, path));
        let hosts = REGISTRY_HOSTS.iter().filter(move |host| text.contains(*host));
        paths
            .chain(hosts)
            .map(move |what| complaint(file, line, format!("`{what}` holds on one machine alone")))
    });
    told.collect()
}

/// Links of a Markdown file to files that are not there. `files` are the tracked ones.
pub(super) fn dead_links(file: &str, text: &str, files: &[String]) -> Vec<Complaint> {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let told = text.lines().zip(1..).flat_map(|(text, line)| {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let local = targets.filter(|target| !target.is_empty() && !target.contains(':'));
        let dead = local.filter(|target| {
            let path = joined(folder, target);
            !files.iter().any(|file| *file == path || file.starts_with(&format!("{path}/")))
        });
        dead.map(move |target| complaint(file, line, format!("`{target}` is not there")))
    });
    told.collect()
}

fn joined(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = folder.split('/').collect();
    for part in target.split('/') {
        match part {
            ".." => _ = path.pop(),
            part => path.push(part),
        }
    }
    path.retain(|part| !part.is_empty() && *part != ".");
    path.join("/")
}

/// Whether an absolute path starts with `path` somewhere; a longer path may contain it.
fn starts_a_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '/' | '}' | '~'))
    })
}

/// What each shim may import beside Python's own library: the framework that it drives.
const DRIVEN: &[(&str, &[&str])] = &[
    ("django", &["django"]),
    ("trial", &["twisted"]),
    ("twisted", &["twisted"]),
    ("pytest", &["pytest", "_pytest", "pytest_django"]),
    ("pytest_databases", &["django"]),
];

/// The package that shims are of: they may import each other.
const OWN: &str = "evenly_worker";

/// Imports of a Python file beyond `library` and the framework that its name says.
pub(super) fn foreign_imports(file: &str, text: &str, library: &[&str]) -> Vec<Complaint> {
    let driven = DRIVEN.iter().filter(|(name, _)| file.contains(name));
    let driven: Vec<&str> = driven.flat_map(|(_, modules)| modules.iter().copied()).collect();
    let mut complaints = Vec::new();
    for (text, line) in text.lines().zip(1..) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let modules: Vec<&str> = match words.as_slice() {
            ["from", module, "import", ..] => vec![module],
            ["import", ..] => text.trim_start()["import".len()..].split(',').collect(),
            _ => continue,
        };
        let tops = modules.iter().filter_map(|module| module.trim().split(['.', ' ']).next());
        let ours = |top: &str| top.is_empty() || top == OWN;
        let foreign =
            tops.filter(|top| !ours(top) && !library.contains(top) && !driven.contains(top));
        complaints.extend(foreign.map(|top| {
            complaint(file, line, format!("imports `{top}`, which python3 does not bring"))
        }));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(complaints: &[Complaint]) -> Vec<usize> {
        complaints.iter().map(|complaint| complaint.line).collect()
    }

    #[test]
    fn sizes_are_measured_at_the_limit() {
        assert_eq!(too_big("a", &"x\n".repeat(500)), []);
        assert_eq!(lines(&too_big("a", &"x\n".repeat(501))), [0]);
        assert_eq!(too_big("a", &"é".repeat(100)), []);
        assert_eq!(lines(&too_big("a", &format!("x\n{}", "é".repeat(101)))), [2]);
    }

    #[test]
    fn a_heading_is_needed() {
        assert_eq!(undocumented("a.rs", "//! What.\n"), []);
        assert_eq!(lines(&undocumented("a.rs", "// What.\n")), [1]);
        assert_eq!(lines(&undocumented("a.rs", "")), [1]);
        assert_eq!(undocumented("src/a/tests.rs", "use super::*;\n"), []);
    }

    #[test]
    fn the_top_level_is_exact() {
        let files = ["README.md", "src/main.rs", "notes/x", "src/plan/mod.rs"].map(str::to_owned);
        let names: Vec<_> =
            strangers(&files, &["README.md", "docs", "src"]).into_iter().map(|c| c.file).collect();
        assert_eq!(names, ["notes", "docs"]);
    }

    #[test]
    fn a_machine_is_recognised() {
        let [one, other] = MACHINE_PATHS else { panic!("two paths") };
        let text = format!("cd {one}x\n\"{other}.cargo\"\n{one}");
        assert_eq!(lines(&machine_bound("a", &text)), [1, 2, 3]);
        assert_eq!(
            machine_bound("a", &format!("https://host{one}x a{other}b ./x{one} ~{one}")),
            []
        );
        for host in REGISTRY_HOSTS {
            assert_eq!(lines(&machine_bound("a", &format!("\nhttps://{host}/x"))), [2]);
        }
    }

    #[test]
    fn a_dead_link_is_found() {
        let files = ["README.md", "docs/guide/a.md"].map(str::to_owned);
        let text = "[a](guide/a.md#x) [b](guide/)\n[c](../README.md) [d](gone.md)\n\
                    [e](https://x/gone) [f](#here) [g](../gone/)";
        assert_eq!(lines(&dead_links("docs/index.md", text, &files)), [2, 3]);
        assert_eq!(dead_links("README.md", "[a](docs/guide/a.md) [b](./docs)", &files), []);
    }

    #[test]
    fn a_shim_imports_its_framework_alone() {
        let text = "import os, sys\nfrom json import loads\nimport requests.x as r\n    \
                    from django.test import X\nimportant = 1\nfrom . import x\n";
        let library = ["os", "sys", "json"];
        assert_eq!(lines(&foreign_imports("src/shim/unittest.py", text, &library)), [3, 4]);
        assert_eq!(lines(&foreign_imports("src/shim/django.py", text, &library)), [3]);
    }
}
