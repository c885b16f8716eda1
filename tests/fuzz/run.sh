#!/usr/bin/env bash
# Runs fuzz targets side by side, one a processor: first over their seeds, then for SECONDS each with
# inputs made from those. What breaks one is left in BUILD-DIRECTORY/findings.
#
# usage: run.sh BUILD-DIRECTORY SECONDS TARGET…     top_srcdir names the source directory
set -u

build=$1
seconds=$2
shift 2
corpus=${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/fuzz/corpus
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
failed=0

fuzz() { # TARGET
    local target=$1 name=${1##*/} seeds work log

    seeds=$corpus/${name#fuzz_}
    work=$build/corpus/$name
    log=$build/$name.log
    mkdir -p "$work"
    if [[ -z $(ls -A "$seeds" 2>/dev/null) ]]; then
        echo "fuzz: $name has no seeds in $seeds" >&2
        return 1
    fi
    if ! "$build/$target" -runs=0 -artifact_prefix="$build/findings/$name-" "$seeds" >"$log" 2>&1 ||
        ! "$build/$target" -max_total_time="$seconds" -timeout=20 -print_final_stats=1 \
            -artifact_prefix="$build/findings/$name-" "$work" "$seeds" >"$log" 2>&1; then
        echo "fuzz: $name FAILED; the end of $log:" >&2
        tail -n 40 "$log" >&2
        return 1
    fi
    echo "fuzz: $name: $(find "$seeds" -type f | wc -l) seeds, $(
        sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions in $seconds s, nothing found"
}

mkdir -p "$build/findings" || exit 1
running=0
for target; do
    if [[ $running -ge $(nproc) ]]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while [[ $running -gt 0 ]]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
