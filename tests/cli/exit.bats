#!/usr/bin/env bats
# The exit statuses of teredoctl(1), a test each: what ends each command in that way. The last test
# compares the rows with what the pages promise.

bats_require_minimum_version 1.5.0
load lib

# STATUS COMMAND SCRIPT, the script for bash: $T is teredoctl, and see setup
rows() {
    cat <<'END'
0 addr      $T addr $PEER
0 qualify   $T qualify $PRIMARY --allow-private
0 qualify   printf "%s\\n" $PRIMARY | $T qualify --from-file - --allow-private
0 classify  $T classify $PRIMARY --allow-private
0 check     $T check $PRIMARY --allow-private
0 listen    $T listen $PRIMARY --allow-private --duration 2
0 trace     $T trace $PEER --server $PRIMARY --allow-private
0 trace     $T trace -r punch.pcap
0 bubble    $T bubble --rs --to $PRIMARY --wait 2
0 bubble    $T bubble $PEER --dry-run
0 decode    $T decode one.pcap
0 serve     $T serve --address $NOBODY --allow-private --duration 0.1
0 lab       $T lab -q
0 lab       $T lab --on s1 -- true
0 help      $T help qualify
0 -         $T --version
1 addr      $T addr $PEER ::1
1 qualify   $T qualify $NOBODY --allow-private
1 qualify   $T qualify $PRIMARY $NOBODY --allow-private
1 qualify   $T qualify $PRIMARY no-such-name.invalid --allow-private
1 check     $T check $PRIMARY --secondary $SILENT --allow-private -t 2
1 check     $T check $PRIMARY --allow-private -w 0:0
1 classify  $T classify $SILENT --allow-private --timeout 1
1 listen    $T listen $PRIMARY --allow-private --duration 2 --count 1
1 trace     $T trace $GONE --server $PRIMARY --allow-private --bubbles 3
1 trace     $T trace -r failure.pcap
1 bubble    $T bubble $GONE --wait 0.2
1 decode    $T decode one.pcap port 1
1 lab       $T lab -q --nat-a symmetric --nat-b symmetric
2 qualify   $T qualify $PRIMARY --secondary $SILENT --allow-private --timeout 2
2 qualify   interrupted $T qualify $SILENT --allow-private --timeout 60
2 qualify   interrupted $T qualify $SILENT $PRIMARY --allow-private --timeout 60
2 check     $T check $NOBODY --allow-private
2 check     $T check $PRIMARY --allow-private -c 0:0
2 check     $T check no-such-name.invalid
2 classify  $T classify $NOBODY --allow-private
2 classify  interrupted $T classify $SILENT --allow-private --timeout 60
2 listen    interrupted $T listen $SILENT --allow-private --timeout 60
2 trace     $T trace $PEER --server $NOBODY --allow-private
2 trace     interrupted $T trace $PEER --server $SILENT --allow-private --timeout 60
2 trace     $T trace -r one.pcap
2 decode    $T decode cut.pcap
2 trace     $T trace -r empty.pcap
2 bubble    interrupted $T bubble $GONE --wait 60
2 lab       $T lab -q --nat-a blocked
3 check     $T check
3 check     $T check --help
3 check     $T check nonsense:port
3 check     $T check $PRIMARY --allow-private --local-port $TAKEN
3 check     scarce $T check $PRIMARY
3 check     interrupted $T check $SILENT --allow-private -t 60 -vvv
64 addr     $T addr --encode
64 qualify  $T qualify
64 qualify  $T qualify $PRIMARY $NOBODY --secondary $NOBODY
64 qualify  $T qualify $PRIMARY --on-change
64 classify $T classify $PRIMARY --max-idle 5
64 listen   $T listen $PRIMARY --count 0
64 trace    $T trace ::1 --server $PRIMARY
64 trace    $T trace -r one.pcap --server $PRIMARY
64 bubble   $T bubble ::1
64 decode   $T decode one.pcap port nonsense
64 serve    $T serve
64 serve    $T serve --address 10.0.0.1
64 lab      $T lab --nat-a nonsense
64 help     $T help nonsense
64 -        $T
64 -        $T nonsense
65 addr     $T addr nonsense
65 qualify  $T qualify $PRIMARY --auth-id me --auth-secret-file empty
65 qualify  $T qualify --from-file empty
65 classify $T classify $PRIMARY --auth-id me --auth-secret-file empty
65 listen   $T listen $PRIMARY --auth-id me --auth-secret-file empty
65 trace    $T trace $PEER --server $PRIMARY --auth-id me --auth-secret-file empty
65 trace    $T trace -r text
65 bubble   $T bubble --from-file text --dry-run
65 decode   $T decode text
65 decode   $T decode --hex 00
65 serve    $T serve --address $NOBODY --allow-private --auth-secret-file text
66 addr     $T addr </dev/null
66 qualify  $T qualify $PRIMARY --auth-id me --auth-secret-file missing
66 qualify  $T qualify --from-file missing
66 classify $T classify $PRIMARY --auth-id me --auth-secret-file missing
66 listen   $T listen $PRIMARY --auth-id me --auth-secret-file missing
66 trace    $T trace $PEER --server $PRIMARY --auth-id me --auth-secret-file missing
66 trace    $T trace -r missing
66 trace    cat one.pcap | $T trace -r one.pcap -
66 bubble   $T bubble --from-file missing --dry-run
66 decode   $T decode missing
66 decode   $T decode empty
66 serve    $T serve --address $NOBODY --allow-private --auth-secret-file missing
66 qualify  deprived $T qualify $PRIMARY --auth-id me --auth-secret-file secret
66 bubble   deprived $T bubble --from-file secret --dry-run
66 decode   deprived $T decode secret
66 serve    deprived $T serve --address $NOBODY --allow-private --auth-secret-file secret
68 qualify  $T qualify no-such-name.invalid
68 classify $T classify no-such-name.invalid
68 listen   $T listen no-such-name.invalid
68 trace    $T trace $PEER --server no-such-name.invalid
68 bubble   $T bubble --to no-such-name.invalid --destination ::1
69 qualify  $T qualify $PRIMARY --allow-private --local-port $TAKEN
69 classify $T classify $PRIMARY --allow-private --local-port $TAKEN
69 listen   $T listen $PRIMARY --allow-private --local-port $TAKEN
69 trace    $T trace $PEER --server $PRIMARY --allow-private --local-port $TAKEN
69 trace    in_namespace $T trace --passive -i no-such
69 bubble   $T bubble $PEER --from-address 192.0.2.7
69 decode   in_namespace $T decode -i no-such
69 serve    $T serve --address 192.0.2.7
69 serve    $T serve --address $PRIMARY --allow-private
71 qualify  scarce $T qualify $PRIMARY
71 classify scarce $T classify $PRIMARY
71 listen   scarce $T listen $PRIMARY
71 trace    scarce $T trace $PEER --server $PRIMARY
71 trace    scarce $T trace -r one.pcap
71 bubble   scarce $T bubble $PEER
71 bubble   in_namespace $T bubble --to 192.0.2.1 --destination ::1
71 decode   scarce $T decode one.pcap
71 serve    scarce $T serve --address $NOBODY --allow-private
71 lab      scarce $T lab
73 qualify  $T qualify $PRIMARY --write no/such/file
73 classify $T classify $PRIMARY --write no/such/file
73 listen   $T listen $PRIMARY --write no/such/file
73 trace    $T trace $PEER --server $PRIMARY --write no/such/file
73 qualify  $T qualify $PRIMARY --allow-private --output no/such/file
73 bubble   $T bubble $PEER --write no/such/file
73 lab      $T lab -q --pcap no/such/file
74 addr     $T addr $PEER >/dev/full
74 addr     $T addr </
74 qualify  $T qualify $PRIMARY --allow-private >/dev/full
74 qualify  $T qualify $PRIMARY --allow-private --write /dev/full
74 qualify  $T qualify $PRIMARY $NOBODY --allow-private >/dev/full
74 check    $T check $PRIMARY --allow-private >/dev/full
74 check    $T check >/dev/full
74 classify $T classify $PRIMARY --allow-private >/dev/full
74 listen   $T listen $PRIMARY --allow-private --duration 2 >/dev/full
74 trace    $T trace $PEER --server $PRIMARY --allow-private >/dev/full
74 trace    $T trace -r one.pcap >/dev/full
74 bubble   $T bubble $PEER --dry-run >/dev/full
74 bubble   $T bubble $PEER --write /dev/full
74 decode   $T decode one.pcap >/dev/full
74 serve    $T serve --address $NOBODY --allow-private --duration 0.1 >/dev/full
74 lab      $T lab >/dev/full
74 lab      $T lab -q --pcap /dev/full
74 help     $T help >/dev/full
74 -        $T --help >/dev/full
77 qualify  deprived $T qualify $PRIMARY --local-port 9
77 classify deprived $T classify $PRIMARY --local-port 9
77 listen   deprived $T listen $PRIMARY --local-port 9
77 trace    deprived $T trace $PEER --server $PRIMARY --local-port 9
77 trace    deprived $T trace --passive -i lo
77 bubble   deprived $T bubble $PEER --checksum wrong
77 decode   deprived $T decode -i lo
77 serve    deprived $T serve --address $NOBODY --allow-private --port 9
77 lab      without_namespaces $T lab -q
END
}

