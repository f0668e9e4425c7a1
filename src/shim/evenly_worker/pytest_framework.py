"""pytest, with the plugins that a project has.

pytest's own command line is parsed and its own session collects; where its loop would run the
tests, this process answers evenly instead. A worker is forked there, and is one session to its end:
when evenly wants no more, it leaves the loop, so that the session's fixtures are torn down and
plugins finish as in a plain run.
"""

import os
import random
import sys
import traceback
import uuid

from .channel import Real, Refused, shown
from .results import Finish, Group, Listing, brief

OLDEST = (8, 0)
REFUSED = {
    "usepdb": "`--pdb`: no terminal is connected to tests",
    "trace": "`--trace`: no terminal is connected to tests",
    "collectonly": "`--collect-only`: `evenly plan` shows what there is to run",
    "looponfail": "`--looponfail`: evenly runs each test once",
}
# What evenly does itself, or would be done by each worker again. xdist's are from its own worker.
OFF = {
    "maxfail": 0,
    "xmlpath": None,
    "numprocesses": None,
    "maxprocesses": None,
    "dist": "no",
    "distload": False,
    "tx": [],
}
# They write what they learn into the project's cache, each for a whole run.
CACHES = ("lfplugin", "nfplugin", "stepwiseplugin")


def framework(options):
    """The framework, for a suite's settings."""
    return Pytest(options)


def load():
    """pytest, if it is there and new enough."""
    try:
        import pytest
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        raise Refused(
            f"pytest is not installed for {sys.executable}: is `python` in evenly.toml right?"
        ) from None
    if pytest.version_tuple[:2] < OLDEST:
        raise Refused(f"this is pytest {pytest.__version__}, and evenly needs 8.0 or newer")
    return pytest


