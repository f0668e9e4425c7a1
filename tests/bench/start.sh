#!/usr/bin/env bash
# What evenly adds to a job before its first test, and how long the first test is waited for, beside
# the framework alone: a Markdown table.
#
#   cargo build --release && tests/run --only tools && tests/bench/start.sh
#
# From the start of the command until the first test case is called, on the fixture projects with
# one worker, as from the second run on: templates are there. Both sides mark that moment by the
# same patch of `unittest.TestCase`; `sh` has no framework, so all of it is evenly's. Milliseconds,
# the median (least–most) of ROUNDS rounds in turns; the bars are 150 ms more and a ratio of 1.1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ROUNDS=${ROUNDS:-9}
EVENLY=${EVENLY:-$PWD/target/release/evenly}
PYTHON=${PYTHON:-$PWD/target/test-tools/venv/bin/python}
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT

mkdir "$WORK/patch"
cat >"$WORK/patch/sitecustomize.py" <<'PYTHON'
import functools
import os
import time
import unittest


def marking(call):
    @functools.wraps(call)
    def first(self, *args, **kwargs):
        try:
            mark = os.open(os.environ["START_MARK"], os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            pass
        else:
            os.write(mark, str(time.time_ns()).encode())
            os.close(mark)
        return call(self, *args, **kwargs)

    return first


# Trial's test cases have a `__call__` of their own.
def of_subclass(cls, **kwargs):
    super(unittest.TestCase, cls).__init_subclass__(**kwargs)
    cls._classSetupFailed = False
    cls._class_cleanups = []
    if "__call__" in vars(cls):
        cls.__call__ = marking(cls.__call__)


unittest.TestCase.__call__ = marking(unittest.TestCase.__call__)
unittest.TestCase.__init_subclass__ = classmethod(of_subclass)
PYTHON

# Prints how long a command takes until its first test, in µs. Some fixtures' tests fail.
until_first() {
    local began
    export START_MARK=$WORK/mark PYTHONPATH=$WORK/patch
    rm -f "$START_MARK"
    began=$(date +%s%N)
    "$@" >"$WORK/log" 2>&1 || true
    [[ -s "$START_MARK" ]] || { cat "$WORK/log" >&2 && exit 1; }
    printf '%d\n' $((($(cat "$START_MARK") - began) / 1000))
}

summary() {
    sort -n "$1" | awk '{ v[NR] = $1 / 1000 }
        END { printf "%.0f (%.0f–%.0f)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

median() { sort -n "$1" | awk '{ v[NR] = $1 / 1000 } END { print v[int((NR + 1) / 2)] }'; }

# measure NAME FRAMEWORK-ALONE...: a row; the project is the current directory.
measure() {
    local name=$1 run=("$EVENLY" run --shard 1/1 --workers 1 --output never)
    shift
    until_first "${run[@]}" >/dev/null
    for ((round = 0; round < ROUNDS; round++)); do
        [[ $# -eq 0 ]] || until_first "$@" >>alone
        until_first "${run[@]}" >>evenly
    done
    if [[ $# -eq 0 ]]; then
        printf '| %s | – | %s | – | – |\n' "$name" "$(summary evenly)"
        return
    fi
    printf '| %s | %s | %s | %s | %s |\n' "$name" "$(summary alone)" "$(summary evenly)" \
        "$(awk "BEGIN { printf \"%.0f\", $(median evenly) - $(median alone) }")" \
        "$(awk "BEGIN { printf \"%.2f\", $(median evenly) / $(median alone) }")"
}

suite() {
    printf '[[suite]]\nname = "s"\npython = "%s"\n%s\n' "$PYTHON" "$1" >evenly.toml
}

in_copy_of() {
    cp -r "$1" "$WORK/$2"
    cd "$WORK/$2"
}

printf '| project | framework alone | evenly | more | ratio |\n'
printf '| --- | ---: | ---: | ---: | ---: |\n'
ROOT=$PWD
(
    mkdir -p "$WORK/shell/t" && cd "$WORK/shell"
    # shellcheck disable=SC2016 # it is the test's
    printf 'date +%%s%%N > "$START_MARK"\n' >t/first.sh
    printf '[[suite]]\nname = "sh"\nframework = "command"\n' >evenly.toml
    printf 'globs = ["t/*.sh"]\nrun = "sh {tests}"\n' >>evenly.toml
    measure 'sh, one script'
)
(
    in_copy_of "$ROOT/docs/quickstart" unittest
    suite 'framework = "unittest"'
    measure 'unittest: docs/quickstart' "$PYTHON" -m unittest discover
)
(
    in_copy_of "$ROOT/tests/fixtures/warm/trial" trial
    suite $'framework = "trial"\npaths = ["nets"]'
    measure 'trial: tests/fixtures/warm/trial' "$PYTHON" -m twisted.trial nets
)
(
    in_copy_of "$ROOT/tests/fixtures/django" django
    suite $'framework = "django"\nsettings = "settings"\npaths = ["shop"]'
    measure 'Django: tests/fixtures/django' "$PYTHON" manage.py test shop
)
