#include "ip6_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "bytes.h"
#include "endpoint.h"

enum {
    GROUPS = 8,
    MAX_ZONE = 64,
};

static char *put_group(char *p, unsigned group)
{
    static const char digits[] = "0123456789abcdef";

    if (group >= 0x1000)
        *p++ = digits[group >> 12];
    if (group >= 0x100)
        *p++ = digits[group >> 8 & 0xf];
    if (group >= 0x10)
        *p++ = digits[group >> 4 & 0xf];
    *p++ = digits[group & 0xf];
    return p;
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. */
static int longest_zeros(const unsigned *groups, int *length)
{
    int best = -1, best_length = 1;

    for (int i = 0; i < GROUPS; i++) {
        int start = i;

        while (i < GROUPS && groups[i] == 0)
            i++;
        if (i - start > best_length) {
            best = start;
            best_length = i - start;
        }
    }
    *length = best_length;
    return best;
}

size_t ip6_format(const struct in6_addr *address, char buf[static IP6_STRLEN])
{
    unsigned groups[GROUPS];
    char *p = buf;
    int zeros, length;

    for (int i = 0; i < GROUPS; i++)
        groups[i] = load_u16(address->s6_addr + 2 * i);
    zeros = longest_zeros(groups, &length);
    /* An IPv4 address inside: ::ffff:192.0.2.1 and ::192.0.2.1. */
    if (zeros == 0 && (length == 6 || (length == 5 && groups[5] == 0xffff))) {
        memcpy(p, "::ffff:", 7);
        p += length == 6 ? 2 : 7;
        return (size_t)(p - buf) + strlen(ip4_format(load_u32(address->s6_addr + 12), p));
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

/* Takes a '/' and a prefix length, or a ':' and a port, MAX at most, off the end of TEXT; the size
 * that remains, or SIZE if there is none. */
static size_t without_number(const char *text, size_t size, char mark, unsigned max)
{
    unsigned value = 0, place = 1;
    size_t end = size;

    for (; end > 0 && text[end - 1] >= '0' && text[end - 1] <= '9' && size - end < 5; end--) {
        value += place * (unsigned)(text[end - 1] - '0');
        place *= 10;
    }
    return end == size || end == 0 || text[end - 1] != mark || value > max ? size : end - 1;
}

/* Splits ADDRESS%ZONE. */
static bool split_zone(const char *text, size_t *size, struct ip6_text *out)
{
    const char *percent = memchr(text, '%', *size);

    out->zone = NULL;
    out->zone_size = 0;
    if (percent == NULL)
        return true;
    out->zone = percent + 1;
    out->zone_size = *size - (size_t)(out->zone - text);
    *size = (size_t)(percent - text);
    for (size_t i = 0; i < out->zone_size; i++)
        if (out->zone[i] <= ' ' || out->zone[i] > '~' || strchr("%/[]", out->zone[i]) != NULL)
            return false;
    return out->zone_size > 0 && out->zone_size <= MAX_ZONE;
}

bool ip6_parse(const char *text, size_t size, struct ip6_text *out)
{
    struct ip6_text result;
    char plain[IP6_STRLEN];

    if (size > 0 && text[0] == '[') {
        if (text[size - 1] != ']')
            size = without_number(text, size, ':', 65535);
        if (text[size - 1] != ']')
            return false;
        text++;
        size -= 2;
    } else {
        size = without_number(text, size, '/', 128);
    }
    if (!split_zone(text, &size, &result) || size >= sizeof plain)
        return false;
    memcpy(plain, text, size);
    plain[size] = '\0';
    /* inet_pton stops at a NUL: one inside the text would hide what follows it. */
    if (memchr(plain, '\0', size) != NULL || inet_pton(AF_INET6, plain, &result.address) != 1)
        return false;
    *out = result;
    return true;
}
