"""Lists and runs `pytest` tests for evenly.

    pytest_shim.py list [ARG...] [PATH...]
    pytest_shim.py run --junit FILE [ARG...] [PATH...] -- ID...

ARG is what the user gives to pytest, PATH where it looks for tests. `list` prints JSON on standard
output and nothing else there: {"format": 1, "groups": [{"name": FILE, "tests": [ID...]}],
"broken": [...]}. What pytest prints goes to standard error.

The ids come from pytest's own items, not from its terminal, whose form depends on the project's
`addopts` and plugins. `run` collects nothing from PATH, but the ids in its place; pytest settles
its root directory and reads its configuration and first conftest files by PATH before, so that
`list` and `run` see the same project, and an id means the same in both.
"""

import json
import os
import re
import sys

import pytest

FORMAT = 1


class Listing:
    """A plugin that notes what was collected."""

    def __init__(self):
        self.items = []
        self.broken = []

    def pytest_collectreport(self, report):
        if report.failed:
            lines = str(report.longrepr).strip().splitlines() or ["collection failed"]
            message = re.sub(r"^E\s+", "", lines[-1])
            self.broken.append({"name": shown(report.nodeid), "message": shown(message)})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session):
        self.items = list(session.items)

    def groups(self):
        """The groups, one a file, in pytest's order."""
        groups = {}
        for item in self.items:
            groups.setdefault(item.nodeid.split("::", 1)[0], {})[shown(item.nodeid)] = None
        return [group(name, list(tests)) for name, tests in groups.items()]


class Selection:
    """A plugin that has pytest collect ids instead of what its arguments say."""

    def __init__(self, ids):
        self.ids = ids

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config):
        root = str(getattr(config, "rootpath", None) or config.rootdir)
        config.args = [os.path.join(root, test) for test in self.ids]
        source = getattr(config, "ArgsSource", None)
        if source is not None:
            config.args_source = source.ARGS


def group(name, tests):
    """A group; what selects it is told apart where its name cannot be printed."""
    found = {"name": shown(name), "tests": tests}
    if found["name"] != name:
        found["argument"] = list(os.fsencode(name))
    return found


def shown(text):
    """Text in which bytes that are not UTF-8 appear as `\\xNN`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def list_tests(args):
    """Prints the listing; returns the exit status."""
    mine = os.dup(1)
    os.dup2(2, 1)
    plugin = Listing()
    status = pytest.main(["--collect-only", "-q", *args], plugins=[plugin])
    sys.stdout.flush()
    listed = status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if not listed and not plugin.broken:
        return int(status)
    found = {"format": FORMAT, "groups": plugin.groups(), "broken": plugin.broken}
    with os.fdopen(mine, "w") as out:
        out.write(json.dumps(found) + "\n")
    return 0


def run(junit, args, ids):
    """Runs the ids; returns pytest's exit status."""
    # xunit1 is the family that tells a test's file and line.
    ours = ["--junitxml=" + junit, "--junit-prefix=", "-o", "junit_family=xunit1"]
    return int(pytest.main([*ours, *args], plugins=[Selection(ids)]))


def main(argv):
    """The command line; returns the exit status."""
    sys.path[0] = os.getcwd()  # as `python -m pytest` has it; it was this file's directory
    sys.argv[1:] = []  # tests must not mistake our arguments for theirs
    if argv[0] == "list":
        return list_tests(argv[1:])
    end = argv.index("--")
    return run(argv[2], argv[3:end], argv[end + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
