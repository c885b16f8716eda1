/* The chart of a peer's contact, seen from B: what reached it, and what it sent. How the peer's
 * bubble got to the server is inferred. */
#include <string.h>

#include "chart.h"
#include "teredo_addr.h"
#include "words.h"

struct contact_chart {
    struct sequence *s;
    const struct qualification *q;
    struct in6_addr peer; /* its Teredo address, where one is known */
    bool has_address;
    struct endpoint seen; /* where the peer's direct packets came from; unset = none came */
    unsigned a;
    unsigned b;
    unsigned server_b;
    bool open;
    unsigned echoes;
};

/* The peer's server, by its address; our own may be the same. */
static unsigned peer_server(const struct contact_chart *c, struct endpoint server)
{
    unsigned lane;

    if (endpoint_equal(server, c->q->server))
        return c->server_b;
    lane = sequence_lane(c->s, PARTY_SERVER_A, "A's server");
    sequence_endpoint(c->s, lane, server);
    return lane;
}

static void qualify_many_summary(struct contact_chart *c, const struct event *events, size_t count)
{
    struct teredo_addr a;

    for (size_t i = 0; i < count; i++) {
        const struct event *e = &events[i];

        if (!c->has_address || IN6_IS_ADDR_LINKLOCAL(&c->peer)) {
            c->peer = e->peer.peer;
            c->has_address = true;
        }
        if (e->peer.activity == PEER_TRUSTED) {
            c->open = true;
            c->seen = e->peer.endpoint;
        }
        if (e->peer.activity == PEER_ECHOED)
            c->echoes++;
    }
    if (endpoint_is_unset(c->seen) && teredo_addr_decode(&c->peer, &a))
        c->seen = a.mapped;
}

static void make_lanes(struct contact_chart *c)
{
    const struct qualification *q = c->q;
    struct endpoint mapped = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;

    c->a = sequence_lane(c->s, PARTY_A, "A");
    sequence_endpoint(c->s, c->a, c->seen);
    c->server_b = sequence_lane(c->s, PARTY_SERVER_B, "B's server");
    sequence_endpoint(c->s, c->server_b, q->server);
    if (q->nat == QUALIFY_NAT_CONE_OR_RESTRICTED || q->nat == QUALIFY_NAT_SYMMETRIC)
        sequence_endpoint(c->s, sequence_lane(c->s, PARTY_NAT_B, "NAT B"), mapped);
    c->b = sequence_lane(c->s, PARTY_B, "B");
    sequence_endpoint(c->s, c->b, q->local);
}

static void draw(struct contact_chart *c, const struct event *e)
{
    const char *text = text_of(&peer_activities, e->peer.activity);
    struct sequence_item *item = NULL;
    char from[ENDPOINT_STRLEN];

    switch (e->peer.activity) {
    case PEER_INDIRECT_BUBBLE:
        sequence_arrow(c->s, c->a, c->server_b, "2 indirect bubble")->dashed = true;
        item = sequence_arrow(c->s, c->server_b, c->b, "3 bubble with origin");
        break;
    case PEER_DIRECT_BUBBLE:
        item = sequence_arrow(c->s, c->a, c->b, "direct bubble");
        break;
    case PEER_ANSWERED:
        item = sequence_arrow(c->s, c->b, c->a, "4 direct bubble");
        break;
    case PEER_ANSWERED_INDIRECTLY:
        item = sequence_arrow(c->s, c->b, peer_server(c, e->peer.endpoint), "indirect answer");
        break;
    case PEER_ECHOED:
        item = sequence_arrow(c->s, c->a, c->b, "5 echo request");
        sequence_at(item, e->peer.offset);
        item = sequence_arrow(c->s, c->b, c->a, "5 echo reply");
        break;
    case PEER_UNPROVEN:
        item = sequence_remark(c->s, c->b, "from %s: %s", endpoint_format(e->peer.endpoint, from),
                               text);
        break;
    case PEER_TRUSTED:
    case PEER_RATE_LIMITED:
    case PEER_REFUSED:
        item = sequence_remark(c->s, c->b, "%s", text);
        break;
    }
    if (item != NULL)
        sequence_at(item, e->peer.offset);
}

static void conclude(const struct contact_chart *c)
{
    bool unnamed = IN6_IS_ADDR_LINKLOCAL(&c->peer);
    char verdict[256];

    if (c->open && c->echoes > 0)
        snprintf(verdict, sizeof verdict,
                 "the direct path is open, and %u echo request%s answered on it\n", c->echoes,
                 c->echoes == 1 ? " was" : "s were");
    else if (c->open)
        snprintf(verdict, sizeof verdict, "the direct path is open; no echo request came on it\n");
    else if (unnamed)
        snprintf(verdict, sizeof verdict,
                 "nothing arrived directly from this link-local source\n"
                 "  such a source names no peer; the control of a trace looks the same\n");
    else
        snprintf(verdict, sizeof verdict, "no packet that is surely the peer's arrived directly\n");
    sequence_verdict(c->s,
                     c->open   ? MOOD_YES
                     : unnamed ? MOOD_UNSURE
                               : MOOD_NO,
                     c->open ? "reached" : "not reached", verdict);
}

void chart_contact(struct sequence *out, const struct event *events, size_t count,
                   const struct qualification *q)
{
    struct contact_chart c = {.s = out, .q = q};
    char own[INET6_ADDRSTRLEN], peer[INET6_ADDRSTRLEN], when[RFC3339_STRLEN];

    qualify_many_summary(&c, events, count);
    snprintf(out->title, sizeof out->title, "contact of A, %s, with B, %s, at %s",
             words_ip6(&c.peer, peer), words_ip6(&q->teredo_address, own),
             words_time(events[0].when, when));
    make_lanes(&c);
    for (size_t i = 0; i < count; i++)
        draw(&c, &events[i]);
    conclude(&c);
}
