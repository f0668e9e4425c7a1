"""`unittest`, with the standard library alone."""

import argparse
import contextlib
import copy
import importlib
import os
import re
import sys
import unittest
import unittest.loader
import warnings

from .channel import Refused
from .results import Finish, Listing, Result
from .suites import Catalog, arranged, class_of, flat, run_all

LOADER_MADE = re.compile(r"^unittest\.loader\.(_FailedTest|ModuleSkipped)\.")


def framework(options):
    """The framework, for a suite's settings."""
    return Unittest(options)


class Arguments(argparse.ArgumentParser):
    """What a user may write into `args`."""

    def error(self, message):
        raise Refused(f"`args` of this suite: {message}", self.format_usage())


def arguments(words):
    """`args`, as a namespace."""
    parser = Arguments(prog="unittest", allow_abbrev=False, add_help=False)
    parser.add_argument("-p", "--pattern", default="test*.py", help="files to search for tests")
    parser.add_argument("-t", "--top", "--top-level-directory", help="the top of the packages")
    parser.add_argument("-s", "--start-directory", dest="start", action="append", default=[])
    parser.add_argument("-k", dest="names", action="append", default=[])
    parser.add_argument("paths", nargs="*")
    return parser.parse_args(words)


class Unittest:
    """Lists by module, class or test; runs copies of the very objects that it listed."""

    def __init__(self, options):
        self.options = arguments(options.get("args", []))
        self.paths = options.get("paths", []) + self.options.start + self.options.paths
        self.group_by = options.get("group-by", "module")
        self.loader = Loader(self.options)
        self.catalog = None

    def version(self):
        """For people."""
        return "unittest"

    def forks(self):
        """Nothing here holds a descriptor."""
        return True

    def collect(self, wanted):
        """Loads everything, once."""
        listing = Listing()
        if self.catalog is None:
            self.catalog = Catalog(lambda test: test.id(), self._group_of, [unittest.TestSuite])
            self._import_roots()
            with shown_warnings():
                for path in self.paths or ["."]:
                    self.catalog.add(self.loader.find(path))
            listing.groups = self.catalog.groups()
        return listing

    def begin(self, worker, env):
        """Nothing is needed."""

    def prepare(self, alias, url, databases):
        """There are no databases."""
        raise Refused("unittest fills no database: give the database a `prepare` command")

    def run(self, tests, databases, report):
        """Runs tests in the given order."""

        def once(chosen):
            suite = arranged(chosen, unittest.TestSuite, copied)
            result = Result(report, flat(suite))
            with shown_warnings():
                suite.run(result)
            result.finish()
            return not result.shouldStop, result.wasSuccessful()

        chosen = self.catalog.choose(tests, report)
        return Finish(good=run_all(chosen, once, report))

    def end(self):
        """Nothing was done."""

    def _group_of(self, test):
        if self.group_by == "test":
            return test.id()
        if self.group_by == "class" and not LOADER_MADE.match(test.id()):
            return class_of(test)
        return self.loader.group_of(test)

    def _import_roots(self):
        """Directories are imported from as `python -m unittest discover` does."""
        top = self.options.top
        roots = [top] if top else [import_root(p) for p in self.paths if os.path.isdir(p)]
        for root in map(os.path.abspath, roots):
            if root not in sys.path:
                sys.path.insert(0, root)


@contextlib.contextmanager
def shown_warnings():
    """Warnings as `python -m unittest` shows them."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("default")
        yield


def copied(test):
    """A copy of a test that leaves it as it is, where there can be one."""
    try:
        twin = copy.copy(test)
        if hasattr(test, "_dt_test"):  # doctest empties its names, before Python 3.11 for good
            twin._dt_test = copy.copy(test._dt_test)
            twin._dt_test.globs = dict(test._dt_test.globs)
        return twin if twin.id() == test.id() else test
    except Exception:  # noqa: BLE001 (a test's own `__copy__`)
        return test


class Loader(unittest.TestLoader):
    """Knows of each test which module gave it, `load_tests` included: that is its group."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        if options.names:
            self.testNamePatterns = [p if "*" in p else f"*{p}*" for p in options.names]
        self._group_of = {}
        self._kept = []

    def loadTestsFromModule(self, module, *args, **kwargs):
        suite = super().loadTestsFromModule(module, *args, **kwargs)
        self._kept.append(suite)  # an address in `_group_of` must not be used twice
        for test in flat(suite):
            self._group_of.setdefault(id(test), module.__name__)
        return suite

    def group_of(self, test):
        """The name of the module that gave a test."""
        made_by_loader = LOADER_MADE.match(test.id())
        fallback = test._testMethodName if made_by_loader else type(test).__module__
        return self._group_of.get(id(test), fallback)

    def find(self, name):
        """The suite of one path: a directory, a package or a module."""
        if os.path.isdir(name):
            return self.discover(name, self.options.pattern, self.options.top or import_root(name))
        module, attributes, problem = import_longest(name)
        if problem is not None:
            return problem
        if attributes:
            return self.loadTestsFromName(name)
        if hasattr(module, "__path__"):
            return self.discover(name, self.options.pattern, self.options.top or top_of(module))
        return self.loadTestsFromModule(module, pattern=self.options.pattern)


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
