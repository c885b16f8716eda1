#!/usr/bin/env bats
# `teredoctl trace` on loopback: no NAT, but the whole way from end to end.

# jq has variables of its own; PEER is set by the helpers
# shellcheck disable=SC2016,SC2153
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

@test "usage errors" {
    t trace
    usage_error "no PEER given, and TEREDO_PEER is not set"
    t trace 2001:0:c000:201::1
    usage_error "no --server given, and TEREDO_SERVER is not set"
    t trace 2001:0:c000:201::1 2001:0:c000:201::2 --server 192.0.2.1
    usage_error "only one PEER"
    t trace 2001:0:c000:201::1 --server 192.0.2.1 --own-address 2001:0:c000:201::2
    usage_error "--own-address needs the --from-port"
    for option in --proof=luck --ttl=0 --ttl=256 --bubbles=0 --bubbles=5 --from-port=0 \
        --own-address=2001:db8::1 --control-ttl=256; do
        t trace 2001:0:c000:201::1 --server 192.0.2.1 "$option"
        usage_error "${option%=*}"
    done
    t trace -r file --watch
    usage_error "--watch goes with --passive"
    t trace 2001:0:c000:201::1 --server 192.0.2.1 --watch
    usage_error "--watch go with -r or --passive"
    for option in --format=json --quiet --verbose; do
        t trace --passive --watch "$option"
        usage_error "--watch goes with none of"
    done
    t trace --passive --watch
    usage_error "--watch needs a terminal"
}

@test "exit 64: a PEER that is not a Teredo address, or no address" {
    t trace 2001:db8::1 --server 192.0.2.1
    usage_error "2001:db8::1 is not a Teredo address"
    [[ $stderr == *"teredoctl addr"* ]]
    for peer in 192.0.2.1 example.com ''; do
        t trace "$peer" --server 192.0.2.1
        usage_error "not an IPv6 address"
    done
}

@test "exit 0: punched, from end to end" {
    server
    listener
    t trace "$PEER" --server "$PRIMARY" --allow-private
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "from 2001:0:7f"* ]]
    for step in '1 .*direct bubble' '2 .*indirect bubble' '3 .*inferred' '4 .*from the peer' '5 .*echo reply'; do
        grep -qE "^ $step" <<<"$output"
    done
    grep -q '^punched: ' <<<"$output"
}

@test "JSON has every key" {
    server
    listener
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    for key in schema command verdict cause advice peer server local mapped timestamp_source steps rtt_s \
        elapsed_s; do
        json --arg key "$key" 'has($key)'
    done
    json '[.steps[] | has("step") and has("name") and has("state") and has("when") and has("offset_s") and
        has("from") and has("to")] | all'
    json --arg peer "$PEER" '.schema == 1 and .command == "trace" and .verdict == "punched" and .peer == $peer'
    json '[.steps[] | .state] == ["sent", "sent", "inferred", "received", "received"]'
    json '[.steps[] | .when] | . == sort'
    json '.rtt_s > 0 and .elapsed_s > .rtt_s'
}

@test "the peer repeats our nonce, which proves more than the endpoint; --proof=endpoint asks for none" {
    server
    listener
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=json --proof=nonce
    json '.verdict == "punched" and .proof == "nonce"'
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=json --proof=endpoint
    json '.verdict == "punched" and .proof == "endpoint"'
}

@test "jsonl prints the steps as they happen, then the verdict" {
    server
    listener
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=jsonl
    [ "$status" -eq 0 ]
    json -s '[.[].event] | .[0] == "qualification" and .[-1] == "verdict"'
    json -s '[.[] | select(.event == "step") | .step] | unique == [1, 2, 3, 4, 5]'
}

@test "who may not capture gets the socket's timestamps" {
    server
    listener
    run --separate-stderr without_capabilities "$TEREDOCTL" trace "$PEER" --server "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    json '.timestamp_source == "so_timestampns" and .verdict == "punched"'
}

@test "server and peer come from the environment" {
    server
    listener
    TEREDO_SERVER=$PRIMARY TEREDO_PEER=$PEER t trace --allow-private -q
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == punched:* ]]
}

@test "a known mapping needs no qualification" {
    server
    listener
    own=$("$TEREDOCTL" qualify "$PRIMARY" --allow-private --format=json --local-port 35438 | jq -r .teredo_address)
    t trace "$PEER" --from-port 35438 --own-address "$own" --allow-private --format=json -v
    [ "$status" -eq 0 ]
    json --arg own "$own" '.teredo_address == $own and .local.port == 35438'
    [[ $stderr != *", rs"* ]]
}

@test "exit 1: the peer is gone" {
    server
    listener
    kill -KILL "$LISTENER"
    wait_for bash -c "! kill -0 $LISTENER"
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=json --bubbles 3
    [ "$status" -eq 1 ]
    json '.verdict == "not_punched" and .cause == "peer_silent" and .steps[3].state == "missing"'
    json '.advice != "" and .rtt_s == null'
    json '.blame == "peer" and .loss.answered > 100 and .loss.odds < 0.0001'
}

@test "exit 2: one bubble pair without an answer proves nothing" {
    server
    listener
    kill -KILL "$LISTENER"
    wait_for bash -c "! kill -0 $LISTENER"
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=json --bubbles 1
    [ "$status" -eq 2 ]
    json '.verdict == "inconclusive" and .cause == "packets_lost" and .blame == "unknown"'
    json '.loss.odds > 0.0001 and (.evidence | index("peer_silence") | not)'
}

