# fish completion for teredoctl(1). tests/cli/completions.bats compares it with `teredoctl help` and
# each `--help`.

# The command: the first word that is no option. None of those before it takes a value.
function __teredoctl_command
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
    return 1
end

function __teredoctl_is
    contains -- (__teredoctl_command) $argv
end

# The words of the command line that runs in the lab; fails if none has begun.
function __teredoctl_lab_words
    set -l words (commandline -opc)
    set -l valued --{nat-a,nat-b,delay,jitter,loss,duplicate,reorder,seed,on,also,pcap,pcap-each,format,width,color}
    __teredoctl_is lab; or return 1
    set -l i (math (contains -i -- lab $words) + 1)
    while set -q words[$i]
        switch $words[$i]
            case --
                set -q words[(math $i + 1)]; and printf '%s\n' $words[(math $i + 1)..-1]
                return 0
            case '-*'
                contains -- $words[$i] $valued; and set i (math $i + 1)
            case '*'
                printf '%s\n' $words[$i..-1]
                return 0
        end
        set i (math $i + 1)
    end
    return 1
end

function __teredoctl_in_lab
    __teredoctl_lab_words >/dev/null
end

function __teredoctl_complete_lab_words
    set -l words (__teredoctl_lab_words) (commandline -ct)
    complete --do-complete=(string join ' ' -- $words)
end

function __teredoctl_takes
    __teredoctl_is $argv; and not __teredoctl_in_lab
end

# A NAT's word, then properties, separated by commas.
function __teredoctl_nat
    set -l token (commandline -ct | string replace -r '^--nat-[ab]=' '')
    set -l done (string match -r '^.*,' -- $token)
    set -l item (string replace -r '^.*,' '' -- $token)
    set -l name (string match -r '^[a-z]+(?==)' -- $item)
    set -l values
    switch "$name"
        case mapping filtering
            set values endpoint-independent address address-port
        case ports
            set values preserving sequential random
        case parity hairpin
            set values yes no
        case refresh
            set values outbound both
        case pooling
            set values paired arbitrary
        case pool
            set values 1 2 3 4
        case ''
            test -n "$done"
            or printf '%s\n' none cone address-restricted port-restricted symmetric firewall blocked
            printf '%s\n' "$done"{mapping,filtering,ports,step,range,parity,hairpin,timeout,refresh,pooling,pool}=
            return
    end
    for value in $values
        echo "$done$name=$value"
    end
end

complete -c teredoctl -f
complete -c teredoctl -n 'not __teredoctl_in_lab' -s '?' -l help -d 'Give a help list'
complete -c teredoctl -n 'not __teredoctl_in_lab' -l usage -d 'Give a short usage message'
complete -c teredoctl -n 'not __teredoctl_in_lab' -s V -l version -d 'Print the version'

set -l no_command 'not __teredoctl_command >/dev/null'
for where in $no_command '__teredoctl_takes help'
    complete -c teredoctl -n $where -a trace -d 'Punch a hole to a peer, and show each step'
    complete -c teredoctl -n $where -a qualify -d 'Get a Teredo address, learn how the NAT maps'
    complete -c teredoctl -n $where -a classify -d 'Find out what kind of NAT stands in the way'
    complete -c teredoctl -n $where -a check -d 'Check a server as a monitoring plugin'
    complete -c teredoctl -n $where -a listen -d 'Be the peer: answer bubbles'
    complete -c teredoctl -n $where -a serve -d 'Be a Teredo server'
    complete -c teredoctl -n $where -a bubble -d 'Send bubbles with every field as you choose'
    complete -c teredoctl -n $where -a lab -d 'An emulated internet with NATs of any kind'
    complete -c teredoctl -n $where -a addr -d 'Take Teredo addresses apart, or build one'
    complete -c teredoctl -n $where -a decode -d 'Find the Teredo packets in captures'
    complete -c teredoctl -n $where -a help -d 'Tell what a command does'
end

