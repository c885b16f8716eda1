#!/usr/bin/env bats
# What captures that people sent in show, a test a capture: verdicts that its evidence carries, and advice that
# it does not refute.

# jq has variables of its own; status and output are set by run
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load ../cli/lib

setup() {
    common_setup
    craft=${top_builddir:?}/tests/pcap/craft
}

teardown() {
    common_teardown
}

# The inverse of a number of DIGITS hexadecimal digits.
inverse() { # NUMBER DIGITS
    printf '%0*x' "$2" $(($1 ^ ((1 << 4 * $2) - 1)))
}

# An endpoint as it is obfuscated: port, then address.
obscured() { # ADDRESS:PORT
    local IFS=.
    # shellcheck disable=SC2086
    set -- ${1%:*} "${1##*:}"
    inverse "$5" 4
    inverse $(($1 << 24 | $2 << 16 | $3 << 8 | $4)) 8
}

# A Teredo address of the server 192.0.2.N.
teredo() { # N MAPPED
    echo "20010000c00002$(printf '%02x' "$1")0000$(obscured "$2")"
}

bubble() { # SOURCE DESTINATION [TRAILERS]
    echo "6000000000003b15$1$2${3-}"
}

origin() { # ENDPOINT
    echo "0000$(obscured "$1")"
}

nonce() { # NUMBER
    printf '0104%08x' "$1"
}

solicits=040400000000
advertises=040401000000

rs=000100000102030405060708006000000000083afffe800000000000000000ffffffffffffff02000000000000000000000000000285007d3700000000

# An advertisement of 192.0.2.1 or 192.0.2.129.
ra() { # ENDPOINT [129]
    local server=01 from=fdfe checksum=954c
    [ "${2-}" = 129 ] && server=81 from=fd7e checksum=954c
    echo "000100000102030405060708$(printf 00)$(origin "$1")6000000000383afffe800000000000008000f2273fff${from}fe800000000000000000ffffffffffff8600${checksum}0000000000000000000007d003044040ffffffffffffffff0000000020010000c00002${server}00000000000000000501000000000500"
}

# A frame of another flow, which no filter on Teredo's lets through.
still_there() { # MS
    echo "frame ffffffffffff0200000000020806000108000604000102000000000264400102000000000000644001fe at=$1"
}

# trace_of: of the lines of standard input, which is no pipe, so that the result is seen
trace_of() {
    "$craft" >capture.pcap
    t trace -r capture.pcap --format=json
}

punches() { # FILTER, of which the last result is true
    jq -ce ".events[] | select(.event == \"punch\") | $1" <<<"$output"
}

# Advice that is none where the peer's host is known to have heard the bubbles, and the like.
advises_no() { # WORDS…
    local word
    for word; do
        if punches .advice | grep -qF "$word"; then
            echo "it advises: $(punches .advice)"
            return 1
        fi
    done
}

same_nat() { # PAIRS
    local a b i
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 1 203.0.113.10:43000)
    for ((i = 0; i < $1; i++)); do
        echo "udp 10.1.0.2:41000 203.0.113.10:43000 $(bubble "$a" "$b" "$(nonce 7)") at=$((i * 2200 + 1000))"
        echo "udp 10.1.0.2:41000 192.0.2.1:3544 $(bubble "$a" "$b" "$(nonce 7)") at=$((i * 2200 + 1001))"
        echo "udp 192.0.2.1:3544 10.1.0.2:41000 $(origin 203.0.113.10:43000)$(bubble "$b" "$a" "$(nonce 7)") ttl=60 at=$((i * 2200 + 1050))"
    done
    still_there 60000
}

