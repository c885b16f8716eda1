#!/usr/bin/env bats
# `teredoctl bubble` in the emulated internet, where it may use raw sockets without being root.

# what runs in the lab is expanded there
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0

setup() {
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    export LC_ALL=C.UTF-8
    cd "$BATS_TEST_TMPDIR" || return
}

# lab [LAB-OPTION… --] BUBBLE-OPTION…: bubble on host a
lab() {
    local options=()

    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    # shellcheck disable=SC2154 # stderr is bats'
    run --separate-stderr timeout 120 "$TEREDOCTL" lab "${options[@]}" -- teredoctl bubble "${@:2}"
    printf '$ teredoctl bubble %s => %s\n%s\n%s\n' "${*:2}" "$status" "$output" "$stderr"
}

json() {
    jq -e "$@" <<<"$output" >/dev/null || {
        echo "not so: jq $*"
        return 1
    }
}

# seen FIELD…: of the packets that A's interface saw, with the fields of tshark
seen() {
    local field args=()

    command -v tshark >/dev/null || skip "tshark is not installed"
    for field; do
        args+=(-e "$field")
    done
    tshark -n -r a-a.pcap -o udp.check_checksum:TRUE -T fields "${args[@]}" 2>/dev/null 3>&-
}

@test "a direct bubble alone is discarded by the peer's NAT" {
    lab -- --direct --wait 3 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "unanswered" and .replies == [] and .icmp_errors == []'
    json '.packets[0] | .to.address == "198.51.100.20" and .from.address == "100.64.1.2"'
}

@test "an indirect bubble is answered, where our own NAT lets the answer in" {
    lab --nat-a cone -- --indirect --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.packets[0].to == {address: "192.0.2.129", port: 3544}'
    json '.replies | length == 1 and .[0].proof == "link_local" and .[0].from.address == "198.51.100.20"'
    lab -- --indirect --wait 3 --format=json
    [ "$status" -eq 1 ]
}

@test "a pair punches the hole, and the delay is that of the way there and back" {
    lab --delay 10ms -- --direct --indirect --wait 3 --nonce-trailer --format=json
    [ "$status" -eq 0 ]
    # A to the server to B, and B to A: three ways over two links each.
    json '.replies[0] | .proof == "nonce" and .delay_s >= 0.06 and .delay_s < 3'
    json '[.packets[].aim] == ["direct", "indirect"] and .first_delay_s == .replies[0].delay_s'
}

@test "a bubble of low TTL dies between the NATs, and a router says so" {
    lab -- --direct --ttl 2 --wait 3 --format=json
    [ "$status" -eq 1 ]
    json '.packets[0].ipv4.ttl == 2 and .icmp_errors[0].icmp.text == "time to live exceeded"'
    # It has opened our NAT all the same.
    run --separate-stderr timeout 120 "$TEREDOCTL" lab -- sh -c '
        teredoctl bubble --direct --ttl 2 --from-port 5555 -q >&2 &&
        teredoctl bubble --indirect --from-port 5555 --wait 3 --format=json'
    [ "$status" -eq 0 ]
    json '.verdict == "answered"'
}

@test "--rs: the lab's server answers; one with the cone bit from its other address" {
    lab -- --rs --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.replies[0] | .kind == "ra" and .proof == "nonce" and .from.address == "192.0.2.1"'
    lab --nat-a cone -- --rs --source fe80::8000:ffff:ffff:fffe --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.replies[0] | .proof == "nonce" and .from.address == "192.0.2.2"'
}

@test "--echo: once the hole is open, data crosses" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab -- sh -c '
        own=$(teredoctl qualify --local-port 5555 --format=json | jq -r .teredo_address)
        teredoctl bubble --direct --indirect --source "$own" --from-port 5555 --wait 3 -q >&2 &&
        teredoctl bubble --echo --source "$own" --from-port 5555 --wait 3 --count 3 --interval 0.05 --format=json'
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    json '[.replies[] | select(.kind == "echo_reply") | [.proof, .answers]] == [["nonce", 1], ["nonce", 2], ["nonce", 3]]'
    json 'all(.replies[]; .delay_s < 3)'
}

@test "a raw socket sends what a UDP socket cannot, byte for byte" {
    lab --pcap-each a.pcap -- --direct --ip-id 0xbeef --checksum wrong --ttl 9 --tos 0xb8 --df --from-port 5555 \
        --format=json
    [ "$status" -eq 0 ]
    json '.via == "raw_socket" and .packets_sent == 1'
    seen ip.id ip.ttl ip.dsfield ip.flags.df udp.srcport udp.checksum.status udp.payload >all
    sent=$(jq -r '.packets[0].data' <<<"$output")
    # tshark writes flags as 1 or as True.
    grep -E "^0xbeef"$'\t'"9"$'\t'"0xb8"$'\t'"(1|True)"$'\t'"5555"$'\t'"0"$'\t'"$sent\$" all
}