# What several commands share
set -l client '__teredoctl_takes trace qualify classify check listen'
complete -c teredoctl -n '__teredoctl_takes qualify classify check listen' -xa '(__fish_print_hostnames)'
complete -c teredoctl -n $client -l secondary -x -a '(__fish_print_hostnames)' -d "The server's secondary address"
complete -c teredoctl -n $client -l local-port -x -d 'Send from this UDP port'
complete -c teredoctl -n '__teredoctl_takes trace qualify classify listen' -l timeout -x -d 'Give a silent server up after this'
complete -c teredoctl -n '__teredoctl_takes trace qualify listen' -l attempts -x -a '1 2 3 4 5 6 7 8' -d 'Solicit each server address this many times'
complete -c teredoctl -n $client -l auth-id -x -d 'Client identifier for secure qualification'
complete -c teredoctl -n $client -l auth-secret-file -r -F -d 'File with the shared secret'
complete -c teredoctl -n $client -l allow-private -d 'Also use addresses that are not global unicast'
complete -c teredoctl -n $client -l write -r -F -d 'Save all packets as a capture'
complete -c teredoctl -n $client -l no-capture -d "Use the sockets' own timestamps"
complete -c teredoctl -n '__teredoctl_takes trace qualify classify check listen lab' -l color -x -a 'auto always never' -d Colour
complete -c teredoctl -n '__teredoctl_takes serve bubble addr decode' -l format -x -a 'text json jsonl tsv' -d 'How to print results'
complete -c teredoctl -n '__teredoctl_takes qualify classify check' -l format -x -a 'text json jsonl tsv openmetrics' -d 'How to print results'
complete -c teredoctl -n '__teredoctl_takes trace listen lab' -l format -x -a 'text json jsonl tsv ladder mermaid svg' -d 'How to print results'
complete -c teredoctl -n '__teredoctl_takes trace listen lab' -l ascii -d 'Draw the ladder without line-drawing characters'
complete -c teredoctl -n '__teredoctl_takes trace listen lab' -l width -x -d 'Width of the ladder'
complete -c teredoctl -n '__teredoctl_takes trace qualify classify check listen serve bubble lab addr decode' -l header -d 'With tsv: the names of the columns first'
complete -c teredoctl -n '__teredoctl_takes trace qualify classify check listen serve bubble lab addr decode' -s q -l quiet -d 'Print less'
complete -c teredoctl -n '__teredoctl_takes trace qualify classify check listen serve bubble lab decode' -s v -l verbose -d 'Print more'

complete -c teredoctl -n '__teredoctl_takes trace' -l server -x -a '(__fish_print_hostnames)' -d 'Our own Teredo server'
complete -c teredoctl -n '__teredoctl_takes trace' -l proof -x -a 'auto nonce link-local endpoint' -d 'What to ask the peer for as proof'
complete -c teredoctl -n '__teredoctl_takes trace' -l ttl -x -d 'Time to live of direct bubbles'
complete -c teredoctl -n '__teredoctl_takes trace' -l bubbles -x -a '1 2 3 4' -d 'Send at most this many bubble pairs'
complete -c teredoctl -n '__teredoctl_takes trace' -l from-port -x -d 'The same as --local-port'
complete -c teredoctl -n '__teredoctl_takes trace' -l own-address -x -d 'Our Teredo address, known already'
complete -c teredoctl -n '__teredoctl_takes trace' -s r -l read -r -F -d 'Find the hole punches in this capture'
complete -c teredoctl -n '__teredoctl_takes trace' -l passive -d 'Follow what others do on an interface'
complete -c teredoctl -n '__teredoctl_takes trace' -s i -l interface -x -a 'any (__fish_print_interfaces)' -d 'The interface of --passive'
complete -c teredoctl -n '__teredoctl_takes trace' -l peer -x -d 'Only hole punches that this client has part in'
complete -c teredoctl -n '__teredoctl_takes trace' -l filter -x -d 'Only packets that pass this filter'
complete -c teredoctl -n '__teredoctl_takes trace' -l tunnels -d 'Also look into GTP-U tunnels'
complete -c teredoctl -n '__teredoctl_takes trace' -l count -x -d 'End after this many hole punches'
complete -c teredoctl -n '__teredoctl_takes trace' -l watch -d 'With --passive: show the peers in a live table'
complete -c teredoctl -n '__teredoctl_takes trace' -l control-ttl -x -d "Time to live of the control's direct bubble"