@test "two of one mapped address are behind one NAT, which does not hairpin" {
    trace_of < <(same_nat 4)
    [ "$status" -eq 1 ]
    punches '.cause == "same_nat" and .blame == "same_nat" and
        (.evidence | contains(["same_address", "indirect_answer", "direct_silence"]))'
    advises_no classify
    punches '.advice | contains("local network")'
    # The same seen from the peer, whose direct answers do not arrive.
    local a b i
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 1 203.0.113.10:43000)
    trace_of < <(
        for i in 1000 3200 5400 7600; do
            echo "udp 192.0.2.1:3544 10.1.0.3:43000 $(origin 203.0.113.10:41000)$(bubble "$a" "$b" "$(nonce 7)") ttl=60 at=$i"
            echo "udp 10.1.0.3:43000 203.0.113.10:41000 $(bubble "$b" "$a" "$(nonce 7)") at=$((i + 1))"
        done
        still_there 60000
    )
    [ "$status" -eq 1 ]
    punches '.cause == "same_nat" and .side == "peer"'
    # Of one pair less it might be loss, and is not said to be a NAT's.
    trace_of < <(same_nat 3)
    punches '.cause == "direct_answer_missing" and .blame == "unknown" and
        (.evidence | contains(["same_address"]) and (contains(["direct_silence"]) | not))'
}

# Bubbles that arrive at the peer, which answers none.
heard() {
    local a b i
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    echo "udp 10.2.0.2:40000 192.0.2.129:3544 $rs at=0"
    for i in 5000 7200 9400; do
        echo "udp 192.0.2.129:3544 10.2.0.2:40000 $(origin 203.0.113.10:41000)$(bubble "$a" "$b") ttl=60 at=$i"
    done
}

@test "the peer's host that heard the bubbles and sent nothing is told, and nothing that it refutes" {
    trace_of < <(heard; still_there 60000)
    [ "$status" -eq 1 ]
    punches '.cause == "peer_host_silent" and .blame == "peer" and .side == "peer" and
        (.evidence | contains(["forward_arrived", "peer_captured"]))'
    advises_no 'capture at the peer' off-line expired relay
    # The peer has no NAT, and so no address that would tell it: its qualification does.
    trace_of < <(
        echo "udp 198.51.100.20:40000 192.0.2.129:3544 $rs at=0"
        echo "udp 192.0.2.129:3544 198.51.100.20:40000 $(ra 198.51.100.20:40000 129) ttl=60 at=20"
        heard | sed '1d; s/10.2.0.2/198.51.100.20/'
        still_there 60000
    )
    [ "$status" -eq 1 ]
    punches '.cause == "peer_host_silent" and .side == "peer"'
}

@test "a peer that answers through a server alone is told where it is captured" {
    local a b i
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    for i in 5000 7200 9400 11600; do
        echo "udp 192.0.2.129:3544 10.2.0.2:40000 $(origin 203.0.113.10:41000)$(bubble "$a" "$b" "$(nonce $i)") ttl=60 at=$i"
        echo "udp 10.2.0.2:40000 192.0.2.1:3544 $(bubble "$b" "$a" "$(nonce $i)") at=$((i + 1))"
    done >frames
    trace_of < <(cat frames; still_there 60000)
    [ "$status" -eq 1 ]
    punches '.cause == "peer_answers_indirectly_only" and .blame == "peer"'
    # With its servers alone there, the direct answers may have been filtered out.
    trace_of < <(cat frames; echo "udp 10.2.0.2:9 192.0.2.1:9 00 at=60000")
    punches '.cause == "direct_path_unseen" and (.evidence | contains(["direct_silence"]) | not)'
}

