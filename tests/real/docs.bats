#!/usr/bin/env bats
# The outputs in the documents that the lab cannot make (tests/lab/docs.bats has the others).

bats_require_minimum_version 1.5.0
load internet

setup() {
    need_root python3
}

@test "the outputs of runs behind Linux NATs are fresh" {
    cd "${top_srcdir:?}"
    run python3 tests/docs/blocks.py --real README.md man/*.[0-9]
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *' blocks, 0 stale' && $output != *'0 blocks'* ]]
}
