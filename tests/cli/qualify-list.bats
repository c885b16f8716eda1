#!/usr/bin/env bats
# `teredoctl qualify` with many servers at once, on loopback.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
    HELPER=${top_builddir:-$top_srcdir/build}/tests/bench/many_servers
    # Away from the ports that the other tests' servers have on single addresses.
    MANY_PORT=$((20000 + $$ % 10000))
}

teardown() {
    common_teardown
}

# Servers at every even address of loopback, each with the address after it
many_servers() {
    "$HELPER" "$MANY_PORT" >many.out 2>&1 3>&- &
    MANY=$!
    BACKGROUND+=("$MANY")
    wait_for grep -q ready many.out
}

# many_addresses COUNT: that many of them, a line each
many_addresses() {
    seq 0 2 $((2 * ($1 - 1))) |
        awk -v port="$MANY_PORT" '{ printf "127.1.%d.%d:%d\n", $1 / 256, $1 % 256, port }'
}

# line NAME: its line in a text report
line() {
    grep -F " $1 " <<<"$output"
}

@test "usage errors" {
    t qualify 192.0.2.1 192.0.2.3 --secondary 192.0.2.2
    usage_error "--secondary is for one SERVER"
    t qualify 192.0.2.1 --rate 10
    usage_error "go with several servers"
    t qualify 192.0.2.1 --sort=rtt
    usage_error "go with several servers"
    t qualify 192.0.2.1 192.0.2.3 --sort=size
    usage_error "none of arrival, given, rtt"
    for rate in 0 -1 1000001 fast; do
        t qualify 192.0.2.1 192.0.2.3 --rate "$rate"
        usage_error "--rate"
    done
}

@test "exit 65 and 66: a file without a server, and one that is not there" {
    printf '\n  # nobody\n' >list
    t qualify --from-file list
    [ "$status" -eq 65 ]
    [[ $stderr == *"there is no server in list"* ]]
    t qualify --from-file - </dev/null
    [ "$status" -eq 65 ]
    t qualify --from-file not-there
    [ "$status" -eq 66 ]
}

@test "all qualified: a line each, and the sum; exit 0" {
    server
    many_servers
    t qualify "$PRIMARY" "127.1.0.0:$MANY_PORT" --allow-private
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "${#lines[@]}" -eq 3 ]
    [[ $(line "$PRIMARY") =~ ^qualified\ +[0-9.]+\ ms\ \ $PRIMARY\ \ mapped\ 127\.0\.0\.1:[0-9]+\ \ nat\ none$ ]]
    [[ ${lines[2]} == "2 servers: 2 qualified, 0 not qualified, 0 inconclusive; 4 solicitations in "* ]]
    # One socket for all
    [ "$(grep -oE 'mapped 127.0.0.1:[0-9]+' <<<"$output" | sort -u | wc -l)" -eq 1 ]
    t qualify "$PRIMARY" "127.1.0.0:$MANY_PORT" --allow-private -q
    [ "${#lines[@]}" -eq 2 ]
}

@test "bad names and dead servers stop none of the others; exit 1" {
    resolver
    server
    t qualify "$SILENT" no-such-name.invalid ::1 "$PRIMARY" 192.0.2.1:0 --allow-private --format=jsonl
    [ "$status" -eq 1 ]
    json -s 'length == 6 and (.[-1] | .event == "summary" and .servers == 5 and .qualified == 1 and
        .not_qualified == 4 and .bad_names >= 2 and .left == 0)'
    json -s --arg s "$PRIMARY" '.[] | select(.name == $s) | .event == "verdict" and .verdict == "qualified" and
        .server.address == $s and .rtt_s > 0'
    json -s --arg s "$SILENT" '.[] | select(.name == $s) | .reason == "port_unreachable"'
    json -s '[.[] | select(.reason == "name_malformed") | .name] | sort == ["192.0.2.1:0", "::1"]'
    json -s '.[] | select(.name == "no-such-name.invalid") | .server == null and
        (.reason == "name_not_found" or .reason == "resolver_failed")'
}