@test "a capture that was filtered to one flow proves nothing about other flows" {
    local a b tail frame
    # At the peer: only packets of its server are there, also where the capture went on.
    tail="udp 10.2.0.2:40000 192.0.2.129:3544 $rs at=60000"
    trace_of < <(heard; echo "$tail")
    [ "$status" -eq 2 ]
    punches '.cause == "direct_path_unseen" and .blame == "unknown"'
    # What passes a filter for that server or for its port shows no more.
    for frame in 'udp 10.2.0.2:53 192.0.2.129:53 00' 'udp 10.2.0.2:9 203.0.113.77:3544 00'; do
        trace_of < <(heard; echo "$frame at=60000")
        [ "$status" -eq 2 ]
        punches '.cause == "direct_path_unseen"'
    done
    trace_of < <(heard; echo "udp 10.2.0.2:53 203.0.113.77:53 00 at=60000")
    punches '.cause == "peer_host_silent"'
    # At the initiator: an answer through its own server is not in a capture without that server.
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    for at in 1000 3200 5400 7600; do
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b") at=$at"
        echo "udp 10.1.0.2:41000 192.0.2.129:3544 $(bubble "$a" "$b") at=$at"
    done >pairs
    trace_of < <(cat pairs; echo "udp 10.1.0.2:9 192.0.2.129:9 00 at=60000")
    [ "$status" -eq 2 ]
    punches '.cause == "answer_paths_unseen" and .blame == "unknown"'
    trace_of < <(cat pairs; still_there 60000)
    [ "$status" -eq 1 ]
    punches '.cause == "no_answer"'
}

@test "frames that are cut too short to tell are no silence" {
    local a b
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    for at in 1000 3200 5400 7600; do
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b") at=$at"
        echo "udp 10.1.0.2:41000 192.0.2.129:3544 $(bubble "$a" "$b") at=$at"
        echo "udp 192.0.2.1:3544 10.1.0.2:41000 $(origin 198.51.100.20:40000)$(bubble "$b" "$a") ttl=60 at=$((at + 50)) cut=74"
    done >frames
    trace_of < <(cat frames; still_there 60000)
    [ "$status" -eq 2 ]
    punches '.cause == "answer_paths_unseen" and (.advice | contains("whole frames"))'
    sed -i 's/ cut=74//' frames
    trace_of < <(cat frames; still_there 60000)
    punches '.cause == "direct_path_blocked"'
}

# A capture at the initiator whose bubbles are answered through its server.
answered_indirectly() { # ORIGIN [TRAILERS]
    local a b i
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    for i in 1 2 3 4; do
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce $i)") at=$((i * 2200))"
        echo "udp 10.1.0.2:41000 192.0.2.129:3544 $(bubble "$a" "$b" "$(nonce $i)") at=$((i * 2200 + 1))"
        echo "udp 192.0.2.1:3544 10.1.0.2:41000 $(origin "$1")$(bubble "$b" "$a" "${2-}") ttl=60 at=$((i * 2200 + 50))"
    done
    still_there 60000
}

@test "the initiator's own qualification tells that its NAT is symmetric" {
    trace_of < <(
        echo "udp 10.1.0.2:41000 192.0.2.1:3544 $rs at=0"
        echo "udp 192.0.2.1:3544 10.1.0.2:41000 $(ra 203.0.113.10:41000) ttl=60 at=50"
        echo "udp 10.1.0.2:41000 192.0.2.2:3544 ${rs/010203/112233} at=100"
        echo "udp 192.0.2.2:3544 10.1.0.2:41000 $(ra 203.0.113.10:51000 | sed s/010203/112233/) ttl=60 at=150"
        answered_indirectly 198.51.100.20:40000
    )
    punches '.cause == "own_nat_symmetric" and .blame == "own_nat" and (.evidence | contains(["own_maps_anew"]))'
    advises_no 'peer'\''s NAT to reserve'
}

@test "the origin indication of the peer's indirect answers tells whose NAT is symmetric" {
    trace_of < <(answered_indirectly 198.51.100.20:40777)
    punches '.cause == "peer_nat_symmetric" and .blame == "peer_nat" and .peer_origin.port == 40777'
    trace_of < <(answered_indirectly 198.51.100.20:40000)
    punches '.cause == "direct_path_blocked" and .blame == "unknown"'
}

