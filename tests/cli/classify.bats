#!/usr/bin/env bats
# `teredoctl classify` on loopback, with `teredoctl serve` as the server: there is no NAT.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
    unset TEREDO_EXTRA_PORT
}

teardown() {
    common_teardown
}

KEYS='schema command verdict nat rfc4380 mapping filtering port_allocation port_step hairpinning
    lifetime_s pooling local mapped loss error_odds rtt_s elapsed_s evidence punching reachability
    rfc3489 netsh translated shared_space_router unsteady interrupted refreshed_by_outbound
    refreshed_by_inbound server secondary mapped_secondary sent received icmp system_error text
    advice proven server_cone_bit server_relays trips_on_unsolicited private_router rejected rejected_rule rejected_from'

@test "usage errors" {
    t classify
    usage_error "no SERVER given, and TEREDO_SERVER is not set"
    t classify 192.0.2.1 192.0.2.2
    usage_error "only one SERVER"
    t classify 192.0.2.1 --max-idle 60
    usage_error "--max-idle and --resolution go with --lifetime"
    t classify 192.0.2.1 --resolution 60
    usage_error "--max-idle and --resolution go with --lifetime"
    t classify 192.0.2.1 --lifetime --max-idle 5 --resolution 10
    usage_error "--resolution is coarser than --max-idle"
    t classify 192.0.2.1 --extra-port 0
    usage_error "--extra-port"
    TEREDO_EXTRA_PORT=x t classify 192.0.2.1
    usage_error "TEREDO_EXTRA_PORT"
    t classify 192.0.2.1 --secondary 192.0.2.1
    usage_error "the secondary server address is the primary one"
    t classify 192.0.2.1 --extra-port 3544
    usage_error "the extra port is the server's port"
    t classify 192.0.2.1 --attempts 3
    usage_error "--attempts"
}

@test "exit 0: no NAT, and no firewall" {
    server
    t classify "$PRIMARY" --allow-private
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "${lines[0]}" = "none: no NAT, and anyone may send to this host" ]
    [[ $output == *"both server addresses answer"* ]]
    [[ $output == *"translation      none: the server sees 127.0.0.1:"* ]]
    [[ $output == *"mapping          endpoint-independent:"* ]]
    [[ $output == *"filtering        endpoint-independent:"* ]]
    [[ $output == *"RFC 3489 open internet; RFC 4380 none; Windows none"* ]]
    [[ $output == *"port restricted       direct, with RFC 4380 alone"* ]]
    [[ $output != *hairpinning* ]]
}

@test "JSON has every key, unknown is null or unknown, and jsonl ends with the same object" {
    server
    t classify "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    for key in $KEYS; do
        json --arg key "$key" 'has($key)'
    done
    json --arg keys "$KEYS" '(keys - ($keys | [splits("\\s+")])) == []'
    json '.schema == 1 and .command == "classify" and .verdict == "classified" and .nat == "none"'
    json '.translated == false and .local == .mapped and .mapped == .mapped_secondary'
    json '.proven - ["udp_outside"] == ["primary_answer", "secondary_answer", "untranslated", "same_mapping", "stranger_in"]'
    json '.hairpinning == null and .port_allocation == null and .pooling == null'
    json '.lifetime_s == null and .shared_space_router == null and .unsteady == false and .port_step == null'
    json '.loss == 0 and .error_odds == 0 and .rtt_s > 0 and .elapsed_s > 0'
    json '[.evidence[] | has("test") and has("sent") and has("received") and has("proves")] | all'
    json '.evidence | map(.test) | index("filtering_any") != null'
    json '.punching | length == 7 and all(has("peer") and has("outcome") and has("needs"))'
    keys=$(jq -c 'keys_unsorted' <<<"$output")
    t classify "$PRIMARY" --allow-private --format=jsonl
    json -s --argjson keys "$keys" '.[-1] | (keys_unsorted - ["event"]) == $keys and .event == "verdict"'
    [ "${#lines[@]}" -eq 1 ]
}

@test "--explain lists what each test sent, what came back, and what that proves" {
    server
    t classify "$PRIMARY" --allow-private --explain
    [ "$status" -eq 0 ]
    [[ $output == *"  evidence"* ]]
    [[ $output == *"filtering any"*"cone-bit solicitation"*"$SECONDARY:3544 answers"* ]]
    [[ $output == *"received  "*" answered from $SECONDARY:3544, the first after "* ]]
    [[ $output == *"proves    an address to which this port never sent gets in"* ]]
    [[ $output == *"proves    nothing is translated"* ]]
}

