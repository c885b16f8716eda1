#!/usr/bin/env bats
# `teredoctl bubble` before others: tshark's word on every field that it writes, and miredo's answers,
# to bubbles from its own port too, which no UDP socket could send.

# jq has variables of its own; PEER is set by the helpers
# shellcheck disable=SC2016,SC2153
bats_require_minimum_version 1.5.0
load internet

NOBODY=2001:0:c000:281:0:63bf:39cc:9beb # mapped 198.51.100.20:40000, server 192.0.2.129

setup_file() {
    [ -z "$(missing tshark)" ] || return 0
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
    need_root tshark
    cd "$BATS_TEST_TMPDIR" || return
    masquerade na
}

# What we call a field, and what tshark does. Client id, value and nonce are strings of hexadecimal
# digits to both, and tshark's confirmation is one without 0x.
FIELDS='.from.address ip.src
.from.port udp.srcport
.to.address ip.dst
.to.port udp.dstport
.ipv4.ttl ip.ttl
.ipv4.tos ip.dsfield
.ipv4.id ip.id
.ipv4.dont_fragment ip.flags.df
.udp.length udp.length
.udp.checksum udp.checksum
.ipv6.source ipv6.src
.ipv6.destination ipv6.dst
.ipv6.hop_limit ipv6.hlim
.ipv6.next_header ipv6.nxt
.ipv6.payload_length ipv6.plen
.ipv6.traffic_class ipv6.tclass
.ipv6.flow_label ipv6.flow
.data udp.payload'
FRONT_FIELDS='.origin.address teredo.orig.addr
.origin.port teredo.orig.port
.auth.client_id teredo.auth.id
.auth.value teredo.auth.value
.auth.nonce teredo.auth.nonce
.auth.confirmation teredo.auth.conf'

# write OPTION…: --write, added to out.pcap, and its JSON to packets.json; all captures begin alike
write() {
    run -0 --separate-stderr "$TEREDOCTL" bubble --write one.pcap --format=json --from-address 192.0.2.7 "$@"
    jq -c '.packets[0]' <<<"$output" >>packets.json
    if [ -e out.pcap ]; then
        tail -c +25 one.pcap >>out.pcap
    else
        cp one.pcap out.pcap
    fi
}

# written OPTION…: the same, of this packet alone
written() {
    rm -f out.pcap packets.json
    write "$@"
}

# dissect SEPARATOR FIELD…: tshark's values for them, from out.pcap, a line a packet
dissect() {
    local field args=()

    for field in "${@:2}"; do
        args+=(-e "$field")
    done
    tshark -n -r out.pcap -d udp.port==40000,teredo -d udp.port==3544,teredo -o udp.check_checksum:TRUE \
        -o ip.check_checksum:TRUE -T fields -E separator="$1" "${args[@]}" 2>tshark.err 3>&-
}

# dissected FIELD…: the same, a line each
dissected() {
    dissect '|' "$@" | tr '|' '\n'
}

# number TEXT: sets number to it as a decimal, where tshark writes a hexadecimal one or a truth; else as it is
number() {
    case $1 in
    0x*) number=$(($1)) ;;
    True | true) number=1 ;;
    False | false) number=0 ;;
    *) number=$1 ;;
    esac
}

