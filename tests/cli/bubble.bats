#!/usr/bin/env bats
# `teredoctl bubble` as an ordinary user: --dry-run, --write, and on loopback against our own server
# and listener.

# jq has variables of its own; PEER is set by the helpers
# shellcheck disable=SC2016,SC2153
bats_require_minimum_version 1.5.0
load lib

NOBODY=2001:0:7f00:9:0:63bf:80ff:fffe # mapped 127.0.0.1:40000, server 127.0.0.9

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# dry OPTION…: the one packet of a --dry-run, as JSON in $output
dry() {
    t bubble --dry-run --format=json "$@"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    output=$(jq '.packets[0]' <<<"$output")
}

# plain OPTION…: without CAP_NET_RAW, whoever runs the tests
plain() {
    run --separate-stderr without_capabilities "$TEREDOCTL" bubble "$@"
    printf '$ teredoctl bubble %s => %s\n%s\n%s\n' "$*" "$status" "$output" "${stderr-}"
}

# A socket at $PRIMARY:40000, the mapped endpoint of $HEARD, that prints each datagram that comes, with
# its TTL and TOS, into receiver.out.
receiver() {
    HEARD=$("$TEREDOCTL" addr -q --encode --server "$SILENT" --mapped "$PRIMARY:40000" 2>/dev/null)
    # 12 and 13 are IP_RECVTTL and IP_RECVTOS, which not every Python names; they come as 2 and 1.
    python3 -u - "$PRIMARY" >receiver.out 2>receiver.err 3>&- <<'END' &
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 12, 1)
s.setsockopt(socket.IPPROTO_IP, 13, 1)
s.bind((sys.argv[1], 40000))
print("ready")
while True:
    data, more, flags, source = s.recvmsg(2048, 256)
    told = {kind: value[0] for level, kind, value in more}
    print("%s:%d ttl %s tos %s %s" % (*source, told[2], told[1], data.hex()))
END
    BACKGROUND+=("$!")
    wait_for grep -q ready receiver.out
}

@test "usage errors: where to" {
    t bubble
    usage_error "no PEER and no --to given, and TEREDO_PEER is not set"
    t bubble 2001:db8::1
    usage_error "PEER: 2001:db8::1 is not a Teredo address"
    t bubble 192.0.2.1
    usage_error "not an IPv6 address"
    t bubble "$NOBODY" "$NOBODY"
    usage_error "only one PEER"
    t bubble --direct --to 127.0.0.1 --destination ::1
    usage_error "--direct and --indirect need a PEER"
    t bubble "$NOBODY" --direct --to 127.0.0.1
    usage_error "--to excludes --direct and --indirect"
    t bubble --to 127.0.0.1
    usage_error "--to without a PEER needs the --destination"
    t bubble --rs
    usage_error "--rs: no --to and no PEER given, and TEREDO_SERVER is not set"
    # Mapped port 0.
    t bubble 2001:0:7f00:9:0:ffff:80ff:fffe --dry-run
    usage_error "nothing can be sent to 127.0.0.1:0"
}

@test "usage errors: what does not go together" {
    local row
    while IFS='|' read -r row words; do
        # shellcheck disable=SC2086 # several options
        t bubble "$NOBODY" $row
        usage_error "$words"
    done <<'END'
--rs --echo|--rs, --echo and --from-file exclude each other
--echo --from-file x|--rs, --echo and --from-file exclude each other
--packet 2|--packet goes with --from-file
--no-origin|--no-origin and --no-trailers go with --from-file
--no-trailers|--no-origin and --no-trailers go with --from-file
--rs --no-auth --auth|--no-auth excludes
--from-file x --origin 192.0.2.1:1 --no-origin|--origin and --no-origin exclude each other
--rate 5 --interval 5|--rate and --interval exclude each other
--dry-run --write x|--dry-run and --write exclude each other
--wait 1 --dry-run|--wait goes with sending, not with --dry-run
--wait 1 --write x|--wait goes with sending, not with --write
--spoof|--spoof needs a --from-address
END
}

