#!/usr/bin/env bats
# `teredoctl serve` on the loopback interface: each test has its own pair of loopback addresses.
# $1 is that of the inner shell; bats sets stderr
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0
load ../wait

setup() {
    net=127.$((RANDOM % 200 + 20)).$((RANDOM % 250))
    primary=$net.1
    secondary=$net.2
    server=
    cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
    if [ -n "$server" ]; then
        kill -KILL "$server" 2>/dev/null || true
    fi
}

# serve OPTION…: in the background, until it is ready
serve() {
    # What an earlier one has said is no sign of this one.
    : >out
    : >err
    "$TEREDOCTL" serve --address "$primary" --allow-private "$@" >out 2>err 3>&- &
    server=$!
    wait_until grep -q ready out err
}

wait_until() {
    wait_for "$@" || {
        cat out err
        return 1
    }
}

# Ends the server with a signal; its exit status is in $status, its output in out and err.
stop() {
    kill -"${1:-TERM}" "$server"
    finished
}

finished() {
    status=0
    wait "$server" || status=$?
    server=
}

# send HEX: one datagram to the primary address
send() {
    printf '%b' "$(sed 's/ //g; s/../\\x&/g' <<<"$1")" >"/dev/udp/$primary/3544"
}

qualify() {
    "$TEREDOCTL" qualify "$primary" --allow-private --no-capture "$@"
}

received() {
    kill -USR1 "$server"
    grep -q "^received $1:" out
}

# many COUNT: so many datagrams to the primary address, each from a port of its own
many() {
    for _ in $(seq "$1"); do
        send 45
    done
}

# Serves with --workers N, and further options; all its processes are in $workers.
serve_with() {
    serve --workers "$@"
    mapfile -t workers < <(echo "$server"; pgrep -P "$server")
    [ "${#workers[@]}" -eq "$1" ]
}

# are STATES PID…: all are in one of these states, or, with Z, gone
are() {
    local pid state
    for pid in "${@:2}"; do
        state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || state=Z
        [[ $1 == *"${state:-Z}"* ]] || return 1
    done
}

@test "the first line says that it is ready, and where" {
    serve
    run head -1 out
    [ "$output" = "ready: $primary:3544, secondary $secondary:3544" ]
    stop TERM
    [ "$status" -eq 0 ]
}

@test "SIGINT ends it cleanly, with the counters" {
    serve
    stop INT
    [ "$status" -eq 0 ]
    grep -q '^received 0: advertised 0, relayed 0, echoed 0, dropped 0; not sent 0; in ' out
    [ ! -s err ]
}

@test "a client qualifies with it, on both addresses" {
    serve
    run qualify
    [ "$status" -eq 0 ]
    [[ $output == *"2001:0:"* ]]
    stop
    grep -q '^received 2: advertised 2, relayed 0, echoed 0, dropped 0; not sent 0; ' out
}

@test "--secondary and --port choose where it listens" {
    serve --secondary "$net.77" --port 4004
    run head -1 out
    [ "$output" = "ready: $primary:4004, secondary $net.77:4004" ]
    run "$TEREDOCTL" qualify "$primary:4004" --secondary "$net.77:4004" --allow-private --no-capture
    [ "$status" -eq 0 ]
    stop
}

@test "--mtu is advertised" {
    serve --mtu 1400
    qualify --format=json | jq -e '.mtu == 1400'
    stop
}

@test "every packet that is dropped is counted by its reason" {
    serve
    send 45
    send 45
    send "6000000000081140 fe800000000000000000000000000001 ff020000000000000000000000000002 0000000000000000"
    send "6000000000003b00 fe800000000000000000000000000001 20010db8000000000000000000000001"
    wait_until received 4
    stop
    grep -q '^dropped 2 malformed: .*(RFC 4380 5.3.1 rule 1)$' out
    grep -q '^dropped 1 not_bubble_or_icmp6: .*(RFC 4380 5.3.1 rule 2)$' out
    grep -q '^dropped 1 not_our_client: .*(RFC 4380 5.3.1 rules 6 and 7)$' out
}

