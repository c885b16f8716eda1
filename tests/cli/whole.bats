#!/usr/bin/env bats
# However a command ends, what it has printed by then is a whole document of its format.

# status and output are set by run or by hand; commands are words
# shellcheck disable=SC2016,SC2030,SC2031,SC2046,SC2086,SC2154
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# is_whole FORMAT FILE: nothing, or a document
is_whole() {
    local output

    [ -s "$2" ] || return 0
    output=$(cat "$2")
    case $1 in
    json) [ "$(jq -s length "$2")" -eq 1 ] ;;
    jsonl) [ "$(jq -s length "$2")" -eq "$(wc -l <"$2")" ] ;;
    tsv) [ "$(awk -F '\t' '{ print NF }' "$2" | sort -u | wc -l)" -eq 1 ] ;;
    openmetrics) [ "$(grep -n '^# EOF$' "$2")" = "$(wc -l <"$2"):# EOF" ] ;;
    mermaid) mermaid_is_valid ;;
    svg) svg_is_valid ;;
    *) [ -z "$(tail -c 1 "$2")" ] ;;
    esac || {
        echo "not whole, $1:"
        cat "$2"
        return 1
    }
}

# A capture of a qualification.
capture() {
    server
    "$TEREDOCTL" qualify "$PRIMARY" --allow-private --write "$1" -q >/dev/null
}

# ends STATUS COMMAND…: it ends so in every format, its output whole; what is in a file named input
# is its standard input
ends() {
    local wanted=$1 format

    shift
    for format in $(formats "$1"); do
        status=0
        "$TEREDOCTL" "$@" --format="$format" <input >out 2>err || status=$?
        echo "$* --format=$format => $status"
        [[ " $wanted " == *" $status "* ]]
        is_whole "$format" out
    done
}

# printed: the last output of ends was not empty
printed() {
    [ -s out ]
}

@test "inputs that cannot be read, at once or half-way" {
    capture good
    : >empty
    mkdir directory
    head -c 150 good >short
    { cat good && head -c 64 /dev/zero | tr '\0' '\377'; } >broken
    cp empty input
    for command in 'decode' 'decode --summary' 'trace -r'; do
        for files in missing 'good missing' directory 'good directory' empty 'good empty' short 'good short' \
            broken 'good broken' 'broken good'; do
            ends '0 1 2 65 66' $command $files
            case $command:$files in
            # All files are opened first.
            decode:*\ missing | decode:*\ directory) ;;
            decode:good\ * | decode:broken* | trace*:broken) printed ;;
            esac
        done
        for file in good empty short broken directory; do
            for format in $(formats "$command"); do
                "$TEREDOCTL" ${command% -r} --format="$format" $([[ $command == trace* ]] && echo -r) - \
                    <"$file" >out 2>err || true
                is_whole "$format" out
            done
        done
        if [[ $command != trace* ]]; then
            ends '64' $command good 'udp port nonsense'
            ends '0' $command good 'udp'
        fi
    done
    ends '65' decode --hex 00
    printf '%s\n' 2001:0:c000:201::1 nonsense >input
    ends '65' addr
    printed
    ends '65' addr 2001:0:c000:201::1 nonsense -
    ends '65' addr 2001:0:c000:201::1 x
    : >input
    ends '66' addr -
}

@test "standard input that cannot be read: addr and the lists of qualify" {
    mkdir directory
    for command in 'addr 2001:0:c000:201::1 -' 'qualify --from-file=-'; do
        for format in $(formats "$command"); do
            status=0
            "$TEREDOCTL" $command --format="$format" <directory >out 2>err || status=$?
            [ "$status" -eq 74 ]
            is_whole "$format" out
        done
    done
}