@test "usage errors: values" {
    local option
    for option in --packet=0 --from-address=1.2.3 --from-address=0.0.0.0 --from-port=0 --from-port=65536 \
        --ttl=0 --ttl=256 --ttl=x --ttl=-1 --tos=256 --ip-id=65536 --ip-id=0x10000 --checksum=maybe \
        --auth-id=0xabc --auth-value=0g --auth-nonce=00 --auth-nonce=000102030405060708 \
        --confirmation=256 --origin=192.0.2.1 --source=1.2.3.4 --destination=x --hop-limit=256 \
        --traffic-class=256 --flow-label=0x100000 --next-header=256 --payload=abc \
        --payload-length=65536 --nonce-trailer=0102 --alternate-address=192.0.2.1 \
        --alternate-address=192.0.2.1:1,x --nd-option=maybe --nd-option=256 --random-port=65536 \
        --trailer=05 --trailer=:00 --trailer=100:00 --trailer=0x:00 --trailer=5:0 --count=0 \
        --count=1000001 --interval=0 --rate=0 --wait=0 --format=xml; do
        t bubble "$NOBODY" "$option"
        usage_error "${option%%=*}"
    done
    t bubble "$NOBODY" --auth-id="$(printf '%0256d' 0)"
    usage_error "--auth-id: more than 255 bytes"
    t bubble "$NOBODY" --alternate-address=192.0.2.1:1,192.0.2.1:2,192.0.2.1:3,192.0.2.1:4,192.0.2.1:5
    usage_error "more than 4 addresses"
    t bubble "$NOBODY" --nd-option --nd-option --nd-option --nd-option --nd-option --nd-option \
        --nd-option --nd-option --nd-option
    usage_error "more than 8 trailers"
}

@test "--dry-run: a direct bubble as miredo sends it, by default" {
    dry "$NOBODY" --from-address 127.0.0.1
    json '.aim == "direct" and .to == {address: "127.0.0.1", port: 40000}'
    json '.from == {address: "127.0.0.1", port: 3544}'
    json '.kind == "bubble" and .size == 40 and .auth == null and .origin == null and .trailers == []'
    json '.ipv4 == {ttl: 64, tos: 0, id: 0, dont_fragment: false, more_fragments: false}'
    json '.udp.length == 48 and .udp.checksum != "0x0000"'
    json --arg peer "$NOBODY" '.ipv6 | .destination == $peer and .hop_limit == 0 and .next_header == 59 and
        .payload_length == 0 and .traffic_class == 0 and .flow_label == 0 and (.source | test("^fe80::"))'
    json '.problems == [] and .tail == null and .payload == "" and .system_error == null and .number == 1'
    json '(.data | length) == 80 and (.hex | length) == 136 and (.hex | endswith("'"$(jq -r .data <<<"$output")"'"))'
}

@test "--dry-run: the random source differs from run to run" {
    dry "$NOBODY"
    first=$(jq -r .ipv6.source <<<"$output")
    dry "$NOBODY"
    [ "$first" != "$(jq -r .ipv6.source <<<"$output")" ]
}

@test "--direct, --indirect, both, --to: where packets go" {
    dry "$NOBODY" --indirect
    json '.aim == "indirect" and .to == {address: "127.0.0.9", port: 3544}'
    t bubble "$NOBODY" --direct --indirect --dry-run --format=json --nonce-trailer
    json '[.packets[].aim] == ["direct", "indirect"] and [.packets[].number] == [1, 2]'
    # A pair is one hole punch: what is random is the same in both.
    json '.packets[0].data == .packets[1].data'
    dry --to 127.0.0.5 --destination 2001:db8::1
    json '.aim == "given" and .to == {address: "127.0.0.5", port: 3544}'
    json '.ipv6.destination == "2001:db8::1"'
    dry "$NOBODY" --to 127.0.0.5:77
    json --arg peer "$NOBODY" '.to.port == 77 and .ipv6.destination == $peer'
    dry --to localhost:78 --destination ::1
    json '.to == {address: "127.0.0.1", port: 78}'
}

@test "the peer and the server come from the environment" {
    TEREDO_PEER=$NOBODY dry
    json '.aim == "direct" and .to.port == 40000'
    TEREDO_SERVER=127.0.0.7 TEREDO_PEER=$NOBODY dry --rs
    json '.kind == "rs" and .to == {address: "127.0.0.7", port: 3544}'
    TEREDO_SERVER=127.0.0.7 dry --rs "$NOBODY"
    json '.aim == "indirect" and .to.address == "127.0.0.9"'
}

@test "every outer field is as it is set" {
    dry "$NOBODY" --from-address 192.0.2.7 --from-port 1234 --ttl 7 --tos 0xb8 --df --ip-id 0xbeef --checksum zero
    json '.from == {address: "192.0.2.7", port: 1234}'
    json '.ipv4 == {ttl: 7, tos: 184, id: 48879, dont_fragment: true, more_fragments: false}'
    json '.udp.checksum == "0x0000" and .problems == []'
    # Version, TOS, length, identification, DF, TTL, protocol; source; ports; checksum
    json '.hex | startswith("45b80044beef40000711")'
    json '.hex[24:32] == "c0000207" and .hex[40:48] == "04d29c40" and .hex[52:56] == "0000"'
    dry "$NOBODY" --df --no-df
    json '.ipv4.dont_fragment == false'
    dry "$NOBODY" --checksum right --from-address 127.0.0.1 --source fe80::1
    json '.udp.checksum == "0x" + .hex[52:56] and .problems == []'
    right=$(jq -r '.hex[52:56]' <<<"$output")
    dry "$NOBODY" --checksum wrong --from-address 127.0.0.1 --source fe80::1
    json '.udp.checksum == "0x" + .hex[52:56] and .problems == [{reason: "udp_checksum", offset: 26}]'
    json --arg right "$right" '.hex[52:56] != $right and .hex[52:56] != "0000"'
}

