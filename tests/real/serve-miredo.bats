#!/usr/bin/env bats
# `teredoctl serve` as the server of Debian's miredo clients, through real NATs.

bats_require_minimum_version 1.5.0
load internet.bash

setup() {
    need_root
    command -v miredo >/dev/null || skip "miredo is not installed"
    export NS_PREFIX=tds$$
    TEST_DIR=$BATS_TEST_TMPDIR
    chmod 755 "$TEST_DIR"
    internet_up
}

teardown() {
    internet_down
}

# serve HOST ADDRESS: our server, in the background, until it is ready
serve() {
    ip netns exec "$NS_PREFIX$1" "$TEREDOCTL" serve --address "$2" \
        >"$TEST_DIR/$1.out" 2>"$TEST_DIR/$1.err" 3>&- &
    eval "server_$1=$!"
    wait_for grep -q ready "$TEST_DIR/$1.out" || {
        cat "$TEST_DIR/$1.err"
        return 1
    }
}

# stop HOST: ends our server; its counters are in HOST.out
stop() {
    local server
    eval "server=\$server_$1"
    kill "$server"
    wait "$server"
}

@test "miredo gets its Teredo address from our server" {
    serve s2 192.0.2.129
    miredo_client b 192.0.2.129
    run -0 miredo_address b
    # 198.51.100.20 is c633:6414, every bit reversed 39cc:9beb
    [[ $output == 2001:0:c000:281:*:39cc:9beb ]]
    stop s2
    grep -Eq '^received [1-9][0-9]*: advertised [1-9]' "$TEST_DIR/s2.out"
}

@test "two miredo clients punch a hole through our servers" {
    serve s1 192.0.2.1
    serve s2 192.0.2.129
    miredo_client a 192.0.2.1
    miredo_client b 192.0.2.129
    run -0 in_ns a ping -6 -c 3 -W 3 "$(miredo_address b)"
    [[ $output == *" 0% packet loss"* ]]
    stop s2
    grep -Eq 'relayed [1-9]' "$TEST_DIR/s2.out"
    run grep '^dropped' "$TEST_DIR/s2.out"
    echo "$output"
    [[ $output != *malformed* ]]
}

# ask: what the server at 192.0.2.1 sends to a host without a NAT, packet by packet
ask() {
    in_ns core python3 - <<'PYTHON'
import socket, struct

server, here = "192.0.2.1", ("203.0.113.1", 40001)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(here)
s.settimeout(3)
identifier = struct.pack("!HH4s", 0x1234, here[1] ^ 0xffff,
                         bytes(b ^ 0xff for b in socket.inet_aton(here[0])))
ours = bytes.fromhex("20010000c0000201") + identifier
others = bytes.fromhex("20010000c0000281") + identifier
link_local = bytes.fromhex("fe800000000000001c2b3a495867768e")
bubble = bytes.fromhex("6000000000003b00")
auth = bytes.fromhex("00010000 0102030405060708 00")
solicit = bytes.fromhex("6000000000083aff fe800000000000000000ffffffffffff"
                        "ff020000000000000000000000000002 85007d3700000000")
trailers = bytes.fromhex("01046908dbf5 03080000c0a80165e908 05027a96")
for name, packet in (
        ("solicitation", auth + solicit),
        ("bubble from a link-local address", bubble + link_local + ours),
        ("bubble from a Teredo address", bubble + ours + ours),
        ("bubble from another server's client", bubble + others + ours),
        ("bubble with trailers", bubble + link_local + ours + trailers)):
    s.sendto(packet, (server, 3544))
    answer, source = s.recvfrom(2048)
    print(name, source, answer.hex())
PYTHON
}

@test "our server sends what miredo-server sends, byte for byte" {
    command -v miredo-server >/dev/null || skip "miredo-server is not installed"
    command -v python3 >/dev/null || skip "python3 is not installed"
    miredo_server s1 192.0.2.1 192.0.2.2
    ask >"$TEST_DIR/miredo"
    # shellcheck disable=SC2046
    kill $(ip netns pids "${NS_PREFIX}s1")
    wait_for sh -c "! ip netns pids ${NS_PREFIX}s1 | grep -q ."
    serve s1 192.0.2.1
    ask >"$TEST_DIR/ours"
    stop s1
    diff "$TEST_DIR/miredo" "$TEST_DIR/ours"
    [ "$(wc -l <"$TEST_DIR/ours")" -eq 5 ]
}

@test "nothing is sent to the directed broadcast address of an attached network" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    serve s1 192.0.2.1
    # From a link-local address to the client of 192.0.2.1 at 192.0.2.127, port 4000.
    in_ns core python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(bytes.fromhex("6000000000003b00 fe800000000000001c2b3a495867768e"
                       "20010000c0000201 1234f05f3ffffd80"), ("192.0.2.1", 3544))'
    wait_for grep -q 'cannot send to 192.0.2.127:4000: Permission denied' "$TEST_DIR/s1.err"
    stop s1
    grep -q 'relayed 1, echoed 0, dropped 0; not sent 1;' "$TEST_DIR/s1.out"
}
