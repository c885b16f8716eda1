#include "json_parts.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "words.h"

json_t *json_any_endpoint(struct endpoint e)
{
    char address[IP4_STRLEN];

    return json_pack("{s:s, s:i}", "address", ip4_format(e.address, address), "port", e.port);
}

json_t *json_endpoint(struct endpoint e)
{
    return endpoint_is_unset(e) ? json_null() : json_any_endpoint(e);
}

json_t *json_ip6(const struct in6_addr *address)
{
    char buf[INET6_ADDRSTRLEN];

    return json_string(words_ip6(address, buf));
}

json_t *json_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t size = strlen(text);
    json_t *o = json_string(text);
    char *clean, *p;

    if (o != NULL || (clean = p = malloc(size * strlen(replacement) + 1)) == NULL)
        return o;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x80)
            *p++ = *text;
        else
            p = stpcpy(p, replacement);
    *p = '\0';
    o = json_string(clean);
    free(clean);
    return o;
}

json_t *json_time(nsec when)
{
    char buf[RFC3339_STRLEN];

    return json_string(words_time(when, buf));
}

json_t *json_seconds(nsec t, bool known)
{
    return known ? json_real(nsec_seconds(t)) : json_null();
}

json_t *json_icmp(bool has, struct icmp_error icmp)
{
    char reporter[IP4_STRLEN];

    if (!has)
        return json_null();
    return json_pack("{s:i, s:i, s:s, s:s}", "type", icmp.type, "code", icmp.code, "text",
                     icmp_error_text(icmp), "from", ip4_format(icmp.reporter, reporter));
}

json_t *json_bounds(nsec at_least, nsec at_most)
{
    return json_pack("{s:o, s:o}", "at_least", json_seconds(at_least, at_least > 0), "at_most",
                     json_seconds(at_most, at_most != NSEC_NEVER));
}
