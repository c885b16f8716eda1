/* What an IPv6 address is: the blocks of RFC 4291 and of IANA's special-purpose registry. */
#ifndef WIRE_IP6_BLOCK_H
#define WIRE_IP6_BLOCK_H

#include "teredo_addr.h"

struct ip6_block {
    const char *code;   /* a stable snake_case word: "link_local" */
    const char *text;   /* for people: "link-local" */
    const char *prefix; /* "fe80::/10" */
    uint8_t bits[16];
    uint8_t length;
    uint8_t ip4_at; /* byte where an IPv4 address lies; 0 = none in this block */
};

enum {
    IP6_BLOCKS = 25
};

/* The word of a block, from 0; some have the same. */
const char *ip6_block_code(unsigned number);

/* The narrowest block that ADDRESS lies in; never NULL. */
const struct ip6_block *ip6_block_of(const struct in6_addr *address);

/* The IPv4 address (host byte order) inside an IPv4-mapped, 6to4, NAT64 … address; false if the
 * block has none. */
bool ip6_block_ip4(const struct ip6_block *block, const struct in6_addr *address, uint32_t *ip4);

/* What a link-local address's interface identifier (RFC 4380 4) tells. */
enum ip6_identifier {
    IP6_IDENTIFIER_OTHER,  /* no Teredo identifier, or one that cannot be told from a random one */
    IP6_IDENTIFIER_TEREDO, /* holds an IPv4 address and port, as a Teredo server's */
    IP6_IDENTIFIER_CLIENT, /* that of a Teredo client that asks for its address */
};

/* Looks at the identifier of a link-local ADDRESS; unless it is OTHER, FLAGS and MAPPED get what it
 * holds. A guess from the form: identifiers of the same form may have another origin. */
enum ip6_identifier ip6_identifier_of(const struct in6_addr *address, uint16_t *flags,
                                      struct endpoint *mapped);

#endif
