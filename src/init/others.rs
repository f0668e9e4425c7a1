//! Ruby, PHP, Go, Rust, Java, C and C++, Elixir, .NET and bats.

use std::collections::BTreeSet;

use super::facts::{has_ending, join, split};
use super::setup::Setup;
use super::suites::{Seen, is_plain};
use super::toml::list;
use super::{Facts, Found};

/// How deep modules of Maven are looked for.
const MODULES_DEPTH_MAX: usize = 3;

pub(super) fn find(facts: &Facts, found: &mut Found) {
    ruby(facts, found);
    php(facts, found);
    rust(facts, found);
    by_file(facts, found, "go test", &["go"], &["go.mod"], &Setup::Go);
    maven(facts, found);
    let gradle = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];
    by_file(facts, found, "Gradle", &["gradle"], &gradle, &Setup::Gradle);
    by_file(facts, found, "ExUnit", &["exunit"], &["mix.exs"], &Setup::Elixir);
    ctest(facts, found);
    dotnet(facts, found);
    bats(facts, found);
}

fn seen<'a>(
    (called, names): (&'a str, &'a [&'a str]),
    dir: &'a str,
    why: String,
    setup: &Setup,
) -> Seen<'a> {
    let (keys, remarks) = (Vec::new(), Vec::new());
    Seen { called, names, dir, why, keys, remarks, setup: setup.clone() }
}

/// A framework that a file of one of these names is enough for.
fn by_file(
    facts: &Facts,
    found: &mut Found,
    called: &str,
    names: &[&str],
    files: &[&str],
    setup: &Setup,
) {
    for dir in facts.roots(files) {
        let file = facts.first(&dir, files).unwrap_or_default();
        found.suite(seen((called, names), &dir, format!("there is `{file}`"), setup));
    }
}

/// A POM, or each of its modules that has tests: evenly runs one module.
fn maven(facts: &Facts, found: &mut Found) {
    for root in facts.roots(&["pom.xml"]) {
        let mut modules = Vec::new();
        add_modules(facts, &root, MODULES_DEPTH_MAX, &mut modules);
        if modules.is_empty() {
            let setup = Setup::Maven { reactor: None };
            let why = "there is `pom.xml`".to_owned();
            found.suite(seen(("Maven", &["maven"]), &root, why, &setup));
            continue;
        }
        for module in modules {
            let setup = Setup::Maven { reactor: Some(root.clone()) };
            let why = format!("a module of `{}`", join(&root, "pom.xml"));
            found.suite(seen(("Maven", &["maven"]), &module, why, &setup));
        }
        found.advice.push(
            "install the modules of Maven before a run of your own, as the workflow does: `mvn \
             install -DskipTests`"
                .to_owned(),
        );
    }
}

/// Adds the modules with tests that a directory's POM names, and those that they name.
fn add_modules(facts: &Facts, dir: &str, depth_max: usize, modules: &mut Vec<String>) {
    let pom = facts.text(dir, "pom.xml").unwrap_or_default();
    let named = pom.split("<module>").skip(1).filter_map(|rest| rest.split_once("</module>"));
    for (name, _) in named {
        let module = join(dir, name.trim());
        let tests = facts.below(&module).any(|(path, _)| path.starts_with("src/test/"));
        if tests && !modules.contains(&module) {
            modules.push(module.clone());
        }
        if depth_max > 0 {
            add_modules(facts, &module, depth_max - 1, modules);
        }
    }
}

fn dotnet(facts: &Facts, found: &mut Found) {
    let Some((path, _)) = facts.below("").find(|(path, _)| has_ending(path, "sln")) else { return };
    let why = format!("there is `{path}`");
    found.suite(seen(("dotnet test", &["dotnet"]), "", why, &Setup::Dotnet));
    found.advice.push(
        "evenly needs the package JunitXml.TestLogger in the test projects of .NET".to_owned(),
    );
}