@test "exit 1: a peer's address that is not global is not sent to, without --allow-private" {
    server
    t trace 2001:0:c000:201::f5ff:fffe --server "$PRIMARY" --allow-private --format=json --bubbles 1
    json '.cause != "peer_not_global"'
    # 10.0.0.1
    peer=$("$TEREDOCTL" addr --encode --server 192.0.2.1 --mapped 10.0.0.1:40000 2>/dev/null)
    own=$("$TEREDOCTL" addr --encode --server 192.0.2.129 --mapped 203.0.113.1:40001 2>/dev/null)
    t trace "$peer" --from-port 40001 --own-address "$own" --format=json -v
    json '.cause == "peer_not_global"'
    [ "$status" -ne 0 ]
    [[ $stderr != *bubble* ]]
}

@test "a trace to ourselves is told as such" {
    server
    own=$("$TEREDOCTL" qualify "$PRIMARY" --allow-private --format=json --local-port 35437 | jq -r .teredo_address)
    t trace "$own" --server "$PRIMARY" --from-port 35437 --allow-private --format=json
    json '.cause == "peer_is_self"'
    [ "$status" -ne 0 ]
}

@test "exit 2: our own server is silent, or nobody listens there" {
    silent_server
    t trace 2001:0:c000:201::1 --server "$SILENT" --allow-private --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "inconclusive" and .cause == "own_server_silent" and .elapsed_s < 30'
    json '[.steps[].state] | all(. == "missing")'
    t trace 2001:0:c000:201::1 --server "$PRIMARY" --allow-private --timeout 60 --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "inconclusive" and .cause == "own_server_unreachable" and .elapsed_s < 30'
}

@test "exit 2: Ctrl-C, and the JSON is still printed, with the steps so far" {
    server
    listener
    kill -KILL "$LISTENER"
    start tracer trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=json -v
    wait_for sh -c '[ "$(grep -c " bubble" tracer.err)" -ge 2 ]'
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    output=$(cat tracer.out)
    json '.verdict == "inconclusive" and .cause == "interrupted"'
    json '[.steps[].state] == ["sent", "sent", "missing", "missing", "missing"]'
}

@test "exit 74: a full disk" {
    server
    listener
    sh_t "\$T trace $PEER --server $PRIMARY --allow-private >/dev/full"
    [ "$status" -eq 74 ]
    [[ $stderr == *"cannot write the results"* ]]
}

# charted FORMAT [OPTION…]: a trace on loopback, drawn
charted() {
    server
    listener --duration 60
    t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format="$1" "${@:2}"
}

@test "--format=ladder draws the five steps, the inferred ones dashed, the verdict under them" {
    charted ladder --width 100
    [ "$status" -eq 0 ]
    [[ $output == *"─ "*"1 direct bubble"*"✗"* ]]
    [[ $output == *"2 indirect bubble"*"3 bubble with origin"*"4 direct bubble"*"5 echo request"*"5 echo reply"* ]]
    [[ $output == *"A dashed arrow is inferred"* ]]
    [[ ${lines[-1]} == "punched: "* ]]
    # Nothing stands between the two: the evidence shows no NAT of ours.
    [[ $output != *"NAT A"* ]]
}

@test "the ladder keeps to every width, and to ASCII where it must" {
    local width line
    server
    listener --duration 60
    for width in 60 80 120 200; do
        t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=ladder --width "$width"
        [ "$status" -eq 0 ]
        while IFS= read -r line; do [ "${#line}" -le "$width" ]; done <<<"$output"
    done
    t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=ladder --ascii
    LC_ALL=C grep -q '[^ -~]' <<<"$output" && return 1
    [[ $output == *">X"* ]]
    LC_ALL=C t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=ladder
    LC_ALL=C grep -q '[^ -~]' <<<"$output" && return 1
    COLUMNS=70 t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=ladder
    while IFS= read -r line; do [ "${#line}" -le 70 ]; done <<<"$output"
}

@test "--format=mermaid is a sequence diagram" {
    charted mermaid
    [ "$status" -eq 0 ]
    mermaid_is_valid
    [[ $output == *"--x"*"1 direct bubble"* ]]
}

@test "--format=svg is a picture" {
    charted svg
    [ "$status" -eq 0 ]
    svg_is_valid
    [[ $output == *">4 direct bubble"* ]]
}

@test "a chart where the own server is silent says so, and is a chart" {
    silent_server
    t trace 2001:0:7f00:1::1 --server "$SILENT" --allow-private --format=mermaid
    [ "$status" -eq 2 ]
    mermaid_is_valid
    [[ $output == *"inconclusive: "* ]]
    t trace 2001:0:7f00:1::1 --server "$SILENT" --allow-private --format=svg
    svg_is_valid
    [[ $output != *">1 direct bubble"* ]]
}

@test "a full disk is 74 for charts too" {
    for format in ladder mermaid svg; do
        sh_t "\$T trace 2001:0:7f00:1::1 --server $PRIMARY --allow-private --format=$format >/dev/full"
        [ "$status" -eq 74 ]
    done
}

@test "on a terminal a status line tells what trace waits for, and is erased" {
    silent_server
    on_terminal trace 2001:0:7f00:1::1 --server "$SILENT" --allow-private --timeout 2.5
    [ "$status" -eq 2 ]
    [[ $output == *"waiting for the server $SILENT:3544: solicitation "*" of 3, "*" s left"* ]]
    [[ ${output##*s left} == *$'\r\e[K'*"inconclusive"* ]]
}

@test "colour in a ladder follows --color and NO_COLOR" {
    charted ladder --color always
    [[ $output == *$'\e[0;1;31m✗'* && $output == *$'\e[1;32mpunched\e[0m: '* ]]
    t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=ladder
    [[ $output != *$'\e'* ]]
    NO_COLOR=1 on_terminal trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --format=ladder
    [[ $output != *$'\e[0;1'* ]]
}
