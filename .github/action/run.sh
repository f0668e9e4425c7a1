#!/usr/bin/env bash
# Becomes evenly, so that signals reach it and its exit code is the step's. Inputs come by the
# environment, under names that no project has for itself, and are gone before evenly starts.
set -euo pipefail
: "${EVENLY_ACTION_COMMAND?}" "${EVENLY_ACTION_PROGRAM?}" "${EVENLY_ACTION_CONFIG?}"
: "${EVENLY_ACTION_HISTORY?}" "${EVENLY_ACTION_OUT?}" "${EVENLY_ACTION_ARGS?}"

command=$EVENLY_ACTION_COMMAND program=$EVENLY_ACTION_PROGRAM
case "$command" in
    run)
        : "${EVENLY_ACTION_SHARD?}"
        words=(--config "$EVENLY_ACTION_CONFIG" --history "$EVENLY_ACTION_HISTORY")
        words+=(--out "$EVENLY_ACTION_OUT")
        [[ -z "$EVENLY_ACTION_SHARD" ]] || words+=(--shard "$EVENLY_ACTION_SHARD")
        ;;
    plan)
        words=(--config "$EVENLY_ACTION_CONFIG" --history "$EVENLY_ACTION_HISTORY" --github-matrix)
        ;;
    merge)
        : "${EVENLY_ACTION_JOURNALS?}" "${EVENLY_ACTION_COMMENT?}" "${EVENLY_ACTION_CHECK?}"
        words=("$EVENLY_ACTION_JOURNALS" --history "$EVENLY_ACTION_HISTORY")
        words+=(--out "$EVENLY_ACTION_OUT")
        if [[ -n "$EVENLY_ACTION_COMMENT" ]]; then
            words+=(--comment "$EVENLY_ACTION_COMMENT" --config "$EVENLY_ACTION_CONFIG")
            [[ "$EVENLY_ACTION_CHECK" != true ]] || words+=(--check)
        fi
        ;;
    *) exit 2 ;;
esac
# Words are split at blanks and line ends; nothing in them is expanded or run.
read -r -d '' -a more <<<"$EVENLY_ACTION_ARGS" || true
unset "${!EVENLY_ACTION_@}"
exec "$program" "$command" "${words[@]}" "${more[@]+"${more[@]}"}"
