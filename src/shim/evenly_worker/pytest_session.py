"""The plugin by which evenly sees what a session of pytest collects and how its tests end."""

import contextlib
import os
import re
import sys
import warnings

import pytest

from .channel import Real, shown
from .pytest_results import Fold

GROUP_OF_MARK = "@"
UNTIL_HERE = "evenly: the group ends"


class Pause(pytest.Item):
    """Stands for whatever is run after a group, of which only the session is known.

    With it as the next item, pytest tears down all but the session's fixtures. The next group may
    well be of the same package; but what its fixtures say when they are torn down belongs to the
    tests that ran, whose group ends here, with its output.
    """

    # What hooks of projects look for in a next item.
    cls = module = function = obj = instance = None
    fixturenames = ()

    def runtest(self):
        """Never called."""

    def reportinfo(self):
        """Nowhere."""
        return self.path, None, self.name


class Quiet:
    """pytest's terminal, or a plugin's in its place, without its hooks: plugins may still write."""

    def __init__(self, reporter):
        self._evenly_reporter = reporter

    def __getattr__(self, name):
        return getattr(self.__dict__["_evenly_reporter"], name)


class Driver:
    """Answers evenly where the session would run its tests."""

    def __init__(self, group_by):
        self._group_by = group_by
        self.loop = None
        self.session = None
        # The items of each name, and the names of each group, in pytest's order.
        self.items = {}
        self.groups = {}
        # What could not be collected, as (message, trace), and what did not want to be.
        self.broken = {}
        self.skipped = {}
        self.conftests = []
        self.collected = False
        self.why = ""
        self.detail = ""
        self._fold = None
        self._pause = None
        self._warned = None
        self._databases = None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_load_initial_conftests(self, early_config):
        known = early_config.known_args_namespace
        if hasattr(known, "cov_append"):  # pytest-cov would erase what other processes measured
            known.cov_append = True
        yield

    def pytest_keyboard_interrupt(self, excinfo):
        self.why = f"{excinfo.typename}: {excinfo.value}"
        self.detail = str(excinfo.getrepr(style="short"))

    def pytest_internalerror(self, excrepr, excinfo):
        self.why = f"{excinfo.typename}: {excinfo.value}"
        self.detail = str(excrepr)

    def pytest_collectreport(self, report):
        name = shown(report.nodeid or ".")
        if report.failed:
            detail = str(report.longrepr).strip() or "collection failed"
            last = re.sub(r"^E\s+", "", detail.splitlines()[-1])
            self.broken[name] = (shown(last), shown(detail))
        elif report.skipped:
            reason = report.longrepr
            reason = reason[2] if isinstance(reason, tuple) else str(reason)
            self.skipped[name] = shown(str(reason)).removeprefix("Skipped: ")

    def pytest_exception_interact(self, node, call):
        error = call.excinfo.value if call.excinfo is not None else None
        if type(error).__name__ == "ConftestImportFailure":
            self.conftests.append((error.path, error.cause))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.session = session
        self.collected = True
        for item in session.items:
            name = shown(item.nodeid)
            known = self.items.setdefault(name, [])
            known.append(item)
            if len(known) == 1:  # all that have this id run where the first one is
                self.groups.setdefault(shown(self._group_of(item)), []).append(name)
        for name in self.skipped:
            if name not in self.items:
                self.groups.setdefault(name, []).append(name)
        self._pause = Pause.from_parent(session, name=UNTIL_HERE)
        self.loop()
        return True

    def _group_of(self, item):
        mark = item.get_closest_marker("xdist_group")
        if mark is not None:  # no test's id begins like this, so the group is never split
            name = mark.args[0] if mark.args else mark.kwargs.get("name", "default")
            return f"{GROUP_OF_MARK}{name}"
        if self._group_by == "test":
            return item.nodeid
        if self._group_by == "class":
            owner = item.getparent(pytest.Class)
            if owner is not None:
                return owner.nodeid
        return item.nodeid.split("::", 1)[0]

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if self._databases is not None:
            self._databases.setting_up(fixturedef, request)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item):
        if self._databases is not None:
            self._databases.calling(item)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        if call.excinfo is not None:
            outcome.get_result().evenly_kind = call.excinfo.typename

    def pytest_runtest_logreport(self, report):
        if self._fold is not None:
            config = self.session.config
            status = config.hook.pytest_report_teststatus(report=report, config=config)
            self._fold.add(report, status[0] if status else "")

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        if self._warned is not None:
            found = warning_message
            line = warnings.formatwarning(
                found.message, found.category, found.filename, found.lineno, line=""
            )
            self._warned.setdefault(line.rstrip(), nodeid)

    def silence(self, config):
        """From here on evenly tells what becomes of tests, and nobody else."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)
            config.pluginmanager.register(Quiet(reporter), "terminalreporter")

    def begin(self, config, name):
        """Makes ready for groups: captures nothing until then, has temporary files of its own."""
        capture = config.pluginmanager.get_plugin("capturemanager")
        if capture is not None:
            capture.stop_global_capturing()
        factory = getattr(config, "_tmp_path_factory", None)
        if factory is not None:
            factory._basetemp = None
            if factory._given_basetemp is not None:
                factory._given_basetemp.mkdir(parents=True, exist_ok=True)
                factory._given_basetemp = factory._given_basetemp / f"popen-{name}"

    def run(self, chosen, report, databases):
        """Runs (name, item)s, one after the other; returns whether all went well."""
        self._fold = fold = Fold(report, [name for name, _ in chosen])
        self._warned = {}
        self._databases = databases
        try:
            with captured(self.session.config):
                for at, (name, item) in enumerate(chosen):
                    following = chosen[at + 1][1] if at + 1 < len(chosen) else self._pause
                    self._once(name, item, following, fold)
        finally:
            self._fold = None
        self._tell_warnings()
        return fold.good

    def _once(self, name, item, following, fold):
        """One test. What would end pytest ends it alone."""
        renew(item)
        fold.begin(name, item)
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        except BaseException as error:  # noqa: BLE001 (the test that ran is blamed)
            Real.print_exc()
            fold.escaped(error, Real.format_exc())
            self._tear_down(following)
        fold.end()
        self._go_on()

    def _tear_down(self, following):
        """Undoes what a test that was cut off had set up."""
        try:
            self.session._setupstate.teardown_exact(following)
        except BaseException:  # noqa: BLE001 (told; the stack is torn down all the same)
            Real.print_exc()

    def _go_on(self):
        """pytest is asked to stop by one test; evenly's other tests have a right to run."""
        session = self.session
        for wish in ("shouldfail", "shouldstop"):
            why = getattr(session, wish)
            if why:
                print(f"evenly goes on, although pytest was asked to stop: {why}", file=sys.stderr)
                setattr(session, f"_{wish}" if hasattr(session, f"_{wish}") else wish, False)

    def _tell_warnings(self):
        lines, self._warned = self._warned, None
        if lines:
            text = "\n".join(["", "warnings of this group", "-" * 70, *lines])
            print(shown(text), file=sys.stderr, flush=True)


