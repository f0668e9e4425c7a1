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

/// A test that is kept from failing a second time by a file, and three that tell that they ran.
fn flaky_and_three(project: Project, ending: &str, import: &str) -> Project {
    let body = "const { appendFileSync, existsSync, writeFileSync } = FS;\n\
                test('NAME', () => { BODY });\n"
        .replace("FS", "process.getBuiltinModule?.('fs') ?? require('fs')");
    let file = |name: &str, act: &str| {
        format!("{import}\n{}", body.replace("NAME", name).replace("BODY", act))
    };
    let once = "if (!existsSync('seen')) { writeFileSync('seen', ''); throw new Error('first'); }";
    let mut project = project.file(format!("a{ending}"), file("a", once));
    for name in ["b", "c", "d"] {
        let ran = format!("appendFileSync('ran.txt', '{name}\\n')");
        project = project.file(format!("{name}{ending}"), file(name, &ran));
    }
    project
}

/// All is whole and green after a retry, so each of these must have run.
fn bail_left_nothing_out(project: &Project) {
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    assert_eq!(executions(project, "ran.txt"), counts([("b", 1), ("c", 1), ("d", 1)]));
    let totals = project.report()["totals"].clone();
    assert_eq!((&totals["passed"], &totals["flaky"]), (&3.into(), &1.into()), "{totals}");
}

#[test]
fn bail_of_vitest_is_left_out_since_its_junit_shows_as_passed_what_did_not_run() {
    let Some(project) = with_node(Project::new(&suite("vitest", "retries = 1"))) else { return };
    let config = "export default { test: { bail: 1, isolate: false, globals: true, \
                  poolOptions: { forks: { singleFork: true, isolate: false } } } };\n";
    let project = project.file("package.json", "{}").file("vitest.config.mjs", config);
    bail_left_nothing_out(&flaky_and_three(project, ".test.js", ""));
}

#[test]
fn files_of_another_root_of_vitest_are_told_apart_in_one_command() {
    let Some(project) = with_node(Project::new(&suite("vitest", ""))) else { return };
    let file = |name: &str| {
        format!(
            "import {{ appendFileSync }} from 'node:fs';\nimport {{ test }} from 'vitest';\n\
             test('{name}', () => appendFileSync('ran.txt', '{name}\\n'));\n"
        )
    };
    let project = project
        .file("package.json", "{}")
        .file("vitest.config.mjs", "export default { root: 'inner' };\n")
        .file("inner/a.test.js", file("a"))
        .file("inner/b.test.js", file("b"));
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(0);
    assert_eq!(executions(&project, "ran.txt"), counts([("a", 1), ("b", 1)]));
    assert_eq!(outcome(&project, "inner/a.test.js::a"), "passed");
}

