#!/usr/bin/env bats
# What strangers send does not fill disks and logs: of each kind of line a few are printed, and the
# number of the others.

# jq has variables of its own; bats sets stderr
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# flood PORT COUNT ADDRESS: bubbles to the listener at ADDRESS, each from a client of another name
flood() {
    python3 - "$@" <<'END'
import ipaddress
import socket
import sys

port, count, address = int(sys.argv[1]), int(sys.argv[2]), ipaddress.IPv6Address(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", port))
for i in range(count):
    source = bytes.fromhex("20010000c0000201") + i.to_bytes(8, "big")
    try:
        s.send(bytes.fromhex("6000000000003b00") + source + address.packed)
    except ConnectionRefusedError:
        pass
END
}

@test "listen: a flood of bubbles leaves few lines, what is left out is counted, and a peer is told" {
    server
    for format in jsonl text tsv; do
        port=$((40000 + RANDOM % 10000))
        listener --local-port $port --format=$format -v
        flood $port 30000 "$PEER"
        # A peer that proves itself in the midst of it.
        flood $port 30000 "$PEER" &
        flooding=$!
        in_background $flooding
        t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --proof nonce
        [ "$status" -eq 0 ]
        own=$(sed -n 's/^from //p' <<<"$output")
        wait $flooding
        kill -INT "$LISTENER"
        ended "$LISTENER"
        [ "$status" -eq 0 ]
        printf '%s: ' $format
        wc -lc listener.out listener.err
        [ "$(wc -c <listener.out)" -lt 1000000 ]
        [ "$(wc -c <listener.err)" -lt 1000000 ]
        case $format in
        jsonl)
            output=$(cat listener.out)
            json -s 'map(select(.event == "left_out")) | length > 0 and all(.[]; .of == "peer" and .count > 0)'
            json -s '.[-1].event == "summary"'
            # Told, left out: all bubbles that the summary counts.
            json -s '([.[] | select(.activity == "direct_bubble_received") | if .event == "peer" then 1
                else .count end] | add) as $n | .[-1].bubbles_received >= $n and $n > 1000'
            json -s --arg peer "$own" 'any(.[]; .activity? == "path_open" and .peer == $peer)'
            ;;
        text)
            grep -qE '^20[0-9TZ:.-]+  [0-9]+ more like this: peer, ' listener.out
            grep -q 'the direct path is open' listener.out
            ;;
        tsv) [ "$(awk -F '\t' '{ print NF }' listener.out | sort -u | wc -l)" -eq 1 ] ;;
        esac
        grep -qE '^teredoctl listen: [0-9]+ more packets like this$' listener.err
    done
}

@test "serve -v: a flood leaves few lines" {
    server -v
    python3 - "$PRIMARY" <<'END'
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100000):
    s.sendto(b"not Teredo", (sys.argv[1], 3544))
END
    # It is there all the same.
    t qualify "$PRIMARY" --allow-private
    [ "$status" -eq 0 ]
    kill -INT "$SERVER"
    ended "$SERVER"
    wc -lc server.err
    [ "$(wc -c <server.err)" -lt 500000 ]
    grep -qE '^teredoctl serve: [0-9]+ more packets like this$' server.err
    # Nothing hides what is of another kind.
    grep -q 'advertised' server.err
}
