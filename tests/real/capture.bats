#!/usr/bin/env bats
# tshark's word on what we send and on what we say that we saw.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load internet

setup_file() {
    [ -z "$(missing tshark)" ] || return 0
    internet_up
    miredo_server s1 192.0.2.1 192.0.2.2
    miredo_server s2 192.0.2.129 192.0.2.130
    miredo_peer b 192.0.2.129
    export PEER
    # What every test looks at: a qualification and a trace, with all that they tell.
    in_ns a "$TEREDOCTL" qualify 192.0.2.1 --format=json -v --write "$TEST_DIR/qualify.pcap" \
        >"$TEST_DIR/qualify.json" 2>"$TEST_DIR/qualify.log" 3>&-
    in_ns a "$TEREDOCTL" trace "$PEER" --server 192.0.2.1 --format=jsonl -v \
        --write "$TEST_DIR/trace.pcap" >"$TEST_DIR/trace.jsonl" 2>"$TEST_DIR/trace.log" 3>&-
    jq -s '.[-1]' "$TEST_DIR/trace.jsonl" >"$TEST_DIR/trace.json"
}

teardown_file() {
    internet_down
}

setup() {
    need_root tshark
}

# dissect FILE [OPTION…]: every UDP packet as Teredo, whatever its ports; checksums checked
dissect() {
    local file=$1 port as=()

    for port in $(tshark -r "$file" -T fields -e udp.port 2>/dev/null | tr ',' '\n' | sort -u); do
        as+=(-d "udp.port==$port,teredo")
    done
    tshark -n -r "$file" "${as[@]}" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
        "${@:2}" 2>/dev/null 3>&-
}

# fields FILE FILTER FIELD…
fields() {
    local field args=()
    for field in "${@:3}"; do
        args+=(-e "$field")
    done
    dissect "$1" -Y "$2" -T fields "${args[@]}"
}

# Warnings and errors of tshark's experts, malformed packets among them (severity: 0x600000 and up).
complaints() {
    dissect "$1" -Y '_ws.malformed or _ws.expert.severity >= 0x600000' -T fields -e frame.number \
        -e frame.protocols -e _ws.expert.message
}

value() { # FILE FILTER
    jq -r "$2" "$TEST_DIR/$1.json"
}

# The log that -v writes: "WHEN FROM > TO SIZE bytes, KIND…", as WHEN FROM TO SIZE KIND
logged() {
    sed -nE 's/^(2[^ ]+Z) ([0-9.:]+) > ([0-9.:]+) ([0-9]+) bytes, ([a-z_]+).*/\1 \2 \3 \4 \5/p' "$TEST_DIR/$1.log"
}

# The same lines from tshark's decoding.
dissected() {
    fields "$1" udp frame.time_epoch ip.src udp.srcport ip.dst udp.dstport udp.length ipv6.nxt icmpv6.type |
        while IFS=$'\t' read -r when from from_port to to_port size next type; do
            case $next/$type in
            58/133) kind=rs ;;
            58/134) kind=ra ;;
            58/128) kind=echo_request ;;
            58/129) kind=echo_reply ;;
            59/) kind=bubble ;;
            *) kind="unknown:$next/$type" ;;
            esac
            echo "$(TZ=UTC date -d "@${when%.*}" +%FT%T).${when#*.}Z $from:$from_port $to:$to_port $((size - 8)) $kind"
        done
}

@test "tshark finds nothing malformed and has no warning" {
    for file in qualify trace; do
        run complaints "$TEST_DIR/$file.pcap"
        [ "$status" -eq 0 ]
        [ -z "$output" ] || { echo "$output"; false; }
        [ "$(fields "$TEST_DIR/$file.pcap" 'udp and not teredo' frame.number | wc -l)" -eq 0 ]
    done
    [ "$(fields "$TEST_DIR/qualify.pcap" teredo frame.number | wc -l)" -eq 4 ]
    [ "$(fields "$TEST_DIR/trace.pcap" teredo frame.number | wc -l)" -ge 9 ]
}

