#!/usr/bin/env bash
# Compares what `teredoctl decode` prints with the golden outputs of tests/pcap/LIST; says what
# differs, and how many rows there were.
#
# usage: golden.sh [--write]     TEREDOCTL names the binary, top_builddir has tests/pcap/craft;
#                                --write makes the outputs anew, for a look at the difference
set -u -o pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
craft=${top_builddir:-$here/../../build}/tests/pcap/craft
teredoctl=${TEREDOCTL_PROGRAM:-${TEREDOCTL:-$here/../../build/teredoctl}}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
rows=0 failed=0

while IFS='|' read -r names craft_words decode_words; do
    read -r name frames <<<"$names"
    [[ -n $name && $name != \#* ]] || continue
    read -ra craft_words <<<"$craft_words"
    read -ra decode_words <<<"$decode_words"
    rows=$((rows + 1))
    "$craft" "${craft_words[@]}" <"$here/$frames.frames" >capture.pcap || failed=1
    "$teredoctl" decode "${decode_words[@]}" capture.pcap >out 2>err
    echo "status $?" >>out
    sed 's/^/stderr: /' err >>out
    if [[ ${1-} == --write ]]; then
        cp out "$here/$name.out"
    elif ! diff -u "$here/$name.out" out; then
        echo "$name: not as in tests/pcap/$name.out"
        failed=1
    fi
done <"$here/LIST"
echo "$rows rows"
exit "$failed"
