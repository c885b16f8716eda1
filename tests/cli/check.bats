#!/usr/bin/env bats
# `teredoctl check` on loopback, with `teredoctl serve` as the server.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# plugin STATUS WORD: one line, as the guidelines ask, and nothing on standard error
plugin() {
    [ "$status" -eq "$1" ]
    [ "${#lines[@]}" -eq 1 ]
    [ -z "$stderr" ]
    [[ $output == "TEREDO $2 - "* ]]
    # Performance data, if any: 'label'=value[UOM];[warn];[crit];[min]
    [[ $output != *"|"* ]] ||
        grep -qE '^[^|]+ \|( [a-z_]+=[0-9.]+s;[^; ]*;[^; ]*;0)+$' <<<"$output"
}

@test "OK: one line, with both round trips and the ranges as performance data" {
    server
    t check "$PRIMARY" --allow-private -w 10 -c 20
    plugin 0 OK
    [[ $output == *"$PRIMARY:3544 answers in "*" ms, bubbles relayed, mapped 127.0.0.1:"* ]]
    [[ $output =~ \|\ rtt=0\.[0-9]{6}s\;10\;20\;0\ relay_rtt=0\.[0-9]{6}s\;\;\;0$ ]]
}

@test "the server: as the argument, with -H, with -p, from the environment" {
    server --port 35441
    t check -H "$PRIMARY" -p 35441 --allow-private
    plugin 0 OK
    t check --hostname "$PRIMARY:35441" --allow-private
    plugin 0 OK
    t check "$PRIMARY" --port=35441 --allow-private
    plugin 0 OK
    TEREDO_SERVER=$PRIMARY:35441 t check --allow-private
    plugin 0 OK
    t check -H "$PRIMARY:35441" -p 35441 --allow-private
    plugin 3 UNKNOWN
}

@test "ranges: what alerts, and what is none" {
    server
    while read -r expected options; do
        # shellcheck disable=SC2086 # words are words
        t check "$PRIMARY" --allow-private $options
        [ "$status" -eq "$expected" ]
    done <<'END'
0 -w 10
1 -w 0.000000001
1 -w 10:
0 -w 0:
1 -w @0:10
0 -w @10:20
0 -w ~:10
2 -c 10:20 -w 10
1 -c 10 -w 10:20
2 -c 0.000000001 -w 0.000000001
END
    t check "$PRIMARY" --allow-private -c 10:20
    [[ $output == *", outside of 10:20 s, bubbles relayed"* ]]
    for range in '' x 1:x : ~ ~: 2:1 1:2:3 @ ' 1' 1s nan inf; do
        t check "$PRIMARY" -w "$range"
        if [ "$range" = : ]; then
            continue
        fi
        plugin 3 UNKNOWN
        [[ $output == *"is not a range"* ]]
    done
}

@test "WARNING: the secondary address does not answer" {
    server
    silent_server
    t check "$PRIMARY" --secondary "$SILENT" --allow-private -t 5
    plugin 1 WARNING
    [[ $output == *"the secondary did not, bubbles relayed"* ]]
}

@test "CRITICAL: closed, silent, not to be believed, not to be found" {
    resolver
    t check "$PRIMARY" --allow-private
    plugin 2 CRITICAL
    [[ $output == *"$PRIMARY:3544: the server's host says: port unreachable" ]]
    silent_server
    t check "$SILENT" --allow-private -t 1
    plugin 2 CRITICAL
    [[ $output == *"neither server address replied"* ]]
    server
    t check "$PRIMARY" -t 5
    plugin 2 CRITICAL
    [[ $output == *"broke a rule"* ]]
    t check no-such-name.invalid
    plugin 2 CRITICAL
    [[ $output == *"no-such-name.invalid: the server's name was not found" ]]
}

@test "UNKNOWN: this host has no route" {
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" check 192.0.2.1
    plugin 3 UNKNOWN
    [[ $output == *"no route"* ]]
}

@test "UNKNOWN: usage errors, in one line on standard output" {
    t check
    plugin 3 UNKNOWN
    [[ $output == *"no SERVER given, and TEREDO_SERVER is not set" ]]
    for options in --frobnicate '-w' '-t 0' '--port 99999' '--format=xml' '::1' '192.0.2.1 192.0.2.2' \
        '192.0.2.1 --on-change' '192.0.2.1 --auth-id me' '192.0.2.1 --auth-id me --auth-secret-file nope'; do
        # shellcheck disable=SC2086 # words are words
        t check $options
        plugin 3 UNKNOWN
    done
}

