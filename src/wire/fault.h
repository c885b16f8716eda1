/* Why a packet is malformed, and where: a reason code and the offset of the byte that shows it. */
#ifndef WIRE_FAULT_H
#define WIRE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum wire_reason {
    WIRE_OK,
    WIRE_TRUNCATED,              /* the bytes end inside a header */
    WIRE_IP4_VERSION,            /* outer version is not 4 */
    WIRE_IP4_HEADER_LENGTH,      /* outer header length below 20 or beyond the packet */
    WIRE_IP4_TOTAL_LENGTH,       /* outer total length below the header or beyond the bytes */
    WIRE_IP4_CHECKSUM,           /* outer header checksum is wrong */
    WIRE_IP4_FRAGMENT,           /* a fragment that does not begin a datagram */
    WIRE_IP4_FRAGMENT_OVERLAP,   /* fragments of a datagram that contradict each other */
    WIRE_NOT_UDP,                /* outer protocol is not UDP */
    WIRE_UDP_LENGTH,             /* UDP length below 8 or beyond the IPv4 payload */
    WIRE_UDP_CHECKSUM,           /* UDP checksum is wrong */
    WIRE_UNKNOWN_ENCAPSULATION,  /* first bytes are no IPv6, origin or authentication (5.1.1) */
    WIRE_REPEATED_ENCAPSULATION, /* authentication or origin indication twice, or out of order */
    WIRE_IP6_VERSION,            /* inner version is not 6 */
    WIRE_IP6_PAYLOAD_LENGTH,     /* inner payload length beyond the UDP payload */
    WIRE_ICMP6_CHECKSUM,         /* ICMPv6 checksum is wrong */
    WIRE_ICMP6_TRUNCATED,        /* an ICMPv6 message shorter than its type asks for */
    WIRE_ND_OPTION_LENGTH,       /* neighbor discovery option of length 0 or beyond the message */
    WIRE_TRAILER_LENGTH,       /* trailer beyond the UDP payload, or of a length its type forbids */
    WIRE_TRAILER_MUST_DISCARD, /* unknown trailer whose two high bits are 01 (RFC 6081) */
    WIRE_REASON_COUNT
};

struct wire_fault {
    enum wire_reason reason;
    size_t offset; /* from the first byte that the decoder was given; of bytes that end too soon,
                    * where they end */
};

/* The reason as a stable snake_case word ("udp_checksum") and as a sentence. */
const char *wire_reason_code(enum wire_reason reason);
const char *wire_reason_text(enum wire_reason reason);

/* Fills FAULT; returns false so that a decoder can `return wire_fail(…)`. */
bool wire_fail(struct wire_fault *fault, enum wire_reason reason, size_t offset);

#endif
