#!/usr/bin/env bats
# `teredoctl qualify` on loopback, with `teredoctl serve` as the server.

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

@test "usage errors" {
    t qualify
    usage_error "no SERVER given, and TEREDO_SERVER is not set"
    t classify 192.0.2.1 192.0.2.2
    usage_error "only one SERVER"
    for server in '' ::1 192.0.2.1:0 192.0.2.1:65536 192.0.2.1:x :3544; do
        t qualify "$server"
        usage_error "is not a server"
    done
}

@test "exit 0: qualified" {
    server
    t qualify "$PRIMARY" --secondary "$SECONDARY" --allow-private
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ ${lines[0]} == qualified:* ]]
    for word in 'teredo address   2001:0:7f' "server           $PRIMARY:3544" "secondary        $SECONDARY:3544" \
        'mapped           127.0.0.1:' 'nat              none' 'mtu              1280' 'round trip'; do
        [[ $output == *"$word"* ]]
    done
}

@test "JSON has every key, and jsonl ends with the same object" {
    server
    t qualify "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    for key in schema command verdict reason server secondary teredo_address local mapped \
        mapped_secondary nat rtt_s elapsed_s mtu checks; do
        json --arg key "$key" 'has($key)'
    done
    json '.schema == 1 and .command == "qualify" and .verdict == "qualified" and .nat == "none"'
    json '.local == .mapped and .mapped == .mapped_secondary and .mtu == 1280'
    json --arg s "$PRIMARY" '.server == {address: $s, port: 3544}'
    keys=$(jq -c 'keys_unsorted' <<<"$output")
    t qualify "$PRIMARY" --allow-private --format=jsonl
    json -s --argjson keys "$keys" '.[-1] | (keys_unsorted - ["event"]) == $keys and .event == "verdict"'
    [ "${#lines[@]}" -eq 1 ]
}

@test "--explain lists all rules, each with its section" {
    server
    t qualify "$PRIMARY" --allow-private --explain
    [ "$status" -eq 0 ]
    for rule in source_endpoint encapsulation nonce confirmation_byte authentication_value \
        router_advertisement checksum hop_limit inner_source inner_destination one_prefix prefix \
        origin_present origin_global; do
        grep -qE "^    (ok|not asked) +$rule +RFC [0-9]+ [0-9.]+ +[a-zA-Z]" <<<"$output"
    done
    [ "$(grep -cE '^    (ok|not asked|not seen|FAILED) ' <<<"$output")" -eq 14 ]
}

@test "a port, a local port, an MTU of one's own" {
    server --port 35440 --mtu 1400
    t qualify "$PRIMARY:35440" --allow-private --local-port 35439 --format=json
    [ "$status" -eq 0 ]
    json '.server.port == 35440 and .secondary.port == 35440 and .local.port == 35439 and .mtu == 1400'
}

@test "the server's name may come from the environment, and is overruled by the argument" {
    server
    TEREDO_SERVER=$PRIMARY t qualify --allow-private
    [ "$status" -eq 0 ]
    TEREDO_SERVER=no-such-name.invalid t qualify "$PRIMARY" --allow-private
    [ "$status" -eq 0 ]
}

@test "a server by name" {
    grep -qE '^127\.0\.0\.1.*[[:space:]]localhost' /etc/hosts || skip "localhost has no address here"
    t qualify localhost:9 --allow-private --format=json
    [ "$status" -eq 1 ]
    json '.server == {address: "127.0.0.1", port: 9}'
}

@test "exit 1: a closed port is told at once" {
    t qualify "$PRIMARY" --allow-private --timeout 60 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .reason == "port_unreachable" and .elapsed_s < 30'
    json '.icmp.code == 3 and .advice != "" and .teredo_address == null and .rtt_s == null'
    json '[.checks[].ok] | all(. == null)'
}

