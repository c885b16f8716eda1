#!/usr/bin/env bash
# Qualifying and punching against the least that the path allows, in the lab at 50 ms round trip;
# miredo on the same path in the same run; and how fast `teredoctl addr` starts.
#
# usage: punch.sh [RUNS]     TEREDOCTL names the binary
set -u -o pipefail
teredoctl=${TEREDOCTL:-teredoctl}
runs=${1:-20}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in jq python3; do
    command -v "$tool" >/dev/null || { echo "punch.sh: $tool not found (Debian: $tool)" >&2; exit 77; }
done

# median and worst of the numbers on standard input, as multiples of $1
ratios() {
    python3 -c '
import sys, statistics
unit = float(sys.argv[1])
values = sorted(float(line) / unit for line in sys.stdin)
if not values:
    sys.exit("no value")
print(f"median {statistics.median(values):.3f}, worst {values[-1]:.3f} (n={len(values)})")' "$1"
}

# in_lab OPTION… -- SHELL-CODE: on host a, every one-way path 25 ms long
in_lab() {
    "$teredoctl" lab --delay 12.5ms "${@:1:$#-1}" sh -c "${*: -1}"
}

export TEREDOCTL=$teredoctl RUNS=$runs
# shellcheck disable=SC2016 # expanded on host a
repeat='for i in $(seq "$RUNS"); do '

echo "qualify, in round trips of 50 ms (goal: 1.2):"
printf '  server answers          '
# shellcheck disable=SC2016
in_lab -- "$repeat"'"$TEREDOCTL" qualify --format=json "$TEREDO_SERVER"; done' | jq .elapsed_s | ratios 0.050
printf '  closed port             '
# A Linux host sends an ICMP error a second and destination; what it holds back is no fault of ours.
# shellcheck disable=SC2016
in_lab -- 'for i in 1 2 3 4 5; do "$TEREDOCTL" qualify --format=json "$TEREDO_SERVER:9"; sleep 2.5; done' | jq .elapsed_s | ratios 0.050
printf 'silent server, in seconds (goal: 1.5):\n  no reply                '
# shellcheck disable=SC2016
in_lab --nat-a blocked -- 'for i in 1 2 3; do "$TEREDOCTL" qualify --format=json "$TEREDO_SERVER"; done' 2>/dev/null |
    jq .elapsed_s | ratios 1

echo "trace, step 1 sent to step 4 received, in the path's own minimum of 75 ms (goal: 1.02):"
printf '  punch                   '
# shellcheck disable=SC2016
in_lab -- "$repeat"'"$TEREDOCTL" trace --format=json; done' | jq '.steps[3].offset_s' | ratios 0.075

if [ "$(id -u)" -eq 0 ] && command -v miredo >/dev/null; then
    echo "miredo on the same path, first solicitation to address, in round trips of 50 ms:"
    printf '  miredo                  '
    for _ in 1 2 3; do
        TMP=$tmp "$teredoctl" lab --delay 12.5ms -- bash "$here/miredo_time.bash"
    done | ratios 0.050
fi

if command -v addr6 >/dev/null && command -v hyperfine >/dev/null; then
    echo "start-up, one address (goal: 2 ms, as addr6):"
    hyperfine --shell=none --warmup 20 --runs 300 --export-json "$tmp/start.json" \
        "$teredoctl addr 2001:0:c000:201:0:63bf:34ff:8ef5" \
        "addr6 -d -a 2001:0:c000:201:0:63bf:34ff:8ef5" >/dev/null 2>&1
    jq -r '.results[] | "  \(.command | split(" ")[0] | split("/")[-1]): median \(.median * 1000 * 1000 | round / 1000) ms"' \
        "$tmp/start.json"
fi
printf 'peak memory of addr: '
mkfifo "$tmp/input"
"$teredoctl" addr - <"$tmp/input" >/dev/null &
exec 9>"$tmp/input"
echo 2001:0:c000:201:0:63bf:34ff:8ef5 >&9
sleep 0.2
awk '/^VmHWM/ {print $2, $3}' "/proc/$!/status"
exec 9>&-
wait
