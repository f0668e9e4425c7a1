//! What a run leaves to be read, by people and by other tools: JUnit, JSON, Markdown, the terminal,
//! and the exit code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{JUNIT_SUITE, Project, Ran, SHELL_SUITE, junit, tool, until, writes};

const SHARD_JUNIT: &str = "evenly-out/shard-1-of-1.attempt-1.junit.xml";
const MERGED_JUNIT: &str = "evenly-out/junit.xml";

/// Names that broke other tools' reports, as text in an XML attribute.
const HOSTILE: [&str; 10] = [
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "]]&gt; &lt;/testcase&gt;",
    "@octocat fixes #12, org/repo#3",
    "a|b||c \\| d",
    "`@tick` ```&lt;i&gt;```",
    "&#27;[31mred&#27;[0m",
    "nul&#0;bel&#7;&#x85;",
    "line&#10;::error::no command&#10;##vso[x]",
    "\u{1f642} caf\u{e9} \u{202e}right to left",
    "&amp;lt;b&amp;gt; [link](http://example.com) ![img](x) &lt;!-- ",
];

/// Output that ends a CDATA section, colours, is a command of a CI, and is long.
const LOUD: &str = "\
printf 'out ]]> <script>alert(1)</script> \\033[31mred\\033[0m \\001\\002\\377\\n'\n\
echo '::error::not a command'\n\
head -c 200000 /dev/zero | tr '\\0' 'x'\n\
echo; echo '@octocat | the end'\n";

/// One project with every outcome: (passed, failed, errored, skipped, flaky) = (12, 12, 3, 11, 2).
fn every_outcome() -> Project {
    let cases = |inside: &str| -> String {
        // What passes is the slowest of all, and so in the summary's table of those.
        let time = if inside.is_empty() { "9.5" } else { "0" };
        let case = |name: &&str| {
            format!("<testcase classname=\"c\" name=\"{name}\" time=\"{time}\">{inside}")
        };
        HOSTILE.iter().map(|name| case(name) + "</testcase>").collect()
    };
    let suite = |cases: &str| format!("<testsuite name=\"s\">{cases}</testsuite>");
    let told = "<failure message=\"]]&gt; &lt;b&gt; @octocat | &#27;[1m\" type=\"E|E\">\
                &lt;script&gt; ]]&gt; ``` &#27;[31m\n@octocat</failure>";
    let erred = "<testcase classname=\"c\" name=\"erred\"><error message=\"m\">d</error></testcase>\
                 <testcase classname=\"c\" name=\"too\"><error/></testcase>";
    let flaky = |class: &str| {
        let (bad, good) =
            (junit(class, &[], &["now and then"]), junit(class, &["now and then"], &[]));
        let second = format!("if [ -e {class} ]; then\n{}fi\n", writes(&good, 0));
        format!("{second}touch {class}\n{}", writes(&bad, 1))
    };
    Project::new(JUNIT_SUITE)
        .file("t/pass.sh", writes(&suite(&cases("")), 0))
        .file("t/fail.sh", format!("{LOUD}{}", writes(&suite(&cases(told)), 1)))
        .file("t/skip.sh", writes(&suite(&cases("<skipped message=\"&lt;b&gt; | @x\"/>")), 0))
        .file("t/plain.sh", writes(&junit("p", &["a", "b"], &["c", "d"]), 1))
        .file("t/error.sh", writes(&suite(erred), 1))
        .file("t/crash.sh", "echo 'before ]]> <i>'; kill -SEGV $$")
        .file("t/flaky1.sh", flaky("one"))
        .file("t/flaky2.sh", flaky("two"))
        .file("t/@octocat <b>|`x` \u{1b}[31m\u{1f642}.sh", {
            let skipped = "<testcase name=\"s\"><skipped/></testcase>";
            writes(&suite(skipped), 0)
        })
}

/// The project, run and merged, and what merge said.
fn merged() -> (Project, Ran) {
    let project = every_outcome();
    project.evenly(&["run", "--retries", "1", "--output", "all"]).exits(1);
    let ran = project.evenly(&["merge", "evenly-out"]).exits(1);
    (project, ran)
}

fn totals() -> Value {
    json!({"tests": 40, "passed": 12, "failed": 12, "errored": 3, "skipped": 11, "flaky": 2})
}

