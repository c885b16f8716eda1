#!/usr/bin/env bats
# `teredoctl decode`: every input, every option, every exit status. What it prints of each kind of
# packet and problem is in tests/pcap (golden.sh); who is taken for Teredo in tests/unit/test_recognize.c.

# jq has variables of its own; status and output are set by run
# shellcheck disable=SC2016,SC2030,SC2031
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
    craft=${top_builddir:?}/tests/pcap/craft
    frames=${top_srcdir:?}/tests/pcap
}

teardown() {
    common_teardown
}

# capture NAME [OPTION…]: the packets of tests/pcap/NAME.frames, in NAME.pcap
capture() {
    "$craft" "${@:2}" <"$frames/$1.frames" >"$1.pcap"
}

# packets FIRST COUNT: lines that craft makes packets from
packets() {
    grep '^udp' "$frames/kinds.frames" | tail -n "+$1" | head -n "$2"
}

# same GOT WANT
same() {
    if [ "$1" != "$2" ]; then
        printf 'got:\n%s\nwant:\n%s\n' "$1" "$2"
        return 1
    fi
}

status_is() {
    [ "$status" -eq "$1" ] || {
        echo "status $status, want $1"
        return 1
    }
}

@test "the golden outputs: every kind of packet and every problem, in every format" {
    run bash "$frames/golden.sh"
    echo "$output"
    status_is 0
    [ "${lines[-1]}" = '20 rows' ]
}

@test "every reason of src/wire/fault.h is in the golden outputs, or, as not_udp, said to be in none" {
    sed -n '/^enum wire_reason/,/WIRE_REASON_COUNT/s/^ *WIRE_\([A-Z0-9_]*\),.*/\L\1/p' \
        "$top_srcdir/src/wire/fault.h" | grep -vx -e ok -e not_udp >reasons
    [ "$(wc -l <reasons)" -ge 17 ]
    while read -r reason; do
        grep -q "\"reason\":\"$reason\"" "$frames"/problems-summary-js.out || {
            echo "no packet of problems.frames has $reason"
            false
        }
    done <reasons
    run grep -c not_udp "$frames"/problems-summary-js.out
    status_is 1
}

@test "every link type gives the same packets" {
    local row want
    local rows=(
        '1|020000000001 020000000002 0800|Ethernet'
        '1|020000000001 020000000002 8100 0064 0800|VLAN'
        '1|020000000001 020000000002 88a8 0064 8100 0065 0800|QinQ'
        '1|020000000001 020000000002 9100 0064 8100 0065 0800|QinQ of old'
        '1|020000000001 020000000002 8864 1100 0001 0042 0021|PPPoE'
        '1|020000000001 020000000002 8100 0007 8864 1100 0001 0042 21|PPPoE in a VLAN'
        '9|ff03 0021|PPP'
        '9|0021|PPP, bare'
        '50|ff03 0021|PPP in HDLC framing'
        '51|1100 0001 0042 0021|PPPoE, bare'
        '104|0f00 0800|Cisco HDLC'
        '113|0000 0001 0006 020000000001 0000 0800|Linux cooked'
        '276|0800 0000 00000002 0001 00 06 020000000001 0000|Linux cooked v2'
        '101||raw'
        '228||raw IPv4'
        '0|02000000|loopback, little-endian'
        '0|00000002|loopback, big-endian'
        '108|00000002|loopback of OpenBSD'
        '1|020000000001 020000000002 8847 00064040 00065140|MPLS'
        '1|020000000001 020000000002 8100 0064 8847 00064140|MPLS in a VLAN'
        '1|020000000001 020000000002 0040 aaaa03 000000 0800|802.3 with SNAP'
        '1|020000000001 020000000002 0040 060603|802.3 with LLC'
        '9|ff03 0281 00064140|MPLS in PPP'
        '100|aaaa03 000000 0800|LLC'
        '204|01 ff03 0021|PPP with its direction'
        '219|00064140|MPLS, bare'
        '239|02000001 0800 0100 08000300 ffff 0900|NFLOG, little-endian'
        '239|02000001 0008 0001 08000300 ffff 0009|NFLOG, big-endian'
    )
    capture kinds
    t decode kinds.pcap
    want=$output
    for row in "${rows[@]}"; do
        IFS='|' read -r link header name <<<"$row"
        echo "$name:"
        capture kinds -l "$link" -h "$header"
        t decode kinds.pcap
        status_is 0
        same "$output" "$want"
        same "$stderr" ''
    done
}

@test "either byte order, micro- and nanoseconds, pcap and pcapng give the same packets" {
    local want
    capture kinds
    t decode kinds.pcap
    want=$output
    [[ ${lines[0]} == 2025-11-24T16:00:01.123456789Z* ]]
    capture kinds -b
    t decode kinds.pcap
    same "$output" "$want"
    for options in -u '-b -u'; do
        # shellcheck disable=SC2086
        capture kinds $options
        t decode kinds.pcap
        same "$output" "${want//.123456789Z/.123456000Z}"
    done
    command -v editcap >/dev/null || skip "editcap is not installed"
    capture kinds
    editcap -F pcapng kinds.pcap kinds.pcapng 3>&-
    t decode kinds.pcapng
    same "$output" "$want"
    mv kinds.pcapng whatever.txt
    t decode whatever.txt
    same "$output" "$want"
}