complete -c teredoctl -n '__teredoctl_takes qualify' -l explain -d 'List every rule of the router advertisement'

complete -c teredoctl -n '__teredoctl_takes qualify' -l from-file -r -F -d 'Qualify with the servers in this file'
complete -c teredoctl -n '__teredoctl_takes qualify' -l rate -x -d 'Packets a second'
complete -c teredoctl -n '__teredoctl_takes qualify' -l sort -x -a 'arrival given rtt' -d 'In which order to report'

complete -c teredoctl -n '__teredoctl_takes trace qualify classify check' -l every -x -d 'Run again and again, at this interval'
complete -c teredoctl -n '__teredoctl_takes trace qualify classify check' -l on-change -d 'Report only what differs from the run before'
complete -c teredoctl -n '__teredoctl_takes trace qualify classify check' -l output -r -F -d 'Replace this file by the results'

complete -c teredoctl -n '__teredoctl_takes check' -s H -l hostname -x -a '(__fish_print_hostnames)' -d 'The server'
complete -c teredoctl -n '__teredoctl_takes check' -s p -l port -x -d 'Its UDP port'
complete -c teredoctl -n '__teredoctl_takes check' -s w -l warning -x -d 'WARNING if the round trip is outside of this'
complete -c teredoctl -n '__teredoctl_takes check' -s c -l critical -x -d 'CRITICAL if the round trip is outside of this'
complete -c teredoctl -n '__teredoctl_takes check' -s t -l timeout -x -d 'The longest that the check may take'

complete -c teredoctl -n '__teredoctl_takes classify' -l explain -d 'List the evidence'
complete -c teredoctl -n '__teredoctl_takes classify serve' -l extra-port -x -d 'A second port of the server'
complete -c teredoctl -n '__teredoctl_takes classify' -l lifetime -d 'Also measure how long a mapping lives'
complete -c teredoctl -n '__teredoctl_takes classify' -l max-idle -x -d 'The longest time to try'
complete -c teredoctl -n '__teredoctl_takes classify' -l resolution -x -d 'How close the bounds shall be'

complete -c teredoctl -n '__teredoctl_takes listen' -l refresh -x -d 'Refresh the mapping at this interval'
complete -c teredoctl -n '__teredoctl_takes listen' -l watch -d 'Show the peers in a live table'
complete -c teredoctl -n '__teredoctl_takes listen' -l count -x -d 'End when this many peers have reached us'
complete -c teredoctl -n '__teredoctl_takes listen serve' -l duration -x -d 'End after this time'

complete -c teredoctl -n '__teredoctl_takes serve' -l address -x -d 'Primary address'
complete -c teredoctl -n '__teredoctl_takes serve' -l secondary -x -d 'Secondary address'
complete -c teredoctl -n '__teredoctl_takes serve' -l port -x -d 'UDP port of both'
complete -c teredoctl -n '__teredoctl_takes serve' -l mtu -x -d 'MTU to advertise'
complete -c teredoctl -n '__teredoctl_takes serve' -l allow-private -d 'Also serve private addresses'
complete -c teredoctl -n '__teredoctl_takes serve' -l auth-secret-file -r -F -d 'Clients that may qualify securely'
complete -c teredoctl -n '__teredoctl_takes serve' -l require-auth -d "Answer nobody's solicitation but theirs"
complete -c teredoctl -n '__teredoctl_takes serve' -l user -x -a '(__fish_complete_users)' -d 'User to become when started as root'
complete -c teredoctl -n '__teredoctl_takes serve' -l count -x -d 'End after this many datagrams'

