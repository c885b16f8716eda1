/* An IPv4 address and UDP port, both in host byte order, and what RFC 4380 says of IPv4 addresses.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
    uint32_t address;
    uint16_t port;
};

/* Room for "255.255.255.255" and "255.255.255.255:65535", NUL included. */
#define IP4_STRLEN 16
#define ENDPOINT_STRLEN 22

static inline bool endpoint_equal(struct endpoint a, struct endpoint b)
{
    return a.address == b.address && a.port == b.port;
}

/* True when the endpoint was never filled in (0.0.0.0:0). */
static inline bool endpoint_is_unset(struct endpoint e)
{
    return e.address == 0 && e.port == 0;
}

/* Writes the address in dotted quads; returns its length. */
size_t ip4_put(uint32_t address, char buf[static IP4_STRLEN]);

/* The same; returns BUF. */
const char *ip4_format(uint32_t address, char buf[static IP4_STRLEN]);

/* Parses exactly four decimal octets without leading zeros; false, *OUT untouched, if TEXT is
 * anything else. */
bool ip4_parse(const char *text, uint32_t *out);

/* Writes "address:port"; returns BUF. */
const char *endpoint_format(struct endpoint e, char buf[static ENDPOINT_STRLEN]);

/* Parses "address:port", or "address" alone where DEFAULT_PORT is not 0. Port 0 is refused. */
bool endpoint_parse(const char *text, uint16_t default_port, struct endpoint *out);

/* True when ADDRESS has the format of a global unicast address by the list of RFC 4380 5.2.4
 * (the directed broadcast addresses of attached subnets are the caller's to know). */
bool ip4_is_global_unicast(uint32_t address);

/* True when ADDRESS is one that hosts have behind a NAT alone, or that leaves no link: private
 * (RFC 1918), shared (RFC 6598), link-local and loopback addresses. */
bool ip4_is_inside(uint32_t address);

/* The name of the special block that ADDRESS lies in ("private", "loopback", "shared", …;
 * RFC 6890), or NULL for an ordinary address. Wider than ip4_is_global_unicast's list: shared
 * and documentation addresses have a name, yet pass the RFC 4380 test. */
const char *ip4_special_block(uint32_t address);

/* Both at once. */
const char *ip4_look_up(uint32_t address, bool *global_unicast);

#endif
