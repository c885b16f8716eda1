/* IPv6 addresses as people write them. */
#ifndef WIRE_IP6_TEXT_H
#define WIRE_IP6_TEXT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for the longest address in text, NUL included. */
#define IP6_STRLEN INET6_ADDRSTRLEN

/* Writes the address in the form of RFC 5952, as inet_ntop does but several times as fast; returns
 * the length. */
size_t ip6_format(const struct in6_addr *address, char buf[static IP6_STRLEN]);

struct ip6_text {
    struct in6_addr address;
    const char *zone; /* what follows '%', borrowed from the text, not NUL-terminated; or NULL */
    size_t zone_size;
};

/* Reads an address of SIZE bytes of TEXT (no NUL needed) in any form of RFC 4291 2.2, in brackets
 * or not; a zone (RFC 4007 11), a port behind brackets and a prefix length are allowed. False, *OUT
 * untouched, if TEXT is anything else. */
bool ip6_parse(const char *text, size_t size, struct ip6_text *out);

#endif