@test "SIGUSR1 prints the counters and the server goes on" {
    serve
    send 45
    wait_until received 1
    run qualify
    [ "$status" -eq 0 ]
    wait_until received 3
    stop
    [ "$(grep -c '^received 3: advertised 2' out)" -ge 2 ]
}

@test "--count ends it after that many datagrams" {
    serve --count 3
    send 45
    send 45
    send 45
    finished
    [ "$status" -eq 0 ]
    grep -q '^received 3: .* dropped 3' out
}

@test "--duration ends it after that time" {
    serve --duration 0.3
    finished
    [ "$status" -eq 0 ]
    grep -qE 'in (0\.[3-9]|[1-9][0-9.]*) s$' out
}

@test "--format=json prints one object, at the end" {
    serve --format=json
    grep -q "^ready: $primary:3544" err
    send 45
    qualify
    stop
    [ "$status" -eq 0 ]
    jq -es --arg address "$primary" 'length == 1 and (.[0] | .schema == 1 and .command == "serve"
        and .server == {address: $address, port: 3544} and .received == 3 and .advertised == 2
        and .relayed == 0 and .echoed == 0 and .send_failed == 0 and .dropped == 1
        and .drops == [{reason: "malformed", rfc: "RFC 4380 5.3.1 rule 1", count: 1}]
        and (.elapsed_s | type) == "number")' out
}

@test "--format=jsonl prints one line an event" {
    serve --format=jsonl
    kill -USR1 "$server"
    wait_until grep -q counters out
    stop
    jq -es 'map(.event) == ["ready", "counters", "summary"]' out
    [ "$(wc -l <out)" -eq 3 ]
}

@test "-v logs every packet on standard error" {
    serve -v
    send 45
    qualify
    wait_until received 3
    stop
    grep -Eq "^127\.[0-9.:]+ > $primary:3544 1 bytes: dropped, malformed: .* at byte 1$" err
    grep -Eq "^127\.[0-9.:]+ > $primary:3544 61 bytes: advertised, $primary:3544 > 127\.[0-9.:]+ 117 bytes$" err
    grep -Eq "^127\.[0-9.:]+ > $secondary:3544 61 bytes: advertised, $secondary:3544 > " err
}

@test "a client with the right secret qualifies securely" {
    (umask 077; printf '# clients\n\nbob:tiger\nalice:open sesame\n' >clients)
    printf 'open sesame\n' >secret
    serve --auth-secret-file clients --require-auth
    run qualify --auth-id alice --auth-secret-file secret
    [ "$status" -eq 0 ]
    stop
    grep -q '^received 2: advertised 2' out
    [ ! -s err ]
}

@test "a client with a wrong secret, an unknown one and one without get no answer" {
    (umask 077; printf 'alice:open sesame\n' >clients)
    printf 'guess' >secret
    serve --auth-secret-file clients --require-auth
    run qualify --auth-id alice --auth-secret-file secret --timeout 0.2 --attempts 1
    [ "$status" -eq 1 ]
    run qualify --auth-id eve --auth-secret-file secret --timeout 0.2 --attempts 1
    [ "$status" -eq 1 ]
    run qualify --timeout 0.2 --attempts 1
    [ "$status" -eq 1 ]
    wait_until received 6
    stop
    grep -q '^dropped 2 authentication_value: ' out
    grep -q '^dropped 2 authentication_unknown_client: ' out
    grep -q '^dropped 2 authentication_missing: .*(RFC 4380 5.3.1 rule 4)$' out
}

@test "without --require-auth clients without an identifier are answered too" {
    (umask 077; printf 'alice:open sesame\n' >clients)
    serve --auth-secret-file clients
    run qualify
    [ "$status" -eq 0 ]
    stop
}

@test "secrets that everyone can read are warned of" {
    printf 'alice:open sesame\n' >clients
    chmod 644 clients
    serve --auth-secret-file clients
    stop
    grep -q 'warning: everyone can read the secrets in clients' err
}

