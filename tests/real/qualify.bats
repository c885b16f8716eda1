#!/usr/bin/env bats
# `teredoctl qualify` against Debian's miredo-server, through netfilter's NAT.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load internet

setup_file() {
    [ -z "$(missing)" ] || return 0
    internet_up
    miredo_server s1 192.0.2.1 192.0.2.2
}

teardown_file() {
    internet_down
}

setup() {
    need_root
    masquerade na
}

@test "behind a masquerade: cone or restricted, with the endpoint that the NAT gave us" {
    on a qualify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    json '.schema == 1 and .command == "qualify"'
    json '.verdict == "qualified" and .reason == "both_agree" and .nat == "cone_or_restricted"'
    json '.server == {address: "192.0.2.1", port: 3544} and .secondary == {address: "192.0.2.2", port: 3544}'
    json '.local.address == "100.64.1.2" and .mapped.address == "203.0.113.10"'
    json '.local.port == .mapped.port and .mapped == .mapped_secondary'
    json '.teredo_address | startswith("2001:0:c000:201:") and endswith(":34ff:8ef5")'
    json '.prefix == "2001:0:c000:201::" and .mtu == 1280'
    json '.rtt_s > 0 and .elapsed_s >= .rtt_s and .elapsed_s < 30'
    json '.checks | length == 14 and all(.ok != false and .rejected == 0)'
}

@test "every JSON key that scripts rely on is there" {
    on a qualify 192.0.2.1 --format=json
    for key in schema command verdict reason server secondary teredo_address local mapped \
        mapped_secondary nat rtt_s elapsed_s mtu checks; do
        json --arg key "$key" 'has($key)'
    done
    json '[.checks[] | has("rule") and has("rfc") and has("ok")] | all'
}

@test "the address is the mapped endpoint, as addr takes it apart" {
    on a qualify 192.0.2.1 --format=json --local-port 40123
    [ "$status" -eq 0 ]
    json '.local.port == 40123 and .mapped == {address: "203.0.113.10", port: 40123}'
    mapped=$(jq -c .mapped <<<"$output")
    on a addr --format=json "$(jq -r .teredo_address <<<"$output")"
    [ "$status" -eq 0 ]
    json --argjson mapped "$mapped" '[.. | objects | select(.address? and .port?) | {address, port}] | index($mapped) != null'
}

@test "flags are random, as RFC 5991 asks: never the same address twice" {
    for _ in 1 2 3; do
        on a qualify 192.0.2.1 --format=json --local-port 40124
        [ "$status" -eq 0 ]
        jq -r .teredo_address <<<"$output" >>"$BATS_TEST_TMPDIR/addresses"
    done
    [ "$(sort -u "$BATS_TEST_TMPDIR/addresses" | wc -l)" -ge 2 ]
}

@test "behind a masquerade with random ports: symmetric, and so not qualified" {
    masquerade na fully-random
    on a qualify 192.0.2.1 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .reason == "symmetric_nat" and .nat == "symmetric"'
    json '.mapped.address == "203.0.113.10" and .mapped_secondary.address == "203.0.113.10"'
    json '.mapped.port != .mapped_secondary.port'
}

@test "without a NAT: none" {
    in_ns na nft flush ruleset
    on na qualify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.nat == "none" and .local == .mapped and .mapped.address == "203.0.113.10"'
}

@test "a closed port is told at once" {
    on a qualify 192.0.2.1:3545 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "not_qualified" and .reason == "port_unreachable" and .elapsed_s < 30'
    json '.icmp == {type: 3, code: 3, text: "port unreachable", from: "192.0.2.1"}'
    json '.server.port == 3545 and .teredo_address == null and .mapped == null'
}

@test "a host that is not there is told by the router's ICMP" {
    in_ns core ip route add unreachable 192.0.2.64/30
    on a qualify 192.0.2.65 --format=json
    in_ns core ip route del unreachable 192.0.2.64/30
    [ "$status" -eq 1 ]
    json '.reason == "host_unreachable" and .elapsed_s < 30 and .icmp.from == "203.0.113.1"'
}

@test "a network that nobody knows is told by the router's ICMP" {
    on a qualify 198.18.0.1 --allow-private --format=json
    [ "$status" -eq 1 ]
    json '.reason == "net_unreachable" and .elapsed_s < 30 and .icmp.from == "203.0.113.1"'
}

@test "a firewall that says so is told as prohibited" {
    in_ns core ip route add prohibit 192.0.2.64/30
    on a qualify 192.0.2.65 --format=json
    in_ns core ip route del prohibit 192.0.2.64/30
    [ "$status" -eq 1 ]
    json '.reason == "prohibited" and .elapsed_s < 30 and .icmp.code == 13'
}

@test "a firewall that says nothing: no reply, told after the timeout" {
    in_ns core ip route add blackhole 192.0.2.64/30
    on a qualify 192.0.2.65 --format=json
    in_ns core ip route del blackhole 192.0.2.64/30
    [ "$status" -eq 1 ]
    json '.reason == "no_reply" and .elapsed_s >= 1 and .elapsed_s < 30 and .icmp == null'
}

@test "a secondary address that is filtered leaves the NAT's type unknown" {
    in_ns core ip route add blackhole 192.0.2.2
    on a qualify 192.0.2.1 --format=json
    in_ns core ip route del blackhole 192.0.2.2
    json '.reason == "only_primary_replied" and .nat == "unknown" and .mapped_secondary == null'
    json '.mapped.address == "203.0.113.10"'
    [ "$status" -eq 2 ]
}

@test "a host without a route is told that, by its own system" {
    run --separate-stderr unshare -n "$TEREDOCTL" qualify 192.0.2.1 --format=json 3>&-
    [ "$status" -eq 1 ]
    json '.reason == "no_route" and .elapsed_s < 30'
}