def renew(item):
    """An item that ran before can run again."""
    test = getattr(item, "dtest", None)
    if test is not None:  # doctest empties its names
        if not hasattr(item, "_evenly_globs"):
            item._evenly_globs = dict(test.globs)
        test.globs.update(item._evenly_globs)
    if not hasattr(item, "_evenly_properties"):
        item._evenly_properties = list(item.user_properties)
    item._report_sections, item.user_properties = [], list(item._evenly_properties)
    with contextlib.suppress(ImportError, KeyError):
        from _pytest.subtests import failed_subtests_key

        item.config.stash[failed_subtests_key].clear()


@contextlib.contextmanager
def captured(config):
    """pytest's capturing, beside descriptors that lead to the group's output."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    if manager is None:
        yield
        return
    point_stacks_here(config)
    manager.start_global_capturing()
    manager.suspend_global_capture()
    try:
        yield
    finally:
        try:
            manager.stop_global_capturing()
        except Exception:  # noqa: BLE001 (a test closed what pytest needs)
            Real.print_exc()
            manager._global_capturing = None


def point_stacks_here(config):
    """Where `faulthandler_timeout` writes stacks."""
    with contextlib.suppress(ImportError, KeyError, OSError, ValueError):
        if float(config.getini("faulthandler_timeout") or 0) > 0:
            from _pytest.faulthandler import fault_handler_stderr_fd_key

            os.dup2(2, config.stash[fault_handler_stderr_fd_key], False)