#[test]
fn five_outcomes_add_up_to_the_tests() {
    let (project, _) = merged();
    let report = project.report();
    assert_eq!(report["totals"], totals());
    let tests = report["tests"].as_array().unwrap();
    for outcome in ["passed", "failed", "errored", "skipped", "flaky"] {
        let entries = tests.iter().filter(|test| test["outcome"] == outcome).count();
        assert_eq!(report["totals"][outcome], entries, "{outcome}");
    }
    assert_eq!(report["totals"]["tests"], tests.len());
    let ids: std::collections::BTreeSet<_> = tests.iter().map(|t| t["id"].to_string()).collect();
    assert_eq!(ids.len(), tests.len(), "an id stands twice");
    assert_eq!((&report["verdict"], &report["exit"]), (&json!("failed"), &json!(1)));
}

/// What a JUnit reader should count in the project's files: passed and flaky tests both pass.
fn as_junit(totals: &Value) -> Value {
    let of = |key: &str| totals[key].as_u64().unwrap();
    json!({
        "tests": of("tests"), "failures": of("failed"), "errors": of("errored"),
        "skipped": of("skipped"), "passed": of("passed") + of("flaky"),
    })
}

#[test]
fn both_junit_files_are_valid_by_the_schema() {
    let Some(xmllint) = xmllint() else { return };
    let (project, _) = merged();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/junit-10.xsd");
    for file in [SHARD_JUNIT, MERGED_JUNIT] {
        let mut lint = Command::new(&xmllint);
        lint.args(["--noout", "--nonet", "--huge", "--schema"])
            .arg(&schema)
            .arg(project.path(file));
        Ran::of(&lint.output().unwrap()).exits(0).warns("validates");
        let text = project.text(file);
        assert!(text.contains("the end"), "{file} lacks the output of what failed");
        let odd = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(odd, None, "{file} holds a control character");
    }
}

/// `xmllint`, which `tests/run` installs; a missing one is told as a missing tool is.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn xmllint() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|dir| dir.join("xmllint")).find(|p| p.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "`xmllint` is not on PATH: run `tests/run`");
        eprintln!("SKIPPED: there is no `xmllint` on PATH; `tests/run` installs it");
    }
    found
}

/// Counts cases by their own elements, and gives what the suites say of themselves beside it.
const JUNITPARSER: &str = r#"
import json, sys
from junitparser import Error, Failure, JUnitXml, Skipped
xml = JUnitXml.fromfile(sys.argv[1])
counted = dict(tests=0, failures=0, errors=0, skipped=0, passed=0)
said = dict(tests=0, failures=0, errors=0, skipped=0)
kinds = [(Failure, "failures"), (Error, "errors"), (Skipped, "skipped")]
for suite in xml:
    for key in said:
        said[key] += getattr(suite, key)
    for case in suite:
        counted["tests"] += 1
        found = [key for kind, key in kinds if any(isinstance(r, kind) for r in case.result)]
        counted[found[0] if found else "passed"] += 1
root = {key: getattr(xml, key) for key in said}
print(json.dumps(dict(counted=counted, said=said, root=root)))
"#;

#[test]
fn another_reader_counts_the_same() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let (project, _) = merged();
    let expected = as_junit(&project.report()["totals"]);
    for file in [SHARD_JUNIT, MERGED_JUNIT] {
        let read = read_by_junitparser(&venv, &project.path(file));
        assert_eq!(read["counted"], expected, "{file}");
        for sums in ["said", "root"] {
            for (key, value) in read[sums].as_object().unwrap() {
                assert_eq!(value, &expected[key], "{file}: {sums} {key}");
            }
        }
    }
}

