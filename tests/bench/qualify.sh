#!/usr/bin/env bash
# 10,000 Teredo servers at once, on loopback in a network namespace of their own: the time that
# `teredoctl qualify --from-file` takes, and the most memory that it holds (goal: 15 s and 8 MiB).
# Then the same with servers that are all silent, which is the most work.
#
# usage: qualify.sh [SERVERS [RATE]]     TEREDOCTL and MANY_SERVERS name the binaries
set -eu -o pipefail

servers=${1:-10000}
rate=${2:-5000}
teredoctl=${TEREDOCTL:-teredoctl}
many_servers=${MANY_SERVERS:-many_servers}

if [ -z "${QUALIFY_BENCH_INSIDE:-}" ]; then
    unshare -rn true 2>/dev/null || { echo "qualify.sh: no network namespace to be had" >&2; exit 77; }
    command -v ip >/dev/null || { echo "qualify.sh: ip not found" >&2; exit 77; }
    QUALIFY_BENCH_INSIDE=1 exec unshare -rn bash "$0" "$@"
fi

dir=$(mktemp -d)
helper=
cleanup() {
    if [ -n "$helper" ]; then
        kill -KILL "$helper" 2>/dev/null || true
        wait "$helper" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap cleanup EXIT
ip link set lo up
"$many_servers" 3544 >"$dir/ready" &
helper=$!
until grep -qs ready "$dir/ready"; do sleep 0.05; done
seq 0 2 $((2 * (servers - 1))) |
    awk '{ printf "127.%d.%d.%d\n", 1 + int($1 / 65536), int($1 / 256) % 256, $1 % 256 }' >"$dir/list"

# measure WHAT OPTION…: runs it, and prints its last line and its peak of memory
measure() {
    local what=$1 pid peak=0 now

    shift
    "$teredoctl" qualify --from-file "$dir/list" --allow-private "$@" >"$dir/out" &
    pid=$!
    while now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.05
    done
    wait "$pid" || true
    echo "$what: $(tail -n 1 "$dir/out"); at most $((peak / 1024)) MiB"
}

measure "at $rate packets/s" --rate "$rate"
measure "the same, sorted" --rate "$rate" --sort=rtt
kill -STOP "$helper"
measure "silent, at 20000 packets/s" --rate 20000
