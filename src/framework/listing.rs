//! What a framework answers when it is asked for its tests.

mod lines;
mod node;
mod rust;
mod trees;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The form of a listing on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFormat {
    /// One group a line. Blank lines are skipped, a carriage return at the end is dropped.
    Lines,
    /// The JSON of our shims: `{"format": 1, "groups": [{"name": …, "tests": […]}]}`, and under
    /// `"broken"` the files that cannot be read.
    Shim,
    /// `cargo nextest list --message-format json`: a group is a test binary.
    Nextest,
    /// A first line with the directory that paths are shown relative to, then
    /// `jest --listTests --json`. Other lines are noise.
    Jest,
    /// A first line with the directory that paths are shown relative to, then the file that
    /// `vitest list --filesOnly --json` writes.
    Vitest,
    /// `playwright test --list --reporter=json`: a group is a file.
    Playwright,
    /// `rspec --dry-run --format json`: a group is a file.
    Rspec,
    /// `phpunit --list-tests-xml`: a group is a class.
    Phpunit,
    /// `cargo test -- --list` with what cargo says of it, a line `--- ignored`, and the same of
    /// ignored tests: a group is a test, or all doc tests.
    CargoTest,
    /// `dotnet test --list-tests`: a group is a class.
    Dotnet,
    /// `ctest --show-only=json-v1`: a group is a test, and all that need the same fixtures.
    Ctest,
}

/// A group as a framework listed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its name. Bytes that are not UTF-8 appear as `\xNN`.
    pub name: String,
    /// What selects it on the command line.
    pub argument: Vec<u8>,
    /// Its tests' names, where the framework lists them; never empty then.
    pub tests: Option<Vec<String>>,
    /// Whether the framework says that nothing may run beside it.
    pub exclusive: bool,
}

/// Why a listing was refused.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is not what the format says.
    #[error("the listing is not {expected}: {error}; it begins with `{start}`")]
    Json {
        /// What was expected.
        expected: &'static str,
        /// Where it departs from that.
        error: serde_json::Error,
        /// Its first characters.
        start: String,
    },
    /// Its first line is not a directory, or no line is a list.
    #[error("the listing is not a directory and then jest's JSON list; it begins with `{0}`")]
    Jest(String),
    /// It is not XML.
    #[error("the listing is not {expected}: {error}; it begins with `{start}`")]
    Xml {
        /// What was expected.
        expected: &'static str,
        /// Where it departs from that.
        error: Box<str>,
        /// Its first characters.
        start: Box<str>,
    },
    /// A shim of another version of evenly.
    #[error("the shim's listing has format {0}, and this evenly reads format {FORMAT}")]
    Format(u32),
    /// The framework could not read some of its tests, so they would be left out of every shard.
    #[error("tests cannot be collected from {}", shown_broken(.0))]
    Broken(Vec<Broken>),
}

/// A file or module from which tests cannot be collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The file or module.
    pub name: String,
    /// What is wrong with it, one line.
    pub message: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.name, self.message)
    }
}

/// The version of the shims' JSON.
const FORMAT: u32 = 1;

/// How many broken files a message names.
const BROKEN_SHOWN_MAX: usize = 5;

/// How much of a listing an error shows, characters.
const START_CHARS_MAX: usize = 80;

/// What our shims print. Unknown keys are tolerated.
#[derive(Debug, Deserialize)]
struct ShimListing {
    format: u32,
    groups: Vec<ShimGroup>,
    #[serde(default)]
    broken: Vec<Broken>,
}

#[derive(Debug, Deserialize)]
struct ShimGroup {
    name: String,
    /// The bytes that select it, where they are not its name's.
    argument: Option<Vec<u8>>,
    tests: Option<Vec<String>>,
}

