//! vitest, mocha and Playwright.

use std::path::Path;

use serde_json::Value;

use super::{
    Outcomes, cases, counts, executions, fixture, has_program, outcome, plainly, reported, suite,
    with_node,
};
use crate::support::Project;

fn project(framework: &str, more: &str) -> Option<Project> {
    let project = with_node(Project::new(&suite(framework, more)))?;
    Some(project.copy(&fixture(framework)))
}

/// The outcomes in a file of the merged run or of the framework alone.
fn written(project: &Project, file: impl AsRef<Path>) -> Outcomes {
    cases(&project.text(file))
}

const PLAIN_VITEST: [&str; 8] = [
    "npx",
    "--no",
    "--",
    "vitest",
    "run",
    "--reporter=junit",
    "--outputFile=plain.xml",
    "--exclude=broken",
];

#[test]
fn vitests_fixture_comes_to_what_vitest_says_itself() {
    let Some(project) = project("vitest", "args = [\"--exclude=broken\"]") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    plainly(&project, &PLAIN_VITEST).exits(1);
    let plain = written(&project, "plain.xml");
    assert_eq!(written(&project, "evenly-out/junit.xml"), plain);
    assert_eq!(plain.len(), 12);
    // `a.test.js` is a part of another's path, and each ran once.
    assert_eq!(project.report()["totals"]["passed"], 9);
    assert_eq!(project.report()["verdict"], "failed");
}

#[test]
fn vitest_without_batches_comes_to_the_same() {
    let more = "batch = 1\nargs = [\"--exclude=broken\"]";
    let Some(project) = project("vitest", more) else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1);
    plainly(&project, &PLAIN_VITEST).exits(1);
    assert_eq!(written(&project, "evenly-out/junit.xml"), written(&project, "plain.xml"));
    assert_eq!(project.report()["ledger"]["planned"], 4);
}

#[test]
fn a_file_that_vitest_cannot_import_is_an_error_that_names_it() {
    let Some(project) = project("vitest", "paths = [\"broken\", \"sub\"]") else { return };
    project.evenly(&["local", "--shards", "1"]).exits(1).says("no-such-module");
    let found = reported(&project);
    let broken: Vec<_> = found.iter().filter(|(name, _)| name.contains("broken/import")).collect();
    assert!(broken.iter().any(|(_, outcome)| *outcome != "passed"), "{found:#?}");
    assert_eq!(outcome(&project, "tests/sub/a.test.js::inside"), "passed");
}

/// What mocha's own JSON says, named as evenly names it.
fn plain_mocha(report: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, outcome) in [("passes", "passed"), ("pending", "skipped"), ("failures", "bad")] {
        for test in report[key].as_array().unwrap() {
            found.push((test["fullTitle"].as_str().unwrap().to_owned(), outcome.to_owned()));
        }
    }
    found.sort();
    found
}

