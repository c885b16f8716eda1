#!/usr/bin/env bats
# `teredoctl trace -r` and --passive against what Debian's miredo does, through netfilter's NATs,
# as tcpdump and dumpcap capture it.

# jq has variables of its own; setup_file and its tests are processes of their own
# shellcheck disable=SC2016,SC2030,SC2031
bats_require_minimum_version 1.5.0
load internet

TOOLS=(tcpdump dumpcap tshark ping python3)

# capture HOST INTERFACE NAME: tcpdump into NAME.pcap, until end_captures. Not through a function: the
# process that is remembered is tcpdump itself.
capture() {
    ip netns exec "$NS_PREFIX$1" tcpdump -U --immediate-mode -n -i "$2" -w "$TEST_DIR/$3.pcap" 2>"$TEST_DIR/$3.capture" 3>&- &
    CAPTURES+=("$!")
    wait_for grep -q 'listening on' "$TEST_DIR/$3.capture"
}

# The same with dumpcap, which writes pcapng.
capture_ng() {
    ip netns exec "$NS_PREFIX$1" dumpcap -q -P -i "$2" -w - >"$TEST_DIR/$3.pcap" 2>"$TEST_DIR/$3.capture" 3>&- &
    CAPTURES+=("$!")
    wait_for grep -q 'File: -' "$TEST_DIR/$3.capture"
}

capture_all() {
    CAPTURES=()
    capture a a-na a
    capture b b-nb b
    capture nb nb-core nb
    capture s1 s1-core s1
    capture s2 s2-core s2
}

end_captures() {
    local pid

    for pid in "${CAPTURES[@]}"; do
        # It has ended already where its host was silenced.
        kill "$pid" 2>/dev/null || true
        wait "$pid" || [ $? -gt 128 ]
    done
    CAPTURES=()
}

# shows NAME WORDS [TIMES]: whether a capture has, by now, a packet that decode describes so
shows() {
    [ "$("$TEREDOCTL" decode "$TEST_DIR/$1.pcap" 2>/dev/null | grep -c "$2")" -ge "${3:-1}" ]
}

# Fresh miredo clients on a and b; sets A and B.
clients() {
    miredo_client a 192.0.2.1
    miredo_client b 192.0.2.129
    A=$(miredo_address a)
    B=$(miredo_address b)
    [ -n "$A" ] && [ -n "$B" ]
}

