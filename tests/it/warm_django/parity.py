"""The fixture project by a warm worker, against `manage.py test`; run by the Python with Django."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PACKAGE = str(ROOT / "src/shim/evenly_worker")
FIXTURE = ROOT / "tests/fixtures/django"
sys.path.insert(0, str(HERE))

from compare import told_by_test
from driver import Driver, Failed


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.project = pathlib.Path(tempfile.mkdtemp(prefix="django-"))
        self.addCleanup(shutil.rmtree, self.project)
        shutil.copytree(FIXTURE, self.project, dirs_exist_ok=True)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.project)
        self.env = {"PYTHONDONTWRITEBYTECODE": "1"}
        self.databases = None

    def plain(self, *words):
        """What `manage.py test` comes to, a test."""
        results = self.project / "plain.jsonl"
        results.unlink(missing_ok=True)
        env = {**os.environ, **self.env, "PYTHONPATH": str(HERE), "PLAIN_SETTINGS": "settings"}
        env.update(PLAIN_RESULTS=str(results), DJANGO_SETTINGS_MODULE="plain")
        command = [sys.executable, "manage.py", "test", "--noinput", *words]
        self.ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return dict(json.loads(line) for line in results.read_text().splitlines())

    def begin(self, workers=1, **options):
        """A worker's main process, listed."""
        results = (self.project / "warm.jsonl").open("w")
        self.addCleanup(results.close)
        driver = Driver(PACKAGE, "django", workers, options, results, self.env, self.databases)
        self.addCleanup(driver.remove)
        self.addCleanup(driver.end)
        driver.list()
        return driver

    def warm(self, workers=1, **options):
        """What evenly comes to, a test."""
        driver = self.begin(workers, **options)
        driver.prepare()
        driver.run(driver.groups)
        driver.stop()
        self.assertEqual(driver.process.returncode, 0)
        self.driver = driver
        names = [told["test"] for told in driver.outcomes]
        self.assertEqual(len(names), len(set(names)))
        return {told["test"]: told["outcome"] for told in driver.outcomes}

    def check(self, workers=1, args=(), **options):
        """Both, compared."""
        plain = self.plain(*options.get("paths", ()), *args)
        warm = self.warm(workers, args=list(args), **options)
        self.compare(plain)
        return warm

    def compare(self, plain):
        """Names what differs, with what evenly was told of it."""
        plain, found = told_by_test(plain, [t for g in self.driver.groups for t in g["tests"]]), {}
        for told in self.driver.outcomes:
            expected = plain.pop(told["test"], None)
            if told["outcome"] != expected:
                found[told["test"]] = (expected, told["outcome"], told.get("detail"))
        if found or plain:
            text = "\n".join(
                f"{name}: {a} in a plain run, {b}: {c}" for name, (a, b, c) in found.items()
            )
            self.fail(f"{text}\nnot run: {list(plain)}")


BROKEN = "broken.test_import"


class Parity(Case):
    def test_one_worker(self):
        found = self.check(paths=["shop"])
        self.assertGreater(len(found), 40)
        self.assertEqual(set(found.values()), {"passed", "skipped", "failed", "errored"})

    def test_three_workers(self):
        self.check(workers=3, paths=["shop"])

    def test_processes_of_their_own(self):
        plain = self.plain("shop")
        options = {"paths": ["shop"]}
        self.driver = self.begin(2, **options)
        self.driver.prepare(lambda worker: self.driver.separate(PACKAGE, options))
        self.driver.run(self.driver.groups, lambda worker: self.driver.separate(PACKAGE, options))
        self.compare(plain)

    def test_databases_in_files(self):
        self.env["DATABASE_FILES"] = str(self.project)
        self.check(workers=2, paths=["shop"])
        dirty = {name for name, end in self.driver.finishes.items() if end["dirty"]}
        self.assertIn("shop.tests.test_flush", dirty)
        self.assertIn("shop.tests.test_plain", dirty)
        self.assertNotIn("shop.tests.test_rows", dirty)

    def test_a_module_that_cannot_be_imported(self):
        found = self.check(paths=["shop.tests.test_mixed", "broken"])
        self.assertEqual(found["unittest.loader._FailedTest.broken.test_import"], "errored")
        self.assertEqual([name for name in self.driver.finishes if "broken" in name], [BROKEN])

    def test_every_grouping(self):
        for by in ("app", "class", "test"):
            with self.subTest(by=by):
                self.check(
                    paths=["shop.tests.test_flush", "shop.tests.test_mixed"], **{"group-by": by}
                )

    def test_tags_and_patterns(self):
        for args in (["--tag", "slow"], ["--exclude-tag", "slow"], ["-k", "rows", "-k", "empty"]):
            with self.subTest(args=args):
                self.check(args=args, paths=["shop"])

    def test_no_clones(self):
        """Without databases from evenly Django makes them itself, for each worker."""
        self.env["DATABASE_FILES"] = str(self.project)
        plain = self.plain("shop")
        self.driver = self.begin(2, paths=["shop"])
        self.driver.databases = []
        self.driver.run(self.driver.groups)
        self.driver.stop()
        self.compare(plain)
        self.assertEqual(list(self.project.glob("*.sqlite3")), [])


