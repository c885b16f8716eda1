#!/usr/bin/env bats
# What qualify and check say of servers that are right in everything but one thing, and of a host
# that has no room for packets.

# jq has variables of its own, and each test sets output
# shellcheck disable=SC2016,SC2030,SC2031
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
    OTHER=${PRIMARY%.*}.9
}

teardown() {
    common_teardown
}

# odd MODE: such a server at $PRIMARY and $SECONDARY, and $OTHER
odd() {
    command -v python3 >/dev/null || skip "python3 is not installed"
    : >odd.out
    python3 "${BATS_TEST_FILENAME%/*}/odd_server.py" "$PRIMARY" "$SECONDARY" "$OTHER" "$1" >odd.out 3>&- &
    in_background $!
    wait_for grep -q ready odd.out
}

qualify() {
    t qualify "$PRIMARY" --allow-private --timeout 0.5 --no-capture "$@"
}

# rejected WORD ADVICE: no answer was believed; the evidence has the word, and the advice these words
rejected() {
    qualify --format=json
    [ "$status" -eq 1 ]
    json --arg w "$1" --arg a "$2" '.reason == "replies_rejected" and (.evidence | index($w) != null) and
        (.advice | contains($a))'
}

@test "the same server, right in everything, is qualified with, and OK" {
    odd right
    qualify --format=json
    [ "$status" -eq 0 ]
    json '.evidence == ["primary_answer", "secondary_answer", "same_mapping", "local_mapping"] and
        .answered_from == null'
    t check "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    json '.evidence == ["server_answer", "secondary_answer", "bubble_relayed"] and
        .loss.asked == 3 and .loss.answered == 3 and .loss.odds == null'
}

@test "a server that answers crosswise is told as that, and no --secondary is advised" {
    odd crosswise
    rejected crossed_answer "each of the two addresses answers for the other"
    json '.answered_from == null and (.advice | contains("--secondary") | not)'
    t check "$PRIMARY" --allow-private -t 1
    [ "$status" -eq 2 ]
}

@test "an answer from another address is told, with the address to try" {
    odd elsewhere
    rejected answer_from_another_address "--secondary"
    json --arg o "$OTHER" '.answered_from == {address: $o, port: 3544}'
    qualify
    [[ $output == *"the answer came from $OTHER:3544: try --secondary $OTHER:3544"* ]]
}

@test "the secondary's answer from another address: that is the second address to try" {
    odd second-elsewhere
    qualify
    [ "$status" -eq 2 ]
    [[ $output == *"only"* || $output == *"the secondary did not"* ]]
    [[ $output == *"the answer came from $OTHER:3544: try --secondary $OTHER:3544"* ]]
}

@test "a primary that answers for both addresses" {
    odd primary-for-both
    qualify --format=json
    [ "$status" -eq 2 ]
    json '.reason == "only_primary_replied" and (.evidence | index("crossed_answer") != null) and
        (.advice | contains("answers for the second one as well"))'
}

@test "answers without an origin indication" {
    odd no-origin
    rejected answer_without_origin "leaves out the origin indication"
}

@test "answers without a nonce" {
    odd no-nonce
    rejected answer_without_authentication "does not repeat the nonce"
}

@test "only with authentication: who asks without is told to try it, who asks with is not" {
    silent_server
    t qualify "$SILENT" --allow-private --timeout 0.4 --format=json
    [ "$status" -eq 1 ]
    json '.reason == "no_reply" and .evidence == ["primary_silence", "secondary_silence"] and
        (.advice | contains("--auth-id"))'
    printf 'open barley\n' >secret
    t qualify "$SILENT" --allow-private --timeout 0.4 --format=json --auth-id me --auth-secret-file secret
    [ "$status" -eq 1 ]
    json '.reason == "no_reply" and (.evidence | index("key_shown") != null) and
        (.advice | contains("--auth-id") | not)'
}