@test "every encapsulation is as it is set" {
    dry "$NOBODY" --auth
    json '.auth | .client_id == "" and .value == "" and .confirmation == 0 and (.nonce | length) == 16'
    json '.auth.nonce != "0000000000000000"'
    dry "$NOBODY" --auth-id client --auth-value '00:11 22' --auth-nonce 0102030405060708 --confirmation 255 \
        --origin 192.0.2.9:9
    json '.auth == {client_id: "636c69656e74", value: "001122", nonce: "0102030405060708", confirmation: 255}'
    json '.origin == {address: "192.0.2.9", port: 9}'
    json '.data | startswith("00010603636c69656e740011220102030405060708ff0000fff63ffffdf660")'
    dry "$NOBODY" --auth-id 0x00ff
    json '.auth.client_id == "00ff"'
    for option in --auth-id=x --auth-value=00 --confirmation=1; do
        dry "$NOBODY" "$option"
        json '.auth.nonce | length == 16 and . != "0000000000000000"'
    done
}

@test "every field of the IPv6 packet is as it is set" {
    dry "$NOBODY" --source 2001:db8::1 --destination 2001:db8::2 --hop-limit 255 --traffic-class 0xfc \
        --flow-label 0xabcde --next-header 17 --payload '01 02:03'
    json '.ipv6 == {source: "2001:db8::1", destination: "2001:db8::2", hop_limit: 255, traffic_class: 252,
        flow_label: 703710, next_header: 17, payload_length: 3}'
    json '.payload == "010203" and .kind == "data"'
    json '.data | startswith("6fcabcde000311ff")'
    # A payload length may be a lie, in either direction.
    dry "$NOBODY" --payload-length 7
    json '.ipv6.payload_length == 7 and .kind == null and .problems == [{reason: "ip6_payload_length", offset: 4}]'
    dry "$NOBODY" --payload 01020304 --payload-length 2
    json '.ipv6.payload_length == 2 and .payload == "0102" and .tail == "0304"'
}

@test "every trailer is as it is set, in the order given" {
    dry "$NOBODY" --nonce-trailer=01020304 --alternate-address 192.0.2.1:1,192.0.2.2:65535 --nd-option \
        --nd-option=advertisement --nd-option=7 --random-port 0x1f90 --trailer 0x80:ff --trailer 5:
    json '[.trailers[] | [.type, .name, .value]] == [
        [1, "nonce", "01020304"], [3, "alternate_address", "0000c00002010001c0000202ffff"],
        [4, "nd_option", "00000000"], [4, "nd_option", "01000000"], [4, "nd_option", "07000000"],
        [5, "random_port", "1f90"], [128, null, "ff"]]'
    # The last is of no use to anybody, and said so.
    json '.tail == "0500" and .problems[0].reason == "trailer_length"'
    dry "$NOBODY" --nonce-trailer
    json '.trailers[0] | .name == "nonce" and (.value | length) == 8'
    # A type that asks for the packet to be discarded
    dry "$NOBODY" --trailer 41:
    json '.trailers == [{type: 65, name: null, value: ""}] and .problems[0].reason == "trailer_must_discard"'
}

@test "--rs: a solicitation as miredo sends it; its fields can be set" {
    dry --rs --to 127.0.0.1
    json '.kind == "rs" and .size == 61 and .auth.client_id == "" and .payload == "85007d3700000000"'
    json '.ipv6 | .source == "fe80::ffff:ffff:ffff" and .destination == "ff02::2" and .hop_limit == 255'
    dry --rs --to 127.0.0.1 --no-auth --source fe80::8000:ffff:ffff:fffe --payload 0101020000000001
    json '.auth == null and .kind == "rs" and (.payload | endswith("0101020000000001"))'
    json '.ipv6.source == "fe80::8000:ffff:ffff:fffe" and .problems == []'
}