/// Reads the standard output of a command that lists tests. The groups keep the framework's order;
/// whether they are unique is for the caller to see.
///
/// # Errors
/// When the text is not what the format says, or says that tests are broken.
pub fn parse(format: ListFormat, stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    match format {
        ListFormat::Lines => Ok(lines::lines(stdout)),
        ListFormat::Shim => shim(stdout),
        ListFormat::Nextest => rust::nextest(stdout),
        ListFormat::Jest => node::jest(stdout),
        ListFormat::Vitest => node::vitest(stdout),
        ListFormat::Playwright => node::playwright(stdout),
        ListFormat::Rspec => trees::rspec(stdout),
        ListFormat::Phpunit => trees::phpunit(stdout),
        ListFormat::CargoTest => rust::cargo_test(stdout),
        ListFormat::Dotnet => Ok(lines::dotnet(stdout)),
        ListFormat::Ctest => trees::ctest(stdout),
    }
}

fn shim(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let listing: ShimListing = json(stdout, "what evenly's shim prints")?;
    if listing.format != FORMAT {
        return Err(ListError::Format(listing.format));
    }
    if !listing.broken.is_empty() {
        return Err(ListError::Broken(listing.broken));
    }
    let group = |ShimGroup { name, argument, tests }: ShimGroup| ListedGroup {
        argument: argument.unwrap_or_else(|| name.clone().into_bytes()),
        name,
        tests,
        exclusive: false,
    };
    Ok(listing.groups.into_iter().map(group).collect())
}

fn json<'a, T: Deserialize<'a>>(stdout: &'a [u8], expected: &'static str) -> Result<T, ListError> {
    serde_json::from_slice(stdout).map_err(|error| ListError::Json {
        expected,
        error,
        start: start(stdout),
    })
}

fn start(stdout: &[u8]) -> String {
    let line = stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
    shown(line).chars().take(START_CHARS_MAX).collect()
}

/// A regular expression, in the dialects of PCRE and `CMake`, that this text alone matches.
fn pattern(text: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '.' | '\\' | '+' | '*' | '?' | '[' | '^' | ']' | '$' | '(' | ')' | '|' | '-' | '/' => {
                out.extend(['\\', c]);
            }
            c => out.push(c),
        }
    }
    out.into_bytes()
}

fn shown_broken(broken: &[Broken]) -> String {
    let first: Vec<String> = broken.iter().take(BROKEN_SHOWN_MAX).map(Broken::to_string).collect();
    match broken.len().saturating_sub(BROKEN_SHOWN_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Bytes as text, in which those that are not UTF-8 appear as `\xNN`: what a group is called that
/// these bytes select.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.push_str(&chunk.invalid().escape_ascii().to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_shims_broken_files_are_an_error_that_names_them() {
        let text = r#"{"format":1,"groups":[{"name":"a.py","tests":["a.py::t"]}],
            "broken":[{"name":"b.py","message":"SyntaxError: x"}]}"#;
        let error = parse(ListFormat::Shim, text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "tests cannot be collected from `b.py` (SyntaxError: x)");
    }

    #[test]
    fn a_shims_groups_have_the_bytes_that_select_them() {
        let text = r#"{"format":1,"new":0,"groups":[{"name":"\\xff","argument":[255]},
            {"name":"a","tests":["a.T.t"]}]}"#;
        let groups = parse(ListFormat::Shim, text.as_bytes()).unwrap();
        assert_eq!(groups[0].argument, b"\xff");
        assert_eq!(groups[1].argument, b"a");
        assert_eq!(groups[1].tests.as_deref(), Some(&["a.T.t".to_owned()][..]));
    }

    #[test]
    fn a_listing_of_another_format_or_none_is_refused() {
        let other = parse(ListFormat::Shim, br#"{"format":2,"groups":[]}"#).unwrap_err();
        assert!(other.to_string().contains("format 2"), "{other}");
        let noise = parse(ListFormat::Shim, b"Traceback\n x").unwrap_err();
        assert!(noise.to_string().ends_with("it begins with `Traceback`"), "{noise}");
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_reader(bytes: Vec<u8>) {
            for format in [
                ListFormat::Lines,
                ListFormat::Shim,
                ListFormat::Nextest,
                ListFormat::Jest,
                ListFormat::Vitest,
                ListFormat::Playwright,
                ListFormat::Rspec,
                ListFormat::Phpunit,
                ListFormat::CargoTest,
                ListFormat::Dotnet,
                ListFormat::Ctest,
            ] {
                let _ = parse(format, &bytes);
            }
        }
    }
}
