//! jest, vitest, mocha, Playwright Test and Cypress.

use serde_json::Value;

use super::setup::Setup;
use super::suites::Seen;
use super::{Facts, Found};

/// A runner of tests: how it is called here and by evenly, its package, its configuration files,
/// its key in `package.json`, and what its preset needs beside it.
struct Runner {
    called: &'static str,
    name: &'static str,
    package: &'static str,
    files: &'static [&'static str],
    key: &'static str,
    beside: &'static [&'static str],
}

const RUNNERS: &[Runner] = &[
    Runner {
        called: "jest",
        name: "jest",
        package: "jest",
        files: &["jest.config.js", "jest.config.ts", "jest.config.cjs", "jest.config.mjs"],
        key: "jest",
        beside: &["jest-junit"],
    },
    Runner {
        called: "vitest",
        name: "vitest",
        package: "vitest",
        files: &["vitest.config.ts", "vitest.config.js", "vitest.config.mts", "vitest.config.mjs"],
        key: "vitest",
        beside: &[],
    },
    Runner {
        called: "mocha",
        name: "mocha",
        package: "mocha",
        files: &[".mocharc.js", ".mocharc.json", ".mocharc.cjs", ".mocharc.yml", ".mocharc.yaml"],
        key: "mocha",
        beside: &[],
    },
    Runner {
        called: "Playwright Test",
        name: "playwright",
        package: "@playwright/test",
        files: &["playwright.config.ts", "playwright.config.js", "playwright.config.mjs"],
        key: "playwright",
        beside: &[],
    },
    Runner {
        called: "Cypress",
        name: "cypress",
        package: "cypress",
        files: &["cypress.config.ts", "cypress.config.js", "cypress.json"],
        key: "cypress",
        beside: &[],
    },
];

pub(super) fn find(facts: &Facts, found: &mut Found) {
    for dir in facts.roots(&["package.json"]) {
        let text = facts.text(&dir, "package.json").unwrap_or_default();
        let package: Value = serde_json::from_str(text).unwrap_or_default();
        for runner in RUNNERS {
            let Some(why) = runner.why(facts, &dir, &package) else { continue };
            let lacking: Vec<&str> =
                runner.beside.iter().copied().filter(|name| !depends(&package, name)).collect();
            let mut install = vec![install(facts, &dir).to_owned()];
            let mut remarks = Vec::new();
            for name in lacking {
                found.advice.push(format!(
                    "evenly needs `{name}` beside {}: `npm install --save-dev {name}`",
                    runner.called
                ));
                remarks.push(format!("Needs `{name}` among the dev dependencies."));
                install.push(format!("npm install --no-save {name}"));
            }
            found.suite(Seen {
                called: runner.called,
                names: &[runner.name],
                dir: &dir,
                why,
                keys: Vec::new(),
                remarks,
                setup: Setup::Node { install },
            });
        }
    }
}

impl Runner {
    fn why(&self, facts: &Facts, dir: &str, package: &Value) -> Option<String> {
        if let Some(file) = facts.first(dir, self.files) {
            return Some(format!("there is `{file}`"));
        }
        if package.get(self.key).is_some() {
            return Some(format!("`package.json` has `{}`", self.key));
        }
        let (test, _) = facts.below(dir).find(|(path, _)| is_test(path))?;
        let package = depends(package, self.package).then_some(self.package)?;
        Some(format!("`package.json` depends on `{package}`, and there is `{test}`"))
    }
}

/// Whether a file has a name that these runners take for tests.
fn is_test(path: &str) -> bool {
    let mut steps = path.rsplit('/');
    let name = steps.next().unwrap_or_default();
    let code = [".js", ".jsx", ".ts", ".tsx", ".cjs", ".mjs", ".cts", ".mts"];
    let code = code.iter().any(|ending| name.ends_with(ending));
    let named = [".test.", ".spec.", ".cy.", "-test."].iter().any(|mark| name.contains(mark));
    code && (named || steps.any(|dir| matches!(dir, "test" | "tests" | "__tests__" | "e2e")))
}

fn depends(package: &Value, name: &str) -> bool {
    let lists = ["dependencies", "devDependencies"];
    lists.into_iter().any(|list| package.get(list).and_then(|list| list.get(name)).is_some())
}

/// What installs the packages, by the lock file that is there.
fn install(facts: &Facts, dir: &str) -> &'static str {
    match facts.first(dir, &["package-lock.json", "yarn.lock", "pnpm-lock.yaml"]) {
        Some("package-lock.json") => "npm ci",
        Some("yarn.lock") => "corepack enable && yarn install --immutable",
        Some(_) => "corepack enable && pnpm install --frozen-lockfile",
        None => "npm install",
    }
}
