"""The databases of Django's aliases in a worker: evenly's clones, connected to as the project's own
runner sets databases up, with "create" replaced by "connect to this one".

An alias that no group has needed yet leads to no database at all, and never to the project's own.
"""

import contextlib
import hashlib
import os
import sqlite3
import sys
from urllib.parse import quote

from . import django_key
from .django_groups import primaries
from .django_urls import PLACES, NoUrl, settings_of, url_of


# What an alias that leads nowhere holds, as a text.
NOT_ATTACHED = "[]"


class Prepared(BaseException):
    """Ends the runner's `setup_databases` where a template is full."""


class Replaced:
    """Mixed into a connection's own creation while the runner sets databases up."""

    _evenly = None

    def create_test_db(self, verbosity=1, autoclobber=False, serialize=None, keepdb=False):
        self._evenly.create(self, verbosity, super().create_test_db)
        return self.connection.settings_dict["NAME"]

    def clone_test_db(self, *args, **kwargs):
        pass

    def destroy_test_db(self, *args, **kwargs):
        pass

    def serialize_db_to_string(self):
        if self.connection.alias in self._evenly.attached():
            return super().serialize_db_to_string()
        return NOT_ATTACHED

    def set_as_test_mirror(self, primary_settings_dict):
        self._evenly.mirror(self.connection, primary_settings_dict)
        super().set_as_test_mirror(primary_settings_dict)


class Place:
    """Where an alias leads in this process, and what has become of the rows there."""

    def __init__(self, connection, url):
        self.connection = connection
        self.url = url
        self.in_memory = False
        # Each row is as when the database was made.
        self.fresh = True
        # A class of tests has emptied every table.
        self.emptied = False
        self._kept = None

    def keep(self):
        """Copies a database in memory before it is changed."""
        if self.in_memory and self._kept is None and self.fresh:
            self.connection.ensure_connection()
            kept = sqlite3.connect(":memory:")
            self.connection.connection.backup(kept)
            self._kept = kept

    def put_back(self):
        """Makes a database in memory what it was; returns whether it is."""
        if self._kept is None:
            return False
        self.connection.ensure_connection()
        self._kept.backup(self.connection.connection)
        self.fresh, self.emptied = True, False
        return True