# end_captures, of a punch that fails: they end two minutes later, for all that they show
end_captures_late() {
    end_captures
    go_on "$TEST_DIR"/*.pcap
}

# on_captures NAME…: trace -r of these, as JSON
on_captures() {
    local name files=()

    for name in "$@"; do
        files+=("$TEST_DIR/$name.pcap")
    done
    run --separate-stderr "$TEREDOCTL" trace --format=json -r "${files[@]}" 3>&-
    printf '$ trace -r %s => %s\n%s\n%s\n' "$*" "$status" "$output" "${stderr-}"
}

# punch FILTER: of the only one in $output
punch() {
    json "[.events[] | select(.event == \"punch\")] | length == 1 and (.[0] | $1)" "${@:2}"
}

# A first pair, a second one and a third one, and time to answer each.
fail_to_ping() { # HOST ADDRESS
    in_ns "$1" ping -6 -q -c 8 -i 1 -W 1 "$2" >"$TEST_DIR/ping" 3>&- || [ $? -eq 1 ]
    grep -q ' 0 received' "$TEST_DIR/ping"
}

setup_file() {
    [ -z "$(missing "${TOOLS[@]}")" ] || return 0
    internet_up
    miredo_server s1 192.0.2.1 192.0.2.2
    miredo_server s2 192.0.2.129 192.0.2.130
    # What the first tests look at: two clients qualify, and a pings b.
    capture_all
    capture_ng b b-nb b-ng
    clients
    export A B
    in_ns a ping -6 -q -c 2 -W 5 "$B" >"$TEST_DIR/ping" 3>&-
    for name in a b nb b-ng; do
        wait_for shows "$name" echo_reply 2
    done
    end_captures
    mkdir "$TEST_DIR/plain"
    mv "$TEST_DIR"/*.pcap "$TEST_DIR/plain"
    # Each test that comes to need clients starts its own.
    silence a
    silence b
}

teardown_file() {
    internet_down
}

setup() {
    need_root "${TOOLS[@]}"
    CAPTURES=()
    rm -f "$TEST_DIR"/*.pcap
    masquerade na
    masquerade nb
}

teardown() {
    end_captures
    silence a
    silence b
}

@test "at the initiator: its qualification, and the five steps of its punch" {
    on_captures plain/a
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    json '[.events[].event] == ["client_qualification", "punch", "summary"]'
    json '.events[0] | .verdict == "qualified" and .server == {address: "192.0.2.1", port: 3544} and
        .local.address == "100.64.1.2" and .mapped.address == "203.0.113.10" and .nat == "unknown" and .rtt_s > 0'
    punch '.verdict == "punched" and .cause == "none" and .side == "initiator" and .proof == "link_local"'
    punch '[.steps[].state] == ["sent", "sent", "inferred", "received", "received"]'
    punch '.initiator.teredo_address == $a and .peer.address == $b' --arg a "$A" --arg b "$B"
    punch '.initiator.local.address == "100.64.1.2" and .initiator.mapped.address == "203.0.113.10"'
    punch '.request.state == "sent" and .rtt_s > 0 and .attempts == 1'
}

@test "at the peer: the forwarded bubble, its answer, and what followed" {
    for name in b b-ng; do
        on_captures plain/$name
        [ "$status" -eq 0 ]
        json '.events[0] | .event == "client_qualification" and .mapped.address == "198.51.100.20"'
        punch '.verdict == "punched" and .cause == "none" and .side == "peer"'
        punch '[.steps[].state] == ["missing", "inferred", "received", "sent", "sent"]'
        punch '.initiator.teredo_address == $a and .peer.address == $b and .initiator.local == null' \
            --arg a "$A" --arg b "$B"
    done
}

@test "at the peer's server: the way through it, and that the direct path is not known" {
    on_captures plain/s2
    [ "$status" -eq 2 ]
    punch '.cause == "direct_path_unseen" and .side == "path"'
    punch '[.steps[].state] == ["missing", "observed", "observed", "missing", "missing"]'
    on_captures plain/s1
    [ "$status" -eq 2 ]
    json '.events[-1] | .punches == 0 and .qualifications == 1'
}

@test "at a and b together step 3 is observed, where it arrives" {
    on_captures plain/a plain/b
    [ "$status" -eq 0 ]
    punch '[.steps[].state] == ["sent", "sent", "observed", "received", "received"]'
    punch '.steps[2].views | length == 1 and (.[0] | .capture == $b and .place == "receiver" and
        .to.address == "100.64.2.2")' --arg b "$TEST_DIR/plain/b.pcap"
    punch '[.steps[3].views[].place] == ["sender", "receiver"] and (.steps | map(.lost) | .[1:] | any | not)'
    punch '[.steps[].offset_s] | . == sort'
}

@test "captures of one machine have one clock, and that is what is found" {
    on_captures plain/a plain/b plain/nb plain/s1 plain/s2
    [ "$status" -eq 0 ]
    json '[.events[] | select(.event == "clock")] | length == 4 and
        all(.packets > 0 and .error_s != null and (.offset_s | fabs) <= .error_s)'
    punch '.verdict == "punched" and .steps[2].views[0].place == "sender" and (.steps[2].views | length) == 3'
}

@test "--peer: the client that began, though its bubbles come from a link-local address" {
    for peer in "$A" "$B"; do
        run --separate-stderr "$TEREDOCTL" trace -q -r "$TEST_DIR/plain/a.pcap" --peer "$peer" 3>&-
        [ "$status" -eq 0 ]
        [[ $output == *" $A $B punched none" ]]
    done
}

# Step NUMBER (from 1) of the JSON as tshark's fields have it
step() {
    jq -r ".events[] | select(.event == \"punch\") | .steps[$1 - 1] |
        \"\(.when) \(.from.address):\(.from.port) \(.to.address):\(.to.port)\"" <<<"$output"
}

@test "tshark finds each step at its time, between its endpoints" {
    for name in a b; do
        on_captures plain/$name
        tshark -n -r "$TEST_DIR/plain/$name.pcap" -T fields -e frame.time_epoch -e ip.src -e udp.srcport \
            -e ip.dst -e udp.dstport -Y udp 2>/dev/null 3>&- |
            while IFS=$'\t' read -r when from from_port to to_port; do
                echo "$(TZ=UTC date -d "@${when%.*}" +%FT%T).${when#*.}Z $from:$from_port $to:$to_port"
            done >"$BATS_TEST_TMPDIR/frames"
        for number in 1 2 3 4 5; do
            state=$(jq -r '.events[] | select(.event == "punch") | .steps['$((number - 1))'].state' <<<"$output")
            case $state in sent | received) grep -qxF "$(step $number)" "$BATS_TEST_TMPDIR/frames" ;; esac
        done
    done
    # And that it is the echo that crossed: step 5 is the first echo reply of the capture.
    on_captures plain/a
    reply=$("$TEREDOCTL" decode "$TEST_DIR/plain/a.pcap" | grep -m 1 echo_reply | cut -d ' ' -f 1)
    [ "$(step 5 | cut -d ' ' -f 1)" = "$reply" ]
}

@test "the other way: b begins" {
    capture_all
    clients
    in_ns b ping -6 -q -c 1 -W 5 "$A" >"$TEST_DIR/ping" 3>&-
    wait_for shows a echo_reply
    wait_for shows b echo_reply
    end_captures
    on_captures a b
    [ "$status" -eq 0 ]
    punch '.initiator.teredo_address == $b and .peer.address == $a and .verdict == "punched" and
        .initiator.local.address == "100.64.2.2"' --arg a "$A" --arg b "$B"
    punch '[.steps[].state] == ["sent", "sent", "observed", "received", "received"]'
    # The path stays open: nothing that follows is a punch of its own.
    json '.events[-1].punches == 1'
}

@test "a symmetric NAT: the answer is lost, which only the peer's side can tell" {
    masquerade na random,fully-random
    capture_all
    clients
    fail_to_ping a "$B"
    wait_for shows b 'bubble fe80' 3
    end_captures_late
    on_captures a
    [ "$status" -eq 1 ]
    punch '.verdict == "not_punched" and .cause == "no_answer" and .attempts >= 3'
    for names in b 'a b' 'a b nb s1 s2'; do
        # shellcheck disable=SC2086
        on_captures $names
        [ "$status" -eq 1 ]
        punch '.verdict == "not_punched" and .cause == "answer_lost" and .attempts >= 3'
        punch '.steps[4].state == "missing" and .steps[3].state != "missing" and
            (.steps[3].offset_s - .steps[2].offset_s | . >= 0 and . < 1)'
    done
    on_captures a b
    punch '.steps[3].lost and .initiator.mapped.address == "203.0.113.10"'
}

@test "a NAT that trips over the direct bubble: the answer leaves from another port" {
    trap_at nb
    capture_all
    clients
    fail_to_ping a "$B"
    wait_for shows b 'bubble fe80' 3
    end_captures_late
    on_captures a
    [ "$status" -eq 1 ]
    # The NAT's own stack says that nobody listens.
    punch '.cause == "no_answer" and .icmp.from == "198.51.100.20"'
    on_captures a b nb
    [ "$status" -eq 1 ]
    punch '.verdict == "not_punched" and .cause == "answer_lost" and .steps[3].lost'
    punch '.answered_from.address == "198.51.100.20" and .answered_from.port != .peer.mapped.port'
}

@test "a NAT that traps at the initiator's side does no harm" {
    trap_at na
    capture_all
    clients
    in_ns a ping -6 -q -c 1 -W 5 "$B" >"$TEST_DIR/ping" 3>&-
    wait_for shows a echo_reply
    wait_for shows b echo_reply
    end_captures
    for names in a b 'a b'; do
        # shellcheck disable=SC2086
        on_captures $names
        [ "$status" -eq 0 ]
        punch '.verdict == "punched" and .cause == "none"'
    done
}

@test "a dead peer: the bubble arrives, and its host says that nobody listens" {
    capture_all
    clients
    # Its NAT keeps the mapping.
    end_processes KILL b
    capture b b-nb b2
    fail_to_ping a "$B"
    wait_for shows b2 'bubble fe80' 3
    end_captures_late
    on_captures a
    [ "$status" -eq 1 ]
    punch '.cause == "no_answer" and .steps[3].state == "missing"'
    on_captures a s2 b2
    [ "$status" -eq 1 ]
    punch '.verdict == "not_punched" and .cause == "peer_host_silent" and .blame == "peer" and
        .icmp.from == "100.64.2.2"'
    punch '.steps[2].views[-1].place == "receiver" and .steps[3].state == "missing"'
}

@test "a dead server of the peer: its host's ICMP error says so" {
    capture a a-na a
    clients
    silence s2
    fail_to_ping a "$B"
    miredo_server s2 192.0.2.129 192.0.2.130
    end_captures_late
    on_captures a
    [ "$status" -eq 1 ]
    punch '.verdict == "not_punched" and .cause == "peer_server_unreachable" and .icmp.from == "192.0.2.129"'
}

# relay_up TYPE: na becomes miredo's relay to the native IPv6 host a; s2 and the client on b reach it
relay_up() {
    in_ns na nft flush ruleset
    for host in na core; do
        in_ns $host sysctl -qw net.ipv6.conf.all.forwarding=1
    done
    in_ns na ip -6 addr replace 2001:db8:a::1/64 dev na-a nodad
    in_ns a ip -6 addr replace 2001:db8:a::2/64 dev a-na nodad
    in_ns a ip -6 route replace default via 2001:db8:a::1
    in_ns s2 ip -6 addr replace 2001:db8:5::1/64 dev s2-core nodad
    in_ns core ip -6 addr replace 2001:db8:5::ffff/64 dev core-s2 nodad
    in_ns core ip -6 addr replace 2001:db8:c::ffff/64 dev core-na nodad
    in_ns na ip -6 addr replace 2001:db8:c::1/64 dev na-core nodad
    in_ns core ip -6 route replace 2001:db8:a::/64 via 2001:db8:c::1
    in_ns na ip -6 route replace default via 2001:db8:c::ffff
    in_ns s2 ip -6 route replace default via 2001:db8:5::ffff
    printf 'InterfaceName teredo\nRelayType %s\nBindAddress 203.0.113.10\nBindPort 3545\n' "$1" \
        >"$TEST_DIR/na.conf"
    in_ns na miredo -f -u nobody -c "$TEST_DIR/na.conf" -p "$TEST_DIR/na.pid" >"$TEST_DIR/na.log" 2>&1 3>&- &
    wait_for sh -c "ip netns exec ${NS_PREFIX}na ip -6 route show | grep -q '^2001::/32 dev teredo'"
}

# TYPE COMMAND…: a punch of a relay of that TYPE to the client on b, by what COMMAND sends
relay_punches() {
    relay_up "$1"
    capture na na-core na
    capture b b-nb b
    miredo_client b 192.0.2.129
    B=$(miredo_address b)
    "${@:2}" >"$TEST_DIR/ping" 3>&-
    wait_for shows na echo_reply 2
    wait_for shows b echo_reply 2
    end_captures
    silence na
    on_captures na
    [ "$status" -eq 0 ]
    punch '.verdict == "punched" and .cause == "none" and .side == "initiator" and .proof == "link_local"'
    punch '.initiator.relay and .initiator.teredo_address == null and .peer.address == $b' --arg b "$B"
    punch '.initiator.mapped == {address: "203.0.113.10", port: 3545}'
    # miredo's "cone" relay, which no NAT hides, sends no direct bubble.
    punch '[.steps[].state] | .[0] == $direct and .[1:4] == ["sent", "inferred", "received"] and
        .[4] != "missing"' --arg direct "$([ "$1" = cone ] && echo missing || echo sent)"
    on_captures b
    [ "$status" -eq 0 ]
    punch '.verdict == "punched" and .initiator.relay and .side == "peer"'
    on_captures na b
    [ "$status" -eq 0 ]
    punch '.verdict == "punched" and .initiator.relay and .steps[2].state == "observed"'
}

ping_native() {
    in_ns b ping -6 -q -c 3 -W 5 2001:db8:a::2
}

ping_client() {
    in_ns a ping -6 -q -c 3 -W 5 "$B"
}

@test "a relay behind which a native host begins: its punch to the client" {
    relay_punches restricted ping_client
}

@test "a cone relay sends no direct bubble, and punches all the same" {
    relay_punches cone ping_client
}

@test "the client begins: it is the relay that punches" {
    relay_punches cone ping_native
}

# follow HOST INTERFACE [OPTION…]: trace --passive in the background, into passive.out; sets FOLLOWER
follow() {
    ip netns exec "$NS_PREFIX$1" "$TEREDOCTL" trace --passive -i "$2" "${@:3}" >"$TEST_DIR/passive.out" \
        2>"$TEST_DIR/passive.err" 3>&- &
    FOLLOWER=$!
    wait_for grep -q following "$TEST_DIR/passive.err"
}

@test "--passive follows a running miredo, and Ctrl-C ends it with a summary" {
    follow a a-na --format=jsonl
    clients
    wait_for grep -q '"event":"client_qualification"' "$TEST_DIR/passive.out"
    in_ns a ping -6 -q -c 1 -W 5 "$B" >"$TEST_DIR/ping" 3>&-
    wait_for grep -q '"event":"punch"' "$TEST_DIR/passive.out"
    # It is told while both are still there: not for the end of the capture.
    kill -0 "$FOLLOWER"
    kill -INT "$FOLLOWER"
    status=0
    wait "$FOLLOWER" || status=$?
    [ "$status" -eq 0 ]
    output=$(cat "$TEST_DIR/passive.out")
    json -s 'map(.event) == ["client_qualification", "punch", "summary"]'
    json -s --arg a "$A" --arg b "$B" '.[1] | .verdict == "punched" and .initiator.teredo_address == $a and
        .peer.address == $b'
    json -s '.[-1] | .punched == 1 and .not_punched == 0 and .dropped == 0'
}

@test "--passive: a failed punch is told while it follows, and makes the exit status 1" {
    follow a a-na
    clients
    end_processes KILL b
    in_ns a ping -6 -q -c 8 -W 1 "$B" >"$TEST_DIR/ping" 3>&- || [ $? -eq 1 ]
    wait_for grep -q '^not punched: ' "$TEST_DIR/passive.out"
    kill -TERM "$FOLLOWER"
    status=0
    wait "$FOLLOWER" || status=$?
    [ "$status" -eq 1 ]
    grep -q '^1 hole punch: 0 punched, 1 not punched' "$TEST_DIR/passive.out"
}

@test "--passive runs without a single capability, and not as root, once the interface is open" {
    follow a a-na
    # It says that it follows a moment before.
    wait_for grep -q '^CapPrm:[[:space:]]*0*$' "/proc/$FOLLOWER/status"
    [ "$(awk '/^Uid:/ { print $3 }' "/proc/$FOLLOWER/status")" -ne 0 ]
    [ "$(awk '/^Cap(Prm|Eff|Inh|Amb):/ && $2 !~ /^0+$/' "/proc/$FOLLOWER/status")" = '' ]
    kill -INT "$FOLLOWER"
    wait "$FOLLOWER" || [ $? -eq 2 ]
}

@test "--passive as an ordinary user who has only the right to capture" {
    command -v setpriv >/dev/null || skip "setpriv is not installed"
    ip netns exec "${NS_PREFIX}a" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw \
        --bounding-set=-all,+net_raw "$TEREDOCTL" trace --passive -i a-na --count 1 -q \
        >"$TEST_DIR/passive.out" 2>"$TEST_DIR/passive.err" 3>&- &
    FOLLOWER=$!
    # Quiet, it says nothing of itself: it follows once it has given its right up.
    wait_for sh -c "grep -q '^CapEff:[[:space:]]*0*\$' /proc/$FOLLOWER/status && ss -0 -lp -N ${NS_PREFIX}a | grep -q a-na" ||
        cat "$TEST_DIR/passive.err"
    clients
    in_ns a ping -6 -q -c 1 -W 5 "$B" >"$TEST_DIR/ping" 3>&-
    wait "$FOLLOWER"
    grep -q " $A $B punched none$" "$TEST_DIR/passive.out"
}
