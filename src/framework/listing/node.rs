//! Listings of JavaScript's tools.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Broken, ListError, ListedGroup, json, pattern, start};

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

/// A group that is a file, shown relative to a directory: absolute paths differ between machines,
/// and JUnit has relative ones.
fn file(path: &str, directory: &str) -> ListedGroup {
    let name = relative(path, directory);
    let argument = name.clone().into_bytes();
    ListedGroup { argument, name, tests: None, exclusive: false }
}

fn relative(path: &str, directory: &str) -> String {
    let (parts, from): (Vec<&str>, Vec<&str>) =
        (path.split('/').collect(), directory.split('/').collect());
    let common = parts.iter().zip(&from).take_while(|(part, other)| part == other).count();
    let up = from[common..].iter().map(|_| "..");
    up.chain(parts[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

/// A path below another without `..`, as tools that resolve it show it.
fn resolved(directory: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = directory.split('/').collect();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
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
    /// The command line, where the version tells it.
    argv: Option<Vec<String>>,
    /// The projects that were asked for, where the version tells them.
    #[serde(default)]
    filtered_projects: Vec<PlaywrightProject>,
}

#[derive(Debug, Deserialize)]
struct PlaywrightProject {
    name: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl PlaywrightConfig {
    /// Tests of projects that others depend on would run with each group, or not before it.
    fn refuse_dependencies(&self) -> Result<(), ListError> {
        let Some(argv) = &self.argv else { return Ok(()) };
        let chosen: BTreeSet<&String> =
            self.filtered_projects.iter().map(|one| &one.name).collect();
        let without = argv.iter().any(|arg| arg == "--no-deps");
        let wrong = |project: &&PlaywrightProject| {
            project.dependencies.iter().any(|name| !without || chosen.contains(name))
        };
        let broken = |project: &PlaywrightProject| Broken {
            name: project.name.clone(),
            message: format!(
                "the project depends on `{}`, whose tests would run with each of its files: run \
                 them before evenly, and here this alone: `args = [\"--no-deps\", \
                 \"--project={}\"]`",
                project.dependencies.join("`, `"),
                project.name
            ),
        };
        let broken: Vec<Broken> = self.filtered_projects.iter().filter(wrong).map(broken).collect();
        if broken.is_empty() { Ok(()) } else { Err(ListError::Broken(broken)) }
    }
}

#[derive(Debug, Deserialize)]
struct PlaywrightSuite {
    file: String,
}

/// See [`super::ListFormat::Playwright`]. Playwright takes a file as a regular expression: this one
/// matches it alone.
pub(super) fn playwright(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let listing: PlaywrightListing = json(stdout, "Playwright's JSON report")?;
    listing.config.refuse_dependencies()?;
    let root = listing.config.root_dir;
    // A file has a suite for each project.
    let files: BTreeSet<String> = listing.suites.into_iter().map(|suite| suite.file).collect();
    let group = |name: String| {
        let argument = [&b"/^"[..], &pattern(&resolved(&root, &name)), b"$/"].concat();
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
        assert_eq!(names(ListFormat::Jest, text), ["a b.test.js", "../pq/c.test.js"]);
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
        let outside = text.replace("a+b", "../x/a");
        let groups = parse(ListFormat::Playwright, outside.as_bytes()).unwrap();
        assert_eq!(groups[0].argument, br"/^\/p\/x\/a\.spec\.ts$/");
    }

    #[test]
    fn playwrights_projects_that_depend_on_others_are_refused_unless_these_are_left_out() {
        let listing = |args: &str, projects: &str| {
            let text = format!(
                r#"{{"config":{{"rootDir":"/p","argv":[{args}],"filteredProjects":[{projects}]}},
                "suites":[{{"file":"a.spec.ts"}}]}}"#
            );
            parse(ListFormat::Playwright, text.as_bytes())
        };
        let main = r#"{"name":"main","dependencies":["setup"]}"#;
        let both = &format!(r#"{{"name":"setup","dependencies":[]}},{main}"#);
        let told = listing("", both).unwrap_err().to_string();
        assert!(told.contains("`main`") && told.contains("--project=main"), "{told}");
        assert!(listing(r#""--project=main""#, main).is_err());
        assert!(listing(r#""--no-deps""#, both).is_err());
        assert!(listing(r#""--no-deps","--project=main""#, main).is_ok());
    }
}
