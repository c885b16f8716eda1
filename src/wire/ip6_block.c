#include "ip6_block.h"

#include <string.h>

#include "bytes.h"

/* Narrower blocks stand before those that hold them. */
static const struct ip6_block blocks[IP6_BLOCKS] = {
    {"unspecified", "the unspecified address", "::/128", {0}, 128, 0},
    {"loopback", "loopback", "::1/128", {[15] = 1}, 128, 0},
    {"ip4_mapped", "IPv4-mapped", "::ffff:0:0/96", {[10] = 0xff, 0xff}, 96, 12},
    {"ip4_compatible", "IPv4-compatible (deprecated)", "::/96", {0}, 96, 12},
    {"nat64", "NAT64", "64:ff9b::/96", {0, 0x64, 0xff, 0x9b}, 96, 12},
    {"nat64_local", "local-use NAT64", "64:ff9b:1::/48", {0, 0x64, 0xff, 0x9b, 0, 1}, 48, 0},
    {"discard", "discard-only", "100::/64", {0x01}, 64, 0},
    {"teredo", "Teredo", "2001::/32", {0x20, 0x01}, 32, 0},
    {"benchmarking", "benchmarking", "2001:2::/48", {0x20, 0x01, 0, 0x02}, 48, 0},
    {"orchid", "ORCHID (deprecated)", "2001:10::/28", {0x20, 0x01, 0, 0x10}, 28, 0},
    {"orchid2", "ORCHIDv2", "2001:20::/28", {0x20, 0x01, 0, 0x20}, 28, 0},
    {"protocol", "an IETF protocol assignment", "2001::/23", {0x20, 0x01}, 23, 0},
    {"documentation", "documentation", "2001:db8::/32", {0x20, 0x01, 0x0d, 0xb8}, 32, 0},
    {"6to4", "6to4", "2002::/16", {0x20, 0x02}, 16, 2},
    {"documentation", "documentation", "3fff::/20", {0x3f, 0xff}, 20, 0},
    {"teredo", "Teredo, old prefix", "3ffe:831f::/32", {0x3f, 0xfe, 0x83, 0x1f}, 32, 0},
    {"6bone", "6bone (given back in 2006)", "3ffe::/16", {0x3f, 0xfe}, 16, 0},
    {"global_unicast", "global unicast", "2000::/3", {0x20}, 3, 0},
    {"unique_local", "unique local", "fc00::/7", {0xfc}, 7, 0},
    {"link_local", "link-local", "fe80::/10", {0xfe, 0x80}, 10, 0},
    {"site_local", "site-local (deprecated)", "fec0::/10", {0xfe, 0xc0}, 10, 0},
    {"multicast_interface", "interface-local multicast", "ff01::/16", {0xff, 0x01}, 16, 0},
    {"multicast_link", "link-local multicast", "ff02::/16", {0xff, 0x02}, 16, 0},
    {"multicast", "multicast", "ff00::/8", {0xff}, 8, 0},
    {"reserved", "reserved by the IETF", "::/0", {0}, 0, 0},
};

const char *ip6_block_code(unsigned number)
{
    return blocks[number].code;
}

static bool lies_in(uint64_t high, uint64_t low, const struct ip6_block *block)
{
    unsigned length = block->length;

    high ^= load_u64(block->bits);
    if (length < 64)
        return length == 0 || high >> (64 - length) == 0;
    return high == 0 && (length == 64 || (low ^ load_u64(block->bits + 8)) >> (128 - length) == 0);
}

const struct ip6_block *ip6_block_of(const struct in6_addr *address)
{
    uint64_t high = load_u64(address->s6_addr), low = load_u64(address->s6_addr + 8);
    const struct ip6_block *block = blocks;

    /* The last holds every address. */
    while (!lies_in(high, low, block))
        block++;
    return block;
}

bool ip6_block_ip4(const struct ip6_block *block, const struct in6_addr *address, uint32_t *ip4)
{
    if (block->ip4_at == 0)
        return false;
    *ip4 = load_u32(address->s6_addr + block->ip4_at);
    return true;
}

/* Hosts have neither addresses of 0/8 and 127/8 nor of 224/4 and above. */
static bool may_be_host(uint32_t address)
{
    return address >> 24 != 0 && address >> 24 != 127 && address < UINT32_C(0xe0000000);
}

enum ip6_identifier ip6_identifier_of(const struct in6_addr *address, uint16_t *flags,
                                      struct endpoint *mapped)
{
    static const uint8_t isatap[] = {0, 0, 0x5e, 0xfe};
    const uint8_t *id = address->s6_addr + 8;
    uint16_t bits = load_u16(id);
    struct endpoint e = {~load_u32(id + 4), (uint16_t)~load_u16(id + 2)};
    bool from_mac = id[3] == 0xff && id[4] == 0xfe;

    if (!ip6_is_link_local(address) || (bits & ~TEREDO_FLAG_CONE) != 0 || from_mac ||
        memcmp(id, isatap, sizeof isatap) == 0)
        return IP6_IDENTIFIER_OTHER;
    *flags = bits;
    *mapped = e;
    if (e.port == 0 && e.address >> 24 == 0)
        return IP6_IDENTIFIER_CLIENT;
    /* A port field of 0 is the padding of a short identifier such as ::1. */
    return e.port != 0 && e.port != UINT16_MAX && may_be_host(e.address) ? IP6_IDENTIFIER_TEREDO
                                                                         : IP6_IDENTIFIER_OTHER;
}
