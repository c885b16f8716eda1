# shellcheck shell=bash
# What the tests of the command line, of the lab and the real ones share.

# wait_for COMMAND…: until it succeeds. A minute bounds what fails: no test depends on how long that is.
wait_for() {
    local end=$((SECONDS + 60))
    while ! "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || {
            echo "waited in vain: $*"
            return 1
        }
        sleep 0.05
    done
}

# has_lines COUNT FILE: at least so many
has_lines() {
    [ "$(wc -l <"$2")" -ge "$1" ]
}

# asleep PID: it has done all that there was to do, and waits for more
asleep() {
    grep -q '^State:[[:space:]]*S' "/proc/$1/status"
}

# resolver [NAME=ADDRESS]…: names exist or do not, as a test says, whatever this machine's network says
resolver() {
    [ -n "${ISOLATED-}" ] || skip "this user may not make namespaces, in which a name server is"
    python3 "${top_srcdir:?}/tests/resolver.py" "$@" >resolver.out 3>&- &
    in_background "$!"
    wait_for grep -q ready resolver.out
}

# go_on FILE…: the capture goes on for two more minutes, in which nothing but a frame of zeros comes
go_on() {
    python3 - "$@" <<'PYTHON'
import struct, sys

for name in sys.argv[1:]:
    data = open(name, "rb").read()
    at = 24
    while at < len(data):
        seconds, part, size, whole = struct.unpack("<IIII", data[at:at + 16])
        at += 16 + size
    open(name, "ab").write(struct.pack("<IIII", seconds + 120, part, 60, 60) + bytes(60))
PYTHON
}

# can_become USER: which not every root can, for a user namespace has but the users that are mapped. Sets
# CANNOT, the reason
can_become() {
    CANNOT=$(setpriv --reuid="$1" true 2>&1)
}
