#!/usr/bin/env bats
# The emulated internet, as a user meets it; as an ordinary user too (the last tests).

bats_require_minimum_version 1.5.0
load ../wait

setup() {
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    export LC_ALL=C.UTF-8
}

# punch NAT-A NAT-B: the verdict and the cause of a trace between them
punch() {
    for _ in 1 2 3 4 5; do
        run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a "$1" --nat-b "$2" --format=json
        # shellcheck disable=SC2154 # stderr is bats'
        echo "$output" "$stderr"
        result=$(jq -r '.verdict + " " + .cause' <<<"$output")
        # Answers that come late, on a busy machine, are missing; the advice is to repeat the trace.
        [[ $result == *" direct_answer_missing" ]] || break
    done
}

@test "two port-restricted NATs are punched, and the five steps are told in order" {
    punch port-restricted port-restricted
    [ "$status" -eq 0 ]
    [ "$result" = "punched none" ]
    [ "$(jq -c '[.steps[].state]' <<<"$output")" = '["sent","sent","inferred","received","received"]' ]
    jq -e '.steps[0].offset_s == 0 and .steps[1].offset_s >= 0 and
           .steps[3].offset_s >= .steps[1].offset_s and
           .steps[4].offset_s >= .steps[3].offset_s' <<<"$output"
}

@test "RFC 6081's table: a symmetric NAT reaches what filters less than address and port" {
    local pair
    for pair in "symmetric cone punched none" "symmetric none punched none" \
        "symmetric address-restricted punched none" "cone symmetric punched peer_remapped" \
        "address-restricted symmetric punched peer_remapped" \
        "none symmetric punched peer_remapped"; do
        # shellcheck disable=SC2086
        set -- $pair
        punch "$1" "$2"
        [ "$status" -eq 0 ]
        [ "$result" = "$3 $4" ]
    done
}

@test "a symmetric NAT against a port-restricted one is blocked, and the trace says so" {
    punch port-restricted symmetric
    [ "$status" -eq 1 ]
    [ "$result" = "not_punched peer_nat_symmetric" ]
}

@test "a stateful firewall without translation is punched like a port-restricted NAT" {
    punch firewall firewall
    [ "$status" -eq 0 ]
    [ "$result" = "punched none" ]
}

@test "cone, address-restricted and no NAT at all are punched" {
    local nat
    for nat in none cone address-restricted; do
        punch "$nat" port-restricted
        [ "$status" -eq 0 ]
        [ "$result" = "punched none" ]
        punch port-restricted "$nat"
        [ "$status" -eq 0 ]
        [ "$result" = "punched none" ]
    done
}

@test "without UDP at A the own server is silent: inconclusive" {
    punch blocked none
    [ "$status" -eq 2 ]
    [ "$result" = "inconclusive own_server_silent" ]
}

@test "without UDP at B the peer is silent" {
    punch none blocked
    [ "$status" -eq 1 ]
    [ "$result" = "not_punched peer_silent" ]
    [[ $stderr == *"host b could not qualify"* ]]
}

@test "the lab draws the seed's figure, with what each NAT did" {
    run timeout 120 "$TEREDOCTL" lab --width 120
    [ "$status" -eq 0 ]
    [[ $output == *"1 direct bubble"* ]]
    [[ $output == *"2 indirect bubble"* ]]
    [[ $output == *"3 bubble with origin"* ]]
    [[ $output == *"4 direct bubble"* ]]
    [[ $output == *"5 echo reply"* ]]
    [[ $output == *"NAT A"*"server 2"*"NAT B"* ]]
    [[ $output == *"filter opened towards 198.51.100.20"* ]]
    [[ $output == *"discarded: nothing was sent to 203.0.113.10"* ]]
    [[ $output == *"✗"* ]]
}

@test "the ladder does without line-drawing characters, and keeps to the width" {
    run timeout 120 "$TEREDOCTL" lab --ascii --width 80
    [ "$status" -eq 0 ]
    [[ $output != *"│"* ]]
    # The ladder begins after the empty line.
    while IFS= read -r line; do
        [ "${#line}" -le 80 ]
    done < <(sed '1,/^$/d' <<<"$output")
}

@test "COMMAND runs on host a with its server and its peer, and its exit status is the lab's" {
    # shellcheck disable=SC2016
    run timeout 120 "$TEREDOCTL" lab -- sh -c 'echo "$TEREDO_SERVER $TEREDO_PEER"; exit 7'
    [ "$status" -eq 7 ]
    [[ $output == "192.0.2.1 2001:0:c000:281:"* ]]
}

@test "teredoctl in COMMAND is this teredoctl, and needs no arguments there" {
    run timeout 120 "$TEREDOCTL" lab -- teredoctl trace -q
    [ "$status" -eq 0 ]
    [[ $output == "punched: "* ]]
}

@test "--on chooses the host" {
    # shellcheck disable=SC2016
    run timeout 120 "$TEREDOCTL" lab --on b -- sh -c 'teredoctl qualify --format=json'
    [ "$status" -eq 0 ]
    [ "$(jq -r .mapped.address <<<"$output")" = 198.51.100.20 ]
    [ "$(jq -r .local.address <<<"$output")" = 100.64.2.2 ]
}

