#!/usr/bin/env bats
# --format=openmetrics, read by what reads it in the field: promtool, and the textfile collector of
# the Prometheus node exporter.

bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# promtool finds nothing to complain about in $output.
valid() {
    command -v promtool >/dev/null || skip "promtool is not installed"
    echo "$output" >checked
    promtool check metrics <checked 2>&1
    [ -z "$(promtool check metrics <checked 2>&1)" ]
    [ "$(tail -n 1 checked)" = '# EOF' ]
    # A family's samples stand together, behind one HELP and one TYPE.
    [ -z "$(grep '^# TYPE' checked | sort | uniq -d)" ]
    [ -z "$(sed 's/ [^ ]*$//' checked | grep -v '^#' | sort | uniq -d)" ]
}

# value NAME LABELS: of a sample in $output
value() {
    grep -F "$1{$2} " <<<"$output" | sed 's/.* //'
}

@test "qualify: qualified, and not" {
    resolver
    server
    t qualify "$PRIMARY" --allow-private --format=openmetrics
    [ "$status" -eq 0 ]
    valid
    labels="command=\"qualify\",server=\"$PRIMARY\""
    [ "$(value teredo_qualified "$labels")" = 1 ]
    [ "$(value teredo_solicitations "$labels")" = 2 ]
    [ "$(value teredo_advertised_mtu_bytes "$labels")" = 1280 ]
    [[ $(value teredo_rtt_seconds "$labels") =~ ^[0-9.e-]+$ ]]
    [ "$(value teredo_qualification_info "$labels,verdict=\"qualified\",reason=\"both_agree\",nat=\"none\",mapped_address=\"127.0.0.1\"")" = 1 ]
    now=$(date +%s)
    then=$(value teredo_last_run_timestamp_seconds "$labels")
    [ "${then%.*}" -ge $((now - 60)) ]
    [ "${then%.*}" -le "$now" ]
    t qualify "$SILENT" --allow-private --format=openmetrics
    [ "$status" -eq 1 ]
    valid
    [ "$(value teredo_qualified "command=\"qualify\",server=\"$SILENT\"")" = 0 ]
    [[ $output != *teredo_rtt_seconds* ]]
    t qualify no-such-name.invalid --format=openmetrics
    [ "$status" -eq 68 ]
    valid
    [ "$(value teredo_qualified 'command="qualify",server="no-such-name.invalid"')" = 0 ]
}

