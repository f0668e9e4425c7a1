"""What pytest-split's own algorithms make of the series that tests/bench/plan.rs replays.

    python peer_pytest_split.py SERIES.csv.gz

prints lines of its table. The Python must have pytest-split; tests/requirements.txt names it. Each
day is split by the durations of the day before it, as pytest-split's file has them, and timed with
its own.
"""

import gzip
import sys
from collections import namedtuple

from pytest_split.algorithms import Algorithms

SHARDS = (8, 16, 32)

Item = namedtuple("Item", "nodeid")


def read(path):
    """The days, each test that ran with its milliseconds."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        count = next(lines).count(",")
        days = [{} for _ in range(count)]
        for line in lines:
            # A test's parameters may hold commas; the days are the last columns.
            name, *times = line.rstrip("\n").rsplit(",", count)
            for day, ms in zip(days, times):
                if ms:
                    day[name.strip('"')] = int(ms)
    return days


def ratio(groups, day, shards):
    """The longest shard over what no plan could beat."""
    longest = max(sum(day[item.nodeid] for item in group.selected) for group in groups)
    even = -(-sum(day.values()) // shards)
    return longest / max(even, *day.values())


def main(path):
    days = read(path)
    # pytest-split keeps the time of a test that did not run on the last day.
    known = {}
    ratios = {}
    for number, day in enumerate(days):
        items = [Item(name) for name in day]
        if number:
            for algorithm in Algorithms:
                for shards in SHARDS:
                    groups = algorithm.value(shards, items, known)
                    ratios.setdefault((algorithm.name, shards), []).append(
                        ratio(groups, day, shards)
                    )
        known.update(day)
    for (name, shards), of_days in sorted(ratios.items()):
        of_days.sort()
        last = len(of_days) - 1
        cells = " | ".join(f"{of_days[last * percent // 100]:.3f}" for percent in (50, 95, 100))
        print(f"| tests, pytest-split's `{name}` | {shards} | {cells} |")


if __name__ == "__main__":
    main(sys.argv[1])
