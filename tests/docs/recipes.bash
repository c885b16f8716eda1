# shellcheck shell=bash disable=SC2016,SC2154
# How the outputs in the documents are made that their own commands do not make (blocks.py). Each
# recipe prints one block's output; $COMMANDS are the commands that the block shows.

# without FROM TO: leaves out what stands between the first line that matches FROM and the next that
# matches TO
without() {
    awk -v from="$1" -v to="$2" '
        !out { print }
        out && $0 ~ to { out = 0; done = 1; print "       [...]"; print }
        !out && !done && $0 ~ from { out = 1 }
        END { if (out) print "nothing matches " to }'
}

quickstart() { # output: what ./quickstart ends with
    teredoctl lab --seed 2
}

blocked() { # output: a trace that fails, without its repeated pairs
    eval "$COMMANDS" | without 'server answers' '^not punched'
}

punching_table() { # output: the first line of the table alone
    eval "$COMMANDS" | awk '{ print } /^    none/ { print "    [...]"; exit }'
}

# in_lab_with_listener: the listener on b and the trace on a, into the files listen and trace
in_lab_with_listener() {
    teredoctl lab --on b --also 'a=until peer=$(head -n 1 listen 2>/dev/null) && [ -n "$peer" ]; do sleep 0.1; done
        teredoctl trace "$peer" --server 192.0.2.1 >trace' -- \
        sh -c 'teredoctl listen 192.0.2.129 --count 1 >listen; until grep -q punched trace; do sleep 0.1; done' 2>/dev/null
}

listened() { # output: a listener that one peer reaches
    in_lab_with_listener
    cat listen
}

traced() { # output: what that peer sees
    in_lab_with_listener
    echo "$ teredoctl trace $(head -n 1 listen) --server 192.0.2.1"
    cat trace
}

shared_port() { # output: a bubble from the port of another client on this host
    teredoctl lab --also 'a=teredoctl listen --local-port 5555 192.0.2.1 >other' -- sh -c '
        until grep -q 2001: other 2>/dev/null; do sleep 0.1; done
        echo "# teredoctl bubble --direct --indirect --from-port 5555 --wait 0.5 $TEREDO_PEER"
        teredoctl bubble --direct --indirect --from-port 5555 --wait 0.5' 2>&1
}

sent_again() { # output: a packet of a capture, with other fields
    teredoctl lab -- sh -c '
        teredoctl qualify --local-port 5555 --write a.pcap >/dev/null
        '"$COMMANDS" 2>&1
}

# serving OPTIONS: a server at 192.0.2.1 to which what follows comes from 203.0.113.10
serving() {
    unshare -rn bash -euc '
        ip link set lo up
        for address in 192.0.2.1 192.0.2.2 203.0.113.10; do ip addr add "$address/32" dev lo; done
        for address in 192.0.2.1 192.0.2.2; do
            ip route replace local "$address" dev lo table local src 203.0.113.10
        done
        teredoctl serve --address 192.0.2.1 '"$1"' >out 2>err &
        until grep -q ready out err; do sleep 0.05; done
        teredoctl qualify 192.0.2.1 --local-port 40000 --no-capture >/dev/null || :
        printf "not Teredo: GET " >/dev/udp/192.0.2.1/3544
        until grep -q "^State:[[:space:]]*S" "/proc/$!/status"; do sleep 0.05; done # all is read
        kill -INT $!
        wait'
}

served() { # output: a server's sum
    serving ''
    sed 's/^received/^C&/' out
}

served_aloud() { # output: packet by packet
    serving -v
    grep -v -e ^ready -e '^v' -e ': sandbox: ' err
}

served_json() { # output: one key of its JSON
    serving --format=json
    jq .advertised out
}

real_trap() { # output: a Linux NAT that keeps state for the bubble that it should discard
    (
        # shellcheck source=/dev/null
        source "${RECIPES%/docs/*}/real/internet.bash"
        TEST_DIR=$PWD
        trap internet_down EXIT
        internet_up
        our_server s1 192.0.2.1 192.0.2.2
        our_server s2 192.0.2.129 192.0.2.130
        our_listener b 192.0.2.129
        trap_at nb
        echo "$ teredoctl trace $PEER --server 192.0.2.1"
        in_ns a teredoctl trace "$PEER" --server 192.0.2.1
    ) 2>&1 | without 'server answers' '^not punched'
}

captured() { # output: a failed hole punch in captures, without the qualifications
    eval "$COMMANDS" | without '^clock' '^hole punch 1'
}

of_servers() { # output: of bash, with a list of servers of which one is not there
    printf '192.0.2.1\n192.0.2.77\n' >servers
    teredoctl lab -- bash -c "$COMMANDS"
}

in_lab() { # output: of commands that need TEREDO_SERVER and TEREDO_PEER
    teredoctl lab -- sh -c "$COMMANDS"
}
