#!/usr/bin/env bash
# Django's own suite from its source package: by Django's `runtests.py`, serially, and in warm
# workers, to which a script plays evenly; says what differs.
#
#     tests/bench/django_suite.sh [APP...]
#
# DJANGO: its version. PYTHON: an interpreter that it runs on. WORKERS: how many. WORK: a directory
# that stays, else everything is removed.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
DJANGO=${DJANGO:-5.2.7}
PYTHON=${PYTHON:-python3}
WORKERS=${WORKERS:-2}
if [[ -z "${WORK:-}" ]]; then
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
fi
BIN=$WORK/venv/bin
SUITE=$WORK/django-$DJANGO/tests

install() {
    [[ -d "$SUITE" ]] && return
    mkdir -p "$WORK"
    "$PYTHON" -m venv "$WORK/venv"
    "$BIN/pip" install --quiet --disable-pip-version-check "django==$DJANGO" tblib
    "$BIN/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --dest "$WORK" "django==$DJANGO"
    tar -xzf "$WORK/django-$DJANGO.tar.gz" -C "$WORK"
}

plain() {
    rm -f "$WORK/plain.jsonl"
    # Its exit status is what its tests make it.
    PLAIN_SETTINGS=test_sqlite PLAIN_RESULTS=$WORK/plain.jsonl \
        PYTHONPATH=$ROOT/tests/it/warm_django \
        "$BIN/python" runtests.py --parallel 1 --settings plain "$@" >"$WORK/plain.log" 2>&1 || true
}

warm() {
    DJANGO_SUITE_APPS="$*" PYTHONPATH=$ROOT/tests/bench \
        "$BIN/python" "$ROOT/tests/it/warm_django/driver.py" "$ROOT/src/shim/evenly_worker" django \
        "$WORKERS" '{"settings": "django_suite"}' "$WORK/warm.jsonl"
}

install
cd "$SUITE"
time plain "$@"
time warm "$@"
"$BIN/python" "$ROOT/tests/it/warm_django/compare.py" "$WORK/plain.jsonl" "$WORK/warm.jsonl"
