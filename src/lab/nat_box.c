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

static void translate(struct datagram *d, const struct nat_result *r)
{
    if (r->verdict == NAT_OUT || r->verdict == NAT_HAIRPIN)
        datagram_set(d, DATAGRAM_SOURCE, r->from);
    if (r->verdict == NAT_IN || r->verdict == NAT_HAIRPIN)
        datagram_set(d, DATAGRAM_DESTINATION, r->to);
}

/* The instance that maps LAYER, and the endpoints of LAYER, with the identifier of an echo for the
 * port of the INNER side; NULL if there is none. */
static struct nat *instance(const struct nat_box *g, const struct datagram_layer *layer,
                            enum datagram_side inner, struct endpoint *from, struct endpoint *to)
{
    *from = layer->from;
    *to = layer->to;
    if (layer->kind == DATAGRAM_UDP)
        return g->udp;
    if (layer->kind != DATAGRAM_ECHO)
        return NULL;
    (inner == DATAGRAM_SOURCE ? from : to)->port = layer->query;
    return g->echo;
}

/* An ICMP error, about a datagram that went the other way. */
static bool pass_error(const struct nat_box *g, enum nat_box_way way, nsec now, struct datagram *d,
                       struct nat_result *result)
{
    bool out = way == NAT_BOX_OUTBOUND;
    struct endpoint from, to, found;
    const struct nat *nat =
        instance(g, &d->inner, out ? DATAGRAM_DESTINATION : DATAGRAM_SOURCE, &from, &to);

    if (nat == NULL || !(out ? nat_error_outbound(nat, now, from, to, &found)
                             : nat_error_inbound(nat, now, from, to, &found)))
        return false;
    datagram_set_inner(d, out ? DATAGRAM_DESTINATION : DATAGRAM_SOURCE, found);
    /* The sender may be a router inside, whose address would mean nothing outside. */
    datagram_set(d, out ? DATAGRAM_SOURCE : DATAGRAM_DESTINATION,
                 (struct endpoint){.address = found.address});
    *result = (struct nat_result){.verdict = out ? NAT_OUT : NAT_IN,
                                  .internal = out ? to : found,
                                  .external = out ? found : from,
                                  .from = d->outer.from,
                                  .to = d->outer.to};
    return true;
}

enum packet_event_reason nat_box_pass(struct nat_box *g, enum nat_box_way way, nsec now,
                                      struct datagram *d, struct nat_result *result)
{
    struct endpoint from, to;
    struct nat *nat = instance(
        g, &d->outer, way == NAT_BOX_OUTBOUND ? DATAGRAM_SOURCE : DATAGRAM_DESTINATION, &from, &to);

    *result = (struct nat_result){
        .verdict = NAT_DROP, .reason = NAT_NO_MAPPING, .from = d->outer.from, .to = d->outer.to};
    if (d->outer.kind == DATAGRAM_ERROR)
        return pass_error(g, way, now, d, result) ? PACKET_EVENT_NO_REASON : PACKET_EVENT_BY_NAT;
    if (nat == NULL)
        return d->outer.kind == DATAGRAM_FRAGMENT ? PACKET_EVENT_FRAGMENT : PACKET_EVENT_PROTOCOL;
    if (way == NAT_BOX_OUTBOUND)
        nat_outbound(nat, now, from, to, result);
    else
        nat_inbound(nat, now, from, to, result);
    translate(d, result);
    return result->verdict == NAT_DROP ? PACKET_EVENT_BY_NAT : PACKET_EVENT_NO_REASON;
}
