//! A suite's typical durations in the files of other tools; for their forms see `import/`.
//!
//! What a test takes is told from its newest durations, as estimates take it. Tests that never
//! passed have none and are left out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::import::Format;
use super::view::{SuiteRecord, TestRecord};
use crate::framework::Naming;
use crate::junit::write as junit;
use crate::model::Outcome;

/// The group of a rule's `together` is not a file.
const TOGETHER: &str = "together:";

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// [`Format::PytestSplit`]
    PytestSplit,
    /// [`Format::Knapsack`]
    Knapsack,
    /// [`Format::Junit`], with the framework's way to name its cases.
    Junit(Naming),
    /// [`Format::Bun`]
    Bun,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub text: String,
    /// How many tests are in it.
    pub tests: usize,
    /// How many have no duration, or are of no file where files are wanted.
    pub left_out: usize,
}

impl Form {
    /// The form's format, as it is typed.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Self::PytestSplit => Format::PytestSplit,
            Self::Knapsack => Format::Knapsack,
            Self::Junit(_) => Format::Junit,
            Self::Bun => Format::Bun,
        }
    }
}

/// A test's name, its file where it has one, and what it takes in microseconds.
struct Line<'h> {
    record: TestRecord<'h>,
    file: Option<String>,
    us: u64,
}

/// Writes a suite's durations.
#[must_use]
pub fn export(suite: SuiteRecord<'_>, form: Form) -> Exported {
    let (mut lines, mut left_out) = (Vec::new(), 0);
    for record in suite.tests() {
        let file = file_of(&record);
        let wants_file = match form {
            Form::Knapsack | Form::Bun => true,
            Form::PytestSplit | Form::Junit(_) => false,
        };
        match record.typical_us() {
            Some(us) if file.is_some() || !wants_file => lines.push(Line { record, file, us }),
            Some(_) | None => left_out += 1,
        }
    }
    let text = match form {
        Form::PytestSplit => {
            let seconds = |line: &Line<'_>| (line.record.id.name.to_string(), seconds(line.us));
            pretty(&lines.iter().map(seconds).collect::<BTreeMap<_, _>>(), b"    ")
        }
        Form::Knapsack => {
            let files = by_file(&lines).into_iter();
            let files = files.map(|(file, us)| (file, seconds(us)));
            pretty(&files.collect::<BTreeMap<_, _>>(), b"  ")
        }
        Form::Bun => bun(&lines),
        Form::Junit(naming) => render_junit(suite, naming, &lines),
    };
    Exported { text, tests: lines.len(), left_out }
}

/// The file of a test: its group's name where the test's begins with it, or what stands before the
/// first `::` where that looks like one.
fn file_of(record: &TestRecord<'_>) -> Option<String> {
    let name = &*record.id.name;
    let (before, _) = name.split_once("::").unwrap_or((name, ""));
    let last = before.rsplit('/').next().unwrap_or(before);
    if name.contains("::") && last.contains('.') {
        return Some(before.to_owned());
    }
    let group = record.groups.iter().find(|group| !group.starts_with(TOGETHER));
    group.map(|group| (*group).to_owned())
}

/// Each file's sum, microseconds.
fn by_file<'a>(lines: &'a [Line<'_>]) -> BTreeMap<&'a str, u64> {
    let mut files: BTreeMap<&str, u64> = BTreeMap::new();
    for Line { record: _, file, us } in lines {
        if let Some(file) = file {
            let sum = files.entry(file).or_default();
            *sum = sum.saturating_add(*us);
        }
    }
    files
}

#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53 microseconds")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// JSON as Python, Ruby and JavaScript indent it.
fn pretty(value: &impl Serialize, indent: &[u8]) -> String {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent);
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    written.expect("text and finite numbers can be written into memory");
    String::from_utf8(bytes).expect("JSON is text") + "\n"
}

/// Slowest first, at least a millisecond, as bun writes it.
fn bun(lines: &[Line<'_>]) -> String {
    let mut files: Vec<(&str, u64)> = by_file(lines).into_iter().collect();
    files.sort_by_key(|&(file, us)| (Reverse(us), file));
    let entry = |(file, us): (&str, u64)| {
        let file = serde_json::Value::from(file);
        format!("    {file}: {}", us.div_ceil(1_000).max(1))
    };
    let entries: Vec<String> = files.into_iter().map(entry).collect();
    let files = if entries.is_empty() { String::new() } else { entries.join(",\n") + "\n  " };
    let open = if entries.is_empty() { "" } else { "\n" };
    format!("{{\n  \"version\": 1,\n  \"files\": {{{open}{files}}}\n}}\n")
}

/// Suites by file; `file` stands on the suite, where the schema knows it and CircleCI reads it.
fn render_junit(suite: SuiteRecord<'_>, naming: Naming, lines: &[Line<'_>]) -> String {
    let cases = lines.iter().map(|Line { record, file, us }| {
        let group = record.groups.first().copied().unwrap_or_default();
        let (class, name) = naming.case_of_listed(&record.id.name, group);
        let file = file.as_deref();
        Named { suite: file.unwrap_or(group), file, class, name, us: *us }
    });
    let mut cases: Vec<Named<'_>> = cases.collect();
    cases.sort_by(|a, b| (a.suite, a.file).cmp(&(b.suite, b.file)));
    let suites = cases.chunk_by(|a, b| (a.suite, a.file) == (b.suite, b.file));
    let suites = suites.map(|cases| junit::Suite {
        name: cases[0].suite,
        file: cases[0].file,
        duration_us: Some(cases.iter().fold(0, |sum, case| sum.saturating_add(case.us))),
        cases: cases.iter().map(passed).collect(),
        ..junit::Suite::default()
    });
    let name = suite.name().as_str();
    junit::write(&junit::Report { name, duration_us: None, suites: suites.collect() })
}

/// A test as a case.
struct Named<'h> {
    suite: &'h str,
    file: Option<&'h str>,
    class: String,
    name: String,
    us: u64,
}

fn passed<'a>(case: &'a Named<'_>) -> junit::Case<'a> {
    junit::Case {
        class: &case.class,
        name: &case.name,
        outcome: Outcome::Passed,
        duration_us: Some(case.us),
        message: None,
        kind: None,
        detail: None,
        output: None,
        properties: &[],
        earlier: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
