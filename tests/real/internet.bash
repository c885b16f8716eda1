# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what bats sets, and what the tests read
# A real internet in network namespaces: Linux netfilter as both NATs, routers and servers.
#
#   a 100.64.1.2 --- na ~~~ 203.0.113.10 ---+          +--- s1 192.0.2.1, .2
#                                           +-- core --+
#   b 100.64.2.2 --- nb ~~~ 198.51.100.20 --+          +--- s2 192.0.2.129, .130
#
# The NATs masquerade and drop what comes unasked; `trap_at nb` takes that drop away. A file that
# shares one internet between its tests calls internet_up in setup_file and internet_down in
# teardown_file.

# shellcheck disable=SC1091 # looked at by itself
source "${BASH_SOURCE[0]%/*}/../wait.bash"

# setup_file and each test are processes of their own: the first names the namespaces.
export NS_PREFIX=${NS_PREFIX:-tdt$$}
export TEST_DIR=${BATS_FILE_TMPDIR:-${TEST_DIR:-}}
unset TEREDO_SERVER TEREDO_PEER NO_COLOR
INTERNET_HOSTS=(a b na nb core s1 s2)

in_ns() {
    local host=$1
    shift
    ip netns exec "$NS_PREFIX$host" "$@"
}

# missing TOOL…: what this machine lacks for these tests; nothing if they can run
missing() {
    local tool

    [ "$(id -u)" -eq 0 ] || echo "needs root for network namespaces"
    for tool in ip nft ss jq python3 miredo miredo-server "$@"; do
        command -v "$tool" >/dev/null || echo "$tool is not installed"
    done
}

# For setup: skips the test. A setup_file cannot skip; it returns early if `missing` has words.
need_root() {
    local words
    words=$(missing "$@")
    [ -z "$words" ] || skip "${words//$'\n'/; }"
}

# wire HOST ADDRESS/LENGTH GATEWAY-HOST ADDRESS/LENGTH: a link between two hosts
wire() {
    local a=$1 a_net=$2 b=$3 b_net=$4
    ip link add "$a-$b" netns "$NS_PREFIX$a" type veth peer name "$b-$a" netns "$NS_PREFIX$b"
    in_ns "$a" ip addr add "$a_net" dev "$a-$b"
    in_ns "$b" ip addr add "$b_net" dev "$b-$a"
    in_ns "$a" ip link set "$a-$b" up
    in_ns "$b" ip link set "$b-$a" up
}

# forget NAT: the mappings that it keeps, which outlive its rules by minutes, and are in the way of the
# same ports when those come again
forget() {
    in_ns "$1" python3 - <<'PYTHON'
import socket, struct

IPCTNL_MSG_CT_DELETE, NFNL_SUBSYS_CTNETLINK, NLM_F_REQUEST, NLM_F_ACK = 2, 1, 1, 4
netfilter = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
netfilter.send(struct.pack("=IHHII4x", 20, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
                           NLM_F_REQUEST | NLM_F_ACK, 0, 0))
assert netfilter.recv(4096)[16:20] == bytes(4)
PYTHON
}

# masquerade NAT [FLAGS]: anew, without the state of before
masquerade() {
    local nat=$1 flags=${2:-}
    forget "$nat"
    in_ns "$nat" nft -f - <<EOF
flush ruleset
table ip nat {
    chain out {
        type nat hook postrouting priority 100;
        oifname "$nat-core" masquerade $flags
    }
}
table ip filter {
    chain unasked {
        type filter hook input priority 0;
        iifname "$nat-core" ct state new drop
    }
}
EOF
}

# Without the drop, the NAT's own stack receives the unsolicited bubble, and conntrack keeps state.
trap_at() {
    in_ns "$1" nft delete table ip filter
}

internet_up() {
    local host
    for host in "${INTERNET_HOSTS[@]}"; do
        ip netns add "$NS_PREFIX$host"
        in_ns "$host" ip link set lo up
        # Without the limit on ICMP errors no test takes them from the next one.
        in_ns "$host" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
    done
    wire a 100.64.1.2/24 na 100.64.1.1/24
    wire b 100.64.2.2/24 nb 100.64.2.1/24
    wire na 203.0.113.10/24 core 203.0.113.1/24
    wire nb 198.51.100.20/24 core 198.51.100.1/24
    wire s1 192.0.2.1/25 core 192.0.2.126/25
    wire s2 192.0.2.129/25 core 192.0.2.254/25
    in_ns s1 ip addr add 192.0.2.2/25 dev s1-core
    in_ns s2 ip addr add 192.0.2.130/25 dev s2-core
    in_ns a ip route add default via 100.64.1.1
    in_ns b ip route add default via 100.64.2.1
    in_ns na ip route add default via 203.0.113.1
    in_ns nb ip route add default via 198.51.100.1
    in_ns s1 ip route add default via 192.0.2.126
    in_ns s2 ip route add default via 192.0.2.254
    masquerade na
    masquerade nb
}

