/* ICMP (RFC 792): the types and codes that this program knows, and errors about UDP datagrams. */
#ifndef WIRE_ICMP4_H
#define WIRE_ICMP4_H

#include "endpoint.h"
#include "ip.h"

enum {
    ICMP4_HEADER_SIZE = 8,
    ICMP4_CHECKSUM_AT = 2,
    /* Types. */
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_SOURCE_QUENCH = 4,
    ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER_PROBLEM = 12,
    /* Codes of ICMP4_UNREACHABLE; those from 9 on are of RFC 1122 3.2.2.1 and RFC 1812 5.2.7.1. */
    ICMP4_NET = 0,
    ICMP4_HOST = 1,
    ICMP4_PROTOCOL = 2,
    ICMP4_PORT = 3,
    ICMP4_FRAGMENTATION_NEEDED = 4,
    ICMP4_SOURCE_ROUTE_FAILED = 5,
    ICMP4_NET_PROHIBITED = 9,
    ICMP4_HOST_PROHIBITED = 10,
    ICMP4_PROHIBITED = 13,
};

struct icmp_error {
    uint8_t type;
    uint8_t code;
    uint32_t reporter; /* the IPv4 address that sent it */
};

/* An error as it was captured. */
struct icmp4_message {
    struct icmp_error error;
    uint32_t to;                            /* the IPv4 address that the error went to */
    struct endpoint quoted_from, quoted_to; /* of the datagram that the error is about */
};

/* True for the types of errors that tell the fate of a datagram. */
bool icmp4_is_error(uint8_t type);

/* Takes apart an IPv4 packet that is an ICMP error about a UDP datagram over IPv4, of which only
 * the first 8 bytes need be quoted. The error's checksum is not verified, for captures cut errors
 * short, and neither is that of the quoted header. */
bool icmp4_error_decode(const uint8_t *data, size_t size, struct icmp4_message *out);

#endif