@test "--echo: an echo request with a right checksum and a sequence that counts" {
    t bubble --echo "$NOBODY" --dry-run --format=json --count 3
    json '[.packets[] | .kind] == ["echo_request", "echo_request", "echo_request"]'
    json '[.packets[] | .payload[12:16]] == ["0001", "0002", "0003"]'
    json '[.packets[] | .payload[8:12]] | unique | length == 1'
    json '[.packets[] | .payload[16:]] | unique | length == 3 and all(length == 16)'
    json '.packets[0].ipv6 | .hop_limit == 64 and .next_header == 58'
    dry --echo "$NOBODY" --payload cafe --source 2001:db8::1
    json '.kind == "echo_request" and (.payload | endswith("cafe")) and .size == 50'
}

@test "--dry-run in text: the fields and the bytes" {
    t bubble "$NOBODY" --dry-run --from-address 192.0.2.7 --source fe80::1 --auth --origin 192.0.2.9:9 \
        --random-port 80 --payload-length 0
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "1  192.0.2.7:3544 > 127.0.0.1:40000  direct bubble, 65 bytes: fe80::1 > $NOBODY" ]]
    [[ $output == *"0x0000  4500 005d 0000 0000 4011"* ]]
    [[ ${lines[-1]} == "  0x0050  "* ]]
    # The fields are as decode -v prints them, but for the line before and the number of the frame.
    printf '%s\n' "${lines[@]}" | sed '1d; /^  0x/d' >fields
    t bubble "$NOBODY" --write out.pcap --from-address 192.0.2.7 --source fe80::1 \
        --auth-nonce "$(sed -n 's/.*nonce \([0-9a-f]*\).*/\1/p' fields)" --origin 192.0.2.9:9 --random-port 80 \
        --payload-length 0
    t decode -v out.pcap
    diff fields <(printf '%s\n' "${lines[@]:2}")
    grep -q 'ipv4             ttl 64, tos 0x00, id 0x0000' fields
    grep -q 'trailer          random port 80' fields
    # -q leaves nothing, for there is nothing to sum up
    t bubble "$NOBODY" --dry-run -q
    [ -z "$output" ]
}

@test "--write: a capture of the packets, at the times at which they would go" {
    t bubble "$NOBODY" --write out.pcap --count 3 --interval 0.5 --checksum wrong --nonce-trailer
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == "3 written" ]]
    # pcap of nanoseconds, raw IP; three packets of 74 bytes
    [ "$(od -An -tx4 -N4 out.pcap | tr -d ' ')" = a1b23c4d ]
    [ "$(stat -c %s out.pcap)" -eq $((24 + 3 * (16 + 74))) ]
    t bubble "$NOBODY" --write out.pcap --format=jsonl --count 3 --interval 0.5
    json -s '.[-1] | .event == "summary" and .verdict == "written" and .packets_sent == 3 and .via == null'
    json -s '[.[:-1][] | .when[17:29] | tonumber] |
        (.[1] - .[0] - 0.5 | fabs < 0.001 or fabs > 50) and (.[2] - .[1] - 0.5 | fabs < 0.001 or fabs > 50)'
}

@test "--write -: the capture on standard output, and the rest on standard error" {
    sh_t "\$T bubble $NOBODY --write - >out.pcap"
    [ "$status" -eq 0 ]
    [[ $stderr == *"1 written"* ]]
    t bubble --from-file out.pcap --dry-run --format=json
    json '.packets[0].kind == "bubble"'
    sh_t "\$T bubble $NOBODY --write - 2>/dev/null | \$T bubble --from-file - --dry-run -q"
    [ "$status" -eq 0 ]
}

@test "--from-file: a packet goes again as it was" {
    t bubble "$NOBODY" --write out.pcap --count 3 --from-address 127.0.0.3 --from-port 5000 --ttl 9 --tos 4 --df \
        --ip-id 77 --checksum zero --auth-id me --auth-value 0102 --confirmation 3 --origin 192.0.2.9:9 --hop-limit 5 \
        --flow-label 6 --traffic-class 7 --next-header 8 --payload 090a --nonce-trailer --random-port 11 \
        --format=json
    written=$output
    for n in 1 2 3; do
        t bubble --from-file out.pcap --packet "$n" --dry-run --format=json
        [ "$status" -eq 0 ]
        diff <(jq -S ".packets[$n - 1] | del(.number, .when, .aim)" <<<"$written") \
            <(jq -S '.packets[0] | del(.number, .when, .aim, .hex)' <<<"$output")
        json '.packets[0].aim == "given"'
    done
}

