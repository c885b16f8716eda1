#!/usr/bin/env bats
# `teredoctl trace -r` and --passive: every option, every exit status, and captures that are made
# for one question each. What the lab's and Debian's software do is in tests/lab and tests/real.

# jq has variables of its own; status and output are set by run
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load lib

# The clients a (192.0.2.1, 203.0.113.10:40000, inside 100.64.1.2) and b (192.0.2.129,
# 198.51.100.20:50000, inside 100.64.2.2), a link-local address, and a host of the IPv6 internet.
A=20010000c0000201000063bf34ff8ef5
B=20010000c000028100003caf39cc9beb
LINK=fe80000000000000aaaabbbbccccdddd
HOST=20010db8000000000000000000000005
A_TEXT=2001:0:c000:201:0:63bf:34ff:8ef5
B_TEXT=2001:0:c000:281:0:3caf:39cc:9beb

setup() {
    common_setup
    craft=${top_builddir:?}/tests/pcap/craft
}

teardown() {
    common_teardown
}

status_is() {
    [ "$status" -eq "$1" ] || {
        echo "status $status, want $1"
        return 1
    }
}

same() {
    if [ "$1" != "$2" ]; then
        printf 'got:\n%s\nwant:\n%s\n' "$1" "$2"
        return 1
    fi
}

bubble() { # SOURCE DESTINATION [TRAILERS]
    echo "6000000000003b00$1$2${3-}"
}

tcp() { # SOURCE DESTINATION PORTS SEQUENCE ACKNOWLEDGED FLAGS
    echo "6000000000140640$1$2$3$4${5}50${6}ffff00000000"
}

syn() { # SOURCE DESTINATION
    tcp "$1" "$2" c0000050 00000001 00000000 02
}

syn_ack() {
    tcp "$1" "$2" 0050c000 00000007 00000002 12
}

# The punch of a to b, as it is at a, MS after the start.
punch_at_a() { # MS
    cat <<END
udp 100.64.1.2:40000 198.51.100.20:50000 $(bubble $A $B) at=$1.0
udp 100.64.1.2:40000 192.0.2.129:3544 $(bubble $A $B) at=$1.1
udp 198.51.100.20:50000 100.64.1.2:40000 $(bubble $B $A) ttl=60 at=$1.2
udp 100.64.1.2:40000 198.51.100.20:50000 $(syn $A $B) at=$1.3
udp 198.51.100.20:50000 100.64.1.2:40000 $(syn_ack $B $A) ttl=60 at=$1.5
END
}

# The same at b.
punch_at_b() { # MS
    cat <<END
udp 192.0.2.129:3544 100.64.2.2:50000 000063bf34ff8ef5$(bubble $A $B) ttl=62 at=$1.14
udp 100.64.2.2:50000 203.0.113.10:40000 $(bubble $B $A) at=$1.16
udp 203.0.113.10:40000 100.64.2.2:50000 $(syn $A $B) ttl=60 at=$1.34
udp 100.64.2.2:50000 203.0.113.10:40000 $(syn_ack $B $A) at=$1.44
END
}

# A frame that is not Teredo, MS after the start: the capture still goes on there.
still_there() { # MS
    echo "udp 100.64.1.2:53 100.64.1.1:53 00 at=$1"
}

punches() { # FILTER: of the jsonl or json in $output
    jq -ce "if .events then .events[] else . end | select(.event == \"punch\") | $1" <<<"$output"
}

@test "one capture: the parties, the five steps, the verdict; exit 0" {
    punch_at_a 10 | "$craft" >a.pcap
    t trace -r a.pcap
    status_is 0
    same "$stderr" ''
    same "$output" "hole punch 1, 2025-11-24T16:00:00.010000000Z
  from $A_TEXT at 203.0.113.10:40000 (inside its NAT 100.64.1.2:40000)
  to   $B_TEXT at 198.51.100.20:50000, server 192.0.2.129:3544; captured at the initiator
step  offset ms  from > to
 1        +0.000  100.64.1.2:40000 > 198.51.100.20:50000        sent: direct bubble, opens the initiator's NAT
 2        +0.100  100.64.1.2:40000 > 192.0.2.129:3544           sent: indirect bubble, to the peer's server
 3   0.100-0.200  192.0.2.129:3544 > 198.51.100.20:50000        inferred: forwarded by the server
 4        +0.200  198.51.100.20:50000 > 100.64.1.2:40000        received: direct bubble from the peer: from the endpoint in its address
 5        +0.300  100.64.1.2:40000 > 198.51.100.20:50000        sent: data
 5        +0.500  198.51.100.20:50000 > 100.64.1.2:40000        received: the answer to it, round trip 0.200 ms
punched: both NATs are open and data crosses directly

1 hole punch: 1 punched, 0 not punched, 0 inconclusive; 0 qualifications and 0 refreshes; 5 Teredo packets of 5 frames"
}

@test "the peer's side alone: what it received and sent, exit 0" {
    punch_at_b 10 | "$craft" >b.pcap
    t trace -r b.pcap --format=json
    status_is 0
    punches '.verdict == "punched" and .side == "peer" and [.steps[].state] ==
        ["missing", "inferred", "received", "sent", "sent"] and .request.state == "received"'
    punches '.initiator.mapped == {address: "203.0.113.10", port: 40000} and .initiator.local == null'
}

