#!/usr/bin/env bats
# Files that are written: --output, which replaces them, and --write, which writes them in place.

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

# Qualifies with the server; arguments as t has them.
qualify() {
    t qualify "$PRIMARY" --allow-private "$@"
}

need_root() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
}

# A device of this test's own that is like /dev/null or /dev/full.
device() { # NAME MINOR
    need_root
    mknod "$1" c 1 "$2" || skip "this root may not make devices"
    chmod 666 "$1"
    true 2>/dev/null <"$1" || skip "devices do not work on this file system"
}

@test "--output replaces a file, and leaves nothing else" {
    server
    mkdir directory
    echo old >directory/file
    ln directory/file kept
    qualify --output directory/file
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    grep -q '^qualified:' directory/file
    # It was renamed over the old one, not written into it.
    [ "$(cat kept)" = old ]
    [ "$(ls -A directory)" = file ]
    qualify --output directory/file --format=json
    jq -e '.verdict == "qualified"' directory/file
}

@test "--output: a new file has what the umask leaves of 0666; so have captures" {
    server
    for mask in 022 077 027 002; do
        (umask "$mask" && "$TEREDOCTL" qualify "$PRIMARY" --allow-private --output "new-$mask" \
            --write "capture-$mask" && : >"other-$mask")
        [ "$(stat -c %a "new-$mask")" = "$(stat -c %a "other-$mask")" ]
        [ "$(stat -c %a "capture-$mask")" = "$(stat -c %a "other-$mask")" ]
    done
}

@test "--output: mode and owner of the file before stay" {
    server
    for mode in 600 640 644 666 400; do
        echo old >file
        chmod "$mode" file
        qualify --output file
        [ "$status" -eq 0 ]
        [ "$(stat -c %a file)" = "$mode" ]
        grep -q '^qualified:' file
        rm -f file
    done
    need_root
    echo old >file
    chown 65534:65533 file
    chmod 640 file
    qualify --output file
    [ "$status" -eq 0 ]
    [ "$(stat -c %u:%g:%a file)" = 65534:65533:640 ]
    grep -q '^qualified:' file
    start q qualify "$PRIMARY" --allow-private --every 0.05 --format=json --output file
    wait_for jq -se '.[0].round >= 3' file
    [ "$(stat -c %u:%g:%a file)" = 65534:65533:640 ]
    kill -INT "$PID"
    ended "$PID"
    [ "$status" -eq 0 ]
}

@test "--output: a symbolic link stays, and what it leads to is replaced, be it there or not" {
    server
    mkdir here there
    ln -s ../there/file here/one
    ln -s one here/two
    for old in no yes; do
        [ $old = no ] || echo old >there/file
        qualify --output here/two --format=json
        [ "$status" -eq 0 ]
        [ "$(readlink here/two)" = one ]
        [ "$(readlink here/one)" = ../there/file ]
        [ ! -L there/file ]
        jq -e '.verdict == "qualified"' there/file
    done
    [ "$(ls -A there)" = file ]
    ln -s "$PWD/there/capture" here/capture
    qualify --write here/capture
    [ "$status" -eq 0 ]
    [ -L here/capture ]
    t decode there/capture
    [ "$status" -eq 0 ]
    ln -s loop here/loop
    qualify --output here/loop
    [ "$status" -eq 73 ]
}

@test "--output and --write: a device is written to, and stays one" {
    device null 3
    server
    ln -s null link
    for name in null link; do
        qualify --output $name
        [ "$status" -eq 0 ]
        qualify --write $name
        [ "$status" -eq 0 ]
        [ "$(stat -c %F:%a null)" = "character special file:666" ]
    done
    device full 7
    qualify --output full
    [ "$status" -eq 74 ]
    [[ $stderr == *"cannot write full: No space left on device" ]]
    qualify --write full
    [ "$status" -eq 74 ]
    [[ $stderr == *"cannot write full: No space left on device" ]]
    [ "$(stat -c %F full)" = "character special file" ]
    [ -z "$(find . -name '.*.teredoctl*')" ]
}