# end_processes SIGNAL HOST: those that run on HOST, and only those
end_processes() {
    local pids
    pids=$(ip netns pids "$NS_PREFIX$2" 2>/dev/null) || return 0
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill "-$1" $pids 2>/dev/null || true
}

nothing_runs_on() {
    [ -z "$(ip netns pids "$NS_PREFIX$1")" ]
}

# silence HOST: ends all that runs on HOST, and waits until it is gone
silence() {
    end_processes TERM "$1"
    wait_for nothing_runs_on "$1" || end_processes KILL "$1"
    wait_for nothing_runs_on "$1"
}

internet_down() {
    local host
    [ "$(id -u)" -eq 0 ] || return 0
    for host in "${INTERNET_HOSTS[@]}"; do
        end_processes KILL "$host"
        ip netns del "$NS_PREFIX$host" 2>/dev/null || true
    done
}

# miredo_server HOST ADDRESS SECONDARY: Debian's server, in the background
miredo_server() {
    local host=$1
    printf 'ServerBindAddress %s\nServerBindAddress2 %s\n' "$2" "$3" >"$TEST_DIR/$host.conf"
    in_ns "$host" miredo-server -f -u nobody -c "$TEST_DIR/$host.conf" -p "$TEST_DIR/$host.pid" \
        >"$TEST_DIR/$host.log" 2>&1 3>&- &
    wait_for sh -c "ip netns exec $NS_PREFIX$host ss -Hlun sport = :3544 | grep -q 3544"
}

# miredo_client HOST SERVER: Debian's client, in the background, until it has its address
miredo_client() {
    local host=$1
    printf 'InterfaceName teredo\nServerAddress %s\n' "$2" >"$TEST_DIR/$host.conf"
    in_ns "$host" miredo -f -u nobody -c "$TEST_DIR/$host.conf" -p "$TEST_DIR/$host.pid" \
        >"$TEST_DIR/$host.log" 2>&1 3>&- &
    wait_for sh -c "ip netns exec $NS_PREFIX$host ip -6 addr show dev teredo scope global | grep -q 2001:"
}

# The Teredo address of the miredo client on HOST
miredo_address() {
    in_ns "$1" ip -6 -o addr show dev teredo scope global | sed -n 's|.*inet6 \([^/]*\)/.*|\1|p'
}

# miredo_peer HOST SERVER: sets PEER to the Teredo address of a new miredo client on HOST
miredo_peer() {
    miredo_client "$1" "$2"
    PEER=$(miredo_address "$1")
    [ -n "$PEER" ]
}

# our_server HOST ADDRESS SECONDARY: `teredoctl serve` in the background
our_server() {
    in_ns "$1" "$TEREDOCTL" serve --address "$2" --secondary "$3" --format=json -v \
        >"$TEST_DIR/$1.json" 2>"$TEST_DIR/$1.log" 3>&- &
    wait_for grep -q '^ready' "$TEST_DIR/$1.log"
}

# our_listener HOST SERVER [OPTION…]: `teredoctl listen` in the background; sets PEER to its address
our_listener() {
    local host=$1
    rm -f "$TEST_DIR/$host.out"
    in_ns "$host" "$TEREDOCTL" listen "${@:2}" >"$TEST_DIR/$host.out" 2>"$TEST_DIR/$host.log" 3>&- &
    LISTENER=$!
    wait_for grep -q 2001: "$TEST_DIR/$host.out"
    PEER=$(grep -om 1 '2001:[0-9a-f:]*' "$TEST_DIR/$host.out" | head -n 1)
}

# on HOST ARGUMENT…: teredoctl on HOST; sets status, output and stderr
on() {
    run --separate-stderr in_ns "$1" "$TEREDOCTL" "${@:2}" 3>&-
    # Seen when the test fails.
    printf '$ on %s: teredoctl %s => %s\n%s\n%s\n' "$1" "${*:2}" "$status" "$output" "${stderr-}"
}

# in_capture FILE HOST ADDRESS: what came before is in FILE, and capturing goes on: datagrams from HOST to
# the discard port of ADDRESS, each with a mark of its own, until FILE has one
in_capture() {
    MARK=$((${MARK:-0} + 1))
    wait_for marked "$@" "this is mark $MARK."
}

marked() {
    in_ns "$2" bash -c "echo '$4' >/dev/udp/$3/9"
    grep -aqF "$4" "$1"
}

# Asserts that a filter is true of the JSON in $output (of each line, if it is jsonl).
json() {
    jq -e "$@" <<<"$output" >/dev/null || {
        echo "not so: jq $*"
        return 1
    }
}
