#!/usr/bin/env bats
# `teredoctl trace` to Debian's miredo, both behind netfilter's NATs, each with its own miredo-server.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load internet

setup_file() {
    [ -z "$(missing)" ] || return 0
    internet_up
    miredo_server s1 192.0.2.1 192.0.2.2
    miredo_server s2 192.0.2.129 192.0.2.130
    miredo_peer b 192.0.2.129
    export PEER
}

teardown_file() {
    internet_down
}

setup() {
    need_root
    masquerade na
}

punched() {
    [ "$status" -eq 0 ]
    json '.verdict == "punched" and .cause == "none"'
    json '[.steps[].step] == [1, 2, 3, 4, 5]'
    json '[.steps[].name] == ["direct_bubble", "indirect_bubble", "forwarded", "answer", "data"]'
    json '[.steps[].state] == ["sent", "sent", "inferred", "received", "received"]'
}

@test "a trace to miredo punches, in five steps" {
    on a trace "$PEER" --server 192.0.2.1 --format=json
    punched
    [ -z "$stderr" ]
    json --arg peer "$PEER" '.schema == 1 and .command == "trace" and .peer == $peer'
    json '.peer_mapped.address == "198.51.100.20" and .peer_server == {address: "192.0.2.129", port: 3544}'
    json '.server == {address: "192.0.2.1", port: 3544}'
    json '.local.address == "100.64.1.2" and .mapped.address == "203.0.113.10" and .nat == "cone_or_restricted"'
    json '.rtt_s > 0 and .elapsed_s > 0 and .attempts == 1'
    json '.timestamp_source == "libpcap"'
}

@test "the steps' endpoints are those of the peer's address, its server and our own socket" {
    on a trace "$PEER" --server 192.0.2.1 --format=json
    punched
    json '. as $r | [.steps[] | .from, .to] == [
        $r.local, $r.peer_mapped,
        $r.local, $r.peer_server,
        $r.peer_server, $r.peer_mapped,
        $r.peer_mapped, $r.local,
        $r.peer_mapped, $r.local]'
    json '.answered_from == .peer_mapped and .unproven_from == null'
}

@test "the steps' times go forward, and step 3 lies between steps 2 and 4" {
    on a trace "$PEER" --server 192.0.2.1 --format=json
    punched
    json '[.steps[].when] | . == sort and all(test("^20[0-9-]+T[0-9:]+\\.[0-9]{9}Z$"))'
    json '[.steps[].offset_s] | . == sort and .[0] == 0'
    json '.steps[2].offset_s == .steps[1].offset_s and .steps[2].latest_offset_s == .steps[3].offset_s'
    json '.steps[4].offset_s <= .elapsed_s'
}

@test "jsonl prints the qualification, each step as it happens, then the same verdict" {
    on a trace "$PEER" --server 192.0.2.1 --format=jsonl
    [ "$status" -eq 0 ]
    json -s '[.[].event] | .[0] == "qualification" and .[-1] == "verdict"'
    json -s '[.[] | select(.event == "step") | .step] | unique == [1, 2, 3, 4, 5]'
    json -s '[.[] | select(.event == "step" and .step != 3) | .when] | . == sort'
    json -s '.[-1].verdict == "punched" and .[-1].teredo_address == .[0].teredo_address'
    json -s '[.[] | .schema == 1 and .command == "trace"] | all'
    # The last report of each step is the one in the verdict.
    json -s '[.[-1].steps[] | {step, when, from, to}] ==
        ([.[] | select(.event == "step")] | group_by(.step) | map(.[-1] | {step, when, from, to}))'
}

@test "text shows the five steps, the proof and the verdict" {
    on a trace "$PEER" --server 192.0.2.1
    [ "$status" -eq 0 ]
    for step in '1 .*direct bubble' '2 .*indirect bubble' '3 .*inferred' '4 .*direct bubble from the peer' \
        '5 .*echo reply'; do
        grep -qE "^ $step" <<<"$output"
    done
    grep -q '^punched: ' <<<"$output"
    [[ ${lines[0]} == "from 2001:0:c000:201:"* ]]
}

@test "--quiet leaves the verdict alone" {
    on a trace "$PEER" --server 192.0.2.1 -q
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == punched:* ]]
}

@test "--proof=link-local: miredo answers the unguessable link-local address" {
    on a trace "$PEER" --server 192.0.2.1 --proof=link-local --format=json
    punched
    json '.proof == "link_local"'
}

@test "--proof=nonce: miredo repeats no nonce, and is believed for its endpoint" {
    on a trace "$PEER" --server 192.0.2.1 --proof=nonce --format=json
    punched
    json '.proof == "endpoint"'
}

@test "--proof=endpoint: plain RFC 4380 bubbles are enough for miredo" {
    on a trace "$PEER" --server 192.0.2.1 --proof=endpoint --format=json
    punched
    json '.proof == "endpoint"'
}

@test "--ttl 2: the direct bubble dies before the peer's NAT, and the punch works" {
    on a trace "$PEER" --server 192.0.2.1 --ttl 2 --format=json -v
    punched
    [[ $stderr == *"bubble, ttl 2"* ]]
}

@test "--no-capture takes the socket's timestamps and says so" {
    on a trace "$PEER" --server 192.0.2.1 --no-capture --format=json
    punched
    json '.timestamp_source == "so_timestampns"'
    json '[.steps[].when] | . == sort'
}

@test "a known mapping needs no qualification: --from-port with --own-address" {
    on a qualify 192.0.2.1 --local-port 40200 --format=json
    [ "$status" -eq 0 ]
    own=$(jq -r .teredo_address <<<"$output")
    on a trace "$PEER" --from-port 40200 --own-address "$own" --format=json -v
    punched
    json --arg own "$own" '.teredo_address == $own and .local.port == 40200'
    [[ $stderr != *", rs"* ]]
}

@test "server and peer come from the environment" {
    export TEREDO_SERVER=192.0.2.1 TEREDO_PEER=$PEER
    on a trace --format=json
    punched
    json --arg peer "$PEER" '.peer == $peer and .server.address == "192.0.2.1"'
}

@test "from a host without a NAT the punch works as well" {
    in_ns na nft flush ruleset
    on na trace "$PEER" --server 192.0.2.1 --format=json
    punched
    json '.nat == "none" and .local == .mapped'
}

@test "three traces at once do not disturb each other" {
    for i in 1 2 3; do
        in_ns a "$TEREDOCTL" trace "$PEER" --server 192.0.2.1 --format=json \
            >"$BATS_TEST_TMPDIR/$i.json" 3>&- &
        pids[i]=$!
    done
    for i in 1 2 3; do
        wait "${pids[i]}"
        output=$(cat "$BATS_TEST_TMPDIR/$i.json")
        json '.verdict == "punched"'
    done
}
