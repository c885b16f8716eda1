#!/usr/bin/env bats
# Names of files and servers, arguments and lists may be of any bytes: what reaches a terminal, a
# monitoring system or a document has neither escape sequences nor control characters, is UTF-8, and
# runs in one direction.

# status and output are set by run or by hand; commands are words
# shellcheck disable=SC2016,SC2030,SC2031,SC2046,SC2086,SC2154
bats_require_minimum_version 1.5.0
load lib

# An escape sequence that sets the title, C1's CSI in UTF-8 and as a byte, directions, DEL, line ends,
# what is no UTF-8, and what formats use as quotes.
HOSTILE=$'a\e]0;title\a\e[2J\xc2\x9b31m\x9b31m\u202egnp\u2066\u2069\u200f\u2028\x7f\r\n\b\xff\xc0\xaf\xed\xa0\x80"\\<&|;#`end'

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# hostile COMMAND…: keeps what it prints in every format, for all_clean
hostile() {
    local format

    for format in $(formats "$1") color; do
        case $format in
        color) one_hostile color "$@" --color=always ;;
        *) one_hostile "$format" "$@" --format="$format" ;;
        esac
    done
}

# one_hostile FORMAT COMMAND…
one_hostile() {
    local status=0

    count=$((${count:-0} + 1))
    mkdir -p printed
    timeout 20 "$TEREDOCTL" "${@:2}" <input >"printed/$count.$1" 2>"printed/$count.err" || status=$?
    # By number, for the log is for eyes too.
    printf '%s: %s %s => %s\n' "$count" "$2" "$1" "$status"
    [ "$status" -ne 124 ]
}

