#!/usr/bin/env bats
# Runs that repeat (--every, --on-change) and that replace a file (--output), on loopback.

# jq has variables of its own; bats sets stderr
# shellcheck disable=SC2016,SC2154
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

stop() { # PID: sets status
    kill -INT "$1"
    ended "$1"
}

@test "usage errors" {
    for command in qualify classify "trace 2001:0:c000:201::1 --server"; do
        # shellcheck disable=SC2086 # words are words
        t $command 192.0.2.1 --on-change
        usage_error "--on-change goes with --every"
        # shellcheck disable=SC2086
        t $command 192.0.2.1 --every 1 --write file
        usage_error "--write does not go with --every"
        # shellcheck disable=SC2086
        t $command 192.0.2.1 --every soon
        usage_error "--every"
    done
}

@test "--every: numbered rounds, with new sockets, that do not drift" {
    server
    start q qualify "$PRIMARY" --allow-private --every 1 --format=jsonl
    wait_for has_lines 6 q.out
    stop "$PID"
    [ "$status" -eq 0 ]
    [ ! -s q.err ]
    output=$(cat q.out)
    json -s 'to_entries | all(.[]; .value.round == .key + 1 and .value.event == "verdict")'
    json -s '[.[].local.port] | unique | length > 1'
    # Each begins at a multiple of the interval after the first, however long it took before; a busy
    # machine may be late by some of it.
    json -s '[.[].round_started | sub(".*:"; "") | rtrimstr("Z") | tonumber] as $t | [range(1; $t | length) |
        ($t[.] - $t[0] + 60) % 60 | . * 1000 % 1000] | sort | .[length / 2 | floor] | . < 500'
}

@test "--every in text: the time stands above each round, unless quiet" {
    server
    start q qualify "$PRIMARY" --allow-private --every 0.1
    wait_for grep -q 'told after' q.out
    stop "$PID"
    [[ $(head -n 1 q.out) =~ ^20[0-9-]+T[0-9:.]+Z$ ]]
    [[ $(sed -n 2p q.out) == qualified:* ]]
    # What is left of that run is no sign of the next one.
    rm q.out
    start q qualify "$PRIMARY" --allow-private --every 0.1 -q
    wait_for has_lines 3 q.out
    stop "$PID"
    # A round that the signal has interrupted has another verdict.
    [ "$(head -n 3 q.out | grep -vc '^qualified:')" -eq 0 ]
}

@test "--every survives a server that goes, and tells of its return; the status is the last round's" {
    start q qualify "$PRIMARY" --allow-private --every 0.1 --on-change --format=jsonl
    pid=$PID
    wait_for has_lines 1 q.out
    server
    wait_for grep -q both_agree q.out
    kill "$SERVER"
    ended "$SERVER"
    wait_for bash -c 'tail -n 1 q.out | grep -q not_qualified'
    stop "$pid"
    [ "$status" -eq 1 ]
    output=$(cat q.out)
    # A round may see the server come, or go, in its midst.
    json -s '(.[0].verdict == "not_qualified") and (.[-1].verdict == "not_qualified")'
    json -s '[.[].round] | . == (sort | unique) and length >= 3'
}

@test "--on-change --output: the file stays as it is until something changes" {
    server
    start q qualify "$PRIMARY" --allow-private --every 0.1 --on-change --format=json --output file -v
    pid=$PID
    wait_for test -s file
    inode=$(stat -c %i file)
    wait_for sh -c '[ "$(grep -c " rs$" q.err)" -ge 10 ]'
    [ "$(stat -c %i file)" = "$inode" ]
    jq -e '.round == 1 and .verdict == "qualified"' file
    kill "$SERVER"
    ended "$SERVER"
    wait_for grep -q port_unreachable file
    stop "$pid"
    [ "$status" -eq 1 ]
    [ ! -s q.out ]
}

@test "--on-change: what changes by itself, such as ports and times, is no change" {
    server
    start q qualify "$PRIMARY" --allow-private --every 0.1 --on-change --format=jsonl -v
    wait_for sh -c '[ "$(grep -c " rs$" q.err)" -ge 10 ]'
    stop "$PID"
    [ "$status" -eq 0 ]
    [ "$(wc -l <q.out)" -eq 1 ]
}

@test "--every survives names that cannot be found" {
    resolver
    start q qualify no-such-name.invalid --every 0.1 --format=jsonl
    wait_for has_lines 3 q.out
    stop "$PID"
    [ "$status" -eq 68 ]
    output=$(cat q.out)
    json -s 'all(.[]; .reason == "name_not_found")'
    grep -q "^teredoctl qualify: cannot find 'no-such-name.invalid'" q.err
}

@test "--every survives a port that is in use, and a link that is down" {
    server
    start holder listen "$PRIMARY" --allow-private --local-port 35437
    HOLDER=$PID
    wait_for grep -q 2001: holder.out
    start q qualify "$PRIMARY" --allow-private --local-port 35437 --every 0.1 --format=jsonl
    wait_for grep -q 'port 35437.*in use' q.err
    kill "$HOLDER"
    wait_for grep -q '"qualified"' q.out
    stop "$PID"
    [ "$status" -eq 0 ]
}

