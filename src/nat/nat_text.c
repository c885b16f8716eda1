#include <stdio.h>
#include <string.h>

#include "nat.h"

static void append(char *buf, const char *text)
{
    size_t n = strlen(buf);

    snprintf(buf + n, NAT_RESULT_STRLEN - n, "%s%s", n > 0 ? "; " : "", text);
}

/* "192.0.2.1:3544", "192.0.2.1" (any port) or "anyone". */
static const char *filter_text(struct endpoint filter, char buf[static ENDPOINT_STRLEN])
{
    if (filter.address == 0)
        return "anyone";
    return filter.port == 0 ? ip4_format(filter.address, buf) : endpoint_format(filter, buf);
}

static void append_mapping(char *buf, const struct nat_result *r)
{
    char text[128], internal[ENDPOINT_STRLEN], external[ENDPOINT_STRLEN];

    if (r->happened & NAT_MAPPING_EXPIRED) {
        snprintf(text, sizeof text, "mapping %s had expired",
                 endpoint_format(r->expired, external));
        append(buf, text);
    }
    endpoint_format(r->internal, internal);
    endpoint_format(r->external, external);
    if (r->happened & NAT_MAPPING_CREATED) {
        /* A firewall translates nothing, so that its mappings are not worth a word. */
        if (endpoint_equal(r->internal, r->external))
            return;
        snprintf(text, sizeof text, "mapping made, %s is %s outside", internal, external);
        append(buf, text);
    }
}

static void append_filter(char *buf, const struct nat_result *r)
{
    char text[64], filter[ENDPOINT_STRLEN];

    filter_text(r->filter, filter);
    if (r->happened & NAT_FILTER_OPENED) {
        snprintf(text, sizeof text, "filter opened %stowards %s",
                 r->happened & NAT_FILTER_EXPIRED ? "again " : "", filter);
        append(buf, text);
    } else if (r->happened & NAT_FILTER_EXPIRED) {
        snprintf(text, sizeof text, "the filter towards %s had expired", filter);
        append(buf, text);
    }
}

/* Reasons that need no endpoint to be told. */
static const char *const whys[] = {
    [NAT_HAIRPIN_OFF] = "hairpinning is off",
    [NAT_UDP_BLOCKED] = "UDP is blocked",
    [NAT_SOURCE_NOT_INSIDE] = "the source is not inside",
    [NAT_TABLE_FULL] = "the table is full",
    [NAT_NO_FREE_PORT] = "no free port outside",
};

static void append_verdict(char *buf, const struct nat_result *r)
{
    char text[128], endpoint[ENDPOINT_STRLEN];

    switch (r->reason) {
    case NAT_PASSED:
        if (r->verdict == NAT_IN)
            append(buf, "let in");
        else if (r->verdict == NAT_HAIRPIN)
            append(buf, "turned back in (hairpin)");
        else if (buf[0] == '\0')
            append(buf, "let out");
        return;
    case NAT_NO_MAPPING:
        snprintf(text, sizeof text, "discarded: no mapping at %s",
                 endpoint_format(r->to, endpoint));
        break;
    case NAT_FILTERED_ADDRESS:
        snprintf(text, sizeof text, "discarded: nothing was sent to %s",
                 ip4_format(r->from.address, endpoint));
        break;
    case NAT_FILTERED_ADDRESS_PORT:
        snprintf(text, sizeof text, "discarded: nothing was sent to %s",
                 endpoint_format(r->from, endpoint));
        break;
    case NAT_HAIRPIN_OFF:
    case NAT_UDP_BLOCKED:
    case NAT_SOURCE_NOT_INSIDE:
    case NAT_TABLE_FULL:
    case NAT_NO_FREE_PORT:
        snprintf(text, sizeof text, "discarded: %s", whys[r->reason]);
        break;
    }
    append(buf, text);
}

const char *nat_result_text(const struct nat_result *result, char buf[static NAT_RESULT_STRLEN])
{
    buf[0] = '\0';
    append_mapping(buf, result);
    append_filter(buf, result);
    append_verdict(buf, result);
    return buf;
}
