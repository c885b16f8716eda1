/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers, and the Internet checksum (RFC 1071). */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"
#include "fault.h"

enum {
    IP4_HEADER_SIZE = 20,
    IP6_HEADER_SIZE = 40,
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_ICMP6 = 58,
    IP_PROTOCOL_NONE = 59, /* No Next Header: what a bubble carries */
};

struct ip4_header {
    uint8_t header_length; /* bytes; options included */
    uint8_t tos;
    uint16_t total_length; /* bytes; on encoding 0 = computed from the payload */
    uint16_t id;
    bool dont_fragment;
    bool more_fragments;
    uint16_t fragment_offset; /* in units of 8 bytes */
    uint8_t ttl;
    uint8_t protocol;
    uint16_t checksum; /* as found; ignored on encoding */
    uint32_t source;   /* host byte order */
    uint32_t destination;
};

struct ip6_header {
    uint8_t traffic_class;
    uint32_t flow_label;     /* 20 bits */
    uint16_t payload_length; /* bytes */
    uint8_t next_header;
    uint8_t hop_limit;
    struct in6_addr source;
    struct in6_addr destination;
};

/* Reads an IPv4 header with its options and checks version, lengths and checksum. The total length
 * may be shorter than the reader's bytes (link padding). If TRUNCATED_OK, a total length beyond the
 * reader's bytes (a capture's snap length) is accepted. */
bool ip4_decode(struct reader *r, struct ip4_header *h, bool truncated_ok,
                struct wire_fault *fault);

/* Writes a header without options; a total_length of 0 is computed from PAYLOAD_SIZE. The checksum
 * is right. */
void ip4_encode(struct writer *w, const struct ip4_header *h, size_t payload_size);

/* Reads the fixed IPv6 header. The payload length is not compared with the bytes at hand. */
bool ip6_decode(struct reader *r, struct ip6_header *h, struct wire_fault *fault);

/* Writes the fixed header, payload length as given. */
void ip6_encode(struct writer *w, const struct ip6_header *h);

/* Running Internet checksum: start with 0, add pieces (only the last may be of odd size), finish.
 */
uint32_t checksum_add(uint32_t sum, const void *data, size_t size);
uint32_t checksum_add_u16(uint32_t sum, uint16_t value);
uint16_t checksum_finish(uint32_t sum);

/* The IPv6 pseudo-header's share (RFC 8200 8.1). */
uint32_t checksum_add_ip6_pseudo(uint32_t sum, const struct in6_addr *source,
                                 const struct in6_addr *destination, uint32_t length,
                                 uint8_t next_header);

#endif
