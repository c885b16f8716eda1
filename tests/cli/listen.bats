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
    wait_for grep -q 'echo request answered' listener.out
    kill -INT "$LISTENER"
    ended "$LISTENER"
    [ "$status" -eq 0 ]
    tail -n 1 listener.out | grep -q '^1 peer reached us: .* 1 echo request answered'
}

@test "--count 1 ends with exit 0 when a peer has come" {
    server
    listener --count 1
    reach_listener
    wait_for grep -q 'reached us' listener.out
    ended "$LISTENER"
    [ "$status" -eq 0 ]
}

@test "--duration ends it: exit 0, or 1 when --count was not reached" {
    server
    t listen "$PRIMARY" --allow-private --duration 2 --format=json
    [ "$status" -eq 0 ]
    json '.schema == 1 and .command == "listen" and .peers == 0 and .elapsed_s >= 2 and .elapsed_s < 30'
    t listen "$PRIMARY" --allow-private --duration 2 --count 1 --format=json
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
    json '.verdict == "not_qualified" and .reason == "no_reply" and .elapsed_s < 30'
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" listen 192.0.2.1 --format=json
    [ "$status" -eq 1 ]
    json '.reason == "no_route"'
}

@test "interrupted before it is qualified: exit 2" {
    silent_server
    start listener listen "$SILENT" --allow-private --timeout 60 --format=json -v
    wait_for grep -q ' rs$' listener.err
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    output=$(cat listener.out)
    json '.verdict == "inconclusive" and .reason == "interrupted"'
}

@test "it warns when the server stops, goes on, and says when the server answers again" {
    server
    listener --refresh 0.5
    kill "$SERVER"
    wait_for grep -q 'warning: the server no longer answers' listener.err
    kill -0 "$LISTENER"
    ended "$SERVER"
    server
    wait_for grep -qE '^teredoctl listen: the server answers again, after [0-9.]+ s$' listener.err
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
    TEREDO_SERVER=$PRIMARY t listen --allow-private --duration 2
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 2001:0:7f* ]]
}

@test "the charts of listen: one a contact, seen from this side" {
    server
    for format in ladder mermaid svg; do
        rm -f listener.out listener.err
        start listener listen "$PRIMARY" --allow-private --count 1 --format="$format"
        wait_for grep -q 2001: listener.out listener.err
        PEER=$(grep -hom 1 '2001:[0-9a-f:]*' listener.out listener.err | head -n 1)
        reach_listener
        ended "$PID"
        [ "$status" -eq 0 ]
        output=$(cat listener.out)
        # Without a NAT the direct bubble may arrive before the server's.
        [[ $output == *"3 bubble with origin"* && $output == *"4 direct bubble"*"5 echo request"* ]]
        [[ $output == *"reached: the direct path is open"* ]]
        case $format in
        ladder) [[ $output == *"1 peer reached us"* ]] ;;
        mermaid) mermaid_is_valid ;;
        svg) svg_is_valid ;;
        esac
    done
}

@test "the charts of a listener that nobody met are charts" {
    server
    t listen "$PRIMARY" --allow-private --duration 2 --format=mermaid
    [ "$status" -eq 0 ]
    mermaid_is_valid
    t listen "$PRIMARY" --allow-private --duration 2 --format=svg
    svg_is_valid
    silent_server
    t listen "$SILENT" --allow-private --format=mermaid
    [ "$status" -eq 1 ]
    mermaid_is_valid
}

@test "--watch shows the peers in a table, and leaves the screen as it was" {
    local words
    server
    words=$(printf '%q ' "$TEREDOCTL" listen "$PRIMARY" --allow-private --watch --count 1)
    TERM=xterm script -qfec "stty cols 130 rows 24; $words" screen </dev/null >/dev/null 3>&- &
    in_background "$!"
    local watcher=$!
    wait_for grep -aq 'last step' screen
    PEER=$(grep -aom 1 '2001:[0-9a-f:]*' screen | head -n 1)
    reach_listener
    ended "$watcher"
    [ "$status" -eq 0 ]
    output=$(cat screen)
    cat -v screen
    # Which step is the last depends on which bubble came first.
    local row='2001:[0-9a-f:]+ +127\.0\.0\.1:[0-9]+ +[a-z].* [0-9]+ s'
    [[ $output == *$'\e[?1049h'*$'\e[?1049l'* ]]
    grep -aqE "$row" <<<"${output%%$'\e[?1049l'*}"
    # After the first screen is back: the table once more, and the summary.
    grep -aqE "^$row" <<<"${output##*$'\e[?1049l'}"
    [[ ${output##*$'\e[?1049l'} == *"1 peer reached us"* ]]
    [[ ${output##*$'\e[?1049l'} != *$'\e[?1049h'* ]]
}

@test "--watch redraws when the terminal changes its size, and restores it at Ctrl-C" {
    local words
    server
    words=$(printf '%q ' "$TEREDOCTL" listen "$PRIMARY" --allow-private --watch)
    TERM=xterm script -qfec "stty cols 80 rows 24; echo \$\$ >pid; exec $words" screen </dev/null >/dev/null 3>&- &
    in_background "$!"
    local watcher=$!
    wait_for grep -aq 'last step' screen
    run ! grep -aq 'peer .*endpoint' screen
    stty cols 150 rows 24 <"/proc/$(cat pid)/fd/1"
    wait_for grep -aq 'peer .*endpoint' screen
    kill -INT "$(cat pid)"
    ended "$watcher"
    [ "$status" -eq 0 ]
    [[ $(cat screen) == *$'\e[?25h\e[?1049l'*"0 peers reached us"* ]]
}

@test "--watch without a terminal is a usage error that says so" {
    t listen 127.0.0.1 --watch
    usage_error "listen: --watch needs a terminal"
    t listen 127.0.0.1 --watch --format=json
    usage_error "listen: --watch goes with none"
}

@test "on a terminal a status line tells that listen waits for peers" {
    server
    on_terminal listen "$PRIMARY" --allow-private --duration 2.2
    [ "$status" -eq 0 ]
    [[ $output == *"waiting for peers: 0 came, "*" s left"* ]]
    [[ ${output##*s left} == *$'\r\e[K'*"0 peers reached us"* ]]
    on_terminal listen "$PRIMARY" --allow-private --duration 2.2 -q
    [[ $output != *"waiting"* ]]
}