@test "UNKNOWN: a local failure" {
    server
    start holder listen "$PRIMARY" --allow-private --local-port 35438
    wait_for grep -q 2001: holder.out
    t check "$PRIMARY" --allow-private --local-port 35438
    plugin 3 UNKNOWN
    [[ $output == *"port 35438"*"in use"* ]]
    t check "$PRIMARY" --allow-private --output no/such/directory/file
    plugin 3 UNKNOWN
    [[ $output == *"cannot create no/such/directory/file"* ]]
}

@test "UNKNOWN: interrupted" {
    silent_server
    start c check "$SILENT" --allow-private -t 60 -vvv
    wait_for grep -q ' rs$' c.err
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 3 ]
    grep -q '^TEREDO UNKNOWN - .*interrupted' c.out
}

@test "-h, --help, --usage and -V print, and have the status that the guidelines ask for" {
    for option in -h '-?' --help; do
        t check "$option"
        [ "$status" -eq 3 ]
        [[ ${lines[0]} == "Usage: teredoctl check"* ]]
        [ -z "$stderr" ]
    done
    t check --usage
    [ "$status" -eq 3 ]
    [[ ${lines[0]} == "Usage: teredoctl check"* ]]
    t check -V
    [ "$status" -eq 3 ]
    [[ $output =~ ^teredoctl\ [0-9.]+ ]]
}

@test "-v tells more behind the line, and why a reply was not believed, -vvv logs every packet" {
    server
    t check "$PRIMARY" --allow-private -v
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "TEREDO OK - "*"|"* ]]
    [[ $output == *"  relay            bubbles relayed, 1 bubble sent"* ]]
    [[ ${output#*$'\n'} != *"|"* ]]
    [ -z "$stderr" ]
    t check "$PRIMARY" -vv -t 5
    [[ $stderr == *"rule origin_global"* ]]
    [[ $stderr != *" rs"* ]]
    t check "$PRIMARY" --allow-private -vvv
    [ "$(grep -c ' rs$' <<<"$stderr")" -eq 2 ]
    [ "$(grep -c ' bubble$' <<<"$stderr")" -eq 1 ]
    [ "$(grep -c ' bubble, origin indication$' <<<"$stderr")" -eq 1 ]
}

@test "JSON has every key, and jsonl ends with the same object" {
    resolver
    server
    t check "$PRIMARY" --allow-private -w 10 --format=json
    [ "$status" -eq 0 ]
    json --arg s "$PRIMARY" '.schema == 1 and .command == "check" and .status == "ok" and .cause == "none" and
        .name == $s and .server == {address: $s, port: 3544} and .rtt_s > 0 and .warning == "10" and
        .critical == null and .relay.state == "works" and .relay.sent == 1 and .relay.rtt_s > 0 and
        .qualification.verdict == "qualified" and .elapsed_s > 0 and (has("round") | not)'
    keys=$(jq -c 'keys_unsorted' <<<"$output")
    t check "$PRIMARY" --allow-private --format=jsonl
    json -s --argjson keys "$keys" '.[-1] | (keys_unsorted - ["event"]) == $keys and .event == "verdict"'
    json -s '.[0].event == "qualification"'
    t check no-such-name.invalid --format=json
    [ "$status" -eq 2 ]
    json '.status == "critical" and .cause == "qualification" and .server == null and
        .qualification.reason == "name_not_found"'
}

@test "a server whose advertisements break a rule is CRITICAL; jsonl tells of each" {
    server
    # Its origin indications are private, which nobody has allowed here.
    t check "$PRIMARY" --format=jsonl
    [ "$status" -eq 2 ]
    json -s 'any(.[]; .command == "check" and .event == "rejected" and .rule == "origin_global")'
    json -s '.[-1] | .status == "critical" and .cause == "qualification" and .relay.state == "untested" and
        .qualification.reason == "replies_rejected"'
}

@test "a server that does not relay is CRITICAL, and the line says so" {
    # Its advertisements pass the filter, and what it relays, a short packet, does not.
    need_namespace
    command -v nft >/dev/null || skip "nft is not installed"
    cat >filter.nft <<'END'
table ip filter {
    chain in {
        type filter hook input priority 0;
        udp sport 3544 udp length < 60 drop
    }
}
END
    run --separate-stderr timeout 60 unshare -rn bash -c '
        ip link set lo up
        nft -f filter.nft || exit 77
        "$1" serve --address 127.0.0.3 --allow-private >server.out 2>&1 3>&- &
        until grep -qs ready server.out; do sleep 0.05; done
        "$1" check 127.0.0.3 --allow-private -t 5
        status=$?
        kill %1
        exit $status' bash "$TEREDOCTL"
    echo "$output $stderr"
    [ "$status" -ne 77 ] || skip "no nftables in a namespace of an ordinary user"
    plugin 2 CRITICAL
    [[ $output == *"127.0.0.3:3544 answers in "*", bubbles are not relayed, mapped "* ]]
}
