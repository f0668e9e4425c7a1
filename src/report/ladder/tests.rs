use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::history::Rate;
use crate::model::Outcome::{self, Errored, Failed, Passed, Skipped};
use crate::model::{TemplateOrigin, TestId, TestResult};
use crate::report::compare::{Comparison, Slower};
use crate::report::escape::tests::HOSTILE;
use crate::report::quarantine::{Excused, Quarantine, Told};
use crate::report::run::{DatabaseSetUp, FinalOutcome};
use crate::report::testing::{Found, Log, joined, result};

/// A comment of GitHub's.
const COMMENT: Limit = Limit::Characters(65_536);
/// A summary of GitHub's.
const SUMMARY: Limit = Limit::Bytes(1024 * 1024 - 1024);

/// What a page is, read as GitHub reads it.
#[derive(Debug, Default)]
struct Read {
    /// All text that is no code.
    bare: String,
    headings: usize,
    fences: usize,
    /// Cells of each row of each table.
    tables: Vec<Vec<usize>>,
    /// The last cell of each row but the first.
    lasts: Vec<String>,
}

fn read(page: &str) -> Read {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let (mut read, mut depth, mut code, mut cell) =
        (Read::default(), 0_usize, false, String::new());
    for event in Parser::new_ext(page, options) {
        match event {
            Event::Start(tag) => {
                depth += 1;
                match tag {
                    Tag::CodeBlock(_) => (read.fences, code) = (read.fences + 1, true),
                    Tag::Heading { .. } => read.headings += 1,
                    Tag::Table(_) => read.tables.push(Vec::new()),
                    Tag::TableHead | Tag::TableRow => read.tables.last_mut().unwrap().push(0),
                    Tag::TableCell => {
                        *read.tables.last_mut().unwrap().last_mut().unwrap() += 1;
                        cell.clear();
                    }
                    Tag::Paragraph | Tag::List(_) | Tag::Item | Tag::Strong => {}
                    other => panic!("a page has no {other:?}:\n{page}"),
                }
            }
            Event::End(tag) => {
                depth -= 1;
                code &= tag != TagEnd::CodeBlock;
                if tag == TagEnd::TableRow {
                    read.lasts.push(cell.clone());
                }
            }
            Event::Text(text) => {
                cell.push_str(&text);
                if !code {
                    read.bare.push_str(&text);
                    read.bare.push('\n');
                }
            }
            Event::Code(text) => cell.push_str(&text),
            Event::SoftBreak => read.bare.push('\n'),
            other => panic!("a page has no {other:?}:\n{page}"),
        }
    }
    assert_eq!(depth, 0);
    read
}

/// Checks all that is promised of a page, and gives it read.
fn checked(report: &RunReport, limit: Limit) -> (String, Read) {
    let page = render_within(report, limit);
    assert!(limit.measure(&page) <= limit.most(), "{} > {limit:?}", limit.measure(&page));
    let read = read(&page);
    for mark in ["@", "#", "<", ">", "|", "`", "[", "]", "~", "http", "www", "evil", "::", "GH-"] {
        assert!(!read.bare.contains(mark), "{mark:?} is bare in {}", read.bare);
    }
    let opened = page.lines().filter(|l| l.starts_with("```") && l.ends_with("`text")).count();
    assert_eq!(read.fences, opened, "a fence swallowed another:\n{page}");
    let headings = page.lines().filter(|l| l.starts_with("## ") || l.starts_with("###")).count();
    assert!(read.headings <= headings, "{page}");
    for rows in &read.tables {
        assert!(rows.iter().all(|cells| *cells == rows[0]), "{rows:?}");
    }
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    (page, read)
}

fn of(tests: Vec<TestResult>) -> RunReport {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    joined(vec![log.runs_results("s:g", tests).ends()])
}

fn many(count: usize, detail: &str) -> RunReport {
    let one = |at: usize| TestResult {
        detail: Some(detail.to_owned()),
        ..result(&format!("test-{at}"), Failed)
    };
    of((0..count).map(one).collect())
}

#[test]
fn what_fits_is_not_shortened() {
    let (page, _) = checked(&many(3, "trace"), COMMENT);
    assert!(!page.contains("Shortened") && !page.contains(" more, all in"), "{page}");
}

#[test]
fn detail_is_dropped_step_by_step_and_told() {
    let detail = "x".repeat(90) + "\n";
    let detail = detail.repeat(20);
    let mut steps = Vec::new();
    for count in [10, 30, 60, 90, 400, 900, 4_000] {
        let (page, _) = checked(&many(count, &detail), COMMENT);
        let told = page.lines().find(|line| line.starts_with("Shortened to fit: ")).unwrap_or("");
        steps.push(told.split(", ").next().unwrap_or("").to_owned());
        assert!(page.contains("### Shards"), "what comes after the failures keeps its place");
    }
    steps.dedup();
    assert_eq!(
        steps,
        [
            "",
            "Shortened to fit: at most 8 lines of each failure",
            "Shortened to fit: at most 3 lines of each failure",
            "Shortened to fit: at most 1 line of each failure",
            "Shortened to fit: failures by name alone",
            "Shortened to fit: only the first failures",
        ]
    );
}

