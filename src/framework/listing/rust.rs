//! Listings of cargo's tools.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::super::preset::nextest_literal;
use super::{ListError, ListedGroup, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NextestListing {
    rust_suites: BTreeMap<String, NextestBinary>,
}

#[derive(Debug, Deserialize)]
struct NextestBinary {
    testcases: BTreeMap<String, NextestTest>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NextestTest {
    filter_match: NextestMatch,
}

#[derive(Debug, Deserialize)]
struct NextestMatch {
    status: String,
}

/// See [`super::ListFormat::Nextest`].
pub(super) fn nextest(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let listing: NextestListing = json(stdout, "nextest's JSON")?;
    let group = |(binary, NextestBinary { testcases }): (String, NextestBinary)| {
        let runs = |test: &NextestTest| test.filter_match.status == "matches";
        let tests: Vec<String> = testcases
            .iter()
            .filter(|(_, test)| runs(test))
            .map(|(name, _)| format!("{binary}::{name}"))
            .collect();
        // nextest calls it an error to run a binary without a test.
        (!tests.is_empty()).then(|| ListedGroup {
            argument: format!("--filterset=binary_id(={})", nextest_literal(&binary)).into(),
            name: binary,
            tests: Some(tests),
            exclusive: false,
        })
    };
    Ok(listing.rust_suites.into_iter().filter_map(group).collect())
}

/// Between all tests and those that are ignored.
const IGNORED: &str = "--- ignored";

/// See [`super::ListFormat::CargoTest`].
pub(super) fn cargo_test(stdout: &[u8]) -> Vec<ListedGroup> {
    let text = String::from_utf8_lossy(stdout);
    let (all, ignored) = text.split_once(IGNORED).unwrap_or((&text, ""));
    let ignored: BTreeSet<&str> = tests_of(ignored).collect();
    let all: BTreeSet<&str> = tests_of(all).filter(|test| !ignored.contains(test)).collect();
    let group = |test: &str| ListedGroup {
        name: test.to_owned(),
        argument: test.as_bytes().to_vec(),
        tests: None,
        exclusive: false,
    };
    all.into_iter().map(group).collect()
}

/// The lines of libtest that name tests, and no benchmarks.
fn tests_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_suffix(": test"))
}

#[cfg(test)]
mod tests {
    use super::super::{ListFormat, ListedGroup, parse};

    #[test]
    fn nextest_lists_what_it_would_run() {
        let text = r#"{"rust-suites":{
            "a::b":{"testcases":{
                "m::t":{"ignored":false,"filter-match":{"status":"matches"}},
                "i":{"ignored":true,"filter-match":{"status":"mismatch","reason":"ignored"}}}},
            "empty":{"testcases":{}}}}"#;
        let groups = parse(ListFormat::Nextest, text.as_bytes()).unwrap();
        let expected = ListedGroup {
            name: "a::b".into(),
            argument: b"--filterset=binary_id(=a::b)".to_vec(),
            tests: Some(vec!["a::b::m::t".into()]),
            exclusive: false,
        };
        assert_eq!(groups, [expected]);
    }

    #[test]
    fn cargo_lists_a_test_once_and_no_ignored_one() {
        let text = "a::t: test\nb: test\nslow: bench\n\nb: test\ni: test\n--- ignored\ni: test\n";
        let groups = parse(ListFormat::CargoTest, text.as_bytes()).unwrap();
        let names: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
        assert_eq!(names, ["a::t", "b"]);
    }
}
