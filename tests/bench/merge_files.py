"""Makes JUnit files and measures who merges them; `merge.sh` calls it."""

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

CASES_A_CLASS = 50


def case(number, said):
    """One of a thousand fails, one of a hundred is skipped, as in a large suite on a usual day."""
    file = number // CASES_A_CLASS
    head = (
        f'<testcase classname="tests.package_{file // 100:03}.test_module_{file:05}.TestCase" '
        f'name="test_{number:07}" time="{number % 997 / 1000:.3f}"'
    )
    if number % 1000 == 7:
        return (
            f'{head}><failure message="assert {number} == 0" type="AssertionError">'
            f"Traceback (most recent call last):\n"
            f'  File &quot;test_module_{file:05}.py&quot;, line {number % 300}, in test\n'
            f"AssertionError: assert {number} == 0</failure></testcase>\n"
        )
    if number % 100 == 3:
        return f'{head}><skipped message="not on this system"/></testcase>\n'
    if said:
        lines = "a line that nobody reads\n" * (said // 25)
        return f"{head}><system-out>{lines}</system-out></testcase>\n"
    return f"{head}/>\n"


def make(folder, cases, files, said):
    """Classes are dealt round to the files, as a splitter does."""
    shutil.rmtree(folder, ignore_errors=True)
    for index in range(files):
        shard = folder / f"shard-{index:03}"
        shard.mkdir(parents=True)
        with (shard / "junit.xml").open("w") as out:
            classes = range(index, -(-cases // CASES_A_CLASS), files)
            numbers = [
                number
                for each in classes
                for number in range(each * CASES_A_CLASS, (each + 1) * CASES_A_CLASS)
                if number < cases
            ]
            failures = sum(number % 1000 == 7 for number in numbers)
            skipped = sum(number % 100 == 3 for number in numbers)
            out.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>')
            out.write(
                f'<testsuite name="pytest" errors="0" failures="{failures}" skipped="{skipped}" '
                f'tests="{len(numbers)}" time="{len(numbers) / 2:.3f}" '
                f'timestamp="2026-01-01T00:00:00.000000+00:00" hostname="shard-{index}">\n'
            )
            out.writelines(case(number, said) for number in numbers)
            out.write("</testsuite></testsuites>\n")


def cost(command, expected):
    """Seconds and MiB of a command."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    talk = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        sys.exit(f"{command[:2]}: exit code {process.returncode}\n{talk.decode()[-2000:]}")
    return took, usage.ru_maxrss / 1024


def counts(path):
    """Cases of a file by outcome, counted one by one."""
    found = {"tests": 0, "failure": 0, "error": 0, "skipped": 0}
    for _, element in ET.iterparse(path):
        if element.tag == "testcase":
            found["tests"] += 1
            for child in element:
                if child.tag in found:
                    found[child.tag] += 1
            element.clear()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--evenly", required=True)
    for name in ("cases", "files", "rounds", "said"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    folder, out = args.work / "files", args.work / "out"
    make(folder, args.cases, args.files, args.said)
    sources = sorted(str(path) for path in folder.glob("*/junit.xml"))
    size = sum(os.path.getsize(source) for source in sources) / 1e6
    glob = str(folder / "*" / "junit.xml")
    python = args.work / "venv/bin/python"
    merger = args.work / "node_modules/junit-report-merger/cli.js"
    evenly = [args.evenly, "merge", glob, "--out"]
    red = 1 if args.cases > 7 else 0
    ways = {
        "`junitparser merge`": (
            [python, "-m", "junitparser", "merge", *sources, out / "junitparser.xml"],
            0,
        ),
        "`junit-report-merger`": (
            ["node", "--max-old-space-size=16384", merger, out / "merger.xml", *sources],
            0,
        ),
        "`evenly merge --outputs junit`": ([*evenly, out / "one", "--outputs", "junit"], red),
        "`evenly merge`, all reports": ([*evenly, out / "all"], red),
    }
    costs = {name: [] for name in ways}
    for _ in range(args.rounds):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for name, (command, expected) in ways.items():
            costs[name].append(cost(command, expected))
    made = {
        "`junitparser merge`": out / "junitparser.xml",
        "`junit-report-merger`": out / "merger.xml",
        "`evenly merge --outputs junit`": out / "one/junit.xml",
        "`evenly merge`, all reports": out / "all/junit.xml",
    }
    found = {name: counts(path) for name, path in made.items()}
    if len({tuple(each.values()) for each in found.values()}) != 1:
        sys.exit(f"they do not count the same: {found}")
    total = next(iter(found.values()))
    print(
        f"{args.cases} cases in {args.files} files, {size:.0f} MB; {args.rounds} rounds; "
        f"all count {total}.\n"
    )
    best = {name: min(took for took, _ in each) for name, each in costs.items()}
    peers = min(best["`junitparser merge`"], best["`junit-report-merger`"])
    print("| what | wall min | median | max | memory at most | faster than the faster peer |")
    print("|---|---|---|---|---|---|")
    for name, each in costs.items():
        walls = sorted(took for took, _ in each)
        peak = max(mib for _, mib in each)
        print(
            f"| {name} | {walls[0]:.2f} s | {walls[len(walls) // 2]:.2f} s | {walls[-1]:.2f} s "
            f"| {peak:.0f} MiB | {peers / best[name]:.1f} × |"
        )


if __name__ == "__main__":
    main()
