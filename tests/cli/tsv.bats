#!/usr/bin/env bats
# --format=tsv: rows for shell loops.
# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

COMMANDS='addr bubble check classify decode listen qualify serve trace'

# documented COMMAND [N]: the columns that its page lists, of its Nth table, one a line
documented() {
    sed -n '/^\.Ss The columns of tsv/,/^\.S[sh] [^T]/p' "${top_srcdir:?}/man/teredoctl-$1.1" |
        awk -v n="${2:-1}" '/^\.Cm .*[.,]$/ { if (table == n - 1) print } / \.$/ { table++ }' |
        sed 's/^\.Cm //; s/ [,.]$//; s/ , /\n/g'
}

# table: $output has a header, the columns that COMMAND's page lists, and as many values in each row
table() {
    diff <(tr '\t' '\n' <<<"${lines[0]}") <(documented "$@")
    [ "${#lines[@]}" -gt 1 ]
    awk -F '\t' 'NR == 1 { n = NF } NF != n || /\t\t|^\t|\t$/ { print; bad = 1 } END { exit bad }' <<<"$output"
}

# column NAME: its values, a line a row
column() {
    awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) n = i; next } { print $n }' \
        <<<"$output"
}

@test "--header goes with --format=tsv" {
    for command in $COMMANDS lab; do
        # What check says of its command line is below.
        [ "$command" != check ] || continue
        case $command in
        addr | bubble) argument=2001:0:c000:201::1 ;;
        decode) argument='file' ;;
        serve) argument='--address 192.0.2.1' ;;
        trace) argument='2001:0:c000:201::1 --server 192.0.2.1' ;;
        lab) argument= ;;
        *) argument=192.0.2.1 ;;
        esac
        # shellcheck disable=SC2086 # words are words
        t "$command" $argument --header
        usage_error "--header goes with --format=tsv"
        # shellcheck disable=SC2086
        t "$command" $argument --header --format=json
        usage_error "--header goes with --format=tsv"
    done
    t check 192.0.2.1 --header
    [ "$status" -eq 3 ]
    [ "$output" = "TEREDO UNKNOWN - --header goes with --format=tsv" ]
}

@test "the pages list the columns, and each command prints them" {
    server
    listener
    t addr --format=tsv --header "$PEER" ::1 nonsense
    [ "$status" -eq 65 ]
    table addr
    [ "$(column verdict | paste -sd,)" = teredo,not_teredo,invalid ]
    t addr --format=tsv --header --encode --server 192.0.2.1 --mapped 203.0.113.9:40000
    table addr
    t qualify "$PRIMARY" --allow-private --format=tsv --header
    table qualify
    [ "$(column verdict)" = qualified ]
    [ "$(column server)" = "$PRIMARY:3544" ]
    t check "$PRIMARY" --allow-private --format=tsv --header -w 60
    table check
    [ "$(column status)" = ok ]
    [ "$(column relay.state)" = works ]
    [ "$(column warning)" = 60 ]
    t classify "$PRIMARY" --allow-private --format=tsv --header
    table classify
    [ "$(column nat)" = none ]
    t trace "$PEER" --server "$PRIMARY" --allow-private --format=tsv --header
    table trace
    [ "$(column peer)" = "$PEER" ]
    [[ $(column rtt_s) =~ ^[0-9]+\.[0-9]{9}$ ]]
    t bubble --rs --to "$PRIMARY" --wait 2 --format=tsv --header
    table bubble
    [ "$(column event | sort -u | paste -sd,)" = packet,reply,summary ]
    [ "$(column proof | sort -u | paste -sd,)" = -,nonce ]
    t serve --address "$SILENT" --allow-private --duration 0.1 --format=tsv --header
    table serve
    [ "$(column event | paste -sd,)" = ready,summary ]
    t bubble "$PEER" --write one.pcap -q
    t decode one.pcap --format=tsv --header
    table decode
    [ "$(column kind)" = bubble ]
    [ "$(column ipv6.destination)" = "$PEER" ]
    t decode one.pcap --summary --format=tsv --header
    table decode 2
    [ "$(column kinds.bubble)" = 1 ]
}

