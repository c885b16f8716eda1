#!/usr/bin/env python3
"""A name server at 127.0.0.1 for tests in namespaces of their own: no name exists but those given.

usage: resolver.py [NAME=ADDRESS|NAME=servfail]...

Says "ready" once it answers. A name may be given more than once; its addresses keep their order.
"""
import ipaddress
import socket
import struct
import sys

NXDOMAIN = 3
SERVFAIL = 2
TYPES = {4: 1, 6: 28}  # A, AAAA


def name_in(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels).lower(), at + 1


def answer(query, names):
    name, end = name_in(query)
    kind, = struct.unpack_from("!H", query, end)
    if names.get(name) == [SERVFAIL]:
        return query[:2] + struct.pack("!HHHHH", 0x8580 | SERVFAIL, 1, 0, 0, 0) + query[12:end + 4]
    records = b"".join(struct.pack("!HHHIH", 0xc00c, kind, 1, 0, len(a.packed)) + a.packed
                       for a in names.get(name, []) if TYPES[a.version] == kind)
    count = sum(TYPES[a.version] == kind for a in names.get(name, []))
    flags = 0x8580 | (0 if name in names else NXDOMAIN)
    return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + query[12:end + 4] + records


def main(arguments):
    names = {}
    for argument in arguments:
        name, _, address = argument.partition("=")
        names.setdefault(name, []).append(
            SERVFAIL if address == "servfail" else ipaddress.ip_address(address))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        print("ready", flush=True)
        while True:
            query, sender = server.recvfrom(4096)
            server.sendto(answer(query, names), sender)


if __name__ == "__main__":
    main(sys.argv[1:])
