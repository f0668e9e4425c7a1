#!/usr/bin/env bash
# What evenly adds to a framework's own time: `tests/bench/presets.sh [FILES [ROUNDS]]`, with
# frameworks in FRAMEWORKS (default: those that are here). Needs what `tests/run --only tools`
# installs, and a release build.
#
# A generated suite of FILES files (default 200), five tests each that wait 20 ms, runs ROUNDS
# times (default 5) by the framework alone and in one shard of evenly with as many processes: one
# for RSpec and PHPUnit, two for jest, and whatever go takes. Medians of wall time; the bar is 5 %.
# The first round of evenly has no history and is left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

FILES=${1:-200}
ROUNDS=${2:-5}
EVENLY=${EVENLY:-$PWD/target/release/evenly}
NODE=${EVENLY_TEST_NODE:-$PWD/target/test-tools/node}
[[ -x $EVENLY ]] || { echo "build it first: cargo build --release" >&2; exit 2; }
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

now() { date +%s%N; }

# One file of the suite, by framework.
write() {
    local framework=$1 n=$2
    case $framework in
        jest)
            {
                printf 'const wait = () => new Promise((done) => setTimeout(done, 20));\n'
                printf 'for (const n of [1, 2, 3, 4, 5]) test("t" + n, wait);\n'
            } >"t$n.test.js"
            ;;
        rspec)
            mkdir -p spec
            {
                printf 'RSpec.describe "f%s" do\n' "$n"
                printf '5.times { |n| it("t#{n}") { sleep 0.02 } }\nend\n'
            } >"spec/f${n}_spec.rb"
            ;;
        phpunit)
            mkdir -p tests
            {
                printf '<?php\nfinal class F%sTest extends PHPUnit\\Framework\\TestCase\n{\n' "$n"
                for t in 1 2 3 4 5; do
                    printf 'public function testT%s(): void\n' "$t"
                    printf '{ usleep(20000); self::assertTrue(true); }\n'
                done
                printf '}\n'
            } >"tests/F${n}Test.php"
            ;;
        go)
            mkdir -p "p$n"
            {
                printf 'package p%s\n\nimport (\n"testing"\n"time"\n)\n\n' "$n"
                for t in 1 2 3 4 5; do
                    printf 'func TestT%s(t *testing.T) { time.Sleep(20 * time.Millisecond) }\n' "$t"
                done
            } >"p$n/p_test.go"
            ;;
        *) exit 2 ;;
    esac
}

# The framework alone.
alone() {
    case $1 in
        jest) npx --no -- jest --maxWorkers=2 ;;
        rspec) rspec ;;
        phpunit) phpunit tests ;;
        go) go test -count=1 ./... ;;
        *) exit 2 ;;
    esac
}

suite() {
    local framework=$1 workers=1 more=
    [[ $framework != jest ]] || workers=2
    [[ $framework != phpunit ]] || more='paths = ["tests"]'
    printf '[run]\nworkers = %s\n[[suite]]\nname = "s"\nframework = "%s"\n%s\n' \
        "$workers" "$framework" "$more" >evenly.toml
}

median() { sort -n | sed -n "$(((ROUNDS + 1) / 2))p"; }

measured() {
    local began round
    for ((round = 0; round < ROUNDS; round++)); do
        began=$(now)
        "$@" >said.txt 2>&1 || { tail -20 said.txt >&2; exit 1; }
        echo $((($(now) - began) / 1000000))
    done | median
}

has() { command -v "$1" >/dev/null 2>&1; }
here() { if [[ $1 = jest ]]; then [[ -d $NODE/node_modules/jest ]]; else has "$1"; fi; }

printf '%s cores, %s files, %s rounds, milliseconds.\n\n' "$(nproc)" "$FILES" "$ROUNDS"
printf '| framework | alone | evenly | adds |\n| --- | ---: | ---: | ---: |\n'
for framework in ${FRAMEWORKS:-jest rspec phpunit go}; do
    here "$framework" || { printf '%s is not here\n' "$framework" >&2; continue; }
    mkdir "$WORK/$framework"
    cd "$WORK/$framework"
    for ((n = 0; n < FILES; n++)); do write "$framework" "$n"; done
    case $framework in
        jest) echo '{}' >package.json && ln -s "$NODE/node_modules" . ;;
        go) printf 'module example.com/s\n\ngo 1.18\n' >go.mod ;;
        *) ;;
    esac
    suite "$framework"
    # Caches of builds and transforms are warm for both, and evenly knows how long groups take.
    alone "$framework" >/dev/null 2>&1
    "$EVENLY" local --shards 1 >said.txt 2>&1 || { tail -20 said.txt >&2; exit 1; }
    own=$(measured alone "$framework")
    ours=$(measured "$EVENLY" local --shards 1)
    awk -v name="$framework" -v own="$own" -v ours="$ours" \
        'BEGIN { printf "| %s | %d | %d | %.1f %% |\n", name, own, ours, (ours - own) * 100 / own }'
    cd "$OLDPWD"
done
