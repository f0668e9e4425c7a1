//! Listings of JavaScript's tools.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{ListError, ListedGroup, json, pattern, start};

/// See [`super::ListFormat::Jest`].
pub(super) fn jest(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let refused = || ListError::Jest(start(stdout));
    let text = std::str::from_utf8(stdout).map_err(|_| refused())?;
    let (directory, rest) = text.split_once('\n').ok_or_else(refused)?;
    // A configuration file may print what it likes.
    let paths = rest.lines().rev().find_map(|line| serde_json::from_str::<Vec<String>>(line).ok());
    let paths = paths.ok_or_else(refused)?;
    Ok(paths.iter().map(|path| file(path, directory)).collect())
}

/// A group that is a file, shown relative to a directory where it is inside.
fn file(path: &str, directory: &str) -> ListedGroup {
    let inside = path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
    let name = inside.unwrap_or(path).to_owned();
    let argument = name.clone().into_bytes();
    ListedGroup { argument, name, tests: None, exclusive: false }
}

#[derive(Debug, Deserialize)]
struct VitestFile {
    file: String,
}

/// See [`super::ListFormat::Vitest`]. A file of several projects is one group.
pub(super) fn vitest(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let cut = stdout.iter().position(|byte| *byte == b'\n').unwrap_or(stdout.len());
    let (directory, rest) = stdout.split_at(cut);
    let directory = String::from_utf8_lossy(directory);
    let files: Vec<VitestFile> = json(rest, "a directory and then vitest's JSON list")?;
    let files: BTreeSet<String> = files.into_iter().map(|found| found.file).collect();
    Ok(files.iter().map(|path| file(path, &directory)).collect())
}

#[derive(Debug, Deserialize)]
struct PlaywrightListing {
    config: PlaywrightConfig,
    suites: Vec<PlaywrightSuite>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlaywrightConfig {
    root_dir: String,
}

#[derive(Debug, Deserialize)]
struct PlaywrightSuite {
    file: String,
}

/// See [`super::ListFormat::Playwright`]. Playwright takes a file as a regular expression: this one
/// matches it alone.
pub(super) fn playwright(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let listing: PlaywrightListing = json(stdout, "Playwright's JSON report")?;
    let root = listing.config.root_dir;
    // A file has a suite for each project.
    let files: BTreeSet<String> = listing.suites.into_iter().map(|suite| suite.file).collect();
    let group = |name: String| {
        let path = if name.starts_with('/') { name.clone() } else { format!("{root}/{name}") };
        let argument = [&b"/^"[..], &pattern(&path), b"$/"].concat();
        ListedGroup { argument, name, tests: None, exclusive: false }
    };
    Ok(files.into_iter().map(group).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{ListFormat, parse};

    fn names(format: ListFormat, text: &str) -> Vec<String> {
        let groups = parse(format, text.as_bytes()).unwrap();
        groups.into_iter().map(|group| group.name).collect()
    }

    #[test]
    fn jest_paths_are_relative_to_the_first_line_whatever_is_between() {
        let text = "/p\nnoise [1]\n[\"/p/a b.test.js\",\"/pq/c.test.js\"]\n";
        assert_eq!(names(ListFormat::Jest, text), ["a b.test.js", "/pq/c.test.js"]);
        assert_eq!(names(ListFormat::Jest, "/p\n[]\n"), [""; 0]);
        assert!(parse(ListFormat::Jest, b"/p\nNo tests found\n").is_err());
        assert!(parse(ListFormat::Jest, b"").is_err());
    }

    #[test]
    fn a_file_of_two_vitest_projects_is_one_group() {
        let text = "/p\n[{\"file\":\"/p/b.test.ts\",\"projectName\":\"x\"},\
                    {\"file\":\"/p/a [1].test.ts\"},{\"file\":\"/p/b.test.ts\"}]";
        assert_eq!(names(ListFormat::Vitest, text), ["a [1].test.ts", "b.test.ts"]);
        assert!(parse(ListFormat::Vitest, b"/p\nNo test files found").is_err());
    }

    #[test]
    fn playwright_selects_a_file_by_a_pattern_of_its_own() {
        let text = r#"{"config":{"rootDir":"/p/e2e"},"errors":[],
            "suites":[{"file":"a+b.spec.ts","title":"t"},{"file":"a+b.spec.ts","title":"t"}]}"#;
        let groups = parse(ListFormat::Playwright, text.as_bytes()).unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].name, "a+b.spec.ts");
        assert_eq!(groups[0].argument, br"/^\/p\/e2e\/a\+b\.spec\.ts$/");
    }
}