@test "listen: a row for each event" {
    server
    listener --format=tsv --header --count 1
    t trace "$PEER" --server "$PRIMARY" --allow-private -q
    ended "$LISTENER"
    output=$(cat listener.out)
    mapfile -t lines <listener.out
    table listen
    column event | grep -qx qualification
    column activity | grep -qx path_open
    [ "$(column event | tail -n 1)" = summary ]
    [ "$(column peers | tail -n 1)" = 1 ]
}

@test "without --header there are rows alone, and a loop of the shell reads them" {
    server
    for server in "$PRIMARY" "$SILENT"; do
        "$TEREDOCTL" qualify "$server" --allow-private --format=tsv || [ $? -eq 1 ]
    done >rows
    while IFS=$'\t' read -r verdict reason server _ address _; do
        echo "$server: $verdict, $reason, $address"
    done <rows >told
    cat told
    [ "$(wc -l <told)" -eq 2 ]
    grep -q "^$PRIMARY:3544: qualified, both_agree, 2001:0:7f" told
    grep -q "^$SILENT:3544: not_qualified, port_unreachable, -$" told
}

@test "a name that does not exist gets a row too: exit 68" {
    resolver
    t qualify no-such-name.invalid --format=tsv --header
    [ "$status" -eq 68 ]
    table qualify
    [ "$(column reason)" = name_not_found ]
}

@test "several servers: a row each, which names the server" {
    resolver
    server
    t qualify "$PRIMARY" "$SILENT" no-such-name.invalid --sort=given --allow-private --format=tsv --header
    [ "$status" -eq 1 ]
    table qualify
    [ "$(column name | paste -sd,)" = "$PRIMARY,$SILENT,no-such-name.invalid" ]
    [ "$(column verdict | paste -sd,)" = qualified,not_qualified,not_qualified ]
    [ "$(column reason | paste -sd,)" = both_agree,port_unreachable,name_not_found ]
}

@test "--every: one header, then a row a round; with --output, a header in each file" {
    server
    start c check "$PRIMARY" --allow-private --every 0.1 --format=tsv --header
    wait_for sh -c '[ "$(wc -l <c.out)" -ge 4 ]'
    kill -INT "$PID"
    ended "$PID"
    output=$(cat c.out)
    mapfile -t lines <c.out
    table check
    [ "$(grep -c ^status c.out)" -eq 1 ]
    column round_started | sort -c -u
    [[ $(column round_started | head -n 1) =~ ^20[0-9-]+T[0-9:.]+Z$ ]]
    start c check "$PRIMARY" --allow-private --every 0.1 --format=tsv --header --output file -v
    wait_for sh -c '[ -s file ]'
    first=$(tail -n 1 file)
    wait_for sh -c "[ \"\$(tail -n 1 file)\" != '$first' ]"
    kill -INT "$PID"
    ended "$PID"
    output=$(cat file)
    mapfile -t lines <file
    table check
    [ "${#lines[@]}" -eq 2 ]
}

@test "no tab and no line end gets into a value" {
    t bubble 2001:0:c000:201::1 --write one.pcap -q
    mv one.pcap $'a\tname\nof two lines.pcap'
    t decode $'a\tname\nof two lines.pcap' --format=tsv --header
    table decode
    [ "$(column file)" = 'a?name?of two lines.pcap' ]
    printf 'no\taddress\n' >list
    sh_t '$T addr --format=tsv --header <list'
    table addr
    [ "$(column address)" = 'no?address' ]
    [ "$(column line)" = 1 ]
}

@test "lab: the trace's row" {
    need_namespace
    t lab -q --format=tsv --header
    [ "$status" -eq 0 ]
    table trace
    [ "$(column verdict)" = punched ]
}

@test "a full disk is exit 74" {
    server
    for command in 'addr ::1' "qualify $PRIMARY --allow-private" 'decode --hex 60' \
        "serve --address $SILENT --allow-private --duration 0.1"; do
        sh_t "\$T $command --format=tsv >/dev/full"
        [ "$status" -eq 74 ]
        [[ $stderr == *"cannot write"* ]]
    done
}
