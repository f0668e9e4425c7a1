"""Runs trial alone; prints `OUTCOME ID` for what it is told of each test.

plain_trial.py [OPTION...] NAME...
"""

import os
import sys

from twisted.scripts import trial
from twisted.trial import itrial, reporter

out = os.fdopen(os.dup(1), "w", errors="backslashreplace")
os.dup2(2, 1)  # what tests print is not told


def tell(outcome, test):
    """Prints a line; trial gives some tests to `addSuccess` without their usual name."""
    print(outcome, itrial.ITestCase(test).id(), file=out)


class Result(reporter.Reporter):
    """What trial tells, an unexpected success being none of its failures."""

    def addSuccess(self, test):
        tell("passed", test)

    def addFailure(self, test, fail):
        super().addFailure(test, fail)
        tell("failed", test)

    def addError(self, test, error):
        super().addError(test, error)
        tell("errored", test)

    def addSkip(self, test, reason):
        tell("skipped", test)

    def addExpectedFailure(self, test, error, todo=None):
        tell("passed", test)

    def addUnexpectedSuccess(self, test, todo=None):
        tell("passed", test)


sys.path.insert(0, os.getcwd())
config = trial.Options()
config.parseOptions(sys.argv[1:])
config["reporter"] = Result
runner = trial._makeRunner(config)
runner.stream = sys.stderr
runner.run(trial._getSuite(config))
out.flush()
