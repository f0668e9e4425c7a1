"""Django's test runner, or the project's own.

The project's runner is driven from inside its own `run_tests`, so that what it does around a run
holds here too: where it would set its databases up, this process answers evenly instead. Workers
are forked there, connect to what evenly gives them through the runner's `setup_databases`, and run
each group with its `run_suite`.
"""

import contextlib
import sys
import traceback

from .channel import Real, Refused
from .django_databases import Databases, Prepared, listed
from .django_groups import Plan
from .django_settings import load
from .django_suite import Fold, copied, watched
from .results import Finish, Listing, brief


def framework(options):
    """The framework, for a suite's settings."""
    return Django(options)


class Answered(BaseException):
    """Ends the runner's `run_tests` when evenly wants no more; no `except Exception` stops it."""


class Django:
    """One suite in this process, and in the workers that are forked from it."""

    def __init__(self, options):
        self.runner, self.labels = load(options)
        self.group_by = options.get("group-by", "module")
        self.databases = Databases(self.runner)
        self.plan = None
        self.suite = None
        self.problem = None
        # What the system check finds with a database; in one worker, for they all find the same.
        self.unchecked = False

    def version(self):
        """For people."""
        import django

        return f"Django {django.get_version()}"

    def forks(self):
        """No connection is open after `collect`."""
        return True

    def within(self, answer):
        """Calls `answer` from inside the runner's own `run_tests`, and returns what it returns."""
        runner, told = self.runner, []

        def build_suite(*args, **kwargs):
            self.suite = build(*args, **kwargs)
            return self.suite

        def setup_databases(**kwargs):
            for name in ("build_suite", "setup_databases"):
                delattr(runner, name)
            try:
                told.append((answer(), None))
            except BaseException as error:  # noqa: BLE001
                told.append((None, error))
            raise Answered

        build = runner.build_suite
        runner.build_suite = build_suite
        runner.setup_databases = setup_databases
        try:
            runner.run_tests(self.labels)
        except Answered:
            pass
        except BaseException as error:  # noqa: BLE001
            if not told:
                self.problem = (error, traceback.format_exc())
        if not told:
            told.append((self._answer_outside(answer), None))
        value, error = told[0]
        if error is not None:
            raise error
        return value

    def _answer_outside(self, answer):
        for name in ("build_suite", "setup_databases"):
            with contextlib.suppress(AttributeError):
                delattr(self.runner, name)
        if self.problem is None:
            name = f"{type(self.runner).__module__}.{type(self.runner).__qualname__}"
            error = Refused(
                f"`run_tests` of `{name}` sets no databases up, so evenly cannot run tests in it: "
                "make it a subclass of django.test.runner.DiscoverRunner that calls its `run_tests`"
            )
            self.problem = (error, "")
        return answer()

    def collect(self, wanted):
        """What `run_tests` built; checks the project as it would, without a database."""
        listing = Listing()
        if self.plan is not None:
            return listing
        if self.problem is not None:
            error, detail = self.problem
            if isinstance(error, Refused):
                raise error
            raise Refused(f"the tests cannot be collected: {brief((type(error), error))}", detail)
        self._check(set())
        self.plan = Plan(self.suite, self.group_by, self.databases.together)
        listing.groups = self.plan.groups
        self.databases.used = self.plan.aliases
        listing.databases = listed(self.runner, self.plan.aliases)
        self.suite = None
        self._close()
        return listing

    def begin(self, worker, env):
        """No alias leads to the project's own databases from now on."""
        if self.plan is None:  # a process of its own, that was asked for no list
            self.collect(None)
        self.databases.begin(worker)
        self.unchecked = worker == 0

    def prepare(self, alias, url, databases):
        """Fills an empty database as the project's runner would."""
        self.databases.prepared.update(databases)
        self.databases.preparing = (alias, url)
        try:
            self._set_up()
        except Prepared:
            pass
        finally:
            self.databases.preparing = None
            self.databases.close()

    def run(self, tests, databases, report):
        """Runs tests through the runner's `run_suite`, on the clones of `databases`."""
        chosen = []
        for name in tests:
            found = self.plan.tests.get(name)
            if found is None:
                text = f"there is no test `{name}`"
                report.finished(name, "errored", message=text, kind="NotFound", detail=text)
            else:
                chosen.extend(copied(test) for test in found)
        if not chosen:
            return Finish(good=False)
        if self.databases.take(databases, self.plan.needs(chosen)):
            self._set_up()
        self.databases.serialize()
        if self.unchecked and self.databases.attached():
            self._check(self.databases.attached())
            self.unchecked = False
        fold = Fold(report, chosen)
        suite = watched(self.runner.test_suite)(chosen)
        suite.evenly = (fold, self.databases.before(self.plan))
        suite.used_aliases = set(self.plan.aliases)
        suite.serialized_aliases = set()
        try:
            result = self.runner.run_suite(suite)
            good = not self.runner.suite_result(suite, result)
        except BaseException as error:  # noqa: BLE001
            self._escaped(error, suite, fold, report)
        fold.finish()
        return Finish(self.databases.dirty(), good)

    def end(self):
        """Lets go of the databases; drops those that Django itself made here."""
        self.databases.end()
        self._close()

    def _set_up(self):
        """The runner's own way to its databases; what it does beyond creating them is done."""
        aliases = dict.fromkeys(self.databases.used, False)
        with self.databases.replaced():
            self.databases.config = self.runner.setup_databases(
                aliases=aliases, serialized_aliases=set()
            )

    def _check(self, aliases):
        from django.core.management.base import SystemCheckError

        try:
            self.runner.run_checks(aliases)
        except SystemCheckError as error:
            text = str(error)
            raise Refused("Django's system check found errors: nothing can run", text) from None

    def _escaped(self, error, suite, fold, report):
        """Something ended the run: tells whose fault it is, and leaves the rest to a fresh worker.

        In this process a class is half set up, and its connections are in a transaction.
        """
        detail, waiting = traceback.format_exc(), report.waiting()
        more = {"message": brief((type(error), error)), "kind": type(error).__name__}
        if report.running is not None:
            waiting = [report.running]
        elif fold.interrupted:
            waiting = []
        elif suite.current is not None:
            waiting = [name for name in waiting if self.plan.is_in(name, suite.current)]
        for name in waiting:
            report.finished(name, "errored", detail=detail, **more)
        sys.stderr.write(detail)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        Real.exit(1)

    def _close(self):
        from django.core import cache
        from django.db import connections

        connections.close_all()
        with contextlib.suppress(AttributeError):
            cache.close_caches()
