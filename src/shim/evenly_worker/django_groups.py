"""What a suite of Django's holds: groups, and what each class of tests does to its databases."""

import re
import unittest
import unittest.loader

from .channel import shown
from .results import Group

LOADER_MADE = re.compile(r"^unittest\.loader\.(_FailedTest|ModuleSkipped)\.")


class Kind:
    """A class of tests, as far as databases go."""

    def __init__(self, test, everything):
        from django.test import TestCase, TransactionTestCase

        case = type(test)
        databases = getattr(case, "databases", () if LOADER_MADE.match(test.id()) else None)
        self.case = case
        # Rolls its tests back, where the databases can.
        self.rolls_back = isinstance(test, TestCase)
        # Empties tables after each test.
        self.flushes = isinstance(test, TransactionTestCase) and not self.rolls_back
        # Of no class of Django's: nothing keeps it from any database, nothing cleans up after it.
        self.plain = databases is None
        if databases == "__all__" or self.plain:
            databases = everything
        self.aliases = [alias for alias in everything if alias in databases]
        # Those of them that are no mirrors of others.
        self.own = []
        self.serialized = bool(getattr(case, "serialized_rollback", False))
        # Tables of these apps alone are emptied.
        self.some_apps = getattr_quietly(case, "available_apps") is not None
        # Aliases that were emptied before it in a plain run, with how that was done.
        self.emptied = {}
        self._first = shown(test.id())

    def emptied_before(self, test):
        """The same before one of its tests: those before it empty the class's own aliases."""
        if self.flushes and not self.some_apps and shown(test.id()) != self._first:
            return {alias: {"inhibit_post_migrate": self.serialized} for alias in self.own}
        return self.emptied


def getattr_quietly(case, name):
    """An attribute, or True where reading it fails: Django's own suite demands some this way."""
    try:
        return getattr(case, name, None)
    except Exception:  # noqa: BLE001
        return True


class Plan:
    """The tests of a suite in the order of a plain run, and their groups.

    `together`: a group that uses one alias uses all.
    """

    def __init__(self, suite, group_by, together):
        from django.db import connections
        from django.test.utils import iter_test_cases

        self.everything = list(connections)
        self.primaries = primaries(self.everything)
        self.group_by = group_by
        self.tests = {}
        self.kinds = {}
        self.groups = []
        groups = {}
        for test in iter_test_cases(suite):
            self._add(test, groups)
        self.aliases = self._aliases(together)
        self._mark_emptied()
        for name, tests in groups.items():
            self.groups.append(self._group(name, tests))

    def _add(self, test, groups):
        made = LOADER_MADE.match(test.id())
        case = type(test)
        if case not in self.kinds:
            self.kinds[case] = Kind(test, self.everything)
        name = shown(test.id())
        known = self.tests.setdefault(name, [])
        known.append(test)
        if len(known) == 1:  # all that have this id run where the first one is
            groups.setdefault(shown(self._group_of(test, made)), []).append(name)

    def _group_of(self, test, made):
        module = module_of(test, made)
        if self.group_by == "test":
            return test.id()
        if self.group_by == "class" and not made and module == type(test).__module__:
            return unittest.util.strclass(type(test))
        if self.group_by == "app":
            return app_of(module)
        return module

    def _aliases(self, together):
        """The aliases that Django would set up: those of its own classes, and whose mirrors."""
        used = set()
        for kind in self.kinds.values():
            if not kind.plain:
                used.update(kind.aliases)
        used.update([self.primaries[alias] for alias in used])
        aliases = [alias for alias in self.everything if alias in used]
        for kind in self.kinds.values():
            found = set(kind.aliases) & used
            found.update([self.primaries[alias] for alias in found])
            kind.own = [a for a in aliases if a in found and self.primaries[a] == a]
            kind.aliases = [a for a in aliases if a in found or (together and found)]
        return aliases

    def _mark_emptied(self):
        emptied = {}
        for kind in self.kinds.values():
            kind.emptied = {a: emptied[a] for a in kind.own if a in emptied}
            if kind.flushes and not kind.some_apps:
                for alias in kind.own:
                    emptied[alias] = {"inhibit_post_migrate": kind.serialized}

    def _group(self, name, tests):
        group = Group(name)
        group.tests = tests
        kinds = self._kinds(test for found in tests for test in self.tests[found])
        used = {alias for kind in kinds for alias in kind.aliases}
        dirties = {alias for kind in kinds if kind.flushes for alias in kind.own}
        group.databases = [alias for alias in self.aliases if alias in used]
        group.dirties = [alias for alias in self.aliases if alias in dirties]
        flushes = any(kind.flushes for kind in kinds)
        group.late = flushes and not any(kind.rolls_back for kind in kinds)
        return group

    def is_in(self, name, case):
        """Whether a test is one of a class's."""
        return any(type(test) is case for test in self.tests[name])

    def _kinds(self, tests):
        return [self.kinds[case] for case in dict.fromkeys(type(test) for test in tests)]

    def needs(self, tests):
        """For each alias that these tests use: how the first of them wants to find it, and
        whether any wants what the fresh database holds as a text."""
        needs = {}
        for test in tests:
            kind = self.kinds[type(test)]
            for alias in kind.aliases:
                if self.primaries[alias] != alias:
                    continue
                if alias not in needs:
                    emptied = kind.flushes and alias in kind.emptied_before(test)
                    needs[alias] = Need(emptied)
                needs[alias].serialized |= kind.serialized and alias in kind.own
        return needs


class Need:
    """How a group wants to find a database."""

    def __init__(self, emptied):
        # In a plain run it would be empty by then.
        self.emptied = emptied
        self.serialized = False


def primaries(aliases):
    """For each alias the one whose database it is: mirrors, and settings that mean the same."""
    from django.db import connections

    first, found = {}, {}
    for alias in sorted(aliases, key=lambda alias: alias != "default"):
        if not connections[alias].settings_dict["TEST"]["MIRROR"]:
            signature = connections[alias].creation.test_db_signature()
            found[alias] = first.setdefault(signature, alias)
    for alias in aliases:
        mirror = connections[alias].settings_dict["TEST"]["MIRROR"]
        if mirror:
            found[alias] = found.get(mirror, mirror)
    return found


def module_of(test, made):
    """The name of the module that a test belongs to."""
    if made:
        return test._testMethodName
    doctest = getattr(test, "_dt_test", None)
    if doctest is not None:
        return str(doctest.globs.get("__name__") or doctest.name)
    return type(test).__module__


def app_of(module):
    """The installed app whose module this is, or the outermost package."""
    from django.apps import apps

    app = apps.get_containing_app_config(f"{module}.")
    return app.name if app is not None else module.partition(".")[0]
