#!/usr/bin/env bash
# Django's and Twisted's own suites from their source packages, in one run on one machine: by their
# own runners, and by evenly with 2 workers. Prints Markdown for docs/benchmarks.md.
#
#     cargo build --release && tests/bench/suites.sh [django] [twisted] [databases]
#
# `databases` is those apps of Django's that use one most, on Postgres and MariaDB servers of
# evenly's: ids and outcomes are compared with the serial run's.
#
# ROUNDS: how often each is run, in turns. DJANGO, TWISTED: their versions. PYTHON: an interpreter
# that they run on. APPS: of Django's suite, space between; all where it is empty. WORK: a directory
# that stays, else everything is removed.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
EVENLY=${EVENLY:-$ROOT/target/release/evenly}
ROUNDS=${ROUNDS:-1}
DJANGO=${DJANGO:-5.2.7}
TWISTED=${TWISTED:-25.5.0}
PYTHON=${PYTHON:-python3}
APPS=${APPS:-}
if [[ -z "${WORK:-}" ]]; then
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
fi
BIN=$WORK/venv/bin
[[ $# -gt 0 ]] || set -- django twisted

source_of() {
    [[ -d "$WORK/$1-$2" ]] && return
    "$BIN/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --dest "$WORK" "$1==$2"
    tar -xzf "$WORK/$1-$2.tar.gz" -C "$WORK"
}

install() {
    mkdir -p "$WORK"
    if [[ ! -x "$BIN/python" ]]; then
        "$PYTHON" -m venv "$WORK/venv"
        "$BIN/pip" install --quiet --disable-pip-version-check "django==$DJANGO" tblib \
            "twisted[tls,conch,http2]==$TWISTED" hypothesis PyHamcrest pyasn1 service_identity
    fi
}

# Runs a command, and prints its seconds and the tests it tells of.
timed() {
    local name=$1 began ended
    shift
    began=$(date +%s%N)
    "$@" >"$WORK/last.log" 2>&1 || true
    ended=$(date +%s%N)
    printf '| %s | %d.%d s | %s |\n' "$name" $(((ended - began) / 1000000000)) \
        $(((ended - began) / 100000000 % 10)) "$(told)"
    cp "$WORK/last.log" "$WORK/${name//[^a-z0-9]/-}.log"
}

told() { grep -aE '^(Ran [0-9]+ tests|shard 1/1: [0-9,]+ tests)' "$WORK/last.log" | tail -1; }

config() {
    mkdir -p "$WORK/$1"
    cat >"$WORK/$1/evenly.toml"
}

evenly() { (cd "$WORK/$1" && "$EVENLY" run --workers 2 --history history.jsonl --out out); }
learn() {
    (cd "$WORK/$1" && "$EVENLY" merge out --history history.jsonl --out out) >/dev/null 2>&1 || true
}

django() {
    source_of django "$DJANGO"
    local suite=$WORK/django-$DJANGO/tests apps
    read -ra apps <<<"$APPS"
    config django <<END
[[suite]]
name = "django"
framework = "django"
dir = "$suite"
python = "$BIN/python"
settings = "django_suite"
env = { PYTHONPATH = "$ROOT/tests/bench", DJANGO_SUITE_APPS = "$APPS" }
END
    for _ in $(seq "$ROUNDS"); do
        cd "$suite"
        timed "django: runtests.py --parallel 2" "$BIN/python" runtests.py --parallel 2 "${apps[@]}"
        timed "django: evenly, nothing known" evenly django
        learn django
        timed "django: evenly, as from the second run on" evenly django
        timed "django: runtests.py --parallel 1" "$BIN/python" runtests.py --parallel 1 "${apps[@]}"
    done
}

# As root one of its tests makes /dev/null read-only for everyone, so that module is left out.
twisted() {
    source_of twisted "$TWISTED"
    local modules
    mapfile -t modules < <(cd "$WORK/twisted-$TWISTED/src" \
        && find twisted -name 'test_*.py' ! -name test_logfile.py | sort | sed 's/\.py$//; s,/,.,g')
    config twisted <<END
[[suite]]
name = "twisted"
framework = "trial"
dir = "$WORK/trial"
python = "$BIN/python"
paths = [$(printf '"%s", ' "${modules[@]}")]
END
    mkdir -p "$WORK/trial"
    for _ in $(seq "$ROUNDS"); do
        cd "$WORK/trial"
        timed "twisted: trial -j2" "$BIN/trial" -j2 "${modules[@]}"
        timed "twisted: evenly, nothing known" evenly twisted
        learn twisted
        timed "twisted: evenly, as from the second run on" evenly twisted
        timed "twisted: trial" "$BIN/trial" "${modules[@]}"
    done
}

# The apps of Django's suite that ask most of a database.
HEAVY=(aggregation annotations bulk_create delete expressions get_or_create lookup many_to_many
    multiple_database prefetch_related queries schema select_related transactions)

database() {
    local engine=$1 suite=$WORK/django-$DJANGO/tests
    config "$engine" <<END
[database.server]
server = "managed"
engine = "$engine"

[[suite]]
name = "django"
framework = "django"
dir = "$suite"
python = "$BIN/python"
settings = "django_suite"

[suite.env]
PYTHONPATH = "$ROOT/tests/bench"
DJANGO_SUITE = "django_databases"
DJANGO_SUITE_APPS = "${HEAVY[*]}"
END
    cd "$WORK/$engine"
    eval "$("$EVENLY" db up --workers 4)"
    export SUITE_DATABASE=${DATABASE_URL:?}
    cd "$suite"
    rm -f "$WORK/plain.jsonl"
    export PYTHONPATH=$ROOT/tests/bench:$ROOT/tests/it/warm_django
    export PLAIN_SETTINGS=django_databases PLAIN_RESULTS=$WORK/plain.jsonl
    timed "$engine: runtests.py --parallel 1" \
        "$BIN/python" runtests.py --parallel 1 --settings plain "${HEAVY[@]}"
    timed "$engine: runtests.py --parallel 2" \
        "$BIN/python" runtests.py --parallel 2 --settings django_databases "${HEAVY[@]}"
    unset PYTHONPATH
    timed "$engine: evenly, nothing known" evenly "$engine"
    learn "$engine"
    "$BIN/python" "$ROOT/tests/bench/told.py" "$WORK/$engine/out/report.json" >"$WORK/warm.jsonl"
    "$BIN/python" "$ROOT/tests/it/warm_django/compare.py" "$WORK/plain.jsonl" "$WORK/warm.jsonl" \
        >"$WORK/$engine-compared.log" || true
    timed "$engine: evenly, as from the second run on" evenly "$engine"
    printf '| %s: compared with the serial run | | %s |\n' "$engine" \
        "$(tail -2 "$WORK/$engine-compared.log" | head -1)"
    (cd "$WORK/$engine" && "$EVENLY" db down)
}

databases() {
    source_of django "$DJANGO"
    "$BIN/pip" install --quiet --disable-pip-version-check "psycopg[binary]" PyMySQL
    database postgres
    database mariadb
}

install
printf '| what | wall | told |\n| --- | ---: | --- |\n'
for which in "$@"; do "$which"; done
uptime