class Server:
    """The server of a URL whose database is called NAME."""

    def __init__(self, url):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        self._url = url
        self.user, self.password = parts.username, unquote(parts.password or "")
        self.host = query.get("host") or query.get("socket") or parts.hostname
        self.port = str(parts.port or "")
        self.place = f"{self.user},{self.password},{self.host},{self.port}"
        self.made = []

    def url(self, name):
        self.made.append(name)
        return self._url.replace("NAME", name)


class Postgres(Server):
    def __init__(self):
        super().__init__(os.environ["POSTGRES"])
        import psycopg

        login = {"user": self.user, "password": self.password, "host": self.host}
        login["port"] = self.port or None
        self.connection = psycopg.connect(dbname="postgres", autocommit=True, **login)

    def empty(self, name):
        return self.clone("template0", name)

    def clone(self, template, name):
        self.connection.execute(f"DROP DATABASE IF EXISTS {name}")
        self.connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def close(self):
        for name in self.made:
            self.connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.connection.close()

    def rows(self, name):
        """How many rows were ever written."""
        text = "SELECT coalesce(sum(tup_inserted), 0) FROM pg_stat_database WHERE datname = %s"
        return int(self.connection.execute(text, [name]).fetchone()[0])


class Mariadb(Server):
    """Its own programs make the clones."""

    def __init__(self):
        super().__init__(os.environ["MARIADB"])
        place = [f"--host={self.host}", f"--port={self.port or 3306}"]
        if self.host.startswith("/"):
            place = [f"--socket={self.host}"]
        self.login = ["--no-defaults", f"--user={self.user}", *place]
        self.env = {**os.environ, "MYSQL_PWD": self.password}

    def run(self, program, *words, **more):
        command = [program, *self.login, *words]
        return subprocess.run(command, env=self.env, capture_output=True, check=True, **more).stdout

    def empty(self, name):
        self.run("mariadb", "-e", f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")
        return self.url(name)

    def clone(self, template, name):
        url = self.empty(name)
        self.run("mariadb", name, input=self.run("mariadb-dump", template))
        return url

    def close(self):
        for name in self.made:
            self.run("mariadb", "-e", f"DROP DATABASE IF EXISTS {name}")

    def rows(self, name):
        """How many tables were made."""
        text = f"SELECT count(*) FROM information_schema.tables WHERE table_schema = '{name}'"
        return int(self.run("mariadb", "-N", "-e", text))


class OnServer(Case):
    """What is the same on each."""

    kind, engine, scheme = None, "", ""

    def setUp(self):
        super().setUp()
        self.databases = self.kind()
        self.addCleanup(self.databases.close)
        self.env["DATABASE_SERVER"] = f"{self.engine},{self.databases.place}"
        for name in ("shop", "archive", "unused"):  # the project's own: nobody may touch them
            self.databases.empty(name)

    def check_all(self):
        self.check(workers=2, paths=["shop"])
        for name in ("shop", "archive", "unused"):
            self.assertEqual(self.databases.rows(name), 0)
        (told,) = [d for d in self.driver.databases if d["alias"] == "default"]
        self.assertEqual(told["name"], "test_shop")
        self.assertTrue(told["url"].startswith(f"{self.scheme}://{self.databases.user}"))
        self.assertIn(quote(self.databases.host, ""), told["url"])


class OnPostgres(OnServer):
    kind, engine, scheme = Postgres, "postgresql", "postgres"

    def test_two_workers(self):
        self.check_all()

    def test_hostile(self):
        driver = self.begin(paths=["hostile"])
        driver.prepare()
        driver.run(driver.groups)
        bad = [told["test"] for told in driver.outcomes if told["outcome"] != "passed"]
        self.assertEqual(len(bad), 7, bad)  # the fork took the connection


class OnMariadb(OnServer):
    kind, engine, scheme = Mariadb, "mysql", "mysql"

    def test_two_workers(self):
        self.check_all()


class Listed(Case):
    def test_groups_tell_what_they_do(self):
        driver = self.begin(paths=["shop"])
        groups = {group["name"]: group for group in driver.groups}
        flush, late = groups["shop.tests.test_flush"], groups["shop.tests.test_late"]
        self.assertEqual((flush["dirties"], flush["late"]), (["default"], False))
        self.assertEqual((late["dirties"], late["late"]), (["default"], True))
        self.assertEqual(groups["shop.tests.test_rows"]["dirties"], [])
        aliases = {told["alias"]: told for told in driver.databases}
        self.assertEqual(set(aliases), {"archive", "default", "replica", "unused"})
        self.assertEqual(aliases["replica"]["mirror"], "default")
        self.assertEqual(aliases["archive"]["after"], ["default"])
        self.assertTrue(all(told["in-memory"] for told in driver.databases))

    def test_tests_without_a_database_get_none(self):
        driver = self.begin(paths=["shop"], args=["--tag", "slow"])
        (group,) = driver.groups
        self.assertEqual(group["databases"], [])
        self.assertEqual(driver.databases, [])

    def keys(self):
        return {told["alias"]: told["key"] for told in self.begin(paths=["shop"]).databases}

    def test_key_is_of_what_the_database_depends_on(self):
        before = self.keys()
        self.append("shop/tests/test_rows.py", "# changed")
        self.assertEqual(self.keys(), before)
        for file, text in (
            ("shop/migrations/0002_seeds.py", "# changed"),
            ("shop/seeds.py", "# changed"),
            ("shop/migrations/rows.sql", "SELECT 1;"),
            ("settings.py", "USE_TZ = False"),
            ("runner.py", "# changed"),
        ):
            with self.subTest(file=file):
                self.append(file, text)
                after = self.keys()
                self.assertFalse(set(after.values()) & set(before.values()))
                before = after

    def append(self, file, text):
        with (self.project / file).open("a") as opened:
            opened.write(text + "\n")


class Refusals(Case):
    def refused(self, **options):
        with self.assertRaises(Failed) as caught:
            self.begin(**options)
        return caught.exception.message

    def test_arguments_that_are_evenlys_own(self):
        for flag in ("--parallel=2", "--failfast", "--keepdb", "--pdb", "--reverse", "--shuffle=1"):
            with self.subTest(flag=flag):
                message = self.refused(args=[flag])
                self.assertIn(f"leave `{flag.partition('=')[0]}` out of `args`", message)

    def test_unknown_argument(self):
        self.assertIn("unrecognized arguments: --color", self.refused(args=["--color"]))
        self.begin(args=["--colour", "blue"], paths=["shop"])

    def test_settings(self):
        self.assertIn("there is no module `shop.settings`", self.refused(settings="shop.settings"))
        (self.project / "odd.py").write_text("import nothing_like_it\n")
        self.assertIn("the settings `odd` cannot be loaded", self.refused(settings="odd"))
        (self.project / "manage.py").unlink()
        self.assertIn("nothing says which settings to use", self.refused())

    def test_apps(self):
        text = "from settings import *\nINSTALLED_APPS = ['nowhere']\n"
        (self.project / "odd.py").write_text(text)
        message = self.refused(settings="odd")
        self.assertIn("the installed apps cannot be loaded: ModuleNotFoundError", message)

    def test_runner(self):
        (self.project / "odd.py").write_text(
            "from settings import *\nTEST_RUNNER = 'routers.Router'\n"
        )
        self.assertIn("the test runner `routers.Router`", self.refused(settings="odd"))

    def test_label_that_is_a_file(self):
        message = self.refused(paths=["shop/tests/test_rows.py"])
        self.assertIn("is a path to a file", message)

    def test_system_check(self):
        text = (
            "from django.db import models\nclass Odd(models.Model):\n    x = models.CharField()\n"
        )
        text += "    y = models.ManyToManyField('Nothing')\n"
        with (self.project / "shop/models.py").open("a") as file:
            file.write(text)
        self.assertIn("system check", self.refused(paths=["shop"]))


class Hostile(Case):
    def test_what_tests_must_not_do_costs_themselves_alone(self):
        driver = self.begin(paths=["hostile"])
        driver.prepare()
        driver.run(driver.groups)
        found = {told["test"].partition("test_hostile.")[2]: told for told in driver.outcomes}
        bad = {name for name, told in found.items() if told["outcome"] != "passed"}
        self.assertEqual(
            bad,
            {
                "BExits.test_one",
                "BExits.test_two",
                "CDies.test_a_dies",
                "DInterrupts.test_a_interrupts",
                "HLong.test_message_of_megabytes",
                "HLong.test_odd_text",
            },
        )
        self.assertEqual(len(found), sum(len(group["tests"]) for group in driver.groups))
        self.assertIn("SystemExit", found["BExits.test_one"]["message"])
        self.assertEqual(driver.deaths, 3)
        self.assertLess(len(found["HLong.test_message_of_megabytes"]["detail"]), 1 << 20)
        driver.stop()
        self.assertEqual(driver.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
