"""Lists and runs `unittest` tests for evenly, with the standard library alone.

    unittest_shim.py list [OPTION...] [NAME...]
    unittest_shim.py run --junit FILE [OPTION...] [NAME...] -- ID...

NAME is a directory to search, a package to search or a module; none means the current directory.
ID is a module, a class or a test, by the dotted name that `list` printed. `list` prints JSON (see
`listing`) on standard output and nothing else there; what modules print while they are imported
goes to standard error. `run` leaves standard output and error to the tests, writes a JUnit file
when the last test has ended, and exits with 1 when a test failed. It searches no NAME: a NAME that
is a directory says from where modules are imported, as in `list`.
"""

import argparse
import importlib
import inspect
import json
import os
import re
import sys
import time
import unittest
import unittest.loader
import warnings
from xml.etree import ElementTree

FORMAT = 1
LOADER_MADE = re.compile(r"^unittest\.loader\.(_FailedTest|ModuleSkipped)\.")
NOT_IN_XML = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
RANK = {"passed": 0, "skipped": 1, "failed": 2, "errored": 3}


class Loader(unittest.TestLoader):
    """Knows of each test which module gave it, `load_tests` included: that is its group."""

    def __init__(self):
        super().__init__()
        self._group_of = {}
        self._kept = []

    def loadTestsFromModule(self, module, *args, **kwargs):
        suite = super().loadTestsFromModule(module, *args, **kwargs)
        self._kept.append(suite)  # an address in `_group_of` must not be used twice
        for test in flat(suite):
            self._group_of.setdefault(id(test), module.__name__)
        return suite

    def group_of(self, test):
        made_by_loader = LOADER_MADE.match(test.id())
        fallback = test._testMethodName if made_by_loader else type(test).__module__
        return self._group_of.get(id(test), fallback)

    def find(self, name, options):
        """The suite of one NAME."""
        if os.path.isdir(name):
            return self.discover(name, options.pattern, options.top or import_root(name))
        module, attributes, problem = import_longest(name)
        if problem is None and hasattr(module, "__path__") and not attributes:
            return self.discover(name, options.pattern, options.top or top_of(module))
        return self.load(name, options)

    def load(self, name, options):
        """The suite of one ID."""
        made_by_loader = LOADER_MADE.match(name)
        if made_by_loader:
            name = name[made_by_loader.end() :]
        module, attributes, problem = import_longest(name)
        if problem is not None:
            return problem
        if module is not None:
            # For a `load_tests` that discovers: what `discover` would have set.
            self._top_level_dir = options.top or top_of(module)
            self._loading_packages.add(module.__name__)
            suite = self.loadTestsFromModule(module, pattern=options.pattern)
            self._loading_packages.discard(module.__name__)
            mine = [test for test in flat(suite) if self.group_of(test) == module.__name__]
            if not attributes and len(mine) == suite.countTestCases():
                return suite  # as the module made it, its own suite classes included
            if not attributes:
                return self.suiteClass(mine)
            chosen = [t for t in mine if t.id() == name or t.id().startswith(name + ".")]
            if chosen:
                return self.suiteClass(chosen)
        return self.suiteClass([missing(name)])


def import_longest(name):
    """Imports as much of a dotted name as is a module.

    Returns the module, the names left over, and a suite that reports why a module of the name
    cannot be imported.
    """
    module, parts = None, name.split(".")
    for count in range(1, len(parts) + 1):
        dotted = ".".join(parts[:count])
        if module is not None and not hasattr(module, "__path__"):
            return module, parts[count - 1 :], None
        try:
            module = importlib.import_module(dotted)
        except unittest.SkipTest as skip:
            return None, [], unittest.loader._make_skipped_test(dotted, skip, unittest.TestSuite)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (a module may even exit)
            absent = isinstance(error, ModuleNotFoundError) and error.name == dotted
            if absent and hasattr(module, parts[count - 1]):
                return module, parts[count - 1 :], None
            return None, [], unittest.TestSuite([failed_import(dotted, error)])
    return module, [], None


def top_of(module):
    """The directory from which a module's outermost package was imported."""
    outermost = sys.modules[module.__name__.partition(".")[0]]
    places = list(getattr(outermost, "__path__", [outermost.__file__]))
    return os.path.dirname(os.path.abspath(places[0]))


def import_root(directory):
    """The directory to import from: the first one above all packages, or the current one."""
    root, current = os.path.abspath(directory), os.getcwd()
    while root != current and os.path.isfile(os.path.join(root, "__init__.py")):
        root = os.path.dirname(root)
    return root


