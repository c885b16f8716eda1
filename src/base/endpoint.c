#include "endpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"

#define TEN(tens)                                                                             \
    tens "0", tens "1", tens "2", tens "3", tens "4", tens "5", tens "6", tens "7", tens "8", \
        tens "9"
#define HUNDRED(h)                                                                      \
    TEN(h "0"), TEN(h "1"), TEN(h "2"), TEN(h "3"), TEN(h "4"), TEN(h "5"), TEN(h "6"), \
        TEN(h "7"), TEN(h "8"), TEN(h "9")
static const char octets[][4] = {
    TEN(""),  TEN("1"), TEN("2"),     TEN("3"),  TEN("4"),  TEN("5"),  TEN("6"),  TEN("7"),
    TEN("8"), TEN("9"), HUNDRED("1"), TEN("20"), TEN("21"), TEN("22"), TEN("23"), TEN("24"),
    "250",    "251",    "252",        "253",     "254",     "255",
};

size_t ip4_put(uint32_t address, char buf[static IP4_STRLEN])
{
    char *p = buf;

    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned octet = address >> shift & 0xff;

        memcpy(p, octets[octet], sizeof octets[octet]);
        p += 1 + (octet >= 10) + (octet >= 100);
        *p++ = shift == 0 ? '\0' : '.';
    }
    return (size_t)(p - 1 - buf);
}

const char *ip4_format(uint32_t address, char buf[static IP4_STRLEN])
{
    ip4_put(address, buf);
    return buf;
}

/* Reads a decimal number of at most MAX without leading zeros; returns what follows it, or NULL. */
static const char *parse_decimal(const char *p, unsigned max, unsigned *out)
{
    uint64_t value;
    const char *end = decimal_parse(p, max, &value);

    if (end == NULL || (*p == '0' && end - p > 1))
        return NULL;
    *out = (unsigned)value;
    return end;
}

static const char *parse_quads(const char *p, uint32_t *out)
{
    uint32_t address = 0;

    for (int i = 0; i < 4; i++) {
        unsigned octet;

        if (i > 0 && *p++ != '.')
            return NULL;
        p = parse_decimal(p, 255, &octet);
        if (p == NULL)
            return NULL;
        address = address << 8 | octet;
    }
    *out = address;
    return p;
}

bool ip4_parse(const char *text, uint32_t *out)
{
    uint32_t address;
    const char *end = parse_quads(text, &address);

    if (end == NULL || *end != '\0')
        return false;
    *out = address;
    return true;
}

const char *endpoint_format(struct endpoint e, char buf[static ENDPOINT_STRLEN])
{
    size_t n;

    ip4_format(e.address, buf);
    n = strlen(buf);
    snprintf(buf + n, ENDPOINT_STRLEN - n, ":%u", e.port);
    return buf;
}

bool endpoint_parse(const char *text, uint16_t default_port, struct endpoint *out)
{
    struct endpoint e = {.port = default_port};
    const char *end = parse_quads(text, &e.address);
    unsigned port;

    if (end == NULL)
        return false;
    if (*end == ':') {
        end = parse_decimal(end + 1, 65535, &port);
        if (end == NULL)
            return false;
        e.port = (uint16_t)port;
    }
    if (*end != '\0' || e.port == 0)
        return false;
    *out = e;
    return true;
}

struct block {
    uint32_t address;
    uint8_t length;
    bool teredo_refuses; /* on the list of RFC 4380 5.2.4 */
    bool inside;         /* of hosts behind a NAT, or not beyond this link */
    const char *name;
};

static const struct block blocks[] = {
    {0x00000000, 8, true, false, "local"},
    {0x0a000000, 8, true, true, "private"},
    {0x64400000, 10, false, true, "shared"},
    {0x7f000000, 8, true, true, "loopback"},
    {0xa9fe0000, 16, true, true, "link-local"},
    {0xac100000, 12, true, true, "private"},
    {0xc0000000, 24, false, false, "protocol"},
    {0xc0000200, 24, false, false, "documentation"},
    {0xc0586300, 24, true, false, "6to4 anycast"},
    {0xc0a80000, 16, true, true, "private"},
    {0xc6120000, 15, false, false, "benchmarking"},
    {0xc6336400, 24, false, false, "documentation"},
    {0xcb007100, 24, false, false, "documentation"},
    {0xe0000000, 4, true, false, "multicast"},
    {0xffffffff, 32, true, false, "broadcast"},
    {0xf0000000, 4, false, false, "reserved"},
};

static const struct block *find_block(uint32_t address)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if ((address ^ blocks[i].address) >> (32 - blocks[i].length) == 0)
            return &blocks[i];
    return NULL;
}

bool ip4_is_global_unicast(uint32_t address)
{
    const struct block *block = find_block(address);

    return block == NULL || !block->teredo_refuses;
}

bool ip4_is_inside(uint32_t address)
{
    const struct block *block = find_block(address);

    return block != NULL && block->inside;
}

const char *ip4_look_up(uint32_t address, bool *global_unicast)
{
    const struct block *block = find_block(address);

    *global_unicast = block == NULL || !block->teredo_refuses;
    return block == NULL ? NULL : block->name;
}

const char *ip4_special_block(uint32_t address)
{
    bool ignored;

    return ip4_look_up(address, &ignored);
}
