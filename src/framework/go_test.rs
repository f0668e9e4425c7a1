//! What `go test -json` prints, read as if it were a JUnit file: a case a test and subtest, whose
//! class is the package.
//!
//! Promises: a test that began and has no end is an error; a package that failed without a failing
//! test (its `TestMain`, a build, a panic, a race) has a case of its own; a package without any
//! test has a skipped one. Lines that are no events are what some program printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::junit::read::{Case, Document};
use crate::model::Outcome;

/// The name of the case that tells of a package without tests, or of one that broke.
const PACKAGE: &str = "[package]";

/// How much of a test's output its case keeps, bytes, at the beginning and at the end each.
const DETAIL_BYTES_MAX: usize = 32 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    action: String,
    #[serde(default)]
    package: String,
    /// In place of `package` where a build failed.
    #[serde(default)]
    import_path: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
    elapsed: Option<f64>,
}

#[derive(Debug, Default)]
struct Seen {
    output: String,
    end: Option<(Outcome, u64)>,
}

#[derive(Debug, Default)]
struct Package {
    /// In the order in which they began.
    order: Vec<String>,
    tests: BTreeMap<String, Seen>,
    own: Seen,
}

impl Package {
    fn of(&mut self, test: &str) -> &mut Seen {
        if test.is_empty() {
            return &mut self.own;
        }
        if !self.tests.contains_key(test) {
            self.order.push(test.to_owned());
        }
        self.tests.entry(test.to_owned()).or_default()
    }
}

/// Reads the events.
#[must_use]
pub fn read(bytes: &[u8]) -> Document {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        let Line { action, package, import_path, test, output, elapsed } = line;
        let name = if package.is_empty() {
            // `example.com/a [example.com/a.test]` is the build of a's tests.
            import_path.split(' ').next().unwrap_or_default().to_owned()
        } else {
            package
        };
        let seen = packages.entry(name).or_default().of(&test);
        match action.as_str() {
            "output" | "build-output" => seen.output.push_str(&output),
            "pass" | "bench" => seen.end = Some((Outcome::Passed, micros(elapsed))),
            "skip" => seen.end = Some((Outcome::Skipped, micros(elapsed))),
            "fail" => seen.end = Some((Outcome::Failed, micros(elapsed))),
            _ => {}
        }
    }
    let cases = packages.iter().flat_map(|(name, package)| cases(name, package));
    Document { cases: cases.collect(), ..Document::default() }
}

/// What the tests printed, as `go test` shows it.
#[must_use]
pub fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice::<Line>(line) {
            Ok(line) => out.extend_from_slice(line.output.as_bytes()),
            Err(_) => out.extend_from_slice(line),
        }
    }
    out
}

fn micros(elapsed: Option<f64>) -> u64 {
    let seconds = elapsed.filter(|seconds| seconds.is_finite() && *seconds > 0.0).unwrap_or(0.0);
    std::time::Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|elapsed| u64::try_from(elapsed.as_micros()).ok())
        .unwrap_or(u64::MAX)
}

fn cases(name: &str, package: &Package) -> Vec<Case> {
    let mut cases = Vec::new();
    for test in &package.order {
        let seen = &package.tests[test];
        let (outcome, duration_us) = seen.end.unwrap_or((Outcome::Errored, 0));
        // A parent fails with its subtests: what they say is enough.
        let message = match outcome {
            Outcome::Passed => None,
            Outcome::Skipped | Outcome::Failed => first_words(&seen.output),
            Outcome::Errored => Some("it began and did not end: the process did".to_owned()),
        };
        cases.push(case(name, test, outcome, duration_us, message, &seen.output));
    }
    let end = package.own.end;
    let bad = cases.iter().any(|case| !case.outcome.is_good());
    let own = match end {
        Some((Outcome::Failed, _)) if !bad => Some((Outcome::Errored, "the package failed")),
        Some((Outcome::Failed, _)) => None,
        Some(_) if cases.is_empty() => Some((Outcome::Skipped, "no tests to run")),
        Some(_) => None,
        None => Some((Outcome::Errored, "its package began and did not end")),
    };
    if let Some((outcome, message)) = own {
        let message = Some(message.to_owned());
        cases.push(case(name, PACKAGE, outcome, 0, message, &package.own.output));
    }
    cases
}