@test "packets that the snap length has cut anywhere are told as far as they go" {
    local cut before=0 now
    for ((cut = 1; cut <= 160; cut++)); do
        capture kinds -s "$cut"
        run --separate-stderr "$TEREDOCTL" decode --format=jsonl kinds.pcap
        now=${#lines[@]}
        # Those that cannot be told are counted.
        too_short=$((15 - now))
        if [ "$too_short" -gt 0 ]; then
            [[ $stderr == "teredoctl decode: $too_short frame"*" cut too short to tell, at $cut bytes" ]]
        else
            [ -z "$stderr" ]
        fi
        [ "$status" -eq $((now == 0 ? 2 : 0)) ] || return 1
        # More bytes never show less; who is shown is shown whole or with the reason.
        [ "$now" -ge "$before" ] || return 1
        before=$now
        [ "$now" -eq 0 ] || jq -es --argjson cut "$cut" 'all(.[];
            (.size + 42 <= $cut and .problems == []) or
            (.size + 42 > $cut and (.problems | map(.reason)) == ["truncated"] and
                .problems[0].offset == $cut - 42))' <<<"$output" >/dev/null || {
            echo "cut at $cut: $output"
            return 1
        }
        run --separate-stderr "$TEREDOCTL" decode -q -v kinds.pcap
        [ -z "$stderr" ] && [ "$status" -eq $((now == 0 ? 2 : 0)) ] || return 1
        run --separate-stderr "$TEREDOCTL" decode --summary kinds.pcap
        [ -z "$stderr" ] && [ "$status" -eq $((now == 0 ? 2 : 0)) ] || return 1
        [ "$too_short" -eq 0 ] || [[ $output == *"  cut              $too_short frame"*" cut too short to tell, at $cut bytes"* ]]
    done
    [ "$now" -eq 15 ]
}

@test "a tunnel that the snap length has cut anywhere may carry Teredo" {
    local cut
    for ((cut = 1; cut < 118; cut += 3)); do
        grep -v '^#' "$frames/tunnels.frames" | head -n 1 | "$craft" -s "$cut" >tunnel.pcap
        t decode --tunnels tunnel.pcap
        status_is 2
        same "$stderr" "teredoctl decode: 1 frame is cut too short to tell, at $cut bytes"
    done
    grep -v '^#' "$frames/tunnels.frames" | head -n 1 | "$craft" -s 118 >tunnel.pcap
    t decode --tunnels tunnel.pcap
    status_is 0
}

@test "what is not Teredo is not taken for it, whatever the port: exit 1" {
    capture others
    for option in --format=text --format=jsonl --tunnels -v; do
        t decode "$option" others.pcap
        status_is 1
        same "$output" ''
        same "$stderr" 'teredoctl decode: 1 IPv6 packet in UDP port 3544 without a Teredo address'
    done
    t decode -q others.pcap
    status_is 1
    same "$stderr" ''
    t decode --format=json others.pcap
    status_is 1
    json '. == {schema: 1, command: "decode", packets: []}'
}

@test "Teredo is found off port 3544, and what its flow shows later is believed" {
    {
        packets 4 1
        echo 'udp 198.51.100.20:36852 203.0.113.9:40000 0102'
        echo 'udp 198.51.100.20:36853 203.0.113.9:40000 0102'
    } | "$craft" >c.pcap
    t decode --format=jsonl c.pcap
    status_is 0
    json -s 'map([.frame, .kind]) == [[1, "bubble"], [2, null]]'
}

@test "a truncated file: what came before is printed, then the error, exit 65" {
    local size want
    capture kinds
    t decode kinds.pcap
    want=$output
    size=$(stat -c %s kinds.pcap)
    head -c $((size - 1)) kinds.pcap >cut.pcap
    t decode cut.pcap
    status_is 65
    same "$output" "$(head -n 14 <<<"$want")"
    [[ $stderr == 'teredoctl decode: cut.pcap is damaged after frame 14, at byte '"$((size - 1))"': the file ends inside a frame' ]]
    t decode --format=json cut.pcap
    status_is 65
    json '.packets | length == 14'
    t decode --summary cut.pcap
    status_is 65
    [[ ${lines[0]} == '14 Teredo packets in '* ]]
    t decode --summary --format=json cut.pcap
    status_is 65
    json '.packets == 14'
    head -c 30 kinds.pcap >cut.pcap
    t decode --summary cut.pcap
    status_is 65
    same "$output" ''
    head -c 10 kinds.pcap >cut.pcap
    t decode cut.pcap
    status_is 65
    [[ $stderr == 'teredoctl decode: cut.pcap is damaged after frame 0, at byte 10: the file ends inside its header' ]]
}

@test "a damaged file: a record of a length that cannot be" {
    { packets 1 2 | "$craft" && printf '\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377'; } >bad.pcap
    t decode bad.pcap
    status_is 65
    [ "${#lines[@]}" -eq 2 ]
    [[ $stderr == 'teredoctl decode: bad.pcap is damaged after frame 2, at byte '*': the frame is longer than frames are' ]]
}

@test "pcapng with several sections, interfaces, link types, snap lengths and clocks: all of it is read" {
    "$craft" -n <"$frames/pcapng.frames" >all.pcapng
    t decode --format=jsonl all.pcapng
    status_is 0
    # Frame 3 has a link type of which nothing is known; a custom block has the number 4, as in tshark.
    json -s 'map(.frame) == [1, 2, 5, 6, 7, 8, 9]'
    json -s 'map(.kind) == ["rs", null, "bubble", "bubble", "bubble", "echo_request", "echo_reply"]'
    json -s 'map(.problems | map(.reason)) == [[], ["truncated"], [], [], [], [], []]'
    json -s 'map(.when) | .[1] == "2025-11-24T16:00:02.123456000Z" and .[6] == "2025-11-24T16:00:08.123000000Z"'
    # The same from a pipe, whose reads end anywhere.
    sh_t 'head -c 700 all.pcapng >a; tail -c +701 all.pcapng >b; (cat a; sleep 0.1; cat b) | "$T" decode --format=jsonl -'
    json -s 'map(.frame) == [1, 2, 5, 6, 7, 8, 9]'
}