@test "exit 2: one is inconclusive, and none says no" {
    server
    # Its secondary address is another server's, that is silent.
    start lonely serve --address "${SILENT%.*}.64" --secondary "${SILENT%.*}.200" --allow-private
    wait_for grep -q ready lonely.out
    silent_server
    t qualify "$PRIMARY" "${SILENT%.*}.64" --allow-private --format=jsonl
    [ "$status" -eq 2 ]
    json -s '.[-1] | .qualified == 1 and .inconclusive == 1'
    json -s 'any(.[]; .reason == "only_primary_replied")'
}

@test "a list from a file and from standard input: comments, blanks, doubles" {
    many_servers
    many_addresses 3 >list
    { printf '# servers\r\n\n'; sed 's/$/ # one/' list; cat list; printf '127.1.0.200:%s' "$MANY_PORT"; } >messy
    t qualify --from-file messy --allow-private --format=json
    [ "$status" -eq 0 ]
    json '.summary.servers == 4 and (.results | length) == 4'
    names=$(jq -c '[.results[].name] | sort' <<<"$output")
    t qualify "127.1.0.200:$MANY_PORT" --from-file - --allow-private --format=json <list
    json --argjson names "$names" '([.results[].name] | sort) == $names'
    # What the environment names is not asked.
    TEREDO_SERVER=127.1.1.0 t qualify --from-file list --allow-private --format=json
    json '.summary.servers == 3'
}

@test "JSON: one object, with schema first, and a list of what jsonl has a line each" {
    many_servers
    t qualify "127.1.0.0:$MANY_PORT" "127.1.0.2:$MANY_PORT" --allow-private --format=json
    [ "$status" -eq 0 ]
    json 'keys_unsorted == ["schema", "command", "results", "summary"] and .command == "qualify"'
    keys=$(jq -c '.results[0] | keys_unsorted' <<<"$output")
    t qualify "127.1.0.0:$MANY_PORT" "127.1.0.2:$MANY_PORT" --allow-private --format=jsonl
    json -s --argjson keys "$keys" 'all(.[:2][]; keys_unsorted - ["schema", "command", "event"] == $keys)'
}

@test "a list that is no text makes JSON all the same" {
    resolver
    many_servers
    printf '127.1.0.0:%s\n\377\200name\n' "$MANY_PORT" >list
    for format in json jsonl; do
        t qualify --from-file list --allow-private --format="$format"
        [ "$status" -eq 1 ]
        json -s 'any(.. | objects; .name? == "\ufffd\ufffdname")'
    done
}

@test "--sort: as given, and the fastest first with the silent ones last" {
    many_servers
    { many_addresses 50; echo 127.1.9.9:9; } >list
    t qualify --from-file list --allow-private --sort=given --format=json
    [ "$(jq -r '.results[].name' <<<"$output")" = "$(cat list)" ]
    t qualify --from-file list --allow-private --sort=rtt --format=json
    json '[.results[].rtt_s] | .[:50] == (.[:50] | sort) and .[50] == null'
}

@test "--rate bounds the packets a second" {
    many_servers
    many_addresses 100 >list
    t qualify --from-file list --allow-private --rate 400 --format=json
    [ "$status" -eq 0 ]
    # 200 packets, of which those of 5 ms may go at once.
    json '.summary.solicitations >= 200 and .summary.elapsed_s >= 0.45'
}

@test "addresses that follow each other do not get in each other's way" {
    many_servers
    # Each secondary address is also asked as a primary one, which it is not; the one after it is
    # one, but not its secondary.
    seq 0 99 | awk -v port="$MANY_PORT" '{ printf "127.1.0.%d:%d\n", $1, port }' >list
    t qualify --from-file list --allow-private --format=json --rate 2000
    [ "$status" -ne 0 ]
    json '.summary.qualified == 50 and .summary.not_qualified + .summary.inconclusive == 50'
    json 'all(.results[]; (.name | split(":")[0] | split(".")[3] | tonumber % 2 == 0) == (.verdict == "qualified"))'
    # Nonces tell whose an answer is: nothing was rejected for another's.
    json 'all(.results[].checks[]; .rule != "nonce" or .rejected == 0)'
}

