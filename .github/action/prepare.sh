#!/usr/bin/env bash
# Checks the inputs of the action and names what its other steps share: places and names of
# artifacts and of the cache. Inputs come by the environment; outputs go to $GITHUB_OUTPUT.
set -euo pipefail
: "${COMMAND?}" "${SHARD?}" "${HISTORY?}" "${CACHE?}" "${OUT?}" "${NAME?}" "${DIRECTORY?}"
: "${ARGS?}"
: "${GITHUB_OUTPUT?}" "${GITHUB_RUN_ID?}" "${RUNNER_TEMP?}"

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

# A path of the working directory, as the workspace sees it.
in_workspace() {
    case "$DIRECTORY:$1" in
        *:/* | .:*) printf '%s' "$1" ;;
        *) printf '%s/%s' "${DIRECTORY%/}" "$1" ;;
    esac
}

# The shard as part of an artifact's name, `2-of-4`. evenly decides by the same variables.
label() {
    local shard=${SHARD:-${EVENLY_SHARD:-}}
    if [[ -z "$shard" && "${EVENLY_JOB_INDEX:-}" =~ ^[0-9]+$ ]]; then
        shard=$((10#$EVENLY_JOB_INDEX + 1))
    fi
    shard=${shard//\//-of-}
    printf '%s' "${shard//[^A-Za-z0-9._-]/-}"
}

# One line each, so that no value can be taken for another output.
output() {
    [[ "$2" != *[$'\r\n']* ]] || fail "the input for \`$1\` has a line break"
    printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

case "$COMMAND" in
    run | merge | plan) ;;
    *) fail "\`command\` is one of \`run\`, \`merge\` and \`plan\`, not \`$COMMAND\`" ;;
esac
[[ "$NAME" =~ ^[A-Za-z0-9._-]+$ && "$NAME" != *-shard-* ]] \
    || fail "\`name\` takes letters, digits, \`.\`, \`_\` and \`-\`, without \`-shard-\`: \`$NAME\`"
[[ -n "$HISTORY" && -n "$OUT" && -n "$DIRECTORY" ]] \
    || fail "\`history\`, \`out\` and \`working-directory\` cannot be empty"

attempt=${GITHUB_RUN_ATTEMPT:-1}
report=$(in_workspace "$OUT")
journals=$RUNNER_TEMP/evenly-journals-$NAME
# The job that merges needs no checkout, and there may be no journal at all.
[[ "$COMMAND" != merge ]] || mkdir -p "$DIRECTORY" "$journals"
output report "$report"
output journals "$journals"
output artifacts "$NAME-shard-*"
if [[ "$COMMAND" = run ]]; then
    output artifact "$NAME-shard-$(label)-attempt-$attempt"
    # A job that is run again goes on from what its earlier attempts left.
    if [[ "$attempt" != 1 && " ${ARGS//[$'\t\r\n']/ } " = *" --failed "* ]]; then
        output earlier "$NAME-shard-$(label)-attempt-*"
    fi
else
    output artifact "$NAME-report-attempt-$attempt"
fi
# A key is written once and its content never changes, so each attempt has its own; the newest that
# begins alike is restored: of this branch or pull request, else of its base, else of the default.
if [[ "$CACHE" = true && "$HISTORY" != none ]]; then
    output cached "$(in_workspace "$HISTORY")"
    output key "evenly/history/$NAME/$GITHUB_RUN_ID/$attempt"
    output restore-key "evenly/history/$NAME/"
fi