# What the pages name and no test brings about: a kernel without random bytes, and a server of the
# lab that does not start though the same program does.
out_of_reach='71 addr
70 lab'

setup() {
    common_setup
    NOBODY=${PRIMARY%.*}.9
    resolver
    server
    listener
    TAKEN=$("$TEREDOCTL" addr --format=json "$PEER" | jq .mapped.port)
    GONE=$("$TEREDOCTL" addr -q --encode --server "$PRIMARY" --mapped "$NOBODY:9" 2>/dev/null)
    silent_server
    "$TEREDOCTL" bubble "$GONE" --write one.pcap -q
    "$TEREDOCTL" trace "$PEER" --server "$PRIMARY" --allow-private --control-ttl 0 --write punch.pcap -q
    "$TEREDOCTL" trace "$GONE" --server "$PRIMARY" --allow-private --control-ttl 0 --bubbles 1 \
        --write failure.pcap -q || [ $? -eq 2 ]
    # The capture goes on for a minute: a frame of one byte.
    for number in $(($(date +%s) + 60)) 0 1 1; do
        # shellcheck disable=SC2059 # bytes
        printf "$(printf '\\x%02x' $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24)))"
    done >>failure.pcap
    echo >>failure.pcap
    head -c 24 one.pcap >empty.pcap
    # 30 bytes of the packet were captured.
    { head -c 32 one.pcap && printf '\x1e\0\0\0' && head -c 70 one.pcap | tail -c +37; } >cut.pcap
    : >empty
    echo "neither a capture nor a list of secrets" >text
    echo me:secret >secret
    chmod 0 secret
    export PRIMARY SILENT PEER NOBODY GONE TAKEN T=$TEREDOCTL
    export -f interrupted deprived in_namespace scarce without_namespaces wait_for without_capabilities
}

