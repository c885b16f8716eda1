# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what bats sets, and what the tests read
# For the tests of the command line: without root, on loopback alone.
#
# Each test has a pair of loopback addresses of its own, so that servers can use port 3544 and tests
# can run side by side.

# shellcheck disable=SC1091 # looked at by itself
source "${BASH_SOURCE[0]%/*}/../wait.bash"

unset TEREDO_SERVER TEREDO_PEER NO_COLOR
export LC_ALL=C.UTF-8

common_setup() {
    PRIMARY=127.$((1 + $$ % 253)).$(($$ / 253 % 256)).1
    SECONDARY=${PRIMARY%.*}.2
    # Nothing answers here, and nothing says so; see silent_server.
    SILENT=${PRIMARY%.*}.65
    BACKGROUND=()
    cd "$BATS_TEST_TMPDIR" || return
}

common_teardown() {
    local pid

    for pid in "${BACKGROUND[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# t ARGUMENT…: teredoctl; sets status, output, stderr and lines
t() {
    run --separate-stderr "$TEREDOCTL" "$@"
    # Seen when the test fails.
    printf '$ teredoctl %s => %s\n%s\n%s\n' "$*" "$status" "$output" "${stderr-}"
}

# sh_t SCRIPT: the same for a script that needs redirections; $T is teredoctl
sh_t() {
    T=$TEREDOCTL run --separate-stderr bash -c "$1"
    printf '$ %s => %s\n%s\n%s\n' "$1" "$status" "$output" "${stderr-}"
}

# start NAME ARGUMENT…: teredoctl in the background, into NAME.out and NAME.err; sets PID
start() {
    # What an earlier one of that name has said is no sign of this one.
    : >"$1.out"
    : >"$1.err"
    "$TEREDOCTL" "${@:2}" >"$1.out" 2>"$1.err" 3>&- &
    PID=$!
    BACKGROUND+=("$PID")
}

# in_background PID: ends it with the test
in_background() {
    BACKGROUND+=("$1")
}

# ended PID: waits for it; sets status
ended() {
    status=0
    wait "$1" || status=$?
}

# server [OPTION…]: a Teredo server at $PRIMARY and $SECONDARY
server() {
    start server serve --address "$PRIMARY" --secondary "$SECONDARY" --allow-private "$@"
    SERVER=$PID
    wait_for grep -q ready server.out
}

# A server at $SILENT and the address after it that hears solicitations and answers none.
silent_server() {
    echo 'somebody:else' >silent.secrets
    chmod 600 silent.secrets
    start silent serve --address "$SILENT" --allow-private --require-auth --auth-secret-file silent.secrets
    wait_for grep -q ready silent.out
}

# listener [OPTION…]: a client of the server, in the background; sets PEER and LISTENER
listener() {
    start listener listen "$PRIMARY" --allow-private "$@"
    LISTENER=$PID
    wait_for grep -q 2001: listener.out
    PEER=$(grep -om 1 '2001:[0-9a-f:]*' listener.out | head -n 1)
}

# Asserts that a filter is true of the JSON in $output (with -s: of all lines of jsonl).
json() {
    jq -e "$@" <<<"$output" >/dev/null || {
        echo "not so: jq $*"
        return 1
    }
}

# A usage error: said on standard error, by the command's name, with the way to the help.
usage_error() { # WORDS
    [ "$status" -eq 64 ]
    [ -z "$output" ]
    [[ $stderr == "teredoctl"*"$1"* ]]
}

# formats COMMAND: all that it has
formats() {
    case ${1%% *} in
    trace | listen | lab) echo text json jsonl tsv ladder mermaid svg ;;
    qualify | classify | check) echo text json jsonl tsv openmetrics ;;
    *) echo text json jsonl tsv ;;
    esac
}

# without_capabilities COMMAND…: as an ordinary user in that respect, also when the tests run as root
without_capabilities() {
    # A program with capabilities on its file cannot be started without them; its copy has none.
    if PATH=$PATH:/usr/sbin:/sbin getcap "$1" 2>/dev/null | grep -q .; then
        cp "$1" "$BATS_TEST_TMPDIR/${1##*/}"
        set -- "$BATS_TEST_TMPDIR/${1##*/}" "${@:2}"
    fi
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --bounding-set=-all --inh-caps=-all "$@"
    else
        "$@"
    fi
}

# In a network namespace without a single interface that is up.
need_namespace() {
    unshare -rn true 2>/dev/null || skip "this user may not make a network namespace"
}

# on_terminal ARGUMENT…: teredoctl on a terminal of 24 rows and 100 columns; sets status, and output
# to all that came there, escape sequences included. COLUMNS and ROWS set another size.
on_terminal() {
    local words
    words=$(printf '%q ' "$TEREDOCTL" "$@")
    status=0
    output=$(TERM=xterm script -qec "stty cols ${COLUMNS:-100} rows ${ROWS:-24}; $words" /dev/null \
        </dev/null) || status=$?
    printf '%s => %s\n' "$words" "$status"
    cat -v <<<"$output"
}

# mermaid_is_valid: each line of $output is one of a Mermaid sequence diagram
mermaid_is_valid() {
    local text='([^#;%<>"]|#[0-9]+;|<br/>)+'
    [ "$(head -n 1 <<<"$output")" = sequenceDiagram ]
    ! tail -n +2 <<<"$output" | grep -vE "^    (participant P[0-9]+ as $text|P[0-9]+(->>|-->>|-x|--x)P[0-9]+: $text|Note over P[0-9]+(,P[0-9]+)?: $text)$"
}

# svg_is_valid: $output is well-formed, and renders
svg_is_valid() {
    xmllint --noout - <<<"$output"
    rsvg-convert -o "$BATS_TEST_TMPDIR/picture.png" <<<"$output"
    [ -s "$BATS_TEST_TMPDIR/picture.png" ]
}