#[test]
fn vitest_ends_where_its_global_setup_leaves_a_server_open() {
    let Some(project) = with_node(Project::new(&suite("vitest", "timeout = \"30s\""))) else {
        return;
    };
    let open = "import http from 'node:http';\nexport default () => http.createServer().listen(0) \
                && undefined;\n";
    let config = "export default { test: { globals: true, globalSetup: './open.mjs', \
                  teardownTimeout: 100 } };\n";
    let project = project
        .file("package.json", "{}")
        .file("vitest.config.mjs", config)
        .file("open.mjs", open)
        .file("a.test.js", "test('a', () => {});\n");
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(outcome(&project, "a.test.js::a"), "passed");
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

fn mocha() -> Option<Project> {
    let project = with_node(Project::new(&suite("mocha", "")))?;
    Some(project.file("package.json", "{}"))
}

#[test]
fn hooks_of_all_tests_hold_in_each_group() {
    let Some(project) = mocha() else { return };
    let hooks = "before(() => { global.ready = true; });\n\
                 afterEach(() => { if (global.dirty) throw new Error('dirty'); });\n";
    let project = project
        .file("test/a.js", "it('a', () => { if (!global.ready) throw new Error('not ready'); });\n")
        .file("test/b.mjs", "it('b', () => { global.dirty = true; });\n")
        .file("test/set [up].js", hooks);
    project.evenly(&["local", "--shards", "2"]).exits(1);
    assert_eq!(outcome(&project, "test/a.js::a"), "passed");
    assert_eq!(outcome(&project, "test/b.mjs::\"after each\" hook for \"b\""), "errored");
    assert_eq!(project.report()["ledger"]["planned"], 2);
}

#[test]
fn only_leaves_out_the_tests_of_all_other_files_as_in_mocha() {
    let Some(project) = mocha() else { return };
    let project = project
        .file("test/a.js", "it.only('a', () => {});\nit('other', () => {});\n")
        .file("test/b.js", "it('b', () => {});\n");
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let found: Vec<String> = reported(&project).into_keys().collect();
    assert_eq!(found, ["test/a.js::a"]);
}

#[test]
fn suites_that_come_late_are_listed() {
    let Some(project) = mocha() else { return };
    let late = "setTimeout(() => { it('late', () => {}); run(); }, 1);\n";
    let project = project.file(".mocharc.json", "{\"delay\": true}").file("test/a.js", late);
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(outcome(&project, "test/a.js::late"), "passed");
}

#[test]
fn a_pending_test_that_mocha_forbids_is_bad_and_the_others_run() {
    let Some(project) = mocha() else { return };
    let project = project
        .file(".mocharc.json", "{\"forbid-pending\": true}")
        .file("test/a.js", "it('later');\nit('now', () => {});\n");
    project.evenly(&["local", "--shards", "1"]).exits(1);
    assert_eq!(outcome(&project, "test/a.js::later"), "errored");
    assert_eq!(outcome(&project, "test/a.js::now"), "passed");
}

#[test]
fn bail_of_mocha_makes_no_errors_of_other_groups() {
    let Some(project) = mocha() else { return };
    let project = project
        .file(".mocharc.json", "{\"bail\": true}")
        .file("test/a.js", "it('a', () => { throw new Error('a'); });\n")
        .file("test/b.js", "it('b', () => {});\n");
    project.evenly(&["local", "--shards", "1", "--workers", "1"]).exits(1);
    assert_eq!(outcome(&project, "test/a.js::a"), "errored");
    assert_eq!(outcome(&project, "test/b.js::b"), "passed");
}

#[test]
fn a_first_try_in_mocha_that_fails_once_more_makes_its_test_bad() {
    let Some(project) = mocha() else { return };
    // What the first try began calls back while the second one runs.
    let late = "let tries = 0;\n\
                it('late', function (done) {\n\
                  this.retries(1);\n\
                  tries += 1;\n\
                  setTimeout(done, tries === 1 ? 5 : 50);\n\
                  if (tries === 1) setTimeout(() => { throw new Error('first'); }, 1);\n\
                });\n";
    let project = project.file("test/a.js", late);
    plainly(&project, &["npx", "--no", "--", "mocha"]).exits(1);
    project.evenly(&["local", "--shards", "1"]).exits(1);
    assert_eq!(outcome(&project, "test/a.js::late"), "errored");
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

#[test]
fn max_failures_of_playwright_is_left_out_since_it_shows_as_skipped_what_did_not_run() {
    let Some(project) = with_node(Project::new(&suite("playwright", "retries = 1"))) else {
        return;
    };
    let project = project
        .file("package.json", "{}")
        .file("playwright.config.js", "module.exports = { maxFailures: 1 };\n");
    let import = "const { test } = require('@playwright/test');";
    bail_left_nothing_out(&flaky_and_three(project, ".spec.js", import));
}

#[test]
fn playwrights_x_is_refused_before_anything_runs() {
    let Some(project) = project("playwright", "args = [\"-x\"]") else { return };
    project.evenly(&["local", "--shards", "2"]).exits(2).warns("leave -x out of `args`");
}

#[test]
fn playwrights_reports_come_to_evenly_whatever_a_job_sets_for_its_own() {
    let env = "env = { PLAYWRIGHT_JUNIT_OUTPUT_FILE = \"j\", PLAYWRIGHT_JSON_OUTPUT_FILE = \"k\" }";
    let Some(project) = with_node(Project::new(&suite("playwright", env))) else { return };
    let file = "const { test } = require('@playwright/test');\ntest('t', () => {});\n";
    let project = project.file("package.json", "{}").file("a.spec.js", file);
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(outcome(&project, "a.spec.js::t"), "passed");
}

const PROJECTS: &str = "
module.exports = { projects: [
  { name: 'setup', testMatch: /setup\\.js/ },
  { name: 'main', testDir: '../outside', dependencies: ['setup'] },
] };
";

#[test]
fn what_playwrights_projects_depend_on_is_refused_or_left_out() {
    let args = "dir = \"e2e\"\nargs = [\"--no-deps\", \"--project\", \"main\"]";
    let (Some(whole), Some(alone)) = (
        with_node(Project::new(&suite("playwright", "dir = \"e2e\""))),
        with_node(Project::new(&suite("playwright", args))),
    ) else {
        return;
    };
    let file = "const { test } = require('@playwright/test');\ntest('t', () => {});\n";
    let with = |project: Project| {
        project
            .file("package.json", "{}")
            .file("e2e/playwright.config.js", PROJECTS)
            .file("e2e/setup.js", file)
            .file("outside/a.spec.js", file)
    };
    let refused = with(whole).evenly(&["local", "--shards", "2"]).exits(2);
    refused.warns("the project depends on `setup`").warns("--no-deps");
    // Its files are outside the directory of the configuration.
    let alone = with(alone);
    alone.evenly(&["local", "--shards", "2"]).exits(0);
    let found: Vec<String> = reported(&alone).into_keys().collect();
    assert_eq!(found, ["../outside/a.spec.js::t"]);
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