fn read_by_junitparser(venv: &OsStr, file: &Path) -> Value {
    let mut python = Command::new(Path::new(venv).join("bin/python3"));
    let ran = Ran::of(&python.args(["-c", JUNITPARSER]).arg(file).output().unwrap()).exits(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn the_summary_begins_with_the_verdict_and_strangers_names_do_nothing_in_it() {
    let (project, _) = merged();
    let summary = project.text("evenly-out/summary.md");
    assert!(summary.starts_with("## ✗ failed: 15 of 40 tests failed, 2 flaky"), "{summary}");
    assert!(summary.contains("octocat") && summary.contains("script"), "{summary}");
    assert!(!summary.chars().any(|c| c.is_control() && c != '\n'), "{summary}");
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut header = None;
    for line in outside_fences(&summary) {
        let prose = without_code_spans(line);
        let own = ["<details>", "</details>", "<summary>", "</summary>", "<br>"];
        let prose = own.iter().fold(prose, |prose, tag| prose.replace(tag, ""));
        for live in ["<", "@", "](", "#1", "org/repo"] {
            assert!(!prose.contains(live), "{live:?} acts in {line:?}");
        }
        header = match header {
            _ if !line.starts_with('|') => None,
            None => Some(columns(line)),
            Some(columns) => Some(columns),
        };
        let whole = header.is_none_or(|header| columns(line) == header);
        assert!(whole, "a pipe ends a cell in {line:?}");
    }
}

/// The lines that are not in a code block.
fn outside_fences(markdown: &str) -> Vec<&str> {
    let mut fence: Option<&str> = None;
    let mut outside = Vec::new();
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => outside.push(line),
        }
    }
    assert_eq!(fence, None, "a code block never ends");
    outside
}

/// A line without what stands between equally long runs of backticks, as in Markdown.
fn without_code_spans(line: &str) -> String {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let (mut rest, mut prose) = (line, String::new());
    while let Some(at) = rest.find('`') {
        let ticks = run(&rest[at..]);
        prose.push_str(&rest[..at]);
        rest = &rest[at + ticks..];
        let mut from = 0;
        while let Some(next) = rest[from..].find('`') {
            let closing = run(&rest[from + next..]);
            from += next + closing;
            if closing == ticks {
                rest = &rest[from..];
                break;
            }
        }
    }
    prose + rest
}

#[test]
fn the_terminal_ends_with_the_verdict() {
    let (_, ran) = merged();
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.starts_with("✗ failed: 15 of 40 tests failed, 2 flaky"), "{last}");
    let odd = ran.stdout.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "{ran}");
    for line in ran.stdout.lines() {
        assert!(!line.trim_start().starts_with("::"), "a command of the CI: {line:?}");
    }
}

#[test]
fn exit_codes_of_a_shard() {
    let green = Project::new(SHELL_SUITE).file("t/a.sh", "");
    green.evenly(&["run"]).exits(0);
    green.evenly(&["run", "--shard", "7/9"]).exits(0);
    Project::new(SHELL_SUITE).file("t/a.sh", "exit 9").evenly(&["run"]).exits(1);
    green.evenly(&["run", "--shard", "9/7"]).exits(2);
    green.evenly(&["run", "--no-such-flag"]).exits(2);
    green.evenly(&["run", "--config", "absent.toml"]).exits(2);
    green.evenly(&["run", "--out", "t/a.sh"]).exits(3);
    Project::new(SHELL_SUITE).evenly(&["run"]).exits(4);
}

#[test]
fn exit_codes_of_a_merge() {
    let one_of_two = |script: &str| {
        let project = Project::new(SHELL_SUITE).file("t/a.sh", script).file("t/b.sh", script);
        project.evenly(&["run", "--shard", "1/2"]).exits(i32::from(!script.is_empty()));
        project
    };
    let green = one_of_two("");
    // What a merge teaches would change the second shard's plan: outside a CI runs have no number.
    green.evenly(&["merge", "evenly-out", "--history", "none"]).exits(5);
    green.evenly(&["run", "--shard", "2/2"]).exits(0);
    green.evenly(&["merge", "evenly-out"]).exits(0);
    green.evenly(&["merge", "absent"]).exits(2);
    green.evenly(&["merge", "evenly-out", "--out", "t/a.sh"]).exits(3);
    let red = one_of_two("exit 1");
    red.evenly(&["merge", "evenly-out", "--history", "none"]).exits(5);
    red.evenly(&["run", "--shard", "2/2"]).exits(1);
    red.evenly(&["merge", "evenly-out"]).exits(1);
}

#[test]
fn an_interrupted_local_run_exits_as_its_signal_says() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "touch up; sleep 1000 & wait");
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let started = project.evenly(&["local", "--shards", "2"]).start();
        until("the group runs", || project.path("up").exists());
        std::fs::remove_file(project.path("up")).unwrap();
        started.signal(signal);
        started.wait().exits(status);
    }
}
