#!/usr/bin/env bats
# ICMP errors that somebody off the path has forged (RFC 5927), and real ones.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
    [ "$(id -u)" -eq 0 ] || skip "raw sockets, which forge, are root's"
    server
}

teardown() {
    kill -CONT "$SERVER" || true
    common_teardown
}

# forged COMMAND…: while it asks the server, which is stopped, errors come; then the server answers.
# Sets status, output
forged() {
    kill -STOP "$SERVER"
    start client "$@" --local-port 4000 --allow-private --no-capture --format=json
    wait_for has_asked
    python3 "${BATS_TEST_FILENAME%/*}/forge_icmp.py" "$PRIMARY" 127.0.0.1 4000 "$SERVER"
    ended "$PID"
    output=$(cat client.out)
    cat client.out client.err
}

# The solicitation waits for the server.
has_asked() {
    ss -Hlun "src $PRIMARY:3544" | awk '{ exit !($2 > 0) }'
}

@test "forged errors do not end a qualification: the server's answer outranks them" {
    forged qualify "$PRIMARY" -v
    [ "$status" -eq 0 ]
    json '.verdict == "qualified" and .icmp.code == 3'
    grep -q 'ICMP: port unreachable (it quotes nothing that was sent)' client.err
}

@test "nor do they fail a check, or a classification" {
    forged check "$PRIMARY"
    [ "$status" -eq 0 ]
    json '.status == "ok"'
    forged classify "$PRIMARY"
    json '.reachability == "both_answered"'
}

@test "a closed port is told at once where its host quotes what was sent" {
    kill -KILL "$SERVER"
    wait_for test ! -e "/proc/$SERVER/exe"
    t qualify "$PRIMARY" --allow-private --no-capture --timeout 60 --format=json
    [ "$status" -eq 1 ]
    json '.reason == "port_unreachable" and (.evidence | index("primary_refusal") != null) and .elapsed_s < 1'
}
