#!/usr/bin/env bash
# Writes packets with random values of every option of `teredoctl bubble` that sets a field, into the
# working directory: all.pcap, the packets, behind one that is not random; want.jsonl, what is to be
# found in each random one; options, what bubble was told; written.jsonl, what bubble says of them.
# In want.jsonl a text that begins with ~ is a pattern, for what is bubble's own to choose. A script
# of its own, for in a bats file each of its commands would take ten times as long.
#
# usage: random_bubbles.bash SEED COUNT     TEREDOCTL names the binary
set -u -o pipefail
RANDOM=$1

# Each of these sets REPLY, and none runs in a shell of its own, whose RANDOM would be another.

# below N: a number from 0
below() {
    REPLY=$(((RANDOM << 15 | RANDOM) % $1))
}

# one_in N: true so often
one_in() {
    ((RANDOM % $1 == 0))
}

# hex SIZE: so many bytes
hex() {
    local left bytes='' byte
    for ((left = $1; left > 0; left--)); do
        printf -v byte '%02x' $((RANDOM >> 4 & 0xff))
        bytes+=$byte
    done
    REPLY=$bytes
}

# How many bytes a value of up to 255 gets: mostly few
size() {
    REPLY=$((RANDOM % 20))
    ! one_in 20 || REPLY=255
}

# An IPv4 address without an octet of 0 or 255, so that no group of what it becomes in a Teredo
# address is 0; sets OCTETS too.
ip4() {
    OCTETS=($((1 + RANDOM % 223)) $((1 + RANDOM % 254)) $((1 + RANDOM % 254)) $((1 + RANDOM % 254)))
    REPLY=${OCTETS[0]}.${OCTETS[1]}.${OCTETS[2]}.${OCTETS[3]}
}

# ADDRESS and PORT of an endpoint
endpoint() {
    ip4
    ADDRESS=$REPLY
    below 65535
    PORT=$((REPLY + 1))
}

# An IPv6 address as RFC 5952 writes it
ip6() {
    local short=(:: ::1 fe80::1 ff02::2 2001:db8:: 2001:db8:0:1::1 64:ff9b::1 2001:db8::1:0:0:1) group text=''
    if one_in 8; then
        REPLY=${short[RANDOM % 8]}
        return
    fi
    for ((group = 0; group < 8; group++)); do
        below 65535
        printf -v REPLY ':%x' $((REPLY + 1))
        text+=$REPLY
    done
    REPLY=${text#:}
}

# A Teredo address; its SERVER, and its mapped ADDRESS and PORT
teredo() {
    local groups text group
    ip4
    SERVER=$REPLY
    groups=($((OCTETS[0] << 8 | OCTETS[1])) $((OCTETS[2] << 8 | OCTETS[3])))
    below 65535
    groups+=($((REPLY + 1)))
    endpoint
    groups+=($((PORT ^ 0xffff)) $(((OCTETS[0] << 8 | OCTETS[1]) ^ 0xffff)) $(((OCTETS[2] << 8 | OCTETS[3]) ^ 0xffff)))
    text=2001:0
    for group in "${groups[@]}"; do
        printf -v group ':%x' "$group"
        text+=$group
    done
    REPLY=$text
}

# number NAME N [LEAST]: adds --NAME with one of N numbers from LEAST (0), in decimal or hexadecimal
number() {
    local text
    below "$2"
    text=$((REPLY += ${3:-0}))
    ! one_in 2 || printf -v text '0x%x' "$REPLY"
    args+=("--$1=$text")
}

# trailer TYPE NAME VALUE: that one is expected
trailer() {
    trailers+="${trailers:+,}{\"type\":$1,\"name\":$2,\"value\":\"$3\"}"
    trailer_count=$((trailer_count + 1))
}

add_trailer() {
    local type count value text words=('' '=solicitation' '=advertisement' '=7' '=0xfe') bytes=(00 00 01 07 fe)
    case $((RANDOM % 7)) in
    0)
        hex 4
        args+=("--nonce-trailer=$REPLY")
        trailer 1 '"nonce"' "$REPLY"
        ;;
    1)
        args+=(--nonce-trailer)
        trailer 1 '"nonce"' '~^[0-9a-f]{8}$'
        ;;
    2)
        value=0000 text=''
        for ((count = 1 + RANDOM % 4; count > 0; count--)); do
            endpoint
            text+=",$ADDRESS:$PORT"
            printf -v REPLY '%02x' "${OCTETS[@]}"
            value+=$REPLY
            printf -v REPLY '%04x' "$PORT"
            value+=$REPLY
        done
        args+=("--alternate-address=${text#,}")
        trailer 3 '"alternate_address"' "$value"
        ;;
    3)
        count=$((RANDOM % 5))
        args+=("--nd-option${words[count]}")
        trailer 4 '"nd_option"' "${bytes[count]}000000"
        ;;
    4)
        below 65535
        args+=("--random-port=$REPLY")
        printf -v REPLY '%04x' "$REPLY"
        trailer 5 '"random_port"' "$REPLY"
        ;;
    *)
        # Any but the known ones. Those from 40 to 7f ask for the packet to be discarded.
        type=$((RANDOM % 251 + 5))
        ((type > 5)) || type=0
        ((type < 0x40 || type >= 0x80)) || discard=trailer_must_discard
        size
        hex "$REPLY"
        printf -v text '%x' "$type"
        args+=("--trailer=$text:$REPLY")
        trailer "$type" null "$REPLY"
        ;;
    esac
}

