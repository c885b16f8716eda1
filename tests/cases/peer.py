#!/usr/bin/env python3
"""A Teredo client that answers bubbles and nothing else: peer.py SERVER FILE.

Like Windows with its firewall up it repeats nonces (RFC 6081 5.2.4.2) and drops ICMPv6 echo requests.
Its address is written to FILE once it has qualified."""

import ipaddress
import os
import socket
import sys

TEREDO = b"\x20\x01\x00\x00"
BUBBLE_HEADER = bytes.fromhex("6000000000003b15")
SOLICITATION = (
    bytes.fromhex("6000000000083aff")
    + ipaddress.IPv6Address("fe80::ffff:ffff:ffff").packed
    + ipaddress.IPv6Address("ff02::2").packed
    + bytes.fromhex("85007d3700000000")
)
NONCE_TRAILER = 1


def flip(data):
    return bytes(byte ^ 0xFF for byte in data)


def endpoint_of(obscured):
    """Port and address as an origin indication and a Teredo address have them."""
    port, address = flip(obscured[:2]), flip(obscured[2:6])
    return socket.inet_ntoa(address), int.from_bytes(port, "big")


def take_origin(packet):
    if packet[:2] == b"\0\0":
        return packet[8:], packet[2:8]
    return packet, None


def qualify(sock, server):
    while True:
        sock.sendto(b"\0\1\0\0" + os.urandom(8) + b"\0" + SOLICITATION, server)
        try:
            answer, _ = sock.recvfrom(2048)
        except socket.timeout:
            continue
        if answer[:2] == b"\0\1":
            answer = answer[13 + answer[2] + answer[3]:]
        origin = take_origin(answer)[1]
        if origin is not None:
            return TEREDO + socket.inet_aton(server[0]) + b"\x0c\x35" + origin


def nonce_trailer(trailers):
    found = b""
    while len(trailers) >= 2:
        end = 2 + trailers[1]
        if trailers[0] == NONCE_TRAILER:
            found = trailers[:end]
        trailers = trailers[end:]
    return found


def serve(sock, server, own):
    while True:
        packet, sender = sock.recvfrom(2048)
        packet, origin = take_origin(packet)
        if len(packet) < 40 or packet[6] != 0x3B:
            continue
        source = packet[8:24]
        if sender == server and source[:4] == TEREDO:
            sender = endpoint_of(source[10:16])
        elif sender == server and origin is not None:
            sender = endpoint_of(origin)
        sock.sendto(BUBBLE_HEADER + own + source + nonce_trailer(packet[40:]), sender)


def main():
    server = (sys.argv[1], 3544)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        sock.settimeout(0.5)
        own = qualify(sock, server)
        with open(sys.argv[2] + ".new", "w", encoding="ascii") as file:
            print(ipaddress.IPv6Address(own), file=file)
        os.rename(sys.argv[2] + ".new", sys.argv[2])
        sock.settimeout(None)
        serve(sock, server, own)


main()