@test "--from-file: with changes" {
    t bubble "$NOBODY" --write out.pcap --auth --origin 192.0.2.9:9 --nonce-trailer=01020304 --random-port 11 --ttl 9
    dry --from-file out.pcap --ttl 10 --to 127.0.0.8:88 --from-port 99
    json '.ipv4.ttl == 10 and .to == {address: "127.0.0.8", port: 88} and .from.port == 99'
    json '.auth != null and (.trailers | length) == 2'
    # The packet's own trailers are replaced by those of their type; others follow.
    dry --from-file out.pcap --random-port 12 --nd-option
    json '[.trailers[] | [.name, .value]] ==
        [["nonce", "01020304"], ["random_port", "000c"], ["nd_option", "00000000"]]'
    dry --from-file out.pcap --nonce-trailer
    json '(.trailers | length) == 2 and .trailers[0].value != "01020304"'
    dry --from-file out.pcap --no-trailers --no-auth --no-origin
    json '.trailers == [] and .auth == null and .origin == null and .size == 40'
    dry --from-file out.pcap --no-trailers --trailer 80:
    json '[.trailers[].type] == [128]'
    dry --from-file out.pcap --confirmation 9
    json '.auth.confirmation == 9'
    dry --from-file out.pcap --payload 0102 --next-header 17
    json '.payload == "0102" and .ipv6.payload_length == 2'
    # A PEER on the command line is where it goes, one in the environment is not.
    dry --from-file out.pcap 2001:0:7f00:b:0:63be:80ff:fffd --indirect
    json '.to.address == "127.0.0.11" and .ipv6.destination == "2001:0:7f00:b:0:63be:80ff:fffd"'
    TEREDO_PEER=2001:0:7f00:b:0:63be:80ff:fffd dry --from-file out.pcap
    json '.to.port == 40000'
}

@test "--from-file: an ICMPv6 checksum follows the addresses" {
    t bubble "$NOBODY" --write out.pcap --echo --payload cafe
    dry --from-file out.pcap --source 2001:db8::99
    json '.kind == "echo_request" and .problems == []'
}

@test "--from-file: what is no Teredo packet keeps its bytes" {
    # A payload length that is a lie, and one that leaves no IPv6 header (an unknown version).
    t bubble "$NOBODY" --write out.pcap --payload-length 99
    dry --from-file out.pcap --hop-limit 3
    json '.ipv6.payload_length == 99 and .ipv6.hop_limit == 3'
    printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x65\0\0\0' >raw.pcap
    printf '\0\0\0\0\0\0\0\0\x1e\0\0\0\x1e\0\0\0' >>raw.pcap
    printf '\x45\0\0\x1e\0\0\0\0\x40\x11\x7c\xcd\x7f\0\0\1\x7f\0\0\1\0\1\0\2\0\x0a\0\0\xde\xad' >>raw.pcap
    dry --from-file raw.pcap --ttl 3
    json '.data == "dead" and .ipv6 == null and .payload == null and .ipv4.ttl == 3 and .udp.checksum == "0x0000"'
    t bubble --from-file raw.pcap --dry-run --hop-limit 3
    [ "$status" -eq 65 ]
    [[ $stderr == *"packet 1 of raw.pcap is not a Teredo packet, so that only its outer headers can be changed"* ]]
}

@test "exit 65 and 66: files that are malformed, or not there" {
    t bubble --from-file /nonexistent --dry-run
    [ "$status" -eq 66 ]
    [[ $stderr == *"cannot read /nonexistent: No such file"* ]]
    t bubble --from-file "$BATS_TEST_FILENAME" --dry-run
    [ "$status" -eq 65 ]
    [[ $stderr == *"is not a capture: it begins neither as pcap nor as pcapng"* ]]
    t bubble "$NOBODY" --write out.pcap -q
    t bubble --from-file out.pcap --packet 2 --dry-run
    [ "$status" -eq 65 ]
    [[ $stderr == *"has no packet 2, but 1 in all"* ]]
    head -c 80 out.pcap >cut.pcap
    t bubble --from-file cut.pcap --dry-run
    [ "$status" -eq 65 ]
    [[ $stderr == *"cut.pcap is damaged after frame 0"* ]]
    # No UDP
    sed 's/\x40\x11/\x40\x06/' out.pcap >tcp.pcap
    t bubble --from-file tcp.pcap --dry-run
    [ "$status" -eq 65 ]
    [[ $stderr == *"packet 1 of tcp.pcap: "*", at byte "* ]]
}

@test "what is sent is what is told: TTL, TOS, source, bytes; without privilege" {
    receiver
    plain "$HEARD" --ttl 9 --tos 0x10 --from-address "$SECONDARY" --format=json --nonce-trailer
    [ "$status" -eq 0 ]
    json '.verdict == "sent" and .via == "udp_socket" and .packets_sent == 1'
    wait_for grep -q ttl receiver.out
    expected=$(jq -r '.packets[0] | "\(.from.address):\(.from.port) ttl 9 tos 16 \(.data)"' <<<"$output")
    grep -qxF "$expected" receiver.out
    [[ $expected == "$SECONDARY:"* ]]
}

