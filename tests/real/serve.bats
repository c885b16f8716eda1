#!/usr/bin/env bats
# `teredoctl serve` in place of Debian's miredo-server, with Debian's miredo as client.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load internet

setup_file() {
    [ -z "$(missing ping)" ] || return 0
    internet_up
    our_server s1 192.0.2.1 192.0.2.2
    our_server s2 192.0.2.129 192.0.2.130
}

teardown_file() {
    internet_down
}

setup() {
    need_root ping
}

teardown() {
    [ "$(id -u)" -ne 0 ] || { silence a && silence b; }
}

@test "miredo qualifies with our server, and our trace punches to it" {
    miredo_peer b 192.0.2.129
    [[ $PEER == 2001:0:c000:281:* && $PEER == *:39cc:9beb ]]
    on a trace "$PEER" --server 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.verdict == "punched" and ([.steps[].state] == ["sent", "sent", "inferred", "received", "received"])'
}

@test "miredo punches through our servers to our listener" {
    miredo_client a 192.0.2.1
    our_listener b 192.0.2.129
    run in_ns a ping -6 -n -c 2 -W 3 "$PEER" 3>&-
    printf '%s\n' "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"2 received"* ]]
    end_processes INT b
    wait "$LISTENER"
    cat "$TEST_DIR/b.out"
    grep -q 'indirect bubble through our server' "$TEST_DIR/b.out"
    grep -q 'the direct path is open' "$TEST_DIR/b.out"
}

@test "miredo punches to miredo through our servers" {
    miredo_client a 192.0.2.1
    miredo_peer b 192.0.2.129
    run in_ns a ping -6 -n -c 2 -W 3 "$PEER" 3>&-
    printf '%s\n' "$output"
    [ "$status" -eq 0 ]
}

@test "our trace punches to our listener, which repeats the nonce" {
    our_listener b 192.0.2.129
    on a trace "$PEER" --server 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.verdict == "punched" and .proof == "nonce"'
    on a trace "$PEER" --server 192.0.2.1 --proof=link-local --format=json
    [ "$status" -eq 0 ]
    # Its bubbles carry a nonce too, the stronger proof; miredo's answer shows the other (punch.bats).
    json '.verdict == "punched" and .proof == "nonce"'
    on a trace "$PEER" --server 192.0.2.1 --proof=endpoint --format=json
    [ "$status" -eq 0 ]
    json '.verdict == "punched" and .proof == "endpoint"'
}

@test "a peer behind a symmetric NAT answers through our server alone, which sees it at another endpoint" {
    masquerade nb fully-random
    our_listener b 192.0.2.129
    on a trace "$PEER" --server 192.0.2.1 --format=json
    masquerade nb
    [ "$status" -eq 1 ]
    json '.verdict == "not_punched" and .cause == "peer_nat_symmetric" and .blame == "peer_nat" and
        .nat == "cone_or_restricted" and .peer_origin.port != .peer_mapped.port'
    json '.indirect_answers >= 1 and .steps[3].state == "missing" and .steps[4].state == "missing"'
}

@test "behind a symmetric NAT of our own nothing comes back, and the trace says what explains it" {
    our_listener b 192.0.2.129
    masquerade na fully-random
    on a trace "$PEER" --server 192.0.2.1 --bubbles 2
    masquerade na
    [ "$status" -eq 1 ]
    [[ $output == *"nat symmetric"* ]]
    [[ $output == *"our own NAT is symmetric"* ]]
}

@test "the servers' counters tell what they did" {
    our_listener b 192.0.2.129
    on a trace "$PEER" --server 192.0.2.1
    [ "$status" -eq 0 ]
    end_processes USR1 s2
    wait_for grep -q relayed "$TEST_DIR/s2.log"
    end_processes TERM s2
    wait_for nothing_runs_on s2
    output=$(cat "$TEST_DIR/s2.json")
    json '.relayed >= 1 and .advertised >= 2'
}
