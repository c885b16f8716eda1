#include "ip6_text.h"

#include <endian.h>
#include <string.h>

#include "bytes.h"
#include "endpoint.h"

enum {
    GROUPS = 8,
    MAX_ZONE = 64,
};

/* The two digits of each byte. */
#define ROW(high)                                                                                  \
    high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7" high "8" high "9" high \
         "a" high "b" high "c" high "d" high "e" high "f"
static const char digits[] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5") ROW("6") ROW("7")
    ROW("8") ROW("9") ROW("a") ROW("b") ROW("c") ROW("d") ROW("e") ROW("f");

/* Without zeros in front. The digits are put together in a register: a processor stalls where it
 * reads back in one piece what it has just written in two. */
static char *put_group(char *p, unsigned group)
{
    unsigned zeros = (unsigned)__builtin_clz(group | 1) / 4 - 4;
    uint16_t high, low;
    uint32_t text;

    memcpy(&high, digits + 2 * (group >> 8), 2);
    memcpy(&low, digits + 2 * (group & 0xff), 2);
    text = htole32((le16toh(high) | (uint32_t)le16toh(low) << 16) >> 8 * zeros);
    memcpy(p, &text, 4);
    return p + 4 - zeros;
}

/* A bit for each of four groups that is zero, the lowest for the first. The highest bits of groups
 * that are not zero are set by a carry or at once; the product moves one bit of each side by side.
 */
static unsigned zero_groups(uint64_t groups)
{
    const uint64_t high = UINT64_C(0x8000800080008000);
    uint64_t zeros = ~(((groups & ~high) + ~high) | groups) & high;

    return (unsigned)((zeros >> 15) * UINT64_C(0x0008000400020001) >> 48 & 0xf);
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. */
static int longest_zeros(const uint8_t *address, int *length)
{
    unsigned zeros = zero_groups(load_u64(address)) | zero_groups(load_u64(address + 8)) << 4, runs;

    /* A bit each where that many zeros begin. */
    runs = zeros;
    for (*length = 1; (runs & zeros >> *length) != 0; ++*length)
        runs &= zeros >> *length;
    return *length > 1 ? __builtin_ctz(runs) : -1;
}

size_t ip6_format(const struct in6_addr *address, char buf[static IP6_STRLEN])
{
    unsigned groups[GROUPS];
    char *p = buf;
    int zeros, length;

    for (int i = 0; i < GROUPS; i++)
        groups[i] = load_u16(address->s6_addr + 2 * i);
    zeros = longest_zeros(address->s6_addr, &length);
    /* An IPv4 address inside: ::ffff:192.0.2.1 and ::192.0.2.1. */
    if (zeros == 0 && (length == 6 || (length == 5 && groups[5] == 0xffff))) {
        memcpy(p, "::ffff:", 7);
        p += length == 6 ? 2 : 7;
        return (size_t)(p - buf) + ip4_put(load_u32(address->s6_addr + 12), p);
    }
    for (int i = 0; i < GROUPS; i++) {
        if (i == zeros) {
            *p++ = ':';
            i += length - 1;
            if (i == GROUPS - 1)
                *p++ = ':';
            continue;
        }
        if (i > 0)
            *p++ = ':';
        p = put_group(p, groups[i]);
    }
    *p = '\0';
    return (size_t)(p - buf);
}

/* One more than the value of a hexadecimal digit; 0 for other characters. A table, for digits come
 * at random and a processor guesses them badly. */
static const uint8_t digit_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* Reads one to four hexadecimal digits; what follows them, or NULL if there is none. */
static const char *parse_group(const char *p, const char *end, unsigned *out)
{
    const char *limit = end - p > 4 ? p + 4 : end;
    const char *start = p;
    unsigned value = 0, digit;

    for (; p < limit && (digit = digit_values[(unsigned char)*p]) != 0; p++)
        value = value << 4 | (digit - 1);
    *out = value;
    return p == start ? NULL : p;
}

/* Reads dotted quads; what follows them, or NULL. */
static const char *parse_quads(const char *p, const char *end, unsigned *groups)
{
    char quads[IP4_STRLEN];
    size_t size = 0;
    uint32_t address;

    for (; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) {
        if (size == sizeof quads - 1)
            return NULL;
        quads[size++] = *p;
    }
    quads[size] = '\0';
    if (!ip4_parse(quads, &address))
        return NULL;
    groups[0] = address >> 16;
    groups[1] = address & 0xffff;
    return p;
}

/* Reads groups until something else comes. COUNT are there then, GAP of them before a "::" (-1 =
 * there is none); the result is what follows them, or NULL. */
static const char *parse_groups(const char *p, const char *end, unsigned *groups, int *count,
                                int *gap)
{
    *count = 0;
    *gap = -1;
    if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
        *gap = 0;
        p += 2;
        if (p == end || digit_values[(unsigned char)*p] == 0)
            return p;
    }
    for (;;) {
        const char *start = p;

        if (*count == GROUPS || (p = parse_group(p, end, &groups[*count])) == NULL)
            return NULL;
        if (p < end && *p == '.') {
            *count += 2;
            return *count > GROUPS ? NULL : parse_quads(start, end, &groups[*count - 2]);
        }
        ++*count;
        if (p == end || *p != ':')
            return p;
        if (++p < end && *p == ':') {
            if (*gap >= 0)
                return NULL;
            *gap = *count;
            p++;
            if (p == end || digit_values[(unsigned char)*p] == 0)
                return p;
        }
    }
}