@test "--from-port: a bound port, without privilege" {
    receiver
    plain "$HEARD" --from-port 40044
    [ "$status" -eq 0 ]
    wait_for grep -q ' ttl 64 tos 0 ' receiver.out
    grep -q '^127.*:40044 ' receiver.out
}

@test "exit 77: what needs CAP_NET_RAW, and the option that does" {
    local option
    for option in --checksum=wrong --ip-id=7; do
        plain "$NOBODY" "$option"
        [ "$status" -eq 77 ]
        [[ $stderr == *"${option%=7}"*" needs a raw socket: Operation not permitted"*"CAP_NET_RAW"* ]]
    done
    plain "$NOBODY" --from-address 192.0.2.1 --spoof
    [ "$status" -eq 77 ]
    [[ $stderr == *"--spoof needs a raw socket"* ]]
    receiver
    plain "$HEARD" --from-address "$PRIMARY" --from-port 40000
    [ "$status" -eq 77 ]
    [[ $stderr == *"--from-port 40000 is another program's, and sending from it needs a raw socket"* ]]
    # The id of a captured packet, too; without it, it goes.
    "$TEREDOCTL" bubble "$NOBODY" --write out.pcap --ip-id 7 -q
    plain --from-file out.pcap --from-port 40046
    [ "$status" -eq 77 ]
    [[ $stderr == *"--ip-id=0"* ]]
    plain --from-file out.pcap --from-port 40046 --ip-id 0
    [ "$status" -eq 0 ]
}

@test "exit 69: a source that is not an address of this host, without --spoof" {
    t bubble "$NOBODY" --from-address 192.0.2.1
    [ "$status" -eq 69 ]
    [[ $stderr == *"192.0.2.1 is not an address of this host"*"--spoof"* ]]
    # That of a capture is no other
    t bubble "$NOBODY" --write out.pcap --from-address 192.0.2.1 -q
    t bubble --from-file out.pcap
    [ "$status" -eq 69 ]
    plain --from-file out.pcap --from-address 127.0.0.1
    [ "$status" -eq 0 ]
}

@test "exit 64: more than ten packets a second need --rate, but to loopback and laboratories" {
    need_namespace
    # Where no packet can leave: 71 is as good as sent.
    burst() {
        run --separate-stderr unshare -rn "$TEREDOCTL" bubble -q "$@"
        printf '$ teredoctl bubble %s => %s\n%s\n' "$*" "$status" "$stderr"
    }
    refused() {
        burst "${@:2}"
        usage_error "more than 10 packets a second to $1"
        [[ $stderr == *"--rate"* ]]
    }
    refused 8.8.8.8:3544 --to 8.8.8.8 --destination ::1 --count 11 --interval 0.09
    # Two a round, one of them to a laboratory
    refused 8.8.8.8:3544 2001:0:808:808:0:63bf:80ff:fffe --direct --indirect --count 6 --interval 0.19
    for address in 10.0.0.1 192.168.0.1 100.128.0.1 192.0.3.1; do
        refused "$address" --to "$address" --destination ::1 --count 11 --interval 0.001
    done
    for rest in '--count 10 --interval 0.001' '--count 11 --interval 0.1' '--count 100 --rate 1000'; do
        # shellcheck disable=SC2086
        burst --to 8.8.8.8 --destination ::1 $rest
        [ "$status" -eq 71 ]
    done
    for address in 127.0.0.1 192.0.2.1 198.51.100.1 203.0.113.1 100.64.0.1 100.127.255.255; do
        burst --to "$address" --destination ::1 --count 20 --interval 0.001
        [ "$status" -eq 71 ]
    done
    # What is not sent loads nobody.
    t bubble --to 8.8.8.8 --destination ::1 --count 11 --interval 0.001 --dry-run -q
    [ "$status" -eq 0 ]
    t bubble --to 8.8.8.8 --destination ::1 --count 11 --interval 0.001 --write out.pcap -q
    [ "$status" -eq 0 ]
}