teardown() {
    common_teardown
}

# interrupted COMMAND…: by SIGINT, once it has sent something
interrupted() {
    local pid status=0

    rm -f log
    "$@" -v 2>log &
    pid=$!
    wait_for grep -q . log
    kill -INT "$pid"
    wait "$pid" || status=$?
    return "$status"
}

# deprived COMMAND…: without a single capability, so that modes of files count
deprived() {
    without_capabilities "$@"
}

# scarce COMMAND…: it may open one file at a time, which is what the dynamic linker needs
scarce() {
    prlimit --nofile=4 "$@" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

# in_namespace COMMAND…: in a network without an interface that is up
in_namespace() {
    unshare -rn "$@"
}

without_namespaces() {
    # With capabilities on its file it could not be started; a copy has none.
    cp "$1" without && set -- ./without "${@:2}"
    unshare -r bash -c 'echo 0 >/proc/sys/user/max_user_namespaces
        exec setpriv --bounding-set=-all --inh-caps=-all "$@"' bash "$@"
}

# possible SCRIPT: whether this machine lets us bring it about; else says why not
possible() {
    case $1 in
    in_namespace* | without_namespaces* | *'T lab'*)
        unshare -rn true 2>/dev/null || echo "this user may not make namespaces"
        ;;
    *'--local-port 9'* | *'--port 9'*)
        [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 9 ] ||
            echo "every port is free for all on this machine"
        ;;
    esac
}

