use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::config::{self, ServerKind};
use crate::framework::{Preset, WarmFramework};
use crate::model::Engine;

type File = (&'static str, &'static str);

const MANAGE: &str = "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n";
const POSTGRES: &str = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n";
const UNITTEST: &str = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n";
const TRIAL: &str = "from twisted.trial import unittest\nclass A:\n    def test_a(self): pass\n";

/// What projects are made of here, each piece the files of one thing.
const PIECES: &[&[File]] = &[
    &[("manage.py", MANAGE), ("shop/settings.py", POSTGRES), ("requirements.txt", "Django\n")],
    &[("api/manage.py", MANAGE), ("api/shop/settings/__init__.py", "ENGINE = 'x.backends.mysql'")],
    &[("pyproject.toml", "[project]\nname='x'\n[tool.pytest.ini_options]\n")],
    &[("setup.cfg", "[tool:pytest]\n"), ("uv.lock", "")],
    &[("tests/test_a.py", UNITTEST)],
    &[("net/test_b.py", TRIAL)],
    &[
        ("package.json", "{\"devDependencies\":{\"jest\":\"30\",\"mocha\":\"11\"}}"),
        ("a.test.js", ""),
        ("yarn.lock", ""),
    ],
    &[
        ("web/package.json", "{\"devDependencies\":{\"vitest\":\"3\",\"@playwright/test\":\"1\"}}"),
        ("web/e2e/a.spec.ts", ""),
    ],
    &[("Gemfile", "gem 'rspec'"), (".rspec", ""), ("test/a_test.rb", "")],
    &[("phpunit.xml", ""), ("composer.json", "{}")],
    &[("go.mod", "module x\n")],
    &[("Cargo.toml", "[package]\n"), (".config/nextest.toml", "")],
    &[("pom.xml", ""), ("core/build.gradle.kts", "")],
    &[("CMakeLists.txt", "enable_testing()\n"), ("mix.exs", ""), ("app.sln", ""), ("t/a.bats", "")],
    &[("docker-compose.yml", "services:\n  db:\n    image: postgres:16\n")],
    &[(".env.example", "DATABASE_URL=\"mysql://root@db/shop\"\n"), ("alembic.ini", "")],
    &[(".github/workflows/ci.yml", "")],
    &[(".gitlab-ci.yml", "")],
];

fn facts(files: &[File]) -> Facts {
    let mut facts = Facts::default();
    for (path, text) in files {
        facts.add((*path).to_owned(), (*text).to_owned());
    }
    facts
}

const AS_FOUND: Wish = Wish { home: None, shards: SHARDS };

fn outcome(files: &[File]) -> Outcome {
    init(&facts(files), AS_FOUND)
}

#[track_caller]
fn config(outcome: &Outcome) -> config::Config {
    let file = outcome.files.iter().find(|file| file.path == CONFIG).expect("a configuration");
    config::Config::parse(&file.text).unwrap_or_else(|error| panic!("{error}\n{}", file.text))
}

fn frameworks(outcome: &Outcome) -> Vec<(String, String)> {
    let suites = config(outcome).suites;
    suites.into_iter().map(|suite| (suite.name.to_string(), suite.framework)).collect()
}

fn file<'a>(outcome: &'a Outcome, path: &str) -> Option<&'a str> {
    outcome.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
}

#[test]
fn a_django_project_gets_its_settings_and_a_server() {
    let outcome = outcome(&[PIECES[0], PIECES[16]].concat());
    assert_eq!(frameworks(&outcome), [("django".to_owned(), "django".to_owned())]);
    let config = config(&outcome);
    assert_eq!(config.suites[0].settings.as_deref(), Some("shop.settings"));
    assert_eq!(config.suites[0].databases, ["main"]);
    let database = &config.databases["main"];
    assert_eq!((database.engine, database.server), (Some(Engine::Postgres), ServerKind::Managed));
    let workflow = file(&outcome, ".github/workflows/evenly.yml").expect("a workflow");
    assert!(workflow.contains("shard: [1/4, 2/4, 3/4, 4/4]"), "{workflow}");
    assert!(workflow.contains("pip install -r requirements.txt"), "{workflow}");
    assert!(workflow.lines().count() <= 30, "{workflow}");
    let why: Vec<&str> = outcome.found.iter().map(|finding| finding.why.as_str()).collect();
    assert!(why.contains(&"`manage.py` names the settings `shop.settings`"), "{why:?}");
    assert!(why.contains(&"`shop/settings.py` names it"), "{why:?}");
}

