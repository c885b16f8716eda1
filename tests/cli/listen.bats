#!/usr/bin/env bats
# `teredoctl listen` on loopback, with `teredoctl serve` as the server and `teredoctl trace` as the peer.

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

# Without the control, whose bubble no hop stops on loopback: the listener would count it.
reach_listener() {
    t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 -q
    [ "$status" -eq 0 ]
}

@test "usage errors" {
    t listen
    usage_error "no SERVER given"
    t listen 192.0.2.1 192.0.2.2
    usage_error "only one SERVER"
    for option in --count=0 --count=x --duration=0 --duration=x --refresh=0; do
        t listen 192.0.2.1 "$option"
        usage_error "${option%=*}"
    done
}

@test "the first line is the Teredo address, there while the command still runs" {
    server
    listener
    kill -0 "$LISTENER"
    [[ $(head -n 1 listener.out) =~ ^2001:0:7f[0-9a-f:]+$ ]]
    t addr "$PEER"
    [ "$status" -eq 0 ]
}

@test "SIGINT ends it with a summary and exit 0; SIGTERM too" {
    server
    for signal in INT TERM; do
        listener
        kill -"$signal" "$LISTENER"
        ended "$LISTENER"
        [ "$status" -eq 0 ]
        tail -n 1 listener.out | grep -q '^0 peers reached us: '
    done
}

@test "a peer's steps are printed as they happen" {
    server
    listener
    reach_listener
    kill -0 "$LISTENER"
    grep -q 'direct bubble from the peer' listener.out
    grep -q 'direct bubble sent' listener.out
    grep -q 'the direct path is open' listener.out
    wait_for 5 grep -q 'echo request answered' listener.out
    kill -INT "$LISTENER"
    ended "$LISTENER"
    [ "$status" -eq 0 ]
    tail -n 1 listener.out | grep -q '^1 peer reached us: .* 1 echo request answered'
}

@test "--count 1 ends with exit 0 when a peer has come" {
    server
    listener --count 1
    reach_listener
    wait_for 5 grep -q 'reached us' listener.out
    ended "$LISTENER"
    [ "$status" -eq 0 ]
}

@test "--duration ends it: exit 0, or 1 when --count was not reached" {
    server
    t listen "$PRIMARY" --allow-private --duration 0.3 --format=json
    [ "$status" -eq 0 ]
    json '.schema == 1 and .command == "listen" and .peers == 0 and .elapsed_s >= 0.3 and .elapsed_s < 2'
    t listen "$PRIMARY" --allow-private --duration 0.3 --count 1 --format=json
    [ "$status" -eq 1 ]
    json '.peers == 0'
}

@test "--count not reached before Ctrl-C: exit 1" {
    server
    listener --count 1
    kill -INT "$LISTENER"
    ended "$LISTENER"
    [ "$status" -eq 1 ]
}

@test "jsonl prints an object for each event, the address first" {
    server
    listener --format=jsonl --count 1
    reach_listener
    ended "$LISTENER"
    output=$(cat listener.out)
    echo "$output"
    json -s '[.[] | .schema == 1 and .command == "listen" and (.event | type == "string")] | all'
    json -s '.[0].event == "qualification" and (.[0].teredo_address | startswith("2001:0:7f"))'
    json -s '.[-1].peers == 1'
}

@test "exit 1: a closed port, a silent server, no route" {
    t listen "$PRIMARY" --allow-private
    [ "$status" -eq 1 ]
    [[ $output == "not qualified: "*"port unreachable"* ]]
    silent_server
    t listen "$SILENT" --allow-private --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .reason == "no_reply" and .elapsed_s < 2'
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" listen 192.0.2.1 --format=json
    [ "$status" -eq 1 ]
    json '.reason == "no_route"'
}

@test "interrupted before it is qualified: exit 2" {
    silent_server
    start listener listen "$SILENT" --allow-private --timeout 20 --format=json
    sleep 0.5
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    output=$(cat listener.out)
    json '.verdict == "inconclusive" and .reason == "interrupted"'
}

@test "it warns when the server stops, and goes on" {
    server
    listener --refresh 0.5
    kill "$SERVER"
    wait_for 10 grep -q 'warning: the server no longer answers' listener.err
    kill -0 "$LISTENER"
    kill -INT "$LISTENER"
    ended "$LISTENER"
    [ "$status" -eq 0 ]
}

@test "-q prints the address and the summary alone" {
    server
    listener -q --count 1
    reach_listener
    ended "$LISTENER"
    [ "$(wc -l <listener.out)" -eq 2 ]
    [ ! -s listener.err ]
}

@test "TEREDO_SERVER names the server" {
    server
    TEREDO_SERVER=$PRIMARY t listen --allow-private --duration 0.2
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 2001:0:7f* ]]
}
