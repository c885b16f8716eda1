# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what bats sets, and what the tests read
# For the tests of the schema.

setup() {
    schema=${top_srcdir:?}/schema/teredoctl.schema.json
    # Debian's, whatever other Python is in the way.
    python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    "$python" -c 'from jsonschema import Draft202012Validator' 2>/dev/null ||
        skip "this Python has no jsonschema for draft 2020-12 (Debian: python3-jsonschema)"
    cd "$BATS_TEST_TMPDIR" || return
}

# validate [--invalid] FILE…
validate() {
    local mode=()

    [[ $1 != --* ]] || { mode=("$1") && shift; }
    run "$python" "$top_srcdir/tests/schema/validate.py" "${mode[@]}" "$schema" "$@"
    printf '%s\n' "${lines[@]:0:100}"
}

# The pairs of command and event that the schema has
events() {
    jq -r '[.allOf[] | .then.oneOf[]["$ref"]] as $used | .["$defs"] | to_entries[]
        | select("#/$defs/" + .key | IN($used[])) | .value.properties
        | (.command | .const // .enum[]) + " " + (.event.const // empty)' "$schema" | sort -u
}
