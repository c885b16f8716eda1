#!/usr/bin/env bats
# The man pages say what the program does: its commands, options, codes and exit statuses.

bats_require_minimum_version 1.5.0

setup() {
    man=${top_srcdir:?}/man
    export LC_ALL=C.UTF-8
    cd "$BATS_TEST_TMPDIR" || return
}

commands() {
    "$TEREDOCTL" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# long_options COMMAND: those in its --help
long_options() {
    "$TEREDOCTL" "$1" --help | sed -nE 's/^(      |  -., )(--[a-z0-9-]+).*/\2/p' | sort
}

# documented_options PAGE: those with an entry of their own
documented_options() {
    sed -n 's/^\.It .*Fl Fl /&/p' "$1" | grep -oE 'Fl Fl [a-z0-9-]+' | sed 's/Fl Fl /--/' | sort -u
}

# codes FILE ARRAY: the first string of each entry of a table in src
codes() {
    sed -n "/\b$2\[.*{\$/,/^};/p; /^} $2\[.*{\$/,/^};/p" "$top_srcdir/src/$1" | tr '\n' ' ' |
        grep -oE '\] = +\{? *"[a-z0-9_]*"' | grep -oE '"[a-z0-9_]+"' | tr -d '"'
}

# documents PAGE CODE…: each code stands in an entry or a list of the page
documents() {
    local page=$man/$1 code missing=0

    shift
    [ $# -gt 0 ]
    for code; do
        grep -E '^\.(It|Cm|Dq|Pq|Em)? ?' "$page" | grep -qE "(^|[ .,])$code([ ,.]|\$)" || {
            echo "${page##*/} does not tell of $code"
            missing=1
        }
    done
    return "$missing"
}

@test "every command has a page, and every page but one a command" {
    for command in $(commands); do
        [ -f "$man/teredoctl-$command.1" ]
    done
    for page in "$man"/teredoctl-*.1; do
        command=${page##*/teredoctl-}
        commands | grep -qx "${command%.1}"
    done
    [ -f "$man/teredoctl.1" ]
}

@test "every page is in packaging/install.mk, and in SEE ALSO of teredoctl(1)" {
    for page in "$man"/*.[0-9]; do
        page=${page##*/}
        grep -qF "man/$page" "$top_srcdir/packaging/install.mk"
        [ "$page" = teredoctl.1 ] || sed -n '/^\.Sh SEE ALSO/,/^\.Sh STAND/p' "$man/teredoctl.1" | grep -qF ".Xr ${page%.*} ${page##*.}"
    done
}

@test "mandoc finds nothing to complain about" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    run mandoc -T lint -W warning "$man"/*.[0-9]
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

# rendered PAGE: as a terminal of 80 columns shows it, without its examples
rendered() {
    sed '/^\.Bd -literal/,/^\.Ed/d' "$1" | mandoc -T utf8 -O width=80 | col -bx
}

@test "rendered pages have no quotes within quotes, and fit into 80 columns outside of examples" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    for page in "$man"/*.[0-9]; do
        # shellcheck disable=SC2094 # another page
        rendered "$page" >page
        [ -s page ]
        # A quote may begin on one line and end on the next.
        tr -s '\n ' ' ' <page | grep -oE '“[^”]*“[^”]*”' >nested || true
        echo "${page##*/}: $(cat nested)"
        [ ! -s nested ]
        [ "$(grep -o '“' page | wc -l)" -eq "$(grep -o '”' page | wc -l)" ]
        run grep -nE '^.{81}' page
        echo "${page##*/}: $output"
        [ "$status" -eq 1 ]
    done
    # The check itself.
    printf '.Dd $Mdocdate$\n.Dt X 1\n.Os\n.Dq one , Dq two\n' | mandoc -T utf8 | col -bx | tr -s '\n ' ' ' |
        grep -E '“[^”]*“[^”]*”'
}