@test "exit 1: a silent server is told after the timeout, and --timeout shortens it" {
    silent_server
    t qualify "$SILENT" --allow-private --format=json
    [ "$status" -eq 1 ]
    json '.reason == "no_reply" and .elapsed_s >= 1.4'
    t qualify "$SILENT" --allow-private --format=json --timeout 0.3
    [ "$status" -eq 1 ]
    json '.reason == "no_reply" and .elapsed_s >= 0.29'
    short=$(jq .elapsed_s <<<"$output")
    t qualify "$SILENT" --allow-private --format=json --timeout 8
    json --argjson short "$short" '.reason == "no_reply" and .elapsed_s >= 7.9 and $short < .elapsed_s'
}

@test "exit 1: this host has no route" {
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" qualify 192.0.2.1 --timeout 60 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .reason == "no_route" and .elapsed_s < 30'
    json '.system_error | test("unreachable")'
}

@test "exit 2: only the primary address answers, or only the secondary" {
    server
    silent_server
    t qualify "$PRIMARY" --secondary "$SILENT" --allow-private --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "inconclusive" and .reason == "only_primary_replied" and .nat != "symmetric"'
    json '.mapped.address == "127.0.0.1" and .mapped_secondary == null'
    t qualify "$SILENT" --secondary "$SECONDARY" --allow-private --format=json
    json '.reason != "both_agree" and .mapped == null'
    [ "$status" -ne 0 ]
}

@test "exit 2: interrupted, and what is known so far is printed" {
    silent_server
    start q qualify "$SILENT" --allow-private --timeout 60 --format=json -v
    wait_for grep -q ' rs$' q.err
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    output=$(cat q.out)
    json '.verdict == "inconclusive" and .reason == "interrupted" and .elapsed_s < 50'
}

@test "an advertisement with a private origin is not believed without --allow-private" {
    server
    t qualify "$PRIMARY" --format=json
    [ "$status" -eq 1 ]
    json '.reason == "replies_rejected" and .teredo_address == null'
    json '[.checks[] | select(.ok == false) | .rule] == ["origin_global"]'
    json 'any(.checks[]; .rule == "origin_global" and .rejected >= 1)'
    t qualify "$PRIMARY"
    [[ $stderr == *"rule origin_global"* ]]
    [[ $output == *"broke rule origin_global (RFC 4380 4)"* ]]
}

@test "an advertisement with another server's prefix is not believed" {
    server
    silent_server
    # The secondary address advertises the primary's prefix.
    t qualify "$SECONDARY" --secondary "$SILENT" --allow-private --format=jsonl
    [ "$status" -eq 1 ]
    json -s '.[-1].reason == "replies_rejected"'
    json -s '.[-1].checks[] | select(.rule == "prefix") | .ok == false'
    json -s 'any(.[]; .event == "rejected" and .rule == "prefix")'
}

@test "secure qualification: the right secret" {
    printf 'me:open sesame\n' >secrets
    chmod 600 secrets
    printf 'open sesame\n' >secret
    server --auth-secret-file secrets --require-auth
    t qualify "$PRIMARY" --allow-private --auth-id me --auth-secret-file secret --format=json
    [ "$status" -eq 0 ]
    json '.checks[] | select(.rule == "authentication_value") | .ok == true'
    json '.checks[] | select(.rule == "confirmation_byte") | .ok == true'
}

@test "secure qualification: the wrong secret, and none" {
    printf 'me:open sesame\n' >secrets
    chmod 600 secrets
    printf 'open barley\n' >secret
    server --auth-secret-file secrets --require-auth
    t qualify "$PRIMARY" --allow-private --auth-id me --auth-secret-file secret --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .teredo_address == null'
    t qualify "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified"'
}

@test "a server that knows no secrets is not believed by a client that asks for proof" {
    server
    printf 'open sesame\n' >secret
    t qualify "$PRIMARY" --allow-private --auth-id me --auth-secret-file secret --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .teredo_address == null'
}