# gives STATUS: each of its rows does, without a word of the shell's about a crash
gives() {
    local want command script failed=0 rows=0 why not_here=

    while read -r want command script; do
        [ "$want" = "$1" ] || continue
        why=$(possible "$script")
        rows=$((rows + 1))
        if [ -n "$why" ]; then
            not_here=$why
            continue
        fi
        status=0
        timeout 120 bash -c "$script" >out 2>err </dev/null || status=$?
        if [ "$status" -ne "$want" ]; then
            echo "$command: $script => $status, not $want"
            cat out err
            failed=1
        fi
        # An error is told, by the command's name; a result is printed.
        if [ "$want" -ge 64 ] && ! grep -q '^teredoctl' err && [[ $script != '$T' ]]; then
            echo "$command: $script says nothing about $want"
            failed=1
        fi
    done < <(rows)
    echo "$rows rows"
    [ "$rows" -gt 0 ]
    [ "$failed" -eq 0 ]
    [ -z "$not_here" ] || skip "some: $not_here"
}

@test "0: the answer is yes" {
    gives 0
}

@test "1: the network, or the input, answered no" {
    gives 1
}

@test "2: inconclusive" {
    gives 2
}

@test "3: a check that could not be made" {
    gives 3
}

@test "64: usage errors" {
    gives 64
}

@test "65: malformed input" {
    gives 65
}

@test "66: no input" {
    gives 66
}

@test "68: unknown host" {
    gives 68
}

@test "69: unavailable" {
    gives 69
}

@test "71: the system refuses" {
    gives 71
}

@test "73: a file cannot be created" {
    gives 73
}

@test "74: results that are lost, and a disk that is full" {
    gives 74
}

@test "77: permission denied" {
    gives 77
}

@test "lab COMMAND: the status of the command" {
    while read -r want script; do
        status=0
        "$TEREDOCTL" lab -- sh -c "$script" 2>/dev/null </dev/null || status=$?
        [ "$status" -eq "$want" ]
    done <<'END'
7 exit 7
143 kill -TERM $$
68 teredoctl qualify no-such-name.invalid
END
    # It would be 126 if this user could not read a directory of PATH, as it is of env(1).
    PATH=/usr/bin:/bin run -127 "$TEREDOCTL" lab -- no-such-command
}

@test "the rows are what the pages promise, command by command" {
    for page in "${top_srcdir:?}"/man/teredoctl-*.1; do
        command=${page##*/teredoctl-}
        sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$page" | sed "s/\$/ ${command%.1}/"
    done | sort >promised
    { rows | awk '$2 != "-" { print $1, $2 }' && echo "$out_of_reach"; } | sort -u >tried
    diff promised tried
    # Each test above has a status of the table, and there is no other.
    sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$top_srcdir/man/teredoctl.1" | sort >table
    diff table <(cut -d' ' -f1 tried | sort -u)
    diff <(rows | cut -d' ' -f1 | sort -u) <(sed -n 's/^    gives \([0-9]*\)$/\1/p' "$BATS_TEST_FILENAME" | sort)
}