#[test]
fn names_that_did_not_fit_are_counted() {
    let (page, _) = checked(&many(5_000, "x"), COMMENT);
    let named = page.lines().filter(|line| line.starts_with("- `s:test-")).count();
    assert!(named > 500, "only {named} are named");
    let left = crate::model::thousands(5_000 - named as u64);
    assert!(page.contains(&format!("… and {left} failed tests more, all in `report.json`")));
}

#[test]
fn a_million_failures_fit() {
    let mut report = many(1, "x");
    let test = report.tests.remove(0);
    report.tests = (0..1_000_000)
        .map(|at| {
            let mut test = test.clone();
            test.id = TestId::new(&test.id.suite, &format!("{at:07}"));
            test
        })
        .collect();
    (report.totals.tests, report.totals.failed) = (1_000_000, 1_000_000);
    for limit in [COMMENT, SUMMARY] {
        let (page, _) = checked(&report, limit);
        assert!(page.contains("### 1,000,000 tests failed"));
        assert!(limit.measure(&page) > limit.most() / 2, "it uses the room that it has");
    }
}

#[test]
fn a_message_of_ten_megabytes_fits() {
    let long = "ü`|<@ ".repeat(10 << 17);
    let mut bad = result(&long, Failed);
    (bad.message, bad.detail) = (Some(long.clone()), Some(long.clone()));
    (bad.kind, bad.file) = (Some(long.clone()), Some(long));
    let report = of(vec![bad]);
    checked(&report, COMMENT);
    checked(&report, SUMMARY);
}

#[test]
fn characters_are_counted_as_the_platform_counts_them_at_most() {
    assert_eq!(Limit::Characters(9).measure("aü€🙂"), 5);
    assert_eq!(Limit::Bytes(9).measure("aü€🙂"), 10);
    let names: Vec<TestResult> =
        (0..400).map(|at| result(&format!("{at}{}", "🙂".repeat(200)), Failed)).collect();
    let report = of(names);
    let (page, _) = checked(&report, COMMENT);
    assert!(page.len() > 65_536, "characters are no bytes");
    checked(&report, Limit::Bytes(65_536));
}

#[test]
fn what_is_missing_comes_first() {
    let found: &[Found<'_>] = &[("g", None), ("h", Some(&["h1"]))];
    let log = Log::new(1, 2).finds("s", found).plans(&["s:g"]).runs("s:g", &[("a", Failed)]);
    let mut report = joined(vec![log.ends()]);
    report.compared = Some(Comparison { base: 6, fixed: vec![0], ..Comparison::default() });
    let (page, _) = checked(&report, COMMENT);
    let order = [
        "## ✗ not whole: shard 2/2 is missing; 1 test did not run; 1 test failed",
        "- shard 2/2 is missing",
        "- group `s:h`: its shard's journal is missing",
        "| tests |",
        "Changes against run 6: 1 test fixed.",
        "### 1 test failed",
        "### Shards",
    ];
    let at: Vec<usize> = order.iter().map(|words| page.find(words).expect(words)).collect();
    assert!(at.is_sorted(), "{page}");
}

#[test]
fn new_failures_come_before_known_ones() {
    let mut report = of(["a", "b", "c"].map(|name| result(name, Failed)).into());
    report.compared = Some(Comparison { base: 6, new_failures: vec![2], ..Comparison::default() });
    let (page, _) = checked(&report, COMMENT);
    let at = |words: &str| page.find(words).expect(words);
    assert!(at("#### `s:c`\n\nfailed, new · shard 1") < at("#### `s:a`\n\nfailed · shard 1"));
}

#[test]
fn a_flaky_test_tells_every_try_and_how_often_it_flaked() {
    let log = Log::new(1, 1).finds("s", &[("g", None)]).plans(&["s:g"]);
    let log = log.tries("s:g", &[result("a", Failed)]).tries("s:g", &[result("a", Errored)]);
    let mut report = joined(vec![log.runs("s:g", &[("a", Passed)]).ends()]);
    let rates = vec![(0, Rate { flaky: 3, runs: 20 })];
    report.compared = Some(Comparison { base: 6, rates, ..Comparison::default() });
    let (page, _) = checked(&report, COMMENT);
    let told = "### 1 test flaky\n\n\
                - `s:a`, 3 tries, shard 1, flaked in 3 of the last 20 runs\n  \
                - try 1 failed: `Error: it broke`\n  \
                - try 2 errored: `Error: it broke`\n  \
                - last try passed\n";
    assert!(page.contains(told), "{page}");
}

#[test]
fn what_is_quarantined_stands_apart() {
    let mut report = of(["a", "b"].map(|name| result(name, Failed)).into());
    let until = "2026-12-31".parse().unwrap();
    let reason = Some("see #12".to_owned());
    report.quarantine = Quarantine {
        excused: vec![Excused { test: 0, until, reason }],
        expired: vec![Told { test: "s:old".to_owned(), until }],
        unmatched: vec![Told { test: "s:gone".to_owned(), until }],
    };
    let (page, _) = checked(&report, COMMENT);
    assert!(page.contains("### 1 test failed\n\n#### `s:b`") && !page.contains("#### `s:a`"));
    assert!(page.contains(
        "### 1 failure quarantined\n\n\
         - `s:a` failed, until 2026-12-31 (`see #12`): `Error: it broke`\n"
    ));
    assert!(page.contains("- quarantine of `s:old` ended on 2026-12-31: its failures count\n"));
    assert!(page.contains("- quarantine of `s:gone` matches no test"));
}

/// Text that means something to Markdown, HTML, GitHub or a terminal.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        select(HOSTILE).prop_map(str::to_owned),
        "[`|\\\\<>@#*_~\\[\\]()!:/ \n\r\t-]{0,12}",
        "\\PC{0,8}",
        Just("x".repeat(400)),
        Just("`".repeat(120)),
    ];
    vec(part, 1..4).prop_map(|parts| format!("n{}", parts.concat()))
}