@test "-q prints the verdict alone" {
    server
    t classify "$PRIMARY" --allow-private -q
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ ${lines[0]} == none:* ]]
}

@test "TEREDO_SERVER is the default" {
    server
    TEREDO_SERVER=$PRIMARY t classify --allow-private -q
    [ "$status" -eq 0 ]
}

@test "exit 2: a secondary address that is silent leaves the mapping unknown" {
    server
    t classify "$PRIMARY" --secondary "$SILENT" --allow-private --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "partial" and .reachability == "only_primary_answered"'
    json '.nat == "unknown" and .mapping == "unknown" and .mapped.address == "127.0.0.1"'
}

@test "exit 2, at once: a closed port" {
    t classify "$PRIMARY" --allow-private --timeout 60 --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "partial" and .reachability == "port_unreachable" and .elapsed_s < 30'
    json '.nat == "unknown" and .icmp.code == 3 and .mapped == null and .loss == null'
    json '[.punching[].outcome] | all(. == "unknown")'
}

@test "exit 1: nothing comes back, and no sign that UDP leaves" {
    silent_server
    t classify "$SILENT" --allow-private --timeout 1 --format=json
    [ "$status" -eq 1 ]
    json '.verdict == "blocked" and .nat == "blocked" and .reachability == "no_reply"'
    json '.elapsed_s >= 0.9 and .elapsed_s < 30 and .error_odds > 0 and .error_odds < 0.0001'
    t classify "$SILENT" --allow-private --timeout 1
    [ "$status" -eq 1 ]
    [[ ${lines[0]} == blocked:* ]]
    [[ $output == *"try: "* ]]
}

@test "exit 68: a name that does not exist, with a verdict in JSON" {
    resolver
    t classify does-not-exist.invalid --format=json
    [ "$status" -eq 68 ]
    json '.verdict == "partial" and .reachability == "name_not_found" and .nat == "unknown"'
}

@test "exit 2: a host without a route says so" {
    need_namespace
    run --separate-stderr unshare -rn "$TEREDOCTL" classify 192.0.2.1 --timeout 60 --format=json
    [ "$status" -eq 2 ]
    json '.reachability == "no_route" and .elapsed_s < 30 and .system_error != null'
}

@test "Ctrl-C while nothing answers: it says so, and ends" {
    silent_server
    start classify classify "$SILENT" --allow-private --timeout 60 --format=json -v
    wait_for grep -q ' rs$' classify.err
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 2 ]
    output=$(<classify.out)
    json '.verdict == "partial" and .reachability == "interrupted" and .elapsed_s < 30'
}

@test "replies that break a rule are told and not believed: signed ones with another secret" {
    printf 'alice:wrong\n' >secrets
    printf 'right' >secret
    chmod 600 secrets secret
    server --auth-secret-file secrets
    t classify "$PRIMARY" --allow-private --auth-id alice --auth-secret-file secret --timeout 0.5 --format=json
    [ "$status" -eq 1 ]
    json '.mapped == null'
    printf 'alice:right\n' >secrets
    kill "$SERVER"
    ended "$SERVER"
    server --auth-secret-file secrets
    t classify "$PRIMARY" --allow-private --auth-id alice --auth-secret-file secret --format=json
    [ "$status" -eq 0 ]
    json '.nat == "none"'
}

# odd_server MODE: tests/odd_server.py at $PRIMARY and $SECONDARY
odd_server() {
    python3 "${BATS_TEST_FILENAME%/*}/../odd_server.py" "$PRIMARY" "$SECONDARY" "$1" >odd.out 3>&- &
    in_background "$!"
    wait_for grep -q ready odd.out
}

@test "a line about replies that are not believed is printed once, with a count" {
    odd_server crosswise
    t classify "$PRIMARY" --allow-private --timeout 1
    [ "$status" -eq 2 ]
    [[ $output == *"every reply broke a rule"* ]]
    [[ $output == *"not believed     "*" replies, the last from "*": rule source_endpoint "* ]]
    [ "$(grep -c "reply from $SECONDARY:3544 not believed: rule source_endpoint" <<<"$stderr")" -eq 1 ]
    [[ $stderr =~ "teredoctl classify: "[0-9]+" more such replies from $SECONDARY:3544: rule source_endpoint" ]]
    t classify "$PRIMARY" --allow-private --timeout 1 --format=json
    json '.reachability == "replies_rejected" and .rejected_rule == "source_endpoint" and .rejected > 1'
}