class Databases:
    """All aliases that the suite uses."""

    def __init__(self, runner):
        self._runner = runner
        self.used = []
        self.preparing = None
        self.config = []
        # Where the project adds to what Django does, it may write into every database: so they
        # are all there from the beginning, and all are made anew with one.
        self.together = adds_to_setup(runner)
        self._worker = 0
        self._places = {}
        self._wanted = {}
        self._original = {}
        self._serialized = set()
        self.prepared = {}
        self._marked = set()
        self._watching = []

    def begin(self, worker):
        """From now on no alias that tests use leads to the project's own database."""
        from django.db import connections

        self._worker = worker
        first = primaries(list(connections))
        for alias in self.used:
            self._original[alias] = Original(connections[alias])
        for alias in self.used:
            self._original[alias].park(first[alias])

    def create(self, creation, verbosity, real):
        """What `create_test_db` does instead."""
        connection = creation.connection
        alias = connection.alias
        if self.preparing is not None:
            target, url = self.preparing
            if alias == target:
                self._fill(creation, url, verbosity, real)
            elif alias in self.prepared:
                self._attach(connection, self.prepared[alias])
        elif alias in self._wanted:
            url = self._wanted.pop(alias)
            if url is None:
                self._make(connection, verbosity, real)
            else:
                self._attach(connection, url)

    def mirror(self, connection, primary):
        """What `set_as_test_mirror` does before: Django's own copies the name alone."""
        disconnect(connection)
        for key in PLACES[1:]:
            if key in primary:
                connection.settings_dict[key] = primary[key]

    @contextlib.contextmanager
    def replaced(self):
        """While this lasts, creating a test database is connecting to one."""
        from django.db import connections

        changed = []
        for alias in connections:
            creation = connections[alias].creation
            kind = type(creation)
            creation.__class__ = type(kind.__name__, (Replaced, kind), {})
            creation._evenly = self
            changed.append((creation, kind))
        try:
            yield
        finally:
            for creation, kind in changed:
                creation.__class__ = kind
                del creation._evenly

    def take(self, urls, needs):
        """Makes ready for a group; returns whether the runner must set databases up for it."""
        self._wanted = {}
        self._serialized = {alias for alias, need in needs.items() if need.serialized}
        for alias, need in needs.items():
            place, url = self._places.get(alias), urls.get(alias)
            if place is None or place.url != url:
                self._wanted[alias] = url
            elif not place.fresh and not self._will_do(place, need):
                if place.put_back():
                    forget_rows()
                else:  # evenly has put it back, or Django makes it once more
                    self._wanted[alias] = url
        if self._wanted and self.together:
            self._wanted.update({alias: urls.get(alias) for alias in needs})
        return bool(self._wanted)

    def _will_do(self, place, need):
        """Whether a group wants to find a database emptied, as it is."""
        known = hasattr(place.connection, "_test_serialized_contents")
        return need.emptied and place.emptied and (known or not need.serialized)

    def serialize(self):
        """What a fresh database holds, as a text, for the tests that load it anew each time."""
        for alias in self._serialized:
            connection = self._places[alias].connection
            if not hasattr(connection, "_test_serialized_contents"):
                text = connection.creation.serialize_db_to_string()
                connection._test_serialized_contents = text

    def before(self, plan):
        """What is to be called before each class of tests."""

        def before(test):
            self._stop_watching()
            kind = plan.kinds.get(type(test))
            if kind is None:
                return
            emptied = kind.emptied_before(test)
            for alias in kind.own:
                place = self._places.get(alias)
                if place is None:
                    continue
                if kind.plain:
                    self._watch(place)
                elif kind.flushes or not self._rolls_back(kind):
                    self._will_flush(place, kind, emptied.get(alias))

        return before

    def _rolls_back(self, kind):
        """Whether its tests are rolled back, which some storage engines cannot do."""
        places = [self._places[alias] for alias in kind.own if alias in self._places]
        return all(place.connection.features.supports_transactions for place in places)

    def _will_flush(self, place, kind, emptied):
        """A class that empties tables comes: in a plain run others may have done it before."""
        from django.core.management import call_command

        place.keep()
        if emptied is not None and not place.emptied:
            alias, quiet = place.connection.alias, {"verbosity": 0, "interactive": False}
            call_command("flush", database=alias, reset_sequences=False, **quiet, **emptied)
        place.fresh = False
        place.emptied = place.emptied or not kind.some_apps

    def _watch(self, place):
        """A class comes that Django knows nothing of: if it writes, nobody cleans up."""

        def wrapper(execute, sql, params, many, context):
            if place.fresh and str(sql).lstrip()[:6].upper() != "SELECT":
                place.keep()
                place.fresh = False
            return execute(sql, params, many, context)

        place.connection.execute_wrappers.append(wrapper)
        self._watching.append((place.connection, wrapper))

    def _stop_watching(self):
        for connection, wrapper in self._watching:
            with contextlib.suppress(ValueError):
                connection.execute_wrappers.remove(wrapper)
        self._watching.clear()

    def dirty(self):
        """The aliases that evenly must give a fresh clone before the next group."""
        self._stop_watching()
        found = []
        for alias, place in self._places.items():
            if not place.fresh and not place.in_memory:
                disconnect(place.connection)
                if place.url is not None:
                    found.append(alias)
        if found and self.together:
            found = [alias for alias, place in self._places.items() if place.url is not None]
        return found

    def attached(self):
        """The aliases that lead to a database."""
        return set(self._places)

    def close(self):
        """Leaves no connection open, so that a template can be copied."""
        from django.db import connections

        for connection in connections.all():
            disconnect(connection)

    def end(self):
        """Drops what Django itself made here."""
        with self.replaced():
            if self.config:
                self._runner.teardown_databases(self.config)
        for place in self._places.values():
            if place.url is None:
                place.connection.creation.destroy_test_db(verbosity=0)

    def _attach(self, connection, url):
        original = self._original[connection.alias]
        place = Place(connection, url)
        disconnect(connection)
        if original.in_memory:
            original.lead_back()
            connection.settings_dict["NAME"] = original.test_name
            connection.ensure_connection()
            path = settings_of(url, None)["NAME"]
            source = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
            with contextlib.closing(source):
                source.backup(connection.connection)
            place.in_memory = True
        else:
            options = original.settings["OPTIONS"]
            connection.settings_dict.update(settings_of(url, options))
            connection.ensure_connection()
        self._settle(place)

    def _make(self, connection, verbosity, real):
        """evenly gave no clone: Django makes a database for this worker alone."""
        original = self._original[connection.alias]
        place = self._places.pop(connection.alias, None)
        if place is not None and not original.in_memory:
            super(Replaced, connection.creation).destroy_test_db(verbosity=0)
        disconnect(connection)
        original.lead_back()
        if not original.in_memory:
            root, ending = os.path.splitext(original.test_name)
            suffixed = f"{original.test_name}_{self._worker}"
            if connection.vendor == "sqlite":
                suffixed = f"{root}_{self._worker}{ending}"
            connection.settings_dict["TEST"]["NAME"] = suffixed
        real(verbosity=verbosity, autoclobber=True, keepdb=False, **no_text())
        place = Place(connection, None)
        place.in_memory = original.in_memory
        self._settle(place)

    def _settle(self, place):
        alias = place.connection.alias
        self._places[alias] = place
        if getattr(place.connection, "_test_serialized_contents", None) == NOT_ATTACHED:
            del place.connection._test_serialized_contents
        if os.environ.get("RUNNING_DJANGOS_TEST_SUITE") == "true" and alias not in self._marked:
            self._marked.add(alias)
            place.connection.creation.mark_expected_failures_and_skips()
        forget_rows()

    def _fill(self, creation, url, verbosity, real):
        connection = creation.connection
        original = self._original[connection.alias]
        settings = settings_of(url, original.settings["OPTIONS"])
        disconnect(connection)
        if original.in_memory:  # as Django does it: a file would cost a sync for each table
            original.lead_back()
            real(verbosity=verbosity, autoclobber=True, keepdb=False, **no_text())
            with contextlib.closing(sqlite3.connect(settings["NAME"])) as file:
                connection.connection.backup(file)
        else:
            connection.settings_dict.update(settings)
            connection.settings_dict["TEST"]["NAME"] = settings["NAME"]
            set_charset(creation)
            with without_sync():
                real(verbosity=verbosity, autoclobber=True, keepdb=True, **no_text())
        self.prepared[connection.alias] = url
        raise Prepared