@test "--count, --interval, --rate: as many, that fast" {
    receiver
    start=$(date +%s%N)
    t bubble "$HEARD" --count 5 --interval 0.1 -q
    took=$(($(date +%s%N) - start))
    [ "$status" -eq 0 ]
    [ "$output" = "5 sent" ]
    [ "$took" -ge 400000000 ]
    [ "$took" -lt 30000000000 ]
    t bubble "$HEARD" --count 500 --rate 1000 --format=jsonl
    [ "$status" -eq 0 ]
    json -s '(.[0].when[17:29] | tonumber) as $a | (.[499].when[17:29] | tonumber) as $b |
        $b - $a | if . < 0 then . + 60 else . end | . >= 0.498 and . < 30'
    # Each has a source of its own, so that its answer can be told.
    json -s '[.[:-1][].ipv6.source] | unique | length == 500'
}

@test "exit 0: our server answers a solicitation, and it repeats the nonce" {
    server
    t bubble --rs --to "$PRIMARY" --wait 3 --format=json
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    json '.schema == 1 and .command == "bubble" and .verdict == "answered"'
    json '.replies_received == 1 and .replies_believed == 1 and .first_delay_s == .replies[0].delay_s'
    json '.replies[0] | .kind == "ra" and .proof == "nonce" and .answers == 1 and .delay_s > 0 and .delay_s < 3'
    json '.replies[0].auth.nonce == .packets[0].auth.nonce and .wait_s == 3'
    json --arg server "$PRIMARY" '.replies[0] | .from == {address: $server, port: 3544} and
        .origin.port == .to.port and .problems == []'
    json '.replies[0].when > .packets[0].when'
}

@test "exit 0: our listener answers a direct bubble, an indirect one, and an echo request" {
    server
    listener
    t bubble "$PEER" --indirect --wait 3 --format=json
    [ "$status" -eq 0 ]
    json --arg peer "$PEER" '.replies[0] | .kind == "bubble" and .proof == "link_local" and .ipv6.source == $peer'
    json '.replies[0].ipv6.destination == .packets[0].ipv6.source'
    t bubble "$PEER" --direct --indirect --nonce-trailer --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.replies[0] | .proof == "nonce" and .trailers[0].name == "nonce"'
    json '.replies[0].trailers[0].value == .packets[0].trailers[0].value'
    own=$("$TEREDOCTL" qualify "$PRIMARY" --allow-private --format=json --local-port 40047 | jq -r .teredo_address)
    t bubble "$PEER" --direct --indirect --source "$own" --from-port 40047 --wait 3 -q
    [ "$status" -eq 0 ]
    t bubble "$PEER" --echo --source "$own" --from-port 40047 --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.replies[] | select(.kind == "echo_reply") | .proof == "nonce" and .answers == 1'
}

@test "text: a line a packet, a line a reply with its delay, and the summary; -q the summary alone" {
    server
    t bubble --rs --to "$PRIMARY" --wait 3
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 3 ]
    [[ ${lines[0]} =~ ^1\ \ .*\ \>\ $PRIMARY:3544\ \ rs,\ 61\ bytes:\ fe80::ffff:ffff:ffff\ \>\ ff02::2$ ]]
    [[ ${lines[1]} =~ ^\+[0-9.]+\ ms\ \ $PRIMARY:3544\ \>\ .*\ \ ra,\ 117\ bytes:\ .*\;\ answers\ 1:\ it\ repeats\ our\ nonce$ ]]
    [[ ${lines[2]} =~ ^1\ sent\;\ 1\ answer,\ after\ [0-9.]+\ ms$ ]]
    t bubble --rs --to "$PRIMARY" --wait 3 -q
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == "1 sent; 1 answer, after "* ]]
}

@test "text: several answers are counted, and the first one's delay told" {
    server
    t bubble --rs --to "$PRIMARY" --count 3 --interval 0.05 --wait 3 -q
    [ "$status" -eq 0 ]
    [[ $output =~ ^3\ sent\;\ 3\ answers,\ the\ first\ after\ [0-9.]+\ ms$ ]]
}

@test "-v: the fields of what goes and of what comes, on standard error" {
    server
    t bubble --rs --to "$PRIMARY" --wait 3 -v
    [ "${#lines[@]}" -eq 3 ]
    [[ $stderr == *" 127.0.0.1:"*" > $PRIMARY:3544: rs "*"ttl 64, tos 0x00, id 0x0000"*"authentication "*"payload          0x85007d37"*": ra "*"origin "* ]]
}

@test "jsonl: packets and replies as they happen, then the summary" {
    server
    t bubble --rs --to "$PRIMARY" --count 2 --interval 3 --wait 3 --format=jsonl
    [ "$status" -eq 0 ]
    json -s '[.[].event] == ["packet", "reply", "packet", "reply", "summary"]'
    json -s 'all(.schema == 1 and .command == "bubble")'
    json -s '[.[] | select(.event == "reply") | .answers] == [1, 2]'
}

