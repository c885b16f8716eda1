/* ICMPv6 (RFC 4443) as far as Teredo uses it: echo, router solicitation and advertisement
 * (RFC 4861). */
#ifndef WIRE_ICMP6_H
#define WIRE_ICMP6_H

#include "ip.h"

enum {
    ICMP6_TYPE_ECHO_REQUEST = 128,
    ICMP6_TYPE_ECHO_REPLY = 129,
    ICMP6_TYPE_RS = 133,
    ICMP6_TYPE_RA = 134,
    ND_OPTION_SOURCE_LINK_LAYER = 1,
    ND_OPTION_PREFIX = 3,
    ND_OPTION_MTU = 5,
};

struct icmp6_prefix {
    uint8_t length; /* bits, at most 128 */
    uint8_t flags;
    uint32_t valid_lifetime; /* seconds; 0xffffffff = for ever */
    uint32_t preferred_lifetime;
    struct in6_addr prefix; /* masked to length */
};

struct icmp6_message {
    uint8_t type;
    uint8_t code;
    uint16_t checksum; /* as found */
    union {
        struct {
            uint16_t id;
            uint16_t sequence;
            const uint8_t *data; /* borrowed */
            size_t size;
        } echo;
        struct {
            uint8_t hop_limit;
            uint8_t flags;
            uint16_t router_lifetime;
            uint32_t reachable_time;
            uint32_t retransmit_timer;
            uint32_t mtu;               /* of the last MTU option; 0 = none */
            unsigned prefix_count;      /* prefix information options seen */
            struct icmp6_prefix prefix; /* the first */
        } ra;
    };
    const uint8_t *options; /* RS and RA: all neighbor discovery options, raw; borrowed */
    size_t options_size;
};

struct nd_option {
    uint8_t type;
    const uint8_t *body; /* without type and length; borrowed */
    size_t size;
};

/* Decodes SIZE bytes of ICMPv6 and verifies the checksum with the pseudo-header of IP. Types other
 * than those above get type, code and checksum only. */
bool icmp6_decode(const uint8_t *data, size_t size, const struct ip6_header *ip,
                  struct icmp6_message *out, struct wire_fault *fault);

/* Walks the options; false at the end. R starts as reader_of(options, options_size); a message that
 * icmp6_decode accepted has well-formed options. */
bool nd_option_next(struct reader *r, struct nd_option *out);

/* Reads a prefix information option's body; false if it is not 30 bytes or longer than 128 bits. */
bool nd_option_prefix(const struct nd_option *option, struct icmp6_prefix *out);

/* Writes a message, options from the raw bytes, with the right checksum. An RA's mtu and prefix
 * fields are not consulted: write options with nd_put_mtu and nd_put_prefix. */
void icmp6_encode(struct writer *w, const struct icmp6_message *m, const struct ip6_header *ip);

void nd_put_mtu(struct writer *w, uint32_t mtu);
void nd_put_prefix(struct writer *w, const struct icmp6_prefix *prefix);

#endif
