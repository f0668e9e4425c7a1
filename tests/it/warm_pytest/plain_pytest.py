"""Runs pytest by itself and prints an outcome and an id for each test.

    plain_pytest.py [ARG...]

Of what is told of one id several times, the worst; of what a plugin tried again, the last.
"""

import os
import sys

import pytest

WORSE = ["passed", "skipped", "failed", "errored"]


class Told:
    """A plugin that notes how tests end."""

    def __init__(self):
        self.outcomes = {}

    def note(self, nodeid, outcome):
        known = self.outcomes.get(nodeid, outcome)
        self.outcomes[nodeid] = max(known, outcome, key=WORSE.index)

    def pytest_collectreport(self, report):
        if not report.passed:
            self.note(report.nodeid, "errored" if report.failed else "skipped")

    @pytest.hookimpl(trylast=True)  # the terminal's may change the outcome
    def pytest_runtest_logreport(self, report):
        if report.outcome == "rerun":
            self.outcomes.pop(report.nodeid, None)
        elif report.failed:
            self.note(report.nodeid, "failed" if report.when == "call" else "errored")
        elif type(report).__name__ == "SubtestReport":
            return
        elif report.skipped or report.when == "call":
            self.note(report.nodeid, report.outcome)


def main():
    """The run, and what came of it."""
    sys.path[0] = os.getcwd()
    told = Told()
    mine = os.dup(1)
    os.dup2(2, 1)
    pytest.main(["-n0", *sys.argv[1:]], plugins=[told])
    with os.fdopen(mine, "w", encoding="utf-8") as out:
        for nodeid, outcome in told.outcomes.items():
            out.write(f"{outcome} {nodeid}\n")


main()