@test "a filter goes with every link type of a pcapng file" {
    "$craft" -n <"$frames/pcapng.frames" >all.pcapng
    t decode --format=jsonl all.pcapng 'udp port 3544 and src host 203.0.113.9'
    status_is 0
    json -s 'map(.frame) == [1, 5]'
    t decode all.pcapng 'ether host 02:00:00:00:00:01'
    status_is 64
    [[ $stderr == *"the filter 'ether host 02:00:00:00:00:01' is wrong: "* ]]
}

@test "pcapng cut at any byte: what is whole is printed, and the damage is told with its place" {
    local size at
    packets 4 2 | "$craft" -n >whole.pcapng
    size=$(stat -c %s whole.pcapng)
    for ((at = 1; at < size; at += 3)); do
        head -c "$at" whole.pcapng >cut.pcapng
        t decode --format=jsonl cut.pcapng
        case $at in
        28 | 72) status_is 1 ;;
        200) status_is 0 ;;
        [1-3]) [[ $stderr == *'is not a capture'* ]] && status_is 65 ;;
        *)
            status_is 65
            [[ $stderr == *"cut.pcapng is damaged after frame $((at >= 200)), at byte $at: the file ends inside "* ]]
            ;;
        esac
        [ "$at" -lt 200 ] || json -s 'map(.frame) == [1]'
    done
}

@test "pcapng whose lengths disagree is damaged; what comes before it is printed" {
    local row
    local rows=(
        '6 05000000000000000000000001000000010000000a000000|the enhanced packet block that begins at byte 200 names an interface that was not described|208'
        '6 00000000000000000000000009000000090000000a000000|the enhanced packet block that begins at byte 200 has a frame that ends beyond it|228'
        '6 00000000|the enhanced packet block that begins at byte 200 is too short for its type|204'
        '1 01000000000000000900ff00|the interface description block that begins at byte 200 has an option that ends beyond it|216'
        '3 ff00000001020304|the simple packet block that begins at byte 200 has a frame that ends beyond it|212'
    )
    for row in "${rows[@]}"; do
        IFS='|' read -r block text at <<<"$row"
        { packets 4 1; echo "block $block"; packets 5 1; } | "$craft" -n >bad.pcapng
        t decode --format=jsonl bad.pcapng
        status_is 65
        json -s 'map(.frame) == [1]'
        same "$stderr" "teredoctl decode: bad.pcapng is damaged after frame 1, at byte $at: $text"
    done
    packets 4 1 | "$craft" -n >bad.pcapng
    printf '\x07\x00\x00\x00\x10\x00\x00\x00abcd\x14\x00\x00\x00' >>bad.pcapng
    t decode bad.pcapng
    status_is 65
    same "$stderr" 'teredoctl decode: bad.pcapng is damaged after frame 1, at byte 212: the block of type 0x00000007 that begins at byte 200 has two lengths that disagree'
}

@test "a pcapng section of another version is no damage" {
    { packets 4 1; echo 'block 0x0a0d0d0a 4d3c2b1a02000000ffffffffffffffff'; } | "$craft" -n >later.pcapng
    t decode --format=jsonl later.pcapng
    status_is 65
    json -s 'length == 1'
    same "$stderr" 'teredoctl decode: later.pcapng cannot be read from byte 200 on: the section header block that begins at byte 200 is of a version that is not known'
}

@test "a pcapng file of one link type that is not known is said to be: exit 65" {
    { echo 'interface 105'; packets 4 1; } | "$craft" -n >wlan.pcapng
    t decode wlan.pcapng
    status_is 65
    [[ $stderr == *'wlan.pcapng has the link type IEEE802_11, which teredoctl cannot read'*'try: '* ]]
}

@test "pcap as it was modified to name interfaces is read" {
    packets 4 1 | "$craft" -u >plain.pcap
    {
        printf '\x34\xcd\xb2\xa1'
        tail -c +5 plain.pcap | head -c 36
        printf '\x02\x00\x00\x00\x08\x00\x04\x00'
        tail -c +41 plain.pcap
    } >modified.pcap
    t decode plain.pcap
    local want=$output
    t decode modified.pcap
    status_is 0
    same "$output" "$want"
}

@test "what is not a capture, or one of another link type, is said to be: exit 65" {
    echo 'not a capture, but text of some length' >text
    t decode text
    status_is 65
    same "$output" ''
    [[ $stderr == 'teredoctl decode: text is not a capture: it begins neither as pcap nor as pcapng' ]]
    capture kinds
    gzip kinds.pcap
    t decode kinds.pcap.gz
    status_is 65
    [[ $stderr == *'try: it is compressed: gunzip it first' ]]
    capture kinds -l 105
    t decode kinds.pcap
    status_is 65
    [[ $stderr == *'kinds.pcap has the link type IEEE802_11, which teredoctl cannot read'*'try: '* ]]
}