@test "check: relaying without an origin is a WARNING, with a wrong one CRITICAL" {
    odd relay-without-origin
    t check "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 1 ]
    json '.cause == "relay" and .relay.state == "no_origin" and (.evidence | index("bubble_without_origin") != null)'
}

@test "check: relaying with a wrong origin is CRITICAL" {
    odd relay-wrong-origin
    t check "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 2 ]
    json '.cause == "relay" and .relay.state == "wrong_origin"'
}

@test "check: no relaying is CRITICAL once loss does not explain it" {
    odd no-relay
    t check "$PRIMARY" --allow-private --format=json -t 6
    [ "$status" -eq 2 ]
    json '.cause == "relay" and .relay.state == "silent" and (.evidence | index("relay_silence") != null) and
        .loss.odds > 0 and .loss.odds <= 0.0001 and .loss.answered >= 4'
}

# no_room SCRIPT: runs it in a namespace with a server on 127.0.0.3; `full` and `free` fill and free the
# queue of lo, so that sends fail with ENOBUFS; $T is teredoctl
no_room() {
    need_namespace
    PATH=$PATH:/usr/sbin:/sbin
    command -v tc >/dev/null || skip "tc is not installed"
    unshare -rn sh -c 'ip link set lo up && tc qdisc replace dev lo root pfifo limit 0' 2>/dev/null ||
        skip "this system has no queues to fill"
    T=$TEREDOCTL run --separate-stderr timeout 60 unshare -rn bash -c '
        full() { tc qdisc replace dev lo root pfifo limit 0; }
        free() { tc qdisc del dev lo root; }
        ip link set lo up
        "$T" serve --address 127.0.0.3 --allow-private >server.out 2>server.err 3>&- &
        server=$!
        until grep -qs ready server.out; do sleep 0.05; done
        '"$1"'
        kill -0 "$server" && kill "$server" && wait "$server"
        exit $result'
    echo "$output" "${stderr-}"
}

@test "no room for packets is loss: a qualification goes on, and ends well" {
    no_room 'full
        "$T" qualify 127.0.0.3 --allow-private --timeout 20 --attempts 8 -v >q.out 2>q.err 3>&- &
        q=$!
        until grep -qs "No buffer space" q.err; do sleep 0.01; done
        free
        wait "$q"; result=$?'
    [ "$status" -eq 0 ]
    grep -q '^qualified' q.out
}

@test "no room for packets all the time: inconclusive, UNKNOWN, and no word about the server" {
    no_room 'full
        "$T" qualify 127.0.0.3 --allow-private --timeout 0.4 --format=json >q.out; result=$?
        "$T" check 127.0.0.3 --allow-private -t 1; [ $? -eq 3 ] || result=99
        "$T" classify 127.0.0.3 --allow-private --timeout 0.4 --format=json >c.out; [ $? -eq 2 ] || result=98'
    [ "$status" -eq 2 ]
    [[ $output == "TEREDO UNKNOWN - 127.0.0.3:3544: this host was short of room for packets, and sent none" ]]
    output=$(cat q.out)
    json '.reason == "not_sent" and .evidence == ["nothing_sent"]'
    output=$(cat c.out)
    json '.reachability == "not_sent" and .proven == ["nothing_sent"] and (.advice | contains("3544") | not)'
}

@test "no room for packets ends neither listen nor serve" {
    no_room '"$T" listen 127.0.0.3 --allow-private --refresh 0.4 --timeout 0.4 -v >l.out 2>l.err 3>&- &
        l=$!
        until grep -qs 2001: l.out; do sleep 0.05; done
        full
        until grep -qs "No buffer space" l.err; do sleep 0.05; done
        free
        : >l.err
        until grep -qs " ra, origin" l.err; do sleep 0.05; done
        kill -INT "$l"; wait "$l"; result=$?'
    [ "$status" -eq 0 ]
    grep -q 'peers\? reached us' l.out
}
