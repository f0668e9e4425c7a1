//! Listings of cargo's tools.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::preset::nextest_literal;
use super::{Broken, ListError, ListedGroup, json};

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

/// The group of all doc tests.
const DOC_TESTS: &str = "doc tests";

/// See [`super::ListFormat::CargoTest`].
pub(super) fn cargo_test(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let text = String::from_utf8_lossy(stdout);
    let (all, ignored) = text.split_once(IGNORED).unwrap_or((&text, ""));
    refuse_silent(all)?;
    // A name may be ignored in one binary and not in another.
    let mut counts: BTreeMap<&str, isize> = BTreeMap::new();
    for test in tests_of(all) {
        *counts.entry(test).or_default() += 1;
    }
    for test in tests_of(ignored) {
        *counts.entry(test).or_default() -= 1;
    }
    let run = counts.into_iter().filter(|(_, count)| *count > 0);
    let (docs, tests): (Vec<&str>, Vec<&str>) =
        run.map(|(test, _)| test).partition(|test| test.contains(" - ") && test.contains("(line "));
    let group = |name: &str, argument: &str| ListedGroup {
        name: name.to_owned(),
        argument: argument.as_bytes().to_vec(),
        tests: None,
        exclusive: false,
    };
    let mut groups: Vec<_> = tests.into_iter().map(|test| group(test, test)).collect();
    if !docs.is_empty() {
        groups.push(group(DOC_TESTS, "--doc"));
    }
    Ok(groups)
}

/// Refuses programs that listed nothing when they were asked: their tests would never run.
fn refuse_silent(all: &str) -> Result<(), ListError> {
    let mut silent: Vec<Broken> = Vec::new();
    let mut open: Option<&str> = None;
    let message = "its harness is not Rust's and lists no tests: leave it out by `args`, such as \
                   `--lib` and `--test NAME`, and run it in a suite with `framework = \"command\"`";
    let broken = |name: &str| Broken { name: name.to_owned(), message: message.to_owned() };
    for line in all.lines() {
        let line = line.trim();
        if line.starts_with("Running ") || line.starts_with("Doc-tests ") {
            silent.extend(open.replace(line).map(broken));
        } else if [": test", ": benchmark", ": bench", " benchmarks"]
            .iter()
            .any(|end| line.ends_with(end))
        {
            open = None;
        }
    }
    silent.extend(open.map(broken));
    if silent.is_empty() { Ok(()) } else { Err(ListError::Broken(silent)) }
}

/// The lines of libtest that name tests, and no benchmarks, behind what cargo says of the build.
fn tests_of(text: &str) -> impl Iterator<Item = &str> {
    let begin = text.find("     Running ").or_else(|| text.find("   Doc-tests ")).unwrap_or(0);
    text[begin..].lines().filter_map(|line| line.strip_suffix(": test"))
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

    const CARGO: &str = "warning: x: test\n    Finished `test` profile\n     \
                         Running unittests src/lib.rs (target/a-1)\nt: test\n\n\
                         1 test, 0 benchmarks\n     Running tests/b.rs (target/b-1)\nt: test\n\n\
                         1 test, 0 benchmarks\n   Doc-tests a\nsrc/lib.rs - f (line 1): test\n\
                         src/lib.rs - f (line 9) - compile fail: test\n\n2 tests, 0 benchmarks\n";

    #[test]
    fn cargo_keeps_a_test_that_is_ignored_in_another_binary_and_doc_tests_in_one_group() {
        let text = format!("{CARGO}--- ignored\nt: test\n");
        let groups = parse(ListFormat::CargoTest, text.as_bytes()).unwrap();
        let found: Vec<_> = groups.iter().map(|group| (&*group.name, &*group.argument)).collect();
        assert_eq!(found, [("t", &b"t"[..]), ("doc tests", b"--doc")]);
    }

    #[test]
    fn a_harness_that_lists_nothing_is_refused() {
        let text = format!("{CARGO}     Running tests/c.rs (target/c-1)\nall is well\n");
        let refused = parse(ListFormat::CargoTest, text.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains("`Running tests/c.rs (target/c-1)` (its harness"), "{refused}");
    }
}
