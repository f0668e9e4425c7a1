#!/usr/bin/env bash
# pytest suites of real packages under evenly, `pytest -n 2` and plain pytest: a Markdown table.
#
#   cargo build --release && tests/bench/pytest.sh [SUITE...]
#
# SUITE is `networkx` (a pytest project) or `drf` (Django REST framework, of pytest-django); both as
# a rule. All is installed into a directory that is removed, unless WORK names one that stays.
# `evenly` is `evenly local --shards 1 --workers 2` with the history, and for pytest-django the
# template, of a first run, which is not counted; `-n 2` is the best of pytest-xdist's ways to
# distribute, or of DISTS. Each figure is the least and the most of ROUNDS rounds, the ways in turn.
# Ids and outcomes of evenly and plain pytest are compared first. `first test` is the time until the
# first test begins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ROUNDS=${ROUNDS:-3}
EVENLY=${EVENLY:-$PWD/target/release/evenly}
PLAIN="$PWD/tests/it/warm_pytest/plain_pytest.py"
read -ra DISTS <<<"${DISTS:-load worksteal loadscope loadfile}"
NETWORKX=3.6.1
DRF=3.16.1
PYTEST=(pytest==9.2.0 pytest-xdist==3.8.0)

if [[ -n "${WORK:-}" ]]; then
    mkdir -p "$WORK"
    WORK="$(cd "$WORK" && pwd)"
else
    WORK="$(mktemp -d)"
    trap 'rm -rf "$WORK"' EXIT
fi