@test "--checksum zero needs no raw socket" {
    lab --pcap-each a.pcap -- --direct --checksum zero --from-port 5555 --df --format=json
    [ "$status" -eq 0 ]
    json '.via == "udp_socket"'
    seen udp.srcport udp.checksum ip.flags.df | grep -E "^5555"$'\t'"0x0000"$'\t'"(1|True)\$"
}

@test "--from-port: another program's port is sent from, and its answers are seen too" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab -- sh -c '
        teredoctl listen --local-port 5555 --duration 60 >listen.out &
        until grep -qs 2001: listen.out; do sleep 0.05; done
        teredoctl bubble --direct --indirect --nonce-trailer --from-port 5555 --wait 3 --format=json
        status=$?
        kill $!
        exit $status'
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    [[ $stderr == *"port 5555 is another program's: sending through a raw socket"* ]]
    json '.via == "raw_socket" and .packets[0].from.port == 5555'
    json '.replies[0] | .proof == "nonce" and .to == {address: "100.64.1.2", port: 5555}'
}

@test "--from-port: -q says nothing of the raw socket" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab -- sh -c '
        teredoctl listen --local-port 5555 --duration 60 >listen.out &
        until grep -qs 2001: listen.out; do sleep 0.05; done
        teredoctl bubble --rs --from-port 5555 -q
        kill $!'
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    [ "$output" = "1 sent" ]
    [ -z "$stderr" ]
}

@test "--spoof: a source that is not ours goes out; without the option it does not" {
    lab -- --direct --from-address 100.64.1.77
    [ "$status" -eq 69 ]
    [[ $stderr == *"100.64.1.77 is not an address of this host"* ]]
    lab --pcap-each a.pcap -- --direct --from-address 100.64.1.77 --from-port 5555 --spoof --wait 3 --format=json
    [ "$status" -eq 1 ]
    [[ $stderr == *"answers go to the spoofed address"* ]]
    json '.via == "raw_socket" and .packets[0].from == {address: "100.64.1.77", port: 5555}'
    seen ip.src udp.srcport | grep -qx '100.64.1.77'$'\t''5555'
}

@test "--spoof is no licence needed for an address of this host" {
    lab -- --direct --from-address 100.64.1.2 --spoof --format=json
    [ "$status" -eq 0 ]
    json '.via == "udp_socket" and .packets[0].from.address == "100.64.1.2"'
}

@test "--from-file: a capture of the lab's own, sent again" {
    lab --pcap-each a.pcap -- --rs --from-port 5555
    [ "$status" -eq 0 ]
    n=$(seen udp.srcport ip.src frame.number | sed -n 's/^5555\t100.64.1.2\t//p' | head -n 1)
    [ -n "$n" ]
    # The id in the capture is nothing to anybody; the nonce is, and so is answered again.
    lab -- --from-file "$PWD/a-a.pcap" --packet "$n" --ip-id 0 --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.packets[0] | .kind == "rs" and .from == {address: "100.64.1.2", port: 5555} and .to.address == "192.0.2.1"'
    json '.replies[0].proof == "nonce"'
    lab -- --from-file "$PWD/a-a.pcap" --packet "$n" --auth-nonce 0102030405060708 --ip-id 9 --wait 3 --format=json
    [ "$status" -eq 0 ]
    json '.via == "raw_socket" and .replies[0].auth.nonce == "0102030405060708"'
}

@test "--rate: a thousand packets a second to the lab, and beyond" {
    lab -- --direct --count 2000 --rate 4000 -q
    [ "$status" -eq 0 ]
    [ "$output" = "2000 sent" ]
}

@test "the server's rules see a malformed bubble as it was meant" {
    # RFC 4380 5.3.1, rule 5: a Teredo address that names another endpoint than the sender's.
    lab --nat-a cone -- --indirect --source 2001:0:c000:201:0:63bf:34ff:8ef5 --wait 3 --format=json
    [ "$status" -eq 1 ]
    lab --nat-a cone -- --indirect --payload-length 20 --wait 3 --format=json
    [ "$status" -eq 1 ]
    json '.packets[0].problems[0].reason == "ip6_payload_length"'
}