@test "exit 1: nobody answers; an ICMP error is told" {
    t bubble "$NOBODY" --wait 3 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "unanswered" and .replies == [] and .first_delay_s == null'
    json '.icmp_errors[0] | .to == {address: "127.0.0.1", port: 40000} and .icmp.text == "port unreachable"'
    json '.icmp_errors_received == 1'
    t bubble "$NOBODY" --wait 3
    [[ $output == *"ICMP from 127.0.0.1 for a packet to 127.0.0.1:40000: port unreachable"* ]]
    [[ ${lines[-1]} == "1 sent; no answer in 3 s" ]]
}

@test "exit 1: an answer without proof is printed, and not believed" {
    receiver
    start bubble bubble "$HEARD" --from-port 40048 --wait 5 --format=json
    wait_for grep -q ttl receiver.out
    # From another port: a bubble for somebody else, and no Teredo at all
    zeros='\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
    printf '\x60\0\0\0\0\0\x3b\0\xfe\x80%b\xfe\x80%b' "$zeros" "$zeros" >/dev/udp/127.0.0.1/40048
    printf Hello >/dev/udp/127.0.0.1/40048
    ended "$PID"
    output=$(cat bubble.out)
    [ "$status" -eq 1 ]
    json '.verdict == "unanswered" and .replies_received == 2 and .replies_believed == 0'
    json '[.replies[] | [.kind, .proof, .answers]] == [["bubble", "none", null], [null, "none", null]]'
    json '.replies[1] | .data == "48656c6c6f" and .ipv6 == null and .problems[0].reason == "unknown_encapsulation"'
}

@test "exit 2: Ctrl-C, and what is known is told" {
    start bubble bubble "$NOBODY" --wait 60 --format=json -v
    wait_for has_lines 1 bubble.err
    kill -INT "$PID"
    ended "$PID"
    output=$(cat bubble.out)
    [ "$status" -eq 2 ]
    json '.verdict == "interrupted" and .packets_sent == 1 and (.packets | length) == 1'
    start bubble bubble "$NOBODY" --count 1000 --interval 0.2
    wait_for grep -q '^2  ' bubble.out
    kill -TERM "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    [[ $(tail -n 1 bubble.out) =~ ^([2-9]|[1-9][0-9]+)\ sent\;\ interrupted$ ]]
}

@test "exit 0: Ctrl-C while waiting, once an answer has come" {
    server
    start bubble bubble --rs --to "$PRIMARY" --wait 30
    wait_for grep -q '^+' bubble.out
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 0 ]
    [[ $(tail -n 1 bubble.out) == "1 sent; 1 answer, after "* ]]
}

@test "exit 71: what the system will not send is told, and the rest goes" {
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" bubble --to 192.0.2.1 --destination ::1 --count 2 --interval 0.01 \
        --format=json
    echo "$output $stderr"
    [ "$status" -eq 71 ]
    json '.verdict == "not_sent" and .packets_sent == 0 and .packets_failed == 2'
    json '.packets[0].system_error == "Network is unreachable"'
    [[ $stderr == *"cannot send to 192.0.2.1:3544: Network is unreachable"* ]]
}

@test "exit 68, 73, 74: a name that is not found, a file that cannot be created, a full disk" {
    resolver
    t bubble --rs --to no-such-host.invalid
    [ "$status" -eq 68 ]
    t bubble "$NOBODY" --write /nonexistent/out.pcap
    [ "$status" -eq 73 ]
    t bubble "$NOBODY" --write /dev/full -q
    [ "$status" -eq 74 ]
    sh_t "\$T bubble $NOBODY --dry-run >/dev/full"
    [ "$status" -eq 74 ]
    [[ $stderr == *"cannot write the results"* ]]
}

@test "a packet larger than IPv4 allows is a usage error; one of 65,535 bytes is not" {
    printf '%0130934d' 0 >zeros
    sh_t "\$T bubble $NOBODY --dry-run -q --payload=\$(cat zeros)"
    [ "$status" -eq 0 ]
    sh_t "\$T bubble $NOBODY --dry-run -q --payload=\$(cat zeros)00"
    [ "$status" -eq 64 ]
    [[ $stderr == *"larger than the 65535 bytes of IPv4"* ]]
}

@test "on a terminal a status line tells what bubble --wait waits for" {
    on_terminal bubble --to 127.0.0.1:9 --source fe80::1 --destination 2001:0:7f00:1::1 --wait 2.5
    [[ $output == *"waiting for answers: 0 so far, "*" s left"*$'\r\e[K'* ]]
    on_terminal bubble --to 127.0.0.1:9 --source fe80::1 --destination 2001:0:7f00:1::1 --wait 1.8 -q
    [[ $output != *"waiting"* ]]
}
