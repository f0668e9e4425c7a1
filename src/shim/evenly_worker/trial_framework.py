"""Twisted's trial, 24.3 and newer.

A process of trial is never forked: the reactor may hold descriptors from its import on. Each lists
or loads by itself, and loads only the modules of the tests that it is told to run.

What trial does once in a plain run is done once in a worker's life, not for each group: the
directory `_trial_temp` (below EVENLY_TMPDIR), the log in it, and the reactor's shutdown at the end.
"""

import contextlib
import os
import sys
import tempfile

from .channel import Real, Refused
from .results import Finish, Listing, brief
from .suites import Catalog, arranged, blame, class_of, run_all

REFUSED = {
    "jobs": "the workers are evenly's",
    "debug": "no one is there to debug",
    "until-failure": "each group runs once",
    "dry-run": "tests are to run",
    "exitfirst": "use `fail-fast` in `[run]`",
    "profile": "a profile needs a run of its own",
    "coverage": "set the coverage tool up by `env`",
    "reporter": "evenly is told of each test itself",
    "temp-directory": "each worker has its own",
}


def framework(options):
    """The framework, for a suite's settings."""
    try:
        from twisted import __version__ as version
    except ModuleNotFoundError:
        text = f"`{sys.executable}` has no Twisted: is `python` in evenly.toml right?"
        raise Refused(text, Real.format_exc()) from None
    if tuple(map(int, version.split(".")[:2])) < (24, 3):
        raise Refused(f"this is Twisted {version}, and evenly needs 24.3 or newer")
    return Trial(options, version)


class Trial:
    """Lists by module, class or test."""

    signals_are_ours = False  # the reactor's own stay in place

    def __init__(self, options, version):
        self.args = options.get("args", [])
        self.paths = options.get("paths", [])
        self.group_by = options.get("group-by", "module")
        self.settings = options.get("settings")
        self._version = version
        self.home = os.getcwd()
        self.temp = None
        self.config = None
        self.loader = None
        self.catalog = None
        self.broken = []
        self.sorter = None
        self.modules = set()
        self.places = set()
        self.whole = False
        self.log = None

    def version(self):
        """For people."""
        return f"Twisted {self._version}"

    def forks(self):
        """See above."""
        return False

    def collect(self, wanted):
        """Loads everything, or the modules of some tests."""
        self._load_trial()
        os.chdir(self.home)
        try:
            if wanted is None:
                self._load_all()
            else:
                self._load_some(wanted)
        finally:
            if self.temp is not None:
                os.makedirs(self.temp, exist_ok=True)
                os.chdir(self.temp)
        listing = Listing()
        listing.groups = self.catalog.groups() if wanted is None else []
        listing.broken = [(name, message) for name, message, _ in self.broken]
        return listing

    def begin(self, worker, env):
        """Makes the directory that tests run in."""
        place = env.get("EVENLY_TMPDIR") or tempfile.mkdtemp()
        self.temp = os.path.join(place, "_trial_temp")
        os.makedirs(self.temp, exist_ok=True)
        with open(os.path.join(self.temp, "_trial_marker"), "wb"):
            pass
        os.chdir(self.temp)

    def prepare(self, alias, url, databases):
        """There are no databases of trial's own."""
        raise Refused("trial fills no database: give the database a `prepare` command")

    def run(self, tests, databases, report):
        """Runs tests in the given order."""
        from . import trial_tests

        if self.log is None:
            self.log = trial_tests.log_into(self.config["logfile"])

        def once(chosen):
            suite = arranged(chosen, trial_tests.DESTRUCTIVE, self.loader.twin)
            try:
                return trial_tests.run(suite, report, self.config)
            except BaseException as error:
                blame(error, report, chosen)
                trial_tests.leave_if_stopped()
                raise

        with self._django(databases):
            chosen = self.catalog.choose(tests, report, self.broken)
            return Finish(good=run_all(chosen, once, report))

    def end(self):
        """The reactor's shutdown, as at the end of a plain run."""
        if self.log is not None:
            from . import trial_tests

            trial_tests.shut_down()
            self.log.close()
        os.chdir(self.home)

    def _load_trial(self):
        """Reads `args`, which may install a reactor, before anything of the suite is imported."""
        if self.config is not None:
            return
        from twisted.python import usage
        from twisted.scripts import trial
        from twisted.trial import reporter

        if not self.paths:
            raise Refused("trial needs `paths`: the packages, modules or files to test")
        config = trial.Options()
        try:
            config.parseOptions([*self.args, *self.paths])
        except usage.UsageError as error:
            raise Refused(f"`args` of this suite: {error}") from None
        usual = {"reporter": reporter.TreeReporter, "temp-directory": "_trial_temp"}
        for option, why in REFUSED.items():
            if config.get(option) not in (None, 0, usual.get(option)):
                raise Refused(f"`--{option}` in `args` of this suite: {why}")
        trial._initialDebugSetup(config)
        if self.settings is not None:
            from . import twisted_django

            twisted_django.set_up(self.settings)
        self.sorter = trial._getLoader(config).sorter
        self.config = config
        self._forget()

    def _forget(self):
        """Knows no tests from now on."""
        from . import trial_tests

        self.loader = trial_tests.Loader(self.sorter)
        self.catalog = Catalog(trial_tests.name_of, self._group_of, trial_tests.PLAIN)

    @contextlib.contextmanager
    def _django(self, databases):
        """Points Django at its clones; between groups nothing is connected to them."""
        base = sys.modules.get("evenly_worker.twisted_django")
        if base is None:
            yield
            return
        base.clones.point(databases)
        try:
            yield
        finally:
            base.clones.close()

    def _load_all(self):
        """Loads what the paths say."""
        self.whole = True
        self._forget()
        recurse = not self.config["no-recurse"]
        self._add(self.loader.loadByNames(self.config["tests"], recurse=recurse))

    def _load_some(self, tests):
        """Loads the modules of tests by their names; all, where a test is not so found."""
        from . import trial_tests

        for test in tests:
            place = test.rpartition(".")[0]
            if self.whole or test in self.catalog or place in self.places:
                continue
            self.places.add(place)
            try:
                module = trial_tests.import_longest(test)
            except BaseException as error:  # noqa: BLE001 (a module may even exit)
                self.broken.append((test, brief((type(error), error)), Real.format_exc()))
                continue
            if module is not None and module.__name__ not in self.modules:
                self.modules.add(module.__name__)
                self._add(self.loader.loadModule(module))
            if test not in self.catalog:
                self._load_all()

    def _add(self, suite):
        """Takes in a suite, and notes what could not be loaded."""
        from twisted.trial.runner import ErrorHolder

        from . import trial_tests

        def good(suite):
            kept = []
            for part in suite._tests:
                if isinstance(part, ErrorHolder):
                    self.broken.append(trial_tests.described(part))
                    print(self.broken[-1][2], file=sys.stderr)
                else:
                    kept.append(good(part) if hasattr(part, "_tests") else part)
            suite._tests = kept
            return suite

        self.catalog.add(good(suite))

    def _group_of(self, test):
        if self.group_by == "test":
            from . import trial_tests

            return trial_tests.name_of(test)
        return class_of(test) if self.group_by == "class" else self.loader.module_of(test)
