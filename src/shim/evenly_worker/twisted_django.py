"""Tests of Twisted code that uses Django's ORM: whatever a test writes is rolled back after it.

    from evenly_worker.twisted_django import DjangoTestCase

    class Orders(DjangoTestCase):
        def test_order(self):
            d = deferToThread(Order.objects.create, item="tea")
            return d.addCallback(lambda order: self.assertEqual(Order.objects.count(), 1))

All threads of a test have the same connections, so that what is written in one is seen in the
others, all in one transaction. They take turns: a statement has the connections to itself, and so
has an `atomic` block from its beginning to its end, in which nobody may wait for another thread
that needs them.
"""

import contextlib
import os
import re
import threading
import types

from twisted.python import failure
from twisted.trial import unittest

from .channel import Real, Refused
from .results import brief

TURN_SECONDS = 60.0


class NoClone(Exception):
    """evenly handed no database over for an alias."""


class NoTurn(Exception):
    """Another thread keeps the connections."""


def set_up(settings):
    """What tests of Django's need, for tests of trial that use its ORM."""
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    try:
        import django
        from django.test.utils import setup_test_environment

        django.setup()
        setup_test_environment()
    except Exception as error:
        told = brief((type(error), error))
        text = f'cannot set Django up with `settings = "{settings}"`: {told}'
        raise Refused(text, Real.format_exc()) from error


class Clones:
    """Where Django's connections point, in this process."""

    def __init__(self):
        self.at = {}

    def point(self, databases):
        """Points each alias at the clone that evenly gave for it; others are left alone."""
        from django.db import connections

        from .django_urls import settings_of

        for alias, url in clones_of(databases, list(connections)).items():
            if self.at.get(alias) != url:
                connections[alias].close()
                settings = connections.settings[alias]
                for key, value in settings_of(url, settings["OPTIONS"]).items():
                    settings[key] = connections[alias].settings_dict[key] = value
                self.at[alias] = url

    def close(self):
        """Leaves the clones to nobody."""
        from django.db import connections

        connections.close_all()

    def check(self, aliases):
        """Refuses tests that would write into the project's own database."""
        for alias in aliases:
            if alias not in self.at:
                raise NoClone(
                    f"evenly gave this suite no database for Django's alias `{alias}`: "
                    "name one in the suite's `databases`"
                )


clones = Clones()


def clones_of(databases, aliases):
    """The URL for each of Django's aliases.

    evenly's name for a database is the alias, or `DATABASE_URL_<ALIAS>` has it; `default` is also
    the only one that is left, or `DATABASE_URL`.
    """
    found = {alias: databases[alias] for alias in aliases if alias in databases}
    rest = [url for name, url in databases.items() if name not in found]
    for alias in aliases:
        variable = "DATABASE_URL_" + re.sub("[^A-Z0-9]", "_", alias.upper())
        if alias not in found and variable in os.environ:
            found[alias] = os.environ[variable]
    if "default" in aliases and "default" not in found:
        url = rest[0] if len(rest) == 1 else os.environ.get("DATABASE_URL")
        if url:
            found["default"] = url
    return found


def mirrored(alias):
    """The alias that this one is another name for in tests, or itself."""
    from django.db import connections

    return connections.settings[alias]["TEST"].get("MIRROR") or alias


class Turns:
    """A lock that a thread may take again, and that says so when it cannot be had."""

    def __init__(self):
        self._lock = threading.RLock()

    def __enter__(self):
        if not self._lock.acquire(timeout=TURN_SECONDS):
            raise NoTurn(
                f"another thread kept the connections for {TURN_SECONDS:.0f} s: does an `atomic` "
                "block wait for this one?"
            )

    def __exit__(self, *error):
        self._lock.release()

    def statement(self, execute, sql, params, many, context):
        """One of Django's `execute_wrappers`."""
        with self:
            return execute(sql, params, many, context)


