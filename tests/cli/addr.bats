#!/usr/bin/env bats
# `teredoctl addr`: every option, every kind of input, every exit status.
# shellcheck disable=SC2154 # bats sets status, output, stderr and lines

bats_require_minimum_version 1.5.0

teredo=2001:0:c000:201:2c5a:63bf:34ff:8ef6

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# addr [OPTION|ADDRESS]…: standard output in $output, standard error in $stderr
addr() {
    run --separate-stderr "$TEREDOCTL" addr "$@"
}

# stream TEXT [OPTION]…: the same with TEXT, escapes of printf and all, on standard input
stream() {
    local text=$1
    shift
    # shellcheck disable=SC2059 # the escapes are meant
    printf "$text" >input
    run --separate-stderr "$TEREDOCTL" addr "$@" <input
}

status_is() {
    if [ "$status" -ne "$1" ]; then
        printf 'status %s, want %s\n%s\n%s\n' "$status" "$1" "$output" "$stderr"
        return 1
    fi
}

same() {
    if [ "$1" != "$2" ]; then
        printf 'got:\n%s\nwant:\n%s\n' "$1" "$2"
        return 1
    fi
}

@test "a Teredo address is taken apart, exit 0" {
    addr "$teredo"
    status_is 0
    same "$stderr" ''
    same "$output" "$teredo is a Teredo address
  server           192.0.2.1
  mapped           203.0.113.9:40000
  flags            0x2c5a, random 0x2c5a
  prefix           2001::/32
  note             the server is a special address (documentation)
  note             the mapped address is a special address (documentation)"
}

@test "each flag is named" {
    addr 2001:0:4136:e378:ff00:63bf:b7fe:fefd
    status_is 0
    [[ $output == *'flags            0xff00, cone, reserved, universal, group, random 0x3c00'* ]]
    [[ $output == *'note             the cone bit is set'* ]]
    [[ $output == *'note             the reserved flag 0x4000 is set'* ]]
    [[ $output == *'note             the universal flag 0x0200 is set'* ]]
    [[ $output == *'note             the group flag 0x0100 is set'* ]]
}

@test "an ordinary address has no note" {
    addr 2001:0:4136:e378:2c5a:63bf:b7fe:fefd
    status_is 0
    [[ $output != *note* ]]
}

@test "private, shared and unusable parts are noted with the name of their block" {
    addr 2001:0:a00:1:1:ffff:9bbf:fffe
    status_is 0
    [[ $output == *'the server is not global unicast (private)'* ]]
    [[ $output == *'the mapped address is a special address (shared)'* ]]
    [[ $output == *'the mapped port is 0'* ]]
}

@test "an address without random flags is noted" {
    addr 2001:0:4136:e378:0:63bf:b7fe:fefd
    [[ $output == *'note             no random flags'*'(RFC 5991)'* ]]
}

@test "the old prefix is a Teredo prefix, and noted" {
    addr 3ffe:831f:4136:e378:2c5a:63bf:b7fe:fefd
    status_is 0
    [[ $output == *'prefix           3ffe:831f::/32'* ]]
    [[ $output == *"note             the prefix is the 6bone's"* ]]
}

@test "what is not a Teredo address is told as what it is, exit 1" {
    local rows=(
        '::|the unspecified address (::/128)'
        '::1|loopback (::1/128)'
        '::ffff:192.0.2.1|IPv4-mapped (::ffff:0:0/96)'
        '64:ff9b::c000:201|NAT64 (64:ff9b::/96)'
        '2002:c000:204::1|6to4 (2002::/16)'
        '2001:db8::1|documentation (2001:db8::/32)'
        'fe80::1|link-local (fe80::/10)'
        'fd00::1|unique local (fc00::/7)'
        'ff02::2|link-local multicast (ff02::/16)'
        'ff0e::1|multicast (ff00::/8)'
        '2a00:1450:4001:800::200e|global unicast (2000::/3)'
        '4000::1|reserved by the IETF (::/0)'
    )
    local row
    for row in "${rows[@]}"; do
        addr "${row%%|*}"
        status_is 1
        same "${lines[0]}" "${row%%|*} is not a Teredo address: ${row#*|}"
    done
}

