"""Runs the tests of a directory with unittest alone; prints `OUTCOME ID` for each."""

import sys
import unittest


class Result(unittest.TestResult):
    """Prints what became of each test; where it had several outcomes, each."""

    def addSuccess(self, test):
        print("passed", test.id())

    def addFailure(self, test, err):
        print("failed", test.id())

    def addError(self, test, err):
        print("errored", test.id())

    def addSkip(self, test, reason):
        print("skipped", getattr(test, "test_case", test).id())

    def addSubTest(self, test, subtest, err):
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            print("failed" if failed else "errored", test.id())

    def addExpectedFailure(self, test, err):
        print("passed", test.id())

    def addUnexpectedSuccess(self, test):
        print("failed", test.id())


# `.`: the directory's modules are named by their packages.
unittest.defaultTestLoader.discover(sys.argv[1], top_level_dir=".").run(Result())
