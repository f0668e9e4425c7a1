"""Says where a plain run's results and a warm run's differ; exits with 1 if they do.

compare.py PLAIN WARM
"""

import collections
import json
import re
import sys

FIXTURE = re.compile(r"(setUp|tearDown)(Class|Module) \((.*)\)$")


def told_by_test(plain, tests):
    """A plain run's results with those of fixtures as evenly tells them: a broken set-up is its
    tests' own, a broken tear-down a case of its own."""
    found, broken = {}, {}
    for name, outcome in plain.items():
        fixture = FIXTURE.match(name)
        if not fixture:
            found[name] = outcome
        elif fixture[1] == "tearDown":
            found[f"{fixture[3]}.tearDown{fixture[2]}"] = outcome
        else:
            broken[fixture[3]] = outcome
    for test in tests:
        parts = test.split(".")
        owners = (".".join(parts[:count]) for count in range(1, len(parts)))
        for owner in owners:
            if owner in broken:
                found.setdefault(test, broken[owner])
    return found


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def main():
    warm = {line[0]: line for line in read(sys.argv[2])}
    plain = told_by_test(dict(line[:2] for line in read(sys.argv[1])), warm)
    different = 0
    for name in sorted({*plain, *warm}):
        line = warm.get(name, [name, None, 0, None, None, ""])
        if plain.get(name) != line[1]:
            different += 1
            print(f"{name}: plain {plain.get(name)}, warm {line[1]}: {line[4]}")
    print(f"{len(plain)} plain, {len(warm)} warm, {different} different")
    print(dict(collections.Counter(line[1] for line in warm.values())))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
