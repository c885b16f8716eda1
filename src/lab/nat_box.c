#include "nat_box.h"

int nat_box_init(struct nat_box *g, const struct nat_config *config)
{
    struct nat_config echo = *config;

    *g = (struct nat_box){.kind = config->kind};
    if (config->kind == NAT_KIND_NONE)
        return 0;
    /* Identifiers are numbered from 1, not from 1024. */
    echo.port_low = 1;
    echo.port_high = UINT16_MAX;
    echo.block_udp = false;
    g->udp = nat_new(config);
    g->echo = nat_new(&echo);
    if (g->udp != NULL && g->echo != NULL)
        return 0;
    nat_box_clear(g);
    return -1;
}

void nat_box_clear(struct nat_box *g)
{
    nat_free(g->udp);
    nat_free(g->echo);
    *g = (struct nat_box){0};
}

/* The endpoint of an echo's own side: where the identifier stands for the port. */
static struct endpoint queried(struct endpoint e, uint16_t query)
{
    e.port = query;
    return e;
}

static void translate(struct datagram *d, const struct nat_result *r)
{
    if (r->verdict == NAT_OUT || r->verdict == NAT_HAIRPIN)
        datagram_set(d, DATAGRAM_SOURCE, r->from);
    if (r->verdict == NAT_IN || r->verdict == NAT_HAIRPIN)
        datagram_set(d, DATAGRAM_DESTINATION, r->to);
}

static void refuse(struct nat_result *result, const struct datagram *d)
{
    *result = (struct nat_result){
        .verdict = NAT_DROP, .reason = NAT_NO_MAPPING, .from = d->outer.from, .to = d->outer.to};
}

/* The instance that maps the datagram which an ICMP error is about, and that datagram's endpoints,
 * with the identifier on the inner side; NULL if it cannot be mapped. */
static struct nat *inner_nat(const struct nat_box *g, const struct datagram *d, bool was_outbound,
                             struct endpoint *from, struct endpoint *to)
{
    *from = d->inner.from;
    *to = d->inner.to;
    if (d->inner.kind == DATAGRAM_UDP)
        return g->udp;
    if (d->inner.kind != DATAGRAM_ECHO)
        return NULL;
    if (was_outbound)
        from->port = d->inner.query;
    else
        to->port = d->inner.query;
    return g->echo;
}

/* From inside: about a datagram that had come in. */
static bool error_outbound(struct nat_box *g, nsec now, struct datagram *d,
                           struct nat_result *result)
{
    struct endpoint from, to, external;
    const struct nat *nat = inner_nat(g, d, false, &from, &to);

    if (nat == NULL || !nat_error_outbound(nat, now, from, to, &external))
        return false;
    datagram_set_inner(d, DATAGRAM_DESTINATION, external);
    /* The sender may be a router inside, whose address would mean nothing outside. */
    datagram_set(d, DATAGRAM_SOURCE, (struct endpoint){.address = external.address});
    *result = (struct nat_result){.verdict = NAT_OUT,
                                  .internal = to,
                                  .external = external,
                                  .from = d->outer.from,
                                  .to = d->outer.to};
    return true;
}

/* From outside: about a datagram that had gone out. */
static bool error_inbound(struct nat_box *g, nsec now, struct datagram *d,
                          struct nat_result *result)
{
    struct endpoint from, to, internal;
    const struct nat *nat = inner_nat(g, d, true, &from, &to);

    if (nat == NULL || !nat_error_inbound(nat, now, from, to, &internal))
        return false;
    datagram_set_inner(d, DATAGRAM_SOURCE, internal);
    datagram_set(d, DATAGRAM_DESTINATION, (struct endpoint){.address = internal.address});
    *result = (struct nat_result){.verdict = NAT_IN,
                                  .internal = internal,
                                  .external = from,
                                  .from = d->outer.from,
                                  .to = d->outer.to};
    return true;
}

static enum packet_event_reason cannot_map(const struct datagram *d)
{
    return d->outer.kind == DATAGRAM_FRAGMENT ? PACKET_EVENT_FRAGMENT : PACKET_EVENT_PROTOCOL;
}

enum packet_event_reason nat_box_outbound(struct nat_box *g, nsec now, struct datagram *d,
                                          struct nat_result *result)
{
    const struct datagram_layer *o = &d->outer;

    refuse(result, d);
    switch (o->kind) {
    case DATAGRAM_UDP:
        nat_outbound(g->udp, now, o->from, o->to, result);
        break;
    case DATAGRAM_ECHO:
        nat_outbound(g->echo, now, queried(o->from, o->query), o->to, result);
        break;
    case DATAGRAM_ERROR:
        return error_outbound(g, now, d, result) ? PACKET_EVENT_NO_REASON : PACKET_EVENT_BY_NAT;
    case DATAGRAM_OTHER:
    case DATAGRAM_FRAGMENT:
    case DATAGRAM_FOREIGN:
        return cannot_map(d);
    }
    translate(d, result);
    return result->verdict == NAT_DROP ? PACKET_EVENT_BY_NAT : PACKET_EVENT_NO_REASON;
}

enum packet_event_reason nat_box_inbound(struct nat_box *g, nsec now, struct datagram *d,
                                         struct nat_result *result)
{
    const struct datagram_layer *o = &d->outer;

    refuse(result, d);
    switch (o->kind) {
    case DATAGRAM_UDP:
        nat_inbound(g->udp, now, o->from, o->to, result);
        break;
    case DATAGRAM_ECHO:
        nat_inbound(g->echo, now, o->from, queried(o->to, o->query), result);
        break;
    case DATAGRAM_ERROR:
        return error_inbound(g, now, d, result) ? PACKET_EVENT_NO_REASON : PACKET_EVENT_BY_NAT;
    case DATAGRAM_OTHER:
    case DATAGRAM_FRAGMENT:
    case DATAGRAM_FOREIGN:
        return cannot_map(d);
    }
    translate(d, result);
    return result->verdict == NAT_DROP ? PACKET_EVENT_BY_NAT : PACKET_EVENT_NO_REASON;
}
