#!/usr/bin/env bats
# What `teredoctl decode` says of every packet of the tests' captures, against what tshark says when
# it is told to take each for Teredo. Every difference is in a list here, with its reason.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
    command -v tshark >/dev/null || skip "tshark is not installed"
    craft=${top_builddir:?}/tests/pcap/craft
    frames=${top_srcdir:?}/tests/pcap
}

teardown() {
    common_teardown
}

# theirs FILE: a line a frame that tshark finds an IPv6 header of Teredo's in:
# frame|time|from|to|bytes|nonce|client id|value|origin|source > destination|hop limit|next header|payload|icmp6
# An IPv6 or UDP header in the payload is not ours to tell: the first of several values counts.
theirs() {
    local port as=()
    for port in $(tshark -n -r "$1" -T fields -e udp.port 2>/dev/null 3>&- | tr ',' '\n' | sort -u); do
        as+=(-d "udp.port==$port,teredo")
    done
    tshark -n -r "$1" "${as[@]}" -Y 'teredo' -T fields -E occurrence=f -E separator='|' \
        -e frame.number -e frame.time_epoch -e ip.src -e udp.srcport -e ip.dst -e udp.dstport \
        -e udp.length -e teredo.auth.nonce -e teredo.auth.id -e teredo.auth.value \
        -e teredo.orig.addr -e teredo.orig.port \
        -e ipv6.src -e ipv6.dst -e ipv6.hlim -e ipv6.nxt -e ipv6.plen -e icmpv6.type 2>/dev/null 3>&- |
        awk -F'|' -v OFS='|' '{
            print $1, $2, $3 ":" $4, $5 ":" $6, $7 - 8, $8, $9, $10, $11 ($12 == "" ? "" : ":" $12),
                $13 ($13 == "" ? "" : " > ") $14, $15, $16, $17, $18
        }'
}

# ours FILE: the same lines
ours() {
    "$TEREDOCTL" decode --format=jsonl "$1" | jq -r '
        [.frame, (.when | if . then (.[0:19] + "Z" | fromdate | tostring) + .[19:29] else null end),
            (.from | "\(.address):\(.port)"), (.to | "\(.address):\(.port)"), .size,
            .auth.nonce, .auth.client_id, .auth.value,
            (.origin | if . then "\(.address):\(.port)" else "" end),
            (.ipv6 | if . then "\(.source) > \(.destination)" else "" end),
            .ipv6.hop_limit, .ipv6.next_header, .ipv6.payload_length,
            ({rs: 133, ra: 134, echo_request: 128, echo_reply: 129}[.kind // ""] // .icmp6.type)] |
        map(if . == null then "" else tostring end) | join("|")'
}

# compare FILE ROW…: the two agree on all frames but those of the rows: "FRAME: reason"
compare() {
    local file=$1 row expected='' found
    shift
    theirs "$file" | sort >theirs.txt
    ours "$file" | sort >ours.txt
    [ -s theirs.txt ]
    [ -s ours.txt ]
    for row; do
        expected+="${row%%:*}"$'\n'
    done
    found=$(comm -3 theirs.txt ours.txt | tr -d '\t' | cut -d'|' -f1 | sort -un)
    if ! diff <(sort -u <<<"$expected" | grep . | sort -n) <(printf '%s\n' "$found" | grep .); then
        echo "frames on which the two differ (>), and those that should (<):"
        comm -3 theirs.txt ours.txt
        return 1
    fi
}

@test "every kind of packet" {
    "$craft" <"$frames/kinds.frames" >kinds.pcap
    compare kinds.pcap
    [ "$(wc -l <ours.txt)" -eq 15 ]
}

@test "every kind of packet, over Linux cooked, VLAN, PPPoE and raw" {
    local options
    for options in '-l 113 -h 0000000100060200000000010000 0800' '-h 020000000001020000000002 8100 0064 0800' \
        '-h 020000000001020000000002 8864 11000001ffff 0021' '-l 101 -h' '-b -u'; do
        # The last option's value has blanks of its own.
        if [[ $options == *-h* ]]; then
            # shellcheck disable=SC2086
            "$craft" ${options%%-h*} -h "${options#*-h}" <"$frames/kinds.frames" >kinds.pcap
        else
            # shellcheck disable=SC2086
            "$craft" $options <"$frames/kinds.frames" >kinds.pcap
        fi
        echo "$options"
        compare kinds.pcap
        [ "$(wc -l <ours.txt)" -eq 15 ]
    done
}

@test "every problem" {
    "$craft" <"$frames/problems.frames" >problems.pcap
    compare problems.pcap \
        '5: tshark shows a port of an origin indication that ends before its address' \
        '11: tshark waits for the other fragments' \
        '14: tshark counts the bytes by a UDP length that the IPv4 packet has no room for' \
        '28: tshark takes the last of fragments that contradict each other, and we none of them'
}

@test "a capture of the snap length that tcpdump had for long" {
    "$craft" -s 96 <"$frames/kinds.frames" >kinds.pcap
    compare kinds.pcap \
        '2: tshark shows the source in an IPv6 header that ends behind it' \
        '3: tshark shows the lengths in an IPv6 header that ends before its addresses' \
        '10: of a message that was cut we say that it is ICMPv6, and not of which type'
}

@test "every block, clock and link type of pcapng" {
    "$craft" -n <"$frames/pcapng.frames" >all.pcapng
    compare all.pcapng \
        '2: tshark shows the source in an IPv6 header that ends behind it'
}

@test "a hole punch in the lab" {
    need_namespace
    "$TEREDOCTL" lab --nat-a port-restricted --nat-b port-restricted --pcap lab.pcap >lab.out 2>&1
    compare lab.pcap
}

@test "what tshark would take for Teredo by its form, and is not" {
    "$craft" <"$frames/others.frames" >others.pcap
    theirs others.pcap >theirs.txt
    # Told to, it finds Teredo in nearly all of them.
    [ "$(wc -l <theirs.txt)" -ge 10 ]
    [ -z "$(ours others.pcap)" ]
}

@test "the seeds of the fuzz targets" {
    local file rows=()
    for file in "$top_srcdir"/tests/fuzz/corpus/capture/*; do
        rows=()
        case ${file##*/} in
        pcapng | tunnels) continue ;; # no UDP over IPv4 in it; no Teredo without --tunnels
        problems) rows=('5: see above' '11: see above' '14: see above' '28: see above') ;;
        sections) rows=('2: as of every block above') ;;
        copies) rows=(
            '13: cut in the IPv6 header, tshark goes by the port, and we have no address to go by'
            '14: likewise, cut before it is said that it is a solicitation'
            '16: IPv6 without a Teredo address in port 3544 is not Teredo to us' '17: likewise'
        ) ;;
        esac
        echo "$file:"
        compare "$file" "${rows[@]}"
    done
}
