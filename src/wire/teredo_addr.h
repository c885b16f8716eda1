/* Teredo addresses: RFC 4380 section 4, with the random flag bits of RFC 5991. */
#ifndef WIRE_TEREDO_ADDR_H
#define WIRE_TEREDO_ADDR_H

#include <netinet/in.h>

#include "endpoint.h"

enum {
    TEREDO_PORT = 3544,             /* RFC 4380 2.7 */
    TEREDO_FLAG_CONE = 0x8000,      /* deprecated in addresses by RFC 5991 */
    TEREDO_FLAG_RESERVED = 0x4000,  /* RFC 5991: 0 */
    TEREDO_FLAG_UNIVERSAL = 0x0200, /* U and G of a modified EUI-64 identifier: 0 */
    TEREDO_FLAG_GROUP = 0x0100,
    TEREDO_FLAGS_RANDOM = 0x3cff, /* the 12 random bits of RFC 5991 */
};

#define TEREDO_PREFIX UINT32_C(0x20010000)     /* 2001::/32 */
#define TEREDO_PREFIX_OLD UINT32_C(0x3ffe831f) /* 3ffe:831f::/32, the 6bone's, before 2006 */

struct teredo_addr {
    uint32_t prefix; /* TEREDO_PREFIX or TEREDO_PREFIX_OLD */
    uint32_t server; /* IPv4, host byte order */
    uint16_t flags;
    struct endpoint mapped; /* de-obfuscated */
};

/* Takes ADDRESS apart; false if it begins with neither Teredo prefix. */
bool teredo_addr_decode(const struct in6_addr *address, struct teredo_addr *out);

void teredo_addr_encode(const struct teredo_addr *in, struct in6_addr *out);

/* True for fe80::/64, the prefix of Teredo link-local addresses. */
bool ip6_is_link_local(const struct in6_addr *address);

/* True for a link-local address that only somebody who has seen it can write: its identifier is
 * random. Anybody can write the ones that are made from an endpoint (a server's, a client's before
 * it has an address, RFC 4380 4, 5.2.1), from a MAC or an IPv4 address, and the short ones. */
bool ip6_is_unguessable_link_local(const struct in6_addr *address);

/* True for ff02::2, where router solicitations go. */
bool ip6_is_all_routers(const struct in6_addr *address);

bool ip6_equal(const struct in6_addr *a, const struct in6_addr *b);
/* Whether the two have one interface identifier (RFC 4291 2.5.1), whatever their prefixes. */
bool ip6_same_interface(const struct in6_addr *a, const struct in6_addr *b);

/* The link-local address with interface identifier FLAGS, PORT and ADDRESS obfuscated as in a
 * Teredo address: the form of a server's RA source (RFC 4380 4, 5.3.2). */
struct in6_addr teredo_link_local(uint16_t flags, struct endpoint e);

#endif