# What the payload and its length are, if they are nobody's message: from here on, `lie` says that
# the length is one.
choose_payload() {
    local size=0
    payload=''
    if one_in 2; then
        size=$((RANDOM % 40))
        ! one_in 30 || size=1400
        hex "$size"
        payload=$REPLY
        args+=("--payload=$payload")
    fi
    length=$size
    if [ -n "$lie" ] && one_in 2; then
        # Beyond what there is: all of it is payload then.
        length=$((size + 1 + RANDOM))
        problem=ip6_payload_length kind=null
        args+=("--payload-length=$length")
    elif [ -n "$lie" ]; then
        # Short of it: the rest stands where trailers do, and is none.
        hex "$((RANDOM % 20))"
        tail=01ff$REPLY
        args+=("--payload=$payload$tail" "--payload-length=$length")
        problem=trailer_length
    elif one_in 4; then
        args+=("--payload-length=$length")
    fi
}

# A bubble, an echo request or a solicitation: sets payload, length, next and kind
choose_message() {
    local options=''
    length='' next=59 kind=''
    case $shape in
    echo)
        args+=(--echo)
        hop=64 next=58 kind='"echo_request"'
        payload='~^8000[0-9a-f]{8}0001[0-9a-f]{16}$' length=16
        if one_in 2; then
            hex $((RANDOM % 40))
            args+=("--payload=$REPLY")
            payload="~^8000[0-9a-f]{8}0001$REPLY\$" length=$((8 + ${#REPLY} / 2))
        fi
        ;;
    rs)
        args+=(--rs)
        hop=255 next=58 kind='"rs"' source=fe80::ffff:ffff:ffff destination=ff02::2
        if one_in 2; then
            hex 6
            options=0101$REPLY
            args+=("--payload=$options")
        fi
        payload="~^8500[0-9a-f]{4}00000000$options\$" length=$((8 + ${#options} / 2))
        ;;
    bubble)
        if one_in 2; then
            number next-header 256
            next=$REPLY
            # Another's message of ICMPv6 would have to have a right checksum.
            if ((next == 58)); then
                next=60
                args+=(--next-header=60)
            fi
        fi
        choose_payload
        [ -n "$kind" ] || { ((next == 59 && length == 0)) && kind='"bubble"' || kind='"data"'; }
        ;;
    esac
}

choose_auth() {
    local id='' value='' nonce='~^[0-9a-f]{16}$' confirmation=0
    auth=null
    [ "$shape" != rs ] || auth=default
    if [ $auth = default ] && one_in 4; then
        args+=(--no-auth)
        auth=null
        return
    fi
    if one_in 4; then
        args+=(--auth)
        auth=given
    fi
    if one_in 3; then
        size
        hex "$REPLY"
        id=$REPLY auth=given
        args+=("--auth-id=0x$id")
    fi
    if one_in 3; then
        size
        hex "$REPLY"
        value=$REPLY auth=given
        args+=("--auth-value=$value")
    fi
    if one_in 3; then
        hex 8
        nonce=$REPLY auth=given
        args+=("--auth-nonce=$nonce")
    fi
    if one_in 3; then
        number confirmation 256
        confirmation=$REPLY auth=given
    fi
    [ $auth = null ] ||
        auth="{\"client_id\":\"$id\",\"value\":\"$value\",\"nonce\":\"$nonce\",\"confirmation\":$confirmation}"
}

# Where from and where to: anywhere, if the packet is certainly Teredo by itself; else between the
# two endpoints that the first packet has shown to speak it. Sets from and to.
choose_ends() {
    teredo
    peer=$REPLY
    to="{\"address\":\"$ADDRESS\",\"port\":$PORT}"
    [ "$shape" = rs ] || destination=$peer
    if [ -z "$certain" ]; then
        args+=(--from-address=192.0.2.7 --from-port=40000 --to=198.51.100.20:40000)
        from='{"address":"192.0.2.7","port":40000}' to='{"address":"198.51.100.20","port":40000}'
        [ "$shape" = rs ] || args+=("$peer")
        return
    fi
    args+=("$peer")
    case $((RANDOM % 4)) in
    0)
        args+=(--indirect)
        to="{\"address\":\"$SERVER\",\"port\":3544}"
        ;;
    1)
        endpoint
        args+=("--to=$ADDRESS:$PORT")
        to="{\"address\":\"$ADDRESS\",\"port\":$PORT}"
        ;;
    2) args+=(--direct) ;;
    3) [ "$shape" != rs ] || to="{\"address\":\"$SERVER\",\"port\":3544}" ;;
    esac
    endpoint
    args+=("--from-address=$ADDRESS")
    if one_in 4; then
        PORT=3544
    else
        args+=("--from-port=$PORT")
    fi
    from="{\"address\":\"$ADDRESS\",\"port\":$PORT}"
}