class Original:
    """An alias as the project has it."""

    def __init__(self, connection):
        self._connection = connection
        self.settings = {key: connection.settings_dict[key] for key in PLACES}
        self.test_name = connection.creation._get_test_db_name()
        self.in_memory = is_in_memory(connection)

    def park(self, primary):
        """Leads the alias nowhere; who tries all the same finds why in the error."""
        nothing = f"evenly_attached_no_{primary}_here"
        if self._connection.vendor == "sqlite":
            nothing = f"file:{nothing}?mode=memory&cache=shared"
        disconnect(self._connection)
        self._connection.settings_dict["TEST"]["NAME"] = self.test_name
        self._connection.settings_dict["NAME"] = nothing

    def lead_back(self):
        """The project's own settings, for Django to make a test database beside."""
        self._connection.settings_dict.update(self.settings)


def is_in_memory(connection):
    """Whether a test database would be in memory."""
    if connection.vendor != "sqlite":
        return False
    creation = connection.creation
    return bool(creation.is_in_memory_db(creation._get_test_db_name()))


def disconnect(connection):
    """Closes a connection, and a pool of them; to a database in memory it stays open."""
    connection.close()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()


def set_charset(creation):
    """Gives an empty database of MySQL what TEST says of its texts."""
    connection = creation.connection
    charset = creation.sql_table_creation_suffix() if connection.vendor == "mysql" else ""
    if charset:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} {charset}")


@contextlib.contextmanager
def without_sync():
    """SQLite writes a template without waiting for the disk: evenly keeps no half of one."""
    from django.db.backends.signals import connection_created

    def hurry(connection, **kwargs):
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous = OFF")

    connection_created.connect(hurry)
    try:
        yield
    finally:
        connection_created.disconnect(hurry)


def adds_to_setup(runner):
    """Whether a project's runner has a `setup_databases` of its own."""
    from django.test.runner import DiscoverRunner

    return type(runner).setup_databases is not DiscoverRunner.setup_databases


def no_text():
    """`create_test_db` makes a text of all rows by default, until Django 6.1."""
    import django

    return {"serialize": False} if django.VERSION < (6, 1) else {}


def forget_rows():
    """Rows that Django keeps in this process, and that other keys may belong to now."""
    from django.apps import apps

    for app, model in (("contenttypes", "ContentType"), ("sites", "Site")):
        if apps.is_installed(f"django.contrib.{app}"):
            apps.get_model(app, model).objects.clear_cache()


def listed(runner, aliases):
    """The databases that Django would create, as evenly is told of them."""
    from django.db import connections

    first, shared, found = primaries(list(connections)), django_key.shared(runner), {}
    for alias in aliases:
        primary = connections[first[alias]]
        try:
            told = describe(primary, shared)
        except NoUrl as why:
            text = f"evenly: `{alias}` gets no clone, Django makes one for each worker: {why}"
            print(text, file=sys.stderr)
            continue
        mirror = first[alias] if first[alias] != alias else None
        after = [] if mirror else dependencies(primary, first, aliases)
        found[alias] = {"alias": alias, **told, "mirror": mirror, "after": after}
    return list(found.values())


def describe(connection, shared):
    """URL, name and key of a database."""
    creation = connection.creation
    in_memory, name = is_in_memory(connection), str(creation._get_test_db_name())
    url = url_of(connection, in_memory)
    if connection.vendor == "sqlite":
        name = f"memorydb_{connection.alias}" if in_memory else os.path.basename(name)
    test = {key: str(value) for key, value in connection.settings_dict["TEST"].items()}
    depends = [shared, connection.alias, connection.settings_dict["ENGINE"]]
    depends += [repr(sorted(test.items()))]
    depends += [str(getattr(connection.Database, "__version__", "")), connection.vendor]
    sources = django_key.Sources()
    for kind in (*type(creation).__mro__, *type(connection).__mro__):
        sources.add_module(kind.__module__)
    depends.append(sources.digest())
    key = hashlib.sha256("\0".join(depends).encode("utf-8", "replace")).hexdigest()
    return {"url": url, "name": name, "in-memory": in_memory, "key": key}


def dependencies(connection, first, aliases):
    """The aliases that Django would create before this one."""
    alias, test = connection.alias, connection.settings_dict["TEST"]
    named = test.get("DEPENDENCIES", [] if alias == "default" else ["default"])
    found = dict.fromkeys(first.get(name, name) for name in named)
    return [name for name in found if name in aliases and name != alias]
