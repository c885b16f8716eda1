#!/bin/sh
# Answers per second of the server's own CPU time: `teredoctl serve` against Debian's miredo-server,
# the same load in the same run, in a network namespace of its own with documentation addresses on
# the loopback interface. Needs root (miredo-server does). Bounded: about 2 x ROUNDS x SECONDS.
#
#     TEREDOCTL=path RS_LOAD=path tests/bench/serve.sh [SECONDS [ROUNDS]]
set -eu

seconds=${1:-3}
rounds=${2:-3}
teredoctl=${TEREDOCTL:-teredoctl}
rs_load=${RS_LOAD:-rs_load}
goal=1.5

if [ -z "${SERVE_BENCH_INSIDE:-}" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "serve bench: skipped: needs root (miredo-server opens a raw socket)" >&2
        exit 77
    fi
    if ! command -v miredo-server >/dev/null; then
        echo "serve bench: skipped: miredo-server is not installed" >&2
        exit 77
    fi
    SERVE_BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

dir=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
ip link set lo up
for address in 192.0.2.1 192.0.2.2 198.51.100.1; do
    ip address add $address/32 dev lo
done
printf 'ServerBindAddress 192.0.2.1\nServerBindAddress2 192.0.2.2\n' >"$dir/miredo-server.conf"

# CPU seconds, user and system, that process $1 and its children have used, in clock ticks.
ticks() {
    total=0
    for task in "$1" $(pgrep -P "$1" || true); do
        # shellcheck disable=SC2046
        set -- $(sed 's/.*) //' "/proc/$task/stat")
        total=$((total + ${12} + ${13}))
    done
    echo $total
}

# measure NAME COMMAND...: prints "NAME answers ticks".
measure() {
    name=$1
    shift
    "$@" >"$dir/out" 2>&1 &
    server=$!
    tries=0
    until "$rs_load" 198.51.100.1 192.0.2.1 0.05 1 >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 $server 2>/dev/null; then
            echo "serve bench: $name does not answer:" >&2
            cat "$dir/out" >&2
            exit 1
        fi
    done
    before=$(ticks $server)
    "$rs_load" 198.51.100.1 192.0.2.1 "$seconds" >"$dir/load"
    after=$(ticks $server)
    kill $server
    wait $server || true
    server=
    echo "$name $(sed 's/.*answered \([0-9]*\).*/\1/' "$dir/load") $((after - before))" |
        tee -a "$dir/results" |
        awk -v hz="$(getconf CLK_TCK)" -v load="$(cat "$dir/load")" \
            '{ printf "%-14s %8d answers per CPU second (%s)\n", $1, $2 * hz / $3, load }'
}

round=0
while [ $round -lt "$rounds" ]; do
    measure miredo-server miredo-server -f -c "$dir/miredo-server.conf" -p "$dir/pid"
    measure serve "$teredoctl" serve --address 192.0.2.1
    round=$((round + 1))
done

awk -v hz="$(getconf CLK_TCK)" -v goal=$goal '
    { answers[$1] += $2; ticks[$1] += $3 }
    END {
        miredo = answers["miredo-server"] * hz / ticks["miredo-server"]
        ours = answers["serve"] * hz / ticks["serve"]
        printf "teredoctl serve %.0f, miredo-server %.0f answers per CPU second: ratio %.2f (goal %.1f)\n",
            ours, miredo, ours / miredo, goal
        exit ours < goal * miredo
    }' "$dir/results"
