#!/usr/bin/env bats
# Every output in README.md and the man pages is what a run prints now, but for what differs from run
# to run (tests/docs/blocks.py). `make docs` refreshes the stale ones.

bats_require_minimum_version 1.5.0

# bats sets status and output, tests/bats-run top_srcdir
# shellcheck disable=SC2154
setup() {
    command -v python3 >/dev/null || skip "python3 is not installed"
    cd "$top_srcdir" || return
    blocks=(python3 tests/docs/blocks.py)
}

@test "every literal block says where it comes from, and every recipe is used" {
    run "${blocks[@]}" --list README.md man/*.[0-9]
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c ': output' <<<"$output")" -ge 45 ]
}

@test "a stale word, field or line is found" {
    cat >"$BATS_TEST_TMPDIR/right.md" <<'END'
<!-- output -->
```
$ teredoctl addr -q 2002:c000:204::1
2002:c000:204::1 is not a Teredo address: 6to4 (2002::/16)
$ echo 'from 203.0.113.9:40000 in 1.234 ms, 5 packets'
from 203.0.113.9:50 in 0.7 ms, 5 packets
```
END
    cd "$BATS_TEST_TMPDIR"
    "${blocks[0]}" "$top_srcdir/${blocks[1]}" right.md
    for change in 4s/6to4/sixtofour/ '6s/, 5 packets/, 6 packets/' '6s/0.7 ms/0.7 ms and/' '6s/ in 0.7 ms//' 4d; do
        sed "$change" right.md >wrong.md
        run ! cmp -s right.md wrong.md
        run -1 "${blocks[0]}" "$top_srcdir/${blocks[1]}" wrong.md
        [[ $output == *'wrong.md:2: not what a run prints'*'1 blocks, 1 stale' ]]
    done
    "${blocks[0]}" "$top_srcdir/${blocks[1]}" --write wrong.md
    cmp <(grep -v ^from right.md) <(grep -v ^from wrong.md)
}

@test "a block without a mark is found" {
    printf '```\n$ true\n```\n' >"$BATS_TEST_TMPDIR/bare.md"
    run -1 "${blocks[@]}" "$BATS_TEST_TMPDIR/bare.md"
    [[ $output == *'bare.md:1: no line before this block says'* ]]
}

@test "README.md is fresh" {
    run "${blocks[@]}" README.md
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the man pages are fresh" {
    run "${blocks[@]}" man/*.[0-9]
    echo "$output"
    [ "$status" -eq 0 ]
}
