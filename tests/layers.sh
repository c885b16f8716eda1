#!/usr/bin/env bash
# The layering rule (HACKING.md), as TAP: who includes whom, what the pure layers call, and whether
# the lists of files name every file. Each check is then tried on a violation planted for it.
set -u -o pipefail
export LC_ALL=C MAKEFLAGS=

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
srcdir=${top_srcdir:-$here}
cd "${top_builddir:-$here/build}" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

layers='base wire event engine nat report io drive lab cmd'
pure_layers='base wire event engine nat'

# The layers that a layer may include, as the table in HACKING.md has them; what these may include,
# it may too.
declare -A table=(
    [base]='' [wire]='base' [event]='wire' [engine]='event' [nat]='event' [report]='event'
    [io]='wire' [drive]='engine io' [lab]='nat io drive'
    [cmd]='main base wire event engine nat report io drive lab'
)
# src/main.c and src/command.h stand above the layers; the commands see command.h.
declare -A library=([event]=libteredo-event.a) # the others are libLAYER.a

# What the pure layers may call of other libraries: string, memory and number functions, nettle, and
# what compilers add by themselves. Nothing here reads a clock, a socket, a file or random bytes.
pure_calls='bcmp|mem(chr|cmp|cpy|mem|move|rchr|set|xor|xor3)|explicit_bzero
str(c?spn|casecmp|cat|chr|cmp|cpy|dup|error|len|ncasecmp|ncat|ncmp|ncpy|ndup|nlen|pbrk|rchr|sep|str|tok_r|to(l|ul|ll|ull|d))
__isoc[0-9]+_strto(l|ul|ll|ull)|v?snprintf|malloc|calloc|realloc|free|qsort|bsearch|abort
inet_(ntop|pton)|[hn]to[hn][sl]|in6addr_(any|loopback)|tolower|toupper|__ctype_(b|tolower|toupper)_loc
(floor|ceil|l?lround|round|trunc|sqrt|exp|log|log2|log1p|pow|fabs|fmin|fmax|fmod)
nettle_(hmac_)?(sha|md5)[a-z0-9_]*|nettle_memeql_sec
__(mem|str)[a-z_]+_chk|__v?snprintf_chk|__assert_fail|__stack_chk_(fail|guard)|_GLOBAL_OFFSET_TABLE_
__u?(div|mod)ti3
__(asan|ubsan|sanitizer)_[A-Za-z0-9_]+|__gcov_[a-z_]+'
pure_regex="^($(tr '\n' '|' <<<"$pure_calls" | sed 's/|$//'))$"

tests=0
report() { # NAME COMPLAINTS: one TAP line; passes when there are no complaints
    tests=$((tests + 1))
    if [[ -z $2 ]]; then
        echo "ok $tests - $1"
    else
        echo "not ok $tests - $1"
        echo "# ${2//$'\n'/$'\n'# }"
    fi
}

expect() { # NAME COMPLAINTS PATTERN: passes when the complaints contain the pattern
    if grep -qE -- "$3" <<<"$2"; then
        report "$1" ''
    else
        report "$1" "not caught; the check said: ${2:-nothing}"
    fi
}

reach() { # LAYER: the layers that it may include, itself among them
    local next

    echo "$1"
    for next in ${table[$1]:-}; do
        [[ $next == "$1" ]] || reach "$next"
    done
}

