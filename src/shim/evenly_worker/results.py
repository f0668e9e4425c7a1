"""What a framework finds and reports, and `unittest`'s own results folded to one a test."""

import inspect
import os
import re
import sys
import time
import unittest

from .channel import DETAIL_BYTES_MAX, Real, cut, one_line, shown

RANK = {"passed": 0, "skipped": 1, "failed": 2, "errored": 3}
NEVER_RAN = "the test was not run, and the framework did not say why"


class Group:
    """Tests that run together, in their order; the fields are those of the message `group`."""

    def __init__(self, name):
        self.name = name
        self.tests = []
        self.databases = []
        self.dirties = []
        self.late = False

    def message(self):
        """What evenly is told."""
        told = {"name": self.name, "tests": self.tests, "databases": self.databases}
        return {**told, "dirties": self.dirties, "late": self.late}


class Listing:
    """What `collect` found: groups, what is broken as (name, message), databases as messages."""

    def __init__(self):
        self.groups = []
        self.broken = []
        self.databases = []


class Finish:
    """How a run of tests ended: the aliases that are not as before, and the own verdict."""

    def __init__(self, dirty=(), good=True):
        self.dirty = list(dirty)
        self.good = good


class Report:
    """Tells evenly of each test exactly once, however often a framework does."""

    def __init__(self, channel, group, tests):
        self._channel = channel
        self.group = group
        self._waiting = dict.fromkeys(tests)
        self._started = set()
        self._extra = {}
        self.running = None
        self.blamed = None
        self.doubled = False

    def waiting(self):
        """The tests that have no result, in their order."""
        return list(self._waiting)

    def started(self, test):
        """A test begins."""
        test = shown(test)
        if test in self._waiting and test not in self._started:
            self._started.add(test)
            self.running = test
            self._channel.send("test-started", {"test": test})

    def finished(self, test, outcome, seconds=0.0, **more):
        """A test has ended, or a fixture has: `more` has the message's other fields."""
        test = shown(test)
        if test in self._waiting:
            self.started(test)
            del self._waiting[test]
            self.running = None
        elif test in self._started:
            self.doubled = self.doubled or RANK[outcome] > RANK["skipped"]
            return
        else:
            count = self._extra[test] = self._extra.get(test, 0) + 1
            test = test if count == 1 else f"{test} #{count}"
        told = {"test": test, "outcome": outcome, "duration-us": max(0, round(seconds * 1e6))}
        for key, value in more.items():
            if value is not None and value != "":
                told[key] = value
        if "message" in told:
            told["message"] = one_line(told["message"])
        if "detail" in told:
            told["detail"] = cut(told["detail"], DETAIL_BYTES_MAX)
        self._channel.send("test-finished", told)

    def rest(self, message, detail="", kind="NotRun"):
        """Nothing more will run: what has no result is an error."""
        for test in self.waiting():
            self.finished(test, "errored", message=message, kind=kind, detail=detail or message)


class Case:
    """One test's result."""

    def __init__(self, test, name):
        self.id = name
        self.test = test
        self.left = 1
        self.outcome = None
        self.kind = None
        self.messages = []
        self.details = []
        self.seconds = 0.0

    def add(self, outcome, message="", kind=None, detail=None):
        """Adds what became known; the worst outcome wins."""
        if self.outcome is None or RANK[outcome] > RANK[self.outcome]:
            self.outcome, self.kind = outcome, kind
        if message:
            self.messages.append(message)
        if detail:
            self.details.append(detail)

    def tell(self, report):
        """Reports it."""
        more = names(self.test, self.id)
        told = "; ".join(self.messages) if len(self.messages) > 1 else "".join(self.messages)
        detail = "\n".join(self.details) if RANK[self.outcome] > RANK["skipped"] else None
        more.update(message=told or None, kind=self.kind, detail=detail)
        report.finished(self.id, self.outcome, self.seconds, **more)


def names(test, name):
    """JUnit's class and name of a test, and the file and line where it stands."""
    method = getattr(test, "_testMethodName", "")
    if method and name.endswith("." + method):
        told = {"class": name[: -len(method) - 1], "case": method}
    else:
        told = dict(zip(("class", "", "case"), name.rpartition(".")))
        del told[""]
    document = getattr(test, "_dt_test", None)
    if document is not None:
        told.update(file=document.filename and relative(document.filename))
        told.update(line=document.lineno and document.lineno + 1)
        return told
    try:
        code = inspect.unwrap(getattr(type(test), method)).__code__
        told.update(file=relative(code.co_filename), line=code.co_firstlineno)
    except (AttributeError, TypeError, ValueError):
        pass
    return told


_relative = {}


def relative(path):
    """A file's path from the directory that the suite runs in, where it is below."""
    if path not in _relative:
        _relative[path] = path.removeprefix(HERE)
    return _relative[path]


HERE = os.path.join(os.getcwd(), "")
FIXTURE = re.compile(r"(\w+) \((.*)\)$", re.DOTALL)