#[test]
fn mochas_fixture_comes_to_what_mocha_says_itself() {
    let Some(project) = project("mocha", "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    let json = ["--reporter", "json", "--reporter-option", "output=plain.json"];
    plainly(&project, &[&["npx", "--no", "--", "mocha"], &json[..]].concat()).exits(3);
    let mut found: Vec<(String, String)> = reported(&project)
        .into_iter()
        .filter(|(name, _)| !name.ends_with("never runs"))
        .map(|(name, outcome)| {
            let bad = matches!(outcome.as_str(), "failed" | "errored");
            let title = name.split_once("::").unwrap().1.replace(" › ", " ");
            let title = title.strip_suffix(" #2").unwrap_or(&title).to_owned();
            (title, if bad { "bad".to_owned() } else { outcome })
        })
        .collect();
    found.sort();
    assert_eq!(found, plain_mocha(&project.json("plain.json")));
    let basket = "test/basket.test.js::basket \"quoted\" <&> › ";
    assert_eq!(outcome(&project, &format!("{basket}fails")), "failed");
    assert_eq!(outcome(&project, &format!("{basket}breaks")), "errored");
    assert_eq!(outcome(&project, &format!("{basket}same #2")), "passed");
    // What a broken hook kept from running is told, not lost.
    assert_eq!(outcome(&project, "test/hooks.test.js::hooks › never runs"), "errored");
    assert_eq!(project.report()["verdict"], "failed");
}

#[test]
fn a_file_that_mocha_cannot_import_ends_the_run_before_anything_ran() {
    let Some(project) = project("mocha", "paths = [\"broken\"]") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(2).warns("no-such-module").warns("mocha 9");
}

#[test]
fn a_mocha_file_that_ends_the_process_costs_itself_alone() {
    let Some(project) = with_node(Project::new(&suite("mocha", "paths = [\"*.js\"]"))) else {
        return;
    };
    let ran = "require('node:fs').appendFileSync('ran.txt', 'NAME\\n')";
    let file = |name: &str, more: &str| {
        format!("it('{name}', () => {{ {}; {more} }});\n", ran.replace("NAME", name))
    };
    let project = project
        .file("package.json", "{}")
        .file("a.js", file("a", ""))
        .file("b.js", file("b", "process.kill(process.pid, 'SIGKILL')"))
        .file("c.js", file("c", ""));
    let told = project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    told.warns("3 groups ran in one command, and its process did not end by itself");
    assert_eq!(outcome(&project, "a.js::a"), "passed");
    assert_eq!(outcome(&project, "b.js::b"), "errored");
    assert_eq!(outcome(&project, "c.js::c"), "passed");
    // Once with the others, once alone.
    assert_eq!(executions(&project, "ran.txt"), counts([("a", 2), ("b", 2), ("c", 1)]));
    let journal = project.journal("shard-1-of-1.attempt-1.jsonl");
    let ends = journal.iter().filter(|event| event["event"] == "group-finished");
    assert_eq!(ends.count(), 3);
}

#[test]
fn playwrights_fixture_comes_to_what_playwright_says_itself() {
    let Some(project) = project("playwright", "") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(1).says("a line of the failing test");
    let plain = project.bash(
        "PLAYWRIGHT_JUNIT_OUTPUT_NAME=plain.xml npx --no -- playwright test \
                              --reporter=junit",
    );
    plain.exits(1);
    let merged = written(&project, "evenly-out/junit.xml");
    let plain = written(&project, "plain.xml");
    // Two projects run the basket: evenly numbers what has one name.
    let numbered = |name: &str| name.ends_with(" #2");
    let once: Outcomes = merged
        .iter()
        .filter(|(name, _)| !numbered(name))
        .map(|(name, outcome)| (name.clone(), outcome.clone()))
        .collect();
    assert_eq!(once, plain);
    assert_eq!(project.report()["totals"]["tests"], 17);
    assert_eq!(outcome(&project, "sub/a.spec.js::inside"), "passed");
    assert_eq!(project.report()["ledger"]["planned"], 4);
}

#[test]
fn a_file_that_playwright_cannot_import_ends_the_run_before_anything_ran() {
    let Some(project) = project("playwright", "") else { return };
    let project = project.file("e2e/bad.spec.js", "require('no-such-module');\n");
    let ran = project.evenly(&["local", "--shards", "2"]).exits(2);
    ran.warns("no-such-module").warns("`playwright` needs");
}

const CHROMIUM: &str = "
module.exports = {
  use: { launchOptions: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] } },
};
";

#[test]
fn playwright_drives_a_browser_in_each_worker() {
    let Some(project) = with_node(Project::new(&suite("playwright", ""))) else { return };
    let Some(()) = has_program("chromium") else { return };
    let page = "const { expect, test } = require('@playwright/test');\n\
                test('NAME', async ({ page }) => {\n\
                  await page.setContent(`<h1>${process.env.EVENLY_WORKER}</h1>`);\n\
                  await expect(page.locator('h1')).toHaveText(/^[01]$/);\n\
                  await page.screenshot({ path: test.info().outputPath('NAME.png') });\n\
                });\n";
    let project = project
        .file("package.json", "{}")
        .file("playwright.config.js", CHROMIUM)
        .file("a.spec.js", page.replace("NAME", "a"))
        .file("b.spec.js", page.replace("NAME", "b"));
    project.evenly(&["local", "--shards", "1", "--workers", "2"]).exits(0);
    assert_eq!(project.report()["totals"]["passed"], 2);
    // Neither command took away what the other had made.
    let kept = project.bash("find test-results -name '*.png'").exits(0).stdout;
    assert_eq!(kept.lines().count(), 2, "{kept}");
}
