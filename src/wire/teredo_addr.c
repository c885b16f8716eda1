#include "teredo_addr.h"

#include <string.h>

#include "bytes.h"

/* The 64-bit interface identifier, port and address with every bit reversed. */
static void put_identifier(uint8_t *p, uint16_t flags, struct endpoint mapped)
{
    store_u16(p, flags);
    store_u16(p + 2, (uint16_t)~mapped.port);
    store_u32(p + 4, ~mapped.address);
}

/* RFC 4380 4, flags as in RFC 5991:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------------------------------------------------------+
 *   0 |                   Prefix (2001:0000::/32)                     |
 *     +---------------------------------------------------------------+
 *   4 |                         Server IPv4                           |
 *     +-+-+-------+-+-+---------------+-------------------------------+
 *   8 |C|R| Random|U|G|    Random     |     Mapped port ^ 0xffff      |
 *     +-+-+-------+-+-+---------------+-------------------------------+
 *  12 |                Mapped IPv4 address ^ 0xffffffff               |
 *     +---------------------------------------------------------------+
 */
bool teredo_addr_decode(const struct in6_addr *address, struct teredo_addr *out)
{
    const uint8_t *p = address->s6_addr;
    uint32_t prefix = load_u32(p);

    if (prefix != TEREDO_PREFIX && prefix != TEREDO_PREFIX_OLD)
        return false;
    out->prefix = prefix;
    out->server = load_u32(p + 4);
    out->flags = load_u16(p + 8);
    out->mapped.port = (uint16_t)~load_u16(p + 10);
    out->mapped.address = ~load_u32(p + 12);
    return true;
}

void teredo_addr_encode(const struct teredo_addr *in, struct in6_addr *out)
{
    store_u32(out->s6_addr, in->prefix);
    store_u32(out->s6_addr + 4, in->server);
    put_identifier(out->s6_addr + 8, in->flags, in->mapped);
}

bool ip6_is_link_local(const struct in6_addr *address)
{
    static const uint8_t prefix[8] = {0xfe, 0x80};

    return memcmp(address->s6_addr, prefix, sizeof prefix) == 0;
}

bool ip6_is_unguessable_link_local(const struct in6_addr *address)
{
    static const uint8_t isatap[] = {TEREDO_FLAG_UNIVERSAL >> 8, 0, 0x5e, 0xfe};
    const uint8_t *id = address->s6_addr + 8;
    bool has_random_flags = (load_u16(id) & ~TEREDO_FLAG_CONE) != 0;
    bool from_mac = id[3] == 0xff && id[4] == 0xfe;

    return ip6_is_link_local(address) && has_random_flags && !from_mac &&
           memcmp(id, isatap, sizeof isatap) != 0;
}

bool ip6_is_all_routers(const struct in6_addr *address)
{
    static const struct in6_addr all_routers = {
        {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02}}};

    return ip6_equal(address, &all_routers);
}

bool ip6_equal(const struct in6_addr *a, const struct in6_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool ip6_same_interface(const struct in6_addr *a, const struct in6_addr *b)
{
    return memcmp(&a->s6_addr[8], &b->s6_addr[8], 8) == 0;
}

struct in6_addr teredo_link_local(uint16_t flags, struct endpoint e)
{
    struct in6_addr address = {{{0xfe, 0x80}}};

    put_identifier(address.s6_addr + 8, flags, e);
    return address;
}