@test "several captures are several vantage points: with -r, again with -r, or as arguments" {
    local want
    punch_at_a 10 | "$craft" >a.pcap
    punch_at_b 10 | "$craft" >b.pcap
    t trace --format=json -r a.pcap b.pcap
    status_is 0
    want=$output
    punches '[.steps[].state] == ["sent", "sent", "observed", "received", "received"]'
    punches '.steps[2].views | length == 1 and (.[0] | .capture == "b.pcap" and .ttl == 62 and
        .place == "receiver" and .to == {address: "100.64.2.2", port: 50000})'
    punches '[.steps[3].views[].place] == ["sender", "receiver"]'
    json '.events[0] | .event == "clock" and .capture == "b.pcap" and .reference == "a.pcap" and .packets > 0'
    t trace --format=json -r a.pcap -r b.pcap
    status_is 0
    same "$output" "$want"
    # Those of -r come first, wherever it stands.
    t trace --format=json b.pcap -r a.pcap
    status_is 0
    same "$output" "$want"
}

@test "frames and packets of several captures are counted once" {
    { punch_at_a 10 && still_there 900; } | "$craft" >a.pcap
    punch_at_b 10 | "$craft" >b.pcap
    t trace -r a.pcap b.pcap --format=jsonl
    json -s '.[-1] | .event == "summary" and .packets == 9 and .frames == 10'
}

@test "json and jsonl say the same, and every line of jsonl stands alone" {
    { punch_at_a 10 && punch_at_a 40000; } | "$craft" >a.pcap
    t trace -r a.pcap --format=jsonl
    status_is 0
    json -s 'all(.schema == 1 and .command == "trace") and map(.event) == ["punch", "punch", "summary"]'
    want=$(jq -sc 'map(del(.schema, .command))' <<<"$output")
    t trace -r a.pcap --format=json
    status_is 0
    same "$(jq -c .events <<<"$output")" "$want"
    json '.schema == 1 and .command == "trace"'
}

@test "--quiet: one line a punch, for scripts" {
    { punch_at_a 10 && punch_at_a 40000; } | "$craft" >a.pcap
    t trace -q -r a.pcap
    status_is 0
    same "$output" "2025-11-24T16:00:00.010000000Z $A_TEXT $B_TEXT punched none
2025-11-24T16:00:40.000000000Z $A_TEXT $B_TEXT punched none"
}

@test "--verbose: where each packet was seen, and with which time to live" {
    punch_at_a 10 | "$craft" >a.pcap
    punch_at_b 10 | "$craft" >b.pcap
    t trace -v -r a.pcap b.pcap
    status_is 0
    grep -qE '^ +\+[0-9.]+  198\.51\.100\.20:50000 > 100\.64\.1\.2:40000, ttl 60, in a\.pcap$' <<<"$output"
    grep -qE '^ +\+[0-9.]+  192\.0\.2\.129:3544 > 100\.64\.2\.2:50000, ttl 62, in b\.pcap$' <<<"$output"
}

@test "--peer: punches by it, and to it, and none else" {
    punch_at_a 10 | "$craft" >a.pcap
    for peer in $A_TEXT $B_TEXT; do
        t trace -q -r a.pcap --peer "$peer"
        status_is 0
        [ "${#lines[@]}" -eq 1 ]
    done
    t trace -r a.pcap --peer 2001:0:c000:201:0:63bf:34ff:8ef6
    status_is 2
    same "$output" 'no hole punch found; 0 qualifications and 0 refreshes; 5 Teredo packets of 5 frames'
}

@test "--peer finds the initiator that uses a link-local address" {
    # RFC 4380 5.2.5 allows any source; here nothing but the origin indication names the client.
    for t in 10 3010 6010; do
        echo "udp 203.0.113.10:40000 198.51.100.20:50000 $(bubble $LINK $B) ttl=60 at=$t"
        echo "udp 203.0.113.10:40000 192.0.2.129:3544 $(bubble $LINK $B) ttl=60 at=$t.1"
        echo "udp 192.0.2.129:3544 198.51.100.20:50000 000063bf34ff8ef5$(bubble $LINK $B) at=$t.2"
    done >frames
    { cat frames && still_there 20000; } | "$craft" >core.pcap
    t trace -q -r core.pcap --peer $A_TEXT
    status_is 1
    same "$output" "2025-11-24T16:00:00.010000000Z fe80::aaaa:bbbb:cccc:dddd $B_TEXT not_punched peer_silent"
    # And the data that follows names it too, whatever comes before.
    {
        punch_at_a 10 | sed "1,2s/$A/$LINK/;3s/$A/$LINK/"
    } | "$craft" >a.pcap
    t trace -q -r a.pcap --peer $A_TEXT
    status_is 0
    same "$output" "2025-11-24T16:00:00.010000000Z $A_TEXT $B_TEXT punched none"
    t trace -q -r a.pcap --peer 2001:0:c000:201:0:63be:34ff:8ef5
    status_is 2
    same "$output" ''
}

@test "--filter: what does not pass is not seen" {
    punch_at_a 10 | "$craft" >a.pcap
    t trace -r a.pcap --filter 'udp port 50000' --format=json
    punches '.steps[1].state == "missing" and .steps[3].state == "received"'
    t trace -r a.pcap --filter 'udp port 9'
    status_is 2
    same "$output" 'no hole punch found: there was no frame to look at'
    t trace -r a.pcap --filter 'udp and and'
    status_is 64
    [[ $stderr == "teredoctl trace: the filter 'udp and and' is wrong: "* ]]
}

@test "--tunnels: a punch in GTP-U is found only if asked for" {
    # Each frame without its Ethernet header, in an eight-byte GTP-U header.
    punch_at_a 10 | "$craft" >a.pcap
    tshark -r a.pcap -T fields -e frame.len >/dev/null 2>&1 || skip "tshark is not installed"
    tshark -r a.pcap -x 2>/dev/null | awk '
        /^[0-9a-f]+  / { sub(/^[0-9a-f]+  /, ""); hex = substr($0, 1, 48); gsub(/ /, "", hex); frame = frame hex }
        /^$/ && frame != "" { emit() }
        END { if (frame != "") emit() }
        function emit() {
            ip = substr(frame, 29)
            printf "udp 192.0.2.200:2152 192.0.2.201:2152 30ff%04x00000001%s at=%d.%d\n", length(ip) / 2, ip, 10, n++
            frame = ""
        }' >tunnel.frames
    [ "$(wc -l <tunnel.frames)" -eq 5 ]
    "$craft" <tunnel.frames >tunnel.pcap
    t trace -r tunnel.pcap
    status_is 2
    same "$output" 'no hole punch found: none of the 5 frames is Teredo'
    t trace -q -r tunnel.pcap --tunnels
    status_is 0
    [[ $output == *" $A_TEXT $B_TEXT punched none" ]]
}

