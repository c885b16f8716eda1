#!/usr/bin/env bats
# What all commands share: help, usage errors, and the exit statuses that do not depend on a network.

# jq has variables of its own; a test may have a TEREDOCTL of its own
# shellcheck disable=SC2016,SC2030,SC2031
bats_require_minimum_version 1.5.0
load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# The commands, from the one list that there is.
list_commands() {
    "$TEREDOCTL" help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'
}

@test "the list of commands has those of the manual" {
    run list_commands
    for command in trace qualify classify check listen serve bubble lab addr decode help; do
        grep -qx "$command" <<<"$output"
    done
}

@test "--version prints name and version" {
    t --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^teredoctl\ [0-9]+\.[0-9]+ ]]
    [ -z "$stderr" ]
}

@test "--help lists the options and every command" {
    t --help
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ ${lines[0]} == "Usage: teredoctl "* ]]
    for command in $(list_commands); do
        grep -qE "^  $command  +[a-z]" <<<"$output"
    done
}

@test "without a command: usage, on standard error" {
    t
    [ "$status" -eq 64 ]
    [ -z "$output" ]
    [[ $stderr == "Usage: "*"COMMAND"* ]]
}

@test "an unknown command is a usage error that lists the commands" {
    t frobnicate
    usage_error "'frobnicate' is not a command"
    for command in $(list_commands); do
        [[ $stderr == *"$command"* ]]
    done
}

@test "an unknown option is a usage error" {
    t --frobnicate qualify
    [ "$status" -eq 64 ]
    [[ $stderr == *--frobnicate* ]]
}

# What the Monitoring Plugins' guidelines ask of a plugin's --help and wrong command line.
plugin_status() { # COMMAND OTHERS-STATUS
    if [ "$1" = check ]; then echo 3; else echo "$2"; fi
}

@test "every command has --help, on standard output, for its own name" {
    for command in $(list_commands); do
        t "$command" --help
        [ "$status" -eq "$(plugin_status "$command" 0)" ]
        [[ ${lines[0]} == "Usage: teredoctl $command"* ]]
        [ -z "$stderr" ]
    done
}

@test "help COMMAND is COMMAND --help" {
    for command in $(list_commands); do
        [ "$command" != help ] || continue
        t "$command" --help
        help=$output
        t help "$command"
        [ "$status" -eq 0 ]
        [ "$output" = "$help" ]
    done
    t help help
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "Usage: teredoctl help"* ]]
}

@test "help for an unknown command, or for two, is a usage error" {
    t help frobnicate
    usage_error "'frobnicate' is not a command"
    t help qualify trace
    usage_error "only one COMMAND"
}

@test "every command refuses an unknown option by its own name" {
    for command in $(list_commands); do
        t "$command" --frobnicate
        [ "$status" -eq "$(plugin_status "$command" 64)" ]
        if [ "$command" = check ]; then
            [[ $output == "TEREDO UNKNOWN - "*frobnicate* ]]
            [ -z "$stderr" ]
            continue
        fi
        [ -z "$output" ]
        [[ $stderr == "teredoctl $command: "*frobnicate* ]]
    done
}

@test "the client commands refuse bad values, and say which are good" {
    while read -r words; do
        # shellcheck disable=SC2086 # words are words
        t qualify 192.0.2.1 $words
        usage_error "${words%%[= ]*}"
    done <<'END'
--timeout=soon
--timeout=0
--timeout=-1
--timeout=nan
--attempts=0
--attempts=9
--attempts=1x
--local-port=0
--local-port=65536
--format=xml
--color=red
END
}

@test "--auth-id and --auth-secret-file go together" {
    t qualify 192.0.2.1 --auth-id me
    usage_error "go together"
    echo secret >secret
    t qualify 192.0.2.1 --auth-secret-file secret
    usage_error "go together"
    t qualify 192.0.2.1 --auth-id '' --auth-secret-file secret
    usage_error "1 to 255"
    t qualify 192.0.2.1 --auth-id "$(printf '%256s' x)" --auth-secret-file secret
    usage_error "1 to 255"
}

@test "exit 65: a secret file that is empty, or too long" {
    : >empty
    t qualify 192.0.2.1 --auth-id me --auth-secret-file empty
    [ "$status" -eq 65 ]
    [[ $stderr == *"1 to 255 bytes"* ]]
    printf '\r\n\n' >lines
    t qualify 192.0.2.1 --auth-id me --auth-secret-file lines
    [ "$status" -eq 65 ]
    printf '%256s' x >long
    t qualify 192.0.2.1 --auth-id me --auth-secret-file long
    [ "$status" -eq 65 ]
}

@test "exit 66: a secret file that is not there" {
    t qualify 192.0.2.1 --auth-id me --auth-secret-file not-there
    [ "$status" -eq 66 ]
    [[ $stderr == *"not-there: No such file"* ]]
}

