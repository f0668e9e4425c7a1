//! Real packages' own suites, as their authors published them, against the framework alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{
    Outcomes, cases, fixture, has_program, jest, jvm, model, numbered, plainly, python, reported,
    ruby, suite, with_cargo, with_node,
};
use crate::support::{Project, tool};

fn package(name: &str) -> Option<PathBuf> {
    Some(Path::new(&tool("EVENLY_TEST_PACKAGES")?).join(name))
}

/// Checks that a whole run found what the framework alone found, and that this is as much as the
/// package has. Those of Debian are as old as the machine: what they have at the least.
#[track_caller]
fn same(found: &Outcomes, alone: &Outcomes, least: usize) {
    assert!(alone.len() >= least, "{}", alone.len());
    let differs: Vec<_> = found.iter().filter(|(id, what)| alone.get(*id) != Some(*what)).collect();
    assert!(differs.is_empty(), "not as the framework alone has it: {differs:#?}");
    assert_eq!(found.len(), alone.len());
}

#[test]
fn tomlkit_in_three_shards_is_what_pytest_says_itself() {
    let (Some(package), Some(python)) = (package("tomlkit-0.15.2"), python()) else { return };
    let project = Project::new(&suite("pytest", &format!("python = \"{python}\""))).copy(&package);
    project.evenly(&["local", "--shards", "3"]).exits(0);
    plainly(&project, &[&python, "-m", "pytest", "--junitxml=plain.xml"]).exits(0);
    let merged = cases(&project.text("evenly-out/junit.xml"));
    same(&merged, &cases(&project.text("plain.xml")), 1_203);
    // Ids are pytest's own node ids.
    let listing = plainly(&project, &[&python, "-m", "pytest", "--collect-only", "-q"]).exits(0);
    let found = reported(&project);
    let unknown: Vec<&String> =
        found.keys().filter(|id| !listing.stdout.lines().any(|line| line == *id)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert_eq!(found.len(), 1_203);
}

#[test]
fn markdown_in_two_shards_is_what_unittest_says_itself() {
    let (Some(package), Some(python)) = (package("markdown-3.11.3"), python()) else { return };
    let more = format!("python = \"{python}\"\npaths = [\"tests\"]");
    let project = Project::new(&suite("unittest", &more)).copy(&package);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let told = include_str!("plain_unittest.py");
    let plain = plainly(&project, &[&python, "-c", told, "tests"]).exits(0);
    same(&reported(&project), &model(&plain.stdout), 1_141);
}

#[test]
fn semver_in_two_shards_is_what_nextest_says_itself() {
    let Some(package) = package("semver-1.0.28") else { return };
    let project = Project::new(&suite("nextest", ""))
        .copy(&package)
        .file(".config/nextest.toml", "[profile.default]\njunit = { path = \"plain.xml\" }\n");
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(0);
    plainly(&project, &["cargo", "nextest", "run", "--offline"]).exits(0);
    let plain = cases(&project.text("target/nextest/default/plain.xml"));
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 34);
}