@test "a file that is missing, empty, unreadable or a directory: exit 66" {
    t decode missing.pcap
    status_is 66
    same "$stderr" 'teredoctl decode: cannot read missing.pcap: No such file or directory'
    : >empty
    t decode empty
    status_is 66
    same "$stderr" 'teredoctl decode: empty is empty'
    t decode .
    status_is 66
    same "$stderr" 'teredoctl decode: cannot read .: Is a directory'
    capture kinds
    chmod 0 kinds.pcap
    run --separate-stderr without_capabilities "$TEREDOCTL" decode kinds.pcap
    status_is 66
    same "$stderr" 'teredoctl decode: cannot read kinds.pcap: Permission denied'
    sh_t '"$T" decode </dev/null'
    status_is 66
    same "$stderr" 'teredoctl decode: standard input is empty'
}

@test "a missing file is told before anything is decoded" {
    capture kinds
    t decode kinds.pcap missing.pcap
    status_is 66
    same "$output" ''
}

@test "several files, one after another, each with its name and frame numbers" {
    packets 1 2 | "$craft" >a.pcap
    packets 4 1 | "$craft" -b -l 101 -h '' >b.pcap
    t decode --format=jsonl a.pcap b.pcap
    status_is 0
    json -s 'map([.file, .frame, .kind]) ==
        [["a.pcap", 1, "rs"], ["a.pcap", 2, "ra"], ["b.pcap", 1, "bubble"]]'
    t decode --summary a.pcap b.pcap
    [[ ${lines[0]} == '3 Teredo packets in 2 flows, of 3 frames with 3 UDP datagrams over IPv4' ]]
    echo text >c.pcap
    t decode a.pcap c.pcap b.pcap
    status_is 65
    [ "${#lines[@]}" -eq 2 ]
}

@test "standard input, without a name and as -" {
    local want
    capture kinds
    t decode kinds.pcap
    want=$output
    sh_t '"$T" decode <kinds.pcap'
    status_is 0
    same "$output" "$want"
    sh_t 'cat kinds.pcap | "$T" decode -'
    same "$output" "$want"
    sh_t '"$T" decode --format=jsonl --count 1 - <kinds.pcap'
    json '.file == "standard input"'
    sh_t '"$T" decode - kinds.pcap <kinds.pcap'
    same "$output" "$want"$'\n'"$want"
}

@test "checksums that a host leaves to its network card are no problem in frames that it sends" {
    local rs row
    rs=$(packets 1 1 | sed 's/ ttl=.*//')
    # What the frame is, and what is said of it.
    local rows=(
        '-n|sent checksum=wrong|'
        '-n|sent header=none|'
        '-n|sent header=none checksum=partial|'
        '-n|sent header=wrong|'
        '-n|received checksum=wrong|udp_checksum'
        '-n|received header=none|ip4_checksum'
        '-n|received checksum=partial|'
        '-n|header=none|'
        '-n|header=none checksum=wrong|'
        '-n|header=none checksum=partial|'
        '-n|header=wrong|ip4_checksum'
        '-n|checksum=wrong|udp_checksum'
        '-l 113 -h 00040001000602000000000100000800|checksum=wrong|'
        '-l 113 -h 00040001000602000000000100000800|header=none|'
        '-l 113 -h 00000001000602000000000100000800|header=none|ip4_checksum'
        '-l 276 -h 0800000000000002000104060200000000010000|checksum=wrong|'
        '-l 276 -h 0800000000000002000103060200000000010000|checksum=wrong|udp_checksum'
        '-l 204 -h 01ff030021|header=none checksum=wrong|'
        '-l 204 -h 00ff030021|header=none checksum=wrong|ip4_checksum'
        '-l 239 -h 020000000800010008000300ffff0900|checksum=wrong|'
    )
    for row in "${rows[@]}"; do
        IFS='|' read -r options words want <<<"$row"
        echo "$row"
        # shellcheck disable=SC2086
        echo "$rs $words" | "$craft" $options >sent.pcap
        t decode --format=jsonl sent.pcap
        status_is 0
        json --arg want "$want" '[.problems[].reason] == ($want | split(" "))'
    done
    # A host that has shown once that it does so does it from then on; another one does not.
    {
        echo "$rs checksum=wrong"
        echo "$rs header=none"
        echo "$rs checksum=wrong"
        echo "${rs/203.0.113.9/203.0.113.8} checksum=wrong"
    } | "$craft" >host.pcap
    t decode --format=jsonl host.pcap
    json -s 'map(.problems | map(.reason)) == [["udp_checksum"], [], [], ["udp_checksum"]]'
}

