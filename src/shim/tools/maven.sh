#!/bin/sh
# Between evenly and Maven's Surefire: `sh maven.sh list OUTDIR [PATHS...] -- ARGS...` compiles and
# prints the names of the test classes; `sh maven.sh run OUTDIR FILE ARGS...` runs those of FILE, a
# line each, and leaves their JUnit files in OUTDIR.
#
# Surefire has no listing. Its classes are those of the directory, with the patterns, that it tells
# with `-X`; what is abstract, or an interface, it does not run, so that is not listed either. To
# run some, all others are excluded: `-Dtest` would leave out nested classes of JUnit 5.
# `@default-test` is the execution whose settings `mvn test` has.
set -u

say() { printf 'evenly: %s\n' "$*" >&2; }

# The value that Surefire told last of a parameter.
told() {
    sed -n "/Configuring mojo .*surefire/,/end configuration/s/^.*(.) $1 = //p" "$log" | tail -n 1
}

# The patterns of a list like `[**/ATest.java, **/B*]`, a line each.
patterns() { told "$1" | sed 's/^\[//; s/\]$//' | tr ',' '\n' | sed 's/^ *//; s/ *$//; /^$/d'; }

# A pattern of Ant as an extended regular expression of a class's path.
expression() {
    printf '%s\n' "$1" | sed -E '
        s/\.(java|class)$//
        s|/$|/**|
        /\//!s|^|**/|
        s/[].[\\+(){}|^$]/\\&/g
        s|\*\*/|<|g
        s/\*\*/>/g
        s|\*|[^/]*|g
        s/\?/[^\/]/g
        s|<|(.*/)?|g
        s/>/.*/g
        s/^/^/
        s/$/$/'
}

# The expressions of the list $1 into the file $2; what cannot be one is told, and fails.
expressions() {
    patterns "$1" >"$2.patterns"
    : >"$2"
    unread=0
    while read -r pattern; do
        case $pattern in
        %* | '!'* | *'#'*)
            say "the POM's pattern \`$pattern\` in Surefire's \`$1\` cannot be read: give a file's"
            say "pattern like \`**/*SlowTest.java\` instead"
            unread=1
            ;;
        *) expression "$pattern" >>"$2" ;;
        esac
    done <"$2.patterns"
    return "$unread"
}

# The prefixes of the class paths that PATHS mean, as expressions.
places() {
    for place; do
        printf '%s\n' "$place" | sed -E '
            s|^(\./)+||
            s|/+$||
            s|^src/[^/]*/[^/]*(/\|$)||
            /[^/]$/s|$|(/\|$)|
            s/\.[a-z]+\(.*$/$/
            s/^/^/'
    done
}

# Lines of names without those that are no class that can be made.
concrete() {
    javap=${JAVA_HOME:+$JAVA_HOME/bin/}javap
    if ! command -v "$javap" >/dev/null; then
        say "there is no \`$javap\` to tell abstract classes: each of them will be an error"
        cat
        return
    fi
    cat >"$out/named"
    xargs -n 500 "$javap" -cp "$classes" <"$out/named" 2>/dev/null |
        sed -nE 's/^([a-z]+ )*(abstract class|interface|@interface) ([^ <{]+).*/\3/p' >"$out/unmade"
    grep -v -x -F -f "$out/unmade" "$out/named"
}

list() {
    log=$out/maven.log
    : >"$out/places"
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        places "$1" >>"$out/places"
        shift
    done
    shift
    mvn -B -X "$@" test-compile surefire:test@default-test -DskipTests >"$log" 2>&1 || {
        grep -v -e '^\[DEBUG\]' -e '^	at ' "$log" >&2
        return 1
    }
    for given in test excludesFile; do
        [ -z "$(told "$given")" ] && continue
        say "Surefire's \`$given\` is set, by which evenly chooses classes: take it out of the POM"
        say "and of \`args\`, and choose classes by \`paths\` or the POM's \`<excludes>\`"
        return 1
    done
    classes=$(told testClassesDirectory)
    [ -n "$classes" ] || { say "Surefire did not tell where the test classes are"; return 1; }
    [ -d "$classes" ] || { say "there are no test classes: $classes"; return 1; }
    expressions includes "$out/includes" || return
    [ -s "$out/includes" ] || for pattern in 'Test*' '*Test' '*Tests' '*TestCase'; do
        expression "$pattern" >>"$out/includes"
    done
    expressions excludes "$out/excludes" || return
    [ -s "$out/places" ] || echo '^' >"$out/places"
    nested=$([ -s "$out/excludes" ] || echo '**/*$*')
    printf '%s\n' "$classes" "$(told reportsDirectory)" "$nested" >"$state.$$" &&
        mv "$state.$$" "$state" || return
    (cd "$classes" && find . -type f -name '*.class' ! -name '*$*') |
        sed 's|^\./||; s|\.class$||' | LC_ALL=C sort |
        grep -E -f "$out/includes" | grep -v -E -f "$out/excludes" | grep -E -f "$out/places" |
        tr / . | concrete
    return 0
}

# Patterns of all classes but those of the file $1: whole packages, where none is of them.
others() {
    [ -z "$nested" ] || printf '%s\n' "$nested"
    (cd "$classes" && find . -type f -name '*.class' ! -name '*$*') |
        sed 's|^\./||; s|\.class$||' |
        awk -v names="$1" '
            function place(path) { sub("[^/]*$", "", path); return path }
            BEGIN { while ((getline name < names) > 0) {
                gsub("[.]", "/", name); mine[name] = 1; shared[place(name)] = 1
            } }
            $0 in mine { next }
            place($0) in shared { print $0 ".java"; next }
            !(place($0) in told) { told[place($0)] = 1; print place($0) "*.java" }'
}

run() {
    names=$1
    shift
    { read -r classes && read -r reports && read -r nested; } <"$state" ||
        { say "$state is gone: it says where Surefire's files are"; return 1; }
    others "$names" >"$out/others" || return
    while read -r class; do
        rm -f "$reports/TEST-$class.xml" "$reports/TEST-$class\$"*.xml
    done <"$names"
    mvn -B "$@" surefire:test@default-test -Dsurefire.excludesFile="$out/others"
    status=$?
    while read -r class; do
        found=
        for report in "$reports/TEST-$class.xml" "$reports/TEST-$class\$"*.xml; do
            [ ! -f "$report" ] || { found=1; cp "$report" "$out/"; }
        done
        [ -n "$found" ] || say "Surefire found no test in $class: leave it out by \`<excludes>\`"
    done <"$names"
    return "$status"
}

# What Surefire told, for the commands that run.
state=target/evenly-surefire
what=$1
out=$2
shift 2
"$what" "$@"
