"""trial's tests: loading them, running them, and folding what is told of each to one result.

Nothing here may import the reactor before the suite's options chose one.
"""

import contextlib
import importlib
import sys
import time
import unittest

from twisted.python import failure, log, reflect
from twisted.trial import itrial, reporter, runner
from twisted.trial import unittest as trial_unittest

from .channel import DETAIL_BYTES_MAX, Real, cut
from .results import NEVER_RAN, Case, brief, tell

DESTRUCTIVE = runner.DestructiveTestSuite
PLAIN = (unittest.TestSuite, trial_unittest.TestSuite, DESTRUCTIVE)


def name_of(test):
    """A test's id as trial has it, doctests included."""
    return itrial.ITestCase(test).id()


class Loader(runner.TestLoader):
    """Knows which module gave a test, and makes a test anew each time that it runs."""

    def __init__(self, sorter):
        super().__init__()
        self.sorter = sorter
        self._made = {}
        self._module_of = {}
        self._kept = []

    def _makeCase(self, klass, methodName):
        test = super()._makeCase(klass, methodName)
        self._made[id(test)] = (klass, methodName)
        return test

    def loadModule(self, module):
        suite = super().loadModule(module)
        self._kept.append(suite)  # its tests' addresses must not be used twice
        for test in iterate(suite):
            self._module_of.setdefault(id(test), module.__name__)
        return suite

    loadTestsFromModule = loadModule

    def module_of(self, test):
        """The name of the module that gave a test."""
        return self._module_of.get(id(test), type(test).__module__)

    def twin(self, test):
        """A test like this one, which has not run."""
        made = self._made.get(id(test))
        return made[0](made[1]) if made else test


def iterate(suite):
    """The tests of a suite; they need not be of unittest's kind."""
    try:
        parts = iter(suite)
    except TypeError:
        yield suite
        return
    for part in parts:
        yield from iterate(part)


def import_longest(name):
    """The module that a test's id begins with."""
    module, parts = None, name.split(".")
    for count in range(1, len(parts)):
        dotted = ".".join(parts[:count])
        try:
            module = importlib.import_module(dotted)
        except ModuleNotFoundError as error:
            if error.name != dotted:
                raise
            return module
        if not hasattr(module, "__path__"):
            break
    return module


class Result(reporter.Reporter):
    """Tells `report` of each test when it has ended; prints failures and warnings at once."""

    _now = staticmethod(time.perf_counter)

    def __init__(self, report, planned):
        super().__init__(sys.stderr)
        self._report = report
        self._cases = {}
        self._began = 0.0
        for name in planned:
            if name in self._cases:
                self._cases[name].left += 1
            else:
                self._cases[name] = Case(None, name)

    def startTest(self, test):
        super().startTest(test)
        self._report.started(name_of(test))
        self._began = self._now()

    def stopTest(self, test):
        seconds = self._now() - self._began
        super().stopTest(test)
        case = self._case(test)
        case.seconds += seconds
        case.left -= 1
        if case.left <= 0:
            del self._cases[case.id]
            if case.outcome is None:
                case.add("errored", NEVER_RAN, "NoResult", NEVER_RAN)
            case.tell(self._report)
        leave_if_stopped()

    def addSuccess(self, test):
        super().addSuccess(test)
        self._case(test).add("passed")

    def addFailure(self, test, fail):
        super().addFailure(test, fail)
        self._problem(test, "failed", self.failures)

    def addError(self, test, error):
        super().addError(test, error)
        self._problem(test, "errored", self.errors)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._case(test).add("skipped", str(reason))

    def addExpectedFailure(self, test, error, todo=None):
        super().addExpectedFailure(test, error, todo)
        self.expectedFailures[-1] = (test, "", "")
        self._case(test).add("passed")

    def addUnexpectedSuccess(self, test, todo=None):
        """As trial has it, this is told, and no failure."""
        super().addUnexpectedSuccess(test, todo)
        self._case(test).add("passed")
        tell("UNEXPECTED SUCCESS", test, getattr(todo, "reason", "") or "")

    def finish(self):
        """Tells what came after a test's end, which makes the group bad."""
        for case in self._cases.values():
            if case.outcome is not None:
                case.tell(self._report)

    def _problem(self, test, outcome, noted):
        fail = noted[-1][1]
        noted[-1] = (test, "")
        detail = cut(fail.getTraceback(), DETAIL_BYTES_MAX)
        kind = reflect.qual(fail.type) if isinstance(fail.type, type) else str(fail.type)
        problem = (outcome, brief((fail.type, fail.value)), kind.rpartition(".")[2], detail)
        name = name_of(test)
        tell("FAIL" if outcome == "failed" else "ERROR", name, detail)
        if name == runner.NOT_IN_TEST:
            more = dict(zip(("message", "kind", "detail"), problem[1:]))
            name = f"{self._report.group}.{name}"
            self._report.finished(name, outcome, **more)
        else:
            self._case(test).add(*problem)

    def _case(self, test):
        name = name_of(test)
        if name not in self._cases:  # made while the tests ran, by a suite of the project's own
            self._cases[name] = Case(None, name)
        case = self._cases[name]
        case.test = getattr(test, "_originalTest", test)
        return case


def run(suite, report, config):
    """Runs a suite; returns whether it came to its end, and whether all is well."""
    suite = trial_unittest.decorate(suite, itrial.ITestCase)
    result = Result(report, list(map(name_of, iterate(suite))))
    told = result
    if config["unclean-warnings"]:
        told = reporter.UncleanWarningsReporterWrapper(result)
    if config["force-gc"]:
        suite = trial_unittest.decorate(suite, runner._ForceGarbageCollectionDecorator)
    log.addObserver(result._observeWarnings)
    try:
        runner.LoggedSuite([suite]).run(told)
    finally:
        log.removeObserver(result._observeWarnings)
    result.finish()
    return not result.shouldStop, result.wasSuccessful()


def leave_if_stopped():
    """Ends the process where a test stopped the reactor, which then never runs again."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if getattr(reactor, "_startedBefore", False):
        text = "a test stopped the reactor, which cannot run again: this worker ends\n"
        Real.write(2, text.encode())
        sys.stdout.flush()
        Real.exit(1)


def shut_down():
    """What trial does at the end of a run: the reactor's shutdown, and waiting for it."""
    runner.TrialSuite().run(reporter.TestResult())


def log_into(path):
    """Twisted's log goes to a file until the result is closed."""
    stack = contextlib.ExitStack()
    stack.enter_context(runner._logFile(path))
    return stack


def described(holder):
    """An `ErrorHolder` as (name, message, trace)."""
    fail = failure.Failure(holder.error[1], holder.error[0], holder.error[2])
    return holder.id(), brief(holder.error), fail.getTraceback()