@test "--output and --write: a fifo gets the results; without a reader that is an error at once" {
    server
    mkfifo fifo
    for option in output write; do
        qualify --$option fifo
        [ "$status" -eq 73 ]
        [[ $stderr == *"cannot write fifo: nobody reads it" ]]
        [ -p fifo ]
    done
    # A reader that is there before.
    exec {reader}<>fifo
    qualify --output fifo --format=json
    [ "$status" -eq 0 ]
    dd bs=64k count=1 if=fifo of=read 2>dd.err
    jq -e '.verdict == "qualified"' read
    qualify --write fifo
    [ "$status" -eq 0 ]
    dd bs=64k count=1 if=fifo of=read 2>dd.err
    exec {reader}>&-
    t decode read
    [ "$status" -eq 0 ]
    [ -p fifo ]
}

@test "--output=/dev/stdout is standard output, whatever that is" {
    server
    sh_t "\$T qualify $PRIMARY --allow-private --output=/dev/stdout --format=json | jq -e .mapped"
    [ "$status" -eq 0 ]
    sh_t "\$T qualify $PRIMARY --allow-private --output=/dev/stdout --format=json >file && jq -e .mapped file"
    [ "$status" -eq 0 ]
    [ -L /dev/stdout ]
    sh_t "\$T bubble 2001:0:c000:201::1 --write=- | \$T decode -"
    [ "$status" -eq 0 ]
}

@test "--output and --write: exit 73 for what cannot be created, and nothing is sent" {
    mkdir taken
    : >file
    for option in output write; do
        for name in no/such/directory/file taken taken/ taken/. file/file ''; do
            t qualify "$SILENT" --allow-private "--$option" "$name" -v
            [ "$status" -eq 73 ]
            [[ $stderr == *"cannot create $name: "* ]]
            [[ $stderr != *" rs"* ]]
        done
    done

    [ "$(find . ! -name 'separate-stderr*' | sort | tr '\n' ' ')" = '. ./file ./taken ' ]
}

@test "what another user has put in a directory of everybody's is not written to" {
    need_root
    server
    mkdir sticky
    chmod 1777 sticky
    echo mine >file
    ln -s ../file sticky/link
    mkfifo sticky/fifo
    echo "another's" >sticky/plain
    chown -h 65534 sticky/link sticky/fifo sticky/plain
    exec {reader}<>sticky/fifo
    for name in link fifo plain; do
        for option in output write; do
            qualify "--$option" "sticky/$name"
            [ "$status" -eq 73 ]
            [[ $stderr == *"cannot create sticky/$name: Permission denied" ]]
        done
    done
    exec {reader}>&-
    [ "$(cat file)" = mine ]
    [ "$(cat sticky/plain)" = "another's" ]
    # Nor is what is our own if it may be another who has given it this name.
    ln file sticky/hard
    for option in output write; do
        qualify "--$option" sticky/hard
        [ "$status" -eq 73 ]
        [ "$(cat file)" = mine ]
    done
    rm sticky/hard
    # What is our own there is.
    chown -h 0 sticky/link sticky/plain
    for name in link plain; do
        qualify --output "sticky/$name"
        [ "$status" -eq 0 ]
    done
    grep -q '^qualified:' file
    # What another has put where the new file is written first is removed, not written to.
    echo mine >file
    for kind in link fifo plain; do
        case $kind in
        link) ln -s ../file sticky/.new.teredoctl ;;
        fifo) mkfifo sticky/.new.teredoctl ;;
        plain) : >sticky/.new.teredoctl ;;
        esac
        chown -h 65534 sticky/.new.teredoctl
        qualify --output sticky/new
        [ "$status" -eq 0 ]
        [ "$(cat file)" = mine ]
        grep -q '^qualified:' sticky/new
        [ ! -e sticky/.new.teredoctl ]
    done
}