@test "every checksum is good: IPv4, UDP and ICMPv6" {
    for file in qualify trace; do
        [ "$(fields "$TEST_DIR/$file.pcap" udp ip.checksum.status udp.checksum.status | sort -u)" = $'1\t1' ]
        [ "$(fields "$TEST_DIR/$file.pcap" icmpv6 icmpv6.checksum.status | sort -u)" = 1 ]
    done
}

@test "tshark and our log agree on every packet: time, endpoints, size, kind" {
    for file in qualify trace; do
        logged "$file" >"$BATS_TEST_TMPDIR/ours"
        dissected "$TEST_DIR/$file.pcap" >"$BATS_TEST_TMPDIR/theirs"
        [ "$(wc -l <"$BATS_TEST_TMPDIR/ours")" -ge 4 ]
        diff -u "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/theirs"
    done
}

@test "the advertisements: origin, prefix, MTU, nonces as our JSON has them" {
    for file in qualify trace; do
        pcap=$TEST_DIR/$file.pcap
        mapped=$(value "$file" '.mapped | "\(.address)\t\(.port)"')
        [ "$(fields "$pcap" 'icmpv6.type == 134' teredo.orig.addr teredo.orig.port | sort -u)" = "$mapped" ]
        # Each advertisement repeats its solicitation's nonce, and these differ.
        fields "$pcap" 'icmpv6.type == 133' ip.dst teredo.auth.nonce | sort >"$BATS_TEST_TMPDIR/asked"
        fields "$pcap" 'icmpv6.type == 134' ip.src teredo.auth.nonce | sort >"$BATS_TEST_TMPDIR/told"
        diff -u "$BATS_TEST_TMPDIR/asked" "$BATS_TEST_TMPDIR/told"
        [ "$(cut -f 2 "$BATS_TEST_TMPDIR/asked" | sort -u | wc -l)" -eq 2 ]
        [ "$(fields "$pcap" 'icmpv6.type == 133' ipv6.hlim ipv6.dst | sort -u)" = $'255\tff02::2' ]
    done
    told=$(fields "$TEST_DIR/qualify.pcap" 'icmpv6.type == 134' icmpv6.opt.prefix icmpv6.opt.mtu | sort -u)
    [ "$told" = "$(value qualify '"\(.prefix)\t\(.mtu)"')" ]
}

