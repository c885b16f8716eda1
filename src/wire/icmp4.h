/* ICMP errors (RFC 792) about UDP datagrams. */
#ifndef WIRE_ICMP4_H
#define WIRE_ICMP4_H

#include "endpoint.h"
#include "ip.h"

enum {
    ICMP4_UNREACHABLE = 3,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER_PROBLEM = 12,
};

struct icmp4_error {
    uint8_t type;
    uint8_t code;
    uint32_t reporter;                      /* who sent the error */
    uint32_t to;                            /* whom to */
    struct endpoint quoted_from, quoted_to; /* of the datagram that it is about */
};

/* Takes apart an IPv4 packet that is an ICMP error about a UDP datagram over IPv4, of which only
 * the first 8 bytes need be quoted. Its checksum is not verified, for captures cut errors short,
 * and neither is that of the quoted header. */
bool icmp4_error_decode(const uint8_t *data, size_t size, struct icmp4_error *out);

#endif
