#include "evidence_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(char buf[static EVIDENCE_STRLEN],
                                                      const char *format, ...)
{
    size_t n = strlen(buf);
    va_list args;

    va_start(args, format);
    vsnprintf(buf + n, EVIDENCE_STRLEN - n, format, args);
    va_end(args);
}

static const char *plural(unsigned n)
{
    return n == 1 ? "" : "s";
}

/* One kind of message, N times, from a port to an endpoint. */
static void add_messages(char *buf, const struct classify_evidence *e, const char *what)
{
    char to[ENDPOINT_STRLEN];

    add(buf, "%u %s%s from port %u to %s", e->sent, what, plural(e->sent), e->port,
        endpoint_format(e->to, to));
}

static void add_relayed(char *buf, const struct classify_evidence *e)
{
    char to[ENDPOINT_STRLEN];

    add(buf, "%u bubble%s to port %u, relayed by %s", e->sent, plural(e->sent), e->port,
        endpoint_format(e->to, to));
}

static void add_ports(char *buf, const struct classify_evidence *e)
{
    add(buf, "packets from %u local port%s or to more destinations, in this order:", e->port_count,
        plural(e->port_count));
    for (unsigned i = 0; i < e->port_count; i++)
        add(buf, " %u", e->ports[i].local);
}

const char *evidence_sent(const struct classify_evidence *e, char buf[static EVIDENCE_STRLEN])
{
    char other[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    buf[0] = '\0';
    switch (e->test) {
    case TEST_SILENCE:
        add_messages(buf, e, "solicitation");
        break;
    case TEST_HOPS:
        add_messages(buf, e, "solicitation");
        add(buf, ", with times to live from 2 on");
        break;
    case TEST_MAPPING:
        add(buf, "%u solicitation%s from port %u to both server addresses", e->sent,
            plural(e->sent), e->port);
        break;
    case TEST_MAPPING_PORT:
        add(buf, "%u solicitation%s from port %u to the primary address, port 3544 and port %u",
            e->sent, plural(e->sent), e->port, e->to.port);
        break;
    case TEST_FILTER_ANY:
        add_messages(buf, e, "cone-bit solicitation");
        add(buf, "; %s answers, to which that port never sends", endpoint_format(e->answer, other));
        break;
    case TEST_FILTER_PORT:
        add_messages(buf, e, "cone-bit solicitation");
        add(buf, "; %s answers, to another port of which a byte was sent first",
            endpoint_format(e->answer, other));
        break;
    case TEST_FILTER_OPEN:
        add_messages(buf, e, "cone-bit solicitation");
        add(buf, "; %s answers, to which a byte was sent first", endpoint_format(e->answer, other));
        break;
    case TEST_RELAY_ANY:
        add_relayed(buf, e);
        add(buf, ", to which that port never sent");
        break;
    case TEST_RELAY_PORT:
        add_relayed(buf, e);
        add(buf, "; that port sent to another port of it");
        break;
    case TEST_RELAY_OPEN:
        add_relayed(buf, e);
        add(buf, ", to which that port has sent");
        break;
    case TEST_PORTS:
    case TEST_POOLING:
        if (e->port_count > 0)
            add_ports(buf, e);
        else
            add(buf, "packets that made %u mapping%s", e->sent, plural(e->sent));
        break;
    case TEST_HAIRPIN:
        add(buf, "%u bubble%s between two ports of this host, to their external endpoints", e->sent,
            plural(e->sent));
        break;
    case TEST_UNASKED:
        add(buf,
            "%u bubble%s by %s to port %u, which had sent to the other server address alone; "
            "then a solicitation from it to %s",
            e->paired, plural(e->paired), endpoint_format(e->to, other), e->port,
            endpoint_format(e->to, to));
        break;
    case TEST_LIFETIME:
        add_relayed(buf, e);
        add(buf, ", %.1f s after its last packet", nsec_seconds(e->idle));
        break;
    case TEST_KEPT_INBOUND:
        add_relayed(buf, e);
        add(buf, ", which for %.1f s had only received", nsec_seconds(e->idle));
        break;
    case TEST_KEPT_OUTBOUND:
        add_relayed(buf, e);
        add(buf, ", which for %.1f s had only sent", nsec_seconds(e->idle));
        break;
    case TEST_COUNT:
        break;
    }
    return buf;
}

static void add_seen(char *buf, const struct classify_evidence *e, const char *and)
{
    char one[ENDPOINT_STRLEN], other[ENDPOINT_STRLEN];

    if (endpoint_is_unset(e->seen[0]) && endpoint_is_unset(e->seen[1]))
        add(buf, "nothing");
    else if (endpoint_is_unset(e->seen[0]) || endpoint_is_unset(e->seen[1]))
        add(buf, "%s, from one of them alone",
            endpoint_format(endpoint_is_unset(e->seen[0]) ? e->seen[1] : e->seen[0], one));
    else
        add(buf, "the mapped endpoints %s%s%s", endpoint_format(e->seen[0], one), and,
            endpoint_format(e->seen[1], other));
}

static void add_routers(char *buf, const struct classify_evidence *e)
{
    char one[IP4_STRLEN], other[IP4_STRLEN];

    if (e->answered == 0) {
        add(buf, "nothing");
        return;
    }
    add(buf, "ICMP: time to live exceeded, from %s", ip4_format(e->seen[0].address, one));
    if (e->seen[1].address != 0)
        add(buf, " and %s", ip4_format(e->seen[1].address, other));
}

static void add_answer(char *buf, const struct classify_evidence *e)
{
    char from[ENDPOINT_STRLEN];

    if (e->answered > 0) {
        add(buf, "%u of them answered%s%s, the first after %.3f ms", e->answered,
            endpoint_is_unset(e->answer) ? "" : " from ",
            endpoint_is_unset(e->answer) ? "" : endpoint_format(e->answer, from),
            (double)e->delay / 1e6);
        return;
    }
    add(buf, "nothing");
    if (e->references > 0)
        add(buf, ", in %u round%s with a control that came back (%u of %u did)", e->paired,
            plural(e->paired), e->references_answered, e->references);
}

const char *evidence_received(const struct classify_evidence *e, char buf[static EVIDENCE_STRLEN])
{
    char one[IP4_STRLEN], other[IP4_STRLEN];

    buf[0] = '\0';
    switch (e->test) {
    case TEST_MAPPING:
    case TEST_MAPPING_PORT:
    case TEST_UNASKED:
        add_seen(buf, e, " and ");
        break;
    case TEST_HOPS:
        add_routers(buf, e);
        break;
    case TEST_PORTS:
        add(buf, "the external ports");
        for (unsigned i = 0; i < e->port_count; i++)
            add(buf, " %u", e->ports[i].mapped);
        break;
    case TEST_POOLING:
        add(buf, "the external address %s", ip4_format(e->seen[0].address, one));
        if (e->seen[1].address != 0)
            add(buf, ", and %s", ip4_format(e->seen[1].address, other));
        break;
    case TEST_SILENCE:
    case TEST_FILTER_ANY:
    case TEST_FILTER_PORT:
    case TEST_FILTER_OPEN:
    case TEST_RELAY_ANY:
    case TEST_RELAY_PORT:
    case TEST_RELAY_OPEN:
    case TEST_HAIRPIN:
    case TEST_LIFETIME:
    case TEST_KEPT_INBOUND:
    case TEST_KEPT_OUTBOUND:
        add_answer(buf, e);
        break;
    case TEST_COUNT:
        break;
    }
    return buf;
}