@test "fragments are put together, in any order, whatever comes between them" {
    local want order
    packets 8 1 | "$craft" >whole.pcap
    t decode --format=jsonl whole.pcap
    want=$(jq -c 'del(.frame, .when, .fragments)' <<<"$output")
    for order in '0-24 24-48 48-' '48- 24-48 0-24' '24-48 48- 0-24' '0-32 24-48 40-' '0-24 0-24 24-48 48-'; do
        for piece in $order; do
            packets 8 1 | sed "s/\$/ piece=$piece/"
            packets 9 1
        done | "$craft" >pieces.pcap
        t decode --format=jsonl pieces.pcap
        status_is 0
        json -s --argjson want "$want" 'map(select(.fragments)) | length == 1 and (.[0] | .fragments == 3 and
            .file == "pieces.pcap" and del(.file, .frame, .when, .fragments) == ($want | del(.file)))'
        same "$stderr" ''
    done
    # One is missing; the last one is; the first one is; they contradict each other.
    packets 8 1 | sed 's/$/ piece=0-24/; p; s/0-24/48-/' | "$craft" >pieces.pcap
    t decode --format=jsonl pieces.pcap
    same "$output" ''
    packets 8 1 | sed 's/$/ piece=0-56/' | "$craft" >pieces.pcap
    t decode --format=jsonl pieces.pcap
    json '.frame == 1 and .fragments == null and .kind == "echo_request" and .problems[0].reason == "truncated"'
    packets 8 1 | sed 's/$/ piece=24-/' | "$craft" >pieces.pcap
    t decode --summary --format=json pieces.pcap
    status_is 1
    json '.packets == 0 and .problems == [{reason: "ip4_fragment", count: 1}]'
    { packets 8 1 | sed 's/$/ piece=48-/'; packets 9 1 | sed 's/$/ piece=48-/; s/^udp [^ ]* [^ ]*/udp 203.0.113.9:40000 198.51.100.20:36852/'
        packets 8 1 | sed 's/$/ piece=0-48/'; } | "$craft" >pieces.pcap
    t decode --summary --format=json pieces.pcap
    json '.packets == 0 and .problems == [{reason: "ip4_fragment_overlap", count: 3}]'
}

@test "fragments of a datagram in a tunnel, and of one that is a tunnel, are put together" {
    grep -v '^#' "$frames/tunnels.frames" | head -n 1 >tunnel
    "$craft" <tunnel >whole.pcap
    t decode --tunnels --format=jsonl whole.pcap
    status_is 0
    want=$(jq -c '[.kind, .ipv6]' <<<"$output")
    for piece in 40- 0-40; do
        sed "s/\$/ piece=$piece/" tunnel
    done | "$craft" >pieces.pcap
    t decode --tunnels --format=jsonl pieces.pcap
    status_is 0
    same "$(jq -c '[.kind, .ipv6]' <<<"$output")" "$want"
    json '.fragments == 2 and .frame == 2'
}

@test "a mirror port's copies count once, and are marked; what is sent again is not" {
    packets 1 15 | sed 's/$/ id=9/; p' | "$craft" -n >twice.pcapng
    # A second passes between any two of these frames.
    t decode --summary --format=json twice.pcapng
    json '.packets == 30 and .copies == 0'
    packets 1 15 | awk '{ print $0 " id=9 at=" NR * 1000; print $0 " id=9 at=" NR * 1000 + 0.004 }' | "$craft" >twice.pcap
    t decode --summary twice.pcap
    status_is 0
    [[ ${lines[0]} == '15 Teredo packets in 7 flows, of 30 frames with 30 UDP datagrams over IPv4' ]]
    [[ $output == *'  copies           15 copies of packets that were there a moment before'* ]]
    [[ $output == *'  bubble           8'* ]]
    t decode --format=jsonl twice.pcap
    json -s 'length == 30 and (map(.copy) == [range(15) | false, true])'
    same "$stderr" ''
    t decode twice.pcap
    [[ ${lines[1]} == *' 61 bytes, a copy' ]]
    t decode --count 3 --format=jsonl twice.pcap
    json -s 'map(.frame) == [1, 2, 3, 4, 5]'
    # Another identification, another time to live, a second later.
    {
        packets 4 1 | sed 's/$/ id=9 at=1000/'
        packets 4 1 | sed 's/$/ id=10 at=1000.01/'
        packets 4 1 | sed 's/$/ id=9 at=1000.02 ttl=63/'
        packets 4 1 | sed 's/$/ id=9 at=2000/'
    } | "$craft" >again.pcap
    t decode --summary --format=json again.pcap
    json '.packets == 4 and .copies == 0'
    # One from before the network card had filled in its checksums.
    { packets 4 1 | sed 's/$/ id=9 at=1000 header=none checksum=partial/'; packets 4 1 | sed 's/$/ id=9 at=1000.01/'; } |
        "$craft" >card.pcap
    t decode --summary --format=json card.pcap
    json '.packets == 1 and .copies == 1 and .problems == []'
    # The same file twice is not one that shows all twice.
    t decode --summary --format=json again.pcap again.pcap
    json '.packets == 8 and .copies == 0'
}

@test "a clock that was set back is told with the frame" {
    { packets 1 1 | sed 's/$/ at=12000/'; packets 2 3; } | "$craft" >back.pcap
    t decode back.pcap
    status_is 0
    same "$stderr" 'teredoctl decode: the clock of back.pcap was set back by 9.876543 s at frame 2: the order of the capture is kept'
    t decode --summary --format=jsonl back.pcap
    json '.clock_steps == [{file: "back.pcap", kind: "set_back", frame: 2, by_s: 9.876543211, count: 1}] and .packets == 4'
    t decode --format=jsonl back.pcap
    json -s 'map(.frame) == [1, 2, 3, 4] and .[0].when == "2025-11-24T16:00:12.000000000Z"'
    # Of two captures it is none.
    packets 1 1 | sed 's/$/ at=12000/' | "$craft" >a.pcap
    packets 2 3 | "$craft" >b.pcap
    t decode --summary --format=json a.pcap b.pcap
    json '.clock_steps == []'
}