complete -c teredoctl -n '__teredoctl_takes bubble' -l direct -d 'To the mapped endpoint in the peer'
complete -c teredoctl -n '__teredoctl_takes bubble' -l indirect -d 'To the server in the peer'
complete -c teredoctl -n '__teredoctl_takes bubble' -l to -x -a '(__fish_print_hostnames)' -d 'To this endpoint'
complete -c teredoctl -n '__teredoctl_takes bubble' -l rs -d 'A router solicitation'
complete -c teredoctl -n '__teredoctl_takes bubble' -l echo -d 'An ICMPv6 echo request'
complete -c teredoctl -n '__teredoctl_takes bubble' -l from-file -r -F -d 'A packet of this capture'
complete -c teredoctl -n '__teredoctl_takes bubble' -l packet -x -d 'Which packet of the capture'
complete -c teredoctl -n '__teredoctl_takes bubble' -l from-address -x -d 'Source address'
complete -c teredoctl -n '__teredoctl_takes bubble' -l from-port -x -d "Source port, another program's too"
complete -c teredoctl -n '__teredoctl_takes bubble' -l spoof -d 'Allow a source that this host does not have'
complete -c teredoctl -n '__teredoctl_takes bubble' -l ttl -x -d 'Time to live'
complete -c teredoctl -n '__teredoctl_takes bubble' -l tos -x -d 'Type of service'
complete -c teredoctl -n '__teredoctl_takes bubble' -l df -d "Set the don't fragment bit"
complete -c teredoctl -n '__teredoctl_takes bubble' -l no-df -d "Clear the don't fragment bit"
complete -c teredoctl -n '__teredoctl_takes bubble' -l ip-id -x -d 'Identification'
complete -c teredoctl -n '__teredoctl_takes bubble' -l checksum -x -a 'right zero wrong' -d 'UDP checksum'
complete -c teredoctl -n '__teredoctl_takes bubble' -l auth -d 'An authentication header'
complete -c teredoctl -n '__teredoctl_takes bubble' -l no-auth -d 'No authentication header'
complete -c teredoctl -n '__teredoctl_takes bubble' -l auth-id -x -d 'Client identifier'
complete -c teredoctl -n '__teredoctl_takes bubble' -l auth-value -x -d 'Authentication value'
complete -c teredoctl -n '__teredoctl_takes bubble' -l auth-nonce -x -d 'Nonce of the authentication header'
complete -c teredoctl -n '__teredoctl_takes bubble' -l confirmation -x -d 'Confirmation byte'
complete -c teredoctl -n '__teredoctl_takes bubble' -l origin -x -d 'An origin indication'
complete -c teredoctl -n '__teredoctl_takes bubble' -l no-origin -d 'No origin indication'
complete -c teredoctl -n '__teredoctl_takes bubble' -l source -x -d 'IPv6 source'
complete -c teredoctl -n '__teredoctl_takes bubble' -l destination -x -d 'IPv6 destination'
complete -c teredoctl -n '__teredoctl_takes bubble' -l hop-limit -x -d 'Hop limit'
complete -c teredoctl -n '__teredoctl_takes bubble' -l traffic-class -x -d 'Traffic class'
complete -c teredoctl -n '__teredoctl_takes bubble' -l flow-label -x -d 'Flow label'
complete -c teredoctl -n '__teredoctl_takes bubble' -l next-header -x -d 'Next header'
complete -c teredoctl -n '__teredoctl_takes bubble' -l payload -x -d 'Payload in hexadecimal'
complete -c teredoctl -n '__teredoctl_takes bubble' -l payload-length -x -d 'Payload length, true or not'
complete -c teredoctl -n '__teredoctl_takes bubble' -l nonce-trailer -d 'Nonce trailer'
complete -c teredoctl -n '__teredoctl_takes bubble' -l alternate-address -x -d 'Alternate addresses'
complete -c teredoctl -n '__teredoctl_takes bubble' -l nd-option -x -a 'solicitation advertisement' -d 'Neighbor discovery option'
complete -c teredoctl -n '__teredoctl_takes bubble' -l random-port -x -d 'Random port'
complete -c teredoctl -n '__teredoctl_takes bubble' -l trailer -x -d 'Any trailer, as TYPE:HEX'
complete -c teredoctl -n '__teredoctl_takes bubble' -l no-trailers -d 'None of the trailers in the file'
complete -c teredoctl -n '__teredoctl_takes bubble' -l count -x -d 'Send so many times'
complete -c teredoctl -n '__teredoctl_takes bubble' -l interval -x -d 'Time from one to the next'
complete -c teredoctl -n '__teredoctl_takes bubble' -l rate -x -d 'Packets a second'
complete -c teredoctl -n '__teredoctl_takes bubble' -l wait -x -d 'Then listen so long'
complete -c teredoctl -n '__teredoctl_takes bubble' -l dry-run -d 'Send nothing, print each packet'
complete -c teredoctl -n '__teredoctl_takes bubble' -l write -r -F -d 'Send nothing, write a capture'

