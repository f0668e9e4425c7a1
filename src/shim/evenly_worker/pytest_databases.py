"""pytest-django's databases in a worker: evenly's clones.

Its fixture `django_db_setup` runs in each worker as ever, with what a project adds to it; where it
would create a database and migrate, the worker is connected to a clone instead. A clone that tests
have emptied is replaced by evenly, and the fixture, with all that depends on it, is run again.
"""

import sys

from . import django_databases
from .channel import Refused
from .django_databases import Databases, Prepared, Replaced, disconnect
from .django_groups import Need, primaries

FIXTURES = {"db", "transactional_db", "live_server", "_django_db_helper", "django_db_setup"}
TRANSACTIONAL = {"transactional_db", "live_server", "django_db_reset_sequences"}


def of(config, items):
    """The databases of these tests, by their names; None where evenly has none to give."""
    every = [item for found in items.values() for item in found]
    if not any(is_of_django(item) or uses(item) for item in every):
        return None
    for item in every:
        found = item.session._fixturemanager.getfixturedefs("django_db_setup", item)
        for definition in found or ():
            own = definition.func.__module__ == "pytest_django.fixtures"
            if not own and "django_db_setup" not in definition.argnames:
                where = f"{definition.func.__module__}.{definition.func.__qualname__}"
                text = f"evenly: `{where}` sets up databases of its own: no worker gets a clone"
                print(text, file=sys.stderr)
                return None
    return PytestDatabases(config, every)


def is_of_django(item):
    """Whether it is of a class of Django's own."""
    from django.test import SimpleTestCase

    kind = getattr(item, "cls", None)
    return isinstance(kind, type) and issubclass(kind, SimpleTestCase)


def uses(item):
    """Whether a function uses pytest-django's databases, or may ask for them while it runs."""
    names = set(getattr(item, "fixturenames", ()))
    asks = getattr(getattr(item, "_fixtureinfo", None), "argnames", ())
    return item.get_closest_marker("django_db") or names & FIXTURES or "request" in asks


class Kind:
    """What a test does to its databases."""

    def __init__(self, item, everything):
        self.django = is_of_django(item)
        found = of_class(item.cls) if self.django else of_function(item)
        databases, transaction, self.serialized, self.some_apps = found
        named = everything if databases == "__all__" else databases
        self.aliases = [alias for alias in everything if alias in named]
        # Those of them that are no mirrors of others.
        self.own = []
        # Empties tables afterwards, and does not roll back.
        self.flushes = transaction
        # Aliases that were emptied before it in a plain run, with how that was done.
        self.emptied = {}


def of_class(kind):
    """What a class of Django's says."""
    from django.test import TestCase, TransactionTestCase

    flushes = issubclass(kind, TransactionTestCase) and not issubclass(kind, TestCase)
    serialized = bool(getattr(kind, "serialized_rollback", False))
    try:
        apps = getattr(kind, "available_apps", None) is not None
    except Exception:  # noqa: BLE001 (Django's own suite demands some this way)
        apps = True
    return getattr(kind, "databases", ()), flushes, serialized, apps


def of_function(item):
    """What a function's mark and fixtures say."""
    if not uses(item):
        return (), False, False, False

    def said(
        transaction=False,
        reset_sequences=False,
        databases=None,
        serialized_rollback=False,
        available_apps=None,
    ):
        apps = available_apps is not None
        return databases, transaction or reset_sequences, serialized_rollback, apps

    mark = item.get_closest_marker("django_db")
    databases, transaction, serialized, apps = said(*mark.args, **mark.kwargs) if mark else said()
    names = set(item.fixturenames)
    transaction = transaction or bool(names & TRANSACTIONAL)
    serialized = serialized or "django_db_serialized_rollback" in names
    return ["default"] if databases is None else databases, transaction, serialized, apps


