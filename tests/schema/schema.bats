#!/usr/bin/env bats
# The schema of the JSON against what the reporters can say, the golden outputs and the manual, by a
# validator that knows nothing of teredoctl. outputs.bats has the other tests' JSON.

# lib.bash sets what is read here.
# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lib

# An object of every kind that there is, with every word.
words() {
    "${top_builddir:?}/tests/schema/every_word" >words.mixed
}

# mutated COUNT FILTER: into mutated.json, each object with each of its paths, a list's first item alone,
# put through FILTER; at least COUNT of them
mutated() {
    words
    jq -cs 'unique_by([.command, .event, keys])[]' words.mixed |
        jq -c "paths as \$path | select(\$path | all(type == \"string\" or . == 0)) | $2" >mutated.json
    [ "$(wc -l <mutated.json)" -ge "$1" ]
}

@test "what the reporters can say is in the schema, and nothing else is" {
    words
    validate --complete words.mixed
    [ "$status" -eq 0 ]
    diff <(events) <(printf '%s\n' "${lines[@]}" | sed -n 's/^\([a-z]* [a-z_]*\) [0-9]*$/\1/p' | sort)
}

@test "a key that is not in the schema is refused, at every depth" {
    mutated 80 'select(getpath($path) | type == "object") | setpath($path + ["surprise"]; 1)'
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
    jq -cs 'unique_by([.command, .event, keys])[] | .surprise = null' words.mixed >mutated.json
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
}

@test "a key that is missing, and a word that is not in the schema, are refused" {
    # But for these, of which the schema says when they are there.
    mutated 500 'select($path[-1] | type == "string" and
            (IN("event", "hex", "latest_offset_s", "round", "round_started") | not))
        | select(.command != "qualify" or $path != ["name"])
        | delpaths([$path])'
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
    mutated 100 'select($path[-1] | IN("verdict", "reason", "cause", "kind", "state", "proof", "nat", "code",
            "rule", "activity", "note", "phase", "status", "test", "outcome", "aim", "command", "schema"))
        | setpath($path; "surprise")'
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
}

@test "the golden outputs are valid" {
    grep -l '"schema"' "$top_srcdir"/tests/pcap/*.out >golden
    [ "$(wc -l <golden)" -ge 5 ]
    xargs cp -t . <golden
    validate ./*.out
    [ "$status" -eq 0 ]
    [[ ${lines[*]} == *"decode packet "* ]]
}

@test "every key and every word of the schema is in a page of the manual" {
    missing=0
    jq -r '[.. | objects | (.properties // empty | keys[]), (.enum // empty | .[] | strings)] | unique[]' \
        "$schema" >all
    [ "$(wc -l <all)" -ge 300 ]
    while read -r word; do
        grep -qE "^\.(It|Cm|Do|Dq|Pq|Dv|Em|Fl)( .*)? ${word//[()]/.}( |\$)" "$top_srcdir"/man/*.1 || {
            echo "no page tells of $word"
            missing=1
        }
    done <all
    [ "$missing" -eq 0 ]
}
