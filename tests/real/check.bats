#!/usr/bin/env bats
# `teredoctl check` against Debian's miredo-server, through netfilter's NAT.

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

@test "miredo-server answers at both addresses and relays a bubble to its sender" {
    on a check 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.status == "ok" and .relay.state == "works" and .relay.rtt_s > 0'
    on a check 192.0.2.1 -w 5 -c 10
    [ "$status" -eq 0 ]
    [[ $output == "TEREDO OK - 192.0.2.1:3544 answers in "*", bubbles relayed, mapped 203.0.113.10:"*"| rtt="* ]]
}

@test "so it does behind a NAT that maps each destination anew" {
    masquerade na random
    on a check 192.0.2.1 --format=json
    [ "$status" -eq 0 ]
    json '.relay.state == "works"'
}

@test "what the server relays does not get out: CRITICAL" {
    in_ns s1 nft -f - <<EOF
table ip filter {
    chain relayed {
        type filter hook output priority 0;
        udp sport 3544 udp length < 60 drop
    }
}
EOF
    on a check 192.0.2.1 -t 3
    in_ns s1 nft delete table ip filter
    [ "$status" -eq 2 ]
    [[ $output == "TEREDO CRITICAL - 192.0.2.1:3544 answers in "*", bubbles are not relayed, "* ]]
}
