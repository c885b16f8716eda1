# shellcheck shell=bash
# BASH_ENV of bats (tests/bats-run): gives each test a network of its own, with nothing but loopback,
# in which names are looked up as tests/resolver.py says (`resolver` in tests/wait.bash starts it). So
# tests can run side by side, on the same ports, and on a machine without a network.
#
# An ordinary user makes these namespaces in a user namespace, and is the same user in one within that,
# without privileges.

if [[ $0 == */bats-exec-test ]]; then
    unset BASH_ENV
    namespaces=(unshare --net --mount)
    user=()
    if [[ $EUID -ne 0 ]]; then
        namespaces+=(--map-root-user)
        user=(unshare --user "--map-user=$EUID" "--map-group=$(id -g)")
    fi
    export ISOLATED=yes
    # shellcheck disable=SC2016
    exec "${namespaces[@]}" bash -euc '
        ip link set lo up
        for file in hosts nsswitch.conf resolv.conf; do
            [ ! -e "/etc/$file" ] || mount --bind "$0/$file" "/etc/$file"
        done
        # Low enough for a name server of an ordinary user.
        echo 53 >/proc/sys/net/ipv4/ip_unprivileged_port_start
        exec "$@"' "$ISOLATED_ETC" "${user[@]}" "$0" "$@"
fi
