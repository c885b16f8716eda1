#!/usr/bin/env bash
# Makes the seeds of the fuzz targets in tests/fuzz/corpus, from the crafted captures of tests/pcap
# and from the lists below. The same input gives the same seeds, so that they can be in the tree.
#
# usage: make_corpus.sh     top_builddir has tests/pcap/craft (default: build)
set -eu -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
craft=${top_builddir:-build}/tests/pcap/craft
corpus=tests/fuzz/corpus
rm -rf "$corpus"
mkdir -p "$corpus"/{addr,capture,classify,nat,passive,pcapng,punch,responder,server,teredo}

unhex() {
    tr -d ' \n' | xxd -r -p
}

# The UDP payload of each udp line.
for frames in tests/pcap/{kinds,problems}.frames; do
    number=0
    while read -r _ _ _ payload; do
        number=$((number + 1))
        grep -oE '^([0-9a-f]{2})+( ([0-9a-f]{2})+)*' <<<"$payload" | unhex \
            >"$corpus/teredo/$(basename "$frames" .frames)-$(printf %02d "$number")"
    done < <(grep '^udp' "$frames")
done

# One capture of each format and link type.
pick() {
    sed -n '/^udp/p' tests/pcap/kinds.frames | sed -n "$1p"
}
pick 1,4 | "$craft" >"$corpus/capture/little-nano"
pick 2,5 | "$craft" -b -u >"$corpus/capture/big-micro"
pick 6,9 | "$craft" -s 90 >"$corpus/capture/cut"
"$craft" <tests/pcap/problems.frames | head -c 4000 >"$corpus/capture/problems"
pick 4 | "$craft" -h '020000000001 020000000002 8100 0064 0800' >"$corpus/capture/vlan"
pick 4 | "$craft" -h '020000000001 020000000002 88a8 0064 8100 0065 0800' >"$corpus/capture/qinq"
pick 4 | "$craft" -h '020000000001 020000000002 8864 1100 0001 0052 0021' >"$corpus/capture/pppoe"
pick 4 | "$craft" -l 113 -h '0000 0001 0006 020000000001 0000 0800' >"$corpus/capture/cooked"
pick 4 | "$craft" -l 276 -h '0800 0000 00000002 0001 00 06 020000000001 0000' >"$corpus/capture/cooked2"
pick 4 | "$craft" -l 101 -h '' >"$corpus/capture/raw"
pick 4 | "$craft" -l 228 -h '' >"$corpus/capture/ipv4"
pick 4 | "$craft" -l 0 -h 02000000 >"$corpus/capture/null"
pick 4 | "$craft" -l 108 -h 00000002 >"$corpus/capture/loop"
pick 4 | "$craft" -l 9 -h 'ff03 0021' >"$corpus/capture/ppp"
pick 4 | "$craft" -l 104 -h '0f00 0800' >"$corpus/capture/hdlc"
pick 4 | "$craft" -l 51 -h '1100 0001 0051 21' >"$corpus/capture/pppoe-bare"
"$craft" <tests/pcap/tunnels.frames >"$corpus/capture/tunnels"
unhex >"$corpus/capture/pcapng" <<'END'
0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000
01000000 14000000 01000000 00000000 14000000
06000000 24000000 00000000 36441600 00a0f9c9 01000000 01000000 aa000000 24000000
END

"$craft" <tests/pcap/captures.frames | head -c 4000 >"$corpus/capture/copies"
"$craft" -n <tests/pcap/pcapng.frames >"$corpus/capture/sections"

# Capture files, in pieces of so many bytes.
{ printf '\x07' && "$craft" -n <tests/pcap/pcapng.frames; } >"$corpus/pcapng/sections"
{ printf '\x01' && pick 4,5 | "$craft" -n -b -u; } >"$corpus/pcapng/big-micro"
{ printf '\0' && pick 4,5 | "$craft" -b; } >"$corpus/pcapng/pcap"
{ printf '\x20' && pick 4,5 | "$craft" -n | head -c 250; } >"$corpus/pcapng/cut"

number=0
while IFS= read -r line; do
    number=$((number + 1))
    printf '%s' "$line" >"$corpus/addr/$(printf %02d "$number")"
