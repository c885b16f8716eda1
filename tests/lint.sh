#!/usr/bin/env bash
# `make lint`: tests/lint.sh SOURCE-DIRECTORY COMPILER-FLAG…
# Every linter runs, then the status says whether one complained.
set -u

srcdir=$1
shift
status=0

need() {
    command -v "$1" >/dev/null && return
    echo "lint: $1 is not installed (Debian: $2)" >&2
    exit 1
}

need clang-format clang-format
need clang-tidy clang-tidy
need cppcheck cppcheck
need shellcheck shellcheck
need mandoc mandoc

run() {
    echo "lint: $1, ${#files[@]} files"
    [[ ${#files[@]} -eq 0 ]] && return
    shift
    "$@" || status=1
}

# find_files DIRECTORY… PATTERN: the files below the directories that match, into the array `files`.
find_files() {
    local dirs=("${@:1:$#-1}")

    mapfile -t files < <(cd "$srcdir" && find "${dirs[@]}" -type f -name "${*: -1}" | sort)
    files=("${files[@]/#/$srcdir/}")
}

# shellcheck disable=SC2317 # called by run
tidy() {
    printf '%s\0' "${files[@]}" |
        xargs -0 -P "$(nproc)" -I '{}' clang-tidy --quiet '{}' -- -std=gnu17 "$@" 2>&1 |
        grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated\.$'
    return "${PIPESTATUS[1]}"
}

find_files src tests '*.[ch]'
run clang-format clang-format --dry-run -Werror "${files[@]}"

find_files src tests '*.c'
run cppcheck cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j "$(nproc)" \
    --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=unmatchedSuppression \
    "$@" "${files[@]}"
run clang-tidy tidy "$@"

find_files tests '*.sh'
files+=("$srcdir"/quickstart "$srcdir"/.ci/run "$srcdir"/tests/bats-run
    "$srcdir"/completions/bash/teredoctl.in
    "$srcdir"/tests/schema/recorder
    "$srcdir"/packaging/debian/tests/cli "$srcdir"/packaging/debian/teredoctl.postinst)
run shellcheck shellcheck "${files[@]}"

find_files tests '*.bats'
# Programs for jq and sh stand in single quotes on purpose.
run 'shellcheck (bats)' shellcheck -s bats -e SC2016 "${files[@]}"

find_files tests '*.bash'
# What bats sets, and what a test reads that sources a helper, is not seen in the helper.
run 'shellcheck (helpers)' shellcheck -s bash -e SC2016,SC2034,SC2154 "${files[@]}"

find_files man '*.[0-9]'
run mandoc mandoc -T lint -W warning "${files[@]}"

exit "$status"