# Whether all that was printed may be shown to anybody, and is whole.
all_clean() {
    python3 - printed/* <<'END'
import json
import re
import sys
import unicodedata

HIDDEN = set("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
wrong = 0
for path in sys.argv[1:]:
    kind = path.rsplit(".", 1)[1]
    data = open(path, "rb").read()
    try:
        text = data.decode("utf-8")
        if kind == "color":
            text = re.sub("\033\\[[0-9;]*m", "", text)
        allowed = "\n\t" if kind in ("tsv", "err") else "\n"
        bad = [c for c in text if c not in allowed and (unicodedata.category(c) == "Cc" or c in HIDDEN)]
        if bad:
            raise ValueError(f"has {sorted(set(bad))!r}")
        if kind == "json" and text:
            json.loads(text)
        if kind == "jsonl":
            for line in text.splitlines():
                json.loads(line)
    except ValueError as error:
        print(f"{path}: {error}: {data!r}")
        wrong += 1
sys.exit(wrong > 0 or len(sys.argv) < 10)
END
}

@test "names of files, that are there and that are not" {
    server
    : >input
    "$TEREDOCTL" qualify "$PRIMARY" --allow-private --write capture -q >/dev/null
    mkdir "$HOSTILE"
    cp capture "$HOSTILE/$HOSTILE"
    cp capture "./$HOSTILE.b"
    printf '%s\n' "$PRIMARY" "$HOSTILE" >"./$HOSTILE.list"
    printf 'a:b\na:c\n' >"./$HOSTILE.secrets"
    for file in "$HOSTILE" "$HOSTILE/$HOSTILE" "missing$HOSTILE" "./$HOSTILE.list"; do
        hostile decode "$file"
        hostile decode --summary "$file" capture
        hostile trace -r "$file"
        hostile trace -r "$file" "./$HOSTILE.b" -v
        hostile qualify --from-file "$file" --allow-private --timeout 0.1 --attempts 1
        hostile qualify "$PRIMARY" --allow-private --auth-id x --auth-secret-file "$file"
        hostile bubble 2001:0:c000:201::1 --dry-run --from-file "$file"
        hostile serve --address "$SILENT" --allow-private --duration 0.01 --auth-secret-file "$file"
    done
    hostile serve --address "$SILENT" --allow-private --duration 0.01 --auth-secret-file "./$HOSTILE.secrets"
    hostile qualify "$PRIMARY" --allow-private --write "$HOSTILE"
    one_hostile text check "$PRIMARY" --allow-private --output "$HOSTILE"
    one_hostile text check "$PRIMARY" --allow-private --output "$HOSTILE/no/such"
    all_clean
}

@test "names of servers, interfaces and filters" {
    resolver
    server
    : >input
    for name in "$HOSTILE" "$HOSTILE.invalid:3544"; do
        hostile qualify "$name" --timeout 0.1
        hostile classify "$name" --timeout 0.1
        hostile check "$name" -t 0.2
        hostile listen "$name" --timeout 0.1
        hostile trace 2001:0:c000:201::1 --server "$name" --timeout 0.1
        hostile trace "$name" --server "$PRIMARY" --timeout 0.1
        hostile bubble --to "$name" 2001:0:c000:201::1
        hostile bubble "$name"
        hostile qualify "$PRIMARY" --secondary "$name" --allow-private
        TEREDO_SERVER=$name hostile qualify --timeout 0.1
        TEREDO_SERVER=$name hostile check -t 0.2
        TEREDO_PEER=$name hostile trace --server "$PRIMARY"
        TEREDO_PEER=$name hostile bubble
        hostile decode -i "$name"
        hostile trace --passive -i "$name"
        hostile trace --passive -i lo --filter "$name"
        hostile decode - "$name"
        hostile lab --nat-a "$name"
        hostile lab --also "$name"
    done
    all_clean
}

@test "addresses and lists" {
    printf '%s\n' "$HOSTILE" "fe80::1%$HOSTILE" "2001:0:c000:201::1%a"$'\e[2J\xff\u202e' >input
    hostile addr
    hostile addr "$HOSTILE" "2001:0:c000:201::1%$HOSTILE" "fe80::1%"$'\e[31m\u202e'
    hostile addr "fe80::1%"$'\e[31m\u202e'
    server
    { printf '%s\n' "$PRIMARY"; cat input; } >list
    hostile qualify --from-file list --allow-private --timeout 0.1 --attempts 1
    all_clean
}

@test "every option of every command, options that are none, and commands that are none" {
    server
    : >input
    declare -A base=(
        [qualify]="$PRIMARY --allow-private" [classify]="$PRIMARY --allow-private" [addr]=2001:0:c000:201::1
        [check]="$PRIMARY --allow-private -t 1" [listen]="$PRIMARY --allow-private --duration 0.01"
        [trace]="2001:0:c000:201::1 --server $PRIMARY --allow-private --timeout 0.1 --bubbles 1"
        [serve]="--address $SILENT --allow-private --duration 0.01" [decode]='--hex 00'
        [bubble]='--dry-run 2001:0:c000:201::1' [help]=addr
    )
    for command in qualify classify check listen trace serve bubble addr decode help lab; do
        # Those of the lab that start it are told of before.
        for option in $("$TEREDOCTL" $command --help | grep -oE -- '--[a-z-]+=' | sort -u) --no-such-option= --; do
            [[ $command$option != lab--pcap* && $command$option != lab-- ]] || continue
            echo "$option"
            one_hostile text $command ${base[$command]-} "$option$HOSTILE"
        done
        for letter in h v r i t w c Z; do
            one_hostile text $command "-$letter$HOSTILE" ${base[$command]-}
        done
    done
    one_hostile text "$HOSTILE"
    one_hostile text "--$HOSTILE"
    one_hostile text "-$HOSTILE"
    one_hostile text help "$HOSTILE"
    one_hostile text lab -- "$HOSTILE"
    all_clean
}

@test "JSON keeps a name as it is, as far as it is UTF-8; none of it is raw" {
    server
    name=$'a\e[2J\x7f\u009b\u202e\u2066é\n"\\.pcap'
    "$TEREDOCTL" qualify "$PRIMARY" --allow-private --write "$name" -q >/dev/null
    for format in json jsonl; do
        "$TEREDOCTL" decode --format=$format "$name" "$name" >out
        jq -es --arg name "$name" '[.. | .file? | strings] | length > 0 and all(.[]; . == $name)' out
        [[ $(tr -d '\n' <out) != *[$'\e\x7f\u009b\u202e\u2066']* ]]
    done
}
