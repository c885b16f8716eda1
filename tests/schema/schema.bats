#!/usr/bin/env bats
# The JSON of teredoctl against its schema, by a validator that knows nothing of teredoctl: what the
# reporters can say, the golden outputs, and all that the other tests got to see (JSON_OUTPUTS, which
# tests/bats-run fills).

bats_require_minimum_version 1.5.0

setup() {
    schema=${top_srcdir:?}/schema/teredoctl.schema.json
    # Debian's, whatever other Python is in the way.
    python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    "$python" -c 'from jsonschema import Draft202012Validator' 2>/dev/null ||
        skip "this Python has no jsonschema for draft 2020-12 (Debian: python3-jsonschema)"
    cd "$BATS_TEST_TMPDIR" || return
}

# validate [--complete|--invalid] FILE…
validate() {
    local mode=()

    [[ $1 != --* ]] || { mode=("$1") && shift; }
    run "$python" "$top_srcdir/tests/schema/validate.py" "${mode[@]}" "$schema" "$@"
    printf '%s\n' "${lines[@]:0:100}"
}

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

# The pairs of command and event that the schema has
events() {
    jq -r '[.allOf[] | .then.oneOf[]["$ref"]] as $used | .["$defs"] | to_entries[]
        | select("#/$defs/" + .key | IN($used[])) | .value.properties
        | (.command | .const // .enum[]) + " " + (.event.const // empty)' "$schema" | sort -u
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

@test "all JSON of all tests is valid, and every kind of event occurred in it" {
    [ -n "${JSON_OUTPUTS:-}" ] || skip "JSON_OUTPUTS names no directory: make check sets it"
    find "$JSON_OUTPUTS" -type f >outputs
    [ -s outputs ] || skip "no other test ran"
    # Of what repeats itself ten thousand times the beginning is enough.
    find "$JSON_OUTPUTS" -type f -size +1M -exec truncate -s 1M {} +
    mapfile -t files <outputs
    validate "${files[@]}"
    [ "$status" -eq 0 ]
    echo "${#files[@]} outputs"
    printf '%s\n' "${lines[@]}" | sed -n 's/^\([a-z]* [a-z_]*\) [0-9]*$/\1/p' | sort >seen
    # A NAT that forgets takes the lab, and so do captures of a hole punch.
    [ -e "$JSON_OUTPUTS/lab-lab.bats" ] || echo "listen mapping_changed" >>seen
    [ -e "$JSON_OUTPUTS/lab-trace-captures.bats" ] ||
        printf 'trace %s\n' client_qualification clock punch summary >>seen
    [ -z "$(comm -23 <(events) <(sort seen))" ] || {
        echo "No test came across these:"
        comm -23 <(events) <(sort seen)
        false
    }
}

@test "every key and every word of the schema is in a page of the manual" {
    missing=0
    jq -r '[.. | objects | (.properties // empty | keys[]), (.enum // empty | .[] | strings)] | unique[]' \
        "$schema" >all
    [ "$(wc -l <all)" -ge 300 ]
    while read -r word; do
        grep -qE "^\.(It|Cm|Dq|Pq|Dv|Em|Fl)( .*)? ${word//[()]/.}( |\$)" "$top_srcdir"/man/*.1 || {
            echo "no page tells of $word"
            missing=1
        }
    done <all
    [ "$missing" -eq 0 ]
}
