#!/usr/bin/env bats
# What `teredoctl bubble --write` is asked for is what `teredoctl decode` and tshark find: hundreds of
# packets with random values of every option that sets a field, in one capture.
#
# BUBBLE_SEED repeats a run (each says its own), BUBBLE_PACKETS says how many packets.

# jq has variables of its own
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export SEED=${BUBBLE_SEED:-$((EPOCHSECONDS % 32768))} PACKETS=${BUBBLE_PACKETS:-400}
    echo "# BUBBLE_SEED=$SEED" >&3
    cd "$BATS_FILE_TMPDIR" || return
    bash "$BATS_TEST_DIRNAME/random_bubbles.bash" "$SEED" "$PACKETS" 3>&-
}

setup() {
    common_setup
    cp "$BATS_FILE_TMPDIR"/* .
    echo "BUBBLE_SEED=$SEED" # seen when the test fails
}

# How the packet that decode found is written in the words of WANT
FOUND='{from, to, ipv4: (.ipv4 | {ttl, tos, id, dont_fragment}), kind, auth, origin, ipv6, payload, trailers, tail,
    problems: [.problems[].reason],
    checksum: (if any(.problems[]; .reason == "udp_checksum") then "wrong"
        elif .udp.checksum == "0x0000" then "zero" else "right" end)}'

# Where WANT and what was found differ: of lists the length, of all else the value; a text that begins
# with ~ is a pattern.
DIFFERENCES='
    def differ($want; $found): ($want | paths(type != "object")) as $path |
        ($want | getpath($path)) as $w | ($found | getpath($path)) as $f |
        select(if ($w | type) == "array" then ($w | length) != ($f | length)
            elif ($w | type) == "string" and ($w | startswith("~")) then
                ($f | type) != "string" or ($f | test($w[1:]) | not)
            else $w != $f end) | "\($path | map(tostring) | join(".")): \($w | tostring) was wanted, \($f | tostring) found";
    range($want | length) as $i | differ($want[$i]; $found[$i]) | "packet \($i + 1): " + .'

# same_as_wanted WANT FOUND: of every packet; else says where not, and what bubble was told
same_as_wanted() {
    [ "$(wc -l <"$2")" -eq "$PACKETS" ]
    jq -rn --slurpfile want "$1" --slurpfile found "$2" "$DIFFERENCES" >differences
    [ ! -s differences ] || {
        head -n 20 differences
        sed -n "$(sed -n '1s/packet \([0-9]*\).*/\1/p' differences)p" options
        return 1
    }
}

@test "decode finds every field of random packets as it was asked for" {
    "$TEREDOCTL" decode --format=jsonl all.pcap >decoded.jsonl
    [ "$(wc -l <decoded.jsonl)" -eq $((PACKETS + 1)) ]
    jq -c "$FOUND" decoded.jsonl | tail -n +2 >found.jsonl
    same_as_wanted want.jsonl found.jsonl
    # bubble itself says the same of what it wrote, key by key.
    diff <(jq -S 'del(.schema, .command, .event, .file, .frame, .fragments, .copy)' decoded.jsonl) \
        <(jq -S 'select(.event == "packet") | del(.schema, .command, .event, .number, .aim, .system_error, .data)' \
            written.jsonl)
}

# theirs: what tshark finds in the random packets, in the words of WANT
theirs() {
    local port as=()
    for port in $(jq -r '.from.port, .to.port' decoded.jsonl | sort -u); do
        as+=(-d "udp.port==$port,teredo")
    done
    tshark -n -r all.pcap "${as[@]}" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -Y 'frame.number > 1' \
        -T fields -E occurrence=f -e ip.src -e udp.srcport -e ip.dst -e udp.dstport -e ip.ttl -e ip.dsfield -e ip.id \
        -e ip.flags.df -e udp.checksum.status -e teredo.auth.id -e teredo.auth.value -e teredo.auth.nonce \
        -e teredo.auth.conf -e teredo.orig.addr -e teredo.orig.port -e ipv6.src -e ipv6.dst -e ipv6.hlim -e ipv6.nxt \
        -e ipv6.plen -e ipv6.tclass -e ipv6.flow -e ip.checksum.status 2>tshark.err 3>&- |
        jq -Rc 'def hex: ascii_downcase | ltrimstr("0x") | explode |
                reduce .[] as $digit (0; . * 16 + $digit - (if $digit >= 97 then 87 else 48 end));
            split("\t") | {
                from: {address: .[0], port: (.[1] | tonumber)}, to: {address: .[2], port: (.[3] | tonumber)},
                ipv4: {ttl: (.[4] | tonumber), tos: (.[5] | hex), id: (.[6] | hex),
                    dont_fragment: (.[7] == "1" or .[7] == "True")},
                checksum: {"0": "wrong", "1": "right", "3": "zero"}[.[8]],
                auth: (if .[11] == "" then null
                    else {client_id: .[9], value: .[10], nonce: .[11], confirmation: (.[12] | hex)} end),
                origin: (if .[13] == "" then null else {address: .[13], port: (.[14] | tonumber)} end),
                ipv6: {source: .[15], destination: .[16], hop_limit: (.[17] | tonumber), next_header: (.[18] | tonumber),
                    payload_length: (.[19] | tonumber), traffic_class: (.[20] | hex), flow_label: (.[21] | hex)},
                ip_checksum: .[22]}'
}

@test "tshark finds them as well, and every checksum as it should be" {
    command -v tshark >/dev/null || skip "tshark is not installed"
    "$TEREDOCTL" decode --format=jsonl all.pcap >decoded.jsonl
    theirs >theirs.jsonl
    # It knows no trailers, takes payloads apart rather than show them, and has other words for what is
    # wrong; all else is compared.
    jq -c 'del(.kind, .payload, .trailers, .tail, .problems) + {ip_checksum: "1"}' want.jsonl >want-of-tshark.jsonl
    same_as_wanted want-of-tshark.jsonl theirs.jsonl
}

@test "every option of bubble that sets a field was used" {
    local option
    # These send, time, aim at, print or name what is tested elsewhere; the others take from what --from-file has.
    local others=' count dry-run format from-file header help interval no-origin no-sandbox no-trailers packet quiet rate spoof usage verbose
        version wait write '
    [ "$PACKETS" -ge 400 ] || skip "too few packets to have all of them"
    for option in $("$TEREDOCTL" bubble --help | grep -o -- '--[a-z][a-z0-9-]*' | sort -u); do
        [[ $others != *[[:space:]]"${option#--}"[[:space:]]* ]] || continue
        grep -qE -- "(^| )$option([ =]|\$)" options || {
            echo "$option was never used"
            return 1
        }
    done
}