#[test]
fn what_pytest_runs_is_not_djangos() {
    let more = [("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n")];
    let outcome = outcome(&[PIECES[0], &more].concat());
    assert_eq!(frameworks(&outcome)[0].1, "pytest");
}

#[test]
fn plain_tests_are_looked_for_where_they_are() {
    let both = outcome(&[PIECES[4], PIECES[5]].concat());
    let suites = config(&both).suites;
    let found: Vec<_> = suites.iter().map(|suite| (&*suite.framework, &suite.paths[..])).collect();
    let expected = [("trial", ["net".to_owned()]), ("unittest", ["tests".to_owned()])];
    assert_eq!(found, expected.each_ref().map(|(name, paths)| (*name, &paths[..])));
    let loose = outcome(&[("test_a.py", UNITTEST), ("tests/test_b.py", UNITTEST)]);
    assert!(config(&loose).suites[0].paths.is_empty());
    // No test: a helper of that name.
    assert_eq!(outcome(&[("test_helper.py", "import unittest\n")]).files, []);
}

#[test]
fn each_module_of_maven_that_has_tests_is_a_suite() {
    let top = "<modules>\n<module>core</module><module> web </module><module>gone</module>";
    let outcome = outcome(&[
        (".gitlab-ci.yml", ""),
        ("pom.xml", top),
        ("core/pom.xml", ""),
        ("core/src/test/java/ATest.java", ""),
        ("web/pom.xml", "<module>api</module><module>api</module>"),
        ("web/src/main/java/B.java", ""),
        ("web/api/pom.xml", ""),
        ("web/api/src/test/java/BTest.java", ""),
    ]);
    let suites = config(&outcome).suites;
    let found: Vec<_> =
        suites.iter().map(|suite| (suite.name.as_str(), suite.dir.as_deref())).collect();
    assert_eq!(found, [("core", Some("core")), ("api", Some("web/api"))]);
    let pipeline = file(&outcome, ".gitlab/evenly.yml").expect("a pipeline");
    assert_eq!(pipeline.matches("mvn -B -q install -DskipTests").count(), 1, "{pipeline}");
    assert!(outcome.advice.iter().any(|line| line.contains("install the modules")));
}

#[test]
fn jest_without_its_reporter_is_told_what_it_needs() {
    let outcome = outcome(PIECES[6]);
    assert_eq!(frameworks(&outcome)[0].1, "jest");
    assert!(outcome.advice.iter().any(|line| line.contains("npm install --save-dev jest-junit")));
}

#[test]
fn a_database_that_nothing_fills_stands_there_as_a_comment() {
    let compose = outcome(&[PIECES[2], PIECES[14]].concat());
    assert!(config(&compose).databases.is_empty());
    let text = file(&compose, CONFIG).unwrap_or_default();
    assert!(text.contains("# [database.main]\n# server = \"managed\"\n"), "{text}");
    let filled = outcome(&[PIECES[2], PIECES[15]].concat());
    let database = &config(&filled).databases["main"];
    assert_eq!(database.engine, Some(Engine::Mysql));
    assert_eq!(config(&filled).suites[0].databases, ["main"]);
}