@test "colour: never into a file, unless asked for; NO_COLOR and --color=never win on a terminal" {
    server
    esc=$'\033'
    t qualify "$PRIMARY" --allow-private
    [[ $output != *"$esc"* ]]
    t qualify "$PRIMARY" --allow-private --color=always
    [[ $output == *"${esc}[1;32mqualified${esc}[0m"* ]]
    command="$TEREDOCTL qualify $PRIMARY --allow-private"
    run script -qec "$command" /dev/null
    [[ $output == *"$esc"* ]]
    run script -qec "$command --color=never" /dev/null
    [[ $output != *"$esc"* ]]
    NO_COLOR=1 run script -qec "$command" /dev/null
    [[ $output != *"$esc"* ]]
    t qualify "$PRIMARY" --allow-private --color=always --format=json
    [[ $output != *"$esc"* ]]
}

@test "-q prints the verdict alone, -v logs every packet on standard error" {
    server
    t qualify "$PRIMARY" --allow-private -q
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [ -z "$stderr" ]
    t qualify "$PRIMARY" --allow-private -v
    [ "$(grep -cE "^20[0-9T:.-]+Z 127[0-9.:]+ > 127[0-9.:]+ 61 bytes, rs$" <<<"$stderr")" -eq 2 ]
    [ "$(grep -c ' ra, origin indication$' <<<"$stderr")" -eq 2 ]
}

@test "--attempts 1 solicits each address once" {
    silent_server
    t qualify "$SILENT" --allow-private --attempts 1 -v --timeout 0.5
    [ "$status" -eq 1 ]
    [ "$(grep -c ', rs$' <<<"$stderr")" -eq 2 ]
    t qualify "$SILENT" --allow-private -v
    [ "$(grep -c ', rs$' <<<"$stderr")" -eq 6 ]
}

@test "--write saves the packets, readable as a capture" {
    server
    t qualify "$PRIMARY" --allow-private --write packets.pcap
    [ "$status" -eq 0 ]
    # The magic number of nanosecond captures, then four packets: 24 + 2 x (16 + 89) + 2 x (16 + 145)
    [ "$(od -An -tx4 -N4 packets.pcap | tr -d ' ')" = a1b23c4d ]
    [ "$(stat -c %s packets.pcap)" -eq 556 ]
}

@test "on a terminal a status line tells what qualify waits for; not with -q, and never in a pipe" {
    silent_server
    on_terminal qualify "$SILENT" --allow-private --timeout 2.5
    [ "$status" -eq 1 ]
    [[ $output == *"waiting for the server $SILENT:3544: solicitation 3 of 3, "*" s left"* ]]
    [[ ${output##*s left} == $'\r\e[K'*"not qualified"* ]]
    on_terminal qualify "$SILENT" --allow-private --timeout 2.5 -q
    [[ $output != *"waiting"* ]]
    t qualify "$SILENT" --allow-private --timeout 2.5
    [[ $stderr != *"waiting"* && $output != *"waiting"* ]]
}

@test "a status line is cut to the terminal's width" {
    silent_server
    COLUMNS=40 on_terminal qualify "$SILENT" --allow-private --timeout 2.5
    [[ $output == *"waiting for the server"* && $output != *" s left"* ]]
}

@test "no status line where the terminal cannot erase" {
    silent_server
    output=$(TERM=dumb script -qec "$TEREDOCTL qualify $SILENT --allow-private --timeout 2.5" /dev/null </dev/null) ||
        [ $? -eq 1 ]
    [[ $output == *"not qualified"* && $output != *"waiting"* ]]
}

@test "Ctrl-C does not wait for the name of the server; exit 2" {
    [ -n "${ISOLATED-}" ] || skip "this user may not make namespaces, in which a name server is"
    # It takes questions for malformed packets, and answers none.
    start names serve --address 127.0.0.1 --port 53 --allow-private -v
    wait_for grep -q ready names.out
    start q qualify name.example.net
    wait_for grep -q malformed names.err
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    [ ! -s q.out ]
    [ "$(cat q.err)" = "teredoctl qualify: interrupted while looking for 'name.example.net'" ]
}