@test "--count: ends after as many punches, and the summary has as many" {
    { punch_at_a 10 && punch_at_a 40000 && punch_at_a 80000; } | "$craft" >a.pcap
    t trace -r a.pcap --count 2 --format=jsonl
    status_is 0
    json -s 'map(.event) == ["punch", "punch", "summary"] and .[-1].punches == 2'
}

@test "standard input is a capture like others; two captures have to be files" {
    punch_at_a 10 | "$craft" >a.pcap
    punch_at_b 10 | "$craft" >b.pcap
    for command in '"$T" trace -q -r - <a.pcap' 'cat a.pcap | "$T" trace -q -r -'; do
        sh_t "$command"
        status_is 0
        [[ $output == *" punched none" ]]
    done
    sh_t '"$T" trace --format=jsonl -r - b.pcap <a.pcap'
    status_is 0
    json -s '.[0].reference == "standard input"'
    sh_t 'cat a.pcap | "$T" trace -q -r - b.pcap'
    status_is 66
    [[ $stderr == *'cannot read standard input twice'*'several captures must be files'* ]]
    same "$output" ''
}

@test "exit 1: one punch of several failed" {
    {
        punch_at_a 10
        for t in 40000 43000 46000 49000; do
            echo "udp 100.64.1.2:40000 198.51.100.20:50001 $(bubble $A "${B/3caf/3cae}") at=$t"
            echo "udp 100.64.1.2:40000 192.0.2.129:3544 $(bubble $A "${B/3caf/3cae}") at=$t.1"
        done
        still_there 60000
    } | "$craft" >a.pcap
    t trace -r a.pcap --format=json
    status_is 1
    [ "$(punches .verdict | paste -sd' ')" = '"punched" "not_punched"' ]
    punches 'select(.verdict == "not_punched") | .cause == "no_answer" and .attempts == 4 and
        [.steps[].state] == ["sent", "sent", "missing", "missing", "missing"]'
    json '.events[-1] | .punches == 2 and .punched == 1 and .not_punched == 1'
}

@test "exit 2: the last frame comes too soon; a frame later makes it a failure" {
    punch_at_a 10 | head -n 2 | "$craft" >early.pcap
    t trace -r early.pcap
    status_is 2
    [[ $output == *'inconclusive: the capture ended before an outcome'*'  try: capture for some seconds more'* ]]
    { punch_at_a 10 | head -n 2 && still_there 9000; } | "$craft" >later.pcap
    t trace -r later.pcap
    status_is 1
    [[ $output == *'not punched: '* ]]
    # Whatever is in that frame: here an ARP request.
    { punch_at_a 10 | head -n 2 && for _ in 3 4 5 6 7 8 9; do
        echo "frame ffffffffffff 020000000001 0806 00010800060400010200000000016440010200000000000064400101"
    done; } | "$craft" >arp.pcap
    t trace -r arp.pcap
    status_is 1
}

@test "exit 2: nothing found is said in one plain sentence" {
    "$craft" </dev/null >empty.pcap
    t trace -r empty.pcap
    status_is 2
    same "$output" 'no hole punch found: there was no frame to look at'
    still_there 10 | "$craft" >other.pcap
    t trace -r other.pcap
    status_is 2
    same "$output" 'no hole punch found: none of the 1 frame is Teredo'
    t trace -r other.pcap --format=json
    status_is 2
    json '.events == [{event: "summary", punches: 0, punched: 0, not_punched: 0, inconclusive: 0,
        qualifications: 0, refreshes: 0, forgotten: 0, packets: 0, frames: 1, dropped: 0, copies: 0,
        reassembled: 0, without_teredo_address: 0, cut: null, unread: [], clock_steps: []}]'
    t trace -q -r other.pcap
    status_is 2
    same "$output$stderr" ''
}

@test "exit 64: options that do not go together" {
    punch_at_a 10 | "$craft" >a.pcap
    while IFS='|' read -r arguments words; do
        # shellcheck disable=SC2086
        t trace $arguments
        usage_error "$words"
    done <<'END'
-r a.pcap --passive|-r and --passive exclude each other
-r a.pcap --server 192.0.2.1|captures are traced without sending
-r a.pcap --bubbles 2|captures are traced without sending
-r a.pcap --proof nonce|captures are traced without sending
-r a.pcap --ttl 2|captures are traced without sending
-r a.pcap --control-ttl 2|captures are traced without sending
-r a.pcap --own-address 2001:0:c000:201:0:63bf:34ff:8ef5|captures are traced without sending
--passive --server 192.0.2.1|captures are traced without sending
--passive a.pcap|--passive takes no argument
-r a.pcap -i lo|-i goes with --passive
-r a.pcap --write x.pcap|captures are traced without sending
-r a.pcap --no-capture|captures are traced without sending
-r a.pcap --timeout 3|captures are traced without sending
-r a.pcap --timeout 1.5|captures are traced without sending
-r a.pcap --attempts 3|captures are traced without sending
-r a.pcap --from-port 4000|--from-port, --own-address and --control-ttl do not go with
-r a.pcap --attempts 2|captures are traced without sending
-r a.pcap --local-port 4000|captures are traced without sending
-r a.pcap --allow-private|captures are traced without sending
--passive --secondary 192.0.2.2|captures are traced without sending
-r a.pcap --peer 2001:db8::1|2001:db8::1 is not a Teredo address
-r a.pcap --peer b|'b' is not an IPv6 address
-r a.pcap --count 0|--count
-r a.pcap --count many|--count
-r a a a a a a a a a|at most 8 captures
2001:0:c000:281:0:3caf:39cc:9beb --server 192.0.2.1 --count 1|go with -r or --passive
2001:0:c000:281:0:3caf:39cc:9beb --server 192.0.2.1 -i lo|go with -r or --passive
2001:0:c000:281:0:3caf:39cc:9beb --server 192.0.2.1 --filter udp|go with -r or --passive
2001:0:c000:281:0:3caf:39cc:9beb --server 192.0.2.1 --tunnels|go with -r or --passive
2001:0:c000:281:0:3caf:39cc:9beb --server 192.0.2.1 --peer 2001:0:c000:281:0:3caf:39cc:9beb|go with -r or --passive
END
}