class Transaction:
    """The connections of one test: shared by all threads, and rolled back."""

    def __init__(self, aliases):
        self._aliases = list(dict.fromkeys(map(mirrored, aliases)))
        self._turns = Turns()
        self._undo = contextlib.ExitStack()

    def begin(self, fixtures):
        """Opens the transactions, and loads fixtures into them."""
        from django.core.management import call_command
        from django.db import connections

        clones.check(self._aliases)
        with self._undo:
            shared = types.SimpleNamespace()
            for alias in connections:
                setattr(shared, alias, connections[mirrored(alias)])
                if mirrored(alias) not in self._aliases:
                    self._refuse(connections[alias], alias)
            self._replace(connections, "_connections", shared)
            for alias in self._aliases:
                self._enter(connections[alias], alias)
            self._take_turns()
            for alias in self._aliases if fixtures else ():
                call_command("loaddata", *fixtures, verbosity=0, database=alias)
            self._undo = self._undo.pop_all()

    def end(self):
        """Checks constraints, as the end of a transaction would, and rolls back."""
        from django.db import connections

        with self._undo:
            for alias in self._aliases:
                connection = connections[alias]
                deferred = connection.features.can_defer_constraint_checks
                if deferred and not connection.needs_rollback and connection.is_usable():
                    connection.check_constraints()

    def _enter(self, connection, alias):
        from django.db import transaction

        connection.inc_thread_sharing()
        self._undo.callback(connection.dec_thread_sharing)
        atomic = transaction.atomic(using=alias)
        atomic._from_testcase = True
        atomic.__enter__()
        self._undo.callback(self._roll_back, atomic, alias)
        self._replace(connection, "close", lambda: None)
        connection.execute_wrappers.append(self._turns.statement)
        self._undo.callback(connection.execute_wrappers.remove, self._turns.statement)

    def _roll_back(self, atomic, alias):
        from django.db import transaction

        transaction.set_rollback(True, using=alias)
        atomic.__exit__(None, None, None)

    def _take_turns(self):
        """An `atomic` block keeps the connections until it ends."""
        from django.db.transaction import Atomic

        turns, enter, leave = self._turns, Atomic.__enter__, Atomic.__exit__

        def entering(atomic):
            with contextlib.ExitStack() as stack:
                stack.enter_context(turns)
                enter(atomic)
                stack.pop_all()

        def leaving(atomic, *error):
            try:
                return leave(atomic, *error)
            finally:
                turns.__exit__()

        self._replace(Atomic, "__enter__", entering)
        self._replace(Atomic, "__exit__", leaving)

    def _refuse(self, connection, alias):
        def refuse(*args, **kwargs):
            raise AssertionError(
                f"this test uses Django's alias `{alias}`, which its `databases` do not name"
            )

        for name in ("connect", "cursor", "chunked_cursor", "temporary_connection"):
            self._replace(connection, name, refuse)

    def _replace(self, owner, name, value):
        missing = object()
        before = vars(owner).get(name, missing)
        setattr(owner, name, value)
        if before is missing:
            self._undo.callback(delattr, owner, name)
        else:
            self._undo.callback(setattr, owner, name, before)


class RollsBack:
    """What makes a test case of trial one that is rolled back; it stands before trial's class.

    `databases` are the aliases that the tests use, or `"__all__"`. `fixtures` are loaded before
    each test. Callbacks of `on_commit` are not called, for nothing is committed.
    """

    databases = ("default",)
    fixtures = ()

    def _runFixturesAndTest(self, result):
        from django.db import connections

        every = self.databases == "__all__"
        transaction = Transaction(list(connections) if every else list(self.databases))
        try:
            transaction.begin(self.fixtures)
        except Exception:  # noqa: BLE001 (the test's failure)
            problem = failure.Failure()
            self.setUp = problem.raiseException
            return super()._runFixturesAndTest(result)
        try:
            return super()._runFixturesAndTest(result)
        finally:
            try:
                transaction.end()
            except Exception:  # noqa: BLE001 (the test's failure)
                result.addError(self, failure.Failure())


class DjangoTestCase(RollsBack, unittest.TestCase):
    """A test case of trial whose tests are rolled back."""


class SynchronousDjangoTestCase(RollsBack, unittest.SynchronousTestCase):
    """The same without a reactor."""
