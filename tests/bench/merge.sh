#!/usr/bin/env bash
# Merges the same JUnit files with junitparser, junit-report-merger and evenly, in turns, in one run
# on one machine. Prints Markdown for docs/benchmarks.md.
#
#     cargo build --release && tests/bench/merge.sh
#
# CASES, FILES: how many. ROUNDS: how often each merges them. SAID: bytes that each passing case
# prints, nothing where it is 0. WORK: a directory that stays, else everything is removed.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
EVENLY=${EVENLY:-$ROOT/target/release/evenly}
JUNITPARSER=${JUNITPARSER:-5.0.3}
MERGER=${MERGER:-9.0.4}
if [[ -z "${WORK:-}" ]]; then
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
fi
mkdir -p "$WORK"
if [[ ! -x "$WORK/venv/bin/junitparser" ]]; then
    python3 -m venv "$WORK/venv"
    # With lxml, which it takes where it finds it: that is its faster way.
    "$WORK/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        "junitparser==$JUNITPARSER" lxml
fi
if [[ ! -d "$WORK/node_modules/junit-report-merger" ]]; then
    npm install --prefix "$WORK" --ignore-scripts --no-audit --no-fund --loglevel=error \
        "junit-report-merger@$MERGER"
fi
"$WORK/venv/bin/python" tests/bench/merge_files.py --work "$WORK" --evenly "$EVENLY" \
    --cases "${CASES:-1000000}" --files "${FILES:-256}" --rounds "${ROUNDS:-3}" \
    --said "${SAID:-0}"