@test "exit 65: a damaged capture, after all that came before the damage" {
    { punch_at_a 10 && punch_at_a 40000; } | "$craft" >a.pcap
    head -c -3 a.pcap >cut.pcap
    t trace -q -r cut.pcap
    status_is 65
    same "$output" "2025-11-24T16:00:00.010000000Z $A_TEXT $B_TEXT punched none
2025-11-24T16:00:40.000000000Z $A_TEXT $B_TEXT inconclusive capture_ended"
    [[ $stderr == 'teredoctl trace: '*cut.pcap* ]]
    t trace --format=json -r cut.pcap
    status_is 65
    json '.events[-1].event == "summary" and .events[-1].frames == 9'
    # Of two, the other one is told to its end.
    { punch_at_b 10 && punch_at_b 40000; } | "$craft" >b.pcap
    t trace --format=json -r cut.pcap b.pcap
    status_is 65
    json '.events[-1] | .event == "summary" and .frames == 17 and .punches == 2'
    [[ $stderr == 'teredoctl trace: '*cut.pcap* ]]
    echo text >text.pcap
    t trace -r text.pcap
    status_is 65
    same "$output" ''
}

@test "exit 66: captures that are missing, empty or unreadable, before anything is told" {
    punch_at_a 10 | "$craft" >a.pcap
    t trace -r a.pcap missing.pcap
    status_is 66
    same "$output" ''
    same "$stderr" 'teredoctl trace: cannot read missing.pcap: No such file or directory'
    : >empty
    t trace -r a.pcap empty
    status_is 66
    same "$output" ''
    same "$stderr" 'teredoctl trace: empty is empty'
    t trace -r .
    status_is 66
    chmod 0 a.pcap
    run --separate-stderr without_capabilities "$TEREDOCTL" trace -r a.pcap
    status_is 66
    same "$stderr" 'teredoctl trace: cannot read a.pcap: Permission denied'
}

@test "exit 74: a full disk, whatever is printed" {
    punch_at_a 10 | "$craft" >a.pcap
    for options in '' -q -v --format=json --format=jsonl; do
        sh_t "\"\$T\" trace $options -r a.pcap >/dev/full"
        status_is 74
        [[ $stderr == *'cannot write the results: No space left on device' ]]
    done
}

@test "exit 77 and 69: --passive without the permission, or on no interface" {
    run --separate-stderr without_capabilities "$TEREDOCTL" trace --passive -i lo
    status_is 77
    [[ $stderr == 'teredoctl trace: no permission to capture on lo'*'try: '*'| teredoctl trace -r -'* ]]
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" trace --passive -i nosuch0
    status_is 69
    [[ $stderr == *'there is no interface nosuch0'* ]]
}

@test "Windows: another nonce in each bubble, and an answer to the random port" {
    # RFC 6081: the direct bubble with an ND option; the indirect one with alternate address and
    # random port 31382; the answer repeats the indirect bubble's nonce, and goes to that port.
    cat >frames <<END
udp 100.64.1.2:40000 198.51.100.20:50000 $(bubble $A $B 01043b6c5334040400000000) ttl=128 at=10
udp 100.64.1.2:40000 192.0.2.129:3544 $(bubble $A $B 01046908dbf503080000644001029c4005027a96) ttl=128 at=10.2
udp 198.51.100.20:50000 100.64.1.2:31382 $(bubble $B $A 01046908dbf5040401000000) ttl=119 at=40
udp 100.64.1.2:31382 198.51.100.20:50000 $(syn $A $B) ttl=128 at=41
udp 198.51.100.20:50000 100.64.1.2:31382 $(syn_ack $B $A) ttl=119 at=71
END
    "$craft" <frames >windows.pcap
    t trace -r windows.pcap --format=json
    status_is 0
    punches '.verdict == "punched" and .cause == "none" and .proof == "nonce" and .attempts == 1 and .side == "initiator"'
    punches '[.steps[].state] == ["sent", "sent", "inferred", "received", "received"]'
    punches '.steps[3].to == {address: "100.64.1.2", port: 31382} and .rtt_s == 0.03'
}

@test "the answer belongs to the last of bubbles that all look alike" {
    # miredo's have the same link-local source each time, and no nonce.
    {
        for t in 10 3010 6010; do
            echo "udp 192.0.2.129:3544 100.64.2.2:50000 000063bf34ff8ef5$(bubble $LINK $B) ttl=60 at=$t"
            echo "udp 100.64.2.2:50000 203.0.113.10:40000 $(bubble $B $LINK) at=$t.1"
        done
        still_there 20000
    } | "$craft" >b.pcap
    t trace -r b.pcap --format=json
    status_is 1
    punches '.verdict == "not_punched" and .cause == "answer_lost" and .attempts == 3'
    punches '.steps[3].offset_s - .steps[2].offset_s | . > 0 and . < 0.001'
}

