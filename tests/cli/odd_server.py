#!/usr/bin/env python3
"""A Teredo server that is right in everything but one thing.

usage: odd_server.py PRIMARY SECONDARY OTHER MODE

MODE: right, crosswise (each address answers for the other), elsewhere (OTHER answers for both),
primary-for-both, second-elsewhere (OTHER answers for the secondary), no-origin, no-nonce,
relay-without-origin, relay-wrong-origin, no-relay, flood (300 wrong answers go before the right one).
"""
import ipaddress
import select
import socket
import struct
import sys

PORT = 3544


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def origin(client):
    address, port = client
    return (
        b"\0\0"
        + struct.pack(">H", port ^ 0xFFFF)
        + bytes(octet ^ 0xFF for octet in socket.inet_aton(address))
    )


def advertisement(primary, destination):
    prefix = b"\x20\x01\0\0" + socket.inet_aton(primary) + bytes(8)
    body = b"\0" * 4 + bytes(4) + struct.pack(">I", 2000)
    body += b"\x03\x04\x40\x40" + b"\xff" * 8 + bytes(4) + prefix
    source = ipaddress.ip_address("fe80::8000:5445:5245:444f").packed
    pseudo = source + destination + struct.pack(">II", len(body) + 4, 58)
    message = b"\x86\0" + struct.pack(">H", checksum(pseudo + b"\x86\0\0\0" + body)) + body
    return b"\x60\0\0\0" + struct.pack(">HBB", len(message), 58, 255) + source + destination + message


def open_socket(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, PORT))
    return s


def main():
    primary, secondary, other, mode = sys.argv[1:]
    first, second, third = (open_socket(a) for a in (primary, secondary, other))
    answers = {first: first, second: second}
    if mode == "crosswise":
        answers = {first: second, second: first}
    elif mode == "elsewhere":
        answers = {first: third, second: third}
    elif mode == "primary-for-both":
        answers[second] = first
    elif mode == "second-elsewhere":
        answers[second] = third
    print("ready", flush=True)
    while True:
        for s in select.select([first, second], [], [])[0]:
            packet, client = s.recvfrom(2000)
            if mode == "flood":
                wrong = b"\0\1\0\0" + b"not this" + b"\0" + origin(client) + advertisement(primary, bytes(16))
                for _ in range(300):
                    s.sendto(wrong, client)
            if packet[:2] == b"\0\1":
                nonce, destination = packet[4:12], packet[13 + 8 : 13 + 24]
                reply = b"" if mode == "no-nonce" else b"\0\1\0\0" + nonce + b"\0"
                reply += b"" if mode == "no-origin" else origin(client)
                answers[s].sendto(reply + advertisement(primary, destination), client)
            elif packet and packet[0] >> 4 == 6 and mode != "no-relay":
                to = packet[24:40]
                address = socket.inet_ntoa(bytes(octet ^ 0xFF for octet in to[12:16]))
                port = struct.unpack(">H", to[10:12])[0] ^ 0xFFFF
                front = origin(client)
                if mode == "relay-without-origin":
                    front = b""
                elif mode == "relay-wrong-origin":
                    front = origin((client[0], client[1] ^ 1))
                s.sendto(front + packet, (address, port))


main()