@test "bad files of secrets are refused" {
    run -66 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file missing
    [[ $stderr == *"cannot read missing: No such file or directory"* ]]
    printf 'alice:x\nbob\n' >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
    [[ $stderr == *'clients line 2: not "identifier:secret"'* ]]
    printf 'alice:\n' >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
    printf ':secret\n' >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
    printf '%0256d:secret\n' 0 >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
    [[ $stderr == *"identifier longer than 255 bytes"* ]]
    printf '# nobody\n' >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
    printf 'alice:x\nbob:y\nalice:z\n' >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
    [[ $stderr == *'client "alice" has two secrets'* ]]
    printf 'alice:x\0y\n' >clients
    run -65 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --auth-secret-file clients
}

@test "an address that is not this host's is 69, with advice" {
    run -69 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1
    [[ $stderr == *"192.0.2.1 is not an address of this host"*"try: "*"ip address add 192.0.2.1/32 dev lo"* ]]
    [ -z "$output" ]
}

@test "a port that is taken is 69, with advice" {
    serve
    run -69 --separate-stderr "$TEREDOCTL" serve --address "$primary" --allow-private
    [[ $stderr == *"another program has this port"*"try: "* ]]
    stop
}

@test "an address that is not global unicast is 64, with advice" {
    run -64 --separate-stderr "$TEREDOCTL" serve --address 10.0.0.1
    [[ $stderr == *"10.0.0.1 is not a global unicast address (private)"*"--allow-private"* ]]
    run -64 --separate-stderr "$TEREDOCTL" serve --address 224.0.0.1 --allow-private
    run -64 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --secondary 127.0.0.1
    [[ $stderr == *"127.0.0.1 is not a global unicast address (loopback)"* ]]
}

@test "usage errors are 64" {
    run -64 --separate-stderr "$TEREDOCTL" serve
    [[ $stderr == *"teredoctl serve: no --address given"* ]]
    run -64 --separate-stderr "$TEREDOCTL" serve 192.0.2.1
    [[ $stderr == *"did you mean --address 192.0.2.1?"* ]]
    run -64 "$TEREDOCTL" serve --address 192.0.2.256
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --secondary 192.0.2.1
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --port 0
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --port 65536
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --mtu 1279
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --count 0
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --duration never
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --format=xml
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --require-auth
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --workers 0
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --workers 65
    run -64 --separate-stderr "$TEREDOCTL" serve --address 192.0.2.1 --workers 2 --count 3
    [[ $stderr == *"--count does not go with --workers"* ]]
    run -64 "$TEREDOCTL" serve --address 192.0.2.1 --no-such-option
}

@test "--help names the command and every option" {
    run -0 "$TEREDOCTL" serve --help
    [[ $output == "Usage: teredoctl serve [OPTION...] --address IP"* ]]
    for option in address secondary port mtu allow-private auth-secret-file require-auth user workers count \
        duration format quiet verbose; do
        [[ $output == *"--$option"* ]]
    done
}

@test "a full disk is 74" {
    [ -e /dev/full ] || skip "no /dev/full"
    status=0
    "$TEREDOCTL" serve --address "$primary" --allow-private --duration 1 >/dev/full 2>err || status=$?
    [ "$status" -eq 74 ]
    grep -q 'cannot write the counters: No space left on device' err
}

@test "once it is ready it has no privileges left" {
    serve
    grep -Eq '^CapPrm:\s*0+$' "/proc/$server/status"
    grep -Eq '^CapEff:\s*0+$' "/proc/$server/status"
    grep -Eq '^NoNewPrivs:\s*1$' "/proc/$server/status"
    if [ "$(id -u)" -eq 0 ] && can_become nobody; then
        [ "$(stat -c %U "/proc/$server/task")" = nobody ] ||
            [ "$(awk '/^Uid:/ { print $2 }' "/proc/$server/status")" -eq "$(id -u nobody)" ]
        grep -Eq '^Groups:\s*$' "/proc/$server/status"
    fi
    stop
}

