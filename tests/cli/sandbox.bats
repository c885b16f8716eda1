#!/usr/bin/env bats
# The sandbox, as the kernel tells of it while a command runs: /proc/PID/status. What the system calls
# of each kind are is in tests/unit/test_sandbox.c.

# shellcheck disable=SC2154,SC2016 # what run sets; scripts for other shells
bats_require_minimum_version 1.5.0
# shellcheck disable=SC1091 # looked at by itself
source "${BATS_TEST_FILENAME%/*}/lib.bash"

setup() {
    common_setup
}

teardown() {
    common_teardown
}

PEER=2001:0:7f00:1:0:63bf:80ff:ff9b

# field NAME: of the process's status
field() {
    sed -n "s/^$1:[[:space:]]*//p" "/proc/$PID/status"
}

# start_reading NAME ARGUMENT…: start, with standard input from INPUT
start_reading() {
    : >"$1.err"
    "$TEREDOCTL" "${@:2}" <"${INPUT:-/dev/null}" >"$1.out" 2>"$1.err" 3>&- &
    PID=$!
    BACKGROUND+=("$PID")
}

# Whether the program, which this user starts, becomes another: not in a namespace without others.
becomes_another() {
    [ "$(id -u)" -eq 0 ] && can_become nobody
}

# A sanitizer leaves seccomp out (src/io/sandbox.c); no other build may.
has_seccomp() {
    ! nm "$TEREDOCTL_PROGRAM" 2>/dev/null | grep -q __asan_init
}