ms() { printf '%d' $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Prints how long a command takes, in ms. Tests may fail; what is compared says whether they must.
timed() {
    local began
    began="$(ms)"
    "$@" >"$WORK/log" 2>&1 || true
    printf '%d\n' $(($(ms) - began))
}

range() { sort -n "$1" | awk 'NR==1 {a=$1} {b=$1} END {printf "%.1f–%.1f s", a/1000, b/1000}'; }
ratios() {
    paste "$1" "$2" | awk '{print $1/$2}' | sort -n |
        awk 'NR==1 {a=$1} {b=$1} END {printf "%.2f–%.2f", a, b}'
}

# first NAME COMMAND...: appends to NAME the ms until a test began, as the plugin below notes it.
first() {
    local to=$1 began
    shift
    rm -f "$WORK/began"
    began="$(ms)"
    "$@" >"$WORK/log" 2>&1 || true
    sort -n "$WORK/began" | head -n 1 | awk -v began="$began" '{print $1 - began}' >>"$to"
}

plugin() {
    mkdir -p "$WORK/plugin"
    cat >"$WORK/plugin/bench_first.py" <<'END'
import os
import time

NOTED = []


def pytest_runtest_logstart():
    if not NOTED:
        NOTED.append(time.time())
        with open(os.environ["BENCH_BEGAN"], "a") as file:
            file.write(f"{NOTED[0] * 1000:.0f}\n")
END
}

# fetch VENV SDIST REQUIREMENT...: an environment, and a package as its authors published it.
fetch() {
    local venv=$1 sdist=$2
    shift 2
    [[ -x "$venv/bin/python" ]] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    [[ -z "$sdist" || -d "$WORK/${sdist/==/-}" ]] && return
    "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
        --no-binary :all: --dest "$WORK" "$sdist"
    tar -xzf "$WORK/${sdist/==/-}.tar.gz" -C "$WORK"
}

# compare: the outcomes of evenly's report against those of a plain run.
compare() {
    "$python" - "$1" <<'END'
import json
import sys

plain = dict(reversed(line.rstrip("\n").split(" ", 1)) for line in open(sys.argv[1]) if " " in line)
report = json.load(open("evenly-out/report.json"))
evenly = {test["id"].partition(":")[2]: test["outcome"] for test in report["tests"]}
both = {name: (plain.get(name), evenly.get(name)) for name in plain.keys() | evenly}
differ = {name: outcomes for name, outcomes in both.items() if outcomes[0] != outcomes[1]}
print(len(plain), report["ledger"]["planned"])
if differ:
    sys.exit(f"not as pytest alone has it: {dict(list(differ.items())[:10])}")
END
}

# measure NAME PYTHON ARG...: a row of the table, in the current directory.
measure() {
    local name=$1 python=$2 dist best=load least=
    shift 2
    local args=("$@") quoted
    quoted="$(printf '"%s", ' "${args[@]}")"
    printf '[[suite]]\nname = "s"\nframework = "pytest"\npython = "%s"\nargs = [%s]\n' \
        "$python" "${quoted%, }" >evenly.toml
    rm -rf .evenly evenly-out alone xdist evenly first-*
    local run=("$EVENLY" local --shards 1 --workers 2)
    local pytest=("$python" -m pytest -q -p no:cacheprovider "${args[@]}")
    "$python" "$PLAIN" -p no:cacheprovider "${args[@]}" >plain 2>"$WORK/log" || true
    timed "${run[@]}" >/dev/null
    read -r tests groups < <(compare plain)
    for dist in "${DISTS[@]}"; do
        local took
        took="$(timed "${pytest[@]}" -n 2 --dist "$dist")"
        [[ -n "$least" && "$took" -ge "$least" ]] || { least=$took && best=$dist; }
    done
    for ((round = 0; round < ROUNDS; round++)); do
        timed "${pytest[@]}" -p no:xdist >>alone
        timed "${pytest[@]}" -n 2 --dist "$best" >>xdist
        timed "${run[@]}" >>evenly
    done
    export PYTHONPATH="$WORK/plugin" BENCH_BEGAN="$WORK/began"
    sed -i 's/^args = \[/&"-p", "bench_first", /' evenly.toml
    for ((round = 0; round < ROUNDS; round++)); do
        first first-alone "${pytest[@]}" -p no:xdist -p bench_first
        first first-evenly "${run[@]}"
    done
    unset PYTHONPATH
    printf '| %s | %s | %s | %s | %s (%s) | %s | %s | %s | %s | %s |\n' "$name" "$tests" "$groups" \
        "$(range alone)" "$(range xdist)" "$best" "$(range evenly)" "$(ratios evenly xdist)" \
        "$(range first-alone)" "$(range first-evenly)" "$(ratios first-evenly first-alone)"
}

suite_networkx() {
    fetch "$WORK/venv-networkx" "" "${PYTEST[@]}" "networkx==$NETWORKX"
    mkdir -p "$WORK/networkx" && cd "$WORK/networkx"
    measure "networkx $NETWORKX" "$WORK/venv-networkx/bin/python" --pyargs networkx
}

suite_drf() {
    fetch "$WORK/venv-drf" "djangorestframework==$DRF" "${PYTEST[@]}" pytest-django==4.14.0 \
        Django==5.2.7 pytz
    cd "$WORK/djangorestframework-$DRF"
    measure "Django REST framework $DRF" "$WORK/venv-drf/bin/python" tests
}

cpu() { awk -F': *' '/^model name/ {print $2; exit}' /proc/cpuinfo; }

main() {
    [[ -x "$EVENLY" ]] || { echo "no $EVENLY: cargo build --release" >&2 && exit 2; }
    plugin
    printf '%s cores, %s, %s, %s rounds, load %s\n\n' "$(nproc)" "$(cpu)" \
        "$(python3 --version)" "$ROUNDS" "$(cut -d' ' -f1 /proc/loadavg)"
    echo "| suite | tests | groups | pytest | pytest -n 2 | evenly | evenly / -n 2 |" \
        "first test, pytest | first test, evenly | ratio |"
    echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    local suite suites=("$@")
    [[ ${#suites[@]} -gt 0 ]] || suites=(networkx drf)
    for suite in "${suites[@]}"; do ("suite_$suite"); done
}

main "$@"
