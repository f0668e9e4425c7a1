"""Settings for a plain run whose results are written down: those of `PLAIN_SETTINGS`, with a runner
that adds a line a test to the file `PLAIN_RESULTS`. What a broken set-up kept from running is told
of each of its tests, as evenly does."""

import importlib
import json
import os
import unittest

_settings = importlib.import_module(os.environ["PLAIN_SETTINGS"])
globals().update({name: value for name, value in vars(_settings).items() if name.isupper()})
_runner = getattr(_settings, "TEST_RUNNER", "django.test.runner.DiscoverRunner")
TEST_RUNNER = "plain.Runner"
RANK = ("passed", "skipped", "failed", "errored")


class Result(unittest.TextTestResult):
    _worst = None

    def _note(self, test, outcome):
        if isinstance(test, unittest.suite._ErrorHolder):
            write(test.id(), outcome)
        elif self._worst is None or RANK.index(outcome) > RANK.index(self._worst):
            self._worst = outcome

    def stopTest(self, test):
        super().stopTest(test)
        write(test.id(), self._worst or "errored")
        self._worst = None

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test, "passed")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._note(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._note(test, "failed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failed")

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "errored")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._note(test, "failed" if failed else "errored")


def write(name, outcome):
    with open(os.environ["PLAIN_RESULTS"], "a") as file:
        file.write(json.dumps([name, outcome]) + "\n")


def __getattr__(name):
    if name != "Runner":
        raise AttributeError(name)
    module, _, kind = _runner.rpartition(".")
    kind = getattr(importlib.import_module(module), kind)

    class Runner(kind):
        def get_resultclass(self):
            return Result

    globals()[name] = Runner
    return Runner
