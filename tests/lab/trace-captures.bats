#!/usr/bin/env bats
# `teredoctl trace` of captures: files of the lab's vantage points, and an interface in it.

# what runs in the lab is expanded there, and bats sets stderr
# shellcheck disable=SC2016,SC2154
bats_require_minimum_version 1.5.0

setup() {
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    export LC_ALL=C.UTF-8
    cd "$BATS_TEST_TMPDIR" || return
}

# t ARGUMENT…: teredoctl
t() {
    run --separate-stderr timeout 120 "$TEREDOCTL" "$@"
    printf '$ teredoctl %s => %s\n%s\n%s\n' "$*" "$status" "$output" "$stderr"
}

# arrow PATTERN: exactly one line of the ladder in $output is this
arrow() {
    [ "$(grep -cE -- "$1" <<<"$output")" -eq 1 ] || {
        echo "not one line: $1"
        return 1
    }
}

@test "--format=ladder: what one side saw, with what it implies dashed" {
    t lab -q --pcap-each open
    [ "$status" -eq 0 ]
    t trace -r open-a --format=ladder --ascii --width 100
    [ "$status" -eq 0 ]
    [[ $output == *"hole punch from A, 2001:0:c000:201:"*", to B,"*"2001:0:c000:281:"* ]]
    [[ $output == *"A: 100.64.1.2:"*", NAT A: 203.0.113.10:"*", B's server: 192.0.2.129:3544, NAT B?:"* ]]
    arrow ' \+0\.000 +\|(- )+- 1 direct bubble (- )+->X +\|$'
    arrow ' \+[0-9.]+ +\|-+ 2 indirect bubble -+>\|'
    arrow '[0-9.]+\.\.[0-9.]+ .*3 forwarded bubble +(- )+-?>\|$'
    arrow ' \+[0-9.]+ +\|<-+ 4 direct bubble with the nonce -+\|$'
    arrow ' \+[0-9.]+ +\|-+ 5 data -+>\|$'
    arrow ' \+[0-9.]+ +\|<-+ 5 the answer to it -+\|$'
    [[ $output == *"A dashed arrow is inferred"*"punched: both NATs are open"*"1 hole punch: 1 punched"* ]]
    # At both sides step 3 was seen, and the peer's NAT shows.
    t trace -r open-a open-b --format=ladder --ascii --width 100
    [ "$status" -eq 0 ]
    [[ $output == *"NAT B:"* && $output != *"NAT B?"* ]]
    arrow ' \+[0-9.]+ .*\|-+ 3 forwarded bubble -+>\|$'
    # Between the two servers there is nothing of the direct path, and no NAT.
    t trace -r open-s2 --format=ladder --ascii --width 100
    [ "$status" -eq 2 ]
    [[ $output == *"2 indirect bubble"*"3 forwarded bubble"*"inconclusive: "* ]]
    [[ $output != *"NAT"* && $output != *"1 direct bubble"* ]]
}

@test "--format=ladder, mermaid and svg: what did not arrive ends in a cross" {
    t lab -q --nat-b symmetric --pcap-each strict
    [ "$status" -eq 1 ]
    t trace -r strict-a strict-b --format=ladder --ascii --width 100
    arrow ' \+[0-9.]+ .*\|-+ 3 forwarded bubble -+>\|$'
    arrow ' \+[0-9.]+ .*X<-+ 4 direct bubble with the nonce -+\|$'
    [[ $output != *"5 data"* ]]
    t trace -r strict-a strict-b --format=mermaid
    [ "${lines[0]}" = sequenceDiagram ]
    arrow '^    P[0-9]+->>P[0-9]+: \+[0-9.]+ ms 3 forwarded bubble$'
    arrow '^    P[0-9]+-xP[0-9]+: \+[0-9.]+ ms 4 direct bubble with the nonce$'
    t trace -r strict-a strict-b --format=svg
    xmllint --noout - <<<"$output"
    [[ $output == *"4 direct bubble with the nonce"* && $output == *'class="cross"'* ]]
}