fn ruby(facts: &Facts, found: &mut Found) {
    for dir in facts.roots(&["Gemfile", ".rspec"]) {
        let gems = facts.text(&dir, "Gemfile").unwrap_or_default();
        let has = |start: &str, ending: &str| {
            facts.below(&dir).any(|(path, _)| path.starts_with(start) && path.ends_with(ending))
        };
        let rspec = if facts.has(&dir, ".rspec") {
            Some("there is `.rspec`")
        } else {
            (gems.contains("rspec") && has("spec/", "_spec.rb")).then_some("`Gemfile` has rspec")
        };
        if let Some(why) = rspec {
            if !gems.contains("rspec_junit_formatter") {
                found.advice.push(
                    "evenly needs the gem rspec_junit_formatter beside RSpec: add it to `Gemfile`"
                        .to_owned(),
                );
            }
            found.suite(seen(("RSpec", &["rspec"]), &dir, why.to_owned(), &Setup::Ruby));
        }
        if has("test/", "_test.rb") {
            let why = "there are `test/**/*_test.rb`".to_owned();
            found.suite(seen(("minitest", &["minitest"]), &dir, why, &Setup::Ruby));
        }
    }
}

fn php(facts: &Facts, found: &mut Found) {
    for dir in facts.roots(&["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"]) {
        let composer = facts.text(&dir, "composer.json").unwrap_or_default();
        let (framework, why) = if composer.contains("pestphp/pest") {
            (("Pest", ["pest"].as_slice()), "`composer.json` has pestphp/pest")
        } else {
            (("PHPUnit", ["phpunit"].as_slice()), "there is `phpunit.xml`")
        };
        found.suite(seen(framework, &dir, why.to_owned(), &Setup::Php));
    }
}

fn rust(facts: &Facts, found: &mut Found) {
    for dir in facts.roots(&["Cargo.toml"]) {
        let why = if facts.has(&dir, ".config/nextest.toml") {
            "there is `.config/nextest.toml`"
        } else {
            "there is `Cargo.toml`; `cargo nextest` tells its tests apart"
        };
        let setup = Setup::Rust { nextest: true };
        found.suite(seen(("Rust", &["nextest"]), &dir, why.to_owned(), &setup));
    }
}

fn bats(facts: &Facts, found: &mut Found) {
    let paths = facts.below("").map(|(path, _)| path).filter(|path| has_ending(path, "bats"));
    let dirs: BTreeSet<&str> =
        paths.map(|path| path.split_once('/').map_or("", |(top, _)| top)).collect();
    let Some(first) = dirs.first() else { return };
    let why = if first.is_empty() {
        "there are `*.bats`".to_owned()
    } else {
        format!("there are `*.bats` below `{first}`")
    };
    let mut seen = seen(("bats", &["bats"]), "", why, &Setup::Bats);
    // Where it looks by itself.
    if dirs.iter().any(|dir| *dir != "test") && dirs.iter().all(|dir| is_plain(dir)) {
        let dirs = dirs.iter().map(|dir| if dir.is_empty() { "." } else { dir }.to_owned());
        seen.keys.push(("paths", list(&dirs.collect::<Vec<_>>())));
    }
    found.suite(seen);
}

fn ctest(facts: &Facts, found: &mut Found) {
    for dir in facts.roots(&["CMakeLists.txt"]) {
        let tests = facts.below(&dir).find(|(path, text)| {
            split(path).1 == "CMakeLists.txt"
                && ["enable_testing", "add_test", "include(CTest)"].iter().any(|m| text.contains(m))
        });
        if let Some((path, _)) = tests {
            let why = format!("`{path}` enables tests");
            let setup = Setup::Cmake { source: dir.clone() };
            // Its tests are where it was built.
            let build = join(&dir, "build");
            found.suite(seen(("CTest", &["ctest"]), &build, why, &setup));
        }
    }
}