@test "exit 68: a name that does not exist, and JSON says so too" {
    resolver
    for command in qualify listen 'trace 2001:0:c000:201::1 --server'; do
        # shellcheck disable=SC2086
        t $command no-such-name.invalid
        [ "$status" -eq 68 ]
        [[ $stderr == *"no-such-name.invalid"*"try:"* ]]
    done
    t qualify no-such-name.invalid --format=json
    [ "$status" -eq 68 ]
    json '.verdict == "not_qualified" and .reason == "name_not_found" and .server == null'
    t qualify no-such-name.invalid --format=jsonl
    [ "$status" -eq 68 ]
    json -s '.[-1].reason == "name_not_found"'
}

@test "exit 69: a local port that another program has" {
    server
    port=$("$TEREDOCTL" qualify "$PRIMARY" --allow-private --format=json | jq .local.port)
    start holder listen "$PRIMARY" --allow-private --local-port "$port"
    wait_for grep -q 2001: holder.out
    t qualify "$PRIMARY" --allow-private --local-port "$port"
    [ "$status" -eq 69 ]
    [[ $stderr == *"port $port"*"in use"*"--local-port"* ]]
    t serve --address "$PRIMARY" --secondary "$SECONDARY" --allow-private
    [ "$status" -eq 69 ]
}

@test "exit 73: a capture file that cannot be created" {
    t qualify "$PRIMARY" --write "$BATS_TEST_TMPDIR/no/such/directory/file"
    [ "$status" -eq 73 ]
    [[ $stderr == *"no/such/directory"* ]]
}

@test "exit 74: results that cannot be written" {
    server
    for command in "qualify $PRIMARY --allow-private" "qualify $PRIMARY --allow-private --format=json" \
        "listen $PRIMARY --allow-private --duration 0.2" help 'addr 2001:0:c000:201::1'; do
        sh_t "\$T $command >/dev/full"
        [ "$status" -eq 74 ]
        [[ $stderr == *"cannot write"* ]]
    done
}

@test "exit 74: a capture that cannot be written" {
    server
    t qualify "$PRIMARY" --allow-private --write /dev/full
    [ "$status" -eq 74 ]
    [[ $stderr == *"cannot write /dev/full"* ]]
    # What was found out is not lost.
    [[ ${lines[0]} == qualified:* ]]
}

@test "standard descriptors that are closed: nothing else takes their place" {
    # Not the recorder of JSON, whose own pipes would take it.
    TEREDOCTL=$TEREDOCTL_PROGRAM
    server
    for closed in '' '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        # What cannot be printed is lost, and said so where that can be said.
        [[ $closed == *' >&-'* || $closed == '>&-'* ]] && printed=74 || printed=0
        rm -f capture out err
        for command in "qualify $PRIMARY --allow-private -v --write capture" 'trace -v -r capture' \
            'decode capture' 'decode --summary --format=json capture'; do
            sh_t "{ \$T $command $closed; } </dev/null >out 2>err"
            case $command in
            trace*) [ "$status" -eq "$((printed == 0 ? 2 : printed))" ] ;;
            *) [ "$status" -eq "$printed" ] ;;
            esac
            [[ $closed == *'2>&-'* || $printed -eq 0 ]] || grep -q 'cannot write .*: Bad file descriptor' err
        done
        # Two solicitations, two advertisements, and not a byte of text.
        sh_t '$T decode --format=jsonl capture'
        [ "$status" -eq 0 ]
        [ "$(jq -r .kind <<<"$output" | sort | uniq -c | tr -s ' \n' ' ')" = ' 2 ra 2 rs ' ]
        # A file that is replaced needs none of them.
        sh_t "\$T qualify $PRIMARY --allow-private --format=json --output=replaced $closed"
        [ "$status" -eq 0 ]
        jq -e '.verdict == "qualified"' replaced
        # What is to be read where nothing is open is an error.
        sh_t "\$T decode - $closed </dev/null"
        [ "$status" -eq 66 ]
        sh_t "\$T decode - $closed <&-"
        [ "$status" -eq 74 ]
    done
}

@test "exit 77: a local port that needs a privilege" {
    [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 9 ] ||
        skip "every port is free for all on this machine"
    run --separate-stderr without_capabilities "$TEREDOCTL" qualify 192.0.2.1 --local-port 9
    [ "$status" -eq 77 ]
    [[ $stderr == *"UDP port 9"* ]]
}

@test "an error is said once, by the command's name" {
    resolver
    t qualify no-such-name.invalid
    [ "$(grep -c "cannot find" <<<"$stderr")" -eq 1 ]
    [[ $stderr == "teredoctl qualify: "* ]]
}