@test "a chart for each hole punch; a capture without one is a chart too" {
    t lab -q --pcap-each two -- sh -c 'teredoctl trace -q && teredoctl trace -q'
    [ "$status" -eq 0 ]
    t trace -r two-a --format=ladder --ascii
    [ "$(grep -c '4 direct bubble' <<<"$output")" -eq 2 ]
    [[ $output == *"2 hole punches: 2 punched"* ]]
    t trace -r two-a --format=mermaid
    [ "$(grep -c '^sequenceDiagram$' <<<"$output")" -eq 1 ]
    [ "$(grep -c '4 direct bubble' <<<"$output")" -eq 2 ]
    t trace -r two-a --count 1 --format=svg
    xmllint --noout - <<<"$output"
    [ "$(grep -c '4 direct bubble' <<<"$output")" -eq 1 ]
    t lab -q --pcap-each none -- teredoctl qualify
    for format in mermaid svg; do
        t trace -r none-a --format="$format"
        [ "$status" -eq 2 ]
        [[ $output == *"no hole punch was found"* ]]
    done
    xmllint --noout - <<<"$output"
}

@test "json, jsonl and tsv of two vantage points: each step where it was seen, and the clocks" {
    local punch='.verdict == "punched" and .cause == "none" and .side == "initiator" and .both_sides
        and .initiator.local.address == "100.64.1.2" and .initiator.mapped.address == "203.0.113.10"
        and .peer.mapped.address == "198.51.100.20" and .peer.server.address == "192.0.2.129"
        and [.steps[].step] == [1, 2, 3, 4, 5]
        and [.steps[].state] == ["sent", "sent", "observed", "received", "received"]
        and (.steps[2].views | map(.capture)) == ["seen-b"]
        and (.steps[3].views | map(.capture, .place)) == ["seen-b", "sender", "seen-a", "receiver"]'
    t lab -q --delay 5ms --pcap-each seen
    [ "$status" -eq 0 ]
    t trace -r seen-a seen-b --format=jsonl
    [ "$status" -eq 0 ]
    jq -se '[.[].event] | unique == ["client_qualification", "clock", "punch", "summary"]' <<<"$output"
    jq -se '.[0] | .event == "clock" and .capture == "seen-b" and .reference == "seen-a" and .packets > 0
        and .error_s > 0 and (.offset_s | fabs) <= .error_s' <<<"$output"
    jq -se ".[] | select(.event == \"punch\") | $punch" <<<"$output"
    jq -se '.[-1] | .event == "summary" and .punches == 1 and .punched == 1 and .qualifications == 2' <<<"$output"
    t trace -r seen-a seen-b --format=json
    [ "$status" -eq 0 ]
    jq -e ".schema == 1 and .command == \"trace\" and (.events[] | select(.event == \"punch\") | $punch)" <<<"$output"
    t trace -r seen-a --peer 2001:0:c000:281::1 --format=json
    [ "$status" -eq 2 ]
    jq -e '.events[-1].punches == 0' <<<"$output"
    t trace -r seen-a --format=tsv
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *$'Z\tpunched\tnone\t2001:0:c000:201:'*$'\tinitiator\tnonce\t198.51.100.20:'* ]]
}

# follow READY OPTION…: `trace --passive` on a terminal in the lab, and beside it a hole punch as soon
# as the screen shows READY; all that came to the screen is then in $output.
follow() {
    local ready=$1
    shift
    t lab -q -- bash -c '
        TERM=xterm script -qfec "stty cols 130 rows 24; exec teredoctl trace --passive --color=never $2" screen \
            </dev/null >/dev/null 2>&1 &
        until grep -aqs "$1" screen; do sleep 0.05; done
        teredoctl trace -q
        wait "$!"' follow "$ready" "$*"
    output=$(cat screen)
    cat -v screen
}

@test "--passive --watch shows the peers in a table, and leaves the screen as it was" {
    follow 'last step' --watch --count 1
    [ "$status" -eq 0 ]
    local row='2001:0:c000:281:[0-9a-f:]+ +198\.51\.100\.20:[0-9]+ +punched: none +[0-9]+\.[0-9]+ +[0-9]+ s'
    [[ $output == *$'\e[?1049h'*$'\e[?1049l'* ]]
    # After the first screen is back: the table once more, and the summary.
    grep -aqE "^$row" <<<"${output##*$'\e[?1049l'}"
    [[ ${output##*$'\e[?1049l'} == *"1 hole punch: 1 punched"* ]]
    [[ ${output##*$'\e[?1049l'} != *$'\e[?1049h'* ]]
}

@test "--passive tells a hole punch as it happens" {
    follow 'following any' --count 1
    [ "$status" -eq 0 ]
    [[ $output == *"hole punch 1, "*"punched: "*"1 hole punch: 1 punched"* ]]
}