@test "Ctrl-C: what is known is told, and how many are left" {
    many_servers
    many_addresses 5000 >list
    for format in json jsonl text; do
        rm -f q.out
        start q qualify --from-file list --allow-private --format="$format" --rate 100
        wait_for grep -q 127.1.0. q.out
        kill -INT "$PID"
        ended "$PID"
        [ "$status" -eq 2 ]
        output=$(cat q.out)
        case $format in
        json) json '.summary | .qualified > 0 and .left > 4000 and .not_qualified == 0' ;;
        jsonl) json -s '.[-1] | .event == "summary" and .left > 4000' ;;
        text) [[ $(tail -n 1 q.out) == "5000 servers: "*" left; "* ]] ;;
        esac
    done
}

@test "silent name servers hold no address up, and Ctrl-C does not wait for them" {
    need_namespace
    seq 1 40 | sed 's/.*/name&.example.net/' >list
    echo 127.0.0.3 >>list
    echo 'nameserver 127.0.0.53' >resolv.conf
    : >q.out
    run --separate-stderr timeout 60 unshare -rmn bash -c '
        mount --bind resolv.conf /etc/resolv.conf || exit 77
        ip link set lo up
        "$1" serve --address 127.0.0.3 --allow-private >server.out 2>&1 3>&- &
        # It takes questions for malformed packets, and answers none.
        "$1" serve --address 127.0.0.53 --port 53 --allow-private >names.out 2>&1 3>&- &
        until grep -qs ready server.out && grep -qs ready names.out; do sleep 0.05; done
        "$1" qualify --from-file list --allow-private --format=jsonl >q.out 3>&- &
        pid=$!
        until grep -q 127.0.0.3 q.out; do sleep 0.05; done
        # What it would wait for alone is longer than a name server may take.
        start=$SECONDS
        kill -INT $pid
        wait $pid
        status=$?
        kill %1 %2
        [ $((SECONDS - start)) -lt 4 ] || exit 1
        exit $status' bash "$TEREDOCTL"
    echo "$status $output $stderr"
    cat q.out
    [ "$status" -ne 77 ] || skip "this user may not mount a file"
    [ "$status" -eq 2 ]
    output=$(cat q.out)
    json -s '.[0].verdict == "qualified" and (.[-1] | .event == "summary" and .qualified == 1 and .left == 40)'
}

@test "exit 74: results that cannot be written" {
    many_servers
    for format in text json jsonl openmetrics; do
        sh_t "\$T qualify 127.1.0.0:$MANY_PORT 127.1.0.2:$MANY_PORT --allow-private --format=$format >/dev/full"
        [ "$status" -eq 74 ]
    done
}

@test "--write, -v and --explain work for all of them" {
    many_servers
    t qualify "127.1.0.0:$MANY_PORT" "127.1.0.2:$MANY_PORT" --allow-private -v --explain --write packets.pcap
    [ "$status" -eq 0 ]
    [ "$(grep -c ' rs$' <<<"$stderr")" -eq 4 ]
    [ "$(grep -cE '^    ok +nonce ' <<<"$output")" -eq 2 ]
    [ "$(stat -c %s packets.pcap)" -eq $((24 + 4 * (16 + 89) + 4 * (16 + 145))) ]
}

@test "ten thousand servers" {
    many_servers
    many_addresses 10000 >list
    t qualify --from-file list --allow-private --rate 2500 --timeout 10 --format=jsonl >/dev/null
    [ "$status" -eq 0 ]
    json -s 'length == 10001 and (.[-1] | .servers == 10000 and .qualified == 10000)'
    json -s '[.[].name] | unique | length == 10001'
}