@test "each step of the trace is in the capture, at its time, between its endpoints" {
    steps=$(value trace '.steps[] | select(.state == "sent" or .state == "received") |
        "\(.when) \(.from.address):\(.from.port) \(.to.address):\(.to.port)"')
    [ "$(wc -l <<<"$steps")" -eq 4 ]
    dissected "$TEST_DIR/trace.pcap" | cut -d ' ' -f 1-3 >"$BATS_TEST_TMPDIR/theirs"
    while read -r step; do
        grep -qxF "$step" "$BATS_TEST_TMPDIR/theirs"
    done <<<"$steps"
}

@test "tshark takes the Teredo addresses apart as we do" {
    pcap=$TEST_DIR/trace.pcap
    own=$(value trace .teredo_address)
    answer="ipv6.src == $PEER and ipv6.dst == $own and ipv6.nxt == 59"
    # tshark's fields of both addresses, source first: server, client, port.
    run fields "$pcap" "$answer" ipv6.ts_ipv4 ipv6.tc_ipv4 ipv6.tc_port
    expected=$(value trace '"\(.peer_server.address),\(.server.address)\t" +
        "\(.peer_mapped.address),\(.mapped.address)\t\(.peer_mapped.port),\(.mapped.port)"')
    [ "${lines[0]}" = "$expected" ]
}

@test "the echo that crossed: the reply has the request's identifier, sequence and data" {
    pcap=$TEST_DIR/trace.pcap
    request=$(fields "$pcap" 'icmpv6.type == 128' icmpv6.echo.identifier icmpv6.echo.sequence_number data.data)
    reply=$(fields "$pcap" 'icmpv6.type == 129' icmpv6.echo.identifier icmpv6.echo.sequence_number data.data)
    [ -n "$reply" ]
    grep -qxF "$reply" <<<"$request"
}

@test "what we save is what was on the wire" {
    in_ns a tshark -q -i a-na -f udp -w "$BATS_TEST_TMPDIR/wire.pcapng" >"$BATS_TEST_TMPDIR/wire.log" 2>&1 3>&- &
    in_capture "$BATS_TEST_TMPDIR/wire.pcapng" a 100.64.1.1
    on a trace "$PEER" --server 192.0.2.1 --write "$BATS_TEST_TMPDIR/ours.pcap"
    [ "$status" -eq 0 ]
    in_capture "$BATS_TEST_TMPDIR/wire.pcapng" a 100.64.1.1
    silence a
    for file in ours.pcap wire.pcapng; do
        fields "$BATS_TEST_TMPDIR/$file" 'udp && !(udp.port == 9)' ip.src udp.srcport ip.dst udp.dstport ip.ttl udp.payload |
            # The time to live of what arrives is the capture's alone.
            awk -F '\t' -v OFS='\t' '$1 != "100.64.1.2" { $5 = "-" } { print }' | sort >"$BATS_TEST_TMPDIR/$file.txt"
    done
    [ "$(wc -l <"$BATS_TEST_TMPDIR/ours.pcap.txt")" -ge 9 ]
    # The trace may end before the last packets for it arrive.
    comm -23 "$BATS_TEST_TMPDIR/ours.pcap.txt" "$BATS_TEST_TMPDIR/wire.pcapng.txt" >"$BATS_TEST_TMPDIR/invented"
    cat "$BATS_TEST_TMPDIR/invented"
    [ ! -s "$BATS_TEST_TMPDIR/invented" ]
    comm -13 "$BATS_TEST_TMPDIR/ours.pcap.txt" "$BATS_TEST_TMPDIR/wire.pcapng.txt" | sed -n '/^100\.64\.1\.2/p' \
        >"$BATS_TEST_TMPDIR/unsaved"
    cat "$BATS_TEST_TMPDIR/unsaved"
    [ ! -s "$BATS_TEST_TMPDIR/unsaved" ]
}

# Each of the four interfaces is captured, up to now.
marks() {
    in_capture "$BATS_TEST_TMPDIR/core.pcapng" s1 192.0.2.126
    in_capture "$BATS_TEST_TMPDIR/core.pcapng" s2 192.0.2.254
    in_capture "$BATS_TEST_TMPDIR/core.pcapng" na 203.0.113.1
    in_capture "$BATS_TEST_TMPDIR/core.pcapng" nb 198.51.100.1
}

@test "all that our server and our listener send is well formed too" {
    silence s1
    silence s2
    silence b
    our_server s1 192.0.2.1 192.0.2.2
    our_server s2 192.0.2.129 192.0.2.130
    in_ns core tshark -q -i core-s1 -i core-s2 -i core-na -i core-nb -f udp -w "$BATS_TEST_TMPDIR/core.pcapng" \
        >"$BATS_TEST_TMPDIR/core.log" 2>&1 3>&- &
    marks
    our_listener b 192.0.2.129
    on a trace "$PEER" --server 192.0.2.1
    [ "$status" -eq 0 ]
    marks
    silence core
    run complaints "$BATS_TEST_TMPDIR/core.pcapng"
    # Checksums are left to the network card, which these links do not have.
    offload=$(sed '/bad checksum/Id' <<<"$output")
    [ -z "$offload" ] || { echo "$offload"; false; }
    for host in 192.0.2.1 192.0.2.129 198.51.100.20; do
        [ "$(fields "$BATS_TEST_TMPDIR/core.pcapng" "ip.src == $host and teredo" frame.number | wc -l)" -ge 1 ]
    done
}
