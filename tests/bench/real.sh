#!/usr/bin/env bash
# What evenly costs on two real suites, beside the framework alone: a Markdown table.
#
#   cargo build --release && tests/run --only tools && tests/bench/real.sh
#
# `one process` is the framework alone; `evenly` is `evenly local --shards 1 --workers 2` with the
# history of a first run, which is not counted. Every figure is the least and the most of ROUNDS
# rounds, the ways in turn, so that a busy machine is busy for all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ROUNDS=${ROUNDS:-3}
EVENLY=${EVENLY:-$PWD/target/release/evenly}
TOOLS="$PWD/target/test-tools"
PYTHON="$TOOLS/venv/bin/python"
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT

ms() { printf '%d' $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Prints how long a command takes, in ms. What it prints is kept for the case that it fails.
timed() {
    local began
    began="$(ms)"
    "$@" >"$WORK/log" 2>&1 || { cat "$WORK/log" >&2 && exit 1; }
    printf '%d\n' $(($(ms) - began))
}

# The least and the most of a file of numbers, as seconds.
range() { sort -n "$1" | awk 'NR==1 {a=$1} {b=$1} END {printf "%.1f–%.1f s", a/1000, b/1000}'; }

# The least and the most ratio of two files of numbers, round by round.
ratios() {
    paste "$1" "$2" | awk '{print $1/$2}' | sort -n |
        awk 'NR==1 {a=$1} {b=$1} END {printf "%.2f–%.2f", a, b}'
}

# measure PACKAGE FRAMEWORK PATHS PLAIN...: a row of the table.
measure() {
    local package=$1 framework=$2 paths=$3 project=$WORK/$1
    shift 3
    cp -r "$TOOLS/packages/$package" "$project"
    cd "$project"
    printf '[[suite]]\nname = "s"\nframework = "%s"\npython = "%s"\npaths = [%s]\n' \
        "$framework" "$PYTHON" "$paths" >evenly.toml
    local run=("$EVENLY" local --shards 1 --workers 2)
    timed "${run[@]}" >/dev/null
    for ((round = 0; round < ROUNDS; round++)); do
        timed "$@" >>alone
        timed "${run[@]}" >>evenly
        timed "$EVENLY" plan --shards 1 >>listing
    done
    "$PYTHON" - <<'END' >counts
import json
report = json.load(open("evenly-out/report.json"))
print(len(report["groups"]), report["totals"]["tests"], report["verdict"])
END
    read -r groups tests verdict <counts
    [[ "$verdict" = passed ]] || { echo "$package: $verdict" >&2 && exit 1; }
    printf '| %s, %s | %s | %s | %s | %s | %s | %s |\n' "$package" "$framework" "$tests" \
        "$groups" "$(range alone)" "$(range evenly)" "$(ratios evenly alone)" "$(range listing)"
}

cpu() { awk -F': *' '/^model name/ {print $2; exit}' /proc/cpuinfo; }

main() {
    [[ -x "$EVENLY" ]] || { echo "no $EVENLY: cargo build --release" >&2 && exit 2; }
    [[ -d "$TOOLS/packages" ]] || { echo "no packages: tests/run --only tools" >&2 && exit 2; }
    printf '%s cores, %s, %s, %s rounds, load %s\n\n' "$(nproc)" "$(cpu)" \
        "$("$PYTHON" --version)" "$ROUNDS" "$(cut -d' ' -f1 /proc/loadavg)"
    echo "| suite | tests | groups | one process | evenly | ratio | listing and planning |"
    echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    (measure tomlkit-0.15.2 pytest '"tests"' "$PYTHON" -m pytest -q)
    (measure markdown-3.11.3 unittest '"tests"' "$PYTHON" -m unittest discover tests)
}

main