@test "the IPv4 address inside another kind of address is told" {
    addr 2002:c000:204::1
    same "${lines[1]}" '  ipv4             192.0.2.4'
    addr ::ffff:192.0.2.1
    same "${lines[1]}" '  ipv4             192.0.2.1'
    addr 64:ff9b::c000:201
    same "${lines[1]}" '  ipv4             192.0.2.1'
}

@test "a link-local address with a Teredo identifier is taken apart, exit 1" {
    addr fe80::8000:f227:3fff:fdfe%eth0
    status_is 1
    same "$output" 'fe80::8000:f227:3fff:fdfe is not a Teredo address: link-local (fe80::/10)
  identifier       as of a Teredo server or client at 192.0.2.1:3544
  flags            0x8000, cone
  zone             eth0'
    addr fe80::ffff:ffff:ffff
    [[ ${lines[1]} == *'as of a Teredo client that asks a server for its address' ]]
}

@test "an address may be written in many ways" {
    local form
    for form in 2001:0000:C000:0201:2C5A:63BF:34FF:8EF6 "[$teredo]" "[$teredo]:3544" "$teredo/64" \
        "$teredo%teredo" 2001::c000:201:2c5a:63bf:34ff:8ef6 2001:0:c000:201:2c5a:63bf:52.255.142.246; do
        addr -q "$form"
        status_is 0
        same "$output" "$teredo is a Teredo address"
    done
}

@test "what is not an IPv6 address is told on standard error, exit 65" {
    local text
    for text in hello 2001:0 2001::1::2 12345:: '::1 ::2' '' '[::1' ::1/129; do
        addr "$text"
        status_is 65
        same "$output" ''
        same "$stderr" "teredoctl addr: '$text' is not an IPv6 address"
    done
    addr 192.0.2.1
    status_is 65
    same "$stderr" "teredoctl addr: '192.0.2.1' is an IPv4 address; Teredo addresses are IPv6 addresses"
}

@test "a bad text is shown cut and without control characters" {
    addr "$(printf 'x\033[31m%0100d' 0)"
    status_is 65
    same "$stderr" "teredoctl addr: 'x?[31m000000000000000000000000000000000000000000000000000000...' is not an IPv6 address"
}

@test "several addresses are paragraphs; the worst decides the exit status" {
    addr "$teredo" ::1
    status_is 1
    [[ $output == "$teredo is a Teredo address"*$'\n\n::1 is not a Teredo address: loopback (::1/128)' ]]
    addr ::1 hello "$teredo"
    status_is 65
    [[ $output == *"$teredo is a Teredo address"* ]]
    same "$stderr" "teredoctl addr: 'hello' is not an IPv6 address"
}

@test "without ADDRESS the lines of standard input are taken" {
    stream "$teredo\n::1\n" -q
    status_is 1
    same "$output" "$teredo is a Teredo address
::1 is not a Teredo address: loopback (::1/128)"
}

@test "- is standard input, in its place among the addresses" {
    stream '::2\n' -q ::1 - ::3
    same "${lines[0]}" '::1 is not a Teredo address: loopback (::1/128)'
    [[ ${lines[1]} == '::2 is '* ]]
    [[ ${lines[2]} == '::3 is '* ]]
}

@test "blank lines, comments, CRLF, a byte order mark and a missing last line end are no matter" {
    stream "\\357\\273\\277$teredo\\r\\n\\r\\n# a comment\\n  \\t\\n ::1 # loopback\\r\\n::2" -q
    same "${#lines[@]}" 3
    same "${lines[0]}" "$teredo is a Teredo address"
    [[ ${lines[1]} == '::1 is '* && ${lines[2]} == '::2 is '* ]]
    same "$stderr" ''
}

@test "a bad line is told with its number and does not stop the stream, exit 65" {
    stream "\n# comment\nhello\n$teredo\nworld\n::1\n" -q
    status_is 65
    same "$output" "$teredo is a Teredo address
::1 is not a Teredo address: loopback (::1/128)"
    same "$stderr" ''
    stream "\n# comment\nhello\n$teredo\nworld\n::1\n"
    status_is 65
    same "$stderr" "teredoctl addr: line 3: 'hello' is not an IPv6 address
teredoctl addr: line 5: 'world' is not an IPv6 address"
}

@test "a message about a bad line stands between the results of its neighbours" {
    printf '%s\n' ::1 bad ::2 >input
    run "$TEREDOCTL" addr <input
    same "$output" "::1 is not a Teredo address: loopback (::1/128)
teredoctl addr: line 2: 'bad' is not an IPv6 address

::2 is not a Teredo address: IPv4-compatible (deprecated) (::/96)
  ipv4             0.0.0.2"
}

