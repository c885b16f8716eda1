#!/usr/bin/env bash
# Answers per second of the server's own CPU time: `teredoctl serve` against Debian's miredo-server,
# the same load in the same run, turn by turn, in a network namespace of its own with documentation
# addresses on the loopback interface. Server and load share one CPU, so that neither the other
# CPU's caches nor its interrupts count; what is measured is the time that the kernel charges to the
# server's process, the delivery of its answers to the load's socket included.
#
# Then two workers, a CPU each, against one, with the same load of many clients on both CPUs: what a
# worker answers in a second of its own CPU time, times the workers, is what they can where they have
# their CPUs to themselves.
#
# usage: serve.sh [SECONDS [ROUNDS]]     TEREDOCTL and RS_LOAD name the binaries; needs root
set -eu -o pipefail

seconds=${1:-1}
rounds=${2:-7}
teredoctl=${TEREDOCTL:-teredoctl}
rs_load=${RS_LOAD:-rs_load}

if [ -z "${SERVE_BENCH_INSIDE:-}" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "serve.sh: needs root (miredo-server opens a raw socket)" >&2
        exit 77
    fi
    for tool in miredo-server ip python3 taskset unshare; do
        command -v "$tool" >/dev/null || { echo "serve.sh: $tool not found" >&2; exit 77; }
    done
    SERVE_BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc \
        bash "$0" "$@"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
ip link set lo up
for address in 192.0.2.1 192.0.2.2 198.51.100.1; do
    ip address add $address/32 dev lo
done
printf 'ServerBindAddress 192.0.2.1\nServerBindAddress2 192.0.2.2\n' >"$dir/miredo-server.conf"
mapfile -t cpus < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0), reverse=True), sep="\n")')
cpu=${cpus[0]}
taskset -cp "$cpu" $$ >/dev/null

# Nanoseconds of CPU time that process $1, its children and all their threads have used.
cpu_time() {
    local task
    for task in "$1" $(pgrep -P "$1"); do
        cat /proc/"$task"/task/*/schedstat
    done | awk '{ total += $1 } END { printf "%.0f\n", total }'
}

# start NAME COMMAND…: until it answers; sets server
start() {
    local name=$1 tries=0
    shift
    "$@" >"$dir/out" 2>&1 &
    server=$!
    until "$rs_load" 198.51.100.1 192.0.2.1 0.05 1 >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 $server 2>/dev/null; then
            echo "serve.sh: $name does not answer:" >&2
            cat "$dir/out" >&2
            exit 1
        fi
    done
}

# measure NAME COMMAND…: appends "NAME answers nanoseconds" to the results
measure() {
    local name=$1 server before after
    start "$@"
    before=$(cpu_time "$server")
    "$rs_load" 198.51.100.1 192.0.2.1 "$seconds" >"$dir/load"
    after=$(cpu_time "$server")
    kill "$server"
    wait "$server" || true
    echo "$name $(sed 's/.*answered \([0-9]*\).*/\1/' "$dir/load") $((after - before))" >>"$dir/results"
}

# measure_workers COUNT: appends "COUNT answers nanoseconds" to the other results
measure_workers() {
    local server before after i loads=() pid
    start "$1 workers" "$teredoctl" serve --address 192.0.2.1 --rate 0 --workers "$1"
    i=0
    for pid in "$server" $(pgrep -P "$server"); do
        taskset -cp "${cpus[i++]}" "$pid" >/dev/null
    done
    before=$(cpu_time "$server")
    for i in 0 1; do
        taskset -c "${cpus[i]}" "$rs_load" 198.51.100.1 192.0.2.1 "$seconds" 16 32 >"$dir/load$i" &
        loads+=($!)
    done
    wait "${loads[@]}"
    after=$(cpu_time "$server")
    kill "$server"
    wait "$server" || true
    awk -v count="$1" -v used=$((after - before)) '{ answers += $4 } END { print count, answers, used }' \
        "$dir/load0" "$dir/load1" >>"$dir/workers"
}

for ((i = 0; i < rounds; i++)); do
    measure miredo-server miredo-server -f -c "$dir/miredo-server.conf" -p "$dir/pid"
    measure serve "$teredoctl" serve --address 192.0.2.1 --rate 0
done

echo "router solicitations answered a CPU second (goal: 1.5 times miredo-server):"
python3 - "$dir/results" <<'PYTHON'
import statistics, sys

rates = {"miredo-server": [], "serve": []}
for line in open(sys.argv[1]):
    name, answers, nanoseconds = line.split()
    rates[name].append(int(answers) * 1e9 / int(nanoseconds))
for name, values in rates.items():
    print(f"  {name:14} median {statistics.median(values):8.0f}, best {max(values):8.0f} (n={len(values)})")
pairs = [ours / theirs for ours, theirs in zip(rates["serve"], rates["miredo-server"])]
print(f"  ratio, round by round: median {statistics.median(pairs):.2f}, "
      f"worst {min(pairs):.2f}, best {max(pairs):.2f}")
PYTHON

if [ ${#cpus[@]} -lt 2 ]; then
    echo "one CPU: workers are not compared"
    exit 0
fi
for ((i = 0; i < rounds; i++)); do
    measure_workers 1
    measure_workers 2
done
echo "answers a second of two workers with a CPU each (goal: 1.8 times those of one):"
python3 - "$dir/workers" <<'PYTHON'
import statistics, sys

rates = {1: [], 2: []}
for line in open(sys.argv[1]):
    count, answers, nanoseconds = map(int, line.split())
    rates[count].append(count * answers * 1e9 / nanoseconds)
for count, values in rates.items():
    print(f"  {count:<14} median {statistics.median(values):8.0f}, best {max(values):8.0f} (n={len(values)})")
pairs = [two / one for one, two in zip(rates[1], rates[2])]
print(f"  ratio, round by round: median {statistics.median(pairs):.2f}, "
      f"worst {min(pairs):.2f}, best {max(pairs):.2f}")
PYTHON