windows() { # fail|ok
    local a b i
    a=$(teredo 1 203.0.113.10:40000)
    b=$(teredo 129 198.51.100.20:41000)
    for i in 0 1 2 3; do
        echo "udp 192.168.1.2:40000 198.51.100.20:41000 $(bubble "$a" "$b" "$(nonce $((16 + i)))$solicits") ttl=128 at=$((i * 2000))"
        echo "udp 192.168.1.2:40000 192.0.2.129:3544 $(bubble "$a" "$b" "$(nonce $((32 + i)))") ttl=128 at=$((i * 2000 + 1))"
        echo "udp 192.0.2.1:3544 192.168.1.2:40000 $(origin 198.51.100.20:41001)$(bubble "$b" "$a" "$(nonce $((48 + i)))0502$(printf %04x $((52000 + i)))") ttl=115 at=$((i * 2000 + 80))"
        echo "udp 192.168.1.2:40000 198.51.100.20:$((52000 + i)) $(bubble "$a" "$b" "$(nonce $((48 + i)))$advertises") ttl=128 at=$((i * 2000 + 81))"
        if [ "$1" = ok ]; then
            echo "udp 198.51.100.20:52000 192.168.1.2:40000 $(bubble "$b" "$a" "$(nonce 32)$advertises") ttl=116 at=120"
            echo "udp 192.168.1.2:40000 198.51.100.20:52000 6000000000083a80$a${b}8000000000070001 ttl=128 at=121" |
                sed 's/80000000/8000'"$(icmp6_checksum "$a" "$b" 8000000000070001)"'/'
            echo "udp 198.51.100.20:52000 192.168.1.2:40000 6000000000083a80$b${a}8100000000070001 ttl=116 at=160" |
                sed 's/81000000/8100'"$(icmp6_checksum "$b" "$a" 8100000000070001)"'/'
            break
        fi
    done
    still_there 60000
}

