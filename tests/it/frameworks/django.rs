//! Django: its databases on each kind of server, from the settings or from the configuration.

use serde_json::Value;

use super::{fixture, model, reported, suite};
use crate::support::mariadb::Mariadb;
use crate::support::postgres::{ADMIN, servers};
use crate::support::{Evenly, Project, Ran};

const JOURNAL: &str = "shard-1-of-1.attempt-1.jsonl";

/// The server is told by variables, as projects do.
const SETTINGS: &str = r#"
import os
from urllib.parse import parse_qs, urlsplit

engine = os.environ.get("SHOP_ENGINE", "sqlite3")
if engine == "mysql":
    import pymysql
    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
url = urlsplit(os.environ.get("SHOP_URL", "x://nobody:secret-word@nowhere.invalid/shop"))
query = {key: values[0] for key, values in parse_qs(url.query).items()}
SECRET_KEY = "of a test"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {
    "ENGINE": "django.db.backends." + engine,
    "NAME": url.path[1:],
    "USER": url.username or "",
    "PASSWORD": url.password or "",
    "HOST": query.get("host") or query.get("socket") or url.hostname,
}}
if engine == "sqlite3":
    DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}
"#;

const MIGRATION: &str = r#"
from django.db import migrations, models

def seed(apps, schema_editor):
    with open("migrated", "a") as file:
        print(schema_editor.connection.alias, file=file)
    apps.get_model("shop", "Item").objects.create(name="seeded")

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Item", [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=20)),
        ]),
        migrations.RunPython(seed),
    ]
"#;

/// Each group notes which database it is connected to; rows of others would show.
const ROWS: &str = r#"
from django.db import connection
from django.test import TestCase
from shop.models import Item

class Rows(TestCase):
    def test_seeded(self):
        with open("names", "a") as file:
            print(connection.settings_dict["NAME"], file=file)
        self.assertEqual([item.name for item in Item.objects.all()], ["seeded"])
        Item.objects.create(name="rolled back")
"#;

/// Leaves rows behind that Django does not roll back.
const FLUSHES: &str = r#"
from django.test import TransactionTestCase
from shop.models import Item

class Flushes(TransactionTestCase):
    serialized_rollback = True

    def test_commits(self):
        self.assertEqual([item.name for item in Item.objects.all()], ["seeded"])
        Item.objects.create(name="stays")
"#;

const PLAIN: &str = r"
from django.test import SimpleTestCase

class Plain(SimpleTestCase):
    def test_plain(self):
        pass
";

const MODEL: &str = "
passed shop.tests.test_flush_a.Flushes.test_commits
passed shop.tests.test_flush_b.Flushes.test_commits
passed shop.tests.test_plain.Plain.test_plain
passed shop.tests.test_rows_a.Rows.test_seeded
passed shop.tests.test_rows_b.Rows.test_seeded
";

/// A project; none where Django is not installed.
fn shop(more: &str) -> Option<Project> {
    let python = super::python()?;
    let lines = format!("python = {python:?}\nsettings = \"settings\"\n{more}");
    let project = Project::new(&suite("django", &lines))
        .file("settings.py", SETTINGS)
        .file("shop/__init__.py", "")
        .file(
            "shop/models.py",
            "from django.db import models\nclass Item(models.Model):\n    \
             name = models.CharField(max_length=20)\n",
        )
        .file("shop/migrations/__init__.py", "")
        .file("shop/migrations/0001_initial.py", MIGRATION)
        .file("shop/tests/__init__.py", "")
        .file("shop/tests/test_flush_a.py", FLUSHES)
        .file("shop/tests/test_flush_b.py", FLUSHES)
        .file("shop/tests/test_plain.py", PLAIN)
        .file("shop/tests/test_rows_a.py", ROWS)
        .file("shop/tests/test_rows_b.py", ROWS);
    Some(project)
}

fn local(project: &Project) -> Evenly {
    project.evenly(&["local", "--shards", "1"])
}

/// How the templates of the last run came about.
fn origins(project: &Project) -> Vec<String> {
    let events = project.journal(JOURNAL);
    let ready = events.iter().filter(|event| event["event"] == "database-ready");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ready.map(|event| text(&event["origin"])).collect()
}