@test "a line of a megabyte and binary bytes are bad lines and nothing worse" {
    { head -c 1000000 /dev/zero | tr '\0' a; printf '\n\0\001\377\n%s\n' "$teredo"; } >input
    run --separate-stderr "$TEREDOCTL" addr <input
    status_is 65
    [[ $output == "$teredo is a Teredo address"* ]]
    [[ $stderr == *"line 1: 'aaaa"*"line 2: '???' is not"* ]]
}

@test "an input without an address is an error, exit 66" {
    stream '\n# nothing\n'
    status_is 66
    same "$output" ''
    same "$stderr" 'teredoctl addr: no address in the input'
    stream '' --format=json
    status_is 66
}

@test "an input that cannot be read is an error, exit 74" {
    run --separate-stderr "$TEREDOCTL" addr </
    status_is 74
    same "$stderr" 'teredoctl addr: cannot read the input: Is a directory'
}

@test "results come while the input waits" {
    mkfifo pipe
    timeout 20 "$TEREDOCTL" addr -q <pipe >out 3>&- &
    local reader=$! tries
    exec 9>pipe
    printf '%s\n' "$teredo" >&9
    for ((tries = 0; tries < 200; tries++)); do
        [ -s out ] && break
        sleep 0.02
    done
    same "$(cat out)" "$teredo is a Teredo address"
    exec 9>&-
    wait "$reader"
}

@test "a full disk is exit 74, whatever the format" {
    local format
    for format in text json jsonl; do
        run bash -c '"$TEREDOCTL" addr --format="$1" "$2" >/dev/full' bash "$format" "$teredo"
        status_is 74
        same "$output" 'teredoctl addr: cannot write the results: No space left on device'
    done
    yes "$teredo" | head -n 100000 >input
    run bash -c '"$TEREDOCTL" addr <input >/dev/full'
    status_is 74
    same "$output" 'teredoctl addr: cannot write the results: No space left on device'
    run bash -c '"$TEREDOCTL" addr --encode --server 192.0.2.1 --mapped 203.0.113.9:40000 -q >/dev/full'
    status_is 74
}

@test "--format=json prints one object for one address" {
    addr --format=json "$teredo"
    status_is 0
    same "$(jq -c '[.schema, .command, .verdict, .address, .kind, .prefix, .server, .mapped.address,
        .mapped.port, .flags.value, .flags.random, .flags.cone, .line, [.notes[].code]]' <<<"$output")" \
        "[1,\"addr\",\"teredo\",\"$teredo\",\"teredo\",\"2001::/32\",\"192.0.2.1\",\"203.0.113.9\",40000,\"0x2c5a\",\"0x2c5a\",false,null,[\"server_special\",\"client_special\"]]"
    same "$(jq -r keys_unsorted[0] <<<"$output")" schema
}

@test "--format=json prints one object for many addresses" {
    stream "$teredo\nhello\n::1\n" --format=json
    status_is 65
    same "$(jq -c '[.schema, .command, .verdict, [.results[] | [.verdict, .line, .kind]]]' <<<"$output")" \
        '[1,"addr","invalid",[["teredo",1,"teredo"],["invalid",2,null],["not_teredo",3,"loopback"]]]'
    stream "$teredo\n" --format=json
    same "$(jq -c '[.verdict, (.results | length)]' <<<"$output")" '["teredo",1]'
    addr --format=json "$teredo" ::1
    status_is 1
    same "$(jq -c '[.verdict, (.results | length)]' <<<"$output")" '["not_teredo",2]'
}

