#!/usr/bin/env bats
# The kinds of jsonl events that the tests of the commands themselves do not come across; see
# tests/schema/outputs.bats.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# event KIND [FILTER]: there is such an event in $output, and FILTER is true of the first
event() {
    json -s --arg kind "$1" "[.[] | select(.event == \$kind)][0] | . != null and (${2:-true})"
}

@test "rejected: an origin indication that is not global" {
    server
    listener
    for command in qualify classify listen "trace $PEER --server"; do
        # shellcheck disable=SC2086 # words are words
        t $command "$PRIMARY" --timeout 0.5 --format=jsonl
        [ "$status" -ne 0 ]
        event rejected '.rule == "origin_global"'
    done
}

@test "note: the peer is gone, and its server is asked whether it lives" {
    server
    listener
    kill -KILL "$LISTENER"
    wait_for bash -c "! kill -0 $LISTENER"
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=jsonl --bubbles 2
    # Two pairs prove no silence.
    [ "$status" -eq 2 ]
    event note '.note == "icmp_for_direct_bubble" and .icmp.code == 3'
    json -s '[.[] | .note // empty] | index("retransmit") != null'
}

@test "icmp_error: nobody listens where the bubble went" {
    t bubble 2001:0:c000:201::1 --to "$PRIMARY:9" --wait 0.2 --format=jsonl
    [ "$status" -eq 1 ]
    event icmp_error '.icmp.type == 3 and .icmp.code == 3 and .to.port == 9'
    event summary '.icmp_errors_received == 1'
}

@test "server_lost: the server stops" {
    server
    listener --refresh 0.5 --format=jsonl
    kill "$SERVER"
    wait_for grep -q server_lost listener.out
    kill -INT "$LISTENER"
    ended "$LISTENER"
    [ "$status" -eq 0 ]
    output=$(cat listener.out)
    event server_lost '.reason == "port_unreachable" or .reason == "no_reply"'
}

@test "server_back: the server starts again" {
    server
    listener --refresh 0.2 --format=jsonl
    kill "$SERVER"
    ended "$SERVER"
    wait_for grep -q server_lost listener.out
    server
    wait_for grep -q server_back listener.out
    kill -INT "$LISTENER"
    ended "$LISTENER"
    [ "$status" -eq 0 ]
    output=$(cat listener.out)
    event server_back '.server.port == 3544 and .silent_s > 0'
    # Once, and after it was lost.
    json -s '[.[].event | select(. == "server_lost" or . == "server_back")] as $e |
        ($e | index("server_lost")) == 0 and ($e | map(select(. == "server_back")) | length) == 1'
}

@test "left_out: a flood" {
    server
    listener --format=jsonl
    python3 - "$PEER" "$(jq -r 'select(.event == "qualification").mapped.port' listener.out)" <<'END'
import ipaddress
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own = ipaddress.IPv6Address(sys.argv[1]).packed
for i in range(2000):
    source = bytes.fromhex("20010000c0000201") + i.to_bytes(8, "big")
    s.sendto(bytes.fromhex("6000000000003b00") + source + own, ("127.0.0.1", int(sys.argv[2])))
END
    kill -INT "$LISTENER"
    ended "$LISTENER"
    output=$(cat listener.out)
    event left_out '.of == "peer" and .count > 0 and .activity != null'
}

@test "left_out: a flood of answers that nobody asked for" {
    python3 "${BATS_TEST_FILENAME%/*}/odd_server.py" "$PRIMARY" "$SECONDARY" "${PRIMARY%.*}.9" flood >odd.out 3>&- &
    in_background $!
    wait_for grep -q ready odd.out
    for command in "qualify $PRIMARY --allow-private" "check $PRIMARY --allow-private" \
        "classify $PRIMARY --allow-private" "trace 2001:0:7f00:3:0:1:80ff:fffe --server $PRIMARY --allow-private"; do
        # shellcheck disable=SC2086 # words are words
        t $command --timeout 2 --format=jsonl
        event left_out '.of == "rejected" and .activity == "nonce" and .count > 0'
    done
    t bubble 2001:0:7f00:3:0:1:80ff:fffe --to "$PRIMARY" --wait 0.5 --format=jsonl
    event left_out '.of == "reply" and .count > 0'
}

@test "address_gone, address_back: an address of the server's goes, and comes back" {
    need_namespace
    command -v ip >/dev/null || skip "ip is not installed"
    run --separate-stderr timeout 60 unshare -rn bash -c '
        told() { until grep -qs "$1" served.out; do sleep 0.05; done; }
        ip link set lo up
        ip address add 192.0.2.1/32 dev lo
        ip address add 192.0.2.2/32 dev lo
        "$1" serve --address 192.0.2.1 --allow-private --format=jsonl >served.out 2>served.err 3>&- &
        pid=$!
        told ready
        ip address del 192.0.2.2/32 dev lo
        told address_gone
        ip address add 192.0.2.2/32 dev lo
        told address_back
        kill -INT $pid
        wait $pid' bash "$TEREDOCTL"
    [ "$status" -eq 0 ]
    output=$(cat served.out)
    event address_gone '.address.address == "192.0.2.2" and .address.port == 3544'
    event address_back '.address.address == "192.0.2.2"'
    json -s '[.[].event] == ["ready", "address_gone", "address_back", "summary"]'
}

@test "counters: SIGUSR1" {
    server --format=jsonl
    kill -USR1 "$SERVER"
    wait_for grep -q counters server.out
    kill "$SERVER"
    ended "$SERVER"
    output=$(cat server.out)
    event ready
    event counters '.received == 0'
    event summary
}