done <<'END'
2001:0:c000:201:2c5a:63bf:34ff:8ef6
[2001:0:c000:201:2c5a:63bf:34ff:8ef6]:3544
3FFE:831F:4136:E378:8000:63BF:3FFF:FDD2/64
fe80::8000:f227:3fff:fdfe%eth0
fe80::ffff:ffff:ffff
::ffff:192.0.2.1
2002:c000:204::1
64:ff9b::192.0.2.33
::
1::
::1:2:3:4:5:6:7
192.0.2.1
12345::
1::2::3
[::1
::1%
END

# Each record is one of tests/fuzz/fuzz_passive.c's, behind the configuration.
punch='0000020304054000 0004020004054004 0108000304054204 0010030205044200 0710020304054000
    0810030205044000'
unhex <<<"0f03010001000000 $punch" >"$corpus/passive/punch"
unhex <<<"0f03010001000000 1000060304050000 1004060004050004 2008020304050100 1710060304050000
    1810030605040200" >"$corpus/passive/inside"
unhex <<<"0003000101000000 $punch ff00000000000000 $punch" >"$corpus/passive/peer"
unhex <<<"0f03010001000000 0000020300054000 0004020000054004 0110000300054208 0010000205004200
    00c6020301054000 00c4020001054004" >"$corpus/passive/symmetric"
unhex <<<'0f03010001000000 0a00020000004004 0b10000200004018 0a10020100004005 0b10010202004019
    0aff020000004000 0dc8000000000000' >"$corpus/passive/client"
unhex <<<'0f03010001000000 0000020304054000 0004020004054000 0c04020003010000 0dc8000000000000
    0910020304051402 0910030205041412' >"$corpus/passive/errors"
# A NAT in words, then its network, size and seed, and packets: time, direction, from, to. Out to
# three endpoints, in from two and from a stranger, a hairpin; the same again after the timeout.
some='04 01 0002 0001 04 00 0001 c000 04 01 0002 0102 04 01 0103 0001 04 00 0102 c000 04 00 0305 c000
    04 01 0002 c001'
number=0
while IFS= read -r words; do
    number=$((number + 1))
    {
        printf '\1%s\n' "$words"
        unhex <<<"01 0b 07 $some 00 ${some#* } 01 ${some#* } 02 ${some#* }"
    } >"$corpus/nat/words-$(printf %02d "$number")"
done <<'END'
none
cone
address-restricted
port-restricted
symmetric
firewall
blocked
mapping=address,filtering=address,ports=sequential,step=7,range=2000-2010,parity=yes
hairpin=yes,refresh=both,pooling=arbitrary,pool=4,timeout=500ms
firewall,filtering=endpoint-independent,refresh=both,timeout=5s
END
# The same in numbers: kind, mapping, filtering, ports, step, range, pool, timeout, four switches.
number=0
for numbers in '02 00 01 00 00 04 03 00 00000010 00 01 01 00' '02 02 02 02 03 00 0f 03 00010000 01 01 00 01' \
    '01 00 02 00 00 00 00 00 00001000 00 00 01 00'; do
    number=$((number + 1))
    unhex <<<"00 $numbers 00 02 01 $some $some $some" >"$corpus/nat/numbers-$number"
done

# The hole punch: what the peer and its NATs are, then what is observed (tests/fuzz/rig.h).
# ra: the answer of each server address; bubble, echo: the peer's; silence: timers that fire.
ra='2e 01 05 81 01 03 00 06 2e 00 05 81 01 03 00 06'
bubble='2e 20 02 01 00 05 04'
echo_reply='2e 00 01 00 00 00'
silence='00 00 00 00 00 00 00 00'
seed() { # TARGET NAME HEX…
    unhex <<<"${*:3}" >"$corpus/$1/$2"
}
seed punch alone "00 40 02 02 05 00 04 00 00 07 02 01 $bubble $echo_reply"
seed punch answered "00 40 02 02 05 00 04 00 00 07 01 01 $bubble $echo_reply"
seed punch qualified "00 40 02 02 05 00 04 00 00 07 00 01 $ra $bubble $echo_reply"
seed punch late "00 40 02 02 05 02 04 00 00 07 01 00 03 03 $silence 2e 20 02 81 80 05 00 03 03 $echo_reply"
seed punch remapped "10 40 02 02 05 01 04 00 00 07 01 01 2e 20 05 01 00 05 04 $echo_reply"
seed punch unproven "10 40 02 02 05 03 03 00 00 07 01 01 2e 20 05 01 00 05 00 $silence"
seed punch indirect "00 40 02 02 05 00 04 00 00 07 01 01 2e 20 00 01 00 05 06 02 $silence 2e 20 00 01 00 05 06 02"
seed punch control "00 40 02 02 05 00 04 00 02 07 01 01 2e 30 01 02 01 81 05 00 $silence"
seed punch server "00 40 02 02 05 00 04 00 00 07 01 01 00 2e 00 05 81 01 01 03 $silence"
seed punch icmp "00 40 02 02 05 00 04 00 00 07 01 01 04 02 31 03 04 03 11 03 $silence"
seed punch refused "00 40 02 02 05 00 04 00 00 07 01 00 fb"
seed punch private "02 40 02 02 05 00 04 00 00 07 01 01"
seed punch self "04 40 02 02 05 00 04 00 00 07 01 01"
seed punch stopped "08 40 02 02 05 00 04 00 00 07 00 01 $ra fd"

# The listening client: qualified, then a peer's bubbles and echo requests; and nothing at all.
seed responder peer "01 40 02 1e 00 3c 07 01 $ra 2e 20 00 01 00 05 06 02 2e 20 02 01 00 05 04 2e 20 02 01 00 02 00"
seed responder remapped "01 40 02 1e 01 3c 07 01 $ra 2e 20 00 01 00 05 0e 02 01020304 2e 20 05 01 00 05 0c 01020304"
seed responder link-local "01 40 02 1e 00 3c 07 01 $ra 2e 20 00 07 00 05 06 05 2e 20 05 07 00 05 04 $silence"
seed responder silent "00 40 02 1e 00 3c 07 01 $silence"
# The classification: answers to some of its solicitations; with the lifetime; none.
answers=''
for back in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
    answers+=" 2e 0$back 06 81 01 03 00 02"
done
seed classify answered "00 40 01 00 10 05 07 01 $answers 00 $answers 00 $answers $silence"
seed classify lifetime "01 40 01 01 10 05 07 01 $answers 00 $answers 00 $answers $silence"
seed classify silent "00 40 01 00 10 05 07 01 $silence"
# The server: flags, source, port, packet.
for file in "$corpus"/teredo/kinds-*; do
    { unhex <<<"02 00 9c40" && cat "$file"; } >"$corpus/server/${file##*/}"
done
{ unhex <<<"0a 00 9c40" && cat "$corpus/teredo/kinds-03"; } >"$corpus/server/signed"