def failed_import(name, error):
    """The test by which `unittest` itself reports a module that cannot be imported."""
    problem = ImportError(f"cannot import `{name}`: {type(error).__name__}: {error}")
    problem.__cause__ = error
    return unittest.loader._FailedTest(name, problem)


def missing(name):
    """A test that reports that there is no such test."""
    return unittest.loader._FailedTest(name, LookupError(f"there is no test `{name}`"))


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


def listing(names, options):
    """Groups and their tests: {"format": 1, "groups": [{"name": …, "tests": […]}]}."""
    loader = Loader()
    groups = {}
    for name in names or ["."]:
        for test in flat(loader.find(name, options)):
            tests = groups.setdefault(loader.group_of(test), {})
            tests[test.id()] = None
    found = [
        {"name": shown(name), "tests": [shown(test) for test in tests]}
        for name, tests in groups.items()
    ]
    return {"format": FORMAT, "groups": found}


def shown(text):
    """Text that JSON can hold: lone surrogates are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Case:
    """One test's result, as JUnit tells it."""

    def __init__(self, test):
        self.id = test.id()
        method = getattr(test, "_testMethodName", "")
        if method and self.id.endswith("." + method):
            self.classname, self.name = self.id[: -len(method) - 1], method
        else:
            self.classname, _, self.name = self.id.rpartition(".")
        self.fixtures = {
            f"{fixture} ({owner})"
            for fixture, owner in (
                ("setUpClass", unittest.util.strclass(type(test))),
                ("setUpModule", type(test).__module__),
            )
        }
        self.file, self.line = where(test, method)
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


def where(test, method):
    """The file and line of a test, where they can be told."""
    try:
        code = inspect.unwrap(getattr(type(test), method)).__code__
    except (AttributeError, TypeError, ValueError):
        return None, None
    path = os.path.relpath(code.co_filename)
    if path.startswith(os.pardir):
        path = code.co_filename
    return path, code.co_firstlineno