choose_addresses() {
    if [ -n "$given_source" ]; then
        ip6
        source=$REPLY
        args+=("--source=$source")
    fi
    if [ -z "$certain" ] && one_in 2; then
        ip6
        destination=$REPLY
        args+=("--destination=$destination")
    fi
}

choose_outer() {
    local checksums=(right zero wrong)
    ttl=64 tos=0 id=0 df=false checksum=right
    if one_in 2; then
        number ttl 255 1
        ttl=$REPLY
    fi
    if one_in 2; then
        number tos 256
        tos=$REPLY
    fi
    if one_in 2; then
        number ip-id 65536
        id=$REPLY
    fi
    if one_in 2; then
        args+=(--df)
        df=true
    elif one_in 2; then
        args+=(--df --no-df)
    fi
    if one_in 2; then
        checksum=${checksums[RANDOM % 3]}
        args+=("--checksum=$checksum")
    fi
}

choose_ip6() {
    class=0 flow=0
    if one_in 2; then
        number hop-limit 256
        hop=$REPLY
    fi
    if one_in 2; then
        number traffic-class 256
        class=$REPLY
    fi
    if one_in 2; then
        number flow-label 1048576
        flow=$REPLY
    fi
}

choose_trailers() {
    local left
    trailers='' trailer_count=0 discard=''
    [ -z "$lie" ] || return 0
    for ((left = RANDOM % 10 - 2; left > 0; left--)); do
        add_trailer
    done
    # One that has not the form of its type, and is none therefore
    if ((trailer_count < 8)) && one_in 8; then
        hex 3
        args+=("--trailer=5:$REPLY")
        tail=0503$REPLY
        problem=trailer_length
    fi
    problem=${discard:-$problem}
}

# Sets args, the options of a random packet, and WANT, what is to be found in it.
choose_packet() {
    local certain='' lie='' given_source='' shape peer source destination from to problem='' tail=''
    local ttl tos id df checksum auth origin=null hop=0 class flow length next kind payload trailers trailer_count discard
    local problems='' shapes=(bubble bubble bubble echo rs)
    shape=${shapes[RANDOM % 5]}
    args=() source='~^fe80::'
    ! one_in 2 || given_source=yes
    if one_in 2; then
        endpoint
        origin="{\"address\":\"$ADDRESS\",\"port\":$PORT}"
        args+=("--origin=$ADDRESS:$PORT")
    fi
    # A solicitation is certain by its addresses alone, and with a plausible origin.
    one_in 3 || certain=yes
    [ "$shape" != rs ] || [ -z "$given_source" ] || certain=''
    [ -n "$certain" ] || [ "$shape" != bubble ] || ! one_in 3 || lie=yes
    choose_message
    choose_ends
    choose_addresses
    choose_outer
    choose_auth
    choose_ip6
    choose_trailers
    [ "$checksum" != wrong ] || problems=udp_checksum
    problems=${problems:+\"$problems\"}${problem:+${problems:+,}\"$problem\"}
    printf -v WANT '{"from":%s,"to":%s,"ipv4":{"ttl":%s,"tos":%s,"id":%s,"dont_fragment":%s},"checksum":"%s",' \
        "$from" "$to" "$ttl" "$tos" "$id" "$df" "$checksum"
    printf -v REPLY '"kind":%s,"auth":%s,"origin":%s,"payload":"%s","trailers":[%s],"tail":%s,"problems":[%s],' \
        "$kind" "$auth" "$origin" "$payload" "$trailers" "${tail:+\"}${tail:-null}${tail:+\"}" "$problems"
    WANT+=$REPLY
    printf -v REPLY '"ipv6":{"source":"%s","destination":"%s","hop_limit":%s,"next_header":%s,"payload_length":%s,' \
        "$source" "$destination" "$hop" "$next" "$length"
    WANT+=$REPLY
    printf -v REPLY '"traffic_class":%s,"flow_label":%s}}' "$class" "$flow"
    WANT+=$REPLY
}

# Of the two endpoints of choose_ends, the first packet is certain.
"$TEREDOCTL" bubble --write 0000.pcap --format=jsonl --from-address=192.0.2.7 --from-port=40000 \
    --to=198.51.100.20:40000 2001:0:c000:281:1cda:63bf:39cc:9beb >written.jsonl
for ((number = 1; number <= $2; number++)); do
    choose_packet
    printf '%s\n' "${args[*]}" >>options
    printf '%s\n' "$WANT" >>want.jsonl
    printf -v name '%04d.pcap' "$number"
    "$TEREDOCTL" bubble --write "$name" --format=jsonl "${args[@]}" >>written.jsonl || {
        echo "packet $number: exit status $? of bubble ${args[*]}" >&2
        exit 1
    }
done
# All headers are alike.
{ head -c 24 0000.pcap && tail -q -c +25 [0-9]*.pcap; } >all.pcap