@test "--user chooses whom root becomes" {
    if [ "$(id -u)" -ne 0 ]; then
        run -77 --separate-stderr "$TEREDOCTL" serve --address "$primary" --allow-private --user daemon
        [[ $stderr == *"cannot become user daemon: only root can"* ]]
        return
    fi
    can_become daemon || skip "the user namespace has no user daemon"
    serve --user daemon
    [ "$(awk '/^Uid:/ { print $2 $3 $4 }' "/proc/$server/status")" = "$(id -u daemon | sed 's/.*/&&&/')" ]
    stop
    run -64 --separate-stderr "$TEREDOCTL" serve --address "$primary" --allow-private --user nosuchuser
    [[ $stderr == *"there is no user nosuchuser"* ]]
}

@test "in a user namespace that maps root alone it serves as that root, without capabilities" {
    unshare --user --map-root-user true 2>/dev/null || skip "user namespaces are not allowed"
    unshare --user --map-root-user "$TEREDOCTL" serve --address "$primary" --allow-private >out 2>err 3>&- &
    server=$!
    wait_until grep -q ready out
    grep -Eq '^CapEff:\s*0+$' "/proc/$server/status"
    run qualify
    [ "$status" -eq 0 ]
    stop
    [ "$status" -eq 0 ]
}

@test "one address has its share of datagrams a second, whatever asks in its name" {
    serve --rate 1 --count 12
    for _ in {1..12}; do
        send '6000000000083aff fe800000000000000000ffffffffffff ff020000000000000000000000000002 85007d3700000000'
    done
    finished
    [ "$status" -eq 0 ]
    # Two at once; how many more is a matter of how long this took.
    grep -q '^received 12: ' out
    grep -Eq '^dropped [0-9]+ rate_limited: ' out
}