complete -c teredoctl -n '__teredoctl_takes lab' -l nat-a -x -a '(__teredoctl_nat)' -d "A's NAT"
complete -c teredoctl -n '__teredoctl_takes lab' -l nat-b -x -a '(__teredoctl_nat)' -d "B's NAT"
complete -c teredoctl -n '__teredoctl_takes lab' -l delay -x -d "Each link's delay one way"
complete -c teredoctl -n '__teredoctl_takes lab' -l jitter -x -d "Each link's delay varies by this"
complete -c teredoctl -n '__teredoctl_takes lab' -l loss -x -d 'Each link loses this share of packets'
complete -c teredoctl -n '__teredoctl_takes lab' -l duplicate -x -d 'Each link doubles this share of packets'
complete -c teredoctl -n '__teredoctl_takes lab' -l reorder -x -d 'Each link holds this share of packets back'
complete -c teredoctl -n '__teredoctl_takes lab' -l seed -x -d 'The same seed gives every packet the same fate'
complete -c teredoctl -n '__teredoctl_takes lab' -l on -x -a 'a b s1 s2' -d 'Run the command on this host'
complete -c teredoctl -n '__teredoctl_takes lab' -l also -x -d 'Run HOST=COMMAND in the background too'
complete -c teredoctl -n '__teredoctl_takes lab' -l pcap -r -F -d 'Save what passes everywhere, in one capture'
complete -c teredoctl -n '__teredoctl_takes lab' -l pcap-each -r -F -d 'The same, in a file for each place'
complete -c teredoctl -n '__teredoctl_takes lab' -xa '(complete --do-complete=(commandline -ct))'
complete -c teredoctl -n __teredoctl_in_lab -xa '(__teredoctl_complete_lab_words)'

complete -c teredoctl -n '__teredoctl_takes addr' -l encode -d 'Build an address from the options that follow'
complete -c teredoctl -n '__teredoctl_takes addr' -l server -x -d 'IPv4 address of the Teredo server'
complete -c teredoctl -n '__teredoctl_takes addr' -l mapped -x -d 'Mapped address and port of the client'
complete -c teredoctl -n '__teredoctl_takes addr' -l flags -x -d 'The 16 flags'
complete -c teredoctl -n '__teredoctl_takes addr' -l random-flags -d 'Random flags, as RFC 5991 asks for'

complete -c teredoctl -n '__teredoctl_takes decode' -F
complete -c teredoctl -n '__teredoctl_takes decode' -s i -l interface -x -a 'any (__fish_print_interfaces)' -d 'Capture on this network interface'
complete -c teredoctl -n '__teredoctl_takes decode' -l hex -x -d 'Decode a UDP payload'
complete -c teredoctl -n '__teredoctl_takes decode' -l tunnels -d 'Also look into GTP-U tunnels'
complete -c teredoctl -n '__teredoctl_takes decode' -l count -x -d 'End after this many Teredo packets'
complete -c teredoctl -n '__teredoctl_takes decode' -l summary -d 'Print no packets, only what there was in all'