# agree_on FIELDS: what we say of every packet written is what tshark says
agree_on() {
    local ours theirs filter='' names=() field value i mine packet=0

    while read -r ours theirs; do
        filter+=${filter:+, }$ours
        names+=("$theirs")
    done <<<"$1"
    jq -r "[$filter] | map(tostring) | join(\"|\")" packets.json >ours.txt
    dissect '|' "${names[@]}" >theirs.txt
    [ -s ours.txt ]
    [ "$(wc -l <ours.txt)" -eq "$(wc -l <theirs.txt)" ]
    while IFS= read -r ours <&4 && IFS= read -r theirs <&5; do
        packet=$((packet + 1))
        for ((i = 0; i < ${#names[@]}; i++)); do
            field=${ours%%|*} value=${theirs%%|*}
            ours=${ours#*|} theirs=${theirs#*|}
            [ "${names[i]}" != teredo.auth.conf ] || value=0x$value
            number "$field"
            mine=$number
            number "$value"
            [ "$mine" = "$number" ] || {
                echo "packet $packet: ${names[i]} of tshark is $value, and ours $field"
                cat tshark.err
                return 1
            }
        done
    done 4<ours.txt 5<theirs.txt
    [ "$packet" -eq "$(wc -l <ours.txt)" ]
}

@test "tshark and we agree on a plain bubble, and its checksums are right" {
    written "$NOBODY"
    agree_on "$FIELDS"
    [ "$(dissected ip.checksum.status udp.checksum.status)" = $'1\n1' ]
    [ -z "$(dissected teredo.auth teredo.orig | tr -d '\n')" ]
}

@test "tshark and we agree on every field of every layer" {
    written "$NOBODY" --from-port 40001 --ttl 7 --tos 0xb9 --df --ip-id 0xbeef --auth-id client --auth-value 0102ff \
        --auth-nonce 0102030405060708 --confirmation 9 --origin 203.0.113.9:41000 --source 2001:db8::1 \
        --destination 2001:db8::2 --hop-limit 200 --traffic-class 0xfd --flow-label 0xabcde
    agree_on "$FIELDS"
    agree_on "$FRONT_FIELDS"
    [ "$(dissected teredo.auth.idlen teredo.auth.aulen)" = $'6\n3' ]
}

@test "tshark and we agree on 100 packets of random fields" {
    local hex left

    RANDOM=6081
    # Not `i`, which bats' `run` uses itself.
    for ((left = 100; left > 0; left--)); do
        printf -v hex '%04x' "$RANDOM" "$RANDOM" "$RANDOM" "$RANDOM"
        write "$NOBODY" --from-port $((1024 + RANDOM)) --ttl $((1 + RANDOM % 255)) --tos $((RANDOM % 256)) \
            --ip-id $((RANDOM)) --auth-id "0x$hex" --auth-value "$hex$hex" --auth-nonce "$hex" \
            --confirmation $((RANDOM % 256)) --origin "203.0.113.$((RANDOM % 256)):$((1 + RANDOM))" \
            --source "2001:db8::${hex:0:4}" --destination "2001:db8:${hex:4:4}::1" --hop-limit $((RANDOM % 256)) \
            --traffic-class $((RANDOM % 256)) --flow-label $((RANDOM))
    done
    [ "$(wc -l <packets.json)" -eq 100 ]
    agree_on "$FIELDS"
    agree_on "$FRONT_FIELDS"
}

@test "UDP checksums: tshark finds the wrong one bad, and the zero one absent" {
    written "$NOBODY" --checksum wrong
    [ "$(dissected udp.checksum.status)" = 0 ]
    written "$NOBODY" --checksum zero
    [ "$(dissected udp.checksum.status)" = 3 ]
    [ "$(dissected udp.checksum)" = 0x0000 ]
}

@test "payloads and next headers: tshark dissects what is inside" {
    # UDP from port 1 to port 2, without a checksum
    written "$NOBODY" --next-header 17 --payload '0001 0002 000a 0000 cafe'
    [ "$(dissected udp.srcport)" = "3544,1" ]
    [ "$(dissected ipv6.plen)" = 10 ]
    written "$NOBODY" --payload-length 1000
    [ "$(dissected ipv6.plen)" = 1000 ]
}

@test "router solicitation and echo request: ICMPv6 checksums are right" {
    written --rs --to 192.0.2.1
    agree_on "$FIELDS"
    [ "$(dissected icmpv6.type icmpv6.checksum.status)" = $'133\n1' ]
    written --echo "$NOBODY" --source 2001:db8::1 --payload cafe
    agree_on "$FIELDS"
    [ "$(dissected icmpv6.type icmpv6.checksum.status icmpv6.echo.sequence_number data.data)" = $'128\n1\n1\ncafe' ]
}

@test "nothing is malformed to tshark but what we call so" {
    written "$NOBODY" --auth --origin 203.0.113.9:41000
    [ -z "$(dissected _ws.malformed)" ]
    written --rs --to 192.0.2.1 --payload 0101020000000001
    [ -z "$(dissected _ws.malformed)" ]
    # --from-file reads what others have written as well: the same packet in pcapng.
    written "$NOBODY" --nonce-trailer --ip-id 7
    tshark -r out.pcap -w out.pcapng 2>/dev/null 3>&-
    run -0 --separate-stderr "$TEREDOCTL" bubble --from-file out.pcapng --dry-run --format=json
    diff <(jq -S 'del(.number, .when, .aim)' packets.json) \
        <(jq -S '.packets[0] | del(.number, .when, .aim, .hex)' <<<"$output")
}

@test "miredo answers an indirect bubble, through real NATs, to our random address" {
    on a bubble "$PEER" --direct --indirect --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.replies | length == 1 and .[0].kind == "bubble" and .[0].proof == "link_local"'
    json --arg peer "$PEER" '.replies[0] | .ipv6.source == $peer and .delay_s > 0 and .delay_s < 3'
    json '.replies[0].from == .packets[0].to'
}

@test "a direct bubble alone is discarded by the NAT, and an indirect one alone answered in vain" {
    on a bubble "$PEER" --direct --wait 3 --format=json
    [ "$status" -eq 1 ]
    on a bubble "$PEER" --indirect --wait 3 --format=json
    [ "$status" -eq 1 ]
    json '.replies == []'
}

@test "miredo-server answers a solicitation, with its nonce" {
    on a bubble --rs --to 192.0.2.1 --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.replies[0] | .kind == "ra" and .proof == "nonce" and .origin.address == "203.0.113.10"'
}

@test "a bubble from a running miredo's own port, answered to miredo and to us" {
    miredo_client a 192.0.2.1
    port=$(in_ns a ss -Hlunp | sed -n 's/.*:\([0-9]*\) .*"miredo".*/\1/p' | head -n 1)
    [ -n "$port" ]
    on a bubble "$PEER" --direct --indirect --from-port "$port" --wait 3 --format=json
    [ "$status" -eq 0 ]
    # shellcheck disable=SC2154 # stderr is bats'
    [[ $stderr == *"port $port is another program's: sending through a raw socket"* ]]
    json --argjson port "$port" '.via == "raw_socket" and .packets[0].from.port == $port'
    json --argjson port "$port" '.replies[0] | .proof == "link_local" and .to.port == $port'
    # And miredo goes on as before.
    run -0 in_ns a ping -6 -c 2 -W 3 "$PEER"
    silence a
}

@test "what a raw socket sends arrives as it was written, through the NAT's translation" {
    in_ns core tshark -q -i core-na -f udp -w "$PWD/wire.pcapng" >tshark.log 2>&1 3>&- &
    in_capture wire.pcapng na 203.0.113.1
    on a bubble "$PEER" --direct --ttl 60 --ip-id 0x1234 --tos 0x20 --df --from-port 5555 --count 3 --interval 0.1 \
        --format=json
    [ "$status" -eq 0 ]
    in_capture wire.pcapng na 203.0.113.1
    silence core
    tshark -n -r wire.pcapng -Y 'ip.src == 203.0.113.10 && !(udp.port == 9)' -T fields -e ip.ttl -e ip.id -e ip.dsfield -e udp.payload \
        2>/dev/null 3>&- >theirs
    jq -r '.packets[] | "59\t0x1234\t0x20\t\(.data)"' <<<"$output" >ours
    [ "$(wc -l <ours)" -eq 3 ]
    diff ours theirs
}