#[test]
fn jsx_ast_utils_in_two_shards_is_what_jest_says_itself() {
    let Some(project) = with_node(Project::new(&suite("jest", ""))) else { return };
    let package = project.path("node_modules/jsx-ast-utils").canonicalize().unwrap();
    let project = project
        .copy(&package)
        // Its own presets are those of Babel 6.
        .file(".babelrc", r#"{ "plugins": ["@babel/plugin-transform-modules-commonjs"] }"#)
        .file("jest.config.js", r#"module.exports = { testMatch: ["**/*-test.js"] };"#);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let npx = ["npx", "--no", "--", "jest", "--json", "--outputFile=plain.json"];
    plainly(&project, &npx).exits(0);
    same(&reported(&project), &jest::plain(&project, "plain.json"), 398);
}

/// A package of npm that `tests/run` installed, with the tools of npm as its own.
fn npm(name: &str, framework: &str, more: &str) -> Option<Project> {
    let project = with_node(Project::new(&suite(framework, more)))?;
    let package = project.path("node_modules").join(name).canonicalize().unwrap();
    Some(project.copy(&package))
}

#[test]
fn zod_in_two_shards_is_what_vitest_says_itself() {
    let paths = "paths = [\"src/v4/core\", \"src/v4/mini\"]";
    let Some(project) = npm("zod", "vitest", paths) else { return };
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let vitest = ["npx", "--no", "--", "vitest", "run", "--reporter=junit"];
    let more = ["--outputFile=plain.xml", "src/v4/core/", "src/v4/mini/"];
    plainly(&project, &[&vitest[..], &more].concat()).exits(0);
    let plain = cases(&project.text("plain.xml"));
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 190);
}

#[test]
fn jsonpath_in_two_shards_is_what_mocha_says_itself() {
    let args = "args = [\"-u\", \"tdd\"]";
    let Some(project) = npm("jsonpath", "mocha", args) else { return };
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let mocha = ["npx", "--no", "--", "mocha", "-u", "tdd", "test", "--reporter", "json"];
    let more = ["--reporter-option", "output=plain.json"];
    plainly(&project, &[&mocha[..], &more].concat()).exits(0);
    let base = format!("{}/", project.path("").canonicalize().unwrap().display());
    let plain = project.json("plain.json");
    let mut copies = BTreeMap::new();
    let mut tests = Outcomes::new();
    for test in plain["passes"].as_array().unwrap() {
        let file = test["file"].as_str().unwrap().strip_prefix(&base).unwrap();
        let name = format!("{file}::{}", test["fullTitle"].as_str().unwrap());
        tests.insert(numbered(&mut copies, name), "passed".to_owned());
    }
    let found = reported(&project);
    let found = found.into_iter().map(|(name, what)| (name.replace(" › ", " "), what)).collect();
    same(&found, &tests, 139);
}

#[test]
fn hashie_in_two_shards_is_what_rspec_says_itself() {
    let (Some(package), Some(())) = (package("ruby-hashie"), has_program("rspec")) else { return };
    let project = Project::new(&suite("rspec", ""))
        .copy(&package)
        // Its specs lean on what pry, a debugger, loads.
        .file("lib/pry.rb", "require \"delegate\"\nrequire \"tempfile\"\n");
    std::fs::remove_file(project.path("Gemfile")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    plainly(&project, &[&["rspec"], &ruby::FORMATTER[..]].concat()).exits(0);
    let plain = cases(&project.text("plain.xml"));
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 600);
}

#[test]
fn chronic_in_two_shards_is_what_minitest_says_itself() {
    let (Some(package), Some(())) = (package("ruby-chronic"), has_program("ruby")) else { return };
    let env = "env = { RUBYOPT = \"-Ilib -rgitlab-chronic\" }";
    let project = Project::new(&suite("minitest", env)).copy(&package);
    std::fs::remove_file(project.path("Gemfile")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let all = "Dir['test/test_*.rb'].each { |file| require File.expand_path(file) }";
    let ruby = ["ruby", "-Ilib", "-Itest", "-rgitlab-chronic", "-e", all, "--", "-v"];
    let plain = plainly(&project, &ruby).exits(0);
    let line = |line: &str| {
        let (name, what) = line.split_once(" = ")?;
        assert!(what.ends_with(" s = ."), "{line}");
        Some((name.replacen('#', "::", 1), "passed".to_owned()))
    };
    same(&reported(&project), &plain.stdout.lines().filter_map(line).collect(), 150);
}

#[test]
fn doctrines_inflector_in_two_shards_is_what_phpunit_says_itself() {
    let package = package("php-doctrine-inflector");
    let (Some(package), Some(())) = (package, has_program("phpunit")) else { return };
    let args = "args = [\"--bootstrap\", \"autoload.php\"]";
    let autoload = "<?php\nspl_autoload_register(function ($class) {\n\
                    foreach (['lib', 'tests'] as $root) {\n\
                    $file = __DIR__ . \"/$root/\" . strtr($class, '\\\\', '/') . '.php';\n\
                    if (is_file($file)) { require $file; }\n}\n});\n";
    let project =
        Project::new(&suite("phpunit", args)).copy(&package).file("autoload.php", autoload);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let phpunit = ["phpunit", "--bootstrap", "autoload.php", "--log-junit", "plain.xml"];
    plainly(&project, &phpunit).exits(0);
    let plain = cases(&project.text("plain.xml"));
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 1_000);
    assert!(project.report()["ledger"]["planned"].as_u64().unwrap() >= 20);
}

#[test]
fn cjson_in_two_shards_is_what_ctest_says_itself() {
    let (Some(package), Some(())) = (package("cjson"), has_program("ctest")) else { return };
    let project = Project::new(&suite("ctest", "dir = \"build\"")).copy(&package);
    plainly(&project, &["cmake", "-B", "build"]).exits(0);
    plainly(&project, &["cmake", "--build", "build", "--parallel", "2"]).exits(0);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let ctest = ["ctest", "--test-dir", "build", "--output-junit", "plain.xml"];
    plainly(&project, &ctest).exits(0);
    let plain = cases(&project.text("build/plain.xml"));
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 19);
}

#[test]
fn bats_support_in_two_shards_is_what_bats_says_itself() {
    let (Some(package), Some(())) = (package("bats-support"), has_program("bats")) else { return };
    let project = Project::new(&suite("bats", "")).copy(&package);
    project.evenly(&["local", "--shards", "2"]).exits(0);
    plainly(&project, &["bats", "--report-formatter", "junit", "--output", ".", "test"]).exits(0);
    let plain = cases(&project.text("report.xml"));
    let plain = plain.into_iter().map(|(name, what)| (format!("test/{name}"), what)).collect();
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 37);
}

