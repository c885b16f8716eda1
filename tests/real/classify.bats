#!/usr/bin/env bats
# `teredoctl classify` against Debian's miredo-server, through netfilter's NATs; and the lab's NATs
# beside netfilter's, where netfilter can do the same.

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
    unset TEREDO_EXTRA_PORT
    masquerade na
}

# one_to_one MATCH: everything that reaches the NAT goes to host a
one_to_one() {
    in_ns na nft -f - <<EOF
flush ruleset
table ip nat {
    chain in {
        type nat hook prerouting priority -100;
        $1 ip daddr 203.0.113.10 meta l4proto udp dnat to 100.64.1.2
    }
    chain out {
        type nat hook postrouting priority 100;
        ip saddr 100.64.1.0/24 meta l4proto udp snat to 203.0.113.10
    }
}
EOF
}

# words: what was found, in one line
words() {
    jq -r '[.nat, .mapping, .filtering, .port_allocation, .hairpinning] | map(tostring) | join(" ")' \
        <<<"$output"
}

# same_in_lab NAT: the lab's NAT is classified in the same words, by the same kind of server
same_in_lab() {
    local here
    here=$(words)
    run --separate-stderr "$TEREDOCTL" lab --nat-a "$1" -- \
        env -u TEREDO_EXTRA_PORT teredoctl classify --format=json 3>&-
    echo "lab, $1: $output"
    [ "$(words)" = "$here" ]
}

@test "a masquerade is port-restricted and preserves ports; the lab agrees" {
    on a classify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(words)" = "port_restricted endpoint_independent address_and_port_dependent preserving false" ]
    json '.rfc4380 == "restricted" and .netsh == "restricted (port)" and .pooling == "one_address"'
    json '.local.address == "100.64.1.2" and .mapped.address == "203.0.113.10"'
    json '.error_odds > 0 and .error_odds < 0.0001 and .elapsed_s < 30'
    same_in_lab port-restricted
}

@test "a masquerade with random ports is symmetric; the lab agrees" {
    masquerade na fully-random
    on a classify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ "$(words)" = "symmetric endpoint_dependent endpoint_dependent random null" ]
    json '.rfc4380 == "symmetric" and .mapped != .mapped_secondary'
    json '[.punching[] | select(.peer == "port_restricted").outcome] == ["no"]'
    same_in_lab symmetric
}

@test "a 1:1 NAT is a cone; the lab agrees" {
    one_to_one 'iifname "na-core"'
    on a classify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ "$(words)" = "cone endpoint_independent endpoint_independent preserving false" ]
    json '[.punching[].outcome] == ["direct", "direct", "direct", "direct", "rfc6081", "rfc6081", "rfc6081"]'
    same_in_lab cone
}

@test "a 1:1 NAT that hairpins is told to; the lab agrees" {
    one_to_one ''
    on a classify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ "$(words)" = "cone endpoint_independent endpoint_independent preserving true" ]
    same_in_lab cone,hairpin=yes
}

@test "no NAT: none; behind its own stateful firewall: firewall; the lab agrees" {
    in_ns na nft flush ruleset
    on na classify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ "$(words)" = "none endpoint_independent endpoint_independent null null" ]
    same_in_lab none
    in_ns na nft -f - <<EOF
table ip filter {
    chain unasked {
        type filter hook input priority 0;
        ct state new drop
    }
}
EOF
    on na classify 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    [ "$(words)" = "firewall endpoint_independent address_and_port_dependent null null" ]
    same_in_lab firewall
}

@test "the trap of netfilter, which keeps state for what was not asked for, is found and changes no word" {
    trap_at na
    for _ in 1 2 3; do
        forget na
        on a classify 192.0.2.1 --format=json
        [ "$status" -eq 0 ]
        [ "$(words)" = "port_restricted endpoint_independent address_and_port_dependent preserving false" ]
        json '.trips_on_unsolicited == true'
        json '[.punching[] | select(.peer == "port_restricted").outcome] == ["direct_if_first"]'
        json '[.evidence[] | select(.test == "unsolicited").proves] == [
            "a port is mapped anew towards whoever sent to it unasked",
            "a port is mapped anew towards whoever sent to it unasked"]'
    done
    on a classify 192.0.2.1
    [[ $output == *"trap             the NAT trips over what comes unasked: "* ]]
    [[ $output == *"port restricted       direct, with RFC 4380 alone, if this side sends first"* ]]
    masquerade na
    on a classify 192.0.2.1 --format=json
    json '.trips_on_unsolicited == false'
}

