#!/usr/bin/env bash
# What databases for two workers cost, beside Django's own: Markdown tables.
#
#   cargo build --release && tests/bench/django.sh
#
# A generated project with 150 migrations (django_project.py), on a Postgres of its own whose data
# is in memory and whose durability is off, and on SQLite. Every way takes its turn in each of
# ROUNDS rounds, in an order that moves on, so that a busy machine is busy for all of them.
#
# `set-up` is what `setup_databases` takes inside Django, and for evenly, more strictly, the time
# from the start of `evenly run` until both workers have their databases and begin their groups.
# `begin` is the time from the start of the command until tests can begin, for both; `whole` is the
# command from its start to its end: Django's runs two trivial tests in two processes, evenly's runs
# `manage.py migrate --check` in two groups, which proves that each clone has all migrations. Times
# are the median (least–most), ratios those of the medians and of the least.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ROUNDS=${ROUNDS:-5}
EVENLY=${EVENLY:-$PWD/target/release/evenly}
VENV="$PWD/target/test-tools/django"
DJANGO="5.2.19"
PSYCOPG="3.3.9"
PYTHON="$VENV/bin/python"
PROJECT_MAKER="$PWD/tests/bench/django_project.py"
WORK="$(mktemp -d)"
SERVER=""

# Of Postgres' own user, since Postgres refuses to be root's.
as_postgres() { if [[ "$(id -u)" = 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }

finish() {
    if [[ -n "$SERVER" ]]; then
        as_postgres "$BIN/pg_ctl" -D "$SERVER/data" -s -m immediate stop || true
        rm -rf "$SERVER"
    fi
    rm -rf "$WORK"
}
trap finish EXIT

bin() {
    local candidates=(/usr/lib/postgresql/*/bin)
    dirname "$(command -v initdb || printf '%s' "${candidates[-1]}/initdb")"
}
BIN="$(bin)"

install() {
    [[ "$(cat "$VENV/.stamp" 2>/dev/null)" = "$DJANGO $PSYCOPG" ]] && return
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check "Django==$DJANGO" \
        "psycopg[binary]==$PSYCOPG"
    echo "$DJANGO $PSYCOPG" >"$VENV/.stamp"
}

start_postgres() {
    local memory=/dev/shm
    [[ -d "$memory" ]] || memory=${TMPDIR:-/tmp}
    SERVER="$(mktemp -d "$memory/evenly-bench-XXXXXX")"
    [[ "$(id -u)" != 0 ]] || chown postgres "$SERVER"
    (
        cd /
        as_postgres "$BIN/initdb" -D "$SERVER/data" -U postgres --no-sync -E UTF8 --locale=C \
            -A trust >/dev/null
        as_postgres tee -a "$SERVER/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$SERVER'
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
        as_postgres "$BIN/pg_ctl" -D "$SERVER/data" -w -s -l "$SERVER/log" start
    )
}

now() { date +%s%N; }

# project NAME DATABASE: a project with a configuration; DATABASE is the body of its table.
project() {
    local directory=$WORK/$1
    mkdir "$directory"
    "$PYTHON" "$PROJECT_MAKER" "$directory"
    cat >"$directory/evenly.toml" <<TOML
[database.shop]
$2
prepare = "$PYTHON manage.py migrate"
inputs = ["*/migrations/*.py", "changed"]

[[suite]]
name = "s"
framework = "command"
discover = "printf '1\\\\n2\\\\n'"
run = "date +%s%N >>ready; : {tests}; $PYTHON manage.py migrate --check"
results = "exit-status"
databases = ["shop"]
TOML
    cd "$directory"
    PYTHONPATH=. DATABASE_URL="sqlite:///$directory/none" "$PYTHON" manage.py makemigrations \
        --check >/dev/null || { echo "the models are not what the migrations say" >&2 && exit 1; }
    rm -f none
}

# note WAY BEGAN READY ENDED [SETUP]: keeps a round's times, seconds.
note() {
    awk -v began="$2" -v ready="$3" -v ended="$4" -v setup="${5:-}" 'BEGIN {
        begin = (ready - began) / 1e9
        print (setup == "" ? begin : setup), begin, (ended - began) / 1e9
    }' >>"$WORK/times.$1"
}

# django WAY ARGUMENT...: Django's own, in the current project.
django() {
    local way=$1 began ended setup ready
    shift
    began="$(now)"
    TIMES=times.txt "$PYTHON" manage.py test --parallel 2 --noinput "$@" >log 2>&1 \
        || { cat log >&2 && exit 1; }
    ended="$(now)"
    read -r setup ready <times.txt
    note "$way" "$began" "$ready" "$ended" "$setup"
}

# evenly WAY ORIGIN: evenly, in the current project, whose template has to come about that way.
evenly() {
    local way=$1 origin=$2 began ended ready
    rm -rf ready evenly-out
    began="$(now)"
    "$EVENLY" run --shard 1/1 --workers 2 >log 2>&1 || { cat log >&2 && exit 1; }
    ended="$(now)"
    [[ "$(wc -l <ready)" = 2 ]] || { echo "$way: not two groups" >&2 && exit 1; }
    grep -q "$origin" log || { cat log >&2 && echo "$way: not $origin" >&2 && exit 1; }
    ready="$(sort -n ready | tail -n 1)"
    note "$way" "$began" "$ready" "$ended"
}

# The ways of a table; a template's second use follows its first.
postgres_django() { cd "$WORK/external" && django postgres_django; }
postgres_keepdb() { cd "$WORK/external" && DATABASE_URL=$KEPT django postgres_keepdb --keepdb; }
postgres_external() {
    cd "$WORK/external"
    now >changed
    evenly postgres_cold built
    evenly postgres_found found
}
postgres_managed() {
    cd "$WORK/managed"
    now >changed
    evenly managed_cold built
    # The server starts with what was kept, and the template in it.
    evenly managed_restored restored
}
sqlite_memory() { cd "$WORK/sqlite" && django sqlite_memory; }
sqlite_file() { cd "$WORK/sqlite" && TEST_FILE=test.sqlite3 django sqlite_file; }
sqlite_evenly() {
    cd "$WORK/sqlite"
    now >changed
    evenly sqlite_cold built
    evenly sqlite_restored restored
}

# rounds URL WAY...: all ways in turns.
rounds() {
    local ways=("${@:2}") round turn
    export DATABASE_URL=$1
    for ((round = 0; round < ROUNDS; round++)); do
        for ((turn = 0; turn < ${#ways[@]}; turn++)); do
            ("${ways[(round + turn) % ${#ways[@]}]}")
        done
    done
}

# column WAY NUMBER: median and (least–most) of a column of a way's times.
column() {
    awk -v n="$2" '{print $n}' "$WORK/times.$1" | sort -n | awk '{t[NR] = $1} END {
        printf "%.2f s (%.2f–%.2f)", t[int((NR + 1) / 2)], t[1], t[NR]
    }'
}

# ratio WAY DJANGO NUMBER: of the medians, and of the least.
ratio() {
    local way
    for way in "$1" "$2"; do
        awk -v n="$3" '{print $n}' "$WORK/times.$way" | sort -n \
            | awk '{t[NR] = $1} END {print t[int((NR + 1) / 2)], t[1]}'
    done | paste - - | awk '{printf "%.2f, %.2f", $1 / $3, $2 / $4}'
}

# row WAY DJANGO WHAT
row() {
    printf '| %s | %s | %s | %s | %s | %s |\n' "$3" "$(column "$1" 1)" "$(ratio "$1" "$2" 1)" \
        "$(column "$1" 2)" "$(ratio "$1" "$2" 2)" "$(column "$1" 3)"
}

header() {
    printf '\n| %s | set-up | to Django | begin | to Django | whole |\n' "$1"
    echo "| --- | ---: | ---: | ---: | ---: | ---: |"
}

main() {
    [[ -x "$EVENLY" ]] || { echo "no $EVENLY: cargo build --release" >&2 && exit 2; }
    install
    start_postgres
    local base="postgres://postgres@localhost/shop?host=$SERVER"
    KEPT="postgres://postgres@localhost/kept?host=$SERVER"
    (project external "url = \"$base\"")
    (project managed $'server = "managed"\nengine = "postgres"')
    (project sqlite 'url = "sqlite:shop.sqlite3"')
    printf '%s cores, %s, Django %s, %s, %s rounds, load %s' "$(nproc)" "$("$PYTHON" --version)" \
        "$DJANGO" "$("$BIN/postgres" --version)" "$ROUNDS" "$(cut -d' ' -f1-3 /proc/loadavg)"
    # What is kept has to be there.
    (DATABASE_URL=$KEPT postgres_keepdb)
    rm "$WORK/times.postgres_keepdb"
    rounds "$base" postgres_django postgres_keepdb postgres_external postgres_managed
    rounds "sqlite://$WORK/sqlite/shop.sqlite3" sqlite_memory sqlite_file sqlite_evenly
    printf ' to %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
    header Postgres
    row postgres_django postgres_django "Django, \`--parallel 2\`"
    row postgres_keepdb postgres_django "Django, \`--keepdb\`, all there from before"
    row postgres_cold postgres_django "evenly, template built"
    row postgres_found postgres_django "evenly, template found on the server"
    row managed_cold postgres_django "evenly, managed server, template built and kept"
    row managed_restored postgres_django "evenly, managed server, restored"
    header SQLite
    row sqlite_file sqlite_file "Django, \`--parallel 2\`, in a file"
    row sqlite_memory sqlite_file "Django, \`--parallel 2\`, in memory (nothing to clone)"
    row sqlite_cold sqlite_file "evenly, template built and kept"
    row sqlite_restored sqlite_file "evenly, template restored"
}

main
