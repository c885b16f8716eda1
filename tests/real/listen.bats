#!/usr/bin/env bats
# Debian's miredo punches to `teredoctl listen`, with miredo-server in between.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load internet

setup_file() {
    [ -z "$(missing ping)" ] || return 0
    internet_up
    miredo_server s1 192.0.2.1 192.0.2.2
    miredo_server s2 192.0.2.129 192.0.2.130
    miredo_peer a 192.0.2.1
    export MIREDO=$PEER
}

teardown_file() {
    internet_down
}

setup() {
    need_root ping
}

teardown() {
    [ "$(id -u)" -ne 0 ] || silence b
}

ping_from_a() {
    run in_ns a ping -6 -n -c "$2" -W 3 "$1" 3>&-
    printf '%s\n' "$output"
    [ "$status" -eq 0 ]
}

@test "miredo's ping punches to our listener, which shows each step" {
    our_listener b 192.0.2.129
    [ "$(head -n 1 "$TEST_DIR/b.out")" = "$PEER" ]
    ping_from_a "$PEER" 3
    [[ $output == *"3 received"* ]]
    end_processes INT b
    wait "$LISTENER"
    cat "$TEST_DIR/b.out"
    grep -q 'fe80::.* 203\.0\.113\.10:[0-9]* *indirect bubble through our server' "$TEST_DIR/b.out"
    grep -q 'direct bubble sent' "$TEST_DIR/b.out"
    grep -q "$MIREDO .* the direct path is open" "$TEST_DIR/b.out"
    [ "$(grep -c "$MIREDO .* echo request answered" "$TEST_DIR/b.out")" -eq 3 ]
    tail -n 1 "$TEST_DIR/b.out" | grep -q '^1 peer reached us: .* 3 echo requests answered'
}

@test "the listener's JSON lines tell the same, in order" {
    our_listener b 192.0.2.129 --format=jsonl --count 1
    ping_from_a "$PEER" 1
    wait "$LISTENER"
    output=$(cat "$TEST_DIR/b.out")
    echo "$output"
    json -s '.[0].teredo_address | startswith("2001:0:c000:281:") and endswith(":39cc:9beb")'
    json -s '[.[] | .schema == 1 and .command == "listen"] | all'
    json -s --arg a "$MIREDO" 'any(.[]; .peer? == $a)'
    json -s '[.[].when? // empty] | . == sort'
    json -s '.[-1].peers == 1 and .[-1].mapping_changes == 0'
}

@test "--count 1 ends when the first peer has reached us" {
    our_listener b 192.0.2.129 --count 1
    ping_from_a "$PEER" 1
    wait "$LISTENER"
    tail -n 1 "$TEST_DIR/b.out" | grep -q '^1 peer reached us'
}

@test "the listener keeps its mapping alive, and miredo reaches it much later" {
    in_ns nb sysctl -qw net.netfilter.nf_conntrack_udp_timeout=2 net.netfilter.nf_conntrack_udp_timeout_stream=2
    our_listener b 192.0.2.129 --refresh 1 -v
    # For longer than the NAT keeps it by itself.
    wait_for sh -c "[ \"\$(grep -c ' rs$' '$TEST_DIR/b.log')\" -ge 8 ]"
    ping_from_a "$PEER" 1
    in_ns nb sysctl -qw net.netfilter.nf_conntrack_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=120
    end_processes INT b
    wait "$LISTENER"
    run grep 'mapping changed' "$TEST_DIR/b.out"
    [ "$status" -eq 1 ]
}

@test "the listener says when the NAT has given it another mapping" {
    our_listener b 192.0.2.129 --refresh 1 --local-port 41000
    # The NAT restarts, and hands out other ports.
    in_ns nb nft flush ruleset
    in_ns nb nft add table ip nat
    in_ns nb nft 'add chain ip nat out { type nat hook postrouting priority 100; }'
    in_ns nb nft add rule ip nat out oifname nb-core ip protocol udp masquerade to :42000-42010
    in_ns nb ip link set nb-core down
    in_ns nb ip link set nb-core up
    in_ns nb ip route add default via 198.51.100.1
    wait_for grep -q 'mapping changed' "$TEST_DIR/b.out"
    end_processes INT b
    wait "$LISTENER"
    masquerade nb
    cat "$TEST_DIR/b.out" "$TEST_DIR/b.log"
    grep -q 'mapping changed: 198\.51\.100\.20:41000 is now 198\.51\.100\.20:420' "$TEST_DIR/b.out"
    grep -q 'warning: the NAT mapping has changed' "$TEST_DIR/b.log"
}

@test "the listener says when its server no longer answers" {
    our_listener b 192.0.2.129 --refresh 1
    silence s2
    wait_for grep -q 'warning: the server no longer answers' "$TEST_DIR/b.log"
    miredo_server s2 192.0.2.129 192.0.2.130
    end_processes INT b
    wait "$LISTENER"
}