@test "a private router behind the NAT is named: there may be a second one" {
    # A second address of the core's, from which it tells of packets that die there.
    in_ns core ip addr add 192.168.7.1/24 dev core-na
    in_ns core ip route add 203.0.113.10/32 dev core-na src 192.168.7.1
    on a classify 192.0.2.1
    in_ns core ip route del 203.0.113.10/32 dev core-na
    in_ns core ip addr del 192.168.7.1/24 dev core-na
    [ "$status" -eq 0 ]
    [[ $output == *"second NAT       maybe: router 192.168.7.1 on the way, behind the first, has a private address"* ]]
}

@test "the lifetime of netfilter's mappings is what its timeouts say; the lab agrees" {
    in_ns na sysctl -qw net.netfilter.nf_conntrack_udp_timeout=4 \
        net.netfilter.nf_conntrack_udp_timeout_stream=4
    on a classify 192.0.2.1 --lifetime --max-idle 12 --resolution 1 --format=json
    in_ns na sysctl -qw net.netfilter.nf_conntrack_udp_timeout=30 \
        net.netfilter.nf_conntrack_udp_timeout_stream=120
    [ "$status" -eq 0 ]
    # The kernel may be up to a second late.
    json '.lifetime_s.at_least <= 5 and .lifetime_s.at_most >= 4 and
        .lifetime_s.at_most - .lifetime_s.at_least < 2.5'
    json '.refreshed_by_outbound == true and .refreshed_by_inbound == true'
    run --separate-stderr "$TEREDOCTL" lab --nat-a port-restricted,timeout=4s,refresh=both -- \
        teredoctl classify --lifetime --max-idle 12 --resolution 1 --format=json 3>&-
    json '.lifetime_s.at_least <= 4 and .lifetime_s.at_most >= 4'
    json '.refreshed_by_outbound == true and .refreshed_by_inbound == true'
}

@test "UDP that the NAT drops is blocked; that it rejects, prohibited" {
    in_ns na nft add chain ip filter through '{ type filter hook forward priority 0; }'
    in_ns na nft add rule ip filter through meta l4proto udp drop
    on a classify 192.0.2.1 --timeout 1 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "blocked" and .nat == "blocked" and .reachability == "no_reply"'
    in_ns na nft flush chain ip filter through
    in_ns na nft add rule ip filter through meta l4proto udp reject with icmp type admin-prohibited
    on a classify 192.0.2.1 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "blocked" and .reachability == "prohibited" and .elapsed_s < 30'
}

@test "a server that is silent is told apart from UDP that is blocked, by the routers on the way" {
    in_ns s1 nft -f - <<EOF
table ip deaf {
    chain in {
        type filter hook input priority 0;
        meta l4proto udp drop
    }
}
EOF
    on a classify 192.0.2.1 --timeout 1 --format=json
    in_ns s1 nft delete table ip deaf
    [ "$status" -eq 2 ]
    json '.verdict == "partial" and .reachability == "server_silent" and .nat == "unknown"'
    json '[.evidence[] | select(.test == "hops").proves] == ["UDP gets out at least as far as that router"]'
}

@test "a secondary address that is filtered puts the mapping out of reach, and says so" {
    in_ns core ip route add blackhole 192.0.2.2
    on a classify 192.0.2.1 --format=json
    in_ns core ip route del blackhole 192.0.2.2
    [ "$status" -eq 2 ]
    json '.reachability == "only_primary_answered" and .mapping == "unknown" and .nat == "unknown"'
}

@test "as an ordinary user, without libpcap, the words are the same" {
    run --separate-stderr in_ns a setpriv --bounding-set=-all --inh-caps=-all "$TEREDOCTL" \
        classify 192.0.2.1 --format=json 3>&-
    [ "$status" -eq 0 ]
    [ "$(words)" = "port_restricted endpoint_independent address_and_port_dependent preserving false" ]
}