@test "--workers: each gets the packets of some clients, and the counters are their sum" {
    serve_with 3 -v
    # While they stand still, what comes waits at the socket of whom it is for.
    kill -STOP "${workers[@]}"
    wait_until are T "${workers[@]}"
    many 96
    IFS=. read -r a b c d <<<"$primary"
    mapfile -t queues < <(awk -v at="$(printf '%02X%02X%02X%02X:0DD8' "$d" "$c" "$b" "$a")" \
        '$2 == at { sub(/.*:/, "", $5); print $5 }' /proc/net/udp)
    echo "waiting: ${queues[*]}"
    [ "${#queues[@]}" -eq 3 ]
    for queue in "${queues[@]}"; do
        [ $((16#$queue)) -gt 0 ]
    done
    kill -CONT "${workers[@]}"
    wait_until received 96
    run qualify
    [ "$status" -eq 0 ]
    wait_until received 98
    stop
    [ "$status" -eq 0 ]
    grep -q '^received 98: advertised 2, relayed 0, echoed 0, dropped 96; not sent 0; ' out
    # No line is torn by that of another.
    run ! grep -Ev '^(127\.[0-9.]+:[0-9]+ > 127\.[0-9.]+:3544 [0-9]+ bytes: (dropped|advertised), .*|teredoctl serve: (sandbox: .*|[0-9]+ more packets? like this))$' err
}

@test "--workers: the extra port is every worker's, too" {
    serve_with 2 --extra-port 3545
    for _ in 1 2 3 4; do
        run qualify --format=json
        [ "$status" -eq 0 ]
        run "$TEREDOCTL" qualify "$primary:3545" --secondary "$secondary:3545" --allow-private --no-capture
        [ "$status" -eq 0 ]
    done
    stop
    grep -q '^received 16: advertised 16, ' out
}

@test "--workers: a signal is for the first, to whomever of them it comes as well, and all have ended with it" {
    for signal in INT TERM; do
        serve_with 4
        send 45
        wait_until received 1
        # As a terminal and systemd do: the others first, who must not end by themselves.
        kill -"$signal" "${workers[@]:1}"
        kill -USR1 "${workers[@]}"
        stop "$signal"
        [ "$status" -eq 0 ]
        are Z "${workers[@]}"
        [ ! -s err ]
        [[ $(tail -n 2 out) == 'received 1: '*'dropped 1 malformed: '* ]]
    done
    serve --workers 4 --duration 0.3
    finished
    [ "$status" -eq 0 ]
    # Nobody has the address any more.
    serve
    stop
    [ "$status" -eq 0 ]
}

@test "--workers: none outlives the first, whatever ends that" {
    for signal in KILL HUP; do
        serve_with 4
        stop "$signal"
        [ "$status" -gt 128 ]
        wait_until are Z "${workers[@]}"
    done
    # The address is free again.
    serve
    stop
    [ "$status" -eq 0 ]
}

@test "--workers: when one of them ends, all do, with 71" {
    serve_with 4
    kill -KILL "${workers[2]}"
    finished
    [ "$status" -eq 71 ]
    grep -qx 'teredoctl serve: worker [2-4] of 4 was ended by a signal: Killed' err
    are Z "${workers[@]}"
}

@test "--workers: every one is in the sandbox once the server is ready" {
    serve_with 3
    for pid in "${workers[@]}"; do
        for line in Uid Groups CapPrm CapEff NoNewPrivs Seccomp; do
            [ "$(grep "^$line:" "/proc/$pid/status")" = "$(grep "^$line:" "/proc/${workers[0]}/status")" ]
        done
        grep -Eq '^NoNewPrivs:\s*1$' "/proc/$pid/status"
        # Its own sockets alone.
        [ "$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)" -le 3 ]
    done
    stop
}

@test "--workers: all together send one address its share" {
    serve_with 4 --rate 1
    for _ in {1..40}; do
        send '6000000000083aff fe800000000000000000ffffffffffff ff020000000000000000000000000002 85007d3700000000'
    done
    wait_until received 40
    stop
    read -r advertised elapsed < <(sed -n 's/^received 40: advertised \([0-9]*\),.* in \([0-9]*\).*/\1 \2/p' out | tail -n 1)
    # Two at once; how many more is a matter of how long this took.
    echo "advertised $advertised in $elapsed s"
    [ "$advertised" -ge 1 ]
    [ "$advertised" -le $((elapsed + 3)) ]
}

@test "--workers: the address is shared with no other server" {
    serve_with 2
    for more in '' '--workers 2'; do
        # shellcheck disable=SC2086 # two words
        run -69 --separate-stderr "$TEREDOCTL" serve --address "$primary" --allow-private $more
        [[ $stderr == *"another program has this port"* ]]
    done
    stop
    [ "$status" -eq 0 ]
    serve
    run -69 --separate-stderr "$TEREDOCTL" serve --address "$primary" --allow-private --workers 2
    stop
}

@test "it says when an address of its own goes, and when it comes back" {
    unshare -rn true 2>/dev/null || skip "this user may not make a network namespace"
    command -v ip >/dev/null || skip "ip is not installed"
    number=0
    for format in text json tsv; do
        run --separate-stderr timeout 60 unshare -rn bash -c '
            told() { until grep -qs "$1" served.*; do sleep 0.05; done; }
            rm -f served.*
            ip link set lo up
            ip address add 192.0.2.1/32 dev lo
            ip address add 192.0.2.2/32 dev lo
            "$1" serve --address 192.0.2.1 --allow-private --format=$2 --workers $3 >served.out 2>served.err 3>&- &
            pid=$!
            told ready
            ip address del 192.0.2.1/32 dev lo
            told "no longer has the address\|address_gone"
            ip address add 192.0.2.1/32 dev lo
            told "has the address of .* again\|address_back"
            # It serves there again.
            "$1" qualify 192.0.2.1 --allow-private --no-capture --format=json >qualified || true
            kill -INT $pid
            wait $pid' bash "$TEREDOCTL" $format $((++number))
        [ "$status" -eq 0 ]
        jq -e '.rtt_s > 0' qualified
        case $format in
        tsv) [ "$(grep -c $'^address_gone\t' served.out)" -eq 1 ] ;;
        *) [ "$(grep -c '^teredoctl serve: warning: this host no longer has the address of 192.0.2.1:3544: nobody is served there$' served.err)" -eq 1 ] ;;
        esac
    done
}
