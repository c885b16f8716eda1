#!/usr/bin/env bash
# Packets a second of `teredoctl decode` and `teredoctl trace -r`, against a program that only reads
# the capture through libpcap (the limit), tcpdump and tshark; and lines a second of `teredoctl
# addr`, against addr6 and ipv6calc. All on the same file, turn by turn; a synthetic capture, the
# same for the same COUNT. tshark and ipv6calc get a part of it, for they take minutes for the whole.
# Then the memory of trace -r over FLOWS flows, for a capture and for one three times as long.
#
# usage: decode.sh [COUNT [ROUNDS]]     TEREDOCTL, MAKE_CAPTURE and READ_CAPTURE name the binaries;
#        FLOWS is a million
set -eu -o pipefail
export LC_ALL=C

count=${1:-1000000}
rounds=${2:-5}
flows=${FLOWS:-1000000}
part=$((count / 20))
teredoctl=${TEREDOCTL:-teredoctl}
make_capture=${MAKE_CAPTURE:-make_capture}
read_capture=${READ_CAPTURE:-read_capture}

for tool in "$make_capture" "$read_capture"; do
    command -v "$tool" >/dev/null || { echo "decode.sh: $tool not found" >&2; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$make_capture" "$dir/all" "$count"
"$make_capture" "$dir/part" "$part"
"$teredoctl" decode --format=jsonl "$dir/part" | sed -n 's/.*"ipv6":{"source":"\(2001:0:[^"]*\)".*/\1/p' >"$dir/some"
awk -v count="$count" '{ line[NR] = $0 }
    END { for (i = 0; i < count; i++) print line[i % NR + 1] }' "$dir/some" >"$dir/addresses"
head -n "$part" "$dir/addresses" >"$dir/few"

# measure NAME UNITS INPUT COMMAND…: appends "NAME UNITS seconds"; a tool that is not there is left out
measure() {
    local name=$1 units=$2 input=$3 begin end
    shift 3
    type "$1" >/dev/null 2>&1 || return 0
    begin=$(date +%s%N)
    "$@" <"$input" >/dev/null 2>"$dir/errors" || { cat "$dir/errors" >&2; exit 1; }
    end=$(date +%s%N)
    echo "$name $units $((end - begin))" >>"$dir/results"
}

# The verdict, not punched or not known, is no error.
trace_all() {
    local status=0
    "$teredoctl" trace -q -r "$dir/all" 2>/dev/null || status=$?
    [ "$status" -le 2 ]
}

# peak PACKETS: the largest resident set of trace -r over FLOWS flows, in kB
peak() {
    "$make_capture" "$dir/flows" "$1" "$flows"
    command time -f %M -o "$dir/peak" "$teredoctl" trace -q -r "$dir/flows" >/dev/null 2>&1 || true
    tail -n 1 "$dir/peak"
}

tshark_fields=(-T fields -e frame.number -e frame.time_epoch -e ip.src -e ip.dst -e udp.srcport
    -e udp.dstport -e ipv6.src -e ipv6.dst -e ipv6.nxt)
for ((i = 0; i < rounds; i++)); do
    measure null "$count" /dev/null "$read_capture" "$dir/all"
    measure summary "$count" /dev/null "$teredoctl" decode --summary "$dir/all"
    measure text "$count" /dev/null "$teredoctl" decode "$dir/all"
    measure jsonl "$count" /dev/null "$teredoctl" decode --format=jsonl "$dir/all"
    measure trace "$count" /dev/null trace_all
    measure tcpdump "$count" /dev/null tcpdump -n -r "$dir/all"
    measure addr "$count" "$dir/addresses" "$teredoctl" addr -q
    measure addr6 "$count" "$dir/addresses" addr6 -i -d
    [ "$i" -gt 0 ] || measure tshark "$part" /dev/null tshark -n -r "$dir/part" "${tshark_fields[@]}"
    [ "$i" -gt 0 ] || measure ipv6calc "$part" "$dir/few" ipv6calc -q -i -m
done

echo "$count packets, $(stat -c %s "$dir/all") bytes; packets (addr: lines) a second, and ratios round by round:"
awk '
    { n[$1]++; rate[$1, n[$1]] = $2 * 1e9 / $3 }
    function median(name, other,    i, j, t, v, k) {
        k = n[name]
        for (i = 1; i <= k; i++)
            v[i] = rate[name, i] / (other == "" ? 1 : rate[other, n[other] < i ? n[other] : i])
        for (i = 1; i <= k; i++)
            for (j = i + 1; j <= k; j++)
                if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
        return v[int((k + 1) / 2)]
    }
    function compare(name, other, goal) {
        if (n[name] > 0 && n[other] > 0)
            printf "  %-9s is %8.2f times as fast as %-9s (goal: %s)\n", name, median(name, other), other, goal
    }
    END {
        split("null summary text jsonl trace tcpdump tshark addr addr6 ipv6calc", names)
        for (i = 1; i in names; i++)
            if (n[names[i]] > 0)
                printf "  %-9s median %10.0f (n=%d)\n", names[i], median(names[i], ""), n[names[i]]
        compare("summary", "null", "0.5")
        compare("trace", "null", "none")
        compare("text", "tcpdump", "5")
        compare("jsonl", "tshark", "30")
        compare("addr", "addr6", "1")
        compare("addr", "ipv6calc", "20")
    }' "$dir/results"
if command -v time >/dev/null; then
    echo "peak memory of trace -r, $flows flows: $(peak "$count") kB for $count packets, $(peak $((3 * count))) kB for $((3 * count))"
fi
