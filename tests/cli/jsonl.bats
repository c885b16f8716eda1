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