@test "qualify with several servers, one of them of a strange name" {
    resolver
    server
    t qualify "$PRIMARY" "$SILENT" 'no "such"\name' --allow-private --format=openmetrics
    [ "$status" -eq 1 ]
    valid
    [ "$(value teredo_qualified "command=\"qualify\",server=\"$PRIMARY\"")" = 1 ]
    [ "$(value teredo_qualified "command=\"qualify\",server=\"$SILENT\"")" = 0 ]
    [ "$(value teredo_qualified 'command="qualify",server="no \"such\"\\name"')" = 0 ]
    [ "$(value teredo_servers 'command="qualify",verdict="qualified"')" = 1 ]
    [ "$(value teredo_servers 'command="qualify",verdict="not_qualified"')" = 2 ]
}

@test "check: status and relaying" {
    resolver
    server
    t check "$PRIMARY" --allow-private --format=openmetrics
    [ "$status" -eq 0 ]
    valid
    labels="command=\"check\",server=\"$PRIMARY\""
    [ "$(value teredo_check_status "$labels")" = 0 ]
    [ "$(value teredo_relay_working "$labels")" = 1 ]
    [ "$(value teredo_qualified "$labels")" = 1 ]
    [[ $(value teredo_relay_rtt_seconds "$labels") =~ ^[0-9.e-]+$ ]]
    t check "$PRIMARY" --allow-private --format=openmetrics -w 10:
    [ "$status" -eq 1 ]
    valid
    [ "$(value teredo_check_status "$labels")" = 1 ]
    t check "$SILENT" --allow-private --format=openmetrics
    [ "$status" -eq 2 ]
    valid
    [ "$(value teredo_check_status "command=\"check\",server=\"$SILENT\"")" = 2 ]
    [[ $output != *"teredo_relay_working{"* ]]
    t check no-such-name.invalid --format=openmetrics
    [ "$status" -eq 2 ]
    valid
}

@test "classify" {
    server
    t classify "$PRIMARY" --allow-private --format=openmetrics
    [ "$status" -eq 0 ]
    valid
    labels="command=\"classify\",server=\"$PRIMARY\""
    [ "$(value teredo_nat_classified "$labels")" = 1 ]
    [[ $output == *"teredo_nat_info{$labels,verdict=\"classified\","*"nat=\"none\""* ]]
}

@test "other commands do not know the format" {
    for command in listen 'trace 2001:0:c000:201::1 --server'; do
        # shellcheck disable=SC2086 # words are words
        t $command 192.0.2.1 --format=openmetrics
        usage_error "--format"
    done
}

scrape() {
    exec 9<>"/dev/tcp/127.0.0.1/$1" || return
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&9
    cat <&9 >scraped
    exec 9>&-
    grep -q '^node_textfile_scrape_error' scraped
}

@test "the node exporter's textfile collector takes all of them from one directory" {
    resolver
    command -v prometheus-node-exporter >/dev/null || skip "prometheus-node-exporter is not installed"
    server
    mkdir textfile
    port=$((20000 + $$ % 10000))
    t check "$PRIMARY" --allow-private --format=openmetrics --output textfile/check.prom
    [ "$status" -eq 0 ]
    t qualify "$PRIMARY" --allow-private --format=openmetrics --output textfile/qualify.prom
    [ "$status" -eq 0 ]
    t qualify "$PRIMARY:3544" "$SILENT" no-such-name.invalid --allow-private --format=openmetrics --output textfile/list.prom
    [ "$status" -eq 1 ]
    t classify "$PRIMARY" --allow-private --format=openmetrics --output textfile/classify.prom
    [ "$status" -eq 0 ]
    prometheus-node-exporter --collector.disable-defaults --collector.textfile \
        --collector.textfile.directory="$PWD/textfile" --web.listen-address="127.0.0.1:$port" \
        >exporter.log 2>&1 3>&- &
    BACKGROUND+=($!)
    wait_for scrape "$port"
    cat exporter.log scraped
    grep -qx 'node_textfile_scrape_error 0' scraped
    [ "$(grep -c '^node_textfile_mtime_seconds' scraped)" -eq 4 ]
    grep -qF "teredo_check_status{command=\"check\",server=\"$PRIMARY\"} 0" scraped
    grep -qF "teredo_relay_working{command=\"check\",server=\"$PRIMARY\"} 1" scraped
    grep -qF "teredo_qualified{command=\"qualify\",server=\"$SILENT\"} 0" scraped
    grep -qF "teredo_nat_classified{command=\"classify\",server=\"$PRIMARY\"} 1" scraped
    # Every sample that was written has arrived.
    [ "$(grep -c '^teredo_' scraped)" -eq "$(cat textfile/*.prom | grep -c '^teredo_')" ]
}

@test "the rules of the manual page are ones that Prometheus accepts" {
    command -v promtool >/dev/null || skip "promtool is not installed"
    sed -n '/^groups:/,/^\.Ed/p' "${top_srcdir:?}/man/teredoctl-check.1" | sed '/^\.Ed/d' >rules.yml
    grep -q 'alert: TeredoServerFails' rules.yml
    run promtool check rules rules.yml
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"2 rules found"* ]]
    # They name metrics that there are.
    server
    t check "$PRIMARY" --allow-private --format=openmetrics
    grep -oE 'teredo_[a-z_]+' rules.yml | sort -u >names
    [ -s names ]
    while read -r name; do
        grep -q "^$name{" <<<"$output"
    done <names
}
