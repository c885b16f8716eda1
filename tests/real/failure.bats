#!/usr/bin/env bats
# What `teredoctl trace` says when the hole is not punched. Each test has an internet of its own: a
# failure leaves state in the NATs.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load internet

setup() {
    need_root
    export NS_PREFIX=tdf$$
    export TEST_DIR=$BATS_TEST_TMPDIR
    internet_up
    miredo_server s1 192.0.2.1 192.0.2.2
    miredo_server s2 192.0.2.129 192.0.2.130
    miredo_peer b 192.0.2.129
}

teardown() {
    internet_down
}

not_punched() { # CAUSE [STATE-OF-STEP-3]
    [ "$status" -eq 1 ]
    json --arg cause "$1" '.verdict == "not_punched" and .cause == $cause and .advice != "" and .text != ""'
    json '.rtt_s == null and .steps[0].state == "sent" and .steps[1].state == "sent"'
    json --arg third "${2:-missing}" '[.steps[2:][].state] == [$third, "missing", "missing"]'
    json '[.steps[3:][] | .when, .offset_s, .from, .to] | all(. == null)'
}

@test "the trap: a NAT that keeps state for the unsolicited bubble is named" {
    trap_at nb
    on a trace "$PEER" --server 192.0.2.1 --format=json
    # The answer to the control shows that the server forwards.
    not_punched peer_nat_trips_on_direct_bubble inferred
    json '.advice | contains("--ttl")'
    json '.attempts >= 3 and .answered_from == null'
}

@test "the trap: --ttl 2 goes round it" {
    trap_at nb
    on a trace "$PEER" --server 192.0.2.1 --ttl 2 --format=json
    [ "$status" -eq 0 ]
    json '.verdict == "punched"'
    # The same without it, to show that the trap was there.
    on a trace "$PEER" --server 192.0.2.1 --format=json
    not_punched peer_nat_trips_on_direct_bubble inferred
}

@test "the trap is not seen where there is none: without it the same trace punches" {
    on a trace "$PEER" --server 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.cause == "none"'
}

@test "the peer's server is dead: its host says port unreachable" {
    silence s2
    on a trace "$PEER" --server 192.0.2.1 --format=json
    not_punched peer_server_unreachable
    json '.icmp.code == 3 and .icmp.from == "192.0.2.129" and (.peer_server_alive | not)'
}

@test "the peer's server is gone: a router says host unreachable" {
    in_ns core ip route add unreachable 192.0.2.129
    on a trace "$PEER" --server 192.0.2.1 --format=json
    not_punched peer_server_unreachable
    json '.icmp.code == 1 and .icmp.from == "203.0.113.1" and .peer_server_alive == false'
}

@test "the peer's server is silent" {
    in_ns core ip route add blackhole 192.0.2.129
    on a trace "$PEER" --server 192.0.2.1 --format=json
    not_punched peer_server_silent
    json '.icmp == null and .peer_server_alive == false'
}

@test "the peer is gone, its server lives" {
    silence b
    on a trace "$PEER" --server 192.0.2.1 --format=json
    not_punched peer_silent
    json '.peer_server_alive and .attempts == 4'
}

@test "the peer's NAT has forgotten its mapping" {
    masquerade nb
    in_ns nb nft add table ip gone
    in_ns nb nft 'add chain ip gone before { type filter hook prerouting priority -400; }'
    in_ns nb nft add rule ip gone before iifname nb-core udp sport 3544 drop
    on a trace "$PEER" --server 192.0.2.1 --format=json
    not_punched peer_silent
}

@test "--bubbles 1 gives up after one pair" {
    silence b
    on a trace "$PEER" --server 192.0.2.1 --bubbles 1 --format=json
    [ "$status" -eq 2 ]
    json '.attempts == 1 and .cause == "packets_lost"'
}

@test "bubbles cross, and the host of a peer without RFC 6081 drops our echo requests: data is not proven" {
    in_ns b nft add table ip6 filter
    in_ns b nft 'add chain ip6 filter in { type filter hook input priority 0; }'
    in_ns b nft add rule ip6 filter in icmpv6 type echo-request drop
    on a trace "$PEER" --server 192.0.2.1 --format=json
    json '.verdict == "inconclusive" and .cause == "data_unproven" and .rtt_s == null'
    json '[.steps[].state] == ["sent", "sent", "inferred", "received", "sent"]'
    [ "$status" -eq 2 ]
}

@test "our own server is dead, or silent: inconclusive" {
    silence s1
    on a trace "$PEER" --server 192.0.2.1 --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "inconclusive" and .cause == "own_server_unreachable" and .elapsed_s < 30'
    json '[.steps[].state] | all(. == "missing")'
    in_ns core ip route add blackhole 192.0.2.0/29
    on a trace "$PEER" --server 192.0.2.1 --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "inconclusive" and .cause == "own_server_silent" and .elapsed_s < 30'
}

@test "the peer's first answers are lost: the second bubble pair punches" {
    # Two answers: to the bubble, and to the control beside it.
    in_ns core nft -f - <<'END'
table ip loss {
    chain forward {
        type filter hook forward priority 0;
        iifname "core-nb" oifname "core-na" numgen inc mod 1000000 < 2 drop
    }
}
END
    on a trace "$PEER" --server 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.verdict == "punched" and .attempts == 2 and .elapsed_s > 2'
    # The steps are those of the pair that worked.
    json '[.steps[].offset_s] | .[0] == 0 and . == sort and .[4] < 1'
}