# takes_signals PID: SIGINT is caught or held; before that bash has a command in the background ignore
# it, and the recorder of JSON, which is a script, may hold it
takes_signals() {
    local blocked caught

    [ "/proc/$1/exe" -ef "$TEREDOCTL_PROGRAM" ] || return
    blocked=$(sed -n 's/^SigBlk:\t//p' "/proc/$1/status")
    caught=$(sed -n 's/^SigCgt:\t//p' "/proc/$1/status")
    (((16#$blocked | 16#$caught) & 2))
}

# is_stopped SIGNAL EVENT COMMAND…: the signal, once EVENT is true (a command that sees out and err)
is_stopped() {
    local signal=$1 event=$2 format

    shift 2
    for format in $(formats "$1"); do
        rm -f out err
        "$TEREDOCTL" "$@" --format="$format" -v <input >out 2>err 3>&- &
        PID=$!
        in_background "$PID"
        wait_for bash -c "$event"
        wait_for takes_signals "$PID"
        kill "-$signal" "$PID"
        ended "$PID"
        echo "$signal: $* --format=$format => $status"
        [ "$status" -lt 64 ] || [ "$status" -eq $((128 + $(kill -l "$signal"))) ]
        is_whole "$format" out
    done
}

@test "SIGINT and SIGTERM while a command waits for the network" {
    silent_server
    server
    : >input
    printf '%s\n' "$PRIMARY" "$SILENT" >list
    for signal in INT TERM; do
        is_stopped "$signal" 'grep -q " rs" err' qualify "$SILENT" --allow-private --timeout 60
        is_stopped "$signal" 'grep -q " rs" err' classify "$SILENT" --allow-private --timeout 60
        is_stopped "$signal" 'grep -q " rs" err' check "$SILENT" --allow-private -t 60 -vv
        is_stopped "$signal" 'grep -q " rs" err' listen "$SILENT" --allow-private --timeout 60
        is_stopped "$signal" 'grep -q " rs" err' trace 2001:0:c000:201::1 --server "$SILENT" --allow-private --timeout 60
        is_stopped "$signal" 'grep -q " rs" err' qualify --from-file list --allow-private --timeout 60
        is_stopped "$signal" 'grep -q " rs" err' qualify "$SILENT" --allow-private --timeout 60 --every 60
    done
}

@test "SIGINT and SIGTERM in the midst of results: listen, serve, bubble" {
    server
    : >input
    for signal in INT TERM; do
        is_stopped "$signal" 'grep -q " ra" err' listen "$PRIMARY" --allow-private
        is_stopped "$signal" '[ -s out ] || [ -s err ]' serve --address "${PRIMARY%.*}.77" --allow-private
        is_stopped "$signal" '[ -s out ] || [ -s err ]' bubble --to "$PRIMARY" 2001:0:c000:201::1 --wait 60
    done
}

@test "SIGINT and SIGTERM while a command waits for its input" {
    capture good
    mkfifo fifo
    exec {writer}<>fifo
    for signal in INT TERM; do
        for command in 'addr' 'addr 2001:0:c000:201::2 -' 'decode -' 'trace -r -'; do
            for format in $(formats "$command"); do
                rm -f out err
                "$TEREDOCTL" $command --format="$format" <fifo >out 2>err 3>&- &
                PID=$!
                in_background "$PID"
                case $command in
                addr*) printf '2001:0:c000:201::1\nnonsense\n' >fifo ;;
                *) cat good >fifo ;;
                esac
                # Hole punches are told when they have settled.
                [[ $command == trace* ]] || wait_for test -s out
                wait_for takes_signals "$PID"
                kill "-$signal" "$PID"
                ended "$PID"
                echo "$signal: $command --format=$format => $status"
                case $command in
                addr*) [ "$status" -eq $((128 + $(kill -l "$signal"))) ] ;;
                *) [ "$status" -lt 64 ] ;;
                esac
                is_whole "$format" out
                # What was left in it.
                dd if=fifo of=/dev/null bs=64k iflag=nonblock status=none 2>dd.err || true
            done
        done
    done
    exec {writer}>&-
}

@test "an engine that cannot go on: the link is gone" {
    need_namespace
    command -v ip >/dev/null || skip "ip is not installed"
    for command in 'qualify 127.0.0.1' 'classify 127.0.0.1' 'check 127.0.0.1' 'listen 127.0.0.1' \
        'trace 2001:0:c000:201::1 --server 127.0.0.1' 'qualify --from-file=list'; do
        for format in $(formats "$command"); do
            echo 127.0.0.1 >list
            unshare -rn "$TEREDOCTL" $command --allow-private --format="$format" >out 2>err || true
            is_whole "$format" out
        done
    done
}

@test "a reader that goes away ends a command, whatever it has open" {
    capture good
    yes 2001:0:c000:201::1 | head -n 100000 >input
    for command in addr 'decode good' 'trace -r good'; do
        for format in $(formats "$command"); do
            "$TEREDOCTL" $command --format="$format" <input 2>err | head -c 10 >out
            [[ ${PIPESTATUS[0]} -eq 141 || ${PIPESTATUS[0]} -lt 64 ]]
            [ ! -s err ] || ! grep -i 'sanitizer' err
        done
    done
}
