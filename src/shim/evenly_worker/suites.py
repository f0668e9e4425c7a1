"""Suites of `unittest`'s kind: who is in them, in which group, and how some of it is run again."""

import copy
import unittest

from .channel import Real, shown
from .results import Group, brief, names

GROUP_BY = ("module", "class", "test")


def flat(suite):
    """The tests of a suite, in order."""
    try:
        parts = iter(suite)
    except TypeError:
        yield suite
        return
    for part in parts:
        if part is not None:
            yield from flat(part)


class Catalog:
    """All tests that are known, by their ids as evenly sees them.

    An id that several tests have is listed once, in the first one's group, where all of them run.
    """

    def __init__(self, name_of, group_of, plain):
        self._name_of = name_of
        self._group_of = group_of
        self._plain = plain
        self._tests = {}
        self._groups = {}

    def add(self, suite, makers=()):
        """Takes in a suite, each test with the suites of the project's own classes around it."""
        try:
            parts = iter(suite)
        except TypeError:
            self._add_test(suite, makers)
            return
        if type(suite) not in self._plain:
            makers = (*makers, suite)
        for part in parts:
            if part is not None:
                self.add(part, makers)

    def _add_test(self, test, makers):
        name = shown(self._name_of(test))
        known = self._tests.setdefault(name, [])
        known.append((name, test, makers))
        if len(known) == 1:
            self._groups.setdefault(self._group_of(test), []).append(name)

    def groups(self):
        """The groups, in the framework's order."""
        found = []
        for name, tests in self._groups.items():
            group = Group(shown(name))
            group.tests = tests
            found.append(group)
        return found

    def __contains__(self, name):
        return name in self._tests

    def choose(self, names, report, broken=()):
        """What is to run, as (name, test, makers); what is not there is told to be an error.

        `broken` is what could not be loaded, as (name, message, trace).
        """
        chosen = []
        why = {name: (message, trace) for name, message, trace in broken}
        for name in names:
            if name in self._tests:
                chosen.extend(self._tests[name])
            elif name in why:
                message, trace = why[name]
                text = f"this cannot be loaded: {message}"
                report.finished(name, "errored", message=text, kind="ImportError", detail=trace)
            else:
                text = f"there is no test `{name}`"
                detail = "\n".join([text, *(trace for _, trace in why.values())])
                report.finished(name, "errored", message=text, kind="NotFound", detail=detail)
        return chosen


def arranged(chosen, suite_class, twin):
    """A suite of what was chosen: of twins, so that a test can run again and is then forgotten.

    Suites of the project's own classes stay around the tests that were in them.
    """
    whole = suite_class()
    path = [(None, whole)]
    for _, test, makers in chosen:
        same = 0
        while same < len(makers) and same + 1 < len(path) and path[same + 1][0] is makers[same]:
            same += 1
        del path[same + 1 :]
        for maker in makers[same:]:
            suite = copy.copy(maker)
            suite._tests = []
            path[-1][1].addTest(suite)
            path.append((maker, suite))
        path[-1][1].addTest(twin(test))
    return whole


def run_all(chosen, once, report):
    """Runs what was chosen, by `once`, and the rest again where a test ended that early.

    `once` returns whether the run came to its end, and the framework's own verdict.
    """
    good = True
    while chosen:
        try:
            ended, verdict = once(chosen)
        except BaseException as error:  # noqa: BLE001 (the test that ran is blamed)
            ended, verdict = False, False
            blame(error, report, chosen)
        good = good and verdict
        left = set(report.waiting())
        rest = [found for found in chosen if found[0] in left]
        if ended or len(rest) == len(chosen):
            break
        chosen = rest
    return good


def blame(error, report, chosen):
    """An exception that no test kept to itself is an error of the test that ran, or was to run."""
    if report.blamed is error:
        return
    report.blamed = error
    Real.print_exc()
    blamed = report.running or next(iter(report.waiting()), None)
    if blamed is not None:
        test = next((test for name, test, _ in chosen if name == blamed), None)
        more = {} if test is None else names(test, blamed)
        more.update(message=brief((type(error), error)), detail=Real.format_exc())
        report.finished(blamed, "errored", kind=type(error).__name__, **more)


def class_of(test):
    """The name of a test's class."""
    return unittest.util.strclass(type(test))
