#!/usr/bin/env bats
# Calls of a command that can fail do, one a run: the first places of each and the last, or, with LONG set, all.

bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

@test "no call that fails makes a command crash, hang, or end without a word" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    TEREDOCTL=$TEREDOCTL_PROGRAM
    server
    t qualify "$PRIMARY" --allow-private --no-capture --write capture
    [ -s capture ]
    python3 "${BATS_TEST_FILENAME%/*}/faults.py" "$TEREDOCTL" "${top_builddir:?}/tests/cli/fault.so" "$PRIMARY" \
        "$PWD/capture" ${LONG:+all}
}