@test "--output: what SIGKILL left beside the file is removed by the next run" {
    server
    mkdir directory
    echo 'half of it' >directory/.file.teredoctl
    chmod 400 directory/.file.teredoctl
    qualify --output directory/file
    [ "$status" -eq 0 ]
    [ "$(ls -A directory)" = file ]
    # Killed at any moment: the file is whole, and at most that one other is there.
    for _ in {1..20}; do
        start q qualify "$PRIMARY" --allow-private --every 0.001 --format=json --output directory/file
        jq -e '.verdict == "qualified"' directory/file >/dev/null || [ ! -s q.out ]
        sleep "0.0$((RANDOM % 10))"
        mapfile -t helpers < <(pgrep -P "$PID")
        kill -KILL "$PID" "${helpers[@]}" 2>/dev/null || true
        ended "$PID"
        [ -z "$(find directory -mindepth 1 ! -name file ! -name .file.teredoctl)" ]
    done
    qualify --output directory/file --format=json
    [ "$status" -eq 0 ]
    [ "$(ls -A directory)" = file ]
    jq -e '.verdict == "qualified"' directory/file
}

@test "--output: runs that write the same file wait for each other; it is whole" {
    server
    pids=()
    for i in {1..4}; do
        start "q$i" qualify "$PRIMARY" --allow-private --every 0.002 --format=json --output file
        pids+=("$PID")
    done
    wait_for test -s file
    for _ in {1..50}; do
        jq -e '.verdict == "qualified"' file >/dev/null
    done
    for pid in "${pids[@]}"; do
        kill -INT "$pid"
        ended "$pid"
        [ "$status" -eq 0 ]
    done
    [ -z "$(find . -name '.file.teredoctl')" ]
    # Whoever holds it for good is told.
    : >.file.teredoctl
    exec {lock}<.file.teredoctl
    flock "$lock"
    qualify --output file
    [ "$status" -eq 73 ]
    [[ $stderr == *"cannot create file: Device or resource busy" ]]
}

@test "--output: no process is left behind, however the run ends" {
    server
    silent_server
    for signal in INT TERM KILL; do
        start q qualify "$SILENT" --allow-private --timeout 60 --output file -v
        wait_for grep -q ' rs$' q.err
        helper=$(pgrep -P "$PID")
        [ -n "$helper" ]
        kill "-$signal" "$PID"
        ended "$PID"
        wait_for sh -c "! kill -0 $helper"
    done
    # Ctrl-C comes to both, and the results are written all the same.
    rm -f file
    set -m
    start q qualify "$SILENT" --allow-private --timeout 60 --output file --format=json -v
    set +m
    wait_for grep -q ' rs$' q.err
    kill -INT -- "-$PID"
    ended "$PID"
    echo "=> $status"
    cat q.out q.err
    [ "$status" -eq 2 ]
    jq -e '.reason == "interrupted"' file
}

@test "a full disk: exit 74, the file is named, and an old one stays whole" {
    need_namespace
    server
    run --separate-stderr unshare -rm bash -c '
        mkdir small && mount -t tmpfs -o size=4k tmpfs small || exit 77
        echo old >small/file
        "$1" qualify "$2" --allow-private --explain --output small/file
        status=$?
        cat small/file
        ls -A small
        exit $status' bash "$TEREDOCTL" "$PRIMARY"
    [ "$status" -ne 77 ] || skip "this user may not mount a tmpfs"
    [ "$status" -eq 74 ]
    [ "$output" = $'old\nfile' ]
    [[ $stderr == *"cannot write small/file: No space left on device" ]]
    # shellcheck disable=SC2016
    for write in 'qualify "$2" --allow-private --write small/file' 'bubble 2001:0:c000:201::1 --write small/file'; do
        run --separate-stderr unshare -rm bash -c '
            mkdir -p small && mount -t tmpfs -o size=4k tmpfs small || exit 77
            head -c 4096 /dev/zero >small/filler
            "$1" '"$write" bash "$TEREDOCTL" "$PRIMARY"
        echo "$stderr"
        [ "$status" -eq 74 ]
        [[ $stderr == *"cannot write small/file: No space left on device"* ]]
    done
}

@test "a file that may not grow as far: exit 74, the file is named, an old one stays, and nothing is left" {
    server
    mkdir directory
    echo old >directory/file
    sh_t 'ulimit -f 1 && "$T" qualify '"$PRIMARY $PRIMARY:3 $PRIMARY:4"' --allow-private --timeout 1 --format=json --output directory/file'
    [ "$status" -eq 74 ]
    [[ $stderr == *'cannot write directory/file: File too large'* ]]
    [ "$(cat directory/file)" = old ]
    [ "$(ls -A directory)" = file ]
}