@test "every long option of a command is in its page, and every one in the page exists" {
    for command in $(commands); do
        echo "$command:"
        common='^--(help|usage|version)$'
        diff <(long_options "$command" | grep -vE -- "$common") \
            <(documented_options "$man/teredoctl-$command.1" | grep -vE -- "$common")
    done
    # These three are the same everywhere.
    diff <("$TEREDOCTL" --help | sed -nE 's/^(      |  -., )(--[a-z0-9-]+).*/\2/p' | sort) \
        <(documented_options "$man/teredoctl.1")
}

@test "every page has the sections that people look for" {
    for section in COMMANDS ENVIRONMENT FILES JSON DIAGNOSTICS SECURITY STANDARDS; do
        grep -qx "\.Sh $section" "$man/teredoctl.1"
    done
    for page in "$man"/*.1; do
        for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
            grep -qx "\.Sh $section" "$page" || {
                echo "${page##*/}: no $section"
                false
            }
        done
    done
}

@test "qualify: every reason, rule and NAT is documented" {
    mapfile -t found < <(codes event/qualification.c reasons)
    [ "${#found[@]}" -ge 14 ]
    documents teredoctl-qualify.1 "${found[@]}"
    mapfile -t found < <(codes event/qualification.c rules)
    [ "${#found[@]}" -eq 14 ]
    documents teredoctl-qualify.1 "${found[@]}"
    mapfile -t found < <(codes event/qualification.c nats)
    [ "${#found[@]}" -eq 4 ]
    documents teredoctl-qualify.1 "${found[@]}"
    mapfile -t found < <(codes event/qualification.c evidences)
    [ "${#found[@]}" -eq 30 ]
    documents teredoctl-qualify.1 "${found[@]}"
}

@test "classify: every word of its JSON is documented" {
    mapfile -t found < <(codes event/classification.c reaches)
    [ "${#found[@]}" -eq 14 ]
    documents teredoctl-classify.1 "${found[@]}"
    for table in verdicts:3 nats:8 depends:5 allocations:4 poolings:3 cones:3 tests:17 proven:32; do
        mapfile -t found < <(codes event/classification.c "${table%:*}")
        [ "${#found[@]}" -eq "${table#*:}" ]
        documents teredoctl-classify.1 "${found[@]}"
    done
    mapfile -t found < <(codes event/prospect.c outcomes)
    [ "${#found[@]}" -eq 5 ]
    documents teredoctl-classify.1 "${found[@]}"
}

@test "check: every word of its JSON, and every metric, is documented" {
    for table in statuses:4 causes:7 relays:6 evidences:20; do
        mapfile -t found < <(codes event/checking.c "${table%:*}")
        [ "${#found[@]}" -eq "${table#*:}" ]
        documents teredoctl-check.1 "${found[@]}"
    done
    mapfile -t found < <(codes report/openmetrics.c families)
    [ "${#found[@]}" -ge 15 ]
    documents teredoctl-check.1 "${found[@]}"
}

@test "trace: every cause, step, proof and note is documented" {
    mapfile -t found < <(codes event/punching.c causes)
    [ "${#found[@]}" -ge 15 ]
    documents teredoctl-trace.1 "${found[@]}"
    mapfile -t found < <(codes event/punching.c steps)
    [ "${#found[@]}" -eq 5 ]
    documents teredoctl-trace.1 "${found[@]}"
    mapfile -t found < <(codes event/punching.c proofs)
    [ "${#found[@]}" -eq 4 ]
    documents teredoctl-trace.1 "${found[@]}"
    mapfile -t found < <(codes event/event.c notes)
    [ "${#found[@]}" -ge 7 ]
    documents teredoctl-trace.1 "${found[@]}"
}

@test "listen: every activity is documented" {
    mapfile -t found < <(codes event/event.c activities)
    [ "${#found[@]}" -ge 9 ]
    documents teredoctl-listen.1 "${found[@]}"
}

@test "serve: every reason to drop a packet is documented" {
    mapfile -t found < <(codes event/serving.c drops | grep -vx accepted)
    [ "${#found[@]}" -ge 22 ]
    documents teredoctl-serve.1 "${found[@]}"
}

@test "addr: every note is documented" {
    mapfile -t found < <(codes event/address.c notes)
    [ "${#found[@]}" -ge 11 ]
    documents teredoctl-addr.1 "${found[@]}"
}