#[test]
fn gitlab_is_told_what_to_include() {
    let there = outcome(&[PIECES[2], PIECES[17]].concat());
    let text = file(&there, ".gitlab/evenly.yml").expect("a pipeline");
    assert!(text.contains("  parallel: 4\n") && text.contains("    - evenly run\n"), "{text}");
    assert!(there.advice.iter().any(|line| line.contains("`.gitlab-ci.yml`: `include:")));
    assert_eq!(file(&there, ".gitlab-ci.yml"), None);
    let wish = Wish { home: Some(Home::Gitlab), shards: 1 };
    let bare = init(&facts(PIECES[2]), wish);
    assert!(file(&bare, ".gitlab-ci.yml").is_some_and(|text| text.contains("local: .gitlab/")));
    let text = file(&bare, ".gitlab/evenly.yml").unwrap_or_default();
    assert!(!text.contains("parallel") && text.contains("run --shard 1/1"), "{text}");
}

#[test]
fn another_ci_is_named_and_gets_no_workflow() {
    let outcome = outcome(&[PIECES[2], &[(".circleci/config.yml", "")]].concat());
    assert_eq!(outcome.files.len(), 1);
    assert!(outcome.found.iter().any(|found| found.what.starts_with("CircleCI")));
}

#[test]
fn nothing_found_writes_nothing() {
    assert_eq!(outcome(&[("README.md", "")]).files, []);
}

#[test]
fn what_lies_among_tests_is_no_project() {
    let outcome = outcome(&[PIECES[2], &[("tests/toml-test/go.mod", "")]].concat());
    assert_eq!(frameworks(&outcome), [("pytest".to_owned(), "pytest".to_owned())]);
}

#[test]
fn other_peoples_code_is_passed_over() {
    for dir in ["node_modules", ".venv", "vendor", ".git", "target"] {
        assert!(is_left_out(dir), "{dir}");
    }
    assert_eq!(wants("a/b/settings/local.py"), Want::Text);
    assert_eq!(wants("tests/test_x.py"), Want::Head);
    assert_eq!(wants("src/image.png"), Want::Name);
}

fn homes() -> impl Strategy<Value = Option<Home>> {
    prop_oneof![
        Just(None),
        Just(Some(Home::Github)),
        Just(Some(Home::Gitlab)),
        Just(Some(Home::None))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_a_project_is_made_of_its_configuration_is_one(
        pieces in subsequence(PIECES.to_vec(), 0..=PIECES.len()),
        home in homes(),
        shards in 1..=SHARDS_MAX,
    ) {
        let outcome = init(&facts(&pieces.concat()), Wish { home, shards });
        if outcome.files.is_empty() {
            return Ok(());
        }
        let config = config(&outcome);
        for suite in &config.suites {
            let name = suite.framework.as_str();
            prop_assert!(
                WarmFramework::named(name).is_some() || Preset::named(name).is_some(),
                "{name}"
            );
        }
        for file in &outcome.files {
            prop_assert!(file.text.is_ascii() && !file.text.contains('\r'), "{}", file.text);
        }
        prop_assert!(outcome.found.iter().all(|found| !found.why.is_empty()));
    }

    #[test]
    fn no_name_and_no_text_breaks_what_is_written(
        dir in "[a-z./ {}$#\"'\\\\\n\u{202e}é-]{0,12}",
        text in ".{0,200}",
    ) {
        let mut facts = Facts::default();
        for name in ["manage.py", "package.json", "Cargo.toml", "pyproject.toml", "compose.yml"] {
            let path = if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
            let text = format!("DJANGO_SETTINGS_MODULE \"{text}\"\nimage: postgres{text}");
            facts.add(path, text);
        }
        facts.add(format!("{dir}/test_a.py"), format!("{UNITTEST}{text}"));
        facts.add("test_b.py".to_owned(), UNITTEST.to_owned());
        let outcome = init(&facts, Wish { home: Some(Home::Github), shards: 2 });
        if outcome.files.is_empty() {
            return Ok(());
        }
        config(&outcome);
        let workflow = file(&outcome, ".github/workflows/evenly.yml").unwrap_or_default();
        let expressions = workflow.matches("${{").count();
        prop_assert_eq!(expressions, 2, "{}", workflow);
    }
}