@test "a server that ignores the cone bit: bubbles tell instead, in as few packets, without a word on stderr" {
    odd_server same
    t classify "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    json '.nat == "none" and .server_cone_bit == "ignored" and .server_relays == true and .sent <= 150'
    t classify "$PRIMARY" --allow-private
    [[ $output == *"server           it ignores the cone bit: "*"; bubbles that it relays tell instead"* ]]
}

@test "a server that ignores the cone bit and relays nothing: the reason is told, in as few packets" {
    odd_server same,norelay
    t classify "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 2 ]
    [ -z "$stderr" ]
    json '.verdict == "partial" and .mapping == "endpoint_independent" and .filtering == "unknown"'
    json '.server_cone_bit == "ignored" and .server_relays == false and .sent <= 150'
    t classify "$PRIMARY" --allow-private
    [[ $output == *"filtering        unknown: this server answers no cone bit from its other address, and relays no bubbles"* ]]
}

@test "the server's port is silent, and its extra port answers: UDP is not blocked, and no round trip is told" {
    odd_server extra
    t classify "$PRIMARY" --extra-port 3546 --allow-private --timeout 1 --format=json
    [ "$status" -eq 2 ]
    json '.verdict == "partial" and .reachability == "only_extra_port_answered" and .rtt_s == null'
    json '.text | test("UDP itself is not blocked")'
    t classify "$PRIMARY" --extra-port 3546 --allow-private --timeout 1
    [[ $output != *"round trip"* ]]
}

@test "--local-port, --write and -v" {
    server
    t classify "$PRIMARY" --allow-private --local-port 40321 --write out.pcap --format=json -v
    [ "$status" -eq 0 ]
    json '.local.port == 40321'
    [ -s out.pcap ]
    [[ $stderr == *"$PRIMARY:3544 > "*"ra, origin indication"* ]]
}

@test "without capabilities it works as well, with the sockets' own times" {
    server
    run --separate-stderr without_capabilities "$TEREDOCTL" classify "$PRIMARY" --allow-private --format=json
    [ "$status" -eq 0 ]
    json '.nat == "none"'
    t classify "$PRIMARY" --allow-private --no-capture --format=json
    [ "$status" -eq 0 ]
}

@test "--lifetime where nothing expires: at least as long as was tried, with progress in jsonl" {
    server
    t classify "$PRIMARY" --allow-private --lifetime --max-idle 2 --resolution 0.5 --format=jsonl
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    json -s '.[0].event == "progress" and .[0].longest_s == 2'
    json -s '.[-1].event == "verdict" and .[-1].lifetime_s.at_least > 1.9 and .[-1].lifetime_s.at_most == null'
    json -s '.[-1].refreshed_by_outbound == null and .[-1].refreshed_by_inbound == null'
}

@test "--lifetime: Ctrl-C reports the bounds so far, with the classification" {
    server
    start classify classify "$PRIMARY" --allow-private --lifetime --max-idle 60 --resolution 1 --format=jsonl
    wait_for grep -q '"event":"progress".*"at_least":[1-9]' classify.out
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 0 ]
    output=$(tail -n 1 classify.out)
    json '.nat == "none" and .lifetime_s.at_least >= 1 and .lifetime_s.at_most == null'
}

@test "results that cannot be written are exit 74" {
    server
    sh_t '"$T" classify '"$PRIMARY"' --allow-private >/dev/full'
    [ "$status" -eq 74 ]
}

@test "serve --extra-port answers there too, from there" {
    server --extra-port 3546
    t qualify "$PRIMARY:3546" --allow-private --format=json
    [ "$status" -eq 0 ]
    json '.server.port == 3546 and .verdict == "qualified"'
    t classify "$PRIMARY" --extra-port 3546 --allow-private --format=json
    [ "$status" -eq 0 ]
    json '[.evidence[] | select(.test == "mapping_by_port")] | length == 2'
    t serve --address "$PRIMARY" --extra-port 3544
    usage_error "--extra-port must differ from --port"
}

@test "on a terminal a status line tells what classify waits for" {
    silent_server
    on_terminal classify "$SILENT" --allow-private --timeout 2.5
    [[ $output == *"waiting for the server $SILENT:3544: solicitation "*" s left"* ]]
    [[ ${output##*s left} == $'\r\e[K'* ]]
}