class Result(unittest.TestResult):
    """Folds what unittest tells of each test to one result, and prints what failed at once.

    A broken set-up of a class or module is an error of each test that it kept from running; a
    broken tear-down is a case of its own, named as a method of what it belongs to.
    """

    _now = staticmethod(time.perf_counter)

    def __init__(self, report, planned):
        super().__init__()
        self._report = report
        self._cases = {}
        self._fixtures = {}
        self._started = 0.0
        for test in planned:
            name = test.id()
            if name in self._cases:
                self._cases[name].left += 1
            else:
                self._cases[name] = Case(test, name)

    def startTest(self, test):
        super().startTest(test)
        self._report.started(test.id())
        self._started = self._now()

    def stopTest(self, test):
        seconds = self._now() - self._started
        case = self._case(test)
        case.seconds += seconds
        super().stopTest(test)
        case.left -= 1
        if case.left <= 0:
            del self._cases[case.id]
            if case.outcome is None:
                self._unwound(test, case)
            case.tell(self._report)

    def _unwound(self, test, case):
        """A test that told nothing: what unittest does not catch is passing through."""
        err = sys.exc_info()
        if err[1] is None:
            case.add("errored", NEVER_RAN, "NoResult", NEVER_RAN)
        else:
            self._problem(test, "errored", err, case=case)
            self._report.blamed = err[1]

    def addSuccess(self, test):
        super().addSuccess(test)
        self._case(test).add("passed")

    def addFailure(self, test, err):
        self._problem(test, "failed", err)
        self.failures.append((test, ""))

    def addError(self, test, err):
        self._problem(test, "errored", err)
        self.errors.append((test, ""))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        parent = getattr(test, "test_case", None)
        reason = str(reason)
        if parent is not None:
            reason = f"{test._subDescription()}: {reason}"
        elif isinstance(test, unittest.suite._ErrorHolder):
            self._fixtures[test.id()] = ("skipped", reason, None, None)
            return
        self._case(parent or test).add("skipped", reason)

    def addExpectedFailure(self, test, err):
        self.expectedFailures.append((test, ""))
        self._case(test).add("passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        text = "unexpected success: the test is marked as an expected failure, and passed"
        self._case(test).add("failed", text, "UnexpectedSuccess", text)
        self._tell("UNEXPECTED SUCCESS", test, "")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._problem(test, "failed" if failed else "errored", err, subtest)
            (self.failures if failed else self.errors).append((subtest, ""))

    def finish(self):
        """Gives tests that never ran the result of the fixture that kept them from it."""
        for name in list(self._cases):
            case = self._cases[name]
            owner = unittest.util.strclass(type(case.test))
            module = type(case.test).__module__
            causes = (f"setUpClass ({owner})", f"setUpModule ({module})")
            causes = [self._fixtures[cause] for cause in causes if cause in self._fixtures]
            if causes and case.outcome is None:
                case.add(*causes[0])
            if case.outcome is not None:
                del self._cases[name]
                case.tell(self._report)

    def _tell(self, what, test, detail):
        """Shows a failure; nothing where the project's own results do."""
        tell(what, test, detail)

    def _case(self, test):
        name = test.id()
        if name not in self._cases:  # made while the tests ran, by a suite of the project's own
            self._cases[name] = Case(test, name)
        return self._cases[name]

    def _problem(self, test, outcome, err, subtest=None, case=None):
        self._mirrorOutput = True
        detail = cut(self._exc_info_to_string(err, test), DETAIL_BYTES_MAX)
        message = brief(err)
        if subtest is not None:
            message = f"{subtest._subDescription()}: {message}"
            detail = f"{subtest._subDescription()}\n{detail}"
        self._tell("FAIL" if outcome == "failed" else "ERROR", subtest or test, detail)
        problem = (outcome, message, err[0].__name__, detail)
        if isinstance(test, unittest.suite._ErrorHolder):
            self._fixture_problem(test.id(), problem)
        else:
            (case or self._case(test)).add(*problem)

    def _fixture_problem(self, description, problem):
        """A set-up's problem is its tests' own; a tear-down's is a case of its own."""
        outcome, message, kind, detail = problem
        if description.startswith("setUp"):
            told = (outcome, f"{description}: {message}", kind, detail)
            self._fixtures.setdefault(description, told)
            return
        found = FIXTURE.match(description)
        case, owner = found.groups() if found else (description, "")
        more = {"class": owner, "case": case, "message": message, "kind": kind, "detail": detail}
        self._report.finished(f"{owner}.{case}" if owner else case, outcome, **more)


def brief(err):
    """The first line of an exception's message, after its class."""
    try:
        text = one_line(str(err[1]))
    except Exception:  # noqa: BLE001 (a test's own `__str__`)
        text = "(its message cannot be made)"
    return f"{err[0].__name__}: {text}" if text else err[0].__name__


def tell(what, test, detail):
    """Prints a failure as unittest does, as soon as it is known."""
    text = f"\n{what}: {test}\n{'-' * 70}\n{detail}\n"
    try:
        print(text, file=sys.stderr, flush=True)
    except Exception:  # noqa: BLE001 (a test's own stream)
        Real.write(2, text.encode("utf-8", "backslashreplace"))
