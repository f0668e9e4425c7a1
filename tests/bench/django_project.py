"""Writes a Django project with many migrations into an empty directory.

    django_project.py DIRECTORY

Each migration makes a table, adds a field or adds an index. The models are what the migrations
lead to, so that Django finds nothing that is not migrated. The database is the one that
`DATABASE_URL` names. The suite has two classes of one test each, as many as make
`manage.py test --parallel 2` clone its database twice; what making them took goes to the file that
`TIMES` names: seconds of `setup_databases`, and when it was done, nanoseconds since 1970.
"""

import pathlib
import sys

APPS = 6
MIGRATIONS = 150

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""

SETTINGS = """\
import os
from urllib.parse import parse_qs, unquote, urlsplit

url = urlsplit(os.environ["DATABASE_URL"])
if url.scheme == "sqlite":
    default = {{"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(url.path)}}
else:
    default = {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path[1:]),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": parse_qs(url.query).get("host", [url.hostname])[0],
        "PORT": url.port or "",
    }}
if "TEST_FILE" in os.environ:
    default["TEST"] = {{"NAME": os.environ["TEST_FILE"]}}
DATABASES = {{"default": default}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = {apps!r}
SECRET_KEY = "of a benchmark"
TEST_RUNNER = "timed.Runner"
USE_TZ = True
"""

TIMED = """\
import os
import time

from django.test.runner import DiscoverRunner


class Runner(DiscoverRunner):
    def setup_databases(self, **options):
        began = time.monotonic()
        made = super().setup_databases(**options)
        took = time.monotonic() - began
        with open(os.environ["TIMES"], "w") as times:
            print(took, time.time_ns(), file=times)
        return made
"""

TESTS = """\
from django.db import connection
from django.test import TestCase


class One(TestCase):
    def test(self):
        self.assertGreater(len(connection.introspection.table_names()), 50)


class Two(One):
    pass
"""

MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{before}]
    operations = [{operation}]
"""

TEXT = 'models.CharField(max_length=50, default="")'


class App:
    """An app, as far as its migrations have come."""

    def __init__(self, name):
        self.name = name
        self.tables = []

    def step(self, number):
        """The next migration's operation."""
        if number % 3 == 0:
            return self.make_table()
        fields, indices = self.tables[-1]
        model = f"T{len(self.tables) - 1}"
        if number % 3 == 1:
            fields.append(("added", TEXT))
            return f'migrations.AddField("{model}", "added", {TEXT})'
        index = f'models.Index(fields=["added", "b"], name="{self.name}_{len(self.tables)}")'
        indices.append(index)
        return f'migrations.AddIndex("{model}", {index})'

    def make_table(self):
        fields = [("a", TEXT), ("b", "models.IntegerField(db_index=True)")]
        if self.tables:
            target = f"{self.name}.T{len(self.tables) - 1}"
            fields.append(("up", f'models.ForeignKey("{target}", models.CASCADE)'))
        model = f"T{len(self.tables)}"
        self.tables.append((list(fields), []))
        key = "models.BigAutoField(auto_created=True, primary_key=True, serialize=False, "
        fields.insert(0, ("id", key + 'verbose_name="ID")'))
        listed = ", ".join(f'("{name}", {field})' for name, field in fields)
        return f'migrations.CreateModel("{model}", [{listed}])'

    def models(self):
        lines = ["from django.db import models"]
        for number, (fields, indices) in enumerate(self.tables):
            lines += ["", "", f"class T{number}(models.Model):"]
            lines += [f"    {name} = {field}" for name, field in fields]
            if indices:
                lines += ["", "    class Meta:", f"        indexes = [{', '.join(indices)}]"]
        return "\n".join(lines) + "\n"


def write_app(directory, name, count):
    app = App(name)
    migrations = directory / "migrations"
    migrations.mkdir(parents=True)
    for package in (directory, migrations):
        (package / "__init__.py").touch()
    for number in range(count):
        before = f'("{name}", "{number:04}")' if number else ""
        text = MIGRATION.format(before=before, operation=app.step(number))
        (migrations / f"{number + 1:04}.py").write_text(text)
    (directory / "models.py").write_text(app.models())


def main():
    project = pathlib.Path(sys.argv[1])
    apps = [f"app{number}" for number in range(APPS)]
    for name in apps:
        write_app(project / name, name, MIGRATIONS // APPS)
    (project / "manage.py").write_text(MANAGE)
    (project / "settings.py").write_text(SETTINGS.format(apps=apps))
    (project / "timed.py").write_text(TIMED)
    (project / "tests.py").write_text(TESTS)


if __name__ == "__main__":
    main()
