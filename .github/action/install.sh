#!/usr/bin/env bash
# Puts evenly of the asked version into a folder of this job, and that folder on PATH. Inputs come
# by the environment.
#
# A release's binary is taken only if it has the checksum that the release tells; one that has
# another is never run, and nothing is tried instead. Where a release has none for this machine,
# cargo builds the same version.
set -euo pipefail
: "${ACTION_PATH?}" "${REPOSITORY?}" "${SERVER?}" "${VERSION?}"
: "${GITHUB_OUTPUT?}" "${GITHUB_PATH?}" "${RUNNER_TEMP?}"

DIR=$RUNNER_TEMP/evenly/bin

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}

# The version of this action, which is the crate's.
own_version() { sed -n 's/^version = "\(.*\)"$/\1/p' "$ACTION_PATH/Cargo.toml" | head -n 1; }

# What Rust calls this machine; nothing where there are no binaries for it.
target() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) echo x86_64-unknown-linux-musl ;;
        Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
        Darwin-x86_64) echo x86_64-apple-darwin ;;
        Darwin-arm64) echo aarch64-apple-darwin ;;
        *) ;;
    esac
}

checksum() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi \
        | cut -d ' ' -f 1
}

fetch() {
    curl --fail --silent --show-error --location --retry 3 --max-time 300 \
        --proto "=https,${SERVER%%:*}" --output "$2" "$1"
}

# Takes the binary of release $1, if it has one for this machine.
from_release() {
    local version=$1 target archive expected url work
    target=$(target)
    [[ -n "$target" && -n "$REPOSITORY" ]] || return 1
    archive=evenly-$version-$target.tar.gz
    url=$SERVER/$REPOSITORY/releases/download/v$version
    work=$(mktemp -d "$RUNNER_TEMP/evenly-download.XXXXXX") || fail "no room in $RUNNER_TEMP"
    fetch "$url/SHA256SUMS" "$work/SHA256SUMS" || return 1
    expected=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/SHA256SUMS")
    [[ -n "$expected" ]] || return 1
    fetch "$url/$archive" "$work/$archive" || return 1
    [[ "$(checksum "$work/$archive")" = "$expected" ]] \
        || fail "$url/$archive is not what SHA256SUMS of the release says: it is not used"
    tar -xzf "$work/$archive" -C "$work" evenly || fail "cannot unpack $archive"
    install -m 755 "$work/evenly" "$DIR/evenly" || fail "cannot write to $DIR"
    rm -rf "$work"
}

from_registry() {
    command -v cargo >/dev/null \
        || fail "there is no binary of evenly $1 for this machine, and no cargo to build it"
    say "no binary of evenly $1 for this machine: cargo builds it"
    cargo install evenly --version "=$1" --locked --root "$RUNNER_TEMP/evenly"
}

# The checkout of this action, quick to build rather than quick to run.
from_checkout() {
    local built=${CARGO_TARGET_DIR:-$RUNNER_TEMP/evenly/target}
    cargo build --locked --bin evenly --target-dir "$built" \
        --manifest-path "$ACTION_PATH/Cargo.toml"
    ln -sf "$built/debug/evenly" "$DIR/evenly"
}

# A binary that an earlier step made or fetched; artifacts lose the right to be run.
from_path() {
    local path
    path=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
    [[ -f "$path" ]] || fail "\`version\` names a path, and there is no file: $1"
    if [[ -x "$path" ]]; then
        ln -sf "$path" "$DIR/evenly"
    else
        install -m 755 "$path" "$DIR/evenly"
    fi
}

main() {
    local version=${VERSION:-$(own_version)}
    mkdir -p "$DIR"
    case "$version" in
        */*) from_path "$version" ;;
        local) from_checkout ;;
        *)
            [[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]*$ ]] \
                || fail "\`version\` is one such as 0.1.0, \`local\`, or a path: $version"
            # An earlier step of this job may have installed it.
            if [[ "$("$DIR/evenly" --version 2>/dev/null)" != "evenly $version" ]]; then
                rm -f "$DIR/evenly"
                from_release "$version" || from_registry "$version"
            fi
            ;;
    esac
    "$DIR/evenly" --version
    printf 'program=%s\n' "$DIR/evenly" >>"$GITHUB_OUTPUT"
    printf '%s\n' "$DIR" >>"$GITHUB_PATH"
}

main