@test "--every survives a link that goes down, and tells of another address" {
    need_namespace
    command -v ip >/dev/null || skip "ip is not installed"
    : >q.out
    run --separate-stderr timeout 60 unshare -rn bash -c '
        # The latest line that is whole.
        latest() { until sed -n "\$p" q.out | grep -Eqs "$1"; do sleep 0.05; done; }
        ip link set lo up
        "$1" serve --address 127.0.0.3 --allow-private >server.out 2>&1 3>&- &
        until grep -qs ready server.out; do sleep 0.05; done
        "$1" qualify 127.0.0.3 --allow-private --timeout 5 --every 0.1 --on-change --format=jsonl \
            >q.out 3>&- &
        pid=$!
        latest "\"verdict\":\"qualified\""
        ip link set lo down
        latest "\"verdict\":\"(not_qualified|inconclusive)\""
        ip link set lo up
        latest "\"verdict\":\"qualified\""
        ip route change local 127.0.0.0/8 dev lo src 127.0.0.9 table local
        latest "\"local\":\{\"address\":\"127.0.0.9\""
        kill -INT $pid
        wait $pid
        status=$?
        kill %1
        exit $status' bash "$TEREDOCTL"
    [ "$status" -eq 0 ]
    output=$(cat q.out)
    # Link and address may change in the midst of a round, of which one answer has come.
    json -s '[.[].verdict == "qualified"] | .[0] and .[-1] and any(not)'
    json -s '[.[] | select(.verdict == "qualified").local.address] | length >= 3 and .[-1] == "127.0.0.9" and
        (.[:-1] | all(. == "127.0.0.1"))'
}

@test "check --every: a line a round; trace --every: a verdict a round" {
    server
    start c check "$PRIMARY" --allow-private --every 0.1
    wait_for has_lines 3 c.out
    kill "$SERVER"
    ended "$SERVER"
    wait_for grep -q CRITICAL c.out
    stop "$PID"
    [ "$status" -eq 2 ]
    # One round may see the server go in its midst.
    run ! grep -vE '^TEREDO (OK|UNKNOWN|CRITICAL) - ' c.out
    [ "$(grep -c '^TEREDO UNKNOWN' c.out)" -le 1 ]
    server
    listener
    start t trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --every 0.1 --format=jsonl
    wait_for sh -c '[ "$(grep -c "\"event\":\"verdict\"" t.out)" -ge 2 ]'
    stop "$PID"
    [ "$status" -eq 0 ]
    output=$(grep '"event":"verdict"' t.out)
    json -s '.[0].round == 1 and .[1].round == 2 and .[0].verdict == "punched"'
}

@test "Ctrl-C in the first round ends it with what is known" {
    silent_server
    start q qualify "$SILENT" --allow-private --timeout 60 --every 100 --format=jsonl -v
    wait_for grep -q ' rs$' q.err
    stop "$PID"
    [ "$status" -eq 2 ]
    output=$(cat q.out)
    json '.reason == "interrupted" and .round == 1'
}

@test "Ctrl-C between rounds ends at once; SIGTERM too" {
    server
    for signal in INT TERM; do
        rm -f q.out
        start q qualify "$PRIMARY" --allow-private --every 1000 -q
        wait_for has_lines 1 q.out
        kill "-$signal" "$PID"
        ended "$PID"
        [ "$status" -eq 0 ]
    done
}

@test "a signal ends the rounds whenever it comes: in a round, between two, and in between" {
    server
    for i in {1..40}; do
        rm -f c.out
        start c check "$PRIMARY" --allow-private --every 0.005
        wait_for has_lines $((i % 7 + 1)) c.out
        sleep "0.00$((RANDOM % 10))"
        kill "-$([ $((i % 2)) -eq 0 ] && echo INT || echo TERM)" "$PID"
        ended "$PID"
        # OK, or UNKNOWN where the signal came in the first round.
        [[ $status -eq 0 || $status -eq 3 ]]
    done
}

@test "usage errors and lost results end the rounds" {
    t qualify ::1 --every 0.1
    [ "$status" -eq 64 ]
    server
    sh_t "timeout 20 \$T qualify $PRIMARY --allow-private --every 0.1 >/dev/full"
    [ "$status" -eq 74 ]
    t qualify "$PRIMARY" --allow-private --every 0.1 --output no/such/directory/file
    [ "$status" -eq 73 ]
}

@test "--every --output: the file is whole at every time, and new in each round" {
    server
    start q qualify "$PRIMARY" --allow-private --every 0.05 --format=openmetrics --output q.prom
    wait_for test -s q.prom
    first=$(sed -n 's/^teredo_last_run_timestamp_seconds.* //p' q.prom)
    for _ in {1..100}; do
        cat q.prom >copy
        [ "$(tail -n 1 copy)" = '# EOF' ]
    done
    wait_for sh -c "[ \"\$(sed -n 's/^teredo_last_run_timestamp_seconds.* //p' q.prom)\" != $first ]"
    stop "$PID"
    [ "$status" -eq 0 ]
}