@test "--also runs another command beside it, on another host, and ends it with the lab" {
    # shellcheck disable=SC2016
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a cone \
        --also 's1=exec teredoctl serve -q --address 192.0.2.1 --port 5555' --also 'b=echo hello from b' -- \
        sh -c 'until teredoctl qualify -q 192.0.2.1:5555; do sleep 0.05; done'
    [ "$status" -eq 0 ]
    [[ $(tail -n 1 <<<"$output") == "qualified: "* ]]
    # shellcheck disable=SC2154 # stderr is bats'
    [[ $stderr == *"hello from b"* ]]
    for wrong in x=true s1 s1=; do
        run "$TEREDOCTL" lab --also "$wrong" -- true
        [ "$status" -eq 64 ]
    done
}

@test "what --also runs has the environment of COMMAND: TEREDO_SERVER, TEREDO_PEER, PATH" {
    # shellcheck disable=SC2016
    run --separate-stderr timeout 120 "$TEREDOCTL" lab \
        --also 'a=echo "a has $TEREDO_SERVER $TEREDO_PEER $TEREDO_EXTRA_PORT"; touch "$BATS_TEST_TMPDIR/a"' \
        --also 'b=echo "b has $TEREDO_SERVER $TEREDO_PEER $TEREDO_EXTRA_PORT"; touch "$BATS_TEST_TMPDIR/b"' \
        --also 's2=echo "s2 has $TEREDO_SERVER, and $(command -v teredoctl)"; touch "$BATS_TEST_TMPDIR/s2"' -- \
        sh -c 'until [ -e "$BATS_TEST_TMPDIR/a" ] && [ -e "$BATS_TEST_TMPDIR/b" ] && [ -e "$BATS_TEST_TMPDIR/s2" ]; do sleep 0.05; done
            echo "$TEREDO_PEER"; command -v teredoctl'
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    # shellcheck disable=SC2154 # stderr is bats'
    [[ $stderr == *"a has 192.0.2.1 ${lines[0]} 3546"* ]]
    [[ $stderr == *"b has 192.0.2.129 ${lines[0]} 3546"* ]]
    [[ $stderr == *"s2 has 192.0.2.1, and ${lines[1]}"* ]]
}

@test "a command that is not there is 127, one that is killed 128 plus the signal" {
    run timeout 120 "$TEREDOCTL" lab -- /nonexistent
    [ "$status" -eq 127 ]
    # shellcheck disable=SC2016
    run timeout 120 "$TEREDOCTL" lab -- sh -c 'kill -TERM $$'
    [ "$status" -eq 143 ]
}

@test "qualify tells each NAT of the lab" {
    local pair
    for pair in none:none cone:cone_or_restricted port-restricted:cone_or_restricted \
        symmetric:symmetric firewall:none; do
        run timeout 120 "$TEREDOCTL" lab --nat-a "${pair%:*}" -- teredoctl qualify --format=json
        [ "$(jq -r .nat <<<"$output")" = "${pair#*:}" ]
    done
}

@test "delays are kept: a round trip of 50 ms takes 50 ms" {
    # A busy machine adds to some of them.
    run timeout 120 "$TEREDOCTL" lab --delay 12.5ms -- sh -c '
        for i in 1 2 3 4 5 6 7 8 9 10; do teredoctl qualify --format=json || exit; done'
    [ "$status" -eq 0 ]
    jq -es 'map(.rtt_s) | min >= 0.050 and min < 0.100' <<<"$output"
}

@test "a punch over links that lose packets ends punched, or says that it did not" {
    run timeout 40 "$TEREDOCTL" lab --loss 10% --jitter 2ms --delay 5ms --duplicate 5% \
        --reorder 5% --seed 7 --format=json
    [ "$status" -le 2 ]
    jq -e '.verdict' <<<"$output"
}

@test "an unreachable host is told by ICMP through the NAT: a hint, believed when the time is up" {
    run timeout 120 "$TEREDOCTL" lab -- teredoctl qualify --timeout 1 --format=json 192.0.2.77
    [ "$status" -eq 1 ]
    [ "$(jq -r .reason <<<"$output")" = host_unreachable ]
    jq -e '.elapsed_s >= 1 and .icmp.code == 1 and .icmp.from == "192.0.2.254"' <<<"$output"
}

@test "--pcap: tshark reads the merged capture, and finds the bubbles" {
    run timeout 120 "$TEREDOCTL" lab -q --pcap "$BATS_TEST_TMPDIR/all.pcap"
    [ "$status" -eq 0 ]
    run tshark -r "$BATS_TEST_TMPDIR/all.pcap" -Y 'ipv6.nxt == 59' -T fields -e ip.dst
    [ "$status" -eq 0 ]
    [[ $output == *198.51.100.20* ]]
    run tshark -r "$BATS_TEST_TMPDIR/all.pcap" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE \
        -Y '_ws.malformed || udp.checksum.status == 0 || ip.checksum.status == 0'
    [ "$status" -eq 0 ]
    [[ $output != *UDP* ]]
}

