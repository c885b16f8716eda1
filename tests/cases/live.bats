#!/usr/bin/env bats
# What people met when they ran the program, a test each, in the lab: verdicts that their evidence carries.
# tests/cases/TABLE names the tests of the cases that are proven elsewhere.

# jq has variables of its own; status and output are set by run
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load ../cli/lib

setup() {
    common_setup
    need_namespace
}

teardown() {
    common_teardown
}

# in_lab OPTION… -- COMMAND…
in_lab() {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab "$@"
    echo "$output" "$stderr"
}

# verdict VERDICT CAUSE BLAME STATUS
verdict() {
    jq -e --arg verdict "$1" --arg cause "$2" --arg blame "$3" \
        '.verdict == $verdict and .cause == $cause and .blame == $blame' <<<"$output"
    [ "$status" -eq "$4" ]
}

@test "two behind one NAT that does not hairpin: that is said, and no reserved port is advised" {
    in_lab -- sh -c 'teredoctl listen -q >peer 2>listen.err & until [ -s peer ]; do sleep 0.05; done
        teredoctl trace --format=json "$(cat peer)"; status=$?; kill $!; exit $status'
    verdict not_punched same_nat same_nat 1
    jq -e '(.evidence | index("same_address") and index("indirect_answer")) and (.advice | contains("local network"))' \
        <<<"$output"
}

@test "a peer that filters echo requests is punched to, by its answer to a fresh nonce" {
    in_lab --also "b=python3 '$BATS_TEST_DIRNAME/peer.py' 192.0.2.129 peer" -- \
        sh -c 'until [ -s peer ]; do sleep 0.05; done; teredoctl trace --format=json "$(cat peer)"'
    verdict punched none nobody 0
    jq -e '.evidence | index("bubble_reply") != null and index("echo_reply") == null' <<<"$output"
    in_lab --also "b=python3 '$BATS_TEST_DIRNAME/peer.py' 192.0.2.129 peer2" -- \
        sh -c 'until [ -s peer2 ]; do sleep 0.05; done; teredoctl trace "$(cat peer2)"'
    [[ $output == *'echo is filtered at the peer'* ]]
}

@test "behind a symmetric NAT of our own it is that NAT, and the peer is said to live" {
    in_lab --nat-a symmetric --nat-b port-restricted -- teredoctl trace --format=json
    verdict not_punched own_nat_symmetric own_nat 1
    jq -e '(.evidence | index("own_maps_anew") and index("indirect_answer")) and
        .mapped.port != .mapped_at_peer_server.port' <<<"$output"
}

@test "a peer behind a symmetric NAT is seen to be by the origin of its answer" {
    in_lab --nat-a port-restricted --nat-b symmetric -- teredoctl trace --format=json
    verdict not_punched peer_nat_symmetric peer_nat 1
    jq -e '.peer_origin.port != .peer_mapped.port and .attempts < 4' <<<"$output"
}

@test "a symmetric NAT that filters nothing reaches an address-restricted one: data goes where the answer came from" {
    local seed
    for seed in 3 4 5; do
        in_lab --seed "$seed" --nat-a mapping=address-port,filtering=endpoint-independent,ports=random \
            --nat-b address-restricted -- teredoctl trace --format=json
        jq -e '.verdict == "punched"' <<<"$output"
        [ "$status" -eq 0 ]
    done
}

@test "of a peer's server that nobody has asked it is not said that it lives" {
    in_lab -- teredoctl trace --bubbles 1 --from-port 36864 --own-address 2001:0:c000:2c8:c22:6fff:34ff:8ef5 \
        --format=json 2001:0:c000:2c8:c21:5fd7:39cc:9beb
    jq -e '.peer_server_alive != true and (.evidence | index("peer_server_alive")) == null and
        (.text | contains("lives") | not)' <<<"$output"
    [ "$status" -ne 0 ]
}

@test "a peer's server that wants authentication lives: what it relays to ourselves shows it" {
    [ "$EUID" -eq 0 ] || skip "only root gives loopback the addresses of both servers"
    ip link set lo up
    for address in 192.0.2.1 192.0.2.2 192.0.2.129 192.0.2.130 203.0.113.10 198.51.100.20; do
        ip address add "$address/32" dev lo
    done
    printf 'alice:open sesame\n' >clients
    chmod 600 clients
    for server in 'own serve --address 192.0.2.1' 'theirs serve --address 192.0.2.129 --auth-secret-file clients --require-auth'; do
        # shellcheck disable=SC2086 # words are words
        start $server
        wait_for grep -q ready "${server%% *}.out"
    done
    t trace --server 192.0.2.1 --no-capture --format=json 2001:0:c000:281:c21:5fd7:39cc:9beb
    jq -e '.cause == "peer_silent" and .peer_server_alive and (.evidence | index("peer_server_alive") != null)' \
        <<<"$output"
    [ "$status" -eq 1 ]
}

@test "the punching table promises nothing of a NAT that takes its addresses by chance" {
    in_lab --seed 1 --nat-a symmetric,pool=4,pooling=arbitrary -- teredoctl classify --format=json
    jq -e '[.punching[] | select(.peer == "address_restricted" or .peer == "port_restricted") | .outcome] |
        all(. == "unknown" or . == "no")' <<<"$output"
}

@test "a secondary address that is dead costs no more packets than the page says" {
    in_lab --delay 12ms -- teredoctl classify --secondary 192.0.2.77 --format=json
    jq -e '.sent <= 200' <<<"$output"
    [ "$(sort <<<"$stderr" | uniq -d | grep -c .)" -eq 0 ]
}

@test "every case of the table has its test" {
    local what file test missing=0
    while IFS=$'\t' read -r what file test; do
        grep -qF -e "@test \"$test\"" -e "static void $test(" -e "\"$test\"" "$top_srcdir/$file" || {
            echo "$what: no '$test' in $file"
            missing=$((missing + 1))
        }
    done < <(grep -v '^#' "$top_srcdir/tests/cases/TABLE")
    [ "$missing" -eq 0 ]
    [ "$(grep -o '^[BC][0-9]*' "$top_srcdir/tests/cases/TABLE" | sort -u | grep -c .)" -eq 36 ]
}
