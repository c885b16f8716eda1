# shellcheck shell=bash
# What the tests of the command line and the real ones share.

# wait_for SECONDS COMMAND…: until it succeeds
wait_for() {
    local tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}