@test "what cannot be read is counted by its link type; if nothing else is there: exit 2" {
    { echo 'interface 105'; echo 'interface 1'; echo 'interface 189'
        for interface in 0 1 2 0; do echo "frame 00 interface=$interface"; done; } | "$craft" -n >some.pcapng
    t decode some.pcapng
    status_is 2
    same "$stderr" 'teredoctl decode: 2 frames of the link type IEEE802_11 cannot be read
teredoctl decode: 1 frame of the link type USB_LINUX cannot be read'
    t decode --summary --format=json some.pcapng
    status_is 2
    json '.unread == [{link_type: "IEEE802_11", frames: 2}, {link_type: "USB_LINUX", frames: 1}]'
}

@test "results come while the input waits, and Ctrl-C ends it with what there is" {
    mkfifo pipe
    start reader decode --format=jsonl pipe
    local reader=$PID
    exec 9>pipe
    packets 1 1 | "$craft" >&9
    wait_for grep -q '"frame":1' reader.out
    kill -INT "$reader"
    ended "$reader"
    exec 9>&-
    status_is 0
    [ "$(wc -l <reader.out)" -eq 1 ]
    [ ! -s reader.err ]
}

@test "a summary is printed when it is interrupted" {
    mkfifo pipe
    start reader decode --summary pipe
    local reader=$PID
    exec 9>pipe
    packets 1 2 | "$craft" >&9
    wait_for asleep "$reader"
    kill -TERM "$reader"
    ended "$reader"
    exec 9>&-
    status_is 0
    grep -q '^2 Teredo packets' reader.out
}

@test "a filter is the last argument, or the last ones, as tcpdump takes it" {
    local filter
    capture kinds
    t decode --format=jsonl kinds.pcap 'udp port 3544 and host 192.0.2.1'
    status_is 0
    # The numbers are those of the file.
    json -s 'map(.frame) == [1, 2, 3]'
    t decode --format=jsonl kinds.pcap udp port 3544 and host 192.0.2.1
    json -s 'map(.frame) == [1, 2, 3]'
    for filter in 'not port 3544' '! port 3544' '(udp)' 'ip[8]=128' 'src host 203.0.113.9' 'len<=90' less\ 200; do
        t decode kinds.pcap "$filter"
        status_is 0
    done
    t decode kinds.pcap tcp
    status_is 1
    sh_t '"$T" decode --format=jsonl udp port 3544 and host 192.0.2.1 <kinds.pcap'
    json -s 'map(.frame) == [1, 2, 3]'
    t decode --format=jsonl --summary kinds.pcap kinds.pcap port 3544
    json '.frames == 12'
}

@test "a file that is called like a word of a filter is a file" {
    capture kinds
    mv kinds.pcap udp
    t decode udp udp
    status_is 0
    [ "${#lines[@]}" -eq 30 ]
}

@test "a filter that is wrong is a usage error" {
    capture kinds
    t decode kinds.pcap 'udp and and'
    status_is 64
    same "$output" ''
    [[ $stderr == "teredoctl decode: the filter 'udp and and' is wrong: "*'try: '* ]]
}

@test "--count ends after as many Teredo packets, in whatever file" {
    capture kinds
    capture others
    t decode --count 1 others.pcap kinds.pcap kinds.pcap
    status_is 0
    [ "${#lines[@]}" -eq 1 ]
    t decode --count 16 --format=json kinds.pcap kinds.pcap kinds.pcap
    json '.packets | length == 16'
    t decode --count 2 --summary kinds.pcap
    [[ ${lines[0]} == '2 Teredo packets '* ]]
}

@test "every object of a packet has the same keys" {
    capture kinds
    capture problems
    t decode --format=jsonl kinds.pcap problems.pcap
    json -s 'length == 32 and (map(keys_unsorted) | unique | length == 1)'
    json -s 'all(.schema == 1 and .command == "decode" and .event == "packet")'
    json -s 'all(.[].ipv6 | select(. != null); keys == ["destination", "flow_label", "hop_limit",
        "next_header", "payload_length", "source", "traffic_class"])'
    json -s 'all(.when | test("^2025-11-24T16:00:[0-9]{2}\\.[0-9]{9}Z$"))'
    keys=$(jq -r 'keys_unsorted[]' <<<"${lines[0]}")
    t decode --format=jsonl --hex 60
    same "$(jq -r 'keys_unsorted[]' <<<"$output")" "$keys"
}

@test "every key of the JSON is documented" {
    local key
    capture kinds
    t decode --format=jsonl kinds.pcap
    jq -r 'paths[] | strings' <<<"$output" | sort -u >keys
    capture problems
    t decode --format=json --summary problems.pcap
    jq -r 'paths[] | strings' <<<"$output" | sort -u >>keys
    [ "$(wc -l <keys)" -ge 70 ]
    while read -r key; do
        # The flags of an address are told in its own page, the kinds as words.
        grep -qE "^\.(It |Po )?(Dq|Do|Cm) .*\b$key\b|^\.Cm .*\b$key\b" \
            "$top_srcdir"/man/teredoctl-decode.1 "$top_srcdir"/man/teredoctl-addr.1 || {
            echo "no page tells of the key $key"
            false
        }
    done <keys
}

@test "json and jsonl say the same" {
    capture kinds
    t decode --format=jsonl kinds.pcap
    jsonl=$(jq -cS 'del(.schema, .command, .event)' <<<"$output")
    t decode --format=json kinds.pcap
    same "$(jq -cS '.packets[]' <<<"$output")" "$jsonl"
}