class PytestDatabases:
    """All aliases that the session uses."""

    def __init__(self, config, items):
        from django.db import connections
        from django.test.runner import DiscoverRunner
        from pytest_django.plugin import blocking_manager_key

        self._blocker = config.stash[blocking_manager_key]
        if config.getvalue("nomigrations"):
            from pytest_django.fixtures import _disable_migrations

            _disable_migrations()  # the fixture does it too, and tables depend on it
        self._runner = DiscoverRunner(interactive=False, verbosity=0)
        self._databases = Databases(self._runner)
        everything = list(connections)
        self._primaries = primaries(everything)
        self._kinds = {item: Kind(item, everything) for item in items}
        self._databases.used = self._aliases(everything)
        self._set_up = []
        self._replaced = None
        emptied = {}
        for kind in self._kinds.values():
            kind.emptied = {alias: emptied[alias] for alias in kind.own if alias in emptied}
            if kind.flushes and not kind.some_apps:
                emptied.update((a, {"inhibit_post_migrate": kind.serialized}) for a in kind.own)

    def _aliases(self, everything):
        used = {alias for kind in self._kinds.values() for alias in kind.aliases}
        used.update([self._primaries[alias] for alias in used])
        aliases = [alias for alias in everything if alias in used]
        for kind in self._kinds.values():
            found = {*kind.aliases, *(self._primaries[alias] for alias in kind.aliases)}
            kind.aliases = [alias for alias in aliases if alias in found]
            kind.own = [alias for alias in kind.aliases if self._primaries[alias] == alias]
        return aliases

    def listed(self):
        """What the tests' databases are, as evenly is told."""
        with self._blocker.unblock():
            found = django_databases.listed(self._runner, self._databases.used)
            self._databases.close()
        return found

    def mark(self, group, items):
        """What a group does to them."""
        kinds = [self._kinds[item] for name in group.tests for item in items.get(name, ())]
        used = {alias for kind in kinds for alias in kind.aliases}
        dirties = {alias for kind in kinds if kind.flushes for alias in kind.own}
        group.databases = [alias for alias in self._databases.used if alias in used]
        group.dirties = [alias for alias in self._databases.used if alias in dirties]
        group.late = bool(dirties) and all(kind.flushes or not kind.own for kind in kinds)

    def begin(self, worker):
        """From now on no alias that tests use leads to the project's own database."""
        with self._blocker.unblock():
            self._databases.begin(worker)
        self._replaced = self._databases.replaced()
        self._replaced.__enter__()

    def prepare(self, alias, url, databases):
        """Fills an empty database as the fixture would: with migrations, or without."""
        inner = self._databases
        inner.prepared.update(databases)
        inner.preparing = (alias, url)
        try:
            with self._blocker.unblock():
                aliases = dict.fromkeys(inner.used, False)
                self._runner.setup_databases(aliases=aliases, serialized_aliases=set())
        except Prepared:
            pass
        finally:
            inner.preparing = None
            with self._blocker.unblock():
                inner.close()
        if alias not in inner.prepared:
            raise Refused(f"pytest-django does not set up the database `{alias}`")

    def take(self, urls, items):
        """Makes ready for tests on these clones; what was set up on others is set up again."""
        needs = {}
        for item in items:
            kind = self._kinds[item]
            for alias in kind.own:
                if alias not in needs:
                    needs[alias] = Need(kind.flushes and alias in kind.emptied)
                needs[alias].serialized |= kind.serialized
        with self._blocker.unblock():
            wants = self._databases.take(urls, needs)
        if wants:
            set_up, self._set_up = self._set_up, []
            for definition, request in reversed(set_up):
                definition.finish(request)

    def setting_up(self, definition, request):
        """A fixture is about to be set up, and what it asks for is there."""
        if definition.argname == "django_db_setup":
            self._set_up.append((definition, request))
        elif definition.argname == "_django_db_helper":
            self._before(request.node)

    def calling(self, item):
        """A test is about to be called. Those of Django's classes begin there."""
        if self._kinds[item].django:
            self._before(item)

    def _before(self, item):
        """Notes that a test empties tables, and has it find what it finds in a plain run."""
        kind, inner = self._kinds.get(item), self._databases
        if kind is None:
            return
        with self._blocker.unblock():
            if kind.serialized:
                attached = inner.attached()
                inner._serialized = {alias for alias in kind.own if alias in attached}
                inner.serialize()
            for alias in kind.own:
                place = inner._places.get(alias)
                if place is None:
                    continue
                if kind.flushes or not place.connection.features.supports_transactions:
                    inner._will_flush(place, kind, kind.emptied.get(alias))

    def dirty(self):
        """The aliases that evenly must give a fresh clone before the next group."""
        with self._blocker.unblock():
            return self._databases.dirty()

    def end(self):
        """Drops what Django itself made here, and lets go of the rest."""
        from django.db import connections

        with self._blocker.unblock():
            for place in self._databases._places.values():
                if place.url is None:
                    super(Replaced, place.connection.creation).destroy_test_db(verbosity=0)
            for connection in connections.all():
                disconnect(connection)