/* RFC 4291 2.2: eight groups, or fewer and a "::" in place of at least one. */
static const char *parse_address(const char *p, const char *end, struct in6_addr *out)
{
    unsigned groups[GROUPS];
    int count, gap, missing;

    p = parse_groups(p, end, groups, &count, &gap);
    missing = GROUPS - count;
    if (p == NULL || (gap < 0) != (missing == 0))
        return NULL;
    if (gap < 0)
        gap = count;
    for (int i = 0; i < gap; i++)
        store_u16(out->s6_addr + 2 * i, (uint16_t)groups[i]);
    memset(out->s6_addr + 2 * gap, 0, 2 * (size_t)missing);
    for (int i = gap; i < count; i++)
        store_u16(out->s6_addr + 2 * (i + missing), (uint16_t)groups[i]);
    return p;
}

static bool is_zone_character(char c)
{
    return c > ' ' && c <= '~' && c != '%' && c != '/' && c != '[' && c != ']';
}

/* Reads "%ZONE", if there is one; what follows it, or NULL. */
static const char *parse_zone(const char *p, const char *end, struct ip6_text *out)
{
    out->zone = NULL;
    out->zone_size = 0;
    if (p == end || *p != '%')
        return p;
    out->zone = ++p;
    while (p < end && is_zone_character(*p))
        p++;
    out->zone_size = (size_t)(p - out->zone);
    return out->zone_size == 0 || out->zone_size > MAX_ZONE ? NULL : p;
}

/* True if P to END is empty, or MARK and a decimal number of at most MAX. */
static bool is_suffix(const char *p, const char *end, char mark, unsigned max)
{
    unsigned value = 0;

    if (p == end)
        return true;
    if (*p++ != mark || p == end)
        return false;
    for (; p < end && *p >= '0' && *p <= '9' && value <= max; p++)
        value = value * 10 + (unsigned)(*p - '0');
    return p == end && value <= max;
}

bool ip6_parse(const char *text, size_t size, struct ip6_text *out)
{
    struct ip6_text result;
    const char *p = text, *end = text + size;
    bool brackets = size > 0 && *p == '[';

    p = parse_address(brackets ? p + 1 : p, end, &result.address);
    if (p == NULL || (p = parse_zone(p, end, &result)) == NULL)
        return false;
    if (brackets && (p == end || *p++ != ']'))
        return false;
    if (!(brackets ? is_suffix(p, end, ':', UINT16_MAX) : is_suffix(p, end, '/', 128)))
        return false;
    *out = result;
    return true;
}