fn case(
    package: &str,
    test: &str,
    outcome: Outcome,
    duration_us: u64,
    message: Option<String>,
    output: &str,
) -> Case {
    Case {
        suite: Arc::from(package),
        class: package.to_owned(),
        name: test.to_owned(),
        outcome,
        duration_us: Some(duration_us),
        message,
        kind: None,
        detail: (!outcome.is_good()).then(|| bounded(output)),
        file: None,
        line: None,
        timestamp: None,
        output: None,
        error_output: None,
        properties: Vec::new(),
        reruns: Vec::new(),
    }
}

/// The first line that is the test's own.
fn first_words(output: &str) -> Option<String> {
    let own =
        |line: &&str| !line.is_empty() && !line.starts_with("===") && !line.starts_with("---");
    output.lines().map(str::trim).find(own).map(str::to_owned)
}

fn bounded(text: &str) -> String {
    if text.len() <= 2 * DETAIL_BYTES_MAX {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(DETAIL_BYTES_MAX);
    let tail = text.ceil_char_boundary(text.len() - DETAIL_BYTES_MAX);
    format!("{}\n[… {} bytes …]\n{}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(String, Outcome, Option<String>)> {
        let told =
            |case: Case| (format!("{}::{}", case.class, case.name), case.outcome, case.message);
        read(text.as_bytes()).cases.into_iter().map(told).collect()
    }

    #[test]
    fn tests_and_subtests_are_cases_of_their_package() {
        let text = r#"{"Action":"run","Package":"x/a","Test":"TestA"}
{"Action":"output","Package":"x/a","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"x/a","Test":"TestA/b c","Output":"    a_test.go:9: got 1\n"}
{"Action":"fail","Package":"x/a","Test":"TestA/b c","Elapsed":0.25}
{"Action":"fail","Package":"x/a","Test":"TestA","Elapsed":0.5}
{"Action":"skip","Package":"x/a","Test":"TestS","Elapsed":0}
{"Action":"fail","Package":"x/a","Elapsed":0.7}
"#;
        let cases = read(text.as_bytes()).cases;
        assert_eq!(cases[1].duration_us, Some(250_000));
        assert_eq!(cases[1].detail.as_deref(), Some("    a_test.go:9: got 1\n"));
        let expected = [
            ("x/a::TestA".to_owned(), Outcome::Failed, None),
            ("x/a::TestA/b c".to_owned(), Outcome::Failed, Some("a_test.go:9: got 1".to_owned())),
            ("x/a::TestS".to_owned(), Outcome::Skipped, None),
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn what_has_no_end_or_no_test_is_told() {
        let text = r#"{"Action":"run","Package":"x/dies","Test":"TestDies"}
{"Action":"output","Package":"x/dies","Output":"panic: os.Exit\n"}
{"Action":"fail","Package":"x/dies"}
{"Action":"output","Package":"x/unbuilt","Output":"FAIL\tx/unbuilt [build failed]\n"}
{"Action":"fail","Package":"x/unbuilt"}
{"Action":"pass","Package":"x/empty"}
{"Action":"start","Package":"x/gone"}
noise
"#;
        let found = found(text);
        let told: Vec<_> = found.iter().map(|(name, outcome, _)| (&**name, *outcome)).collect();
        let expected = [
            ("x/dies::TestDies", Outcome::Errored),
            ("x/empty::[package]", Outcome::Skipped),
            ("x/gone::[package]", Outcome::Errored),
            ("x/unbuilt::[package]", Outcome::Errored),
        ];
        assert_eq!(told, expected);
        let shown = super::text(text.as_bytes());
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown, "panic: os.Exit\nFAIL\tx/unbuilt [build failed]\nnoise\n");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(bytes: Vec<u8>) {
            let _ = (read(&bytes), text(&bytes));
        }
    }
}
