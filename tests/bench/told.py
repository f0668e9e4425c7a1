"""The tests of a report as lines that tests/it/warm_django/compare.py reads.

told.py REPORT.json
"""

import json
import sys

with open(sys.argv[1]) as file:
    report = json.load(file)
for test in report["tests"]:
    name = test["id"].partition(":")[2]
    seconds = (test.get("duration_us") or 0) / 1e6
    print(json.dumps([name, test["outcome"], seconds, None, test.get("message"), ""]))