@test "--hex decodes a UDP payload, exit 0" {
    local payload
    payload=$(packets 1 1 | cut -d' ' -f4)
    t decode --hex "$payload"
    status_is 0
    same "$output" 'rs fe80::ffff:ffff:ffff > ff02::2, hop limit 255, auth nonce 0102030405060708, 61 bytes'
    t decode -v --hex "$(sed 's/../&:/g; s/:$//' <<<"${payload^^}")"
    status_is 0
    same "${lines[1]}" '  authentication   nonce 0102030405060708, confirmation 0'
    t decode --format=json --hex "$(fold -w 8 <<<"$payload")"
    status_is 0
    json '.kind == "rs" and .frame == null and .from == null and .ipv4 == null and .schema == 1'
}

@test "--hex tells what is wrong, and where: exit 65" {
    local bubble=6000000000003b0020010000c00002012c5a63bf34ff8ef620010000c00002811cda700b39cc9beb row
    local rows=(
        '|truncated|0'
        '60|truncated|1'
        "0002$bubble|unknown_encapsulation|1"
        "000063bf34ff8ef6000063bf34ff8ef6$bubble|repeated_encapsulation|8"
        "000063bf34ff8ef645|truncated|9"
        "000063bf34ff8ef64500|ip6_version|8"
        "${bubble/00003b/00013b}|ip6_payload_length|4"
        "${bubble/00003b/00003a}|icmp6_truncated|40"
        "${bubble/00003b/00043a}80000000|icmp6_checksum|42"
        "${bubble}4100|trailer_must_discard|40"
    )
    for row in "${rows[@]}"; do
        IFS='|' read -r hex reason offset <<<"$row"
        t decode --format=jsonl --hex "$hex"
        status_is 65
        json --arg reason "$reason" --argjson offset "$offset" '.problems == [{$reason, $offset}]'
        [[ $stderr == "teredoctl decode: no Teredo packet: "*"(byte $offset)" ]]
        t decode -q --hex "$hex"
        status_is 65
        [[ $output == *"; $reason at byte $offset" ]]
        same "$stderr" ''
    done
    # Junk behind a packet is a problem, but not the packet's.
    t decode --hex "${bubble}01"
    status_is 0
    [[ $output == *'; trailer_length at byte 40' ]]
}

@test "usage errors are exit 64, and name the option" {
    local row
    local rows=(
        '--nonsense|unrecognized option'
        '--format=xml x|--format: '
        '--count 0 x|--count: '
        '--count many x|--count: '
        '--hex 60 --summary|--hex goes with'
        '--hex 60 file|--hex goes with'
        '--hex 60 -i lo|--hex goes with'
        '--hex 60 --tunnels|--hex goes with'
        '--hex 6|--hex: not pairs of hexadecimal digits'
        '--hex zz|--hex: not pairs of hexadecimal digits'
    )
    for row in "${rows[@]}"; do
        # shellcheck disable=SC2086 # words of a command line
        t decode ${row%%|*}
        usage_error "${row#*|}"
    done
}

@test "without FILE, with a terminal as standard input: a usage error" {
    command -v script >/dev/null || skip "script is not installed"
    run script -qec "'$TEREDOCTL' decode" /dev/null </dev/null
    status_is 64
    [[ $output == *'give a FILE, -i INTERFACE or --hex'* ]]
}

@test "a full disk is exit 74, whatever is printed" {
    capture kinds
    for options in '' -v --format=json --format=jsonl --summary '--summary --format=json'; do
        sh_t "\"\$T\" decode $options kinds.pcap >/dev/full"
        status_is 74
        [[ $stderr == *'cannot write the results: No space left on device' ]]
    done
}

@test "-i without the permission: exit 77, and what to try" {
    run --separate-stderr without_capabilities "$TEREDOCTL" decode -i lo
    status_is 77
    [[ $stderr == 'teredoctl decode: no permission to capture on lo'*'try: sudo '*'tcpdump -i lo'* ]]
}

# in_namespace SCRIPT: in one of its own, with the right to capture; $T is teredoctl
in_namespace() {
    need_namespace
    command -v ip >/dev/null || skip "ip is not installed"
    T=$TEREDOCTL run --separate-stderr timeout 120 unshare -rn bash -c "ip link set lo up; $1"
    printf '%s => %s\n%s\n%s\n' "$1" "$status" "$output" "$stderr"
}

@test "-i for an interface that is not there, or is down: exit 69" {
    in_namespace '"$T" decode -i nosuch0'
    status_is 69
    [[ $stderr == *'there is no interface nosuch0'*'try: '* ]]
    in_namespace 'ip link set lo down; "$T" decode -i lo'
    status_is 69
    [[ $stderr == *'cannot capture on lo: '* ]]
}

# Bubbles to port 9 of this host, until the capture has COUNT of them; $1 is what decode is told.
live() {
    local hex
    hex=$(packets 4 1 | cut -d' ' -f4 | sed 's/../\\x&/g')
    in_namespace '"$T" decode '"$1"' 3>&- >out 2>err & pid=$!
        until grep -qs listening err; do sleep 0.05; done
        for ((i = 0; i < 2000; i++)); do
            printf "'"$hex"'" >/dev/udp/127.0.0.1/9
            printf hello >/dev/udp/127.0.0.1/10
            sleep 0.02
            kill -0 $pid 2>/dev/null || break
            [ $i -ne 10 ] || '"${2:-true}"'
        done
        wait $pid; status=$?; cat out; cat err >&2; exit $status'
}

@test "-i captures until --count, each packet printed as it comes" {
    live '-i lo --count 3 --format=jsonl udp port 9'
    status_is 0
    [[ $stderr == 'teredoctl decode: listening on lo, link type EN10MB; end with Ctrl-C'* ]]
    [[ $stderr == *'3 Teredo packets of '*' frames; the kernel dropped 0' ]]
    json -s 'length == 3 and all(.file == null and .kind == "bubble" and .to.port == 9 and .problems == [])'
}

