//! Failures as annotations of lines: values, no network.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::report::escape::{plain_lines, visible};
use crate::report::{RunReport, TestReport};

/// GitHub takes so many in a request.
const BATCH: usize = 50;
/// How many there are at most: beyond, nobody looks, and each request counts against limits.
pub(super) const ANNOTATIONS_MAX: usize = 500;
const TITLE_CHARS_MAX: usize = 200;
const MESSAGE_CHARS_MAX: usize = 1_000;
const LINE_CHARS_MAX: usize = 500;
const DETAIL_LINES_MAX: usize = 60;

/// One line of a file that is to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Annotation {
    path: String,
    start_line: u32,
    end_line: u32,
    #[serde(rename = "annotation_level")]
    level: &'static str,
    title: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_details: Option<String>,
}

/// The failures whose file is known. `root` is where the repository begins, `folder` where evenly
/// runs in it: files are named from there.
pub(super) fn annotations(report: &RunReport, root: &Path, folder: &Path) -> Vec<Annotation> {
    let bad = report.tests.iter().filter(|test| !test.outcome.is_good());
    bad.filter_map(|test| annotation(test, root, folder)).take(ANNOTATIONS_MAX).collect()
}

fn annotation(test: &TestReport, root: &Path, folder: &Path) -> Option<Annotation> {
    let path = in_repository(test.file.as_deref()?, root, folder)?;
    let line = test.line.unwrap_or(1).max(1);
    let told = test.telling();
    let message = told.and_then(|told| told.message.as_deref().or(told.kind.as_deref()));
    let message = message.unwrap_or(test.outcome.word());
    let detail = told.and_then(|told| told.detail.as_deref()).map(|detail| {
        let lines = plain_lines(detail, LINE_CHARS_MAX).take(DETAIL_LINES_MAX);
        lines.collect::<Vec<_>>().join("\n")
    });
    Some(Annotation {
        path,
        start_line: line,
        end_line: line,
        level: "failure",
        title: basic(&visible(&test.id.to_string(), TITLE_CHARS_MAX)),
        message: basic(&visible(message, MESSAGE_CHARS_MAX)),
        raw_details: detail.filter(|detail| !detail.is_empty()).map(|detail| basic(&detail)),
    })
}

/// GitHub refuses characters beyond the basic plane in annotations.
fn basic(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            code @ 0x1_0000.. => out.push_str(&format!("\\u{{{code:x}}}")),
            _ => out.push(c),
        }
    }
    out
}

/// The file's path from the repository's root; none for one that is not in it.
fn in_repository(file: &str, root: &Path, folder: &Path) -> Option<String> {
    if file.is_empty() {
        return None;
    }
    let file = Path::new(file);
    let joined = match file.strip_prefix(root) {
        Ok(inside) if !root.as_os_str().is_empty() => inside.to_owned(),
        Ok(_) | Err(_) => folder.join(file),
    };
    let mut path = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let text = path.to_str()?.to_owned();
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    plain.then_some(text)
}

/// As many as a request takes.
pub(super) fn batches(all: &[Annotation]) -> impl Iterator<Item = &[Annotation]> {
    all.chunks(BATCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(file: &str) -> Option<String> {
        in_repository(file, Path::new("/w/repo"), Path::new("services/web"))
    }

    #[test]
    fn a_file_is_named_from_the_repositorys_root() {
        for (file, expected) in [
            ("tests/a.py", Some("services/web/tests/a.py")),
            ("./tests/a.py", Some("services/web/tests/a.py")),
            ("/w/repo/lib/b.py", Some("lib/b.py")),
            ("../shared/c.py", Some("services/shared/c.py")),
            ("/usr/lib/python3/unittest.py", None),
            ("../../../etc/passwd", None),
            ("/w/repository/b.py", None),
            ("a\nb.py", None),
            ("", None),
        ] {
            assert_eq!(place(file).as_deref(), expected, "{file}");
        }
        let nowhere = in_repository("a.py", Path::new(""), Path::new(""));
        assert_eq!(nowhere.as_deref(), Some("a.py"));
    }

    #[test]
    fn no_character_is_beyond_the_basic_plane() {
        assert_eq!(basic("a \u{1f600} \u{20ac}"), "a \\u{1f600} \u{20ac}");
    }

    fn one(number: usize) -> Annotation {
        Annotation {
            path: number.to_string(),
            start_line: 1,
            end_line: 1,
            level: "failure",
            title: String::new(),
            message: String::new(),
            raw_details: None,
        }
    }

    proptest! {
        #[test]
        fn no_batch_is_larger_than_a_request_and_none_is_lost(count in 0..400usize) {
            let all: Vec<_> = (0..count).map(one).collect();
            prop_assert!(batches(&all).all(|batch| !batch.is_empty() && batch.len() <= 50));
            prop_assert_eq!(batches(&all).flatten().cloned().collect::<Vec<_>>(), all);
        }

        #[test]
        fn no_path_leaves_the_repository(file in "[a./~\\\\]{0,20}") {
            if let Some(path) = place(&file) {
                prop_assert!(!path.starts_with('/'));
                prop_assert!(!path.split('/').any(|part| part == ".."), "{}", path);
            }
        }
    }
}