class Pytest:
    """One session in this process, and in the workers that are forked from it."""

    unwinds = True

    def __init__(self, options):
        self.pytest = load()
        from .pytest_session import Driver

        self.args = [*options.get("args", []), *options.get("paths", [])]
        self.driver = Driver(options.get("group-by", "module"))
        self.databases = None
        self.config = None
        self.problem = None
        self.seeded = None

    def version(self):
        """For people."""
        return f"pytest {self.pytest.__version__}"

    def forks(self):
        """What plugins hold is let go of in `begin`."""
        return True

    def within(self, answer):
        """Calls `answer` from inside pytest's own loop, and returns what it returned."""
        from .serve import Seeding

        told, seeding = [], Seeding()

        def loop():
            seeding.__exit__()
            self.seeded = seeding.state
            told.append(self._answer_inside(answer))

        self.driver.loop = loop
        seeding.__enter__()
        try:
            self._drive()
        except BaseException as error:  # noqa: BLE001 (told to evenly, or printed)
            if told:  # the session's end went wrong, after all that was to be told
                Real.print_exc()
            else:
                self.problem = self._why(error)
        if not told:
            seeding.__exit__()
            told.append(self._answer_outside(answer))
        value, error = told[0]
        if error is not None:
            raise error
        return value

    def _drive(self):
        """What `pytest.main` does, with the options that are evenly's matter set aside."""
        from _pytest.config import _prepareconfig

        os.environ["PYTEST_VERSION"] = self.pytest.__version__
        self.config = config = _prepareconfig(list(self.args), [self.driver])
        try:
            for name, why in REFUSED.items():
                if getattr(config.option, name, False):
                    raise Refused(f"leave this out of pytest's options: {why}")
            for name, value in OFF.items():
                if hasattr(config.option, name):
                    setattr(config.option, name, value)
            status = config.hook.pytest_cmdline_main(config=config)
        finally:
            config._ensure_unconfigure()
        if not self.driver.collected:
            self.problem = (self._ended(status), self.driver.detail)

    def _answer_inside(self, answer):
        """From the loop: an error is brought out through pytest, which would take it for its own."""
        try:
            self._settle()
            return answer(), None
        except BaseException as error:  # noqa: BLE001
            return None, error

    def _answer_outside(self, answer):
        try:
            return answer(), None
        except BaseException as error:  # noqa: BLE001
            return None, error

    def _settle(self):
        """After the collection: pytest's terminal is silent, databases are known."""
        from . import pytest_plugins

        try:
            self.databases = pytest_plugins.databases(self.config, self.driver.items)
        except Refused as refused:
            self.problem = (refused.message, refused.detail)
        pytest_plugins.keep_coverage_apart(self.config)
        self.driver.silence(self.config)

    def collect(self, wanted):
        """What the session collected, once."""
        if self.problem is not None:
            raise Refused(*self.problem)
        if self.driver.conftests:
            raise Refused(*self._of_conftest(*self.driver.conftests[0]))
        listing = Listing()
        for name, tests in self.driver.groups.items():
            group = Group(name)
            group.tests = tests
            if self.databases is not None:
                self.databases.mark(group, self.driver.items)
            listing.groups.append(group)
        listing.broken = [(name, told[0]) for name, told in self.driver.broken.items()]
        if self.databases is not None:
            listing.databases = self.databases.listed()
        return listing

    def begin(self, worker, env):
        """Makes this process's session a worker's: what it shares with others it lets go of."""
        if self.problem is not None or self.driver.conftests:
            self.collect(None)
        name, uid = f"gw{worker}", run_id(env)
        count = env.get("EVENLY_WORKERS", str(worker + 1))
        known = {"WORKER": name, "WORKER_COUNT": count, "TESTRUNUID": uid}
        for variable, value in known.items():
            os.environ.setdefault(f"PYTEST_XDIST_{variable}", value)
        if self.seeded is not None:
            random.setstate(self.seeded)
        manager = self.config.pluginmanager
        if manager.hasplugin("xdist"):
            told = {"workerid": name, "workercount": int(count), "testrunuid": uid}
            self.config.workerinput = {**told, "mainargv": list(sys.argv)}
            self.config.workeroutput = {}
        for cache in CACHES:
            plugin = manager.get_plugin(cache)
            if plugin is not None:
                manager.unregister(plugin)
        self.driver.begin(self.config, name)
        if self.databases is not None:
            self.databases.begin(worker)

    def prepare(self, alias, url, databases):
        """Fills an empty database as pytest-django would."""
        if self.databases is None:
            raise Refused("pytest fills no database itself: give the database a `prepare` command")
        self.databases.prepare(alias, url, databases)

    def run(self, tests, databases, report):
        """Runs tests, each with the one that comes next as pytest's own loop does."""
        chosen = []
        for name in tests:
            chosen.extend((name, item) for item in self._items(name, report))
        if self.databases is not None and chosen:
            self.databases.take(databases, [item for _, item in chosen])
        good = self.driver.run(chosen, report, self.databases)
        dirty = [] if self.databases is None else self.databases.dirty()
        return Finish(dirty, good)

    def _items(self, name, report):
        """The items of a name; of what has none, tells why."""
        driver = self.driver
        if name in driver.items:
            return driver.items[name]
        from .pytest_results import address

        more = address(name)
        if name in driver.skipped:
            report.finished(name, "skipped", message=driver.skipped[name], **more)
        elif name in driver.broken:
            message, detail = driver.broken[name]
            more.update(message=f"it cannot be collected: {message}", detail=detail)
            print(f"\nERROR collecting {name}\n{detail}", file=sys.stderr, flush=True)
            report.finished(name, "errored", kind="CollectError", **more)
        else:
            text = f"this process did not collect `{name}`"
            detail = (
                f"{text}, which another one listed. Are the ids of its tests made from a set, the "
                "time or a random number? They must be the same in every process."
            )
            report.finished(name, "errored", message=text, kind="NotFound", detail=detail)
        return []

    def end(self):
        """Tears the session's fixtures down; the rest of its end comes with the way out."""
        if self.driver.session is None:
            return
        try:
            self.driver.session._setupstate.teardown_exact(None)
        except BaseException as error:  # noqa: BLE001 (told to evenly)
            Real.print_exc()
            text = brief((type(error), error))
            text = f"a fixture of the session broke when it was torn down: {text}"
            raise Refused(text, traceback.format_exc()) from None
        finally:
            if self.databases is not None:
                self.databases.end()

    def _why(self, error):
        """Why pytest did not come to its tests, as (message, detail)."""
        from _pytest.config import ConftestImportFailure

        detail = traceback.format_exc()
        if isinstance(error, Refused):
            return error.message, error.detail
        if isinstance(error, ConftestImportFailure):
            return self._of_conftest(error.path, error.cause)
        if isinstance(error, self.pytest.UsageError):
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            told = next((line for line in lines if "error:" in line), (lines or ["?"])[0])
            return f"pytest cannot be used like this: {told}", str(error)
        if isinstance(error, SystemExit):
            return f"a conftest or a plugin ended pytest: exit({error.code})", detail
        return f"pytest did not begin: {brief((type(error), error))}", detail

    def _of_conftest(self, path, cause):
        where = os.path.relpath(path)
        detail = "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))
        return f"`{shown(where)}` cannot be loaded: {brief((type(cause), cause))}", detail

    def _ended(self, status):
        """What to say of a pytest that ended by itself, without an exception."""
        if self.driver.why:
            return f"pytest ended before its tests were collected: {self.driver.why}"
        return (
            f"pytest ended with exit status {int(status or 0)} and ran nothing: is there an option "
            "in `args`, or in `addopts` of its configuration, that asks for something else?"
        )


def run_id(env):
    """What all workers of this run on this machine have in common, and no other run has."""
    scratch = os.path.dirname(os.path.dirname(env.get("EVENLY_TMPDIR", os.getcwd())))
    return uuid.uuid5(uuid.NAMESPACE_URL, scratch).hex