layer_of() { # PATH below src: into REPLY, for a process each would take seconds
    REPLY=main
    [[ $1 != */* ]] || REPLY=${1%%/*}
}

check_includes() { # SOURCE-ROOT: names every include that the table forbids
    local -A owner=() may=()
    local file layer line header

    while read -r file; do
        header=${file##*/}
        [[ -n ${owner[$header]:-} ]] &&
            echo "src/$file: the name $header is taken by src/${owner[$header]}"
        owner[$header]=$file
    done < <(cd "$1/src" && find . -name '*.h' | sed 's,^\./,,' | sort)

    for layer in $layers; do
        may[$layer]=" $(reach "$layer" | tr '\n' ' ') "
    done
    may[main]=${may[cmd]}

    while IFS=: read -r file line header; do
        file=${file#./}
        layer_of "$file"
        layer=$REPLY
        if [[ -z ${may[$layer]:-} ]]; then
            echo "src/$file: no layer is called $layer"
            continue
        fi
        if [[ ! $header =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*\"([^\"]*)\" ]]; then
            echo "src/$file:$line: an include that is neither \"x.h\" nor <x.h>"
            continue
        fi
        header=${BASH_REMATCH[1]}
        if [[ $header == */* ]]; then
            echo "src/$file:$line: \"$header\" names a directory; include by bare name"
        elif [[ -z ${owner[$header]:-} ]]; then
            echo "src/$file:$line: no layer has a header \"$header\""
        else
            layer_of "${owner[$header]}"
            [[ ${may[$layer]} == *" $REPLY "* ]] ||
                echo "src/$file:$line: $layer may not include src/${owner[$header]}"
        fi
    done < <(cd "$1/src" && grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' . |
        grep -vE '#[[:space:]]*include[[:space:]]*<')
}

flags_of() { # LAYER: its search path, as Makefile gave it to the compiler; not the system's own
    sed -n "s/^$1 //p" tests/layer-flags | tr ' ' '\n' |
        awk 'quote { print "-iquote"; print; quote = 0 } $0 == "-iquote" { quote = 1 }
             /^-I/ && !/^-I\/usr\// { print }'
}

check_paths() { # LAYER SEARCH-PATH…: names the headers that are in reach and should not be, or the reverse
    local layer=$1 may file not reach

    shift
    may=" $(reach "$layer" | tr '\n' ' ') "
    while read -r file; do
        layer_of "$file"
        not='!' reach=in
        [[ $may != *" $REPLY "* ]] || not='' reach='out of'
        printf '#if %s__has_include("%s")\n#else\n' "$not" "${file##*/}"
        printf '#error %s: src/%s is %s reach\n#endif\n' "$layer" "$file" "$reach"
    done < <(cd "$srcdir/src" && find . -name '*.h' | sed 's,^\./,,' | sort) >"$scratch/classify.c"
    # shellcheck disable=SC2086 # CC may hold options
    $cc -nostdinc -E "$@" "$scratch/classify.c" 2>&1 >/dev/null | sed -n 's/.*#error //p'
}

check_purity() { # LIBRARY BELOW…: names what it calls beyond the libraries below it and the list
    local lib=$1

    $nm -A -u "$lib" | awk '{ n = split($1, at, ":"); print at[n - (at[n] == "")], $NF }' |
        grep -vE ' (__asan|__ubsan|__sanitizer)_' | sort -u >"$scratch/calls"
    $nm -g --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/own"
    awk 'FILENAME == ARGV[1] { own[$1] = 1; next } !($2 in own)' "$scratch/own" "$scratch/calls" |
        while read -r object symbol; do
            [[ $symbol =~ $pure_regex ]] ||
                echo "$lib($object) calls $symbol, which is not on the list of pure functions"
        done
}

lists='src/sources.mk tests/tests.mk packaging/install.mk Makefile.am'
check_lists() { # SOURCE-ROOT: names the files that the lists forgot
    local file named

    # shellcheck disable=SC2086 # words are words
    named=" $(cd "$1" && cat $lists | tr -s '[:space:]' ' ') "
    while read -r file; do
        [[ $named == *" $file "* || $named == *" ${file%.c} "* ]] || echo "$file is in none of $lists"
    done < <(cd "$1" && find src tests man completions -type f \
        '(' -name '*.[ch17]' -o -name '*.py' -o -name '*.bats' -o -name '*.sh' -o -name '*.bash' -o -name '*.in' \
        -o -name '*.json' -o -name '*.pcap' -o -name '*.pcapng' ')' 2>/dev/null | sort)
}

cc=$(sed -n 's/^CC //p' tests/layer-flags)
nm=$(sed -n 's/^NM //p' tests/layer-flags)
if [[ -z $cc || -z $nm ]]; then
    echo "Bail out! $PWD/tests/layer-flags is missing: run me by make check"
    exit 1
fi

report 'every include keeps to the table, and header names are unique' "$(check_includes "$srcdir")"

for layer in $layers; do
    mapfile -t path < <(flags_of "$layer")
    report "the compiler finds for $layer the headers of the layers below it and no others" \
        "$(check_paths "$layer" "${path[@]}")"
done

for layer in $pure_layers; do
    below=()
    for other in $(reach "$layer" | sort -u); do
        below+=("${library[$other]:-lib$other.a}")
    done
    report "$layer reads no clock, socket, file or random bytes" \
        "$(check_purity "${library[$layer]:-lib$layer.a}" "${below[@]}")"
done

report 'the lists name every source and test' "$(check_lists "$srcdir")"

# The checks themselves.
mkdir -p "$scratch/tree/src/wire" "$scratch/tree/src/nat" "$scratch/tree/tests" "$scratch/tree/packaging"
for list in $lists; do
    : >"$scratch/tree/$list"
done
echo '#include <stdint.h>' >"$scratch/tree/src/nat/planted.h"
echo '#include "planted.h"' >"$scratch/tree/src/wire/upward.c"
echo '#include "../nat/planted.h"' >"$scratch/tree/src/wire/dotted.c"
echo ' # include PLANTED' >"$scratch/tree/src/wire/computed.c"
complaints=$(check_includes "$scratch/tree")
expect 'a planted include of an upper layer is caught' "$complaints" \
    '^src/wire/upward.c:1: wire may not include src/nat/planted.h$'
expect 'a planted "../" is caught' "$complaints" '^src/wire/dotted.c:1: .*names a directory'
expect 'a planted computed include is caught' "$complaints" '^src/wire/computed.c:1: an include that'
cp "$scratch/tree/src/nat/planted.h" "$scratch/tree/src/wire/"
expect 'a planted header name used twice is caught' "$(check_includes "$scratch/tree")" \
    'planted.h is taken by'
expect 'a planted source that no list names is caught' "$(check_lists "$scratch/tree")" \
    '^src/wire/upward.c is in none of '

mapfile -t path < <(flags_of base)
expect 'a planted search path to an upper layer is caught' \
    "$(check_paths base "${path[@]}" -iquote "$srcdir/src/wire")" '^base: src/wire/.* is in reach'

cat >"$scratch/planted.c" <<'END'
#include <stdio.h>
#include <time.h>
int planted(void);
int planted(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_REALTIME, &now) + puts("planted");
}
END
# shellcheck disable=SC2086 # CC may hold options
(cd "$scratch" && $cc -c planted.c -o planted.o && ar cr libplanted.a planted.o)
complaints=$(cd "$scratch" && check_purity libplanted.a)
expect 'a planted read of the clock is caught' "$complaints" \
    '^libplanted.a\(planted.o\) calls clock_gettime,'
expect 'a planted write to standard output is caught' "$complaints" 'planted.o\) calls puts,'

echo "1..$tests"