@test "--pcap-each: a file for each vantage point" {
    run timeout 120 "$TEREDOCTL" lab -q --pcap-each "$BATS_TEST_TMPDIR/each.pcap"
    [ "$status" -eq 0 ]
    for place in a nat-a b nat-b s1 s2; do
        [ -s "$BATS_TEST_TMPDIR/each-$place.pcap" ]
    done
}

@test "usage errors are 64 and name what is valid" {
    run "$TEREDOCTL" lab --nat-a nonsense
    [ "$status" -eq 64 ]
    [[ $output == *port-restricted* ]]
    run "$TEREDOCTL" lab --on nowhere -- true
    [ "$status" -eq 64 ]
    run "$TEREDOCTL" lab --loss lots
    [ "$status" -eq 64 ]
    run "$TEREDOCTL" lab --format xml
    [ "$status" -eq 64 ]
}

@test "a capture file that cannot be created is 73" {
    run timeout 120 "$TEREDOCTL" lab -q --pcap /nonexistent/x.pcap
    [ "$status" -eq 73 ]
}

@test "killed in the middle, the lab leaves nothing behind" {
    local nap=1234.$$ status=0
    sleeps() { pgrep -xf "sleep $nap"; }
    awake() { ! sleeps; }
    "$TEREDOCTL" lab -- sleep "$nap" 3>&- &
    wait_for sleeps
    kill -KILL "$!"
    wait "$!" || status=$?
    [ "$status" -eq 137 ]
    wait_for awake
}

@test "listen tells in jsonl when its mapping has changed" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a port-restricted,timeout=1s,ports=random -- \
        teredoctl listen --refresh 2 --duration 4 --format=jsonl
    [ "$status" -eq 0 ]
    jq -se '[.[] | select(.event == "mapping_changed")][0]
        | .mapped != .mapped_before and .mapped.address == .mapped_before.address' <<<"$output"
    jq -se '.[-1].event == "summary" and .[-1].mapping_changes >= 1' <<<"$output"
}

@test "an ordinary user has the whole lab too" {
    if [ "$(id -u)" -ne 0 ]; then
        skip "is an ordinary user already: every test here shows it"
    fi
    can_become nobody || skip "this root cannot become an ordinary user: $CANNOT"
    cp "$(command -v "${TEREDOCTL_PROGRAM:-$TEREDOCTL}")" "$BATS_TEST_TMPDIR/teredoctl"
    chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR/teredoctl"
    run setpriv --reuid=65534 --regid=65534 --clear-groups env -C / timeout 120 \
        "$BATS_TEST_TMPDIR/teredoctl" lab --width 100
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"punched: "* ]]
    [[ $output == *"5 echo reply"* ]]
}

@test "--format=ladder, mermaid and svg draw what passed everywhere, with the trace's verdict" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --format=ladder --width 100
    [ "$status" -eq 0 ]
    [[ $output == "A behind port-restricted"*"discarded: nothing was sent"*"3 bubble with origin"*"punched: both NATs are open"* ]]
    # Every vantage point is here: nothing is inferred.
    [[ $output != *"dashed"* ]]
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --format=mermaid --nat-b symmetric
    [ "$status" -eq 1 ]
    [[ ${lines[0]} == sequenceDiagram ]]
    [[ $output == *"-x"*"not punched: "* ]]
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --format=svg
    [ "$status" -eq 0 ]
    xmllint --noout - <<<"$output"
    [[ $output == *"class=\"cross\""*"class=\"yes\">punched"* ]]
}

@test "in the lab, a trace's ladder has the NATs that it knows of" {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a cone --nat-b symmetric -- \
        teredoctl trace --format=ladder --width 120 --control-ttl 0
    [ "$status" -eq 0 ]
    [[ $output == *"NAT A: 203.0.113.10:"*"NAT B: 198.51.100.20:"* ]]
    [[ $output == *"comes from 198.51.100.20:"* ]]
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a none -- \
        teredoctl trace --format=ladder --width 120 --control-ttl 0
    [ "$status" -eq 0 ]
    [[ $output != *"NAT A"* && $output == *"NAT B?"* ]]
}

@test "--pcap and --pcap-each on a full disk: the reason and the file's name; exit 74" {
    for option in pcap pcap-each; do
        run --separate-stderr unshare -rm bash -c '
            mkdir -p small && mount -t tmpfs -o size=8k tmpfs small || exit 78
            head -c 8192 /dev/zero >small/filler 2>filler.err
            "$1" lab -q --seed 1 --$2 small/run.pcap' bash "$TEREDOCTL" $option
        [ "$status" -ne 78 ] || skip "this user may not mount a tmpfs"
        echo "$status: $stderr"
        [ "$status" -eq 74 ]
        [[ $stderr == *"cannot write small/run"*".pcap: No space left on device" ]]
        # What the trace has found is not lost.
        [[ $output == punched:* ]]
    done
}
