#!/usr/bin/env python3
"""A Teredo server that is not as RFC 4380 has it, for tests on loopback.

usage: odd_server.py PRIMARY SECONDARY WORD,...

  same       answers the cone bit from the address that was asked
  crosswise  answers all solicitations from its other address
  norelay    relays no bubbles
  noorigin   relays bubbles without an origin indication
  extra      hears port 3544 and never answers there; answers at port 3546

Says "ready" once it answers.
"""
import select
import socket
import struct
import sys

PORT, EXTRA_PORT = 3544, 3546
SOURCE = bytes.fromhex("fe80000000000000800054455245444f")


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def bound(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, port))
    return sock


def origin(client):
    address = bytes(byte ^ 0xff for byte in socket.inet_aton(client[0]))
    return b"\0\0" + struct.pack(">H", client[1] ^ 0xffff) + address


def advertisement(primary, nonce, destination, client):
    prefix = bytes.fromhex("20010000") + socket.inet_aton(primary) + bytes(8)
    body = b"\x86\0\0\0" + bytes(8) + struct.pack(">I", 2000) + b"\x03\x04\x40\x40" + \
        b"\xff" * 8 + bytes(4) + prefix
    pseudo = SOURCE + destination + struct.pack(">I", len(body)) + b"\0\0\0\x3a"
    body = body[:2] + struct.pack(">H", checksum(pseudo + body)) + body[4:]
    header = b"\x60\0\0\0" + struct.pack(">H", len(body)) + b"\x3a\xff" + SOURCE + destination
    return b"\0\1\0\0" + nonce + b"\0" + origin(client) + header + body


def main():
    primary, secondary, words = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
    ports = [PORT, EXTRA_PORT] if "extra" in words else [PORT]
    sockets = [bound(address, port) for port in ports for address in (primary, secondary)]
    print("ready", flush=True)
    while True:
        for sock in select.select(sockets, [], [])[0]:
            data, client = sock.recvfrom(2000)
            index = sockets.index(sock)
            if len(ports) > 1 and index < 2:
                continue
            if data[:2] == b"\0\1":
                nonce, destination = data[4:12], data[13 + 8:13 + 24]
                cone = destination[8] & 0x80
                if "crosswise" in words or (cone and "same" not in words):
                    index ^= 1
                sockets[index].sendto(advertisement(primary, nonce, destination, client), client)
            elif len(data) >= 40 and data[0] >> 4 == 6 and "norelay" not in words:
                target = data[24:40]
                address = socket.inet_ntoa(bytes(byte ^ 0xff for byte in target[12:16]))
                port = struct.unpack(">H", target[10:12])[0] ^ 0xffff
                relayed = data if "noorigin" in words else origin(client) + data
                sock.sendto(relayed, (address, port))


main()
