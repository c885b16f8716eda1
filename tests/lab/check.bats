#!/usr/bin/env bats
# `teredoctl check` and `teredoctl qualify` with several servers behind the NATs of the lab.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0

setup() {
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    export LC_ALL=C.UTF-8
    cd "$BATS_TEST_TMPDIR" || return
}

# in_lab NAT COMMAND…
in_lab() {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a "$1" -- "${@:2}"
    # shellcheck disable=SC2154 # stderr is bats'
    echo "$1: $status $output" "$stderr"
}

@test "behind every NAT the bubble to ourselves comes back, without hairpinning" {
    local nat
    for nat in none cone address-restricted port-restricted symmetric firewall \
        mapping=address-port,filtering=address-port,ports=random,hairpin=no; do
        in_lab "$nat" teredoctl check --format=json
        [ "$status" -eq 0 ]
        jq -e '.status == "ok" and .relay.state == "works" and .relay.sent >= 1 and .relay.rtt_s > 0' <<<"$output"
    done
}

@test "what the links cost is in the round trips" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a port-restricted --delay 10ms -- \
        teredoctl check -w 0.01 -c 5
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "TEREDO WARNING - 192.0.2.1:3544 answers in "*", outside of 0.01 s, bubbles relayed, mapped 203.0.113.10:"* ]]
    [[ $output =~ \|\ rtt=([0-9.]+)s\;0.01\;5\;0\ relay_rtt=([0-9.]+)s ]]
    awk -v a="${BASH_REMATCH[1]}" -v b="${BASH_REMATCH[2]}" 'BEGIN { exit !(a >= 0.04 && b >= 0.04) }'
}

@test "lost bubbles are sent again" {
    local seed
    for seed in 1 2 3 4; do
        run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a cone --loss 10% --seed "$seed" -- \
            teredoctl check --format=json -t 20
        echo "$output"
        jq -e '.relay.state == "works" or (.status == "unknown" and .cause == "packets_lost") or
            .qualification.verdict != "qualified"' <<<"$output"
    done
}

@test "a blocked client, and a server that is not there, are CRITICAL" {
    in_lab blocked teredoctl check -t 2
    [ "$status" -eq 2 ]
    [[ $output == "TEREDO CRITICAL - 192.0.2.1:3544: "* ]]
    in_lab cone teredoctl check 192.0.2.77
    [ "$status" -eq 2 ]
    [[ $output == "TEREDO CRITICAL - 192.0.2.77:3544: a router says: host unreachable" ]]
}

@test "several servers, from one port, have one mapping unless the NAT is symmetric" {
    in_lab port-restricted teredoctl qualify 192.0.2.1 192.0.2.129 --format=json
    [ "$status" -eq 0 ]
    jq -e '([.results[].mapped] | unique | length) == 1 and all(.results[]; .nat == "cone_or_restricted")' <<<"$output"
    in_lab symmetric teredoctl qualify 192.0.2.1 192.0.2.129 --format=json
    [ "$status" -eq 1 ]
    jq -e '([.results[].mapped] | unique | length) == 2 and all(.results[]; .nat == "symmetric")' <<<"$output"
}

@test "--sort=rtt puts the near server first" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --delay s1=30ms -- \
        teredoctl qualify 192.0.2.1 192.0.2.77 192.0.2.129 --sort=rtt --format=json
    echo "$output"
    [ "$(jq -c '[.results[].name]' <<<"$output")" = '["192.0.2.129","192.0.2.1","192.0.2.77"]' ]
}

@test "a trace that repeats keeps its numbers and its status" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab -- \
        sh -c 'timeout -s INT 3 teredoctl trace --every 0.5 --format=json >out; echo $?'
    echo "$output"
    # timeout says 124 for a command that it had to end; teredoctl itself ended by itself.
    [ "$output" = 124 ] || [ "$output" = 0 ]
    [ "$(jq -s 'length' out)" -ge 2 ]
    # The signal may come in the middle of the last round.
    jq -es 'all(.[:-1][]; .verdict == "punched") and ([.[].round] == [range(1; length + 1)]) and
        (last | .verdict == "punched" or .cause == "interrupted")' out
}
