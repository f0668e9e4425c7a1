#!/bin/sh
# Between evenly and Maven's Surefire: `sh maven.sh list OUTDIR [PATHS...] -- ARGS...` compiles and
# prints the names of the test classes; `sh maven.sh run OUTDIR FILE ARGS...` runs those of FILE, a
# line each, and leaves their JUnit files in OUTDIR.
#
# Surefire has no listing. Its classes are those of the directory, with the patterns, that it tells
# with `-X`; what is abstract, or an interface, it does not run, so that is not listed either. To
# run some, all others are excluded: `-Dtest` would leave out nested classes of JUnit 5.
# `@default-test` is the execution whose settings `mvn test` has; `initialize` is where agents that
# measure coverage set how it is started.
set -u

say() { printf 'evenly: %s\n' "$*" >&2; }

# The file with what Surefire told, for the commands that run. It depends on the execution and on
# the arguments: several suites may be of one module.
state() { echo "target/evenly-surefire-$(printf '%s\n' "$goal" "$@" | cksum | tr ' ' -)"; }

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

# The executions of Surefire that the POM adds, but for those that are switched off.
executions() {
    awk -v RS='<plugin>' '/maven-surefire-plugin/ {
        sub("</plugin>.*", "")
        count = split($0, found, "<execution>")
        for (at = 2; at <= count; at++) {
            if (found[at] ~ "<phase>none<" || !match(found[at], "<id>[^<]*</id>")) continue
            id = substr(found[at], RSTART + 4, RLENGTH - 9)
            if (id != "default-test") print id
        }
    }' pom.xml
}

# Whether what Surefire told is what evenly can run by classes.
plain() {
    modules=$(grep -c 'Configuring mojo .*surefire.*:test.*basic configurator' "$log")
    if [ "$modules" -gt 1 ]; then
        say "Maven has $modules modules here: make a suite of each that has tests, with \`dir\`,"
        say "and install all before, \`mvn install -DskipTests\`, so that each finds the others"
        return 1
    fi
    if [ -z "${SUREFIRE_EXECUTION:-}" ] && [ -n "$(executions)" ]; then
        say "this POM runs Surefire more than once: make a suite of each execution, with \`env\`"
        say "SUREFIRE_EXECUTION = \"ID\", where \`default-test\` is that which Maven has by itself,"
        say "and others here are: $(executions | tr '\n' ' ')"
        return 1
    fi
    for given in test excludesFile suiteXmlFiles; do
        [ -n "$(told "$given" | sed 's/^\[\]$//')" ] || continue
        say "Surefire's \`$given\` is set, and evenly chooses classes otherwise: take it out of the"
        say "POM and of \`args\`, and choose classes by \`paths\` or the POM's \`<excludes>\`"
        return 1
    done
}

list() {
    log=$out/maven.log
    : >"$out/places"
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        places "$1" >>"$out/places"
        shift
    done
    shift
    mvn -B -X "$@" test-compile "$goal" -DskipTests >"$log" 2>&1 || {
        grep -v -e '^\[DEBUG\]' -e '^	at ' "$log" >&2
        return 1
    }
    plain || return
    state=$(state "$@")
    classes=$(told testClassesDirectory)
    [ -n "$classes" ] || { say "Surefire did not tell where the test classes are"; return 1; }
    [ -d "$classes" ] || { say "there are no test classes: $classes"; return 1; }
    expressions includes "$out/includes" || return
    [ -s "$out/includes" ] || for pattern in 'Test*' '*Test' '*Tests' '*TestCase'; do
        expression "$pattern" >>"$out/includes"
    done
    expressions excludes "$out/excludes" || return
    [ -s "$out/places" ] || echo '^' >"$out/places"
    # Where nothing is excluded, Surefire excludes inner classes.
    inner=$([ -s "$out/excludes" ] || echo '**/*$*')
    chosen=$(told groups)$(told excludedGroups)
    printf '%s\n' "$classes" "$(told reportsDirectory)" "$inner" "$chosen" >"$state.$$" &&
        mv "$state.$$" "$state" || return
    (cd "$classes" && find . -type f -name '*.class') | sed 's|^\./||; s|\.class$||' |
        if [ -n "$inner" ]; then grep -v '\$'; else cat; fi |
        grep -E -f "$out/includes" | grep -v -E -f "$out/excludes" | grep -E -f "$out/places" |
        sed 's/\$.*//' | tr / . | LC_ALL=C sort -u | concrete
    return 0
}

# Patterns of all classes but those of the file $1: whole packages, where none is of them.
others() {
    [ -z "$inner" ] || printf '%s\n' "$inner"
    (cd "$classes" && find . -type f -name '*.class' ! -name '*$*') |
        sed 's|^\./||; s|\.class$||' |
        awk -v names="$1" '
            function place(path) { sub("[^/]*$", "", path); return path }
            BEGIN { while ((getline name < names) > 0) {
                gsub("[.]", "/", name); mine[name] = 1; shared[place(name)] = 1
            } }
            $0 in mine { next }
            place($0) in shared { print $0 ".java"; print $0 "$*.java"; next }
            !(place($0) in told) { told[place($0)] = 1; print place($0) "*.java" }'
}

# The report of a class of which the chosen groups have no test.
none() {
    printf '<testsuite><testcase classname="%s" name="[class]"><skipped message="%s"/>' "$1" \
        "Surefire's groups have no test of it"
    printf '</testcase></testsuite>\n'
}

run() {
    names=$1
    shift
    state=$(state "$@")
    { read -r classes && read -r reports && read -r inner && read -r chosen; } <"$state" ||
        { say "$state is gone: it says where Surefire's files are"; return 1; }
    others "$names" >"$out/others" || return
    while read -r class; do
        rm -f "$reports/TEST-$class.xml" "$reports/TEST-$class\$"*.xml
    done <"$names"
    mvn -B "$@" initialize "$goal" -Dsurefire.excludesFile="$out/others"
    status=$?
    while read -r class; do
        found=
        for report in "$reports/TEST-$class.xml" "$reports/TEST-$class\$"*.xml; do
            [ ! -f "$report" ] || { found=1; cp "$report" "$out/"; }
        done
        [ -z "$found" ] || continue
        if [ "$status" -eq 0 ] && [ -n "$chosen" ]; then
            none "$class" >"$out/TEST-$class.xml"
        else
            say "Surefire found no test in $class: leave it out by \`<excludes>\`"
        fi
    done <"$names"
    return "$status"
}

goal=surefire:test@${SUREFIRE_EXECUTION:-default-test}
what=$1
out=$2
shift 2
"$what" "$@"
