/* A Teredo packet of which every field is the caller's to choose, wrong values included: IPv4, UDP
 * and what RFC 4380 5.1.1 and RFC 6081 put inside. teredo.h builds what is right. */
#ifndef WIRE_CRAFT_H
#define WIRE_CRAFT_H

#include "teredo.h"
#include "udp.h"

enum {
    CRAFT_MAX_SIZE = 65535, /* of the whole IPv4 packet */
    CRAFT_MAX_PAYLOAD = CRAFT_MAX_SIZE - IP4_HEADER_SIZE - UDP_HEADER_SIZE,
};

struct craft {
    struct endpoint from, to;
    struct udp_options udp;
    /* Encapsulations, IPv6 header, payload and trailers; kind, icmp6, offsets and junk are not
     * consulted, and trailer_count is at most TEREDO_MAX_TRAILERS. */
    struct teredo_packet packet;
    bool lies_about_length; /* packet.ip6.payload_length is written; else that of the payload */
    bool icmp6_checksum;    /* the payload is an ICMPv6 message, whose checksum is computed */
    const uint8_t *tail;    /* bytes behind the last trailer; borrowed */
    size_t tail_size;
    const uint8_t *raw; /* not NULL: the UDP payload is these bytes and nothing of the above */
    size_t raw_size;
};

/* Writes the UDP payload. W fails if it does not fit. */
void craft_payload(struct writer *w, const struct craft *c);

/* Writes the whole IPv4 packet. Returns its size, or 0 if it does not fit CAPACITY or
 * CRAFT_MAX_SIZE. */
size_t craft_encode(const struct craft *c, uint8_t *out, size_t capacity);

/* Takes an IPv4 packet apart into what craft_encode would make it of; everything borrows from DATA.
 * False, FAULT filled, if it is no whole UDP datagram. A wrong UDP checksum becomes a right one,
 * for a capture on the sending host shows those that the network card had still to fill in. A
 * payload that breaks rules is taken as far as its bytes can be written again; one without an IPv6
 * header is `raw`. FAULT tells what teredo_decode says of it. */
bool craft_decode(const uint8_t *data, size_t size, struct craft *out, struct wire_fault *fault);

#endif