# sandboxed COMMAND ARGUMENT…: starts it, waits until it tells what is in force, and looks whether it is.
# UID_WANTED is the user that it has to be, KEPT the capabilities.
sandboxed() {
    local uid=${UID_WANTED:-} told

    start_reading "$1" "$@"
    wait_for grep -q "^teredoctl $1: sandbox: " "$1.err"
    told=$(sed -n "s/^teredoctl $1: sandbox: //p" "$1.err")
    echo "$1 $PID: $told"
    cat "/proc/$PID/status"
    if [ -z "$uid" ]; then
        uid=$(id -u)
        ! becomes_another || uid=65534
    fi
    [ "$(field Uid)" = "$uid"$'\t'"$uid"$'\t'"$uid"$'\t'"$uid" ]
    ! becomes_another || [ -z "$(field Groups | tr -d ' ')" ]
    for set in CapInh CapAmb; do
        [[ $(field "$set") =~ ^0+$ ]]
    done
    for set in CapPrm CapEff; do
        [ $((16#$(field "$set"))) -eq $((${KEPT:-0})) ]
    done
    # Only root may take from this one.
    [ "$(id -u)" -ne 0 ] || [[ $(field CapBnd) =~ ^0+$ ]]
    [ "$(field NoNewPrivs)" -eq 1 ]
    if has_seccomp; then
        [ "$(field Seccomp)" -eq 2 ]
        [[ $told == "uid $uid, ${TOLD:-no capabilities}, seccomp, "* ]]
    else
        [[ $told == "uid $uid, ${TOLD:-no capabilities}, no seccomp, "* ]]
    fi
    [[ $told == *', landlock '[1-9]* || $told == *', no landlock' ]]
}

# stops SIGNAL STATUS: it ends as asked, and nothing that it needed was refused
stops() {
    kill "-$1" "$PID"
    ended "$PID"
    echo "status $status"
    cat -- *.err
    [ "$status" -eq "$2" ]
    ! grep -q 'has refused' -- *.err
}

@test "addr: while it reads its input" {
    mkfifo pipe
    exec 9<>pipe
    INPUT=pipe sandboxed addr -v
    stops TERM 143
}

@test "decode: a file, and standard input" {
    mkfifo pipe
    exec 9<>pipe
    sandboxed decode -vv pipe
    stops INT 1
    INPUT=pipe sandboxed decode -vv -
    stops INT 1
    sandboxed decode -vv pipe 'udp port 3544 and host localhost'
    stops INT 1
}

@test "trace: captures" {
    mkfifo pipe
    exec 9<>pipe
    sandboxed trace -v -r pipe
    stops INT 2
}

@test "an interface, with names in the filter, which nobody may replace" {
    [ "$(id -u)" -eq 0 ] || skip "only root may capture"
    sandboxed decode -vv -i lo 'udp port 3544 and host localhost'
    stops INT 1
    sandboxed trace -v --passive -i lo --filter 'udp and host localhost'
    stops INT 2
}

@test "serve" {
    sandboxed serve -v --address "$PRIMARY" --allow-private
    t qualify "$PRIMARY" --allow-private
    [ "$status" -eq 0 ]
    kill -USR1 "$PID"
    wait_for grep -q '^received 2' serve.out
    stops TERM 0
}

@test "qualify, check, classify and trace, while they wait for a server" {
    silent_server
    sandboxed qualify -v "$SILENT" --allow-private --timeout 60
    stops INT 2
    sandboxed classify -v "$SILENT" --allow-private --timeout 60
    stops INT 2
    sandboxed check -vvv "$SILENT" --allow-private --timeout 60
    stops INT 3
    sandboxed trace -v "$PEER" --server "$SILENT" --allow-private --timeout 60
    stops INT 2
}

@test "listen, while it waits for peers" {
    server
    sandboxed listen -v "$PRIMARY" --allow-private
    wait_for grep -q 2001: listen.out
    stops INT 0
}

@test "bubble, while it waits for answers" {
    sandboxed bubble -v "$PEER" --direct --wait 60
    stops INT 2
    sandboxed bubble -v --rs --to "$PRIMARY" --wait 60
    stops INT 2
}

@test "many servers, by name and address" {
    resolver server.test="$PRIMARY"
    silent_server
    echo "$SILENT" >list
    sandboxed qualify -v --from-file list --allow-private --timeout 60
    stops INT 2
    printf '%s\n' server.test "$PRIMARY" >list
    server
    t qualify -v --from-file list --allow-private
    [ "$status" -eq 0 ]
    [[ $stderr != *refused* ]]
}

@test "rounds look names up and open ports again, and write files, from within" {
    resolver server.test="$PRIMARY"
    server
    sandboxed qualify -v server.test --allow-private --every 0.1 --output out.json --format=json
    wait_for test -s out.json
    for _ in 1 2; do
        rm out.json
        wait_for test -s out.json
        jq -e '.verdict == "qualified"' out.json
    done
    stops INT 0
}

@test "rounds on a port below 1024 keep the capability for it, and no other" {
    [ "$(id -u)" -eq 0 ] || skip "only root has the capability"
    server
    echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
    KEPT=1024 TOLD=cap_net_bind_service=ep sandboxed qualify -v "$PRIMARY" --allow-private --every 0.1 --local-port 700
    wait_for has_lines 20 qualify.out
    [ "$(grep -cv '^20\|^qualified\|^ ' qualify.out)" -eq 0 ]
    stops INT 0
}

@test "with sudo it becomes whoever has run that" {
    becomes_another || skip "only root becomes somebody, where there is somebody"
    mkfifo pipe
    exec 9<>pipe
    SUDO_UID=1234 SUDO_GID=1234 UID_WANTED=1234 sandboxed decode -vv pipe
    [[ $(field Gid) == 1234* ]]
    stops INT 1
    # Nobody, for root, and for what is no number.
    SUDO_UID=0 SUDO_GID=0 sandboxed decode -vv pipe
    stops INT 1
    SUDO_UID=x SUDO_GID=1234 sandboxed decode -vv pipe
    [[ $(field Gid) == 65534* ]]
    stops INT 1
}

@test "where root alone is mapped it stays root, without capabilities, and says so" {
    need_namespace
    T=$TEREDOCTL run --separate-stderr unshare -rn bash -c 'ip link set lo up; "$T" qualify -v 127.0.0.1 --allow-private'
    [[ $stderr == *'teredoctl qualify: sandbox: uid 0, no capabilities, '* ]]
    [[ $stderr != *'has refused'* ]]
    [ "$status" -eq 1 ]
}

@test "--no-sandbox keeps all, and says so" {
    mkfifo pipe
    exec 9<>pipe
    start decode decode -vv --no-sandbox pipe
    wait_for grep -qx 'teredoctl decode: sandbox: none' decode.err
    [ "$(field Uid)" = "$(awk '/^Uid:/ { print $2 "\t" $3 "\t" $4 "\t" $5 }' /proc/self/status)" ]
    [ "$(field CapEff)" = "$(sed -n 's/^CapEff:\t//p' /proc/self/status)" ]
    [ "$(field Seccomp)" -eq "$(sed -n 's/^Seccomp:\t//p' /proc/self/status)" ]
    stops INT 1
    server
    t qualify -v "$PRIMARY" --allow-private --no-sandbox
    [[ $stderr == *'teredoctl qualify: sandbox: none'* ]]
    [ "$status" -eq 0 ]
    t serve --address "$PRIMARY" --allow-private --no-sandbox --user nobody
    usage_error '--user does not go with --no-sandbox'
}

@test "root writes where only its user may: --write, --output, also for an ordinary user's directory" {
    becomes_another || skip "only root does, where there is another user"
    server
    mkdir -m 700 mine theirs
    chown 1234:1234 theirs
    for directory in mine theirs; do
        t qualify "$PRIMARY" --allow-private --format=json --output "$directory/out.json" --write "$directory/out.pcap"
        [ "$status" -eq 0 ]
        jq -e '.verdict == "qualified"' "$directory/out.json"
        [ "$("$TEREDOCTL" decode -q "$directory/out.pcap" | wc -l)" -gt 1 ]
    done
}

@test "the services' commands do with the address families that their units leave them" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    seen=0
    in_unit() {
        local allowed
        allowed=$(sed -n 's/^RestrictAddressFamilies=//p' "$top_srcdir/packaging/systemd/teredoctl-$1@.service.in")
        run "${BATS_TEST_FILENAME%/*}/families.py" "$allowed" "$TEREDOCTL_PROGRAM" "$@"
        echo "$* with $allowed => $status"
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output != *refused* ]]
        seen=$((seen + 1))
    }
    server
    in_unit check "$PRIMARY" --allow-private --format=openmetrics --output metrics
    in_unit listen "$PRIMARY" --allow-private --duration 0.1
    in_unit serve --address "${PRIMARY%.*}.129" --allow-private --duration 0.1
    [ "$seen" -eq "$(find "$top_srcdir/packaging/systemd" -name '*.service.in' | wc -l)" ]
}
