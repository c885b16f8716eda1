#!/usr/bin/env bats
# What `teredoctl trace` says live in the emulated internet against what `trace -r` says of the
# captures of the same run, from one vantage point and from several; and clocks that are wrong.

# jq has variables of its own; setup_file and its tests are processes of their own
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load ../wait.bash

# lab NAT-A NAT-B: a run, with its verdict in NAT-A-NAT-B.json and its captures beside it
lab() {
    timeout 120 "$TEREDOCTL" lab --nat-a "$1" --nat-b "$2" --pcap-each="$1-$2" --format=json \
        --seed 7 -q >"$1-$2.json" 2>"$1-$2.err" || [ $? -eq 1 ]
}

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    lab port-restricted port-restricted
    lab port-restricted symmetric
    # The trace ends with its verdict, and the captures with it: as they are, and gone on.
    for vantage in a b nat-a nat-b s1 s2; do
        cp "port-restricted-symmetric-$vantage" "cut-$vantage"
        go_on "port-restricted-symmetric-$vantage"
    done
}

setup() {
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    export LC_ALL=C.UTF-8
    cd "$BATS_TEST_TMPDIR" && cp "$BATS_FILE_TMPDIR"/* .
}

# of RUN VANTAGE…: trace -r of these captures, as JSON
of() {
    local file files=()

    for file in "${@:2}"; do
        case $file in *.pcap) files+=("$file") ;; *) files+=("$1-$file") ;; esac
    done
    run --separate-stderr "$TEREDOCTL" trace --format=json -r "${files[@]}"
    printf '$ trace -r %s => %s\n%s\n%s\n' "${files[*]}" "$status" "$output" "$stderr"
}

json() {
    jq -e "$@" <<<"$output" >/dev/null || {
        echo "not so: jq $*"
        return 1
    }
}

result() {
    jq -r '.events[] | select(.event == "punch") | .verdict + " " + .cause' <<<"$output"
}

live() { # RUN
    jq -r '.verdict + " " + .cause' "$1.json"
}

@test "punched: live, at either end, at either NAT, and all together" {
    for pair in 'port-restricted port-restricted' 'symmetric cone' 'address-restricted firewall' 'cone symmetric'; do
        # shellcheck disable=SC2086
        set -- $pair
        [ -e "$1-$2.json" ] || lab "$1" "$2"
        for vantages in a nat-a nat-b 'a b' 'a b nat-a nat-b s1 s2'; do
            # shellcheck disable=SC2086
            of "$1-$2" $vantages
            [ "$status" -eq 0 ]
            [ "$(result)" = "$(live "$1-$2")" ]
        done
        # Which endpoint its answers come from at the other end the peer's own host cannot see.
        of "$1-$2" b
        [ "$status" -eq 0 ]
        [ "$(result)" = 'punched none' ]
    done
}

@test "without any NAT the two ends still tell their sides apart" {
    lab none none
    for side in a b; do
        of none-none $side
        [ "$status" -eq 0 ]
        [ "$(result)" = 'punched none' ]
        json --arg side $side '.events[] | select(.event == "punch") |
            .side == (if $side == "a" then "initiator" else "peer" end)'
    done
}

@test "not punched: the initiator alone says what the live trace says, both sides say why" {
    [ "$(live port-restricted-symmetric)" = 'not_punched peer_nat_symmetric' ]
    of port-restricted-symmetric a
    [ "$status" -eq 1 ]
    [ "$(result)" = 'not_punched peer_nat_symmetric' ]
    # Of the two pairs that the live trace needs the second one alone shows that the answer to the first was lost.
    for vantages in b nat-a nat-b; do
        of port-restricted-symmetric $vantages
        [ "$status" -eq 2 ]
        [ "$(result)" = 'inconclusive no_data' ]
    done
    for vantages in 'a b' 'a b nat-a nat-b s1 s2'; do
        # shellcheck disable=SC2086
        of port-restricted-symmetric $vantages
        [ "$status" -eq 1 ]
        [ "$(result)" = 'not_punched answer_lost' ]
    done
    # The port that it left from is the reason.
    json '.events[] | select(.event == "punch") | .answered_from.port != .peer.mapped.port'
}

@test "b's capture turns step 3 from inferred to observed, and s2's shows both its sides" {
    of port-restricted-port-restricted a
    json '.events[] | select(.event == "punch") | .steps[2] | .state == "inferred" and .views == []'
    of port-restricted-port-restricted a b
    json '.events[] | select(.event == "punch") | .steps[2] | .state == "observed" and (.views | length == 1) and
        .views[0].place == "receiver"'
    of port-restricted-port-restricted a b s2
    json '.events[] | select(.event == "punch") | .steps | .[2].state == "observed" and
        (.[2].views | map(.place)) == ["sender", "receiver"] and (.[1].views | length) == 2'
}

@test "the live trace and its own capture agree on every step's time and endpoints" {
    steps='[.steps[] | select(.state == "sent" or .state == "received") | {step, from, to}]'
    of port-restricted-port-restricted a
    captured=$(jq -c ".events[] | select(.event == \"punch\") | $steps | map(select(.step < 5))" <<<"$output")
    [ "$captured" = "$(jq -c "$steps | map(select(.step < 5))" port-restricted-port-restricted.json)" ]
}

@test "captures that end with the last bubbles say so, and no more" {
    for vantages in a b 'a b' 'a b nat-a nat-b s1 s2'; do
        # shellcheck disable=SC2086
        of cut $vantages
        [ "$status" -eq 2 ]
        [ "$(result)" = 'inconclusive capture_ended' ]
    done
}

# clocked RUN FILE: of a and FILE in place of b: the clock in $clock, the views in $views
clocked() {
    of "$1" a "$2"
    clock=$(jq -c '.events[] | select(.event == "clock")' <<<"$output")
    views=$(jq -c '[.events[] | select(.event == "punch") | .steps[].views[] | .offset_s]' <<<"$output")
}

# close_to VIEWS-A VIEWS-B BOUND: as many, and each as early but for the bound
close_to() {
    jq -en --argjson a "$1" --argjson b "$2" --argjson bound "$3" \
        '($a | length) == ($b | length) and ([$a, $b] | transpose | all((.[0] - .[1] | fabs) <= $bound + 1e-9))'
}

@test "a clock that is off, by milliseconds or by years: found within the bound that is told, and undone" {
    command -v editcap >/dev/null || skip "editcap is not installed"
    clocked port-restricted-port-restricted b
    want=$views bound=$(jq .error_s <<<"$clock")
    [ "$(jq 'length' <<<"$want")" -ge 6 ]
    for shift in 0.0123 -0.75 5.25 -3600 94608000; do
        editcap -t "$shift" port-restricted-port-restricted-b shifted.pcap
        clocked port-restricted-port-restricted shifted.pcap
        [ "$status" -eq 0 ]
        [ "$(result)" = 'punched none' ]
        # The two captures have the same clock, so that the shift is the whole truth.
        jq -e --argjson shift "$shift" '(.offset_s + $shift | fabs) <= .error_s and .error_s < 0.005' <<<"$clock"
        close_to "$want" "$views" "$(jq --argjson bound "$bound" '.error_s + $bound' <<<"$clock")"
    done
}

@test "of several captures with clocks of their own each is put right" {
    command -v editcap >/dev/null || skip "editcap is not installed"
    editcap -t 7 port-restricted-port-restricted-b b7.pcap
    editcap -t -11 port-restricted-port-restricted-s2 s11.pcap
    of port-restricted-port-restricted a b7.pcap s11.pcap
    [ "$(result)" = 'punched none' ]
    json '[.events[] | select(.event == "clock")] | length == 2 and
        (.[0].offset_s + 7 | fabs) <= .[0].error_s and (.[1].offset_s - 11 | fabs) <= .[1].error_s'
    json '.events[] | select(.event == "punch") | .steps[2].views | map(.place) == ["sender", "receiver"]'
}

# stretch PPM IN OUT: the times of a pcap file, which drift by PPM from its first frame on
stretch() {
    python3 - "$@" <<'PYTHON'
import struct, sys

ppm, source, target = float(sys.argv[1]), sys.argv[2], sys.argv[3]
data = open(source, "rb").read()
magic = struct.unpack("<I", data[:4])[0]
unit = {0xa1b23c4d: 10**9, 0xa1b2c3d4: 10**6}[magic]
out, at, first = bytearray(data[:24]), 24, None
while at < len(data):
    seconds, part, size, whole = struct.unpack("<IIII", data[at:at + 16])
    when = seconds * unit + part
    first = when if first is None else first
    when += round((when - first) * ppm / 1e6)
    out += struct.pack("<IIII", when // unit, when % unit, size, whole) + data[at + 16:at + 16 + size]
    at += 16 + size
open(target, "wb").write(out)
PYTHON
}

@test "a clock that drifts: the steps stay where they are, within the bounds that are told" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    clocked port-restricted-symmetric b
    want=$views bound=$(jq .error_s <<<"$clock")
    [ "$(jq 'length' <<<"$want")" -ge 4 ]
    for ppm in 40 -150; do
        stretch $ppm port-restricted-symmetric-b stretched.pcap
        clocked port-restricted-symmetric stretched.pcap
        [ "$status" -eq 1 ]
        [ "$(result)" = 'not_punched answer_lost' ]
        close_to "$want" "$views" "$(jq --argjson bound "$bound" '.error_s + $bound' <<<"$clock")"
    done
    # No crystal is as bad as that: then no bound is told.
    stretch 20000 port-restricted-symmetric-b stretched.pcap
    clocked port-restricted-symmetric stretched.pcap
    jq -e '.error_s == null' <<<"$clock"
}

@test "captures that have nothing in common say so, and are taken as they are" {
    lab cone cone
    run --separate-stderr "$TEREDOCTL" trace -r cone-cone-a port-restricted-port-restricted-b
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == "clock of port-restricted-port-restricted-b: nothing ties it to the first one's; its times are taken as they are"* ]]
    [[ $output == *'2 hole punches: 2 punched, '* ]]
}