@test "--format=jsonl prints an object a line" {
    stream "$teredo\nhe\"llo\\\\\n::ffff:192.0.2.1\nfe80::8000:f227:3fff:fdfe%%eth0\n" --format=jsonl
    status_is 65
    same "${#lines[@]}" 4
    same "$(jq -c '[.event, .verdict, .line, .ip4, .zone, .address]' <<<"$output")" \
        "[\"address\",\"teredo\",1,null,null,\"$teredo\"]
[\"address\",\"invalid\",2,null,null,\"he\\\"llo\\\\\"]
[\"address\",\"not_teredo\",3,\"192.0.2.1\",null,\"::ffff:192.0.2.1\"]
[\"address\",\"not_teredo\",4,null,\"eth0\",\"fe80::8000:f227:3fff:fdfe\"]"
}

@test "--format=text is the default" {
    addr "$teredo"
    local default=$output
    addr --format=text "$teredo"
    same "$output" "$default"
}

@test "--encode builds the address that decodes to its parts" {
    addr --encode --server 192.0.2.1 --mapped 203.0.113.9:40000 --flags 2c5a
    status_is 0
    same "$output" "$teredo"
    same "$stderr" 'teredoctl addr: note: the server is a special address (documentation)
teredoctl addr: note: the mapped address is a special address (documentation)'
    addr -q --encode --server 192.0.2.1 --mapped 203.0.113.9:40000
    same "$output" 2001:0:c000:201:0:63bf:34ff:8ef6
    same "$stderr" ''
    addr --encode --server 192.0.2.1 --mapped 203.0.113.9:40000 --flags 0x2C5A --format=json
    status_is 0
    same "$(jq -r .address <<<"$output")" "$teredo"
    addr --encode --server 192.0.2.1 --mapped 203.0.113.9:40000 --flags 2c5a --format=jsonl
    same "$(jq -r .server <<<"$output")" 192.0.2.1
}

@test "--random-flags sets none but the 12 random bits, anew each time" {
    local flags all=0 seen=
    for _ in {1..60}; do
        addr -q --encode --server 192.0.2.1 --mapped 203.0.113.9:40000 --random-flags
        status_is 0
        flags=$("$TEREDOCTL" addr --format=json "$output" | jq -r .flags.value)
        (((flags & ~0x3cff) == 0)) || return 1
        ((all |= flags)) || true
        seen="$seen $flags"
    done
    # The chance that a fair bit stays 0 sixty times is 2^-60.
    same "$(printf '%x' "$all")" 3cff
    [ "$(tr ' ' '\n' <<<"$seen" | sort -u | wc -l)" -gt 30 ]
}

@test "usage errors are exit 64 and name the option" {
    local encode='--encode --server 192.0.2.1 --mapped 203.0.113.9:40000'
    local rows=(
        "--nonsense|unrecognized option '--nonsense'"
        "--format=xml ::1|--format: 'xml' is none of text, json, jsonl, tsv"
        "--server 192.0.2.1 ::1|--server, --mapped, --flags and --random-flags go with --encode"
        "--random-flags|--server, --mapped, --flags and --random-flags go with --encode"
        "--encode|--encode needs --server and --mapped"
        "--encode --server 192.0.2.1|--encode needs --server and --mapped"
        "--encode --server host --mapped 203.0.113.9:1|--server: 'host' is not an IPv4 address"
        "--encode --server 192.0.2.1 --mapped 203.0.113.9|--mapped: '203.0.113.9' is not an IPv4 address and port (192.0.2.45:40000)"
        "--encode --server 192.0.2.1 --mapped 203.0.113.9:0|--mapped: '203.0.113.9:0' is not an IPv4 address and port (192.0.2.45:40000)"
        "$encode --flags 12345|'12345' are no flags: one to four hexadecimal digits"
        "$encode --flags 0x|'0x' are no flags: one to four hexadecimal digits"
        "$encode --flags -1|'-1' are no flags: one to four hexadecimal digits"
        "$encode --flags 1 --random-flags|--flags and --random-flags exclude each other"
        "$encode ::1|--encode takes no ADDRESS"
    )
    local row
    for row in "${rows[@]}"; do
        # shellcheck disable=SC2086 # words of a command line
        addr ${row%%|*}
        status_is 64
        same "$output" ''
        same "${stderr%%$'\n'*}" "teredoctl addr: ${row#*|}"
    done
}

@test "--help and --usage name the command, exit 0" {
    addr --help
    status_is 0
    [[ $output == 'Usage: teredoctl addr '* ]]
    addr --usage
    status_is 0
    [[ $output == 'Usage: teredoctl addr '* ]]
}

@test "every option of --help is in the man page" {
    local option
    for option in $("$TEREDOCTL" addr --help | grep -o -- '^ .*--[a-z-]*' | grep -o -- '--[a-z-]*'); do
        case $option in --help | --usage | --version) continue ;; esac
        grep -q -- "Fl Fl ${option#--}\b" "$top_srcdir/man/teredoctl-addr.1" || {
            echo "$option is not in the man page"
            return 1
        }
    done
}