icmp6_checksum() { # SOURCE DESTINATION MESSAGE
    local words sum=0 i
    words=$1$2$(printf '%08x0000003a' $((${#3} / 2)))$3
    for ((i = 0; i < ${#words}; i += 4)); do
        sum=$((sum + 0x${words:i:4}))
    done
    while ((sum > 65535)); do
        sum=$(((sum & 65535) + (sum >> 16)))
    done
    printf '%04x' $((sum ^ 65535))
}

@test "what a Windows client answers is no bubble pair, and the random port that it was told is used" {
    trace_of < <(windows fail)
    [ "$status" -eq 1 ]
    punches '.cause == "direct_path_blocked" and .attempts == 4 and .indirect_answers == 4 and .peer_random_port == 52003 and
        [.steps[:2][].state] == ["sent", "sent"] and (.evidence | contains(["random_port", "peer_maps_anew"]))'
    punches '[.steps[0], .steps[1]] | map(.offset_s) == [0, 0.001]'
    trace_of < <(windows ok)
    [ "$status" -eq 0 ]
    punches '.verdict == "punched" and .attempts == 1 and .advice == "" and .peer_random_port == 52000 and
        .answered_from.port == 52000 and (.evidence | contains(["random_port"])) and
        ([.steps[].state] == ["sent", "sent", "inferred", "received", "received"])'
}

@test "an answer to what lies before the capture is no hole punch" {
    local a b
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    trace_of < <(echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce 1)$advertises") at=0"; still_there 60000)
    [ "$status" -eq 2 ]
    json '.events | length == 1 and .[0].punches == 0'
    # A solicitation alone asks for no indirect bubble.
    trace_of < <(echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce 1)$solicits") at=0"; still_there 60000)
    punches '.cause == "no_indirect_bubble" and (.advice | contains("has none"))'
}

@test "who asks whether a path is open still begins no hole punch, unless an indirect bubble follows" {
    local a b
    a=$(teredo 1 203.0.113.10:41000)
    b=$(teredo 129 198.51.100.20:40000)
    {
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce 1)") at=0"
        echo "udp 10.1.0.2:41000 192.0.2.129:3544 $(bubble "$a" "$b" "$(nonce 2)") at=1"
        echo "udp 198.51.100.20:40000 10.1.0.2:41000 $(bubble "$b" "$a" "$(nonce 2)") ttl=60 at=100"
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 6000000000081140$a${b}1000200000080000 at=110"
        echo "udp 198.51.100.20:40000 10.1.0.2:41000 6000000000081140$b${a}2000100000080000 ttl=60 at=200"
        echo "udp 198.51.100.20:40000 10.1.0.2:41000 $(bubble "$b" "$a" "$(nonce 9)$solicits") ttl=60 at=50000"
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce 9)$advertises") at=50001"
        echo "udp 10.1.0.2:41000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce 10)$solicits") at=90000"
    } >frames
    trace_of < <(cat frames; still_there 200000)
    [ "$status" -eq 0 ]
    json '.events[-1].punches == 1'
    # It got no answer, and is the first step of what follows.
    echo "udp 10.1.0.2:41000 192.0.2.129:3544 $(bubble "$a" "$b" "$(nonce 11)") at=90001" >>frames
    trace_of < <(cat frames; still_there 200000)
    json '.events[-1].punches == 2'
    json '[.events[] | select(.event == "punch")][1] | .attempts == 1 and [.steps[:2][].state] == ["sent", "sent"]'
}

@test "a mapped endpoint stands beside the inside endpoint that its qualification showed, not a random port" {
    local a b qualification
    a=$(teredo 1 203.0.113.10:40000)
    b=$(teredo 129 198.51.100.20:40000)
    qualification="udp 10.1.0.2:41000 192.0.2.1:3544 $rs at=0
udp 192.0.2.1:3544 10.1.0.2:41000 $(ra 203.0.113.10:40000) ttl=60 at=50"
    {
        echo "udp 10.1.0.2:41000 192.0.2.129:3544 $(bubble "$a" "$b" "$(nonce 1)") at=1000"
        echo "udp 10.1.0.2:42000 198.51.100.20:40000 $(bubble "$a" "$b" "$(nonce 1)") at=1001"
        echo "udp 198.51.100.20:40000 10.1.0.2:42000 $(bubble "$b" "$a" "$(nonce 1)") ttl=60 at=1200"
        still_there 60000
    } >frames
    trace_of < <(echo "$qualification"; cat frames)
    punches '.initiator | .mapped.port == 40000 and .local.port == 41000'
    # Without it that of the indirect bubbles.
    trace_of <frames
    punches '.initiator | .mapped.port == 40000 and .local.port == 41000'
    # The direct bubble alone.
    trace_of < <(echo "$qualification"; sed 1d frames)
    punches '.initiator | .mapped.port == 40000 and .local.port == 41000'
}

@test "a flow with one bubble and data both ways is answered" {
    local b relay=fe80000000000000123456789abcdef0 far=20010db8000000000000000000000068
    b=$(teredo 1 203.0.113.10:41000)
    {
        echo "udp 192.0.2.1:3544 10.1.0.2:41000 $(origin 198.51.100.77:32900)$(bubble $relay "$b") ttl=60 at=0"
        echo "udp 10.1.0.2:41000 198.51.100.77:32900 $(bubble "$b" $relay) at=1"
        echo "udp 198.51.100.77:32900 10.1.0.2:41000 6000000000081140${far}${b}1000200000080000 ttl=60 at=50"
    } >frames
    "$craft" <frames >one.pcap
    t decode --summary --format=json one.pcap
    json '.hole_punches == 0 and .unanswered_punches == 1'
    echo "udp 10.1.0.2:41000 198.51.100.77:32900 6000000000081140${b}${far}2000100000080000 at=60" >>frames
    "$craft" <frames >both.pcap
    t decode --summary --format=json both.pcap
    json '.hole_punches == 1 and .unanswered_punches == 0'
    t decode --summary both.pcap
    [[ $output == *'0 with direct bubbles both ways, 1 one way with data both ways, 0 one way'* ]]
    t trace -r both.pcap --format=json
    punches '.verdict == "punched" and .initiator.relay'
}