class Result(unittest.TestResult):
    """Collects a `Case` for every planned test, and prints what failed as soon as it did."""

    def __init__(self, planned):
        super().__init__()
        self.cases = [Case(test) for test in planned]
        self._by_test = {id(test): case for test, case in zip(planned, self.cases)}
        self._planned = planned  # keeps the addresses above alive
        self._fixtures = {}
        self._started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._started = time.perf_counter()

    def stopTest(self, test):
        self._case(test).seconds += time.perf_counter() - self._started
        super().stopTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._case(test).add("passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._add_problem(test, "failed", err)

    def addError(self, test, err):
        super().addError(test, err)
        self._add_problem(test, "errored", err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        parent = getattr(test, "test_case", None)
        if parent is not None:
            reason = f"{test._subDescription()}: {reason}"
        if id(parent or test) in self._by_test:
            self._case(parent or test).add("skipped", reason)
        else:
            self._fixtures[test.id()] = ("skipped", reason, None, None)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._case(test).add("passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        text = "unexpected success: the test is marked as an expected failure, and passed"
        self._case(test).add("failed", text, "UnexpectedSuccess", text)
        tell("UNEXPECTED SUCCESS", test, "")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._add_problem(test, "failed" if failed else "errored", err, subtest)

    def finish(self):
        """Gives every test that never ran the result of the fixture that kept it from running."""
        for case in self.cases:
            if case.outcome is None:
                causes = [self._fixtures[f] for f in case.fixtures if f in self._fixtures]
                text = "the test was not run, and unittest did not say why"
                case.add(*(causes or [("errored", text, "NotRun", text)])[0])

    def good(self):
        """Whether every test passed or was skipped."""
        return all(RANK[case.outcome] < RANK["failed"] for case in self.cases)

    def _case(self, test):
        case = self._by_test.get(id(test))
        if case is None:  # made while the tests ran, by a suite of the project's own
            case = self._by_test[id(test)] = Case(test)
            self.cases.append(case)
            self._planned.append(test)
        return case

    def _add_problem(self, test, outcome, err, subtest=None):
        detail = self._exc_info_to_string(err, test)
        message = brief(err)
        if subtest is not None:
            message = f"{subtest._subDescription()}: {message}"
            detail = f"{subtest._subDescription()}\n{detail}"
        tell("FAIL" if outcome == "failed" else "ERROR", subtest or test, detail)
        problem = (outcome, message, err[0].__name__, detail)
        if isinstance(test, unittest.suite._ErrorHolder):
            self._add_fixture_problem(test, problem)
        else:
            self._case(test).add(*problem)

    def _add_fixture_problem(self, holder, problem):
        """A set-up's problem is its tests' own; a tear-down's is a case of its own."""
        outcome, message, kind, detail = problem
        description = holder.id()
        if description.startswith("setUp"):
            told = f"{description}: {message}"
            self._fixtures.setdefault(description, (outcome, told, kind, detail))
            return
        case = self._case(holder)
        fixture, _, owner = description.partition(" ")
        case.classname, case.name = owner.strip("()"), fixture
        case.add(*problem)


def brief(err):
    """The first line of an exception's message, after its class."""
    lines = str(err[1]).strip().splitlines()
    return f"{err[0].__name__}: {lines[0]}" if lines else err[0].__name__


def tell(what, test, detail):
    """Prints a failure as unittest does, as soon as it is known."""
    print(f"\n{what}: {test}\n{'-' * 70}\n{detail}", file=sys.stderr, flush=True)


def run(ids, options):
    """Runs tests, all in one suite, and returns the `Result`."""
    loader = Loader()
    parts = [loader.load(name, options) for name in ids]
    suite = parts[0] if len(parts) == 1 else loader.suiteClass(parts)
    result = Result(list(flat(suite)))
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("default")
        suite.run(result)
    result.finish()
    return result


def write_junit(result, path):
    """Writes the JUnit file whole or not at all."""
    cases = result.cases
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name="unittest", tests=str(len(cases)))
    for outcome, attribute in (("failed", "failures"), ("errored", "errors"), ("skipped",) * 2):
        suite.set(attribute, str(sum(case.outcome == outcome for case in cases)))
    suite.set("time", f"{sum(case.seconds for case in cases):.6f}")
    for case in cases:
        suite.append(junit_case(case))
    whole = path + ".part"
    with open(whole, "wb") as file:
        file.write(ElementTree.tostring(root, encoding="utf-8"))
    os.replace(whole, path)


def junit_case(case):
    """One `testcase` element."""
    element = ElementTree.Element("testcase", classname=clean(case.classname))
    element.set("name", clean(case.name))
    element.set("time", f"{case.seconds:.6f}")
    if case.file is not None:
        element.set("file", clean(case.file))
        element.set("line", str(case.line))
    tag = {"failed": "failure", "errored": "error", "skipped": "skipped"}.get(case.outcome)
    if tag is not None:
        child = ElementTree.SubElement(element, tag, message=clean("; ".join(case.messages)))
        if case.kind is not None:
            child.set("type", clean(case.kind))
            child.text = clean("\n".join(case.details))
    return element


def clean(text):
    """Text without what XML cannot hold: such characters appear as `\\xNN` or `\\uNNNN`."""
    return NOT_IN_XML.sub(lambda found: escape(ord(found.group())), text)


def escape(code):
    """A character by its number."""
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def options_of(words):
    """The options that `list` and `run` share, and the NAMEs."""
    parser = argparse.ArgumentParser(prog="unittest", allow_abbrev=False)
    parser.add_argument("--junit", help="the JUnit file to write")
    parser.add_argument("-p", "--pattern", default="test*.py", help="files to search for tests")
    parser.add_argument("-t", "--top", "--top-level-directory", help="the top of the packages")
    parser.add_argument("-s", "--start-directory", dest="start", action="append", default=[])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(words)
    return options, options.start + options.names


def main(argv):
    """The command line; returns the exit status."""
    command, words = argv[0], argv[1:]
    ids = words[words.index("--") + 1 :] if "--" in words else []
    options, names = options_of(words[: words.index("--")] if "--" in words else words)
    sys.path[0] = os.getcwd()  # as `python -m` has it; it was this file's directory
    roots = [options.top] if options.top else [import_root(n) for n in names if os.path.isdir(n)]
    for root in map(os.path.abspath, roots):
        if root not in sys.path:
            sys.path.insert(0, root)
    sys.argv[1:] = []  # tests must not mistake our arguments for theirs
    if command == "list":
        mine = os.dup(1)
        os.dup2(2, 1)
        found = json.dumps(listing(names, options))
        sys.stdout.flush()
        with os.fdopen(mine, "w") as out:
            out.write(found + "\n")
        return 0
    result = run(ids, options)
    good = result.good()
    print(f"\nRan {len(result.cases)} tests: {'OK' if good else 'FAILED'}", file=sys.stderr)
    write_junit(result, options.junit)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