@test "-i any sees the same" {
    live '-i any --count 3 udp port 9'
    status_is 0
    [[ $stderr == *'listening on any, link type LINUX_SLL'* ]]
    [ "${#lines[@]}" -eq 3 ]
    [[ $output == *' > 127.0.0.1:9: bubble '* ]]
}

@test "Ctrl-C ends a live capture with its summary" {
    live '-i lo --summary' 'kill -INT $pid'
    status_is 0
    [[ ${lines[0]} =~ ^[1-9][0-9]*\ Teredo\ packets ]]
    [[ $output == *'bubble '* ]]
}

@test "a live capture goes on when its interface was down, and ends where that is gone" {
    live '-i lo --count 30 udp port 9' '{ ip link set lo down; ip link set lo up; }'
    status_is 0
    [ "${#lines[@]}" -eq 30 ]
    in_namespace 'ip link add gone type veth peer name other && ip link set gone up || exit 99
        "$T" decode -i gone 3>&- 2>gone.err & pid=$!
        until grep -qs listening gone.err; do sleep 0.05; done
        ip link del gone
        wait $pid; status=$?; cat gone.err >&2; exit $status'
    [ "$status" -ne 99 ] || skip "this kernel has no veth interfaces"
    status_is 74
    [[ $stderr == *'cannot capture on gone any more: The interface disappeared' ]]
}

@test "privileges are given up before the first packet is read" {
    [ "$(id -u)" -eq 0 ] || skip "only root has privileges to give up"
    mkfifo pipe
    start reader decode --summary pipe
    local reader=$PID
    exec 9>pipe
    wait_for grep -q '^CapEff:[[:space:]]*0*$' "/proc/$reader/status"
    ! can_become nobody || [ "$(awk '/^Uid:/ { print $3 }' "/proc/$reader/status")" -ne 0 ]
    exec 9>&-
    ended "$reader"
}

@test "a hole punch in the lab is one in its capture" {
    need_namespace
    "$TEREDOCTL" lab --nat-a port-restricted --nat-b port-restricted --pcap lab.pcap >lab.out 2>&1
    t decode --summary --format=json lab.pcap
    status_is 0
    json '.packets == .frames and .hole_punches >= 1 and .clients == 2 and .problems == []'
    t decode --format=jsonl lab.pcap 'udp port 3544'
    json -s 'map(.kind) | unique == ["bubble", "ra", "rs"]'
}

@test "a hundred files are read one after another" {
    packets 1 1 | "$craft" >a.pcap
    for ((i = 0; i < 100; i++)); do
        ln -s a.pcap "$i.pcap"
    done
    sh_t 'ulimit -Sn 50; "$T" decode --summary {0..99}.pcap'
    status_is 0
    [[ ${lines[0]} == '100 Teredo packets in 1 flows, of 100 frames '* ]]
}

@test "a million flows fit into 64 MiB, and what was forgotten is told" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    # A plain writer of frames: one bubble, 1,100,000 pairs of endpoints.
    python3 - >flows.pcap <<'END'
import struct, sys
bubble = bytes.fromhex("6000000000003b0020010000c00002012c5a63bf34ff8ef620010000c00002811cda700b39cc9beb")
out = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 228)]
for i in range(1100000):
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 68, 0, 0, 64, 17, 0, 0xcb007109, 0xc6000000 + i)
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xffff) + (total >> 16)
    checksum = ~((total & 0xffff) + (total >> 16)) & 0xffff
    out.append(struct.pack("<IIII", i, 0, 68, 68) + ip[:10] + struct.pack(">H", checksum) + ip[12:] +
               struct.pack(">HHHH", 40000, 36852, 48, 0) + bubble)
sys.stdout.buffer.write(b"".join(out))
END
    run --separate-stderr python3 - "$TEREDOCTL" <<'END'
import os, subprocess, sys
child = subprocess.Popen([sys.argv[1], "decode", "--summary", "flows.pcap"], stdout=open("out", "w"))
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
END
    read -r code kilobytes <<<"$output"
    echo "$kilobytes KiB"
    [ "$code" -eq 0 ]
    grep -q '^1100000 Teredo packets in 1100000 flows' out
    grep -q '^  forgotten        100000 ' out
    # A sanitizer's own memory is not ours.
    if ! nm "$TEREDOCTL" 2>/dev/null | grep -q __asan_init; then
        [ "$kilobytes" -le 65536 ]
    fi
    t decode flows.pcap --count 1
    same "$stderr" ''
    sh_t '"$T" decode flows.pcap >/dev/null'
    [[ $stderr == *'too many flows: the oldest 100000 were forgotten'* ]]
    sh_t '"$T" decode -q flows.pcap >/dev/null'
    same "$stderr" ''
}

@test "the examples of the manual are what is printed" {
    capture kinds
    mv kinds.pcap punch.pcap
    man=$(sed 's/\\&//g; s/\\e$/\\/' "$top_srcdir/man/teredoctl-decode.1")
    t decode --summary punch.pcap
    [[ $man == *"$output"* ]]
    t decode -v --count 1 punch.pcap
    [[ $man == *"$(tail -n +2 <<<"$output")"* ]]
    t decode --hex 0000feaefefdfcfb60
    [[ $man == *"$output"$'\n'"$stderr"* ]]
}
