#!/usr/bin/env bats
# The JSON that all other tests came to see (JSON_OUTPUTS, which tests/bats-run fills), against the
# schema: after them.

# lib.bash sets what is read here.
# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lib

@test "all JSON of all tests is valid, and every kind of event occurred in it" {
    [ -n "${JSON_OUTPUTS:-}" ] || skip "JSON_OUTPUTS names no directory: make check sets it"
    [ -n "${JSON_TESTS-}" ] || skip "no other test was to run"
    find "$JSON_OUTPUTS" -type f >outputs
    [ -s outputs ] || skip "no other test ran"
    # Of what repeats itself ten thousand times the beginning is enough.
    find "$JSON_OUTPUTS" -type f -size +1M -exec truncate -s 1M {} +
    echo "$(wc -l <outputs) outputs"
    # Each processor validates its share.
    split -n "r/$(nproc)" outputs share.
    printf '%s\n' share.* | xargs -P 0 -I '{}' sh -c 'xargs "$@" <{} >{}.said' sh \
        "$python" "$top_srcdir/tests/schema/validate.py" "$schema" || status=$?
    grep -hvE '^[a-z]* [a-z_]* [0-9]*$' share.*.said | head -n 100
    [ "${status:-0}" -eq 0 ]
    sed -n 's/^\([a-z]* [a-z_]*\) [0-9]*$/\1/p' share.*.said >seen
    # A NAT that forgets takes the lab, and so do captures of a hole punch.
    [ -e "$JSON_OUTPUTS/lab-lab.bats" ] || echo "listen mapping_changed" >>seen
    [ -e "$JSON_OUTPUTS/lab-trace-captures.bats" ] ||
        printf 'trace %s\n' client_qualification clock punch summary >>seen
    [ -z "$(comm -23 <(events) <(sort seen))" ] || {
        echo "No test came across these:"
        comm -23 <(events) <(sort seen)
        false
    }
}