/// A report in which everything that can be told has strangers' text.
fn any_report() -> impl Strategy<Value = RunReport> {
    let outcome = select(vec![Passed, Failed, Errored, Skipped]);
    let test = (hostile(), outcome, hostile(), hostile(), 1..40_usize).prop_map(
        |(name, outcome, message, line, lines)| TestResult {
            message: Some(message.clone()),
            kind: Some(message.clone()),
            detail: Some(format!("{line}\n").repeat(lines)),
            file: Some(message),
            ..result(&name, outcome)
        },
    );
    (vec(test, 1..60), vec(hostile(), 1..30), any::<[bool; 3]>()).prop_map(
        |(tests, names, [retried, missing, quarantined])| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found: &[Found<'_>] = &[(names[0], None), ("lost", Some(&names))];
            let group = format!("s:{}", names[0]);
            let mut log = Log::new(1, 1 + u32::from(missing)).finds("s", found).plans(&[&group]);
            if retried {
                let bad: Vec<TestResult> =
                    tests.iter().cloned().map(|t| TestResult { outcome: Failed, ..t }).collect();
                log = log.tries(&group, &bad);
            }
            let mut report = joined(vec![log.runs_results(&group, tests).ends()]);
            let set_up = |name: &&str| DatabaseSetUp {
                database: (*name).to_owned(),
                origin: TemplateOrigin::Built,
                took_us: 1,
            };
            report.shards[0].databases = names.iter().map(set_up).collect();
            report.compared = Some(changed(&report));
            if quarantined {
                report.quarantine = excused(&report, names[0]);
            }
            report
        },
    )
}

fn changed(report: &RunReport) -> Comparison {
    let all: Vec<usize> = (0..report.tests.len()).collect();
    let bad = |at: &usize| !report.tests[*at].outcome.is_good();
    Comparison {
        base: 6,
        new_failures: all.iter().copied().filter(bad).step_by(2).collect(),
        fixed: all.clone(),
        slower: all.iter().map(|&test| Slower { test, usual_us: 1, took_us: 2 }).collect(),
        removed: report.tests.iter().map(|test| test.id.clone()).collect(),
        rates: all.iter().map(|&at| (at, Rate { flaky: 1, runs: 2 })).collect(),
        added: all,
    }
}

fn excused(report: &RunReport, text: &str) -> Quarantine {
    let until = "2026-12-31".parse().unwrap();
    let bad = report.tests.iter().enumerate().filter(|(_, test)| !test.outcome.is_good());
    let one = |(test, _)| Excused { test, until, reason: Some(text.to_owned()) };
    let told = || vec![Told { test: text.to_owned(), until }];
    Quarantine { excused: bad.map(one).collect(), expired: told(), unmatched: told() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_page_fits_and_is_whole(report in any_report(), most in 0..30_000_usize) {
        for limit in [COMMENT, SUMMARY, Limit::Characters(most), Limit::Bytes(most)] {
            let (page, read) = checked(&report, limit);
            prop_assert!(page.is_empty() || page.starts_with("## "));
            for last in &read.lasts {
                let ends = ["µs", "ms", "s", "min", "h", "early", "killed", ""];
                prop_assert!(ends.iter().any(|end| last.ends_with(end)));
            }
        }
    }
}

#[test]
fn every_outcome_has_its_place() {
    let all: [(&str, Outcome); 4] = [("a", Passed), ("b", Failed), ("c", Errored), ("d", Skipped)];
    let report = of(all.map(|(name, outcome)| result(name, outcome)).into());
    let (page, read) = checked(&report, COMMENT);
    let words: BTreeMap<FinalOutcome, usize> =
        report.tests.iter().map(|t| (t.outcome, 1)).collect();
    assert_eq!(words.len(), 4);
    assert!(page.contains("| 4 | 1 | 1 | 1 | 1 | 0 |"));
    assert_eq!(read.tables.len(), 3);
}
