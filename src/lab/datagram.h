/* An IPv4 datagram in a buffer, taken apart and changed in place as a NAT does it. Checksums are
 * updated incrementally (RFC 1624), so that a wrong one stays as wrong as it was and a UDP checksum
 * of 0 stays 0. */
#ifndef LAB_DATAGRAM_H
#define LAB_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "icmp4.h"

enum datagram_kind {
    DATAGRAM_UDP,
    DATAGRAM_ECHO,     /* ICMP echo request or reply */
    DATAGRAM_ERROR,    /* ICMP error about a datagram whose headers are sound */
    DATAGRAM_OTHER,    /* other ICMP */
    DATAGRAM_FRAGMENT, /* any fragment, the first too */
    DATAGRAM_FOREIGN,  /* another protocol */
};

/* A header and the transport header behind it. */
struct datagram_layer {
    struct ip4_header ip;
    enum datagram_kind kind;
    size_t at;                /* of the IPv4 header in the buffer */
    size_t transport;         /* of the transport header */
    struct endpoint from, to; /* ports 0 unless UDP */
    uint16_t query;           /* the identifier of an ICMP echo */
};

struct datagram {
    uint8_t *data;      /* borrowed */
    size_t size;        /* the IPv4 total length */
    bool is_icmp_error; /* of kind DATAGRAM_ERROR, or _OTHER if what it is about is broken */
    struct datagram_layer outer;
    struct datagram_layer inner; /* what an ICMP error is about */
};

enum datagram_side {
    DATAGRAM_SOURCE,
    DATAGRAM_DESTINATION,
};

/* Takes apart the datagram at the start of DATA (link padding may follow). False if a header is
 * broken: version, lengths, IPv4 checksum, a UDP port of 0. */
bool datagram_parse(uint8_t *data, size_t size, struct datagram *out);

/* Sets the address and, of UDP, the port, or, of ICMP echo, the identifier, of one side of the
 * datagram; or of the datagram that an ICMP error is about. */
void datagram_set(struct datagram *d, enum datagram_side side, struct endpoint to);
void datagram_set_inner(struct datagram *d, enum datagram_side side, struct endpoint to);

/* One hop less; the caller has seen that there is one. */
void datagram_decrement_ttl(struct datagram *d);

/* True when RFC 1122 3.2.2 allows an ICMP error about it. */
bool datagram_may_be_answered(const struct datagram *d);

/* Builds ERROR about D, from its reporter to D's source, with as much of D as fits in 576 bytes
 * (RFC 1812 4.3.2.3). Returns its size. */
size_t datagram_make_error(const struct datagram *d, struct icmp_error error,
                           uint8_t out[static 576]);

#endif