@test "decode: every reason why a packet is malformed is documented" {
    mapfile -t found < <(codes wire/fault.c reasons | grep -vx ok)
    [ "${#found[@]}" -ge 18 ]
    documents teredoctl-decode.1 "${found[@]}"
}

@test "lab: every word and property of a NAT is documented, and works" {
    words='none cone address-restricted port-restricted symmetric firewall blocked'
    run -64 "$TEREDOCTL" lab --nat-a nonsense
    for word in $words; do
        [[ $output == *"$word"* ]]
    done
    # shellcheck disable=SC2086
    documents teredoctl-lab.1 $words
    run -64 --separate-stderr "$TEREDOCTL" lab --nat-a nonsense=1
    # shellcheck disable=SC2154 # bats sets stderr
    [[ $stderr =~ options:\ ([a-z, ]+) ]]
    properties=${BASH_REMATCH[1]//,/}
    [ "$(wc -w <<<"$properties")" -ge 11 ]
    # shellcheck disable=SC2086
    documents teredoctl-lab.1 $properties
}

@test "every key of the JSON is documented" {
    # FIELD_KEYS stands for the keys of a record, and has none of its own.
    grep -hE '\{KEY\("[a-z_0-9]+"\)' "$top_srcdir"/src/event/*.c | grep -v FIELD_KEYS | cut -d'"' -f2 | sort -u >keys
    [ "$(wc -l <keys)" -ge 60 ]
    while read -r key; do
        grep -qE "^\.(It|Cm|Do|Dq|Pq) .*\b$key\b|^\.Dv $key" "$man"/*.1 || {
            echo "no page tells of the key $key"
            false
        }
    done <keys
}

@test "every error message of the sources is in DIAGNOSTICS, and every one there in the sources" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    run python3 "$top_srcdir/tests/docs/messages.py" "$top_srcdir"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} =~ ^([0-9]+)' messages, 0 unexplained; ' ]]
    [ "${BASH_REMATCH[1]}" -ge 170 ]
}

@test "an error message that no page explains is found" {
    mkdir -p tree/src
    cp -r "$man" tree/man
    printf 'error_set(e, 71, 0, "cannot paint the %%s of "\n"%%s", a, b);\n' >tree/src/x.c
    run -1 python3 "$top_srcdir/tests/docs/messages.py" tree
    [ "${lines[0]}" = 'x.c: no page explains: cannot paint the %s of %s' ]
    [[ $output == *'teredoctl.1: no source prints: cannot start the lab'* ]]
}

@test "every exit status that the sources use is in teredoctl(1)" {
    statuses=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$man/teredoctl.1")
    [ "$(tr '\n' ' ' <<<"$statuses")" = '0 1 2 3 64 65 66 68 69 70 71 73 74 77 ' ]
    header=$(echo '#include <sysexits.h>' | "${CC:-cc}" -E -dM - 2>/dev/null) || skip "no C compiler"
    grep -rhoE '\bEX_[A-Z]+\b' "$top_srcdir"/src --include='*.c' | sort -u >names
    [ -s names ]
    while read -r name; do
        number=$(sed -nE "s/^#define $name ([0-9]+).*/\1/p" <<<"$header")
        echo "$name $number"
        grep -qx "$number" <<<"$statuses"
    done <names
}

@test "what a page says of exit statuses agrees with teredoctl(1)" {
    statuses=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$man/teredoctl.1")
    for page in "$man"/teredoctl-*.1; do
        sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$page" >numbers
        [ -s numbers ]
        while read -r number; do
            grep -qx "$number" <<<"$statuses"
        done <numbers
    done
}

@test "every variable of the environment that the sources read is in teredoctl(1)" {
    grep -rhoE 'getenv\("[A-Z_]+"\)' "$top_srcdir"/src | grep -oE '[A-Z_]{3,}' | sort -u >names
    [ -s names ]
    while read -r name; do
        [ "$name" = PATH ] || grep -qE "^\.It Ev $name\$" "$man/teredoctl.1"
    done <names
}