@test "a relay's punch: the initiator has no Teredo address, and native IPv6 behind it" {
    cat >frames <<END
udp 203.0.113.10:3545 198.51.100.20:50000 $(bubble $LINK $B) at=10
udp 203.0.113.10:3545 192.0.2.129:3544 $(bubble $LINK $B) at=10.1
udp 198.51.100.20:50000 203.0.113.10:3545 $(bubble $B $LINK) ttl=60 at=10.3
udp 203.0.113.10:3545 198.51.100.20:50000 $(syn $HOST $B) at=10.4
udp 198.51.100.20:50000 203.0.113.10:3545 $(syn_ack $B $HOST) ttl=60 at=10.6
END
    "$craft" <frames >relay.pcap
    t trace -r relay.pcap
    status_is 0
    [[ $output == *'from fe80::aaaa:bbbb:cccc:dddd at 203.0.113.10:3545, a relay'* ]]
    t trace -r relay.pcap --format=json
    punches '.initiator.relay and .initiator.teredo_address == null and .verdict == "punched" and .proof == "link_local"'
}

@test "the server's capture alone says nothing of the direct path: exit 2" {
    cat >frames <<END
udp 203.0.113.10:40000 192.0.2.129:3544 $(bubble $A $B) ttl=60 at=10
udp 192.0.2.129:3544 198.51.100.20:50000 000063bf34ff8ef5$(bubble $A $B) at=10.1
END
    { cat frames && still_there 20000; } | "$craft" >server.pcap
    t trace -r server.pcap
    status_is 2
    [[ $output == *'inconclusive: only the way through the peer'\''s server was captured'* ]]
    t trace -r server.pcap --format=json
    punches '.side == "path" and .cause == "direct_path_unseen" and
        [.steps[].state] == ["missing", "observed", "observed", "missing", "missing"]'
}

@test "the bubble arrived at a host where nobody listens: its ICMP error is told" {
    quoted=45000044000000003c1155e6c0000281644002020dd8c35000300000
    {
        for t in 10 3010 6010; do
            echo "udp 192.0.2.129:3544 100.64.2.2:50000 000063bf34ff8ef5$(bubble $A $B) ttl=60 at=$t"
        done
        still_there 20000
    } >frames
    "$craft" <frames >silent.pcap
    t trace -r silent.pcap
    status_is 1
    [[ $output == *'not punched: the indirect bubble did arrive at the peer'\''s host, which sent nothing to the initiator'* ]]
    [[ $output != *icmp:* ]]
    sed -i '1a ip 45000038000000004001520264400202c000028103032ba400000000'"$quoted" frames
    "$craft" <frames >refused.pcap
    t trace -r refused.pcap --format=json
    status_is 1
    punches '.cause == "peer_host_silent" and .blame == "peer" and .icmp.type == 3 and .icmp.code == 3'
    # The host that sends the error leaves the checksum of its IPv4 header to the network card.
    sed -i 's/4001520264400202/4001000064400202/' frames
    "$craft" <frames >unfilled.pcap
    t trace -r unfilled.pcap --format=json
    punches '.cause == "peer_host_silent" and .blame == "peer" and .icmp.type == 3 and .icmp.code == 3'
}

@test "a capture in which the time runs backwards is read as it is" {
    punch_at_a 10 >frames
    # The answer has a stamp from before the bubbles; another punch comes after.
    { sed '3s/at=10.2/at=9.9/' frames && punch_at_a 60000; } | "$craft" >back.pcap
    t trace -r back.pcap --format=json
    status_is 0
    [ "$(punches .verdict | tail -n 1)" = '"punched"' ]
    json '.events[-1] | .frames == 10 and .packets == 10'
    # By hours.
    { punch_at_a 10000000 && punch_at_a 10; } | "$craft" >hours.pcap
    t trace -r hours.pcap --format=json
    status_is 0
    [ "$(punches .verdict | head -n 1)" = '"punched"' ]
    json '.events[-1] | .frames == 10 and .packets == 10'
    json '.events[-1].clock_steps == [{file: "hours.pcap", kind: "set_back", frame: 6, by_s: 9999.9905, count: 1}]'
}

# The punch of a to b with a qualification before it, a line a frame, at MS after the start.
qualified_at_a() { # MS
    echo "udp 100.64.1.2:40000 192.0.2.1:3544 000100000102030405060708006000000000083afffe800000000000000000ffffffffffffff02000000000000000000000000000285007d3700000000 at=$1.0"
    echo "udp 192.0.2.1:3544 100.64.1.2:40000 00010000010203040506070800000063bf34ff8ef56000000000383afffe800000000000008000f2273ffffdfefe800000000000000000ffffffffffff8600954c0000000000000000000007d003044040ffffffffffffffff0000000020010000c000020100000000000000000501000000000500 ttl=60 at=$1.1"
    punch_at_a "$(($1 + 1000))"
}

# verdicts: of the run: the verdict and cause of each punch, and the verdict of each qualification
verdicts() {
    jq -c '.events[] | select(.verdict) | [.event, .verdict, .cause // .reason]' <<<"$output"
}

# stepped FILTER [LINE BY]…: the frames of qualified_at_a, through sed FILTER, of which from LINE on all times
# are BY ms later; in stepped.pcap
stepped() {
    qualified_at_a 100000 | awk -v steps="$*" '{
        n = split(steps, step, " "); by = 0
        for (i = 1; i < n; i += 2)
            if (NR >= step[i])
                by += step[i + 1]
        match($0, /at=[0-9.]+/)
        printf "%s%s%.1f\n", substr($0, 1, RSTART + 2), "", substr($0, RSTART + 3, RLENGTH - 3) + by
    }' | "$craft" "${craft_words[@]}" >stepped.pcap
}

@test "a clock that was set while it captured does not change what is found, and is told with the frame" {
    local row want craft_words=()
    # Where the clock is set, and by how many ms; of how many steps, the first at which frame, told of.
    local rows=(
        '3 -10000|1|3'
        '4 -10000|1|4'
        '5 -3600000|1|5'
        '2 -1500|1|2'
        '6 -5000 7 -5000|2|6'
        '3 -20000 4 -20000 5 -20000|3|3'
        '1 10000 3 -10000|1|3'
        '3 10000 5 -10000|1|5'
        '4 10000 5 -10000|1|5'
        '4 30000 7 -30000|1|7'
        '2 10000 3 -10000 5 10000 6 -10000|2|3'
        '3 3000000000 5 -3000000000|1|5'
    )
    stepped
    t trace -r stepped.pcap --format=json
    status_is 0
    want=$(verdicts)
    [ "$(wc -l <<<"$want")" -eq 2 ]
    json '.events[-1].clock_steps == []'
    for row in "${rows[@]}"; do
        IFS='|' read -r steps count frame <<<"$row"
        # shellcheck disable=SC2086
        stepped $steps
        t trace -r stepped.pcap --format=json
        status_is 0
        same "$(verdicts)" "$want"
        json '.events[-1].clock_steps | length == 1 and (.[0] | .kind == "set_back" and .count == '"$count"' and .frame == '"$frame)"
        t trace -r stepped.pcap
        [[ ${lines[-1]} == "the clock of stepped.pcap was set back by "*" s at frame $frame"*": the order of the capture is kept" ]]
        same "$stderr" ''
        t trace -q -r stepped.pcap
        [[ $stderr == "teredoctl trace: the clock of stepped.pcap was set back by "*" at frame $frame"* ]]
    done
}

@test "a clock that was set forward does not change what is found, if an answer shows it" {
    local line want craft_words=()
    # Bubbles with a nonce, which the answer repeats.
    local nonce=0104aabbccdd
    punch_at_a() {
        cat <<END
udp 100.64.1.2:40000 198.51.100.20:50000 $(bubble $A $B $nonce) at=$1.0
udp 100.64.1.2:40000 192.0.2.129:3544 $(bubble $A $B $nonce) at=$1.1
udp 198.51.100.20:50000 100.64.1.2:40000 $(bubble $B $A $nonce) ttl=60 at=$1.2
udp 100.64.1.2:40000 198.51.100.20:50000 $(syn $A $B) at=$1.3
udp 198.51.100.20:50000 100.64.1.2:40000 $(syn_ack $B $A) ttl=60 at=$1.5
END
    }
    stepped
    t trace -r stepped.pcap --format=json
    want=$(verdicts)
    for line in 2 4 5; do
        for by in 10000 3600000; do
            stepped "$line" "$by"
            t trace -r stepped.pcap --format=json
            status_is 0
            same "$(verdicts)" "$want"
            json '.events[-1].clock_steps | length == 1 and (.[0] | .kind == "set_forward" and .frame == '"$line)"
        done
    done
    t trace -r stepped.pcap
    [[ ${lines[-1]} == "the clock of stepped.pcap was set forward by 3600.000100 s at frame 5, or an answer came so late" ]]
    # In between nothing was asked: a client that came back after an hour.
    stepped 3 3600000
    t trace -r stepped.pcap --format=json
    same "$(verdicts)" "$want"
    json '.events[-1].clock_steps == []'
}

@test "a clock that was set back is no matter in a pipe, in pcapng and with a second vantage point" {
    local want craft_words=()
    stepped
    t trace -r stepped.pcap --format=json
    want=$(verdicts)
    stepped 4 -10000
    sh_t 'cat stepped.pcap | "$T" trace -r - --format=json'
    same "$(verdicts)" "$want"
    json '.events[-1].clock_steps[0] | .file == "standard input" and .frame == 4'
    craft_words=(-n)
    stepped 4 -10000
    t trace -r stepped.pcap --format=json
    same "$(verdicts)" "$want"
    punch_at_b 101000 | "$craft" >b.pcap
    t trace -r stepped.pcap b.pcap --format=json
    status_is 0
    [ "$(punches .verdict)" = '"punched"' ]
    json '.events[-1].clock_steps | length == 1 and .[0].file == "stepped.pcap"'
    t trace -r b.pcap stepped.pcap --format=json
    status_is 0
    [ "$(punches .verdict)" = '"punched"' ]
}

@test "interfaces that are written out of order, or whose clocks differ, tell one story" {
    local want
    punch_at_a 10 | "$craft" >a.pcap
    t trace -r a.pcap --format=json
    want=$(jq -c '.events[0].steps | map([.state, .offset_s])' <<<"$output")
    # What goes out on one interface, what comes in on the other, which is written first.
    { echo 'interface 1 header=0200000000010200000000020800'; echo 'interface 1 header=0200000000010200000000020800'
        punch_at_a 10 | grep '^udp 198' | sed 's/$/ interface=1/'; punch_at_a 10 | grep '^udp 100'; } | "$craft" -n >two.pcapng
    t trace -r two.pcapng --format=json
    status_is 0
    same "$(jq -c '.events[0].steps | map([.state, .offset_s])' <<<"$output")" "$want"
    json '.events[-1].clock_steps == []'
    # The clock of the other one is 5 s ahead, and then 5 s behind.
    for by in 5 15; do
        { echo 'interface 1 header=0200000000010200000000020800 offset=-10'
            echo "interface 1 header=0200000000010200000000020800 offset=-$by"
            punch_at_a 10000 | sed '/^udp 198/s/$/ interface=1/'; } | "$craft" -n |
            python3 -c '
import sys
data = sys.stdin.buffer.read()
# The offsets, which the times were counted with, are left out.
for by in (10, int(sys.argv[1])):
    data = data.replace((-by).to_bytes(8, "little", signed=True), bytes(8))
sys.stdout.buffer.write(data)' "$by" >apart.pcapng
        t trace -r apart.pcapng --format=json
        status_is 0
        [ "$(punches .verdict)" = '"punched"' ]
        json '.events[-1].clock_steps | length == 1 and .[0].kind == "behind"'
    done
}

@test "a mirror port that shows every frame twice changes nothing but the count of copies" {
    local want
    qualified_at_a 10 | sed 's/$/ id=7/' | "$craft" >a.pcap
    t trace -r a.pcap --format=json
    want=$(jq -c '.events[:-1]' <<<"$output")
    mv a.pcap once.pcap
    qualified_at_a 10 | sed 's/$/ id=7/; p' | "$craft" >a.pcap
    t trace -r a.pcap --format=json
    status_is 0
    same "$(jq -c '.events[:-1]' <<<"$output")" "$want"
    json '.events[-1] | .packets == 7 and .copies == 7 and .frames == 14'
    t trace -r a.pcap
    [ "${lines[-1]}" = '7 copies of packets that were there a moment before' ]
    # As two captures of it that were merged.
    command -v mergecap >/dev/null || skip "mergecap is not installed"
    mergecap -w a.pcap -F pcap once.pcap once.pcap 3>&-
    t trace -r a.pcap --format=json
    same "$(jq -c '.events[:-1]' <<<"$output")" "$want"
    mergecap -w a.pcap -F pcapng once.pcap once.pcap 3>&-
    t trace -r a.pcap --format=json
    same "$(jq -c '.events[:-1]' <<<"$output")" "$want"
    json '.events[-1] | .packets == 7 and .copies == 7'
}

@test "bubbles that are sent again are no copies" {
    {
        punch_at_a 10 | head -n 2
        punch_at_a 2010 | head -n 2
        punch_at_a 4010
    } | "$craft" >again.pcap
    t trace -r again.pcap --format=json
    status_is 0
    punches '.attempts == 3'
    json '.events[-1] | .packets == 9 and .copies == 0'
}

@test "a packet that came in fragments has its part in the punch" {
    # The answer comes in three pieces, the last one first.
    {
        punch_at_a 10 | head -n 2
        for piece in 32- 0-16 16-32; do
            echo "udp 198.51.100.20:50000 100.64.1.2:40000 $(bubble $B $A) ttl=60 id=9 at=10.2 piece=$piece"
        done
        punch_at_a 10 | tail -n 2
    } | "$craft" >pieces.pcap
    t trace -r pieces.pcap --format=json
    status_is 0
    punches '[.steps[].state] == ["sent", "sent", "inferred", "received", "received"]'
    json '.events[-1] | .packets == 5 and .frames == 7 and .reassembled == 1'
}

@test "frames that are cut too short to tell are no proof that there is no Teredo" {
    punch_at_a 10 | "$craft" -s 68 >cut.pcap
    t trace -r cut.pcap
    status_is 2
    same "$output" 'no hole punch found: 5 frames are cut too short to tell, at 68 bytes
  try: capture whole frames, as tcpdump -s 0 does'
    { punch_at_a 10; still_there 900; } | "$craft" -s 60 >cut.pcap
    t trace -r cut.pcap
    [ "${lines[0]}" = 'no hole punch found: 5 frames are cut too short to tell, at 60 bytes; none of the other 1 frame is Teredo' ]
    t trace -q -r cut.pcap
    same "$stderr" 'teredoctl trace: 5 frames are cut too short to tell, at 60 bytes'
    t trace -r cut.pcap --format=json
    json '.events[-1].cut == {frames: 5, shortest: 60, longest: 60}'
    # Cut behind the IPv6 header, bubbles are still bubbles.
    punch_at_a 10 | "$craft" -s 82 >cut.pcap
    t trace -r cut.pcap --format=json
    json '.events[-1] | .cut == null and .packets == 5'
}

@test "an advertisement that is cut is an answer, if not one that can be judged" {
    qualified_at_a 10 | head -n 2 >frames
    still_there 20000 >>frames
    "$craft" -s 128 <frames >cut.pcap
    t trace -r cut.pcap --format=json
    json '[.events[] | select(.verdict) | [.verdict, .reason]] == [["inconclusive", "answer_cut"]]'
    t trace -r cut.pcap
    [[ $output == *"inconclusive: an answer was seen, cut too short by the capture to be judged"*"try: capture whole frames, as tcpdump -s 0 does"* ]]
    # The solicitation is cut as well.
    "$craft" -s 96 <frames >cut.pcap
    t trace -r cut.pcap --format=json
    json '[.events[] | select(.verdict) | [.verdict, .reason]] == [["inconclusive", "answer_cut"]]'
    # It is alone.
    grep -v '^udp 192.0.2.1' frames | "$craft" -s 96 >cut.pcap
    t trace -r cut.pcap --format=json
    json '[.events[] | select(.verdict) | [.verdict, .reason]] == [["not_qualified", "unanswered"]]'
}

@test "what the system had no room for when it captured, the statistics of pcapng tell" {
    { punch_at_a 10; echo "block 5 00000000 0000000000000000 0700 0800 0500000000000000 0500 0800 0200000000000000"; } |
        "$craft" -n >dropped.pcapng
    t trace -r dropped.pcapng --format=json
    json '.events[-1].dropped == 7'
    t trace -r dropped.pcapng
    [[ $stderr == 'teredoctl trace: warning: the kernel dropped 7 packets; what is missing may be among them' ]]
    t decode --summary dropped.pcapng
    [[ $output == *'  dropped          7 frames, by the kernel'* ]]
}

@test "frames of a link type that is not known are told by its name" {
    { echo 'interface 1 header=0200000000010200000000020800'; echo 'interface 189'
        punch_at_a 10; echo 'frame 00 interface=1'; } | "$craft" -n >usb.pcapng
    t trace -r usb.pcapng
    status_is 0
    [ "${lines[-1]}" = '1 frame of the link type USB_LINUX cannot be read' ]
    { echo 'interface 1'; echo 'interface 189'; echo 'frame 00'; echo 'frame 00 interface=1'; } | "$craft" -n >usb.pcapng
    t trace -r usb.pcapng
    status_is 2
    same "$output" 'no hole punch found: 1 frame of the link type USB_LINUX cannot be read; none of the other 1 frame is Teredo'
}

@test "IPv6 in UDP port 3544 without a Teredo address is counted" {
    echo "udp 100.64.1.2:40000 192.0.2.1:3544 60000000000811 40${HOST}${HOST}0000000000000000" | sed 's/811 40/81140/' |
        "$craft" >other.pcap
    t trace -r other.pcap
    status_is 2
    same "$output" 'no hole punch found: none of the 1 frame is Teredo
1 IPv6 packet in UDP port 3544 without a Teredo address'
}

@test "what bubble writes, trace reads" {
    "$TEREDOCTL" bubble $B_TEXT --direct --indirect --source $A_TEXT --from-address 203.0.113.10 \
        --from-port 40000 --spoof --write pair.pcap
    t trace -r pair.pcap --format=json
    status_is 2
    punches '.cause == "capture_ended" and .initiator.teredo_address == "'$A_TEXT'" and .peer.address == "'$B_TEXT'"'
    punches '[.steps[].state] == ["sent", "sent", "missing", "missing", "missing"]'
}

@test "a qualification to one server address: what is known, and that the kind of NAT is not" {
    server
    need_namespace
    T=$TEREDOCTL run --separate-stderr timeout 120 unshare -rn bash -c 'ip link set lo up
        "$T" serve --address 127.0.9.1 --secondary 127.0.9.2 --allow-private >server.out 2>&1 3>&- &
        until grep -qs ready server.out; do sleep 0.05; done
        "$T" qualify 127.0.9.1 --allow-private --write q.pcap >q.out
        kill %1'
    status_is 0
    t trace -r q.pcap --format=json
    status_is 2
    json '.events[0] | .event == "client_qualification" and .verdict == "qualified" and .server.address == "127.0.9.1"'
    json '.events[-1] | .qualifications == 1 and .punches == 0'
    t trace -r q.pcap
    [[ $output == *'no hole punch found; 1 qualification and 0 refreshes; 4 Teredo packets of 4 frames' ]]
}

# live OPTIONS [COMMAND]: a follower on lo of a namespace, and a server, a listener and a trace there
live() {
    need_namespace
    command -v ip >/dev/null || skip "ip is not installed"
    T=$TEREDOCTL OPTIONS=$1 run --separate-stderr timeout 120 unshare -rn bash -c '
        wait_for() { for ((i = 0; i < 1200; i++)); do "$@" && return; sleep 0.05; done; return 1; }
        ip link set lo up
        "$T" trace --passive $OPTIONS >out 2>err 3>&- & pid=$!
        wait_for grep -qs following err || exit 99
        "$T" serve --address 127.0.9.1 --secondary 127.0.9.2 --allow-private >server.out 2>&1 3>&- &
        wait_for grep -qs ready server.out
        "$T" listen 127.0.9.1 --allow-private >listener.out 2>&1 3>&- &
        wait_for grep -qs 2001: listener.out
        "$T" trace "$(grep -om 1 "2001:[0-9a-f:]*" listener.out | head -n 1)" --server 127.0.9.1 \
            --allow-private -q >trace.out 2>&1 3>&-
        '"$2"'
        wait $pid; status=$?
        kill %2 %3
        cat out; cat err >&2; exit $status'
    printf '%s\n%s\n' "$output" "$stderr"
}

@test "--passive -i lo: tells the punch soon after it, and ends on Ctrl-C with a summary" {
    live '-i lo' 'wait_for grep -q "^punched:" out || exit 98; kill -INT $pid'
    status_is 0
    [[ $stderr == *'following lo; end with Ctrl-C'* ]]
    [[ $output == *'punched: '* ]]
    [[ ${lines[-1]} == *'hole punch'*' punched, 0 not punched'* ]]
}

@test "--passive --count 1 ends by itself; -i any is the default" {
    live '--count 1 --format=jsonl' true
    status_is 0
    json -s '[.[] | select(.event == "punch")] | length == 1 and .[0].verdict == "punched"'
    json -s '.[-1] | .event == "summary" and .punches == 1 and .dropped == 0'
}

@test "--passive: interrupted before anything, exit 2 and a plain sentence" {
    need_namespace
    T=$TEREDOCTL run --separate-stderr timeout 120 unshare -rn bash -c 'ip link set lo up
        "$T" trace --passive -i lo >out 2>err 3>&- & pid=$!
        until grep -qs following err; do sleep 0.05; done
        kill -INT $pid; wait $pid; status=$?; cat out; cat err >&2; exit $status'
    status_is 2
    same "$output" 'no hole punch found: there was no frame to look at'
}

@test "privileges are given up before the first packet is read" {
    [ "$(id -u)" -eq 0 ] || skip "only root has privileges to give up"
    mkfifo pipe
    start reader trace -r pipe
    exec 9>pipe
    wait_for grep -q '^CapEff:[[:space:]]*0*$' "/proc/$PID/status"
    ! can_become nobody || [ "$(awk '/^Uid:/ { print $3 }' "/proc/$PID/status")" -ne 0 ]
    exec 9>&-
    ended "$PID"
}