/// The databases that groups were connected to, sorted, none twice.
fn names(project: &Project) -> Vec<String> {
    let mut names: Vec<String> = project.text("names").lines().map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn migrated(project: &Project) -> usize {
    project.text("migrated").lines().count()
}

/// Two runs: the first one migrates once, the second not at all.
fn runs_twice(project: &Project, again: &str) {
    local(project).exits(0);
    assert_eq!(reported(project), model(MODEL));
    assert_eq!((origins(project), migrated(project)), (vec!["built".to_owned()], 1));
    let told = local(project).exits(0);
    assert_eq!(reported(project), model(MODEL));
    assert_eq!((origins(project), migrated(project)), (vec![again.to_owned()], 1));
    assert!(!told.stdout.contains("secret-word") && !told.stderr.contains("secret-word"));
}

#[test]
fn with_nothing_configured_sqlite_is_migrated_once_and_in_memory() {
    let Some(project) = shop("") else { return };
    runs_twice(&project, "restored");
    assert!(names(&project).iter().all(|name| name.contains("memory")), "{:?}", names(&project));
    assert!(!project.path("shop.db").exists());
    // Another migration is another template.
    project.write(
        "shop/migrations/0002_more.py",
        "from django.db import migrations\nclass Migration(migrations.Migration):\n    \
         dependencies = [(\"shop\", \"0001_initial\")]\n",
    );
    local(&project).exits(0);
    assert_eq!((origins(&project), migrated(&project)), (vec!["built".to_owned()], 2));
}

#[test]
fn a_managed_server_stands_in_for_the_one_of_the_settings() {
    for (engine, backend) in [("postgres", "postgresql"), ("mysql", "mysql")] {
        if engine == "mysql" && !super::super::databases::has_mariadb() {
            continue;
        }
        let lines = format!(
            "databases = [\"main\"]\nenv = {{ SHOP_ENGINE = \"{backend}\" }}\n\
             [database.main]\nserver = \"managed\"\nengine = \"{engine}\"\n"
        );
        let Some(project) = shop(&lines) else { return };
        runs_twice(&project, "restored");
        let names = names(&project);
        let ours =
            |name: &String| name.starts_with("test_0_main") || name.starts_with("test_1_main");
        assert!(names.iter().all(ours), "{names:?}");
    }
}

#[test]
fn with_nothing_configured_the_server_of_the_settings_is_used_and_left_clean() {
    let Some(project) = shop("env = { SHOP_ENGINE = \"postgresql\", SHOP_URL = \"${SHOP_URL}\" }")
    else {
        return;
    };
    let server = &servers()[0];
    let url = server.url(ADMIN, "django_shop");
    let config = project.text("evenly.toml").replace("${SHOP_URL}", &url);
    project.write("evenly.toml", config);
    runs_twice(&project, "found");
    let left = super::super::databases::on(server, "default");
    assert!(left.iter().all(|name| name.starts_with("evenly_tpl_default_")), "{left:?}");
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(super::super::databases::on(server, "django_shop").is_empty());
}

#[test]
fn a_mariadb_of_the_settings_is_used() {
    if !super::super::databases::has_mariadb() {
        return;
    }
    let server = Mariadb::shared();
    let url = server.url("root", "django_shop");
    let env = format!("env = {{ SHOP_ENGINE = \"mysql\", SHOP_URL = \"{url}\" }}");
    let Some(project) = shop(&env) else { return };
    runs_twice(&project, "found");
}

#[test]
fn a_database_that_is_prepared_already_is_only_attached() {
    let lines = "databases = [\"main\"]\nenv = { SHOP_ENGINE = \"postgresql\" }\n\
                 [database.main]\nserver = \"managed\"\nengine = \"postgres\"\n\
                 schema = \"schema.sql\"\n";
    let Some(project) = shop(lines) else { return };
    let schema = "CREATE TABLE shop_item (id BIGSERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL);\n\
                  INSERT INTO shop_item (name) VALUES ('seeded');\n";
    project.write("schema.sql", schema);
    local(&project).exits(0);
    assert!(!project.path("migrated").exists());
}

#[test]
fn groups_without_a_database_make_none() {
    let Some(project) = shop("paths = [\"shop.tests.test_plain\"]") else { return };
    local(&project).exits(0);
    assert_eq!(origins(&project), [""; 0]);
    assert!(!project.path("migrated").exists());
}

#[test]
fn the_results_are_those_of_a_plain_run() {
    let Some(python) = super::python() else { return };
    let lines = format!("python = {python:?}\nsettings = \"settings\"\npaths = [\"shop\"]");
    let project = Project::new(&suite("django", &lines)).copy(&fixture("django"));
    let plain = super::plainly(&project, &[&python, "manage.py", "test", "shop", "-v2"]);
    local(&project).exits(1);
    let bad = |outcome: &str| matches!(outcome, "failed" | "errored");
    let here = reported(&project);
    for (test, outcome) in &here {
        let Some((class, name)) = test.rsplit_once('.') else { continue };
        let line = plain.stderr.lines().find(|line| line.starts_with(&format!("{name} ({class}")));
        if let Some(line) = line.filter(|line| line.contains(" ... ")) {
            let there = !line.ends_with("ok")
                && !line.contains("skipped")
                && !line.contains("expected failure");
            assert_eq!(bad(outcome), there, "{test} is {outcome}: {line}");
        }
    }
    assert!(here.len() > 10, "{here:?}");
}

#[track_caller]
fn refused(project: &Project, part: &str) -> Ran {
    local(project).exits(2).warns(part)
}

#[test]
fn what_keeps_django_from_starting_is_said() {
    let Some(project) = shop("") else { return };
    let config = project.text("evenly.toml");
    let with = |from: &str, to: &str| project.write("evenly.toml", config.replace(from, to));
    with("settings = \"settings\"", "settings = \"no_such.settings\"");
    refused(&project, "there is no module `no_such.settings`");
    with("settings = \"settings\"", "settings = \"settings\"\nargs = [\"--no-such-flag\"]");
    refused(&project, "`args` of this suite");
    with("settings = \"settings\"", "settings = \"settings\"\npaths = [\"nothing.here\"]");
    local(&project).exits(1).says("nothing");
    project.write("evenly.toml", &config);
    project.write("shop/tests/test_broken.py", "def broken(:\n");
    local(&project).exits(1).says("test_broken");
    std::fs::remove_file(project.path("shop/tests/test_broken.py")).unwrap();
    project.write("shop/migrations/0001_initial.py", "raise RuntimeError('no such luck')\n");
    local(&project).exits(3).warns("no such luck");
}

#[test]
fn an_interpreter_that_cannot_be_used_is_named() {
    let Some(project) = shop("") else { return };
    let config = project.text("evenly.toml");
    let line = config.lines().find(|line| line.starts_with("python")).unwrap().to_owned();
    let with = |program: &str| {
        project.write("evenly.toml", config.replace(&line, &format!("python = \"{program}\"")));
    };
    with("no-such-python");
    refused(&project, "no-such-python");
    // One that lacks Django, since it sees no packages at all.
    let script = |name: &str, text: &str| {
        project.write(name, format!("#!/bin/sh\n{text}\n"));
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(project.path(name), executable).unwrap();
    };
    script("bare", "exec python3 -S \"$@\"");
    with("./bare");
    refused(&project, "Django is not installed");
    script(
        "old",
        "exec python3 -c 'import runpy, sys; sys.version_info = (3, 6, 0); del sys.argv[0]; \
         runpy.run_path(sys.argv[0], run_name=\"__main__\")' \"$@\"",
    );
    with("./old");
    refused(&project, "this is Python 3.6.0, and evenly needs 3.9");
    script("silent", "exit 7");
    with("./silent");
    refused(&project, "exit status 7");
}

#[test]
fn databases_that_do_not_fit_are_refused_before_anything_runs() {
    let other = "databases = [\"main\"]\n[database.main]\nurl = \"mysql://h/m\"\n";
    let Some(project) = shop(other) else { return };
    refused(&project, "the settings have SQLite for the alias `default`");
    let config = project
        .text("evenly.toml")
        .replace("databases = [\"main\"]", "aliases = { nope = \"main\" }");
    project.write("evenly.toml", config);
    refused(&project, "`aliases` names `nope`, and its framework has `default`");
}

#[test]
fn keys_of_other_frameworks_are_refused() {
    for (framework, line, key) in [
        ("unittest", "settings = \"x\"", "settings"),
        ("unittest", "aliases = {}\ngroup-by = \"app\"", "group-by"),
        ("nextest", "group-by = \"class\"", "group-by"),
        ("nextest", "worker-groups = 3", "worker-groups"),
        ("nextest", "processes = \"fork\"", "processes"),
        (
            "command",
            "worker-memory = \"1GB\"\nglobs = [\"*\"]\nrun = \"true {tests}\"",
            "worker-memory",
        ),
        ("django", "globs = [\"*\"]", "globs"),
    ] {
        let project = Project::new(&suite(framework, line));
        let told = project.evenly(&["plan"]).exits(2);
        let part = format!("`{key}");
        assert!(
            told.stderr.contains(&part) && told.stderr.contains("means nothing"),
            "{line}: {told}"
        );
    }
}
