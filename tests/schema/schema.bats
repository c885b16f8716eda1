#!/usr/bin/env bats
# The schema of the JSON against the records, the golden outputs and the manual, by a validator that
# knows nothing of teredoctl. outputs.bats has the other tests' JSON.

# lib.bash sets what is read here.
# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lib

# objects: those of the golden outputs, one of each kind
objects() {
    grep -h '^{"schema"' "$top_srcdir"/tests/pcap/*.out | jq -cs 'unique_by([.command, .event, keys])[]'
}

# mutated COUNT FILTER: into mutated.json, each object with each of its paths, a list's first item alone,
# put through FILTER; at least COUNT of them
mutated() {
    objects |
        jq -c "paths as \$path | select(\$path | all(type == \"string\" or . == 0)) | $2" >mutated.json
    [ "$(wc -l <mutated.json)" -ge "$1" ]
}

@test "the structure of the schema is that of the records" {
    "${top_builddir:?}/tests/schema/skeleton" >skeleton.json
    run "$python" "$top_srcdir/tests/schema/skeleton.py" skeleton.json "$schema"
    printf '%s\n' "${lines[@]:0:40}"
    echo "make schema takes it over"
    [ "$status" -eq 0 ]
}

@test "every entry is of use, and every object is closed" {
    jq -r '[.. | objects | .["$ref"] // empty] | unique[] | ltrimstr("#/$defs/")' "$schema" >used
    run ! grep -vxFf used <(jq -r '.["$defs"] | keys[]' "$schema")
    run -0 jq '[.. | objects | select(.type == "object" and .properties != null and .title == null)
        | select(.additionalProperties != false and .unevaluatedProperties != false)] | length' "$schema"
    [ "$output" -eq 0 ]
}

@test "a key that is not in the schema is refused, at every depth" {
    mutated 8 'select(getpath($path) | type == "object") | setpath($path + ["surprise"]; 1)'
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
    objects | jq -c '.surprise = null' >mutated.json
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
}

@test "a key that is missing, and a word that is not in the schema, are refused" {
    # But for what json leaves out.
    mutated 60 'select($path[-1] | type == "string" and (IN("event") | not)) | delpaths([$path])'
    validate --invalid mutated.json
    [ "$status" -eq 0 ]
    mutated 6 'select($path[-1] | IN("kind", "reason", "command", "schema")) | setpath($path; "surprise")'
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
    grep -hE '^\.(It|Cm|Do|Dq|Pq|Dv|Em|Fl) ' "$top_srcdir"/man/*.1 >told
    tr ' ' '\n' <told >words
    while read -r word; do
        grep -qE " ${word//[()]/.}( |\$)" told || {
            echo "no page tells of $word"
            missing=1
        }
    done < <(grep -vxFf words all)
    [ "$missing" -eq 0 ]
}
