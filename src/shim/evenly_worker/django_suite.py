"""A suite of the project's class whose run evenly sees, whatever runs it and prints its results."""

import copy
import sys

from .results import Result

_seen = {}
_watched = {}


class Fold(Result):
    """One result a test; what is printed is the matter of the project's own class of results."""

    interrupted = False

    def stopTest(self, test):
        error = sys.exc_info()
        if error[0] is not None and self._case(test).outcome is None:
            self.interrupted = True
            self._problem(test, "errored", error)
        super().stopTest(test)

    def _tell(self, what, test, detail):
        pass


class Seen:
    """Mixed into the class of the results object that the project's runner made."""

    def startTest(self, test):
        super().startTest(test)
        self._evenly.startTest(test)

    def stopTest(self, test):
        self._evenly.stopTest(test)
        super().stopTest(test)


def _seen_too(name):
    def method(self, *args):
        getattr(self._evenly, name)(*args)
        getattr(super(Seen, self), name)(*args)

    method.__name__ = name
    return method


for _name in (
    "addSuccess",
    "addFailure",
    "addError",
    "addSkip",
    "addExpectedFailure",
    "addUnexpectedSuccess",
    "addSubTest",
):
    setattr(Seen, _name, _seen_too(_name))


def see(result, fold):
    """Lets `fold` know of all that a results object is told."""
    kind = type(result)
    if issubclass(kind, Seen):
        return
    if kind not in _seen:
        _seen[kind] = type(kind.__name__, (Seen, kind), {"__module__": kind.__module__})
    result.__class__ = _seen[kind]
    result._evenly = fold


class Watched:
    """Mixed into the project's class of suites: tells which class of tests comes next."""

    evenly = None
    current = None

    def run(self, result, debug=False):
        see(result, self.evenly[0])
        return super().run(result, debug)

    def _handleClassSetUp(self, test, result):
        case = test.__class__
        if case is not self.current:
            self.current = case
            self.evenly[1](test)
        super()._handleClassSetUp(test, result)


def watched(kind):
    """A class of suites derived from one of the project's."""
    if kind not in _watched:
        _watched[kind] = type(kind.__name__, (Watched, kind), {"__module__": kind.__module__})
    return _watched[kind]


def copied(test):
    """A copy of a test that leaves it as it is, so that it can run again and is forgotten then."""
    try:
        twin = copy.copy(test)
        twin._cleanups = []
        return twin if twin.id() == test.id() else test
    except Exception:  # noqa: BLE001
        return test