#[test]
fn eex_in_two_shards_is_what_exunit_says_itself() {
    let (Some(package), Some(())) = (package("elixir-lang"), has_program("mix")) else { return };
    let project = Project::new(&suite("exunit", "")).copy(&package.join("lib/eex"));
    project.evenly(&["local", "--shards", "2"]).exits(0);
    let plain = plainly(&project, &["mix", "test", "--trace"]).exits(0);
    let mut module = "";
    let mut tests = Outcomes::new();
    for line in plain.stdout.lines() {
        if let Some((name, _)) = line.split_once(" [test/") {
            module = name;
        } else if let Some((name, _)) = line.strip_prefix("  * ").and_then(|l| l.split_once(" [L#"))
        {
            tests.insert(format!("{module}::{name}"), "passed".to_owned());
        }
    }
    same(&reported(&project), &tests, 100);
}

#[test]
fn semver_in_two_shards_is_what_cargo_says_itself() {
    let Some(package) = package("semver-1.0.28") else { return };
    let args = "args = [\"--offline\", \"--tests\"]";
    let project = Project::new(&suite("cargo-test", args)).copy(&package);
    with_cargo(project.evenly(&["local", "--shards", "2"])).exits(0);
    let plain = plainly(&project, &["cargo", "test", "--offline", "--tests"]).exits(0);
    let test = |line: &str| {
        let (name, what) = line.strip_prefix("test ")?.split_once(" ... ")?;
        assert_eq!(what, "ok", "{line}");
        Some((name.to_owned(), "passed".to_owned()))
    };
    // Two names are in two of its binaries: a group has both.
    same(&reported(&project), &plain.stdout.lines().filter_map(test).collect(), 32);
}

/// The sources of commons-codec with the tests of two of its packages: the others take long.
fn commons_codec(framework: &str) -> Option<Project> {
    let package = package("libcommons-codec-java")?;
    let project = Project::new(&suite(framework, "")).copy(&package);
    for other in ["binary", "digest"] {
        let tests = format!("src/test/java/org/apache/commons/codec/{other}");
        std::fs::remove_dir_all(project.path(tests)).unwrap();
    }
    Some(project)
}

/// What the XML files in a directory say.
fn cases_below(project: &Project, dir: &str) -> Outcomes {
    let files = std::fs::read_dir(project.path(dir)).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "xml"));
    files.flat_map(|path| cases(&std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn commons_codec_in_two_shards_is_what_maven_says_itself() {
    let (Some(()), Some(project)) = (has_program("mvn"), commons_codec("maven")) else { return };
    // Its own POM with the versions that Debian has, and without the parent's plugins.
    let own = project.text("pom.xml");
    let excludes = own.split_once("<excludes>\n            <exclude>**/").unwrap().1;
    let excludes = format!("<exclude>**/{}", excludes.split_once("</excludes>").unwrap().0);
    let surefire = format!("<excludes>{excludes}</excludes>");
    let lang = "<dependency><groupId>org.apache.commons</groupId><artifactId>commons-lang3\
                </artifactId><version>debian</version></dependency></dependencies>";
    let pom = jvm::pom(false, &surefire).replace("</dependencies>", lang);
    let config = include_str!("../../fixtures/maven/.mvn/maven.config");
    let project = project.file("pom.xml", pom).file(".mvn/maven.config", config);
    plainly(&project, &["mvn", "-B", "test"]).exits(0);
    let plain = cases_below(&project, "target/surefire-reports");
    std::fs::remove_dir_all(project.path("target")).unwrap();
    project.evenly(&["local", "--shards", "2"]).exits(0);
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 400);
}

#[test]
fn commons_codec_in_two_shards_is_what_gradle_says_itself() {
    let (Some(()), Some(project)) = (has_program("gradle"), commons_codec("gradle")) else {
        return;
    };
    let build = include_str!("../../fixtures/gradle/build.gradle")
        .replace("files(", "files('/usr/share/java/commons-lang3.jar', ");
    let excludes = "test { exclude '**/*AbstractTest.class', '**/*PerformanceTest.class' }\n";
    let project =
        project.copy(&fixture("gradle")).file("build.gradle", format!("{build}{excludes}"));
    std::fs::remove_dir_all(project.path("src/test/java/shop")).unwrap();
    plainly(&project, &["./gradlew", "test"]).exits(0);
    let plain = cases_below(&project, "build/test-results/test");
    project.evenly(&["local", "--shards", "2"]).exits(0);
    same(&cases(&project.text("evenly-out/junit.xml")), &plain, 400);
}
