/* UDP over IPv4 (RFC 768). */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "endpoint.h"
#include "ip.h"

enum {
    UDP_HEADER_SIZE = 8,
    UDP_DEFAULT_TTL = 64,
};

/* A UDP datagram taken out of an IPv4 packet. */
struct udp_datagram {
    struct ip4_header ip;
    struct endpoint from;
    struct endpoint to;
    uint16_t length;        /* of the UDP header's own claim, header included */
    uint16_t checksum;      /* as found; 0 = none */
    const uint8_t *payload; /* borrowed */
    size_t payload_size;    /* bytes at hand; below length - 8 only when truncated was allowed */
    bool truncated;
    bool unfilled; /* its checksums, or one of them, were left to the network card */
};

/* How to build one; zero means the usual value. */
struct udp_options {
    uint8_t ttl; /* 0 = UDP_DEFAULT_TTL */
    uint8_t tos;
    uint16_t id;
    bool dont_fragment;
    enum {
        UDP_CHECKSUM_RIGHT,
        UDP_CHECKSUM_ZERO,
        UDP_CHECKSUM_WRONG
    } checksum;
};

/* Takes apart an IPv4 packet that holds a UDP header. With TRUNCATED_OK, bytes missing at the end
 * (snap length, or a first fragment) are no fault and the checksum then goes unverified. Where the
 * fault is WIRE_UDP_CHECKSUM, OUT is complete all the same: a capture on the sending host shows
 * checksums that the network card had still to fill in. */
bool udp4_decode(const uint8_t *data, size_t size, bool truncated_ok, struct udp_datagram *out,
                 struct wire_fault *fault);

/* The same for captures, which also show what is not quite right: bytes missing at the end are no
 * fault; a wrong checksum or a UDP length beyond the IPv4 payload is, in FAULT, but the result is
 * true and OUT complete (FAULT says WIRE_OK if there is nothing to say). A UDP checksum that Linux
 * left to the network card is not wrong; an IPv4 header checksum of 0 is, and OUT says that it is
 * unfilled, for only who knows which way the packet went can excuse it. */
bool udp4_dissect(const uint8_t *data, size_t size, struct udp_datagram *out,
                  struct wire_fault *fault);

/* A datagram to be sent, or that was. */
struct udp_message {
    struct endpoint from, to;
    const void *payload; /* borrowed */
    size_t size;         /* of the payload, bytes */
};

/* Builds IPv4 + UDP. OPTIONS may be NULL. Returns the size, or 0 if it does not fit CAPACITY or
 * IPv4's 65,535 bytes. */
size_t udp4_encode(uint8_t *out, size_t capacity, const struct udp_message *message,
                   const struct udp_options *options);

#endif
